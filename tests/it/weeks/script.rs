//! The script of a week, as data: it can be kept, shown and cut down.

mod generate;

use std::ops::Range;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::virtual_world::start;

pub(super) use generate::Trouble;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;

/// A week. Times are seconds since its start.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Script {
    pub(super) seed: u64,
    pub(super) hooks: Vec<Hook>,
    pub(super) passes: Vec<Pass>,
    pub(super) events: Vec<(i64, Event)>,
    /// The longest lag of the log, which comes and goes.
    pub(super) lag: i64,
    pub(super) shuffled: bool,
    /// Attempts on a page of the log.
    pub(super) page: usize,
    pub(super) latency: i64,
    pub(super) redelivery_delay: i64,
    /// Seconds that a pass looks for outcomes.
    pub(super) confirm: i64,
    pub(super) max_redeliveries: usize,
    pub(super) keeps_checkpoint: bool,
    /// Texts of GitHub and receivers are hostile.
    pub(super) hostile: bool,
    /// Links name another scheme, host and port, as behind some balancers.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) foreign_links: bool,
    /// No answer has limit headers, as an App's JWT sees it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) no_limit_headers: bool,
    /// Each request is part of the story.
    #[serde(skip)]
    pub(super) tells_requests: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Hook {
    pub(super) host: i64,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) outages: Vec<Range<i64>>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) off: Vec<Range<i64>>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) refusals: Vec<Refusals>,
    pub(super) deliveries: Vec<Delivery>,
}

/// A stretch of time in which GitHub refuses to redeliver some deliveries of a webhook, or all.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Refusals {
    pub(super) during: Range<i64>,
    pub(super) status: u16,
    /// One delivery in so many; 1 for all.
    pub(super) one_in: u64,
}

impl Refusals {
    pub(super) fn hit(&self, guid: u64) -> bool {
        guid.is_multiple_of(self.one_in)
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Delivery {
    pub(super) at: i64,
    /// The number of its GUID.
    pub(super) guid: u64,
    /// It fails at first, though the receiver is up.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) blip: bool,
    /// It always fails.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) poisoned: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Pass {
    pub(super) at: i64,
    /// The request at which it is killed, and true if GitHub still handles that request.
    #[serde(skip_serializing_if = "is_default")]
    pub(super) killed: Option<(usize, bool)>,
    /// The request from which on its token has expired.
    #[serde(skip_serializing_if = "is_default")]
    pub(super) expired: Option<usize>,
    /// Reads that are refused: a part of their path, and the status.
    #[serde(skip_serializing_if = "is_default")]
    pub(super) refused: Option<(String, u16)>,
    /// Writes that are refused: a part of their path, and the status.
    #[serde(skip_serializing_if = "is_default")]
    pub(super) unwritable: Option<(String, u16)>,
    /// Another pass begins so many seconds after this one.
    #[serde(skip_serializing_if = "is_default")]
    pub(super) overlapped: Option<i64>,
    #[serde(skip_serializing_if = "is_default")]
    pub(super) skew: i64,
    /// The share of requests that fail, and of those that meet a limit, in percent.
    #[serde(skip_serializing_if = "is_default")]
    pub(super) faults: i64,
    #[serde(skip_serializing_if = "is_default")]
    pub(super) limits: i64,
    /// The share of lists that are cut off and have no link, in percent.
    #[serde(skip_serializing_if = "is_default")]
    pub(super) cuts: i64,
    /// The requests that the limit leaves it, and the seconds until the limit is reset.
    #[serde(skip_serializing_if = "is_default")]
    pub(super) used_up: Option<(u32, i64)>,
    pub(super) draws: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Event {
    /// A person redelivers a failed delivery of a webhook.
    ByHand(usize, u64),
    /// The state is deleted, cut, or replaced by the one from so many passes ago.
    StateLost,
    StateCut(usize),
    StatePutBack(usize),
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
impl Script {
    /// The lag of the log at a time. It never changes the order of rows.
    pub(super) fn lag_at(&self, at: i64) -> i64 {
        let period = 5 * HOUR;
        let phase = (at + (self.seed % 18_000) as i64) % period;
        self.lag * phase.min(period - phase) * 2 / period
    }

    /// True if the receiver accepts a delivery that is made at a time.
    pub(super) fn takes(&self, hook: usize, at: DateTime<Utc>) -> bool {
        let at = (at - start()).as_seconds_f64();
        let out = |outage: &Range<i64>| (outage.start as f64..outage.end as f64).contains(&at);
        !self.hooks[hook].outages.iter().any(out)
    }

    /// The status that GitHub refuses to redeliver a delivery with at a time, if it does.
    pub(super) fn refuses(&self, hook: usize, guid: u64, at: i64) -> Option<u16> {
        let mut refusals = self.hooks[hook].refusals.iter();
        let hit = refusals.find(|each| each.during.contains(&at) && each.hit(guid));
        hit.map(|each| each.status)
    }

    pub(super) fn is_off(&self, hook: usize, at: i64) -> bool {
        self.hooks[hook].off.iter().any(|off| off.contains(&at))
    }
}

pub(super) fn time(seconds: i64) -> DateTime<Utc> {
    start() + TimeDelta::seconds(seconds)
}
