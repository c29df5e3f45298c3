//! How fast redeliveries are asked for.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::github::limits::budget::Budget;
use crate::stop::StopReason;

/// Redeliveries that may be asked for at once before the pace counts.
const BURST: f64 = 30.0;

/// The pace of redeliveries, shared by all webhooks of a pass.
///
/// Those that wait are served by turns: one in the order in which they came, one that has least left. So
/// neither a webhook with thousands nor many that get nowhere keep one with three waiting.
pub struct Pace {
    per_second: f64,
    budget: Arc<Budget>,
    queue: Mutex<Queue>,
}

struct Queue {
    tokens: f64,
    filled: Instant,
    waiting: Vec<Waiting>,
    /// The next one goes to whoever has least left.
    least_next: bool,
    numbers: u64,
}

struct Waiting {
    number: u64,
    left: usize,
    granted: oneshot::Sender<()>,
}

impl Pace {
    /// So many redeliveries a minute, after a burst; less once a limit was met.
    pub(crate) fn new(per_minute: u32, budget: &Arc<Budget>) -> Self {
        Self {
            per_second: f64::from(per_minute) / 60.0,
            budget: Arc::clone(budget),
            queue: Mutex::new(Queue {
                tokens: BURST,
                filled: Instant::now(),
                waiting: Vec::new(),
                least_next: false,
                numbers: 0,
            }),
        }
    }

    /// Waits until one of `left` redeliveries may be asked for. `Err` if the pass is to end before; then
    /// nothing is taken.
    pub async fn take(&self, left: usize) -> Result<(), StopReason> {
        if let Some(why) = self.budget.stop().why() {
            return Err(why);
        }
        let (granted, mut grant) = oneshot::channel();
        let number = {
            let mut queue = self.queue();
            queue.numbers += 1;
            let number = queue.numbers;
            queue.waiting.push(Waiting {
                number,
                left,
                granted,
            });
            number
        };
        // Whatever ends the wait, nobody is left in the queue.
        let _waiting = Leaving { pace: self, number };
        loop {
            let next = self.serve();
            if grant.try_recv().is_ok() {
                return Ok(());
            }
            tokio::select! {
                biased;
                granted = &mut grant => if granted.is_ok() { return Ok(()) },
                slept = self.budget.stop().sleep_until(next) => slept?,
            }
        }
    }

    /// Gives out what there is. Tells when there is more.
    fn serve(&self) -> Instant {
        let per_second = self.per_second * self.budget.share();
        let mut queue = self.queue();
        let now = Instant::now();
        let gained = (now - queue.filled).as_secs_f64() * per_second;
        queue.tokens = (queue.tokens + gained).min(BURST);
        queue.filled = now;
        // A clock of whole nanoseconds may leave a hair's breadth.
        while queue.tokens > 1.0 - 1e-6 && !queue.waiting.is_empty() {
            let least_next = std::mem::replace(&mut queue.least_next, false);
            queue.least_next = !least_next;
            let waiting = queue.waiting.iter().enumerate();
            let next = if least_next {
                waiting.min_by_key(|(_, each)| (each.left, each.number))
            } else {
                waiting.min_by_key(|(_, each)| each.number)
            };
            let Some((place, _)) = next else { break };
            // Whoever went away meanwhile has taken nothing.
            if queue.waiting.swap_remove(place).granted.send(()).is_ok() {
                queue.tokens -= 1.0;
            }
        }
        now + Duration::from_secs_f64((1.0 - queue.tokens).max(0.0) / per_second)
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Leaving<'a> {
    pace: &'a Pace,
    number: u64,
}

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        self.pace
            .queue()
            .waiting
            .retain(|each| each.number != self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stop::Stop;

    fn pace(per_minute: u32, time_limit: u64) -> Pace {
        let stop = Stop::after(Duration::from_secs(time_limit));
        Pace::new(per_minute, &Arc::new(Budget::new(&stop, false)))
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_burst_the_pace_is_kept() {
        let (pace, began) = (pace(120, 9_999), Instant::now());
        for _ in 0..30 {
            assert_eq!(pace.take(1).await, Ok(()));
        }
        assert_eq!(began.elapsed(), Duration::ZERO);
        for _ in 0..120 {
            assert_eq!(pace.take(1).await, Ok(()));
        }
        let took = began.elapsed().as_secs_f64();
        assert!((59.9..60.3).contains(&took), "{took}");
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_beyond_the_end_of_the_pass() {
        let (pace, began) = (pace(6, 5), Instant::now());
        for _ in 0..30 {
            assert_eq!(pace.take(1).await, Ok(()));
        }
        assert_eq!(pace.take(1).await, Err(StopReason::TimeLimit));
        assert_eq!(began.elapsed(), Duration::from_secs(5));
        assert!(pace.queue().waiting.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn those_with_little_left_are_served_every_other_time() {
        let pace = pace(60, 9_999);
        for _ in 0..30 {
            pace.take(1).await.unwrap();
        }
        let taken = Mutex::new(Vec::new());
        let one = |name: &'static str, times: usize| {
            let (pace, taken) = (&pace, &taken);
            async move {
                for left in (1..=times).rev() {
                    pace.take(left).await.unwrap();
                    taken.lock().unwrap().push(name);
                }
            }
        };
        futures_util::join!(one("many", 6), one("more", 9), one("few", 3));
        let order = taken.into_inner().unwrap();
        let last = order.iter().rposition(|name| *name == "few").unwrap();
        assert!(last <= 6, "{order:?}");
        assert!(order[..4].contains(&"many"), "{order:?}");
    }
}
