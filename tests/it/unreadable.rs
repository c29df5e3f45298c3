//! Rows of the log that can't be read: a failure may be among them.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use redeliver_webhooks::model::PassResult;
use redeliver_webhooks::report::Report;
use serde_json::{Value, json};
use simulated_github::{App, Attempt, Fault, Installation, Owner, TestKey, Webhook, guid};
use tokio::time::advance;

use crate::credential_kinds::CLIENT_ID;
use crate::virtual_world::{VirtualWorld, start};
use crate::world::{DAY, HOUR, World, ago};

/// A failed row as GitHub has it, but for `change`.
fn odd(n: u64, at: DateTime<Utc>, change: impl Fn(&mut Value)) -> Attempt {
    let mut row = json!({
        "id": 77_000 + n, "guid": guid(n), "delivered_at": at, "redelivery": false,
        "status": "Invalid HTTP Response: 503", "status_code": 503, "event": "push", "action": null,
    });
    change(&mut row);
    Attempt::failed(guid(n), at).with_id(77_000 + n).raw(row)
}

fn without_guid(n: u64, at: DateTime<Utc>) -> Attempt {
    odd(n, at, |row| row["guid"] = json!(null))
}

#[test]
fn failed_rows_whose_ids_are_texts_are_read_and_redelivered() {
    let world = World::new();
    let ids = |n: u64| json!((77_000 + n).to_string());
    for n in 1..4 {
        let at = ago(50 - n as i64);
        world.log(odd(n, at, |row| {
            row["id"] = ids(n);
            row.as_object_mut().unwrap().remove("redelivery");
        }));
    }
    let ended = world.pass().run().success();
    ended.outputs(&["result=recovered", "recovered=3", "errors=0"]);
    assert_eq!(world.redelivered(), [77_001, 77_002, 77_003]);
}

#[test]
fn ids_of_webhooks_and_installations_may_be_texts() {
    let world = World::new();
    let failed = world.log(Attempt::failed(guid(1), ago(10)));
    let hook =
        json!([{ "id": world.hook.to_string(), "config": { "url": "https://ci.example.com" } }]);
    let fault = Fault::on("GET", "/hooks?").body(hook.to_string());
    world.simulator.github().add_fault(fault);
    world.pass().run().success().outputs(&["recovered=1"]);
    assert_eq!(world.redelivered(), [failed]);

    let world = World::new();
    let hook = {
        let mut github = world.simulator.github();
        github.add_app(App::new(7, CLIENT_ID, TestKey::APP.public_der));
        let id = github.install(Installation::new(
            "acme",
            &[("organization_hooks", "write")],
        ));
        let installation = json!({
            "id": id.to_string(), "account": { "login": "acme", "type": "Organization" },
            "permissions": { "organization_hooks": "write" },
        });
        for path in ["/app/installations", "/orgs/acme/installation"] {
            let body = match path {
                "/app/installations" => json!([installation]),
                _ => installation.clone(),
            };
            github.add_fault(Fault::on("GET", path).body(body.to_string()));
        }
        github.add_webhook(
            Owner::Organization("acme".into()),
            Webhook::new("https://x.example.com"),
        )
    };
    world.log_at(hook, Attempt::failed(guid(1), ago(10)));
    let run = world
        .bare_pass()
        .unset("INPUT_TOKEN")
        .input("client-id", CLIENT_ID);
    let run = run.input("private-key", TestKey::APP.pkcs8_pem);
    let ended = run.input("organization", "*").run().success();
    ended.outputs(&["recovered=1"]);
}

#[test]
fn a_row_that_cannot_be_read_is_an_error_and_holds_the_checkpoint_before_it() {
    type Change = fn(&mut Value);
    let without: [Change; 3] = [
        |row| drop(row.as_object_mut().unwrap().remove("id")),
        |row| drop(row.as_object_mut().unwrap().remove("guid")),
        |row| drop(row.as_object_mut().unwrap().remove("delivered_at")),
    ];
    let changed: [Change; 12] = [
        |row| row["id"] = json!("x"),
        |row| row["id"] = json!(null),
        |row| row["id"] = json!(-1),
        |row| row["id"] = json!(7.5),
        |row| row["guid"] = json!(7),
        |row| row["guid"] = json!(""),
        |row| row["delivered_at"] = json!("yesterday"),
        |row| row["delivered_at"] = json!(1_795_262_400),
        |row| row["delivered_at"] = json!(null),
        |row| *row = json!(null),
        |row| *row = json!("row"),
        |row| *row = json!([1]),
    ];
    for (n, change) in without.into_iter().chain(changed).enumerate() {
        let world = World::new();
        let older = ago(50);
        world.log(Attempt::ok(guid(1), older));
        world.log(odd(2, ago(45), change));
        let failed = world.log(Attempt::failed(guid(3), ago(40)));
        let ended = world.pass().run();
        ended
            .failure("1 row of its log could not be read (")
            .says("check the webhook's recent deliveries on GitHub")
            .outputs(&["failed=1", "scanned=2", "errors=1", "recovered=1"]);
        assert_eq!(world.redelivered(), [failed], "{n}");
        assert_eq!(world.checkpoint(), Some(older), "{n}");
    }
}

#[test]
fn a_log_of_unreadable_rows_alone_is_an_error_once_and_never_healthy() {
    let world = World::new();
    let before = ago(3 * HOUR);
    world.set_variable(&before.timestamp_millis().to_string());
    for n in 1..4 {
        world.log(without_guid(n, ago(50)));
    }
    let ended = world.pass().run();
    ended
        .failure("3 rows of its log could not be read")
        .outputs(&["scanned=0", "failed=0"]);
    assert_eq!(world.checkpoint(), Some(before));
    for _ in 0..3 {
        let ended = world.pass().run().success();
        ended
            .says("::warning::")
            .says("3 rows of its log could not be read")
            .outputs(&["result=unread", "errors=0"]);
        assert_eq!(world.checkpoint(), Some(before));
    }
    // Another one is an error again.
    world.log(without_guid(9, ago(1)));
    world
        .pass()
        .run()
        .failure("4 rows of its log could not be read");
    world.pass().run().success().outputs(&["result=unread"]);
}

#[test]
fn without_a_state_unreadable_rows_are_an_error_each_time() {
    let world = World::new();
    world.log(Attempt::ok(guid(1), ago(50)));
    world.log(without_guid(2, ago(45)));
    for _ in 0..2 {
        let ended = world.bare_pass().run();
        ended.failure("1 row of its log could not be read");
    }
    let file = tempfile::tempdir().unwrap();
    let pass = || {
        world
            .bare_pass()
            .input("checkpoint-file", "checkpoint.json")
    };
    pass()
        .run_in(file.path())
        .failure("1 row of its log could not be read");
    pass()
        .run_in(file.path())
        .success()
        .outputs(&["result=unread"]);
    let dry = || pass().input("dry-run", "true");
    dry()
        .run_in(file.path())
        .success()
        .outputs(&["result=unread"]);
}

#[test]
fn an_unreadable_row_hides_nothing_while_confirming() {
    let world = World::new();
    let failed = world.log(Attempt::failed(guid(1), ago(50)));
    let now = ago(0);
    // The row of its redelivery, and another one.
    let rows = json!([{ "guid": guid(1), "delivered_at": now, "redelivery": true }, null]);
    let fault = Fault::on("GET", "/deliveries?").nth(2).always();
    world
        .simulator
        .github()
        .add_fault(fault.body(rows.to_string()));
    let ended = world.pass().run().success();
    ended.outputs(&["redelivered=1", "recovered=0", "open=1", "result=open"]);
    assert_eq!(world.redelivered(), [failed]);
}

fn is_warned(report: &Report) -> bool {
    let warned = |text: &String| text.contains("of its log could not be read");
    assert!(!report.errors.iter().any(warned), "{:?}", report.errors);
    report.warnings.iter().any(warned)
}

/// Hours after which passes no longer warn of a row that was there an hour before the first of them.
async fn warned_for(world: &VirtualWorld) -> i64 {
    let report = world.pass(&[]).await;
    assert_eq!(report.result(), PassResult::Error, "{:?}", report.errors);
    for pass in 1..100 {
        advance(Duration::from_secs(3_600)).await;
        let report = world.pass(&[]).await;
        if !is_warned(&report) {
            assert_eq!(
                report.result(),
                PassResult::Healthy,
                "{:?}",
                report.warnings
            );
            let began = start() + TimeDelta::hours(pass);
            assert_eq!(report.checkpoint, Some(began), "it holds nothing any more");
            return pass;
        }
        assert_eq!(report.result(), PassResult::Unread, "{:?}", report.warnings);
        assert_eq!(report.gap, None);
        assert_eq!(report.checkpoint, None, "it stays where it is");
    }
    panic!("it is warned of for ever");
}

#[tokio::test(start_paused = true)]
async fn an_unreadable_row_is_warned_of_until_github_no_longer_redelivers_it() {
    let at = |hours| start() - TimeDelta::hours(hours);
    // Its neighbours show its age.
    let world = VirtualWorld::new();
    world.log(Attempt::ok(guid(1), at(3)));
    world.log(without_guid(2, at(2)));
    world.log(Attempt::ok(guid(3), at(1)));
    assert_eq!(warned_for(&world).await, 3 * 24);

    // Only the pass that first read the row knows its age.
    let world = VirtualWorld::new();
    world.log(without_guid(2, at(2)));
    assert_eq!(warned_for(&world).await, 3 * 24 + 1);
}

#[tokio::test(start_paused = true)]
async fn a_log_of_unreadable_rows_is_read_to_its_end_however_long_it_is() {
    let world = VirtualWorld::new();
    for n in 0..3_000 {
        world.log(without_guid(n, start() - TimeDelta::seconds(n as i64)));
    }
    let report = world.pass(&[]).await;
    assert_eq!(report.errors.len(), 1, "{:?}", report.errors);
    assert!(report.errors[0].contains("3000 rows of its log could not be read"));
    assert!(is_warned(&world.pass(&[]).await));
}

#[tokio::test(start_paused = true)]
async fn equal_rows_are_distinguished_by_their_number() {
    let world = VirtualWorld::new();
    let null = |n: u64| odd(n, start() - TimeDelta::hours(1), |row| *row = json!(null));
    world.log(null(1));
    world.log(null(2));
    assert_eq!(world.pass(&[]).await.result(), PassResult::Error);
    assert!(is_warned(&world.pass(&[]).await));
    world.log(null(3));
    assert_eq!(world.pass(&[]).await.result(), PassResult::Error);
    assert!(is_warned(&world.pass(&[]).await));
}

#[tokio::test(start_paused = true)]
async fn failures_around_an_unreadable_row_are_recovered_by_later_passes() {
    let world = VirtualWorld::new();
    let at = |minutes| start() - TimeDelta::minutes(minutes);
    world.log(Attempt::ok(guid(1), at(90)));
    let hidden = world.log(odd(2, at(60), |row| row["id"] = json!("x")));
    world.log(Attempt::ok(guid(3), at(30)));
    assert_eq!(world.pass(&[]).await.result(), PassResult::Error);
    // A newer version can read it.
    advance(Duration::from_secs(24 * 3_600)).await;
    world.log(Attempt::failed(guid(2), at(60)).with_id(hidden));
    let report = world.pass(&[]).await;
    assert_eq!(
        report.result(),
        PassResult::Recovered,
        "{:?}",
        report.warnings
    );
    assert_eq!(world.github().requested(world.hook), [hidden]);
    assert_eq!(report.checkpoint, Some(start() + TimeDelta::days(1)));
}

#[tokio::test(start_paused = true)]
async fn failures_seen_before_reading_broke_off_are_reported_once() {
    let world = VirtualWorld::new();
    for n in 0..150 {
        let at = start() - TimeDelta::minutes(n);
        let row = match n {
            50 | 120 => without_guid(n as u64, at),
            _ => Attempt::ok(guid(n as u64), at),
        };
        world.log(row);
    }
    let broken = || Fault::on("GET", "cursor=").times(6).status(500, "");
    world.github().add_fault(broken());
    let report = world.pass(&[]).await;
    assert_eq!(report.errors.len(), 2, "{:?}", report.errors);
    world.github().add_fault(broken());
    let report = world.pass(&[]).await;
    assert_eq!(report.errors.len(), 1, "{:?}", report.errors);
    // The second page shows another one.
    let report = world.pass(&[]).await;
    assert_eq!(report.result(), PassResult::Error, "{:?}", report.warnings);
    assert!(is_warned(&world.pass(&[]).await));
}

#[test]
fn unreadable_rows_before_the_window_are_ignored() {
    let world = World::new();
    world.set_variable(&ago(2 * HOUR).timestamp_millis().to_string());
    world.log(without_guid(1, ago(DAY)));
    world.log(Attempt::ok(guid(2), ago(DAY - HOUR)));
    world.log(Attempt::ok(guid(3), ago(10)));
    world.pass().run().success().outputs(&["result=healthy"]);
}

#[tokio::test(start_paused = true)]
async fn more_rows_than_the_state_has_room_for_are_an_error_once_and_no_gap() {
    let world = VirtualWorld::new();
    for n in 0..3_500 {
        world.log(without_guid(n, start() - TimeDelta::seconds(n as i64)));
    }
    let report = world.pass(&[]).await;
    assert_eq!(report.errors.len(), 1, "{:?}", report.errors);
    for _ in 0..3 {
        advance(Duration::from_secs(20 * 3_600)).await;
        let report = world.pass(&[]).await;
        assert!(is_warned(&report));
        assert_eq!(report.gap, None);
    }
}
