//! All repositories of an account, side by side.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::TimeDelta;
use redeliver_webhooks::model::{Outcome, PassResult};
use simulated_github::{Access, Attempt, Fault, Level, Owner, Receiver, Webhook, guid};
use tokio::time::Instant;

use crate::cloud::{Cloud, start};

const ALL: [(&str, &str); 2] = [("INPUT_ORGANIZATION", ""), ("INPUT_REPOSITORY", "acme/*")];

fn add_repository(cloud: &Cloud, name: &str) -> u64 {
    let owner = Owner::Repository {
        owner: "acme".into(),
        name: name.into(),
    };
    let mut github = cloud.github();
    let hook = github.add_webhook(owner, Webhook::new("https://ci.example.com"));
    github
        .webhook_mut(hook)
        .log(Attempt::failed(guid(1), start() - TimeDelta::minutes(5)));
    hook
}

#[tokio::test(start_paused = true)]
async fn five_hundred_repositories_are_scanned_in_ten_seconds() {
    let mut cloud = Cloud::enterprise_server();
    for n in 0..500 {
        let hook = add_repository(&cloud, &format!("r{n}"));
        cloud
            .github()
            .webhook_mut(hook)
            .log(Attempt::ok(guid(1), start()));
    }
    cloud.latency = Duration::from_millis(100);
    let began = Instant::now();
    let report = cloud.pass(&ALL).await;
    let took = began.elapsed();
    assert_eq!(report.errors, [""; 0]);
    assert_eq!((report.webhooks.len(), report.scanned()), (500, 1_000));
    let github = cloud.github();
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
async fn only_what_may_be_administered_and_is_not_archived() {
    let cloud = Cloud::new();
    let own = add_repository(&cloud, "own");
    let (attic, theirs, left_out) = (
        add_repository(&cloud, "attic"),
        add_repository(&cloud, "theirs"),
        add_repository(&cloud, "Left-out"),
    );
    {
        let mut github = cloud.github();
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
    let report = cloud.pass(&inputs).await;
    assert_eq!(report.errors, [""; 0]);
    let github = cloud.github();
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
    let cloud = Cloud::new();
    let hook = {
        let mut github = cloud.github();
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
    add_repository(&cloud, "acmes");
    let inputs = [
        ("INPUT_TOKEN", "ghp_bobs"),
        ("INPUT_ORGANIZATION", ""),
        ("INPUT_REPOSITORY", "bob/*"),
        ("INPUT_CHECKPOINT_VARIABLE", ""),
    ];
    let report = cloud.pass(&inputs).await;
    assert_eq!(report.errors, [""; 0]);
    assert_eq!(report.count(|_| true), 1);
    assert_eq!(cloud.github().requested(hook).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_repository_that_may_not_be_read_is_a_warning_and_holds_the_checkpoint_for_a_while() {
    let cloud = Cloud::new();
    for n in 0..9 {
        add_repository(&cloud, &format!("r{n}"));
    }
    let refused = r#"{"message":"Not Found"}"#;
    for n in 0..7 {
        let path = format!("/repos/acme/r{n}/hooks");
        cloud
            .github()
            .add_fault(Fault::on("GET", &path).always().status(404, refused));
    }
    let report = cloud.pass(&ALL).await;
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
    // What GitHub redelivers no longer holds nothing.
    tokio::time::sleep(Duration::from_secs(73 * 3_600)).await;
    let now = cloud.github().now();
    assert_eq!(cloud.pass(&ALL).await.checkpoint, Some(now));

    // The same of one that was named is an error, and so is trouble.
    let named = [
        ("INPUT_ORGANIZATION", ""),
        ("INPUT_REPOSITORY", "acme/*, acme/r0"),
    ];
    let report = cloud.pass(&named).await;
    assert_eq!((report.errors.len(), report.warnings.len()), (1, 6));
    cloud.github().clear_faults();
    let trouble = Fault::on("GET", "/repos/acme/r0/hooks")
        .always()
        .status(500, "{}");
    cloud.github().add_fault(trouble);
    let report = cloud.pass(&ALL).await;
    assert_eq!(report.result(), PassResult::Error, "{:?}", report.errors);
}

#[tokio::test(start_paused = true)]
async fn costly_discovery_is_told_of() {
    let cloud = Cloud::new();
    for n in 0..300 {
        add_repository(&cloud, &format!("r{n}"));
    }
    let inputs = [ALL[0], ALL[1], ("INPUT_MAX_PER_MINUTE", "10000")];
    let report = cloud.pass(&inputs).await;
    assert_eq!(report.warnings, [""; 0], "305 requests an hour of 5,000");
    tokio::time::sleep(Duration::from_secs(900)).await;
    let report = cloud.pass(&inputs).await;
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
    let cloud = Cloud::enterprise_server();
    let mut busy = Vec::new();
    for n in 0..400 {
        let hook = cloud.add_webhook(&format!("https://ci-{n}.example.com"));
        if n % 80 == 0 {
            busy.push(hook);
        }
    }
    let gone = format!("/hooks/{}/deliveries", cloud.hook);
    let refused = r#"{"message":"Not Found"}"#;
    cloud
        .github()
        .add_fault(Fault::on("GET", &gone).always().status(404, refused));
    let mut requests = Vec::new();
    // Twelve days: more than even Enterprise Server redelivers.
    for pass in 0..48 {
        for n in 0..100 {
            for hook in &busy {
                let now = cloud.github().now();
                let row = Attempt::ok(guid(pass * 1_000 + n), now - TimeDelta::minutes(n as i64));
                cloud.github().webhook_mut(*hook).log(row);
            }
        }
        cloud.github().clear_requests();
        let report = cloud.pass(&[]).await;
        requests.push(cloud.github().requests().len());
        assert_eq!(report.result(), PassResult::Error, "{pass}");
        assert_eq!(report.errors.len(), 1, "{:?}", report.errors);
        assert!(
            report.errors[0].contains("GitHub answered 404"),
            "{:?}",
            report.errors
        );
        if let Some(gap) = report.gap {
            let name = format!("at acme webhook {} between", cloud.hook);
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
async fn what_is_open_where_nothing_may_be_read_for_a_while_is_recovered_later() {
    let cloud = Cloud::new();
    let hook = add_repository(&cloud, "a");
    add_repository(&cloud, "b");
    cloud.github().webhook_mut(hook).receiver = Receiver::down();
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
            cloud.github().add_fault(fault);
        }
        cloud.github().webhook_mut(hook).active = what != "off";
        let report = cloud.pass(&ALL).await;
        assert_eq!(report.errors, [""; 0], "{what}");
        let checkpoint = cloud
            .github()
            .variable("acme/ops", "LAST_REDELIVERY")
            .unwrap();
        assert!(
            checkpoint.parse::<i64>().unwrap() <= open.timestamp_millis(),
            "{what}"
        );
        tokio::time::sleep(Duration::from_secs(3_600)).await;
    }
    cloud.github().webhook_mut(hook).active = true;
    cloud.github().webhook_mut(hook).receiver = Receiver::up();
    let report = cloud.pass(&ALL).await;
    assert_eq!(report.count(|outcome| outcome == Outcome::Recovered), 1);
    assert_eq!(cloud.undelivered(hook).len(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_account_of_which_nothing_can_be_read_is_an_error() {
    let cloud = Cloud::new();
    let hook = add_repository(&cloud, "a");
    let refused = Fault::on("GET", "/repos/acme/a/hooks").status(403, r#"{"message":"no"}"#);
    cloud.github().add_fault(refused);
    let report = cloud.pass(&ALL).await;
    let expected =
        "the repositories of `acme`: 2 repositories looked through, and none has an active webhook";
    assert!(
        report.errors[0].starts_with(expected),
        "{:?}",
        report.errors
    );
    cloud.github().webhook_mut(hook).active = false;
    let report = cloud.pass(&ALL).await;
    assert!(
        report.errors[0].starts_with(expected),
        "{:?}",
        report.errors
    );
}

#[tokio::test(start_paused = true)]
async fn a_credential_that_is_refused_is_not_tried_at_every_repository() {
    let cloud = Cloud::new();
    for n in 0..300 {
        add_repository(&cloud, &format!("r{n}"));
    }
    let refused = r#"{"message":"Bad credentials"}"#;
    let fault = Fault::on("GET", "/hooks?").always().status(401, refused);
    cloud.github().add_fault(fault);
    let report = cloud.pass(&ALL).await;
    assert!(
        (1..=6).contains(&report.errors.len()),
        "{:?}",
        report.errors
    );
    let asked = cloud.github().requests().len();
    assert!(asked < 120, "{asked}");
}

#[tokio::test(start_paused = true)]
async fn two_patterns_for_payload_urls_do_not_share_a_variable() {
    let cloud = Cloud::new();
    cloud.add_webhook("https://chat.example.com");
    let pass = |pattern| [("INPUT_PAYLOAD_URL", pattern)];
    let report = cloud.pass(&pass("https://ci.example.com*")).await;
    assert_eq!(report.errors, [""; 0]);
    let report = cloud.pass(&pass("https://chat.example.com*")).await;
    assert!(
        report.errors[0].ends_with("Give each its own variable"),
        "{:?}",
        report.errors
    );
    assert!(!report.errors[0].contains("chat"), "{:?}", report.errors);
}
