//! A failed delivery, as the fold returns it.

use chrono::{DateTime, Utc};

use super::{AttemptId, Guid};

/// The time of a delivery's first attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FirstAttempt {
    /// At this time: its original was read, or the log ended and its oldest attempt counts as the original.
    At(DateTime<Utc>),
    /// Before the start of GitHub's retention.
    BeyondRetention,
    /// Unknown, because reading stopped early.
    Unknown,
}

impl FirstAttempt {
    /// The time, if it is known.
    pub fn time(self) -> Option<DateTime<Utc>> {
        match self {
            Self::At(time) => Some(time),
            Self::BeyondRetention | Self::Unknown => None,
        }
    }
}

/// The newest attempt of a failed delivery: the one to redeliver, and to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LatestAttempt {
    /// The id that goes into a redelivery request.
    pub id: AttemptId,
    /// The time of the attempt.
    pub at: DateTime<Utc>,
    /// True if the log holds no outcome of it yet.
    pub pending: bool,
    /// GitHub's text for its outcome.
    pub status: Box<str>,
    /// The receiver's status code.
    pub code: Option<i64>,
    /// The event's name.
    pub event: Box<str>,
    /// The event's action.
    pub action: Option<Box<str>>,
}

/// A delivery without a successful attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedDelivery {
    /// Identifies the delivery within its webhook.
    pub guid: Guid,
    /// Its newest attempt.
    pub newest: LatestAttempt,
    /// The time of its first attempt.
    pub first: FirstAttempt,
    /// Every attempt read from the log, newest first.
    pub attempts: Vec<Attempt>,
    /// Number of redeliveries before those in `attempts`, which an earlier pass counted.
    pub earlier_redeliveries: usize,
    /// Number of these that failed while the receiver was up.
    pub earlier_failures_while_up: usize,
}

impl FailedDelivery {
    /// True if this attempt is known.
    pub fn has_attempt(&self, id: AttemptId) -> bool {
        self.attempts.iter().any(|attempt| attempt.id == id)
    }

    /// Adds an attempt from after the log was folded.
    pub fn add(&mut self, attempt: Attempt, newest: LatestAttempt) {
        self.attempts.insert(0, attempt);
        if newest.at >= self.newest.at {
            self.newest = newest;
        }
    }

    /// Number of its redeliveries.
    pub fn redelivery_count(&self) -> usize {
        self.earlier_redeliveries + self.redeliveries().count()
    }

    /// The attempts that are redeliveries.
    pub fn redeliveries(&self) -> impl Iterator<Item = &Attempt> + Clone {
        self.attempts.iter().filter(|attempt| attempt.redelivery)
    }
}

/// One attempt of a failed delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Its id.
    pub id: AttemptId,
    /// The time of the attempt.
    pub at: DateTime<Utc>,
    /// True for a redelivery, false for the original.
    pub redelivery: bool,
    /// True if the log holds no outcome of it yet.
    pub pending: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(id: u64, second: i64) -> (Attempt, LatestAttempt) {
        let id = AttemptId(id);
        let at = DateTime::from_timestamp(1_790_000_000 + second, 0).unwrap();
        let attempt = Attempt {
            id,
            at,
            redelivery: true,
            pending: false,
        };
        let newest = LatestAttempt {
            id,
            at,
            pending: false,
            status: "timed out".into(),
            code: Some(504),
            event: "push".into(),
            action: None,
        };
        (attempt, newest)
    }

    fn failure() -> FailedDelivery {
        let (attempt, newest) = attempt(5, 100);
        FailedDelivery {
            guid: Guid::new("a"),
            first: FirstAttempt::Unknown,
            attempts: vec![attempt],
            newest,
            earlier_redeliveries: 0,
            earlier_failures_while_up: 0,
        }
    }

    #[test]
    fn an_attempt_is_known_by_its_id() {
        let failure = failure();
        assert!(failure.has_attempt(AttemptId(5)) && !failure.has_attempt(AttemptId(6)));
    }

    #[test]
    fn only_a_later_attempt_becomes_the_newest() {
        for (second, newest) in [(101, 6), (100, 6), (99, 5)] {
            let mut failure = failure();
            let (attempt, later) = attempt(6, second);
            failure.add(attempt, later);
            assert_eq!(failure.newest.id, AttemptId(newest), "{second}");
            let ids: Vec<u64> = failure.attempts.iter().map(|each| each.id.0).collect();
            assert_eq!(ids, [6, 5]);
        }
    }
}
