//! What happened in a pass, as data. The log, the outputs and the summary are views of it.
//!
//! Pure: nothing here reads, prints or asks for the time.

mod json;

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde::Serialize;

use crate::history::{Failure, Window};
use crate::inputs::FailOn;
use crate::webhook::Webhook;

/// What GitHub will redeliver no longer than this may be out of reach by the next likely pass.
pub const SOON: TimeDelta = TimeDelta::hours(12);

/// What became of one failed delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// Redelivered in this pass and seen to succeed.
    Recovered,
    /// Redelivered in this pass and seen to fail again.
    Unrecovered,
    /// Redelivered in this pass; what came of it was not seen.
    Requested,
    /// Not due yet.
    Waiting,
    /// Due, but not asked for.
    Deferred,
    /// The request did not reach GitHub, or was not allowed.
    FailedRequest,
    /// The log holds no outcome yet.
    Pending,
    /// Given up after as many attempts as the user allows.
    Exhausted,
    /// Older than GitHub redelivers.
    Expired,
    /// GitHub refused to redeliver this one.
    Rejected,
    /// Left out by the user's filters.
    Ignored,
    /// Older than the user wants.
    Stale,
}

impl Outcome {
    /// Every outcome, in the order in which they are told.
    pub const ALL: [Self; 12] = [
        Self::Recovered,
        Self::Unrecovered,
        Self::Requested,
        Self::Waiting,
        Self::Deferred,
        Self::FailedRequest,
        Self::Pending,
        Self::Exhausted,
        Self::Expired,
        Self::Rejected,
        Self::Ignored,
        Self::Stale,
    ];

    /// Its name in outputs and reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Recovered => "recovered",
            Self::Unrecovered => "unrecovered",
            Self::Requested => "requested",
            Self::Waiting => "waiting",
            Self::Deferred => "deferred",
            Self::FailedRequest => "failed-request",
            Self::Pending => "pending",
            Self::Exhausted => "exhausted",
            Self::Expired => "expired",
            Self::Rejected => "rejected",
            Self::Ignored => "ignored",
            Self::Stale => "stale",
        }
    }

    /// Whether something is left to do.
    pub fn is_open(self) -> bool {
        matches!(
            self,
            Self::Unrecovered
                | Self::Requested
                | Self::Waiting
                | Self::Deferred
                | Self::FailedRequest
                | Self::Pending
        )
    }

    /// Whether the delivery can't be recovered any more.
    pub fn is_lost(self) -> bool {
        matches!(self, Self::Exhausted | Self::Expired | Self::Rejected)
    }

    /// Whether the user wants it left alone.
    pub fn is_skipped(self) -> bool {
        matches!(self, Self::Ignored | Self::Stale)
    }

    /// Whether GitHub was asked, and did not say no.
    pub fn is_redelivered(self) -> bool {
        matches!(self, Self::Recovered | Self::Unrecovered | Self::Requested)
    }
}

/// The pass in a word; the worst that applies, later ones being worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PassResult {
    /// Nothing failed.
    Healthy,
    /// All that failed was recovered.
    Recovered,
    /// Something is left to do.
    Open,
    /// A receiver accepts nothing.
    Down,
    /// Something can't be recovered any more.
    Lost,
    /// Something could not be read or asked for.
    Error,
    /// Somebody ended it.
    Cancelled,
}

impl PassResult {
    /// Its name in outputs and reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Recovered => "recovered",
            Self::Open => "open",
            Self::Down => "down",
            Self::Lost => "lost",
            Self::Error => "error",
            Self::Cancelled => "cancelled",
        }
    }
}

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
}

/// A redelivery that was asked for and not seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// When.
    pub at: DateTime<Utc>,
    /// GitHub gave no clear answer.
    pub unclear: bool,
}

/// What happened at one webhook.
#[derive(Clone, Debug)]
pub struct WebhookReport {
    /// Which webhook.
    pub webhook: Webhook,
    /// Pages of its log that were read.
    pub pages: u32,
    /// Attempts that were read.
    pub scanned: u64,
    /// Its failed deliveries.
    pub deliveries: Vec<Delivery>,
    /// The log was read as far back as it had to be.
    pub complete: bool,
    /// The receiver was found down.
    pub down: bool,
}

/// A stretch of time of which GitHub redelivers nothing any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The checkpoint that was found.
    pub from: DateTime<Utc>,
    /// The oldest time that GitHub still redelivers.
    pub to: DateTime<Utc>,
}

/// All of a pass.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// What was looked at, in a sentence's words.
    pub scope: String,
    /// The address of GitHub's web pages.
    pub web: String,
    /// Nothing was to be changed.
    pub dry_run: bool,
    /// Somebody ended it before it was done.
    pub cancelled: bool,
    /// A bug was met.
    pub panicked: bool,
    /// When the pass began, by GitHub's clock. `None` if it did not come to that.
    pub began: Option<DateTime<Utc>>,
    /// Which part of the logs the pass was about.
    pub window: Option<Window>,
    /// Deliveries that were due, asked for or not.
    pub due: usize,
    /// Deliveries that an earlier pass lost, and that count nowhere.
    pub given_up_earlier: usize,
    /// What happened at each webhook.
    pub webhooks: Vec<WebhookReport>,
    /// Where the next pass starts, if the checkpoint was moved.
    pub checkpoint: Option<DateTime<Utc>>,
    /// The checkpoint was older than what GitHub redelivers.
    pub gap: Option<Gap>,
    /// What failed, for people. Each counts as an error.
    pub errors: Vec<String>,
    /// What people should know, though nothing failed.
    pub warnings: Vec<String>,
    /// What would do people good to know.
    pub notes: Vec<String>,
    /// Requests made of GitHub.
    pub requests: u64,
}

impl Report {
    /// The report of a pass that did not come about.
    pub fn of_error(error: String) -> Self {
        Self {
            errors: vec![error],
            ..Self::default()
        }
    }

    /// The report of a pass that met a bug.
    pub fn of_panic(message: &str) -> Self {
        Self {
            panicked: true,
            ..Self::of_error(message.to_owned())
        }
    }

    /// The report of a pass that was cancelled and did not come to an end in time.
    pub fn of_cancelled() -> Self {
        Self {
            cancelled: true,
            ..Self::default()
        }
    }

    /// Every failed delivery of every webhook.
    pub fn deliveries(&self) -> impl Iterator<Item = &Delivery> {
        self.webhooks.iter().flat_map(|webhook| &webhook.deliveries)
    }

    /// How many failed deliveries satisfy `which`.
    pub fn count(&self, which: impl Fn(Outcome) -> bool) -> usize {
        self.deliveries()
            .filter(|delivery| which(delivery.outcome))
            .count()
    }

    /// How many attempts were read.
    pub fn scanned(&self) -> u64 {
        self.webhooks.iter().map(|webhook| webhook.scanned).sum()
    }

    /// The pass in a word.
    pub fn result(&self) -> PassResult {
        let lost = self.gap.is_some() || self.count(Outcome::is_lost) > 0;
        if self.cancelled {
            PassResult::Cancelled
        } else if !self.errors.is_empty() {
            PassResult::Error
        } else if lost {
            PassResult::Lost
        } else if self.webhooks.iter().any(|webhook| webhook.down) {
            PassResult::Down
        } else if self.count(Outcome::is_open) > 0 {
            PassResult::Open
        } else if self.count(|outcome| outcome == Outcome::Recovered) > 0 {
            PassResult::Recovered
        } else {
            PassResult::Healthy
        }
    }

    /// What failed deliveries died of: how GitHub puts it, and at which event. Commonest first.
    pub fn causes(&self) -> Vec<Cause<'_>> {
        let mut causes = BTreeMap::new();
        for Delivery { failure, .. } in self.deliveries() {
            let newest = &failure.newest;
            let first = failure.first.time().unwrap_or(newest.at);
            let cause = causes
                .entry((&*newest.status, newest.code, &*newest.event))
                .or_insert(Cause {
                    status: &newest.status,
                    code: newest.code,
                    event: &newest.event,
                    deliveries: 0,
                    first,
                    last: newest.at,
                });
            cause.deliveries += 1;
            cause.first = cause.first.min(first);
            cause.last = cause.last.max(newest.at);
        }
        let mut causes: Vec<_> = causes.into_values().collect();
        causes.sort_by_key(|cause| std::cmp::Reverse(cause.deliveries));
        causes
    }

    /// Whether the step is to fail.
    pub fn fails(&self, fail_on: FailOn) -> bool {
        let result = self.result();
        match fail_on {
            _ if self.cancelled || self.panicked => true,
            FailOn::Never => false,
            FailOn::Error => result == PassResult::Error,
            FailOn::Lost => result >= PassResult::Lost || self.expiring() > 0,
            FailOn::Open => result >= PassResult::Open,
        }
    }

    /// How many open deliveries GitHub will redeliver no longer than [`SOON`].
    pub fn expiring(&self) -> usize {
        let Some(window) = self.window else { return 0 };
        let expires_soon = |delivery: &&Delivery| {
            let first = delivery.failure.first.time();
            delivery.outcome.is_open()
                && first.is_some_and(|first| first < window.retention_start + SOON)
        };
        self.deliveries().filter(expires_soon).count()
    }

    /// When the first of the waiting deliveries is due.
    pub fn next_due(&self) -> Option<DateTime<Utc>> {
        self.deliveries().filter_map(|each| each.due_at).min()
    }

    /// The step outputs, in the order in which they are documented.
    pub fn outputs(&self) -> Vec<(&'static str, String)> {
        let time = |time: Option<DateTime<Utc>>| time.map(rfc3339).unwrap_or_default();
        let count = |which: fn(Outcome) -> bool| self.count(which).to_string();
        vec![
            ("result", self.result().name().into()),
            ("scanned", self.scanned().to_string()),
            ("found", count(|_| true)),
            ("redelivered", count(Outcome::is_redelivered)),
            ("recovered", count(|outcome| outcome == Outcome::Recovered)),
            ("open", count(Outcome::is_open)),
            ("lost", count(Outcome::is_lost)),
            ("errors", self.errors.len().to_string()),
            ("next-due", time(self.next_due())),
            ("checkpoint", time(self.checkpoint)),
            ("report", json::compact(self)),
        ]
    }
}

/// A time as every output and log line writes it: to the second, in UTC.
pub fn rfc3339(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// `n things`, or `1 thing`.
pub fn counted(count: impl TryInto<u64>, noun: &str) -> String {
    let count = count.try_into().unwrap_or(u64::MAX);
    let stem = noun.strip_suffix('y').filter(|stem| !stem.ends_with('a'));
    match (count, stem) {
        (1, _) => format!("1 {noun}"),
        (_, Some(stem)) => format!("{count} {stem}ies"),
        (_, None) => format!("{count} {noun}s"),
    }
}

/// Failed deliveries that failed in the same way.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Cause<'a> {
    /// GitHub's words.
    pub status: &'a str,
    /// The receiver's status code.
    pub code: Option<i64>,
    /// The event's name.
    pub event: &'a str,
    /// How many.
    pub deliveries: usize,
    /// When the first of them was first attempted.
    pub first: DateTime<Utc>,
    /// When the last of them was last attempted.
    pub last: DateTime<Utc>,
}
