//! Cancellation: real signals to a real process, which is PID 1 in a container.

use std::time::Duration;

use simulated_github::{Attempt, Fault, Owner, Webhook, guid};

use crate::world::{HOUR, REPOSITORY, VARIABLE, World, ago};

/// Few enough that no limit makes anybody wait: each costs 5 points of 840 a minute.
const FAILURES: u64 = 120;

/// A world with that many failed deliveries, and a pass that redelivers them one after the other.
fn world() -> World {
    let world = World::new();
    world.set_variable(&ago(2 * HOUR).timestamp_millis().to_string());
    for n in 0..FAILURES {
        world.log(Attempt::failed(guid(n), ago(HOUR)));
    }
    world.simulator.github().latency = Duration::from_millis(20);
    world
}

#[test]
fn a_pass_that_is_cancelled_within_a_wave_saves_its_state() {
    for signal in ["TERM", "INT"] {
        let world = world();
        let before = world.variable();
        let folder = tempfile::tempdir().unwrap();
        let asking = || world.redelivered().len() >= 12;
        let (ended, took) = world
            .pass()
            .run_and_signal(folder.path(), &[signal], asking);
        assert!(took < Duration::from_secs(5), "{took:?}");
        assert_eq!(ended.code, Some(1), "{}", ended.log);
        let asked = world.redelivered().len();
        assert!((12..100).contains(&asked), "{asked}");
        let ended = ended.outputs(&["result=cancelled", "failed=120", "errors=0"]);
        assert!(ended.summary.contains("cancelled"), "{}", ended.summary);
        assert!(
            ended.log.contains("the next one goes on where it ended"),
            "{}",
            ended.log
        );
        // There may be time for one request only, and that is the state's.
        assert_eq!(world.variable(), before);

        // The next pass completes the work, and nothing is sent twice.
        let ended = world.pass().run().success();
        ended.outputs(&["result=recovered"]);
        let mut guids: Vec<String> = world
            .simulator
            .github()
            .attempts(world.hook)
            .into_iter()
            .filter(|attempt| attempt.redelivery)
            .map(|attempt| attempt.guid)
            .collect();
        guids.sort();
        let sent = guids.len();
        guids.dedup();
        assert_eq!((sent, guids.len()), (120, 120), "{signal}");
    }
}

#[test]
fn the_last_write_of_a_cancelled_pass_is_tried_three_times() {
    for fault in [
        Fault::on("POST", "/actions/variables").status(502, ""),
        Fault::on("POST", "/actions/variables").reset(),
    ] {
        let world = world();
        world.simulator.github().add_fault(fault.times(2));
        let folder = tempfile::tempdir().unwrap();
        let asking = || world.redelivered().len() >= 12;
        let run = world.pass();
        let (ended, took) = run.run_and_signal(folder.path(), &["TERM"], asking);
        assert!(took < Duration::from_secs(5), "{took:?}");
        ended.outputs(&["result=cancelled", "errors=0"]);
        let state = format!("{VARIABLE}_STATE");
        let state = world.simulator.github().variable(REPOSITORY, &state);
        assert!(state.is_some());
    }
}

#[test]
fn a_request_without_a_response_does_not_delay_the_end_of_a_cancelled_pass() {
    let world = world();
    let hang = Fault::on("POST", "/attempts").nth(3).hang();
    world.simulator.github().add_fault(hang);
    let folder = tempfile::tempdir().unwrap();
    let hangs = || world.requests("/attempts") >= 3;
    let (ended, took) = world.pass().run_and_signal(folder.path(), &["TERM"], hangs);
    assert!(took < Duration::from_secs(5), "{took:?}");
    assert_eq!(ended.code, Some(1), "{}", ended.log);
    ended.outputs(&[
        "result=cancelled",
        "failed=120",
        "redelivered=2",
        "errors=0",
    ]);
    // The next pass does not repeat at once a request that got no response.
    world.simulator.github().clear_faults();
    world
        .pass()
        .run()
        .success()
        .outputs(&["failed=118", "open=1"]);
    assert_eq!(world.redelivered().len(), 119);
}

#[test]
fn a_pass_that_is_cancelled_while_it_reads_ends_as_well() {
    let world = World::new();
    world.log_healthy(5_000, 1);
    world.simulator.github().latency = Duration::from_millis(100);
    let folder = tempfile::tempdir().unwrap();
    let reading = || world.requests("/deliveries") >= 3;
    let run = world.bare_pass().input("fail-on", "never");
    let (ended, took) = run.run_and_signal(folder.path(), &["TERM"], reading);
    assert!(took < Duration::from_secs(5), "{took:?}");
    assert_eq!(
        ended.code,
        Some(1),
        "always, whatever `fail-on` says: {}",
        ended.log
    );
    ended.outputs(&["result=cancelled", "errors=0"]);
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let world = world();
    let hang = Fault::on("POST", "/attempts").nth(3).hang();
    world.simulator.github().add_fault(hang);
    let folder = tempfile::tempdir().unwrap();
    let hangs = || world.requests("/attempts") >= 3;
    let signals = ["TERM", "INT"];
    let (ended, took) = world.pass().run_and_signal(folder.path(), &signals, hangs);
    assert!(took < Duration::from_millis(2_500), "{took:?}");
    assert_eq!(ended.code, Some(1));
    assert_eq!(ended.outputs.len(), 0, "nobody waits for outputs any more");
}

#[test]
fn a_pass_is_cancelled_while_it_waits_for_a_limit_or_lists_webhooks() {
    let limited = world();
    let limit = Fault::on("POST", "/attempts").status(403, r#"{"message":"secondary rate limit"}"#);
    limited
        .simulator
        .github()
        .add_fault(limit.header("retry-after", "200"));

    let searching = World::new();
    for n in 0..300 {
        let owner = Owner::Repository {
            owner: "acme".into(),
            name: format!("r{n}"),
        };
        let mut github = searching.simulator.github();
        github.add_webhook(owner, Webhook::new("https://x.example.com"));
    }
    searching.simulator.github().latency = Duration::from_millis(300);
    for (world, part, requests) in [(limited, "/attempts", 1), (searching, "/hooks", 20)] {
        let folder = tempfile::tempdir().unwrap();
        let begun = || world.requests(part) >= requests;
        let run = world
            .pass()
            .input("organization", "")
            .input("repository", "acme/*");
        let run = match part {
            "/attempts" => world.pass(),
            _ => run,
        };
        let (ended, took) = run.run_and_signal(folder.path(), &["TERM"], begun);
        assert!(took < Duration::from_secs(5), "{part}: {took:?}");
        ended.outputs(&["result=cancelled", "errors=0"]);
    }
}
