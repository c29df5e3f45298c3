//! Folds a webhook's delivery log, newest attempt first, into the deliveries that failed.
//!
//! Pure: pages come in, failed deliveries come out. Only deliveries that may still be open are kept, so memory
//! grows with the number of failures and not with the number of rows. A success is remembered until the page after
//! its original, because the rows of one page come in any order, and some swap places with their neighbours on the
//! next page.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};

use crate::model::Guid;
use crate::model::{Attempt, FailedDelivery, FirstAttempt, LatestAttempt, Window};
use crate::read::evidence::Evidence;
use crate::read::{AttemptOutcome, Row};

/// The open deliveries that an earlier pass remembered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Remembered {
    /// The deliveries.
    pub failures: Vec<FailedDelivery>,
    /// Their counts include every redelivery before this time, so the fold does not count those again.
    pub counted_until: Option<DateTime<Utc>>,
    /// Fingerprints of the GUIDs of lost deliveries, whose originals need not be found.
    pub lost: HashSet<String>,
}

/// The point at which reading a log ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScanEnd {
    /// To its last row.
    Log,
    /// Past the start of the window, and the original of every failed delivery was read.
    Window,
    /// Past the start of GitHub's retention.
    Retention,
    /// Reading stopped early: older rows were not read.
    Broken,
}

/// State of one GUID in the fold.
enum Known {
    /// An attempt succeeded, so older rows of this GUID do not matter.
    Delivered,
    Failed(Box<OpenDelivery>),
}

/// A delivery that may turn out to be open.
#[derive(Clone)]
struct OpenDelivery {
    newest: LatestAttempt,
    original: Option<DateTime<Utc>>,
    oldest: DateTime<Utc>,
    attempts: Vec<Attempt>,
    in_pass: bool,
    earlier_redeliveries: usize,
    earlier_failures_while_up: usize,
    /// An earlier pass remembered the delivery and counted its earlier redeliveries.
    remembered: bool,
    /// An earlier pass found it lost.
    lost: bool,
}

impl OpenDelivery {
    fn lacks_original(&self) -> bool {
        self.in_pass && self.original.is_none() && !self.lost
    }
}

/// The fold itself: feed it pages until [`Fold::end`] returns a value.
pub struct Fold {
    window: Window,
    known: HashMap<Guid, Known>,
    /// Deliveries that need no older rows, by the page that showed it: the page before, and this one. They are forgotten
    /// a page later.
    finished_before: Vec<Guid>,
    finished: Vec<Guid>,
    without_original: usize,
    counted_until: Option<DateTime<Utc>>,
    lost: HashSet<String>,
    evidence: Evidence,
    scanned: u64,
    end: Option<ScanEnd>,
}

impl Fold {
    /// Creates a fold for this window that begins with the open deliveries of an earlier pass.
    pub fn new(window: Window, remembered: Remembered) -> Self {
        let known = remembered.failures.into_iter().filter_map(|failure| {
            let open = OpenDelivery::remembered(&failure)?;
            Some((failure.guid, Known::Failed(Box::new(open))))
        });
        Self {
            window,
            known: known.collect(),
            finished_before: Vec::new(),
            finished: Vec::new(),
            without_original: 0,
            counted_until: remembered.counted_until,
            lost: remembered.lost,
            evidence: Evidence::default(),
            scanned: 0,
            end: None,
        }
    }

    /// Number of attempts folded so far.
    pub fn scanned(&self) -> u64 {
        self.scanned
    }

    /// Evidence about the receiver so far.
    pub fn evidence(&self) -> &Evidence {
        &self.evidence
    }

    /// True if an attempt of this delivery is known to have succeeded.
    pub fn is_delivered(&self, guid: &Guid) -> bool {
        matches!(self.known.get(guid), Some(Known::Delivered))
    }

    /// Marks a remembered delivery as delivered, when another source shows that. Has no effect on any other delivery.
    pub fn mark_delivered(&mut self, guid: &Guid) {
        if matches!(self.known.get(guid), Some(Known::Failed(open)) if open.remembered) {
            self.known.insert(guid.clone(), Known::Delivered);
        }
    }

    /// A remembered delivery that is still open, with its attempts in the log so far.
    pub fn remembered(&self, guid: &Guid) -> Option<FailedDelivery> {
        match self.known.get(guid) {
            Some(Known::Failed(open)) if open.remembered => {
                Some(open.clone().into_failure(guid.clone(), ScanEnd::Window))
            }
            _ => None,
        }
    }

    /// The reason why no further page is needed, once that is so.
    pub fn end(&self) -> Option<ScanEnd> {
        self.end
    }

    /// Folds one page. Its rows may come in any order: they are sorted by time, and where times
    /// are equal a redelivery counts as newer than its original.
    pub fn fold(&mut self, mut page: Vec<Row<'_>>) {
        let key = |x: &Row<'_>| Reverse((x.delivered_at, x.is_redelivery(), x.id));
        // Most pages are in order, and some builds of the standard library are slow to notice that.
        if !page.is_sorted_by_key(key) {
            page.sort_unstable_by_key(key);
        }
        let newest = page.first().map(|attempt| attempt.delivered_at);
        for attempt in &page {
            self.scanned += 1;
            self.fold_attempt(attempt);
        }
        self.forget_finished();
        self.end = newest.and_then(|newest| {
            if newest < self.window.retention_start {
                Some(ScanEnd::Retention)
            } else if newest < self.window.start && self.without_original == 0 {
                Some(ScanEnd::Window)
            } else {
                None
            }
        });
    }

    fn fold_attempt(&mut self, attempt: &Row<'_>) {
        self.evidence.add(attempt);
        let at = attempt.delivered_at;
        let in_window = at >= self.window.start && self.window.end.is_none_or(|end| at < end);
        let succeeded = attempt.outcome() == AttemptOutcome::Succeeded;
        // Older rows of a delivery matter until its original was read. A row without the field may be a
        // redelivery.
        let original = attempt.redelivery == Some(false);
        let guid = &attempt.guid;
        let Some(known) = self.known.get_mut(guid) else {
            self.begin(attempt, in_window, succeeded);
            return;
        };
        match known {
            Known::Delivered => {
                if original {
                    self.finished.push(guid.clone());
                }
            }
            Known::Failed(open) => {
                let lacked = open.lacks_original();
                if succeeded {
                    self.without_original -= usize::from(lacked);
                    // The original of a remembered delivery may still follow.
                    let read = open.original.is_some() && !open.remembered;
                    if original || read || !open.in_pass {
                        self.finished.push(guid.clone());
                    }
                    *known = Known::Delivered;
                } else if !open.remembered || Some(at) >= self.counted_until {
                    open.absorb(attempt, in_window);
                    self.without_original -= usize::from(lacked);
                    self.without_original += usize::from(open.lacks_original());
                }
            }
        }
    }

    /// Adds the first known attempt of a delivery.
    fn begin(&mut self, attempt: &Row<'_>, in_window: bool, succeeded: bool) {
        let guid = &attempt.guid;
        // A delivery that began and ended before the window is only kept for a page: a row of the same
        // delivery that is in the window may still follow.
        if !in_window || (succeeded && attempt.redelivery == Some(false)) {
            self.finished.push(guid.clone());
        }
        let known = if succeeded {
            Known::Delivered
        } else {
            let mut open = OpenDelivery::new(attempt, in_window);
            open.lost = !self.lost.is_empty() && self.lost.contains(&guid.fingerprint());
            self.without_original += usize::from(open.lacks_original());
            Known::Failed(Box::new(open))
        };
        self.known.insert(guid.clone(), known);
    }

    fn forget_finished(&mut self) {
        for guid in self.finished_before.drain(..) {
            // A row of it that is in the window may have followed since.
            match self.known.remove(&guid) {
                Some(Known::Failed(open)) if open.in_pass => {
                    self.known.insert(guid, Known::Failed(open));
                }
                _ => {}
            }
        }
        std::mem::swap(&mut self.finished_before, &mut self.finished);
    }

    /// Returns the failed deliveries of the pass, in no particular order, and the evidence about the receiver. `end` is
    /// how far the log was read.
    pub fn into_failures(self, end: ScanEnd) -> (Vec<FailedDelivery>, Evidence) {
        let failures = self
            .known
            .into_iter()
            .filter_map(|(guid, known)| match known {
                Known::Failed(open) if open.in_pass => Some(open.into_failure(guid, end)),
                Known::Failed(_) | Known::Delivered => None,
            })
            .collect();
        (failures, self.evidence)
    }
}

impl OpenDelivery {
    fn remembered(failure: &FailedDelivery) -> Option<Self> {
        let first = failure.first.time()?;
        Some(Self {
            newest: failure.newest.clone(),
            original: Some(first),
            oldest: first,
            attempts: Vec::new(),
            in_pass: true,
            earlier_redeliveries: failure.earlier_redeliveries,
            earlier_failures_while_up: failure.earlier_failures_while_up,
            remembered: true,
            lost: false,
        })
    }

    fn new(attempt: &Row<'_>, in_pass: bool) -> Self {
        Self {
            original: (!attempt.is_redelivery()).then_some(attempt.delivered_at),
            oldest: attempt.delivered_at,
            attempts: vec![Attempt::from(attempt)],
            in_pass,
            earlier_redeliveries: 0,
            earlier_failures_while_up: 0,
            remembered: false,
            lost: false,
            newest: LatestAttempt::from(attempt),
        }
    }

    /// Adds one more attempt that did not succeed, from anywhere in the log.
    fn absorb(&mut self, attempt: &Row<'_>, in_window: bool) {
        // A log that grows while it is read may show a row twice.
        if self.attempts.iter().any(|known| known.id == attempt.id) {
            return;
        }
        self.attempts.push(Attempt::from(attempt));
        self.in_pass |= in_window;
        self.oldest = self.oldest.min(attempt.delivered_at);
        if !attempt.is_redelivery() {
            self.original = Some(attempt.delivered_at);
        }
        // A row that was pending in an earlier pass may have an outcome by now.
        if attempt.delivered_at > self.newest.at || attempt.id == self.newest.id {
            self.newest = LatestAttempt::from(attempt);
        }
    }

    fn into_failure(self, guid: Guid, end: ScanEnd) -> FailedDelivery {
        let first = match (self.original, end) {
            // Later attempts of a remembered delivery may not have been read, unless its original was.
            (Some(_), ScanEnd::Broken)
                if self.remembered && self.attempts.iter().all(|attempt| attempt.redelivery) =>
            {
                FirstAttempt::Unknown
            }
            (Some(time), _) => FirstAttempt::At(time),
            (None, ScanEnd::Log) => FirstAttempt::At(self.oldest),
            (None, ScanEnd::Window | ScanEnd::Retention) => FirstAttempt::BeyondRetention,
            (None, ScanEnd::Broken) => FirstAttempt::Unknown,
        };
        FailedDelivery {
            guid,
            newest: self.newest,
            first,
            attempts: self.attempts,
            earlier_redeliveries: self.earlier_redeliveries,
            earlier_failures_while_up: self.earlier_failures_while_up,
        }
    }
}

#[cfg(test)]
pub(crate) mod properties;
#[cfg(test)]
mod tests;
