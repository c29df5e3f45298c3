//! Serves a simulated GitHub with a webhook that missed three deliveries, to try things on.
#![expect(
    clippy::print_stdout,
    reason = "the one line it prints is how scripts learn the address"
)]

use std::error::Error;
use std::io::Write as _;

use chrono::{SubsecRound, TimeDelta};
use serde_json::json;
use simulated_github::{Access, Attempt, GitHub, Owner, Simulator, Webhook, guid};

const TOKEN: &str = "simulated-token";

/// How many attempts the log has, how many seconds apart, and which of them failed, counted from the oldest.
const ATTEMPTS: i32 = 250;
const SECONDS_APART: i64 = 28;
const FAILED: [i32; 3] = [60, 141, 222];

fn main() -> Result<(), Box<dyn Error>> {
    let port = port(std::env::args().skip(1))?;
    let (github, hook) = missed_deliveries();
    let simulator = Simulator::start_on(github, port)?;
    let line = json!({
        "url": simulator.url(),
        "organization": "acme",
        "repository": "acme/ops",
        "token": TOKEN,
        "hook": hook,
    });
    println!("{line}");
    std::io::stdout().flush()?;
    loop {
        std::thread::park();
    }
}

/// The port from `--port N`; 0, for a free one, without it.
fn port(mut arguments: impl Iterator<Item = String>) -> Result<u16, String> {
    let usage = "usage: simulated-github [--port N]";
    match (
        arguments.next().as_deref(),
        arguments.next(),
        arguments.next(),
    ) {
        (None, ..) => Ok(0),
        (Some("--port"), Some(port), None) => port
            .parse()
            .map_err(|_| format!("`{port}` is not a port; {usage}")),
        _ => Err(usage.to_owned()),
    }
}

/// An organization's webhook whose log goes back two hours; three of its deliveries failed.
fn missed_deliveries() -> (GitHub, u64) {
    let mut github = GitHub::new();
    github.add_organization("acme");
    github.add_repository("acme", "ops");
    github.add_token(TOKEN, Access::admin());
    let hook = github.add_webhook(
        Owner::Organization("acme".to_owned()),
        Webhook::new("https://ci.example.com/hook"),
    );
    let now = github.now().trunc_subsecs(0);
    for n in 0..ATTEMPTS {
        let age = TimeDelta::seconds(SECONDS_APART) * (ATTEMPTS - n);
        let guid = guid(n.unsigned_abs().into());
        let attempt = if FAILED.contains(&n) {
            Attempt::failed(guid, now - age)
        } else {
            Attempt::ok(guid, now - age)
        };
        github.webhook_mut(hook).log(attempt);
    }
    (github, hook)
}
