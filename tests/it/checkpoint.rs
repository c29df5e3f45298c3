//! The start of a pass, and the checkpoint that it leaves for the next.

use simulated_github::{Access, Attempt, Fault, Level, guid};

use crate::world::{DAY, HOUR, REPOSITORY, TOKEN, VARIABLE, World, ago};

#[test]
fn a_missing_checkpoint_is_created_and_the_last_24_hours_are_read() {
    let world = World::new();
    let inside = world.log(Attempt::failed(guid(1), ago(DAY - 5)));
    world.log(Attempt::failed(guid(2), ago(DAY + 5)));
    world.pass().run().success().outputs(&["failed=1"]);
    assert_eq!(world.redelivered(), [inside]);
    let writes = world.writes();
    assert_eq!(writes[0], "POST /repos/acme/ops/actions/variables");
    assert!(
        writes[1].contains("/attempts"),
        "written before the first redelivery: {writes:?}"
    );
    assert_eq!(
        writes[2],
        format!("PATCH /repos/acme/ops/actions/variables/{VARIABLE}")
    );
}

#[test]
fn milliseconds_as_the_docs_script_stores_them_are_read_and_written() {
    let world = World::new();
    world.set_variable(&ago(2 * HOUR).timestamp_millis().to_string());
    let inside = world.log(Attempt::failed(guid(1), ago(2 * HOUR + 20)));
    world.log(Attempt::failed(guid(2), ago(2 * HOUR + 40)));
    world.pass().run().success();
    assert_eq!(world.redelivered(), [inside]);
    let stored = world.variable().unwrap();
    assert!(
        stored.len() == 13 && stored.bytes().all(|byte| byte.is_ascii_digit()),
        "{stored}"
    );
}

#[test]
fn rfc_3339_is_read_too() {
    let world = World::new();
    world.set_variable(&ago(2 * HOUR).to_rfc3339());
    let inside = world.log(Attempt::failed(guid(1), ago(2 * HOUR + 20)));
    world.log(Attempt::failed(guid(2), ago(2 * HOUR + 40)));
    world.pass().run().success();
    assert_eq!(world.redelivered(), [inside]);
}

#[test]
fn an_invalid_checkpoint_is_an_error_that_names_variable_and_value() {
    for nonsense in ["yesterday", "1795262400", "4102444800000"] {
        let world = World::new();
        world.set_variable(nonsense);
        world.log(Attempt::failed(guid(1), ago(5)));
        let named =
            format!("checkpoint variable `{VARIABLE}` in `acme/ops` holds `{nonsense}`, which");
        world.pass().run().failure(&named);
        assert_eq!(world.writes(), [""; 0]);
        assert_eq!(
            world.variable().as_deref(),
            Some(nonsense),
            "nothing is lost"
        );
    }
}

#[test]
fn without_permission_for_the_variable_nothing_is_redelivered() {
    for level in [Level::None, Level::Read] {
        let world = World::new();
        let access = Access::nothing()
            .organization_webhooks("acme", Level::Write)
            .variables(REPOSITORY, level);
        world
            .simulator
            .github()
            .add_token("github_pat_webhooks", access);
        world.log(Attempt::failed(guid(1), ago(5)));
        world
            .pass()
            .input("token", "github_pat_webhooks")
            .run()
            .failure("nothing was redelivered: checkpoint variable `LAST_REDELIVERY` in `acme/ops`: GitHub answered")
            .outputs(&["failed=1", "redelivered=0", "open=1"])
            .says("give the token the repository permission Variables: write on `acme/ops`");
        assert_eq!(world.redelivered(), [0; 0]);
    }
}

#[test]
fn a_checkpoint_that_cannot_be_moved_at_the_end_is_an_error() {
    let world = World::new();
    world.log(Attempt::failed(guid(1), ago(5)));
    let fault = Fault::on("PATCH", "/variables/").status(403, "{}");
    world.simulator.github().add_fault(fault);
    world
        .pass()
        .run()
        .failure("GitHub answered 403")
        .outputs(&["redelivered=1", "checkpoint="]);
}

#[test]
fn a_page_in_place_of_githubs_answer_stores_no_checkpoint() {
    for (method, stored) in [("POST", None), ("PATCH", Some(ago(60)))] {
        let world = World::new();
        let stored = stored.map(|time| time.timestamp_millis().to_string());
        stored.iter().for_each(|value| world.set_variable(value));
        let page = Fault::on(method, "/variables").status(200, "<html><title>Sign in</title>");
        world.simulator.github().add_fault(page.always());
        world
            .pass()
            .run()
            .failure("it is the page `Sign in`")
            .outputs(&["result=error", "checkpoint="]);
        assert_eq!(world.variable(), stored, "{method}");
    }
}

#[test]
fn a_checkpoint_that_a_limit_keeps_in_place_is_a_warning() {
    let world = World::new();
    world.log(Attempt::failed(guid(1), ago(5)));
    let limit =
        Fault::on("PATCH", "/variables/").status(403, r#"{"message":"secondary rate limit"}"#);
    let limit = limit.header("retry-after", "3600");
    world.simulator.github().add_fault(limit.times(3));
    world
        .pass()
        .run()
        .success()
        .outputs(&["redelivered=1", "errors=0", "checkpoint="])
        .says("::warning::The checkpoint was not moved: ");
}

#[test]
fn a_limit_before_the_checkpoint_is_read_is_an_error() {
    let world = World::new();
    world.log(Attempt::failed(guid(1), ago(5)));
    let limit =
        Fault::on("GET", "/variables/").status(403, r#"{"message":"secondary rate limit"}"#);
    let limit = limit.header("retry-after", "3600");
    world.simulator.github().add_fault(limit);
    world
        .pass()
        .run()
        .failure("no delivery log was read because GitHub's rate limit is reached")
        .outputs(&["errors=1", "checkpoint="])
        .says("::warning::GitHub's rate limit is reached");
    assert_eq!(world.redelivered(), [0; 0]);
}

#[test]
fn a_state_that_cannot_be_stored_is_a_warning() {
    let world = World::new();
    world.set_variable(&ago(2 * HOUR).timestamp_millis().to_string());
    world.log(Attempt::failed(guid(1), ago(5)));
    let fault = Fault::on("POST", "/variables").status(403, "{}");
    world.simulator.github().add_fault(fault);
    let ended = world.pass().run().success();
    ended
        .outputs(&["redelivered=1", "errors=0"])
        .says("::warning::The state was not saved, so the next pass will read more of the log: ");
    assert!(world.checkpoint().unwrap() > ago(1));
}

#[test]
fn a_variable_that_another_process_creates_meanwhile_is_updated() {
    let world = World::new();
    world.set_variable(&ago(5).timestamp_millis().to_string());
    let missing = r#"{"message":"Not Found","documentation_url":"https://docs.github.com/rest","status":"404"}"#;
    let fault = Fault::on("GET", "/variables/").status(404, missing);
    world.simulator.github().add_fault(fault);
    world.pass().run().success();
    assert!(world.checkpoint().unwrap() > ago(1));
}

#[test]
fn a_webhook_that_cannot_be_read_holds_the_checkpoint() {
    let world = World::new();
    let start = ago(2 * HOUR).timestamp_millis().to_string();
    world.set_variable(&start);
    let broken = world.add_webhook();
    let failed = world.log(Attempt::failed(guid(1), ago(10)));
    let path = format!("/hooks/{broken}/deliveries");
    world
        .simulator
        .github()
        .add_fault(Fault::on("GET", &path).status(404, "{}"));
    world.pass().run().failure("GitHub answered 404").outputs(&[
        "redelivered=1",
        "errors=1",
        "checkpoint=",
    ]);
    assert_eq!(world.redelivered(), [failed], "the others are served");
    assert_eq!(world.variable(), Some(start));
}

#[test]
fn deliveries_read_before_a_scan_breaks_off_are_redelivered() {
    let world = World::new();
    world.log_healthy(250, 20);
    let whole = world.log(Attempt::failed(guid(1), ago(10)));
    world.log(Attempt::failed(guid(2), ago(5)).redelivery());
    let fault = Fault::on("GET", "cursor=").nth(2).status(404, "{}");
    world.simulator.github().add_fault(fault);
    let ended = world.pass().run().failure("GitHub answered 404");
    ended
        .outputs(&["failed=2", "redelivered=1", "open=1", "recovered=1"])
        .says("then reading broke off");
    assert_eq!(world.redelivered(), [whole]);
}

#[test]
fn a_checkpoint_older_than_retention_is_a_gap() {
    let world = World::new();
    world.set_variable(&ago(9 * DAY).timestamp_millis().to_string());
    let ended = world
        .pass()
        .run()
        .lost()
        .outputs(&["result=lost", "failed=0"]);
    ended.says("::warning::The last checkpoint is older than GitHub redelivers");
}

#[test]
fn a_one_off_leaves_the_checkpoint_alone() {
    let world = World::new();
    let start = ago(HOUR).timestamp_millis().to_string();
    world.set_variable(&start);
    let old = world.log(Attempt::failed(guid(1), ago(2 * DAY)));
    let ended = world.pass().input("since", "3d").run().success();
    ended.outputs(&["failed=1", "redelivered=1", "checkpoint="]);
    assert_eq!(world.redelivered(), [old]);
    assert_eq!(world.variable(), Some(start));
}

#[test]
fn without_a_checkpoint_the_whole_retention_is_read() {
    let world = World::enterprise_server();
    let token = Access::nothing().organization_webhooks("acme", Level::Write);
    world
        .simulator
        .github()
        .add_token("github_pat_webhooks", token);
    let old = world.log(Attempt::failed(guid(1), ago(6 * DAY)));
    let ended = world
        .bare_pass()
        .input("token", "github_pat_webhooks")
        .run()
        .success();
    ended.outputs(&["failed=1", "checkpoint="]);
    assert_eq!(world.redelivered(), [old]);
    assert_eq!(world.requests("/variables"), 0);
}

#[test]
fn the_checkpoint_may_be_in_another_repository() {
    let world = World::new();
    world.simulator.github().add_repository("acme", "state");
    let named = world.pass().input("checkpoint-repository", "acme/state");
    named.input("token", TOKEN).run().success();
    let stored = world.simulator.github().variable("acme/state", VARIABLE);
    assert!(stored.is_some());
    assert_eq!(world.variable(), None);
}

#[test]
fn a_one_off_ignores_a_broken_checkpoint() {
    let world = World::new();
    world.set_variable("nonsense");
    world.log(Attempt::failed(guid(1), ago(HOUR)));
    world
        .pass()
        .input("since", "2h")
        .run()
        .success()
        .outputs(&["redelivered=1"]);
    assert_eq!(world.variable().as_deref(), Some("nonsense"));
}

#[test]
fn a_dry_run_says_that_the_variable_is_not_there() {
    let world = World::new();
    let ended = world.pass().input("dry-run", "true").run().success();
    ended.says("::warning::There is no checkpoint variable `LAST_REDELIVERY` in `acme/ops` yet");
}
