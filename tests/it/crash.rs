//! A pass that is killed at any of its requests loses nothing and sends nothing twice: the next one ends in the
//! same state as an undisturbed one.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use simulated_github::{Attempt, Fault, Receiver, guid};

use crate::run::in_a_container;
use crate::world::{HOUR, REPOSITORY, VARIABLE, World, ago};

const STATE: &str = "LAST_REDELIVERY_STATE";

/// The number of passes that are killed at the same time. Most of a pass is waiting for outcomes.
const SIDE_BY_SIDE: usize = 16;

/// The age of the earlier pass in minutes: more than the part of the log that every pass reads again.
const EARLIER: i64 = 2 * HOUR;

/// A delivery that fails whatever is tried, and that the pass before knows.
const OPEN: u64 = 900;

/// Another such, that is new.
const NEW_AND_OPEN: u64 = 901;

/// New failed deliveries of each webhook.
const FAILURES: [u64; 3] = [4, 2, 3];

/// The point at which a request is cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cut {
    /// GitHub does not know of it.
    Before,
    /// GitHub has done it, and its answer does not arrive.
    After,
}

/// The common past of all worlds of a test.
struct Story {
    now: DateTime<Utc>,
    /// Some work is left, so the checkpoint does not move.
    stays_open: bool,
    /// Checkpoint and state, as an earlier pass left them.
    stored: Vec<(&'static str, String)>,
}

/// The state of things at the end.
#[derive(Debug, PartialEq)]
struct Standing {
    /// Webhook, GUID, true if it was delivered, and the number of redeliveries.
    deliveries: Vec<(usize, String, bool, usize)>,
    /// `None` for a time in this story, which is that of a pass.
    checkpoint: Option<i64>,
    /// Without the parts that may differ.
    state: Value,
}

impl Story {
    fn new(stays_open: bool) -> Self {
        let mut story = Self {
            now: ago(0),
            stays_open,
            stored: Vec::new(),
        };
        let world = story.world(false);
        let clock = || Utc::now() - TimeDelta::minutes(EARLIER);
        world.simulator.github().set_clock(clock);
        world.pass().run().success();
        assert!(
            world.redelivered().is_empty(),
            "that is left to the next pass"
        );
        let stored = |name| Some((name, world.simulator.github().variable(REPOSITORY, name)?));
        story.stored = [VARIABLE, STATE].into_iter().filter_map(stored).collect();
        assert_eq!(story.stored.len(), 2);
        story
    }

    /// A world as it was before the earlier pass, or if it is `new`, one in which things happened since.
    fn world(&self, new: bool) -> World {
        let world = World::new();
        let hooks = [world.hook, world.add_webhook(), world.add_webhook()];
        let receiver = Receiver::up().poisoned(guid(OPEN));
        world.simulator.github().webhook_mut(world.hook).receiver =
            receiver.poisoned(guid(NEW_AND_OPEN));
        for (name, value) in &self.stored {
            let mut github = world.simulator.github();
            github.set_variable(REPOSITORY, name, value);
        }
        let minutes_ago = |minutes| self.now - TimeDelta::minutes(minutes);
        if self.stays_open {
            // The last, which a person requested, is too fresh for another.
            let times = [5 * HOUR, 280, 250, EARLIER + 1, 1];
            for (n, minutes) in times.into_iter().enumerate().take(4 + usize::from(new)) {
                let mut attempt = Attempt::failed(guid(OPEN), minutes_ago(minutes));
                attempt.redelivery = n > 0;
                world.log(attempt);
            }
        }
        if !new {
            return world;
        }
        // More than a page, so that it takes two.
        for n in 0..110 {
            world.log(Attempt::ok(guid(1_000 + n), minutes_ago(5 + n as i64)));
        }
        for (hook, failures) in hooks.into_iter().zip(FAILURES) {
            for n in 0..failures {
                // An event has the same GUID at every webhook.
                let at = minutes_ago(100 - n as i64);
                world.log_at(hook, Attempt::failed(guid(n), at));
            }
        }
        if self.stays_open {
            world.log(Attempt::failed(guid(NEW_AND_OPEN), minutes_ago(90)));
        }
        world
    }

    fn standing(&self, world: &World) -> Standing {
        let github = world.simulator.github();
        let mut deliveries = Vec::new();
        for which in 0..FAILURES.len() {
            let log = github.attempts(world.hook + which as u64);
            for attempt in log.iter().filter(|attempt| !attempt.redelivery) {
                let rows = || log.iter().filter(|row| row.guid == attempt.guid);
                let delivered = rows().any(|row| row.status_code == Some(200));
                let sent = rows().filter(|row| row.redelivery && row.delivered_at >= self.now);
                let sent = sent.count();
                if attempt.status_code != Some(200) || sent > 0 {
                    deliveries.push((which, attempt.guid.clone(), delivered, sent));
                }
            }
        }
        deliveries.sort();
        let value = github.variable(REPOSITORY, VARIABLE).unwrap();
        let mut state: Value =
            serde_json::from_str(&github.variable(REPOSITORY, STATE).unwrap()).unwrap();
        assert_eq!(state["checkpoint"], *value, "it belongs to what is stored");
        self.blank(&mut state);
        let checkpoint: i64 = value.parse().unwrap();
        Standing {
            deliveries,
            checkpoint: (checkpoint < self.now.timestamp_millis()).then_some(checkpoint),
            state,
        }
    }

    /// Removes from a state the parts that may differ from one world to the next: times of this story, ids, and
    /// the order of open deliveries.
    fn blank(&self, state: &mut Value) {
        match state {
            // GitHub's `Date` has whole seconds, and so a pass may seem to begin a second early.
            Value::Number(number) => {
                let story = self.now.timestamp_millis() - 2_000..;
                if number.as_i64().is_some_and(|time| story.contains(&time)) {
                    *state = "a time".into();
                }
            }
            Value::Array(items) => {
                items.iter_mut().for_each(|item| self.blank(item));
                items.sort_by_key(ToString::to_string);
            }
            Value::Object(fields) => {
                // One is half an hour before the other.
                let time = |name| fields.get(name).and_then(Value::as_i64);
                if let (Some(read), Some(counted)) = (time("read"), time("counted")) {
                    fields.insert("counted".into(), (counted - read).into());
                }
                fields.values_mut().for_each(|value| self.blank(value));
                fields.remove("id");
                fields.remove("checkpoint");
            }
            _ => {}
        }
    }

    fn pass(world: &World) -> crate::run::Run<'_> {
        world.pass().input("confirm-timeout", "1s")
    }

    /// The state of things after an undisturbed pass, and the number of its requests.
    fn undisturbed(&self) -> (Standing, usize) {
        let world = self.world(true);
        Self::pass(&world).run().success();
        let requests = world.requests("");
        let standing = self.standing(&world);
        let all = FAILURES.iter().sum::<u64>() as usize + usize::from(self.stays_open);
        let sent = standing.deliveries.iter().map(|(.., sent)| sent);
        assert_eq!(sent.sum::<usize>(), all, "each once");
        let open = standing.deliveries.iter().filter(|each| !each.2).count();
        assert_eq!(open, if self.stays_open { 2 } else { 0 });
        assert_eq!(standing.checkpoint.is_some(), self.stays_open);
        (standing, requests)
    }

    /// Kills a pass at its request number `n`. Returns whether it got that far, and the state of things after the
    /// next pass.
    fn disturbed(&self, n: usize, cut: Cut) -> (bool, Standing) {
        let world = self.world(true);
        let fault = Fault::on_any_path("*").nth(n);
        let fault = match cut {
            Cut::Before => fault.hang(),
            Cut::After => fault.delay_headers(Duration::from_secs(60)),
        };
        world.simulator.github().add_fault(fault);
        let killed = Self::pass(&world).run_and_kill(|| world.requests("") >= n);
        world.simulator.github().clear_faults();
        let began = Utc::now();
        Self::pass(&world).run().success();
        let moved = world.checkpoint().unwrap();
        assert!(self.stays_open || moved > began - TimeDelta::seconds(3));
        (killed, self.standing(&world))
    }

    /// Kills passes at every request, and compares the result of the next ones with that of an undisturbed one.
    fn survives(&self, cut: Cut) {
        let (expected, requests) = self.undisturbed();
        assert!(requests >= 20, "{requests}");
        // A container takes as long to start as dozens of these passes.
        let step = if in_a_container() { 6 } else { 1 };
        let killed = AtomicUsize::new(0);
        side_by_side((1..=requests).step_by(step), |n| {
            let (was_killed, standing) = self.disturbed(n, cut);
            killed.fetch_add(usize::from(was_killed), Ordering::Relaxed);
            assert_eq!(standing, expected, "{cut:?} {n} of {requests}");
        });
        // The number of times that a pass reads the log depends on time.
        assert!(killed.into_inner() + 2 >= requests.div_ceil(step));
    }
}

fn side_by_side(numbers: impl Iterator<Item = usize> + Send, work: impl Fn(usize) + Sync) {
    let numbers = Mutex::new(numbers);
    let worker = || {
        // Not held while working.
        let next = || numbers.lock().unwrap().next();
        while let Some(n) = next() {
            work(n);
        }
    };
    thread::scope(|scope| {
        for _ in 0..SIDE_BY_SIDE {
            scope.spawn(worker);
        }
    });
}

#[test]
fn the_next_pass_completes_one_killed_before_any_request_arrives() {
    Story::new(false).survives(Cut::Before);
}

#[test]
fn the_next_pass_completes_one_killed_after_any_request() {
    Story::new(false).survives(Cut::After);
}

#[test]
fn a_pass_killed_before_any_request_arrives_does_not_change_open_deliveries() {
    Story::new(true).survives(Cut::Before);
}

#[test]
fn a_pass_killed_after_any_request_does_not_change_open_deliveries() {
    Story::new(true).survives(Cut::After);
}

#[test]
fn where_the_log_lags_only_requests_of_a_killed_pass_are_repeated() {
    let story = Story::new(false);
    let all = FAILURES.iter().sum::<u64>() as usize;
    let step = if in_a_container() { 6 } else { 1 };
    side_by_side((1..=all).step_by(step), |n| {
        let world = story.world(true);
        let hooks = || (0..FAILURES.len()).map(|which| world.hook + which as u64);
        let asked = || -> Vec<u64> {
            let github = world.simulator.github();
            let mut asked: Vec<u64> = hooks().flat_map(|hook| github.requested(hook)).collect();
            asked.sort_unstable();
            asked
        };
        let failed = world.simulator.github();
        let mut expected: Vec<u64> = hooks()
            .flat_map(|hook| failed.attempts(hook))
            .filter(|attempt| attempt.status_code != Some(200))
            .map(|attempt| attempt.id)
            .collect();
        drop(failed);
        let hold = Fault::on("POST", "/attempts").nth(n);
        {
            let mut github = world.simulator.github();
            github.log_lag = TimeDelta::minutes(30);
            github.add_fault(hold.delay_headers(Duration::from_secs(60)));
        }
        let asking = || world.requests("/attempts") >= n;
        assert!(Story::pass(&world).run_and_kill(asking));
        let by_the_killed = asked();
        assert!(by_the_killed.len() >= n);
        expected.extend(by_the_killed);
        expected.sort_unstable();

        world.simulator.github().clear_faults();
        Story::pass(&world).run().success();
        assert_eq!(asked(), expected, "the next knows of nothing");

        // The second pass stored its requests, so the third knows of them.
        Story::pass(&world).run().success();
        assert_eq!(asked(), expected);
    });
}
