//! What one pass remembers of a webhook for the next.

mod unreadable;

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::model::{Asked, Refusals};
use crate::model::{AttemptId, Guid};
use crate::model::{Failure, First, Newest};
use crate::read::fold::Remembered;

/// Times that may stand in a state, in milliseconds: from 2008 to 2200.
pub(super) const TIMES: Range<i64> = 1_199_145_600_000..7_258_118_400_000;

/// Most redeliveries of one delivery that may stand in a state. One a minute for 7 days is far less.
const MOST_MADE: usize = 1_000_000;

/// Characters for each delivery that was lost.
const DIGITS: usize = 12;

/// Characters for each delivery that was asked for: the same, and two for the second.
const ASKED_DIGITS: usize = DIGITS + 2;

/// What is remembered of one webhook.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// Its log was read up to this time, in milliseconds since the epoch.
    pub(super) read: i64,
    /// What the open deliveries had before this time is in their numbers.
    pub(super) counted: i64,
    /// None of them was delivered before this time, where that is known for longer than the log is read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) known: Option<i64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) open: Vec<Open>,
    /// What was asked for and not seen.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) unseen: Vec<Unseen>,
    /// What was lost, 12 digits each.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) settled: String,
    /// Rows of the log that could not be read, 12 digits each, by the time of the pass that reported them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) unreadable: BTreeMap<i64, String>,
}

/// An open delivery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Open {
    guid: String,
    pub(super) first: i64,
    /// Redeliveries older than what the next pass reads, and how many of them counted.
    made: usize,
    counted: usize,
    /// Redeliveries besides, for who reads no further: those in the part of the log that the next pass reads, and
    /// those by passes that found the receiver down.
    #[serde(default, skip_serializing_if = "is_zero")]
    probes: usize,
    /// How many of these counted.
    #[serde(default, skip_serializing_if = "is_zero")]
    probes_counted: usize,
    /// The newest attempt. Ids are strings: they are above 2^53.
    id: String,
    pub(super) at: i64,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pending: bool,
    status: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    code: Option<i64>,
    event: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    action: Option<String>,
    /// Passes that GitHub refused it in while others were accepted, the first of them, and the last refusal of all: in
    /// seconds since the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) refused: Option<(usize, i64, i64)>,
}

/// What was asked for within one minute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Unseen {
    minute: i64,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    unclear: bool,
    /// 12 digits of each GUID, and two for the second.
    guids: String,
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

    /// Whether its times and numbers are such as can be reckoned with, and no open delivery lacks what it
    /// is asked for by: what is left out in silence would be lost, or sent twice.
    pub(super) fn is_sound(&self) -> bool {
        let asked = |unseen: &Unseen| are_digits(&unseen.guids, ASKED_DIGITS);
        if !self.open.iter().all(Open::is_sound)
            || !self.unseen.iter().all(asked)
            || !are_digits(&self.settled, DIGITS)
            || !self
                .unreadable
                .values()
                .all(|rows| are_digits(rows, DIGITS))
        {
            return false;
        }
        let open = self.open.iter().flat_map(|open| {
            let refused = open.refused.map(|(_, first, last)| [first, last]);
            let refused = refused.into_iter().flatten();
            let refused = refused.map(|time| time.saturating_mul(1_000));
            refused.chain([open.first, open.at])
        });
        let asked = self
            .unseen
            .iter()
            .map(|unseen| unseen.minute.saturating_mul(60_000));
        let own = [self.read, self.counted, self.known.unwrap_or(self.read)];
        let reported = self.unreadable.keys().copied();
        let mut times = open.chain(asked).chain(own).chain(reported);
        times.all(|time| TIMES.contains(&time))
    }

    /// The same without what GitHub redelivers no longer; `None` if nothing is left of it.
    pub(super) fn since(&self, retention_start: DateTime<Utc>) -> Option<Self> {
        let start = retention_start.timestamp_millis();
        let mut memory = self.clone();
        memory.open.retain(|open| open.first >= start);
        memory.forget_asked_before(retention_start);
        let empty = memory.open.is_empty() && memory.unseen.is_empty();
        (!empty || memory.read >= start).then_some(memory)
    }

    /// What the open deliveries had before this time is in their numbers.
    pub fn counted_until(&self) -> Option<DateTime<Utc>> {
        DateTime::from_timestamp_millis(self.counted)
    }

    /// Its log was read up to this time.
    pub fn read_until(&self) -> Option<DateTime<Utc>> {
        DateTime::from_timestamp_millis(self.read)
    }

    /// Until when it is known that none of the open deliveries was delivered.
    pub fn known_until(&self) -> Option<DateTime<Utc>> {
        DateTime::from_timestamp_millis(self.known.unwrap_or(self.read))
    }

    /// Remembers that none of the open deliveries was delivered before this time.
    pub fn know_until(&mut self, time: DateTime<Utc>) {
        self.known = Some(time.timestamp_millis()).filter(|known| *known > self.read);
    }

    /// The open deliveries, for who reads the log since.
    pub fn open(&self) -> Remembered {
        Remembered {
            failures: self.open.iter().filter_map(Open::failure).collect(),
            counted: DateTime::from_timestamp_millis(self.counted),
            lost: chunks(&self.settled).map(str::to_owned).collect(),
        }
    }

    /// The open deliveries, for who reads no further: with what the log would tell of probes.
    pub fn open_unread(&self) -> Vec<Failure> {
        let unread = |open: &Open| {
            let mut failure = open.failure()?;
            failure.made_before += open.probes;
            failure.counted_before += open.probes_counted;
            Some(failure)
        };
        self.open.iter().filter_map(unread).collect()
    }

    /// Forgets the open deliveries that were delivered.
    pub fn forget_open(&mut self, is_delivered: impl Fn(&Guid) -> bool) {
        self.open
            .retain(|open| !is_delivered(&Guid::new(&open.guid)));
    }

    /// Remembers what became known of an open delivery, for who reads no further. `counts`: so many of its redeliveries.
    pub fn update(&mut self, failure: &Failure, counts: usize) {
        let guid = failure.guid.to_string();
        if let Some(open) = self.open.iter_mut().find(|open| open.guid == guid) {
            open.probes = failure.made().saturating_sub(open.made);
            open.probes_counted = counts.saturating_sub(open.counted);
            open.id = failure.newest.id.to_string();
            open.at = failure.newest.at.timestamp_millis();
            open.pending = failure.newest.pending;
            open.status = failure.newest.status.to_string();
            open.code = failure.newest.code;
        }
    }

    /// Remembers an open delivery. `made` are its redeliveries that the next pass does not read, and `counted` those
    /// of them that count; of all, `counts` do. `None` for one whose first attempt is unknown.
    pub fn add_open(
        &mut self,
        failure: &Failure,
        made: usize,
        counted: usize,
        counts: usize,
    ) -> Option<()> {
        let newest = &failure.newest;
        self.open.push(Open {
            guid: failure.guid.to_string(),
            first: failure.first.time()?.timestamp_millis(),
            made,
            counted,
            probes: failure.made().saturating_sub(made),
            probes_counted: counts.saturating_sub(counted),
            id: newest.id.to_string(),
            at: newest.at.timestamp_millis(),
            pending: newest.pending,
            status: newest.status.to_string(),
            code: newest.code,
            event: newest.event.to_string(),
            action: newest.action.as_deref().map(str::to_owned),
            refused: None,
        });
        Some(())
    }

    /// Whether it is remembered that a delivery is open.
    pub fn is_open(&self, guid: &Guid) -> bool {
        let text = guid.to_string();
        self.open.iter().any(|open| open.guid == text)
    }

    /// GitHub's refusals to redeliver the open deliveries, by delivery.
    pub fn refusals(&self) -> HashMap<Guid, Refusals> {
        let refused = |open: &Open| Some((Guid::new(&open.guid), open.refusals()?));
        self.open.iter().filter_map(refused).collect()
    }

    /// Remembers GitHub's refusals to redeliver an open delivery, or that there are none.
    pub fn set_refusals(&mut self, guid: &Guid, refusals: Option<Refusals>) {
        let text = guid.to_string();
        // Those that are added are remembered last.
        if let Some(open) = self.open.iter_mut().rev().find(|open| open.guid == text) {
            open.refused = refusals.map(|refusals| {
                let (first, last) = (refusals.first.timestamp(), refusals.last.timestamp());
                (refusals.passes, first, last)
            });
        }
    }

    /// When a delivery was asked for of which nothing was seen.
    pub fn asked(&self, guid: &Guid) -> Option<Asked> {
        let digits = guid.fingerprint();
        let asked = self.all_asked().filter(|(each, _)| *each == digits);
        asked.map(|(_, asked)| asked).max_by_key(|asked| asked.at)
    }

    /// What was asked for and not seen, by 12 digits.
    fn all_asked(&self) -> impl Iterator<Item = (&str, Asked)> {
        self.unseen.iter().flat_map(|unseen| {
            let items = unseen.guids.as_bytes().chunks(ASKED_DIGITS);
            items.filter_map(|item| {
                let (digits, second) = std::str::from_utf8(item).ok()?.split_at_checked(DIGITS)?;
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
        let item = format!("{}{:02x}", guid.fingerprint(), second.rem_euclid(60));
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

    /// Has the next pass read from this time on at least, in milliseconds since the epoch.
    pub(super) fn read_from(&mut self, time: i64) {
        if time < self.read {
            self.known.get_or_insert(self.read);
            self.read = time;
        }
    }

    /// Whether a delivery was lost by an earlier pass.
    pub fn is_settled(&self, guid: &Guid) -> bool {
        let digits = guid.fingerprint();
        chunks(&self.settled).any(|each| each == digits)
    }

    /// Remembers that a delivery was lost.
    pub fn add_settled(&mut self, guid: &Guid) {
        let text = guid.to_string();
        self.open.retain(|open| open.guid != text);
        self.settled.push_str(&guid.fingerprint());
    }
}

fn is_zero(number: &usize) -> bool {
    *number == 0
}

/// Twelve digits each.
fn chunks(all: &str) -> impl Iterator<Item = &str> {
    let chunks = all.as_bytes().chunks(DIGITS);
    chunks.filter_map(|chunk| std::str::from_utf8(chunk).ok())
}

/// Whether this is nothing but hex digits, so many for each.
fn are_digits(all: &str, each: usize) -> bool {
    all.len().is_multiple_of(each) && all.bytes().all(|byte| byte.is_ascii_hexdigit())
}

impl Open {
    fn is_sound(&self) -> bool {
        let refused = self.refused.map_or(0, |(passes, ..)| passes);
        let numbers = [
            self.made,
            self.counted,
            self.probes,
            self.probes_counted,
            refused,
        ];
        numbers.iter().all(|number| *number <= MOST_MADE) && self.id.parse::<u64>().is_ok()
    }

    fn refusals(&self) -> Option<Refusals> {
        let (passes, first, last) = self.refused?;
        Some(Refusals {
            passes,
            first: DateTime::from_timestamp(first, 0)?,
            last: DateTime::from_timestamp(last, 0)?,
        })
    }

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
