//! The state that one pass keeps for the next, over whole passes in virtual time.

use std::time::Duration;

use chrono::TimeDelta;
use redeliver_webhooks::model::{Outcome, PassResult};
use redeliver_webhooks::report::Report;
use simulated_github::{Access, Attempt, Receiver, guid};
use tokio::time::advance;

use crate::virtual_world::{VirtualWorld, start};

const STATE: &str = "LAST_REDELIVERY_STATE";

fn count(report: &Report, which: Outcome) -> usize {
    report.count(|outcome| outcome == which)
}

fn stored(world: &VirtualWorld, name: &str) -> String {
    world.github().variable("acme/ops", name).unwrap()
}

fn store(world: &VirtualWorld, name: &str, value: &str) {
    world.github().set_variable("acme/ops", name, value);
}

#[tokio::test(start_paused = true)]
async fn a_log_that_lags_five_minutes_sends_nothing_twice() {
    let world = VirtualWorld::new();
    world.github().log_lag = TimeDelta::minutes(5);
    world.log_failures(world.hook, 5_000, start());
    let mut passes = 0;
    while !world.undelivered(world.hook).is_empty() {
        passes += 1;
        assert!(passes <= 15, "{} left", world.undelivered(world.hook).len());
        world.pass(&[]).await;
        advance(Duration::from_secs(300)).await;
    }
    assert_eq!(world.github().requested(world.hook).len(), 5_000);
}

#[tokio::test(start_paused = true)]
async fn a_delivery_open_for_days_makes_no_pass_read_further_back() {
    let world = VirtualWorld::new();
    world.set_receiver(Receiver::up().poisoned(guid(0)));
    world.log_failures(world.hook, 1, start());
    let mut pages = Vec::new();
    for hour in 0..30 {
        for n in 0..300 {
            let at = start() + TimeDelta::hours(hour) + TimeDelta::seconds(n * 12);
            let live = Attempt::ok(guid((1_000_000 + hour * 1_000 + n).unsigned_abs()), at);
            world.github().webhook_mut(world.hook).log_late(live, at);
        }
        let report = world.pass(&[("INPUT_MAX_REDELIVERIES", "100")]).await;
        pages.push(report.webhooks[0].pages);
        advance(Duration::from_secs(3_600)).await;
    }
    // An hour and the overlap hold 450 attempts, whatever is open.
    assert!(pages.iter().all(|pages| *pages <= 7), "{pages:?}");
    assert_eq!(world.undelivered(world.hook).len(), 1);
    let most = world.redelivered(world.hook)[&guid(0)];
    assert!((25..=34).contains(&most), "once an hour: {most}");
}

#[tokio::test(start_paused = true)]
async fn a_delivery_is_lost_once() {
    let world = VirtualWorld::new();
    world.set_receiver(Receiver::up().poisoned(guid(1)));
    world.log_failures(world.hook, 3, start());
    let once = [("INPUT_MAX_REDELIVERIES", "1")];
    world.pass(&once).await;
    advance(Duration::from_secs(300)).await;
    let report = world.pass(&once).await;
    assert_eq!(
        (count(&report, Outcome::Exhausted), report.result()),
        (1, PassResult::Lost)
    );
    advance(Duration::from_secs(300)).await;
    let report = world.pass(&once).await;
    assert_eq!(report.given_up_earlier, 1);
    assert_eq!(
        (report.count(|_| true), report.result()),
        (0, PassResult::Healthy)
    );
    assert_eq!(world.redelivered(world.hook)[&guid(1)], 1);
}

#[tokio::test(start_paused = true)]
async fn without_a_usable_state_the_log_leads_to_the_same_decisions() {
    for damage in ["missing", "damaged", "newer", "of another value"] {
        let world = VirtualWorld::new();
        world.set_receiver(Receiver::up().poisoned(guid(0)));
        world.log_failures(world.hook, 1, start());
        for _ in 0..3 {
            world.pass(&[]).await;
            advance(Duration::from_secs(3_600)).await;
        }
        let state = stored(&world, STATE);
        match damage {
            "missing" => store(&world, STATE, ""),
            "damaged" => store(&world, STATE, &state[..state.len() / 2]),
            "newer" => store(
                &world,
                STATE,
                &state.replace("\"version\":1", "\"version\":2"),
            ),
            _ => {
                let value = stored(&world, "LAST_REDELIVERY");
                let earlier = value.parse::<i64>().unwrap() - 60_000;
                store(&world, "LAST_REDELIVERY", &earlier.to_string());
            }
        }
        let report = world.pass(&[]).await;
        assert_eq!(report.errors, [""; 0], "{damage}");
        let open: Vec<_> = report.deliveries().collect();
        assert_eq!(open.len(), 1, "{damage}");
        let failure = &open[0].failure;
        assert_eq!(
            failure.earlier_redeliveries + failure.redeliveries().count(),
            4,
            "{damage}"
        );
        assert_eq!(world.redelivered(world.hook)[&guid(0)], 4, "{damage}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_checkpoint_of_other_targets_is_an_error() {
    let world = VirtualWorld::new();
    world.pass(&[]).await;
    let state = stored(&world, STATE);
    store(&world, STATE, &state.replace("\"acme\"", "\"beta\""));
    let report = world.pass(&[]).await;
    assert_eq!(
        report.errors,
        [
            "`LAST_REDELIVERY` was written by a pass over `beta`; this one is over `acme`. Give each its \
          own variable"
        ]
    );
    // Some targets in common: the memory is not used, and nothing is wrong.
    store(
        &world,
        STATE,
        &state.replace("[\"acme\"]", "[\"acme\",\"beta\"]"),
    );
    let report = world.pass(&[]).await;
    assert_eq!(report.errors, [""; 0]);
    assert_eq!(stored(&world, STATE).matches("beta").count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_webhook_that_cannot_be_read_makes_no_pass_read_another_again() {
    let world = VirtualWorld::new();
    let hidden = world.add_webhook("https://chat.example.com");
    for hour in 0..20 {
        let at = start() - TimeDelta::hours(hour);
        world.log(Attempt::ok(guid(hour.unsigned_abs()), at));
    }
    world.pass(&[]).await;
    let path = format!("/hooks/{hidden}/deliveries");
    let fault = simulated_github::Fault::on("GET", &path)
        .always()
        .status(500, "{}");
    world.github().add_fault(fault);
    for _ in 0..20 {
        advance(Duration::from_secs(3_600)).await;
        let report = world.pass(&[]).await;
        assert_eq!(report.errors.len(), 1);
        // The last half hour before the last pass, and nothing since.
        assert!(report.scanned() <= 20);
        assert_eq!(report.webhooks[0].pages, 1);
    }
    let bare = stored(&world, "LAST_REDELIVERY");
    assert_eq!(
        bare,
        start().timestamp_millis().to_string(),
        "held for the one that was not read"
    );
}

#[tokio::test(start_paused = true)]
async fn the_state_holds_no_secret_and_needs_no_other_permission() {
    let world = VirtualWorld::new();
    world.log_failures(world.hook, 2, start());
    world.set_receiver(Receiver::down());
    let access = Access::nothing()
        .organization_webhooks("acme", simulated_github::Level::Write)
        .variables("acme/ops", simulated_github::Level::Write);
    world.github().add_token("ghp_virtual", access);
    let report = world.pass(&[]).await;
    assert_eq!(report.errors, [""; 0]);
    let state = stored(&world, STATE);
    assert!(
        !state.contains("ghp_") && !state.contains("example.com"),
        "{state}"
    );
    assert!(
        state.contains("\"version\":1") && state.len() < 1_000,
        "{state}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_log_that_lags_longer_than_passes_are_apart_sends_nothing_twice() {
    let world = VirtualWorld::new();
    world.github().log_lag = TimeDelta::minutes(15);
    world.log_failures(world.hook, 100, start());
    for _ in 0..40 {
        world.pass(&[]).await;
        advance(Duration::from_secs(240)).await;
    }
    assert!(world.undelivered(world.hook).is_empty());
    assert_eq!(world.github().requested(world.hook).len(), 100);
}

#[tokio::test(start_paused = true)]
async fn a_pending_attempt_is_waited_for_pass_after_pass() {
    let world = VirtualWorld::new();
    let mut pending = Attempt::failed(guid(1), start() - TimeDelta::minutes(5));
    (pending.status, pending.status_code) = (None, None);
    let id = world.log(pending.clone());
    for _ in 0..20 {
        let report = world.pass(&[]).await;
        assert_eq!(count(&report, Outcome::Pending), 1);
        advance(Duration::from_secs(600)).await;
    }
    assert_eq!(world.github().requested(world.hook), [0; 0]);
    // Once it has an outcome, hours later, that outcome counts.
    let failed = Attempt::failed(guid(1), pending.delivered_at).with_id(id);
    world.log(failed);
    let report = world.pass(&[]).await;
    assert_eq!(count(&report, Outcome::Recovered), 1);
}

#[tokio::test(start_paused = true)]
async fn the_state_of_an_owner_that_cannot_be_listed_is_kept() {
    let world = VirtualWorld::new();
    world.github().add_organization("beta");
    let owner = simulated_github::Owner::Organization("beta".into());
    let webhook = simulated_github::Webhook::new("https://beta.example.com");
    let hook = world.github().add_webhook(owner, webhook);
    world.log_failures(hook, 2, start());
    world.github().webhook_mut(hook).receiver = Receiver::up().poisoned(guid(0));
    let both = [
        ("INPUT_ORGANIZATION", "acme,beta"),
        ("INPUT_MAX_REDELIVERIES", "1"),
    ];
    world.pass(&both).await;
    let report = world.pass(&both).await;
    assert_eq!(count(&report, Outcome::Exhausted), 1);
    let fault = simulated_github::Fault::on("GET", "/orgs/beta/hooks?")
        .times(6)
        .status(502, "");
    world.github().add_fault(fault);
    assert_eq!(world.pass(&both).await.errors.len(), 1);
    let report = world.pass(&both).await;
    assert_eq!(
        (report.given_up_earlier, report.result()),
        (1, PassResult::Healthy)
    );
    let asked = world.github().requested(hook).len();
    assert_eq!(asked, 2, "and nothing is asked for again");
}

#[tokio::test(start_paused = true)]
async fn a_delivery_known_to_be_delivered_is_not_probed() {
    let world = VirtualWorld::new();
    world.set_receiver(Receiver::down());
    world.log_failures(world.hook, 1, start());
    world.pass(&[]).await;
    advance(Duration::from_secs(3_600)).await;
    let now = world.github().now();
    // Delivered by hand, and then down again: 150 newer failures, two pages.
    world.log(Attempt::ok(guid(0), now - TimeDelta::minutes(3)).redelivery());
    for n in 0..30 {
        world.log(Attempt::failed(
            guid(100 + n),
            now - TimeDelta::seconds(n as i64),
        ));
    }
    for n in 0..120 {
        world.log(Attempt::failed(
            guid(500 + n),
            now - TimeDelta::seconds(200 + n as i64),
        ));
    }
    let before = world.redelivered(world.hook)[&guid(0)];
    world.pass(&[]).await;
    assert_eq!(world.redelivered(world.hook)[&guid(0)], before);
}

#[tokio::test(start_paused = true)]
async fn a_one_off_knows_earlier_requests_and_writes_nothing() {
    let world = VirtualWorld::new();
    world.github().log_lag = TimeDelta::minutes(15);
    world.log_failures(world.hook, 10, start());
    world.pass(&[]).await;
    let asked = world.github().requested(world.hook).len();
    assert!(asked > 0);
    let stored_before = [stored(&world, "LAST_REDELIVERY"), stored(&world, STATE)];
    world.log(Attempt::failed(guid(77), start() - TimeDelta::hours(30)));
    let report = world.pass(&[("INPUT_SINCE", "2d")]).await;
    assert_eq!(count(&report, Outcome::Waiting), asked);
    let all: std::collections::BTreeSet<_> =
        world.github().requested(world.hook).into_iter().collect();
    assert_eq!(
        all.len(),
        world.github().requested(world.hook).len(),
        "nothing twice"
    );
    assert!(all.len() > asked);
    assert_eq!(
        [stored(&world, "LAST_REDELIVERY"), stored(&world, STATE)],
        stored_before
    );
}
