//! A pass costs requests for new deliveries, not for open ones: whole passes in virtual time.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use redeliver_webhooks::model::PassResult;
use simulated_github::{Attempt, Receiver, guid};
use tokio::time::advance;

use crate::virtual_world::{VirtualWorld, start};

/// The time between passes.
const EVERY: Duration = Duration::from_secs(900);

/// Deliveries that come in at an even pace.
struct Stream {
    apart: TimeDelta,
    attempt: fn(String, DateTime<Utc>) -> Attempt,
    logged: u64,
}

impl Stream {
    fn new(a_day: i32, attempt: fn(String, DateTime<Utc>) -> Attempt) -> Self {
        Self {
            apart: TimeDelta::days(1) / a_day,
            attempt,
            logged: 0,
        }
    }

    /// Lets the time between two passes go by, and logs the deliveries of that time.
    async fn advance(&mut self, world: &VirtualWorld) {
        advance(EVERY).await;
        let mut github = world.github();
        let now = github.now();
        loop {
            let number = self.logged + 1;
            let at = start() + self.apart * i32::try_from(number).unwrap();
            if at > now {
                return;
            }
            let webhook = github.webhook_mut(world.hook);
            webhook.log((self.attempt)(guid(number), at));
            self.logged = number;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_delivery_open_for_two_days_costs_a_busy_webhook_no_extra_page() {
    let world = VirtualWorld::new();
    world.set_receiver(Receiver::up().poisoned(guid(0)));
    world.log_failures(world.hook, 1, start());
    let mut stream = Stream::new(100_000, Attempt::ok);
    let mut pages = Vec::new();
    for _ in 0..48 * 4 {
        let report = world.pass(&[("INPUT_MAX_REDELIVERIES", "1000")]).await;
        pages.push(report.webhooks[0].pages);
        stream.advance(&world).await;
    }
    assert_eq!(world.undelivered(world.hook).len(), 1, "it is still open");
    // A quarter of an hour and the overlap hold 3,125 attempts.
    let once_begun = &pages[4..];
    assert!(
        once_begun.iter().all(|pages| (32..=33).contains(pages)),
        "{pages:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_is_down_for_sixty_hours_costs_ten_requests_per_pass() {
    let world = VirtualWorld::new();
    let up_again = start() + TimeDelta::hours(60);
    world.set_receiver(Receiver::down_until(up_again));
    let mut stream = Stream::new(150_000, Attempt::failed);
    stream.advance(&world).await;
    let mut requests = Vec::new();
    for _ in 1..60 * 4 {
        let before = world.github().requests().len();
        let report = world.pass(&[]).await;
        requests.push(world.github().requests().len() - before);
        assert_eq!(report.result(), PassResult::Down);
        stream.advance(&world).await;
    }
    // The first pass learns that it is down, and reads the whole log.
    assert!(
        requests[1..].iter().all(|requests| *requests <= 10),
        "{requests:?}"
    );
}
