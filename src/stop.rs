//! The early end of a pass, by cancellation or time limit: one value that every task can check and wait for.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::watched::Watched;

/// The reason why a pass ends early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopReason {
    /// It was cancelled.
    Cancelled,
    /// The credential's rate limit is reached until this time. Work with other credentials goes on.
    Limit(DateTime<Utc>),
    /// It reached its time limit.
    TimeLimit,
}

impl StopReason {
    /// The reason, for people, to leave work to the next pass.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Cancelled => "the pass was cancelled",
            Self::Limit(_) => "GitHub's rate limit is reached",
            Self::TimeLimit => "`time-limit` is reached",
        }
    }
}

/// The time that a task gets after the end of a pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grace {
    /// After a cancellation.
    pub cancelled: Duration,
    /// After the time limit.
    pub time_limit: Duration,
}

/// The end of a pass, at the time limit at the latest. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Stop {
    deadline: Instant,
    state: Arc<Watched<StopState>>,
}

#[derive(Clone, Copy, Debug, Default)]
struct StopState {
    cancelled: Option<Instant>,
    ran_short: bool,
}

impl Stop {
    /// The end of a pass that may take this long from now on.
    pub fn after(time_limit: Duration) -> Self {
        Self {
            deadline: Instant::now() + time_limit,
            state: Arc::default(),
        }
    }

    /// Cancels the pass.
    pub fn cancel(&self) {
        self.state.change(|state| {
            state.cancelled.get_or_insert_with(Instant::now);
        });
    }

    /// The reason to end the pass now, if there is one.
    pub fn why(&self) -> Option<StopReason> {
        if self.state.get().cancelled.is_some() {
            Some(StopReason::Cancelled)
        } else {
            (Instant::now() >= self.deadline).then_some(StopReason::TimeLimit)
        }
    }

    /// Records that work was left because it would not have ended within the time limit.
    pub fn ran_short(&self) {
        self.state.change(|state| state.ran_short = true);
    }

    /// The reason why the pass ended before all was done, if it did.
    pub fn ended(&self) -> Option<StopReason> {
        let ran_short = self.state.get().ran_short;
        self.why().or(ran_short.then_some(StopReason::TimeLimit))
    }

    /// The time limit.
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// True if a wait would be over before the pass must end.
    pub fn leaves(&self, wait: Duration) -> bool {
        self.why().is_none() && Instant::now() + wait < self.deadline
    }

    /// Sleeps until this time.
    ///
    /// # Errors
    /// The pass ends, and the sleep with it.
    pub async fn sleep_until(&self, time: Instant) -> Result<(), StopReason> {
        let time = time.min(self.deadline);
        let ended = self.state.wait_for(|state| state.cancelled);
        // The result below is the same whichever ended the wait.
        let _ = timeout_at(time, ended).await;
        self.why().map_or(Ok(()), Err)
    }

    /// Waits until this long after the cancellation or the time limit, whichever comes first. The pass then
    /// abandons requests in flight.
    pub async fn over(&self, grace: Grace) {
        tokio::select! {
            biased;
            () = self.grace(grace.cancelled) => {}
            () = sleep_until(self.deadline + grace.time_limit) => {}
        }
    }

    /// The time left until [`Stop::over`] returns.
    pub fn left_of(&self, grace: Grace) -> Duration {
        let by_time_limit = self.deadline + grace.time_limit;
        let cancelled = self.state.get().cancelled;
        let end = cancelled.map_or(by_time_limit, |at| by_time_limit.min(at + grace.cancelled));
        end.saturating_duration_since(Instant::now())
    }

    /// Waits until this long after a cancellation.
    pub async fn grace(&self, grace: Duration) {
        let cancelled = self.state.wait_for(|state| state.cancelled).await;
        sleep_until(cancelled + grace).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[tokio::test(start_paused = true)]
    async fn a_pass_ends_at_its_time_limit() {
        let (stop, began) = (Stop::after(MINUTE), Instant::now());
        assert_eq!(stop.why(), None);
        assert!(stop.leaves(MINUTE / 2) && !stop.leaves(MINUTE));
        assert_eq!(stop.sleep_until(began + MINUTE / 2).await, Ok(()));
        let slept = stop.sleep_until(began + MINUTE * 9).await;
        assert_eq!(slept, Err(StopReason::TimeLimit));
        assert_eq!(began.elapsed(), MINUTE);
        assert!(!stop.leaves(Duration::ZERO));
    }

    #[tokio::test(start_paused = true)]
    async fn a_sleep_ends_with_the_pass() {
        let stop = Stop::after(MINUTE);
        let began = Instant::now();
        let sleeper = tokio::spawn({
            let stop = stop.clone();
            async move { stop.sleep_until(began + MINUTE / 2).await }
        });
        tokio::time::sleep(MINUTE / 10).await;
        stop.cancel();
        assert_eq!(sleeper.await.unwrap(), Err(StopReason::Cancelled));
        assert_eq!(began.elapsed(), MINUTE / 10);
        assert_eq!(stop.why(), Some(StopReason::Cancelled));
        stop.grace(Duration::from_secs(3)).await;
        assert_eq!(began.elapsed(), MINUTE / 10 + Duration::from_secs(3));
    }

    #[tokio::test(start_paused = true)]
    async fn requests_in_flight_get_time_after_the_time_limit_too() {
        let grace = Grace {
            cancelled: MINUTE / 20,
            time_limit: MINUTE / 10,
        };
        let (stop, began) = (Stop::after(MINUTE), Instant::now());
        assert_eq!(stop.left_of(grace), MINUTE + MINUTE / 10);
        stop.over(grace).await;
        assert_eq!(began.elapsed(), MINUTE + MINUTE / 10);
        assert_eq!(stop.left_of(grace), Duration::ZERO);
        let (stop, began) = (Stop::after(MINUTE), Instant::now());
        stop.cancel();
        assert_eq!(stop.left_of(grace), MINUTE / 20);
        stop.over(grace).await;
        assert_eq!(began.elapsed(), MINUTE / 20);
        assert_eq!(stop.left_of(grace), Duration::ZERO);
    }
}
