//! Evidence about a webhook's receiver, from its log: was it up around a given time, and is it up now?
//!
//! Pure, and small: one number for each ten minutes in which the receiver accepted something.

use std::collections::BTreeSet;
use std::ops::Range;

use chrono::{DateTime, Utc};

use crate::read::{AttemptOutcome, Row};

/// Length of a slice of time, in seconds. During an outage of the receiver shorter than this, failures may count
/// against a delivery. During longer ones they do not.
const SLICE: i64 = 600;

/// Number of newest attempts that decide if the receiver is up now.
const NEWEST: usize = 20;

/// The time since which a receiver accepts nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Since {
    /// The first failure since its last success.
    pub at: DateTime<Utc>,
    /// True if the log holds no success, so the outage may have begun earlier.
    pub or_earlier: bool,
}

/// Evidence about a receiver, from the attempts of every delivery.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// The slices of time that hold a success.
    up: BTreeSet<i64>,
    /// The slice that was added last, from its beginning to its end.
    last_slice: Option<Range<DateTime<Utc>>>,
    last_success: Option<DateTime<Utc>>,
    oldest: Option<DateTime<Utc>>,
    failing_since: Option<DateTime<Utc>>,
    newest_count: usize,
    newest_succeeded: usize,
    redelivery_among_newest: bool,
}

impl Evidence {
    /// Adds an attempt. Attempts come newest first.
    pub fn add(&mut self, attempt: &Row<'_>) {
        let succeeded = match attempt.outcome() {
            AttemptOutcome::Succeeded => true,
            AttemptOutcome::Failed => false,
            AttemptOutcome::Pending => return,
        };
        let at = attempt.delivered_at;
        if self.oldest.is_none_or(|oldest| at < oldest) {
            self.oldest = Some(at);
        }
        if succeeded {
            self.add_success(at);
            // Rows sometimes swap places: a failure before this success is not part of an outage.
            self.failing_since = self
                .failing_since
                .filter(|since| Some(*since) > self.last_success);
        } else if Some(at) > self.last_success {
            let since = self.failing_since.unwrap_or(at);
            self.failing_since = Some(since.min(at));
        }
        if self.newest_count < NEWEST {
            self.newest_count += 1;
            self.newest_succeeded += usize::from(succeeded);
            self.redelivery_among_newest |= attempt.is_redelivery();
        }
    }

    /// Adds a success, maybe from after the log was read.
    pub fn add_success(&mut self, at: DateTime<Utc>) {
        if self
            .last_slice
            .as_ref()
            .is_none_or(|last| !last.contains(&at))
        {
            let slice = slice_of(at);
            self.up.insert(slice);
            let begins = |slice| DateTime::from_timestamp(slice * SLICE, 0);
            self.last_slice = begins(slice)
                .zip(begins(slice + 1))
                .map(|(begin, end)| begin..end);
        }
        if self.last_success.is_none_or(|last| at > last) {
            self.last_success = Some(at);
        }
    }

    /// True if the receiver was up around this time: the slice that holds it, or one next to it, holds a
    /// success. (A failed delivery has no success, so the success is another delivery's.)
    pub fn was_up(&self, at: DateTime<Utc>) -> bool {
        let slice = slice_of(at);
        let mut around = self.up.range(slice - 1..=slice + 1);
        around.next().is_some()
    }

    /// True if reading more of the log can't change the result of [`was_up`](Self::was_up).
    pub fn covers(&self, at: DateTime<Utc>) -> bool {
        self.oldest
            .is_some_and(|oldest| slice_of(oldest) < slice_of(at) - 1)
    }

    /// True if the receiver accepted anything after this time.
    pub fn success_since(&self, at: DateTime<Utc>) -> bool {
        self.last_success.is_some_and(|success| success > at)
    }

    /// The time since which the receiver accepted nothing, if the log ends with failures.
    pub fn failing_since(&self) -> Option<Since> {
        self.failing_since.map(|at| Since {
            at,
            or_earlier: self.last_success.is_none(),
        })
    }

    /// True if at least half of the newest attempts succeeded.
    pub fn looks_up(&self) -> bool {
        self.newest_count > 0 && self.newest_succeeded * 2 >= self.newest_count
    }

    /// True if none of the newest attempts succeeded.
    pub fn accepts_nothing(&self) -> bool {
        self.newest_count > 0 && self.newest_succeeded == 0
    }

    /// True if none of the newest attempts succeeded, and a redelivery is among them.
    pub fn known_down(&self) -> bool {
        self.accepts_nothing() && self.redelivery_among_newest
    }
}

fn slice_of(at: DateTime<Utc>) -> i64 {
    at.timestamp().div_euclid(SLICE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_790_000_400 + second, 0).unwrap()
    }

    fn attempt(second: i64, code: Option<i64>, redelivery: bool) -> Row<'static> {
        Row {
            redelivery: Some(redelivery),
            status: "".into(),
            code,
            ..Row::failed(1, "g", at(second))
        }
    }

    fn evidence(attempts: &[Row<'_>]) -> Evidence {
        let mut evidence = Evidence::default();
        attempts.iter().for_each(|attempt| evidence.add(attempt));
        evidence
    }

    #[test]
    fn a_time_is_covered_once_the_log_was_read_past_its_neighbouring_slices() {
        let evidence = evidence(&[
            attempt(3_000, None, false),
            attempt(1_250, Some(503), false),
        ]);
        for (second, covered) in [(2_399, false), (2_400, true)] {
            assert_eq!(evidence.covers(at(second)), covered, "{second}");
        }
    }

    #[test]
    fn a_success_shows_that_the_receiver_was_up_in_its_slice_and_the_two_next_to_it() {
        let evidence = evidence(&[attempt(1_250, Some(200), false)]);
        for (second, up) in [
            (599, false),
            (600, true),
            (1_200, true),
            (2_399, true),
            (2_400, false),
        ] {
            assert_eq!(evidence.was_up(at(second)), up, "{second}");
        }
    }

    #[test]
    fn a_success_never_counts_beyond_twenty_minutes() {
        for second in 0..1_200 {
            let evidence = evidence(&[attempt(second, Some(200), false)]);
            let beyond = TimeDelta::seconds(2 * SLICE + 1);
            assert!(!evidence.was_up(at(second) + beyond), "{second}");
            assert!(!evidence.was_up(at(second) - beyond), "{second}");
        }
    }

    #[test]
    fn an_outage_begins_with_the_first_failure_after_the_last_success() {
        let since = |attempts: &[(i64, Option<i64>)]| {
            let attempts: Vec<_> = attempts
                .iter()
                .map(|(second, code)| attempt(*second, *code, false))
                .collect();
            evidence(&attempts).failing_since()
        };
        let from = |second, or_earlier| {
            let at = at(second);
            Some(Since { at, or_earlier })
        };
        let (ok, bad) = (Some(200), Some(503));
        assert_eq!(
            since(&[(9, bad), (8, bad), (7, ok), (6, bad)]),
            from(8, false)
        );
        assert_eq!(since(&[(9, bad), (8, bad)]), from(8, true));
        assert_eq!(since(&[(9, ok), (8, bad)]), None);
        assert_eq!(since(&[(9, None), (8, ok)]), None);
        assert_eq!(since(&[]), None);
        let swapped = since(&[(7, bad), (9, bad), (8, ok)]);
        assert_eq!(swapped, None, "no outage is better than a wrong one");
    }

    #[test]
    fn failed_and_pending_attempts_are_not_successes() {
        let evidence = evidence(&[attempt(3, None, false), attempt(2, Some(503), false)]);
        assert!(!evidence.was_up(at(2)));
        assert!(!evidence.success_since(at(-9)));
        assert!(!evidence.looks_up());
        assert!(!evidence.known_down(), "no redelivery among them");
    }

    #[test]
    fn the_newest_twenty_attempts_decide_if_the_receiver_is_up() {
        let fails = |n: i64| (0..n).map(|second| attempt(-second, Some(503), second == 3));
        let works = |n: i64| (0..n).map(|second| attempt(-100 - second, Some(200), false));
        let of = |down: i64, up: i64| {
            let evidence = evidence(&fails(down).chain(works(up)).collect::<Vec<_>>());
            (evidence.looks_up(), evidence.known_down())
        };
        assert_eq!(of(0, 1), (true, false));
        assert_eq!(of(10, 10), (true, false));
        assert_eq!(of(11, 99), (false, false));
        assert_eq!(of(20, 99), (false, true));
        assert_eq!(of(3, 0), (false, false), "no redelivery among them");
        assert_eq!(of(4, 0), (false, true));
        assert_eq!(of(0, 0), (false, false));
    }
}
