//! One pass on one page: find the webhooks, read the checkpoint, run each webhook (scan, plan, redeliver: see
//! [`crate::pass::webhook_run`]), store the checkpoint and the state. All results go into the report.

mod checkpoint;
pub mod samples;
pub mod webhook_run;
mod webhooks;

use std::panic::AssertUnwindSafe;
use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;

use anyhow::Context;
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::FutureExt;
use futures_util::future::join;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::Instant;

use crate::discover::{Discovery, DiscoveryResult, FoundWebhook};
use crate::github::Credentials;
use crate::inputs::Inputs;
use crate::lock::lock;
use crate::model::Window;
use crate::pass::webhook_run::WebhookResult;
use crate::read::progress::Progress;
use crate::redeliver::Redeliverer;
use crate::remember::checkpoint::Checkpoint;
use crate::remember::state::{Memory, State};
use crate::report::Report;
use crate::report::notices;
use crate::stop::StopReason;
use crate::tell::console::Console;
use crate::tell::progress;
use webhooks::{AllResults, AllWebhooks};

/// Unconfirmed redeliveries that are older than this count as lost: GitHub's log will hardly show them any more.
const UNCONFIRMED_FOR: TimeDelta = TimeDelta::hours(1);

/// Runs one pass. Errors go into the report.
pub async fn run(inputs: &Inputs, credentials: &Credentials, console: &Console) -> Report {
    let began = Instant::now();
    let progress = Progress::default();
    let mut pass = Pass {
        inputs,
        credentials,
        console,
        progress: &progress,
        report: Report {
            web: inputs.api.web(),
            dry_run: inputs.dry_run,
            policy: inputs.policy.clone(),
            report_file: inputs.report_file.as_ref().map(|file| file.given.clone()),
            credential: credentials.kind(),
            warnings: credentials.warnings().to_vec(),
            ..Report::default()
        },
    };
    if inputs.api.is_unprotected() {
        console.line(notices::UNPROTECTED);
        pass.report.warnings.push(notices::UNPROTECTED.into());
    }
    let discovered = Mutex::default();
    let (found, webhooks) = unbounded_channel();
    let discovery = Discovery::new(&inputs.targets, credentials, found, &discovered);
    let discovery = AssertUnwindSafe(discovery.run()).catch_unwind();
    let steps = AssertUnwindSafe(pass.run_steps(webhooks, &discovered)).catch_unwind();
    let (discovery, steps) = tokio::select! {
        biased;
        ended = join(discovery, steps) => ended,
        never = progress::log(&progress, console, credentials) => match never {},
    };
    pass.report.panicked |= steps.is_err() || discovery.is_err();
    if discovery.is_err() {
        pass.report.errors.push(notices::PANIC.into());
    }
    // If the steps ended before the discovery, its errors are still missing.
    pass.add_discovery(&discovered, 0);
    if let Err(error) = steps.unwrap_or_else(|_| Err(anyhow::anyhow!(notices::PANIC))) {
        pass.report.errors.push(format!("{error:#}"));
    }
    pass.add_usage();
    pass.report.took = began.elapsed();
    pass.report
}

struct Pass<'a> {
    inputs: &'a Inputs,
    credentials: &'a Credentials,
    console: &'a Console,
    progress: &'a Progress,
    report: Report,
}

/// The time and the state that a pass starts from.
struct Start {
    /// When the pass began, by GitHub's clock.
    began: DateTime<Utc>,
    /// The part of a log to read, unless the state has a later time for the webhook.
    window: Window,
    /// The state of the last pass.
    state: Option<State>,
}

impl<'a> Pass<'a> {
    /// The steps of a pass, while the search finds webhooks and fills `discovered`.
    async fn run_steps(
        &mut self,
        mut webhooks: UnboundedReceiver<FoundWebhook>,
        discovered: &Mutex<DiscoveryResult>,
    ) -> anyhow::Result<()> {
        let (checkpoint, first) = self.read_checkpoint(&mut webhooks).await?;
        let (Some(mut checkpoint), Some(first)) = (checkpoint, first) else {
            return Ok(());
        };
        let start = self.start(&checkpoint)?;
        checkpoint.create(start.window).await;
        let all = AllWebhooks {
            inputs: self.inputs,
            start: &start,
            checkpoint: &checkpoint,
            redeliverer: &self.redeliverer(&start),
            console: self.console,
            progress: self.progress,
        };
        let count = |count| self.add_discovery(discovered, count);
        let done = all.run(first, &mut webhooks, count).await;
        self.add_warnings(&start, &lock(discovered), &done);
        let memories = self.add_results(done.results);
        self.add_notices(&checkpoint);
        if let Some(refusal) = checkpoint.refusal().filter(|refusal| !refusal.is_stop()) {
            return Err(refusal).context("nothing was redelivered");
        }
        let state = self.next_state(&start, &lock(discovered), memories);
        let all_found = lock(discovered).is_complete();
        let stored = self
            .store_checkpoint(&checkpoint, &start, all_found, state)
            .await;
        // Samples come last, because nothing depends on them.
        if self.inputs.show_responses {
            self.report.samples = samples::samples(&self.report, &done.clients).await;
        }
        stored
    }

    fn redeliverer(&self, start: &Start) -> Redeliverer<'a> {
        let unconfirmed = start.state.as_ref().map_or(0, |state| {
            state.unconfirmed_since(start.began - UNCONFIRMED_FOR)
        });
        Redeliverer {
            credentials: self.credentials,
            pace: self.credentials.pace(self.inputs.policy.max_per_minute),
            confirm_timeout: self.inputs.policy.confirm_timeout,
            retention_start: start.window.retention_start,
            requested: Mutex::default(),
            refused_credentials: Mutex::default(),
            unseen: AtomicUsize::new(unconfirmed),
        }
    }

    /// Adds the errors and warnings of the discovery. Logs the scope of the pass once all its `webhooks` are known.
    fn add_discovery(&mut self, discovered: &Mutex<DiscoveryResult>, webhooks: usize) {
        let mut discovered = lock(discovered);
        if webhooks > 0 {
            self.report.scope = notices::scope(webhooks, &self.inputs.in_scope(), &discovered);
            self.console.line(&self.report.scope);
        }
        self.report.unread_accounts.append(&mut discovered.unread);
        self.report.errors.append(&mut discovered.errors);
        self.report.warnings.append(&mut discovered.warnings);
    }

    /// Adds warnings about deliveries that GitHub no longer redelivers, and about the cost of the discovery.
    fn add_warnings(&mut self, start: &Start, discovered: &DiscoveryResult, all: &AllResults) {
        let (retention_start, webhooks) = (start.window.retention_start, all.results.len());
        if let Some((gap, warning)) = notices::of_gap(&all.behind, webhooks, retention_start) {
            self.report.gap = Some(gap);
            self.report.warnings.push(warning);
        }
        let schedule = start
            .state
            .as_ref()
            .map(|state| start.began - state.began());
        let discovery = notices::of_discovery(discovered, self.credentials, schedule);
        self.report.warnings.extend(discovery);
    }

    /// Adds the results of all webhooks. Returns their memories.
    fn add_results(&mut self, results: Vec<WebhookResult>) -> Vec<(String, Memory)> {
        let mut memories = Vec::new();
        for result in results {
            let memory = result
                .memory
                .map(|memory| (result.report.webhook.key(), memory));
            memories.extend(memory);
            self.report.given_up_earlier += result.report.given_up_earlier.len();
            self.report.webhooks.push(result.report);
            self.report.would_redeliver += result.would_redeliver;
            self.report.panicked |= result.panicked;
            self.report.errors.extend(result.errors);
            self.report.warnings.extend(result.warnings);
        }
        memories
    }

    /// Logs the healthy webhooks. Adds warnings about open deliveries, and a note if no checkpoint is kept.
    fn add_notices(&mut self, checkpoint: &Checkpoint) {
        if let Some(line) = notices::of_healthy(&self.report) {
            self.console.line(&line);
        }
        let expiring = notices::of_expiring(&self.report);
        self.report.warnings.extend(expiring);
        if !checkpoint.is_kept() {
            let note = notices::of_no_checkpoint(&self.report);
            self.report.notes.extend(note);
        }
    }

    /// Adds the requests that the pass used, and why it ended early, if it did.
    fn add_usage(&mut self) {
        let credentials = self.credentials;
        self.report.usage = credentials.usage();
        self.add_early_end();
        let report = &mut self.report;
        report.warnings.extend(notices::of_token(credentials));
        report.warnings.extend(notices::of_sunset(credentials));
        report.requests = credentials.requests();
        report.token_ends = credentials.token_ends();
    }

    /// Adds why the pass ended early, if it did.
    fn add_early_end(&mut self) {
        let (pace, credentials) = (self.inputs.policy.max_per_minute, self.credentials);
        let why = credentials.stop().ended();
        let limits = match why {
            Some(StopReason::Cancelled) => Vec::new(),
            _ => credentials.ended_by_limits(),
        };
        let report = &mut self.report;
        report.cancelled = why == Some(StopReason::Cancelled);
        let limit = notices::of_limits(report, &limits, pace);
        let stop = why.and_then(|why| notices::of_stop(report, why, pace, credentials.now()));
        report.warnings.extend(limit);
        report.warnings.extend(stop);
        let until = limits.iter().map(|each| each.until).max();
        let error = notices::of_unread(report, why.or(until.map(StopReason::Limit)));
        report.errors.extend(error);
    }
}
