//! The one-off window: the rules of `since` and `until`.

use chrono::{DateTime, TimeDelta, Utc};

use super::problems::Problems;
use super::raw::RawInputs;
use super::values;

/// A window that the user names. At least one of its ends is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OneOffWindow {
    /// Its start. Without it, as far back as GitHub redelivers.
    pub since: Option<PointInTime>,
    /// Its end. Without it, now.
    pub until: Option<PointInTime>,
}

/// A time, or a duration before the pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PointInTime {
    /// This long before the pass begins.
    Ago(TimeDelta),
    /// This time.
    At(DateTime<Utc>),
}

impl PointInTime {
    fn parse(value: &str, now: DateTime<Utc>) -> Result<Self, &'static str> {
        const ACCEPTED: &str = "write how long ago (`90s`, `15m`, `6h`, `3d`) or a time in the past \
                                with its time zone (`2026-11-20T08:00:00Z`)";
        if let Ok(duration) = values::duration(value) {
            return Ok(Self::Ago(duration));
        }
        match DateTime::parse_from_rfc3339(value) {
            Ok(time) if time <= now => Ok(Self::At(time.to_utc())),
            _ => Err(ACCEPTED),
        }
    }

    /// The time that is meant if the pass begins at `now`.
    pub fn resolve(self, now: DateTime<Utc>) -> DateTime<Utc> {
        match self {
            Self::Ago(duration) => now
                .checked_sub_signed(duration)
                .unwrap_or(DateTime::<Utc>::MIN_UTC),
            Self::At(time) => time,
        }
    }
}

impl RawInputs {
    pub(super) fn one_off(
        &self,
        problems: &mut Problems,
        now: DateTime<Utc>,
    ) -> Option<OneOffWindow> {
        let point_in_time = |value: &str| PointInTime::parse(value, now);
        let since = problems.parse("since", self.since.as_deref(), point_in_time);
        let until = problems.parse("until", self.until.as_deref(), point_in_time);
        if let (Some(since), Some(until)) = (since, until)
            && until.resolve(now) <= since.resolve(now)
        {
            problems.add("until", "is not after `since`", "write a later time");
        }
        (since.is_some() || until.is_some()).then_some(OneOffWindow { since, until })
    }
}
