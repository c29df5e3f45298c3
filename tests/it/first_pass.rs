//! The window of a first pass: the time when it is fixed, the clock that fixes it, and the deliveries in it.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use chrono::{TimeDelta, Utc};
use http::Method;
use redeliver_webhooks::model::Outcome;
use redeliver_webhooks::report::Report;
use simulated_github::{Attempt, Fault, Receiver, guid};
use tokio::time::{Instant, advance};

use crate::run::in_a_container;
use crate::virtual_world::{ClientGets, Network, Transfer, VirtualWorld, start};
use crate::world::{DAY, HOUR, VARIABLE, World, ago};

const STATE: &str = "LAST_REDELIVERY_STATE";

#[test]
fn a_first_pass_that_is_killed_while_reading_has_fixed_its_window() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("checkpoint.json");
    for in_a_file in [false, true] {
        if in_a_file && in_a_container() {
            // A path of this machine can't be named there.
            continue;
        }
        let world = World::new();
        let pass = || match in_a_file {
            true => world
                .bare_pass()
                .input("checkpoint-file", file.to_str().unwrap()),
            false => world.pass(),
        };
        let inside = world.log(Attempt::failed(guid(1), ago(DAY - 5)));
        world.log(Attempt::failed(guid(2), ago(DAY + 5 * HOUR)));
        let hang = Fault::on("GET", "/deliveries").hang();
        world.simulator.github().add_fault(hang);
        let killed = pass().run_and_kill(|| world.requests("/deliveries") > 0);
        assert!(killed && world.redelivered().is_empty());
        world.simulator.github().clear_faults();

        // Two hours later the last 24 hours no longer hold the delivery.
        let later = || Utc::now() + TimeDelta::hours(2);
        world.simulator.github().set_clock(later);
        pass().run().success().outputs(&["failed=1", "recovered=1"]);
        assert_eq!(world.redelivered(), [inside]);
    }
}

#[test]
fn a_dry_run_and_a_one_off_create_no_checkpoint() {
    let world = World::new();
    world.log(Attempt::failed(guid(1), ago(5)));
    for (name, value) in [("dry-run", "true"), ("since", "3h")] {
        world.pass().input(name, value).run().success();
        assert_eq!(world.requests("POST /repos"), 0);
        assert_eq!(world.variable(), None, "{name}");
    }
}

#[test]
fn a_checkpoint_file_works_where_this_machines_clock_is_wrong() {
    // Minutes by which GitHub's clock is ahead of this machine's.
    for ahead in [-3 * DAY, -50, 50, 3 * DAY] {
        let world = World::new();
        let clock = move || Utc::now() + TimeDelta::minutes(ahead);
        world.simulator.github().set_clock(clock);
        let folder = tempfile::tempdir().unwrap();
        for n in 0..2 {
            world.log(Attempt::failed(guid(n), ago(10 - ahead)));
            let run = world.bare_pass().input("checkpoint-file", "x");
            let ended = run.run_in(folder.path()).success();
            ended.outputs(&["failed=1", "recovered=1"]);
        }
        assert_eq!(world.redelivered().len(), 2, "{ahead}");
    }
}

#[test]
fn a_checkpoint_in_the_future_is_judged_by_githubs_clock() {
    for (ahead, accepted) in [(0, false), (-50, false), (50, true)] {
        let world = World::new();
        let clock = move || Utc::now() + TimeDelta::minutes(ahead);
        world.simulator.github().set_clock(clock);
        world.log(Attempt::failed(guid(1), ago(10 - ahead)));
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("workspace")).unwrap();
        // Half an hour ahead of this machine.
        let value = ago(-30).timestamp_millis();
        let text = format!(r#"{{"version":1,"checkpoint":"{value}"}}"#);
        fs::write(folder.path().join("workspace/x"), text).unwrap();
        let run = world.bare_pass().input("checkpoint-file", "x");
        let ended = run.run_in(folder.path());
        match accepted {
            true => ended.success().outputs(&["recovered=1"]),
            false => ended.failure("which lies in the future"),
        };
        assert_eq!(world.redelivered().len(), usize::from(accepted), "{ahead}");
    }
}

/// Redeliveries of each delivery, by the number of its GUID.
fn redelivered(world: &VirtualWorld, numbers: [u64; 3]) -> [usize; 3] {
    let times = world.redelivered(world.hook);
    numbers.map(|n| times.get(&guid(n)).copied().unwrap_or_default())
}

fn numbers(report: &Report) -> usize {
    report.count(|_| true)
}

/// Three deliveries failed before the first pass looks, and a person redelivered the oldest.
fn one_by_hand(world: &VirtualWorld) {
    for (n, hours) in [(1, 40), (2, 50), (3, 60)] {
        let at = start() - TimeDelta::hours(hours);
        world.log(Attempt::failed(guid(n), at));
    }
    let at = start() - TimeDelta::hours(1);
    world.log(Attempt::failed(guid(3), at).redelivery());
}

#[tokio::test(start_paused = true)]
async fn one_redelivery_by_hand_does_not_bring_skipped_deliveries_into_a_pass() {
    for keeps_state in [true, false] {
        let world = VirtualWorld::new();
        world.set_receiver(Receiver::up().poisoned(guid(3)));
        one_by_hand(&world);
        for pass in 1..=4 {
            let report = world.pass(&[]).await;
            assert_eq!(report.errors, [""; 0]);
            assert_eq!(numbers(&report), 1, "pass {pass}");
            assert_eq!(redelivered(&world, [1, 2, 3]), [0, 0, 1 + pass]);
            if !keeps_state {
                world.github().set_variable("acme/ops", STATE, "lost");
            }
            advance(Duration::from_secs(3_600)).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_full_state_does_not_bring_skipped_deliveries_into_a_pass() {
    let world = VirtualWorld::new();
    let poisoned = |receiver: Receiver, n| receiver.poisoned(guid(n));
    world.set_receiver((10..1_010).fold(Receiver::up().poisoned(guid(3)), poisoned));
    one_by_hand(&world);
    for n in 10..1_010 {
        let at = start() - TimeDelta::minutes(30) + TimeDelta::seconds(n as i64);
        world.log(Attempt::failed(guid(n), at));
    }
    let began = Instant::now();
    for pass in 1..=3 {
        // Live traffic shows that the receiver is up.
        for n in 0..30 {
            let at = start() + TimeDelta::from_std(began.elapsed()).unwrap();
            world.log(Attempt::ok(guid(10_000 * pass + n), at));
        }
        let report = world.pass(&[]).await;
        assert_eq!(numbers(&report), 1_001, "pass {pass}");
        assert_eq!(redelivered(&world, [1, 2, 3])[..2], [0, 0]);
        advance(Duration::from_secs(3_600)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_damaged_entry_of_the_state_costs_no_other_webhook_a_reading() {
    for damage in [
        ("\"read\":", "\"read\":-"),
        ("\"made\":", "\"made\":\"x\",\"_\":"),
    ] {
        let world = VirtualWorld::new();
        let other = world.add_webhook("https://chat.example.com");
        world.set_receiver(Receiver::up().poisoned(guid(1)));
        let opened = start() - TimeDelta::hours(20);
        world.log(Attempt::failed(guid(1), opened));
        world
            .github()
            .webhook_mut(other)
            .log(Attempt::failed(guid(2), opened));
        world.github().webhook_mut(other).receiver = Receiver::up().poisoned(guid(2));
        for n in 0..300 {
            for hook in [world.hook, other] {
                let at = start() - TimeDelta::hours(1) - TimeDelta::seconds(n * 60);
                let row = Attempt::ok(guid(100 + n.unsigned_abs()), at);
                world.github().webhook_mut(hook).log(row);
            }
        }
        world.pass(&[]).await;
        let state = world.github().variable("acme/ops", STATE).unwrap();
        let key = format!("\"acme/{}\":", world.hook);
        let (before, entry) = state.split_once(&key).unwrap();
        let damaged = entry.replacen(damage.0, damage.1, 1);
        let damaged = format!("{before}{key}{damaged}");
        assert_ne!(damaged, state);
        world.github().set_variable("acme/ops", STATE, &damaged);
        advance(Duration::from_secs(3_600)).await;
        let report = world.pass(&[]).await;
        assert_eq!(report.errors, [""; 0]);
        let pages: Vec<u32> = report.webhooks.iter().map(|each| each.pages).collect();
        assert_eq!(pages, [4, 2], "one is read from the checkpoint on");
        assert_eq!(report.count(Outcome::is_open), 2, "both are still known");
    }
}

/// A pass whose second page never comes, so that it ends by its time limit.
fn hanging(silent: &'static [&'static str]) -> VirtualWorld {
    let mut world = VirtualWorld::new();
    for n in 0..150 {
        let at = start() - TimeDelta::seconds(n);
        world.log(Attempt::ok(guid(n.unsigned_abs()), at));
    }
    let checkpoint = (start() - TimeDelta::hours(2)).timestamp_millis();
    let mut github = world.github();
    github.set_variable("acme/ops", VARIABLE, &checkpoint.to_string());
    drop(github);
    world.network = Some(Arc::new(Silent(silent)));
    world
}

/// A network that never answers requests whose path holds one of these.
struct Silent(&'static [&'static str]);

impl Network for Silent {
    fn transfer(&self, method: &Method, path: &str) -> Transfer {
        let path = format!("{method} {path}");
        let client_gets = match self.0.iter().any(|part| path.contains(part)) {
            true => ClientGets::Nothing,
            false => ClientGets::Response,
        };
        Transfer::failing(true, client_gets)
    }
}

#[tokio::test(start_paused = true)]
async fn the_last_write_is_tried_three_times_after_the_time_limit() {
    let limit = r#"{"message":"You have exceeded a secondary rate limit."}"#;
    for (status, body) in [(502, ""), (429, ""), (403, limit)] {
        for (failures, stored) in [(2, true), (3, false)] {
            let world = hanging(&["cursor="]);
            let fault = Fault::on("POST", "/actions/variables").status(status, body);
            world.github().add_fault(fault.times(failures));
            let report = world.pass(&[("INPUT_TIME_LIMIT", "20s")]).await;
            assert_eq!(report.unread().count(), 1);
            let state = world.github().variable("acme/ops", STATE);
            let warnings = &report.warnings;
            assert_eq!(state.is_some(), stored, "{status}: {warnings:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_limit_does_not_end_the_last_write_before_the_time_limit() {
    for (failures, stored) in [(2, true), (3, false)] {
        let world = VirtualWorld::new();
        let fault = Fault::on("POST", "/actions/variables").nth(2);
        world
            .github()
            .add_fault(fault.status(429, "").times(failures));
        let report = world.pass(&[]).await;
        let state = world.github().variable("acme/ops", STATE);
        assert_eq!(state.is_some(), stored, "{:?}", report.warnings);
    }
}

#[tokio::test(start_paused = true)]
async fn a_last_write_without_an_answer_ends_within_its_grace() {
    let world = hanging(&["cursor=", "POST /repos/acme/ops/actions/variables"]);
    let began = Instant::now();
    let report = world.pass(&[("INPUT_TIME_LIMIT", "20s")]).await;
    assert_eq!(report.unread().count(), 1);
    let took = began.elapsed().as_secs_f64();
    // The last write may take 20 s after the time limit.
    assert!((39.0..40.5).contains(&took), "{took}");
}
