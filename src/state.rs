//! What one pass remembers for the next, beside the checkpoint. It only saves reading and doubles:
//! without it the log tells the same, at more cost.
//!
//! Pure: how it is written, and what is left out where it grows too large.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::attempt::{AttemptId, Guid};
use crate::history::{Failure, First, Newest, Remembered};
use crate::report::Asked;

/// What this program writes and reads. A newer state is somebody else's.
const VERSION: u32 = 1;

/// Largest state, in bytes. GitHub keeps 48 KB of a variable.
pub const LARGEST: usize = 40_000;

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
    status: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    code: Option<i64>,
    event: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    action: Option<String>,
}

/// What was asked for at one time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Unseen {
    at: i64,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    unclear: bool,
    /// 12 digits of each GUID.
    guids: String,
}

impl State {
    /// A state without webhooks.
    pub fn new(checkpoint: &str, targets: Vec<String>, began: DateTime<Utc>) -> Self {
        Self {
            version: VERSION,
            checkpoint: checkpoint.to_owned(),
            targets,
            began: began.timestamp_millis(),
            webhooks: BTreeMap::new(),
        }
    }

    /// What is stored in `text`, if it belongs to this checkpoint. What can't be read is no state.
    pub fn read(text: &str, checkpoint: &str) -> Option<Self> {
        let state: Self = serde_json::from_str(text).ok()?;
        (state.version == VERSION && state.checkpoint == checkpoint).then_some(state)
    }

    /// Whether it has anything to do with a pass over these targets.
    pub fn shares_targets(&self, targets: &[String]) -> bool {
        // `acme` holds `acme/1`.
        let within = |a: &str, b: &str| {
            a == b || a.strip_prefix(b).is_some_and(|rest| rest.starts_with('/'))
        };
        let mut pairs = self
            .targets
            .iter()
            .flat_map(|a| targets.iter().map(move |b| (a, b)));
        pairs.any(|(a, b)| within(a, b) || within(b, a))
    }

    /// What is remembered of a webhook.
    pub fn memory(&self, webhook: &str) -> Option<&Memory> {
        self.webhooks.get(webhook)
    }

    /// Remembers a webhook.
    pub fn remember(&mut self, webhook: String, memory: Memory) {
        self.webhooks.insert(webhook, memory);
    }

    /// The text to store. Where it is too large, the oldest open deliveries of the webhooks that have
    /// most of them are left out, and those webhooks are read from their time on.
    pub fn text(mut self) -> String {
        loop {
            let text = serde_json::to_string(&self).unwrap_or_default();
            let largest = self
                .webhooks
                .values_mut()
                .max_by_key(|memory| memory.open.len());
            match largest {
                Some(memory) if text.len() > LARGEST && !memory.open.is_empty() => {
                    memory.open.sort_by_key(|open| open.first);
                    memory.read = memory.read.min(memory.open[0].first);
                    memory.open.drain(..memory.open.len().div_ceil(2));
                }
                // What is left are 12 digits for each of 2,000 deliveries at most.
                _ => return text,
            }
        }
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
        let asked = self
            .unseen
            .iter()
            .filter(|unseen| holds(&unseen.guids, &digits));
        let newest = asked.max_by_key(|unseen| unseen.at)?;
        Some(Asked {
            at: DateTime::from_timestamp_millis(newest.at)?,
            unclear: newest.unclear,
        })
    }

    /// Remembers that a delivery was asked for.
    pub fn add_asked(&mut self, guid: &Guid, asked: Asked) {
        let at = asked.at.timestamp_millis();
        let same = |unseen: &&mut Unseen| unseen.at == at && unseen.unclear == asked.unclear;
        match self.unseen.iter_mut().find(same) {
            Some(unseen) => unseen.guids.push_str(&guid.digits()),
            None => self.unseen.push(Unseen {
                at,
                unclear: asked.unclear,
                guids: guid.digits(),
            }),
        }
    }

    /// Whether a delivery was lost by an earlier pass.
    pub fn is_settled(&self, guid: &Guid) -> bool {
        holds(&self.settled, &guid.digits())
    }

    /// Remembers that a delivery was lost.
    pub fn add_settled(&mut self, guid: &Guid) {
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
                pending: false,
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
mod tests {
    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_790_000_000 + second, 0).unwrap()
    }

    fn failure(n: u64) -> Failure {
        Failure {
            guid: Guid::new(&format!("{n:08x}-0000-11f0-8abc-79b97f4a7c15")),
            newest: Newest {
                id: AttemptId(3_804_004_623_172_239_366 + n),
                at: at(9),
                pending: false,
                status: "timed out".into(),
                code: Some(504),
                event: "push".into(),
                action: None,
            },
            first: First::At(at(n as i64)),
            attempts: Vec::new(),
            made_before: 3,
            counted_before: 1,
        }
    }

    fn state() -> State {
        State::new("1790000000000", vec!["acme".into()], at(0))
    }

    #[test]
    fn what_is_written_is_read_again() {
        let mut memory = Memory::new(at(5), at(4));
        memory.add_open(&failure(1), 3, 1);
        let clear = Asked {
            at: at(7),
            unclear: false,
        };
        let unclear = Asked {
            at: at(8),
            unclear: true,
        };
        memory.add_asked(&failure(2).guid, clear);
        memory.add_asked(&failure(3).guid, clear);
        memory.add_asked(&failure(3).guid, unclear);
        memory.add_settled(&failure(4).guid);
        let mut state = state();
        state.remember("acme/1".into(), memory);
        let text = state.clone().text();
        let read = State::read(&text, "1790000000000").unwrap();
        assert_eq!(read, state);
        let memory = read.memory("acme/1").unwrap();
        assert_eq!(memory.open().failures, [failure(1)]);
        assert_eq!(memory.open().counted, Some(at(4)));
        assert_eq!(memory.read_until(), Some(at(5)));
        assert_eq!(memory.asked(&failure(2).guid), Some(clear));
        assert_eq!(memory.asked(&failure(3).guid), Some(unclear), "the newest");
        assert_eq!(memory.asked(&failure(4).guid), None);
        assert!(memory.is_settled(&failure(4).guid) && !memory.is_settled(&failure(1).guid));
    }

    #[test]
    fn probes_count_for_who_reads_no_further() {
        let mut memory = Memory::new(at(5), at(4));
        memory.add_open(&failure(1), 3, 1);
        let mut probed = failure(1);
        (probed.newest.id, probed.newest.at) = (AttemptId(77), at(99));
        memory.add_probe(&probed);
        let made = |failures: Vec<Failure>| (failures[0].made_before, failures[0].newest.at);
        assert_eq!(made(memory.open().failures), (3, at(99)));
        assert_eq!(made(memory.open_unread()), (4, at(99)));
    }

    #[test]
    fn what_is_damaged_newer_or_of_another_checkpoint_is_no_state() {
        let text = state().text();
        assert!(State::read(&text, "1790000000000").is_some());
        assert_eq!(State::read(&text, "1790000000001"), None);
        assert_eq!(State::read(&text[1..], "1790000000000"), None);
        assert_eq!(State::read("", "1790000000000"), None);
        let newer = text.replace("\"version\":1", "\"version\":2");
        assert_eq!(State::read(&newer, "1790000000000"), None);
    }

    #[test]
    fn targets_share_an_owner_or_a_webhook() {
        let of = |target: &str| state().shares_targets(&[target.into()]);
        assert!(of("acme") && of("acme/1"));
        assert!(!of("beta") && !of("acme-2") && !of("beta/1"));
    }

    #[test]
    fn a_state_that_is_too_large_leaves_out_what_is_most() {
        let mut state = state();
        let mut small = Memory::new(at(100_000), at(99_000));
        small.add_open(&failure(1), 0, 0);
        state.remember("acme/1".into(), small);
        let mut large = Memory::new(at(100_000), at(99_000));
        for n in 5..5_000 {
            large.add_open(&failure(n), 0, 0);
        }
        for n in 0..2_000 {
            large.add_asked(
                &failure(n).guid,
                Asked {
                    at: at(7),
                    unclear: false,
                },
            );
        }
        state.remember("acme/2".into(), large);
        let text = state.text();
        assert!(text.len() <= LARGEST, "{}", text.len());
        let read = State::read(&text, "1790000000000").unwrap();
        assert_eq!(read.memory("acme/1").unwrap().open().failures.len(), 1);
        let large = read.memory("acme/2").unwrap();
        let kept = large.open().failures;
        assert!(kept.len() > 20 && kept.iter().all(|kept| kept.first >= First::At(at(4_000))));
        assert_eq!(large.read_until(), Some(at(5)));
        assert!(large.asked(&failure(1_999).guid).is_some());
    }
}
