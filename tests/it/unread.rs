//! Nothing is healthy that was not read: limits, time and trouble that keep a pass from reading.

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use redeliver_webhooks::model::PassResult;
use simulated_github::{App, Attempt, Fault, Installation, Owner, TestKey, Webhook, guid};
use tokio::time::advance;

use crate::credential_kinds::CLIENT_ID;
use crate::run_result::RunResult;
use crate::virtual_world::{VirtualWorld, start};
use crate::world::{DAY, HOUR, REPOSITORY, TOKEN, VARIABLE, World, ago};

/// A limit that is used up for 50 minutes.
fn used_up(method: &str, path: &str) -> Fault {
    let reset = Utc::now() + TimeDelta::minutes(50);
    Fault::on(method, path)
        .always()
        .status(
            403,
            r#"{"message":"API rate limit exceeded for user ID 1."}"#,
        )
        .header("x-ratelimit-limit", "5000")
        .header("x-ratelimit-remaining", "0")
        .header("x-ratelimit-reset", &reset.timestamp().to_string())
}

/// A log of two pages. A pass with this checkpoint reads both.
fn two_pages() -> World {
    let world = World::new();
    world.set_variable(&ago(3 * HOUR).timestamp_millis().to_string());
    world.log_healthy(150, 1);
    world
}

/// Asserts that the log, the summary and the report name the unread parts, and that nothing is called healthy.
#[track_caller]
fn names_what_was_not_read(ended: &RunResult, name: &str) {
    let verdict = format!("not read to the end: {name}");
    assert!(ended.log.contains(&verdict), "{verdict}:\n{}", ended.log);
    let in_a_span = format!("not read to the end: `{name}`");
    assert!(
        ended.summary.contains(&in_a_span),
        "{in_a_span}:\n{}",
        ended.summary
    );
    let report: serde_json::Value = serde_json::from_str(ended.output("report")).unwrap();
    assert_eq!(report["unread"], serde_json::json!([name]));
    assert_ne!(ended.output("result"), "healthy");
    for text in [&ended.log, &ended.summary] {
        assert!(!text.contains("none of them expires"), "{text}");
        assert!(!text.contains("No delivery failed"), "{text}");
    }
}

#[test]
fn a_limit_on_the_first_request_or_the_first_page_is_an_error() {
    for (method, path) in [("*", ""), ("GET", "/deliveries?"), ("GET", "/hooks?")] {
        let world = two_pages();
        world.simulator.github().add_fault(used_up(method, path));
        world
            .pass()
            .run()
            .failure(
                "no delivery log was read because GitHub's rate limit is reached: run again after ",
            )
            .outputs(&["scanned=0", "errors=1", "checkpoint="]);
    }
}

#[test]
fn a_limit_on_every_read_is_an_error() {
    let world = two_pages();
    let fault = Fault::on("GET", "").always();
    let fault = fault.status(429, r#"{"message":"Too many requests"}"#);
    let fault = fault.header("retry-after", "3600");
    world.simulator.github().add_fault(fault);
    let limited =
        "no delivery log was read because GitHub's rate limit is reached: run again after";
    world.pass().run().failure(limited);
}

#[tokio::test(start_paused = true)]
async fn a_limit_on_every_read_without_a_time_is_an_error_after_some_minutes() {
    let world = VirtualWorld::new();
    let fault = Fault::on("GET", "").always();
    world.github().add_fault(fault.status(429, ""));
    let began = tokio::time::Instant::now();
    let report = world.pass(&[]).await;
    assert_eq!(report.result(), PassResult::Error, "{:?}", report.errors);
    // A minute, two, four; eight would be too long.
    let took = began.elapsed().as_secs();
    assert!((420..440).contains(&took), "{took}");
}

#[test]
fn with_little_left_of_the_limit_a_small_pass_reads_all_and_defers_redeliveries() {
    let healthy = two_pages();
    let reset = Utc::now() + TimeDelta::minutes(50);
    let used = |world: &World| {
        let mut github = world.simulator.github();
        github.set_rate_limit_used(TOKEN, 4_700, reset);
    };
    used(&healthy);
    healthy
        .pass()
        .run()
        .success()
        .outputs(&["result=healthy", "scanned=150", "errors=0"]);
    assert!(healthy.checkpoint().unwrap() > ago(1));

    let failing = two_pages();
    for n in 0..3 {
        failing.log(Attempt::failed(guid(n), ago(2 * HOUR)));
    }
    used(&failing);
    let ended = failing
        .pass()
        .run()
        .success()
        .outputs(&["result=open", "scanned=153", "redelivered=0", "open=3"])
        .says("::warning::GitHub's rate limit is reached with 3 deliveries left: run again after ")
        .says("none of them expires before its turn")
        .says("requests that remain this hour are left to others");
    assert!(ended.summary.contains("GitHub's rate limit is reached"));
    assert_eq!(failing.redelivered(), [0; 0]);
    failing
        .pass()
        .input("fail-on", "open")
        .run()
        .outputs(&["result=open"]);
}

#[test]
fn a_log_whose_second_page_was_not_read_is_not_healthy() {
    let second = "cursor=";
    for (fault, reason) in [
        (used_up("GET", second), "GitHub's rate limit is reached"),
        (Fault::on("GET", second).hang(), "`time-limit` was reached"),
    ] {
        let world = two_pages();
        world.simulator.github().add_fault(fault);
        let name = format!("acme webhook {}", world.hook);
        let ended = world
            .pass()
            .input("time-limit", "1s")
            .run()
            .success()
            .outputs(&["result=unread", "scanned=100", "errors=0"])
            .says(&format!(
                "::warning::{reason} with {name} not read to the end: run again"
            ));
        names_what_was_not_read(&ended, &name);
        // The next pass reads the rest.
        assert!(world.checkpoint().unwrap() < ago(2 * HOUR));
        world.simulator.github().clear_faults();
        let ended = world.pass().run().success();
        ended.outputs(&["result=healthy", "scanned=150"]);
    }
    let world = two_pages();
    world.simulator.github().add_fault(used_up("GET", second));
    let ended = world.pass().input("fail-on", "open").run();
    assert_eq!(ended.code, Some(1), "{}", ended.log);
    assert_eq!(ended.output("result"), "unread");
}

#[test]
fn an_unread_part_that_may_expire_within_12_hours_is_an_error() {
    // Enterprise Server redelivers for 7 days, and so does this one by its address.
    for (checkpoint, error) in [
        (Some(6), false),
        (Some(6 * 24 + 11), false),
        (Some(6 * 24 + 13), true),
        (None, true),
    ] {
        let world = World::new();
        world.log_healthy(150, 1);
        world
            .simulator
            .github()
            .add_fault(used_up("GET", "cursor="));
        let pass = match checkpoint {
            Some(hours) => {
                world.set_variable(&ago(hours * HOUR).timestamp_millis().to_string());
                world.pass()
            }
            None => world.bare_pass(),
        };
        let ended = pass.run();
        if error {
            let ended = ended.failure("not read back to ");
            names_what_was_not_read(&ended, &format!("acme webhook {}", world.hook));
        } else {
            ended.success().outputs(&["result=unread"]);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_log_that_was_not_read_for_a_day_is_an_error() {
    for (hours, result) in [(20, PassResult::Unread), (25, PassResult::Error)] {
        let world = VirtualWorld::new();
        let other = world.add_webhook("https://chat.example.com");
        world.log(Attempt::ok(guid(1), start()));
        let report = world.pass(&[]).await;
        assert_eq!(report.result(), PassResult::Healthy);
        advance(Duration::from_secs(hours * 3_600)).await;
        let reset = start() + TimeDelta::hours(hours as i64) + TimeDelta::minutes(50);
        let fault = Fault::on("GET", &format!("/hooks/{other}/deliveries"))
            .status(403, "")
            .header("x-ratelimit-limit", "5000")
            .header("x-ratelimit-remaining", "0")
            .header("x-ratelimit-reset", &reset.timestamp().to_string());
        world.github().add_fault(fault);
        let report = world.pass(&[]).await;
        assert_eq!(report.result(), result, "{:?}", report.errors);
        let name = format!("acme webhook {other}");
        assert_eq!(
            report.unread().collect::<Vec<_>>(),
            std::slice::from_ref(&name)
        );
        if result == PassResult::Error {
            let since = format!("{name}: not read since 2026-11-22 12:00 UTC because GitHub's");
            assert!(report.errors[0].starts_with(&since), "{:?}", report.errors);
        }
    }
}

#[test]
fn one_of_two_organizations_that_was_not_read_is_named() {
    let world = two_pages();
    {
        let mut github = world.simulator.github();
        github.add_organization("globex");
        let globex = Owner::Organization("globex".into());
        github.add_webhook(globex, Webhook::new("https://ci.globex.com"));
        // The limit is met once the other organization's log is read.
        github
            .add_fault(used_up("GET", "/orgs/globex/hooks").delay_headers(Duration::from_secs(1)));
    }
    world.log(Attempt::failed(guid(1), ago(2 * HOUR)));
    let ended = world
        .pass()
        .input("organization", "acme, globex")
        .run()
        .success()
        .outputs(&["result=unread", "scanned=151"]);
    names_what_was_not_read(&ended, "the webhooks of globex");
}

const APP: [(&str, &str); 4] = [
    ("INPUT_TOKEN", ""),
    ("INPUT_ORGANIZATION", "*"),
    ("INPUT_CLIENT_ID", CLIENT_ID),
    ("INPUT_PRIVATE_KEY", TestKey::APP.pkcs1_pem),
];

/// An App on acme and globex, each with a webhook.
fn app_on_two() -> VirtualWorld {
    let world = VirtualWorld::new();
    let permissions = [
        ("organization_hooks", "write"),
        ("actions_variables", "write"),
    ];
    let mut github = world.github();
    github.add_app(App::new(7, CLIENT_ID, TestKey::APP.public_der));
    github.add_organization("globex");
    github.install(Installation::new("acme", &permissions));
    github.install(Installation::new("globex", &permissions));
    let globex = Owner::Organization("globex".into());
    github.add_webhook(globex, Webhook::new("https://ci.globex.com"));
    drop(github);
    world
}

#[tokio::test(start_paused = true)]
async fn an_organization_that_was_not_looked_at_for_a_day_is_an_error() {
    for (hours, result) in [(20, PassResult::Unread), (25, PassResult::Error)] {
        let world = app_on_two();
        let report = world.pass(&APP).await;
        assert_eq!(report.result(), PassResult::Healthy, "{:?}", report.errors);
        advance(Duration::from_secs(hours * 3_600)).await;
        let fault = Fault::on("GET", "/orgs/globex/hooks").status(429, "");
        world
            .github()
            .add_fault(fault.header("retry-after", "3600"));
        let report = world.pass(&APP).await;
        assert_eq!(report.result(), result, "{:?}", report.errors);
        let unread: Vec<String> = report.unread().collect();
        assert_eq!(unread, ["the webhooks of globex"]);
        if result == PassResult::Error {
            let since = "the webhooks of globex: not read since 2026-11-22 12:00 UTC because";
            assert!(report.errors[0].starts_with(since), "{:?}", report.errors);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_organization_of_the_app_that_may_not_be_read_is_named() {
    let world = app_on_two();
    let refused = r#"{"message":"Resource not accessible by integration"}"#;
    let fault = Fault::on("GET", "/orgs/globex/hooks").always();
    world.github().add_fault(fault.status(403, refused));
    let report = world.pass(&APP).await;
    assert_eq!(report.errors, [""; 0]);
    assert_eq!(report.result(), PassResult::Unread, "{:?}", report.warnings);
    let unread: Vec<String> = report.unread().collect();
    assert_eq!(unread, ["the webhooks of globex"]);
}

#[test]
fn a_scan_of_pages_that_never_get_older_ends_with_a_message() {
    let world = World::new();
    let row = format!(
        r#"[{{"id":1,"guid":"{}","delivered_at":"{}","redelivery":false,"status":"OK","status_code":200,"event":"push"}}]"#,
        guid(1),
        ago(5).to_rfc3339()
    );
    for n in 1..200 {
        let next = format!(
            "{}/orgs/acme/hooks/{}/deliveries?per_page=100&cursor=v1_{n}",
            world.simulator.url(),
            world.hook
        );
        let fault = Fault::on("GET", "/deliveries?").nth(n).status(200, &row);
        world.simulator.github().add_fault(fault.link_next(&next));
    }
    world
        .pass()
        .run()
        .failure("page after page of its log is no older than the one before");
    assert!(world.requests("/deliveries?") <= 110);
}

#[test]
fn requests_in_flight_at_the_time_limit_end_soon_after() {
    let drip = || Fault::on("GET", "/deliveries?").drip_body(1, Duration::from_millis(200));
    for (fault, redelivered, result) in [
        (drip(), "0", "error"),
        (Fault::on("GET", "/deliveries?").hang(), "0", "error"),
        (Fault::on("GET", "cursor=").hang(), "0", "unread"),
        (Fault::on("POST", "/attempts").hang(), "0", "open"),
    ] {
        let world = two_pages();
        if result == "open" {
            world.log(Attempt::failed(guid(1), ago(HOUR)));
        }
        world.simulator.github().add_fault(fault);
        let began = world.now();
        let ended = world.pass().input("time-limit", "1s").run();
        let took = world.now() - began;
        assert!(took < TimeDelta::seconds(9), "{took}:\n{}", ended.log);
        let redelivered = format!("redelivered={redelivered}");
        let ended = ended.outputs(&[&format!("result={result}"), &redelivered]);
        assert_eq!(
            ended.code,
            Some(i32::from(result == "error")),
            "{}",
            ended.log
        );
        // The checkpoint is written all the same.
        let github = world.simulator.github();
        let state = github.variable(REPOSITORY, &format!("{VARIABLE}_STATE"));
        assert!(state.is_some(), "{}", ended.log);
    }
}

#[test]
fn a_first_pass_leaves_the_last_tenth_of_the_limit_to_others_beyond_the_newest_page() {
    let world = World::new();
    world.log_healthy(150, 1);
    let reset = Utc::now() + TimeDelta::minutes(50);
    world
        .simulator
        .github()
        .set_rate_limit_used(TOKEN, 4_700, reset);
    // Without a checkpoint all but the newest page is old, and leaves the last tenth to others.
    let ended = world.pass().run().success();
    let ended = ended.outputs(&["result=unread", "scanned=100", "errors=0"]);
    names_what_was_not_read(&ended, &format!("acme webhook {}", world.hook));
    assert!(world.checkpoint().unwrap() < ago(DAY - HOUR));
}

#[test]
fn an_older_original_that_was_not_reached_is_unread_but_no_error() {
    let world = World::new();
    world.set_variable(&ago(3 * HOUR).timestamp_millis().to_string());
    world.log_healthy(500, 1);
    world.log(Attempt::failed(guid(1), ago(DAY)));
    world.log(Attempt::failed(guid(1), ago(30)).redelivery());
    let reset = Utc::now() + TimeDelta::minutes(50);
    let mut github = world.simulator.github();
    github.set_rate_limit_used(TOKEN, 4_550, reset);
    drop(github);
    let ended = world.pass().run().success();
    ended.outputs(&["result=unread", "errors=0", "failed=1", "open=1"]);
}
