//! Decides what to do with each failed delivery, and why.
//!
//! Pure: failed deliveries, what is known of their receiver, the user's policy and the time come in, a
//! plan comes out.

use std::cmp::Reverse;

use chrono::{DateTime, TimeDelta, Utc};

use crate::model::{
    DeliveryReport, FailedDelivery, FirstAttempt, LONGEST_BACKOFF, Outcome, Policy,
    UnconfirmedRedelivery,
};
use crate::read::evidence::Evidence;
use crate::text::{counted, rfc3339};

/// Redeliveries while the receiver was down after which a delivery waits for a sign of life.
const PATIENCE: usize = 5;

/// How long it waits if none comes. A receiver that answers too late may have done the work each
/// time.
const WITHOUT_SIGN: TimeDelta = TimeDelta::hours(6);

/// How long the row of a redelivery may take to appear, before it is asked for again.
const LAG: TimeDelta = TimeDelta::minutes(60);

/// The same where GitHub gave no clear answer, so that it may never have been made.
const UNCLEAR: TimeDelta = TimeDelta::minutes(10);

/// What to do about the failed deliveries of one webhook.
#[derive(Debug, Default)]
pub struct Plan {
    /// To be redelivered, in this order.
    pub due: Vec<FailedDelivery>,
    /// Not to be redelivered, and why.
    pub rest: Vec<DeliveryReport>,
}

/// Sorts out which failures are due.
///
/// Those never redelivered come first, the oldest of them leading; then the others, the one that was tried
/// longest ago leading. Were it oldest first alone, the deliveries that always fail would pile up at the head.
/// But the first may be all that a receiver is tried with, and where all that is new always fails, only another finds
/// out that the receiver is up. So after one that was redelivered for the first time, one of the others leads, if it has
/// waited longer than any that is new.
///
/// Those that GitHub refused last time are the last of all, the one that was refused longest ago leading: what is refused
/// for good would keep the others waiting. `refused` says when that was.
pub fn plan(
    failures: Vec<FailedDelivery>,
    asked: impl Fn(&FailedDelivery) -> Option<UnconfirmedRedelivery>,
    refused: impl Fn(&FailedDelivery) -> Option<DateTime<Utc>>,
    evidence: &Evidence,
    policy: &Policy,
    now: DateTime<Utc>,
    retention_start: DateTime<Utc>,
) -> Plan {
    let mut plan = Plan::default();
    // When something was redelivered last, and the how manieth time that was for it.
    let mut last = None;
    for failure in failures {
        let asked = unseen(&failure, asked(&failure));
        last = last.max(last_try(&failure, asked));
        match settled(&failure, asked, evidence, policy, now, retention_start) {
            None => plan.due.push(failure),
            Some((outcome, reason, due_at)) => plan.rest.push(DeliveryReport {
                due_at,
                asked,
                ..DeliveryReport::new(failure, outcome).because(reason)
            }),
        }
    }
    plan.due.sort_by_cached_key(|failure| {
        let newest = (failure.newest.at, failure.newest.id);
        (refused(failure), failure.made() > 0, newest)
    });
    let refused = |failure: &FailedDelivery| refused(failure).is_some();
    let never_refused = plan.due.partition_point(|failure| !refused(failure));
    let due = &mut plan.due[..never_refused];
    if last.is_some_and(|(_, nth)| nth == 1) {
        let retried = due.partition_point(|failure| failure.made() == 0);
        let waiting_since = |place: usize| due.get(place).map(|failure| failure.newest.at);
        if waiting_since(retried).is_some_and(|since| waiting_since(0) > Some(since)) {
            due[..=retried].rotate_right(1);
        }
    }
    plan.rest
        .sort_unstable_by_key(|each| Reverse((each.failure.newest.at, each.failure.newest.id)));
    plan
}

/// What was asked for, unless it is seen: once the log shows a newer attempt, it is.
pub fn unseen(
    failure: &FailedDelivery,
    asked: Option<UnconfirmedRedelivery>,
) -> Option<UnconfirmedRedelivery> {
    asked.filter(|asked| failure.newest.at < whole_second(asked.at))
}

/// When a delivery was last redelivered, and how many times it has been.
fn last_try(
    failure: &FailedDelivery,
    asked: Option<UnconfirmedRedelivery>,
) -> Option<(DateTime<Utc>, usize)> {
    let made = failure.made();
    match asked {
        Some(asked) => Some((asked.at, made + 1)),
        None => (made > 0).then_some((failure.newest.at, made)),
    }
}

/// Why a delivery is not due, and when it will be; `None` if it is.
fn settled(
    failure: &FailedDelivery,
    asked: Option<UnconfirmedRedelivery>,
    evidence: &Evidence,
    policy: &Policy,
    now: DateTime<Utc>,
    retention_start: DateTime<Utc>,
) -> Option<(Outcome, String, Option<DateTime<Utc>>)> {
    let settled = |outcome, reason: &str| Some((outcome, reason.to_owned(), None));
    if !policy.filter.admits(&failure.newest) {
        return settled(Outcome::Ignored, "left out by `events` or `statuses`");
    }
    let first = match failure.first {
        FirstAttempt::At(time) if time >= retention_start => time,
        FirstAttempt::At(_) | FirstAttempt::BeyondRetention => {
            return settled(Outcome::Expired, "older than GitHub redelivers");
        }
        FirstAttempt::Unknown => {
            let reason = "the log could not be read back to its first attempt";
            return settled(Outcome::Deferred, reason);
        }
    };
    if policy.max_age.is_some_and(|max_age| first < now - max_age) {
        return settled(Outcome::Stale, "older than `max-age`");
    }
    if failure.newest.pending {
        return settled(Outcome::Pending, "GitHub's log holds no outcome yet");
    }
    let made = failure.made();
    let counts = counts(failure, evidence);
    if counts >= policy.max_redeliveries {
        let reason = format!(
            "failed {} while its receiver was up",
            counted(counts, "time")
        );
        return Some((Outcome::Exhausted, reason, None));
    }
    let due_at = due_at(
        failure,
        made,
        made.saturating_sub(counts),
        asked,
        evidence,
        policy.backoff,
    )?;
    (due_at > now).then(|| {
        let redelivered = counted(made, "redelivery");
        let unseen = asked.map_or("", |_| ", and one that is not seen yet");
        let reason = format!("due {} after {redelivered}{unseen}", rfc3339(due_at));
        (Outcome::Waiting, reason, Some(due_at))
    })
}

/// How many redeliveries failed while the receiver was up.
pub fn counts(failure: &FailedDelivery, evidence: &Evidence) -> usize {
    counts_before(failure, evidence, DateTime::<Utc>::MAX_UTC)
}

/// How many of those before this time did.
pub fn counts_before(
    failure: &FailedDelivery,
    evidence: &Evidence,
    before: DateTime<Utc>,
) -> usize {
    let counted = failure
        .redeliveries()
        .filter(|seen| seen.at < before && !seen.pending && evidence.was_up(seen.at));
    failure.counted_before + counted.count()
}

/// GitHub's log has whole seconds, so an attempt may look older than the request that caused it.
fn whole_second(time: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp(time.timestamp(), 0).unwrap_or(time)
}

/// When a delivery is due, unless it is always, that was redelivered `made` times, `uncounted` of them while its receiver
/// was down.
fn due_at(
    failure: &FailedDelivery,
    made: usize,
    uncounted: usize,
    asked: Option<UnconfirmedRedelivery>,
    evidence: &Evidence,
    backoff: TimeDelta,
) -> Option<DateTime<Utc>> {
    // One that was asked for and not seen counts as made, at the time it was asked for; and its row may
    // still come. One that GitHub gave no clear answer to was hardly made, once that has not come.
    let accepted = asked.filter(|asked| !asked.unclear);
    let newest = accepted.map_or(failure.newest.at, |asked| asked.at);
    let made = made + usize::from(accepted.is_some());
    let may_come = asked.map_or(newest, |asked| {
        asked.at + if asked.unclear { UNCLEAR } else { LAG }
    });
    if made == 0 || backoff.is_zero() {
        return asked.map(|_| may_come);
    }
    let doublings = u32::try_from(made - 1).unwrap_or(u32::MAX).min(30);
    let wait = backoff
        .checked_mul(1 << doublings)
        .map_or(LONGEST_BACKOFF, |wait| wait.min(LONGEST_BACKOFF));
    let wait = if uncounted >= PATIENCE && !evidence.success_since(newest) {
        WITHOUT_SIGN
    } else {
        wait
    };
    // A row may bear any time, and the end of all time is no reason to panic.
    let due_at = newest.checked_add_signed(wait);
    Some(may_come.max(due_at.unwrap_or(DateTime::<Utc>::MAX_UTC)))
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
