//! How fast GitHub is asked.

use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until};

/// Redeliveries that may be asked for at once before the pace counts.
const BURST: f64 = 30.0;

/// The pace of redeliveries, shared by all webhooks of a pass. Those that wait are served in turn, so
/// that one with thousands keeps none with three waiting.
#[derive(Debug)]
pub struct Pace {
    per_second: f64,
    bucket: Mutex<Bucket>,
}

#[derive(Debug)]
struct Bucket {
    tokens: f64,
    filled: Instant,
}

impl Pace {
    /// So many redeliveries a minute, after a burst.
    pub fn new(per_minute: u32) -> Self {
        Self {
            per_second: f64::from(per_minute) / 60.0,
            bucket: Mutex::new(Bucket {
                tokens: BURST,
                filled: Instant::now(),
            }),
        }
    }

    /// Waits until one more may be asked for. Tells whether that is before `deadline`; if not, nothing
    /// is taken.
    pub async fn take(&self, deadline: Instant) -> bool {
        // Whoever holds the lock is next; the lock itself is handed on in turn.
        let Ok(mut bucket) = tokio::time::timeout_at(deadline, self.bucket.lock()).await else {
            return false;
        };
        let now = Instant::now();
        let gained = (now - bucket.filled).as_secs_f64() * self.per_second;
        bucket.tokens = (bucket.tokens + gained).min(BURST);
        bucket.filled = now;
        if bucket.tokens < 1.0 {
            let wait = Duration::from_secs_f64((1.0 - bucket.tokens) / self.per_second);
            if now + wait >= deadline {
                return false;
            }
            sleep_until(now + wait).await;
            bucket.tokens = 1.0;
            bucket.filled = Instant::now();
        }
        bucket.tokens -= 1.0;
        Instant::now() < deadline
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn after_a_burst_the_pace_is_kept() {
        let pace = Pace::new(120);
        let (began, far) = (Instant::now(), Instant::now() + Duration::from_secs(9_999));
        for _ in 0..30 {
            assert!(pace.take(far).await);
        }
        assert_eq!(began.elapsed(), Duration::ZERO);
        for _ in 0..120 {
            assert!(pace.take(far).await);
        }
        let took = began.elapsed().as_secs_f64();
        assert!((59.9..60.3).contains(&took), "{took}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_beyond_the_deadline_is_not_begun() {
        let pace = Pace::new(60);
        let deadline = Instant::now() + Duration::from_millis(500);
        for _ in 0..30 {
            assert!(pace.take(deadline).await);
        }
        let began = Instant::now();
        assert!(!pace.take(deadline).await);
        assert_eq!(began.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn those_that_wait_are_served_in_turn() {
        let pace = Pace::new(60);
        let far = Instant::now() + Duration::from_secs(9_999);
        for _ in 0..30 {
            pace.take(far).await;
        }
        let taken = std::sync::Mutex::new(Vec::new());
        let one = |name: &'static str, times: usize| {
            let (pace, taken) = (&pace, &taken);
            async move {
                for _ in 0..times {
                    pace.take(far).await;
                    taken.lock().unwrap().push(name);
                }
            }
        };
        futures_util::join!(one("many", 5), one("few", 2));
        let order = taken.into_inner().unwrap();
        assert_eq!(
            order,
            ["many", "few", "many", "few", "many", "many", "many"]
        );
    }
}
