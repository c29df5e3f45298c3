//! The product's main job on a simulated GitHub: an organization's webhook whose receiver was down for
//! an hour. The first pass comes while it is still down, the second when it is up again.
//!
//! `cargo run --example demo` prints the log of both, and the job summary of the second, which it
//! leaves in `target/demo/summary.md`.
#![expect(clippy::print_stdout, reason = "a demo is there to be read")]

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

/// How long the receiver was down, how long before its end the first pass comes, and how long after
/// the second.
const DOWN: TimeDelta = TimeDelta::minutes(60);
const BEFORE_ITS_END: TimeDelta = TimeDelta::minutes(10);
const AFTER_ITS_END: TimeDelta = TimeDelta::minutes(10);

/// How often GitHub has something to send.
const EVERY: TimeDelta = TimeDelta::minutes(4);

fn main() -> anyhow::Result<()> {
    // GitHub's clock is moved between the passes; the product goes by it.
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
    let up_again = first_pass + BEFORE_ITS_END;
    github.webhook_mut(hook).receiver = Receiver::down_until(up_again);
    let outage = (up_again - DOWN)..up_again;
    let (start, second_pass) = (first_pass - TimeDelta::hours(4), up_again + AFTER_ITS_END);
    let mut deliveries = deliver(&mut github, hook, start, first_pass, &outage);
    let simulator = Simulator::start(github);

    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/demo");
    let summary = folder.join("summary.md");
    fs::create_dir_all(&folder)?;
    println!(
        "-- The receiver has been down for 50 minutes. The first pass finds that out, and stops:\n"
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

/// What GitHub sends between two times, and what came of it. Tells how many deliveries that are.
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
        at += EVERY;
        count += 1;
    }
    count
}

/// One pass, as a workflow would run it.
fn pass(simulator: &Simulator, summary: &Path) -> anyhow::Result<()> {
    // The runner hands each step a file of its own.
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

/// How many deliveries the receiver has accepted.
fn accepted(simulator: &Simulator, hook: u64) -> usize {
    let log = simulator.github().attempts(hook);
    let accepted = log
        .iter()
        .filter(|attempt| attempt.status_code == Some(200));
    let guids: BTreeSet<&str> = accepted.map(|attempt| &*attempt.guid).collect();
    guids.len()
}
