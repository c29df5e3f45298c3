//! A webhook's delivery log: ordered, and quick to page through with a million rows.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;

use chrono::{DateTime, Utc};

use crate::Attempt;

/// The first id given out. GitHub's ids passed 2^53 in February 2026; this one is like those seen since.
pub(crate) const FIRST_ID: u64 = 3_804_004_623_172_239_366;

/// The order of the log, oldest first.
type Key = (DateTime<Utc>, u64);

/// GitHub's `status` filter.
///
/// It goes by code: 200-399 is a success and 400-599 a failure, so 0 is neither. Source:
/// <https://docs.github.com/rest/repos/webhooks#list-deliveries-for-a-repository-webhook>.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Filter {
    All,
    Success,
    Failure,
}

impl Filter {
    fn lets_through(self, attempt: &Attempt) -> bool {
        match self {
            Self::All => true,
            Self::Success => attempt
                .status_code
                .is_some_and(|code| (200..400).contains(&code)),
            Self::Failure => attempt
                .status_code
                .is_some_and(|code| (400..600).contains(&code)),
        }
    }
}

#[derive(Debug, Clone)]
struct Row {
    attempt: Attempt,
    /// `None`: at once.
    visible_from: Option<DateTime<Utc>>,
}

/// A page of the log.
pub(crate) struct Page<'a> {
    pub(crate) attempts: Vec<&'a Attempt>,
    /// The id after which the next page begins, while there is one.
    pub(crate) next: Option<u64>,
}

#[derive(Debug, Clone)]
pub(crate) struct Log {
    rows: BTreeMap<Key, Row>,
    delivered_at: HashMap<u64, DateTime<Utc>>,
    next_id: u64,
}

impl Log {
    pub(crate) fn new() -> Self {
        Self {
            rows: BTreeMap::new(),
            delivered_at: HashMap::new(),
            next_id: FIRST_ID,
        }
    }

    /// Makes the ids of different webhooks differ, so that tests detect a client that mixes webhooks up.
    pub(crate) fn start_ids_at(&mut self, id: u64) {
        self.next_id = self.next_id.max(id);
    }

    /// Adds a row, or replaces the one with the same id.
    pub(crate) fn insert(
        &mut self,
        mut attempt: Attempt,
        visible_from: Option<DateTime<Utc>>,
    ) -> u64 {
        if attempt.id == 0 {
            attempt.id = self.next_id;
        }
        let id = attempt.id;
        self.next_id = self.next_id.max(id.saturating_add(1));
        if let Some(before) = self.delivered_at.insert(id, attempt.delivered_at) {
            self.rows.remove(&(before, id));
        }
        self.rows.insert(
            (attempt.delivered_at, id),
            Row {
                attempt,
                visible_from,
            },
        );
        id
    }

    /// The row with this id, once it is visible.
    pub(crate) fn get(&self, id: u64, now: DateTime<Utc>) -> Option<&Attempt> {
        let key = (*self.delivered_at.get(&id)?, id);
        self.rows
            .get(&key)
            .filter(|row| is_visible(row, now))
            .map(|row| &row.attempt)
    }

    /// Every visible row, newest first.
    pub(crate) fn newest_first(&self, now: DateTime<Utc>) -> impl Iterator<Item = &Attempt> {
        self.before(Bound::Unbounded, now)
    }

    /// The page of at most `size` rows after the row `after`; `None` when there is no such row.
    pub(crate) fn page(
        &self,
        after: Option<u64>,
        size: usize,
        filter: Filter,
        now: DateTime<Utc>,
    ) -> Option<Page<'_>> {
        let end = match after {
            None => Bound::Unbounded,
            Some(id) => Bound::Excluded((*self.delivered_at.get(&id)?, id)),
        };
        let mut attempts: Vec<&Attempt> = self
            .before(end, now)
            .filter(|attempt| filter.lets_through(attempt))
            .take(size + 1)
            .collect();
        let more = attempts.len() > size;
        attempts.truncate(size);
        let next = attempts.last().filter(|_| more).map(|attempt| attempt.id);
        Some(Page { attempts, next })
    }

    fn before(&self, end: Bound<Key>, now: DateTime<Utc>) -> impl Iterator<Item = &Attempt> {
        self.rows
            .range((Bound::Unbounded, end))
            .rev()
            .map(|(_, row)| row)
            .filter(move |row| is_visible(row, now))
            .map(|row| &row.attempt)
    }
}

fn is_visible(row: &Row, now: DateTime<Utc>) -> bool {
    row.visible_from.is_none_or(|from| from <= now)
}
