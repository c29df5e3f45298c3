use super::*;

#[test]
fn new_failures_come_first_and_then_those_redelivered_longest_ago() {
    let plan = planned(vec![
        failure(1, 0, &[100, 200]),
        failure(2, 540, &[]),
        failure(3, 300, &[]),
        failure(4, 60, &[90]),
        failure(5, 70, &[80, 85]),
    ]);
    assert_eq!(ids(&plan), [3, 2, 5, 4, 1]);
    assert!(plan.rest.is_empty());
}

#[test]
fn new_and_retried_failures_take_turns_at_coming_first() {
    let failures = |first: &[i64]| {
        vec![
            failure(1, 0, &[300, 400]),
            failure(2, 540, &[]),
            failure(3, 60, first),
        ]
    };
    // The last redelivery was the first of its delivery, or it was not.
    assert_eq!(ids(&planned(failures(&[500]))), [1, 2, 3]);
    assert_eq!(ids(&planned(failures(&[450, 500]))), [2, 1, 3]);
    // A new failure as old as the last redelivery of the others has waited as long.
    let mut with_an_old_one = failures(&[500]);
    with_an_old_one.push(failure(5, 400, &[]));
    assert_eq!(ids(&planned(with_an_old_one)), [5, 2, 1, 3]);
    // The delivery that was redelivered last need not be due, or confirmed.
    let waiting = failure(4, 70, &[48 * 60 - 1]);
    let with = |failure| {
        let mut failures = failures(&[450, 500]);
        failures.push(failure);
        failures
    };
    let plan_waiting = planned(with(waiting));
    assert_eq!(ids(&plan_waiting), [1, 2, 3]);
    let unconfirmed = |failure: &FailedDelivery| {
        (failure.newest.id == AttemptId(4)).then(|| UnconfirmedRedelivery {
            at: at(48 * 60 - 1),
            unclear: false,
        })
    };
    let up = Evidence::default();
    let failures = with(failure(4, 70, &[]));
    let plan = plan(
        failures,
        unconfirmed,
        |_| None,
        &up,
        &policy(),
        now(),
        at(0),
    );
    assert_eq!(ids(&plan), [1, 2, 3]);
}

#[test]
fn if_only_one_kind_is_due_its_order_is_kept() {
    let fresh = planned(vec![
        failure(1, 0, &[]),
        failure(2, 5, &[]),
        failure(3, 6, &[48 * 60 - 1]),
    ]);
    assert_eq!(ids(&fresh), [1, 2]);
    let retried = planned(vec![failure(1, 0, &[10]), failure(2, 5, &[20])]);
    assert_eq!(ids(&retried), [1, 2]);
}
