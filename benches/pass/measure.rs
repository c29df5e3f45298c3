//! Measures a child process. The system counts all children of a process together, so a process with no other child starts it.
//! That process is small, because a child's peak memory starts with its parent's.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use chrono::{DateTime, Utc};
use nix::sys::resource::{Usage, UsageWho, getrusage};
use serde::{Deserialize, Serialize};

/// The resources that one process used.
#[derive(Serialize, Deserialize)]
pub(crate) struct Used {
    /// Start of the process.
    pub(crate) began: DateTime<Utc>,
    pub(crate) wall: Duration,
    pub(crate) cpu: Duration,
    pub(crate) peak_kib: i64,
}

/// Runs a command with only its own environment and `PATH`.
pub(crate) fn measured(command: Command) -> anyhow::Result<Used> {
    let mut measuring = Command::new(std::env::current_exe()?);
    measuring.arg("measure").arg(command.get_program());
    measuring.args(command.get_args()).env_clear();
    for (name, value) in command.get_envs() {
        measuring.env(name, value.unwrap_or_default());
    }
    if let Some(path) = std::env::var_os("PATH") {
        measuring.env("PATH", path);
    }
    let output = measuring.stderr(Stdio::inherit()).output()?;
    ensure!(output.status.success(), "the measured program failed");
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Runs a program and prints the resources that it used.
pub(crate) fn run(program: &str, arguments: &[&str]) -> anyhow::Result<()> {
    let (began, clock) = (Utc::now(), Instant::now());
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .stdout(Stdio::null())
        .status()
        .with_context(|| format!("`{program}` could not be started"))?;
    let wall = clock.elapsed();
    ensure!(output.success(), "`{program}` failed");
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let used = Used {
        began,
        wall,
        cpu: cpu(&usage),
        peak_kib: usage.max_rss(),
    };
    println!("{}", serde_json::to_string(&used)?);
    Ok(())
}

fn cpu(usage: &Usage) -> Duration {
    let times = [usage.user_time(), usage.system_time()];
    let micros = times.map(|time| time.tv_sec() * 1_000_000 + time.tv_usec());
    Duration::from_micros(micros.iter().sum::<i64>().unsigned_abs())
}
