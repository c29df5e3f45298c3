//! Permissions of tokens.

use serde_json::json;
use simulated_github::{Access, Level, Webhook};

use crate::client::{World, repository};

fn world_of(access: Access) -> World {
    let mut world = World::new();
    world.simulator.github().add_token("ghp_some", access);
    world.token = Some("ghp_some".to_owned());
    world
}

#[test]
fn a_token_that_is_missing_or_unknown_is_turned_away() {
    let mut world = World::new();
    world.token = Some("ghp_wrong".to_owned());
    let got = world.get("/orgs/acme/hooks");
    assert_eq!(
        (got.status, got.message()),
        (401, "Bad credentials".to_owned())
    );
    assert_eq!(got.json()["status"], "401");
    world.token = None;
    assert_eq!(world.get("/orgs/acme/hooks").status, 401);
    world.assert_as_described();
}

#[test]
fn a_token_that_stops_working_is_turned_away() {
    let world = World::new();
    assert_eq!(world.get("/orgs/acme/hooks").status, 200);
    world.simulator.github().remove_token(crate::client::TOKEN);
    assert_eq!(world.get("/orgs/acme/hooks").status, 401);
}

#[test]
fn what_a_token_may_not_see_is_not_found() {
    let world = world_of(Access::nothing());
    let (hook, id) = world.failed_attempt();
    for path in [
        "/orgs/acme/hooks".to_owned(),
        format!("/orgs/acme/hooks/{hook}/deliveries"),
        "/repos/acme/ops/hooks".to_owned(),
    ] {
        let got = world.get(&path);
        assert_eq!(
            (got.status, got.message()),
            (404, "Not Found".to_owned()),
            "{path}"
        );
    }
    assert_eq!(world.redeliver(hook, id).status, 404);
    assert_eq!(world.get("/repos/acme/ops/actions/variables/A").status, 404);
    world.assert_as_described();
}

#[test]
fn a_token_that_may_only_read_may_not_redeliver() {
    let world = world_of(Access::nothing().organization_webhooks("acme", Level::Read));
    let (hook, id) = world.failed_attempt();
    assert_eq!(
        world
            .get(&format!("/orgs/acme/hooks/{hook}/deliveries"))
            .status,
        200
    );
    let got = world.redeliver(hook, id);
    assert_eq!(
        (got.status, got.message()),
        (
            403,
            "Resource not accessible by personal access token".to_owned()
        )
    );
    assert!(world.simulator.github().requested(hook).is_empty());
    let world = world_of(Access::nothing().organization_webhooks("Acme", Level::Write));
    let (hook, id) = world.failed_attempt();
    assert_eq!(world.redeliver(hook, id).status, 202);
}

#[test]
fn access_to_one_repository_is_no_access_to_another_thing() {
    let world = world_of(Access::nothing().repository_webhooks("acme/ops", Level::Read));
    let hook = world
        .simulator
        .github()
        .add_webhook(repository(), Webhook::new("https://ci.example.com/hook"));
    world.simulator.github().add_repository("acme", "app");
    assert_eq!(
        world.get(&format!("/repos/acme/ops/hooks/{hook}")).status,
        200
    );
    assert_eq!(world.get("/repos/acme/app/hooks").status, 404);
    assert_eq!(world.get("/orgs/acme/hooks").status, 404);
    assert_eq!(world.get("/repos/acme/ops/actions/variables").status, 404);
}

#[test]
fn variables_can_be_read_with_less_than_they_are_written_with() {
    let world = world_of(Access::nothing().variables("acme/ops", Level::Read));
    world.simulator.github().set_variable("acme/ops", "A", "1");
    assert_eq!(world.get("/repos/acme/ops/actions/variables/A").status, 200);
    let body = json!({ "name": "B", "value": "1" });
    assert_eq!(
        world
            .post("/repos/acme/ops/actions/variables", Some(body.clone()))
            .status,
        403
    );
    let world = world_of(Access::nothing().variables("acme/ops", Level::Write));
    assert_eq!(
        world
            .post("/repos/acme/ops/actions/variables", Some(body))
            .status,
        201
    );
}

#[test]
fn the_apps_routes_are_for_the_app_alone() {
    let mut world = World::new();
    let got = world.get("/app/hook/deliveries");
    assert_eq!(
        (got.status, got.message()),
        (401, "A JSON web token could not be decoded".to_owned())
    );
    world.as_app();
    assert_eq!(world.get("/app").status, 200);
    let got = world.get("/orgs/acme/hooks");
    assert_eq!(
        (got.status, got.message()),
        (403, "Resource not accessible by integration".to_owned())
    );
    world.token = None;
    assert_eq!(world.get("/app").status, 401);
    world.assert_as_described();
}

#[test]
fn what_is_not_there_is_not_found_for_anyone() {
    let world = World::new();
    for path in [
        "/orgs/nobody/hooks",
        "/repos/acme/none/hooks",
        "/orgs/acme/hooks/17",
        "/orgs/acme/hooks/x",
        "/user",
        "/",
    ] {
        assert_eq!(world.get(path).status, 404, "{path}");
    }
    assert_eq!(world.post("/orgs/acme/hooks", Some(json!({}))).status, 404);
}

#[test]
fn both_schemes_are_taken() {
    let mut github = simulated_github::GitHub::new();
    github.add_organization("acme");
    github.add_token("t", Access::admin());
    for (value, status) in [
        ("token t", 200),
        ("bearer t", 200),
        ("Basic t", 401),
        ("t", 401),
    ] {
        let mut request = simulated_github::Request::new(http::Method::GET, "/orgs/acme/hooks");
        request
            .headers
            .insert("authorization", value.parse().unwrap());
        assert_eq!(github.respond(&request).status, status, "{value}");
    }
}
