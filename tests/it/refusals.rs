//! Redeliveries that GitHub refuses: one delivery's, or all of a webhook's.

use std::time::Duration;

use chrono::TimeDelta;
use redeliver_webhooks::model::{DeliveryReport, PassResult};
use redeliver_webhooks::report::Report;
use simulated_github::{Attempt, Fault, guid};
use tokio::time::advance;

use crate::virtual_world::{VirtualWorld, start};
use crate::world::{World, ago};

/// Statuses by which GitHub refuses a redelivery.
const REFUSALS: [u16; 6] = [400, 403, 404, 409, 410, 422];

const MESSAGE: &str = r#"{"message":"Not this one"}"#;

const HALF_AN_HOUR: Duration = Duration::from_secs(1_800);

fn count(report: &Report, name: &str) -> usize {
    report.count(|outcome| outcome.to_string() == name)
}

fn delivery(report: &Report, n: u64) -> &DeliveryReport {
    let mut deliveries = report.deliveries();
    deliveries
        .find(|each| each.failure.guid.to_string() == guid(n))
        .unwrap()
}

/// Has GitHub refuse to redeliver the original of this delivery.
fn refuse(world: &VirtualWorld, n: u64, status: u16) {
    let mut github = world.github();
    let log = github.attempts(world.hook);
    let attempt = log.iter().find(|attempt| attempt.guid == guid(n)).unwrap();
    github.refuse(attempt.id, status, "Not this one");
}

fn refuse_all(world: &VirtualWorld, status: u16) {
    let fault = Fault::on("POST", "/attempts").always();
    world.github().add_fault(fault.status(status, MESSAGE));
}

/// The statuses that requests for redeliveries were answered with, in order.
fn answers(world: &VirtualWorld) -> Vec<u16> {
    let github = world.github();
    let asks = github
        .requests()
        .iter()
        .filter(|made| made.method == "POST" && made.path_and_query.ends_with("/attempts"));
    asks.map(|made| made.status).collect()
}

/// Logs a new failure, and runs a pass.
async fn pass_with_another(world: &VirtualWorld, n: u64) -> Report {
    let now = world.github().now();
    world.log(Attempt::failed(guid(n), now - TimeDelta::seconds(1)));
    world.pass(&[]).await
}

#[tokio::test(start_paused = true)]
async fn a_refused_delivery_stops_no_other_and_comes_last_in_the_next_pass() {
    for status in REFUSALS {
        let world = VirtualWorld::new();
        world.log_failures(world.hook, 50, start());
        refuse(&world, 0, status);
        let report = world.pass(&[]).await;
        assert_eq!(count(&report, "recovered"), 49, "{status}");
        assert_eq!(count(&report, "refused"), 1, "{status}");
        assert_eq!(report.result(), PassResult::Open, "{status}");
        assert_eq!(report.errors, [""; 0], "{status}");
        let reason = delivery(&report, 0).reason.clone().unwrap();
        assert!(reason.contains("Not this one"), "{reason}");

        advance(HALF_AN_HOUR).await;
        world.github().clear_requests();
        let report = pass_with_another(&world, 100).await;
        assert_eq!(answers(&world), [202, status]);
        assert_eq!(count(&report, "refused"), 1, "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn three_refusals_in_a_row_end_the_webhooks_turn_and_lose_nothing() {
    for status in REFUSALS {
        let world = VirtualWorld::new();
        world.log_failures(world.hook, 50, start());
        refuse_all(&world, status);
        for _ in 0..6 {
            world.github().clear_requests();
            let report = world.pass(&[]).await;
            assert_eq!(answers(&world), [status; 3]);
            assert_eq!(count(&report, "refused"), 3, "{status}");
            assert_eq!(count(&report, "deferred"), 47, "{status}");
            assert_eq!(report.errors.len(), 1, "{status}: {:?}", report.errors);
            let message = format!("GitHub answered {status} `Not this one`");
            assert!(report.errors[0].contains(&message), "{:?}", report.errors);
            let deferred = report.deliveries();
            let mut deferred = deferred.filter(|each| each.outcome.to_string() == "deferred");
            let reason = deferred.next().unwrap().reason.clone().unwrap();
            assert!(reason.contains("refused three"), "{reason}");
            advance(HALF_AN_HOUR).await;
        }
        world.github().clear_faults();
        let report = world.pass(&[]).await;
        assert_eq!(count(&report, "recovered"), 50, "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_delivery_that_github_refuses_for_a_while_is_recovered_later() {
    for status in REFUSALS {
        let world = VirtualWorld::new();
        world.log_failures(world.hook, 20, start());
        let fault = Fault::on("POST", "/attempts").times(10);
        world.github().add_fault(fault.status(status, MESSAGE));
        for _ in 0..5 {
            let report = world.pass(&[]).await;
            assert_eq!(report.count(|outcome| outcome.is_lost()), 0, "{status}");
            advance(HALF_AN_HOUR).await;
        }
        assert!(world.undelivered(world.hook).is_empty(), "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_delivery_refused_in_three_passes_over_an_hour_in_which_others_get_through_is_rejected() {
    for status in REFUSALS {
        let world = VirtualWorld::new();
        world.log_failures(world.hook, 1, start());
        refuse(&world, 0, status);
        for (n, minutes, outcome) in [
            (1, 20, "refused"),
            (2, 20, "refused"),
            (3, 20, "refused"),
            (4, 20, "rejected"),
        ] {
            let report = pass_with_another(&world, 100 + n).await;
            let delivery = delivery(&report, 0);
            assert_eq!(delivery.outcome.to_string(), outcome, "{status}, pass {n}");
            assert_eq!(report.errors, [""; 0], "{status}");
            if outcome == "rejected" {
                assert_eq!(report.result(), PassResult::Lost);
                let reason = delivery.reason.clone().unwrap();
                assert!(reason.contains("Not this one"), "{reason}");
            }
            advance(Duration::from_secs(minutes * 60)).await;
        }
        world.github().clear_requests();
        pass_with_another(&world, 200).await;
        assert_eq!(answers(&world), [202], "it is not asked for again");
    }
}

#[tokio::test(start_paused = true)]
async fn passes_in_which_no_delivery_gets_through_reject_nothing() {
    let world = VirtualWorld::new();
    world.log_failures(world.hook, 1, start());
    refuse(&world, 0, 422);
    for _ in 0..10 {
        let report = world.pass(&[]).await;
        assert_eq!(count(&report, "refused"), 1);
        advance(HALF_AN_HOUR).await;
    }
    // The first of these passes tries it before any other gets through.
    for n in [1, 2, 3] {
        let report = pass_with_another(&world, n).await;
        assert_eq!(count(&report, "refused"), 1, "{n}");
        advance(HALF_AN_HOUR).await;
    }
    let report = pass_with_another(&world, 4).await;
    assert_eq!(count(&report, "rejected"), 1);
}

#[tokio::test(start_paused = true)]
async fn many_refused_one_by_one_are_rejected_and_hold_up_no_other() {
    let world = VirtualWorld::new();
    world.log_failures(world.hook, 60, start());
    for n in 0..10 {
        refuse(&world, n, 404);
    }
    let (mut rejected, mut passes_to_recover) = (0, 0);
    for n in 0..16 {
        let report = pass_with_another(&world, 100 + n).await;
        rejected += count(&report, "rejected");
        passes_to_recover += usize::from(world.undelivered(world.hook).len() > 10);
        advance(HALF_AN_HOUR).await;
    }
    assert_eq!(rejected, 10);
    assert!(passes_to_recover <= 4, "{passes_to_recover}");
    assert_eq!(world.undelivered(world.hook).len(), 10);
    let report = world.pass(&[]).await;
    assert_eq!(report.errors, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn one_refused_within_six_hours_of_retention_is_rejected_at_once() {
    for (checkpoint, status) in REFUSALS.into_iter().enumerate() {
        let world = VirtualWorld::new();
        let checkpoint = if checkpoint % 2 == 0 {
            ("INPUT_SINCE", "72h")
        } else {
            ("INPUT_CHECKPOINT_VARIABLE", "")
        };
        let expires = |hours| start() - TimeDelta::hours(72_i64 - hours);
        world.log(Attempt::failed(guid(1), expires(5)));
        world.log(Attempt::failed(guid(2), expires(7)));
        refuse(&world, 1, status);
        refuse(&world, 2, status);
        let report = world.pass(&[checkpoint]).await;
        assert_eq!(
            delivery(&report, 1).outcome.to_string(),
            "rejected",
            "{status}"
        );
        assert_eq!(
            delivery(&report, 2).outcome.to_string(),
            "refused",
            "{status}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_state_a_refused_delivery_stays_refused() {
    let world = VirtualWorld::new();
    world.log_failures(world.hook, 1, start());
    refuse(&world, 0, 409);
    for n in 1..6 {
        let now = world.github().now();
        world.log(Attempt::failed(guid(n), now));
        let report = world.pass(&[("INPUT_CHECKPOINT_VARIABLE", "")]).await;
        assert_eq!(count(&report, "refused"), 1);
        assert_eq!(count(&report, "recovered"), 1);
        advance(HALF_AN_HOUR).await;
    }
}

#[tokio::test(start_paused = true)]
async fn aged_deliveries_that_github_refuses_hold_up_no_fresh_ones() {
    let world = VirtualWorld::new();
    let aged = start() - TimeDelta::hours(70);
    world.log_failures(world.hook, 30, start());
    for n in 100..120 {
        let at = aged - TimeDelta::seconds(n as i64);
        world.log(Attempt::failed(guid(n), at));
        refuse(&world, n, 404);
    }
    let report = world.pass(&[("INPUT_SINCE", "72h")]).await;
    assert_eq!(count(&report, "recovered"), 30);
    assert_eq!(count(&report, "rejected"), 20);
    assert_eq!(report.errors, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn aged_deliveries_are_not_written_off_where_github_refuses_everything() {
    let world = VirtualWorld::new();
    world.log_failures(world.hook, 30, start() - TimeDelta::hours(70));
    refuse_all(&world, 422);
    let report = world.pass(&[("INPUT_SINCE", "72h")]).await;
    assert_eq!(answers(&world), [422; 3]);
    assert_eq!(count(&report, "refused"), 3);
    assert_eq!(report.count(|outcome| outcome.is_lost()), 0);
    assert_eq!(report.errors.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_that_mentions_a_limit_does_not_count_against_a_delivery() {
    let plain = |message: &str| format!(r#"{{"message":"{message}"}}"#);
    let spammed = plain("Validation failed, or the endpoint has been spammed.");
    let abuse = plain("You have triggered an abuse detection mechanism.");
    let detail =
        r#"{"message":"Validation Failed","errors":[{"message":"was submitted too quickly"}]}"#;
    for (status, body, header) in [
        (422, plain("It was submitted too quickly"), None),
        (422, detail.into(), None),
        (422, spammed, None),
        (422, plain("You have exceeded a secondary rate limit"), None),
        (422, abuse.clone(), None),
        (403, abuse, None),
        (403, plain("Spammed"), None),
        (403, plain("Too Quickly"), None),
        (403, plain("no"), Some("x-ratelimit-remaining")),
        (422, plain("no"), Some("x-ratelimit-remaining")),
    ] {
        let world = VirtualWorld::new();
        world.log_failures(world.hook, 20, start());
        let mut fault = Fault::on("POST", "/attempts").nth(3).status(status, &body);
        if let Some(header) = header {
            let reset = start() + TimeDelta::seconds(90);
            fault = fault
                .header(header, "0")
                .header("x-ratelimit-reset", &reset.timestamp().to_string());
        }
        world.github().add_fault(fault);
        let report = world.pass(&[]).await;
        assert_eq!(count(&report, "recovered"), 20, "{status} {body}");
        assert_eq!(report.errors, [""; 0], "{status} {body}");
        let answered = answers(&world);
        assert_eq!(answered.len(), 21, "{status} {body}");
        assert_eq!(answered[2], status);
    }
}

#[tokio::test(start_paused = true)]
async fn an_html_page_is_never_taken_for_a_refusal() {
    let page = "<html><title>Report abuse</title>Too quickly, spammed: rate limit</html>";
    for status in [200, 302, 400, 401, 403, 404, 409, 410, 422, 500] {
        let world = VirtualWorld::new();
        world.log_failures(world.hook, 8, start());
        let fault = Fault::on("POST", "/attempts").status(status, page);
        world.github().add_fault(fault.act_first());
        let report = world.pass(&[]).await;
        assert_eq!(count(&report, "recovered"), 8, "{status}");
        assert_eq!(answers(&world).len(), 8, "{status}: nothing twice");
        assert_eq!(report.errors, [""; 0], "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_credential_ends_its_work() {
    let world = VirtualWorld::new();
    world.log_failures(world.hook, 20, start());
    let others: Vec<u64> = (0..9)
        .map(|n| world.add_webhook(&format!("https://{n}.example.com")))
        .collect();
    for hook in &others {
        world.log_failures(*hook, 5, start());
    }
    let fault = Fault::on("POST", "/attempts").nth(3).always();
    let refused = r#"{"message":"Bad credentials"}"#;
    world.github().add_fault(fault.status(401, refused));
    let report = world.pass(&[("INPUT_MAX_PER_MINUTE", "60")]).await;
    let refusals = answers(&world).iter().filter(|each| **each == 401).count();
    assert!((1..=10).contains(&refusals), "{refusals}");
    assert_eq!(count(&report, "failed-request"), refusals);
    assert_eq!(report.errors.len(), refusals);
    assert_eq!(count(&report, "refused"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_refused_delivery_that_a_person_redelivers_meanwhile_is_recovered() {
    let world = VirtualWorld::new();
    world.log_failures(world.hook, 20, start());
    refuse(&world, 0, 403);
    let by_hand = Attempt::ok(guid(0), start()).redelivery();
    let visible = start() + TimeDelta::milliseconds(400);
    world
        .github()
        .webhook_mut(world.hook)
        .log_late(by_hand, visible);
    let report = world.pass(&[]).await;
    assert_eq!(count(&report, "recovered"), 20);
    let accepted = ("redelivered", "19".to_owned());
    assert!(report.outputs().contains(&accepted), "what GitHub accepted");
}

#[test]
fn refusals_of_one_delivery_stop_no_other_over_http() {
    // GitHub's description of its API knows no 410.
    for status in REFUSALS.into_iter().filter(|status| *status != 410) {
        let world = World::new();
        let refused = world.log(Attempt::failed(guid(1), ago(50)));
        let second = world.log(Attempt::failed(guid(2), ago(40)));
        let third = world.log(Attempt::failed(guid(3), ago(30)));
        let mut github = world.simulator.github();
        github.refuse(refused, status, "Not this one");
        drop(github);
        let ended = world.pass().run().success();
        let ended = ended.outputs(&["result=open", "redelivered=2", "open=1", "errors=0"]);
        assert!(ended.output("report").contains(r#""refused":1"#));
        assert_eq!(world.redelivered(), [second, third]);
        let ended = world.pass().run().success();
        ended.outputs(&["result=open", "redelivered=0", "open=1", "errors=0"]);
    }
}

#[test]
fn refusals_of_all_deliveries_are_one_error_over_http() {
    let world = World::new();
    for n in 0..9 {
        world.log(Attempt::failed(guid(n), ago(50 - n as i64)));
    }
    let fault = Fault::on("POST", "/attempts").always();
    let fault = fault.status(422, MESSAGE);
    world.simulator.github().add_fault(fault);
    for _ in 0..3 {
        let ended = world.pass().run().failure("GitHub answered 422");
        ended.outputs(&["result=error", "open=9", "lost=0", "errors=1"]);
    }
    assert_eq!(world.requests("/attempts"), 9);
    world.simulator.github().clear_faults();
    let ended = world.pass().run().success();
    ended.outputs(&["result=recovered", "recovered=9"]);
}
