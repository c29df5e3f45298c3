//! Histories in which a pass once lost a delivery, sent one twice, or waited for nothing.

use std::time::Duration;

use chrono::TimeDelta;
use redeliver_webhooks::model::Outcome;
use redeliver_webhooks::model::{FailOn, Runner};
use redeliver_webhooks::tell::console::Console;
use simulated_github::{Attempt, Fault, Owner, Receiver, Webhook, guid};
use tokio::time::{Instant, advance};

use crate::panics::PanickingLog;
use crate::virtual_world::{VirtualWorld, start};

const HOUR: Duration = Duration::from_secs(3_600);

fn add_webhook(world: &VirtualWorld, owner: Owner) -> u64 {
    let webhook = Webhook::new("https://other.example.com");
    world.github().add_webhook(owner, webhook)
}

fn repository(name: &str) -> Owner {
    Owner::Repository {
        owner: "acme".into(),
        name: name.into(),
    }
}

/// A console with debug lines that meets a bug at one of them.
fn console(line: &'static str) -> Console {
    let runner = Runner {
        debug: true,
        ..Runner::default()
    };
    Console::new(&runner, PanickingLog(line))
}

#[tokio::test(start_paused = true)]
async fn a_panic_during_discovery_holds_the_checkpoint() {
    let world = VirtualWorld::new();
    let hook = add_webhook(&world, Owner::Organization("beta".into()));
    world.log_failures(hook, 3, start() - TimeDelta::hours(2));
    let both = [("INPUT_ORGANIZATION", "acme,beta")];
    let report = world
        .pass_on(&console("GET /orgs/beta/hooks?"), start(), &both)
        .await;
    assert!(report.fails(FailOn::Never), "{:?}", report.errors);
    advance(HOUR).await;
    world.pass(&both).await;
    assert_eq!(world.undelivered(hook).len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_panic_while_reading_a_page_is_reported_without_its_message() {
    let world = VirtualWorld::new();
    let report = world
        .pass_on(&console("/deliveries?per_page"), start(), &[])
        .await;
    let error = &report.errors[0];
    assert!(
        error.contains("please report this") && !error.contains("a bug with words"),
        "{error}"
    );
    assert!(report.fails(FailOn::Never));
}

#[tokio::test(start_paused = true)]
async fn failures_from_before_a_webhook_was_deactivated_are_recovered_once_it_is_active() {
    let world = VirtualWorld::new();
    let other = world.add_webhook("https://chat.example.com");
    world.pass(&[]).await;
    advance(HOUR).await;
    let now = world.github().now();
    world.log_failures(other, 3, now);
    world.github().webhook_mut(other).active = false;
    for _ in 0..3 {
        advance(HOUR).await;
        world.pass(&[]).await;
    }
    world.github().webhook_mut(other).active = true;
    advance(HOUR).await;
    world.pass(&[]).await;
    assert_eq!(world.undelivered(other).len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_repository_that_could_not_be_read_holds_the_checkpoint() {
    let world = VirtualWorld::new();
    let hook = add_webhook(&world, repository("lib"));
    add_webhook(&world, repository("ops"));
    let all = [("INPUT_ORGANIZATION", ""), ("INPUT_REPOSITORY", "acme/*")];
    world.pass(&all).await;
    world.log_failures(hook, 3, start() + TimeDelta::minutes(10));
    advance(HOUR).await;
    let refused = Fault::on("GET", "/repos/acme/lib/hooks").status(403, r#"{"message":"no"}"#);
    world.github().add_fault(refused);
    world.pass(&all).await;
    advance(HOUR).await;
    // With another target the memory is ignored.
    let more = [
        ("INPUT_ORGANIZATION", "acme"),
        ("INPUT_REPOSITORY", "acme/*"),
    ];
    world.pass(&more).await;
    assert_eq!(world.undelivered(hook).len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_redelivery_is_accepted_even_if_the_body_of_the_response_breaks_off() {
    let world = VirtualWorld::new();
    world.log_failures(world.hook, 1, start());
    world.github().log_lag = TimeDelta::minutes(5);
    for n in 0..100 {
        let at = start() + TimeDelta::seconds(n);
        let row = Attempt::ok(guid(900 + n as u64), at);
        world.github().webhook_mut(world.hook).log_late(row, at);
    }
    let cut = Fault::on("POST", "/attempts").status(202, "{").act_first();
    world.github().add_fault(cut);
    world.pass(&[]).await;
    assert_eq!(world.github().requested(world.hook).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_state_that_cannot_be_read_once_sends_nothing_twice() {
    let state = "/variables/LAST_REDELIVERY_STATE";
    for fault in [
        Fault::on("GET", state).times(6).status(502, ""),
        Fault::on("GET", state)
            .status(403, r#"{"message":"secondary rate limit"}"#)
            .header("retry-after", "400"),
    ] {
        let world = VirtualWorld::new();
        world.github().log_lag = TimeDelta::minutes(30);
        world.log_failures(world.hook, 5, start());
        world.pass(&[]).await;
        advance(Duration::from_secs(300)).await;
        world.github().add_fault(fault);
        world.pass(&[]).await;
        advance(Duration::from_secs(420)).await;
        world.pass(&[]).await;
        assert_eq!(world.github().requested(world.hook).len(), 5);
    }
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_jumps_does_not_change_waits() {
    let world = VirtualWorld::new();
    let other = world.add_webhook("https://chat.example.com");
    let path = format!("/hooks/{}/deliveries", world.hook);
    let limit = Fault::on("GET", &path).status(403, r#"{"message":"secondary rate limit"}"#);
    world.github().add_fault(limit.header("retry-after", "30"));
    let path = format!("/hooks/{other}/deliveries");
    let early = Fault::on("GET", &path).status(502, "");
    let early = early.header("date", "Sun, 22 Nov 2026 11:00:00 GMT");
    world.github().add_fault(early);
    let began = Instant::now();
    let report = world.pass(&[]).await;
    assert_eq!(report.errors, [""; 0]);
    assert!(began.elapsed().as_secs() < 60, "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_limit_with_an_absurd_reset_is_one_without_a_reset() {
    let world = VirtualWorld::new();
    let limit = Fault::on("GET", "/deliveries?")
        .status(403, r#"{"message":"rate limit"}"#)
        .header("x-ratelimit-remaining", "0")
        .header("x-ratelimit-reset", "8210266876799");
    world.github().add_fault(limit);
    let report = world.pass(&[]).await;
    assert_eq!(report.errors, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_sends_retry_after_gets_no_request_before() {
    let world = VirtualWorld::new();
    let busy = Fault::on("GET", "/deliveries?").times(2).status(503, "{}");
    world.github().add_fault(busy.header("retry-after", "60"));
    let began = Instant::now();
    let report = world.pass(&[]).await;
    assert_eq!(report.errors, [""; 0]);
    assert!(
        (120..130).contains(&began.elapsed().as_secs()),
        "{:?}",
        began.elapsed()
    );

    // But a redelivery that it may have accepted is not requested again.
    let world = VirtualWorld::new();
    world.log_failures(world.hook, 1, start());
    let busy = Fault::on("POST", "/attempts").status(503, "{}").act_first();
    world.github().add_fault(busy.header("retry-after", "60"));
    let report = world.pass(&[]).await;
    assert_eq!(report.count(|outcome| outcome == Outcome::Recovered), 1);
    assert_eq!(world.github().requested(world.hook).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_a_wave_forgets_no_requested_redelivery() {
    let world = VirtualWorld::new();
    world.github().log_lag = TimeDelta::minutes(20);
    world.log_failures(world.hook, 5, start());
    let console = Console::new(&Runner::default(), PanickingLog("requested 5"));
    world.pass_on(&console, start(), &[]).await;
    assert_eq!(world.github().requested(world.hook).len(), 5);
    advance(Duration::from_secs(400)).await;
    world.pass(&[]).await;
    assert_eq!(world.github().requested(world.hook).len(), 5);
}

async fn advance_minutes(number: u64) {
    advance(Duration::from_secs(60 * number)).await;
}

#[tokio::test(start_paused = true)]
async fn no_pass_reads_back_to_a_delivery_that_was_given_up() {
    let world = VirtualWorld::new();
    world.set_receiver(Receiver::up().poisoned(guid(0)));
    world.log_failures(world.hook, 1, start() - TimeDelta::hours(20));
    for n in 1..500 {
        let at = start() - TimeDelta::minutes(500 - n as i64);
        world.log(Attempt::ok(guid(n), at));
    }
    let mut pages = Vec::new();
    for _ in 0..3 {
        let report = world.pass(&[("INPUT_MAX_REDELIVERIES", "1")]).await;
        pages.push((report.webhooks[0].pages, report.given_up_earlier));
        advance_minutes(6).await;
    }
    assert_eq!(pages, [(5, 0), (2, 0), (2, 1)]);
}

#[tokio::test(start_paused = true)]
async fn a_delivery_that_always_fails_does_not_hide_that_the_receiver_is_up() {
    let world = VirtualWorld::new();
    world.set_receiver(Receiver::down());
    world.log_failures(world.hook, 2, start());
    for _ in 0..2 {
        world.pass(&[]).await;
        advance_minutes(60).await;
    }
    world.set_receiver(Receiver::up().poisoned(guid(0)));
    world.pass(&[]).await;
    assert_eq!(world.undelivered(world.hook), [guid(0)].into());
}

#[tokio::test(start_paused = true)]
async fn where_the_log_lags_a_webhook_that_delivers_goes_on_though_another_of_its_receiver_does_not()
 {
    let world = VirtualWorld::new();
    let other = world.add_webhook("https://ci.example.com/other");
    let ago = |minutes| start() - TimeDelta::minutes(minutes);
    for n in 0..9 {
        world.log(Attempt::failed(guid(n), ago(90)));
        world.log(Attempt::failed(guid(n), ago(80)).redelivery());
    }
    {
        let mut github = world.github();
        let other = github.webhook_mut(other);
        other.log(Attempt::ok(guid(20), ago(70)));
        (21..25).for_each(|n| {
            other.log(Attempt::failed(guid(n), ago(60)));
        });
        github.log_lag = TimeDelta::minutes(3);
    }
    let report = world.pass(&[]).await;
    let asked = |hook: usize| {
        let deliveries = report.webhooks[hook].deliveries.iter();
        deliveries
            .filter(|each| each.outcome == Outcome::Unconfirmed)
            .count()
    };
    assert_eq!([asked(0), asked(1)], [1, 4]);
}
