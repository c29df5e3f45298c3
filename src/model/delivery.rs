//! One failed delivery, its outcome, and every request that was made for it.

use chrono::{DateTime, TimeDelta, Utc};

use crate::model::AttemptId;
use crate::model::Outcome;
use crate::model::{Attempt, FailedDelivery, FirstAttempt};

/// One failed delivery and its outcome.
#[derive(Clone, Debug)]
pub struct DeliveryReport {
    /// The delivery as read from the log.
    pub failure: FailedDelivery,
    /// Its outcome.
    pub outcome: Outcome,
    /// The reason, if the outcome alone does not explain it. May hold GitHub's text.
    pub reason: Option<String>,
    /// The time when it is due, if it waits.
    pub due_at: Option<DateTime<Utc>>,
    /// Its last redelivery, while the log does not show that.
    pub unconfirmed: Option<UnconfirmedRedelivery>,
    /// GitHub's refusals, if it refused the delivery in this pass.
    pub refusals: Option<Refusals>,
    /// This pass's redelivery requests, in order.
    pub requests: Vec<RedeliveryRequest>,
    /// The attempt that succeeded, if the log shows one.
    pub delivered: Option<Attempt>,
}

impl DeliveryReport {
    /// Creates a report with this outcome and nothing more.
    pub fn new(failure: FailedDelivery, outcome: Outcome) -> Self {
        Self {
            failure,
            outcome,
            reason: None,
            due_at: None,
            unconfirmed: None,
            refusals: None,
            requests: Vec::new(),
            delivered: None,
        }
    }

    /// Sets the reason.
    #[must_use]
    pub fn with_reason(self, reason: impl Into<Option<String>>) -> Self {
        Self {
            reason: reason.into(),
            ..self
        }
    }

    /// Number of known attempts.
    pub fn attempts(&self) -> usize {
        1 + self.failure.redelivery_count()
    }

    /// True if its first attempt is before `retention_start`, so that GitHub will no longer redeliver it.
    pub fn expires_before(&self, retention_start: DateTime<Utc>) -> bool {
        match self.failure.first {
            FirstAttempt::At(first) => first < retention_start,
            FirstAttempt::BeyondRetention => true,
            FirstAttempt::Unknown => false,
        }
    }

    /// The time of its first attempt, or else the earliest known time.
    pub fn first(&self) -> DateTime<Utc> {
        let earliest = || self.failure.attempts.iter().map(|attempt| attempt.at).min();
        let first = self.failure.first.time().or_else(earliest);
        first.unwrap_or(self.failure.newest.at)
    }
}

/// A redelivery that was requested and that the log does not show yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnconfirmedRedelivery {
    /// The time of the request.
    pub at: DateTime<Utc>,
    /// True if GitHub gave no clear answer.
    pub unclear: bool,
}

/// GitHub must refuse a delivery in this many passes before it is rejected.
const REFUSING_PASSES: usize = 3;

/// Shortest time between the first and the last of these refusals.
const REFUSED_FOR: TimeDelta = TimeDelta::hours(1);

/// GitHub's refusals to redeliver one delivery, since it last accepted a request for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusals {
    /// Number of passes in which it was refused while others of its webhook were accepted.
    pub passes: usize,
    /// The time of the request in the first of these passes.
    pub first: DateTime<Utc>,
    /// The time of its last refusal, even if no other was accepted then.
    pub last: DateTime<Utc>,
}

impl Refusals {
    /// Adds one refusal to those of earlier passes. `counts`: others of the webhook were accepted.
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

    /// True if they are enough to conclude that GitHub will never redeliver it.
    pub fn are_enough(self) -> bool {
        self.passes >= REFUSING_PASSES && self.last - self.first >= REFUSED_FOR
    }
}

/// One request for a redelivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedeliveryRequest {
    /// The time of the request.
    pub at: DateTime<Utc>,
    /// The attempt to redeliver.
    pub attempt: AttemptId,
    /// GitHub's answer.
    pub answer: RedeliveryAnswer,
}

/// The answer to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RedeliveryAnswer {
    /// GitHub accepted it.
    Accepted,
    /// GitHub refused it with this message.
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

    /// The message, unless the request was accepted.
    pub fn message(&self) -> Option<&str> {
        match self {
            Self::Accepted => None,
            Self::Refused(message) | Self::Unclear(message) | Self::Unsent(message) => {
                Some(message)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_in_three_passes_over_an_hour_are_enough() {
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
