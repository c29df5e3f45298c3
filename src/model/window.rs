//! The part of a log that a pass is about.

use chrono::{DateTime, TimeDelta, Utc};

/// How much earlier than the checkpoint reading starts: GitHub's log can lag by minutes.
pub const OVERLAP: TimeDelta = TimeDelta::minutes(30);

/// Which part of the log a pass is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Deliveries with an attempt at this time or later are in the pass.
    pub start: DateTime<Utc>,
    /// Those with none before this time are not, if it is set.
    pub end: Option<DateTime<Utc>>,
    /// GitHub redelivers nothing whose original is older than this.
    pub retention_start: DateTime<Utc>,
}
