//! The pace of redeliveries: a token bucket that all webhooks of a pass share.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::github::limits::budget::Budget;
use crate::stop::StopReason;

/// Redeliveries that may be requested at once before the pace limits them.
const BURST: f64 = 30.0;

/// The pace of redeliveries. Requests wait in the order in which they came, so webhooks take turns: a webhook with
/// thousands of deliveries delays another by one request at a time.
pub struct Pace {
    per_second: f64,
    budget: Arc<Budget>,
    /// The first in the queue holds the lock while it waits. Tokio's mutex is fair.
    bucket: Mutex<Bucket>,
}

struct Bucket {
    tokens: f64,
    filled_at: Instant,
}

impl Pace {
    /// A pace of this many redeliveries a minute after a burst, and of less once GitHub limited a request.
    pub(crate) fn new(per_minute: u32, budget: &Arc<Budget>) -> Self {
        Self {
            per_second: f64::from(per_minute) / 60.0,
            budget: Arc::clone(budget),
            bucket: Mutex::new(Bucket {
                tokens: BURST,
                filled_at: Instant::now(),
            }),
        }
    }

    /// Waits until one more redelivery may be requested.
    ///
    /// # Errors
    /// The pass ends before that. The redelivery does not count then.
    pub async fn take(&self) -> Result<(), StopReason> {
        let stop = self.budget.stop();
        let mut bucket = self.bucket.lock().await;
        loop {
            if let Some(why) = stop.why() {
                return Err(why);
            }
            let per_second = self.per_second * self.budget.share();
            bucket.fill(per_second);
            // Rounding to whole nanoseconds may leave a tiny part of a token missing.
            if bucket.tokens > 1.0 - 1e-6 {
                bucket.tokens -= 1.0;
                return Ok(());
            }
            let wait = Duration::from_secs_f64((1.0 - bucket.tokens) / per_second);
            stop.sleep_until(Instant::now() + wait).await?;
        }
    }
}

impl Bucket {
    fn fill(&mut self, per_second: f64) {
        let now = Instant::now();
        let gained = (now - self.filled_at).as_secs_f64() * per_second;
        self.tokens = (self.tokens + gained).min(BURST);
        self.filled_at = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lock::lock;
    use crate::stop::Stop;

    fn pace(per_minute: u32, time_limit: u64) -> Pace {
        let stop = Stop::after(Duration::from_secs(time_limit));
        Pace::new(per_minute, &Arc::new(Budget::new(&stop, false)))
    }

    async fn spend_burst(pace: &Pace) {
        for _ in 0..30 {
            assert_eq!(pace.take().await, Ok(()));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_pace_is_kept_after_a_burst() {
        let (pace, began) = (pace(120, 9_999), Instant::now());
        spend_burst(&pace).await;
        assert_eq!(began.elapsed(), Duration::ZERO);
        for _ in 0..120 {
            assert_eq!(pace.take().await, Ok(()));
        }
        let took = began.elapsed().as_secs_f64();
        assert!((59.9..60.3).contains(&took), "{took}");
    }

    #[tokio::test(start_paused = true)]
    async fn no_request_waits_beyond_the_end_of_the_pass() {
        let (pace, began) = (pace(6, 5), Instant::now());
        spend_burst(&pace).await;
        let waited = futures_util::join!(pace.take(), pace.take());
        assert_eq!(
            waited,
            (Err(StopReason::TimeLimit), Err(StopReason::TimeLimit))
        );
        assert_eq!(began.elapsed(), Duration::from_secs(5));
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_is_given_up_takes_nothing() {
        let (pace, began) = (pace(60, 9_999), Instant::now());
        spend_burst(&pace).await;
        let half = Duration::from_millis(500);
        assert!(tokio::time::timeout(half, pace.take()).await.is_err());
        assert_eq!(pace.take().await, Ok(()));
        let took = began.elapsed().as_secs_f64();
        assert!((0.99..1.01).contains(&took), "{took}");
    }

    #[tokio::test(start_paused = true)]
    async fn webhooks_take_turns_however_many_deliveries_each_has() {
        let pace = pace(60, 9_999);
        spend_burst(&pace).await;
        let order = std::sync::Mutex::new(String::new());
        let webhook = async |name: char, deliveries: usize| {
            for _ in 0..deliveries {
                assert_eq!(pace.take().await, Ok(()));
                lock(&order).push(name);
            }
        };
        futures_util::join!(webhook('a', 6), webhook('b', 9), webhook('c', 3));
        assert_eq!(*lock(&order), "abcabcabcabababbbb");
    }
}
