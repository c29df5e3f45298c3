//! Causes: failed deliveries grouped by GitHub's status, the receiver's status code and the event.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::{Report, Sample, WebhookReport};
use crate::model::{DeliveryReport, LatestAttempt, StatusPattern};

/// Deliveries that failed for the same reason.
#[derive(Clone, Debug)]
pub struct Cause<'a> {
    /// GitHub's status text.
    pub status: &'a str,
    /// The receiver's status code.
    pub code: Option<i64>,
    /// The event's name.
    pub event: &'a str,
    /// The usual reason.
    pub kind: CauseKind,
    /// Number of deliveries.
    pub deliveries: usize,
    /// When the first of them was first attempted.
    pub first: DateTime<Utc>,
    /// When the last of them was last attempted.
    pub last: DateTime<Utc>,
    /// The newest of them and its webhook: the one to look at first.
    pub newest: (&'a WebhookReport, &'a DeliveryReport),
    /// The receiver's answer to that one, with `show-responses`.
    pub sample: Option<&'a Sample>,
}

/// The usual reason for a failure. Serde's names are those in the report.
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
    /// 401 or 403: the receiver rejected the sender.
    Refused,
    /// 404 or 410: the receiver has nothing at this path.
    Path,
    /// 429: the receiver got too many requests.
    TooMany,
    /// 3xx: GitHub does not follow redirects.
    Redirect,
    /// Any other 4xx: the receiver did not understand the request.
    Misunderstood,
    /// GitHub's log holds no outcome yet.
    Pending,
    /// Anything else.
    Other,
}

impl CauseKind {
    /// The usual reason for this failure. GitHub's status text says more than the code, which is a proxy's if the
    /// receiver did not answer.
    pub fn of(newest: &LatestAttempt) -> Self {
        if newest.pending {
            return Self::Pending;
        }
        let by_words = [
            (StatusPattern::Timeout, Self::Timeout),
            (StatusPattern::Tls, Self::Tls),
            (StatusPattern::Connection, Self::Connection),
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
    /// The causes of all failed deliveries, commonest first. Skipped deliveries don't count.
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
            let mut of_this = samples.filter(|sample| {
                let (status, code, event) = &sample.cause;
                (&**status, *code, &**event) == (cause.status, cause.code, cause.event)
            });
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
