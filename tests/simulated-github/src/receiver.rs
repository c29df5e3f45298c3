//! Receivers.

use std::collections::{HashMap, HashSet, VecDeque};
use std::ops::Range;

use chrono::{DateTime, TimeDelta, Utc};

#[derive(Debug, Clone)]
enum Mode {
    Up,
    Down,
    DownUntil(DateTime<Utc>),
    FailsTimes(u32),
    AtMost(usize),
}

/// The server at the payload URL, which answers redeliveries.
#[derive(Debug, Clone)]
pub struct Receiver {
    mode: Mode,
    poisoned: HashSet<String>,
    /// When it takes nothing besides.
    outages: Vec<Range<DateTime<Utc>>>,
    failure: (String, i64),
    seen: HashMap<String, u32>,
    /// When it was last sent something, as far back as a minute.
    recent: VecDeque<DateTime<Utc>>,
}

impl Receiver {
    fn new(mode: Mode) -> Self {
        Self {
            mode,
            poisoned: HashSet::new(),
            outages: Vec::new(),
            failure: ("Invalid HTTP Response: 503".to_owned(), 503),
            seen: HashMap::new(),
            recent: VecDeque::new(),
        }
    }

    /// Takes everything.
    pub fn up() -> Self {
        Self::new(Mode::Up)
    }

    /// Takes nothing.
    pub fn down() -> Self {
        Self::new(Mode::Down)
    }

    /// Takes nothing delivered before `time`, and everything from then on.
    pub fn down_until(time: DateTime<Utc>) -> Self {
        Self::new(Mode::DownUntil(time))
    }

    /// Refuses the first `times` redeliveries of each GUID, then takes it.
    pub fn fails_times(times: u32) -> Self {
        Self::new(Mode::FailsTimes(times))
    }

    /// Takes so many redeliveries in any minute, and refuses the rest.
    pub fn at_most(per_minute: usize) -> Self {
        Self::new(Mode::AtMost(per_minute))
    }

    /// Also refuses this GUID every time.
    #[must_use]
    pub fn poisoned(mut self, guid: impl Into<String>) -> Self {
        self.poisoned.insert(guid.into());
        self
    }

    /// Also refuses all that is delivered in this time.
    #[must_use]
    pub fn down_during(mut self, outage: Range<DateTime<Utc>>) -> Self {
        self.outages.push(outage);
        self
    }

    /// The status and code of a failure in the log; `Invalid HTTP Response: 503` and 503 unless set.
    #[must_use]
    pub fn answering(mut self, status: impl Into<String>, code: i64) -> Self {
        self.failure = (status.into(), code);
        self
    }

    /// Takes or refuses one redelivery made at `at`: the status and its code.
    pub(crate) fn answer(&mut self, guid: &str, at: DateTime<Utc>) -> (String, i64) {
        self.recent
            .retain(|earlier| at - *earlier < TimeDelta::minutes(1));
        self.recent.push_back(at);
        let before = self.seen.entry(guid.to_owned()).or_default();
        let refuses = match self.mode {
            Mode::Up => false,
            Mode::Down => true,
            Mode::DownUntil(time) => at < time,
            Mode::FailsTimes(times) => *before < times,
            Mode::AtMost(per_minute) => self.recent.len() > per_minute,
        };
        *before += 1;
        let out = self.outages.iter().any(|outage| outage.contains(&at));
        if refuses || out || self.poisoned.contains(guid) {
            self.failure.clone()
        } else {
            ("OK".to_owned(), 200)
        }
    }
}
