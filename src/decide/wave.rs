//! How big the next wave of redeliveries is, or why there is none, from what was seen of the last.
//!
//! Pure: a small state machine. A receiver that is down is found out by a handful of redeliveries, one
//! that copes gets twice as many each time.

use chrono::{DateTime, TimeDelta, Utc};

use crate::read::evidence::Evidence;

/// The first wave, where nothing is known.
const FIRST: usize = 5;

/// The first wave to a receiver that accepts at least half of what it gets.
const FIRST_TO_ONE_THAT_IS_UP: usize = 80;

/// The largest wave.
const LARGEST: usize = 640;

/// The smallest wave to a receiver that accepted something within [`LATELY`].
const SMALLEST_WHILE_UP: usize = 20;

/// How long a success speaks for the receiver.
const LATELY: TimeDelta = TimeDelta::minutes(2);

/// How long a webhook's turn goes on while GitHub gives no clear answer, or its log shows no outcome.
pub(crate) const PATIENCE: TimeDelta = TimeDelta::minutes(10);

/// What the log showed while a wave was requested and confirmed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WaveResult {
    /// Deliveries that succeeded, of this wave or late of an earlier one.
    pub recovered: usize,
    /// Deliveries that failed again, of this wave or late of an earlier one.
    pub failed: usize,
    /// Deliveries of the wave whose outcome the log does not show.
    pub unseen: usize,
    /// The receiver accepted something since the wave began, of the wave or else.
    pub success: bool,
    /// The newest success that was seen, of whatever delivery.
    pub newest_success: Option<DateTime<Utc>>,
    /// When the oldest of the requests was made that GitHub accepted and the log does not show.
    pub waiting_since: Option<DateTime<Utc>>,
}

/// Why no further wave follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TurnEnd {
    /// The receiver accepts nothing.
    Down,
    /// GitHub's log shows nothing of what was asked for.
    Unseen,
}

impl TurnEnd {
    /// For people, as the reason why the rest is deferred.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Down => "the receiver is down",
            Self::Unseen => "GitHub's log does not show the requested redeliveries yet",
        }
    }
}

/// The waves of one webhook.
#[derive(Debug)]
pub struct Waves {
    size: usize,
    known_down: bool,
    /// When the log last showed an outcome.
    shown: Option<DateTime<Utc>>,
}

impl Waves {
    /// Begins, by what the log says of the receiver.
    pub fn new(evidence: &Evidence) -> Self {
        let known_down = evidence.known_down();
        let size = if known_down {
            1
        } else if evidence.looks_up() {
            FIRST_TO_ONE_THAT_IS_UP
        } else {
            FIRST
        };
        Self {
            size,
            known_down,
            shown: None,
        }
    }

    /// How many deliveries the next wave has.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Learns from a wave that was confirmed at `now`. Returns why there is to be no other, if so.
    pub fn after(&mut self, seen: WaveResult, now: DateTime<Utc>) -> Option<TurnEnd> {
        let outcomes = seen.recovered + seen.failed;
        if outcomes > 0 {
            self.shown = Some(now);
        }
        if !seen.success && seen.recovered == 0 {
            return if seen.failed > 0 {
                Some(TurnEnd::Down)
            } else {
                self.waits_in_vain(seen.waiting_since?, now)
                    .then_some(TurnEnd::Unseen)
            };
        }
        self.known_down = false;
        self.size = if seen.recovered * 2 >= outcomes {
            (self.size * 2).min(LARGEST)
        } else {
            let lately = seen.newest_success.is_some_and(|at| now - at < LATELY);
            let smallest = if lately { SMALLEST_WHILE_UP } else { 1 };
            (self.size / 2).max(smallest)
        };
        None
    }

    /// Whether a log that shows nothing of requests made since then is not to be waited for.
    fn waits_in_vain(&self, since: DateTime<Utc>, now: DateTime<Utc>) -> bool {
        let since = self.shown.map_or(since, |shown| shown.max(since));
        self.known_down || now - since >= PATIENCE
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_790_000_000 + second, 0).unwrap()
    }

    fn waves(size: usize) -> Waves {
        Waves {
            size,
            known_down: false,
            shown: None,
        }
    }

    /// What was seen of a wave requested at second 0, whose newest success was at that second.
    fn seen(recovered: usize, failed: usize, unseen: usize, success: Option<i64>) -> WaveResult {
        WaveResult {
            recovered,
            failed,
            unseen,
            success: success.is_some(),
            newest_success: success.map(at),
            waiting_since: (unseen > 0).then_some(at(0)),
        }
    }

    #[test]
    fn what_is_seen_decides_the_size() {
        for (before, seen, stop, after) in [
            (5, seen(5, 0, 0, Some(0)), None, 10),
            (5, seen(1, 0, 4, Some(0)), None, 10),
            (5, seen(0, 0, 5, Some(0)), None, 10),
            (5, seen(5, 0, 0, None), None, 10),
            (640, seen(640, 0, 0, Some(0)), None, 640),
            (8, seen(4, 4, 0, Some(0)), None, 16),
            (8, seen(1, 1, 6, Some(0)), None, 16),
            (8, seen(3, 5, 0, Some(0)), None, 20),
            (80, seen(3, 5, 0, Some(0)), None, 40),
            (80, seen(0, 80, 0, Some(0)), None, 40),
            (30, seen(0, 30, 0, Some(0)), None, 20),
            (30, seen(0, 30, 0, Some(-61)), None, 15),
            (1, seen(0, 1, 0, Some(-61)), None, 1),
            (5, seen(0, 5, 0, None), Some(TurnEnd::Down), 5),
            (5, seen(0, 1, 4, None), Some(TurnEnd::Down), 5),
            (5, seen(0, 0, 5, None), None, 5),
            (5, WaveResult::default(), None, 5),
        ] {
            let mut waves = waves(before);
            assert_eq!(waves.after(seen, at(60)), stop, "{seen:?}");
            assert_eq!(waves.size(), after, "{seen:?}");
        }
    }

    #[test]
    fn ten_minutes_in_which_the_log_shows_nothing_end_the_turn() {
        let mut waves = waves(5);
        let nothing = seen(0, 0, 5, None);
        assert_eq!(waves.after(nothing, at(599)), None);
        assert_eq!(waves.after(seen(1, 0, 4, Some(590)), at(600)), None);
        assert_eq!(waves.after(nothing, at(1_199)), None, "one has shown since");
        assert_eq!(waves.after(nothing, at(1_200)), Some(TurnEnd::Unseen));
    }

    #[test]
    fn where_the_receiver_was_down_the_first_unseen_wave_is_the_last() {
        let down = || Waves {
            known_down: true,
            ..waves(1)
        };
        let unseen = seen(0, 0, 1, None);
        assert_eq!(down().after(unseen, at(60)), Some(TurnEnd::Unseen));
        let unclear = WaveResult {
            waiting_since: None,
            ..unseen
        };
        let after = down().after(unclear, at(60));
        assert_eq!(after, None, "GitHub has accepted nothing");
        let mut back = down();
        assert_eq!(back.after(seen(1, 0, 0, Some(0)), at(60)), None);
        assert_eq!(back.after(seen(0, 0, 2, None), at(120)), None);
    }

    prop_compose! {
        fn any_seen()(
            (recovered, failed, unseen) in (0..50_usize, 0..50_usize, 0..50_usize),
            success in proptest::option::of(-300..0_i64),
            waiting in proptest::option::of(-1_200..0_i64),
        ) -> WaveResult {
            WaveResult {
                waiting_since: waiting.map(at),
                ..seen(recovered, failed, unseen, success)
            }
        }
    }

    proptest! {
        #[test]
        fn the_receiver_is_called_down_for_its_failures_alone(seen in any_seen(), size in 1..=640_usize, known_down: bool) {
            let mut waves = Waves { known_down, ..waves(size) };
            let stop = waves.after(seen, at(0));
            let success = seen.success || seen.recovered > 0;
            prop_assert_eq!(stop == Some(TurnEnd::Down), seen.failed > 0 && !success);
            let silence = !success && seen.failed == 0;
            let long = seen.waiting_since.is_some_and(|since| known_down || since <= at(-600));
            prop_assert_eq!(stop == Some(TurnEnd::Unseen), silence && long);
        }

        #[test]
        fn waves_stay_within_their_sizes(all in proptest::collection::vec(any_seen(), 1..30), known_down: bool) {
            let mut waves = Waves { known_down, ..waves(if known_down { 1 } else { FIRST }) };
            for seen in all {
                let before = waves.size();
                let stop = waves.after(seen, at(0));
                let after = waves.size();
                prop_assert!((1..=LARGEST).contains(&after));
                prop_assert!(stop.is_none() || after == before, "the size of the last wave stays");
                let grows = seen.recovered * 2 >= seen.recovered + seen.failed;
                if stop.is_none() && grows && (seen.success || seen.recovered > 0) {
                    prop_assert_eq!(after, (before * 2).min(LARGEST));
                } else {
                    prop_assert!(after <= before.max(SMALLEST_WHILE_UP) && after * 2 + 1 >= before);
                }
            }
        }
    }
}
