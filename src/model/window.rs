//! The part of a log that a pass covers.

use chrono::{DateTime, TimeDelta, Utc};

/// Reading starts this much earlier than the checkpoint, because GitHub's log can lag by minutes.
pub const OVERLAP: TimeDelta = TimeDelta::minutes(30);

/// The part of the log that a pass covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The pass covers deliveries with an attempt at this time or later.
    pub start: DateTime<Utc>,
    /// If set, the pass leaves out deliveries without an attempt before this time.
    pub end: Option<DateTime<Utc>>,
    /// GitHub redelivers no delivery whose original is older than this.
    pub retention_start: DateTime<Utc>,
}
