//! Properties that hold for every log.

use proptest::prelude::*;

use super::*;
use crate::model::AttemptId;

/// A delivery: the time of its first attempt, `true` if that succeeded, and the same for each later attempt.
type Story = (i64, bool, Vec<(i64, bool)>);

pub(crate) fn stories() -> impl Strategy<Value = Vec<Story>> {
    let redelivery = (1..3_000_i64, proptest::bool::weighted(0.3));
    let story = (
        0..250_000_i64,
        proptest::bool::weighted(0.6),
        proptest::collection::vec(redelivery, 0..5),
    );
    proptest::collection::vec(story, 0..60)
}

/// The time this many seconds after these logs begin.
pub(crate) fn at(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_400 + second, 0).unwrap()
}

/// The window: the log begins before it, and before retention.
pub(crate) fn window() -> Window {
    Window {
        start: at(100_000),
        end: None,
        retention_start: at(20_000),
    }
}

/// The rows of these stories in a log, newest first.
pub(crate) fn log(stories: &[Story]) -> Vec<Row<'static>> {
    let mut rows = Vec::new();
    for (n, (first, succeeded, later)) in stories.iter().enumerate() {
        let mut time = *first;
        let mut row = |time: i64, succeeded: bool, redelivery: bool| {
            let guid = format!("{n:08x}-0000-11f0-8abc-79b97f4a7c15");
            let row = match succeeded {
                true => Row::succeeded(0, &guid, at(time)),
                false => Row::failed(0, &guid, at(time)),
            };
            rows.push(Row {
                redelivery: Some(redelivery),
                ..row
            });
        };
        row(time, *succeeded, false);
        for (wait, succeeded) in later {
            time += wait;
            row(time, *succeeded, true);
        }
    }
    rows.sort_by_key(|row| row.delivered_at);
    for (id, row) in (1..).zip(&mut rows) {
        row.id = AttemptId(id);
    }
    rows.reverse();
    rows
}

pub(crate) fn fold(log: &[Row<'static>], page: usize) -> (Vec<FailedDelivery>, Evidence) {
    let mut history = Fold::new(window(), Remembered::default());
    for page in log.chunks(page) {
        history.fold(page.to_vec());
        if history.end().is_some() {
            break;
        }
    }
    let end = history.end().unwrap_or(ScanEnd::Log);
    let (mut failures, evidence) = history.into_failures(end);
    failures.sort_by(|a, b| a.guid.cmp(&b.guid));
    (failures, evidence)
}

/// The GUIDs of the deliveries in the window that failed, by the simplest definition.
pub(crate) fn failed(log: &[Row<'static>]) -> Vec<Guid> {
    let mut guids: Vec<Guid> = log
        .iter()
        .filter(|row| row.delivered_at >= window().start)
        .map(|row| row.guid.clone())
        .filter(|guid| {
            let mut rows = log.iter().filter(|row| row.guid == *guid);
            rows.all(|row| row.outcome() != AttemptOutcome::Succeeded)
        })
        .collect();
    guids.sort();
    guids.dedup();
    guids
}

impl Fold {
    /// Number of deliveries it keeps.
    pub(super) fn kept(&self) -> usize {
        self.known.len()
    }
}

proptest! {
    #[test]
    fn the_fold_returns_exactly_the_failed_deliveries_of_the_window(stories in stories(), page in 1..40_usize) {
        let log = log(&stories);
        let (failures, _) = fold(&log, page);
        let found: Vec<Guid> = failures.iter().map(|failure| failure.guid.clone()).collect();
        // If the success of a delivery is older than the rows that were read, the fold can't know of it. GitHub
        // would not redeliver that delivery anyway.
        let beyond = |guid: &Guid| {
            let failure = failures.iter().find(|failure| failure.guid == *guid);
            failure.is_some_and(|failure| failure.first == FirstAttempt::BeyondRetention)
        };
        let found: Vec<Guid> = found.into_iter().filter(|guid| !beyond(guid)).collect();
        let expected: Vec<Guid> = failed(&log).into_iter().filter(|guid| !beyond(guid)).collect();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn the_order_within_a_page_never_matters(
        stories in stories(),
        page in 1..40_usize,
        seed in any::<u64>(),
    ) {
        let log = log(&stories);
        let mut shuffled = log.clone();
        for page in shuffled.chunks_mut(page) {
            page.sort_by_key(|row| (row.id.0 ^ seed).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        }
        prop_assert_eq!(fold(&log, page).0, fold(&shuffled, page).0);
    }

    #[test]
    fn the_fold_keeps_open_deliveries_and_two_pages(stories in stories(), page in 1..40_usize) {
        let log = log(&stories);
        let mut history = Fold::new(window(), Remembered::default());
        for (read, rows) in log.chunks(page).enumerate() {
            history.fold(rows.to_vec());
            let seen = &log[..log.len().min((read + 1) * page)];
            // Open: no success so far. Waiting for its original: a redelivery succeeded.
            let mut open: Vec<&Guid> = seen.iter().map(|row| &row.guid).collect();
            open.sort();
            open.dedup();
            open.retain(|guid| {
                let rows = || seen.iter().filter(|row| row.guid == **guid);
                let original = rows().any(|row| !row.is_redelivery());
                let succeeded = rows().any(|row| row.outcome() == AttemptOutcome::Succeeded);
                let in_window = rows().any(|row| row.delivered_at >= window().start);
                in_window && (!succeeded || !original)
            });
            prop_assert!(history.kept() <= open.len() + 2 * page);
        }
    }
}
