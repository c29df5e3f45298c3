//! Whole passes in virtual time: clocks, prefetching, time-outs, the number of requests in flight.

use std::time::Duration;

use chrono::TimeDelta;
use redeliver_webhooks::model::{Outcome, PassResult};
use simulated_github::{Attempt, guid};
use tokio::time::Instant;

use crate::virtual_world::{VirtualWorld, start};

#[tokio::test(start_paused = true)]
async fn github_com_redelivers_for_three_days() {
    let world = VirtualWorld::new();
    let since = ("INPUT_SINCE", "7d");
    let inside = world.log(Attempt::failed(guid(1), start() - TimeDelta::hours(71)));
    world.log(Attempt::failed(guid(2), start() - TimeDelta::hours(73)));
    world.log(Attempt::failed(guid(3), start() - TimeDelta::hours(73)));
    world.log(Attempt::failed(guid(3), start() - TimeDelta::hours(1)).redelivery());
    let report = world.pass(&[since]).await;
    assert_eq!(report.errors, [""; 0]);
    assert_eq!(world.github().requested(world.hook), [inside]);
    assert_eq!(report.count(|outcome| outcome == Outcome::Expired), 1);
    assert_eq!(report.result(), PassResult::Lost);
    assert!(
        report.warnings[0].contains("older than the 3 days"),
        "{:?}",
        report.warnings
    );
}

#[tokio::test(start_paused = true)]
async fn windows_and_checkpoints_use_githubs_clock() {
    let world = VirtualWorld::new();
    let inside = world.log(Attempt::failed(guid(1), start() - TimeDelta::hours(23)));
    world.log(Attempt::failed(guid(2), start() - TimeDelta::hours(25)));
    let report = world
        .pass_with_our_clock(start() + TimeDelta::hours(5), &[])
        .await;
    assert_eq!(world.github().requested(world.hook), [inside]);
    assert_eq!(
        (report.began, report.checkpoint),
        (Some(start()), Some(start()))
    );

    let report = world
        .pass_with_our_clock(start() - TimeDelta::days(5), &[])
        .await;
    assert_eq!(report.result(), PassResult::Healthy);
}

#[tokio::test(start_paused = true)]
async fn the_next_page_is_requested_before_the_current_one_is_read() {
    let mut world = VirtualWorld::new();
    for n in 0..2_000 {
        world.log(Attempt::ok(guid(n), start() - TimeDelta::seconds(n as i64)));
    }
    world.latency = Duration::from_millis(100);
    world.body_latency = Duration::from_millis(50);
    let began = Instant::now();
    let report = world.pass(&[]).await;
    assert_eq!(report.scanned(), 2_000);
    // The lists at the start, the checkpoint made, 20 pages, and the checkpoint at the end; bodies add to the first
    // of each chain, to the checkpoint made and to the last.
    let least = Duration::from_millis(24 * 100);
    let took = began.elapsed();
    assert!(
        took >= least && took <= least + Duration::from_millis(300),
        "{took:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_pass_that_needs_one_page_requests_one() {
    let world = VirtualWorld::new();
    for n in 0..2_000 {
        world.log(Attempt::ok(
            guid(n),
            start() - TimeDelta::hours(25 + n as i64),
        ));
    }
    let report = world.pass(&[]).await;
    assert_eq!(report.webhooks[0].pages, 1);
    assert_eq!(
        report.requests, 7,
        "three at the start, one page, the checkpoint made and moved, and the state"
    );
}

#[tokio::test(start_paused = true)]
async fn a_response_that_never_comes_times_out() {
    let mut world = VirtualWorld::new();
    world.latency = Duration::from_secs(31);
    let report = world.pass(&[]).await;
    assert!(
        report.errors[0].contains("no headers within 30 s"),
        "{:?}",
        report.errors
    );

    let mut world = VirtualWorld::new();
    world.body_latency = Duration::from_secs(61);
    let report = world.pass(&[]).await;
    assert!(
        report.errors[0].contains("its body did not end within 60 s"),
        "{:?}",
        report.errors
    );
}

#[tokio::test(start_paused = true)]
async fn five_hundred_webhooks_are_read_sixteen_at_a_time() {
    let mut world = VirtualWorld::new();
    for _ in 0..499 {
        world.add_webhook("https://ci.example.com");
    }
    world.latency = Duration::from_millis(100);
    let began = Instant::now();
    let report = world.pass(&[]).await;
    assert_eq!(report.webhooks.len(), 500);
    assert_eq!(world.github().most_in_flight(), 16);
    // Five pages of webhooks, 500 logs sixteen at a time, a checkpoint made and moved.
    let expected = Duration::from_millis((5 + 500_u64.div_ceil(16) + 2) * 100);
    let took = began.elapsed();
    assert!(
        took >= expected && took <= expected + Duration::from_millis(200),
        "{took:?}"
    );
}
