//! Authentication as a GitHub App: web tokens, installation tokens, clocks.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::TimeDelta;
use redeliver_webhooks::model::{Outcome, PassResult};
use redeliver_webhooks::report::Report;
use simulated_github::{App, Attempt, Fault, Installation, Owner, TestKey, Webhook, guid};

use crate::credential_kinds::CLIENT_ID;
use crate::virtual_world::{VirtualWorld, start};

const ALL: [(&str, &str); 3] = [
    ("organization_hooks", "write"),
    ("repository_hooks", "write"),
    ("actions_variables", "write"),
];

fn world() -> VirtualWorld {
    let world = VirtualWorld::new();
    {
        let mut github = world.github();
        github.add_app(App::new(7, CLIENT_ID, TestKey::APP.public_der));
        github.install(Installation::new("acme", &ALL));
    }
    world
}

async fn pass(world: &VirtualWorld, more: &[(&str, &str)]) -> Report {
    let mut inputs = as_the_app();
    inputs.extend(more);
    world.pass(&inputs).await
}

fn as_the_app() -> Vec<(&'static str, &'static str)> {
    vec![
        ("INPUT_TOKEN", ""),
        ("INPUT_CLIENT_ID", CLIENT_ID),
        ("INPUT_PRIVATE_KEY", TestKey::APP.pkcs1_pem),
    ]
}

/// The permissions of each token that was made.
fn minted(world: &VirtualWorld) -> Vec<BTreeMap<String, String>> {
    let github = world.github();
    let permissions = |minted: &simulated_github::Minted| {
        let permissions = serde_json::to_value(&minted.permissions).unwrap();
        let mut permissions: BTreeMap<String, String> =
            serde_json::from_value(permissions).unwrap();
        permissions.remove("metadata");
        permissions
    };
    github.minted().iter().map(permissions).collect()
}

fn permissions(wanted: &[(&str, &str)]) -> BTreeMap<String, String> {
    let wanted = wanted.iter();
    wanted
        .map(|(name, level)| ((*name).into(), (*level).into()))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_token_has_the_permissions_that_the_pass_needs_and_no_others() {
    let repository = [("INPUT_ORGANIZATION", ""), ("INPUT_REPOSITORY", "acme/ops")];
    let dry = ("INPUT_DRY_RUN", "true");
    let once = ("INPUT_SINCE", "1h");
    let bare = ("INPUT_CHECKPOINT_VARIABLE", "");
    let (read, write) = ("read", "write");
    let (organization, repositories) = ("organization_hooks", "repository_hooks");
    let variables = "actions_variables";
    type Pairs = Vec<(&'static str, &'static str)>;
    let cases: [(Pairs, Pairs); 6] = [
        (vec![], vec![(organization, write), (variables, write)]),
        (vec![dry], vec![(organization, read), (variables, read)]),
        (vec![once], vec![(organization, write), (variables, read)]),
        (vec![bare], vec![(organization, write)]),
        (
            repository.to_vec(),
            vec![(repositories, write), (variables, write)],
        ),
        (
            vec![("INPUT_REPOSITORY", "acme/ops"), bare, dry],
            vec![(organization, read), (repositories, read)],
        ),
    ];
    for (inputs, wanted) in cases {
        let world = world();
        let hook = Owner::Repository {
            owner: "acme".into(),
            name: "ops".into(),
        };
        world
            .github()
            .add_webhook(hook, Webhook::new("https://x.example.com"));
        world.log(Attempt::failed(guid(1), start() - TimeDelta::minutes(10)));
        let report = pass(&world, &inputs).await;
        assert_eq!(report.errors, [""; 0], "{inputs:?}");
        assert_eq!(minted(&world), [permissions(&wanted)], "{inputs:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn one_token_is_made_per_account_however_many_requests_need_it() {
    let mut world = world();
    for n in 0..50 {
        let name = format!("r{n}");
        let owner = Owner::Repository {
            owner: "acme".into(),
            name,
        };
        let hook = world
            .github()
            .add_webhook(owner, Webhook::new("https://x.example.com"));
        world
            .github()
            .webhook_mut(hook)
            .log(Attempt::failed(guid(n), start() - TimeDelta::minutes(5)));
    }
    world.latency = Duration::from_millis(100);
    let report = pass(&world, &[("INPUT_REPOSITORY", "acme/*")]).await;
    assert_eq!(report.errors, [""; 0]);
    assert_eq!(report.count(|outcome| outcome == Outcome::Recovered), 50);
    assert_eq!(world.github().minted().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_expires_during_the_pass_is_renewed_before_it_does() {
    let mut world = world();
    world.github().installation_token_lifetime = TimeDelta::minutes(2);
    world.log_failures(world.hook, 300, start());
    world.latency = Duration::from_millis(300);
    let report = pass(&world, &[("INPUT_MAX_PER_MINUTE", "30")]).await;
    assert_eq!(report.errors, [""; 0]);
    assert_eq!(report.result(), PassResult::Recovered);
    let refused = world
        .github()
        .requests()
        .iter()
        .filter(|each| each.status == 401)
        .count();
    assert_eq!(refused, 0);
    let made = world.github().minted().len();
    assert!((5..=12).contains(&made), "{made}");
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_refused_is_replaced_once() {
    let world = world();
    world.log(Attempt::failed(guid(1), start() - TimeDelta::minutes(10)));
    let refused = r#"{"message":"Bad credentials"}"#;
    world
        .github()
        .add_fault(Fault::on("GET", "/deliveries").status(401, refused));
    world
        .github()
        .add_fault(Fault::on("POST", "/attempts").status(401, refused));
    let report = pass(&world, &[]).await;
    assert_eq!(report.errors, [""; 0]);
    assert_eq!(report.result(), PassResult::Recovered);
    assert_eq!(world.github().minted().len(), 3);

    world.github().add_fault(
        Fault::on("GET", "/deliveries")
            .always()
            .status(401, refused),
    );
    let report = pass(&world, &[]).await;
    assert!(
        report.errors[0].contains("GitHub answered 401 `Bad credentials`"),
        "{:?}",
        report.errors
    );
    assert_eq!(world.github().minted().len(), 5);
}

#[tokio::test(start_paused = true)]
async fn an_app_whose_clock_is_wrong_signs_again_by_githubs() {
    for (off, refused) in [
        (3_600, 1),
        (-3_600, 1),
        (86_400 * 365, 1),
        (20, 0),
        (-20, 0),
    ] {
        let world = world();
        world.log(Attempt::failed(guid(1), start() - TimeDelta::minutes(10)));
        let ours = start() + TimeDelta::seconds(off);
        let report = world.pass_with_our_clock(ours, &as_the_app()).await;
        assert_eq!(report.errors, [""; 0], "{off}");
        assert_eq!(report.result(), PassResult::Recovered);
        let github = world.github();
        let answered = github
            .requests()
            .iter()
            .filter(|each| each.status == 401)
            .count();
        assert_eq!(answered, refused, "{off}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_wrong_key_is_tried_once() {
    let world = world();
    let key = ("INPUT_PRIVATE_KEY", TestKey::OTHER.pkcs1_pem);
    let mut inputs: Vec<_> = as_the_app().into_iter().take(2).collect();
    inputs.push(key);
    let report = world.pass(&inputs).await;
    assert!(
        report.errors[0].contains("`private-key` is not a key of the App"),
        "{:?}",
        report.errors
    );
    // One request for both purposes: the webhooks and the variable.
    assert_eq!(world.github().requests().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_apps_own_jwt_is_renewed_during_a_long_pass() {
    let mut world = world();
    let hook = world.github().app_webhook().unwrap();
    for n in 0..20_000 {
        let at = start() - TimeDelta::seconds(n);
        world
            .github()
            .webhook_mut(hook)
            .log(Attempt::ok(guid(n as u64), at));
    }
    // 200 pages, one after the other, in about half an hour.
    world.latency = Duration::from_secs(9);
    let target = [
        ("INPUT_ORGANIZATION", ""),
        ("INPUT_APP_WEBHOOK", "true"),
        ("INPUT_TIME_LIMIT", "2h"),
    ];
    let report = pass(&world, &target).await;
    assert_eq!(report.errors, [""; 0]);
    assert_eq!(report.scanned(), 20_000);
    let github = world.github();
    assert!(github.now() - start() > TimeDelta::minutes(25));
    let mut tokens: Vec<_> = github
        .requests()
        .iter()
        .filter(|each| each.path_and_query.starts_with("/app"))
        .map(|each| each.headers["authorization"].clone())
        .collect();
    tokens.dedup();
    assert!((5..=8).contains(&tokens.len()), "{}", tokens.len());
}

#[tokio::test(start_paused = true)]
async fn an_app_covers_every_organization_except_excluded_ones() {
    let world = world();
    let mut hooks = Vec::new();
    for n in 0..150 {
        let login = format!("org-{n}");
        let mut github = world.github();
        let owner = Owner::Organization(login.clone());
        hooks.push(github.add_webhook(owner, Webhook::new("https://x.example.com")));
        github
            .webhook_mut(hooks[n])
            .log(Attempt::failed(guid(1), start() - TimeDelta::minutes(5)));
        github.install(Installation::new(&login, &ALL));
    }
    {
        let mut github = world.github();
        github.add_user("bob");
        github.install(Installation::new("bob", &ALL));
        github.install(Installation::new("asleep", &ALL).suspended());
        github.install(Installation::new("weak", &[("organization_hooks", "read")]));
    }
    let target = [
        ("INPUT_ORGANIZATION", "*, !org-7, !ORG-8"),
        ("INPUT_CHECKPOINT_VARIABLE", ""),
    ];
    let report = pass(&world, &target).await;
    assert_eq!(report.errors, [""; 0]);
    assert_eq!(report.count(|outcome| outcome == Outcome::Recovered), 148);
    let github = world.github();
    assert_eq!(
        (
            github.requested(hooks[7]).len(),
            github.requested(hooks[8]).len()
        ),
        (0, 0)
    );
    // The list holds everything that single look-ups would return.
    let lookups = github
        .requests()
        .iter()
        .filter(|each| each.path_and_query.ends_with("/installation"));
    assert_eq!(lookups.count(), 0);
    let warned = report.warnings.join("\n");
    assert!(
        warned.contains(
            "`asleep`: there is no token for `asleep`: the App's installation is suspended"
        ),
        "{warned}"
    );
    assert!(
        warned.contains("`weak`: there is no token for `weak`: the App's installation lacks"),
        "{warned}"
    );
    assert!(!warned.contains("bob"), "{warned}");
}

#[tokio::test(start_paused = true)]
async fn a_wrong_clock_is_not_taken_for_a_wrong_key_by_concurrent_requests() {
    let world = world();
    for login in ["beta", "gamma"] {
        let mut github = world.github();
        let owner = Owner::Organization(login.into());
        github.add_webhook(owner, Webhook::new("https://x.example.com"));
        github.install(Installation::new(login, &ALL));
    }
    let mut inputs = as_the_app();
    inputs.push(("INPUT_ORGANIZATION", "acme, beta, gamma"));
    let ours = start() + TimeDelta::hours(1);
    let report = world.pass_with_our_clock(ours, &inputs).await;
    assert_eq!(report.errors, [""; 0]);
    assert_eq!(report.webhooks.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_cannot_be_made_matters_only_once_the_old_one_expires() {
    let mut world = world();
    world.github().installation_token_lifetime = TimeDelta::minutes(8);
    world.log_failures(world.hook, 150, start());
    world.latency = Duration::from_millis(100);
    // GitHub makes the first token, and then fails for a while.
    let trouble = Fault::on("POST", "/access_tokens")
        .nth(2)
        .times(8)
        .status(502, "");
    world.github().add_fault(trouble);
    let report = pass(&world, &[("INPUT_MAX_PER_MINUTE", "15")]).await;
    assert_eq!(report.errors, [""; 0]);
    assert_eq!(report.count(|outcome| outcome == Outcome::Recovered), 150);
}

#[tokio::test(start_paused = true)]
async fn a_wildcard_leaves_out_people_and_excluded_organizations_but_keeps_named_targets() {
    let world = world();
    let hook = {
        let mut github = world.github();
        github.add_user("bob");
        let owner = Owner::Repository {
            owner: "bob".into(),
            name: "site".into(),
        };
        let hook = github.add_webhook(owner, Webhook::new("https://x.example.com"));
        github
            .webhook_mut(hook)
            .log(Attempt::failed(guid(1), start() - TimeDelta::minutes(5)));
        github.install(Installation::new("bob", &[("repository_hooks", "write")]));
        github.add_repository("beta", "ops");
        github.install(Installation::new("beta", &[("actions_variables", "write")]));
        hook
    };
    let inputs = [
        ("INPUT_ORGANIZATION", "*, !beta"),
        ("INPUT_REPOSITORY", "bob/site"),
        ("INPUT_CHECKPOINT_REPOSITORY", "beta/ops"),
    ];
    let report = pass(&world, &inputs).await;
    assert_eq!(report.errors, [""; 0]);
    assert_eq!(world.github().requested(hook).len(), 1);
    assert!(report.checkpoint.is_some());
}
