//! How many instructions an attempt costs, by valgrind's count: the same on a busy machine as on a quiet one.

use std::process::{Command, Stdio};

use anyhow::{Context, ensure};
use redeliver_webhooks::read::fold::{History, Remembered};

use crate::{fold_page, log, parse_page};

/// Attempts that are counted, and those before them that warm up what grows with the first.
const COUNTED: u64 = 20_000;
const WARM_UP: u64 = 2_000;

/// What is counted.
const STAGES: [&str; 2] = ["parse", "parse and fold"];

/// Prints a table.
pub(crate) fn table() -> anyhow::Result<()> {
    for stage in STAGES {
        let more = count(stage, WARM_UP + COUNTED)?;
        let less = count(stage, WARM_UP)?;
        println!(
            "{stage}: {} instructions an attempt",
            (more - less) / COUNTED
        );
    }
    Ok(())
}

/// Instructions of this executable when it takes so many attempts through a stage.
fn count(stage: &str, attempts: u64) -> anyhow::Result<u64> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(std::env::current_exe()?)
        .args(["count", stage, &attempts.to_string()])
        .stdin(Stdio::null())
        .output()
        .context("valgrind could not be started (on Debian: `apt-get install valgrind`)")?;
    let words = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "valgrind failed: {words}");
    let (_, count) = words.split_once("Collected : ").context("no count")?;
    Ok(count.lines().next().unwrap_or_default().trim().parse()?)
}

/// What is counted: the log is the same whatever is taken of it.
pub(crate) fn counted(stage: &str, attempts: &str) -> anyhow::Result<()> {
    let attempts: u64 = attempts.parse()?;
    let mut history = History::new(log::window(), Remembered::default());
    let mut left = attempts;
    for page in log::pages(WARM_UP + COUNTED) {
        if left == 0 {
            break;
        }
        let rows = match stage {
            "parse" => parse_page(&page),
            _ => fold_page(&mut history, &page),
        };
        left -= rows;
    }
    Ok(())
}
