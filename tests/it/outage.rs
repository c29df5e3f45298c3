//! Passes in an outage that an earlier one knows of: they try one delivery and read no further.

use std::time::Duration;

use chrono::TimeDelta;
use redeliver_webhooks::model::{Outcome, PassResult};
use simulated_github::{Attempt, Exchange, Fault, Receiver, guid};
use tokio::time::advance;

use crate::cloud::{Cloud, start};

async fn advance_minutes(number: u64) {
    advance(Duration::from_secs(60 * number)).await;
}

#[tokio::test(start_paused = true)]
async fn a_probe_in_an_outage_waits_as_long_as_the_redeliveries_before_it_ask_for() {
    let cloud = Cloud::new();
    cloud.set_receiver(Receiver::down());
    cloud.log_failures(cloud.hook, 1, start());
    // Redelivered at 0, 15 and 30 minutes: the next is due at 50.
    for _ in 0..3 {
        cloud.pass(&[]).await;
        advance_minutes(15).await;
    }
    // More than a page, so that the pass probes before it reads on.
    for n in 0..120 {
        let at = start() + TimeDelta::minutes(40) + TimeDelta::seconds(n as i64);
        cloud.log(Attempt::failed(guid(100 + n), at));
    }
    let before = cloud.redelivered(cloud.hook)[&guid(0)];
    cloud.pass(&[]).await;
    assert_eq!((before, cloud.redelivered(cloud.hook)[&guid(0)]), (3, 3));
}

#[tokio::test(start_paused = true)]
async fn a_probe_in_an_outage_goes_by_what_the_first_page_shows_of_its_delivery() {
    let cloud = Cloud::new();
    cloud.set_receiver(Receiver::down());
    cloud.log_failures(cloud.hook, 1, start());
    cloud.pass(&[]).await;
    advance_minutes(60).await;
    for n in 0..120 {
        let at = start() + TimeDelta::minutes(30) + TimeDelta::seconds(n as i64);
        cloud.log(Attempt::failed(guid(100 + n), at));
    }
    // A person, or a pass that was killed, has just tried in vain.
    cloud.log(Attempt::failed(guid(0), start() + TimeDelta::minutes(59)).redelivery());
    cloud.pass(&[]).await;
    assert_eq!(cloud.redelivered(cloud.hook)[&guid(0)], 2);
}

#[tokio::test(start_paused = true)]
async fn a_probe_in_an_outage_counts_though_the_state_could_not_be_written() {
    let cloud = Cloud::new();
    cloud.set_receiver(Receiver::down());
    cloud.log_failures(cloud.hook, 1, start());
    for _ in 0..2 {
        cloud.pass(&[]).await;
        advance_minutes(15).await;
    }
    for n in 0..120 {
        let at = start() + TimeDelta::minutes(16) + TimeDelta::seconds(n as i64);
        cloud.log(Attempt::failed(guid(100 + n), at));
    }
    let unwritten = Fault::on("PATCH", "_STATE").status(500, "").always();
    cloud.github().add_fault(unwritten);
    cloud.pass(&[]).await;
    cloud.github().clear_faults();
    advance_minutes(30).await;
    cloud.pass(&[]).await;
    // Redelivered at 0, 15, 30 and 60 minutes: the next is due at 100.
    advance_minutes(25).await;
    let before = cloud.redelivered(cloud.hook)[&guid(0)];
    cloud.pass(&[]).await;
    assert_eq!((before, cloud.redelivered(cloud.hook)[&guid(0)]), (4, 4));
}

#[tokio::test(start_paused = true)]
async fn three_deliveries_of_an_outage_of_sixty_hours_are_neither_nagged_about_nor_given_up() {
    let cloud = Cloud::new();
    let up_again = start() + TimeDelta::hours(60);
    cloud.set_receiver(Receiver::down_until(up_again));
    cloud.log_failures(cloud.hook, 3, start());
    while !cloud.undelivered(cloud.hook).is_empty() {
        let now = cloud.github().now();
        assert!(
            now < up_again + TimeDelta::hours(6) + TimeDelta::minutes(5),
            "{now}"
        );
        let report = cloud.pass(&[]).await;
        assert_eq!(report.count(|outcome| outcome == Outcome::Exhausted), 0);
        advance(Duration::from_secs(300)).await;
    }
    let most = cloud.redelivered(cloud.hook).into_values().max();
    assert!(most <= Some(18), "{most:?}");
}

#[tokio::test(start_paused = true)]
async fn an_outage_of_a_busy_webhook_costs_a_handful_of_requests_a_pass() {
    let cloud = Cloud::new();
    let up_again = start() + TimeDelta::hours(5);
    cloud.set_receiver(Receiver::down_until(up_again));
    let mut sent = 0;
    for pass in 0..10 {
        // 1,500 deliveries in each half hour: 15 pages.
        let now = cloud.github().now();
        for second in 0..1_500 {
            let at = now - TimeDelta::seconds(1_500 - second);
            cloud.log(Attempt::failed(guid(sent), at));
            sent += 1;
        }
        let before = cloud.github().requests().len();
        let report = cloud.pass(&[]).await;
        let made = cloud.github().requests().len() - before;
        assert_eq!(report.result(), PassResult::Down);
        if pass > 0 {
            assert!(made <= 10, "pass {pass}: {made}");
        }
        advance(Duration::from_secs(1_800)).await;
    }
    let asked = cloud.github().requested(cloud.hook).len();
    assert!(asked < 20, "{asked}");
    // Nothing is lost: once it is up again, everything is recovered.
    for _ in 0..60 {
        cloud.pass(&[("INPUT_MAX_PER_MINUTE", "2000")]).await;
        if cloud.undelivered(cloud.hook).is_empty() {
            return;
        }
        advance(Duration::from_secs(1_800)).await;
    }
    panic!("{} left", cloud.undelivered(cloud.hook).len());
}

#[tokio::test(start_paused = true)]
async fn what_was_delivered_further_back_than_the_first_page_is_not_sent_again() {
    let cloud = Cloud::new();
    cloud.set_receiver(Receiver::down());
    cloud.log_failures(cloud.hook, 1, start());
    cloud.pass(&[]).await;
    // A person got it delivered, and then nothing was accepted again.
    cloud.log(Attempt::ok(guid(0), start() + TimeDelta::minutes(20)).redelivery());
    for n in 0..120 {
        let at = start() + TimeDelta::minutes(30) + TimeDelta::seconds(n as i64);
        cloud.log(Attempt::failed(guid(100 + n), at));
    }
    advance_minutes(60).await;
    cloud.pass(&[]).await;
    let asked = cloud.github().requested(cloud.hook);
    assert_eq!(asked.len(), 6, "once by the first pass, and five others");
}

/// Three deliveries a minute of a busy webhook, from one minute to another.
fn log_busy(
    cloud: &Cloud,
    minutes: std::ops::Range<i64>,
    row: fn(String, chrono::DateTime<chrono::Utc>) -> Attempt,
) {
    for n in minutes.start * 3..minutes.end * 3 {
        let at = start() + TimeDelta::seconds(n * 20);
        let number = u64::try_from(n + 10_000).unwrap();
        cloud
            .github()
            .webhook_mut(cloud.hook)
            .log_late(row(guid(number), at), at);
    }
}

fn asked_for_successes(cloud: &Cloud) -> usize {
    let github = cloud.github();
    let requests = github.requests().iter();
    let is_one = |request: &&Exchange| request.path_and_query.contains("status=success");
    requests.filter(is_one).count()
}

#[tokio::test(start_paused = true)]
async fn what_one_pass_of_an_outage_saw_delivered_no_later_one_sends_again() {
    let cloud = Cloud::new();
    log_busy(&cloud, -60..0, Attempt::ok);
    log_busy(&cloud, 3..120, Attempt::failed);
    cloud.set_receiver(Receiver::down());
    cloud.log_failures(cloud.hook, 2, start());
    cloud.pass(&[]).await;
    let by_hand = start() + TimeDelta::minutes(2);
    cloud.log(Attempt::ok(guid(0), by_hand).redelivery());
    for _ in 0..6 {
        advance_minutes(15).await;
        cloud.pass(&[]).await;
        let github = cloud.github();
        let state = github
            .variable("acme/ops", "LAST_REDELIVERY_STATE")
            .unwrap();
        assert!(
            !state.contains(&guid(0)) && state.contains(&guid(1)),
            "{state}"
        );
    }
    assert_eq!(
        cloud.redelivered(cloud.hook)[&guid(0)],
        2,
        "by the first pass, and by hand"
    );
    assert!(
        cloud.redelivered(cloud.hook)[&guid(1)] > 2,
        "the other one is tried again and again"
    );
}

#[tokio::test(start_paused = true)]
async fn nobody_asks_what_was_delivered_where_nothing_is_due() {
    let cloud = Cloud::new();
    log_busy(&cloud, 3..120, Attempt::failed);
    cloud.set_receiver(Receiver::down());
    cloud.log_failures(cloud.hook, 1, start());
    let mut asked = Vec::new();
    for _ in 0..6 {
        cloud.pass(&[("INPUT_EVENTS", "!push")]).await;
        asked.push(asked_for_successes(&cloud));
        advance_minutes(45).await;
    }
    assert_eq!(asked, [0; 6]);
}

#[tokio::test(start_paused = true)]
async fn what_showed_late_is_looked_for_as_far_back_as_a_log_may_lag() {
    let cloud = Cloud::new();
    cloud.set_receiver(Receiver::down());
    cloud.log_failures(cloud.hook, 1, start());
    cloud.pass(&[]).await;
    // Delivered just before the next pass, as many others, but in the log just after it.
    advance_minutes(20).await;
    let by_hand = start() + TimeDelta::seconds(1_190);
    let late = start() + TimeDelta::seconds(1_260);
    let row = Attempt::ok(guid(0), by_hand).redelivery();
    cloud.github().webhook_mut(cloud.hook).log_late(row, late);
    for n in 0..150 {
        let at = start() + TimeDelta::milliseconds(1_195_000 + 50 * n);
        let row = Attempt::ok(guid(100 + u64::try_from(n).unwrap()), at);
        cloud.github().webhook_mut(cloud.hook).log_late(row, late);
    }
    cloud.pass(&[]).await;
    for n in 0..150 {
        let at = late + TimeDelta::seconds(n);
        cloud.log(Attempt::failed(guid(300 + u64::try_from(n).unwrap()), at));
    }
    advance_minutes(20).await;
    cloud.pass(&[]).await;
    assert_eq!(
        cloud.redelivered(cloud.hook)[&guid(0)],
        3,
        "by two passes, and by hand"
    );
}

#[tokio::test(start_paused = true)]
async fn what_was_recovered_before_the_reading_broke_off_is_open_no_longer() {
    let cloud = Cloud::new();
    log_busy(&cloud, -60..120, Attempt::failed);
    cloud.set_receiver(Receiver::down());
    cloud.log_failures(cloud.hook, 1, start());
    cloud.pass(&[]).await;
    cloud.set_receiver(Receiver::up());
    let broken = Fault::on("GET", "cursor=").status(500, "").always();
    cloud.github().add_fault(broken);
    advance_minutes(45).await;
    let report = cloud.pass(&[]).await;
    let recovered: Vec<_> = report.webhooks[0]
        .deliveries
        .iter()
        .filter(|each| each.outcome == Outcome::Recovered)
        .map(|each| each.failure.guid.to_string())
        .collect();
    assert!(!report.webhooks[0].complete && !recovered.is_empty());
    let state = cloud
        .github()
        .variable("acme/ops", "LAST_REDELIVERY_STATE")
        .unwrap();
    for guid in recovered {
        assert!(!state.contains(&guid), "{guid} {state}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_asked_for_and_may_stand_further_back_is_not_asked_for_again() {
    let cloud = Cloud::new();
    let once = [("INPUT_MAX_REDELIVERIES", "1")];
    log_busy(&cloud, -60..1, Attempt::ok);
    log_busy(&cloud, 2..120, Attempt::failed);
    cloud.set_receiver(Receiver::up().poisoned(guid(0)));
    cloud.log_failures(cloud.hook, 1, start());
    // The row, which says that it failed while its receiver was up, comes when that pass is over.
    cloud.github().log_lag = TimeDelta::minutes(20);
    cloud.pass(&once).await;
    cloud.github().log_lag = TimeDelta::zero();
    cloud.set_receiver(Receiver::down());
    advance_minutes(110).await;
    cloud.pass(&once).await;
    assert_eq!(cloud.redelivered(cloud.hook)[&guid(0)], 1);
}

/// Three webhooks of one receiver that is down, as earlier passes know, with so many deliveries each.
async fn three_of_one_receiver(counts: [u64; 3]) -> (Cloud, [u64; 3]) {
    let cloud = Cloud::new();
    let url = cloud.github().webhook_mut(cloud.hook).url.clone();
    let hooks = [cloud.hook, cloud.add_webhook(&url), cloud.add_webhook(&url)];
    for (hook, count) in hooks.into_iter().zip(counts) {
        cloud.github().webhook_mut(hook).receiver = Receiver::down();
        cloud.log_failures(hook, count, start());
    }
    for _ in 0..2 {
        cloud.pass(&[]).await;
        advance_minutes(60).await;
    }
    (cloud, hooks)
}

#[tokio::test(start_paused = true)]
async fn while_a_receiver_is_down_none_of_its_webhooks_reads_beyond_the_first_page() {
    let (cloud, _) = three_of_one_receiver([400, 300, 200]).await;
    let before = cloud.github().requests().len();
    let report = cloud.pass(&[]).await;
    assert_eq!(report.result(), PassResult::Down);
    let tried = report.count(|outcome| outcome == Outcome::FailedAgain);
    assert_eq!(tried, 3, "one of each webhook");
    let github = cloud.github();
    let made = github.requests().iter().skip(before);
    let further = made.filter(|each| each.path_and_query.contains("cursor="));
    assert_eq!(further.count(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_one_webhook_finds_up_is_up_for_another_that_tried_in_vain() {
    let (cloud, [leader, unlucky, lucky]) = three_of_one_receiver([30, 1, 10]).await;
    let now = cloud.github().now();
    for hook in [leader, unlucky] {
        // Nothing is accepted that was there before.
        let poisoned = (0..30).fold(Receiver::up(), |up, n| up.poisoned(guid(n)));
        let new = Attempt::failed(guid(1_000), now - TimeDelta::minutes(5));
        let mut github = cloud.github();
        let webhook = github.webhook_mut(hook);
        webhook.receiver = poisoned;
        webhook.log(new);
    }
    cloud.github().webhook_mut(lucky).receiver = Receiver::up();
    cloud.pass(&[]).await;
    assert_eq!(cloud.undelivered(lucky).len(), 0);
    assert!(!cloud.undelivered(unlucky).contains(&guid(1_000)));
}
