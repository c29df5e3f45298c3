//! The choice of deliveries to redeliver.

use simulated_github::{Attempt, Receiver, guid};

use crate::world::{DAY, HOUR, World, ago};

#[test]
fn nothing_failed() {
    let world = World::new();
    world.log_healthy(250, 5);
    let ended = world.pass().run().success().outputs(&[
        "result=healthy",
        "scanned=250",
        "failed=0",
        "redelivered=0",
        "errors=0",
        "open=0",
        "lost=0",
        "recovered=0",
        "next-due=",
    ]);
    assert_eq!(world.redelivered(), [0; 0]);
    assert!(
        ended
            .summary
            .contains("No delivery failed: 250 attempts of 1 webhook read.")
    );
    assert_eq!(
        ended.output("checkpoint").len(),
        "2026-11-22T12:00:00Z".len()
    );
}

#[test]
fn an_empty_log_is_healthy() {
    let world = World::new();
    world
        .pass()
        .run()
        .success()
        .outputs(&["result=healthy", "scanned=0", "failed=0"]);
    assert!(world.checkpoint().unwrap() > ago(1));
}

#[test]
fn one_failed_delivery_is_redelivered() {
    let world = World::new();
    world.log_healthy(20, 5);
    let failed = world.log(Attempt::failed(guid(1), ago(HOUR)));
    let ended = world.pass().run().success().outputs(&[
        "result=recovered",
        "failed=1",
        "redelivered=1",
        "recovered=1",
        "open=0",
        "lost=0",
    ]);
    assert_eq!(world.redelivered(), [failed]);
    let report: serde_json::Value = serde_json::from_str(ended.output("report")).unwrap();
    assert_eq!(report["version"], 1);
    assert_eq!(report["counts"]["recovered"], 1);
    assert_eq!(report["counts"].as_object().unwrap().len(), 13);
    assert_eq!(report["causes"][0]["status"], "Invalid HTTP Response: 503");
    assert!(world.checkpoint().unwrap() > ago(1));
    world
        .pass()
        .run()
        .success()
        .outputs(&["result=healthy", "failed=0"]);
    assert_eq!(world.redelivered(), [failed]);
}

#[test]
fn the_next_pass_sees_the_outcome_of_an_unconfirmed_redelivery() {
    let world = World::new();
    let at = ago(HOUR);
    let failed = world.log(Attempt::failed(guid(1), at));
    let run = world.pass().input("confirm-timeout", "0").run().success();
    run.outputs(&["result=open", "redelivered=1", "recovered=0", "open=1"]);
    assert_eq!(world.checkpoint(), Some(at));
    world
        .pass()
        .run()
        .success()
        .outputs(&["result=healthy", "failed=0"]);
    assert_eq!(world.redelivered(), [failed]);
    assert!(world.checkpoint().unwrap() > ago(1));
}

#[test]
fn a_delivery_that_was_recovered_is_not_redelivered() {
    let world = World::new();
    world.log(Attempt::failed(guid(1), ago(HOUR)));
    world.log(Attempt::ok(guid(1), ago(30)).redelivery());
    world
        .pass()
        .run()
        .success()
        .outputs(&["result=healthy", "scanned=2"]);
    assert_eq!(world.redelivered(), [0; 0]);
}

#[test]
fn a_delivered_delivery_is_not_redelivered_after_a_failed_manual_redelivery() {
    let world = World::new();
    world.log(Attempt::ok(guid(1), ago(HOUR)));
    world.log(Attempt::failed(guid(1), ago(30)).redelivery());
    world.pass().run().success().outputs(&["result=healthy"]);
    assert_eq!(world.redelivered(), [0; 0]);
}

#[test]
fn the_newest_attempt_of_a_delivery_is_redelivered() {
    let world = World::new();
    world.log(Attempt::failed(guid(1), ago(HOUR)));
    world.log(Attempt::failed(guid(1), ago(50)).redelivery());
    let newest = world.log(Attempt::failed(guid(1), ago(40)).redelivery());
    let ended = world.pass().run().success().outputs(&["failed=1"]);
    assert_eq!(world.redelivered(), [newest]);
    let summary = &ended.summary;
    let row = summary.lines().find(|line| line.contains(&guid(1)));
    let row = row.unwrap_or_else(|| panic!("{summary}"));
    assert!(row.contains("| recovered | `Invalid HTTP Response: 503` | "));
    assert!(row.ends_with(" | 3 |"), "{row}");
}

#[test]
fn a_receiver_that_stays_down_keeps_its_delivery_open() {
    let world = World::new();
    world.simulator.github().webhook_mut(world.hook).receiver = Receiver::down();
    world.log(Attempt::failed(guid(1), ago(HOUR)));
    for _ in 0..2 {
        world
            .pass()
            .input("backoff", "0")
            .run()
            .success()
            .outputs(&["result=down"]);
        assert!(world.checkpoint().unwrap() <= ago(HOUR - 1));
    }
    let log = world.simulator.github().attempts(world.hook);
    let asked: Vec<u64> = log.iter().skip(1).map(|attempt| attempt.id).rev().collect();
    assert_eq!(world.redelivered(), asked, "each time the newest");
}

#[test]
fn two_webhooks_that_share_a_guid_are_two_deliveries() {
    let world = World::new();
    let other = world.add_webhook();
    let failed = world.log(Attempt::failed(guid(1), ago(HOUR)));
    world.log_at(other, Attempt::ok(guid(1), ago(HOUR)));
    world.log(Attempt::ok(guid(2), ago(HOUR)));
    let failed_there = world.log_at(other, Attempt::failed(guid(2), ago(HOUR)));
    world
        .pass()
        .run()
        .success()
        .outputs(&["failed=2", "redelivered=2"]);
    assert_eq!(world.redelivered(), [failed]);
    assert_eq!(world.simulator.github().requested(other), [failed_there]);
}

#[test]
fn an_original_outside_the_window_is_searched_for() {
    let world = World::new();
    world.simulator.github().webhook_mut(world.hook).receiver = Receiver::down();
    let checkpoint = ago(HOUR);
    world.set_variable(&checkpoint.timestamp_millis().to_string());
    world.log_healthy(300, 2 * HOUR);
    let original = ago(DAY);
    world.log(Attempt::failed(guid(1), original));
    let newest = world.log(Attempt::failed(guid(1), ago(30)).redelivery());
    world
        .pass()
        .run()
        .success()
        .outputs(&["failed=1", "redelivered=1", "scanned=302"]);
    assert_eq!(world.redelivered(), [newest]);
    // Moved back to the original, it would bring all that was skipped since into the next pass.
    assert_eq!(world.checkpoint(), Some(checkpoint), "held by it");

    // One that was delivered back then is not sent again.
    let world = World::new();
    world.set_variable(&ago(HOUR).timestamp_millis().to_string());
    world.log_healthy(300, 2 * HOUR);
    world.log(Attempt::ok(guid(1), original));
    world.log(Attempt::failed(guid(1), ago(30)).redelivery());
    world.pass().run().success().outputs(&["failed=0"]);
    assert_eq!(world.redelivered(), [0; 0]);
}

#[test]
fn reading_stops_at_the_window() {
    let world = World::new();
    world.set_variable(&ago(HOUR).timestamp_millis().to_string());
    world.log_healthy(1_000, 5);
    world.pass().run().success().outputs(&["scanned=200"]);
    // 90 minutes with a row each, the page that reaches past them, and the page that shows it.
    assert!(
        world.requests("/deliveries?") <= 3,
        "two, and one asked for ahead"
    );
}

#[test]
fn a_failure_in_the_overlap_is_found() {
    let world = World::new();
    world.set_variable(&ago(HOUR).timestamp_millis().to_string());
    let late = world.log(Attempt::failed(guid(1), ago(HOUR + 29)));
    world.log(Attempt::failed(guid(2), ago(HOUR + 31)));
    world.pass().run().success().outputs(&["failed=1"]);
    assert_eq!(world.redelivered(), [late]);
}

#[test]
fn a_delivery_older_than_retention_has_expired() {
    let world = World::new();
    world.set_variable(&ago(6 * DAY).timestamp_millis().to_string());
    world.log(Attempt::failed(guid(1), ago(7 * DAY + HOUR)));
    world.log(Attempt::failed(guid(1), ago(HOUR)).redelivery());
    let ended = world.pass().run().lost();
    let ended = ended.outputs(&["result=lost", "lost=1", "failed=1", "redelivered=0"]);
    assert!(
        ended
            .summary
            .contains("too old: `older than GitHub redelivers`"),
        "{}",
        ended.summary
    );
    assert!(
        world.checkpoint().unwrap() > ago(1),
        "what is lost holds nothing"
    );
}

#[test]
fn fresh_deliveries_go_first_and_the_oldest_of_them_leads() {
    let world = World::new();
    world.log(Attempt::failed(guid(1), ago(50)));
    world.log(Attempt::failed(guid(1), ago(45)).redelivery());
    let retried = world.log(Attempt::failed(guid(1), ago(15)).redelivery());
    let middle = world.log(Attempt::failed(guid(2), ago(20)));
    let oldest = world.log(Attempt::failed(guid(3), ago(40)));
    let newest = world.log(Attempt::failed(guid(4), ago(10)));
    world.pass().run().success();
    assert_eq!(world.redelivered(), [oldest, middle, newest, retried]);
}

#[test]
fn one_refused_redelivery_stops_no_other() {
    let world = World::new();
    let first = world.log(Attempt::failed(guid(1), ago(50)));
    let refused = world.log(Attempt::failed(guid(2), ago(40)));
    let third = world.log(Attempt::failed(guid(3), ago(30)));
    world
        .simulator
        .github()
        .refuse(refused, 422, "Validation Failed");
    let ended = world.pass().run().success();
    let ended = ended.outputs(&["result=open", "redelivered=2", "open=1", "errors=0"]);
    assert_eq!(world.redelivered(), [first, third]);
    assert!(
        ended
            .summary
            .contains("refused in this pass: `GitHub answered 422 'Validation Failed'`"),
        "{}",
        ended.summary
    );
}

#[test]
fn a_dry_run_changes_nothing() {
    let world = World::new();
    world.log(Attempt::failed(guid(1), ago(HOUR)));
    let ended = world.pass().input("dry-run", "true").run().success();
    ended
        .outputs(&[
            "result=open",
            "failed=1",
            "redelivered=0",
            "open=1",
            "checkpoint=",
        ])
        .says("1 webhook of acme, all events, all failures, dry run")
        .says("Dry run: 1 of 1 failed delivery of 1 webhook would be redelivered.");
    assert_eq!(world.writes(), [""; 0]);
    assert_eq!(world.variable(), None);
}

#[test]
fn enterprise_server_works_below_its_prefix() {
    let world = World::enterprise_server();
    world.log_healthy(250, 5);
    let failed = world.log(Attempt::failed(guid(1), ago(HOUR)));
    let ended = world
        .pass()
        .run()
        .success()
        .outputs(&["failed=1", "scanned=251"]);
    assert_eq!(world.redelivered(), [failed]);
    let page = format!("/organizations/acme/settings/hooks/{}", world.hook);
    assert!(ended.summary.contains(&page) && !ended.summary.contains("/api/v3"));
}
