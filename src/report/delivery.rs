//! One failed delivery, what became of it, and every request that was made for it.

use chrono::{DateTime, Utc};

use super::Outcome;
use crate::attempt::AttemptId;
use crate::history::{Failure, First, Seen};

/// One failed delivery and what became of it.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// The delivery as the log told it.
    pub failure: Failure,
    /// What became of it.
    pub outcome: Outcome,
    /// Why, where the outcome alone does not say it. May hold GitHub's words.
    pub reason: Option<String>,
    /// When it is due, if it waits.
    pub due_at: Option<DateTime<Utc>>,
    /// When it was last asked for, as long as nothing was seen of it.
    pub asked: Option<Asked>,
    /// What this pass asked of GitHub about it, in order.
    pub requests: Vec<Request>,
    /// The attempt that succeeded, if one was seen.
    pub delivered: Option<Seen>,
}

impl Delivery {
    /// A delivery of which nothing more is known than what became of it.
    pub fn new(failure: Failure, outcome: Outcome) -> Self {
        Self {
            failure,
            outcome,
            reason: None,
            due_at: None,
            asked: None,
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
            First::At(first) => first < retention_start,
            First::BeyondRetention => true,
            First::Unseen => false,
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
pub struct Asked {
    /// When.
    pub at: DateTime<Utc>,
    /// GitHub gave no clear answer.
    pub unclear: bool,
}

/// One request for a redelivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// When it was made.
    pub at: DateTime<Utc>,
    /// The attempt to redeliver.
    pub attempt: AttemptId,
    /// What GitHub answered.
    pub answer: Answer,
}

/// What came of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// GitHub accepted it.
    Accepted,
    /// GitHub refused it, in these words.
    Refused(String),
    /// It may have reached GitHub.
    Unclear(String),
    /// It certainly did not reach GitHub.
    Unsent(String),
}

impl Answer {
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
