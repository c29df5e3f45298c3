//! Reads one webhook's log as far back as the fold needs it.

mod unreadable;

use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::time::Instant;

use crate::attempt::Guid;
use crate::evidence::Evidence;
use crate::github::{Client, Error, Log};
use crate::history::{End, Failure, History, Remembered, Window};
use crate::progress::Phase;
use crate::webhook::Webhook;
use unreadable::UnreadableRows;

pub use unreadable::Unreadable;

/// Empty pages in a row after which a log is taken for endless.
const EMPTY: u32 = 20;

/// The reading of one webhook's log.
pub struct Scan {
    log: Log,
    history: History,
    began: Instant,
    pages: u32,
    empty: u32,
    window_start: DateTime<Utc>,
    unreadable: UnreadableRows,
    broken: Option<Error>,
    ended: bool,
}

/// What the log told.
pub struct Told {
    /// The failed deliveries of the pass.
    pub failures: Vec<Failure>,
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
    /// What failed, if that is why it was not.
    pub broken: Option<Error>,
}

impl Scan {
    /// Begins to read `webhook`'s log, given the open deliveries that an earlier pass remembered.
    pub fn new(client: &Client, webhook: &Webhook, window: Window, remembered: Remembered) -> Self {
        Self {
            log: Log::new(client, webhook),
            history: History::new(window, remembered),
            began: Instant::now(),
            pages: 0,
            empty: 0,
            window_start: window.start,
            unreadable: UnreadableRows::default(),
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
        let (attempts, unreadable) = page.attempts()?;
        self.empty = if attempts.is_empty() {
            self.empty + 1
        } else {
            0
        };
        if self.empty == EMPTY {
            return Err(page.malformed("page after page of its log is empty"));
        }
        self.pages += 1;
        self.unreadable.add(&attempts, unreadable);
        self.history.fold(attempts);
        Ok(self.history.end().is_none())
    }

    /// How far the reading is.
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
    pub fn remembered(&self, guid: &Guid) -> Option<Failure> {
        self.history.remembered(guid)
    }

    /// Ends the reading.
    pub fn told(self) -> Told {
        let end = match (&self.broken, self.history.end()) {
            (Some(_), _) => End::Broken,
            (None, None) if !self.ended => End::Broken,
            // The original may be among what could not be read: that it is old is not known.
            (None, Some(End::Retention)) if !self.unreadable.is_empty() => End::Log,
            (None, end) => end.unwrap_or(End::Log),
        };
        let scanned = self.history.scanned();
        let (failures, evidence) = self.history.into_failures(end);
        Told {
            failures,
            evidence,
            pages: self.pages,
            scanned,
            took: self.began.elapsed(),
            unreadable: self.unreadable.since(self.window_start),
            complete: self.ended && self.broken.is_none(),
            broken: self.broken,
        }
    }
}
