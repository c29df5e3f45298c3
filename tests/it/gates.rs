//! Limits hold for the credential that met them, and points for the whole pass.

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use redeliver_webhooks::model::{Outcome, PassResult};
use redeliver_webhooks::report::Report;
use simulated_github::{Access, App, Attempt, Fault, Installation, Owner, TestKey, Webhook, guid};
use tokio::time::Instant;

use crate::credential_kinds::CLIENT_ID;
use crate::virtual_world::{TOKEN, VirtualWorld, start};
use crate::world::{HOUR, World, ago};

const OF_THE_CHECKPOINT: &str = "ghp_of0the0checkpoint";

const APP: [(&str, &str); 4] = [
    ("INPUT_TOKEN", ""),
    ("INPUT_ORGANIZATION", "*"),
    ("INPUT_CLIENT_ID", CLIENT_ID),
    ("INPUT_PRIVATE_KEY", TestKey::APP.pkcs1_pem),
];

fn count(report: &Report, outcome: Outcome) -> usize {
    report.count(|each| each == outcome)
}

/// An App on acme and globex, each with a webhook and three failed deliveries. Returns the id of globex's webhook.
fn app_on_two() -> (VirtualWorld, u64) {
    let world = VirtualWorld::new();
    let permissions = [
        ("organization_hooks", "write"),
        ("actions_variables", "write"),
    ];
    let globex = {
        let mut github = world.github();
        github.add_app(App::new(7, CLIENT_ID, TestKey::APP.public_der));
        github.add_organization("globex");
        github.install(Installation::new("acme", &permissions));
        github.install(Installation::new("globex", &permissions));
        let owner = Owner::Organization("globex".into());
        github.add_webhook(owner, Webhook::new("https://ci.globex.com"))
    };
    for hook in [world.hook, globex] {
        world.log_failures(hook, 3, start() - TimeDelta::minutes(1));
    }
    (world, globex)
}

#[test]
fn a_checkpoint_token_with_little_left_does_not_stop_the_other() {
    for left in [450, 10] {
        let world = World::new();
        world.set_variable(&ago(2 * HOUR).timestamp_millis().to_string());
        for n in 0..3 {
            world.log(Attempt::failed(guid(n), ago(HOUR)));
        }
        {
            let mut github = world.simulator.github();
            github.add_token(OF_THE_CHECKPOINT, Access::admin());
            let reset = Utc::now() + TimeDelta::minutes(50);
            github.set_rate_limit_used(OF_THE_CHECKPOINT, 5_000 - left, reset);
        }
        world
            .pass()
            .input("checkpoint-token", OF_THE_CHECKPOINT)
            .run()
            .success()
            .outputs(&["result=recovered", "recovered=3", "errors=0"]);
        assert!(world.checkpoint().unwrap() > ago(1));
    }
}

#[tokio::test(start_paused = true)]
async fn an_installation_that_is_used_up_does_not_stop_the_other() {
    let (world, _) = app_on_two();
    let reset = start() + TimeDelta::minutes(50);
    let fault = Fault::on("GET", "/orgs/acme/hooks/").always();
    let fault = fault
        .status(
            403,
            r#"{"message":"API rate limit exceeded for installation ID 1."}"#,
        )
        .header("x-ratelimit-limit", "5000")
        .header("x-ratelimit-remaining", "0")
        .header("x-ratelimit-reset", &reset.timestamp().to_string());
    world.github().add_fault(fault);
    let began = Instant::now();
    let report = world.pass(&APP).await;
    assert!(began.elapsed() < Duration::from_secs(30));
    assert_eq!(report.errors, [""; 0]);
    assert_eq!(count(&report, Outcome::Recovered), 3);
    assert_eq!(report.result(), PassResult::Unread);
    let unread: Vec<String> = report.unread().collect();
    assert_eq!(unread, [format!("acme webhook {}", world.hook)]);
    let warning = &report.warnings[0];
    let limit = "GitHub's rate limit is reached for `acme` with acme webhook";
    assert!(warning.starts_with(limit), "{warning}");
    assert!(
        warning.contains("run again after 2026-11-22T12:50"),
        "{warning}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_secondary_limit_holds_only_the_credential_that_met_it() {
    let (world, globex) = app_on_two();
    let fault = Fault::on("POST", &format!("/hooks/{}/", world.hook));
    let limit = r#"{"message":"You have exceeded a secondary rate limit."}"#;
    let fault = fault.status(403, limit).header("retry-after", "120");
    world.github().add_fault(fault);
    let report = world.pass(&APP).await;
    assert_eq!(report.errors, [""; 0]);
    assert_eq!(count(&report, Outcome::Recovered), 6);
    let github = world.github();
    let seconds = |hook: u64| {
        let redelivered = github.attempts(hook).into_iter();
        let redelivered = redelivered.filter(|attempt| attempt.redelivery);
        let seconds = redelivered.map(|attempt| (attempt.delivered_at - start()).num_seconds());
        seconds.collect::<Vec<_>>()
    };
    assert!(
        seconds(globex).iter().all(|second| *second < 60),
        "{:?}",
        seconds(globex)
    );
    assert!(seconds(world.hook).iter().all(|second| *second >= 120));
    // Meanwhile, no request is made at acme.
    let path = format!("/hooks/{}/", world.hook);
    let early = github.requests().iter().filter(|each| {
        let second = (each.at - start()).num_seconds();
        each.path_and_query.contains(&path) && (1..120).contains(&second)
    });
    assert_eq!(early.count(), 0);
}

#[tokio::test(start_paused = true)]
async fn one_token_in_two_inputs_is_one_credential() {
    let mut world = VirtualWorld::new();
    world.latency = Duration::from_millis(500);
    for n in 0..3_000 {
        let at = start() - TimeDelta::seconds(n);
        world.log(Attempt::ok(guid(n as u64), at));
    }
    // The state, which the checkpoint's token requests while the other reads.
    let fault = Fault::on("GET", "/variables/LAST_REDELIVERY_STATE").status(429, "");
    let fault = fault.header("retry-after", "100");
    world.github().add_fault(fault);
    let report = world.pass(&[("INPUT_CHECKPOINT_TOKEN", TOKEN)]).await;
    assert_eq!((report.errors.len(), report.scanned()), (0, 3_000));
    let github = world.github();
    let early = github.requests().iter().filter(|each| {
        let second = (each.at - start()).num_seconds();
        (2..100).contains(&second)
    });
    assert_eq!(early.count(), 0);
}

#[tokio::test(start_paused = true)]
async fn points_count_on_github_com_even_without_limit_headers() {
    let mut world = VirtualWorld::new();
    world.latency = Duration::from_millis(10);
    for n in 0..150_000 {
        let at = start() - TimeDelta::milliseconds(n * 500);
        world.log(Attempt::ok(guid(n as u64), at));
    }
    let fault = Fault::on_any_path("*")
        .always()
        .without_header("x-ratelimit-limit")
        .without_header("x-ratelimit-remaining")
        .without_header("x-ratelimit-reset");
    world.github().add_fault(fault);
    let report = world.pass(&[]).await;
    assert_eq!((report.errors.len(), report.scanned()), (0, 150_000));
    let most = world.github().most_points_in_a_minute();
    assert!((800..=840).contains(&most), "{most}");
}

#[tokio::test(start_paused = true)]
async fn every_response_that_github_calls_a_limit_is_waited_for() {
    let limited = |fault: Fault, status, text: &str| {
        fault.status(status, &format!(r#"{{"message":"{text}"}}"#))
    };
    for (status, text) in [
        (
            403,
            "You have exceeded a secondary rate limit and have been temporarily blocked.",
        ),
        (
            403,
            "You have triggered an abuse detection mechanism. Please wait a few minutes.",
        ),
        (403, "API RATE LIMIT exceeded"),
        (429, "Too many requests"),
    ] {
        for method in ["GET", "POST"] {
            let world = VirtualWorld::new();
            world.log_failures(world.hook, 3, start());
            let path = if method == "GET" {
                "/deliveries?"
            } else {
                "/attempts"
            };
            // Other limits may be far from used up.
            let fault = limited(Fault::on(method, path), status, text)
                .header("gh-limited-by", "search-elapsed-time-shared-grouped")
                .header("x-ratelimit-remaining", "4000");
            world.github().add_fault(fault);
            let began = Instant::now();
            let report = world.pass(&[]).await;
            assert_eq!(report.errors, [""; 0], "{text}");
            assert_eq!(count(&report, Outcome::Recovered), 3, "{text}");
            let took = began.elapsed().as_secs();
            assert!((60..66).contains(&took), "{text} {method}: {took}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_wave_that_the_last_tenth_cuts_is_confirmed() {
    let world = VirtualWorld::new();
    world.log_failures(world.hook, 60, start() - TimeDelta::minutes(1));
    // Discovery and reading use a part of the available requests.
    let reset = start() + TimeDelta::minutes(50);
    world.github().set_rate_limit_used(TOKEN, 4_480, reset);
    let report = world.pass(&[]).await;
    assert_eq!(report.errors, [""; 0]);
    let (recovered, deferred) = (
        count(&report, Outcome::Recovered),
        count(&report, Outcome::Deferred),
    );
    assert!((5..20).contains(&recovered), "{recovered}");
    assert_eq!(recovered + deferred, 60);
    let deliveries = report.deliveries();
    let mut deferred = deliveries.filter(|each| each.outcome == Outcome::Deferred);
    assert!(deferred.all(|each| each.reason.as_deref() == Some("GitHub's rate limit is reached")));
    assert!(
        report.warnings[0].starts_with("GitHub's rate limit is reached with "),
        "{:?}",
        report.warnings
    );
}

#[tokio::test(start_paused = true)]
async fn a_wave_that_the_time_limit_cuts_is_confirmed() {
    let world = VirtualWorld::new();
    world.log_failures(world.hook, 200, start() - TimeDelta::minutes(1));
    for n in 0..50 {
        world.log(Attempt::ok(guid(1_000 + n), start()));
    }
    let inputs = [("INPUT_MAX_PER_MINUTE", "10"), ("INPUT_TIME_LIMIT", "60s")];
    let report = world.pass(&inputs).await;
    let recovered = count(&report, Outcome::Recovered);
    assert!((30..45).contains(&recovered), "{recovered}");
    assert_eq!(count(&report, Outcome::Deferred), 200 - recovered);
}

#[tokio::test(start_paused = true)]
async fn redeliveries_that_the_limit_leaves_unconfirmed_say_so() {
    let world = VirtualWorld::new();
    world.log_failures(world.hook, 20, start() - TimeDelta::minutes(1));
    let limit = r#"{"message":"You have exceeded a secondary rate limit."}"#;
    let fault = Fault::on("POST", "/attempts").nth(4).status(403, limit);
    world
        .github()
        .add_fault(fault.header("retry-after", "3600"));
    let began = Instant::now();
    let report = world.pass(&[]).await;
    assert!(began.elapsed() < Duration::from_secs(30));
    assert_eq!(report.errors, [""; 0]);
    assert_eq!(count(&report, Outcome::Deferred), 17);
    let deliveries = report.deliveries();
    let unseen = deliveries.filter(|each| each.outcome == Outcome::Unconfirmed);
    let reasons: Vec<_> = unseen.map(|each| each.reason.as_deref()).collect();
    assert_eq!(
        reasons,
        [Some("not confirmed: GitHub's rate limit is reached"); 3]
    );
}

#[tokio::test(start_paused = true)]
async fn a_delivery_that_github_always_calls_spammed_stops_no_other() {
    let world = VirtualWorld::new();
    world.log_failures(world.hook, 10, start());
    let log = world.github().attempts(world.hook);
    for attempt in log {
        if [guid(0), guid(1)].contains(&attempt.guid) {
            let message = "The endpoint has been spammed.";
            world.github().refuse(attempt.id, 422, message);
        }
    }
    let report = world.pass(&[]).await;
    assert_eq!(count(&report, Outcome::Recovered), 8);
    assert_eq!(count(&report, Outcome::Refused), 2);
}
