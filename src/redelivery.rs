//! Carries a plan out: asks GitHub for each redelivery, in order.
//!
//! One delivery's failure never stops the others, unless it says that none of them can work.

use chrono::{DateTime, TimeDelta, Utc};

use crate::actions::Console;
use crate::github::{self, Client};
use crate::history::Failure;
use crate::report::{Delivery, Outcome, rfc3339};
use crate::webhook::Webhook;

/// A 404 this close to the end of retention says that the delivery has aged out, not that the
/// webhook is gone.
const AGED_OUT: TimeDelta = TimeDelta::hours(6);

/// Requests in a row without a clear answer, after which no further one is tried: each may take
/// half a minute.
const UNANSWERED: u32 = 3;

/// What came of a plan.
#[derive(Default)]
pub struct Redelivered {
    /// Each delivery that was due.
    pub deliveries: Vec<Delivery>,
    /// Requests that failed.
    pub errors: Vec<String>,
    /// What people should know.
    pub warnings: Vec<String>,
}

/// What a request that failed says.
#[derive(Debug, PartialEq, Eq)]
enum Says {
    /// GitHub will never redeliver this one.
    Rejected,
    /// GitHub may have accepted.
    Unclear,
    /// GitHub never saw the request.
    Unsent,
    /// A limit is reached; nothing more can be asked for now.
    Limit,
    /// Nothing can be asked for at this webhook.
    Webhook,
}

/// Asks GitHub to redeliver `due`, one after the other.
pub async fn redeliver(
    client: &Client,
    webhook: &Webhook,
    due: Vec<Failure>,
    retention_start: DateTime<Utc>,
    console: &Console,
) -> Redelivered {
    let mut done = Redelivered::default();
    let mut unanswered = 0;
    let mut stopped: Option<&'static str> = None;
    for failure in due {
        if let Some(reason) = stopped {
            done.add(failure, Outcome::Deferred, Some(reason.into()));
            continue;
        }
        console.line(&about(webhook, &failure));
        let Err(error) = github::redeliver(client, webhook, failure.newest.id).await else {
            unanswered = 0;
            done.add(failure, Outcome::Requested, None);
            continue;
        };
        let says = what_it_says(&error, &failure, retention_start);
        unanswered = match says {
            Says::Unsent | Says::Unclear => unanswered + 1,
            _ => 0,
        };
        if unanswered == UNANSWERED {
            stopped = Some("GitHub gives no clear answers");
        }
        console.line(&format!("{webhook}: {}: {}", failure.guid, error.failure()));
        let reason = Some(error.failure().to_string());
        match says {
            Says::Rejected => done.add(failure, Outcome::Rejected, reason),
            Says::Unclear => {
                done.warnings.push(format!(
                    "It is not known whether {} is being redelivered. {error}",
                    failure.guid
                ));
                done.add(failure, Outcome::Requested, reason);
            }
            Says::Unsent => {
                done.errors
                    .push(format!("{} was not redelivered. {error}", failure.guid));
                done.add(failure, Outcome::FailedRequest, reason);
            }
            Says::Limit => {
                done.warnings.push(error.to_string());
                stopped = Some("GitHub's rate limit is reached");
                done.add(failure, Outcome::Deferred, reason);
            }
            Says::Webhook => {
                done.errors.push(error.to_string());
                stopped = Some("GitHub does not let this webhook's deliveries be redelivered");
                done.add(failure, Outcome::FailedRequest, reason);
            }
        }
    }
    done
}

/// What the log says before a delivery is asked for.
fn about(webhook: &Webhook, failure: &Failure) -> String {
    let newest = &failure.newest;
    format!(
        "{webhook}: redelivering {} {}, first sent {}, attempt {}: {}",
        newest.event,
        failure.guid,
        rfc3339(failure.first.time().unwrap_or(newest.at)),
        newest.id,
        newest.status,
    )
}

impl Redelivered {
    fn add(&mut self, failure: Failure, outcome: Outcome, reason: Option<String>) {
        self.deliveries.push(Delivery {
            failure,
            outcome,
            reason,
            due_at: None,
        });
    }
}

fn what_it_says(error: &github::Error, failure: &Failure, retention_start: DateTime<Utc>) -> Says {
    let (status, limit) = match error.failure() {
        github::RequestError::Status { status, limit, .. } => (*status, *limit),
        github::RequestError::Unsent(_) => return Says::Unsent,
        github::RequestError::LimitReached => return Says::Limit,
        _ => return Says::Unclear,
    };
    let first = failure.first.time().unwrap_or(failure.newest.at);
    match status {
        _ if limit => Says::Limit,
        400 | 410 | 422 => Says::Rejected,
        404 if first < retention_start + AGED_OUT => Says::Rejected,
        408 | 500.. => Says::Unclear,
        _ => Says::Webhook,
    }
}
