//! Serves a simulated GitHub for experiments: `acme` has a webhook that missed three deliveries, and the receiver of
//! `acme-labs`'s webhook always refuses one delivery.
#![expect(
    clippy::print_stdout,
    reason = "the one line it prints is how scripts learn the address"
)]

use std::error::Error;
use std::io::Write as _;
use std::net::SocketAddr;

use chrono::{SubsecRound, TimeDelta};
use serde_json::json;
use simulated_github::{Access, Attempt, GitHub, Owner, Receiver, Simulator, Webhook, guid};

const TOKEN: &str = "simulated-token";

/// The number of attempts in the log, the seconds between them, and the failed ones, counted from the oldest.
const ATTEMPTS: i32 = 250;
const SECONDS_APART: i64 = 28;
const FAILED: [i32; 3] = [60, 141, 222];

fn main() -> Result<(), Box<dyn Error>> {
    let address = address(std::env::args().skip(1))?;
    let mut github = GitHub::new();
    github.add_token(TOKEN, Access::admin());
    let hook = missed_deliveries(&mut github);
    refused_delivery(&mut github);
    let simulator = Simulator::start_on(github, address)?;
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

/// The address to listen on, from `--listen ADDRESS:PORT`; without it, a free port of loopback.
fn address(mut arguments: impl Iterator<Item = String>) -> Result<SocketAddr, String> {
    let usage =
        "usage: simulated-github [--listen ADDRESS:PORT], as in 127.0.0.1:0 for a free port";
    match (
        arguments.next().as_deref(),
        arguments.next(),
        arguments.next(),
    ) {
        (None, ..) => Ok(SocketAddr::from(([127, 0, 0, 1], 0))),
        (Some("--listen"), Some(address), None) => address
            .parse()
            .map_err(|_| format!("`{address}` is no address with a port; {usage}")),
        _ => Err(usage.to_owned()),
    }
}

/// `acme`, its repository for variables, and its webhook, whose log goes back two hours; three of its deliveries failed.
fn missed_deliveries(github: &mut GitHub) -> u64 {
    github.add_organization("acme");
    github.add_repository("acme", "ops");
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
    hook
}

/// `acme-labs` and its webhook. Its receiver accepts every delivery except one, which failed, and failed again when it
/// was redelivered.
fn refused_delivery(github: &mut GitHub) {
    github.add_organization("acme-labs");
    let refused = guid(1_000_000);
    let mut webhook = Webhook::new("https://labs.example.com/hook");
    webhook.receiver = Receiver::up().poisoned(&*refused);
    let hook = github.add_webhook(Owner::Organization("acme-labs".to_owned()), webhook);
    let now = github.now().trunc_subsecs(0);
    let minutes_ago = |minutes| now - TimeDelta::minutes(minutes);
    for attempt in [
        Attempt::ok(guid(1_000_001), minutes_ago(61)),
        Attempt::failed(&*refused, minutes_ago(60)),
        Attempt::ok(guid(1_000_002), minutes_ago(51)),
        Attempt::failed(&*refused, minutes_ago(50)).redelivery(),
        Attempt::ok(guid(1_000_003), minutes_ago(49)),
    ] {
        github.webhook_mut(hook).log(attempt);
    }
}
