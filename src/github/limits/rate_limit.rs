//! GitHub's words on a rate limit in the headers of a refusal
//! (<https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api>).

use chrono::{DateTime, TimeDelta, Utc};
use http::HeaderMap;

use crate::github::clock::sound;

/// The wait after a secondary limit for which GitHub names no time. It doubles each time in a row.
pub(crate) const FIRST_WAIT: TimeDelta = TimeDelta::seconds(60);

/// A limit that GitHub reports as reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RateLimit {
    /// The hourly limit is used up until this time.
    Primary(DateTime<Utc>),
    /// Requests came too fast. The next may be made at this time, if GitHub named one.
    Secondary(Option<DateTime<Utc>>),
}

impl RateLimit {
    /// The limit that a refusal's headers name at the time `now`. A time in the past is ignored.
    pub(crate) fn read(headers: &HeaderMap, now: DateTime<Utc>) -> Self {
        let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<i64>().ok();
        if let Some(until) = retry_after(headers, now) {
            return Self::Secondary(Some(until).filter(|until| *until >= now));
        }
        let reset = number("x-ratelimit-reset")
            .filter(|_| number("x-ratelimit-remaining") == Some(0))
            .and_then(|reset| DateTime::from_timestamp(reset, 0))
            .filter(|reset| sound(reset) && *reset >= now);
        reset.map_or(Self::Secondary(None), Self::Primary)
    }
}

/// The time in `retry-after`, which is a date or a number of seconds from `now`.
pub(crate) fn retry_after(headers: &HeaderMap, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let after = headers.get("retry-after")?.to_str().ok()?.trim();
    let until = match after.parse().ok().and_then(TimeDelta::try_seconds) {
        Some(seconds) => now.checked_add_signed(seconds),
        None => DateTime::parse_from_rfc2822(after)
            .ok()
            .map(|time| time.to_utc()),
    };
    until.filter(sound)
}
