//! Advice about this machine's clock, links to the wrong webhooks, and old servers.

use chrono::{TimeDelta, Utc};
use simulated_github::{Access, App, Attempt, Fault, Installation, TestKey, guid};

use crate::credential_kinds::CLIENT_ID;
use crate::run_result::RunResult;
use crate::world::{World, ago};

/// A pass of an App whose tokens GitHub refuses with these words, and whose answers have this `Date` if it is one.
fn refused_app(message: &str, date: Option<String>) -> RunResult {
    let world = World::new();
    {
        let mut github = world.simulator.github();
        github.add_app(App::new(7, CLIENT_ID, TestKey::APP.public_der));
        github.install(Installation::new(
            "acme",
            &[("organization_hooks", "write")],
        ));
        let body = serde_json::json!({ "message": message }).to_string();
        let mut fault = Fault::on("GET", "/installation")
            .always()
            .status(401, &body);
        if let Some(date) = date {
            fault = fault.header("date", &date);
        }
        github.add_fault(fault);
    }
    let run = world.bare_pass().input("token", "");
    let run = run.input("client-id", CLIENT_ID);
    run.input("private-key", TestKey::APP.pkcs1_pem).run()
}

#[test]
fn a_jwt_with_a_wrong_date_is_blamed_on_the_clock() {
    let at = |minutes| {
        Some(
            (Utc::now() + TimeDelta::minutes(minutes))
                .to_rfc2822()
                .replace("+0000", "GMT"),
        )
    };
    let far = "'Expiration time' claim ('exp') is too far in the future";
    let past = "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires";
    let issued = "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued";
    for (message, date, advice) in [
        (
            far,
            at(-50),
            "This machine's clock is 50 min ahead of GitHub's",
        ),
        (
            issued,
            at(-50),
            "This machine's clock is 50 min ahead of GitHub's",
        ),
        (past, at(51), "behind GitHub's"),
        (far, None, "check this machine's clock"),
        (issued, None, "check this machine's clock"),
    ] {
        let ended = refused_app(message, date).failure(message).says(advice);
        assert!(
            !ended.log.contains("is not a key of the App"),
            "{}",
            ended.log
        );
    }
    let key = "A JSON web token could not be decoded";
    refused_app(key, None)
        .failure(key)
        .says("`private-key` is not a key of the App");
    let issuer = "'Issuer' claim ('iss') must be an Integer";
    refused_app(issuer, None)
        .failure(issuer)
        .says("write the App ID, the number");
}

#[test]
fn a_link_to_a_webhook_without_an_api_says_so() {
    let world = World::new();
    let here = world.simulator.url();
    let here = here.trim_end_matches("/api/v3");
    for host in [here, "https://github.com", "https://git.acme.com"] {
        for (page, why) in [
            (
                "enterprises/acme/settings/hooks/1",
                "no API for the deliveries of an enterprise's webhook",
            ),
            (
                "enterprises/acme/settings/hooks/1?tab=deliveries",
                "an enterprise's webhook",
            ),
            (
                "marketplace/acme-app/hook",
                "no API for the deliveries of a Marketplace webhook",
            ),
            (
                "sponsors/acme/dashboard/webhooks/7",
                "no API for the deliveries of a Sponsors webhook",
            ),
            (
                "organizations/acme/settings/apps/builder/advanced",
                "write `app-webhook: true`",
            ),
            ("settings/apps/builder", "write `app-webhook: true`"),
        ] {
            let link = format!("{host}/{page}");
            let ended = world.pass().input("hook-id", &link).run();
            ended
                .failure("`hook-id` ")
                .says(why)
                .says("Nothing was done.");
        }
    }
    assert_eq!(world.requests(""), 0);
}

#[test]
fn an_old_enterprise_server_without_a_path_is_named_by_its_version() {
    for (method, path, version, advice) in [
        (
            "POST",
            "/actions/variables",
            Some("3.7.4"),
            "Enterprise Server 3.7, whose API has no variables: update it to 3.8 or later, or keep the checkpoint in",
        ),
        (
            "POST",
            "/actions/variables",
            None,
            "before 3.8, its API has no variables",
        ),
        (
            "POST",
            "/actions/variables",
            Some("3.8.0"),
            "the repository permission",
        ),
        (
            "GET",
            "/deliveries",
            Some("3.1.22"),
            "Enterprise Server 3.1, whose API has no webhook deliveries: update it to 3.2 or later",
        ),
        (
            "GET",
            "/deliveries",
            None,
            "before 3.2, its API has no webhook deliveries",
        ),
    ] {
        let world = World::enterprise_server();
        world.log(Attempt::failed(guid(1), ago(10)));
        let mut fault = Fault::on(method, path)
            .always()
            .status(404, r#"{"message":"Not Found"}"#);
        fault = match version {
            Some(version) => fault.header("x-github-enterprise-version", version),
            None => fault.without_header("x-github-enterprise-version"),
        };
        world.simulator.github().add_fault(fault);
        let access = Access::admin();
        world
            .simulator
            .github()
            .add_token("github_pat_fine0grained", access);
        let ended = world.pass().input("token", "github_pat_fine0grained").run();
        ended.says("GitHub answered 404 `Not Found`").says(advice);
    }
}
