//! Errors of GitHub are reported, and cost no more requests than necessary.

use chrono::TimeDelta;
use simulated_github::{Access, Attempt, Fault, Level, guid};

use crate::virtual_world::{VirtualWorld, start};
use crate::world::{HOUR, World, ago};

#[test]
fn a_wrong_token_is_named_as_such() {
    let world = World::new();
    let ended = world.pass().input("token", "ghp_wrong").run();
    ended
        .failure("the webhooks of `acme`: GitHub answered 401 `Bad credentials`")
        .says("The token is wrong, expired or revoked: store a new one")
        .outputs(&["failed=0", "scanned=0", "checkpoint=", "errors=2"]);
}

#[test]
fn an_unknown_webhook_is_named() {
    let world = World::new();
    let ended = world.pass().input("hook-id", "42").run();
    ended
        .failure("webhook 42 of `acme`: GitHub answered 404 `Not Found`")
        .says(
            "check the name, and give the token the scope `admin:org_hook` of an owner of `acme`",
        );
    assert_eq!(world.variable(), None);
}

#[test]
fn an_organization_that_is_hidden_does_not_stop_the_others() {
    let world = World::new();
    let start = ago(HOUR).timestamp_millis().to_string();
    world.set_variable(&start);
    let failed = world.log(Attempt::failed(guid(1), ago(10)));
    let ended = world.pass().input("organization", "acme,hidden").run();
    ended
        .failure("the webhooks of `hidden`: GitHub answered 404")
        .outputs(&["redelivered=1"]);
    assert_eq!(world.redelivered(), [failed]);
    assert_eq!(world.variable(), Some(start), "what was not read holds it");
}

#[test]
fn an_organization_without_an_active_webhook_is_an_error() {
    let world = World::new();
    world.simulator.github().webhook_mut(world.hook).active = false;
    let ended = world.pass().run();
    ended.failure("the webhooks of `acme`: GitHub shows none that is active (1 inactive)");
    let ended = world.pass().input("hook-id", &world.hook.to_string()).run();
    ended.failure("is not active, so GitHub delivers nothing to it");
}

#[test]
fn a_read_only_token_stops_after_three_requests() {
    let world = World::new();
    let access = Access::nothing()
        .organization_webhooks("acme", Level::Read)
        .variables("acme/ops", Level::Write);
    world
        .simulator
        .github()
        .add_token("github_pat_reader", access);
    for n in 0..10 {
        world.log(Attempt::failed(guid(n), ago(HOUR)));
    }
    let ended = world.pass().input("token", "github_pat_reader").run();
    ended
        .failure("GitHub answered 403 `Resource not accessible by personal access token`")
        .says("A permission is missing: give the token the organization permission Webhooks")
        .outputs(&["failed=10", "redelivered=0", "open=10", "errors=1"]);
    assert_eq!(world.requests("/attempts"), 3);
}

#[test]
fn fail_on_never_reports_and_succeeds() {
    let world = World::new();
    let ended = world
        .pass()
        .input("token", "ghp_wrong")
        .input("fail-on", "never")
        .run();
    ended
        .success()
        .outputs(&["result=error", "errors=2"])
        .says("::error::");
}

#[test]
fn an_unclear_redelivery_is_looked_up_in_the_log_and_not_repeated() {
    let world = World::new();
    world.log(Attempt::failed(guid(1), ago(20)));
    world.log(Attempt::failed(guid(2), ago(10)));
    let fault = Fault::on("POST", "/attempts")
        .status(502, "<html>bad</html>")
        .act_first();
    world.simulator.github().add_fault(fault);
    let ended = world.pass().run().success();
    ended.outputs(&["redelivered=1", "errors=0", "result=recovered"]);
    assert_eq!(world.requests("/attempts"), 2);
}

#[test]
fn hostile_messages_of_github_stay_plain_text() {
    let world = World::new();
    let at = ago(10);
    let hostile = "::error::boo ##[error]boo\n::set-output name=result::x";
    world.log(
        Attempt::failed(guid(1), at)
            .with_status(hostile, 500)
            .event(hostile, Some("`|<img src=x>")),
    );
    let body = r#"{"message":"\n::error::boo\r##[error]boo <img>"}"#;
    let fault = Fault::on("POST", "/attempts").status(422, body);
    world.simulator.github().add_fault(fault);
    let ended = world.pass().input("fail-on", "open").run();
    let ended = ended.outputs(&["result=open"]);
    let starts = |line: &&str| line.trim_start().starts_with("::error");
    let annotations: Vec<&str> = ended.log.lines().filter(starts).collect();
    assert_eq!(annotations.len(), 1, "{annotations:?}");
    assert!(annotations[0].starts_with("::error::Recovered 0 of 1 "));
    assert!(!ended.log.contains("##["), "{}", ended.log);
    assert!(ended.outputs.len() == 11, "{:?}", ended.outputs);
}

#[test]
fn unclear_responses_in_a_row_pause_redelivery() {
    let world = World::new();
    for n in 0..10 {
        world.log(Attempt::failed(guid(n), ago(20)));
    }
    let fault = Fault::on("POST", "/attempts").always().status(502, "");
    world.simulator.github().add_fault(fault);
    let ended = world.pass().input("time-limit", "1s").run().success();
    ended.outputs(&["failed=10", "redelivered=0", "open=10"]);
    assert_eq!(world.requests("/attempts"), 3);
}

#[test]
fn on_a_server_every_error_has_a_line() {
    let world = World::new();
    let organizations: Vec<String> = (0..60).map(|n| format!("hidden-{n}")).collect();
    let run = world.bare_pass().unset("GITHUB_ACTIONS");
    let ended = run.input("organization", &organizations.join(",")).run();
    for organization in organizations {
        let line = format!("error: the webhooks of `{organization}`: GitHub answered 404");
        assert!(ended.log.contains(&line), "{}", ended.log);
    }
}

#[test]
fn a_server_in_trouble_is_an_error_that_names_its_status() {
    let world = World::new();
    let fault = Fault::on_any_path("*").always().status(503, "");
    let fault = fault.header("retry-after", "3600");
    world.simulator.github().add_fault(fault);
    let began = world.now();
    let ended = world.pass().run().says("GitHub answered 503");
    assert_eq!(ended.code, Some(1), "{}", ended.log);
    assert_eq!(ended.output("result"), "error");
    assert!(!ended.log.contains("limit is reached"), "{}", ended.log);
    assert!(
        world.now() - began < TimeDelta::seconds(5),
        "it waits for nothing"
    );
}

#[tokio::test(start_paused = true)]
async fn retry_after_of_a_failing_server_is_obeyed() {
    for (retry_after, wait, errors) in [("40", 40, 0), ("301", 0, 1), ("nonsense", 0, 0)] {
        let world = VirtualWorld::new();
        world.log_failures(world.hook, 3, start());
        let fault = Fault::on("GET", "/deliveries?").status(503, "<html>");
        world
            .github()
            .add_fault(fault.header("retry-after", retry_after));
        let began = tokio::time::Instant::now();
        let report = world.pass(&[]).await;
        assert_eq!(report.errors.len(), errors, "{:?}", report.errors);
        let took = began.elapsed().as_secs();
        assert!((wait..wait + 5).contains(&took), "{retry_after}: {took}");
    }
}
