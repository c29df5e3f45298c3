//! Each kind of webhook with each credential that can do it, on github.com and on Enterprise Server.

use simulated_github::{
    Access, App, Attempt, Fault, GitHub, Installation, Level, Owner, Simulator, TestKey, Webhook,
    guid,
};

use crate::run::Run;
use crate::world::{REPOSITORY, World, ago};

pub(crate) const CLIENT_ID: &str = "Iv23liSimulated";
const APP_ID: u64 = 123_456;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Organization,
    Repository,
    App,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Credential {
    Classic,
    FineGrained,
    Installation,
    App,
    AppById,
}

/// A webhook of this kind with three pages of log, a failed delivery on each.
fn world(kind: Kind, mut github: GitHub) -> World {
    github.add_organization("acme");
    github.add_repository("acme", "ops");
    github.add_app(App::new(APP_ID, CLIENT_ID, TestKey::APP.public_der));
    let owner = match kind {
        Kind::Organization => Owner::Organization("acme".into()),
        Kind::Repository => Owner::Repository {
            owner: "acme".into(),
            name: "web".into(),
        },
        Kind::App => Owner::App,
    };
    let hook = github.add_webhook(owner, Webhook::new("https://ci.example.com/hook"));
    for n in 0..250 {
        let at = ago(1 + n);
        let attempt = match n {
            30 | 130 | 230 => Attempt::failed(guid(n as u64), at),
            _ => Attempt::ok(guid(n as u64), at),
        };
        github.webhook_mut(hook).log(attempt);
    }
    World {
        simulator: Simulator::start(github),
        hook,
    }
}

/// A pass with the least that the credential needs for this kind of webhook.
fn pass(world: &World, kind: Kind, credential: Credential) -> Run<'_> {
    let mut run = world
        .pass()
        .unset("INPUT_TOKEN")
        .unset("INPUT_ORGANIZATION");
    run = match kind {
        Kind::Organization => run.input("organization", "acme"),
        Kind::Repository => run.input("repository", "acme/web"),
        Kind::App => run.input("app-webhook", "true"),
    };
    let mut github = world.simulator.github();
    let permissions = match kind {
        Kind::Organization => vec![
            ("organization_hooks", "write"),
            ("actions_variables", "write"),
        ],
        Kind::Repository => vec![
            ("repository_hooks", "write"),
            ("actions_variables", "write"),
        ],
        Kind::App => vec![("actions_variables", "write")],
    };
    match credential {
        Credential::Classic => {
            let scope = if kind == Kind::Organization {
                "admin:org_hook"
            } else {
                "write:repo_hook"
            };
            github.add_token("ghp_classic", Access::classic(&[scope, "repo"]));
            run.input("token", "ghp_classic")
        }
        Credential::FineGrained => {
            let access = Access::nothing().variables(REPOSITORY, Level::Write);
            let access = match kind {
                Kind::Organization => access.organization_webhooks("acme", Level::Write),
                _ => access.repository_webhooks("acme/web", Level::Write),
            };
            github.add_token("github_pat_fine", access);
            run.input("token", "github_pat_fine")
        }
        Credential::Installation => {
            let installation = github.install(Installation::new("acme", &permissions));
            let token = mint(&mut github, installation);
            run.input("token", &token)
        }
        Credential::App => {
            github.install(Installation::new("acme", &permissions));
            run.input("client-id", CLIENT_ID)
                .input("private-key", TestKey::APP.pkcs1_pem)
        }
        Credential::AppById => {
            github.install(Installation::new("acme", &permissions));
            let folded = TestKey::APP.pkcs8_pem.replace('\n', "\\n");
            run.input("client-id", &APP_ID.to_string())
                .input("private-key", &folded)
        }
    }
}

/// A token as another action makes one.
pub(crate) fn mint(github: &mut GitHub, installation: u64) -> String {
    use chrono::Utc;
    let now = Utc::now().timestamp();
    let claims = serde_json::json!({ "iss": CLIENT_ID, "iat": now - 60, "exp": now + 300 });
    let path = format!(
        "{}/app/installations/{installation}/access_tokens",
        github.base_path()
    );
    let request = simulated_github::Request::new(http::Method::POST, &path);
    let reply = github.respond(&request.bearer(&TestKey::APP.sign(&claims)));
    let answer: serde_json::Value = serde_json::from_slice(&reply.body).unwrap();
    answer["token"].as_str().unwrap().to_owned()
}

#[test]
fn each_kind_of_webhook_is_recovered_with_each_credential_that_can() {
    use Credential::{App, AppById, Classic, FineGrained, Installation};
    let kinds = [
        (
            Kind::Organization,
            vec![Classic, FineGrained, Installation, App, AppById],
        ),
        (
            Kind::Repository,
            vec![Classic, FineGrained, Installation, App, AppById],
        ),
        (Kind::App, vec![App, AppById]),
    ];
    for flavour in [GitHub::new, GitHub::enterprise_server] {
        for (kind, credentials) in &kinds {
            for credential in credentials {
                let world = world(*kind, flavour());
                let ended = pass(&world, *kind, *credential).run();
                let ended = ended.success().outputs(&[
                    "result=recovered",
                    "failed=3",
                    "recovered=3",
                    "scanned=250",
                    "errors=0",
                ]);
                assert_eq!(world.redelivered().len(), 3, "{kind:?} {credential:?}");
                assert!(world.variable().is_some(), "{kind:?} {credential:?}");
                if *kind == Kind::App {
                    ended.says("1 webhook of the App");
                }
            }
        }
    }
}

#[test]
fn an_apps_key_may_be_a_file_in_the_workspace() {
    let world = world(Kind::App, GitHub::new());
    let folder = tempfile::tempdir().unwrap();
    let keys = folder.path().join("workspace/keys");
    std::fs::create_dir_all(&keys).unwrap();
    std::fs::write(keys.join("app.pem"), TestKey::APP.pkcs1_pem).unwrap();
    let run = pass(&world, Kind::App, Credential::App).input("private-key", "keys/app.pem");
    let ended = run
        .run_in(folder.path())
        .success()
        .outputs(&["recovered=3"]);
    let secret = TestKey::APP.pkcs1_pem.lines().nth(1).unwrap();
    assert!(!ended.log.contains(secret), "{}", ended.log);
}

#[test]
fn minted_tokens_are_printed_nowhere() {
    let world = world(Kind::Organization, GitHub::new());
    let run = pass(&world, Kind::Organization, Credential::App).env("RUNNER_DEBUG", "1");
    let ended = run.run().success();
    let github = world.simulator.github();
    let mut secrets: Vec<String> = github
        .minted()
        .iter()
        .map(|minted| minted.token.clone())
        .collect();
    secrets.extend(github.requests().iter().map(|request| {
        let header = request.headers["authorization"].to_str().unwrap();
        header.trim_start_matches("Bearer ").to_owned()
    }));
    secrets.sort();
    secrets.dedup();
    assert_eq!(secrets.len(), 2, "one of the App, one of its installation");
    for secret in secrets {
        assert!(!ended.log.contains(&secret), "{}", ended.log);
        assert!(!ended.summary.contains(&secret));
    }
}

#[test]
fn all_kinds_add_up_in_one_pass() {
    let world = world(Kind::App, GitHub::new());
    let (organizations, repositories) = {
        let mut github = world.simulator.github();
        let access = [
            ("organization_hooks", "write"),
            ("repository_hooks", "write"),
            ("actions_variables", "write"),
        ];
        github.install(Installation::new("acme", &access));
        let organization = Owner::Organization("acme".into());
        let organization = github.add_webhook(organization, Webhook::new("https://a.example.com"));
        let repository = Owner::Repository {
            owner: "acme".into(),
            name: "web".into(),
        };
        let repository = github.add_webhook(repository, Webhook::new("https://b.example.com"));
        for hook in [organization, repository] {
            github
                .webhook_mut(hook)
                .log(Attempt::failed(guid(1), ago(5)));
        }
        (organization, repository)
    };
    let run = world
        .pass()
        .unset("INPUT_TOKEN")
        .input("client-id", CLIENT_ID);
    let run = run.input("private-key", TestKey::APP.pkcs1_pem);
    let run = run
        .input("repository", "acme/web")
        .input("app-webhook", "true");
    run.run()
        .success()
        .outputs(&["failed=5", "recovered=5"])
        .says("3 webhooks of acme, acme/web, the App, all events");
    assert_eq!(world.simulator.github().requested(organizations).len(), 1);
    assert_eq!(world.simulator.github().requested(repositories).len(), 1);
}

#[test]
fn a_token_alone_means_the_repository_of_the_workflow() {
    let world = world(Kind::Repository, GitHub::new());
    world
        .simulator
        .github()
        .add_token("ghp_classic", Access::classic(&["repo"]));
    let run = world
        .bare_pass()
        .unset("INPUT_ORGANIZATION")
        .input("token", "ghp_classic");
    let run = run
        .env("GITHUB_REPOSITORY", "acme/web")
        .input("hook-id", &world.hook.to_string());
    run.run()
        .success()
        .outputs(&["recovered=3"])
        .says("1 webhook of acme/web");
}

#[test]
fn a_link_to_a_settings_page_is_enough() {
    for flavour in [GitHub::new, GitHub::enterprise_server] {
        for kind in [Kind::Organization, Kind::Repository] {
            let world = world(kind, flavour());
            world
                .simulator
                .github()
                .add_token("ghp_all", Access::admin());
            let url = world.simulator.url();
            let web = url.trim_end_matches("/api/v3");
            let page = match kind {
                Kind::Organization => "organizations/acme/settings/hooks",
                _ => "acme/web/settings/hooks",
            };
            let link = format!("{web}/{page}/{}", world.hook);
            let run = world
                .bare_pass()
                .unset("INPUT_ORGANIZATION")
                .input("token", "ghp_all");
            let ended = run
                .input("hook-id", &link)
                .run()
                .success()
                .outputs(&["recovered=3"]);
            assert!(ended.summary.contains(&link), "{}", ended.summary);
        }
    }
}

#[test]
fn a_webhook_is_found_by_its_payload_url() {
    let world = World::new();
    let other = world.add_webhook();
    world.log(Attempt::failed(guid(1), ago(5)));
    world.log_at(other, Attempt::failed(guid(1), ago(5)));
    let by_url = |pattern: &str| world.pass().input("payload-url", pattern);
    by_url("https://chat.example.com/*")
        .run()
        .success()
        .outputs(&["failed=1"]);
    assert_eq!(world.redelivered(), [0; 0]);
    assert_eq!(world.simulator.github().requested(other).len(), 1);
    let ended = by_url("https://nowhere.example.com/*").run();
    let why = "no active webhook has a payload URL that matches `payload-url`. There are webhooks to \
               `https://chat.example.com`, `https://ci.example.com`";
    let ended = ended.failure(why);
    for secret in ["secret-path", "secret-key", "nowhere"] {
        assert!(!ended.log.contains(secret), "{}", ended.log);
    }
}

#[test]
fn an_app_without_a_payload_url_has_no_webhook() {
    let world = world(Kind::App, GitHub::new());
    let fault = Fault::on("GET", "/app/hook/config")
        .always()
        .body(r#"{"url":null}"#);
    world.simulator.github().add_fault(fault);
    let run = pass(&world, Kind::App, Credential::App);
    run.run()
        .failure("the App's webhook: it is not active, so GitHub delivers nothing to it");
}

#[test]
fn a_token_over_http_beyond_this_machine_is_warned_about_before_it_is_sent() {
    let world = World::new();
    let ended = world
        .pass()
        .input("api-url", "http://git.invalid/api/v3")
        .input("time-limit", "1s")
        .run_executable();
    let warned = ended.log.find("the token can be read on its way").unwrap();
    let failed = ended.log.find("could not be reached").unwrap();
    assert!(warned < failed, "{}", ended.log);
}
