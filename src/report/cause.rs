//! What failed deliveries died of: how GitHub puts it, and at which event.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::{Report, Sample, WebhookReport};
use crate::model::Delivery;
use crate::model::Newest;
use crate::model::StatusWord;

/// Failed deliveries that failed in the same way.
#[derive(Clone, Debug)]
pub struct Cause<'a> {
    /// GitHub's words.
    pub status: &'a str,
    /// The receiver's status code.
    pub code: Option<i64>,
    /// The event's name.
    pub event: &'a str,
    /// What it usually means.
    pub kind: CauseKind,
    /// How many.
    pub deliveries: usize,
    /// When the first of them was first attempted.
    pub first: DateTime<Utc>,
    /// When the last of them was last attempted.
    pub last: DateTime<Utc>,
    /// The newest of them, and its webhook: the one to look at.
    pub newest: (&'a WebhookReport, &'a Delivery),
    /// What the receiver answered there, where that was asked for.
    pub sample: Option<&'a Sample>,
}

/// What a failure usually means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CauseKind {
    /// The receiver did not answer in time.
    Timeout,
    /// There was no connection.
    Connection,
    /// There was no secure connection.
    Tls,
    /// 5xx: the receiver failed.
    Receiver,
    /// 401 or 403: the receiver did not believe it.
    Refused,
    /// 404 or 410: there is nothing at this path.
    Path,
    /// 429: the receiver had too much to do.
    TooMany,
    /// 3xx: GitHub follows no redirect.
    Redirect,
    /// Any other 4xx: the receiver did not understand it.
    Misunderstood,
    /// There is no outcome yet.
    Pending,
    /// Anything else.
    Other,
}

impl CauseKind {
    /// What an attempt that failed so usually means. GitHub's words say more than its codes, which stand
    /// for a proxy's where nothing answered.
    pub fn of(newest: &Newest) -> Self {
        if newest.pending {
            return Self::Pending;
        }
        let by_words = [
            (StatusWord::Timeout, Self::Timeout),
            (StatusWord::Tls, Self::Tls),
            (StatusWord::Connection, Self::Connection),
        ];
        if let Some((_, kind)) = by_words.iter().find(|(word, _)| word.matches(newest)) {
            return *kind;
        }
        match newest.code {
            Some(300..=399) => Self::Redirect,
            Some(401 | 403 | 407) => Self::Refused,
            Some(404 | 405 | 410) => Self::Path,
            Some(408) => Self::Timeout,
            Some(429) => Self::TooMany,
            Some(400..=499) => Self::Misunderstood,
            Some(500..=599) => Self::Receiver,
            Some(0) => Self::Connection,
            _ => Self::Other,
        }
    }
}

impl Report {
    /// What failed deliveries died of, commonest first. Those that the user wants left alone count nowhere.
    pub fn causes(&self) -> Vec<Cause<'_>> {
        let mut causes: HashMap<_, Cause<'_>> = HashMap::new();
        let all = self.deliveries_by_webhook();
        for (webhook, delivery) in all.filter(|(_, each)| !each.outcome.is_skipped()) {
            let newest = &delivery.failure.newest;
            let cause = causes
                .entry((&*newest.status, newest.code, &*newest.event))
                .or_insert(Cause {
                    status: &newest.status,
                    code: newest.code,
                    event: &newest.event,
                    kind: CauseKind::of(newest),
                    deliveries: 0,
                    first: delivery.first(),
                    last: newest.at,
                    newest: (webhook, delivery),
                    sample: None,
                });
            cause.deliveries += 1;
            cause.first = cause.first.min(delivery.first());
            if newest.at > cause.last {
                cause.last = newest.at;
                cause.newest = (webhook, delivery);
            }
        }
        let mut causes: Vec<_> = causes.into_values().collect();
        for cause in &mut causes {
            let samples = self.samples.iter();
            let mut of_this = samples.filter(|sample| sample.is_of(cause));
            cause.sample = of_this.next();
        }
        causes.sort_by(|a, b| {
            let key = |cause: &Cause<'_>| std::cmp::Reverse((cause.deliveries, cause.last));
            key(a)
                .cmp(&key(b))
                .then_with(|| (a.status, a.code, a.event).cmp(&(b.status, b.code, b.event)))
        });
        causes
    }
}
