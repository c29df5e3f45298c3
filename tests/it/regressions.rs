//! Histories in which a pass once lost a delivery, sent one twice, or waited for nothing.

use std::time::Duration;

use chrono::TimeDelta;
use redeliver_webhooks::model::Outcome;
use redeliver_webhooks::model::{FailOn, Runner};
use redeliver_webhooks::tell::console::Console;
use simulated_github::{Attempt, Fault, Owner, Receiver, Webhook, guid};
use tokio::time::{Instant, advance};

use crate::bugs::Bug;
use crate::cloud::{Cloud, start};

const HOUR: Duration = Duration::from_secs(3_600);

fn add_webhook(cloud: &Cloud, owner: Owner) -> u64 {
    let webhook = Webhook::new("https://other.example.com");
    cloud.github().add_webhook(owner, webhook)
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
    Console::new(&runner, Bug(line))
}

#[tokio::test(start_paused = true)]
async fn a_bug_in_the_search_holds_the_checkpoint() {
    let cloud = Cloud::new();
    let hook = add_webhook(&cloud, Owner::Organization("beta".into()));
    cloud.log_failures(hook, 3, start() - TimeDelta::hours(2));
    let both = [("INPUT_ORGANIZATION", "acme,beta")];
    let report = cloud
        .pass_on(&console("GET /orgs/beta/hooks?"), start(), &both)
        .await;
    assert!(report.fails(FailOn::Never), "{:?}", report.errors);
    advance(HOUR).await;
    cloud.pass(&both).await;
    assert_eq!(cloud.undelivered(hook).len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_bug_in_reading_a_page_is_told_as_one_and_without_its_words() {
    let cloud = Cloud::new();
    let report = cloud
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
async fn what_failed_before_a_webhook_was_switched_off_is_recovered_when_it_is_on_again() {
    let cloud = Cloud::new();
    let other = cloud.add_webhook("https://chat.example.com");
    cloud.pass(&[]).await;
    advance(HOUR).await;
    let now = cloud.github().now();
    cloud.log_failures(other, 3, now);
    cloud.github().webhook_mut(other).active = false;
    for _ in 0..3 {
        advance(HOUR).await;
        cloud.pass(&[]).await;
    }
    cloud.github().webhook_mut(other).active = true;
    advance(HOUR).await;
    cloud.pass(&[]).await;
    assert_eq!(cloud.undelivered(other).len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_repository_that_could_not_be_read_holds_the_checkpoint() {
    let cloud = Cloud::new();
    let hook = add_webhook(&cloud, repository("lib"));
    add_webhook(&cloud, repository("ops"));
    let all = [("INPUT_ORGANIZATION", ""), ("INPUT_REPOSITORY", "acme/*")];
    cloud.pass(&all).await;
    cloud.log_failures(hook, 3, start() + TimeDelta::minutes(10));
    advance(HOUR).await;
    let refused = Fault::on("GET", "/repos/acme/lib/hooks").status(403, r#"{"message":"no"}"#);
    cloud.github().add_fault(refused);
    cloud.pass(&all).await;
    advance(HOUR).await;
    // With another target what is remembered is ignored.
    let more = [
        ("INPUT_ORGANIZATION", "acme"),
        ("INPUT_REPOSITORY", "acme/*"),
    ];
    cloud.pass(&more).await;
    assert_eq!(cloud.undelivered(hook).len(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_github_accepted_is_accepted_whatever_became_of_its_words() {
    let cloud = Cloud::new();
    cloud.log_failures(cloud.hook, 1, start());
    cloud.github().log_lag = TimeDelta::minutes(5);
    for n in 0..100 {
        let at = start() + TimeDelta::seconds(n);
        let row = Attempt::ok(guid(900 + n as u64), at);
        cloud.github().webhook_mut(cloud.hook).log_late(row, at);
    }
    let cut = Fault::on("POST", "/attempts").status(202, "{").act_first();
    cloud.github().add_fault(cut);
    cloud.pass(&[]).await;
    assert_eq!(cloud.github().requested(cloud.hook).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_state_that_cannot_be_read_for_once_is_no_reason_to_send_twice() {
    let state = "/variables/LAST_REDELIVERY_STATE";
    for fault in [
        Fault::on("GET", state).times(6).status(502, ""),
        Fault::on("GET", state)
            .status(403, r#"{"message":"secondary rate limit"}"#)
            .header("retry-after", "400"),
    ] {
        let cloud = Cloud::new();
        cloud.github().log_lag = TimeDelta::minutes(30);
        cloud.log_failures(cloud.hook, 5, start());
        cloud.pass(&[]).await;
        advance(Duration::from_secs(300)).await;
        cloud.github().add_fault(fault);
        cloud.pass(&[]).await;
        advance(Duration::from_secs(420)).await;
        cloud.pass(&[]).await;
        assert_eq!(cloud.github().requested(cloud.hook).len(), 5);
    }
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_jumps_while_all_wait_moves_no_wait() {
    let cloud = Cloud::new();
    let other = cloud.add_webhook("https://chat.example.com");
    let path = format!("/hooks/{}/deliveries", cloud.hook);
    let limit = Fault::on("GET", &path).status(403, r#"{"message":"secondary rate limit"}"#);
    cloud.github().add_fault(limit.header("retry-after", "30"));
    let path = format!("/hooks/{other}/deliveries");
    let early = Fault::on("GET", &path).status(502, "");
    let early = early.header("date", "Sun, 22 Nov 2026 11:00:00 GMT");
    cloud.github().add_fault(early);
    let began = Instant::now();
    let report = cloud.pass(&[]).await;
    assert_eq!(report.errors, [""; 0]);
    assert!(began.elapsed().as_secs() < 60, "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_limit_until_the_end_of_time_is_one_without_a_time() {
    let cloud = Cloud::new();
    let limit = Fault::on("GET", "/deliveries?")
        .status(403, r#"{"message":"rate limit"}"#)
        .header("x-ratelimit-remaining", "0")
        .header("x-ratelimit-reset", "8210266876799");
    cloud.github().add_fault(limit);
    let report = cloud.pass(&[]).await;
    assert_eq!(report.errors, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_says_when_to_come_back_is_not_asked_before() {
    let cloud = Cloud::new();
    let busy = Fault::on("GET", "/deliveries?").times(2).status(503, "{}");
    cloud.github().add_fault(busy.header("retry-after", "60"));
    let began = Instant::now();
    let report = cloud.pass(&[]).await;
    assert_eq!(report.errors, [""; 0]);
    assert!(
        (120..130).contains(&began.elapsed().as_secs()),
        "{:?}",
        began.elapsed()
    );

    // But a redelivery that it may have taken is not asked for again.
    let cloud = Cloud::new();
    cloud.log_failures(cloud.hook, 1, start());
    let busy = Fault::on("POST", "/attempts").status(503, "{}").act_first();
    cloud.github().add_fault(busy.header("retry-after", "60"));
    let report = cloud.pass(&[]).await;
    assert_eq!(report.count(|outcome| outcome == Outcome::Recovered), 1);
    assert_eq!(cloud.github().requested(cloud.hook).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_bug_in_a_wave_forgets_nothing_that_was_asked_for() {
    let cloud = Cloud::new();
    cloud.github().log_lag = TimeDelta::minutes(20);
    cloud.log_failures(cloud.hook, 5, start());
    let console = Console::new(&Runner::default(), Bug("requested 5"));
    cloud.pass_on(&console, start(), &[]).await;
    assert_eq!(cloud.github().requested(cloud.hook).len(), 5);
    advance(Duration::from_secs(400)).await;
    cloud.pass(&[]).await;
    assert_eq!(cloud.github().requested(cloud.hook).len(), 5);
}

async fn advance_minutes(number: u64) {
    advance(Duration::from_secs(60 * number)).await;
}

#[tokio::test(start_paused = true)]
async fn nobody_reads_back_to_a_delivery_that_was_given_up() {
    let cloud = Cloud::new();
    cloud.set_receiver(Receiver::up().poisoned(guid(0)));
    cloud.log_failures(cloud.hook, 1, start() - TimeDelta::hours(20));
    for n in 1..500 {
        let at = start() - TimeDelta::minutes(500 - n as i64);
        cloud.log(Attempt::ok(guid(n), at));
    }
    let mut pages = Vec::new();
    for _ in 0..3 {
        let report = cloud.pass(&[("INPUT_MAX_REDELIVERIES", "1")]).await;
        pages.push((report.webhooks[0].pages, report.given_up_earlier));
        advance_minutes(6).await;
    }
    assert_eq!(pages, [(5, 0), (2, 0), (2, 1)]);
}

#[tokio::test(start_paused = true)]
async fn a_delivery_that_always_fails_keeps_no_other_from_telling_that_the_receiver_is_up() {
    let cloud = Cloud::new();
    cloud.set_receiver(Receiver::down());
    cloud.log_failures(cloud.hook, 2, start());
    for _ in 0..2 {
        cloud.pass(&[]).await;
        advance_minutes(60).await;
    }
    cloud.set_receiver(Receiver::up().poisoned(guid(0)));
    cloud.pass(&[]).await;
    assert_eq!(cloud.undelivered(cloud.hook), [guid(0)].into());
}

#[tokio::test(start_paused = true)]
async fn where_the_log_lags_a_webhook_that_delivers_goes_on_though_another_of_its_receiver_does_not()
 {
    let cloud = Cloud::new();
    let other = cloud.add_webhook("https://ci.example.com/other");
    let ago = |minutes| start() - TimeDelta::minutes(minutes);
    for n in 0..9 {
        cloud.log(Attempt::failed(guid(n), ago(90)));
        cloud.log(Attempt::failed(guid(n), ago(80)).redelivery());
    }
    {
        let mut github = cloud.github();
        let other = github.webhook_mut(other);
        other.log(Attempt::ok(guid(20), ago(70)));
        (21..25).for_each(|n| {
            other.log(Attempt::failed(guid(n), ago(60)));
        });
        github.log_lag = TimeDelta::minutes(3);
    }
    let report = cloud.pass(&[]).await;
    let asked = |hook: usize| {
        let deliveries = report.webhooks[hook].deliveries.iter();
        deliveries
            .filter(|each| each.outcome == Outcome::Unconfirmed)
            .count()
    };
    assert_eq!([asked(0), asked(1)], [1, 4]);
}
