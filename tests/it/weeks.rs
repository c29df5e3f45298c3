//! Whole weeks in virtual time: a seed makes one history, the real pass runs in it, and an oracle judges it by the
//! events that really happened.
//!
//! `WEEK_SEED=123 cargo test --test it weeks -- --nocapture` plays one week, and prints the
//! smallest part of it that still fails. `WEEKS=20000` plays that many, and `WEEKS_FROM=300` starts at that seed.

mod kept;
mod network;
mod oracle;
mod output;
mod random;
mod record;
mod script;
mod shrink;
mod world;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use oracle::{Verdict, judge};
use record::{PassRecord, WeekRecord};
use script::Script;
use world::play;

/// The number of weeks that are played unless `WEEKS` says otherwise. CI plays 300, in release mode.
const WEEKS: u64 = 60;

/// Failing weeks that are shown.
const SHOWN: usize = 5;

/// Plays a week and judges it.
fn week(script: &Script) -> (WeekRecord, Verdict) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    let record = runtime.block_on(play(script));
    let verdict = judge(script, &record);
    (record, verdict)
}

/// Everything that is wrong with a week. A panic is, too.
fn wrong_with(script: &Script) -> Vec<String> {
    match catch_unwind(AssertUnwindSafe(|| week(script))) {
        Ok((_, verdict)) => verdict.wrong,
        Err(_) => vec!["a panic".into()],
    }
}

/// The totals of many weeks.
#[derive(Default)]
struct Totals {
    numbers: BTreeMap<String, usize>,
    wrong: Vec<(u64, String)>,
}

impl Totals {
    fn add(&mut self, seed: u64, record: &WeekRecord, verdict: Verdict) {
        let run =
            |which: fn(&PassRecord) -> bool| record.passes.iter().filter(|run| which(run)).count();
        let sum = |what: fn(&PassRecord) -> usize| record.passes.iter().map(what).sum();
        let by_passes = record
            .redeliveries
            .iter()
            .filter(|sent| sent.by.is_some())
            .count();
        for (name, number) in [
            ("weeks", 1),
            ("passes", record.passes.len()),
            ("passes killed", run(|run| run.killed)),
            ("passes overlapped", run(|run| run.overlapped)),
            ("requests", sum(|run| run.requests)),
            ("requests that went wrong", sum(|run| run.faults)),
            ("redeliveries", by_passes),
            ("redeliveries refused", record.refused.len()),
            (
                "redeliveries by hand",
                record.redeliveries.len() - by_passes,
            ),
            ("state tampered with", record.tampered.len()),
            ("requests of undisturbed passes", verdict.undisturbed),
            ("requests that would have done for these", verdict.ideal),
        ] {
            *self.numbers.entry(name.into()).or_default() += number;
        }
        for (kind, numbers) in [("double", verdict.doubles), ("repeat", verdict.repeats)] {
            for (why, number) in numbers {
                *self.numbers.entry(format!("{kind}: {why}")).or_default() += number;
            }
        }
        if let Some(first) = verdict.wrong.into_iter().next() {
            self.wrong.push((seed, first));
        }
    }
}

/// Weeks that failed until the defect they found was fixed, in the product or in the oracle.
#[test]
fn weeks_that_failed_once_pass() {
    let kept = kept::all();
    assert!(kept.len() >= 16);
    for week in kept {
        let undecided = week.undecided.as_deref();
        let mut wrong = wrong_with(&week.script);
        wrong.retain(|wrong| undecided.is_none_or(|part| !wrong.contains(part)));
        let (seed, found) = (week.script.seed, week.found);
        assert_eq!(wrong, Vec::<String>::new(), "seed {seed}: {found}");
    }
}

#[test]
fn weeks_lose_nothing_and_send_nothing_twice_without_need() {
    let number = |name| {
        std::env::var(name)
            .ok()
            .and_then(|text: String| text.parse::<u64>().ok())
    };
    if let Some(seed) = number("WEEK_SEED") {
        let script = Script::of(seed, &Default::default());
        if let Ok(found) = std::env::var("WEEK_KEEP") {
            return kept::keep(&script, &found);
        }
        let wrong = wrong_with(&script);
        println!("seed {seed}: {wrong:#?}");
        assert!(wrong.is_empty(), "{}", shrink::smallest_failure(&script));
        return;
    }
    let (first, weeks) = (
        number("WEEKS_FROM").unwrap_or(0),
        number("WEEKS").unwrap_or(WEEKS),
    );
    let (next, totals) = (AtomicU64::new(first), Mutex::new(Totals::default()));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + weeks {
                        break;
                    }
                    let script = Script::of(seed, &Default::default());
                    let played = catch_unwind(AssertUnwindSafe(|| week(&script)));
                    let mut totals = totals.lock().unwrap();
                    match played {
                        Ok((record, verdict)) => totals.add(seed, &record, verdict),
                        Err(_) => totals.wrong.push((seed, "a panic".into())),
                    }
                }
            });
        }
    });
    let totals = totals.into_inner().unwrap();
    println!("{:#?}", totals.numbers);
    let mut failures = String::new();
    for (seed, wrong) in totals.wrong.iter().take(SHOWN) {
        writeln!(failures, "WEEK_SEED={seed}: {wrong}").unwrap();
    }
    if let Some((seed, _)) = totals.wrong.first() {
        failures += &shrink::smallest_failure(&Script::of(*seed, &Default::default()));
    }
    assert!(
        totals.wrong.is_empty(),
        "{} of {weeks} weeks fail\n{failures}",
        totals.wrong.len()
    );
}

#[test]
fn a_seed_plays_the_same_week_each_time() {
    // A few weeks. One has three webhooks of one receiver.
    for seed in [0, 1, 2, 2097] {
        let mut script = Script::of(seed, &Default::default());
        script.tells_requests = true;
        let (once, again) = (week(&script).0, week(&script).0);
        let mut both = once.story.iter().zip(&again.story);
        let differ = both.find(|(once, again)| once != again);
        assert_eq!(differ, None, "seed {seed}");
        assert_eq!(once.story.len(), again.story.len(), "seed {seed}");
    }
}
