//! Decides from the result of the last wave how big the next one is, or why the turn ends.
//!
//! Pure: a small state machine. A handful of redeliveries finds out that a receiver is down. One that copes gets
//! twice as many each time.

use chrono::{DateTime, TimeDelta, Utc};

use crate::read::evidence::Evidence;

/// Size of the first wave if nothing is known about the receiver.
const FIRST: usize = 5;

/// Size of the first wave to a receiver that accepts at least half of its deliveries.
const FIRST_TO_ONE_THAT_IS_UP: usize = 80;

/// Size of the largest wave.
const LARGEST: usize = 640;

/// Size of the smallest wave to a receiver that accepted something within [`LATELY`].
const SMALLEST_WHILE_UP: usize = 20;

/// A success shows for this long that the receiver is up.
const LATELY: TimeDelta = TimeDelta::minutes(2);

/// A webhook's turn ends after GitHub gave no clear answer for this long, or its log showed no outcome.
pub(crate) const LONGEST_SILENCE: TimeDelta = TimeDelta::minutes(10);

/// The log's results while a wave was requested and confirmed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WaveResult {
    /// Deliveries that succeeded, of this wave or late of an earlier one.
    pub recovered: usize,
    /// Deliveries that failed again, of this wave or late of an earlier one.
    pub failed: usize,
    /// Deliveries of the wave whose outcome the log does not show.
    pub unconfirmed: usize,
    /// True if the receiver accepted something since the wave began, in the wave or outside it.
    pub success: bool,
    /// The newest success in the log, of any delivery.
    pub newest_success: Option<DateTime<Utc>>,
    /// The time of the oldest request that GitHub accepted and the log does not show.
    pub waiting_since: Option<DateTime<Utc>>,
}

/// The reason why no further wave follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TurnEnd {
    /// The receiver accepts nothing.
    Down,
    /// GitHub's log shows none of the requested redeliveries.
    Unconfirmed,
}

impl TurnEnd {
    /// The reason why the rest is deferred, for people.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Down => "the receiver is down",
            Self::Unconfirmed => "GitHub's log does not show the requested redeliveries yet",
        }
    }
}

/// The waves of one webhook.
#[derive(Debug)]
pub struct Waves {
    size: usize,
    known_down: bool,
    /// The last time that the log showed an outcome.
    last_outcome_at: Option<DateTime<Utc>>,
}

impl Waves {
    /// Begins with a size that depends on the evidence about the receiver.
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
            last_outcome_at: None,
        }
    }

    /// Number of deliveries in the next wave.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Adapts to the result of a wave that was confirmed at `now`. Returns the reason if no other is to follow.
    pub fn after(&mut self, result: WaveResult, now: DateTime<Utc>) -> Option<TurnEnd> {
        let outcomes = result.recovered + result.failed;
        if outcomes > 0 {
            self.last_outcome_at = Some(now);
        }
        if !result.success && result.recovered == 0 {
            return if result.failed > 0 {
                Some(TurnEnd::Down)
            } else {
                self.has_waited_long_enough(result.waiting_since?, now)
                    .then_some(TurnEnd::Unconfirmed)
            };
        }
        self.known_down = false;
        self.size = if result.recovered * 2 >= outcomes {
            (self.size * 2).min(LARGEST)
        } else {
            let lately = result.newest_success.is_some_and(|at| now - at < LATELY);
            let smallest = if lately { SMALLEST_WHILE_UP } else { 1 };
            (self.size / 2).max(smallest)
        };
        None
    }

    /// True if the log has shown nothing of the requests made since then for too long.
    fn has_waited_long_enough(&self, since: DateTime<Utc>, now: DateTime<Utc>) -> bool {
        let since = self.last_outcome_at.map_or(since, |shown| shown.max(since));
        self.known_down || now - since >= LONGEST_SILENCE
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
            last_outcome_at: None,
        }
    }

    /// The result of a wave requested at second 0, with its newest success at second `success`.
    fn result(
        recovered: usize,
        failed: usize,
        unconfirmed: usize,
        success: Option<i64>,
    ) -> WaveResult {
        WaveResult {
            recovered,
            failed,
            unconfirmed,
            success: success.is_some(),
            newest_success: success.map(at),
            waiting_since: (unconfirmed > 0).then_some(at(0)),
        }
    }

    #[test]
    fn the_result_of_a_wave_decides_the_next_size() {
        for (before, result, stop, after) in [
            (5, result(5, 0, 0, Some(0)), None, 10),
            (5, result(1, 0, 4, Some(0)), None, 10),
            (5, result(0, 0, 5, Some(0)), None, 10),
            (5, result(5, 0, 0, None), None, 10),
            (640, result(640, 0, 0, Some(0)), None, 640),
            (8, result(4, 4, 0, Some(0)), None, 16),
            (8, result(1, 1, 6, Some(0)), None, 16),
            (8, result(3, 5, 0, Some(0)), None, 20),
            (80, result(3, 5, 0, Some(0)), None, 40),
            (80, result(0, 80, 0, Some(0)), None, 40),
            (30, result(0, 30, 0, Some(0)), None, 20),
            (30, result(0, 30, 0, Some(-61)), None, 15),
            (1, result(0, 1, 0, Some(-61)), None, 1),
            (5, result(0, 5, 0, None), Some(TurnEnd::Down), 5),
            (5, result(0, 1, 4, None), Some(TurnEnd::Down), 5),
            (5, result(0, 0, 5, None), None, 5),
            (5, WaveResult::default(), None, 5),
        ] {
            let mut waves = waves(before);
            assert_eq!(waves.after(result, at(60)), stop, "{result:?}");
            assert_eq!(waves.size(), after, "{result:?}");
        }
    }

    #[test]
    fn ten_minutes_without_an_outcome_in_the_log_end_the_turn() {
        let mut waves = waves(5);
        let nothing = result(0, 0, 5, None);
        assert_eq!(waves.after(nothing, at(599)), None);
        assert_eq!(waves.after(result(1, 0, 4, Some(590)), at(600)), None);
        assert_eq!(
            waves.after(nothing, at(1_199)),
            None,
            "the log has shown one since"
        );
        assert_eq!(waves.after(nothing, at(1_200)), Some(TurnEnd::Unconfirmed));
    }

    #[test]
    fn the_first_unconfirmed_wave_to_a_receiver_that_was_down_is_the_last() {
        let down = || Waves {
            known_down: true,
            ..waves(1)
        };
        let unconfirmed = result(0, 0, 1, None);
        assert_eq!(
            down().after(unconfirmed, at(60)),
            Some(TurnEnd::Unconfirmed)
        );
        let unclear = WaveResult {
            waiting_since: None,
            ..unconfirmed
        };
        let after = down().after(unclear, at(60));
        assert_eq!(after, None, "GitHub has accepted nothing");
        let mut back = down();
        assert_eq!(back.after(result(1, 0, 0, Some(0)), at(60)), None);
        assert_eq!(back.after(result(0, 0, 2, None), at(120)), None);
    }

    prop_compose! {
        fn any_result()(
            (recovered, failed, unconfirmed) in (0..50_usize, 0..50_usize, 0..50_usize),
            success in proptest::option::of(-300..0_i64),
            waiting in proptest::option::of(-1_200..0_i64),
        ) -> WaveResult {
            WaveResult {
                waiting_since: waiting.map(at),
                ..result(recovered, failed, unconfirmed, success)
            }
        }
    }

    proptest! {
        #[test]
        fn only_failures_make_a_receiver_count_as_down(result in any_result(), size in 1..=640_usize, known_down: bool) {
            let mut waves = Waves { known_down, ..waves(size) };
            let stop = waves.after(result, at(0));
            let success = result.success || result.recovered > 0;
            prop_assert_eq!(stop == Some(TurnEnd::Down), result.failed > 0 && !success);
            let silence = !success && result.failed == 0;
            let long = result.waiting_since.is_some_and(|since| known_down || since <= at(-600));
            prop_assert_eq!(stop == Some(TurnEnd::Unconfirmed), silence && long);
        }

        #[test]
        fn waves_stay_within_their_sizes(all in proptest::collection::vec(any_result(), 1..30), known_down: bool) {
            let mut waves = Waves { known_down, ..waves(if known_down { 1 } else { FIRST }) };
            for result in all {
                let before = waves.size();
                let stop = waves.after(result, at(0));
                let after = waves.size();
                prop_assert!((1..=LARGEST).contains(&after));
                prop_assert!(stop.is_none() || after == before, "the size of the last wave stays");
                let grows = result.recovered * 2 >= result.recovered + result.failed;
                if stop.is_none() && grows && (result.success || result.recovered > 0) {
                    prop_assert_eq!(after, (before * 2).min(LARGEST));
                } else {
                    prop_assert!(after <= before.max(SMALLEST_WHILE_UP) && after * 2 + 1 >= before);
                }
            }
        }
    }
}
