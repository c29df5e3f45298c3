//! What came of one webhook.

use chrono::{DateTime, Utc};

use crate::model::Failure;
use crate::model::Guid;
use crate::model::Webhook;
use crate::model::{Asked, Delivery, Outcome};
use crate::pass::webhook_run::Serving;
use crate::read::scan::Told;
use crate::redeliver::Redelivered;
use crate::remember::state::Memory;
use crate::report::WebhookReport;
use crate::report::notices::PANIC;
use crate::text::counted;

/// What came of one webhook.
pub struct Served {
    /// What happened.
    pub report: WebhookReport,
    /// How many deliveries a dry run found due.
    pub would_redeliver: usize,
    /// What the next pass is to know.
    pub memory: Option<Memory>,
    /// Rows of its log that could not be read, and when each was reported first.
    pub(super) unreadable: Vec<(String, DateTime<Utc>)>,
    /// A bug was met.
    pub panicked: bool,
    /// What failed.
    pub errors: Vec<String>,
    /// What people should know.
    pub warnings: Vec<String>,
}

impl Served {
    pub(super) fn new(webhook: Webhook) -> Self {
        Self {
            report: WebhookReport::new(webhook),
            would_redeliver: 0,
            memory: None,
            unreadable: Vec::new(),
            panicked: false,
            errors: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// What is told of a webhook whose way a bug cut short. Nothing of it is forgotten.
    pub fn broken(webhook: Webhook, mut before: Memory, asked: &[(Guid, Asked)]) -> Self {
        let error = format!("{webhook}: {PANIC}");
        let before_read = before.read_until();
        for (guid, asked) in asked {
            before.add_asked(guid, *asked);
        }
        let mut this = Self {
            panicked: true,
            memory: Some(before),
            errors: vec![error],
            ..Self::new(webhook)
        };
        this.report.unread_from = before_read;
        this.report.unaccounted = asked.to_vec();
        this
    }

    /// Takes in what was read, and says so.
    pub(super) fn read(&mut self, serving: &Serving<'_>, told: &Told) {
        let webhook = &self.report.webhook;
        let mut line = format!(
            "{webhook} ({}): {} of {} read, {} failed",
            webhook.receiver,
            counted(told.scanned, "attempt"),
            counted(told.pages, "page"),
            counted(told.failures.len(), "delivery"),
        );
        let broken = told.broken.as_ref();
        let broken = broken.filter(|error| !error.failure().is_stop());
        if let Some(error) = broken {
            line.push_str(&format!("; then reading broke off: {error}"));
        } else if let Some(why) = told.stopped.filter(|_| !told.complete) {
            line.push_str(&format!("; then reading ended: {}", why.reason()));
        }
        // Of a healthy webhook there is nothing to say.
        if !told.failures.is_empty() || !told.complete {
            serving.redeliverer.console.line(&line);
        }
        self.take_in_unreadable(serving, told);
        self.report.ended = told.stopped.filter(|_| !told.complete);
        self.report.pages = told.pages;
        self.report.scanned = told.scanned;
        self.report.took = told.took;
        self.report.failing_since = told.evidence.failing_since();
        self.errors.extend(broken.map(ToString::to_string));
    }

    /// Notes that part of the log was not read.
    pub(super) fn left_unread(&mut self, serving: &Serving<'_>, told: &Told) {
        // Beyond the window are the originals of deliveries in it.
        let from = if told.reached_window {
            serving.window.retention_start
        } else {
            serving.window.start
        };
        self.report.unread_from = Some(from);
        self.report.only_originals_unread = told.reached_window;
        self.report.read_until = serving.memory.as_deref().and_then(Memory::known_until);
    }

    pub(super) fn take(&mut self, done: Redelivered) {
        self.report.down |= done.down;
        self.report.unanswered = self.report.unanswered.max(done.unanswered);
        self.report.deliveries.extend(done.deliveries);
        self.errors.extend(done.errors);
        self.warnings.extend(done.warnings);
    }

    pub(super) fn defer(&mut self, due: Vec<Failure>, reason: &str) {
        let deferred = due.into_iter().map(|failure| deferred(failure, reason));
        self.report.deliveries.extend(deferred);
    }
}

/// A delivery that is left for another pass.
pub(super) fn deferred(failure: Failure, reason: &str) -> Delivery {
    Delivery::new(failure, Outcome::Deferred).because(reason.to_owned())
}
