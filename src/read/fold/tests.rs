mod remembered;

use super::*;
use crate::model::AttemptId;

/// The time `minutes` before the end of these logs.
fn ago(minutes: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000 - minutes * 60, 0).unwrap()
}

const HOUR: i64 = 60;
const DAY: i64 = 24 * HOUR;

fn window() -> Window {
    Window {
        start: ago(DAY),
        end: None,
        retention_start: ago(3 * DAY),
    }
}

fn row(id: u64, guid: &str, minutes: i64, redelivery: bool, code: i64) -> Row<'static> {
    let row = match code {
        200 => Row::succeeded(id, guid, ago(minutes)),
        _ => Row::failed(id, guid, ago(minutes)),
    };
    Row {
        redelivery: Some(redelivery),
        code: Some(code),
        ..row
    }
}

fn original(id: u64, guid: &str, minutes: i64, code: i64) -> Row<'static> {
    row(id, guid, minutes, false, code)
}

fn redelivery(id: u64, guid: &str, minutes: i64, code: i64) -> Row<'static> {
    row(id, guid, minutes, true, code)
}

fn fold(pages: Vec<Vec<Row<'static>>>) -> Fold {
    let mut history = Fold::new(window(), Remembered::default());
    for page in pages {
        assert_eq!(history.end(), None, "a page was read that was not needed");
        history.fold(page);
    }
    history
}

fn failures(pages: Vec<Vec<Row<'static>>>) -> Vec<FailedDelivery> {
    let history = fold(pages);
    let end = history.end().unwrap_or(ScanEnd::Log);
    let mut failures = history.into_failures(end).0;
    failures.sort_by(|a, b| a.guid.cmp(&b.guid));
    failures
}

#[test]
fn a_delivery_with_any_successful_attempt_is_delivered() {
    let found = failures(vec![vec![
        redelivery(3, "recovered", 1, 200),
        original(2, "recovered", 9, 503),
        redelivery(6, "failed-after", 2, 503),
        original(5, "failed-after", 9, 200),
        original(4, "failed", 9, 503),
    ]]);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].guid, Guid::new("failed"));
}

#[test]
fn the_newest_attempt_is_kept_and_redeliveries_are_counted() {
    let found = failures(vec![vec![
        redelivery(9, "a", 1, 504),
        redelivery(8, "a", 2, 503),
        original(7, "a", 3, 500),
    ]]);
    assert_eq!(found[0].newest.id, AttemptId(9));
    assert_eq!(found[0].newest.code, Some(504));
    assert_eq!(found[0].redeliveries().count(), 2);
    assert_eq!(found[0].first, FirstAttempt::At(ago(3)));
}

#[test]
fn of_two_attempts_in_the_same_second_the_redelivery_is_the_newest() {
    let found = failures(vec![vec![
        original(7, "a", 3, 500),
        redelivery(9, "a", 3, 503),
    ]]);
    assert_eq!(found[0].newest.id, AttemptId(9));
}

#[test]
fn the_order_within_a_page_does_not_matter() {
    let page = vec![
        redelivery(9, "a", 1, 503),
        redelivery(8, "b", 2, 200),
        original(7, "a", 3, 503),
        original(6, "b", 3, 503),
        redelivery(5, "c", 4, 503),
        original(4, "c", 4, 503),
    ];
    let expected = failures(vec![page.clone()]);
    let mut turned = page;
    for _ in 0..turned.len() {
        turned.rotate_left(1);
        assert_eq!(failures(vec![turned.clone()]), expected);
        let mut mirrored = turned.clone();
        mirrored.reverse();
        assert_eq!(failures(vec![mirrored]), expected);
    }
}

#[test]
fn a_row_that_appears_twice_counts_once() {
    let found = failures(vec![
        vec![redelivery(9, "a", 1, 503), original(7, "a", 3, 503)],
        vec![redelivery(9, "a", 1, 503), original(7, "a", 3, 503)],
    ]);
    assert_eq!(found[0].redeliveries().count(), 1);
    let ids: Vec<u64> = found[0]
        .attempts
        .iter()
        .map(|attempt| attempt.id.0)
        .collect();
    assert_eq!(ids, [9, 7]);
}

#[test]
fn reading_stops_after_a_page_that_is_wholly_before_the_window() {
    let mut history = Fold::new(window(), Remembered::default());
    history.fold(vec![
        original(9, "a", 1, 503),
        original(8, "b", DAY + 1, 200),
    ]);
    assert_eq!(history.end(), None, "a page that reaches into the window");
    history.fold(vec![]);
    assert_eq!(history.end(), None, "an empty page says nothing");
    history.fold(vec![original(7, "c", DAY + 2, 200)]);
    assert_eq!(history.end(), Some(ScanEnd::Window));
}

#[test]
fn an_attempt_exactly_at_the_start_is_inside() {
    let mut history = Fold::new(window(), Remembered::default());
    history.fold(vec![original(9, "a", DAY, 200)]);
    assert_eq!(history.end(), None, "of the window");
    history.fold(vec![redelivery(8, "b", DAY, 503)]);
    history.fold(vec![original(7, "c", 3 * DAY, 200)]);
    assert_eq!(history.end(), None, "of retention");
    history.fold(vec![original(6, "b", 3 * DAY, 503)]);
    assert_eq!(history.end(), Some(ScanEnd::Window));
}

#[test]
fn reading_continues_past_the_window_for_an_original() {
    let mut history = Fold::new(window(), Remembered::default());
    history.fold(vec![redelivery(9, "a", 1, 503)]);
    history.fold(vec![original(8, "b", DAY + HOUR, 200)]);
    assert_eq!(history.end(), None);
    history.fold(vec![original(7, "a", 2 * DAY, 503)]);
    assert_eq!(history.end(), Some(ScanEnd::Window));
    let found = history.into_failures(ScanEnd::Window).0;
    assert_eq!(found[0].first, FirstAttempt::At(ago(2 * DAY)));
}

#[test]
fn an_original_that_succeeded_before_the_window_is_found() {
    let found = failures(vec![
        vec![redelivery(9, "a", 1, 503)],
        vec![original(8, "b", DAY + HOUR, 200)],
        vec![original(7, "a", 2 * DAY, 200)],
    ]);
    assert_eq!(found, []);
}

#[test]
fn the_original_of_a_delivered_one_need_not_be_found() {
    let history = fold(vec![
        vec![redelivery(9, "a", 1, 503), redelivery(8, "a", 2, 200)],
        vec![original(7, "b", DAY + 1, 200)],
    ]);
    assert_eq!(history.end(), Some(ScanEnd::Window));
}

#[test]
fn reading_stops_at_retention_even_if_an_original_is_missing() {
    let found = failures(vec![
        vec![redelivery(9, "a", 1, 503)],
        vec![original(8, "b", 3 * DAY + 1, 200)],
    ]);
    assert_eq!(found[0].first, FirstAttempt::BeyondRetention);
}

#[test]
fn at_the_end_of_the_log_the_oldest_attempt_counts_as_the_original() {
    let found = failures(vec![vec![
        redelivery(9, "a", 1, 503),
        redelivery(8, "a", 5, 503),
    ]]);
    assert_eq!(found[0].first, FirstAttempt::At(ago(5)));
}

#[test]
fn an_original_that_was_not_read_is_unknown_if_reading_stopped_early() {
    let history = fold(vec![vec![
        redelivery(9, "a", 1, 503),
        original(8, "b", 2, 503),
    ]]);
    let mut found = history.into_failures(ScanEnd::Broken).0;
    found.sort_by(|a, b| a.guid.cmp(&b.guid));
    assert_eq!(found[0].first, FirstAttempt::Unknown);
    assert_eq!(found[1].first, FirstAttempt::At(ago(2)));
}

#[test]
fn a_delivery_that_failed_only_before_the_window_is_not_in_the_pass() {
    let found = failures(vec![vec![
        original(9, "in", DAY, 503),
        original(8, "before", DAY + 1, 503),
        redelivery(7, "before-too", DAY + 2, 503),
    ]]);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].guid, Guid::new("in"));
}

#[test]
fn a_row_in_the_window_that_comes_a_page_late_is_joined_to_its_original() {
    let found = failures(vec![
        vec![original(7, "a", DAY + 1, 503), original(6, "b", 1, 200)],
        vec![redelivery(9, "a", DAY - 1, 503)],
    ]);
    assert_eq!(found[0].first, FirstAttempt::At(ago(DAY + 1)));
}

#[test]
fn a_pending_redelivery_is_the_newest_attempt() {
    let mut waiting = redelivery(9, "a", 1, 0);
    (waiting.code, waiting.status) = (None, "".into());
    let found = failures(vec![vec![waiting, original(7, "a", 3, 503)]]);
    assert!(found[0].newest.pending);
}

#[test]
fn memory_holds_failed_deliveries_and_two_pages_of_others() {
    let mut history = Fold::new(window(), Remembered::default());
    for page in 0..200 {
        let id = |row: u64| 1_000_000 - 1_000 * page - row;
        let minutes = page as i64;
        let rows = (0..100)
            .map(|row| original(id(row), &format!("healthy {}", id(row)), minutes, 200))
            .chain([
                original(id(200), &format!("failed {page}"), minutes, 503),
                redelivery(id(300), &format!("recovered {page}"), minutes, 200),
                original(id(400), &format!("recovered {}", page / 2), minutes, 503),
            ])
            .collect();
        history.fold(rows);
    }
    // 200 failed, the recovered ones whose original is still to come, and two pages of finished ones.
    let kept = history.kept();
    assert!(kept < 200 + 100 + 2 * 102, "{kept}");
    assert_eq!(history.into_failures(ScanEnd::Log).0.len(), 200);
}

#[test]
fn rows_without_the_redelivery_field_never_reopen_a_delivered_one() {
    let without_field = |mut attempt: Row<'static>| {
        attempt.redelivery = None;
        attempt
    };
    let found = failures(vec![
        vec![without_field(redelivery(9, "a", 1, 200))],
        vec![original(8, "b", 2, 200)],
        vec![original(7, "c", 3, 200)],
        vec![without_field(original(6, "a", 4, 503))],
    ]);
    assert_eq!(found, []);
}

#[test]
fn deliveries_after_the_end_of_the_window_are_left_out() {
    let cut = Window {
        end: Some(ago(HOUR)),
        ..window()
    };
    let mut history = Fold::new(cut, Remembered::default());
    history.fold(vec![
        original(9, "after", HOUR, 503),
        redelivery(8, "delivered-after", 1, 200),
        original(7, "delivered-after", 2 * HOUR, 503),
        original(6, "before", HOUR + 1, 503),
    ]);
    let (found, _) = history.into_failures(ScanEnd::Log);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].guid, Guid::new("before"));
}

#[test]
fn a_delivered_one_is_forgotten_two_pages_after_its_original() {
    for (before, after) in [
        (redelivery(9, "a", 1, 503), original(8, "a", 2, 200)),
        (original(8, "a", 2, 503), redelivery(9, "a", 1, 200)),
    ] {
        let mut history = fold(vec![vec![before], vec![after]]);
        let guid = Guid::new("a");
        assert!(history.is_delivered(&guid));
        history.fold(vec![original(7, "b", 3, 200)]);
        assert!(!history.known.contains_key(&guid));
    }
}

#[test]
fn a_delivery_whose_original_succeeded_stays_delivered() {
    let (delivered, more) = (original(8, "a", 2, 200), redelivery(9, "a", 3, 503));
    assert!(fold(vec![vec![delivered.clone()]]).is_delivered(&delivered.guid));
    assert_eq!(failures(vec![vec![delivered.clone(), more.clone()]]), []);
    assert_eq!(failures(vec![vec![delivered], vec![more]]), []);
}

#[test]
fn the_state_of_the_fold_is_available_between_pages() {
    let history = fold(vec![
        vec![redelivery(9, "a", 1, 200), original(8, "b", 2, 503)],
        vec![original(7, "c", 3, 503)],
    ]);
    assert_eq!(history.scanned(), 3);
    assert!(history.evidence().was_up(ago(1)));
    let delivered = |guid| history.is_delivered(&Guid::new(guid));
    assert!(delivered("a") && !delivered("b") && !delivered("unknown"));
}
