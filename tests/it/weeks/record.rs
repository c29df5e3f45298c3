//! The record of a week: all that really happened, even if no pass knows of it.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use redeliver_webhooks::model::Outcome;

/// A redelivery that GitHub accepted.
#[derive(Clone, Debug)]
pub(super) struct AcceptedRedelivery {
    pub(super) hook: usize,
    pub(super) guid: u64,
    pub(super) at: DateTime<Utc>,
    /// When it was made, and when its row shows.
    pub(super) made: DateTime<Utc>,
    pub(super) shows: DateTime<Utc>,
    pub(super) taken: bool,
    /// The pass that requested it; `None` if a person did.
    pub(super) by: Option<usize>,
    /// The response arrived, so the client knows that GitHub accepted it.
    pub(super) acknowledged: bool,
}

/// A redelivery that GitHub refused.
#[derive(Clone, Debug)]
pub(super) struct RefusedRequest {
    pub(super) hook: usize,
    pub(super) guid: u64,
    pub(super) at: DateTime<Utc>,
    pub(super) by: usize,
}

/// A pass, as it really went.
#[derive(Clone, Debug, Default)]
pub(super) struct PassRecord {
    pub(super) began: DateTime<Utc>,
    pub(super) ended: DateTime<Utc>,
    pub(super) killed: bool,
    pub(super) overlapped: bool,
    /// There was no checkpoint when it began.
    pub(super) first: bool,
    /// It read the state, or learned that there is none.
    pub(super) read_state: bool,
    /// A write of a variable failed, or may have failed.
    pub(super) write_failed: bool,
    pub(super) requests: usize,
    pub(super) faults: usize,
    /// Webhooks whose log it got a page of.
    pub(super) logs: BTreeSet<usize>,
    pub(super) report: Option<PassReport>,
    /// The checkpoint when it was over.
    pub(super) checkpoint: Option<DateTime<Utc>>,
}

/// The parts of a pass's report that the oracle looks at.
#[derive(Clone, Debug, Default)]
pub(super) struct PassReport {
    pub(super) errors: Vec<String>,
    pub(super) warnings: Vec<String>,
    pub(super) whole: Vec<usize>,
    /// Webhooks whose receiver is reported as down.
    pub(super) down: Vec<usize>,
    pub(super) outcomes: Vec<(usize, u64, Outcome)>,
    pub(super) outputs: HashMap<&'static str, String>,
}

impl PassReport {
    /// The report in one line.
    pub(super) fn line(&self) -> String {
        let tell =
            |(hook, guid, outcome): &(usize, u64, Outcome)| format!("{hook}:{guid} {outcome}");
        let outcomes: Vec<_> = self.outcomes.iter().map(tell).collect();
        let (errors, warnings) = (&self.errors, &self.warnings);
        let outcomes = outcomes.join(", ");
        format!("ends: {outcomes}; errors {errors:?}, warnings {warnings:?}")
    }
}

/// All that really happened.
#[derive(Clone, Debug, Default)]
pub(super) struct WeekRecord {
    pub(super) redeliveries: Vec<AcceptedRedelivery>,
    pub(super) refused: Vec<RefusedRequest>,
    pub(super) passes: Vec<PassRecord>,
    pub(super) tampered: Vec<DateTime<Utc>>,
    pub(super) violations: Vec<String>,
    pub(super) story: Vec<(DateTime<Utc>, String)>,
    pub(super) logged: Vec<usize>,
    pub(super) events: usize,
    pub(super) states: Vec<String>,
}
