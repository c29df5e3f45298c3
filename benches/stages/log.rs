//! Pages of a delivery log as GitHub writes them.

use chrono::{DateTime, TimeDelta, Utc};
use redeliver_webhooks::model::Window;
use simulated_github::{Attempt, guid};

/// Rows on a page.
const PAGE: u64 = 100;

/// Of so many deliveries one failed.
const FAILS: u64 = 100;

/// GitHub's ids are that long.
const FIRST_ID: u64 = 3_804_004_623_172_239_366;

/// When the newest attempt was made.
pub(crate) fn now() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_700)
}

/// A window that all of the log is in.
pub(crate) fn window() -> Window {
    Window {
        start: now() - TimeDelta::days(3),
        end: None,
        retention_start: now() - TimeDelta::days(3),
    }
}

/// The bodies of the pages of a log with so many attempts, made in two days.
pub(crate) fn pages(attempts: u64) -> Vec<String> {
    let apart = TimeDelta::milliseconds(
        (TimeDelta::days(2).num_milliseconds().unsigned_abs() / attempts).cast_signed(),
    );
    let row = |n: u64| {
        let at = now() - apart * i32::try_from(n).unwrap_or(i32::MAX);
        let attempt = match n % FAILS {
            0 => Attempt::failed,
            _ => Attempt::ok,
        };
        // As an event's GUID is: no two begin alike.
        let guid = guid(drawn(n));
        let (event, action) = EVENTS[usize::try_from(drawn(n) % 8).unwrap_or(0)];
        Attempt {
            id: FIRST_ID - n,
            duration: (drawn(n) >> 32 & 0xff) as f64 / 100.0,
            event: event.to_owned(),
            action: action.map(str::to_owned),
            repository_id: Some(1_296_269 + (drawn(n) >> 40) % 50),
            ..attempt(guid, at)
        }
    };
    let page = |first: u64| {
        let rows: Vec<Attempt> = (first..attempts.min(first + PAGE)).map(row).collect();
        serde_json::to_string(&rows).unwrap_or_default()
    };
    (0..attempts.div_ceil(PAGE))
        .map(|page_number| page(page_number * PAGE))
        .collect()
}

/// What organizations get most of.
const EVENTS: [(&str, Option<&str>); 8] = [
    ("push", None),
    ("check_run", Some("created")),
    ("check_run", Some("completed")),
    ("workflow_job", Some("queued")),
    ("workflow_job", Some("completed")),
    ("pull_request", Some("synchronize")),
    ("status", None),
    ("issue_comment", Some("created")),
];

/// A number that has nothing to do with its neighbours'.
fn drawn(n: u64) -> u64 {
    let mixed = (n + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed ^ mixed >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9)
}
