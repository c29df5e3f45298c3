//! Progress of each webhook, as data. [`crate::tell::progress`] prints it.

use std::sync::{Arc, Mutex, MutexGuard};

use tokio::time::Instant;

use crate::lock::lock;
use crate::model::Webhook;

/// Progress of all webhooks.
#[derive(Default)]
pub struct Progress {
    webhooks: Arc<Mutex<Vec<WebhookProgress>>>,
}

/// Progress of one webhook.
pub struct WebhookProgress {
    /// The webhook, for people.
    pub name: String,
    /// Its current phase.
    pub phase: Phase,
    /// The time when that phase began.
    pub since: Instant,
    /// True if something happened since it was last logged.
    pub changed: bool,
}

/// Sets the progress of one webhook.
#[derive(Clone)]
pub struct ProgressHandle {
    webhooks: Arc<Mutex<Vec<WebhookProgress>>>,
    place: usize,
}

/// A step of a webhook's run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Its log is being read.
    Reading {
        /// Pages so far.
        pages: u32,
        /// Attempts so far.
        attempts: u64,
    },
    /// Its deliveries are being redelivered.
    Redelivering {
        /// Deliveries that were due.
        due: usize,
        /// Requested so far.
        requested: usize,
        /// Confirmed to succeed so far.
        recovered: usize,
        /// Confirmed to fail again so far.
        failed: usize,
    },
    /// It waits for other webhooks, or is done.
    Resting,
}

impl Progress {
    /// Adds a webhook.
    pub fn add(&self, webhook: &Webhook) -> ProgressHandle {
        let mut webhooks = self.webhooks();
        webhooks.push(WebhookProgress {
            name: webhook.to_string(),
            phase: Phase::Resting,
            since: Instant::now(),
            changed: false,
        });
        ProgressHandle {
            webhooks: Arc::clone(&self.webhooks),
            place: webhooks.len() - 1,
        }
    }

    /// All webhooks, in the order in which they were added.
    pub fn webhooks(&self) -> MutexGuard<'_, Vec<WebhookProgress>> {
        lock(&self.webhooks)
    }
}

impl ProgressHandle {
    /// Sets the webhook's phase.
    pub fn set(&self, phase: Phase) {
        let mut webhooks = lock(&self.webhooks);
        let webhook = &mut webhooks[self.place];
        let same = std::mem::discriminant(&webhook.phase) == std::mem::discriminant(&phase);
        if !same {
            webhook.since = Instant::now();
        }
        webhook.changed = phase != Phase::Resting && webhook.phase != phase;
        webhook.phase = phase;
    }
}
