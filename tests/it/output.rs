//! The log, debug lines, summary, and files that can't be written.

use simulated_github::{Attempt, guid};

use crate::world::{HOUR, TOKEN, World, ago};

#[test]
fn the_log_describes_the_pass_in_plain_sentences() {
    let world = World::new();
    world.log_healthy(120, 5);
    let failed = world.log(Attempt::failed(guid(1), ago(HOUR)));
    let log = world.pass().run().success().log;
    let hook = world.hook;
    let at = ago(HOUR).format("%Y-%m-%dT%H:").to_string();
    let expected = [
        "1 webhook of acme, all events, all failures, live".into(),
        format!(
            "acme webhook {hook} (https://ci.example.com): 121 attempts of 2 pages read, 1 delivery failed"
        ),
        format!("::group::acme webhook {hook}: requested 1: 1 recovered, 0 failed again, 0 unseen"),
        format!("redelivering push {}, first sent {at}", guid(1)),
        "wave of 1: 1 recovered, 0 failed again, 0 unseen".into(),
        "::endgroup::".into(),
        "Checkpoint moved to ".into(),
        "Recovered 1 of 1 failed delivery of 1 webhook.".into(),
    ];
    let lines: Vec<&str> = log.lines().collect();
    assert_eq!(lines.len(), expected.len(), "{log}");
    for (line, expected) in lines.iter().zip(expected) {
        assert!(line.starts_with(&expected), "{expected}\n{log}");
    }
    assert!(lines[3].ends_with(&format!("attempt {failed}: Invalid HTTP Response: 503")));
}

#[test]
fn runner_debug_adds_each_request() {
    let world = World::new();
    let log = world.pass().env("RUNNER_DEBUG", "1").run().success().log;
    let debug: Vec<&str> = log
        .lines()
        .filter(|line| line.starts_with("::debug::"))
        .collect();
    let made = world.simulator.github().requests().len();
    assert_eq!(debug.len(), made, "{log}");
    let listed = debug
        .iter()
        .find(|line| line.contains("GET /orgs/acme/hooks?per_page=100: 200 in "));
    assert!(
        listed.is_some_and(|line| line.contains(" ms, remaining: 49")),
        "{log}"
    );
    let without = world.pass().run().success().log;
    assert!(!without.contains("::debug::"));
}

#[test]
fn no_output_holds_a_secret() {
    let world = World::new();
    world.log(Attempt::failed(guid(1), ago(HOUR)));
    let ended = world.pass().env("RUNNER_DEBUG", "1").run().success();
    let all = [ended.log, ended.summary, format!("{:?}", ended.outputs)].concat();
    for secret in [TOKEN, "secret-path", "secret-key"] {
        assert!(!all.contains(secret), "{secret}: {all}");
    }
    assert!(all.contains("https://ci.example.com"), "the host is shown");
}

#[test]
fn on_a_server_no_command_is_printed() {
    let world = World::new();
    let ended = world.pass().unset("GITHUB_ACTIONS").run().success();
    assert!(!ended.log.contains("::"), "{}", ended.log);
}

#[test]
fn outside_of_actions_no_files_are_needed() {
    let world = World::new();
    let ended = world.pass().without_files().run().success();
    assert!(ended.outputs.is_empty() && ended.summary.is_empty());
}

#[test]
fn a_file_that_cannot_be_written_fails_the_step() {
    let world = World::new();
    // Not even root can make a file below this one.
    let below = "/proc/version/file";
    let ended = world.pass().env("GITHUB_OUTPUT", below).run();
    assert_eq!(ended.code, Some(1));
    let error = format!("::error::`GITHUB_OUTPUT`: `{below}` could not be written");
    let ended = ended.says(&error);
    assert!(
        ended.summary.contains("No delivery failed"),
        "the summary is written all the same"
    );
}
