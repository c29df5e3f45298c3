//! Deliveries that GitHub refuses one by one, and that stand before all others.

use std::time::Duration;

use chrono::TimeDelta;
use redeliver_webhooks::model::Outcome;
use redeliver_webhooks::report::Report;
use simulated_github::{Attempt, Fault, guid};
use tokio::time::advance;

use crate::virtual_world::{VirtualWorld, start};

/// So many failures. GitHub refuses the three oldest.
fn three_refused(failures: u64) -> VirtualWorld {
    let world = VirtualWorld::new();
    world.log_failures(world.hook, failures, start());
    let mut github = world.github();
    for attempt in github.attempts(world.hook) {
        if (0..3).any(|n| attempt.guid == guid(n)) {
            github.refuse(attempt.id, 422, "Not this one");
        }
    }
    drop(github);
    world
}

fn count(report: &Report, outcome: Outcome) -> usize {
    report.count(|each| each == outcome)
}

/// Passes half an hour apart, a new failure before each, until GitHub's refusals lose the three.
async fn passes_until_rejected(world: &VirtualWorld, errors: usize) -> usize {
    let mut rejected = 0;
    for pass in 1..=12 {
        advance(Duration::from_secs(1_800)).await;
        let now = world.github().now() - TimeDelta::seconds(1);
        world.log(Attempt::failed(guid(10_000 + pass as u64), now));
        let report = world.pass(&[]).await;
        assert_eq!(report.errors.len(), errors, "{:?}", report.errors);
        // One that was refused with all others may have to wait for its turn.
        let undelivered = world.undelivered(world.hook).len();
        assert!(undelivered <= if pass == 1 { 4 } else { 3 }, "pass {pass}");
        rejected += count(&report, Outcome::Rejected);
        if rejected == 3 {
            return pass;
        }
    }
    panic!("{rejected} were rejected");
}

#[tokio::test(start_paused = true)]
async fn without_a_state_refused_deliveries_hold_up_no_other() {
    let world = three_refused(20);
    for pass in 0..3 {
        let report = world.pass(&[("INPUT_CHECKPOINT_VARIABLE", "")]).await;
        assert_eq!(report.errors, [""; 0]);
        assert_eq!(count(&report, Outcome::Refused), 3);
        let recovered = if pass == 0 { 17 } else { 1 };
        assert_eq!(count(&report, Outcome::Recovered), recovered);
        let now = world.github().now();
        world.log(Attempt::failed(guid(100 + pass), now));
        advance(Duration::from_secs(1_800)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn refused_deliveries_are_kept_where_the_state_is_too_small_for_all() {
    let world = three_refused(400);
    let fault = Fault::on("POST", "/attempts").nth(3).status(422, "{}");
    world.github().add_fault(fault);
    let report = world.pass(&[]).await;
    assert_eq!(count(&report, Outcome::Recovered), 0);
    assert_eq!(count(&report, Outcome::Refused), 3);
    assert!(passes_until_rejected(&world, 0).await <= 4);
}

#[tokio::test(start_paused = true)]
async fn refused_deliveries_are_kept_where_reading_breaks_off_in_each_pass() {
    let world = three_refused(20);
    for n in 0..150 {
        let at = start() - TimeDelta::minutes(n);
        world.log(Attempt::ok(guid(500 + n.unsigned_abs()), at));
    }
    let broken = Fault::on("GET", "cursor=").always().status(500, "");
    world.github().add_fault(broken);
    let report = world.pass(&[]).await;
    assert_eq!(count(&report, Outcome::Recovered), 17);
    assert_eq!(count(&report, Outcome::Refused), 3);
    assert!(passes_until_rejected(&world, 1).await <= 4);
}
