//! GitHub's limits, and trouble that comes by chance: whole passes in virtual time.

use std::time::Duration;

use chrono::TimeDelta;
use redeliver_webhooks::model::{Outcome, PassResult};
use redeliver_webhooks::report::Report;
use simulated_github::{Attempt, Fault, Receiver, SecondaryLimit, guid};
use tokio::time::{Instant, advance};

use crate::virtual_world::{TOKEN, VirtualWorld, start};

fn count(report: &Report, outcome: Outcome) -> usize {
    report.count(|each| each == outcome)
}

fn log_pages(world: &VirtualWorld, pages: i64) {
    for n in 0..pages * 100 {
        let at = start() - TimeDelta::seconds(n);
        world.log(Attempt::ok(guid(1_000_000 + n as u64), at));
    }
}

#[tokio::test(start_paused = true)]
async fn a_primary_limit_that_resets_soon_is_waited_for() {
    let mut world = VirtualWorld::new();
    log_pages(&world, 100);
    world.latency = Duration::from_millis(100);
    // A tenth of 5,000 is left to others: 50 requests may still be made.
    let reset = start() + TimeDelta::minutes(4);
    world.github().set_rate_limit_used(TOKEN, 4_450, reset);
    let began = Instant::now();
    let report = world.pass(&[]).await;
    assert_eq!(
        (report.result(), report.scanned()),
        (PassResult::Healthy, 10_000)
    );
    assert_eq!(report.warnings, [""; 0]);
    let took = began.elapsed().as_secs();
    assert!((240..300).contains(&took), "{took}");
    let github = world.github();
    let before: Vec<_> = github
        .requests()
        .iter()
        .filter(|each| each.at < reset)
        .collect();
    // Requests in flight when the fiftieth response came may go beyond.
    assert!((50..=52).contains(&before.len()), "{}", before.len());
    assert!(github.requests().iter().all(|each| each.status != 403));
}

#[tokio::test(start_paused = true)]
async fn a_primary_limit_that_resets_late_ends_the_pass_with_a_warning() {
    let mut world = VirtualWorld::new();
    world.log_failures(world.hook, 3, start() - TimeDelta::minutes(1));
    log_pages(&world, 100);
    world.latency = Duration::from_millis(100);
    let reset = start() + TimeDelta::minutes(50);
    world.github().set_rate_limit_used(TOKEN, 4_450, reset);
    let began = Instant::now();
    let report = world.pass(&[]).await;
    assert!(
        began.elapsed() < Duration::from_secs(60),
        "{:?}",
        began.elapsed()
    );
    assert_eq!(report.errors, [""; 0]);
    // This first pass reads a day, and most of that was not read.
    assert_eq!(report.result(), PassResult::Unread);
    let warning = &report.warnings[0];
    let hook = world.hook;
    let left = format!("with 3 deliveries left and acme webhook {hook} not read to the end");
    let limit = format!("GitHub's rate limit is reached {left}: run again after 2026-11-22T12:50");
    assert!(warning.starts_with(&limit), "{warning}");
    // The last word is written all the same, and nothing is lost.
    let asked = world.github().requests().len();
    advance(Duration::from_secs(3_600)).await;
    let report = world.pass(&[]).await;
    assert_eq!(
        (report.errors.len(), count(&report, Outcome::Recovered)),
        (0, 3)
    );
    assert!(asked <= 60, "{asked}");
}

#[tokio::test(start_paused = true)]
async fn a_secondary_limit_is_waited_for_as_github_says() {
    let limit = r#"{"message":"You have exceeded a secondary rate limit."}"#;
    let date = "Sun, 22 Nov 2026 12:00:50 GMT";
    for (retry_after, wait) in [
        (Some("30"), 31),
        (Some(date), 51),
        (None, 60),
        (Some("nonsense"), 60),
    ] {
        for request in ["POST", "GET"] {
            let world = VirtualWorld::new();
            world.log_failures(world.hook, 5, start());
            let path = if request == "POST" {
                "/attempts"
            } else {
                "/deliveries?"
            };
            let fault = Fault::on(request, path).status(403, limit);
            let fault = match retry_after {
                Some(value) => fault.header("retry-after", value),
                None => fault,
            };
            world.github().add_fault(fault);
            let began = Instant::now();
            let report = world.pass(&[]).await;
            assert_eq!(report.errors, [""; 0]);
            assert_eq!(count(&report, Outcome::Recovered), 5, "{retry_after:?}");
            let took = began.elapsed().as_secs();
            assert!(
                (wait..wait + 5).contains(&took),
                "{retry_after:?} {request}: {took}"
            );
            let asked = world.github().requested(world.hook).len();
            assert_eq!(asked, 5, "nothing is sent twice");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_limit_at_one_webhook_holds_them_all_and_then_ends_the_pass() {
    let world = VirtualWorld::new();
    let mut hooks = vec![world.hook];
    hooks.extend((0..40).map(|n| world.add_webhook(&format!("https://{n}.example.com"))));
    for hook in &hooks {
        world.log_failures(*hook, 2, start());
    }
    let limit = r#"{"message":"You have exceeded a secondary rate limit"}"#;
    let fault = Fault::on("POST", "/attempts").always().status(403, limit);
    world.github().add_fault(fault);
    let began = Instant::now();
    let report = world.pass(&[]).await;
    assert_eq!(report.errors, [""; 0]);
    assert_eq!(
        (report.count(|_| true), count(&report, Outcome::Deferred)),
        (82, 82)
    );
    assert!(
        report.warnings[0].starts_with("GitHub's rate limit is reached with 82 deliveries left"),
        "{:?}",
        report.warnings
    );
    // A minute, two, four; the fourth wait would be too long.
    let took = began.elapsed().as_secs();
    assert!((420..440).contains(&took), "{took}");
    let asked = world
        .github()
        .requests()
        .iter()
        .filter(|each| each.path_and_query.ends_with("/attempts"))
        .count();
    assert!(asked <= 4 * 16, "{asked}");
}

#[tokio::test(start_paused = true)]
async fn two_thousand_failures_trip_no_limit_and_take_as_long_as_the_pace() {
    let mut world = VirtualWorld::new();
    world.github().secondary_limit = Some(SecondaryLimit::default());
    let mut hooks = vec![world.hook];
    hooks.extend((1..10).map(|n| world.add_webhook(&format!("https://{n}.example.com"))));
    for hook in &hooks {
        world.log_failures(*hook, 200, start());
    }
    world.latency = Duration::from_millis(100);
    let began = Instant::now();
    let report = world.pass(&[]).await;
    assert_eq!(
        (report.errors.len(), count(&report, Outcome::Recovered)),
        (0, 2_000)
    );
    let github = world.github();
    assert!(
        github
            .requests()
            .iter()
            .all(|each| each.status < 400 || each.status == 404)
    );
    let most = github.most_points_in_a_minute();
    assert!(most <= 900, "{most}");
    assert!(github.most_in_flight() <= 16);
    // After a burst of 30, 140 a minute.
    let ideal = (2_000.0 - 30.0) / 140.0 * 60.0;
    let took = began.elapsed().as_secs_f64();
    println!(
        "{took} s, {ideal} s at the pace, {most} points, {} requests",
        github.requests().len()
    );
    assert!(took < ideal * 1.1, "{took} for {ideal}");
}

#[tokio::test(start_paused = true)]
async fn each_of_a_few_waits_for_one_round_of_turns_whatever_else_is_down_or_huge() {
    let mut world = VirtualWorld::new();
    world.latency = Duration::from_millis(100);
    world.log_failures(world.hook, 4_000, start());
    for n in 0..60 {
        let hook = world.add_webhook(&format!("https://down-{n}.example.com"));
        world.log_failures(hook, 50, start());
        world.github().webhook_mut(hook).receiver = Receiver::down();
    }
    let few = world.add_webhook("https://few.example.com");
    world.log_failures(few, 3, start());
    let report = world.pass(&[("INPUT_TIME_LIMIT", "5m")]).await;
    let github = world.github();
    let recovered = github
        .attempts(few)
        .into_iter()
        .filter(|each| each.status_code == Some(200));
    let mut times: Vec<f64> = recovered
        .map(|each| (each.delivered_at - start()).as_seconds_f64())
        .collect();
    times.sort_by(f64::total_cmp);
    assert_eq!(times.len(), 3, "{:?}", report.warnings);
    // Each of the 62 webhooks requests one redelivery in a round, at 140 a minute.
    let round = 62.0 / 140.0 * 60.0;
    let in_time = |(n, time): (usize, &f64)| *time < (n + 1) as f64 * round;
    assert!(
        times.iter().enumerate().all(in_time),
        "{times:?}, {round} s a round"
    );
}

#[tokio::test(start_paused = true)]
async fn a_pass_that_loses_a_fifth_of_all_responses_loses_nothing_and_sends_nothing_twice() {
    for seed in 0..12 {
        let mut world = VirtualWorld::new();
        world.latency = Duration::from_millis(50);
        for n in 0..100 {
            world.log(Attempt::failed(
                guid(n),
                start() - TimeDelta::minutes(60 + n as i64),
            ));
        }
        // Pages that fail become shorter, so this is up to 200 requests.
        log_pages(&world, 50);
        {
            let mut github = world.github();
            let before = Fault::on_any_path("*")
                .randomly_in(seed, 0..10)
                .status(502, "");
            let after = Fault::on_any_path("*")
                .randomly_in(seed, 10..20)
                .status(502, "");
            github.add_fault(before);
            github.add_fault(after.act_first());
        }
        let mut left = 100;
        for pass in 0..4 {
            let report = world
                .pass(&[("INPUT_SINCE", if pass == 0 { "8h" } else { "" })])
                .await;
            assert_eq!(report.errors, [""; 0], "seed {seed}, pass {pass}");
            left = world.undelivered(world.hook).len();
            if left == 0 {
                break;
            }
            advance(Duration::from_secs(3_700)).await;
        }
        assert_eq!(left, 0, "seed {seed}");
        let twice = world
            .redelivered(world.hook)
            .into_iter()
            .filter(|(_, times)| *times > 1);
        assert_eq!(twice.collect::<Vec<_>>(), [], "seed {seed}");
    }
}

#[tokio::test(start_paused = true)]
async fn thousands_of_pages_trip_no_limit() {
    let mut world = VirtualWorld::new();
    world.github().secondary_limit = Some(SecondaryLimit::default());
    log_pages(&world, 2_000);
    world.latency = Duration::from_millis(10);
    let began = Instant::now();
    let report = world.pass(&[("INPUT_CHECKPOINT_VARIABLE", "")]).await;
    assert_eq!((report.errors.len(), report.scanned()), (0, 200_000));
    let most = world.github().most_points_in_a_minute();
    assert!((800..=860).contains(&most), "{most}");
    // 840 at once, 840 a minute later, and the rest.
    let took = began.elapsed().as_secs();
    assert!((120..150).contains(&took), "{took}");
}
