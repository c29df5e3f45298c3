//! The user's policy decides what a pass redelivers and when it fails.

use chrono::TimeDelta;
use simulated_github::{Attempt, Receiver, guid};

use crate::world::{DAY, HOUR, World, ago};

#[test]
fn deliveries_that_filters_leave_out_do_not_hold_the_checkpoint() {
    let world = World::new();
    let opened = |n, action| Attempt::failed(guid(n), ago(30)).event("pull_request", Some(action));
    let wanted = world.log(opened(1, "opened"));
    world.log(opened(2, "closed"));
    world.log(Attempt::failed(guid(3), ago(40)));
    world.log(opened(4, "opened").with_status("Invalid HTTP Response: 410", 410));
    let run = world
        .pass()
        .input("events", "pull_request.opened")
        .input("statuses", "!410");
    let ended = run.run().success();
    ended
        .outputs(&["failed=4", "redelivered=1", "open=0", "lost=0"])
        .says("1 webhook of acme, some events, some failures, live")
        .says("3 were left out as the inputs say.");
    assert_eq!(world.redelivered(), [wanted]);
    assert!(
        world.checkpoint().unwrap() >= ago(31),
        "only what is open holds it"
    );
}

#[test]
fn older_failures_than_max_age_are_left_alone() {
    let world = World::new();
    world.log(Attempt::failed(guid(1), ago(5 * HOUR)));
    let young = world.log(Attempt::failed(guid(2), ago(3 * HOUR)));
    world
        .pass()
        .input("max-age", "4h")
        .run()
        .success()
        .outputs(&["failed=2", "lost=0"]);
    assert_eq!(world.redelivered(), [young]);
}

#[test]
fn a_window_may_have_an_end() {
    let world = World::new();
    world.log(Attempt::failed(guid(1), ago(9 * HOUR)));
    let inside = world.log(Attempt::failed(guid(2), ago(5 * HOUR)));
    world.log(Attempt::failed(guid(3), ago(HOUR)));
    let run = world.pass().input("since", "8h").input("until", "2h");
    run.run().success().outputs(&["failed=1", "checkpoint="]);
    assert_eq!(world.redelivered(), [inside]);
    assert_eq!(world.variable(), None);
}

#[test]
fn a_delivery_waits_for_its_back_off() {
    let world = World::new();
    world.log(Attempt::failed(guid(1), ago(50)));
    world.log(Attempt::failed(guid(1), ago(4)).redelivery());
    let ended = world
        .pass()
        .run()
        .success()
        .outputs(&["redelivered=0", "open=1", "result=open"]);
    let due: chrono::DateTime<chrono::Utc> = ended.output("next-due").parse().unwrap();
    let expected = ago(4) + TimeDelta::minutes(5);
    assert!(
        (due - expected).abs() <= TimeDelta::seconds(2),
        "{due} {expected}"
    );
    assert!(
        ended.summary.contains("waiting: `due "),
        "{}",
        ended.summary
    );
    world
        .pass()
        .input("backoff", "3m")
        .run()
        .success()
        .outputs(&["redelivered=1"]);
}

#[test]
fn a_delivery_that_fails_while_others_succeed_is_given_up() {
    let world = World::new();
    world.log(Attempt::failed(guid(1), ago(10 * HOUR)));
    for n in 1..=3 {
        let at = ago(10 * HOUR - n * HOUR);
        world.log(Attempt::failed(guid(1), at).redelivery());
        world.log(Attempt::ok(
            guid(100 + n as u64),
            at + TimeDelta::minutes(2),
        ));
    }
    let run = |attempts| world.pass().input("max-redeliveries", attempts).run();
    let ended = run("3").lost().outputs(&["redelivered=0", "lost=1"]);
    let reason = "given up: `failed 3 times while its receiver was up`";
    assert!(ended.summary.contains(reason), "{}", ended.summary);
    world.set_variable(&ago(DAY).timestamp_millis().to_string());
    run("4").success().outputs(&["redelivered=1", "lost=0"]);
}

#[test]
fn failures_in_an_outage_do_not_count() {
    let world = World::new();
    world.log(Attempt::failed(guid(1), ago(20 * HOUR)));
    for n in 1..=4 {
        world.log(Attempt::failed(guid(1), ago(20 * HOUR - n * HOUR)).redelivery());
    }
    let run = world.pass().input("max-redeliveries", "1");
    run.run().success().outputs(&["redelivered=1", "lost=0"]);
}

#[test]
fn fail_on_says_what_fails_the_step() {
    let world = World::new();
    world.log(Attempt::failed(guid(1), ago(HOUR)));
    let passes = || {
        ["never", "error", "lost", "open"].map(|fail_on| {
            let run = world.pass().input("dry-run", "true");
            run.input("fail-on", fail_on).run().code == Some(0)
        })
    };
    assert_eq!(passes(), [true, true, true, false]);
    world.log(Attempt::failed(guid(2), ago(8 * DAY)));
    world.log(Attempt::failed(guid(2), ago(HOUR)).redelivery());
    assert_eq!(passes(), [true, true, false, false]);
}

#[test]
fn deliveries_that_expire_soon_are_warned_about_and_fail_the_step() {
    let world = World::enterprise_server();
    world.log(Attempt::failed(guid(1), ago(7 * DAY - 11 * HOUR)));
    world.simulator.github().webhook_mut(world.hook).receiver = Receiver::down();
    let ended = world.pass().input("since", "7d").run();
    assert_eq!(ended.code, Some(1));
    ended
        .outputs(&["result=down", "lost=0", "redelivered=1"])
        .says("::warning::1 delivery open, of which GitHub redelivers none in 12 hours any more");
}

#[test]
fn the_log_names_each_wave_and_why_a_webhook_was_left() {
    let world = World::new();
    world.simulator.github().webhook_mut(world.hook).receiver = Receiver::down();
    for n in 0..7 {
        world.log(Attempt::failed(guid(n), ago(30)));
    }
    let ended = world
        .pass()
        .run()
        .success()
        .outputs(&["result=down", "redelivered=5", "open=7"]);
    ended
        .says(": requested 5: 0 recovered, 5 failed again, 0 unseen")
        .says("\nwave of 5: 0 recovered, 5 failed again, 0 unseen\n")
        .says("\nstopped, because the receiver is down; 2 deliveries left\n")
        .says("https://ci.example.com has been down since ");
}
