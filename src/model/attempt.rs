//! One attempt to deliver an event to a webhook.

use std::fmt;

/// The id of one attempt.
///
/// GitHub's ids passed 2^53 in 2026, so JSON that leaves this program holds them as strings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttemptId(pub u64);

impl fmt::Display for AttemptId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The outcome of one attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttemptOutcome {
    /// The receiver answered with 2xx, or GitHub says `OK`.
    Succeeded,
    /// Every other outcome, including 3xx and code 0.
    Failed,
    /// The log holds no outcome yet.
    Pending,
}
