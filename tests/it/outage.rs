//! Passes in an outage that an earlier one knows of: they try one delivery and read no further.

use std::time::Duration;

use chrono::TimeDelta;
use redeliver_webhooks::model::{Outcome, PassResult};
use simulated_github::{Attempt, Exchange, Fault, Receiver, guid};
use tokio::time::advance;

use crate::virtual_world::{VirtualWorld, start};

async fn advance_minutes(number: u64) {
    advance(Duration::from_secs(60 * number)).await;
}

#[tokio::test(start_paused = true)]
async fn a_probe_in_an_outage_waits_for_the_back_off_of_the_redeliveries_before_it() {
    let world = VirtualWorld::new();
    world.set_receiver(Receiver::down());
    world.log_failures(world.hook, 1, start());
    // Redelivered at 0, 15 and 30 minutes: the next is due at 50.
    for _ in 0..3 {
        world.pass(&[]).await;
        advance_minutes(15).await;
    }
    // More than a page, so that the pass probes before it reads on.
    for n in 0..120 {
        let at = start() + TimeDelta::minutes(40) + TimeDelta::seconds(n as i64);
        world.log(Attempt::failed(guid(100 + n), at));
    }
    let before = world.redelivered(world.hook)[&guid(0)];
    world.pass(&[]).await;
    assert_eq!((before, world.redelivered(world.hook)[&guid(0)]), (3, 3));
}

#[tokio::test(start_paused = true)]
async fn a_probe_in_an_outage_goes_by_what_the_first_page_shows_of_its_delivery() {
    let world = VirtualWorld::new();
    world.set_receiver(Receiver::down());
    world.log_failures(world.hook, 1, start());
    world.pass(&[]).await;
    advance_minutes(60).await;
    for n in 0..120 {
        let at = start() + TimeDelta::minutes(30) + TimeDelta::seconds(n as i64);
        world.log(Attempt::failed(guid(100 + n), at));
    }
    // A person, or a pass that was killed, has just tried without success.
    world.log(Attempt::failed(guid(0), start() + TimeDelta::minutes(59)).redelivery());
    world.pass(&[]).await;
    assert_eq!(world.redelivered(world.hook)[&guid(0)], 2);
}

#[tokio::test(start_paused = true)]
async fn a_probe_in_an_outage_counts_though_the_state_could_not_be_written() {
    let world = VirtualWorld::new();
    world.set_receiver(Receiver::down());
    world.log_failures(world.hook, 1, start());
    for _ in 0..2 {
        world.pass(&[]).await;
        advance_minutes(15).await;
    }
    for n in 0..120 {
        let at = start() + TimeDelta::minutes(16) + TimeDelta::seconds(n as i64);
        world.log(Attempt::failed(guid(100 + n), at));
    }
    let unwritten = Fault::on("PATCH", "_STATE").status(500, "").always();
    world.github().add_fault(unwritten);
    world.pass(&[]).await;
    world.github().clear_faults();
    advance_minutes(30).await;
    world.pass(&[]).await;
    // Redelivered at 0, 15, 30 and 60 minutes: the next is due at 100.
    advance_minutes(25).await;
    let before = world.redelivered(world.hook)[&guid(0)];
    world.pass(&[]).await;
    assert_eq!((before, world.redelivered(world.hook)[&guid(0)]), (4, 4));
}

#[tokio::test(start_paused = true)]
async fn three_deliveries_of_a_sixty_hour_outage_are_neither_tried_too_often_nor_given_up() {
    let world = VirtualWorld::new();
    let up_again = start() + TimeDelta::hours(60);
    world.set_receiver(Receiver::down_until(up_again));
    world.log_failures(world.hook, 3, start());
    while !world.undelivered(world.hook).is_empty() {
        let now = world.github().now();
        assert!(
            now < up_again + TimeDelta::hours(6) + TimeDelta::minutes(5),
            "{now}"
        );
        let report = world.pass(&[]).await;
        assert_eq!(report.count(|outcome| outcome == Outcome::Exhausted), 0);
        advance(Duration::from_secs(300)).await;
    }
    let most = world.redelivered(world.hook).into_values().max();
    assert!(most <= Some(18), "{most:?}");
}

#[tokio::test(start_paused = true)]
async fn an_outage_of_a_busy_webhook_costs_a_handful_of_requests_per_pass() {
    let world = VirtualWorld::new();
    let up_again = start() + TimeDelta::hours(5);
    world.set_receiver(Receiver::down_until(up_again));
    let mut sent = 0;
    for pass in 0..10 {
        // 1,500 deliveries in each half hour: 15 pages.
        let now = world.github().now();
        for second in 0..1_500 {
            let at = now - TimeDelta::seconds(1_500 - second);
            world.log(Attempt::failed(guid(sent), at));
            sent += 1;
        }
        let before = world.github().requests().len();
        let report = world.pass(&[]).await;
        let made = world.github().requests().len() - before;
        assert_eq!(report.result(), PassResult::Down);
        if pass > 0 {
            assert!(made <= 10, "pass {pass}: {made}");
        }
        advance(Duration::from_secs(1_800)).await;
    }
    let asked = world.github().requested(world.hook).len();
    assert!(asked < 20, "{asked}");
    // Nothing is lost: once it is up again, everything is recovered.
    for _ in 0..60 {
        world.pass(&[("INPUT_MAX_PER_MINUTE", "2000")]).await;
        if world.undelivered(world.hook).is_empty() {
            return;
        }
        advance(Duration::from_secs(1_800)).await;
    }
    panic!("{} left", world.undelivered(world.hook).len());
}

#[tokio::test(start_paused = true)]
async fn a_success_beyond_the_first_page_is_not_sent_again() {
    let world = VirtualWorld::new();
    world.set_receiver(Receiver::down());
    world.log_failures(world.hook, 1, start());
    world.pass(&[]).await;
    // A person got it delivered, and then nothing was accepted again.
    world.log(Attempt::ok(guid(0), start() + TimeDelta::minutes(20)).redelivery());
    for n in 0..120 {
        let at = start() + TimeDelta::minutes(30) + TimeDelta::seconds(n as i64);
        world.log(Attempt::failed(guid(100 + n), at));
    }
    advance_minutes(60).await;
    world.pass(&[]).await;
    let asked = world.github().requested(world.hook);
    assert_eq!(asked.len(), 6, "once by the first pass, and five others");
}

/// Three deliveries a minute of a busy webhook, from one minute to another.
fn log_busy(
    world: &VirtualWorld,
    minutes: std::ops::Range<i64>,
    row: fn(String, chrono::DateTime<chrono::Utc>) -> Attempt,
) {
    for n in minutes.start * 3..minutes.end * 3 {
        let at = start() + TimeDelta::seconds(n * 20);
        let number = u64::try_from(n + 10_000).unwrap();
        world
            .github()
            .webhook_mut(world.hook)
            .log_late(row(guid(number), at), at);
    }
}

fn asked_for_successes(world: &VirtualWorld) -> usize {
    let github = world.github();
    let requests = github.requests().iter();
    let is_one = |request: &&Exchange| request.path_and_query.contains("status=success");
    requests.filter(is_one).count()
}

#[tokio::test(start_paused = true)]
async fn a_success_that_one_pass_of_an_outage_saw_is_not_sent_again_by_a_later_one() {
    let world = VirtualWorld::new();
    log_busy(&world, -60..0, Attempt::ok);
    log_busy(&world, 3..120, Attempt::failed);
    world.set_receiver(Receiver::down());
    world.log_failures(world.hook, 2, start());
    world.pass(&[]).await;
    let by_hand = start() + TimeDelta::minutes(2);
    world.log(Attempt::ok(guid(0), by_hand).redelivery());
    for _ in 0..6 {
        advance_minutes(15).await;
        world.pass(&[]).await;
        let github = world.github();
        let state = github
            .variable("acme/ops", "LAST_REDELIVERY_STATE")
            .unwrap();
        assert!(
            !state.contains(&guid(0)) && state.contains(&guid(1)),
            "{state}"
        );
    }
    assert_eq!(
        world.redelivered(world.hook)[&guid(0)],
        2,
        "by the first pass, and by hand"
    );
    assert!(
        world.redelivered(world.hook)[&guid(1)] > 2,
        "the other one is tried again and again"
    );
}

#[tokio::test(start_paused = true)]
async fn successes_are_not_listed_where_nothing_is_due() {
    let world = VirtualWorld::new();
    log_busy(&world, 3..120, Attempt::failed);
    world.set_receiver(Receiver::down());
    world.log_failures(world.hook, 1, start());
    let mut asked = Vec::new();
    for _ in 0..6 {
        world.pass(&[("INPUT_EVENTS", "!push")]).await;
        asked.push(asked_for_successes(&world));
        advance_minutes(45).await;
    }
    assert_eq!(asked, [0; 6]);
}

#[tokio::test(start_paused = true)]
async fn rows_that_appear_late_are_searched_for_as_far_back_as_a_log_may_lag() {
    let world = VirtualWorld::new();
    world.set_receiver(Receiver::down());
    world.log_failures(world.hook, 1, start());
    world.pass(&[]).await;
    // Delivered just before the next pass, as many others, but in the log just after it.
    advance_minutes(20).await;
    let by_hand = start() + TimeDelta::seconds(1_190);
    let late = start() + TimeDelta::seconds(1_260);
    let row = Attempt::ok(guid(0), by_hand).redelivery();
    world.github().webhook_mut(world.hook).log_late(row, late);
    for n in 0..150 {
        let at = start() + TimeDelta::milliseconds(1_195_000 + 50 * n);
        let row = Attempt::ok(guid(100 + u64::try_from(n).unwrap()), at);
        world.github().webhook_mut(world.hook).log_late(row, late);
    }
    world.pass(&[]).await;
    for n in 0..150 {
        let at = late + TimeDelta::seconds(n);
        world.log(Attempt::failed(guid(300 + u64::try_from(n).unwrap()), at));
    }
    advance_minutes(20).await;
    world.pass(&[]).await;
    assert_eq!(
        world.redelivered(world.hook)[&guid(0)],
        3,
        "by two passes, and by hand"
    );
}

#[tokio::test(start_paused = true)]
async fn a_delivery_recovered_before_reading_broke_off_is_no_longer_open() {
    let world = VirtualWorld::new();
    log_busy(&world, -60..120, Attempt::failed);
    world.set_receiver(Receiver::down());
    world.log_failures(world.hook, 1, start());
    world.pass(&[]).await;
    world.set_receiver(Receiver::up());
    let broken = Fault::on("GET", "cursor=").status(500, "").always();
    world.github().add_fault(broken);
    advance_minutes(45).await;
    let report = world.pass(&[]).await;
    let recovered: Vec<_> = report.webhooks[0]
        .deliveries
        .iter()
        .filter(|each| each.outcome == Outcome::Recovered)
        .map(|each| each.failure.guid.to_string())
        .collect();
    assert!(!report.webhooks[0].complete && !recovered.is_empty());
    let state = world
        .github()
        .variable("acme/ops", "LAST_REDELIVERY_STATE")
        .unwrap();
    for guid in recovered {
        assert!(!state.contains(&guid), "{guid} {state}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_requested_redelivery_that_may_stand_further_back_is_not_repeated() {
    let world = VirtualWorld::new();
    let once = [("INPUT_MAX_REDELIVERIES", "1")];
    log_busy(&world, -60..1, Attempt::ok);
    log_busy(&world, 2..120, Attempt::failed);
    world.set_receiver(Receiver::up().poisoned(guid(0)));
    world.log_failures(world.hook, 1, start());
    // The row, which says that it failed while its receiver was up, comes when that pass is over.
    world.github().log_lag = TimeDelta::minutes(20);
    world.pass(&once).await;
    world.github().log_lag = TimeDelta::zero();
    world.set_receiver(Receiver::down());
    advance_minutes(110).await;
    world.pass(&once).await;
    assert_eq!(world.redelivered(world.hook)[&guid(0)], 1);
}

/// Three webhooks of one receiver that is down, as earlier passes know, with so many deliveries each.
async fn three_of_one_receiver(counts: [u64; 3]) -> (VirtualWorld, [u64; 3]) {
    let world = VirtualWorld::new();
    let url = world.github().webhook_mut(world.hook).url.clone();
    let hooks = [world.hook, world.add_webhook(&url), world.add_webhook(&url)];
    for (hook, count) in hooks.into_iter().zip(counts) {
        world.github().webhook_mut(hook).receiver = Receiver::down();
        world.log_failures(hook, count, start());
    }
    for _ in 0..2 {
        world.pass(&[]).await;
        advance_minutes(60).await;
    }
    (world, hooks)
}

#[tokio::test(start_paused = true)]
async fn while_a_receiver_is_down_none_of_its_webhooks_reads_beyond_the_first_page() {
    let (world, _) = three_of_one_receiver([400, 300, 200]).await;
    let before = world.github().requests().len();
    let report = world.pass(&[]).await;
    assert_eq!(report.result(), PassResult::Down);
    let tried = report.count(|outcome| outcome == Outcome::FailedAgain);
    assert_eq!(tried, 3, "one of each webhook");
    let github = world.github();
    let made = github.requests().iter().skip(before);
    let further = made.filter(|each| each.path_and_query.contains("cursor="));
    assert_eq!(further.count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_one_webhook_finds_up_is_up_for_another_whose_try_failed() {
    let (world, [leader, unlucky, lucky]) = three_of_one_receiver([30, 1, 10]).await;
    let now = world.github().now();
    for hook in [leader, unlucky] {
        // Nothing is accepted that was there before.
        let poisoned = (0..30).fold(Receiver::up(), |up, n| up.poisoned(guid(n)));
        let new = Attempt::failed(guid(1_000), now - TimeDelta::minutes(5));
        let mut github = world.github();
        let webhook = github.webhook_mut(hook);
        webhook.receiver = poisoned;
        webhook.log(new);
    }
    world.github().webhook_mut(lucky).receiver = Receiver::up();
    world.pass(&[]).await;
    assert_eq!(world.undelivered(lucky).len(), 0);
    assert!(!world.undelivered(unlucky).contains(&guid(1_000)));
}
