//! The same decisions as the script in GitHub's documentation, wherever that script is right, and a
//! test by name for each thing that it gets wrong.
//!
//! The script itself is GitHub's; this file only describes the rule that it follows
//! (<https://docs.github.com/en/webhooks/using-webhooks/automatically-redelivering-failed-deliveries-for-an-organization-webhook>).

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use chrono::{DateTime, TimeDelta, Utc};
use simulated_github::{Attempt, guid};

use crate::world::{DAY, HOUR, TOKEN, VARIABLE, World, ago};

/// The attempts that the docs script would redeliver of these pages, given the time that it stored
/// the last time; `None` if it crashes.
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

/// The decisions of the script and of the product on the log that `write` writes, if the last pass
/// began at `last`.
fn decisions(
    write: impl Fn(&World),
    last: DateTime<Utc>,
) -> (Option<BTreeSet<u64>>, BTreeSet<u64>) {
    let world = World::new();
    write(&world);
    world.set_variable(&last.timestamp_millis().to_string());
    let script = docs_script(&world.served(), last);
    world.pass().input("fail-on", "error").run().success();
    if let Ok(real) = std::env::var("DOCS_SCRIPT") {
        let world = World::new();
        write(&world);
        world.set_variable(&last.timestamp_millis().to_string());
        assert_eq!(
            run_docs_script(&real, &world),
            script,
            "the rule is not the script's"
        );
    }
    (script, world.redelivered().into_iter().collect())
}

/// The script itself, with Node: `DOCS_SCRIPT` is its path, its `baseUrl` set to
/// `process.env.GITHUB_API_URL`, with the package `octokit` where Node finds it. It is not ours to
/// keep here, so this is for people who have copied it from GitHub's page.
fn run_docs_script(path: &str, world: &World) -> Option<BTreeSet<u64>> {
    let ended = Command::new("node")
        .arg(path)
        .env("GITHUB_API_URL", world.simulator.url())
        .env("TOKEN", TOKEN)
        .env("ORGANIZATION_NAME", "acme")
        .env("HOOK_ID", world.hook.to_string())
        .env("LAST_REDELIVERY_VARIABLE_NAME", VARIABLE)
        .env("WORKFLOW_REPO_OWNER", "acme")
        .env("WORKFLOW_REPO_NAME", "ops")
        .output()
        .unwrap();
    let redelivered = world.redelivered().into_iter().collect();
    ended.status.success().then_some(redelivered)
}

/// A small generator of numbers below `below`: the same ones for the same seed.
fn random(seed: &mut u64, below: u64) -> u64 {
    *seed = seed
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407);
    (*seed >> 33) % below
}

#[test]
fn decisions_are_the_scripts_where_the_script_is_right() {
    for seed in 1..=20 {
        // Every delivery began within the window, and the log is in order and complete.
        let last = ago(12 * HOUR);
        let write = |world: &World| {
            let mut seed = seed;
            for n in 0..20 + random(&mut seed, 200) {
                let mut at = last + TimeDelta::seconds(60 + random(&mut seed, 40_000) as i64);
                let healthy = random(&mut seed, 10) < 8;
                world.log(attempt(guid(n), at, healthy));
                for _ in 0..random(&mut seed, 3) {
                    at += TimeDelta::seconds(1 + random(&mut seed, 600) as i64);
                    let healthy = random(&mut seed, 2) == 0;
                    world.log(attempt(guid(n), at, healthy).redelivery());
                }
            }
        };
        let (script, ours) = decisions(write, last);
        assert_eq!(script, Some(ours), "seed {seed}");
    }
}

fn attempt(guid: String, at: DateTime<Utc>, succeeded: bool) -> Attempt {
    if succeeded {
        Attempt::ok(guid, at)
    } else {
        Attempt::failed(guid, at)
    }
}

#[test]
fn an_empty_log_crashes_the_script() {
    assert_eq!(decisions(|_| {}, ago(HOUR)), (None, BTreeSet::new()));
}

#[test]
fn the_script_repeats_endlessly_what_always_fails() {
    // Past retention GitHub redelivers nothing; the script goes by the newest attempt and repeats its requests.
    let write = |world: &World| {
        world.log(Attempt::failed(guid(1), ago(8 * DAY)));
        world.log(Attempt::failed(guid(1), ago(20)).redelivery());
    };
    let (script, ours) = decisions(write, ago(HOUR));
    assert_eq!((script.map(|ids| ids.len()), ours.len()), (Some(1), 0));
}

#[test]
fn the_script_loses_rows_that_appear_late() {
    // The log lags: the row was not there yet when the last pass read it.
    let write = |world: &World| {
        world.log(Attempt::failed(guid(1), ago(HOUR + 2)));
    };
    let (script, ours) = decisions(write, ago(HOUR));
    assert_eq!((script.map(|ids| ids.len()), ours.len()), (Some(0), 1));
}

#[test]
fn the_script_loses_rows_after_one_out_of_order() {
    let write = |world: &World| {
        world.simulator.github().shuffled = true;
        for n in 0..30 {
            let at = ago(30) - TimeDelta::seconds(n as i64);
            world.log(Attempt::failed(guid(n), at));
        }
        for n in 0..70 {
            world.log(Attempt::ok(guid(1_000 + n), ago(2 * HOUR)));
        }
    };
    let (script, ours) = decisions(write, ago(HOUR));
    let script = script.unwrap();
    assert!(
        script.is_subset(&ours) && script.len() < 30,
        "{}",
        script.len()
    );
    assert_eq!(ours.len(), 30);
}

#[test]
fn the_script_sends_again_what_was_delivered_before_its_window() {
    let write = |world: &World| {
        world.log(Attempt::ok(guid(1), ago(2 * HOUR)));
        world.log(Attempt::failed(guid(1), ago(20)).redelivery());
    };
    let (script, ours) = decisions(write, ago(HOUR));
    assert_eq!((script.map(|ids| ids.len()), ours.len()), (Some(1), 0));
}

#[test]
fn the_script_stops_at_the_first_redelivery_that_is_refused() {
    let write = |world: &World| {
        for n in 0..3 {
            let id = world.log(Attempt::failed(guid(n), ago(20 - n as i64)));
            if n == 1 {
                world
                    .simulator
                    .github()
                    .refuse(id, 422, "Validation Failed");
            }
        }
    };
    // The refusal ends the script, so the rule by which it picks deliveries does not matter here.
    let world = World::new();
    write(&world);
    if let Ok(real) = std::env::var("DOCS_SCRIPT") {
        let world = World::new();
        write(&world);
        assert_eq!(run_docs_script(&real, &world), None);
        assert_eq!(world.redelivered().len(), 1);
    }
    world.pass().run().success();
    assert_eq!(world.redelivered().len(), 2);
}
