//! The steps of a pass around its checkpoint: read it, start there, and store the next one.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use tokio::sync::mpsc::UnboundedReceiver;

use crate::discover::{DiscoveryResult, FoundWebhook};
use crate::model::{OVERLAP, Window};
use crate::pass::{Pass, Start};
use crate::remember::checkpoint;
use crate::remember::checkpoint::{Checkpoint, CheckpointError};
use crate::remember::state::{Memory, State};
use crate::stop::StopReason;
use crate::text::rfc3339;

impl Pass<'_> {
    /// Reads the checkpoint while the search looks for the first webhook. Each is `None` if the pass ends without it.
    pub(super) async fn read_checkpoint(
        &mut self,
        webhooks: &mut UnboundedReceiver<FoundWebhook>,
    ) -> anyhow::Result<(Option<Checkpoint>, Option<FoundWebhook>)> {
        let (inputs, credentials) = (self.inputs, self.credentials);
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
        Ok((self.usable(checkpoint)?, first))
    }

    /// The checkpoint, if the pass can go on with it; `None` if the pass must end.
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

    /// Opens the window, and takes the state from the checkpoint.
    ///
    /// # Errors
    /// The checkpoint belongs to other targets.
    pub(super) fn start(&mut self, checkpoint: &Checkpoint) -> anyhow::Result<Start> {
        let began = self.credentials.now();
        let window = self.open_window(checkpoint, began);
        let mut state = checkpoint.state(&self.inputs.targets.names())?.cloned();
        if self.inputs.one_off.is_some() {
            // A one-off reads its whole window; but unconfirmed redeliveries of earlier passes count.
            state = state.map(State::only_unconfirmed);
        }
        Ok(Start {
            began,
            window,
            state,
        })
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
                "There is no {missing} yet. A dry run can't check that the credential may create it"
            ));
        }
        window
    }

    /// The state for the next pass.
    pub(super) fn next_state(
        &mut self,
        start: &Start,
        discovered: &DiscoveryResult,
        memories: Vec<(String, Memory)>,
    ) -> State {
        let state = start.state.as_ref();
        let all_found = discovered.is_complete();
        // Nothing new is known of webhooks that were not read.
        let known_before = state.map_or(start.window.start + OVERLAP, State::read_until);
        let read = if all_found { start.began } else { known_before };
        self.report.accounts_read_until = state.map(|_| read);
        let mut next = State::new(self.inputs.targets.names(), start.began, read);
        for (webhook, memory) in memories {
            next.remember(webhook, memory);
        }
        for owner in &discovered.refused {
            next.remember_unread(owner, state, known_before);
        }
        for webhook in &discovered.switched_off {
            next.remember_switched_off(webhook, state, known_before);
        }
        if let Some(state) = state {
            next.keep(state, start.window.retention_start);
            if !all_found {
                next.keep_unread(state);
            }
        }
        next
    }

    /// The next checkpoint: nothing is left to do before it.
    fn next_checkpoint(
        &self,
        checkpoint: &Checkpoint,
        start: &Start,
        all_found: bool,
        state: &State,
    ) -> DateTime<Utc> {
        let webhooks = &self.report.webhooks;
        let open = self
            .report
            .deliveries()
            .filter(|delivery| delivery.outcome.is_open())
            .map(|delivery| delivery.failure.first.time());
        let all_read = webhooks.iter().all(|each| each.complete);
        let unread = (!all_found || !all_read).then_some(None);
        let unreadable = webhooks
            .iter()
            .filter_map(|each| Some(each.unreadable?.older));
        let done: HashSet<String> = webhooks.iter().map(|each| each.webhook.key()).collect();
        let held = state.holds(&done, start.window.retention_start);
        let open = open.chain(unread).chain(unreadable).chain(held.map(Some));
        let old_start = checkpoint.old_start(start.window);
        checkpoint::next(start.began, open, start.window.start, old_start)
    }

    /// Stores the next checkpoint and the state.
    ///
    /// # Errors
    /// The checkpoint could not be written, for example because GitHub answered 403: the pass ends as an error. After a
    /// rate limit it is only a warning.
    pub(super) async fn store_checkpoint(
        &mut self,
        checkpoint: &Checkpoint,
        start: &Start,
        all_found: bool,
        state: State,
    ) -> anyhow::Result<()> {
        let next = self.next_checkpoint(checkpoint, start, all_found, &state);
        let cancelled = self.credentials.stop().why() == Some(StopReason::Cancelled);
        let saved = match checkpoint.save(next, state, cancelled).await {
            // Nothing is lost: the next pass reads more of the log.
            Err(error) if error.is_limit() => {
                let warning = format!("The checkpoint was not moved: {error}");
                self.report.warnings.push(warning);
                return Ok(());
            }
            saved => saved?,
        };
        if let Some(error) = saved.state_failed {
            let warning = format!(
                "The state was not saved, so the next pass will read more of the log: {error}"
            );
            self.report.warnings.push(warning);
        }
        if saved.moved {
            let line = format!("Checkpoint moved to {}.", rfc3339(next));
            self.console.line(&line);
            self.report.checkpoint = Some(next);
        }
        Ok(())
    }
}
