//! The state that one pass leaves for the next, beside the checkpoint. It saves reading and prevents doubles: without it
//! the log shows the same, at more cost.
//!
//! Pure: the state's text, and the parts that are left out if it grows too large.

mod memory;

use std::borrow::Cow;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashSet};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::model::OVERLAP;
use memory::TIMES;

pub use memory::Memory;

/// The version that this program writes and reads.
const VERSION: u32 = 1;

/// Most unread owners and webhooks that each have a time of their own if room is scarce.
const MOST_UNREAD: usize = 100;

/// The state as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    version: u32,
    /// The checkpoint that this belongs to, as it is stored.
    checkpoint: String,
    /// The targets of the pass.
    pub targets: Vec<String>,
    /// When it began, in milliseconds since the epoch.
    began: i64,
    /// The log of every webhook that is not listed below was read up to this time, and nothing was left there.
    read: i64,
    /// The same for the webhooks of owners that could not be read, by owner in lower case.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    unread: BTreeMap<String, i64>,
    /// The same for webhooks that are switched off.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    switched_off: BTreeMap<String, i64>,
    #[serde(skip_deserializing)]
    webhooks: BTreeMap<String, Memory>,
}

/// A state as it is read, with the entry of each webhook still as text.
#[derive(Deserialize)]
struct RawState<'a> {
    #[serde(flatten)]
    state: State,
    #[serde(borrow)]
    webhooks: BTreeMap<String, &'a RawValue>,
}

impl State {
    /// A state without webhooks: every log was read up to `read`.
    pub fn new(targets: Vec<String>, began: DateTime<Utc>, read: DateTime<Utc>) -> Self {
        Self {
            version: VERSION,
            checkpoint: String::new(),
            targets,
            began: began.timestamp_millis(),
            read: read.timestamp_millis(),
            unread: BTreeMap::new(),
            switched_off: BTreeMap::new(),
            webhooks: BTreeMap::new(),
        }
    }

    /// The state in `text`, if it belongs to this checkpoint, which means the time `since`. A text that can't be read
    /// is no state; a webhook whose entry is damaged is read from `since` on.
    pub fn read(text: &str, checkpoint: &str, since: DateTime<Utc>) -> Option<Self> {
        let stored: RawState = serde_json::from_str(text).ok()?;
        let memory = |(webhook, entry): (String, &RawValue)| {
            let memory = serde_json::from_str(entry.get()).ok();
            let memory = memory.filter(Memory::is_sound);
            let unread = || Memory::new(since, since - OVERLAP);
            (webhook, memory.unwrap_or_else(unread))
        };
        let state = Self {
            webhooks: stored.webhooks.into_iter().map(memory).collect(),
            ..stored.state
        };
        let ours = state.version == VERSION && state.checkpoint == checkpoint;
        (ours && state.is_sound()).then_some(state)
    }

    /// True if its times are plausible.
    fn is_sound(&self) -> bool {
        let unread = self.unread.values().chain(self.switched_off.values());
        let mut times = unread.chain([&self.read, &self.began]);
        times.all(|time| TIMES.contains(time))
    }

    /// True if it shares a target with a pass over these targets.
    pub fn shares_targets(&self, targets: &[String]) -> bool {
        // Patterns for payload URLs are stored as hashes, and two that differ share nothing.
        let pattern =
            |targets: &[String]| targets.iter().find(|name| name.starts_with('?')).cloned();
        if let (Some(ours), Some(theirs)) = (pattern(targets), pattern(&self.targets))
            && ours != theirs
        {
            return false;
        }
        // `acme` holds `acme webhook 1` and `acme/ops`, `acme/*` holds `acme/ops`, and `*` holds all.
        let within = |a: &str, b: &str| {
            let b = b.trim_end_matches("/*");
            let rest = a.strip_prefix(b);
            b == "*" || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', ' ']))
        };
        let named = |name: &&String| !name.starts_with(['!', '?']);
        let mut pairs = self
            .targets
            .iter()
            .filter(named)
            .flat_map(|a| targets.iter().filter(named).map(move |b| (a, b)));
        pairs.any(|(a, b)| within(a, b) || within(b, a))
    }

    /// When the pass that wrote it began.
    pub fn began(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.began).unwrap_or_default()
    }

    /// The memory of a webhook.
    pub fn memory(&self, webhook: &str) -> Cow<'_, Memory> {
        match self.webhooks.get(webhook) {
            Some(memory) => Cow::Borrowed(memory),
            None => Cow::Owned(self.of_unlisted(webhook)),
        }
    }

    /// The memory of a webhook that is not listed.
    fn of_unlisted(&self, webhook: &str) -> Memory {
        let owner = webhook.rsplit_once('/').map_or("", |(owner, _)| owner);
        let unread = self.switched_off.get(webhook).or(self.unread.get(owner));
        let read = *unread.unwrap_or(&self.read);
        Memory {
            read,
            counted: read - OVERLAP.num_milliseconds(),
            ..Memory::default()
        }
    }

    /// The log of every webhook that is not listed was read up to this time.
    pub fn read_until(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.read).unwrap_or_default()
    }

    /// Number of unconfirmed redeliveries since this time.
    pub fn unconfirmed_since(&self, time: DateTime<Utc>) -> usize {
        self.webhooks
            .values()
            .map(|memory| memory.unconfirmed_since(time))
            .sum()
    }

    /// The state with nothing but unconfirmed redeliveries.
    #[must_use]
    pub fn only_unconfirmed(mut self) -> Self {
        for memory in self.webhooks.values_mut() {
            memory.open.clear();
            memory.lost.clear();
        }
        self
    }

    /// Keeps an earlier state's memory of webhooks that this one does not list. A delivery that could not be read in
    /// between is forgotten only when GitHub no longer redelivers it.
    pub fn keep(&mut self, earlier: &Self, retention_start: DateTime<Utc>) {
        for (webhook, memory) in &earlier.webhooks {
            if let Entry::Vacant(entry) = self.webhooks.entry(webhook.clone())
                && let Some(memory) = memory.since(retention_start)
            {
                entry.insert(memory);
            }
        }
    }

    /// Remembers that the webhooks of an owner could not be read now, and were read up to this time.
    pub fn remember_unread(&mut self, owner: &str, earlier: Option<&Self>, read: DateTime<Utc>) {
        let owner = owner.to_lowercase();
        let before = earlier.and_then(|earlier| earlier.unread.get(&owner));
        let read = before.copied().unwrap_or(read.timestamp_millis());
        self.unread.insert(owner, read);
    }

    /// Remembers that a webhook is switched off, and was read up to this time.
    pub fn remember_switched_off(
        &mut self,
        webhook: &str,
        earlier: Option<&Self>,
        read: DateTime<Utc>,
    ) {
        let before = earlier.and_then(|earlier| earlier.switched_off.get(webhook));
        let read = before.copied().unwrap_or(read.timestamp_millis());
        self.switched_off.insert(webhook.to_owned(), read);
    }

    /// Keeps the unread owners and switched-off webhooks of an earlier state.
    pub fn keep_unread(&mut self, earlier: &Self) {
        for (owner, read) in &earlier.unread {
            self.unread.entry(owner.clone()).or_insert(*read);
        }
        for (webhook, read) in &earlier.switched_off {
            self.switched_off.entry(webhook.clone()).or_insert(*read);
        }
    }

    /// The time from which something is left to do at the webhooks that are not among `done`, as far as the state shows
    /// and GitHub still redelivers it.
    pub fn holds(
        &self,
        done: &HashSet<String>,
        retention_start: DateTime<Utc>,
    ) -> Option<DateTime<Utc>> {
        let start = retention_start.timestamp_millis();
        let others = self
            .webhooks
            .iter()
            .filter(|(webhook, _)| !done.contains(*webhook));
        let times = others.flat_map(|(_, memory)| {
            let open = memory.open.iter().map(|open| open.first);
            open.chain([memory.read])
        });
        let times = times.chain(self.unread.values().copied());
        let held = times.filter(|time| *time >= start).min();
        held.and_then(DateTime::from_timestamp_millis)
    }

    /// Remembers a webhook.
    pub fn remember(&mut self, webhook: String, memory: Memory) {
        self.webhooks.insert(webhook, memory);
    }

    /// The text to store beside this checkpoint, of at most `largest` bytes. If it is too large, the oldest open
    /// deliveries of the webhooks that have most of them are left out, those that GitHub refused last of all, and the
    /// next pass reads those webhooks from their time on.
    pub fn text(mut self, checkpoint: &str, largest: usize) -> String {
        self.checkpoint = checkpoint.to_owned();
        let webhooks = std::mem::take(&mut self.webhooks);
        let is_news = |(webhook, memory): &(String, Memory)| *memory != self.of_unlisted(webhook);
        self.webhooks = webhooks.into_iter().filter(is_news).collect();
        loop {
            let text = serde_json::to_string(&self).unwrap_or_default();
            if text.len() <= largest || !self.shorten() {
                return text;
            }
        }
    }

    /// Leaves something out. Returns whether there was anything to leave out.
    fn shorten(&mut self) -> bool {
        // A single time for many unread owners and webhooks only costs more reading.
        if self.unread.len() + self.switched_off.len() > MOST_UNREAD {
            self.read_all_from_the_earliest();
            return true;
        }
        // The state still shows that rows could not be read, but not which.
        let reported = self.webhooks.values_mut();
        let reported = reported.max_by_key(|memory| memory.unreadable_len());
        if let Some(memory) = reported.filter(|memory| memory.unreadable_len() > 0) {
            memory.leave_out_unreadable();
            return true;
        }
        let most = self.webhooks.values().map(|memory| memory.open.len()).max();
        if let Some(most) = most.filter(|most| *most > 0) {
            let memories = self.webhooks.values_mut();
            for memory in memories.filter(|memory| memory.open.len() == most) {
                // Forgotten refusals would have the same deliveries refused first in each pass.
                memory
                    .open
                    .sort_by_key(|open| (open.refused.is_some(), open.first));
                let left_out: Vec<_> = memory.open.drain(..most.div_ceil(2)).collect();
                // A scan that reads the newest attempt looks for the original, however old that is.
                let newest = left_out.iter().map(|open| open.at).min();
                memory.read_from(newest.unwrap_or(memory.read));
            }
            return true;
        }
        // The oldest unconfirmed redeliveries are likeliest in the log by now.
        let mut cut = false;
        for memory in self.webhooks.values_mut() {
            cut |= !memory.unconfirmed.is_empty() || !memory.lost.is_empty();
            memory.lost.clear();
            if !memory.unconfirmed.is_empty() {
                memory.unconfirmed.remove(0);
            }
        }
        if cut {
            return true;
        }
        // At last all are read from the earliest time.
        let cut =
            !self.webhooks.is_empty() || !self.unread.is_empty() || !self.switched_off.is_empty();
        let reads = self.webhooks.values().map(|memory| memory.read).min();
        self.read = reads.map_or(self.read, |read| self.read.min(read));
        self.webhooks.clear();
        self.read_all_from_the_earliest();
        cut
    }

    /// Forgets which owners and webhooks could not be read, and has all read from the earliest of their times.
    fn read_all_from_the_earliest(&mut self) {
        let times = self.unread.values().chain(self.switched_off.values());
        let earliest = times.min().copied();
        self.read = earliest.map_or(self.read, |earliest| self.read.min(earliest));
        self.unread.clear();
        self.switched_off.clear();
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
