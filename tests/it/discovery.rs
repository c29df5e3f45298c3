//! All repositories of an account, side by side.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::TimeDelta;
use redeliver_webhooks::model::{Outcome, PassResult};
use simulated_github::{Access, Attempt, Fault, Level, Owner, Receiver, Webhook, guid};
use tokio::time::Instant;

use crate::virtual_world::{VirtualWorld, start};

const ALL: [(&str, &str); 2] = [("INPUT_ORGANIZATION", ""), ("INPUT_REPOSITORY", "acme/*")];

fn add_repository(world: &VirtualWorld, name: &str) -> u64 {
    let owner = Owner::Repository {
        owner: "acme".into(),
        name: name.into(),
    };
    let mut github = world.github();
    let hook = github.add_webhook(owner, Webhook::new("https://ci.example.com"));
    github
        .webhook_mut(hook)
        .log(Attempt::failed(guid(1), start() - TimeDelta::minutes(5)));
    hook
}

#[tokio::test(start_paused = true)]
async fn five_hundred_repositories_are_scanned_in_ten_seconds() {
    let mut world = VirtualWorld::enterprise_server();
    for n in 0..500 {
        let hook = add_repository(&world, &format!("r{n}"));
        world
            .github()
            .webhook_mut(hook)
            .log(Attempt::ok(guid(1), start()));
    }
    world.latency = Duration::from_millis(100);
    let began = Instant::now();
    let report = world.pass(&ALL).await;
    let took = began.elapsed();
    assert_eq!(report.errors, [""; 0]);
    assert_eq!((report.webhooks.len(), report.scanned()), (500, 1_000));
    let github = world.github();
    assert_eq!(github.most_in_flight(), 16);
    let requests = github.requests().len();
    assert!(
        took < Duration::from_secs(10),
        "{took:?} for {requests} requests"
    );
    // The first logs are read while repositories are still being listed.
    let place = |part: &str, last: bool| {
        let mut places = github
            .requests()
            .iter()
            .enumerate()
            .filter(|(_, each)| each.path_and_query.contains(part));
        let found = if last {
            places.next_back()
        } else {
            places.next()
        };
        found.unwrap().0
    };
    assert!(place("/deliveries", false) < place("/orgs/acme/repos", true));
}

#[tokio::test(start_paused = true)]
async fn only_repositories_that_the_token_administers_and_that_are_not_archived_are_scanned() {
    let world = VirtualWorld::new();
    let own = add_repository(&world, "own");
    let (attic, theirs, left_out) = (
        add_repository(&world, "attic"),
        add_repository(&world, "theirs"),
        add_repository(&world, "Left-out"),
    );
    {
        let mut github = world.github();
        github.archive("acme/attic");
        let access = Access::nothing()
            .repository_webhooks("acme/own", Level::Write)
            .repository_webhooks("acme/attic", Level::Write)
            .repository_webhooks("acme/left-out", Level::Write)
            .variables("acme/ops", Level::Write);
        github.add_token("github_pat_some", access);
    }
    let inputs = [
        ("INPUT_TOKEN", "github_pat_some"),
        ("INPUT_ORGANIZATION", ""),
        ("INPUT_REPOSITORY", "acme/*, !acme/left-OUT"),
    ];
    let report = world.pass(&inputs).await;
    assert_eq!(report.errors, [""; 0]);
    let github = world.github();
    assert_eq!(github.requested(own).len(), 1);
    for hook in [attic, theirs, left_out] {
        assert_eq!(github.requested(hook).len(), 0);
    }
    assert!(
        report.scope.contains("1 in archived repositories"),
        "{}",
        report.scope
    );
    assert!(
        report.scope.contains("does not administer"),
        "{}",
        report.scope
    );
}

#[tokio::test(start_paused = true)]
async fn a_persons_repositories_are_found_as_well() {
    let world = VirtualWorld::new();
    let hook = {
        let mut github = world.github();
        github.add_user("bob");
        let owner = Owner::Repository {
            owner: "bob".into(),
            name: "site".into(),
        };
        let hook = github.add_webhook(owner, Webhook::new("https://ci.example.com"));
        github
            .webhook_mut(hook)
            .log(Attempt::failed(guid(1), start() - TimeDelta::minutes(5)));
        github.add_token("ghp_bobs", Access::classic(&["repo"]).user("bob"));
        hook
    };
    add_repository(&world, "acmes");
    let inputs = [
        ("INPUT_TOKEN", "ghp_bobs"),
        ("INPUT_ORGANIZATION", ""),
        ("INPUT_REPOSITORY", "bob/*"),
        ("INPUT_CHECKPOINT_VARIABLE", ""),
    ];
    let report = world.pass(&inputs).await;
    assert_eq!(report.errors, [""; 0]);
    assert_eq!(report.count(|_| true), 1);
    assert_eq!(world.github().requested(hook).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_repository_that_may_not_be_read_is_a_warning_and_holds_the_checkpoint_for_a_while() {
    let world = VirtualWorld::new();
    for n in 0..9 {
        add_repository(&world, &format!("r{n}"));
    }
    let refused = r#"{"message":"Not Found"}"#;
    for n in 0..7 {
        let path = format!("/repos/acme/r{n}/hooks");
        world
            .github()
            .add_fault(Fault::on("GET", &path).always().status(404, refused));
    }
    let report = world.pass(&ALL).await;
    assert_eq!(report.errors, [""; 0]);
    assert_eq!(report.count(|outcome| outcome == Outcome::Recovered), 2);
    assert_eq!(report.warnings.len(), 6, "{:?}", report.warnings);
    assert!(report.warnings[0].contains("the webhooks of `acme/r0`: GitHub answered 404"));
    assert!(
        report.warnings[5].contains("2 more owners of webhooks"),
        "{:?}",
        report.warnings
    );
    let overlap = TimeDelta::minutes(30);
    let unread = start() - TimeDelta::hours(24) + overlap;
    assert_eq!(report.checkpoint, Some(unread));
    // A delivery that GitHub no longer redelivers does not hold the checkpoint.
    tokio::time::sleep(Duration::from_secs(73 * 3_600)).await;
    let now = world.github().now();
    assert_eq!(world.pass(&ALL).await.checkpoint, Some(now));

    // The same of one that was named is an error, and so is trouble.
    let named = [
        ("INPUT_ORGANIZATION", ""),
        ("INPUT_REPOSITORY", "acme/*, acme/r0"),
    ];
    let report = world.pass(&named).await;
    assert_eq!((report.errors.len(), report.warnings.len()), (1, 6));
    world.github().clear_faults();
    let trouble = Fault::on("GET", "/repos/acme/r0/hooks")
        .always()
        .status(500, "{}");
    world.github().add_fault(trouble);
    let report = world.pass(&ALL).await;
    assert_eq!(report.result(), PassResult::Error, "{:?}", report.errors);
}

#[tokio::test(start_paused = true)]
async fn a_discovery_of_many_requests_is_reported() {
    let world = VirtualWorld::new();
    for n in 0..300 {
        add_repository(&world, &format!("r{n}"));
    }
    let inputs = [ALL[0], ALL[1], ("INPUT_MAX_PER_MINUTE", "10000")];
    let report = world.pass(&inputs).await;
    assert_eq!(report.warnings, [""; 0], "305 requests an hour of 5,000");
    tokio::time::sleep(Duration::from_secs(900)).await;
    let report = world.pass(&inputs).await;
    // The passes themselves take minutes: 300 redeliveries cost 1,500 points.
    let expected =
        "Finding the webhooks took 305 requests, 1076 an hour with a pass every 17 minutes";
    assert!(
        report.warnings[0].starts_with(expected),
        "{:?}",
        report.warnings
    );
}

#[tokio::test(start_paused = true)]
async fn one_webhook_that_answers_404_for_a_week_costs_the_others_nothing() {
    let world = VirtualWorld::enterprise_server();
    let mut busy = Vec::new();
    for n in 0..400 {
        let hook = world.add_webhook(&format!("https://ci-{n}.example.com"));
        if n % 80 == 0 {
            busy.push(hook);
        }
    }
    let gone = format!("/hooks/{}/deliveries", world.hook);
    let refused = r#"{"message":"Not Found"}"#;
    world
        .github()
        .add_fault(Fault::on("GET", &gone).always().status(404, refused));
    let mut requests = Vec::new();
    // Twelve days: more than even Enterprise Server redelivers.
    for pass in 0..48 {
        for n in 0..100 {
            for hook in &busy {
                let now = world.github().now();
                let row = Attempt::ok(guid(pass * 1_000 + n), now - TimeDelta::minutes(n as i64));
                world.github().webhook_mut(*hook).log(row);
            }
        }
        world.github().clear_requests();
        let report = world.pass(&[]).await;
        requests.push(world.github().requests().len());
        assert_eq!(report.result(), PassResult::Error, "{pass}");
        assert_eq!(report.errors.len(), 1, "{:?}", report.errors);
        assert!(
            report.errors[0].contains("GitHub answered 404"),
            "{:?}",
            report.errors
        );
        if let Some(gap) = report.gap {
            let name = format!("at acme webhook {} between", world.hook);
            assert!(
                report.warnings[0].contains(&name),
                "{gap:?} {:?}",
                report.warnings
            );
        }
        tokio::time::sleep(Duration::from_secs(6 * 3_600)).await;
    }
    let distinct: BTreeSet<usize> = requests[2..].iter().copied().collect();
    assert!(distinct.len() == 1, "{requests:?}");
}

#[tokio::test(start_paused = true)]
async fn open_deliveries_of_a_log_that_is_unreadable_for_a_while_are_recovered_later() {
    let world = VirtualWorld::new();
    let hook = add_repository(&world, "a");
    add_repository(&world, "b");
    world.github().webhook_mut(hook).receiver = Receiver::down();
    let open = start() - TimeDelta::minutes(5);
    let trouble: [(&str, Option<Fault>); 3] = [
        ("down", None),
        (
            "refused",
            Some(Fault::on("GET", "/repos/acme/a/hooks").status(403, r#"{"message":"no"}"#)),
        ),
        ("off", None),
    ];
    for (what, fault) in trouble {
        if let Some(fault) = fault {
            world.github().add_fault(fault);
        }
        world.github().webhook_mut(hook).active = what != "off";
        let report = world.pass(&ALL).await;
        assert_eq!(report.errors, [""; 0], "{what}");
        let checkpoint = world
            .github()
            .variable("acme/ops", "LAST_REDELIVERY")
            .unwrap();
        assert!(
            checkpoint.parse::<i64>().unwrap() <= open.timestamp_millis(),
            "{what}"
        );
        tokio::time::sleep(Duration::from_secs(3_600)).await;
    }
    world.github().webhook_mut(hook).active = true;
    world.github().webhook_mut(hook).receiver = Receiver::up();
    let report = world.pass(&ALL).await;
    assert_eq!(report.count(|outcome| outcome == Outcome::Recovered), 1);
    assert_eq!(world.undelivered(hook).len(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_account_that_cannot_be_read_at_all_is_an_error() {
    let world = VirtualWorld::new();
    let hook = add_repository(&world, "a");
    let refused = Fault::on("GET", "/repos/acme/a/hooks").status(403, r#"{"message":"no"}"#);
    world.github().add_fault(refused);
    let report = world.pass(&ALL).await;
    let expected =
        "the repositories of `acme`: 2 repositories looked through, and none has an active webhook";
    assert!(
        report.errors[0].starts_with(expected),
        "{:?}",
        report.errors
    );
    world.github().webhook_mut(hook).active = false;
    let report = world.pass(&ALL).await;
    assert!(
        report.errors[0].starts_with(expected),
        "{:?}",
        report.errors
    );
}

#[tokio::test(start_paused = true)]
async fn a_credential_that_is_refused_is_not_tried_at_every_repository() {
    let world = VirtualWorld::new();
    for n in 0..300 {
        add_repository(&world, &format!("r{n}"));
    }
    let refused = r#"{"message":"Bad credentials"}"#;
    let fault = Fault::on("GET", "/hooks?").always().status(401, refused);
    world.github().add_fault(fault);
    let report = world.pass(&ALL).await;
    assert!(
        (1..=6).contains(&report.errors.len()),
        "{:?}",
        report.errors
    );
    let asked = world.github().requests().len();
    assert!(asked < 120, "{asked}");
}

#[tokio::test(start_paused = true)]
async fn two_patterns_for_payload_urls_do_not_share_a_variable() {
    let world = VirtualWorld::new();
    world.add_webhook("https://chat.example.com");
    let pass = |pattern| [("INPUT_PAYLOAD_URL", pattern)];
    let report = world.pass(&pass("https://ci.example.com*")).await;
    assert_eq!(report.errors, [""; 0]);
    let report = world.pass(&pass("https://chat.example.com*")).await;
    assert!(
        report.errors[0].ends_with("Give each its own variable"),
        "{:?}",
        report.errors
    );
    assert!(!report.errors[0].contains("chat"), "{:?}", report.errors);
}
