//! Tokens of installations.

use chrono::TimeDelta;
use http::Method;
use serde_json::{Value, json};
use simulated_github::{Installation, Owner, Webhook};

use crate::client::{Got, World};

pub(crate) const HOOKS: [(&str, &str); 3] = [
    ("organization_hooks", "write"),
    ("repository_hooks", "read"),
    ("actions_variables", "write"),
];

pub(crate) fn world() -> World {
    let mut world = World::new();
    world.as_app();
    world
}

pub(crate) fn install(world: &World, installation: Installation) -> u64 {
    world.simulator.github().install(installation)
}

pub(crate) fn mint(world: &World, installation: u64, body: Option<Value>) -> Got {
    world.post(
        &format!("/app/installations/{installation}/access_tokens"),
        body,
    )
}

/// Sends the following requests with a new token of the installation.
fn use_token(world: &mut World, installation: u64, body: Option<Value>) {
    let got = mint(world, installation, body);
    assert_eq!(got.status, 201);
    world.token = Some(got.json()["token"].as_str().unwrap().to_owned());
}

pub(crate) fn said(got: &Got) -> (u16, String) {
    (got.status, got.message())
}

fn not_by_integration() -> (u16, String) {
    (403, "Resource not accessible by integration".to_owned())
}

#[test]
fn a_token_has_what_was_asked_for_and_the_record_says_so() {
    for mut world in [World::new(), World::enterprise_server()] {
        world.as_app();
        let id = install(&world, Installation::new("acme", &HOOKS));
        let whole = mint(&world, id, None).json();
        assert_eq!(whole["repository_selection"], "all");
        assert_eq!(whole["permissions"]["organization_hooks"], "write");
        assert_eq!(whole["repositories"], Value::Null);
        assert_eq!(
            whole["expires_at"],
            json!(world.clock.now() + TimeDelta::hours(1))
        );
        let ops = world.simulator.github().repository_id("acme/ops").unwrap();
        world.clock.advance(TimeDelta::seconds(1));
        for body in [
            json!({ "permissions": { "repository_hooks": "read" }, "repositories": ["OPS"] }),
            json!({ "permissions": { "repository_hooks": "read" }, "repository_ids": [ops] }),
        ] {
            let part = mint(&world, id, Some(body)).json();
            assert_eq!(part["repository_selection"], "selected");
            assert_eq!(
                part["permissions"],
                json!({ "metadata": "read", "repository_hooks": "read" })
            );
            assert_eq!(part["repositories"][0]["full_name"], "acme/ops");
            let github = world.simulator.github();
            let minted = github.minted().last().unwrap();
            assert_eq!(minted.installation, id);
            assert_eq!(minted.repositories, ["acme/ops"]);
            assert_eq!(json!(minted.permissions), part["permissions"]);
            assert_eq!(minted.token, part["token"].as_str().unwrap());
            assert_eq!(minted.at, world.clock.now());
        }
        let github = world.simulator.github();
        assert_eq!(github.minted().len(), 3);
        assert!(github.minted()[0].repositories.is_empty());
        assert!(
            github
                .minted()
                .iter()
                .all(|minted| minted.token.len() == 40 && minted.token.starts_with("ghs_"))
        );
        assert_ne!(github.minted()[0].token, github.minted()[1].token);
        drop(github);
        world.assert_as_described();
    }
}

#[test]
fn more_than_was_granted_is_refused() {
    let world = world();
    let id = install(&world, Installation::new("acme", &HOOKS).selected(&["ops"]));
    world.simulator.github().add_repository("acme", "other");
    let not_granted = "The permissions requested are not granted to this installation.";
    for (permissions, wanted) in [
        (json!({ "repository_hooks": "read" }), 201),
        (json!({ "organization_hooks": "read" }), 201),
        (json!({ "repository_hooks": "write" }), 422),
        (json!({ "administration": "read" }), 422),
        (json!({ "organization_hooks": "all" }), 422),
    ] {
        let got = mint(&world, id, Some(json!({ "permissions": permissions })));
        assert_eq!(got.status, wanted, "{permissions}");
        if wanted == 422 {
            assert_eq!(got.message(), not_granted);
        }
    }
    for (name, wanted) in [("ops", 201), ("other", 422), ("none", 422)] {
        let got = mint(&world, id, Some(json!({ "repositories": [name] })));
        assert_eq!(got.status, wanted, "{name}");
    }
    assert_eq!(mint(&world, id, Some(json!("x"))).status, 400);
    assert_eq!(mint(&world, id + 1, None).status, 404);
    assert_eq!(world.simulator.github().minted().len(), 3);
}

#[test]
fn a_suspended_installation_gets_no_tokens_and_its_tokens_stop() {
    let mut world = world();
    let id = install(&world, Installation::new("acme", &HOOKS));
    let web_token = world.token.clone();
    use_token(&mut world, id, None);
    assert_eq!(world.get("/orgs/acme/hooks").status, 200);
    world.simulator.github().suspend(id);
    let suspended = (403, "This installation has been suspended".to_owned());
    assert_eq!(said(&world.get("/orgs/acme/hooks")), suspended);
    world.token = web_token;
    assert_eq!(said(&mint(&world, id, None)), suspended);
    assert_ne!(
        world.get("/orgs/acme/installation").json()["suspended_at"],
        Value::Null
    );
    let other = install(&world, Installation::new("beta", &HOOKS).suspended());
    assert_eq!(said(&mint(&world, other, None)), suspended);
    world.assert_as_described();
}

#[test]
fn a_token_stops_with_its_installation() {
    let mut world = world();
    let id = install(&world, Installation::new("acme", &HOOKS));
    use_token(&mut world, id, None);
    world.simulator.github().uninstall(id);
    assert_eq!(
        said(&world.get("/orgs/acme/hooks")),
        (401, "Bad credentials".to_owned())
    );
}

#[test]
fn a_token_stops_at_its_expiry() {
    let mut world = world();
    world.simulator.github().installation_token_lifetime = TimeDelta::minutes(5);
    let id = install(&world, Installation::new("acme", &HOOKS));
    use_token(&mut world, id, None);
    world.clock.advance(TimeDelta::seconds(299));
    let got = world.get("/orgs/acme/hooks");
    assert_eq!(got.status, 200);
    // That header is for the tokens of people.
    assert_eq!(got.header("github-authentication-token-expiration"), None);
    world.clock.advance(TimeDelta::seconds(1));
    assert_eq!(
        said(&world.get("/orgs/acme/hooks")),
        (401, "Bad credentials".to_owned())
    );
    world.assert_as_described();
}

#[test]
fn a_token_may_do_what_it_was_made_for_and_no_more() {
    let mut world = world();
    let (organization_hook, row) = world.failed_attempt();
    let (hook, repository_row) = world.failed_repository_attempt();
    let id = install(&world, Installation::new("acme", &HOOKS));
    let web_token = world.token.clone();
    use_token(&mut world, id, None);
    let repository_attempt =
        format!("/repos/acme/ops/hooks/{hook}/deliveries/{repository_row}/attempts");
    assert_eq!(world.redeliver(organization_hook, row).status, 202);
    assert_eq!(world.get("/repos/acme/ops/hooks").status, 200);
    assert_eq!(
        said(&world.post(&repository_attempt, None)),
        not_by_integration()
    );
    let variable = json!({ "name": "A", "value": "1" });
    let variables = "/repos/acme/ops/actions/variables";
    assert_eq!(world.post(variables, Some(variable.clone())).status, 201);

    world.token = web_token;
    use_token(
        &mut world,
        id,
        Some(json!({ "permissions": { "organization_hooks": "read" } })),
    );
    assert_eq!(world.get("/orgs/acme/hooks").status, 200);
    assert_eq!(
        said(&world.redeliver(organization_hook, row)),
        not_by_integration()
    );
    assert_eq!(
        said(&world.get("/repos/acme/ops/hooks")),
        not_by_integration()
    );
    assert_eq!(
        said(&world.post(variables, Some(variable))),
        not_by_integration()
    );
    assert!(world.simulator.github().requested(hook).is_empty());
    world.assert_as_described();
}

#[test]
fn a_token_is_for_one_account_and_its_chosen_repositories() {
    let mut world = world();
    {
        let mut github = world.simulator.github();
        github.add_repository("acme", "other");
        github.add_organization("beta");
        github.add_repository("beta", "ops");
        let owner = Owner::Repository {
            owner: "acme".to_owned(),
            name: "ops".to_owned(),
        };
        github.add_webhook(owner, Webhook::new("https://ci.example.com/hook"));
    }
    let all = install(&world, Installation::new("acme", &HOOKS));
    let web_token = world.token.clone();
    let statuses = |world: &World| {
        [
            "/orgs/acme/hooks",
            "/repos/acme/ops/hooks",
            "/repos/acme/other/hooks",
            "/orgs/beta/hooks",
            "/repos/beta/ops/hooks",
        ]
        .map(|path| world.get(path).status)
    };
    use_token(&mut world, all, None);
    assert_eq!(statuses(&world), [200, 200, 200, 403, 403]);
    assert_eq!(world.get("/repos/acme/none/hooks").status, 404);
    world.token = web_token.clone();
    use_token(&mut world, all, Some(json!({ "repositories": ["ops"] })));
    assert_eq!(statuses(&world), [200, 200, 403, 403, 403]);
    world.simulator.github().uninstall(all);
    world.token = web_token;
    let selected = install(
        &world,
        Installation::new("acme", &HOOKS).selected(&["other"]),
    );
    use_token(&mut world, selected, None);
    assert_eq!(statuses(&world), [200, 403, 200, 403, 403]);
}

#[test]
fn a_token_lists_the_repositories_it_is_for() {
    for mut world in [World::new(), World::enterprise_server()] {
        world.as_app();
        world.simulator.github().add_repository("acme", "app");
        world.simulator.github().add_repository("beta", "ops");
        let id = install(&world, Installation::new("acme", &HOOKS));
        let web_token = world.token.clone();
        let names = |world: &World| {
            let got = world.get("/installation/repositories").json();
            let names: Vec<Value> = got["repositories"]
                .as_array()
                .unwrap()
                .iter()
                .map(|row| row["full_name"].clone())
                .collect();
            (got["total_count"].as_u64().unwrap(), names)
        };
        use_token(&mut world, id, None);
        assert_eq!(
            names(&world),
            (2, vec![json!("acme/app"), json!("acme/ops")])
        );
        let got = world.get("/installation/repositories?per_page=1");
        assert_eq!(got.json()["total_count"], 2);
        assert_eq!(
            world.get(&got.link("next").unwrap()).json()["repositories"][0]["name"],
            "ops"
        );
        assert_eq!(got.json()["repositories"][0]["permissions"]["admin"], false);
        assert_eq!(said(&world.get("/user/repos")), not_by_integration());
        world.token = web_token;
        use_token(&mut world, id, Some(json!({ "repositories": ["ops"] })));
        assert_eq!(names(&world), (1, vec![json!("acme/ops")]));
        world.assert_as_described();
    }
}

#[test]
fn repositories_of_an_installation_are_listed_for_its_tokens_alone() {
    let mut world = world();
    let message = "You must authenticate with an installation access token in order to list repositories for an installation.";
    assert_eq!(
        said(&world.get("/installation/repositories")),
        (403, message.to_owned())
    );
    world.token = Some(crate::client::TOKEN.to_owned());
    assert_eq!(
        said(&world.get("/installation/repositories")),
        (403, message.to_owned())
    );
    let got = world.send(Method::POST, "/installation/repositories", None);
    assert_eq!(got.status, 404);
}
