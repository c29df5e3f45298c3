//! The time that a pass has requests in flight, and the rest of its hourly limit.

use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;

use crate::lock::lock;

/// The time and the limits that a pass used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Time with at least one request in flight.
    pub busy: Duration,
    /// The rest of the hourly limit, if GitHub reported one.
    pub remaining: Option<Remaining>,
}

/// The rest of an hourly limit; with several credentials, the one with least left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remaining {
    /// Requests that are left.
    pub left: u64,
    /// Requests an hour.
    pub limit: u64,
}

/// Measures the time with at least one request in flight.
#[derive(Default)]
pub(crate) struct Meter(Mutex<MeterState>);

#[derive(Default)]
struct MeterState {
    in_flight: u32,
    since: Option<Instant>,
    busy: Duration,
}

/// A request that is in flight until this is dropped.
pub(crate) struct InFlight<'a>(&'a Meter);

impl Meter {
    /// A request begins.
    pub(crate) fn begin(&self) -> InFlight<'_> {
        let mut state = lock(&self.0);
        if state.in_flight == 0 {
            state.since = Some(Instant::now());
        }
        state.in_flight += 1;
        InFlight(self)
    }

    /// The time so far.
    pub(crate) fn busy(&self) -> Duration {
        let state = lock(&self.0);
        state.busy + state.since.map_or(Duration::ZERO, |since| since.elapsed())
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        let mut state = lock(&self.0.0);
        state.in_flight -= 1;
        if state.in_flight == 0
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
    async fn time_with_several_requests_in_flight_counts_once() {
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
