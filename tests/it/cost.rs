//! A pass costs what is new, not what is open: whole passes in virtual time.

use std::time::Duration;

use chrono::TimeDelta;
use redeliver_webhooks::model::PassResult;
use simulated_github::{Attempt, Receiver, guid};
use tokio::time::advance;

use crate::cloud::{Cloud, start};

/// How far passes are apart.
const EVERY: Duration = Duration::from_secs(900);

/// Deliveries to come, so many a day for so long.
fn log_to_come(
    cloud: &Cloud,
    a_day: u64,
    hours: i64,
    attempt: fn(String, chrono::DateTime<chrono::Utc>) -> Attempt,
) {
    let apart = TimeDelta::days(1) / i32::try_from(a_day).unwrap();
    let mut at = start();
    for number in 1.. {
        at += apart;
        if at > start() + TimeDelta::hours(hours) {
            break;
        }
        let row = attempt(guid(number), at);
        cloud.github().webhook_mut(cloud.hook).log_late(row, at);
    }
}

#[tokio::test(start_paused = true)]
async fn a_delivery_open_for_two_days_costs_a_busy_webhook_nothing() {
    let cloud = Cloud::new();
    cloud.set_receiver(Receiver::up().poisoned(guid(0)));
    cloud.log_failures(cloud.hook, 1, start());
    log_to_come(&cloud, 100_000, 48, Attempt::ok);
    let mut pages = Vec::new();
    for _ in 0..48 * 4 {
        let report = cloud.pass(&[("INPUT_MAX_REDELIVERIES", "1000")]).await;
        pages.push(report.webhooks[0].pages);
        advance(EVERY).await;
    }
    assert_eq!(cloud.undelivered(cloud.hook).len(), 1, "it is still open");
    // A quarter of an hour and the overlap hold 3,125 attempts.
    let once_begun = &pages[4..];
    assert!(
        once_begun.iter().all(|pages| (32..=33).contains(pages)),
        "{pages:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_is_down_for_sixty_hours_costs_ten_requests_a_pass() {
    let cloud = Cloud::new();
    let up_again = start() + TimeDelta::hours(60);
    cloud.set_receiver(Receiver::down_until(up_again));
    log_to_come(&cloud, 150_000, 60, Attempt::failed);
    advance(EVERY).await;
    let mut requests = Vec::new();
    for _ in 1..60 * 4 {
        let before = cloud.github().requests().len();
        let report = cloud.pass(&[]).await;
        requests.push(cloud.github().requests().len() - before);
        assert_eq!(report.result(), PassResult::Down);
        advance(EVERY).await;
    }
    // The first finds out that it is down, and reads what there is.
    assert!(
        requests[1..].iter().all(|requests| *requests <= 10),
        "{requests:?}"
    );
}
