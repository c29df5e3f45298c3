//! The simulated GitHub, in a separate process.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::Context;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use simulated_github::{
    Access, Attempt, Fault, GitHub, Owner, Protocols, Simulator, Webhook, guid,
};

pub(crate) const TOKEN: &str = "ghp_bench";
pub(crate) const ORGANIZATION: &str = "acme";
pub(crate) const REPOSITORY: &str = "acme/ops";

/// The id of the first webhook that is added.
pub(crate) const HOOK: u64 = 512_345_671;

/// Length of the logs. Every pass reads them whole: without a checkpoint it starts a day ago.
const SPAN: TimeDelta = TimeDelta::hours(20);

/// The work of a pass, and the speed of the network.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Work {
    pub(crate) webhooks: u32,
    /// In each log.
    pub(crate) attempts: u32,
    /// Attempts in each log that failed and were not redelivered.
    pub(crate) failed: u32,
    pub(crate) latency_ms: u64,
    pub(crate) body_ms: u64,
    pub(crate) bytes_a_second: Option<u32>,
    pub(crate) compresses: bool,
    pub(crate) tls: bool,
    pub(crate) beside_the_script: bool,
}

impl Default for Work {
    fn default() -> Self {
        Self {
            webhooks: 1,
            attempts: 0,
            failed: 0,
            latency_ms: 0,
            body_ms: 0,
            bytes_a_second: None,
            compresses: false,
            tls: false,
            beside_the_script: false,
        }
    }
}

/// The address of the simulated GitHub.
#[derive(Serialize, Deserialize)]
struct Place {
    url: String,
    ca_pem: Option<String>,
}

/// The requests that the simulated GitHub received.
#[derive(Serialize, Deserialize)]
pub(crate) struct Requests {
    pub(crate) count: usize,
    pub(crate) redelivered: usize,
    pub(crate) first: Option<DateTime<Utc>>,
}

/// A simulated GitHub in another process, which is killed on drop.
pub(crate) struct Hosted {
    process: Child,
    pub(crate) url: String,
    pub(crate) ca_pem: Option<String>,
}

impl Hosted {
    /// Starts this executable again, as GitHub.
    pub(crate) fn start(work: &Work) -> anyhow::Result<Self> {
        let mut process = Command::new(std::env::current_exe()?)
            .args(["host", &serde_json::to_string(work)?])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let Place { url, ca_pem } = serde_json::from_str(&line(&mut process)?)?;
        Ok(Self {
            process,
            url,
            ca_pem,
        })
    }

    /// Stops serving and returns the requests.
    pub(crate) fn end(mut self) -> anyhow::Result<Requests> {
        drop(self.process.stdin.take());
        Ok(serde_json::from_str(&line(&mut self.process)?)?)
    }
}

impl Drop for Hosted {
    fn drop(&mut self) {
        // Waiting for it to drop a million attempts would take a while.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn line(process: &mut Child) -> anyhow::Result<String> {
    let stdout = process.stdout.as_mut().context("its output is not piped")?;
    let mut line = String::new();
    BufReader::new(stdout).read_line(&mut line)?;
    Ok(line)
}

/// Serves until stdin is closed, then prints the requests.
pub(crate) fn host(work: &Work) -> anyhow::Result<()> {
    let (github, hooks) = github(work);
    let simulator = match work.tls {
        true => Simulator::start_tls(github, Protocols::Both),
        false => Simulator::start(github),
    };
    let place = Place {
        url: simulator.url(),
        ca_pem: work.tls.then(|| simulator.ca_pem().to_owned()),
    };
    println!("{}", serde_json::to_string(&place)?);
    std::io::stdin().read_to_end(&mut Vec::new())?;
    let requests = {
        let github = simulator.github();
        let redelivered = hooks.iter().map(|hook| github.requested(*hook).len());
        Requests {
            count: github.requests().len(),
            redelivered: redelivered.sum(),
            first: github.requests().first().map(|request| request.at),
        }
    };
    println!("{}", serde_json::to_string(&requests)?);
    loop {
        std::thread::park();
    }
}

/// An Enterprise Server, which has no rate limits.
fn github(work: &Work) -> (GitHub, Vec<u64>) {
    let mut github = GitHub::enterprise_server();
    github.record_answers = false;
    github.compresses = work.compresses;
    github.latency = Duration::from_millis(work.latency_ms);
    if let Some(bytes_a_second) = work.bytes_a_second {
        github.limit_bandwidth(bytes_a_second);
    }
    if work.body_ms > 0 {
        let slow = Fault::on("GET", "/deliveries").delay_body(Duration::from_millis(work.body_ms));
        github.add_fault(slow.always());
    }
    github.add_organization(ORGANIZATION);
    let (owner, name) = REPOSITORY.split_once('/').unwrap_or_default();
    github.add_repository(owner, name);
    github.add_token(TOKEN, Access::admin());
    let now = github.now();
    let hooks = (0..work.webhooks).map(|_| {
        let webhook = Webhook::new("https://ci.acme.example/hook");
        let hook = github.add_webhook(Owner::Organization(ORGANIZATION.into()), webhook);
        for n in 0..work.attempts {
            let at = now - SPAN / work.attempts.cast_signed() * (work.attempts - n).cast_signed();
            let fails = work.failed > 0 && n % (work.attempts / work.failed) == 0;
            let attempt = if fails { Attempt::failed } else { Attempt::ok };
            github.webhook_mut(hook).log(attempt(guid(n.into()), at));
        }
        hook
    });
    let hooks = hooks.collect();
    (github, hooks)
}
