//! The same decisions as the script in GitHub's documentation, wherever that script is right, and a
//! test by name for each thing that it gets wrong.
//!
//! The script itself is GitHub's; what stands here is a description of the rule it follows
//! (<https://docs.github.com/en/webhooks/using-webhooks/automatically-redelivering-failed-deliveries-for-an-organization-webhook>).

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use simulated_github::{Attempt, guid};

use crate::harness::{DAY, HOUR, World, ago};

/// The attempts that the docs script would redeliver of these pages, given the time that it stored
/// the last time; `None` where it crashes.
fn docs_script(pages: &[Vec<Attempt>], last: DateTime<Utc>) -> Option<BTreeSet<u64>> {
    let mut read = Vec::new();
    for page in pages {
        // It looks at the time of a page's last row, and an empty page has none.
        if page.last()?.delivered_at >= last {
            read.extend(page);
            continue;
        }
        read.extend(page.iter().take_while(|row| row.delivered_at > last));
        break;
    }
    let mut deliveries: BTreeMap<&str, Vec<&Attempt>> = BTreeMap::new();
    for attempt in read {
        deliveries.entry(&attempt.guid).or_default().push(attempt);
    }
    let ok = |attempt: &&Attempt| attempt.status.as_deref() == Some("OK");
    let failed = |attempts: &&Vec<&Attempt>| !attempts.iter().any(ok);
    Some(
        deliveries
            .values()
            .filter(failed)
            .map(|attempts| attempts[0].id)
            .collect(),
    )
}

/// What the script and the product decide on the same log, page for page as it was served.
fn decisions(world: &World, last: DateTime<Utc>) -> (Option<BTreeSet<u64>>, BTreeSet<u64>) {
    world.set_variable(&last.timestamp_millis().to_string());
    world.pass().run().success();
    let github = world.simulator.github();
    let log = github.attempts(world.hook);
    let page = |answer: &[u8]| -> Vec<Attempt> {
        let rows: Vec<serde_json::Value> = serde_json::from_slice(answer).unwrap();
        let row = |row: &serde_json::Value| log.iter().find(|each| row["id"] == each.id).unwrap();
        rows.iter().map(row).cloned().collect()
    };
    let served = github.requests().iter();
    let pages: Vec<Vec<Attempt>> = served
        .filter(|exchange| exchange.path_and_query.contains("/deliveries?"))
        .map(|exchange| page(&exchange.answer))
        .collect();
    let ours = github.requested(world.hook).into_iter().collect();
    (docs_script(&pages, last), ours)
}

/// A small generator of numbers below `below`: the same ones for the same seed.
fn random(seed: &mut u64, below: u64) -> u64 {
    *seed = seed
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407);
    (*seed >> 33) % below
}

#[test]
fn the_same_decisions_where_the_script_is_right() {
    for mut seed in 1..=20 {
        // Every delivery began within the window, and the log is in order and complete.
        let world = World::new();
        let last = ago(12 * HOUR);
        for n in 0..40 + random(&mut seed, 300) {
            let mut at = last + TimeDelta::seconds(60 + random(&mut seed, 40_000) as i64);
            let healthy = random(&mut seed, 10) < 7;
            let attempt = |guid: String, at, ok| {
                if ok {
                    Attempt::ok(guid, at)
                } else {
                    Attempt::failed(guid, at)
                }
            };
            world.log(attempt(guid(n), at, healthy));
            for _ in 0..random(&mut seed, 3) {
                at += TimeDelta::seconds(1 + random(&mut seed, 600) as i64);
                world.log(attempt(guid(n), at, random(&mut seed, 2) == 0).redelivery());
            }
        }
        let (script, ours) = decisions(&world, last);
        assert_eq!(script, Some(ours), "seed {seed}");
    }
}

#[test]
fn an_empty_log_crashes_the_script() {
    let world = World::new();
    assert_eq!(decisions(&world, ago(HOUR)), (None, BTreeSet::new()));
}

#[test]
fn the_script_repeats_endlessly_what_always_fails() {
    // Past retention GitHub redelivers nothing; the script goes by the newest attempt and asks on.
    let world = World::new();
    world.log(Attempt::failed(guid(1), ago(8 * DAY)));
    let newest = world.log(Attempt::failed(guid(1), ago(20)).redelivery());
    let (script, ours) = decisions(&world, ago(HOUR));
    assert_eq!(script, Some(BTreeSet::from([newest])));
    assert_eq!(ours, BTreeSet::new());
}

#[test]
fn the_script_loses_rows_that_appear_late() {
    // The log lags: the row was not there yet when the last pass read it.
    let world = World::new();
    let late = world.log(Attempt::failed(guid(1), ago(HOUR + 2)));
    let (script, ours) = decisions(&world, ago(HOUR));
    assert_eq!(script, Some(BTreeSet::new()));
    assert_eq!(ours, BTreeSet::from([late]));
}

#[test]
fn the_script_loses_rows_after_one_out_of_order() {
    let world = World::new();
    let last = ago(HOUR);
    world.simulator.github().shuffled = true;
    let failed: BTreeSet<u64> = (0..30)
        .map(|n| {
            world.log(Attempt::failed(
                guid(n),
                ago(30) - TimeDelta::seconds(n as i64),
            ))
        })
        .collect();
    for n in 0..70 {
        world.log(Attempt::ok(guid(1_000 + n), ago(2 * HOUR)));
    }
    let (script, ours) = decisions(&world, last);
    let script = script.unwrap();
    assert!(
        script.is_subset(&failed) && script.len() < failed.len(),
        "{}",
        script.len()
    );
    assert_eq!(ours, failed);
}

#[test]
fn the_script_sends_again_what_was_delivered_before_its_window() {
    let world = World::new();
    world.log(Attempt::ok(guid(1), ago(2 * HOUR)));
    let newest = world.log(Attempt::failed(guid(1), ago(20)).redelivery());
    let (script, ours) = decisions(&world, ago(HOUR));
    assert_eq!(script, Some(BTreeSet::from([newest])));
    assert_eq!(ours, BTreeSet::new());
}
