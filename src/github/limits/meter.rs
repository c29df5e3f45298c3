//! What a pass uses of GitHub: requests, time, and the hourly limit.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// What was used of GitHub.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// How long at least one of them was under way.
    pub busy: Duration,
    /// What is left of the hourly limit, if GitHub told of one.
    pub remaining: Option<Remaining>,
}

/// What is left of an hourly limit; of several that of which least is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remaining {
    /// Requests that are left.
    pub left: u64,
    /// Requests an hour.
    pub limit: u64,
}

/// Measures for how long at least one request is under way.
#[derive(Default)]
pub(crate) struct Meter(Mutex<State>);

#[derive(Default)]
struct State {
    under_way: u32,
    since: Option<Instant>,
    busy: Duration,
}

/// A request that is under way until this is dropped.
pub(crate) struct UnderWay<'a>(&'a Meter);

impl Meter {
    /// A request begins.
    pub(crate) fn begin(&self) -> UnderWay<'_> {
        let mut state = self.state();
        if state.under_way == 0 {
            state.since = Some(Instant::now());
        }
        state.under_way += 1;
        UnderWay(self)
    }

    /// For how long at least one was under way so far.
    pub(crate) fn busy(&self) -> Duration {
        let state = self.state();
        state.busy + state.since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.under_way -= 1;
        if state.under_way == 0
            && let Some(since) = state.since.take()
        {
            state.busy += since.elapsed();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::sleep;

    #[tokio::test(start_paused = true)]
    async fn requests_side_by_side_take_their_time_once() {
        let (meter, second) = (Meter::default(), Duration::from_secs(1));
        let one = meter.begin();
        sleep(second).await;
        let other = meter.begin();
        sleep(second).await;
        drop(one);
        assert_eq!(meter.busy(), 2 * second);
        sleep(second).await;
        drop(other);
        sleep(9 * second).await;
        assert_eq!(meter.busy(), 3 * second);
        let _third = meter.begin();
        sleep(second).await;
        assert_eq!(meter.busy(), 4 * second);
    }
}
