//! Kinds of tokens.

use chrono::{TimeDelta, TimeZone, Utc};
use serde_json::{Value, json};
use simulated_github::{Access, Level, Webhook};

use crate::client::{Got, World, organization};

const VARIABLES: &str = "/repos/acme/ops/actions/variables";

fn world_of(token: &str, access: Access) -> World {
    let mut world = World::new();
    world.simulator.github().add_token(token, access);
    world.token = Some(token.to_owned());
    world
}

fn scopes(got: &Got) -> (Option<&str>, Option<&str>) {
    (
        got.header("x-oauth-scopes"),
        got.header("x-accepted-oauth-scopes"),
    )
}

/// The paths of a repository's webhook and of the redelivery of a failed attempt.
fn repository_attempt(world: &World) -> (String, String) {
    let (hook, id) = world.failed_repository_attempt();
    let hook = format!("/repos/acme/ops/hooks/{hook}");
    let attempt = format!("{hook}/deliveries/{id}/attempts");
    (hook, attempt)
}

#[test]
fn a_classic_token_needs_the_scope_of_the_route() {
    for (scope, wanted) in [
        ("admin:org_hook", [200, 404, 404, 404, 404]),
        ("repo", [404, 200, 202, 200, 201]),
        ("public_repo", [404, 200, 202, 404, 404]),
        ("admin:repo_hook", [404, 200, 202, 404, 404]),
        ("write:repo_hook", [404, 200, 202, 404, 404]),
        ("read:repo_hook", [404, 200, 404, 404, 404]),
        ("workflow", [404, 404, 404, 404, 404]),
    ] {
        let world = world_of("ghp_some", Access::classic(&[scope]));
        let (hook, attempt) = repository_attempt(&world);
        let variable = json!({ "name": "A", "value": "1" });
        let statuses = [
            world.get("/orgs/acme/hooks").status,
            world.get(&hook).status,
            world.post(&attempt, None).status,
            world.get(VARIABLES).status,
            world.post(VARIABLES, Some(variable)).status,
        ];
        assert_eq!(statuses, wanted, "{scope}");
        world.assert_as_described();
    }
}

#[test]
fn scopes_do_not_make_a_person_an_owner() {
    let access = Access::classic(&["admin:org_hook", "repo"])
        .organization_webhooks("acme", Level::None)
        .repository_webhooks("acme/ops", Level::None)
        .variables("acme/ops", Level::None);
    let world = world_of("ghp_some", access);
    for path in ["/orgs/acme/hooks", "/repos/acme/ops/hooks", VARIABLES] {
        let got = world.get(path);
        assert_eq!(
            (got.status, got.message()),
            (404, "Not Found".to_owned()),
            "{path}"
        );
    }
}

#[test]
fn answers_tell_the_scopes_of_a_token_and_those_of_the_route() {
    let world = world_of("ghp_some", Access::classic(&["repo", "admin:org_hook"]));
    let mine = Some("repo, admin:org_hook");
    let (hook, attempt) = repository_attempt(&world);
    for (got, accepted) in [
        (world.get("/orgs/acme/hooks"), "admin:org_hook"),
        (
            world.get(&hook),
            "admin:repo_hook, public_repo, read:repo_hook, repo, write:repo_hook",
        ),
        (
            world.post(&attempt, None),
            "admin:repo_hook, public_repo, repo, write:repo_hook",
        ),
        (world.get(VARIABLES), "repo"),
        (world.get("/orgs/nobody/hooks"), "admin:org_hook"),
        (world.get("/rate_limit"), ""),
        (world.get("/nowhere"), ""),
    ] {
        assert_eq!(scopes(&got), (mine, Some(accepted)));
    }
    let none = world_of("ghp_none", Access::classic(&[]));
    assert_eq!(
        scopes(&none.get("/orgs/acme/hooks")),
        (Some(""), Some("admin:org_hook"))
    );
    assert_eq!(none.get("/orgs/acme/hooks").status, 404);
    let oauth = world_of("gho_some", Access::oauth_app("ci", &["repo"]));
    assert_eq!(scopes(&oauth.get(VARIABLES)), (Some("repo"), Some("repo")));
    let fine = world_of("github_pat_some", Access::admin());
    assert_eq!(scopes(&fine.get(VARIABLES)), (None, None));
}

#[test]
fn oauth_apps_and_everyone_else_keep_their_organization_webhooks_apart() {
    let mut world = world_of(
        "gho_ci",
        Access::oauth_app("ci", &["admin:org_hook", "repo"]),
    );
    let (plain, row) = world.failed_attempt();
    let made = world.simulator.github().add_webhook(
        organization(),
        Webhook::new("https://ci.example.com/app").made_by("ci"),
    );
    let (of_repository, _) = repository_attempt(&world);
    let listed = |world: &World| -> Vec<Value> {
        let rows = world.get("/orgs/acme/hooks").json();
        rows.as_array()
            .unwrap()
            .iter()
            .map(|row| row["id"].clone())
            .collect()
    };
    assert_eq!(listed(&world), [json!(made)]);
    assert_eq!(
        world
            .get(&format!("/orgs/acme/hooks/{made}/deliveries"))
            .status,
        200
    );
    assert_eq!(world.get(&format!("/orgs/acme/hooks/{plain}")).status, 404);
    assert_eq!(world.redeliver(plain, row).status, 404);
    assert!(world.simulator.github().requested(plain).is_empty());
    assert_eq!(world.get(&of_repository).status, 200);
    world
        .simulator
        .github()
        .add_token("gho_ci", Access::oauth_app("other", &["admin:org_hook"]));
    assert_eq!(listed(&world), [] as [Value; 0]);
    world.token = Some(crate::client::TOKEN.to_owned());
    assert_eq!(listed(&world), [json!(plain)]);
    assert_eq!(world.get(&format!("/orgs/acme/hooks/{made}")).status, 404);
    world.assert_as_described();
}

#[test]
fn a_workflows_own_token_may_use_neither_webhooks_nor_variables() {
    let world = world_of("ghs_workflow", Access::workflow("acme/ops"));
    let (hook, attempt) = repository_attempt(&world);
    let variable = json!({ "name": "A", "value": "1" });
    world.simulator.github().add_repository("acme", "other");
    for got in [
        world.get("/orgs/acme/hooks"),
        world.get(&hook),
        world.post(&attempt, None),
        world.get(VARIABLES),
        world.post(VARIABLES, Some(variable)),
        world.get("/user/repos"),
    ] {
        assert_eq!(
            (got.status, got.message()),
            (403, "Resource not accessible by integration".to_owned())
        );
    }
    let listed = || world.get("/installation/repositories").json();
    assert_eq!(
        (
            &listed()["total_count"],
            &listed()["repositories"][0]["full_name"]
        ),
        (&json!(1), &json!("acme/ops"))
    );
    assert_eq!(listed()["repositories"].as_array().unwrap().len(), 1);
    world
        .simulator
        .github()
        .rename_repository("acme/ops", "operations");
    assert_eq!(listed()["repositories"][0]["full_name"], "acme/operations");
    world.assert_as_described();
}

#[test]
fn a_token_not_authorized_for_single_sign_on_is_sent_there() {
    let url = "https://github.com/orgs/acme/sso?authorization_request=A";
    let access = Access::classic(&["admin:org_hook", "repo"]).sso_required("Acme", url);
    let world = world_of("ghp_some", access);
    world.simulator.github().add_repository("beta", "ops");
    let (hook, attempt) = repository_attempt(&world);
    let message = "Resource protected by organization SAML enforcement. You must grant your Personal Access token access to \
                   this organization.";
    for got in [
        world.get("/orgs/acme/hooks"),
        world.get(&hook),
        world.post(&attempt, None),
        world.get(VARIABLES),
        world.get("/orgs/acme/repos"),
    ] {
        assert_eq!((got.status, got.message()), (403, message.to_owned()));
        assert_eq!(
            got.header("x-github-sso"),
            Some(format!("required; url={url}").as_str())
        );
    }
    let other = world.get("/orgs/beta/hooks");
    assert_eq!((other.status, other.header("x-github-sso")), (200, None));
    let mine = world.get("/user/repos");
    assert_eq!(mine.json().as_array().unwrap().len(), 1);
    assert_eq!(mine.json()[0]["full_name"], "beta/ops");
    assert_eq!(
        mine.header("x-github-sso"),
        Some("partial-results; organizations=1")
    );
    world.assert_as_described();
}

#[test]
fn a_token_tells_when_it_expires_until_it_has() {
    let world = world_of("ghp_none", Access::nothing());
    let expiry = |got: &Got| {
        got.header("github-authentication-token-expiration")
            .map(str::to_owned)
    };
    assert_eq!(expiry(&world.get("/orgs/acme/hooks")), None);
    let at = Utc.with_ymd_and_hms(2026, 12, 1, 12, 0, 0).unwrap();
    let world = world_of("ghp_some", Access::admin().expires(at));
    for path in ["/orgs/acme/hooks", "/orgs/nobody/hooks", "/rate_limit"] {
        assert_eq!(
            expiry(&world.get(path)).as_deref(),
            Some("2026-12-01 12:00:00 UTC"),
            "{path}"
        );
    }
    world
        .clock
        .advance(at - world.clock.now() - TimeDelta::seconds(1));
    assert_eq!(world.get("/orgs/acme/hooks").status, 200);
    world.clock.advance(TimeDelta::seconds(1));
    let got = world.get("/orgs/acme/hooks");
    assert_eq!(
        (got.status, got.message()),
        (401, "Bad credentials".to_owned())
    );
    world.assert_as_described();
}
