//! Choosing the webhooks of a pass.

use serde_json::{Value, json};
use simulated_github::{Attempt, Fault, guid};

use crate::world::{World, ago};

#[test]
fn every_active_webhook_is_found_on_all_pages() {
    // Without limit headers, nothing waits for a limit.
    let world = World::enterprise_server();
    let mut hooks = vec![world.hook];
    hooks.extend((0..230).map(|_| world.add_webhook()));
    for hook in &hooks {
        world.log_at(*hook, Attempt::failed(guid(1), ago(10)));
    }
    let inactive = hooks[120];
    world.simulator.github().webhook_mut(inactive).active = false;
    let ended = world.pass().run().success();
    ended
        .outputs(&["failed=230", "redelivered=230"])
        .says("230 webhooks of acme, all events, all failures, live (1 inactive left out)");
    assert_eq!(world.simulator.github().requested(inactive), [0; 0]);
    assert_eq!(world.simulator.github().requested(hooks[230]).len(), 1);
    let most = world.simulator.github().most_in_flight();
    assert!(
        most <= 16,
        "GitHub allows 100 to all who use the token: {most}"
    );
}

#[test]
fn only_named_webhooks_are_scanned() {
    let world = World::new();
    let named = world.add_webhook();
    let both = world.add_webhook();
    for hook in [world.hook, named, both] {
        world.log_at(hook, Attempt::failed(guid(1), ago(10)));
    }
    let ids = format!("{named}\n{both}");
    world
        .pass()
        .input("hook-id", &ids)
        .run()
        .success()
        .outputs(&["failed=2"]);
    assert_eq!(world.redelivered(), [0; 0]);
}

#[test]
fn an_organization_named_twice_is_scanned_once() {
    let world = World::new();
    world.log(Attempt::failed(guid(1), ago(10)));
    let run = world.pass().input("organization", "acme, Acme");
    run.run().success().outputs(&["failed=1", "redelivered=1"]);
}

/// One page of GitHub's list in which `change` was made to the first webhook, followed by it again.
fn listed(world: &World, change: impl Fn(&mut Value)) -> String {
    let hook =
        json!({"id": world.hook, "active": true, "config": {"url": "https://ci.example.com"}});
    let mut odd = hook.clone();
    change(&mut odd);
    json!([odd, hook]).to_string()
}

#[test]
fn a_webhook_listed_twice_is_scanned_once() {
    let world = World::new();
    let failed = world.log(Attempt::failed(guid(1), ago(10)));
    let list = listed(&world, |_| {});
    world
        .simulator
        .github()
        .add_fault(Fault::on("GET", "/hooks?").body(list));
    world.pass().run().success().outputs(&["failed=1"]);
    assert_eq!(world.redelivered(), [failed]);
}

#[test]
fn an_unreadable_webhook_hides_no_other_and_holds_the_checkpoint() {
    let world = World::new();
    let failed = world.log(Attempt::failed(guid(1), ago(10)));
    let start = ago(60).timestamp_millis().to_string();
    world.set_variable(&start);
    let list = listed(&world, |hook| hook["id"] = json!("x"));
    world
        .simulator
        .github()
        .add_fault(Fault::on("GET", "/hooks?").body(list));
    let ended = world.pass().run();
    ended.failure("1 webhook of GitHub's list could not be read");
    assert_eq!(world.redelivered(), [failed]);
    assert_eq!(world.variable(), Some(start));

    // Fields that are not needed may hold anything.
    let world = World::new();
    let list = listed(&world, |hook| hook["config"] = json!(null));
    world
        .simulator
        .github()
        .add_fault(Fault::on("GET", "/hooks?").body(list));
    world.pass().run().success();
}
