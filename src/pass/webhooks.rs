//! All webhooks side by side, each on its own way ([`crate::pass::webhook_run`]), from the moment it is found.

use std::collections::{HashMap, HashSet};
use std::panic::AssertUnwindSafe;

use chrono::{DateTime, Utc};
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use tokio::sync::SetOnce;
use tokio::sync::mpsc::UnboundedReceiver;

use crate::discover::Located;
use crate::github::Client;
use crate::inputs::Inputs;
use crate::model::OVERLAP;
use crate::model::Window;
use crate::pass::webhook_run::{Groups, Served, Serving};
use crate::redeliver::Redeliverer;
use crate::redeliver::receiver::Group;
use crate::remember::checkpoint::Checkpoint;
use crate::remember::state::{Memory, State};
use crate::tell::progress::Progress;

/// What all webhooks of a pass have in common.
pub(super) struct Webhooks<'a> {
    pub(super) inputs: &'a Inputs,
    /// When the pass began.
    pub(super) began: DateTime<Utc>,
    /// Which part of a log is read, where nothing is remembered of it.
    pub(super) window: Window,
    /// What the last pass remembered.
    pub(super) state: Option<&'a State>,
    pub(super) checkpoint: &'a Checkpoint,
    pub(super) redeliverer: &'a Redeliverer<'a>,
    pub(super) progress: &'a Progress,
}

/// What came of all webhooks.
pub(super) struct Done {
    /// Each, in the order in which they were found.
    pub(super) served: Vec<Served>,
    /// Those that were last read before the time that GitHub still redelivers, with that time.
    pub(super) behind: Vec<(String, DateTime<Utc>)>,
    /// Who speaks about each.
    pub(super) clients: HashMap<String, Client>,
}

impl Webhooks<'_> {
    /// Serves `first` and all that are found after it. `all_found` learns how many there are before anything
    /// is redelivered.
    pub(super) async fn serve(
        &self,
        first: Option<Located>,
        webhooks: &mut UnboundedReceiver<Located>,
        all_found: impl FnOnce(usize),
    ) -> Done {
        let groups = SetOnce::new();
        let (mut clients, mut behind) = (HashMap::new(), Vec::new());
        let (mut known, mut members) = (HashSet::new(), HashMap::<String, usize>::new());
        let mut underway = FuturesUnordered::new();
        let mut done = Vec::new();
        let mut next = first;
        // Those that are found are scanned while others are still being looked for.
        while let Some(located) = next {
            let webhook = &located.webhook;
            // One may be meant twice.
            if known.insert(webhook.key()) {
                *members.entry(webhook.receiver.clone()).or_default() += 1;
                clients.insert(webhook.key(), located.client.clone());
                behind.extend(self.behind(&located));
                underway.push(self.serve_one(known.len(), located, &groups));
            }
            next = loop {
                tokio::select! {
                    biased;
                    located = webhooks.recv() => break located,
                    Some(served) = underway.next() => done.push(served),
                }
            };
        }
        all_found(known.len());
        let by_receiver = members
            .into_iter()
            .map(|(receiver, members)| (receiver, Group::new(members)));
        // Nobody else sets it.
        let _ = groups.set(by_receiver.collect());
        done.extend(underway.collect::<Vec<_>>().await);
        done.sort_unstable_by_key(|(member, _)| *member);
        Done {
            served: done.into_iter().map(|(_, served)| served).collect(),
            behind,
            clients,
        }
    }

    /// Serves one, whatever happens to it.
    async fn serve_one(
        &self,
        member: usize,
        located: Located,
        groups: &SetOnce<Groups>,
    ) -> (usize, Served) {
        let Located { webhook, client } = located;
        let memory = self.state.map(|state| state.memory(&webhook.key()));
        let one_off = self.inputs.one_off.is_some();
        let window = remembered_window(self.window, memory.as_deref().filter(|_| !one_off));
        let was_read = self.checkpoint.found().is_some() && !one_off;
        let serving = Serving {
            began: self.began,
            window,
            new_since: was_read.then_some(window.start),
            memory,
            policy: &self.inputs.policy,
            dry_run: self.inputs.dry_run,
            checkpoint: self.checkpoint,
            redeliverer: self.redeliverer,
            steps: self.progress.of(&webhook),
            client,
            groups,
            member,
        };
        let before = serving.before();
        let served = AssertUnwindSafe(serving.serve(webhook.clone())).catch_unwind();
        let served = match served.await {
            Ok(served) => served,
            Err(_) => {
                // The others must not wait for it.
                groups.wait().await[&webhook.receiver].gone(member);
                let asked = self.redeliverer.asked_at(&webhook);
                Served::broken(webhook, before, &asked)
            }
        };
        (member, served)
    }

    /// When a webhook was read last, if GitHub does not redeliver as far back.
    fn behind(&self, located: &Located) -> Option<(String, DateTime<Utc>)> {
        let memory = self.state.map(|state| state.memory(&located.webhook.key()));
        let read = memory.as_deref().and_then(Memory::judged_until);
        let read = read.or(self.checkpoint.found())?;
        let late = read < self.window.retention_start && self.inputs.one_off.is_none();
        late.then(|| (located.webhook.to_string(), read))
    }
}

/// Where a webhook's log was read up to is where it is read from.
fn remembered_window(window: Window, memory: Option<&Memory>) -> Window {
    let read = memory.and_then(Memory::read_until);
    let start = read.map_or(window.start, |read| read - OVERLAP);
    Window {
        start: start.max(window.retention_start),
        ..window
    }
}
