//! What happened at one webhook.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::attempt::Guid;
use crate::model::Failure;
use crate::model::Webhook;
use crate::model::{Answer, Asked, Delivery, Outcome};
use crate::read::evidence::Since;
use crate::stop::StopReason;

/// What happened at one webhook.
#[derive(Clone, Debug)]
pub struct WebhookReport {
    /// Which webhook.
    pub webhook: Webhook,
    /// Pages of its log that were read.
    pub pages: u32,
    /// Attempts that were read.
    pub scanned: u64,
    /// How long reading them took.
    pub took: Duration,
    /// Its failed deliveries.
    pub deliveries: Vec<Delivery>,
    /// Deliveries that an earlier pass lost, and that count nowhere.
    pub given_up_earlier: Vec<Failure>,
    /// What was asked for, and what became of it a bug made the pass forget.
    pub unaccounted: Vec<(Guid, Asked)>,
    /// The log was read as far back as it had to be.
    pub complete: bool,
    /// Rows of it that could not be read, and among which a failure may be.
    pub unreadable: Option<UnreadableRows>,
    /// When an earlier pass last read its log, if this pass did not read all of it.
    pub read_until: Option<DateTime<Utc>>,
    /// Where the part of its log begins that the pass should have read and did not.
    pub unread_from: Option<DateTime<Utc>>,
    /// Of its log no more is unread than older originals of deliveries that failed in the pass's window.
    pub only_originals_unread: bool,
    /// Why the pass ended its reading, if that is why it is not complete.
    pub ended: Option<StopReason>,
    /// The receiver was found down.
    pub down: bool,
    /// Requests for redeliveries, the last in a row, that got no clear answer from GitHub.
    pub unanswered: usize,
    /// Since when its log shows nothing but failures, if it ends so.
    pub failing_since: Option<Since>,
}

/// Rows of a log that could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnreadableRows {
    /// How many.
    pub count: usize,
    /// The time of the next older row that could be read; `None` if it is before the pass's window.
    pub older: Option<DateTime<Utc>>,
}

/// How a webhook is. Later ones are worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum WebhookState {
    /// Nothing failed, or nothing that the user wants to know of.
    Healthy,
    /// All that failed was recovered.
    Recovered,
    /// Something is left to do.
    Open,
    /// Part of its log was not read.
    Unread,
    /// Its receiver accepts nothing.
    Down,
    /// Something can't be recovered any more.
    Lost,
}

impl WebhookReport {
    /// The report of a webhook of which nothing is known yet.
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

    /// How many of its failed deliveries satisfy `which`.
    pub fn count(&self, which: impl Fn(Outcome) -> bool) -> usize {
        let deliveries = self.deliveries.iter();
        deliveries.filter(|each| which(each.outcome)).count()
    }

    /// How many redeliveries GitHub accepted.
    pub fn redelivered(&self) -> usize {
        let requests = self.deliveries.iter().flat_map(|each| &each.requests);
        let accepted = requests.filter(|request| request.answer == Answer::Accepted);
        let unaccounted = self.unaccounted.iter();
        accepted.count() + unaccounted.filter(|(_, asked)| !asked.unclear).count()
    }

    /// How it is: the worst that applies.
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
