//! Progress lines in the log while a pass runs.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::TimeDelta;
use redeliver_webhooks::model::Runner;
use redeliver_webhooks::tell::console::Console;
use redeliver_webhooks::tell::progress::{EVERY, SILENCE};
use simulated_github::{Attempt, Receiver, guid};
use tokio::time::Instant;

use crate::virtual_world::{VirtualWorld, start};

/// Remembers each line, and when it came.
#[derive(Clone, Default)]
struct Timed(Arc<Mutex<Vec<(Instant, String)>>>);

impl Write for Timed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let line = String::from_utf8_lossy(bytes).trim_end().to_owned();
        self.0.lock().unwrap().push((Instant::now(), line));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The log of a pass, with the time of each line since it began.
async fn log(world: &VirtualWorld, more: &[(&str, &str)]) -> Vec<(Duration, String)> {
    let (timed, began) = (Timed::default(), Instant::now());
    let runner = Runner {
        in_actions: true,
        ..Runner::default()
    };
    let console = Console::new(&runner, timed.clone());
    world.pass_on(&console, start(), more).await;
    let mut lines = timed.0.lock().unwrap().clone();
    // The pass ends here.
    lines.push((Instant::now(), String::new()));
    let since = lines.into_iter();
    since.map(|(at, line)| (at - began, line)).collect()
}

/// Lines that hold `part`, and the shortest time between two of them.
fn shortest(lines: &[(Duration, String)], part: &str) -> (usize, Duration) {
    let times: Vec<Duration> = lines
        .iter()
        .filter(|(_, line)| line.contains(part))
        .map(|(at, _)| *at)
        .collect();
    let gaps = times.windows(2).map(|pair| pair[1] - pair[0]);
    (times.len(), gaps.min().unwrap_or(Duration::MAX))
}

fn longest_silence(lines: &[(Duration, String)]) -> Duration {
    let times = lines.windows(2).map(|pair| pair[1].0 - pair[0].0);
    times.max().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_long_scan_says_how_far_it_is_every_five_seconds_at_most() {
    let mut world = VirtualWorld::new();
    for n in 0..6_000 {
        let at = start() - TimeDelta::minutes(60) - TimeDelta::seconds(n as i64 / 10);
        world.log(Attempt::ok(guid(n), at));
    }
    world.latency = Duration::from_secs(1);
    let lines = log(&world, &[("INPUT_SINCE", "3h")]).await;
    let (lines_logged, gap) = shortest(&lines, "acme webhook 512345671: reading, ");
    assert!((9..=14).contains(&lines_logged), "{lines_logged} {lines:?}");
    assert!(gap >= EVERY, "{gap:?}");
    assert!(longest_silence(&lines) <= EVERY * 2, "{lines:?}");
    let line = lines.iter().find(|(_, line)| line.contains("reading"));
    let line = &line.unwrap().1;
    assert!(
        line.ends_with(" pages/s")
            && line.contains(" pages and ")
            && line.contains("00 attempts so far, "),
        "{line}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_long_redelivery_says_how_far_it_is_and_folds_its_details() {
    let world = VirtualWorld::new();
    world.log_failures(world.hook, 300, start());
    let lines = log(&world, &[("INPUT_MAX_PER_MINUTE", "60")]).await;
    let (lines_logged, gap) = shortest(&lines, "acme webhook 512345671: redelivering, ");
    assert!(lines_logged > 30, "{lines_logged}");
    assert!(gap >= EVERY, "{gap:?}");
    assert!(longest_silence(&lines) <= SILENCE + EVERY);
    let text: Vec<&str> = lines.iter().map(|(_, line)| &**line).collect();
    let opened = text.iter().position(|line| line.starts_with("::group::"));
    let closed = text.iter().position(|line| *line == "::endgroup::");
    let (opened, closed) = (opened.unwrap(), closed.unwrap());
    let title =
        "::group::acme webhook 512345671: requested 300: 300 recovered, 0 failed again, 0 unseen";
    assert_eq!(text[opened], title);
    let details = &text[opened + 1..closed];
    let each = |line: &&&str| line.starts_with("redelivering push ");
    assert_eq!(details.iter().filter(each).count(), 300);
    let elsewhere = text
        .iter()
        .filter(|line| line.starts_with("redelivering push "));
    assert_eq!(elsewhere.count(), 300, "all of them are folded");
}

#[tokio::test(start_paused = true)]
async fn a_pass_that_waits_for_an_outcome_is_not_silent() {
    let world = VirtualWorld::new();
    world.set_receiver(Receiver::up());
    world.github().log_lag = TimeDelta::minutes(9);
    world.log_failures(world.hook, 3, start());
    let lines = log(&world, &[("INPUT_CONFIRM_TIMEOUT", "5m")]).await;
    let took = lines.last().unwrap().0;
    assert!(took > Duration::from_secs(250), "{took:?}");
    assert!(longest_silence(&lines) <= SILENCE + EVERY, "{lines:?}");
}

#[tokio::test(start_paused = true)]
async fn healthy_webhooks_log_no_progress() {
    let mut world = VirtualWorld::new();
    world.latency = Duration::from_millis(300);
    for n in 0..60 {
        let hook = world.add_webhook(&format!("https://{n}.example.com"));
        let mut github = world.github();
        let at = start() - TimeDelta::minutes(9);
        github.webhook_mut(hook).log(Attempt::ok(guid(n), at));
    }
    world.log_failures(world.hook, 1, start());
    let lines = log(&world, &[]).await;
    let named = lines.iter().filter(|(_, line)| line.contains(" webhook "));
    for (_, line) in named {
        assert!(line.contains("acme webhook 512345671"), "{line}");
    }
    let healthy = lines
        .iter()
        .filter(|(_, line)| line == "Nothing failed at 60 more webhooks.");
    assert_eq!(healthy.count(), 1, "{lines:?}");
}
