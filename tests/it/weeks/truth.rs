//! What truly happened in a week, whatever passes know of it.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use redeliver_webhooks::model::Outcome;

/// A redelivery that GitHub accepted.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    pub(super) hook: usize,
    pub(super) guid: u64,
    pub(super) at: DateTime<Utc>,
    /// When it was made, and when its row shows.
    pub(super) made: DateTime<Utc>,
    pub(super) shows: DateTime<Utc>,
    pub(super) taken: bool,
    /// The pass that asked; nobody's is a person's.
    pub(super) by: Option<usize>,
    /// Whoever asked knows that it was accepted.
    pub(super) heard: bool,
}

/// A redelivery that GitHub refused.
#[derive(Clone, Debug)]
pub(super) struct RefusedRequest {
    pub(super) hook: usize,
    pub(super) guid: u64,
    pub(super) at: DateTime<Utc>,
    pub(super) by: usize,
}

/// A pass, as it truly went.
#[derive(Clone, Debug, Default)]
pub(super) struct Ran {
    pub(super) began: DateTime<Utc>,
    pub(super) ended: DateTime<Utc>,
    pub(super) killed: bool,
    pub(super) overlapped: bool,
    /// There was no checkpoint when it began.
    pub(super) first: bool,
    /// It got to know what is remembered, or that nothing is.
    pub(super) knew: bool,
    /// A write of a variable went wrong, or may have.
    pub(super) ill_written: bool,
    pub(super) requests: usize,
    pub(super) faults: usize,
    /// Webhooks of whose log it heard a page.
    pub(super) logs: BTreeSet<usize>,
    pub(super) report: Option<Told>,
    /// The checkpoint when it was over.
    pub(super) checkpoint: Option<DateTime<Utc>>,
}

/// What a pass told.
#[derive(Clone, Debug, Default)]
pub(super) struct Told {
    pub(super) errors: Vec<String>,
    pub(super) warnings: Vec<String>,
    pub(super) whole: Vec<usize>,
    /// Webhooks whose receiver is called down.
    pub(super) down: Vec<usize>,
    pub(super) outcomes: Vec<(usize, u64, Outcome)>,
    pub(super) outputs: HashMap<&'static str, String>,
}

impl Told {
    /// What it told, in a line.
    pub(super) fn words(&self) -> String {
        let tell =
            |(hook, guid, outcome): &(usize, u64, Outcome)| format!("{hook}:{guid} {outcome}");
        let outcomes: Vec<_> = self.outcomes.iter().map(tell).collect();
        let (errors, warnings) = (&self.errors, &self.warnings);
        let outcomes = outcomes.join(", ");
        format!("ends: {outcomes}; errors {errors:?}, warnings {warnings:?}")
    }
}

/// All that truly happened.
#[derive(Clone, Debug, Default)]
pub(super) struct Truth {
    pub(super) sent: Vec<Sent>,
    pub(super) refused: Vec<RefusedRequest>,
    pub(super) ran: Vec<Ran>,
    pub(super) tampered: Vec<DateTime<Utc>>,
    pub(super) violations: Vec<String>,
    pub(super) story: Vec<(DateTime<Utc>, String)>,
    pub(super) fed: Vec<usize>,
    pub(super) events: usize,
    pub(super) states: Vec<String>,
}
