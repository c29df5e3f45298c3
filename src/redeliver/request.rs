//! One request for a redelivery, and what is made of the answer.

use std::sync::atomic::Ordering;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::time::{Instant, timeout_at};

use crate::decide::wave::Stop;
use crate::github;
use crate::github::RequestError;
use crate::lock::lock;
use crate::model::Failure;
use crate::model::{Answer, Outcome, Request};
use crate::redeliver::unclear::Unclear;
use crate::redeliver::{Asked, MOST_UNSEEN, Turn};
use crate::stop;
use crate::stop::Why;
use crate::text::rfc3339;

/// How long before its end a pass requests nothing more, so that what it requested last is confirmed; or a quarter
/// of what is left of a shorter pass.
const LAST_CONFIRMING: Duration = Duration::from_secs(10);

/// What a request that failed says.
#[derive(Debug, PartialEq, Eq)]
enum Says {
    /// GitHub refused this delivery.
    Refused,
    /// GitHub may have accepted.
    Unclear,
    /// GitHub never saw the request.
    Unsent,
    /// The pass is to end.
    Stop(Why),
    /// GitHub refused the credential.
    Credential,
    /// Nothing can be asked for at this webhook.
    Webhook,
}

impl Turn<'_> {
    /// Asks for deliveries until GitHub may have accepted so many. What it refused is no part of the wave.
    pub(super) async fn ask_for(&mut self, size: usize, since: DateTime<Utc>) {
        let stop = self.shared.credentials.stop();
        let until = *self.until.get_or_insert_with(|| last_request(stop));
        let mut wave = 0;
        while wave < size && !self.due.is_empty() && self.stopped.is_none() {
            if self.shared.unseen.load(Ordering::Relaxed) >= MOST_UNSEEN {
                return self.defer(Stop::Unseen.reason());
            }
            if !self.pause(until, since).await {
                return;
            }
            let taken = match Instant::now() < until {
                true => timeout_at(until, self.shared.pace.take()).await,
                false => Ok(Err(Why::TimeLimit)),
            };
            if let Err(why) = taken.unwrap_or(Err(Why::TimeLimit)) {
                return self.end_for(why);
            }
            if self.shared.is_refused(self.client) {
                return self.defer("GitHub refused the credential");
            }
            let Some(failure) = self.due.pop_front() else {
                return;
            };
            self.step();
            wave += usize::from(self.ask(failure, since).await);
            self.leave_refused();
        }
    }

    /// Asks for one delivery. Returns whether GitHub may have accepted.
    async fn ask(&mut self, failure: Failure, since: DateTime<Utc>) -> bool {
        let (client, webhook) = (self.client, self.webhook);
        self.lines.push(about(&failure));
        // A limit may have made it wait: what counts is when it left.
        let (now, began) = (client.now(), Instant::now());
        let asked = github::redeliver(client, webhook, failure.newest.id).await;
        let at = match &asked {
            Ok(sent_at) => *sent_at,
            Err(error) => error.sent_at().unwrap_or(now),
        };
        let mut told = |answer: Answer| {
            let requests = self.requests.entry(failure.guid.clone()).or_default();
            requests.push(Request {
                at,
                attempt: failure.newest.id,
                answer,
            });
        };
        // The waits before it left are nobody's silence.
        let took = (client.now() - at).to_std().unwrap_or_default();
        let took = took.min(began.elapsed());
        let Err(error) = asked else {
            told(Answer::Accepted);
            self.unclear = Unclear::default();
            self.refused.accept();
            self.asked(failure, since, at, None);
            return true;
        };
        let guid = &failure.guid;
        let said = error.failure().to_string();
        self.lines.push(format!("{guid}: {said}"));
        let says = what_it_says(error.failure());
        let is_limit = error.failure().is_limit();
        match says {
            Says::Unclear => told(Answer::Unclear(said.clone())),
            Says::Unsent => told(Answer::Unsent(said.clone())),
            Says::Stop(_) => {}
            Says::Refused | Says::Credential | Says::Webhook => {
                told(match error.failure().status() {
                    Some(_) => Answer::Refused(said.clone()),
                    None => Answer::Unsent(said.clone()),
                });
            }
        }
        match says {
            // Of the end of the pass GitHub says nothing.
            Says::Stop(_) => {}
            Says::Unsent | Says::Unclear if !is_limit => self.unclear.add(took),
            _ => self.unclear = Unclear::default(),
        }
        match says {
            Says::Refused => self.refuse(failure, at, error),
            Says::Unclear => {
                self.asked(failure, since, at, Some(said));
                return true;
            }
            Says::Unsent => {
                self.errors
                    .push(format!("{guid} was not redelivered. {error}"));
                self.settle(failure, Outcome::FailedRequest, Some(said));
            }
            Says::Stop(why) => {
                self.defer(why.reason());
                self.settle(failure, Outcome::Deferred, Some(said));
            }
            Says::Credential | Says::Webhook => {
                self.errors.push(error.to_string());
                match says {
                    Says::Credential => self.shared.refuse_credential(client),
                    _ => self.defer("GitHub does not let this webhook's deliveries be redelivered"),
                }
                self.settle(failure, Outcome::FailedRequest, Some(said));
            }
        }
        false
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
            let told = crate::model::Asked {
                at,
                unclear: unclear.is_some(),
            };
            let mut asked = lock(&self.shared.asked);
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

/// When the last request of a turn is made that begins now.
fn last_request(stop: &stop::Stop) -> Instant {
    let end = stop.deadline();
    let left = end.saturating_duration_since(Instant::now());
    end - LAST_CONFIRMING.min(left / 4)
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

fn what_it_says(failure: &RequestError) -> Says {
    match failure {
        RequestError::Stopped(why) => Says::Stop(*why),
        RequestError::Unsent(_)
        | RequestError::TokenTrouble { .. }
        | RequestError::UnknownAuthority(_)
        | RequestError::BadCertificate(_) => Says::Unsent,
        RequestError::NoToken { .. } | RequestError::Unusable(_) => Says::Webhook,
        // A proxy that wants a password has sent nothing on.
        RequestError::Status { status: 407, .. } => Says::Webhook,
        RequestError::Status { page: Some(_), .. } => Says::Unclear,
        RequestError::Status { status, .. } => match status {
            401 => Says::Credential,
            408 | 500.. => Says::Unclear,
            429 => Says::Unsent,
            400..=499 => Says::Refused,
            _ => Says::Webhook,
        },
        _ => Says::Unclear,
    }
}
