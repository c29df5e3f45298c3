//! Webhooks, the App, and rate limits.

use chrono::TimeDelta;
use serde_json::json;
use simulated_github::{Access, Attempt, Owner, Webhook, guid};

use crate::client::{World, organization, repository};

#[test]
fn every_route_answers_as_github_describes_it() {
    for mut world in [World::new(), World::enterprise_server()] {
        let (hook, id) = world.failed_attempt();
        let (of_repository, repository_id) = world.failed_repository_attempt();
        let unused = world
            .simulator
            .github()
            .add_webhook(repository(), Webhook::new("https://ci.example.com/other"));
        for (base, hook, id) in [
            ("/orgs/acme", hook, id),
            ("/repos/acme/ops", of_repository, repository_id),
        ] {
            let hooks = world.get(&format!("{base}/hooks")).json();
            assert_eq!(hooks[0]["id"], json!(hook));
            assert_eq!(world.get(&format!("{base}/hooks/{hook}")).json(), hooks[0]);
            assert_eq!(
                world.get(&format!("{base}/hooks/{hook}/deliveries")).json()[0]["id"],
                json!(id)
            );
            assert_eq!(
                world
                    .get(&format!("{base}/hooks/{hook}/deliveries/{id}"))
                    .json()["id"],
                json!(id)
            );
            assert_eq!(
                world
                    .post(
                        &format!("{base}/hooks/{hook}/deliveries/{id}/attempts"),
                        None
                    )
                    .status,
                202
            );
        }
        let hook = world.get(&format!("/repos/acme/ops/hooks/{unused}")).json();
        assert_eq!(hook["last_response"]["status"], "unused");
        let variables = "/repos/acme/ops/actions/variables";
        assert_eq!(
            world
                .post(variables, Some(json!({ "name": "A", "value": "1" })))
                .status,
            201
        );
        assert_eq!(world.get(variables).json()["total_count"], 1);
        world.get("/rate_limit");
        world.as_app();
        assert_eq!(world.get("/app").json()["id"], 17);
        assert_eq!(
            world.get("/app/hook/config").json()["url"],
            "https://app.example.com/webhook"
        );
        let of_app = world.simulator.github().app_webhook().unwrap();
        let now = world.clock.now();
        let id = world
            .simulator
            .github()
            .webhook_mut(of_app)
            .log(Attempt::failed(guid(1), now));
        assert_eq!(world.get("/app/hook/deliveries").json()[0]["id"], json!(id));
        assert_eq!(world.get(&format!("/app/hook/deliveries/{id}")).status, 200);
        assert_eq!(
            world
                .post(&format!("/app/hook/deliveries/{id}/attempts"), None)
                .status,
            202
        );
        assert_eq!(world.simulator.github().requested(of_app), [id]);
        world.assert_as_described();
    }
}

#[test]
fn webhooks_are_paged_by_number_with_githubs_links() {
    let world = World::new();
    for _ in 0..5 {
        world.webhook(0);
    }
    let url = format!("{}/orgs/acme/hooks?per_page=2&page", world.simulator.url());
    let links = |page: usize| {
        world
            .get(&format!("/orgs/acme/hooks?per_page=2&page={page}"))
            .header("link")
            .map(str::to_owned)
    };
    assert_eq!(
        links(1).unwrap(),
        format!("<{url}=2>; rel=\"next\", <{url}=3>; rel=\"last\"")
    );
    assert_eq!(
        links(2).unwrap(),
        format!(
            "<{url}=1>; rel=\"prev\", <{url}=3>; rel=\"next\", <{url}=3>; rel=\"last\", <{url}=1>; rel=\"first\""
        )
    );
    assert_eq!(
        links(3).unwrap(),
        format!("<{url}=2>; rel=\"prev\", <{url}=1>; rel=\"first\"")
    );
    assert_eq!(world.get("/orgs/acme/hooks").header("link"), None);
    assert_eq!(
        world.get("/orgs/acme/hooks?per_page=2&page=9").json(),
        json!([])
    );
}

#[test]
fn a_webhook_is_found_only_below_its_owner() {
    let world = World::new();
    let hook = world.webhook(0);
    assert_eq!(world.get(&format!("/orgs/ACME/hooks/{hook}")).status, 200);
    assert_eq!(
        world.get(&format!("/repos/acme/ops/hooks/{hook}")).status,
        404
    );
    world.simulator.github().add_organization("other");
    assert_eq!(world.get(&format!("/orgs/other/hooks/{hook}")).status, 404);
    world.simulator.github().add_user("someone");
    assert_eq!(world.get("/orgs/someone/hooks").status, 404);
    world.simulator.github().remove_webhook(hook);
    assert_eq!(world.get(&format!("/orgs/acme/hooks/{hook}")).status, 404);
}

#[test]
fn an_app_has_one_webhook() {
    let mut world = World::new();
    world.as_app();
    let hook = world
        .simulator
        .github()
        .add_webhook(Owner::App, Webhook::new("https://other.example.com/"));
    assert_eq!(world.simulator.github().app_webhook(), Some(hook));
    assert_eq!(
        world.get("/app/hook/config").json()["url"],
        "https://other.example.com/"
    );
}

#[test]
fn answers_have_githubs_headers() {
    let world = World::new();
    let hook = world.webhook(0);
    let got = world.get(&format!("/orgs/acme/hooks/{hook}"));
    assert_eq!(got.header("date"), Some("Thu, 28 May 2026 20:26:40 GMT"));
    assert_eq!(
        got.header("content-type"),
        Some("application/json; charset=utf-8")
    );
    assert_eq!(
        got.header("x-github-media-type"),
        Some("github.v3; format=json")
    );
    assert_eq!(got.header("x-ratelimit-resource"), Some("core"));
    let again = world.get(&format!("/orgs/acme/hooks/{hook}"));
    assert_ne!(
        got.header("x-github-request-id").unwrap(),
        again.header("x-github-request-id").unwrap()
    );
    let enterprise = World::enterprise_server().get("/orgs/acme/hooks");
    assert_eq!(enterprise.header("x-ratelimit-limit"), None);
    assert_eq!(
        enterprise.header("x-github-enterprise-version"),
        Some("3.17.0")
    );
}

#[test]
fn a_token_runs_out_of_requests_until_its_hour_is_over() {
    let mut world = World::new();
    world.simulator.github().rate_limit = Some(2);
    let reset = (world.clock.now() + TimeDelta::hours(1))
        .timestamp()
        .to_string();
    let remaining = |world: &World| {
        let got = world.get("/orgs/acme/hooks");
        assert_eq!(got.header("x-ratelimit-limit"), Some("2"));
        (
            got.status,
            got.header("x-ratelimit-remaining").unwrap().to_owned(),
            got.header("x-ratelimit-used").unwrap().to_owned(),
        )
    };
    assert_eq!(remaining(&world), (200, "1".to_owned(), "1".to_owned()));
    assert_eq!(
        world.get("/rate_limit").json()["resources"]["core"]["remaining"],
        1
    );
    assert_eq!(remaining(&world), (200, "0".to_owned(), "2".to_owned()));
    assert_eq!(remaining(&world), (403, "0".to_owned(), "2".to_owned()));
    let got = world.get("/orgs/acme/hooks");
    assert!(
        got.message().starts_with("API rate limit exceeded"),
        "{}",
        got.message()
    );
    assert_eq!(got.header("x-ratelimit-reset"), Some(reset.as_str()));
    assert_eq!(world.get("/rate_limit").status, 200);
    world
        .simulator
        .github()
        .add_token("another", Access::admin());
    world.token = Some("another".to_owned());
    assert_eq!(remaining(&world).0, 200);
    world.token = Some(crate::client::TOKEN.to_owned());
    world.clock.advance(TimeDelta::hours(1));
    assert_eq!(remaining(&world).0, 200);
    world.assert_as_described();
}

#[test]
fn enterprise_server_has_its_routes_below_its_base_only() {
    let world = World::enterprise_server();
    world
        .simulator
        .github()
        .add_webhook(organization(), Webhook::new("https://ci.example.com/hook"));
    let url = world.simulator.url();
    assert!(url.ends_with("/api/v3"), "{url}");
    assert_eq!(world.get("/orgs/acme/hooks").status, 200);
    assert!(
        world.get("/orgs/acme/hooks").json()[0]["url"]
            .as_str()
            .unwrap()
            .starts_with(&url)
    );
    let root = url.strip_suffix("/api/v3").unwrap();
    assert_eq!(world.get(&format!("{root}/orgs/acme/hooks")).status, 404);
}
