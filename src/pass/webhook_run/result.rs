//! The result of one webhook's run.

use chrono::{DateTime, Utc};

use crate::model::FailedDelivery;
use crate::model::Guid;
use crate::model::Webhook;
use crate::model::{DeliveryReport, Outcome, UnconfirmedRedelivery};
use crate::pass::webhook_run::WebhookRun;
use crate::read::scan::ScanResult;
use crate::redeliver::{LogGroup, TurnResult};
use crate::remember::state::Memory;
use crate::report::WebhookReport;
use crate::report::notices::PANIC;
use crate::text::counted;

/// The result of one webhook's run.
pub struct WebhookResult {
    /// Its part of the report.
    pub report: WebhookReport,
    /// Number of deliveries that a dry run found due.
    pub would_redeliver: usize,
    /// The memory for the next pass.
    pub memory: Option<Memory>,
    /// Rows of its log that could not be read, and when each was reported first.
    pub(super) unreadable: Vec<(String, DateTime<Utc>)>,
    /// A bug ended the run.
    pub panicked: bool,
    /// Errors for the report.
    pub errors: Vec<String>,
    /// Warnings for the report.
    pub warnings: Vec<String>,
}

impl WebhookResult {
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

    /// The result of a run that a bug ended. Nothing of it is forgotten: the memory of earlier passes stays, with the
    /// redeliveries that were requested.
    pub fn of_bug(
        webhook: Webhook,
        mut before: Memory,
        requested: &[(Guid, UnconfirmedRedelivery)],
    ) -> Self {
        let error = format!("{webhook}: {PANIC}");
        let before_read = before.read_until();
        for (guid, unconfirmed) in requested {
            before.add_unconfirmed(guid, *unconfirmed);
        }
        let mut this = Self {
            panicked: true,
            memory: Some(before),
            errors: vec![error],
            ..Self::new(webhook)
        };
        this.report.unread_from = before_read;
        this.report.unaccounted = requested.to_vec();
        this
    }

    /// Adds the result of the scan, and logs it.
    pub(super) fn add_scan(&mut self, run: &WebhookRun<'_>, scanned: &ScanResult) {
        let webhook = &self.report.webhook;
        let mut line = format!(
            "{webhook} ({}): {} of {} read, {} failed",
            webhook.receiver,
            counted(scanned.scanned, "attempt"),
            counted(scanned.pages, "page"),
            counted(scanned.failures.len(), "delivery"),
        );
        let broken = scanned.broken.as_ref();
        let broken = broken.filter(|error| !error.failure().is_stop());
        if let Some(error) = broken {
            line.push_str(&format!("; then reading broke off: {error}"));
        } else if let Some(why) = scanned.stopped.filter(|_| !scanned.complete) {
            line.push_str(&format!("; then reading ended: {}", why.reason()));
        }
        // A healthy webhook needs no line.
        if !scanned.failures.is_empty() || !scanned.complete {
            run.console.line(&line);
        }
        self.add_unreadable(run, scanned);
        self.report.ended = scanned.stopped.filter(|_| !scanned.complete);
        self.report.pages = scanned.pages;
        self.report.scanned = scanned.scanned;
        self.report.took = scanned.took;
        self.report.failing_since = scanned.evidence.failing_since();
        self.errors.extend(broken.map(ToString::to_string));
    }

    /// Adds that part of the log was not read.
    pub(super) fn add_unread(&mut self, run: &WebhookRun<'_>, scanned: &ScanResult) {
        // The originals of deliveries in the window may be older than it.
        let from = if scanned.reached_window {
            run.window.retention_start
        } else {
            run.window.start
        };
        self.report.unread_from = Some(from);
        self.report.only_originals_unread = scanned.reached_window;
        self.report.read_until = run.memory.as_deref().and_then(Memory::known_until);
    }

    /// Adds the result of a turn, and logs it.
    pub(super) fn add_turn(&mut self, run: &WebhookRun<'_>, done: TurnResult) {
        if let Some(LogGroup { title, lines }) = done.log {
            run.console.group(&title);
            lines.iter().for_each(|line| run.console.line(line));
            run.console.end_group();
        }
        self.report.down |= done.down;
        self.report.unanswered = self.report.unanswered.max(done.unanswered);
        self.report.deliveries.extend(done.deliveries);
        self.errors.extend(done.errors);
        self.warnings.extend(done.warnings);
    }

    /// Leaves these deliveries to the next pass.
    pub(super) fn defer(&mut self, due: Vec<FailedDelivery>, reason: &str) {
        let deferred = due.into_iter().map(|failure| deferred(failure, reason));
        self.report.deliveries.extend(deferred);
    }
}

/// A delivery that is left to the next pass.
pub(super) fn deferred(failure: FailedDelivery, reason: &str) -> DeliveryReport {
    DeliveryReport::new(failure, Outcome::Deferred).with_reason(reason.to_owned())
}
