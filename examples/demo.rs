//! Two passes on a simulated GitHub over an organization's webhook whose receiver was down for an hour. The first
//! pass runs while the receiver is still down, the second when it is up again.
//!
//! `cargo run --example demo` prints the log of both passes and the job summary of the second, and writes that summary
//! to `target/demo/summary.md`.
#![expect(clippy::print_stdout, reason = "the demo prints to the terminal")]

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use anyhow::{Context, ensure};
use chrono::{DateTime, TimeDelta, Utc};
use simulated_github::{Access, Attempt, GitHub, Owner, Receiver, Simulator, Webhook, guid};

const TOKEN: &str = "ghp_demo";

/// Length of the outage, time from the first pass to its end, and from its end to the second pass.
const DOWN: TimeDelta = TimeDelta::minutes(60);
const FIRST_PASS_BEFORE_END: TimeDelta = TimeDelta::minutes(10);
const SECOND_PASS_AFTER_END: TimeDelta = TimeDelta::minutes(10);

/// Time between two deliveries.
const INTERVAL: TimeDelta = TimeDelta::minutes(4);

fn main() -> anyhow::Result<()> {
    // The demo moves GitHub's clock between the passes. The product uses that clock.
    let ahead = Arc::new(AtomicI64::new(0));
    let clock = Arc::clone(&ahead);
    let mut github = GitHub::new();
    github.set_clock(move || Utc::now() + TimeDelta::seconds(clock.load(Ordering::Relaxed)));
    github.add_organization("acme");
    github.add_repository("acme", "ops");
    github.add_token(TOKEN, Access::admin());
    let webhook = Webhook::new("https://ci.acme.example/hook");
    let hook = github.add_webhook(Owner::Organization("acme".into()), webhook);

    let first_pass = github.now();
    let up_again = first_pass + FIRST_PASS_BEFORE_END;
    github.webhook_mut(hook).receiver = Receiver::down_until(up_again);
    let outage = (up_again - DOWN)..up_again;
    let (start, second_pass) = (
        first_pass - TimeDelta::hours(4),
        up_again + SECOND_PASS_AFTER_END,
    );
    let mut deliveries = deliver(&mut github, hook, start, first_pass, &outage);
    let simulator = Simulator::start(github);

    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/demo");
    let summary = folder.join("summary.md");
    fs::create_dir_all(&folder)?;
    println!(
        "-- The receiver has been down for 50 minutes. The first pass notices that and stops:\n"
    );
    pass(&simulator, &summary)?;

    ahead.store((second_pass - first_pass).num_seconds(), Ordering::Relaxed);
    {
        let mut github = simulator.github();
        deliveries += deliver(&mut github, hook, first_pass, second_pass, &outage);
    }
    println!(
        "\n-- The receiver has been up again for 10 minutes. The second pass recovers everything:\n"
    );
    pass(&simulator, &summary)?;

    let markdown = fs::read_to_string(&summary).context("the summary was not written")?;
    println!(
        "\n-- Its job summary, also in {}:\n\n{markdown}",
        summary.display()
    );
    let accepted = accepted(&simulator, hook);
    println!("-- Of {deliveries} deliveries the receiver has now accepted {accepted}.");
    ensure!(accepted == deliveries, "some were not recovered");
    Ok(())
}

/// Logs the deliveries between two times. Returns their number.
fn deliver(
    github: &mut GitHub,
    hook: u64,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
    outage: &std::ops::Range<DateTime<Utc>>,
) -> usize {
    let mut at = from;
    let mut count = 0;
    while at < until {
        let guid = guid(at.timestamp().unsigned_abs());
        let attempt = if outage.contains(&at) {
            Attempt::failed(guid, at)
        } else {
            Attempt::ok(guid, at)
        };
        github.webhook_mut(hook).log(attempt);
        at += INTERVAL;
        count += 1;
    }
    count
}

/// Runs one pass as a workflow would.
fn pass(simulator: &Simulator, summary: &Path) -> anyhow::Result<()> {
    // The runner gives each step an empty file.
    fs::write(summary, "")?;
    let variables = [
        ("INPUT_TOKEN", TOKEN.into()),
        ("INPUT_ORGANIZATION", "acme".into()),
        ("INPUT_CHECKPOINT-VARIABLE", "LAST_REDELIVERY".into()),
        ("INPUT_API-URL", simulator.url()),
        ("GITHUB_REPOSITORY", "acme/ops".into()),
        ("GITHUB_STEP_SUMMARY", summary.display().to_string()),
    ];
    let variables = variables.map(|(name, value)| (OsString::from(name), OsString::from(value)));
    ensure!(redeliver_webhooks::run([], variables), "the pass failed");
    Ok(())
}

/// Number of deliveries that the receiver accepted.
fn accepted(simulator: &Simulator, hook: u64) -> usize {
    let log = simulator.github().attempts(hook);
    let accepted = log
        .iter()
        .filter(|attempt| attempt.status_code == Some(200));
    let guids: BTreeSet<&str> = accepted.map(|attempt| &*attempt.guid).collect();
    guids.len()
}
