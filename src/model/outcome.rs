//! The outcome of a failed delivery, and the result of a pass.

use std::fmt;

use serde::Serialize;

/// The outcome of one failed delivery. Serde's names are those in outputs and reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Redelivered in this pass, and confirmed to succeed.
    Recovered,
    /// Redelivered in this pass, and confirmed to fail again.
    FailedAgain,
    /// Redelivered in this pass, but the log does not show the outcome yet.
    Unconfirmed,
    /// Not due yet.
    Waiting,
    /// Due, but not requested.
    Deferred,
    /// The request did not reach GitHub, or the credential was refused.
    FailedRequest,
    /// GitHub refused to redeliver this one in this pass. A later pass requests it again.
    Refused,
    /// The log holds no outcome yet.
    Pending,
    /// Given up after as many attempts as the user allows.
    Exhausted,
    /// Too old for GitHub to redeliver.
    Expired,
    /// GitHub refused to redeliver this one again and again.
    Rejected,
    /// Left out by the user's filters.
    Ignored,
    /// Older than the user wants.
    Stale,
}

impl Outcome {
    /// Every outcome, in the order of outputs and reports.
    pub const ALL: [Self; 13] = [
        Self::Recovered,
        Self::FailedAgain,
        Self::Unconfirmed,
        Self::Waiting,
        Self::Deferred,
        Self::FailedRequest,
        Self::Refused,
        Self::Pending,
        Self::Exhausted,
        Self::Expired,
        Self::Rejected,
        Self::Ignored,
        Self::Stale,
    ];

    /// True if something is left to do.
    pub fn is_open(self) -> bool {
        matches!(
            self,
            Self::FailedAgain
                | Self::Unconfirmed
                | Self::Waiting
                | Self::Deferred
                | Self::FailedRequest
                | Self::Refused
                | Self::Pending
        )
    }

    /// True if the delivery can't be recovered any more.
    pub fn is_lost(self) -> bool {
        matches!(self, Self::Exhausted | Self::Expired | Self::Rejected)
    }

    /// True if the user wants it left alone.
    pub fn is_skipped(self) -> bool {
        matches!(self, Self::Ignored | Self::Stale)
    }
}

/// Its name in outputs and reports.
impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// The result of a pass: the worst that applies. Later ones are worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PassResult {
    /// Nothing failed.
    Healthy,
    /// Every failed delivery was recovered.
    Recovered,
    /// Something is left to do.
    Open,
    /// Part of a log, or an account's webhooks, should have been read and was not.
    Unread,
    /// A receiver accepts nothing.
    Down,
    /// Something can't be recovered any more.
    Lost,
    /// Something could not be read or requested.
    Error,
    /// The pass was cancelled.
    Cancelled,
}

/// Its name in outputs and reports.
impl fmt::Display for PassResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}
