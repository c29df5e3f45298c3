//! Lists of repositories, and repositories that got another name.

use std::time::{Duration, Instant};

use http::Method;
use serde_json::{Value, json};
use simulated_github::{Access, GitHub, Level, Owner, Request, Webhook};

use crate::client::World;

fn names(rows: &Value) -> Vec<&str> {
    rows.as_array()
        .unwrap()
        .iter()
        .map(|row| row["full_name"].as_str().unwrap())
        .collect()
}

/// `acme/ops`, `acme/old` (archived), `beta/site`, and two people with a repository each; `octocat` is the token's.
fn world(access: Access) -> World {
    world_at(World::new(), access)
}

fn world_at(mut world: World, access: Access) -> World {
    {
        let mut github = world.simulator.github();
        github.add_repository("acme", "old");
        github.archive("acme/old");
        github.add_repository("beta", "site");
        github.add_user("octocat");
        github.add_user("someone");
        github.add_repository("octocat", "hello");
        github.add_repository("someone", "dotfiles");
        github.add_token("ghp_some", access);
    }
    world.token = Some("ghp_some".to_owned());
    world
}

#[test]
fn repositories_are_listed_as_github_describes_them() {
    for world in [World::new(), World::enterprise_server()] {
        let world = world_at(world, Access::admin());
        let got = world.get("/orgs/acme/repos").json();
        assert_eq!(names(&got), ["acme/old", "acme/ops"]);
        assert_eq!(
            (&got[0]["archived"], &got[1]["archived"]),
            (&json!(true), &json!(false))
        );
        assert_eq!(
            (&got[0]["owner"]["login"], &got[0]["owner"]["type"]),
            (&json!("acme"), &json!("Organization"))
        );
        assert_eq!(
            names(&world.get("/users/someone/repos").json()),
            ["someone/dotfiles"]
        );
        assert_eq!(
            names(&world.get("/users/ACME/repos").json()),
            ["acme/old", "acme/ops"]
        );
        assert_eq!(
            names(&world.get("/user/repos").json()),
            [
                "acme/old",
                "acme/ops",
                "beta/site",
                "octocat/hello",
                "someone/dotfiles"
            ]
        );
        for path in [
            "/orgs/someone/repos",
            "/orgs/nobody/repos",
            "/users/nobody/repos",
        ] {
            assert_eq!(world.get(path).status, 404, "{path}");
        }
        assert_eq!(world.get("/orgs/acme/repos?type=private").json(), json!([]));
        assert_eq!(
            names(&world.get("/orgs/acme/repos?type=sources").json()),
            ["acme/old", "acme/ops"]
        );
        world.assert_as_described();
    }
}

#[test]
fn whoever_has_a_repositorys_webhooks_is_its_admin() {
    let world = world(Access::nothing().repository_webhooks("acme/ops", Level::Read));
    let rows = world.get("/orgs/acme/repos").json();
    assert_eq!(names(&rows), ["acme/old", "acme/ops"]);
    assert_eq!(
        (
            &rows[0]["permissions"]["admin"],
            &rows[1]["permissions"]["admin"]
        ),
        (&json!(false), &json!(true))
    );
    assert_eq!(
        names(&world.get("/user/repos").json()),
        ["acme/ops", "octocat/hello"]
    );
    world.assert_as_described();
}

#[test]
fn a_persons_repositories_are_listed_by_what_they_have_to_do_with_them() {
    let world = world(Access::admin());
    let (owner, collaborator) = ("octocat/hello", "someone/dotfiles");
    let member = ["acme/old", "acme/ops", "beta/site"];
    for (query, wanted) in [
        ("affiliation=owner", vec![owner]),
        ("affiliation=collaborator", vec![collaborator]),
        ("affiliation=organization_member", member.to_vec()),
        ("affiliation=owner,collaborator", vec![owner, collaborator]),
        (
            "affiliation=owner%2Ccollaborator",
            vec![owner, collaborator],
        ),
        ("type=owner", vec![owner]),
        ("type=member", [member.as_slice(), &[collaborator]].concat()),
        (
            "type=all",
            [member.as_slice(), &[owner, collaborator]].concat(),
        ),
        (
            "type=public",
            [member.as_slice(), &[owner, collaborator]].concat(),
        ),
        ("type=private", vec![]),
        ("visibility=private", vec![]),
    ] {
        assert_eq!(
            names(&world.get(&format!("/user/repos?{query}")).json()),
            wanted,
            "{query}"
        );
    }
    assert_eq!(
        world.get("/user/repos?type=owner&affiliation=owner").status,
        422
    );
    world
        .simulator
        .github()
        .add_token("ghp_some", Access::admin().user("someone"));
    assert_eq!(
        names(&world.get("/user/repos?type=owner").json()),
        ["someone/dotfiles"]
    );
    world.assert_as_described();
}

#[test]
fn links_of_a_list_keep_what_was_asked_for() {
    let world = world(Access::admin());
    let mut next = Some("/user/repos?per_page=2&affiliation=organization_member&page=1".to_owned());
    let mut seen = Vec::new();
    while let Some(path) = next {
        let got = world.get(&path);
        seen.extend(names(&got.json()).into_iter().map(str::to_owned));
        next = got.link("next");
    }
    assert_eq!(seen, ["acme/old", "acme/ops", "beta/site"]);
}

/// A GitHub with an organization of so many repositories, each with a webhook, and a token for them.
fn github_of(repositories: usize) -> GitHub {
    let mut github = GitHub::new();
    github.rate_limit = None;
    let mut access = Access::nothing();
    for n in 0..repositories {
        let name = format!("repository{n:04}");
        access = access.repository_webhooks(&format!("acme/{name}"), Level::Write);
        let owner = Owner::Repository {
            owner: "acme".to_owned(),
            name,
        };
        github.add_webhook(owner, Webhook::new("https://ci.example.com/hook"));
    }
    github.add_token("t", access);
    github
}

/// The shortest time an answer takes, and its body.
fn quickest(github: &mut GitHub, path: &str) -> (Duration, Value) {
    let request = Request::new(Method::GET, path).bearer("t");
    let answers = (0..10).map(|_| {
        let begun = Instant::now();
        let reply = github.respond(&request);
        (begun.elapsed(), reply)
    });
    let (took, reply) = answers.min_by_key(|(took, _)| *took).unwrap();
    (took, serde_json::from_slice(&reply.body).unwrap())
}

#[test]
fn a_page_has_a_hundred_repositories_at_most_and_five_thousand_are_no_burden() {
    let (mut few, mut many) = (github_of(100), github_of(5_000));
    for path in ["/orgs/acme/repos", "/users/acme/repos", "/user/repos"] {
        let (of_few, _) = quickest(&mut few, &format!("{path}?per_page=101"));
        let (of_many, rows) = quickest(&mut many, &format!("{path}?per_page=101&page=50"));
        assert_eq!(rows.as_array().unwrap().len(), 100);
        assert_eq!(rows[99]["name"], "repository4999");
        // Work for each of fifty times as many rows would show.
        assert!(
            of_many < of_few * 5,
            "{of_many:?} for {path}, {of_few:?} with few"
        );
    }
    let path = "/repos/acme/repository0042/hooks";
    let (of_few, _) = quickest(&mut few, path);
    let (of_many, rows) = quickest(&mut many, path);
    assert_eq!(rows.as_array().unwrap().len(), 1);
    assert!(
        of_many < of_few * 5,
        "{of_many:?} for a repository's webhooks, {of_few:?} with few"
    );
}

#[test]
fn requests_to_a_name_that_a_repository_had_are_redirected_to_its_id() {
    for world in [World::new(), World::enterprise_server()] {
        let (hook, id) = world.failed_repository_attempt();
        let number = world.simulator.github().repository_id("acme/ops").unwrap();
        world
            .simulator
            .github()
            .rename_repository("acme/ops", "operations");
        let base = world.simulator.url();
        let got = world.get(&format!(
            "/repos/Acme/ops/hooks/{hook}/deliveries?per_page=5"
        ));
        let wanted = format!("{base}/repositories/{number}/hooks/{hook}/deliveries?per_page=5");
        assert_eq!(
            (got.status, got.header("location")),
            (301, Some(wanted.as_str()))
        );
        assert_eq!(got.json()["message"], "Moved Permanently");
        assert_eq!(got.json()["url"], json!(wanted));
        assert_eq!(world.get(&wanted).json()[0]["id"], json!(id));

        let got = world.post(
            &format!("/repos/acme/ops/hooks/{hook}/deliveries/{id}/attempts"),
            None,
        );
        let wanted = format!("{base}/repositories/{number}/hooks/{hook}/deliveries/{id}/attempts");
        assert_eq!(
            (got.status, got.header("location")),
            (307, Some(wanted.as_str()))
        );
        assert!(world.simulator.github().requested(hook).is_empty());
        assert_eq!(world.post(&wanted, None).status, 202);
        assert_eq!(world.simulator.github().requested(hook), [id]);

        assert_eq!(
            world
                .get(&format!("/repos/acme/operations/hooks/{hook}"))
                .status,
            200
        );
        assert_eq!(
            names(&world.get("/orgs/acme/repos").json()),
            ["acme/operations"]
        );
        world.assert_as_described();
    }
}

#[test]
fn a_repository_is_found_by_its_id() {
    let world = World::new();
    let (hook, _) = world.failed_repository_attempt();
    let number = world.simulator.github().repository_id("acme/ops").unwrap();
    let base = format!("/repositories/{number}");
    assert_eq!(
        world.get(&format!("{base}/hooks")).json(),
        world.get("/repos/acme/ops/hooks").json()
    );
    assert_eq!(world.get(&format!("{base}/hooks/{hook}")).status, 200);
    let variable = json!({ "name": "A", "value": "1" });
    assert_eq!(
        world
            .post(&format!("{base}/actions/variables"), Some(variable))
            .status,
        201
    );
    assert_eq!(
        world
            .simulator
            .github()
            .variable("acme/ops", "A")
            .as_deref(),
        Some("1")
    );
    assert_eq!(
        world
            .get(&format!("/repositories/{}/hooks", number + 1))
            .status,
        404
    );
    assert_eq!(world.get("/repositories/ops/hooks").status, 404);
    world
        .simulator
        .github()
        .add_token(crate::client::TOKEN, Access::nothing());
    assert_eq!(world.get(&format!("{base}/hooks")).status, 404);
}

#[test]
fn what_tokens_may_do_they_may_do_under_the_new_name() {
    let access = Access::nothing()
        .repository_webhooks("acme/ops", Level::Read)
        .variables("acme/ops", Level::Write);
    let world = world(access);
    world.simulator.github().set_variable("acme/ops", "A", "1");
    world
        .simulator
        .github()
        .rename_repository("acme/ops", "operations");
    assert_eq!(world.get("/repos/acme/operations/hooks").status, 200);
    assert_eq!(
        world
            .get("/repos/acme/operations/actions/variables/A")
            .json()["value"],
        "1"
    );
}

#[test]
fn a_name_that_another_repository_takes_redirects_no_more() {
    let mut world = World::new();
    let old = world.simulator.github().repository_id("acme/ops").unwrap();
    world
        .simulator
        .github()
        .rename_repository("acme/ops", "operations");
    world.token = None;
    assert_eq!(world.get("/repos/acme/ops/hooks").status, 401);
    world.token = Some(crate::client::TOKEN.to_owned());
    assert_eq!(world.get("/repos/acme/ops/hooks").status, 301);
    world.simulator.github().add_repository("acme", "ops");
    assert_ne!(
        world.simulator.github().repository_id("acme/ops"),
        Some(old)
    );
    assert_eq!(world.get("/repos/acme/ops/hooks").status, 200);
    world
        .simulator
        .github()
        .rename_repository("acme/ops", "other");
    world
        .simulator
        .github()
        .rename_repository("acme/operations", "ops");
    assert_eq!(world.get("/repos/acme/ops/hooks").status, 200);
    assert_eq!(
        world.simulator.github().repository_id("acme/ops"),
        Some(old)
    );
}

#[test]
fn an_installation_keeps_a_repository_that_got_another_name() {
    let mut world = World::new();
    world.as_app();
    world
        .simulator
        .github()
        .install(simulated_github::Installation::new("acme", &[]).selected(&["ops"]));
    world
        .simulator
        .github()
        .rename_repository("acme/ops", "operations");
    let got = world.get("/repos/acme/ops/installation");
    assert_eq!(got.status, 301);
    assert_eq!(world.get(got.header("location").unwrap()).status, 200);
    assert_eq!(world.get("/repos/acme/operations/installation").status, 200);
    world.assert_as_described();
}
