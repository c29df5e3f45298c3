//! Decides what to do with each failed delivery, with the reason.
//!
//! Pure: failed deliveries, the evidence about their receiver, the user's policy and the time come in, a
//! plan comes out.

use std::cmp::Reverse;

use chrono::{DateTime, TimeDelta, Utc};

use crate::model::{
    DeliveryReport, FailedDelivery, FirstAttempt, LONGEST_BACKOFF, Outcome, Policy,
    UnconfirmedRedelivery,
};
use crate::read::evidence::Evidence;
use crate::text::{counted, rfc3339};

/// After this many redeliveries while the receiver was down, a delivery waits until the receiver accepts something.
const TRIES_WHILE_DOWN: usize = 5;

/// The longest such wait. It is long because a receiver that responds too late may have done the work each time.
const WAIT_WITHOUT_SUCCESS: TimeDelta = TimeDelta::hours(6);

/// The row of a redelivery may take this long to appear before the pass requests the redelivery again.
const LONGEST_LAG: TimeDelta = TimeDelta::minutes(60);

/// The same if GitHub gave no clear answer, so that the redelivery may not exist.
const LONGEST_UNCLEAR_LAG: TimeDelta = TimeDelta::minutes(10);

/// A plan for the failed deliveries of one webhook.
#[derive(Debug, Default)]
pub struct Plan {
    /// Deliveries to redeliver, in this order.
    pub due: Vec<FailedDelivery>,
    /// Deliveries not to redeliver, with the reason.
    pub rest: Vec<DeliveryReport>,
}

/// Plans the redeliveries: which failures are due, in which order.
///
/// Deliveries that were never redelivered come first, the oldest of them first. Then come the others, the one whose last
/// redelivery is oldest first. If the order were by age alone, deliveries that always fail would pile up at the head.
/// But a pass may try a receiver with the first delivery alone. If all new deliveries always fail, only another one can
/// show that the receiver is up. So after a delivery that was redelivered for the first time, one of the others comes
/// first, if it has waited longer than every new one.
///
/// Deliveries that GitHub refused last time come last of all, the one refused longest ago first: those that it always
/// refuses would keep the others waiting. `refused` returns the time of that refusal.
pub fn plan(
    failures: Vec<FailedDelivery>,
    unconfirmed: impl Fn(&FailedDelivery) -> Option<UnconfirmedRedelivery>,
    refused: impl Fn(&FailedDelivery) -> Option<DateTime<Utc>>,
    evidence: &Evidence,
    policy: &Policy,
    now: DateTime<Utc>,
    retention_start: DateTime<Utc>,
) -> Plan {
    let mut plan = Plan::default();
    // The time of the last redelivery, and which redelivery of its delivery that was.
    let mut last = None;
    for failure in failures {
        let unconfirmed = still_unconfirmed(&failure, unconfirmed(&failure));
        last = last.max(last_redelivery(&failure, unconfirmed));
        match outcome_unless_due(
            &failure,
            unconfirmed,
            evidence,
            policy,
            now,
            retention_start,
        ) {
            None => plan.due.push(failure),
            Some((outcome, reason, due_at)) => plan.rest.push(DeliveryReport {
                due_at,
                unconfirmed,
                ..DeliveryReport::new(failure, outcome).with_reason(reason)
            }),
        }
    }
    plan.due.sort_by_cached_key(|failure| {
        let newest = (failure.newest.at, failure.newest.id);
        (refused(failure), failure.redelivery_count() > 0, newest)
    });
    let refused = |failure: &FailedDelivery| refused(failure).is_some();
    let never_refused = plan.due.partition_point(|failure| !refused(failure));
    let due = &mut plan.due[..never_refused];
    if last.is_some_and(|(_, nth)| nth == 1) {
        let retried = due.partition_point(|failure| failure.redelivery_count() == 0);
        let waiting_since = |place: usize| due.get(place).map(|failure| failure.newest.at);
        if waiting_since(retried).is_some_and(|since| waiting_since(0) > Some(since)) {
            due[..=retried].rotate_right(1);
        }
    }
    plan.rest
        .sort_unstable_by_key(|each| Reverse((each.failure.newest.at, each.failure.newest.id)));
    plan
}

/// Returns the unconfirmed redelivery, unless the log shows a newer attempt, which confirms it.
pub fn still_unconfirmed(
    failure: &FailedDelivery,
    unconfirmed: Option<UnconfirmedRedelivery>,
) -> Option<UnconfirmedRedelivery> {
    unconfirmed.filter(|unconfirmed| failure.newest.at < whole_second(unconfirmed.at))
}

/// The time of a delivery's last redelivery, and the number of its redeliveries.
fn last_redelivery(
    failure: &FailedDelivery,
    unconfirmed: Option<UnconfirmedRedelivery>,
) -> Option<(DateTime<Utc>, usize)> {
    let made = failure.redelivery_count();
    match unconfirmed {
        Some(unconfirmed) => Some((unconfirmed.at, made + 1)),
        None => (made > 0).then_some((failure.newest.at, made)),
    }
}

/// The outcome of a delivery that is not due, with the reason and the time when it will be due. `None` if it is due.
fn outcome_unless_due(
    failure: &FailedDelivery,
    unconfirmed: Option<UnconfirmedRedelivery>,
    evidence: &Evidence,
    policy: &Policy,
    now: DateTime<Utc>,
    retention_start: DateTime<Utc>,
) -> Option<(Outcome, String, Option<DateTime<Utc>>)> {
    let outcome = |outcome, reason: &str| Some((outcome, reason.to_owned(), None));
    if !policy.filter.admits(&failure.newest) {
        return outcome(Outcome::Ignored, "left out by `events` or `statuses`");
    }
    let first = match failure.first {
        FirstAttempt::At(time) if time >= retention_start => time,
        FirstAttempt::At(_) | FirstAttempt::BeyondRetention => {
            return outcome(Outcome::Expired, "older than GitHub redelivers");
        }
        FirstAttempt::Unknown => {
            let reason = "the log could not be read back to its first attempt";
            return outcome(Outcome::Deferred, reason);
        }
    };
    if policy.max_age.is_some_and(|max_age| first < now - max_age) {
        return outcome(Outcome::Stale, "older than `max-age`");
    }
    if failure.newest.pending {
        return outcome(Outcome::Pending, "GitHub's log holds no outcome yet");
    }
    let made = failure.redelivery_count();
    let while_up = failures_while_up(failure, evidence);
    if while_up >= policy.max_redeliveries {
        let reason = format!(
            "failed {} while its receiver was up",
            counted(while_up, "time")
        );
        return Some((Outcome::Exhausted, reason, None));
    }
    let due_at = due_at(
        failure,
        made,
        made.saturating_sub(while_up),
        unconfirmed,
        evidence,
        policy.backoff,
    )?;
    (due_at > now).then(|| {
        let redelivered = counted(made, "redelivery");
        let one_more = unconfirmed.map_or("", |_| ", and one that is not seen yet");
        let reason = format!("due {} after {redelivered}{one_more}", rfc3339(due_at));
        (Outcome::Waiting, reason, Some(due_at))
    })
}

/// Number of redeliveries that failed while the receiver was up.
pub fn failures_while_up(failure: &FailedDelivery, evidence: &Evidence) -> usize {
    failures_while_up_before(failure, evidence, DateTime::<Utc>::MAX_UTC)
}

/// Number of redeliveries before this time that failed while the receiver was up.
pub fn failures_while_up_before(
    failure: &FailedDelivery,
    evidence: &Evidence,
    before: DateTime<Utc>,
) -> usize {
    let counted = failure
        .redeliveries()
        .filter(|attempt| attempt.at < before && !attempt.pending && evidence.was_up(attempt.at));
    failure.earlier_failures_while_up + counted.count()
}

/// GitHub's log has whole seconds, so an attempt may look older than the request that caused it.
fn whole_second(time: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp(time.timestamp(), 0).unwrap_or(time)
}

/// The time when a delivery is due, or `None` if it is always due. It was redelivered `made` times,
/// `failures_while_down` of them while its receiver was down.
fn due_at(
    failure: &FailedDelivery,
    made: usize,
    failures_while_down: usize,
    unconfirmed: Option<UnconfirmedRedelivery>,
    evidence: &Evidence,
    backoff: TimeDelta,
) -> Option<DateTime<Utc>> {
    // An unconfirmed redelivery counts as made at the time of its request, and its row may still appear. If
    // GitHub gave no clear answer and the row has not appeared in time, the redelivery was probably not made.
    let accepted = unconfirmed.filter(|unconfirmed| !unconfirmed.unclear);
    let newest = accepted.map_or(failure.newest.at, |unconfirmed| unconfirmed.at);
    let made = made + usize::from(accepted.is_some());
    let may_come = unconfirmed.map_or(newest, |unconfirmed| {
        unconfirmed.at
            + if unconfirmed.unclear {
                LONGEST_UNCLEAR_LAG
            } else {
                LONGEST_LAG
            }
    });
    if made == 0 || backoff.is_zero() {
        return unconfirmed.map(|_| may_come);
    }
    let doublings = u32::try_from(made - 1).unwrap_or(u32::MAX).min(30);
    let wait = backoff
        .checked_mul(1 << doublings)
        .map_or(LONGEST_BACKOFF, |wait| wait.min(LONGEST_BACKOFF));
    let wait = if failures_while_down >= TRIES_WHILE_DOWN && !evidence.success_since(newest) {
        WAIT_WITHOUT_SUCCESS
    } else {
        wait
    };
    // A row may have any time, even the last one that exists, and must not cause a panic.
    let due_at = newest.checked_add_signed(wait);
    Some(may_come.max(due_at.unwrap_or(DateTime::<Utc>::MAX_UTC)))
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
