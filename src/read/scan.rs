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

/// Empty pages in a row after which a log is taken for endless.
const EMPTY: u32 = 20;

/// The same for pages with rows of which none is older than those before: 10,000 deliveries at one time.
const NO_OLDER: u32 = 100;

/// The reading of one webhook's log.
pub struct Scan {
    log: DeliveryLog,
    history: Fold,
    began: Instant,
    pages: u32,
    depth: Depth,
    window_start: DateTime<Utc>,
    /// From this time on the log is new, as an earlier pass has read what is older.
    new_since: Option<DateTime<Utc>>,
    unreadable: UnreadablePlaces,
    broken: Option<Error>,
    ended: bool,
}

/// How far back the pages of a log reach.
#[derive(Default)]
pub struct Depth {
    /// The newest row of the oldest page: a single row now and then stands in the wrong place.
    newest: Option<DateTime<Utc>>,
    empty: u32,
    no_older: u32,
}

impl Depth {
    /// Takes in the next page.
    ///
    /// # Errors
    /// The log is endless: for many pages it has not got any older.
    pub fn reach(
        &mut self,
        page: &Page,
        attempts: &[Row<'_>],
        all_readable: bool,
    ) -> Result<(), Error> {
        if attempts.is_empty() && all_readable {
            self.empty += 1;
            return match self.empty {
                EMPTY => Err(page.malformed("page after page of its log is empty")),
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
            NO_OLDER => {
                Err(page.malformed("page after page of its log is no older than the one before"))
            }
            _ => Ok(()),
        }
    }

    /// Whether a page was reached that is wholly older than this.
    fn is_below(&self, time: DateTime<Utc>) -> bool {
        self.newest.is_some_and(|newest| newest < time)
    }
}

/// What the log told.
pub struct ScanResult {
    /// The failed deliveries of the pass.
    pub failures: Vec<FailedDelivery>,
    /// What the log says of the receiver.
    pub evidence: Evidence,
    /// Pages read.
    pub pages: u32,
    /// Attempts read.
    pub scanned: u64,
    /// How long that took.
    pub took: Duration,
    /// Rows that could not be read and may be in the window, newest first.
    pub unreadable: Vec<Unreadable>,
    /// The log was read as far back as it had to be. If not, what was seen whole is in `failures` all
    /// the same.
    pub complete: bool,
    /// Everything since the window's start was read.
    pub reached_window: bool,
    /// What failed, if that is why it was not.
    pub broken: Option<Error>,
    /// Why the pass ended the reading, if that is why.
    pub stopped: Option<StopReason>,
}

impl Scan {
    /// Begins to read `webhook`'s log, given the open deliveries that an earlier pass remembered. `new_since`:
    /// such a pass has read what is older.
    pub fn new(
        client: &Client,
        webhook: &Webhook,
        window: Window,
        new_since: Option<DateTime<Utc>>,
        remembered: Remembered,
    ) -> Self {
        Self {
            log: DeliveryLog::new(client, webhook),
            history: Fold::new(window, remembered),
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

    /// Reads the next page. Tells whether there may be more.
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
        self.history.fold(attempts);
        Ok(self.history.end().is_none())
    }

    /// Progress of the reading.
    pub fn progress(&self) -> Phase {
        Phase::Reading {
            pages: self.pages,
            attempts: self.history.scanned(),
        }
    }

    /// Whether there may be more to read.
    pub fn goes_on(&self) -> bool {
        !self.ended
    }

    /// What the log says of the receiver so far.
    pub fn evidence(&self) -> &Evidence {
        self.history.evidence()
    }

    /// Whether the log says that this delivery was delivered.
    pub fn is_delivered(&self, guid: &Guid) -> bool {
        self.history.is_delivered(guid)
    }

    /// Learns from elsewhere that a delivery was delivered, which matters for those that were remembered.
    pub fn learn_delivered(&mut self, guid: &Guid) {
        self.history.learn_delivered(guid);
    }

    /// An open delivery that was remembered, with what the log showed of it so far.
    pub fn remembered(&self, guid: &Guid) -> Option<FailedDelivery> {
        self.history.remembered(guid)
    }

    /// Ends the reading.
    pub fn told(self, stop: &Stop) -> ScanResult {
        let end = match (&self.broken, self.history.end()) {
            (Some(_), _) => ScanEnd::Broken,
            (None, None) if !self.ended => ScanEnd::Broken,
            // The original may be among what could not be read: that it is old is not known.
            (None, Some(ScanEnd::Retention)) if !self.unreadable.is_empty() => ScanEnd::Log,
            (None, end) => end.unwrap_or(ScanEnd::Log),
        };
        let stopped = match self.broken.as_ref().map(Error::failure) {
            Some(RequestError::Stopped(why)) => Some(*why),
            Some(_) => None,
            None => stop.why().filter(|_| !self.ended),
        };
        let scanned = self.history.scanned();
        let (failures, evidence) = self.history.into_failures(end);
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
