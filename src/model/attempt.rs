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
