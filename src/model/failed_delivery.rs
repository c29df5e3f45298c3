//! A failed delivery, as the fold finds it.

use chrono::{DateTime, Utc};

use super::{AttemptId, Guid};

/// When a delivery was first attempted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FirstAttempt {
    /// At this time: its original was seen, or the log ended and its oldest attempt stands for it.
    At(DateTime<Utc>),
    /// Before what GitHub still redelivers.
    BeyondRetention,
    /// Unknown, because reading broke off.
    Unknown,
}

impl FirstAttempt {
    /// The time, where it is known.
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
    /// What a redelivery names.
    pub id: AttemptId,
    /// When it was made.
    pub at: DateTime<Utc>,
    /// The log holds no outcome of it yet.
    pub pending: bool,
    /// GitHub's words for what came of it.
    pub status: Box<str>,
    /// The receiver's status code.
    pub code: Option<i64>,
    /// The event's name.
    pub event: Box<str>,
    /// The event's action.
    pub action: Option<Box<str>>,
}

/// A delivery of which no attempt succeeded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedDelivery {
    /// Which delivery, within its webhook.
    pub guid: Guid,
    /// Its newest attempt.
    pub newest: LatestAttempt,
    /// When it was first attempted.
    pub first: FirstAttempt,
    /// Every attempt seen, newest first as the log told them.
    pub attempts: Vec<Attempt>,
    /// Redeliveries before those in `attempts`, which an earlier pass saw.
    pub made_before: usize,
    /// How many of these counted.
    pub counted_before: usize,
}

impl FailedDelivery {
    /// Whether an attempt is known.
    pub fn has(&self, id: AttemptId) -> bool {
        self.attempts.iter().any(|seen| seen.id == id)
    }

    /// Adds an attempt that was made after the log was folded.
    pub fn add(&mut self, attempt: Attempt, newest: LatestAttempt) {
        self.attempts.insert(0, attempt);
        if newest.at >= self.newest.at {
            self.newest = newest;
        }
    }

    /// How often it was redelivered.
    pub fn made(&self) -> usize {
        self.made_before + self.redeliveries().count()
    }

    /// The attempts that are redeliveries.
    pub fn redeliveries(&self) -> impl Iterator<Item = &Attempt> + Clone {
        self.attempts.iter().filter(|seen| seen.redelivery)
    }
}

/// One attempt of a failed delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Which.
    pub id: AttemptId,
    /// When it was made.
    pub at: DateTime<Utc>,
    /// It is no original.
    pub redelivery: bool,
    /// The log holds no outcome of it yet.
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
            made_before: 0,
            counted_before: 0,
        }
    }

    #[test]
    fn an_attempt_is_known_by_its_id() {
        let failure = failure();
        assert!(failure.has(AttemptId(5)) && !failure.has(AttemptId(6)));
    }

    #[test]
    fn a_later_attempt_becomes_the_newest_and_an_earlier_one_does_not() {
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
