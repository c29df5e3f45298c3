//! GitHub gives no clear response, or its log lags: the receiver is not reported as down.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::TimeDelta;
use http::Method;
use redeliver_webhooks::github::RequestError;
use redeliver_webhooks::model::PassResult;
use redeliver_webhooks::report::Report;
use redeliver_webhooks::tell::summary;
use simulated_github::{Attempt, Fault, Receiver, guid};
use tokio::time::{Instant, advance};

use crate::virtual_world::{ClientGets, Network, Transfer, VirtualWorld, start};
use crate::world::{World, ago};

const MINUTE: Duration = Duration::from_secs(60);

/// A network on which redelivery requests fail until some time.
struct Trouble {
    until: Instant,
    reaches_github: bool,
    client_gets: ClientGets,
    /// When requests for redeliveries were made.
    asked: Mutex<Vec<Instant>>,
}

impl Trouble {
    fn lasting(wait: Duration, reaches_github: bool, client_gets: ClientGets) -> Arc<Self> {
        Arc::new(Self {
            until: Instant::now() + wait,
            reaches_github,
            client_gets,
            asked: Mutex::default(),
        })
    }
}

impl Network for Trouble {
    fn transfer(&self, method: &Method, path: &str) -> Transfer {
        let asks = *method == Method::POST && path.ends_with("/attempts");
        if asks {
            self.asked.lock().unwrap().push(Instant::now());
        }
        match asks && Instant::now() < self.until {
            true => Transfer::failing(self.reaches_github, self.client_gets.clone()),
            false => Transfer::undisturbed(),
        }
    }
}

fn kinds() -> Vec<ClientGets> {
    let page = "<html><title>Unicorn!</title></html>";
    vec![
        ClientGets::Status(502, ""),
        ClientGets::Status(500, r#"{"message":"Server Error"}"#),
        ClientGets::Status(504, page),
        ClientGets::Status(408, ""),
        ClientGets::Status(403, page),
        ClientGets::Status(404, page),
        ClientGets::Status(200, page),
        ClientGets::Error(RequestError::Unclear("connection reset".into())),
        ClientGets::Error(RequestError::Unclear("its body is cut off".into())),
    ]
}

fn count(report: &Report, name: &str) -> usize {
    report.count(|outcome| outcome.to_string() == name)
}

fn says_down(report: &Report) -> bool {
    let down = report.webhooks.iter().any(|webhook| webhook.down);
    let verdict = report.verdict();
    let page = summary::markdown(report);
    let reasons = report
        .deliveries()
        .filter_map(|each| each.reason.clone())
        .any(|reason| reason.contains("down"));
    let shown = page.contains("🔴") || page.contains("Bring the receiver back up");
    down || reasons || shown || verdict.contains("down") || report.result() == PassResult::Down
}

#[tokio::test(start_paused = true)]
async fn twenty_seconds_without_clear_responses_cost_only_time() {
    for reaches_github in [false, true] {
        for kind in kinds() {
            let mut world = VirtualWorld::new();
            world.log_failures(world.hook, 50, start());
            let network = Trouble::lasting(Duration::from_secs(20), reaches_github, kind.clone());
            world.network = Some(network.clone());
            let report = world.pass(&[]).await;
            assert_eq!(count(&report, "recovered"), 50, "{kind:?} {reaches_github}");
            assert_eq!(report.errors, [""; 0], "{kind:?} {reaches_github}");
            let times = world.redelivered(world.hook);
            assert!(
                times.values().all(|times| *times == 1),
                "{kind:?} {reaches_github}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_same_holds_for_a_receiver_that_was_down_and_is_back() {
    for kind in kinds() {
        let mut world = VirtualWorld::new();
        world.set_receiver(Receiver::down_until(start() + TimeDelta::minutes(30)));
        world.log_failures(world.hook, 50, start());
        world.pass(&[]).await;
        advance(60 * MINUTE).await;
        world.network = Some(Trouble::lasting(
            Duration::from_secs(20),
            false,
            kind.clone(),
        ));
        let report = world.pass(&[]).await;
        let left = world.undelivered(world.hook).len();
        assert!(left <= 1, "{kind:?}: {left}, {}", report.verdict());
    }
}

#[tokio::test(start_paused = true)]
async fn pauses_double_and_ten_minutes_without_a_clear_answer_end_the_turn() {
    for kind in kinds() {
        let mut world = VirtualWorld::new();
        world.log_failures(world.hook, 50, start());
        let network = Trouble::lasting(600 * MINUTE, false, kind.clone());
        world.network = Some(network.clone());
        let began = Instant::now();
        let report = world.pass(&[]).await;
        let took = began.elapsed();
        assert!(
            (9 * MINUTE..14 * MINUTE).contains(&took),
            "{kind:?}: {took:?}"
        );
        let asked = network.asked.lock().unwrap().clone();
        assert!((5..=14).contains(&asked.len()), "{kind:?}: {}", asked.len());
        assert!(asked[2] - asked[0] < Duration::from_secs(1), "{kind:?}");
        let pause = asked[3] - asked[2];
        assert!(pause >= Duration::from_secs(10), "{kind:?}: {pause:?}");
        assert!(pause < Duration::from_secs(12), "{kind:?}: {pause:?}");
        let pause = asked[4] - asked[3];
        assert!(pause >= Duration::from_secs(20), "{kind:?}: {pause:?}");
        for pair in asked[2..].windows(2) {
            assert!(pair[1] - pair[0] <= 4 * MINUTE, "{kind:?}: {asked:?}");
        }
        assert_eq!(report.result(), PassResult::Open, "{kind:?}");
        assert!(!says_down(&report), "{kind:?}: {}", report.verdict());
        let verdict = report.verdict();
        assert!(verdict.contains("GitHub gave no clear answer"), "{verdict}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_was_down_is_not_called_down_for_githubs_silence() {
    for kind in kinds() {
        let mut world = VirtualWorld::new();
        world.set_receiver(Receiver::down());
        world.log_failures(world.hook, 50, start());
        let report = world.pass(&[]).await;
        assert!(says_down(&report));
        world.set_receiver(Receiver::up());
        world.network = Some(Trouble::lasting(600 * MINUTE, false, kind.clone()));
        for _ in 0..2 {
            advance(10 * MINUTE).await;
            let report = world.pass(&[]).await;
            let verdict = report.verdict();
            assert!(!says_down(&report), "{kind:?}: {verdict}");
            assert!(verdict.contains("GitHub gave no clear answer"), "{verdict}");
        }
        world.network = None;
        advance(30 * MINUTE).await;
        world.pass(&[]).await;
        advance(30 * MINUTE).await;
        world.pass(&[]).await;
        assert!(world.undelivered(world.hook).is_empty(), "{kind:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_was_down_is_not_called_down_for_githubs_refusals() {
    for status in [403, 404, 422] {
        let world = VirtualWorld::new();
        world.set_receiver(Receiver::down());
        world.log_failures(world.hook, 50, start());
        world.pass(&[]).await;
        advance(10 * MINUTE).await;
        let fault = Fault::on("POST", "/attempts").always();
        let fault = fault.status(status, r#"{"message":"no"}"#);
        world.github().add_fault(fault);
        let report = world.pass(&[]).await;
        assert!(!says_down(&report), "{}", report.verdict());
    }
}

#[tokio::test(start_paused = true)]
async fn a_lagging_log_does_not_make_a_receiver_look_down() {
    let world = VirtualWorld::new();
    world.set_receiver(Receiver::down());
    world.log_failures(world.hook, 50, start());
    let other = world.add_webhook("https://ci.example.com/other");
    world.log_failures(other, 10, start());
    world.pass(&[]).await;
    advance(10 * MINUTE).await;
    world.set_receiver(Receiver::up());
    world.github().log_lag = TimeDelta::minutes(25);
    let report = world.pass(&[]).await;
    assert!(!says_down(&report), "{}", report.verdict());

    // Nor if it was never down.
    let world = VirtualWorld::new();
    world.github().log_lag = TimeDelta::minutes(25);
    world.log_failures(world.hook, 50, start());
    let began = Instant::now();
    let report = world.pass(&[]).await;
    assert!(!says_down(&report), "{}", report.verdict());
    let took = began.elapsed();
    assert!((9 * MINUTE..12 * MINUTE).contains(&took), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_receiver_whose_failures_show_is_called_down_all_the_same() {
    let mut world = VirtualWorld::new();
    world.set_receiver(Receiver::down());
    world.log_failures(world.hook, 50, start());
    let silence = ClientGets::Status(502, "");
    world.network = Some(Trouble::lasting(Duration::from_secs(20), true, silence));
    let report = world.pass(&[]).await;
    assert!(says_down(&report));
    assert!(world.github().requested(world.hook).len() <= 6);
}

#[tokio::test(start_paused = true)]
async fn unclear_requests_are_resolved_once_the_log_shows_them() {
    let mut world = VirtualWorld::new();
    world.log_failures(world.hook, 60, start());
    let network = Trouble::lasting(600 * MINUTE, true, ClientGets::Status(502, ""));
    world.network = Some(network);
    let report = world.pass(&[]).await;
    assert_eq!(count(&report, "recovered"), 60);
    let times = world.redelivered(world.hook);
    assert!(times.values().all(|times| *times == 1));
}

#[tokio::test(start_paused = true)]
async fn pauses_end_with_the_time_limit() {
    let mut world = VirtualWorld::new();
    world.log_failures(world.hook, 50, start());
    world.network = Some(Trouble::lasting(
        60 * MINUTE,
        false,
        ClientGets::Status(502, ""),
    ));
    let began = Instant::now();
    let report = world.pass(&[("INPUT_TIME_LIMIT", "1m")]).await;
    assert!(began.elapsed() <= Duration::from_secs(62));
    assert!(!says_down(&report), "{}", report.verdict());
}

#[tokio::test(start_paused = true)]
async fn a_log_that_cannot_be_read_for_a_while_ends_no_turn() {
    let world = VirtualWorld::new();
    world.log_failures(world.hook, 300, start());
    // All tries of two looks after the log was read.
    let fault = Fault::on("GET", "/deliveries?").nth(5).times(12);
    world.github().add_fault(fault.status(502, ""));
    let report = world.pass(&[]).await;
    assert_eq!(count(&report, "recovered"), 300);
    assert_eq!(report.errors, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_log_five_minutes_behind_hardly_slows_a_pass() {
    let world = VirtualWorld::new();
    world.github().log_lag = TimeDelta::minutes(5);
    world.log_failures(world.hook, 2_000, start());
    let report = world.pass(&[("INPUT_MAX_PER_MINUTE", "140")]).await;
    let requested = world.github().requested(world.hook).len();
    assert!(requested >= 1_500, "{requested}");
    let recovered = count(&report, "recovered");
    assert!(recovered >= requested - 900, "{recovered} of {requested}");
    let times = world.redelivered(world.hook);
    assert!(times.values().all(|times| *times == 1));
}

#[tokio::test(start_paused = true)]
async fn rows_that_appear_late_beneath_newer_pages_are_read() {
    let world = VirtualWorld::new();
    world.github().log_lag = TimeDelta::seconds(90);
    world.log_failures(world.hook, 400, start());
    // Live traffic shows at once, a page and more in the time of the lag.
    for second in 0..1_800 {
        let at = start() + TimeDelta::seconds(second);
        let live = Attempt::ok(guid(10_000 + second as u64), at);
        world.github().webhook_mut(world.hook).log_late(live, at);
    }
    let report = world.pass(&[]).await;
    let unseen = count(&report, "unconfirmed");
    assert!(unseen <= 160, "{unseen}");
    assert_eq!(count(&report, "recovered") + unseen, 400);
    let times = world.redelivered(world.hook);
    assert!(times.values().all(|times| *times == 1));
}

#[tokio::test(start_paused = true)]
async fn a_wave_that_the_time_limit_cuts_is_confirmed() {
    let world = VirtualWorld::new();
    for n in 0..20 {
        world.log(Attempt::ok(guid(10_000 + n), start()));
    }
    world.log_failures(world.hook, 2_000, start() - TimeDelta::minutes(1));
    let limit = [("INPUT_TIME_LIMIT", "3m"), ("INPUT_MAX_PER_MINUTE", "60")];
    let began = Instant::now();
    let report = world.pass(&limit).await;
    assert!(began.elapsed() <= Duration::from_secs(182));
    let requested = world.github().requested(world.hook).len();
    assert!(requested > 150, "{requested}");
    assert_eq!(count(&report, "recovered"), requested);
    assert_eq!(count(&report, "unconfirmed"), 0);
}

#[test]
fn a_pass_without_clear_responses_blames_github() {
    let bad_gateway = || Fault::on("POST", "/attempts").always();
    for fault in [
        bad_gateway().status(502, "<html><title>Bad gateway</title></html>"),
        bad_gateway().reset(),
        bad_gateway().status(403, "<html><title>Blocked</title></html>"),
    ] {
        let world = World::new();
        for n in 0..9 {
            world.log(Attempt::failed(guid(n), ago(50 - n as i64)));
        }
        world.simulator.github().add_fault(fault);
        let ended = world.pass().input("time-limit", "1s").run().success();
        let ended = ended.outputs(&["result=open", "redelivered=0", "errors=0"]);
        let ended = ended.says("GitHub gave no clear answer to 3 requests");
        assert!(!ended.summary.contains("🔴"), "{}", ended.summary);
        assert!(!ended.output("report").contains("been down"));
        assert_eq!(world.requests("/attempts"), 3);
    }
}
