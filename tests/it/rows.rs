//! Rows of the log as they may come: odd, incomplete, out of order.

use serde_json::json;
use simulated_github::{Attempt, guid};

use crate::world::{DAY, HOUR, World, ago};

/// A row whose code is null.
fn without_code(mut attempt: Attempt, status: &str) -> Attempt {
    attempt.status = Some(status.into());
    attempt.status_code = None;
    attempt
}

/// A row without outcome yet.
fn without_outcome(mut attempt: Attempt) -> Attempt {
    attempt.status = None;
    attempt.status_code = None;
    attempt
}

#[test]
fn odd_fields_that_are_not_needed_do_no_harm() {
    let world = World::new();
    let at = ago(40).to_rfc3339();
    let odd = json!({
        "id": 77, "guid": "g", "delivered_at": at, "redelivery": false,
        "status": "timed out", "status_code": "504", "action": 5, "event": ["push"],
    });
    world.log(Attempt::failed("g", ago(40)).with_id(77).raw(odd));
    world
        .pass()
        .run()
        .success()
        .outputs(&["failed=1", "redelivered=1"]);
    assert_eq!(world.redelivered(), [77]);
}

#[test]
fn an_original_that_cannot_be_read_does_not_make_a_delivery_expired() {
    let world = World::new();
    world.set_variable(&ago(6 * DAY).timestamp_millis().to_string());
    world.log(Attempt::ok(guid(9), ago(8 * DAY)));
    world.log(Attempt::failed(guid(1), ago(100)).raw(json!({"id": 1, "guid": guid(1)})));
    let newest = world.log(Attempt::failed(guid(1), ago(10)).redelivery());
    for n in 0..100 {
        world.log(Attempt::ok(guid(1_000 + n), ago(5)));
    }
    for n in 0..100 {
        world.log(Attempt::ok(guid(2_000 + n), ago(8 * DAY)));
    }
    world
        .pass()
        .run()
        .failure("1 row of its log could not be read")
        .outputs(&["lost=0", "redelivered=1"]);
    assert_eq!(world.redelivered(), [newest]);
}

#[test]
fn all_rows_of_a_page_count_in_any_order() {
    let world = World::new();
    world.simulator.github().shuffled = true;
    let mut failed = Vec::new();
    for n in 0..150 {
        let at = ago(HOUR) - chrono::TimeDelta::seconds(n);
        let guid = guid(n as u64);
        match n % 3 {
            0 => {
                world.log(Attempt::ok(guid, at));
            }
            1 => failed.insert(0, world.log(Attempt::failed(guid, at))),
            _ => {
                world.log(Attempt::failed(guid.clone(), at));
                world.log(Attempt::ok(guid, at + chrono::TimeDelta::seconds(1)).redelivery());
            }
        }
    }
    world
        .pass()
        .run()
        .success()
        .outputs(&["failed=50", "redelivered=50"]);
    assert_eq!(world.redelivered(), failed);
}

#[test]
fn redirects_code_0_and_null_are_judged_rightly() {
    let world = World::new();
    let redirect =
        world.log(Attempt::failed(guid(1), ago(10)).with_status("Invalid HTTP Response: 302", 302));
    let refused =
        world.log(Attempt::failed(guid(2), ago(9)).with_status("Couldn't connect to server", 0));
    let timed_out = world.log(without_code(Attempt::failed(guid(3), ago(8)), "timed out"));
    world.log(without_outcome(Attempt::failed(guid(4), ago(7))));
    world.log(Attempt::failed(guid(5), ago(6)).with_status("OK", 202));
    let ended = world.pass().run().success();
    ended.outputs(&["failed=4", "redelivered=3", "open=1", "recovered=3"]);
    assert_eq!(world.redelivered(), [redirect, refused, timed_out]);
    let held = world.checkpoint().unwrap();
    assert!(held <= ago(7), "the open delivery holds it: {held}");
}

#[test]
fn a_delivery_without_outcome_holds_the_checkpoint() {
    let world = World::new();
    let pending = without_outcome(Attempt::failed(guid(1), ago(20)));
    let at = pending.delivered_at;
    world.log(pending);
    world
        .pass()
        .run()
        .success()
        .outputs(&["result=open", "redelivered=0"]);
    assert_eq!(world.checkpoint(), Some(at));
}

#[test]
fn ids_above_2_to_the_53_are_exact() {
    let world = World::new();
    let id = 9_007_199_254_740_993;
    world.log(Attempt::failed(guid(1), ago(HOUR)).with_id(id));
    let ended = world.pass().run().success();
    assert_eq!(world.redelivered(), [id]);
    assert!(
        ended.log.contains("attempt 9007199254740993"),
        "{}",
        ended.log
    );
}
