//! What one pass remembers for the next, beside the checkpoint. It only saves reading and doubles:
//! without it the log tells the same, at more cost.
//!
//! Pure: how it is written, and what is left out where it grows too large.

use std::borrow::Cow;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashSet};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::attempt::{AttemptId, Guid};
use crate::checkpoint::OVERLAP;
use crate::history::{Failure, First, Newest, Remembered};
use crate::report::Asked;

/// What this program writes and reads. A newer state is somebody else's.
const VERSION: u32 = 1;

/// Times that may stand in a state, in milliseconds: from 2008 to 2200.
const TIMES: std::ops::Range<i64> = 1_199_145_600_000..7_258_118_400_000;

/// Characters for each delivery that was asked for.
const ASKED_DIGITS: usize = 14;

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
    webhooks: BTreeMap<String, Memory>,
}

/// What is remembered of one webhook.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// Its log was read up to this time, in milliseconds since the epoch.
    read: i64,
    /// What the open deliveries had before this time is in their numbers.
    counted: i64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    open: Vec<Open>,
    /// What was asked for and not seen.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    unseen: Vec<Unseen>,
    /// What was lost, 12 digits each.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    settled: String,
}

/// An open delivery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Open {
    guid: String,
    first: i64,
    /// Redeliveries older than what the next pass reads, and how many of them counted.
    made: usize,
    counted: usize,
    /// Redeliveries by passes that found the receiver down and read no further.
    #[serde(default, skip_serializing_if = "is_zero")]
    probes: usize,
    /// The newest attempt. Ids are strings: they are above 2^53.
    id: String,
    at: i64,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pending: bool,
    status: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    code: Option<i64>,
    event: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    action: Option<String>,
}

/// What was asked for within one minute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Unseen {
    minute: i64,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    unclear: bool,
    /// 12 digits of each GUID, and two for the second.
    guids: String,
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
            webhooks: BTreeMap::new(),
        }
    }

    /// What is stored in `text`, if it belongs to this checkpoint. What can't be read is no state.
    pub fn read(text: &str, checkpoint: &str) -> Option<Self> {
        let state: Self = serde_json::from_str(text).ok()?;
        let sound = state.is_sound();
        let ours = state.version == VERSION && state.checkpoint == checkpoint;
        (ours && sound).then_some(state)
    }

    /// Whether its times are such as can be reckoned with.
    fn is_sound(&self) -> bool {
        let mut times = self.unread.values().chain([&self.read, &self.began]);
        times.all(|time| TIMES.contains(time)) && self.webhooks.values().all(Memory::is_sound)
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
        let read = *self.unread.get(owner).unwrap_or(&self.read);
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

    /// The same for all owners of which an earlier state says so.
    pub fn keep_unread(&mut self, earlier: &Self) {
        for (owner, read) in &earlier.unread {
            self.unread.entry(owner.clone()).or_insert(*read);
        }
    }

    /// Before this time nothing is left to do at the webhooks that are not among `served`, as far as is
    /// remembered of them.
    pub fn holds(&self, served: &HashSet<String>) -> Option<DateTime<Utc>> {
        let others = self
            .webhooks
            .iter()
            .filter(|(webhook, _)| !served.contains(*webhook));
        let times = others.flat_map(|(_, memory)| {
            let open = memory.open.iter().map(|open| open.first);
            open.chain([memory.read])
        });
        times.min().and_then(DateTime::from_timestamp_millis)
    }

    /// Remembers a webhook.
    pub fn remember(&mut self, webhook: String, memory: Memory) {
        self.webhooks.insert(webhook, memory);
    }

    /// The text to store beside this checkpoint, of so many bytes at most. Where it is too large, the oldest open deliveries of the
    /// webhooks that have most of them are left out, and those webhooks are read from their time on.
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
        let most = self.webhooks.values().map(|memory| memory.open.len()).max();
        if let Some(most) = most.filter(|most| *most > 0) {
            let memories = self.webhooks.values_mut();
            for memory in memories.filter(|memory| memory.open.len() == most) {
                memory.open.sort_by_key(|open| open.first);
                memory.read = memory.read.min(memory.open[0].first);
                memory.open.drain(..most.div_ceil(2));
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
        let reads = self.webhooks.values().map(|memory| memory.read);
        let earliest = reads.chain(self.unread.values().copied()).min();
        self.read = earliest.map_or(self.read, |earliest| self.read.min(earliest));
        let cut = !self.webhooks.is_empty() || !self.unread.is_empty();
        self.webhooks.clear();
        self.unread.clear();
        cut
    }
}

impl Memory {
    /// A memory of a log that was read up to `read`, whose deliveries' numbers hold what was before
    /// `counted`.
    pub fn new(read: DateTime<Utc>, counted: DateTime<Utc>) -> Self {
        Self {
            read: read.timestamp_millis(),
            counted: counted.timestamp_millis(),
            ..Self::default()
        }
    }

    /// Whether its times are such as can be reckoned with.
    fn is_sound(&self) -> bool {
        let open = self.open.iter().flat_map(|open| [open.first, open.at]);
        let asked = self
            .unseen
            .iter()
            .map(|unseen| unseen.minute.saturating_mul(60_000));
        let mut times = open.chain(asked).chain([self.read, self.counted]);
        times.all(|time| TIMES.contains(&time))
    }

    /// The same without what GitHub redelivers no longer; `None` if nothing is left of it.
    fn since(&self, retention_start: DateTime<Utc>) -> Option<Self> {
        let start = retention_start.timestamp_millis();
        let mut memory = self.clone();
        memory.open.retain(|open| open.first >= start);
        memory.forget_asked_before(retention_start);
        let empty = memory.open.is_empty() && memory.unseen.is_empty();
        (!empty || memory.read >= start).then_some(memory)
    }

    /// Its log was read up to this time.
    pub fn read_until(&self) -> Option<DateTime<Utc>> {
        DateTime::from_timestamp_millis(self.read)
    }

    /// The open deliveries, for who reads the log since.
    pub fn open(&self) -> Remembered {
        Remembered {
            failures: self.open.iter().filter_map(Open::failure).collect(),
            counted: DateTime::from_timestamp_millis(self.counted),
        }
    }

    /// The open deliveries, for who reads no further: with what the log would tell of probes.
    pub fn open_unread(&self) -> Vec<Failure> {
        let unread = |open: &Open| {
            let mut failure = open.failure()?;
            failure.made_before += open.probes;
            Some(failure)
        };
        self.open.iter().filter_map(unread).collect()
    }

    /// Remembers that an open delivery was tried in vain.
    pub fn add_probe(&mut self, failure: &Failure) {
        let guid = failure.guid.to_string();
        if let Some(open) = self.open.iter_mut().find(|open| open.guid == guid) {
            open.probes += 1;
            open.id = failure.newest.id.to_string();
            open.at = failure.newest.at.timestamp_millis();
            open.pending = failure.newest.pending;
            open.status = failure.newest.status.to_string();
            open.code = failure.newest.code;
        }
    }

    /// Remembers an open delivery; `made` and `counted` are its redeliveries that the next pass does not
    /// read. `None` for one whose first attempt is unknown.
    pub fn add_open(&mut self, failure: &Failure, made: usize, counted: usize) -> Option<()> {
        let newest = &failure.newest;
        self.open.push(Open {
            guid: failure.guid.to_string(),
            first: failure.first.time()?.timestamp_millis(),
            made,
            counted,
            probes: 0,
            id: newest.id.to_string(),
            at: newest.at.timestamp_millis(),
            pending: newest.pending,
            status: newest.status.to_string(),
            code: newest.code,
            event: newest.event.to_string(),
            action: newest.action.as_deref().map(str::to_owned),
        });
        Some(())
    }

    /// When a delivery was asked for of which nothing was seen.
    pub fn asked(&self, guid: &Guid) -> Option<Asked> {
        let digits = guid.digits();
        let asked = self.all_asked().filter(|(each, _)| *each == digits);
        asked.map(|(_, asked)| asked).max_by_key(|asked| asked.at)
    }

    /// What was asked for and not seen, by 12 digits.
    fn all_asked(&self) -> impl Iterator<Item = (&str, Asked)> {
        self.unseen.iter().flat_map(|unseen| {
            let items = unseen.guids.as_bytes().chunks(ASKED_DIGITS);
            items.filter_map(|item| {
                let (digits, second) = std::str::from_utf8(item).ok()?.split_at_checked(12)?;
                let second = i64::from_str_radix(second, 16).ok()?;
                let at = DateTime::from_timestamp(unseen.minute * 60 + second, 0)?;
                let unclear = unseen.unclear;
                Some((digits, Asked { at, unclear }))
            })
        })
    }

    /// How many were asked for since, and not seen.
    pub fn asked_since(&self, time: DateTime<Utc>) -> usize {
        let asked = self.all_asked().filter(|(_, asked)| asked.at >= time);
        asked.count()
    }

    /// Forgets what was asked for before this time.
    pub fn forget_asked_before(&mut self, time: DateTime<Utc>) {
        self.unseen
            .retain(|unseen| unseen.minute >= time.timestamp() / 60);
    }

    /// Remembers that a delivery was asked for.
    pub fn add_asked(&mut self, guid: &Guid, asked: Asked) {
        if self
            .asked(guid)
            .is_some_and(|known| known.at.timestamp() == asked.at.timestamp())
        {
            return;
        }
        let second = asked.at.timestamp();
        let minute = second.div_euclid(60);
        let item = format!("{}{:02x}", guid.digits(), second.rem_euclid(60));
        let same =
            |unseen: &&mut Unseen| unseen.minute == minute && unseen.unclear == asked.unclear;
        match self.unseen.iter_mut().find(same) {
            Some(unseen) => unseen.guids.push_str(&item),
            None => self.unseen.push(Unseen {
                minute,
                unclear: asked.unclear,
                guids: item,
            }),
        }
    }

    /// Has the next pass read from this time on at least.
    pub fn read_from(&mut self, time: DateTime<Utc>) {
        self.read = self.read.min(time.timestamp_millis());
    }

    /// Whether a delivery was lost by an earlier pass.
    pub fn is_settled(&self, guid: &Guid) -> bool {
        holds(&self.settled, &guid.digits())
    }

    /// Remembers that a delivery was lost.
    pub fn add_settled(&mut self, guid: &Guid) {
        let text = guid.to_string();
        self.open.retain(|open| open.guid != text);
        self.settled.push_str(&guid.digits());
    }
}

fn is_zero(number: &usize) -> bool {
    *number == 0
}

fn holds(all: &str, digits: &str) -> bool {
    all.as_bytes()
        .chunks(12)
        .any(|each| each == digits.as_bytes())
}

impl Open {
    fn failure(&self) -> Option<Failure> {
        Some(Failure {
            guid: Guid::new(&self.guid),
            newest: Newest {
                id: AttemptId(self.id.parse().ok()?),
                at: DateTime::from_timestamp_millis(self.at)?,
                pending: self.pending,
                status: self.status.as_str().into(),
                code: self.code,
                event: self.event.as_str().into(),
                action: self.action.as_deref().map(Into::into),
            },
            first: First::At(DateTime::from_timestamp_millis(self.first)?),
            attempts: Vec::new(),
            made_before: self.made,
            counted_before: self.counted,
        })
    }
}

#[cfg(test)]
mod tests;
