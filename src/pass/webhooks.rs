//! Runs all webhooks side by side ([`crate::pass::webhook_run`]), each from the moment it is found.

use std::collections::{HashMap, HashSet};
use std::panic::AssertUnwindSafe;

use chrono::{DateTime, Utc};
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use tokio::sync::SetOnce;
use tokio::sync::mpsc::UnboundedReceiver;

use crate::discover::FoundWebhook;
use crate::github::Client;
use crate::inputs::Inputs;
use crate::model::OVERLAP;
use crate::model::Window;
use crate::pass::Start;
use crate::pass::webhook_run::{ReceiverGroups, WebhookResult, WebhookRun};
use crate::read::progress::Progress;
use crate::redeliver::Redeliverer;
use crate::redeliver::receiver_group::ReceiverGroup;
use crate::remember::checkpoint::Checkpoint;
use crate::remember::state::Memory;
use crate::tell::console::Console;

/// Shared by all webhooks of a pass.
pub(super) struct AllWebhooks<'a> {
    pub(super) inputs: &'a Inputs,
    pub(super) start: &'a Start,
    pub(super) checkpoint: &'a Checkpoint,
    pub(super) redeliverer: &'a Redeliverer<'a>,
    pub(super) console: &'a Console,
    pub(super) progress: &'a Progress,
}

/// The results of all webhooks.
pub(super) struct AllResults {
    /// The results, in the order in which the webhooks were found.
    pub(super) results: Vec<WebhookResult>,
    /// Webhooks that were last read before the start of GitHub's retention, with that time.
    pub(super) behind: Vec<(String, DateTime<Utc>)>,
    /// The client for each.
    pub(super) clients: HashMap<String, Client>,
}

impl AllWebhooks<'_> {
    /// Runs `first` and all webhooks that are found after it. Calls `all_found` with their number before anything is
    /// redelivered.
    pub(super) async fn run(
        &self,
        first: FoundWebhook,
        webhooks: &mut UnboundedReceiver<FoundWebhook>,
        all_found: impl FnOnce(usize),
    ) -> AllResults {
        let groups = SetOnce::new();
        let (mut clients, mut behind) = (HashMap::new(), Vec::new());
        let (mut known, mut members) = (HashSet::new(), HashMap::<String, usize>::new());
        let mut underway = FuturesUnordered::new();
        let mut done = Vec::new();
        let mut next = Some(first);
        // Webhooks are scanned while the discovery goes on.
        while let Some(found) = next {
            let webhook = &found.webhook;
            // The inputs may include one twice.
            if known.insert(webhook.key()) {
                *members.entry(webhook.receiver.clone()).or_default() += 1;
                clients.insert(webhook.key(), found.client.clone());
                behind.extend(self.behind(&found));
                underway.push(self.run_one(known.len(), found, &groups));
            }
            next = loop {
                tokio::select! {
                    biased;
                    found = webhooks.recv() => break found,
                    Some(result) = underway.next() => done.push(result),
                }
            };
        }
        all_found(known.len());
        let by_receiver = members
            .into_iter()
            .map(|(receiver, members)| (receiver, ReceiverGroup::new(members)));
        // It is set only here.
        let _ = groups.set(by_receiver.collect());
        done.extend(underway.collect::<Vec<_>>().await);
        done.sort_unstable_by_key(|(member, _)| *member);
        AllResults {
            results: done.into_iter().map(|(_, result)| result).collect(),
            behind,
            clients,
        }
    }

    /// Runs one webhook, and survives its panic.
    async fn run_one(
        &self,
        member: usize,
        found: FoundWebhook,
        groups: &SetOnce<ReceiverGroups>,
    ) -> (usize, WebhookResult) {
        let FoundWebhook { webhook, client } = found;
        let state = self.start.state.as_ref();
        let memory = state.map(|state| state.memory(&webhook.key()));
        let one_off = self.inputs.one_off.is_some();
        let window = remembered_window(self.start.window, memory.as_deref().filter(|_| !one_off));
        let was_read = self.checkpoint.found().is_some() && !one_off;
        let run = WebhookRun {
            began: self.start.began,
            window,
            new_since: was_read.then_some(window.start),
            memory,
            policy: &self.inputs.policy,
            dry_run: self.inputs.dry_run,
            checkpoint: self.checkpoint,
            redeliverer: self.redeliverer,
            console: self.console,
            progress: self.progress.add(&webhook),
            client,
            groups,
            member,
        };
        let before = run.before();
        let result = AssertUnwindSafe(run.run(webhook.clone())).catch_unwind();
        let result = match result.await {
            Ok(result) => result,
            Err(_) => {
                // The other webhooks of the receiver must not wait for it.
                groups.wait().await[&webhook.receiver].leave(member);
                let requested = self.redeliverer.requested_for(&webhook);
                WebhookResult::of_bug(webhook, before, &requested)
            }
        };
        (member, result)
    }

    /// The webhook and when it was read last, if that is before the start of GitHub's retention.
    fn behind(&self, found: &FoundWebhook) -> Option<(String, DateTime<Utc>)> {
        let state = self.start.state.as_ref();
        let memory = state.map(|state| state.memory(&found.webhook.key()));
        let read = memory.as_deref().and_then(Memory::judged_until);
        let read = read.or(self.checkpoint.found())?;
        let late = read < self.start.window.retention_start && self.inputs.one_off.is_none();
        late.then(|| (found.webhook.to_string(), read))
    }
}

/// The window of a webhook with a memory: it starts where the last pass stopped reading.
fn remembered_window(window: Window, memory: Option<&Memory>) -> Window {
    let read = memory.and_then(Memory::read_until);
    let start = read.map_or(window.start, |read| read - OVERLAP);
    Window {
        start: start.max(window.retention_start),
        ..window
    }
}
