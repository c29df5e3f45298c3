//! GitHub's limits: per hour, per minute and at the same time.

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use simulated_github::{Access, Fault, SecondaryLimit};

use crate::client::{Got, World};
use crate::faults::open;

/// A world that allows so many points a minute.
fn world(points_per_minute: u32, retry_after: Option<u32>) -> World {
    let world = World::new();
    world.simulator.github().secondary_limit = Some(SecondaryLimit {
        points_per_minute,
        retry_after,
        ..SecondaryLimit::default()
    });
    world
}

fn read(world: &World) -> Got {
    world.get("/orgs/acme/hooks")
}

#[test]
fn there_is_no_secondary_limit_unless_it_is_set_and_githubs_numbers_are_the_default() {
    let world = World::new();
    assert_eq!(world.simulator.github().secondary_limit, None);
    let github = SecondaryLimit::default();
    assert_eq!((github.points_per_minute, github.concurrent), (900, 100));
}

#[test]
fn beyond_the_secondary_limit_requests_are_refused_until_the_wait_is_over() {
    let world = world(3, Some(90));
    for _ in 0..3 {
        assert_eq!(read(&world).status, 200);
    }
    let refused = read(&world);
    assert_eq!(refused.status, 403);
    assert!(refused.message().starts_with(
        "You have exceeded a secondary rate limit. Please wait a few minutes before you try again. If you reach out"
    ));
    assert_eq!(refused.header("retry-after"), Some("90"));
    assert_eq!(refused.header("x-ratelimit-remaining"), Some("4996"));
    world.clock.advance(TimeDelta::seconds(89));
    let again = read(&world);
    assert_eq!(
        (again.status, again.header("retry-after")),
        (403, Some("1"))
    );
    world.clock.advance(TimeDelta::seconds(1));
    assert_eq!(
        read(&world).status,
        200,
        "asking meanwhile made it no longer"
    );
    world.assert_as_described();
}

#[test]
fn without_retry_after_the_wait_is_a_minute_nobody_tells() {
    let world = world(1, None);
    read(&world);
    let refused = read(&world);
    assert_eq!((refused.status, refused.header("retry-after")), (403, None));
    world.clock.advance(TimeDelta::seconds(59));
    assert_eq!(read(&world).status, 403);
    world.clock.advance(TimeDelta::seconds(1));
    assert_eq!(read(&world).status, 200);
}

#[test]
fn a_write_is_five_reads_and_the_minute_slides() {
    let world = world(7, Some(1));
    let (hook, id) = world.failed_attempt();
    assert_eq!(read(&world).status, 200);
    world.clock.advance(TimeDelta::seconds(30));
    assert_eq!(read(&world).status, 200);
    assert_eq!(world.redeliver(hook, id).status, 202);
    world.clock.advance(TimeDelta::seconds(29));
    assert_eq!(read(&world).status, 403);
    world.clock.advance(TimeDelta::seconds(1));
    assert_eq!(read(&world).status, 200, "the first read is a minute old");
    assert_eq!(read(&world).status, 403);
    assert_eq!(world.redeliver(hook, id).status, 403);
    assert_eq!(world.simulator.github().requested(hook), [id]);
}

#[test]
fn a_refused_write_leaves_the_points_to_reads() {
    let world = world(5, Some(1));
    let (hook, id) = world.failed_attempt();
    assert_eq!(read(&world).status, 200);
    assert_eq!(world.redeliver(hook, id).status, 403);
    world.clock.advance(TimeDelta::seconds(1));
    let statuses: Vec<u16> = (0..5).map(|_| read(&world).status).collect();
    assert_eq!(statuses, [200, 200, 200, 200, 403]);
}

#[test]
fn each_token_has_its_own_points() {
    let mut world = world(1, Some(60));
    world.simulator.github().add_token("other", Access::admin());
    assert_eq!((read(&world).status, read(&world).status), (200, 403));
    world.token = Some("other".to_owned());
    assert_eq!(read(&world).status, 200);
}

#[test]
fn too_many_requests_at_once_are_refused() {
    let world = World::new();
    {
        let mut github = world.simulator.github();
        github.secondary_limit = Some(SecondaryLimit {
            concurrent: 2,
            ..SecondaryLimit::default()
        });
        github.add_fault(Fault::on_any_path("GET").times(2).hang());
    }
    let first = open(&world, "GET", "/orgs/acme/hooks");
    let second = open(&world, "GET", "/orgs/acme/hooks");
    while world.simulator.github().requests().len() < 2 {
        std::thread::yield_now();
    }
    let refused = read(&world);
    assert_eq!(
        (refused.status, refused.header("retry-after")),
        (403, Some("60"))
    );
    assert!(refused.message().contains("secondary rate limit"));
    drop(first);
    let begun = Instant::now();
    while read(&world).status != 200 {
        assert!(begun.elapsed() < Duration::from_secs(10));
    }
    drop(second);
}

#[test]
fn the_busiest_minute_is_found() {
    let world = World::new();
    let (hook, id) = world.failed_attempt();
    assert_eq!(world.simulator.github().most_points_in_a_minute(), 0);
    let most = || world.simulator.github().most_points_in_a_minute();
    read(&world);
    world.clock.advance(TimeDelta::seconds(59));
    world.redeliver(hook, id);
    assert_eq!(most(), 6);
    world.clock.advance(TimeDelta::seconds(1));
    read(&world);
    assert_eq!(most(), 6, "the first is out by then");
    world.clock.advance(TimeDelta::seconds(58));
    read(&world);
    assert_eq!(most(), 7);
    world.clock.advance(TimeDelta::seconds(60));
    read(&world);
    assert_eq!(most(), 7);
    world.clock.advance(TimeDelta::seconds(-118));
    read(&world);
    assert_eq!(most(), 8, "a clock that was set back");
}

#[test]
fn where_a_token_stands_can_be_set() {
    let world = World::new();
    let reset = world.clock.now() + TimeDelta::minutes(10);
    let token = world.token.clone().unwrap();
    world
        .simulator
        .github()
        .set_rate_limit_used(&token, 4_999, reset);
    let last = read(&world);
    assert_eq!(
        (last.status, last.header("x-ratelimit-used")),
        (200, Some("5000"))
    );
    let reset = reset.timestamp().to_string();
    assert_eq!(last.header("x-ratelimit-reset"), Some(&*reset));
    let refused = read(&world);
    assert_eq!(
        (refused.status, refused.header("x-ratelimit-remaining")),
        (403, Some("0"))
    );
    world.clock.advance(TimeDelta::minutes(10));
    assert_eq!(read(&world).header("x-ratelimit-used"), Some("1"));
}
