//! Reads one webhook's log as far back as the fold needs it.

use crate::evidence::Evidence;
use crate::github::{Client, Error, Log, Unreadable};
use crate::history::{End, Failure, History, Window};
use crate::webhook::Webhook;

/// Empty pages in a row after which a log is taken for endless.
const EMPTY: u32 = 20;

/// What the log of one webhook told.
pub struct Scan {
    /// Whose log.
    pub webhook: Webhook,
    /// The failed deliveries of the pass.
    pub failures: Vec<Failure>,
    /// What the log says of the receiver.
    pub evidence: Evidence,
    /// Pages read.
    pub pages: u32,
    /// Attempts read.
    pub scanned: u64,
    /// Rows that could not be read.
    pub unreadable: Unreadable,
    /// Why reading broke off, if it did. What was seen whole is in `failures` all the same.
    pub broken: Option<Error>,
}

/// Reads `webhook`'s log, given the open deliveries that an earlier pass remembered.
pub async fn scan(
    client: &Client,
    webhook: Webhook,
    window: Window,
    remembered: Vec<Failure>,
) -> Scan {
    let mut log = Log::new(client, &webhook);
    let mut history = History::new(window, remembered);
    let (mut pages, mut empty) = (0, 0);
    let mut unreadable = Unreadable::default();
    let broken = loop {
        match log.next_page().await {
            Ok(None) => break None,
            Err(error) => break Some(error),
            Ok(Some(page)) => match page.attempts() {
                Err(error) => break Some(error),
                Ok((attempts, odd)) => {
                    pages += 1;
                    empty = if attempts.is_empty() { empty + 1 } else { 0 };
                    if empty == EMPTY {
                        break Some(page.malformed("page after page of its log is empty"));
                    }
                    unreadable += odd;
                    history.fold(attempts);
                }
            },
        }
        if history.end().is_some() {
            break None;
        }
    };
    let end = match (&broken, history.end()) {
        (Some(_), _) => End::Broken,
        // The original may be among what could not be read: that it is old is not known.
        (None, Some(End::Retention)) if unreadable.rows > 0 => End::Log,
        (None, end) => end.unwrap_or(End::Log),
    };
    let scanned = history.scanned();
    let (failures, evidence) = history.into_failures(end);
    Scan {
        webhook,
        failures,
        evidence,
        pages,
        scanned,
        unreadable,
        broken,
    }
}
