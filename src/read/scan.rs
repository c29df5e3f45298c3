//! Reads one webhook's log as far back as the fold needs it.

mod unreadable;

use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::time::Instant;

use crate::github::{Client, DeliveryLog, Error, Page, RequestError};
use crate::model::Guid;
use crate::model::Webhook;
use crate::model::{FailedDelivery, Window};
use crate::read::evidence::Evidence;
use crate::read::fold::{Fold, Remembered, ScanEnd};
use crate::read::progress::Phase;
use crate::read::{Row, rows};
use crate::stop::{Stop, StopReason};
use unreadable::UnreadablePlaces;

pub use unreadable::Unreadable;

/// A log with this many empty pages in a row counts as endless.
const EMPTY_PAGES: u32 = 20;

/// A log also counts as endless after this many pages whose rows are no older than those before: 10,000 deliveries at
/// one time.
const PAGES_NO_OLDER: u32 = 100;

/// The reading of one webhook's log.
pub struct Scan {
    log: DeliveryLog,
    fold: Fold,
    began: Instant,
    pages: u32,
    depth: Depth,
    window_start: DateTime<Utc>,
    /// The log is new from this time on: an earlier pass has read all older rows.
    new_since: Option<DateTime<Utc>>,
    unreadable: UnreadablePlaces,
    broken: Option<Error>,
    ended: bool,
}

/// The depth of the pages of a log: the age of the oldest page so far.
#[derive(Default)]
pub struct Depth {
    /// The newest row of the oldest page, because a single row is sometimes in the wrong place.
    newest: Option<DateTime<Utc>>,
    empty: u32,
    no_older: u32,
}

impl Depth {
    /// Adds the next page.
    ///
    /// # Errors
    /// The log is endless: many pages in a row are no older than those before.
    pub fn reach(
        &mut self,
        page: &Page,
        attempts: &[Row<'_>],
        all_readable: bool,
    ) -> Result<(), Error> {
        if attempts.is_empty() && all_readable {
            self.empty += 1;
            return match self.empty {
                EMPTY_PAGES => Err(page.malformed("page after page of its log is empty")),
                _ => Ok(()),
            };
        }
        self.empty = 0;
        let newest = attempts.iter().map(|attempt| attempt.delivered_at).max();
        if newest.is_some_and(|newest| self.newest.is_none_or(|before| newest < before)) {
            self.newest = newest;
            self.no_older = 0;
        } else {
            self.no_older += 1;
        }
        match self.no_older {
            PAGES_NO_OLDER => {
                Err(page.malformed("page after page of its log is no older than the one before"))
            }
            _ => Ok(()),
        }
    }

    /// True if a page was reached whose rows are all older than this.
    fn is_below(&self, time: DateTime<Utc>) -> bool {
        self.newest.is_some_and(|newest| newest < time)
    }
}

/// The result of reading a log.
pub struct ScanResult {
    /// The failed deliveries of the pass.
    pub failures: Vec<FailedDelivery>,
    /// Evidence about the receiver.
    pub evidence: Evidence,
    /// Pages read.
    pub pages: u32,
    /// Attempts read.
    pub scanned: u64,
    /// Time that the reading took.
    pub took: Duration,
    /// Rows that could not be read and may be in the window, newest first.
    pub unreadable: Vec<Unreadable>,
    /// True if the log was read as far back as necessary. If not, `failures` still holds the deliveries that were read
    /// whole.
    pub complete: bool,
    /// True if everything since the window's start was read.
    pub reached_window: bool,
    /// The error that ended the reading early, if one did.
    pub broken: Option<Error>,
    /// The reason why the pass ended the reading early, if it did.
    pub stopped: Option<StopReason>,
}

impl Scan {
    /// Begins to read `webhook`'s log, with the open deliveries that an earlier pass remembered. `new_since`: an
    /// earlier pass has read all older rows.
    pub fn new(
        client: &Client,
        webhook: &Webhook,
        window: Window,
        new_since: Option<DateTime<Utc>>,
        remembered: Remembered,
    ) -> Self {
        Self {
            log: DeliveryLog::new(client, webhook),
            fold: Fold::new(window, remembered),
            began: Instant::now(),
            pages: 0,
            depth: Depth::default(),
            window_start: window.start,
            new_since,
            unreadable: UnreadablePlaces::default(),
            broken: None,
            ended: false,
        }
    }

    /// Reads the next page. Returns whether there may be more.
    pub async fn page(&mut self) -> bool {
        match self.read_page().await {
            Ok(more) => self.ended = !more,
            Err(error) => {
                self.broken = Some(error);
                self.ended = true;
            }
        }
        !self.ended
    }

    async fn read_page(&mut self) -> Result<bool, Error> {
        let Some(page) = self.log.next_page().await? else {
            return Ok(false);
        };
        let (attempts, unreadable) = rows(&page)?;
        self.depth.reach(&page, &attempts, unreadable.is_empty())?;
        let new = self
            .new_since
            .is_some_and(|time| !self.depth.is_below(time));
        self.log.goes_back(!new);
        self.pages += 1;
        self.unreadable.add(&attempts, unreadable);
        self.fold.fold(attempts);
        Ok(self.fold.end().is_none())
    }

    /// Progress of the reading.
    pub fn progress(&self) -> Phase {
        Phase::Reading {
            pages: self.pages,
            attempts: self.fold.scanned(),
        }
    }

    /// True if there may be more to read.
    pub fn has_more(&self) -> bool {
        !self.ended
    }

    /// Evidence about the receiver so far.
    pub fn evidence(&self) -> &Evidence {
        self.fold.evidence()
    }

    /// True if the log shows that this delivery was delivered.
    pub fn is_delivered(&self, guid: &Guid) -> bool {
        self.fold.is_delivered(guid)
    }

    /// Marks a remembered delivery as delivered, when another source shows that. Has no effect on any other delivery.
    pub fn mark_delivered(&mut self, guid: &Guid) {
        self.fold.mark_delivered(guid);
    }

    /// A remembered delivery that is still open, with its attempts in the log so far.
    pub fn remembered(&self, guid: &Guid) -> Option<FailedDelivery> {
        self.fold.remembered(guid)
    }

    /// Ends the reading and returns its result.
    pub fn finish(self, stop: &Stop) -> ScanResult {
        let end = match (&self.broken, self.fold.end()) {
            (Some(_), _) => ScanEnd::Broken,
            (None, None) if !self.ended => ScanEnd::Broken,
            // The original may be one of the unreadable rows, so its age is unknown.
            (None, Some(ScanEnd::Retention)) if !self.unreadable.is_empty() => ScanEnd::Log,
            (None, end) => end.unwrap_or(ScanEnd::Log),
        };
        let stopped = match self.broken.as_ref().map(Error::failure) {
            Some(RequestError::Stopped(why)) => Some(*why),
            Some(_) => None,
            None => stop.why().filter(|_| !self.ended),
        };
        let scanned = self.fold.scanned();
        let (failures, evidence) = self.fold.into_failures(end);
        ScanResult {
            failures,
            evidence,
            pages: self.pages,
            scanned,
            took: self.began.elapsed(),
            unreadable: self.unreadable.since(self.window_start),
            complete: self.ended && self.broken.is_none(),
            reached_window: self.depth.is_below(self.window_start),
            broken: self.broken,
            stopped,
        }
    }
}
