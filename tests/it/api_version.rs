//! The end of the API version in use: announced, and come.

use chrono::{TimeDelta, Utc};
use simulated_github::{App, Attempt, Fault, Installation, TestKey, guid};

use crate::credential_kinds::CLIENT_ID;
use crate::run_result::RunResult;
use crate::world::{World, ago};

const UNKNOWN: &str = r#"{"message":"Bad Request","errors":"The version you specified in the \"X-GitHub-API-Version\" request header, \"2022-11-28\", is not a supported version. The following versions are currently supported: \"2030-01-01\" (most recent).","documentation_url":"https://docs.github.com/rest"}"#;
const ADVICE: &str = "This GitHub does not support the API version that this action uses, `2022-11-28`: update the action";

/// A pass in which every answer carries these headers.
fn pass_with(headers: &[(&str, &str)]) -> RunResult {
    let world = World::new();
    world.log(Attempt::ok(guid(1), ago(10)));
    for (name, value) in headers {
        let fault = Fault::on_any_path("*").always().header(name, value);
        world.simulator.github().add_fault(fault);
    }
    let ended = world.pass().env("RUNNER_DEBUG", "1").run().success();
    ended.outputs(&["result=healthy"])
}

/// The lines of the log that begin with `start` and mention the API version.
fn lines<'a>(ended: &'a RunResult, start: &str) -> Vec<&'a str> {
    let lines = ended.log.lines();
    lines
        .filter(|line| line.starts_with(start) && line.contains("API version"))
        .collect()
}

/// A time so many days from now, an hour more or less, as HTTP writes it, and its date.
fn in_days(days: i64) -> (String, String) {
    let time = Utc::now() + TimeDelta::days(days) + TimeDelta::hours(days.signum());
    let date = time.format("%F").to_string();
    (time.format("%a, %d %b %Y %H:%M:%S GMT").to_string(), date)
}

#[test]
fn a_near_or_past_end_of_life_is_one_warning_per_pass() {
    for (days, ends) in [(89, "ends"), (1, "ends"), (-1, "ended"), (-400, "ended")] {
        let (sunset, date) = in_days(days);
        let ended = pass_with(&[("sunset", &sunset), ("deprecation", "@1757000000")]);
        let warning = format!(
            "::warning::GitHub's support for the API version that this action uses {ends} on {date}: update the action"
        );
        assert_eq!(lines(&ended, "::warning::"), [warning], "{}", ended.log);
        assert!(ended.summary.contains(&date), "{}", ended.summary);
    }
}

#[test]
fn a_distant_end_of_life_or_a_deprecation_alone_is_one_debug_line_per_pass() {
    let (sunset, date) = in_days(90);
    let ended = pass_with(&[("sunset", &sunset)]);
    assert_eq!(lines(&ended, "::warning::"), [""; 0]);
    let logged = lines(&ended, "::debug::");
    assert!(logged.len() == 1 && logged[0].contains(&date), "{logged:?}");

    let ended = pass_with(&[("deprecation", "@1757000000")]);
    assert_eq!(lines(&ended, "::warning::"), [""; 0]);
    let logged = lines(&ended, "::debug::");
    assert!(
        logged.len() == 1 && logged[0].contains("`deprecation: @1757000000`"),
        "{logged:?}"
    );
}

#[test]
fn the_nearest_of_several_ends_of_life_counts() {
    let world = World::new();
    world.log(Attempt::ok(guid(1), ago(10)));
    for (path, days) in [("/variables/", 300), ("/hooks?", 20), ("/deliveries", 60)] {
        let fault = Fault::on("GET", path).always();
        let fault = fault.header("sunset", &in_days(days).0);
        world.simulator.github().add_fault(fault);
    }
    let ended = world.pass().run().success();
    let logged = lines(&ended, "::warning::");
    assert!(
        logged.len() == 1 && logged[0].contains(&in_days(20).1),
        "{logged:?}"
    );
}

#[test]
fn an_end_of_life_that_is_not_a_date_is_ignored() {
    for sunset in [
        "soon",
        "",
        "2028-03-10",
        "@1836259200",
        "31 Dec 262142 23:59:59 GMT",
    ] {
        let ended = pass_with(&[("sunset", sunset)]);
        for start in ["::warning::", "::debug::"] {
            assert_eq!(lines(&ended, start), [""; 0], "{sunset}");
        }
    }
}

#[test]
fn a_refused_version_says_to_update_the_action() {
    for (status, body) in [
        (400, UNKNOWN),
        (
            400,
            r#"{"message":"The requested API version is not supported"}"#,
        ),
        (
            400,
            r#"{"message":"Bad Request","errors":["Unsupported API version"]}"#,
        ),
        (410, r#"{"message":"This version of the API is gone"}"#),
        (
            410,
            r#"{"message":"Gone","errors":[{"resource":"Version","code":"unsupported"}]}"#,
        ),
    ] {
        let world = World::new();
        let fault = Fault::on_any_path("*").always().status(status, body);
        world.simulator.github().add_fault(fault);
        let ended = world.bare_pass().run();
        ended
            .failure(&format!("the webhooks of `acme`: GitHub answered {status}"))
            .says(ADVICE);
        assert_eq!(world.requests("/"), 1, "nothing is asked for again");
    }
}

#[test]
fn an_app_whose_version_is_refused_says_so_too() {
    for path in ["/installation", "/access_tokens"] {
        let world = World::new();
        {
            let mut github = world.simulator.github();
            github.add_app(App::new(1, CLIENT_ID, TestKey::APP.public_der));
            let permissions = [("organization_hooks", "write")];
            github.install(Installation::new("acme", &permissions));
            github.add_fault(Fault::on("*", path).always().status(400, UNKNOWN));
        }
        let ended = world
            .bare_pass()
            .unset("INPUT_TOKEN")
            .input("client-id", CLIENT_ID)
            .input("private-key", TestKey::APP.pkcs1_pem)
            .run();
        ended
            .failure("there is no token for `acme`: GitHub answered 400 `Bad Request; The version you specified")
            .says(ADVICE);
    }
}

#[test]
fn another_bad_request_is_not_taken_for_a_refused_version() {
    for body in [
        r#"{"message":"Problems parsing JSON"}"#,
        r#"{"message":"Validation Failed","errors":["per_page must be an integer"]}"#,
        "<html><title>400</title>This API version is not known to the proxy</html>",
    ] {
        let world = World::new();
        let fault = Fault::on("GET", "/hooks?").always().status(400, body);
        world.simulator.github().add_fault(fault);
        let ended = world.bare_pass().run().failure("GitHub answered 400");
        assert!(!ended.log.contains("update the action"), "{}", ended.log);
    }
}
