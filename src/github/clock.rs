//! GitHub's time: a monotonic clock, set by the `Date` of GitHub's latest answer.
//!
//! Windows, ages and waits are measured against the times in GitHub's log, so this machine's own
//! idea of the time must not matter.

use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, Datelike, TimeDelta, Utc};
use http::header::DATE;
use http::{HeaderMap, HeaderValue};
use tokio::time::Instant;

/// Years that a wrong clock may show. A time outside of them is not plausible.
const YEARS: std::ops::Range<i32> = 2008..2200;

/// Returns whether this is a plausible time.
pub(crate) fn sound(time: &DateTime<Utc>) -> bool {
    YEARS.contains(&time.year())
}

/// The time in a header that holds a date, if it is a time to reckon with.
pub(crate) fn http_date(value: &HeaderValue) -> Option<DateTime<Utc>> {
    let date = DateTime::parse_from_rfc2822(value.to_str().ok()?).ok()?;
    Some(date.to_utc()).filter(sound)
}

#[derive(Debug)]
pub(crate) struct Clock {
    started: Instant,
    started_at: DateTime<Utc>,
    /// GitHub's time less ours, in milliseconds.
    offset: AtomicI64,
}

impl Clock {
    /// A clock that shows `now` until a response of GitHub corrects it.
    pub(crate) fn new(now: DateTime<Utc>) -> Self {
        Self {
            started: Instant::now(),
            started_at: now,
            offset: AtomicI64::new(0),
        }
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.own() + self.offset()
    }

    /// GitHub's time less ours, as far as is known.
    pub(crate) fn offset(&self) -> TimeDelta {
        TimeDelta::milliseconds(self.offset.load(Ordering::Relaxed))
    }

    fn own(&self) -> DateTime<Utc> {
        let elapsed = TimeDelta::from_std(self.started.elapsed()).unwrap_or_default();
        self.started_at + elapsed
    }

    /// Sets the clock by an answer's `Date`, which is at most a second behind GitHub's time and
    /// never ahead of it, so an error only makes passes read more.
    pub(crate) fn set_by(&self, headers: &HeaderMap) {
        if let Some(date) = headers.get(DATE).and_then(http_date) {
            let offset = date - self.own();
            self.offset
                .store(offset.num_milliseconds(), Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dated(date: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(DATE, http::HeaderValue::from_static(date))])
    }

    #[tokio::test(start_paused = true)]
    async fn the_clock_goes_by_githubs_date() {
        let ours: DateTime<Utc> = "2026-11-22T12:00:00Z".parse().unwrap();
        let clock = Clock::new(ours);
        assert_eq!(clock.now(), ours);
        tokio::time::advance(std::time::Duration::from_secs(5)).await;
        assert_eq!(clock.now(), ours + TimeDelta::seconds(5));
        clock.set_by(&dated("Sun, 22 Nov 2026 11:00:00 GMT"));
        let theirs: DateTime<Utc> = "2026-11-22T11:00:00Z".parse().unwrap();
        assert_eq!(clock.now(), theirs);
        tokio::time::advance(std::time::Duration::from_secs(7)).await;
        assert_eq!(clock.now(), theirs + TimeDelta::seconds(7));
        clock.set_by(&dated("nonsense"));
        clock.set_by(&dated("31 Dec 262142 23:59:59 GMT"));
        clock.set_by(&dated("1 Jan 1970 00:00:00 GMT"));
        clock.set_by(&HeaderMap::new());
        assert_eq!(clock.now(), theirs + TimeDelta::seconds(7));
    }
}
