//! One request for a redelivery, and what is made of the answer.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use chrono::{DateTime, TimeDelta, Utc};

use super::{Asked, Turn, UNANSWERED};
use crate::github;
use crate::history::Failure;
use crate::report::{self, Answer, Outcome, Request, rfc3339};
use crate::stop::Why;

/// A 404 this close to the end of retention says that the delivery has aged out, not that the
/// webhook is gone.
const AGED_OUT: TimeDelta = TimeDelta::hours(6);

/// What a request that failed says.
#[derive(Debug, PartialEq, Eq)]
enum Says {
    /// GitHub will never redeliver this one.
    Rejected,
    /// GitHub may have accepted.
    Unclear,
    /// GitHub never saw the request.
    Unsent,
    /// The pass is to end.
    Stop(Why),
    /// Nothing can be asked for at this webhook.
    Webhook,
}

impl Turn<'_> {
    /// Asks for one delivery.
    pub(super) async fn ask(&mut self, failure: Failure, since: DateTime<Utc>) {
        let (client, webhook) = (self.client, self.webhook);
        self.lines.push(about(&failure));
        // A limit may have made it wait: what counts is when it left.
        let mut at = client.now();
        let asked = github::redeliver(client, webhook, failure.newest.id, &mut at).await;
        let mut told = |answer: Answer| {
            let requests = self.requests.entry(failure.guid.clone()).or_default();
            requests.push(Request {
                at,
                attempt: failure.newest.id,
                answer,
            });
        };
        let Err(error) = asked else {
            told(Answer::Accepted);
            self.unanswered = 0;
            return self.asked(failure, since, at, None);
        };
        let guid = &failure.guid;
        let said = error.failure().to_string();
        self.lines.push(format!("{guid}: {said}"));
        let says = what_it_says(&error, &failure, self.shared.retention_start);
        match says {
            Says::Unclear => told(Answer::Unclear(said.clone())),
            Says::Unsent => told(Answer::Unsent(said.clone())),
            Says::Stop(_) => {}
            Says::Rejected | Says::Webhook => told(match error.failure().status() {
                Some(_) => Answer::Refused(said.clone()),
                None => Answer::Unsent(said.clone()),
            }),
        }
        self.unanswered = match says {
            Says::Unsent | Says::Unclear => self.unanswered + 1,
            _ => 0,
        };
        if self.unanswered == UNANSWERED {
            self.defer("GitHub gives no clear answers");
        }
        match says {
            Says::Rejected => self.settle(failure, Outcome::Rejected, Some(said)),
            Says::Unclear => self.asked(failure, since, at, Some(said)),
            Says::Unsent => {
                self.errors
                    .push(format!("{guid} was not redelivered. {error}"));
                self.settle(failure, Outcome::FailedRequest, Some(said));
            }
            Says::Stop(why) => {
                self.defer(why.reason());
                self.settle(failure, Outcome::Deferred, Some(said));
            }
            Says::Webhook => {
                self.errors.push(error.to_string());
                self.defer("GitHub does not let this webhook's deliveries be redelivered");
                self.settle(failure, Outcome::FailedRequest, Some(said));
            }
        }
    }

    fn asked(
        &mut self,
        failure: Failure,
        since: DateTime<Utc>,
        at: DateTime<Utc>,
        unclear: Option<String>,
    ) {
        self.shared.unseen.fetch_add(1, Ordering::Relaxed);
        {
            let told = report::Asked {
                at,
                unclear: unclear.is_some(),
            };
            let asked = self.shared.asked.lock();
            let mut asked = asked.unwrap_or_else(PoisonError::into_inner);
            let asked = asked.entry(self.webhook.key()).or_default();
            asked.push((failure.guid.clone(), told));
        }
        self.seen.unseen += 1;
        let asked = Asked {
            since,
            at,
            wave: self.wave,
            unclear,
            failure,
        };
        self.asked.insert(asked.failure.guid.clone(), asked);
    }
}

/// What the log says before a delivery is asked for.
fn about(failure: &Failure) -> String {
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

fn what_it_says(error: &github::Error, failure: &Failure, retention_start: DateTime<Utc>) -> Says {
    let first = failure.first.time().unwrap_or(failure.newest.at);
    match error.failure() {
        github::RequestError::Stopped(why) => Says::Stop(*why),
        github::RequestError::Unsent(_)
        | github::RequestError::TokenTrouble { .. }
        | github::RequestError::UnknownAuthority(_)
        | github::RequestError::BadCertificate(_) => Says::Unsent,
        github::RequestError::NoToken { .. } => Says::Webhook,
        github::RequestError::Status { status, .. } => match status {
            400 | 410 | 422 => Says::Rejected,
            404 if first < retention_start + AGED_OUT => Says::Rejected,
            408 | 500.. => Says::Unclear,
            _ => Says::Webhook,
        },
        _ => Says::Unclear,
    }
}
