//! Unreadable rows of a log, and their places among the readable ones.

use chrono::{DateTime, Utc};

use crate::read::Row;
use crate::read::UnreadableRow;

/// The unreadable rows of a log and their places, as far as it was read.
#[derive(Default)]
pub(super) struct UnreadablePlaces {
    rows: Vec<Unreadable>,
    /// The time of the row before the next page.
    before: Option<DateTime<Utc>>,
}

/// A row that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// 12 hex digits that distinguish it from others.
    pub fingerprint: String,
    /// The parse error.
    pub reason: String,
    /// The time of the next newer row that could be read.
    newer: Option<DateTime<Utc>>,
    /// The time of the next older row that could be read.
    pub older: Option<DateTime<Utc>>,
}

impl UnreadablePlaces {
    /// Adds a page.
    pub(super) fn add(&mut self, attempts: &[Row<'_>], unreadable: Vec<UnreadableRow>) {
        let mut times = attempts.iter().map(|attempt| attempt.delivered_at);
        if unreadable.is_empty() && self.without_older().next().is_none() {
            self.before = times.next_back().or(self.before);
            return;
        }
        let mut times: Vec<_> = times.collect();
        // On a page in another order, any row may be the oldest or the newest.
        let in_order = times.is_sorted_by(|newer, older| newer >= older);
        times.sort_unstable_by(|one, other| other.cmp(one));
        self.without_older()
            .for_each(|row| row.older = times.first().copied());
        for UnreadableRow {
            place,
            fingerprint,
            reason,
        } in unreadable
        {
            let before = if in_order {
                place.checked_sub(1)
            } else {
                Some(0)
            };
            let after = if in_order { place } else { times.len() };
            let newer = before.and_then(|before| times.get(before));
            self.rows.push(Unreadable {
                fingerprint,
                reason,
                newer: newer.copied().or(self.before),
                older: times.get(after).copied(),
            });
        }
        self.before = times.last().copied().or(self.before);
    }

    /// The rows at the end, whose next older row is not known yet.
    fn without_older(&mut self) -> impl Iterator<Item = &mut Unreadable> {
        let rows = self.rows.iter_mut().rev();
        rows.take_while(|row| row.older.is_none())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The rows that may be from `start` or later.
    pub(super) fn since(mut self, start: DateTime<Utc>) -> Vec<Unreadable> {
        let may_be_since = |row: &Unreadable| row.newer.is_none_or(|newer| newer >= start);
        self.rows.retain(may_be_since);
        for row in &mut self.rows {
            row.older = row.older.filter(|older| *older >= start);
        }
        self.rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(minute * 60, 0).unwrap()
    }

    /// The minutes of each unreadable row's neighbours. Rows are given by their minutes; `None` is an unreadable row.
    fn neighbours(pages: &[&[Option<i64>]], start: i64) -> Vec<(Option<i64>, Option<i64>)> {
        let mut rows = UnreadablePlaces::default();
        for page in pages {
            let (mut attempts, mut unreadable) = (Vec::new(), Vec::new());
            for row in *page {
                match row {
                    Some(minute) => attempts.push(Row::succeeded(1, "g", at(*minute))),
                    None => unreadable.push(UnreadableRow {
                        place: attempts.len(),
                        fingerprint: String::new(),
                        reason: String::new(),
                    }),
                }
            }
            rows.add(&attempts, unreadable);
        }
        let minute = |time: DateTime<Utc>| time.timestamp() / 60;
        let rows = rows.since(at(start)).into_iter();
        rows.map(|row| (row.newer.map(minute), row.older.map(minute)))
            .collect()
    }

    #[test]
    fn a_row_is_placed_between_its_readable_neighbours() {
        let page: &[_] = &[Some(9), None, None, Some(8), Some(7), None];
        assert_eq!(
            neighbours(&[page, &[], &[None], &[Some(5), None]], 0),
            [
                (Some(9), Some(8)),
                (Some(9), Some(8)),
                (Some(7), Some(5)),
                (Some(7), Some(5)),
                (Some(5), None)
            ]
        );
        assert_eq!(neighbours(&[&[None], &[Some(3)]], 0), [(None, Some(3))]);
        assert_eq!(neighbours(&[&[None, None]], 0), [(None, None); 2]);
    }

    #[test]
    fn a_row_counts_if_it_may_be_in_the_window() {
        let page: &[_] = &[None, Some(9), None, Some(5), None, Some(1)];
        assert_eq!(
            neighbours(&[page], 5),
            [(None, Some(9)), (Some(9), Some(5)), (Some(5), None)]
        );
        assert_eq!(neighbours(&[page], 6), [(None, Some(9)), (Some(9), None)]);
        assert_eq!(neighbours(&[page], 10), [(None, None)]);
    }

    #[test]
    fn on_a_page_in_another_order_a_row_may_be_the_newest_or_the_oldest() {
        let page: &[_] = &[Some(5), None, Some(9), Some(7)];
        assert_eq!(neighbours(&[page, &[Some(4)]], 0), [(Some(9), Some(4))]);
    }
}
