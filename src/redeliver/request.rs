//! Requests redeliveries, and handles GitHub's answers.

use std::sync::atomic::Ordering;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::time::{Instant, timeout_at};

use crate::decide::wave::TurnEnd;
use crate::github;
use crate::github::RequestError;
use crate::lock::lock;
use crate::model::FailedDelivery;
use crate::model::{Outcome, RedeliveryAnswer, RedeliveryRequest};
use crate::redeliver::unclear::Unclear;
use crate::redeliver::{AwaitedRedelivery, MOST_UNSEEN, Turn};
use crate::stop;
use crate::stop::StopReason;
use crate::text::rfc3339;

/// Time before the end of the pass when it requests nothing more, so that its last requests are confirmed; or a quarter
/// of the time left in a shorter pass.
const LAST_CONFIRMING: Duration = Duration::from_secs(10);

/// The meaning of a failed request.
#[derive(Debug, PartialEq, Eq)]
enum RequestFailure {
    /// GitHub refused this delivery.
    Refused,
    /// GitHub may have accepted.
    Unclear,
    /// GitHub never saw the request.
    Unsent,
    /// The pass ends early.
    Stop(StopReason),
    /// GitHub refused the credential.
    Credential,
    /// GitHub redelivers nothing for this webhook.
    Webhook,
}

impl Turn<'_> {
    /// Requests redeliveries until GitHub may have accepted `size` of them. Those that it refused don't count.
    pub(super) async fn request_wave(&mut self, size: usize, since: DateTime<Utc>) {
        let stop = self.shared.credentials.stop();
        let until = *self.until.get_or_insert_with(|| last_request(stop));
        let mut wave = 0;
        while wave < size && !self.due.is_empty() && self.stopped.is_none() {
            if self.shared.unseen.load(Ordering::Relaxed) >= MOST_UNSEEN {
                return self.defer(TurnEnd::Unconfirmed.reason());
            }
            if !self.pause(until, since).await {
                return;
            }
            let taken = match Instant::now() < until {
                true => timeout_at(until, self.shared.pace.take()).await,
                false => Ok(Err(StopReason::TimeLimit)),
            };
            if let Err(why) = taken.unwrap_or(Err(StopReason::TimeLimit)) {
                return self.defer_for(why);
            }
            if self.shared.is_refused(self.client) {
                return self.defer("GitHub refused the credential");
            }
            let Some(failure) = self.due.pop_front() else {
                return;
            };
            self.update_progress();
            wave += usize::from(self.request(failure, since).await);
            self.leave_refused();
        }
    }

    /// Requests the redelivery of one delivery. Returns whether GitHub may have accepted it.
    async fn request(&mut self, failure: FailedDelivery, since: DateTime<Utc>) -> bool {
        self.lines.push(about(&failure));
        let (now, began) = (self.client.now(), Instant::now());
        let id = failure.newest.id;
        match github::redeliver(self.client, self.webhook, id).await {
            Ok(at) => {
                self.record(&failure, at, RedeliveryAnswer::Accepted);
                self.unclear = Unclear::default();
                self.refused.accept();
                self.await_outcome(failure, since, at, None);
                true
            }
            Err(error) => {
                let at = error.sent_at().unwrap_or(now);
                let took = (self.client.now() - at).to_std().unwrap_or_default();
                self.fail(failure, since, at, took.min(began.elapsed()), error)
            }
        }
    }

    /// Handles a request that failed `took` after it was sent. Returns whether GitHub may have accepted it.
    fn fail(
        &mut self,
        failure: FailedDelivery,
        since: DateTime<Utc>,
        at: DateTime<Utc>,
        took: Duration,
        error: github::Error,
    ) -> bool {
        let guid = &failure.guid;
        let message = error.failure().to_string();
        self.lines.push(format!("{guid}: {message}"));
        let kind = classify(error.failure());
        if let Some(answer) = kind.answer(error.failure()) {
            self.record(&failure, at, answer);
        }
        match kind {
            // The end of the pass shows nothing of GitHub.
            RequestFailure::Stop(_) => {}
            RequestFailure::Unsent | RequestFailure::Unclear if !error.failure().is_limit() => {
                self.unclear.add(took);
            }
            _ => self.unclear = Unclear::default(),
        }
        match kind {
            RequestFailure::Refused => self.refuse(failure, at, error),
            RequestFailure::Unclear => {
                self.await_outcome(failure, since, at, Some(message));
                return true;
            }
            RequestFailure::Unsent => {
                self.errors
                    .push(format!("{guid} was not redelivered. {error}"));
                self.finish(failure, Outcome::FailedRequest, Some(message));
            }
            RequestFailure::Stop(why) => {
                self.defer(why.reason());
                self.finish(failure, Outcome::Deferred, Some(message));
            }
            RequestFailure::Credential => {
                self.errors.push(error.to_string());
                self.shared.refuse_credential(self.client);
                self.finish(failure, Outcome::FailedRequest, Some(message));
            }
            RequestFailure::Webhook => {
                self.errors.push(error.to_string());
                self.defer("GitHub does not let this webhook's deliveries be redelivered");
                self.finish(failure, Outcome::FailedRequest, Some(message));
            }
        }
        false
    }

    /// Records GitHub's answer to a request.
    fn record(&mut self, failure: &FailedDelivery, at: DateTime<Utc>, answer: RedeliveryAnswer) {
        let requests = self.requests.entry(failure.guid.clone()).or_default();
        requests.push(RedeliveryRequest {
            at,
            attempt: failure.newest.id,
            answer,
        });
    }

    /// Has the log watched for the outcome of a redelivery.
    fn await_outcome(
        &mut self,
        failure: FailedDelivery,
        since: DateTime<Utc>,
        at: DateTime<Utc>,
        unclear: Option<String>,
    ) {
        self.shared.unseen.fetch_add(1, Ordering::Relaxed);
        let unconfirmed = crate::model::UnconfirmedRedelivery {
            at,
            unclear: unclear.is_some(),
        };
        lock(&self.shared.requested)
            .entry(self.webhook.key())
            .or_default()
            .push((failure.guid.clone(), unconfirmed));
        self.wave_result.unconfirmed += 1;
        let awaited = AwaitedRedelivery {
            since,
            at,
            wave: self.wave,
            unclear,
            failure,
        };
        self.awaited.insert(awaited.failure.guid.clone(), awaited);
    }
}

impl RequestFailure {
    /// GitHub's answer for the report; `None` if the pass ended first.
    fn answer(&self, error: &RequestError) -> Option<RedeliveryAnswer> {
        let message = error.to_string();
        Some(match self {
            Self::Stop(_) => return None,
            Self::Unclear => RedeliveryAnswer::Unclear(message),
            Self::Refused | Self::Credential | Self::Webhook if error.status().is_some() => {
                RedeliveryAnswer::Refused(message)
            }
            _ => RedeliveryAnswer::Unsent(message),
        })
    }
}

/// The time of the last request of a turn that begins now.
fn last_request(stop: &stop::Stop) -> Instant {
    let end = stop.deadline();
    let left = end.saturating_duration_since(Instant::now());
    end - LAST_CONFIRMING.min(left / 4)
}

/// The line of the log for a request.
fn about(failure: &FailedDelivery) -> String {
    let newest = &failure.newest;
    format!(
        "redelivering {} {}, first sent {}, attempt {}: {}",
        newest.event,
        failure.guid,
        rfc3339(failure.first.time().unwrap_or(newest.at)),
        newest.id,
        newest.status,
    )
}

fn classify(failure: &RequestError) -> RequestFailure {
    match failure {
        RequestError::Stopped(why) => RequestFailure::Stop(*why),
        RequestError::Unsent(_)
        | RequestError::TokenTrouble { .. }
        | RequestError::UnknownAuthority(_)
        | RequestError::BadCertificate(_) => RequestFailure::Unsent,
        RequestError::NoToken { .. } | RequestError::Unusable(_) => RequestFailure::Webhook,
        // A proxy that wants a password has sent nothing on.
        RequestError::Status { status: 407, .. } => RequestFailure::Webhook,
        RequestError::Status { page: Some(_), .. } => RequestFailure::Unclear,
        RequestError::Status { status, .. } => match status {
            401 => RequestFailure::Credential,
            408 | 500.. => RequestFailure::Unclear,
            429 => RequestFailure::Unsent,
            400..=499 => RequestFailure::Refused,
            _ => RequestFailure::Webhook,
        },
        _ => RequestFailure::Unclear,
    }
}
