//! Numbers by chance that a seed decides.

use std::ops::Range;

/// SplitMix64: <https://prng.di.unimi.it/splitmix64.c>.
#[derive(Clone, Debug)]
pub(super) struct Random(u64);

impl Random {
    /// The draws of one stream of a seed. The use of one stream does not change the others.
    pub(super) fn new(seed: u64, stream: u64) -> Self {
        let mut whole = Self(seed);
        let seed = whole.next();
        Self(seed ^ Self(stream).next())
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    pub(super) fn within(&mut self, range: Range<i64>) -> i64 {
        let width = (range.end - range.start).max(1).unsigned_abs();
        range.start + (self.next() % width).cast_signed()
    }

    /// True so many times in a hundred.
    pub(super) fn chance(&mut self, percent: i64) -> bool {
        self.within(0..100) < percent
    }

    pub(super) fn one_of<T: Copy>(&mut self, these: &[T]) -> T {
        these[self.within(0..these.len() as i64) as usize]
    }
}
