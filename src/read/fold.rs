//! Folds a webhook's delivery log, newest attempt first, into the deliveries that failed.
//!
//! Pure: pages come in, failed deliveries come out. Only what may still be open is kept, so memory
//! grows with what failed and not with what was read. A success is remembered until a page after
//! its original went by, because rows of one page come in any order and now and then swap places
//! with their neighbours on the next.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};

use crate::model::Guid;
use crate::model::{Attempt, FailedDelivery, FirstAttempt, LatestAttempt, Window};
use crate::read::evidence::Evidence;
use crate::read::{AttemptOutcome, Row};

/// The open deliveries that an earlier pass saw.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Remembered {
    /// The deliveries.
    pub failures: Vec<FailedDelivery>,
    /// What they had before this time is in their numbers, and is not counted again.
    pub counted: Option<DateTime<Utc>>,
    /// Deliveries that were lost, by the digits of their GUIDs: nobody looks for their originals.
    pub lost: HashSet<String>,
}

/// How far the log was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScanEnd {
    /// To its last row.
    Log,
    /// Past the start of the window, and every failed delivery's original was seen.
    Window,
    /// Past what GitHub would redeliver.
    Retention,
    /// Reading broke off: older rows were not seen.
    Broken,
}

/// What the fold knows of one GUID.
enum Known {
    /// An attempt succeeded; older rows of this GUID mean nothing.
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
    made_before: usize,
    counted_before: usize,
    /// An earlier pass saw the delivery, and counted what was before its time.
    remembered: bool,
    /// An earlier pass lost it.
    lost: bool,
}

impl OpenDelivery {
    fn lacks_original(&self) -> bool {
        self.in_pass && self.original.is_none() && !self.lost
    }
}

/// The fold itself: feed it pages until it says how far is enough.
pub struct Fold {
    window: Window,
    known: HashMap<Guid, Known>,
    /// Settled on the page before, and on this one: forgotten a page later.
    settled_before: Vec<Guid>,
    settled: Vec<Guid>,
    without_original: usize,
    counted: Option<DateTime<Utc>>,
    lost: HashSet<String>,
    evidence: Evidence,
    scanned: u64,
    end: Option<ScanEnd>,
}

impl Fold {
    /// A history of this window that begins with the open deliveries of an earlier pass.
    pub fn new(window: Window, remembered: Remembered) -> Self {
        let known = remembered.failures.into_iter().filter_map(|failure| {
            let open = OpenDelivery::remembered(&failure)?;
            Some((failure.guid, Known::Failed(Box::new(open))))
        });
        Self {
            window,
            known: known.collect(),
            settled_before: Vec::new(),
            settled: Vec::new(),
            without_original: 0,
            counted: remembered.counted,
            lost: remembered.lost,
            evidence: Evidence::default(),
            scanned: 0,
            end: None,
        }
    }

    /// How many attempts were folded.
    pub fn scanned(&self) -> u64 {
        self.scanned
    }

    /// What the log says of the receiver so far.
    pub fn evidence(&self) -> &Evidence {
        &self.evidence
    }

    /// Whether an attempt of this delivery is known to have succeeded.
    pub fn is_delivered(&self, guid: &Guid) -> bool {
        matches!(self.known.get(guid), Some(Known::Delivered))
    }

    /// Learns from elsewhere that a delivery was delivered, which matters for those that were remembered.
    pub fn learn_delivered(&mut self, guid: &Guid) {
        if matches!(self.known.get(guid), Some(Known::Failed(open)) if open.remembered) {
            self.known.insert(guid.clone(), Known::Delivered);
        }
    }

    /// An open delivery that was remembered, with what the log showed of it so far.
    pub fn remembered(&self, guid: &Guid) -> Option<FailedDelivery> {
        match self.known.get(guid) {
            Some(Known::Failed(open)) if open.remembered => {
                Some(open.clone().into_failure(guid.clone(), ScanEnd::Window))
            }
            _ => None,
        }
    }

    /// Why no further page is needed, once none is.
    pub fn end(&self) -> Option<ScanEnd> {
        self.end
    }

    /// Folds one page. Its rows may come in any order: they are sorted by time, and where times
    /// are equal a redelivery counts as newer than its original.
    pub fn fold(&mut self, mut page: Vec<Row<'_>>) {
        let key = |x: &Row<'_>| Reverse((x.delivered_at, x.is_redelivery(), x.id));
        // Most pages are in order, and the standard library may be one that finds that out the slow way.
        if !page.is_sorted_by_key(key) {
            page.sort_unstable_by_key(key);
        }
        let newest = page.first().map(|attempt| attempt.delivered_at);
        for attempt in &page {
            self.scanned += 1;
            self.fold_attempt(attempt);
        }
        self.forget_settled();
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
        // Older rows of a delivery matter until its original went by. What does not say that it is
        // one may be a redelivery.
        let original = attempt.redelivery == Some(false);
        let guid = &attempt.guid;
        let Some(known) = self.known.get_mut(guid) else {
            self.begin(attempt, in_window, succeeded);
            return;
        };
        match known {
            Known::Delivered => {
                if original {
                    self.settled.push(guid.clone());
                }
            }
            Known::Failed(open) => {
                let lacked = open.lacks_original();
                if succeeded {
                    self.without_original -= usize::from(lacked);
                    // Of a remembered one the original may still be read.
                    let read = open.original.is_some() && !open.remembered;
                    if original || read || !open.in_pass {
                        self.settled.push(guid.clone());
                    }
                    *known = Known::Delivered;
                } else if !open.remembered || Some(at) >= self.counted {
                    open.absorb(attempt, in_window);
                    self.without_original -= usize::from(lacked);
                    self.without_original += usize::from(open.lacks_original());
                }
            }
        }
    }

    /// Takes in an attempt of a delivery that nothing is known of.
    fn begin(&mut self, attempt: &Row<'_>, in_window: bool, succeeded: bool) {
        let guid = &attempt.guid;
        // What began and ended before the window is only kept for a page: a row of the same
        // delivery that is in the window may yet follow.
        if !in_window || (succeeded && attempt.redelivery == Some(false)) {
            self.settled.push(guid.clone());
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

    fn forget_settled(&mut self) {
        for guid in self.settled_before.drain(..) {
            // A row of it that is in the window may have followed.
            match self.known.remove(&guid) {
                Some(Known::Failed(open)) if open.in_pass => {
                    self.known.insert(guid, Known::Failed(open));
                }
                _ => {}
            }
        }
        std::mem::swap(&mut self.settled_before, &mut self.settled);
    }

    /// The failed deliveries of the pass, in no order, given how far the log was read, and what the
    /// log says of the receiver.
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
            made_before: failure.made_before,
            counted_before: failure.counted_before,
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
            made_before: 0,
            counted_before: 0,
            remembered: false,
            lost: false,
            newest: LatestAttempt::from(attempt),
        }
    }

    /// Takes in one more attempt that did not succeed, from anywhere in the log.
    fn absorb(&mut self, attempt: &Row<'_>, in_window: bool) {
        // A log that grows while it is read may show a row twice.
        if self.attempts.iter().any(|seen| seen.id == attempt.id) {
            return;
        }
        self.attempts.push(Attempt::from(attempt));
        self.in_pass |= in_window;
        self.oldest = self.oldest.min(attempt.delivered_at);
        if !attempt.is_redelivery() {
            self.original = Some(attempt.delivered_at);
        }
        // A row that was pending when an earlier pass saw it may have an outcome by now.
        if attempt.delivered_at > self.newest.at || attempt.id == self.newest.id {
            self.newest = LatestAttempt::from(attempt);
        }
    }

    fn into_failure(self, guid: Guid, end: ScanEnd) -> FailedDelivery {
        let first = match (self.original, end) {
            // What came of it since it was remembered may not have been read, unless its original was.
            (Some(_), ScanEnd::Broken)
                if self.remembered && self.attempts.iter().all(|seen| seen.redelivery) =>
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
            made_before: self.made_before,
            counted_before: self.counted_before,
        }
    }
}

#[cfg(test)]
pub(crate) mod properties;
#[cfg(test)]
mod tests;
