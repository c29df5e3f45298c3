//! Redelivery and its outcome.

use chrono::TimeDelta;
use serde_json::json;
use simulated_github::{Attempt, Receiver, guid};

use crate::client::World;

#[test]
fn a_redelivery_is_a_new_row_with_the_same_guid() {
    let world = World::new();
    let hook = world.webhook(0);
    let at = world.clock.now() - TimeDelta::hours(1);
    let attempt = Attempt::failed(guid(1), at).event("issues", Some("opened"));
    let id = world.simulator.github().webhook_mut(hook).log(attempt);
    let got = world.redeliver(hook, id);
    assert_eq!((got.status, got.json()), (202, json!({})));
    let github = world.simulator.github();
    let attempts = github.attempts(hook);
    assert_eq!(attempts.len(), 2);
    let new = &attempts[0];
    assert_eq!(
        (new.guid.as_str(), new.event.as_str(), new.action.as_deref()),
        (guid(1).as_str(), "issues", Some("opened"))
    );
    assert_eq!(
        (new.redelivery, new.delivered_at, new.status_code),
        (true, world.clock.now(), Some(200))
    );
    assert!(new.id > id);
    assert_eq!(github.requested(hook), [id]);
    drop(github);
    world.assert_as_described();
}

#[test]
fn a_receiver_that_is_down_fails_with_what_it_was_told_to() {
    let world = World::new();
    let (hook, id) = world.failed_attempt();
    world.simulator.github().webhook_mut(hook).receiver =
        Receiver::down().answering("timed out", 504);
    assert_eq!(world.redeliver(hook, id).status, 202);
    let newest = world.simulator.github().attempts(hook).swap_remove(0);
    assert_eq!(
        (newest.status.as_deref(), newest.status_code),
        (Some("timed out"), Some(504))
    );
}

#[test]
fn a_receiver_that_is_down_until_a_time_is_up_from_then_on() {
    let world = World::new();
    let (hook, id) = world.failed_attempt();
    let up = world.clock.now() + TimeDelta::minutes(5);
    world.simulator.github().webhook_mut(hook).receiver = Receiver::down_until(up);
    let outcome = || {
        world.redeliver(hook, id);
        world.simulator.github().attempts(hook)[0].status_code
    };
    assert_eq!(outcome(), Some(503));
    world.clock.advance(TimeDelta::minutes(5));
    assert_eq!(outcome(), Some(200));
}

#[test]
fn a_receiver_that_fails_some_times_counts_each_guid() {
    let world = World::new();
    let (hook, first) = world.failed_attempt();
    let second = {
        let mut github = world.simulator.github();
        github.webhook_mut(hook).receiver = Receiver::fails_times(2);
        github.webhook_mut(hook).log(Attempt::failed(
            guid(2),
            world.clock.now() - TimeDelta::hours(2),
        ))
    };
    let outcome = |id: u64| {
        world.clock.advance(TimeDelta::seconds(1));
        world.redeliver(hook, id);
        world.simulator.github().attempts(hook)[0].status_code
    };
    assert_eq!(
        [outcome(first), outcome(first), outcome(second)],
        [Some(503); 3]
    );
    assert_eq!(
        [outcome(first), outcome(second), outcome(second)],
        [Some(200), Some(503), Some(200)]
    );
}

#[test]
fn a_poisoned_event_fails_at_a_receiver_that_is_up() {
    let world = World::new();
    let (hook, id) = world.failed_attempt();
    world.simulator.github().webhook_mut(hook).receiver = Receiver::up().poisoned(guid(1));
    world.redeliver(hook, id);
    assert_eq!(
        world.simulator.github().attempts(hook)[0].status_code,
        Some(503)
    );
}

#[test]
fn an_outcome_shows_after_the_delay_and_the_lag() {
    let world = World::new();
    let (hook, id) = world.failed_attempt();
    {
        let mut github = world.simulator.github();
        github.redelivery_delay = TimeDelta::seconds(10);
        github.log_lag = TimeDelta::seconds(60);
    }
    let asked = world.clock.now();
    world.redeliver(hook, id);
    world.clock.advance(TimeDelta::seconds(69));
    assert_eq!(world.simulator.github().attempts(hook).len(), 1);
    world.clock.advance(TimeDelta::seconds(1));
    let attempts = world.simulator.github().attempts(hook);
    assert_eq!(attempts.len(), 2);
    assert_eq!(attempts[0].delivered_at, asked + TimeDelta::seconds(10));
}

#[test]
fn an_attempt_past_retention_is_refused() {
    for (world, days) in [(World::new(), 3), (World::enterprise_server(), 7)] {
        let (hook, id) = world.failed_attempt();
        world
            .clock
            .advance(TimeDelta::days(days) - TimeDelta::hours(1));
        assert_eq!(world.redeliver(hook, id).status, 202);
        world.clock.advance(TimeDelta::seconds(1));
        assert_eq!(world.redeliver(hook, id).status, 422);
        world.simulator.github().expired_status = 404;
        assert_eq!(world.redeliver(hook, id).status, 404);
        assert_eq!(world.simulator.github().requested(hook), [id]);
        world.assert_as_described();
    }
}

#[test]
fn an_attempt_that_is_refused_is_not_redelivered() {
    let world = World::new();
    let (hook, id) = world.failed_attempt();
    world.simulator.github().refuse(id, 400, "no");
    let got = world.redeliver(hook, id);
    assert_eq!((got.status, got.message()), (400, "no".to_owned()));
    assert!(world.simulator.github().requested(hook).is_empty());
    assert_eq!(world.simulator.github().attempts(hook).len(), 1);
    world.assert_as_described();
}

#[test]
fn an_attempt_of_another_webhook_is_not_found() {
    let world = World::new();
    let (_, id) = world.failed_attempt();
    let (other, other_id) = world.failed_attempt();
    assert_ne!(id, other_id);
    assert_eq!(world.redeliver(other, id).status, 404);
    assert_eq!(world.redeliver(other, 17).status, 404);
}
