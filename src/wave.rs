//! How big the next wave of redeliveries is, or why there is none, from what was seen of the last.
//!
//! Pure: a small state machine. A receiver that is down is found out by a handful of redeliveries, one
//! that copes gets twice as many each time.

use crate::evidence::Evidence;

/// The first wave, where nothing is known.
const FIRST: usize = 5;

/// The first wave to a receiver that accepts at least half of what it gets.
const FIRST_TO_ONE_THAT_IS_UP: usize = 80;

/// The largest wave.
const LARGEST: usize = 640;

/// Waves in a row of which nothing was seen, after which a webhook's turn ends.
const UNSEEN: u32 = 5;

/// What the log showed of a wave, and of everything else since it began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Deliveries of the wave that succeeded.
    pub recovered: usize,
    /// Deliveries of the wave that failed again.
    pub failed: usize,
    /// Deliveries of the wave of which nothing is known.
    pub unseen: usize,
    /// The receiver accepted something, of the wave or else.
    pub success: bool,
}

/// Why no further wave follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The receiver accepts nothing.
    Down,
    /// GitHub's log shows nothing of what was asked for.
    Unseen,
}

impl Stop {
    /// For people, as the reason why the rest is deferred.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Down => "the receiver is down",
            Self::Unseen => "GitHub's log does not show yet what was asked for",
        }
    }
}

/// The waves of one webhook.
#[derive(Debug)]
pub struct Waves {
    size: usize,
    known_down: bool,
    unseen_in_a_row: u32,
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
            unseen_in_a_row: 0,
        }
    }

    /// How many deliveries the next wave has.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Learns from a wave. Tells why there is to be no other, if so.
    pub fn after(&mut self, seen: Seen) -> Option<Stop> {
        let wave = seen.recovered + seen.failed + seen.unseen;
        let success = seen.success || seen.recovered > 0;
        if !success && seen.failed == 0 {
            self.unseen_in_a_row += 1;
            let enough = self.known_down || self.unseen_in_a_row >= UNSEEN;
            return enough.then_some(Stop::Unseen);
        }
        self.unseen_in_a_row = 0;
        if !success {
            return Some(Stop::Down);
        }
        self.known_down = false;
        if seen.failed == 0 {
            self.size = (self.size * 2).min(LARGEST);
        } else if seen.recovered * 2 < wave {
            self.size = (self.size / 2).max(1);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waves(size: usize) -> Waves {
        Waves {
            size,
            known_down: false,
            unseen_in_a_row: 0,
        }
    }

    fn seen(recovered: usize, failed: usize, unseen: usize, success: bool) -> Seen {
        Seen {
            recovered,
            failed,
            unseen,
            success,
        }
    }

    #[test]
    fn what_is_seen_decides_the_size() {
        for (before, seen, stop, after) in [
            (5, seen(5, 0, 0, true), None, 10),
            (5, seen(1, 0, 4, true), None, 10),
            (5, seen(0, 0, 5, true), None, 10),
            (5, seen(5, 0, 0, false), None, 10),
            (640, seen(640, 0, 0, true), None, 640),
            (8, seen(4, 4, 0, true), None, 8),
            (8, seen(3, 5, 0, true), None, 4),
            (8, seen(0, 8, 0, true), None, 4),
            (1, seen(0, 1, 0, true), None, 1),
            (5, seen(0, 5, 0, false), Some(Stop::Down), 5),
            (5, seen(0, 1, 4, false), Some(Stop::Down), 5),
            (5, seen(0, 0, 5, false), None, 5),
        ] {
            let mut waves = waves(before);
            assert_eq!(waves.after(seen), stop, "{seen:?}");
            assert_eq!(waves.size(), after, "{seen:?}");
        }
    }

    #[test]
    fn the_fifth_unseen_wave_in_a_row_is_the_last() {
        let mut waves = waves(5);
        let nothing = seen(0, 0, 5, false);
        for _ in 0..4 {
            assert_eq!(waves.after(nothing), None);
        }
        assert_eq!(waves.after(seen(1, 0, 4, true)), None);
        for _ in 0..4 {
            assert_eq!(waves.after(nothing), None);
        }
        assert_eq!(waves.after(nothing), Some(Stop::Unseen));
    }

    #[test]
    fn where_the_receiver_was_down_the_first_unseen_wave_is_the_last() {
        let mut down = waves(1);
        down.known_down = true;
        assert_eq!(down.after(seen(0, 0, 1, false)), Some(Stop::Unseen));
        let mut back = waves(1);
        back.known_down = true;
        assert_eq!(back.after(seen(1, 0, 0, true)), None);
        assert_eq!(back.after(seen(0, 0, 2, false)), None);
    }
}
