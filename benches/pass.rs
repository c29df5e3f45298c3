//! A whole pass of the real executable over HTTP on loopback: wall time, CPU time, peak memory.
//!
//! `cargo bench --bench pass`. The simulated GitHub is a process of its own: its share of the wall
//! time is in the figures, its CPU time and memory are not. (In this process its memory would be: a
//! child's peak counts what its parent held when it was started.)
#![expect(clippy::print_stdout, reason = "a benchmark is there to be read")]

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use chrono::TimeDelta;
use nix::sys::resource::{Usage, UsageWho, getrusage};
use simulated_github::{Access, Attempt, GitHub, Owner, Simulator, Webhook, guid};

const TOKEN: &str = "ghp_bench";

/// Attempts in the log, and how many of them failed. In rising order: the peak that is read is the
/// largest of all executables so far.
const CASES: [(u64, u64); 4] = [(20_000, 0), (20_000, 20), (200_000, 0), (200_000, 20)];

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, serve, attempts, failed] = arguments.as_slice()
        && serve == "serve"
    {
        return be_github(attempts.parse()?, failed.parse()?);
    }
    println!("attempts failed  wall ms  cpu ms  peak KiB");
    for (attempts, failed) in CASES {
        let (mut github, url) = start_github(attempts, failed)?;
        let before = getrusage(UsageWho::RUSAGE_CHILDREN)?;
        let began = Instant::now();
        let status = Command::new(env!("CARGO_BIN_EXE_redeliver-webhooks"))
            .env_clear()
            .env("INPUT_TOKEN", TOKEN)
            .env("INPUT_ORGANIZATION", "acme")
            .env("INPUT_API_URL", url)
            .stdout(Stdio::null())
            .status()
            .context("the executable could not be started")?;
        let wall = began.elapsed();
        let after = getrusage(UsageWho::RUSAGE_CHILDREN)?;
        ensure!(status.success(), "the pass failed");
        let asked = stop_github(&mut github)?;
        ensure!(asked == failed, "{asked} of {failed} were redelivered");
        println!(
            "{attempts:>8} {failed:>6} {:>8} {:>7} {:>9}",
            wall.as_millis(),
            (cpu(&after) - cpu(&before)).as_millis(),
            after.max_rss(),
        );
        // Only now does its own usage count among the children's.
        github.kill()?;
    }
    Ok(())
}

/// Starts this executable once more, as GitHub. Tells its address.
fn start_github(attempts: u64, failed: u64) -> anyhow::Result<(Child, String)> {
    let mut github = Command::new(std::env::current_exe()?)
        .args(["serve", &attempts.to_string(), &failed.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let url = line(&mut github)?;
    Ok((github, url))
}

/// Asks it how many redeliveries it accepted.
fn stop_github(github: &mut Child) -> anyhow::Result<u64> {
    drop(github.stdin.take());
    Ok(line(github)?.parse()?)
}

fn line(github: &mut Child) -> anyhow::Result<String> {
    let stdout = github.stdout.as_mut().context("its output is not read")?;
    let mut line = String::new();
    BufReader::new(stdout).read_line(&mut line)?;
    Ok(line.trim().to_owned())
}

/// Enterprise Server, whose limits do not get in the way, and a webhook with a log of the last hours.
fn be_github(attempts: u64, failed: u64) -> anyhow::Result<()> {
    let mut github = GitHub::enterprise_server();
    github.record_answers = false;
    github.add_organization("acme");
    github.add_token(TOKEN, Access::admin());
    let webhook = Webhook::new("https://ci.acme.example/hook");
    let hook = github.add_webhook(Owner::Organization("acme".into()), webhook);
    let now = github.now();
    for n in 0..attempts {
        let at = now - TimeDelta::seconds((attempts - n) as i64);
        let fails = failed > 0 && n % (attempts / failed) == 0;
        let attempt = if fails { Attempt::failed } else { Attempt::ok }(guid(n), at);
        github.webhook_mut(hook).log(attempt);
    }
    let simulator = Simulator::start(github);
    println!("{}", simulator.url());
    std::io::stdin().read_to_end(&mut Vec::new())?;
    println!("{}", simulator.github().requested(hook).len());
    // Whoever started it ends it, when it no longer matters what it used.
    loop {
        std::thread::park();
    }
}

/// Processor time of all children so far.
fn cpu(usage: &Usage) -> Duration {
    let times = [usage.user_time(), usage.system_time()];
    let micros = times.map(|time| time.tv_sec() * 1_000_000 + time.tv_usec());
    Duration::from_micros(micros.iter().sum::<i64>().unsigned_abs())
}
