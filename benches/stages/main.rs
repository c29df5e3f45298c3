//! The stages of a pass one by one, without a network: parse, fold, plan, summary.
//!
//! - `cargo bench --bench stages`: times
//! - `cargo bench --bench stages -- instructions`: what parse and fold cost an attempt, in instructions (needs valgrind)
#![expect(clippy::print_stdout, reason = "a benchmark is there to be read")]

mod instructions;
mod log;

use std::hint::black_box;

use criterion::{
    BatchSize, BenchmarkGroup, BenchmarkId, Criterion, Throughput, measurement::WallTime,
};
use redeliver_webhooks::decide::plan::plan;
use redeliver_webhooks::model::Policy;
use redeliver_webhooks::model::{Delivery, Outcome};
use redeliver_webhooks::model::{HookId, Owner, Webhook};
use redeliver_webhooks::read::Row;
use redeliver_webhooks::read::fold::{End, History, Remembered};
use redeliver_webhooks::report::{Report, WebhookReport};
use redeliver_webhooks::tell::summary;

const SIZES: [u64; 3] = [1_000, 100_000, 1_000_000];

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .as_slice()
    {
        ["count", stage, attempts] => return instructions::counted(stage, attempts),
        ["instructions", ..] => return instructions::table(),
        _ => {}
    }
    let mut criterion = Criterion::default().configure_from_args();
    for size in SIZES {
        let pages = log::pages(size);
        let mut group = criterion.benchmark_group(format!("{size} attempts"));
        group.throughput(Throughput::Elements(size)).sample_size(10);
        stages(&mut group, &pages);
        group.finish();
    }
    criterion.final_summary();
    Ok(())
}

fn stages(group: &mut BenchmarkGroup<'_, WallTime>, pages: &[String]) {
    group.bench_function(BenchmarkId::from_parameter("parse"), |bench| {
        bench.iter(|| pages.iter().map(|page| parse_page(page)).sum::<u64>());
    });
    group.bench_function(BenchmarkId::from_parameter("fold"), |bench| {
        let parsed = || pages.iter().map(|page| rows(page)).collect::<Vec<_>>();
        bench.iter_batched(
            parsed,
            |parsed| {
                let mut history = history();
                parsed.into_iter().for_each(|page| history.fold(page));
                history
            },
            BatchSize::PerIteration,
        );
    });
    let mut history = history();
    for page in pages {
        fold_page(&mut history, page);
    }
    let (failures, evidence) = history.into_failures(End::Log);
    let policy = Policy {
        max_redeliveries: 5,
        backoff: chrono::TimeDelta::minutes(10),
        ..Policy::default()
    };
    let planned = |failures| {
        let retention_start = log::window().retention_start;
        plan(
            failures,
            |_| None,
            |_| None,
            &evidence,
            &policy,
            log::now(),
            retention_start,
        )
    };
    group.bench_function(BenchmarkId::from_parameter("plan"), |bench| {
        bench.iter_batched(|| failures.clone(), planned, BatchSize::PerIteration);
    });
    let mut webhook = WebhookReport::new(Webhook {
        owner: Owner::Organization("acme".into()),
        id: Some(HookId(1)),
        receiver: "https://ci.acme.example".into(),
    });
    webhook.deliveries = failures
        .iter()
        .map(|failure| Delivery::new(failure.clone(), Outcome::Unconfirmed))
        .collect();
    let report = Report {
        webhooks: vec![webhook],
        began: Some(log::now()),
        ..Report::default()
    };
    group.bench_function(BenchmarkId::from_parameter("summary"), |bench| {
        bench.iter(|| summary::markdown(&report));
    });
}

fn history() -> History {
    History::new(log::window(), Remembered::default())
}

fn rows(page: &str) -> Vec<Row<'_>> {
    serde_json::from_str(page).unwrap_or_default()
}

/// Parses a page. Returns its number of rows.
fn parse_page(page: &str) -> u64 {
    black_box(rows(page)).len() as u64
}

/// Parses and folds a page. Returns its number of rows.
fn fold_page(history: &mut History, page: &str) -> u64 {
    let rows = rows(page);
    let count = rows.len() as u64;
    history.fold(rows);
    count
}
