//! What one pass remembers for the next, beside the checkpoint. It only saves reading and doubles:
//! without it the log tells the same, at more cost.
//!
//! Pure: how it is written, and what is left out where it grows too large.

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

/// What this program writes and reads. A newer state is somebody else's.
const VERSION: u32 = 1;

/// Most owners and webhooks that could not be looked at of which each has a time of its own where room is
/// scarce.
const MOST_UNREAD: usize = 100;

/// What is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    version: u32,
    /// The checkpoint that this belongs to, as it is stored.
    checkpoint: String,
    /// What the pass was over.
    pub targets: Vec<String>,
    /// When it began, in milliseconds since the epoch.
    began: i64,
    /// Up to this time the log of every webhook was read of which nothing else is said, and nothing was
    /// left there.
    read: i64,
    /// The same for the webhooks of owners that could not be looked at, by owner in lower case.
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
struct Stored<'a> {
    #[serde(flatten)]
    state: State,
    #[serde(borrow)]
    webhooks: BTreeMap<String, &'a RawValue>,
}

impl State {
    /// A state of which the log of every webhook was read up to `read`.
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
        let stored: Stored = serde_json::from_str(text).ok()?;
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

    /// Whether its times are such as can be reckoned with.
    fn is_sound(&self) -> bool {
        let unread = self.unread.values().chain(self.switched_off.values());
        let mut times = unread.chain([&self.read, &self.began]);
        times.all(|time| TIMES.contains(time))
    }

    /// Whether it has anything to do with a pass over these targets.
    pub fn shares_targets(&self, targets: &[String]) -> bool {
        // Patterns for payload URLs stand as hashes, and two that differ share nothing.
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

    /// What is remembered of a webhook.
    pub fn memory(&self, webhook: &str) -> Cow<'_, Memory> {
        match self.webhooks.get(webhook) {
            Some(memory) => Cow::Borrowed(memory),
            None => Cow::Owned(self.of_no_word(webhook)),
        }
    }

    /// What is meant where nothing is said of a webhook.
    fn of_no_word(&self, webhook: &str) -> Memory {
        let owner = webhook.rsplit_once('/').map_or("", |(owner, _)| owner);
        let unread = self.switched_off.get(webhook).or(self.unread.get(owner));
        let read = *unread.unwrap_or(&self.read);
        Memory {
            read,
            counted: read - OVERLAP.num_milliseconds(),
            ..Memory::default()
        }
    }

    /// Up to when the log of every webhook was read of which nothing else is said.
    pub fn read_until(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.read).unwrap_or_default()
    }

    /// How many redeliveries were asked for since this time, and not seen.
    pub fn asked_since(&self, time: DateTime<Utc>) -> usize {
        self.webhooks
            .values()
            .map(|memory| memory.asked_since(time))
            .sum()
    }

    /// Of all that is remembered, what was asked for and not seen.
    #[must_use]
    pub fn only_asked(mut self) -> Self {
        for memory in self.webhooks.values_mut() {
            memory.open.clear();
            memory.settled.clear();
        }
        self
    }

    /// Keeps what an earlier state says of webhooks that this one says nothing of: of what could not be looked
    /// at in between, nothing is forgotten before GitHub redelivers it no longer.
    pub fn keep(&mut self, earlier: &Self, retention_start: DateTime<Utc>) {
        for (webhook, memory) in &earlier.webhooks {
            if let Entry::Vacant(entry) = self.webhooks.entry(webhook.clone())
                && let Some(memory) = memory.since(retention_start)
            {
                entry.insert(memory);
            }
        }
    }

    /// Remembers that the webhooks of an owner could not be looked at, and were read up to this time.
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

    /// The same for all owners of which an earlier state says so.
    pub fn keep_unread(&mut self, earlier: &Self) {
        for (owner, read) in &earlier.unread {
            self.unread.entry(owner.clone()).or_insert(*read);
        }
        for (webhook, read) in &earlier.switched_off {
            self.switched_off.entry(webhook.clone()).or_insert(*read);
        }
    }

    /// Before this time nothing is left to do at the webhooks that are not among `served`, as far as is
    /// remembered of them and GitHub still redelivers it.
    pub fn holds(
        &self,
        served: &HashSet<String>,
        retention_start: DateTime<Utc>,
    ) -> Option<DateTime<Utc>> {
        let start = retention_start.timestamp_millis();
        let others = self
            .webhooks
            .iter()
            .filter(|(webhook, _)| !served.contains(*webhook));
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

    /// The text to store beside this checkpoint, of so many bytes at most. Where it is too large, the oldest open deliveries of the
    /// webhooks that have most of them are left out, those that GitHub refused last of all, and those webhooks are read
    /// from their time on.
    pub fn text(mut self, checkpoint: &str, largest: usize) -> String {
        self.checkpoint = checkpoint.to_owned();
        let said = std::mem::take(&mut self.webhooks);
        let news = |(webhook, memory): &(String, Memory)| *memory != self.of_no_word(webhook);
        self.webhooks = said.into_iter().filter(news).collect();
        loop {
            let text = serde_json::to_string(&self).unwrap_or_default();
            if text.len() <= largest || !self.shorten() {
                return text;
            }
        }
    }

    /// Leaves something out. Tells whether there was anything.
    fn shorten(&mut self) -> bool {
        // Of many that could not be looked at, one time for all costs nothing but reading.
        if self.unread.len() + self.switched_off.len() > MOST_UNREAD {
            self.read_all_from_the_earliest();
            return true;
        }
        // That some rows could not be read is known without their names.
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
                // Whoever reads an attempt looks for the original, however old that is.
                let seen = left_out.iter().map(|open| open.at).min();
                memory.read_from(seen.unwrap_or(memory.read));
            }
            return true;
        }
        // Beyond that, what was asked for longest ago is likeliest seen by now.
        let mut cut = false;
        for memory in self.webhooks.values_mut() {
            cut |= !memory.unseen.is_empty() || !memory.settled.is_empty();
            memory.settled.clear();
            if !memory.unseen.is_empty() {
                memory.unseen.remove(0);
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

    /// Forgets which owners and webhooks could not be looked at, as all are read from the earliest of their
    /// times.
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
