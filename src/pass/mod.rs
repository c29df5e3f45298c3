//! One pass, the whole way on one page: find the webhooks, read the checkpoint, serve each webhook
//! (scan, plan, redeliver: see [`crate::pass::webhook_run`]), move the checkpoint. What happens on the way goes into
//! the report.

pub mod samples;
pub mod webhook_run;
mod webhooks;

use std::collections::HashSet;
use std::panic::AssertUnwindSafe;
use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;

use anyhow::Context;
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::FutureExt;
use futures_util::future::join;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::Instant;

use crate::discover::{Census, Discovery, Located};
use crate::github::Credentials;
use crate::inputs::Inputs;
use crate::lock::lock;
use crate::model::OVERLAP;
use crate::model::Window;
use crate::pass::webhook_run::Served;
use crate::redeliver::Redeliverer;
use crate::remember::checkpoint;
use crate::remember::checkpoint::{Checkpoint, CheckpointError};
use crate::remember::state::{Memory, State};
use crate::report::Report;
use crate::report::notices;
use crate::stop::Why;
use crate::tell::console::Console;
use crate::tell::progress::Progress;
use crate::text::rfc3339;
use webhooks::{Done, Webhooks};

/// Runs one pass and tells what happened. It never fails: what does is in the report.
pub async fn run(inputs: &Inputs, credentials: &Credentials, console: &Console) -> Report {
    let (began, progress) = (Instant::now(), Progress::default());
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
    let census = Mutex::default();
    let (found, webhooks) = unbounded_channel();
    let targets = &inputs.targets;
    let discovery = Discovery::new(targets, credentials, found, &census);
    let discovery = AssertUnwindSafe(discovery.run()).catch_unwind();
    let way = AssertUnwindSafe(pass.way(webhooks, &census)).catch_unwind();
    let (discovery, way) = tokio::select! {
        biased;
        ended = join(discovery, way) => ended,
        never = progress.tell(console, credentials) => match never {},
    };
    pass.report.panicked |= way.is_err() || discovery.is_err();
    let way = way.unwrap_or_else(|_| Err(anyhow::anyhow!(notices::PANIC)));
    if discovery.is_err() {
        pass.report.errors.push(notices::PANIC.into());
    }
    // Where the way ended before the search did, what that found out is told all the same.
    pass.take_in_census(&census, 0);
    if let Err(error) = way {
        pass.report.errors.push(format!("{error:#}"));
    }
    pass.report.usage = credentials.usage();
    pass.conclude();
    pass.report.warnings.extend(notices::of_token(credentials));
    pass.report.warnings.extend(notices::of_sunset(credentials));
    pass.report.requests = credentials.requests();
    pass.report.token_ends = credentials.token_ends();
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

impl Pass<'_> {
    async fn way(
        &mut self,
        mut webhooks: UnboundedReceiver<Located>,
        census: &Mutex<Census>,
    ) -> anyhow::Result<()> {
        let (inputs, credentials) = (self.inputs, self.credentials);
        let one_off = inputs.one_off.is_some();
        let place = inputs.checkpoint.as_ref();
        let checkpoint = Checkpoint::read(credentials, place, inputs.is_read_only()).await;
        // With the first webhook GitHub has answered, and so its time is known.
        let first = webhooks.recv().await;
        let checkpoint = match first {
            Some(_) => checkpoint.and_then(|checkpoint| checkpoint.as_of(credentials)),
            None => checkpoint,
        };
        // Payload URLs were not known when it was read.
        let checkpoint = checkpoint.map_err(|error| error.without(credentials.secrets()));
        let mut checkpoint = match self.usable(checkpoint) {
            Ok(Some(checkpoint)) if first.is_some() => checkpoint,
            unusable => return unusable.map(drop),
        };
        let began = credentials.now();
        let window = self.open_window(&checkpoint, began);
        checkpoint.create(window).await;
        let targets = inputs.targets.names();
        let mut state = checkpoint.state(&targets)?.cloned();
        if one_off {
            // It looks at its own window with its own eyes; but what earlier passes asked for counts.
            state = state.map(State::only_asked);
        }
        let state = state.as_ref();
        let redeliverer = Redeliverer {
            credentials,
            console: self.console,
            pace: credentials.pace(inputs.policy.max_per_minute),
            confirm_timeout: inputs.policy.confirm_timeout,
            retention_start: window.retention_start,
            asked: Mutex::default(),
            refused_credentials: Mutex::default(),
            // What was asked for longer ago than this will hardly show any more.
            unseen: AtomicUsize::new(
                state.map_or(0, |state| state.asked_since(began - TimeDelta::hours(1))),
            ),
        };
        let progress = self.progress;
        let all = Webhooks {
            inputs,
            began,
            window,
            state,
            checkpoint: &checkpoint,
            redeliverer: &redeliverer,
            progress,
        };
        let (mut known, mut all_found) = (0, false);
        let done = all.serve(first, &mut webhooks, |webhooks| {
            known = webhooks;
            all_found = self.take_in_census(census, webhooks);
        });
        let Done {
            served,
            behind,
            clients,
        } = done.await;
        if let Some((gap, warning)) = notices::of_gap(&behind, known, window.retention_start) {
            self.report.gap = Some(gap);
            self.report.warnings.push(warning);
        }
        let schedule = state.map(|state| began - state.began());
        self.report
            .warnings
            .extend(notices::of_discovery(&lock(census), credentials, schedule));
        let memories = self.take_in_served(served);
        if let Some(line) = notices::of_healthy(&self.report) {
            self.console.line(&line);
        }
        self.report
            .warnings
            .extend(notices::of_expiring(&self.report));
        if !checkpoint.is_kept() {
            self.report
                .notes
                .extend(notices::of_no_checkpoint(&self.report));
        }
        if let Some(refusal) = checkpoint.refusal().filter(|refusal| !refusal.is_stop()) {
            return Err(refusal).context("nothing was redelivered");
        }
        // Of what was not looked at, no more is known than before.
        let known_before = state.map_or(window.start + OVERLAP, State::read_until);
        let read = if all_found { began } else { known_before };
        self.report.accounts_read_until = state.map(|_| read);
        let mut next = State::new(targets, began, read);
        let served: HashSet<String> = memories
            .iter()
            .map(|(webhook, _)| webhook.clone())
            .collect();
        for (webhook, memory) in memories {
            next.remember(webhook, memory);
        }
        for owner in &lock(census).refused {
            next.remember_unread(owner, state, known_before);
        }
        for webhook in &lock(census).switched_off {
            next.remember_switched_off(webhook, state, known_before);
        }
        if let Some(state) = state {
            next.keep(state, window.retention_start);
            if !all_found {
                next.keep_unread(state);
            }
        }
        let held = next.holds(&served, window.retention_start);
        let moved = self
            .move_checkpoint(&checkpoint, window, all_found, held, next)
            .await;
        // Nothing waits for it any more.
        if inputs.show_responses {
            self.report.samples = samples::samples(&self.report, &clients).await;
        }
        moved
    }

    /// Says why the pass ended before all was done, if it did.
    fn conclude(&mut self) {
        let (pace, credentials) = (self.inputs.policy.max_per_minute, self.credentials);
        let why = credentials.stop().ended();
        let limits = match why {
            Some(Why::Cancelled) => Vec::new(),
            _ => credentials.ended_by_limits(),
        };
        let report = &mut self.report;
        report.cancelled = why == Some(Why::Cancelled);
        let limit = notices::of_limits(report, &limits, pace);
        let stop = why.and_then(|why| notices::of_stop(report, why, pace, credentials.now()));
        report.warnings.extend(limit);
        report.warnings.extend(stop);
        let until = limits.iter().map(|each| each.until).max();
        let error = notices::of_unread(report, why.or(until.map(Why::Limit)));
        report.errors.extend(error);
    }

    /// The checkpoint, if the pass can go on with what was read of it; `None` if it is to end.
    fn usable(
        &mut self,
        read: Result<Checkpoint, CheckpointError>,
    ) -> anyhow::Result<Option<Checkpoint>> {
        match read {
            Err(error) if error.is_stop() => Ok(None),
            // A one-off does not start at the checkpoint, so a broken one is no obstacle.
            Err(error) if self.inputs.one_off.is_some() => {
                self.report
                    .warnings
                    .push(format!("Not needed here, but broken: {error}"));
                Ok(Some(Checkpoint::none()))
            }
            read => Ok(Some(read?)),
        }
    }

    /// Takes in what was found besides so many webhooks, and says what the pass is over. Tells whether
    /// every owner's webhooks are known.
    fn take_in_census(&mut self, census: &Mutex<Census>, webhooks: usize) -> bool {
        let mut census = lock(census);
        if webhooks > 0 {
            self.report.scope = notices::scope(webhooks, &self.inputs.in_scope(), &census);
            self.console.line(&self.report.scope);
        }
        let all_found = census.is_complete();
        self.report.unread_accounts.append(&mut census.unread);
        self.report.errors.append(&mut census.errors);
        self.report.warnings.append(&mut census.warnings);
        all_found
    }

    /// Takes in what came of each webhook. Tells what the next pass is to know of them.
    fn take_in_served(&mut self, done: Vec<Served>) -> Vec<(String, Memory)> {
        let mut memories = Vec::new();
        for served in done {
            let memory = served
                .memory
                .map(|memory| (served.report.webhook.key(), memory));
            memories.extend(memory);
            self.report.given_up_earlier += served.report.given_up_earlier.len();
            self.report.webhooks.push(served.report);
            self.report.would_redeliver += served.would_redeliver;
            self.report.panicked |= served.panicked;
            self.report.errors.extend(served.errors);
            self.report.warnings.extend(served.warnings);
        }
        memories
    }

    fn open_window(&mut self, checkpoint: &Checkpoint, began: DateTime<Utc>) -> Window {
        let retention = self.inputs.api.retention();
        let window = checkpoint.window(self.inputs.one_off, began, retention);
        self.report.began = Some(began);
        self.report.first_pass = checkpoint.missing().is_some() && self.inputs.one_off.is_none();
        self.report.window = Some(window);
        if let Some(since) = self.inputs.one_off.and_then(|one_off| one_off.since)
            && since.resolve(began) < window.start
        {
            self.report.warnings.push(format!(
                "`since` is older than the {} days that GitHub redelivers: read back to {} only",
                retention.num_days(),
                rfc3339(window.start)
            ));
        }
        if let Some(missing) = checkpoint.missing()
            && self.inputs.dry_run
        {
            self.report.warnings.push(format!(
                "There is no {missing} yet. A dry run can't tell whether it may be made"
            ));
        }
        window
    }

    /// Stores where the next pass starts.
    async fn move_checkpoint(
        &mut self,
        checkpoint: &Checkpoint,
        window: Window,
        all_found: bool,
        held: Option<DateTime<Utc>>,
        state: State,
    ) -> anyhow::Result<()> {
        let open = self
            .report
            .deliveries()
            .filter(|delivery| delivery.outcome.is_open())
            .map(|delivery| delivery.failure.first.time());
        let all_read = self.report.webhooks.iter().all(|each| each.complete);
        let unread = (!all_found || !all_read).then_some(None);
        let old_start = checkpoint.old_start(window);
        let unreadable = self.report.webhooks.iter();
        let unreadable = unreadable.filter_map(|each| Some(each.unreadable?.older));
        let open = open.chain(unread).chain(unreadable).chain(held.map(Some));
        let next = checkpoint::next(state.began(), open, window.start, old_start);
        let cancelled = self.credentials.stop().why() == Some(Why::Cancelled);
        let saved = match checkpoint.save(next, state, cancelled).await {
            // It was tried all the same; nothing is lost, only read once more.
            Err(error) if error.is_limit() => {
                self.report
                    .warnings
                    .push(format!("The checkpoint was not moved: {error}"));
                return Ok(());
            }
            saved => saved?,
        };
        if let Some(error) = saved.state_failed {
            let warning = format!("What would save the next pass reading was not stored: {error}");
            self.report.warnings.push(warning);
        }
        if saved.moved {
            self.console
                .line(&format!("Checkpoint moved to {}.", rfc3339(next)));
            self.report.checkpoint = Some(next);
        }
        Ok(())
    }
}
