//! How long to wait before a request is made again.

use std::time::Duration;

/// How often a request is made again at most.
const REPEATS: u32 = 5;

/// The first wait; each later one is twice as long.
const FIRST: Duration = Duration::from_millis(500);

/// The waits between the tries of one request. Each is up to a quarter longer or shorter than the same of
/// another request, so that what failed together is not repeated together.
pub(crate) struct Waits {
    made: u32,
    number: u64,
}

impl Waits {
    /// Those of the request of this number.
    pub(crate) fn new(number: u64) -> Self {
        Self { made: 0, number }
    }

    /// How many waits there were.
    pub(crate) fn made(&self) -> u32 {
        self.made
    }
}

impl Iterator for Waits {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        if self.made == REPEATS {
            return None;
        }
        let whole = FIRST * 2_u32.pow(self.made);
        self.made += 1;
        // Multiples of the golden ratio lie as far apart as can be.
        let spread = (self.number + u64::from(self.made)) as f64 * 0.618_033_988_749_895;
        Some(whole.mul_f64(0.75 + spread.fract() / 2.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_and_differ_between_requests() {
        let waits = |number| Waits::new(number).collect::<Vec<_>>();
        for number in 0..100 {
            let waits = waits(number);
            assert_eq!(waits.len(), 5);
            for (n, wait) in waits.iter().enumerate() {
                let whole = 0.5 * 2_f64.powi(n as i32);
                let wait = wait.as_secs_f64();
                assert!(
                    (whole * 0.75..=whole * 1.25).contains(&wait),
                    "{wait} {whole}"
                );
            }
        }
        assert_ne!(waits(1), waits(2));
    }
}
