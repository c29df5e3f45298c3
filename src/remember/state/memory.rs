//! The memory of one webhook for the next pass.

mod unreadable;

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::model::{AttemptId, Guid};
use crate::model::{FailedDelivery, FirstAttempt, LatestAttempt};
use crate::model::{Refusals, UnconfirmedRedelivery};
use crate::read::fold::Remembered;

/// Times that a state may hold, in milliseconds: from 2008 to 2200.
pub(super) const TIMES: Range<i64> = 1_199_145_600_000..7_258_118_400_000;

/// Most redeliveries of one delivery that a state may hold. One a minute for 7 days is far less.
const MOST_MADE: usize = 1_000_000;

/// Characters for each delivery that was lost.
const DIGITS: usize = 12;

/// Characters for each unconfirmed redelivery: the same, and two for the second.
const UNCONFIRMED_DIGITS: usize = DIGITS + 2;

/// The memory of one webhook.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// Its log was read up to this time, in milliseconds since the epoch.
    pub(super) read: i64,
    /// The open deliveries' numbers hold their redeliveries before this time.
    pub(super) counted: i64,
    /// No open delivery was delivered before this time, if that is known for longer than the log is read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) known: Option<i64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) open: Vec<RememberedDelivery>,
    /// Redeliveries that were requested and not confirmed.
    #[serde(rename = "unseen", default, skip_serializing_if = "Vec::is_empty")]
    pub(super) unconfirmed: Vec<UnconfirmedMinute>,
    /// Deliveries that were lost, 12 digits each.
    #[serde(rename = "settled", default, skip_serializing_if = "String::is_empty")]
    pub(super) lost: String,
    /// Rows of the log that could not be read, 12 digits each, by the time of the pass that reported them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) unreadable: BTreeMap<i64, String>,
}

/// An open delivery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RememberedDelivery {
    guid: String,
    pub(super) first: i64,
    /// Number of redeliveries older than the rows that the next pass reads, and number of those that counted.
    made: usize,
    counted: usize,
    /// Further redeliveries, for a pass that does not read the log: those in the part of the log that the next pass
    /// reads, and those by passes that found the receiver down.
    #[serde(default, skip_serializing_if = "is_zero")]
    probes: usize,
    /// Number of these that counted.
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

/// Unconfirmed redeliveries requested within one minute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct UnconfirmedMinute {
    minute: i64,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    unclear: bool,
    /// 12 digits of each GUID, and two for the second.
    guids: String,
}

impl Memory {
    /// A memory of a log that was read up to `read`, whose open deliveries' numbers hold their redeliveries before
    /// `counted`.
    pub fn new(read: DateTime<Utc>, counted: DateTime<Utc>) -> Self {
        Self {
            read: read.timestamp_millis(),
            counted: counted.timestamp_millis(),
            ..Self::default()
        }
    }

    /// True if its times and numbers are plausible, and each open delivery has the id needed to request it: one left out
    /// in silence would be lost, or sent twice.
    pub(super) fn is_sound(&self) -> bool {
        let unconfirmed =
            |minute: &UnconfirmedMinute| are_digits(&minute.guids, UNCONFIRMED_DIGITS);
        if !self.open.iter().all(RememberedDelivery::is_sound)
            || !self.unconfirmed.iter().all(unconfirmed)
            || !are_digits(&self.lost, DIGITS)
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
        let requested = self
            .unconfirmed
            .iter()
            .map(|unconfirmed| unconfirmed.minute.saturating_mul(60_000));
        let own = [self.read, self.counted, self.known.unwrap_or(self.read)];
        let reported = self.unreadable.keys().copied();
        let mut times = open.chain(requested).chain(own).chain(reported);
        times.all(|time| TIMES.contains(&time))
    }

    /// The same memory without deliveries that GitHub no longer redelivers; `None` if nothing is left.
    pub(super) fn since(&self, retention_start: DateTime<Utc>) -> Option<Self> {
        let start = retention_start.timestamp_millis();
        let mut memory = self.clone();
        memory.open.retain(|open| open.first >= start);
        memory.forget_unconfirmed_before(retention_start);
        let empty = memory.open.is_empty() && memory.unconfirmed.is_empty();
        (!empty || memory.read >= start).then_some(memory)
    }

    /// The open deliveries' numbers hold their redeliveries before this time.
    pub fn counted_until(&self) -> Option<DateTime<Utc>> {
        DateTime::from_timestamp_millis(self.counted)
    }

    /// Its log was read up to this time.
    pub fn read_until(&self) -> Option<DateTime<Utc>> {
        DateTime::from_timestamp_millis(self.read)
    }

    /// None of the open deliveries was delivered before this time.
    pub fn known_until(&self) -> Option<DateTime<Utc>> {
        DateTime::from_timestamp_millis(self.known.unwrap_or(self.read))
    }

    /// Remembers that no open delivery was delivered before this time.
    pub fn know_until(&mut self, time: DateTime<Utc>) {
        self.known = Some(time.timestamp_millis()).filter(|known| *known > self.read);
    }

    /// The open deliveries, for a scan of the log since.
    pub fn open(&self) -> Remembered {
        Remembered {
            failures: self
                .open
                .iter()
                .filter_map(RememberedDelivery::failure)
                .collect(),
            counted_until: DateTime::from_timestamp_millis(self.counted),
            lost: chunks(&self.lost).map(str::to_owned).collect(),
        }
    }

    /// The open deliveries, for a pass that does not read the log: with the redeliveries that the log would show.
    pub fn open_unread(&self) -> Vec<FailedDelivery> {
        let unread = |open: &RememberedDelivery| {
            let mut failure = open.failure()?;
            failure.earlier_redeliveries += open.probes;
            failure.earlier_failures_while_up += open.probes_counted;
            Some(failure)
        };
        self.open.iter().filter_map(unread).collect()
    }

    /// Forgets the open deliveries that were delivered.
    pub fn forget_open(&mut self, is_delivered: impl Fn(&Guid) -> bool) {
        self.open
            .retain(|open| !is_delivered(&Guid::new(&open.guid)));
    }

    /// Updates an open delivery, for a pass that does not read the log. `counts`: how many of its redeliveries count.
    pub fn update(&mut self, failure: &FailedDelivery, counts: usize) {
        let guid = failure.guid.to_string();
        if let Some(open) = self.open.iter_mut().find(|open| open.guid == guid) {
            open.probes = failure.redelivery_count().saturating_sub(open.made);
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
        failure: &FailedDelivery,
        made: usize,
        counted: usize,
        counts: usize,
    ) -> Option<()> {
        let newest = &failure.newest;
        self.open.push(RememberedDelivery {
            guid: failure.guid.to_string(),
            first: failure.first.time()?.timestamp_millis(),
            made,
            counted,
            probes: failure.redelivery_count().saturating_sub(made),
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

    /// True if the delivery is remembered as open.
    pub fn is_open(&self, guid: &Guid) -> bool {
        let text = guid.to_string();
        self.open.iter().any(|open| open.guid == text)
    }

    /// GitHub's refusals to redeliver the open deliveries, by delivery.
    pub fn refusals(&self) -> HashMap<Guid, Refusals> {
        let refused = |open: &RememberedDelivery| Some((Guid::new(&open.guid), open.refusals()?));
        self.open.iter().filter_map(refused).collect()
    }

    /// Remembers GitHub's refusals to redeliver an open delivery, or that there were no refusals.
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

    /// The last unconfirmed redelivery of a delivery.
    pub fn unconfirmed(&self, guid: &Guid) -> Option<UnconfirmedRedelivery> {
        let digits = guid.fingerprint();
        self.all_unconfirmed()
            .filter(|(each, _)| *each == digits)
            .map(|(_, unconfirmed)| unconfirmed)
            .max_by_key(|unconfirmed| unconfirmed.at)
    }

    /// All unconfirmed redeliveries, by 12 digits of the delivery.
    fn all_unconfirmed(&self) -> impl Iterator<Item = (&str, UnconfirmedRedelivery)> {
        self.unconfirmed.iter().flat_map(|requested| {
            let items = requested.guids.as_bytes().chunks(UNCONFIRMED_DIGITS);
            items.filter_map(|item| {
                let (digits, second) = std::str::from_utf8(item).ok()?.split_at_checked(DIGITS)?;
                let second = i64::from_str_radix(second, 16).ok()?;
                let at = DateTime::from_timestamp(requested.minute * 60 + second, 0)?;
                let unclear = requested.unclear;
                Some((digits, UnconfirmedRedelivery { at, unclear }))
            })
        })
    }

    /// Number of unconfirmed redeliveries since this time.
    pub fn unconfirmed_since(&self, time: DateTime<Utc>) -> usize {
        self.all_unconfirmed()
            .filter(|(_, unconfirmed)| unconfirmed.at >= time)
            .count()
    }

    /// Forgets unconfirmed redeliveries from before this time.
    pub fn forget_unconfirmed_before(&mut self, time: DateTime<Utc>) {
        self.unconfirmed
            .retain(|unconfirmed| unconfirmed.minute >= time.timestamp() / 60);
    }

    /// Remembers an unconfirmed redelivery.
    pub fn add_unconfirmed(&mut self, guid: &Guid, new: UnconfirmedRedelivery) {
        if self
            .unconfirmed(guid)
            .is_some_and(|known| known.at.timestamp() == new.at.timestamp())
        {
            return;
        }
        let second = new.at.timestamp();
        let minute = second.div_euclid(60);
        let item = format!("{}{:02x}", guid.fingerprint(), second.rem_euclid(60));
        let same =
            |each: &&mut UnconfirmedMinute| each.minute == minute && each.unclear == new.unclear;
        match self.unconfirmed.iter_mut().find(same) {
            Some(same) => same.guids.push_str(&item),
            None => self.unconfirmed.push(UnconfirmedMinute {
                minute,
                unclear: new.unclear,
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

    /// True if an earlier pass gave the delivery up as lost.
    pub fn is_lost(&self, guid: &Guid) -> bool {
        let digits = guid.fingerprint();
        chunks(&self.lost).any(|each| each == digits)
    }

    /// Remembers that a delivery was lost.
    pub fn add_lost(&mut self, guid: &Guid) {
        let text = guid.to_string();
        self.open.retain(|open| open.guid != text);
        self.lost.push_str(&guid.fingerprint());
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

/// True if the text is hex digits alone, `each` of them for each item.
fn are_digits(all: &str, each: usize) -> bool {
    all.len().is_multiple_of(each) && all.bytes().all(|byte| byte.is_ascii_hexdigit())
}

impl RememberedDelivery {
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

    fn failure(&self) -> Option<FailedDelivery> {
        Some(FailedDelivery {
            guid: Guid::new(&self.guid),
            newest: LatestAttempt {
                id: AttemptId(self.id.parse().ok()?),
                at: DateTime::from_timestamp_millis(self.at)?,
                pending: self.pending,
                status: self.status.as_str().into(),
                code: self.code,
                event: self.event.as_str().into(),
                action: self.action.as_deref().map(Into::into),
            },
            first: FirstAttempt::At(DateTime::from_timestamp_millis(self.first)?),
            attempts: Vec::new(),
            earlier_redeliveries: self.made,
            earlier_failures_while_up: self.counted,
        })
    }
}
