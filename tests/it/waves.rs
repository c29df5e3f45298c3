//! Waves and confirmation over whole passes, in virtual time.

use std::time::Duration;

use chrono::TimeDelta;
use redeliver_webhooks::model::{Outcome, PassResult};
use redeliver_webhooks::report::Report;
use simulated_github::{Attempt, Fault, Receiver, guid};
use tokio::time::{Instant, advance};

use crate::virtual_world::{VirtualWorld, start};

fn count(report: &Report, which: Outcome) -> usize {
    report.count(|outcome| outcome == which)
}

fn asked(world: &VirtualWorld, hook: u64) -> usize {
    world.github().requested(hook).len()
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_is_down_gets_five_tries_and_then_one_per_pass() {
    let world = VirtualWorld::new();
    world.set_receiver(Receiver::down());
    world.log_failures(world.hook, 1_000, start());
    let report = world.pass(&[]).await;
    assert_eq!(asked(&world, world.hook), 5);
    assert_eq!(count(&report, Outcome::FailedAgain), 5);
    assert_eq!(count(&report, Outcome::Deferred), 995);
    assert_eq!(report.result(), PassResult::Down);

    advance(Duration::from_secs(600)).await;
    let report = world.pass(&[]).await;
    assert_eq!(asked(&world, world.hook), 6, "one probe");
    assert_eq!(report.result(), PassResult::Down);

    world.set_receiver(Receiver::up());
    advance(Duration::from_secs(600)).await;
    let report = world.pass(&[]).await;
    let (recovered, waiting) = (
        count(&report, Outcome::Recovered),
        count(&report, Outcome::Waiting),
    );
    assert_eq!(recovered + waiting, 1_000);
    assert!(waiting <= 6, "those that were tried back off: {waiting}");
    advance(Duration::from_secs(600)).await;
    world.pass(&[]).await;
    assert!(world.undelivered(world.hook).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_thousand_failures_take_less_than_eight_minutes_though_one_always_fails() {
    let world = VirtualWorld::new();
    world.set_receiver(Receiver::up().poisoned(guid(500)));
    world.log_failures(world.hook, 1_001, start());
    let began = Instant::now();
    let report = world.pass(&[]).await;
    let took = began.elapsed();
    assert!(took < Duration::from_secs(8 * 60), "{took:?}");
    assert_eq!(count(&report, Outcome::Recovered), 1_000);
    assert_eq!(count(&report, Outcome::FailedAgain), 1);
    assert_eq!(asked(&world, world.hook), 1_001, "nothing twice");

    // It backs off, and is given up after ten failures while others got through.
    let mut given_up = 0;
    for n in 0..60 {
        advance(Duration::from_secs(15 * 60)).await;
        let now = world.github().now();
        world.log(Attempt::ok(guid(10_000 + n), now));
        let report = world.pass(&[]).await;
        given_up += count(&report, Outcome::Exhausted);
    }
    assert!(given_up >= 1);
    assert_eq!(world.redelivered(world.hook)[&guid(500)], 10);
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_comes_back_in_between_gets_everything() {
    let world = VirtualWorld::new();
    world.set_receiver(Receiver::down_until(start() + TimeDelta::minutes(10)));
    world.log_failures(world.hook, 300, start());
    for _ in 0..4 {
        world.pass(&[]).await;
        advance(Duration::from_secs(300)).await;
    }
    assert!(world.undelivered(world.hook).is_empty());
    let most = world.redelivered(world.hook).into_values().max();
    assert!(most <= Some(4), "{most:?}");
}

#[tokio::test(start_paused = true)]
async fn a_log_that_lags_sends_nothing_twice() {
    let world = VirtualWorld::new();
    world.github().log_lag = TimeDelta::seconds(45);
    world.log_failures(world.hook, 500, start());
    let report = world.pass(&[]).await;
    assert_eq!(count(&report, Outcome::Recovered), 500);
    assert_eq!(asked(&world, world.hook), 500);
}

#[tokio::test(start_paused = true)]
async fn the_time_limit_ends_a_wave() {
    let world = VirtualWorld::new();
    world.log_failures(world.hook, 2_000, start());
    let began = Instant::now();
    let report = world.pass(&[("INPUT_TIME_LIMIT", "3m")]).await;
    assert!(
        began.elapsed() <= Duration::from_secs(185),
        "{:?}",
        began.elapsed()
    );
    assert!(
        report
            .warnings
            .iter()
            .any(|warning| warning.starts_with("`time-limit`"))
    );
    let (recovered, deferred) = (
        count(&report, Outcome::Recovered),
        count(&report, Outcome::Deferred),
    );
    assert!(
        recovered > 300 && deferred > 1_000,
        "{recovered} {deferred}"
    );
    assert_eq!(report.errors, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn without_confirming_there_is_a_single_wave() {
    let world = VirtualWorld::new();
    world.log_failures(world.hook, 2_100, start());
    let pass = [
        ("INPUT_CONFIRM_TIMEOUT", "0"),
        ("INPUT_MAX_PER_MINUTE", "10000"),
    ];
    let report = world.pass(&pass).await;
    assert_eq!(report.errors, [""; 0], "and the state fits");
    assert_eq!(count(&report, Outcome::Unconfirmed), 2_000);
    assert_eq!(count(&report, Outcome::Deferred), 100);
}

#[tokio::test(start_paused = true)]
async fn twelve_webhooks_of_a_receiver_that_is_down_make_ten_requests() {
    let world = VirtualWorld::new();
    let mut hooks = vec![world.hook];
    hooks.extend((0..11).map(|n| world.add_webhook(&format!("https://ci.example.com/{n}"))));
    let set_all = |receiver: Receiver| {
        for hook in &hooks {
            world.github().webhook_mut(*hook).receiver = receiver.clone();
        }
    };
    set_all(Receiver::down());
    for (n, hook) in hooks.iter().enumerate() {
        world.log_failures(*hook, 20 + n as u64, start());
    }
    let report = world.pass(&[]).await;
    let total = |world: &VirtualWorld| hooks.iter().map(|hook| asked(world, *hook)).sum::<usize>();
    assert_eq!(
        total(&world),
        10,
        "five by the first, one by each of five others"
    );
    assert_eq!(report.result(), PassResult::Down);

    set_all(Receiver::up());
    advance(Duration::from_secs(600)).await;
    world.pass(&[]).await;
    assert!(hooks.iter().all(|hook| world.undelivered(*hook).is_empty()));
}

#[tokio::test(start_paused = true)]
async fn a_small_webhook_waits_less_than_a_minute_for_a_huge_one() {
    let world = VirtualWorld::new();
    world.log_failures(world.hook, 4_000, start());
    let small = world.add_webhook("https://chat.example.com");
    world.log_failures(small, 3, start());
    let limit = ("INPUT_TIME_LIMIT", "1m");
    world.pass(&[limit]).await;
    assert!(world.undelivered(small).is_empty());
    assert!(asked(&world, world.hook) > 100);
}

#[tokio::test(start_paused = true)]
async fn a_delivery_that_a_person_redelivers_meanwhile_is_recovered_without_a_request() {
    let world = VirtualWorld::new();
    world.log_failures(world.hook, 20, start());
    // By the time the first wave is confirmed, a person has had the last delivery redelivered.
    let by_hand = Attempt::ok(guid(19), start()).redelivery();
    let visible = start() + TimeDelta::milliseconds(400);
    world
        .github()
        .webhook_mut(world.hook)
        .log_late(by_hand, visible);
    let report = world.pass(&[]).await;
    assert_eq!(count(&report, Outcome::Recovered), 20);
    assert_eq!(asked(&world, world.hook), 19);
}

#[tokio::test(start_paused = true)]
async fn an_unclear_request_is_repeated_once_the_log_has_moved_past_it() {
    let world = VirtualWorld::new();
    world.log_failures(world.hook, 6, start());
    let lost = Fault::on("POST", "/attempts").status(502, "");
    world.github().add_fault(lost);
    // Live traffic, which shows the time that the log has reached.
    for second in 0..30 {
        let at = start() + TimeDelta::seconds(second);
        let live = Attempt::ok(guid(1_000 + second as u64), at);
        world.github().webhook_mut(world.hook).log_late(live, at);
    }
    let report = world.pass(&[]).await;
    assert_eq!(count(&report, Outcome::Recovered), 6);
    assert_eq!(asked(&world, world.hook), 6, "and nothing twice");

    // If the log shows nothing newer, the outcome is unknown.
    let world = VirtualWorld::new();
    world.log_failures(world.hook, 1, start());
    world
        .github()
        .add_fault(Fault::on("POST", "/attempts").status(502, ""));
    let report = world.pass(&[]).await;
    assert_eq!(count(&report, Outcome::Unconfirmed), 1);
    assert_eq!(asked(&world, world.hook), 0);
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_fails_under_load_gets_smaller_waves_and_everything() {
    let world = VirtualWorld::new();
    world.set_receiver(Receiver::at_most(20));
    world.log_failures(world.hook, 200, start());
    for n in 0..30 {
        let now = world.github().now();
        world.log(Attempt::ok(guid(50_000 + n), now));
        world.pass(&[]).await;
        advance(Duration::from_secs(300)).await;
    }
    assert!(world.undelivered(world.hook).is_empty());
    let requested = asked(&world, world.hook);
    assert!(requested < 600, "three times each at most: {requested}");
}

#[tokio::test(start_paused = true)]
async fn deliveries_that_always_fail_pile_up_and_hold_up_nothing_else() {
    let world = VirtualWorld::new();
    let mut receiver = Receiver::up();
    for n in (0..4_000).step_by(50) {
        receiver = receiver.poisoned(guid(n));
    }
    world.set_receiver(receiver);
    // Two days of a delivery every minute or so. One in fifty always fails, and one in ten fails once.
    let mut n = 0;
    for _ in 0..48 {
        let now = world.github().now();
        for second in 0..80 {
            let at = now - TimeDelta::seconds(3_600 - second * 45);
            let fails = n % 50 == 0 || n % 10 == 1;
            let attempt = if fails { Attempt::failed } else { Attempt::ok };
            world.log(attempt(guid(n), at));
            n += 1;
        }
        let report = world.pass(&[]).await;
        assert_eq!(report.errors, [""; 0]);
        let left = world.undelivered(world.hook);
        let held_up = left
            .iter()
            .filter(|left| !(0..4_000).step_by(50).any(|n| guid(n) == **left));
        assert_eq!(held_up.count(), 0);
        advance(Duration::from_secs(3_600)).await;
    }
    let most = world.redelivered(world.hook).into_values().max();
    assert_eq!(most, Some(10), "and each is given up at last");
}

#[tokio::test(start_paused = true)]
async fn older_deliveries_get_their_turn_where_all_new_ones_always_fail() {
    let world = VirtualWorld::new();
    let other = world.add_webhook("https://ci.example.com/other");
    // One webhook of this receiver is down for good, so that each pass tries one delivery of the other.
    world.set_receiver(Receiver::down());
    world.log_failures(world.hook, 20, start());
    world.github().webhook_mut(other).receiver = Receiver::down();
    world.log_failures(other, 1, start());
    world.pass(&[]).await;
    let always = 100..103;
    let receiver = always
        .clone()
        .fold(Receiver::up(), |receiver, n| receiver.poisoned(guid(n)));
    world.github().webhook_mut(other).receiver = receiver;
    for n in always.clone() {
        advance(Duration::from_secs(3_600)).await;
        let now = world.github().now();
        for row in [
            Attempt::failed(guid(n), now - TimeDelta::minutes(2)),
            Attempt::ok(guid(1_000 + n), now - TimeDelta::minutes(1)),
        ] {
            world.github().webhook_mut(other).log(row);
        }
        world.pass(&[]).await;
    }
    assert_eq!(world.undelivered(other), always.map(guid).collect());
}

#[tokio::test(start_paused = true)]
async fn a_missing_permission_is_one_error_and_holds_the_other_deliveries() {
    let world = VirtualWorld::new();
    world.log_failures(world.hook, 50, start());
    let refusal = r#"{"message":"Resource not accessible by personal access token"}"#;
    world
        .github()
        .add_fault(Fault::on("POST", "/attempts").always().status(403, refusal));
    let report = world.pass(&[]).await;
    assert_eq!(report.errors.len(), 1);
    assert_eq!(count(&report, Outcome::Refused), 3);
    assert_eq!(count(&report, Outcome::Deferred), 47);
}

#[tokio::test(start_paused = true)]
async fn the_time_limit_ends_reading_too_and_loses_nothing() {
    let mut world = VirtualWorld::new();
    for n in 0..5_000 {
        world.log(Attempt::ok(
            guid(10_000 + n),
            start() - TimeDelta::seconds(n as i64),
        ));
    }
    world.log_failures(world.hook, 1, start() - TimeDelta::seconds(4_900));
    world.latency = Duration::from_secs(2);
    let report = world.pass(&[("INPUT_TIME_LIMIT", "1m")]).await;
    assert_eq!(report.errors, [""; 0]);
    assert!(
        report
            .warnings
            .iter()
            .any(|warning| warning.starts_with("`time-limit`"))
    );
    assert!(!report.webhooks[0].complete && report.scanned() < 4_000);
    assert_eq!(report.checkpoint, report.window.map(|window| window.start));
    world.latency = Duration::ZERO;
    let report = world.pass(&[]).await;
    assert_eq!(count(&report, Outcome::Recovered), 1);
}

#[tokio::test(start_paused = true)]
async fn an_older_attempt_that_appears_late_is_not_taken_for_the_requested_one() {
    let world = VirtualWorld::new();
    world.log_failures(world.hook, 1, start());
    world.github().redelivery_delay = TimeDelta::seconds(5);
    let older = Attempt::failed(guid(0), start() - TimeDelta::minutes(10)).redelivery();
    let visible = start() + TimeDelta::milliseconds(300);
    world
        .github()
        .webhook_mut(world.hook)
        .log_late(older, visible);
    let report = world.pass(&[]).await;
    assert_eq!(count(&report, Outcome::Recovered), 1);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_certainly_did_not_arrive_is_made_again() {
    let world = VirtualWorld::new();
    world.log_failures(world.hook, 3, start());
    world.unsent.store(2, std::sync::atomic::Ordering::Relaxed);
    let report = world.pass(&[]).await;
    assert_eq!(
        (count(&report, Outcome::Recovered), report.errors.len()),
        (3, 0)
    );
    assert_eq!(asked(&world, world.hook), 3);

    let world = VirtualWorld::new();
    world.log_failures(world.hook, 3, start());
    world.unsent.store(6, std::sync::atomic::Ordering::Relaxed);
    let report = world.pass(&[]).await;
    assert_eq!(count(&report, Outcome::FailedRequest), 1);
    assert_eq!(
        (count(&report, Outcome::Recovered), report.errors.len()),
        (2, 1)
    );
}
