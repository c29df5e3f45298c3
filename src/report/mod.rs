//! The outcome of a pass, as data. The log, the step outputs and the summary are views of it.
//! [`Report::fails`] decides whether the step fails.
//!
//! Pure: nothing here does I/O or reads a clock.

mod cause;
mod json;
pub mod notices;
mod sample;
mod verdict;
mod webhook;

use std::io;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::github::{TokenEnd, Usage};
use crate::model::{DeliveryReport, FailOn, Outcome, PassResult, Policy, Window};
use crate::text::rfc3339;

pub use cause::{Cause, CauseKind};
pub use sample::Sample;
pub use webhook::{UnreadableRows, WebhookReport, WebhookState};

/// An open delivery that reaches GitHub's redelivery deadline within this time may be lost before the next pass.
pub const SOON: TimeDelta = TimeDelta::hours(12);

/// A period whose deliveries GitHub no longer redelivers, and that no pass has read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The checkpoint that the pass started from.
    pub from: DateTime<Utc>,
    /// The oldest time whose deliveries GitHub still redelivers.
    pub to: DateTime<Utc>,
}

/// The outcome of a whole pass.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The webhooks and filters that the pass covered, as a phrase. Empty if it found no webhook.
    pub scope: String,
    /// The address of GitHub's web pages.
    pub web: String,
    /// The policy by which failed deliveries were treated.
    pub policy: Policy,
    /// The path of the JSON report, as the user wrote it.
    pub report_file: Option<String>,
    /// The pass only looked, and redelivered nothing.
    pub dry_run: bool,
    /// A signal ended the pass early.
    pub cancelled: bool,
    /// A bug ended at least a part of the pass.
    pub panicked: bool,
    /// When the pass began, by GitHub's clock. `None` if it ended before GitHub answered.
    pub began: Option<DateTime<Utc>>,
    /// The part of the delivery logs that the pass covered.
    pub window: Option<Window>,
    /// Deliveries that a dry run would have redelivered.
    pub would_redeliver: usize,
    /// Deliveries that an earlier pass gave up on. No other number includes them.
    pub given_up_earlier: usize,
    /// The outcome for each webhook.
    pub webhooks: Vec<WebhookReport>,
    /// Names of accounts and repositories whose webhooks the pass failed to list.
    pub unread_accounts: Vec<String>,
    /// When a pass last listed every account's webhooks, if the state holds that time.
    pub accounts_read_until: Option<DateTime<Utc>>,
    /// The start of the next pass, if the checkpoint was moved.
    pub checkpoint: Option<DateTime<Utc>>,
    /// Set if the checkpoint was older than GitHub's redelivery deadline.
    pub gap: Option<Gap>,
    /// Messages about errors. Each counts as an error.
    pub errors: Vec<String>,
    /// Messages about problems that are no errors.
    pub warnings: Vec<String>,
    /// Messages that are only informative.
    pub notes: Vec<String>,
    /// One answer of a receiver for each cause, with `show-responses`.
    pub samples: Vec<Sample>,
    /// There was no checkpoint yet, so the pass read less than GitHub redelivers.
    pub first_pass: bool,
    /// The kind of credential that the pass used, such as `GitHub App`.
    pub credential: String,
    /// Number of requests to GitHub.
    pub requests: u64,
    /// Time spent on requests, and the hourly limit that remains.
    pub usage: Usage,
    /// When the first of the tokens in use expires.
    pub token_ends: Option<TokenEnd>,
    /// Duration of the pass.
    pub took: Duration,
}

impl Report {
    /// The report of a pass that failed before it began.
    pub fn of_error(error: String) -> Self {
        Self {
            errors: vec![error],
            ..Self::default()
        }
    }

    /// The report of a pass that a bug ended.
    pub fn of_panic(message: &str) -> Self {
        Self {
            panicked: true,
            ..Self::of_error(message.to_owned())
        }
    }

    /// The report of a pass that was cancelled and did not finish in time.
    pub fn of_cancelled() -> Self {
        Self {
            cancelled: true,
            ..Self::default()
        }
    }

    /// Every failed delivery of every webhook.
    pub fn deliveries(&self) -> impl Iterator<Item = &DeliveryReport> {
        self.webhooks.iter().flat_map(|webhook| &webhook.deliveries)
    }

    /// Every failed delivery with its webhook.
    pub fn deliveries_by_webhook(&self) -> impl Iterator<Item = (&WebhookReport, &DeliveryReport)> {
        self.webhooks.iter().flat_map(|webhook| {
            let deliveries = webhook.deliveries.iter();
            deliveries.map(move |delivery| (webhook, delivery))
        })
    }

    /// Number of failed deliveries whose outcome satisfies `which`.
    pub fn count(&self, which: impl Fn(Outcome) -> bool) -> usize {
        self.deliveries()
            .filter(|delivery| which(delivery.outcome))
            .count()
    }

    /// Number of redeliveries that GitHub accepted.
    pub fn redelivered(&self) -> usize {
        self.webhooks.iter().map(WebhookReport::redelivered).sum()
    }

    /// Names of everything that the pass should have read and did not: accounts whose webhooks it failed to list, and
    /// webhooks whose log it did not read to the end.
    pub fn unread(&self) -> impl Iterator<Item = String> {
        let unread = |webhook: &&WebhookReport| webhook.unread_from.is_some();
        let logs = self.webhooks.iter().filter(unread);
        let logs = logs.map(|webhook| webhook.webhook.to_string());
        self.unread_accounts.iter().cloned().chain(logs)
    }

    /// True if the pass failed to read something that it should have read.
    pub fn is_unread(&self) -> bool {
        let unreadable = |webhook: &WebhookReport| webhook.unreadable.is_some();
        self.unread().next().is_some() || self.webhooks.iter().any(unreadable)
    }

    /// Number of attempts that were read.
    pub fn scanned(&self) -> u64 {
        self.webhooks.iter().map(|webhook| webhook.scanned).sum()
    }

    /// The worst result that applies.
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
        } else if self.is_unread() {
            PassResult::Unread
        } else if self.count(Outcome::is_open) > 0 {
            PassResult::Open
        } else if self.count(|outcome| outcome == Outcome::Recovered) > 0 {
            PassResult::Recovered
        } else {
            PassResult::Healthy
        }
    }

    /// True if the step fails.
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

    /// Number of open deliveries that reach GitHub's redelivery deadline within [`SOON`].
    pub fn expiring(&self) -> usize {
        let expires_soon = |delivery: &&DeliveryReport| self.expires_soon(delivery);
        self.deliveries().filter(expires_soon).count()
    }

    /// True if the delivery is open and reaches GitHub's redelivery deadline within [`SOON`].
    pub fn expires_soon(&self, delivery: &DeliveryReport) -> bool {
        let soon = self.window.map(|window| window.retention_start + SOON);
        let known = delivery.failure.first.time().is_some();
        known
            && delivery.outcome.is_open()
            && soon.is_some_and(|soon| delivery.expires_before(soon))
    }

    /// Time during which the pass had no request in flight.
    pub fn waited(&self) -> Duration {
        self.took.saturating_sub(self.usage.busy)
    }

    /// When the first of the waiting deliveries is due.
    pub fn next_due(&self) -> Option<DateTime<Utc>> {
        self.deliveries().filter_map(|each| each.due_at).min()
    }

    /// The step outputs, in the order of the README.
    pub fn outputs(&self) -> Vec<(&'static str, String)> {
        let time = |time: Option<DateTime<Utc>>| time.map(rfc3339).unwrap_or_default();
        let count = |which: fn(Outcome) -> bool| self.count(which).to_string();
        vec![
            ("result", self.result().to_string()),
            ("scanned", self.scanned().to_string()),
            ("failed", count(|_| true)),
            ("redelivered", self.redelivered().to_string()),
            ("recovered", count(|outcome| outcome == Outcome::Recovered)),
            ("open", count(Outcome::is_open)),
            ("lost", count(Outcome::is_lost)),
            ("errors", self.errors.len().to_string()),
            ("next-due", time(self.next_due())),
            ("checkpoint", time(self.checkpoint)),
            ("report", json::output(self)),
        ]
    }

    /// Writes the whole report as JSON (`schema/report.v1.json`).
    ///
    /// # Errors
    /// Those of `to`.
    pub fn write_json(&self, mut to: impl io::Write) -> io::Result<()> {
        json::write(self, &mut to)
    }
}
