//! One failed delivery, what became of it, and every request that was made for it.

use chrono::{DateTime, TimeDelta, Utc};

use crate::model::AttemptId;
use crate::model::Outcome;
use crate::model::{Attempt, FailedDelivery, FirstAttempt};

/// One failed delivery and what became of it.
#[derive(Clone, Debug)]
pub struct DeliveryReport {
    /// The delivery as the log told it.
    pub failure: FailedDelivery,
    /// What became of it.
    pub outcome: Outcome,
    /// Why, where the outcome alone does not say it. May hold GitHub's words.
    pub reason: Option<String>,
    /// When it is due, if it waits.
    pub due_at: Option<DateTime<Utc>>,
    /// When it was last asked for, as long as nothing was seen of it.
    pub asked: Option<UnconfirmedRedelivery>,
    /// How often GitHub refused it, where it did so in this pass.
    pub refusals: Option<Refusals>,
    /// What this pass asked of GitHub about it, in order.
    pub requests: Vec<RedeliveryRequest>,
    /// The attempt that succeeded, if one was seen.
    pub delivered: Option<Attempt>,
}

impl DeliveryReport {
    /// A delivery of which nothing more is known than what became of it.
    pub fn new(failure: FailedDelivery, outcome: Outcome) -> Self {
        Self {
            failure,
            outcome,
            reason: None,
            due_at: None,
            asked: None,
            refusals: None,
            requests: Vec::new(),
            delivered: None,
        }
    }

    /// The same, and why.
    #[must_use]
    pub fn because(self, reason: impl Into<Option<String>>) -> Self {
        Self {
            reason: reason.into(),
            ..self
        }
    }

    /// How many attempts were made of it, as far as is known.
    pub fn attempts(&self) -> usize {
        1 + self.failure.made()
    }

    /// Whether GitHub will redeliver it no longer at this time, given how long it does.
    pub fn expires_before(&self, retention_start: DateTime<Utc>) -> bool {
        match self.failure.first {
            FirstAttempt::At(first) => first < retention_start,
            FirstAttempt::BeyondRetention => true,
            FirstAttempt::Unknown => false,
        }
    }

    /// When it was first attempted, or else the earliest time that is known.
    pub fn first(&self) -> DateTime<Utc> {
        let earliest = || self.failure.attempts.iter().map(|seen| seen.at).min();
        let first = self.failure.first.time().or_else(earliest);
        first.unwrap_or(self.failure.newest.at)
    }
}

/// A redelivery that was asked for and not seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnconfirmedRedelivery {
    /// When.
    pub at: DateTime<Utc>,
    /// GitHub gave no clear answer.
    pub unclear: bool,
}

/// Passes that must refuse a delivery before it is rejected.
const REFUSING_PASSES: usize = 3;

/// How far apart the first and the last of them must be.
const REFUSED_FOR: TimeDelta = TimeDelta::hours(1);

/// GitHub's refusals to redeliver one delivery, since it last accepted that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusals {
    /// Passes that it was refused in while others of its webhook were accepted.
    pub passes: usize,
    /// When the first of these passes requested it.
    pub first: DateTime<Utc>,
    /// When it was refused last, whatever became of others.
    pub last: DateTime<Utc>,
}

impl Refusals {
    /// The refusals of earlier passes and one more. `counts`: others of the webhook were accepted.
    pub fn add(earlier: Option<Self>, at: DateTime<Utc>, counts: bool) -> Self {
        let passes = earlier.map_or(0, |earlier| earlier.passes);
        Self {
            passes: passes + usize::from(counts),
            first: earlier
                .filter(|_| passes > 0)
                .map_or(at, |earlier| earlier.first),
            last: at,
        }
    }

    /// Whether they are enough to say that GitHub will never redeliver it.
    pub fn are_enough(self) -> bool {
        self.passes >= REFUSING_PASSES && self.last - self.first >= REFUSED_FOR
    }
}

/// One request for a redelivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedeliveryRequest {
    /// When it was made.
    pub at: DateTime<Utc>,
    /// The attempt to redeliver.
    pub attempt: AttemptId,
    /// What GitHub answered.
    pub answer: RedeliveryAnswer,
}

/// What came of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RedeliveryAnswer {
    /// GitHub accepted it.
    Accepted,
    /// GitHub refused it, in these words.
    Refused(String),
    /// It may have reached GitHub.
    Unclear(String),
    /// It certainly did not reach GitHub.
    Unsent(String),
}

impl RedeliveryAnswer {
    /// Its name in reports.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Refused(_) => "refused",
            Self::Unclear(_) => "unclear",
            Self::Unsent(_) => "unsent",
        }
    }

    /// What was said in place of acceptance.
    pub fn message(&self) -> Option<&str> {
        match self {
            Self::Accepted => None,
            Self::Refused(said) | Self::Unclear(said) | Self::Unsent(said) => Some(said),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_passes_that_count_and_an_hour_between_the_first_and_the_last_are_enough() {
        let at = |minute: i64| DateTime::from_timestamp(1_790_000_000 + minute * 60, 0).unwrap();
        let enough = |passes: &[(i64, bool)]| {
            let mut refusals = None;
            for (minute, counts) in passes {
                refusals = Some(Refusals::add(refusals, at(*minute), *counts));
            }
            refusals.is_some_and(Refusals::are_enough)
        };
        for (passes, expected) in [
            (&[(0, true), (30, true), (60, true)][..], true),
            (&[(0, true), (30, true), (59, true)], false),
            (&[(0, true), (30, true), (59, true), (60, true)], true),
            (&[(0, true), (600, true)], false),
            (&[(0, false), (30, true), (60, true), (89, true)], false),
            (&[(0, false), (30, true), (60, true), (90, true)], true),
            (&[(0, false), (300, false), (600, false)], false),
        ] {
            assert_eq!(enough(passes), expected, "{passes:?}");
        }
    }
}
