use super::*;
use crate::model::Filter;
use crate::model::{Attempt, LatestAttempt};
use crate::model::{AttemptId, Guid};
use crate::read::Row;

mod order;

fn at(minute: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_400 + minute * 60, 0).unwrap()
}

/// The time of most plans below.
fn now() -> DateTime<Utc> {
    at(48 * 60)
}

fn policy() -> Policy {
    Policy::default()
}

/// A delivery first attempted at minute `first`, and redelivered at the minutes `redelivered`.
fn failure(id: u64, first: i64, redelivered: &[i64]) -> FailedDelivery {
    let attempt = |minute: &i64, redelivery| Attempt {
        id: AttemptId(id),
        at: at(*minute),
        redelivery,
        pending: false,
    };
    let redeliveries = redelivered.iter().rev().map(|minute| attempt(minute, true));
    FailedDelivery {
        guid: Guid::new(&format!("guid {id}")),
        newest: LatestAttempt {
            id: AttemptId(id),
            at: at(*redelivered.last().unwrap_or(&first)),
            pending: false,
            status: "timed out".into(),
            code: Some(504),
            event: "push".into(),
            action: None,
        },
        first: FirstAttempt::At(at(first)),
        attempts: redeliveries.chain([attempt(&first, false)]).collect(),
        earlier_redeliveries: 0,
        earlier_failures_while_up: 0,
    }
}

/// A receiver that accepted something at these minutes.
fn up_at(minutes: &[i64]) -> Evidence {
    let mut evidence = Evidence::default();
    for minute in minutes {
        evidence.add(&Row::succeeded(0, "another", at(*minute)));
    }
    evidence
}

fn planned(failures: Vec<FailedDelivery>) -> Plan {
    plan(
        failures,
        |_| None,
        |_| None,
        &Evidence::default(),
        &policy(),
        now(),
        at(0),
    )
}

fn ids(plan: &Plan) -> Vec<u64> {
    plan.due.iter().map(|failure| failure.newest.id.0).collect()
}

fn outcome(failure: FailedDelivery, evidence: &Evidence, now: DateTime<Utc>) -> Option<Outcome> {
    let plan = plan(
        vec![failure],
        |_| None,
        |_| None,
        evidence,
        &policy(),
        now,
        at(0),
    );
    plan.rest.first().map(|delivery| delivery.outcome)
}

#[test]
fn a_delivery_that_github_no_longer_redelivers_has_expired() {
    let mut beyond = failure(2, 5, &[50]);
    beyond.first = FirstAttempt::BeyondRetention;
    let plan = planned(vec![failure(1, -1, &[]), beyond, failure(3, 0, &[])]);
    assert_eq!(ids(&plan), [3]);
    let expired = |delivery: &DeliveryReport| delivery.outcome == Outcome::Expired;
    assert!(plan.rest.len() == 2 && plan.rest.iter().all(expired));
}

#[test]
fn a_delivery_with_a_pending_attempt_is_pending() {
    let mut pending = failure(1, 2, &[3]);
    pending.newest.pending = true;
    assert_eq!(outcome(pending, &up_at(&[]), now()), Some(Outcome::Pending));
}

#[test]
fn a_delivery_whose_first_attempt_is_unknown_is_deferred() {
    let mut unknown = failure(1, 2, &[3]);
    unknown.first = FirstAttempt::Unknown;
    assert_eq!(
        outcome(unknown, &up_at(&[]), now()),
        Some(Outcome::Deferred)
    );
}

#[test]
fn filters_and_age_leave_deliveries_out() {
    let mut policy = policy();
    policy.filter.events.add("!push").unwrap();
    let filtered = plan(
        vec![failure(1, 2, &[])],
        |_| None,
        |_| None,
        &up_at(&[]),
        &policy,
        now(),
        at(0),
    );
    assert_eq!(filtered.rest[0].outcome, Outcome::Ignored);

    policy.filter = Filter::default();
    policy.max_age = Some(now() - at(100));
    let failures = vec![
        failure(1, 99, &[]),
        failure(2, 100, &[]),
        failure(3, -1, &[]),
    ];
    let aged = plan(
        failures,
        |_| None,
        |_| None,
        &up_at(&[]),
        &policy,
        now(),
        at(0),
    );
    assert_eq!(ids(&aged), [2]);
    let outcome = |id| {
        let rest = aged.rest.iter();
        rest.filter(|each| each.failure.newest.id == AttemptId(id))
            .map(|each| each.outcome)
            .next()
    };
    assert_eq!(outcome(1), Some(Outcome::Stale));
    assert_eq!(outcome(3), Some(Outcome::Expired), "which is worse");
}

#[test]
fn each_redelivery_doubles_the_wait_up_to_an_hour() {
    for made in 1..=8 {
        let wait = (5 << (made - 1)).min(LONGEST_BACKOFF.num_minutes());
        let redelivered: Vec<i64> = (1..=made).map(|n| n * 60).collect();
        let last = at(made * 60);
        // The receiver is up at the time of the plan but was not at any redelivery, so none counts.
        let evidence = up_at(&[made * 60 + 45]);
        let due = last + TimeDelta::minutes(wait);
        let second = TimeDelta::seconds(1);
        let at_due = |now| outcome(failure(1, 0, &redelivered), &evidence, now);
        assert_eq!(at_due(due - second), Some(Outcome::Waiting), "{made}");
        assert_eq!(at_due(due), None, "{made}");
    }
}

#[test]
fn a_waiting_delivery_has_the_time_when_it_is_due() {
    let plan = plan(
        vec![failure(1, 0, &[60])],
        |_| None,
        |_| None,
        &up_at(&[]),
        &policy(),
        at(61),
        at(0),
    );
    assert_eq!(plan.rest[0].due_at, Some(at(65)));
    let reason = plan.rest[0].reason.as_deref().unwrap();
    assert!(reason.ends_with("after 1 redelivery"), "{reason}");
}

#[test]
fn with_a_backoff_of_zero_a_delivery_is_always_due() {
    let mut policy = policy();
    policy.backoff = TimeDelta::zero();
    let redelivered = [1, 2, 3, 4, 5, 6, 7];
    let plan = plan(
        vec![failure(1, 0, &redelivered)],
        |_| None,
        |_| None,
        &up_at(&[]),
        &policy,
        at(7),
        at(0),
    );
    assert_eq!(ids(&plan), [1]);
}

#[test]
fn failures_count_only_while_the_receiver_is_up() {
    let redelivered: Vec<i64> = (1..=10).map(|n| n * 60).collect();
    let given_up = |up: &[i64]| outcome(failure(1, 0, &redelivered), &up_at(up), now());
    assert_eq!(given_up(&redelivered), Some(Outcome::Exhausted));
    assert_eq!(given_up(&redelivered[1..]), None, "nine counted");
    assert_eq!(given_up(&[]), None, "an outage exhausts nothing");
    let late: Vec<i64> = redelivered.iter().map(|minute| minute + 21).collect();
    assert_eq!(given_up(&late), None);
}

#[test]
fn a_pending_redelivery_does_not_count_yet() {
    let redelivered: Vec<i64> = (1..=10).map(|n| n * 60).collect();
    let mut failure = failure(1, 0, &redelivered);
    failure.attempts[3].pending = true;
    assert_eq!(outcome(failure, &up_at(&redelivered), now()), None);
}

#[test]
fn after_five_failures_while_down_a_delivery_waits_for_a_success_or_six_hours() {
    let redelivered = [10, 20, 30, 40, 50];
    let due =
        |up: &[i64], minute| outcome(failure(1, 0, &redelivered), &up_at(up), at(minute)).is_none();
    assert!(!due(&[], 50 + 60));
    assert!(!due(&[], 50 + 359));
    assert!(due(&[], 50 + 360));
    assert!(!due(&[70], 50 + 59), "the back-off is kept all the same");
    assert!(due(&[75], 50 + 60));
    let four = |minute| outcome(failure(1, 0, &redelivered[..4]), &up_at(&[]), at(minute));
    assert_eq!(four(40 + 40), None);
}

#[test]
fn an_unconfirmed_redelivery_is_not_requested_again_soon() {
    let due_after = |redelivered: &[i64], unclear, minute| {
        let unconfirmed = UnconfirmedRedelivery {
            at: at(100),
            unclear,
        };
        let failures = vec![failure(1, 0, redelivered)];
        let plan = plan(
            failures,
            |_| Some(unconfirmed),
            |_| None,
            &up_at(&[]),
            &policy(),
            at(minute),
            at(0),
        );
        plan.rest.is_empty()
    };
    for redelivered in [&[60][..], &[60, 80]] {
        let due = |unclear, minute| due_after(redelivered, unclear, minute);
        assert!(!due(false, 159) && due(false, 160), "an hour");
        assert!(!due(true, 109) && due(true, 110), "ten minutes");
    }
    // A newer attempt in the log confirms it.
    let unconfirmed = UnconfirmedRedelivery {
        at: at(100),
        unclear: false,
    };
    let planned_at = |newest, minute| {
        let failures = vec![failure(1, 0, &[60, newest])];
        let unconfirmed = |_: &FailedDelivery| Some(unconfirmed);
        plan(
            failures,
            unconfirmed,
            |_| None,
            &up_at(&[]),
            &policy(),
            at(minute),
            at(0),
        )
    };
    assert_eq!(ids(&planned_at(101, 111)), [1]);
    // GitHub's log has whole seconds: an attempt of the same second confirms it.
    assert_eq!(planned_at(100, 105).rest[0].unconfirmed, None);
    assert_eq!(planned_at(99, 105).rest[0].unconfirmed, Some(unconfirmed));
}

#[test]
fn an_unclear_request_does_not_restart_the_wait_for_a_success() {
    let failures = || vec![failure(1, 0, &[10, 20, 30, 40, 50])];
    let unconfirmed = |unclear| {
        let at = at(100);
        UnconfirmedRedelivery { at, unclear }
    };
    // The receiver accepted something after the last confirmed redelivery and before the unconfirmed one.
    let evidence = up_at(&[90]);
    let due = |unclear, minute| {
        let unconfirmed = |_: &FailedDelivery| Some(unconfirmed(unclear));
        plan(
            failures(),
            unconfirmed,
            |_| None,
            &evidence,
            &policy(),
            at(minute),
            at(0),
        )
        .rest
        .is_empty()
    };
    assert!(!due(true, 109) && due(true, 110));
    assert!(!due(false, 459) && due(false, 460));
}

#[test]
fn failures_counted_by_an_earlier_pass_count() {
    let mut nine = failure(1, 0, &[60]);
    (nine.earlier_redeliveries, nine.earlier_failures_while_up) = (9, 9);
    assert_eq!(
        outcome(nine.clone(), &up_at(&[60]), now()),
        Some(Outcome::Exhausted)
    );
    assert_eq!(outcome(nine, &up_at(&[]), now()), None);
}

#[test]
fn a_row_from_the_end_of_time_waits_and_does_not_panic() {
    let mut odd = failure(1, 0, &[60]);
    odd.newest.at = DateTime::<Utc>::MAX_UTC;
    assert_eq!(outcome(odd, &up_at(&[]), now()), Some(Outcome::Waiting));
}

#[test]
fn only_failures_before_the_given_time_count() {
    let (failure, evidence) = (failure(1, 0, &[60]), up_at(&[60]));
    let before = |minute| failures_while_up_before(&failure, &evidence, at(minute));
    assert_eq!(
        (
            before(60),
            before(61),
            failures_while_up(&failure, &evidence)
        ),
        (0, 1, 1)
    );
}

#[test]
fn a_delivery_that_is_given_up_has_the_reason() {
    let redelivered: Vec<_> = (1..=10).map(|n| n * 60).collect();
    let given_up = plan(
        vec![failure(1, 0, &redelivered)],
        |_| None,
        |_| None,
        &up_at(&redelivered),
        &policy(),
        now(),
        at(0),
    );
    let reason = given_up.rest[0].reason.as_deref();
    assert_eq!(reason, Some("failed 10 times while its receiver was up"));
}
