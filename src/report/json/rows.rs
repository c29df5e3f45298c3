//! The parts of the report's JSON document.

use chrono::{DateTime, SubsecRound, Utc};
use serde::Serialize;

use crate::model::Guid;
use crate::model::{Attempt, FailedDelivery};
use crate::model::{DeliveryReport, Outcome, RedeliveryRequest, UnconfirmedRedelivery};
use crate::report::{Cause, CauseKind, WebhookReport, WebhookState};

/// A time to the millisecond: the finest in GitHub's log.
pub(super) type Time = DateTime<Utc>;

pub(super) fn time(time: DateTime<Utc>) -> Time {
    time.trunc_subsecs(3)
}

pub(super) fn rounded(seconds: f64) -> f64 {
    (seconds * 1_000.0).round() / 1_000.0
}

#[derive(Serialize)]
pub(super) struct WindowRow {
    pub(super) start: Time,
    pub(super) end: Option<Time>,
    pub(super) retention_start: Time,
}

#[derive(Serialize)]
pub(super) struct GapRow {
    pub(super) from: Time,
    pub(super) to: Time,
}

#[derive(Serialize)]
pub(super) struct RemainingRow {
    pub(super) left: u64,
    pub(super) limit: u64,
}

#[derive(Serialize)]
pub(super) struct CauseRow<'a> {
    status: &'a str,
    code: Option<i64>,
    event: &'a str,
    kind: CauseKind,
    deliveries: usize,
    first: Time,
    last: Time,
    #[serde(skip_serializing_if = "Option::is_none")]
    sample: Option<SampleRow<'a>>,
}

#[derive(Serialize)]
struct SampleRow<'a> {
    webhook: &'a str,
    attempt: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body_cut: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
}

impl<'a> CauseRow<'a> {
    pub(super) fn new(cause: &Cause<'a>) -> Self {
        let sample = cause.sample.map(|sample| {
            let response = sample.answer.as_ref().ok();
            SampleRow {
                webhook: &sample.webhook,
                attempt: sample.attempt.to_string(),
                status: response.map(|response| &*response.status),
                body: response.map(|response| &*response.body),
                body_cut: response.map(|response| response.cut),
                seconds: response
                    .and_then(|response| Some(rounded(response.duration?.as_secs_f64()))),
                error: sample.answer.as_ref().err().map(String::as_str),
            }
        });
        Self {
            status: cause.status,
            code: cause.code,
            event: cause.event,
            kind: cause.kind,
            deliveries: cause.deliveries,
            first: time(cause.first),
            last: time(cause.last),
            sample,
        }
    }
}

#[derive(Serialize)]
pub(super) struct WebhookRow<'a> {
    webhook: String,
    id: Option<String>,
    url: String,
    receiver: &'a str,
    state: WebhookState,
    down_since: Option<Time>,
    down_since_or_earlier: bool,
    scanned: u64,
    pages: u32,
    seconds: f64,
    complete: bool,
    unread_from: Option<Time>,
    down: bool,
    failed: usize,
    recovered: usize,
    open: usize,
    lost: usize,
    given_up_earlier: Vec<EarlierRow<'a>>,
    unaccounted: Vec<UnaccountedRow>,
}

#[derive(Serialize)]
struct EarlierRow<'a> {
    guid: String,
    event: &'a str,
    action: Option<&'a str>,
    status: &'a str,
    code: Option<i64>,
    attempts: Vec<AttemptRow>,
}

#[derive(Serialize)]
struct UnaccountedRow {
    guid: String,
    asked_at: Time,
}

impl<'a> WebhookRow<'a> {
    pub(super) fn new(webhook: &'a WebhookReport, web: &str) -> Self {
        let since = webhook.failing_since.filter(|_| webhook.down);
        let earlier = |failure: &'a FailedDelivery| EarlierRow {
            guid: failure.guid.to_string(),
            event: &failure.newest.event,
            action: failure.newest.action.as_deref(),
            status: &failure.newest.status,
            code: failure.newest.code,
            attempts: failure.attempts.iter().map(AttemptRow::from).collect(),
        };
        let unaccounted = |(guid, asked): &(Guid, UnconfirmedRedelivery)| UnaccountedRow {
            guid: guid.to_string(),
            asked_at: time(asked.at),
        };
        Self {
            webhook: webhook.webhook.to_string(),
            id: webhook.webhook.id.map(|id| id.to_string()),
            url: webhook.webhook.settings_url(web),
            receiver: &webhook.webhook.receiver,
            state: webhook.state(),
            down_since: since.map(|since| time(since.at)),
            down_since_or_earlier: since.is_some_and(|since| since.or_earlier),
            scanned: webhook.scanned,
            pages: webhook.pages,
            seconds: rounded(webhook.took.as_secs_f64()),
            complete: webhook.complete,
            unread_from: webhook.unread_from.map(time),
            down: webhook.down,
            failed: webhook.deliveries.len(),
            recovered: webhook.count(|outcome| outcome == Outcome::Recovered),
            open: webhook.count(Outcome::is_open),
            lost: webhook.count(Outcome::is_lost),
            given_up_earlier: webhook.given_up_earlier.iter().map(earlier).collect(),
            unaccounted: webhook.unaccounted.iter().map(unaccounted).collect(),
        }
    }
}

#[derive(Serialize)]
pub(super) struct DeliveryRow<'a> {
    webhook: String,
    guid: String,
    event: &'a str,
    action: Option<&'a str>,
    status: &'a str,
    code: Option<i64>,
    first: Option<Time>,
    outcome: Outcome,
    reason: Option<&'a str>,
    due: Option<Time>,
    attempts_before: usize,
    attempts: Vec<AttemptRow>,
    requests: Vec<RequestRow<'a>>,
    delivered: Option<AttemptRow>,
}

#[derive(Serialize)]
struct AttemptRow {
    id: String,
    at: Time,
    redelivery: bool,
}

#[derive(Serialize)]
struct RequestRow<'a> {
    at: Time,
    attempt: String,
    answer: &'static str,
    message: Option<&'a str>,
}

impl From<&Attempt> for AttemptRow {
    fn from(seen: &Attempt) -> Self {
        Self {
            id: seen.id.to_string(),
            at: time(seen.at),
            redelivery: seen.redelivery,
        }
    }
}

impl<'a> DeliveryRow<'a> {
    pub(super) fn new(webhook: &WebhookReport, delivery: &'a DeliveryReport) -> Self {
        let failure = &delivery.failure;
        let request = |request: &'a RedeliveryRequest| RequestRow {
            at: time(request.at),
            attempt: request.attempt.to_string(),
            answer: request.answer.name(),
            message: request.answer.message(),
        };
        Self {
            webhook: webhook.webhook.to_string(),
            guid: failure.guid.to_string(),
            event: &failure.newest.event,
            action: failure.newest.action.as_deref(),
            status: &failure.newest.status,
            code: failure.newest.code,
            first: failure.first.time().map(time),
            outcome: delivery.outcome,
            reason: delivery.reason.as_deref(),
            due: delivery.due_at.map(time),
            attempts_before: failure.earlier_redeliveries,
            attempts: failure.attempts.iter().map(AttemptRow::from).collect(),
            requests: delivery.requests.iter().map(request).collect(),
            delivered: delivery.delivered.as_ref().map(AttemptRow::from),
        }
    }
}
