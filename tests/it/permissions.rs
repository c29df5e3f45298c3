//! The messages for missing permissions: every one whole, in
//! `permission_errors.txt`. `UPDATE_SNAPSHOTS=1 cargo test --test it permissions` writes that file anew.

use std::fmt::Write;

use chrono::{TimeDelta, Utc};
use simulated_github::{
    Access, App, Attempt, GitHub, Installation, Level, Owner, TestKey, Webhook, guid,
};

use crate::credential_kinds::{CLIENT_ID, mint};
use crate::run::Run;
use crate::world::{World, ago};

const SNAPSHOT: &str = include_str!("permission_errors.txt");

/// The messages and their cases, in order.
#[derive(Default)]
struct Messages(String);

impl Messages {
    /// One pass in a world of its own, given to `prepare`; `pass` sets it up further.
    fn record(
        &mut self,
        title: &str,
        prepare: impl FnOnce(&mut GitHub) -> String,
        pass: impl for<'a> Fn(Run<'a>) -> Run<'a>,
    ) {
        let world = World::new();
        world.log(Attempt::failed(guid(1), ago(10)));
        let token = prepare(&mut world.simulator.github());
        let run = world
            .bare_pass()
            .unset("GITHUB_ACTIONS")
            .input("token", &token);
        let ended = pass(run).run();
        writeln!(self.0, "# {title}").unwrap();
        for line in ended.log.lines() {
            if line.starts_with("error: ") || line.starts_with("warning: ") {
                writeln!(self.0, "{line}").unwrap();
            }
        }
        writeln!(self.0).unwrap();
        assert_eq!(world.redelivered(), [0; 0], "{title}: {}", ended.log);
    }
}

fn token(token: &str, access: Access) -> impl FnOnce(&mut GitHub) -> String {
    move |github| {
        github.add_token(token, access);
        token.to_owned()
    }
}

/// The App, installed with these permissions on acme.
fn installed(permissions: &[(&str, &str)]) -> impl FnOnce(&mut GitHub) -> String {
    let installation = Installation::new("acme", permissions);
    move |github| {
        github.add_app(App::new(7, CLIENT_ID, TestKey::APP.public_der));
        github.install(installation);
        String::new()
    }
}

fn as_is(run: Run<'_>) -> Run<'_> {
    run
}

fn as_app(run: Run<'_>) -> Run<'_> {
    let run = run.input("client-id", CLIENT_ID);
    run.input("private-key", TestKey::APP.pkcs1_pem)
}

fn on_repository(run: Run<'_>) -> Run<'_> {
    run.input("organization", "")
        .input("repository", "acme/ops")
}

fn with_variable(run: Run<'_>) -> Run<'_> {
    let run = run.input("checkpoint-variable", "LAST_REDELIVERY");
    run.input("checkpoint-repository", "acme/ops")
}

fn on_bob(run: Run<'_>) -> Run<'_> {
    run.input("organization", "bob")
}

fn add_bob(github: &mut GitHub) {
    github.add_user("bob");
    github.add_repository("bob", "site");
}

#[test]
fn missing_permissions_are_named_for_each_kind_of_credential() {
    let mut messages = Messages::default();
    let fine = || Access::nothing();
    let hooks = [("organization_hooks", "write")];

    messages.record(
        "organization, fine-grained token without permission",
        token("github_pat_1", fine()),
        as_is,
    );
    let reader = fine().organization_webhooks("acme", Level::Read);
    messages.record(
        "organization, fine-grained token that may only read",
        token("github_pat_1", reader),
        as_is,
    );
    messages.record(
        "organization, classic token without the scope",
        token("ghp_1", Access::classic(&["repo", "read:org"])),
        as_is,
    );
    messages.record(
        "organization, classic token without any scope",
        token("ghp_1", Access::classic(&[])),
        as_is,
    );
    let member = Access::classic(&["admin:org_hook"]).organization_webhooks("acme", Level::None);
    messages.record(
        "organization, classic token of somebody who is no owner",
        token("ghp_1", member),
        as_is,
    );
    let oauth = Access::oauth_app("other", &["admin:org_hook"]);
    messages.record(
        "organization, OAuth app's token",
        token("gho_1", oauth),
        as_is,
    );
    messages.record(
        "organization, the workflow's own token",
        token("ghs_1", Access::workflow("acme/ops")),
        as_is,
    );
    messages.record(
        "organization, installation token without the permission",
        |github| {
            github.add_app(App::new(7, CLIENT_ID, TestKey::APP.public_der));
            let installation =
                github.install(Installation::new("acme", &[("repository_hooks", "write")]));
            mint(github, installation)
        },
        as_is,
    );
    let url = "https://github.com/orgs/acme/sso?authorization_request=A1B2C3";
    let sso = Access::classic(&["admin:org_hook"]).sso_required("acme", url);
    messages.record(
        "organization, token not authorised for single sign-on",
        token("ghp_1", sso),
        as_is,
    );
    let ended = fine().expires(Utc::now() - TimeDelta::days(1));
    messages.record(
        "organization, token that has ended",
        token("github_pat_1", ended),
        as_is,
    );
    messages.record(
        "organization that is a person, with a token",
        |github| {
            add_bob(github);
            github.add_token("ghp_1", Access::classic(&["admin:org_hook"]));
            "ghp_1".into()
        },
        on_bob,
    );

    messages.record(
        "App that is not installed there",
        installed(&hooks),
        |run| as_app(run).input("organization", "beta"),
    );
    messages.record(
        "App without the permission",
        installed(&[("repository_hooks", "write")]),
        as_app,
    );
    messages.record(
        "App that may only read",
        installed(&[("organization_hooks", "read")]),
        as_app,
    );
    messages.record(
        "App without permission for the variable",
        installed(&hooks),
        |run| with_variable(as_app(run)),
    );
    messages.record(
        "App whose installation is suspended",
        |github| {
            github.add_app(App::new(7, CLIENT_ID, TestKey::APP.public_der));
            github.install(Installation::new("acme", &hooks).suspended());
            String::new()
        },
        as_app,
    );
    messages.record("App with another App's key", installed(&hooks), |run| {
        as_app(run).input("private-key", TestKey::OTHER.pkcs8_pem)
    });
    messages.record("App with an unknown client ID", installed(&hooks), |run| {
        as_app(run).input("client-id", "Iv23liOther")
    });
    messages.record("App with half a key", installed(&hooks), |run| {
        as_app(run).input("private-key", &TestKey::APP.pkcs1_pem[..200])
    });
    messages.record("App with a path to nothing", installed(&hooks), |run| {
        as_app(run).input("private-key", "keys/app.pem")
    });
    messages.record("App without a key", installed(&hooks), |run| {
        as_app(run).input("private-key", "")
    });
    messages.record(
        "organization that is a person, with an App",
        |github| {
            add_bob(github);
            github.add_app(App::new(7, CLIENT_ID, TestKey::APP.public_der));
            github.install(Installation::new("bob", &[("repository_hooks", "write")]));
            String::new()
        },
        |run| on_bob(as_app(run)),
    );
    messages.record(
        "every organization of an App that is installed on none",
        |github| {
            github.add_app(App::new(7, CLIENT_ID, TestKey::APP.public_der));
            String::new()
        },
        |run| as_app(run).input("organization", "*"),
    );

    let repository_hook = |github: &mut GitHub| {
        let owner = Owner::Repository {
            owner: "acme".into(),
            name: "ops".into(),
        };
        github.add_webhook(owner, Webhook::new("https://x.example.com"));
    };
    messages.record(
        "repository, fine-grained token without permission",
        token("github_pat_1", fine()),
        on_repository,
    );
    messages.record(
        "repository, classic token without the scope",
        token("ghp_1", Access::classic(&["read:org"])),
        on_repository,
    );
    messages.record(
        "repository, App whose installation leaves it out",
        |github| {
            repository_hook(github);
            github.add_repository("acme", "web");
            github.add_app(App::new(7, CLIENT_ID, TestKey::APP.public_der));
            let installation = Installation::new("acme", &[("repository_hooks", "write")]);
            github.install(installation.selected(&["web"]));
            String::new()
        },
        |run| on_repository(as_app(run)),
    );
    messages.record(
        "repository without a webhook",
        token("ghp_1", Access::classic(&["repo"])),
        on_repository,
    );
    messages.record(
        "all repositories, of which none may be administered",
        token("github_pat_1", fine()),
        |run| run.input("organization", "").input("repository", "acme/*"),
    );
    messages.record(
        "the App's webhook with a token",
        token("ghp_1", Access::classic(&["repo"])),
        |run| run.input("app-webhook", "true"),
    );

    let no_variables = || fine().organization_webhooks("acme", Level::Write);
    messages.record(
        "variable, fine-grained token without permission",
        token("github_pat_1", no_variables()),
        with_variable,
    );
    messages.record(
        "variable, the workflow's own token",
        |github| {
            github.add_token("ghs_1", Access::workflow("acme/ops"));
            github.add_token("github_pat_1", no_variables());
            "github_pat_1".into()
        },
        |run| with_variable(run).input("checkpoint-token", "ghs_1"),
    );
    messages.record("no token", |_| String::new(), as_is);
    let healthy = fine().organization_webhooks("acme", Level::Write);
    let soon = healthy.expires(Utc::now() + TimeDelta::days(3) + TimeDelta::hours(1));
    messages.record(
        "a token that ends soon",
        token("github_pat_1", soon),
        |run| run.input("dry-run", "true"),
    );

    let ends = messages.0.find(" ends at ").unwrap() + " ends at ".len();
    messages
        .0
        .replace_range(ends..ends + 20, "2026-12-01T12:00:00Z");
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/it/permission_errors.txt"
        );
        std::fs::write(path, &messages.0).unwrap();
    } else {
        assert_eq!(messages.0, SNAPSHOT);
    }
}
