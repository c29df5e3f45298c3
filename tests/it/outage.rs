//! Passes in an outage that an earlier one knows of: they try one delivery and read no further.

use std::time::Duration;

use chrono::TimeDelta;
use redeliver_webhooks::report::{Outcome, PassResult};
use simulated_github::{Attempt, Fault, Receiver, guid};
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
        cloud.pass(&[("INPUT_PACE", "2000")]).await;
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
