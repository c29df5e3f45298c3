//! Rows of a log that could not be read, and when each was reported.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};

use crate::remember::state::memory::{Memory, chunks};

impl Memory {
    /// Nothing was left before this time but rows that could not be read.
    pub fn judged_until(&self) -> Option<DateTime<Utc>> {
        match self.unreadable.is_empty() {
            true => self.read_until(),
            false => self.known_until(),
        }
    }

    /// The rows that could not be read, each as often as it was there: when each was reported, the latest first.
    pub fn unreadable(&self) -> HashMap<&str, Vec<DateTime<Utc>>> {
        let mut reported = HashMap::<_, Vec<_>>::new();
        for (time, rows) in self.unreadable.iter().rev() {
            let time = DateTime::from_timestamp_millis(*time);
            for row in chunks(rows) {
                reported.entry(row).or_default().extend(time);
            }
        }
        reported
    }

    /// The time when rows were last reported, if the state had no room for them. All rows in the log by then were
    /// reported.
    pub fn unreadable_left_out(&self) -> Option<DateTime<Utc>> {
        let (time, _) = self.unreadable.iter().find(|(_, rows)| rows.is_empty())?;
        DateTime::from_timestamp_millis(*time)
    }

    /// Characters that the rows take.
    pub(in crate::remember::state) fn unreadable_len(&self) -> usize {
        self.unreadable.values().map(String::len).sum()
    }

    /// Leaves the rows out, and keeps the time when the last of them was reported.
    pub(in crate::remember::state) fn leave_out_unreadable(&mut self) {
        if let Some((time, _)) = self.unreadable.pop_last() {
            self.unreadable = BTreeMap::from([(time, String::new())]);
        }
    }

    /// Remembers the rows that could not be read, and when each was reported. A row without digits represents those
    /// that were left out.
    pub fn set_unreadable(&mut self, rows: &[(String, DateTime<Utc>)]) {
        self.unreadable.clear();
        for (row, time) in rows {
            let reported = self.unreadable.entry(time.timestamp_millis());
            reported.or_default().push_str(row);
        }
    }
}
