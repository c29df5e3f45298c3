//! Remembered deliveries of an earlier pass, open and lost.

use super::*;

/// Delivery `a`, first attempted this many minutes ago, as an earlier pass remembers it.
fn failed(minutes: i64) -> FailedDelivery {
    FailedDelivery {
        guid: Guid::new("a"),
        newest: LatestAttempt::from(&original(1, "a", minutes, 503)),
        first: FirstAttempt::At(ago(minutes)),
        attempts: Vec::new(),
        earlier_redeliveries: 0,
        earlier_failures_while_up: 0,
    }
}

fn remembered(failure: FailedDelivery) -> Remembered {
    Remembered {
        failures: vec![failure],
        counted_until: Some(window().start),
        ..Remembered::default()
    }
}

#[test]
fn a_remembered_delivery_is_known_from_the_start() {
    let earlier = || {
        let mut failures = failures(vec![vec![
            redelivery(8, "a", DAY + 10, 503),
            original(7, "a", 2 * DAY, 503),
        ]]);
        failures.pop()
    };
    assert_eq!(earlier(), None, "not in the window by itself");
    let mut open = FailedDelivery {
        newest: LatestAttempt::from(&redelivery(8, "a", DAY + 10, 503)),
        earlier_redeliveries: 4,
        earlier_failures_while_up: 2,
        ..failed(2 * DAY)
    };
    let fold = |failure: FailedDelivery, rows: Vec<Row<'static>>| {
        let mut history = Fold::new(window(), remembered(failure));
        history.fold(rows);
        history.fold(vec![original(1, "old", DAY + 20, 200)]);
        assert_eq!(
            history.end(),
            Some(ScanEnd::Window),
            "its original is known"
        );
        history.into_failures(ScanEnd::Window).0
    };
    let found = fold(
        open.clone(),
        vec![
            redelivery(9, "a", 5, 503),
            redelivery(8, "a", DAY + 10, 503),
        ],
    );
    assert_eq!(
        found[0].earlier_redeliveries, 4,
        "attempts older than the window are not counted again"
    );
    assert_eq!(found[0].redeliveries().count(), 1);
    assert_eq!(
        (found[0].newest.id, found[0].first),
        (AttemptId(9), FirstAttempt::At(ago(2 * DAY)))
    );

    open.earlier_redeliveries = 0;
    assert_eq!(fold(open, vec![redelivery(9, "a", 5, 200)]), []);
}

#[test]
fn a_remembered_delivery_that_was_delivered_since_is_not_reopened() {
    let mut history = Fold::new(window(), remembered(failed(10 * HOUR)));
    history.fold(vec![redelivery(9, "a", 5, 200)]);
    history.fold(vec![original(8, "b", 2 * HOUR, 200)]);
    history.fold(vec![original(7, "c", 3 * HOUR, 200)]);
    history.fold(vec![original(1, "a", 10 * HOUR, 503)]);
    assert_eq!(history.into_failures(ScanEnd::Log).0, []);
}

#[test]
fn the_original_of_a_lost_delivery_need_not_be_found() {
    for (lost, end) in [("a", Some(ScanEnd::Window)), ("b", None)] {
        let remembered = Remembered {
            lost: [Guid::new(lost).fingerprint()].into(),
            ..Remembered::default()
        };
        let mut history = Fold::new(window(), remembered);
        history.fold(vec![redelivery(9, "a", 5, 503)]);
        history.fold(vec![original(1, "old", DAY + 20, 200)]);
        assert_eq!(history.end(), end);
    }
}

#[test]
fn only_a_remembered_delivery_is_returned_with_its_new_attempts() {
    let mut history = Fold::new(window(), remembered(failed(10 * HOUR)));
    let a = Guid::new("a");
    history.fold(vec![redelivery(9, "a", 5, 504), original(8, "b", 6, 503)]);
    let failure = history.remembered(&a).unwrap();
    assert_eq!(failure.newest.id, AttemptId(9));
    assert_eq!(failure.first, FirstAttempt::At(ago(10 * HOUR)));
    assert_eq!(history.remembered(&Guid::new("b")), None);
    history.fold(vec![redelivery(7, "a", 7, 200)]);
    assert_eq!(history.remembered(&a), None);
}

#[test]
fn the_first_attempt_of_a_remembered_delivery_is_unknown_if_reading_stopped_early() {
    let mut history = Fold::new(window(), remembered(failed(10 * HOUR)));
    history.fold(vec![original(8, "b", 6, 503)]);
    let (mut found, _) = history.into_failures(ScanEnd::Broken);
    found.sort_by(|a, b| a.guid.cmp(&b.guid));
    assert_eq!(found[0].first, FirstAttempt::Unknown);
    assert_eq!(found[1].first, FirstAttempt::At(ago(6)));
}
