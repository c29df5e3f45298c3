//! Reads one webhook's log as far back as the fold needs it.

use crate::github::{Client, Error, Log, Unreadable};
use crate::history::{End, Failure, History, Window};
use crate::webhook::Webhook;

/// What the log of one webhook told.
pub struct Scan {
    /// Whose log.
    pub webhook: Webhook,
    /// The failed deliveries of the pass.
    pub failures: Vec<Failure>,
    /// Pages read.
    pub pages: u32,
    /// Attempts read.
    pub scanned: u64,
    /// Rows that could not be read.
    pub unreadable: Unreadable,
    /// Why reading broke off, if it did. What was seen whole is in `failures` all the same.
    pub broken: Option<Error>,
}

/// Reads `webhook`'s log.
pub async fn scan(client: &Client, webhook: Webhook, window: Window) -> Scan {
    let mut log = Log::new(client, &webhook);
    let mut history = History::new(window);
    let mut pages = 0;
    let mut unreadable = Unreadable::default();
    let broken = loop {
        match log.next_page().await {
            Ok(None) => break None,
            Err(error) => break Some(error),
            Ok(Some(page)) => match page.attempts() {
                Err(error) => break Some(error),
                Ok((attempts, odd)) => {
                    pages += 1;
                    unreadable += odd;
                    history.fold(attempts);
                }
            },
        }
        if history.end().is_some() {
            break None;
        }
    };
    let end = match broken {
        Some(_) => End::Broken,
        None => history.end().unwrap_or(End::Log),
    };
    Scan {
        webhook,
        pages,
        scanned: history.scanned(),
        unreadable,
        broken,
        failures: history.into_failures(end),
    }
}
