//! Measures whole passes of the real executable over HTTP on loopback: wall time, processor time, peak memory, requests.
//!
//! `cargo bench --bench pass`, with any of these after `--`:
//! - `--docs-script PATH`: also measures the script in GitHub's documentation, on the same simulated GitHub. Its license does
//!   not allow a copy here: take it from
//!   <https://docs.github.com/en/webhooks/using-webhooks/automatically-redelivering-failed-deliveries-for-an-organization-webhook>,
//!   set its `baseUrl` to `process.env.GITHUB_API_URL`, and run `npm install octokit` beside it.
//! - `--executable PATH`: measures another build, such as the static one
//! - `--runs N`: shows the median of N runs, 3 by default
//! - any other text: only the cases whose name contains it
//!
//! The simulated GitHub is a separate process. The figures include its share of the wall time, but not its processor time
//! and memory.
#![expect(clippy::print_stdout, reason = "a benchmark is there to be read")]

mod figures;
mod github;
mod measure;

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, bail, ensure};

use figures::{Figures, median};
use github::{HOOK, Hosted, ORGANIZATION, REPOSITORY, TOKEN, Work};

/// The checkpoint variable.
const VARIABLE: &str = "LAST_REDELIVERY";

/// Attempts on a page of a delivery log.
const PAGE: u32 = 100;

struct Options {
    executable: PathBuf,
    docs_script: Option<PathBuf>,
    runs: usize,
    only: Option<String>,
}

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .as_slice()
    {
        ["host", work] => return github::host(&serde_json::from_str(work)?),
        ["measure", program, rest @ ..] => return measure::run(program, rest),
        _ => {}
    }
    let options = options(arguments)?;
    println!("{:<44} {}", "", Figures::HEADER);
    let mut pairs = Vec::new();
    for (name, work) in cases() {
        if options
            .only
            .as_ref()
            .is_some_and(|only| !name.contains(only))
        {
            continue;
        }
        let ours = run(&options, &work, |github| product(&options, &work, github))?;
        println!("{name:<44} {ours}");
        if let Some(script) = options
            .docs_script
            .as_ref()
            .filter(|_| work.beside_the_script)
        {
            let script = script.to_str().context("the script's path is not UTF-8")?;
            let theirs = run(&options, &work, |github| docs_script(script, github))?;
            println!("{:<44} {theirs}", "  the docs script");
            pairs.push((name, ours, theirs));
        }
    }
    for (name, ours, theirs) in pairs {
        println!("{name}: the script took {}", theirs.times(&ours));
    }
    Ok(())
}

fn options(arguments: Vec<String>) -> anyhow::Result<Options> {
    let mut options = Options {
        executable: env!("CARGO_BIN_EXE_redeliver-webhooks").into(),
        docs_script: None,
        runs: 3,
        only: None,
    };
    let mut arguments = arguments.into_iter();
    while let Some(argument) = arguments.next() {
        let mut value = || {
            let value = arguments.next();
            value.with_context(|| format!("`{argument}` needs a value"))
        };
        match argument.as_str() {
            // Cargo adds this.
            "--bench" => {}
            "--executable" => options.executable = value()?.into(),
            "--docs-script" => options.docs_script = Some(value()?.into()),
            "--runs" => options.runs = value()?.parse().context("`--runs` is not a number")?,
            _ if argument.starts_with('-') => bail!("`{argument}` is unknown"),
            _ => options.only = Some(argument),
        }
    }
    ensure!(options.runs > 0, "`--runs` must be at least 1");
    Ok(options)
}

/// The cases to measure.
fn cases() -> Vec<(String, Work)> {
    let base = Work::default();
    let log = |attempts: u32, failed| Work {
        attempts,
        failed,
        ..base
    };
    let mut cases = vec![
        ("10,000 attempts".to_owned(), log(10_000, 0)),
        ("1,000,000 attempts".to_owned(), log(1_000_000, 0)),
        (
            "200 pages, headers 100 ms, bodies 50 ms".to_owned(),
            Work {
                latency_ms: 100,
                body_ms: 50,
                ..log(200 * PAGE, 0)
            },
        ),
        (
            "20 webhooks x 20 pages, 100 ms".to_owned(),
            Work {
                webhooks: 20,
                latency_ms: 100,
                ..log(20 * PAGE, 0)
            },
        ),
    ];
    for failed in [20, 0] {
        let work = Work {
            beside_the_script: true,
            ..log(20_000, failed)
        };
        cases.push((format!("20,000 attempts, {failed} failed"), work));
    }
    for latency_ms in [50, 200] {
        let work = Work {
            latency_ms,
            beside_the_script: true,
            ..log(5_000, 0)
        };
        cases.push((format!("5,000 attempts, {latency_ms} ms"), work));
    }
    for mbit in [10, 100] {
        for compresses in [false, true] {
            let how = if compresses { "gzip" } else { "plain" };
            let work = Work {
                latency_ms: 20,
                bytes_a_second: Some(mbit * 1_000_000 / 8),
                compresses,
                ..log(20_000, 0)
            };
            cases.push((
                format!("20,000 attempts, 20 ms, {mbit} Mbit/s, {how}"),
                work,
            ));
        }
    }
    let tls = Work {
        tls: true,
        ..log(20_000, 0)
    };
    cases.push(("20,000 attempts, TLS, HTTP/2".to_owned(), tls));
    let tls = Work {
        compresses: true,
        ..tls
    };
    cases.push(("20,000 attempts, TLS, HTTP/2, gzip".to_owned(), tls));
    cases
}

/// Returns the median of several runs of a command, each with its own simulated GitHub.
fn run(
    options: &Options,
    work: &Work,
    command: impl Fn(&Hosted) -> Command,
) -> anyhow::Result<Figures> {
    let mut all = Vec::new();
    for _ in 0..options.runs {
        let github = Hosted::start(work)?;
        let used = measure::measured(command(&github))?;
        let requests = github.end()?;
        let expected = usize::try_from(work.failed * work.webhooks)?;
        let redelivered = requests.redelivered;
        ensure!(
            redelivered == expected,
            "{redelivered} of {expected} were redelivered"
        );
        all.push(Figures::new(&used, &requests));
    }
    Ok(median(all))
}

fn product(options: &Options, work: &Work, github: &Hosted) -> Command {
    let mut command = Command::new(&options.executable);
    command
        .env("INPUT_TOKEN", TOKEN)
        .env("INPUT_ORGANIZATION", ORGANIZATION)
        .env("INPUT_API_URL", &github.url)
        .env("GITHUB_REPOSITORY", REPOSITORY);
    if work.beside_the_script {
        command.env("INPUT_CHECKPOINT_VARIABLE", VARIABLE);
    }
    if let Some(ca) = &github.ca_pem {
        command.env("INPUT_CA_CERTIFICATES", ca);
    }
    command
}

fn docs_script(script: &str, github: &Hosted) -> Command {
    let (owner, name) = REPOSITORY.split_once('/').unwrap_or_default();
    let mut command = Command::new("node");
    command
        .arg(script)
        .env("GITHUB_API_URL", &github.url)
        .env("TOKEN", TOKEN)
        .env("ORGANIZATION_NAME", ORGANIZATION)
        .env("HOOK_ID", HOOK.to_string())
        .env("LAST_REDELIVERY_VARIABLE_NAME", VARIABLE)
        .env("WORKFLOW_REPO_OWNER", owner)
        .env("WORKFLOW_REPO_NAME", name);
    command
}
