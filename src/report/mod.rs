//! What happened in a pass, as data. The log, the outputs and the summary are views of it.
//!
//! Pure: nothing here reads, prints or asks for the time.

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
use crate::model::{Delivery, FailOn, Outcome, PassResult, Policy, Window};
use crate::text::rfc3339;

pub use cause::{Cause, CauseKind};
pub use sample::Sample;
pub use webhook::{UnreadableRows, WebhookReport, WebhookState};

/// What GitHub will redeliver no longer than this may be out of reach by the next likely pass.
pub const SOON: TimeDelta = TimeDelta::hours(12);

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
    /// How failed deliveries were treated.
    pub policy: Policy,
    /// Where all of this is as JSON, as the user wrote it.
    pub report_file: Option<String>,
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
    /// Deliveries that a dry run found due.
    pub would_redeliver: usize,
    /// Deliveries that an earlier pass lost, and that count nowhere.
    pub given_up_earlier: usize,
    /// What happened at each webhook.
    pub webhooks: Vec<WebhookReport>,
    /// Accounts and repositories whose webhooks should have been looked at and were not, for people.
    pub unread_accounts: Vec<String>,
    /// When every account's webhooks were last looked at, if an earlier pass remembered that.
    pub accounts_read_until: Option<DateTime<Utc>>,
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
    /// What receivers answered, one sample a cause, where that was asked for.
    pub samples: Vec<Sample>,
    /// There was no checkpoint yet, so that the pass read less than GitHub redelivers.
    pub first_pass: bool,
    /// What kind of credential spoke, for people.
    pub credential: String,
    /// Requests made of GitHub.
    pub requests: u64,
    /// What else was used of GitHub.
    pub usage: Usage,
    /// When the first of the tokens in use ends.
    pub token_ends: Option<TokenEnd>,
    /// How long the pass took.
    pub took: Duration,
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

    /// Every failed delivery with its webhook.
    pub fn deliveries_by_webhook(&self) -> impl Iterator<Item = (&WebhookReport, &Delivery)> {
        self.webhooks.iter().flat_map(|webhook| {
            let deliveries = webhook.deliveries.iter();
            deliveries.map(move |delivery| (webhook, delivery))
        })
    }

    /// How many failed deliveries satisfy `which`.
    pub fn count(&self, which: impl Fn(Outcome) -> bool) -> usize {
        self.deliveries()
            .filter(|delivery| which(delivery.outcome))
            .count()
    }

    /// How many redeliveries GitHub accepted.
    pub fn redelivered(&self) -> usize {
        self.webhooks.iter().map(WebhookReport::redelivered).sum()
    }

    /// What should have been read and was not, for people: accounts whose webhooks are not known, and webhooks whose
    /// log was not read to the end.
    pub fn unread(&self) -> impl Iterator<Item = String> {
        let unread = |webhook: &&WebhookReport| webhook.unread_from.is_some();
        let logs = self.webhooks.iter().filter(unread);
        let logs = logs.map(|webhook| webhook.webhook.to_string());
        self.unread_accounts.iter().cloned().chain(logs)
    }

    /// Something should have been read and was not, or could not be understood.
    pub fn is_unread(&self) -> bool {
        let unreadable = |webhook: &WebhookReport| webhook.unreadable.is_some();
        self.unread().next().is_some() || self.webhooks.iter().any(unreadable)
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
        let expires_soon = |delivery: &&Delivery| self.expires_soon(delivery);
        self.deliveries().filter(expires_soon).count()
    }

    /// Whether this one is open, and GitHub will redeliver it no longer than [`SOON`].
    pub fn expires_soon(&self, delivery: &Delivery) -> bool {
        let soon = self.window.map(|window| window.retention_start + SOON);
        let known = delivery.failure.first.time().is_some();
        known
            && delivery.outcome.is_open()
            && soon.is_some_and(|soon| delivery.expires_before(soon))
    }

    /// How long the pass waited: no request of it was under way.
    pub fn waited(&self) -> Duration {
        self.took.saturating_sub(self.usage.busy)
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

    /// Writes all of it as JSON (`schema/report.v1.json`).
    ///
    /// # Errors
    /// What `to` says.
    pub fn write_json(&self, mut to: impl io::Write) -> io::Result<()> {
        json::write(self, &mut to)
    }
}
