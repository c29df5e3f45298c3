//! The outcome for one webhook.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::model::{
    DeliveryReport, FailedDelivery, Guid, Outcome, RedeliveryAnswer, UnconfirmedRedelivery, Webhook,
};
use crate::read::evidence::Since;
use crate::stop::StopReason;

/// The outcome for one webhook.
#[derive(Clone, Debug)]
pub struct WebhookReport {
    /// The webhook.
    pub webhook: Webhook,
    /// Number of log pages that were read.
    pub pages: u32,
    /// Number of attempts that were read.
    pub scanned: u64,
    /// Time spent reading the log.
    pub took: Duration,
    /// Its failed deliveries.
    pub deliveries: Vec<DeliveryReport>,
    /// Deliveries that an earlier pass gave up on. No number includes them.
    pub given_up_earlier: Vec<FailedDelivery>,
    /// Redeliveries that were requested before a bug ended the work on this webhook. Their outcome is unknown.
    pub unaccounted: Vec<(Guid, UnconfirmedRedelivery)>,
    /// The log was read as far back as needed.
    pub complete: bool,
    /// Rows of the log that could not be read. They may hide failed deliveries.
    pub unreadable: Option<UnreadableRows>,
    /// When an earlier pass last read the log, if this pass did not read all of it.
    pub read_until: Option<DateTime<Utc>>,
    /// Start of the part of the log that the pass should have read and did not.
    pub unread_from: Option<DateTime<Utc>>,
    /// The unread part of the log only holds original attempts of deliveries that the pass already knows.
    pub only_originals_unread: bool,
    /// The reason why the pass stopped reading the log, if it did.
    pub ended: Option<StopReason>,
    /// The receiver is down.
    pub down: bool,
    /// Length of the final run of redelivery requests that GitHub did not answer clearly.
    pub unanswered: usize,
    /// Start of the failures at the end of the log, if its newest attempts all failed.
    pub failing_since: Option<Since>,
}

/// Rows of a log that could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnreadableRows {
    /// Number of rows.
    pub count: usize,
    /// The time of the next older row that could be read; `None` if it is before the pass's window.
    pub older: Option<DateTime<Utc>>,
}

/// The state of a webhook. Later ones are worse. Serde's names are those in the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum WebhookState {
    /// Nothing failed, except deliveries that the inputs skip.
    Healthy,
    /// Every failed delivery was recovered.
    Recovered,
    /// Failed deliveries are still open.
    Open,
    /// Part of the log was not read.
    Unread,
    /// The receiver is down.
    Down,
    /// Deliveries are lost.
    Lost,
}

impl WebhookReport {
    /// A report without any data yet.
    pub fn new(webhook: Webhook) -> Self {
        Self {
            webhook,
            pages: 0,
            scanned: 0,
            took: Duration::ZERO,
            deliveries: Vec::new(),
            given_up_earlier: Vec::new(),
            unaccounted: Vec::new(),
            complete: false,
            unreadable: None,
            read_until: None,
            unread_from: None,
            only_originals_unread: false,
            ended: None,
            down: false,
            unanswered: 0,
            failing_since: None,
        }
    }

    /// Number of failed deliveries whose outcome satisfies `which`.
    pub fn count(&self, which: impl Fn(Outcome) -> bool) -> usize {
        let deliveries = self.deliveries.iter();
        deliveries.filter(|each| which(each.outcome)).count()
    }

    /// Number of redeliveries that GitHub accepted.
    pub fn redelivered(&self) -> usize {
        let requests = self.deliveries.iter().flat_map(|each| &each.requests);
        let accepted = requests.filter(|request| request.answer == RedeliveryAnswer::Accepted);
        let unaccounted = self.unaccounted.iter();
        accepted.count() + unaccounted.filter(|(_, asked)| !asked.unclear).count()
    }

    /// The worst state that applies.
    pub fn state(&self) -> WebhookState {
        if self.count(Outcome::is_lost) > 0 {
            WebhookState::Lost
        } else if self.down {
            WebhookState::Down
        } else if self.unread_from.is_some() || self.unreadable.is_some() {
            WebhookState::Unread
        } else if self.count(Outcome::is_open) > 0 {
            WebhookState::Open
        } else if self.count(|outcome| outcome == Outcome::Recovered) > 0 {
            WebhookState::Recovered
        } else {
            WebhookState::Healthy
        }
    }
}
