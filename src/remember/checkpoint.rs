//! The checkpoint: the time before which nothing is left to do. The next pass starts there.
//!
//! It is stored as milliseconds since the epoch, as the script in GitHub's documentation stores it in a repository
//! variable, so that its users can switch to this program, and back.

mod store;

use std::sync::Mutex;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::OnceCell;

use crate::github;
use crate::github::{CredentialError, Credentials};
use crate::inputs::CheckpointPlace;
use crate::inputs::OneOffWindow;
use crate::lock::lock;
use crate::model::OVERLAP;
use crate::model::Window;
use crate::remember::state::State;
use crate::secrets::Secrets;
use crate::text::one_line;
use store::{Store, StoredTexts};

pub use store::FileError;

/// The first pass reads this far back if a checkpoint is kept, as the docs script does.
const FIRST_PASS: TimeDelta = TimeDelta::hours(24);

/// A checkpoint may be this far ahead of GitHub's clock: the clock of the machine that wrote it may differ.
const CLOCKS_DIFFER: TimeDelta = TimeDelta::minutes(15);

/// The day GitHub opened, in milliseconds since the epoch. A smaller number is not a time in milliseconds.
const GITHUB_OPENED: i64 = 1_207_785_600_000;

/// Longest piece of a wrong value that is shown, in characters.
const SHOWN: usize = 80;

/// The reason why the checkpoint could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// GitHub failed or refused the request.
    #[error(transparent)]
    GitHub(#[from] github::Error),
    /// The file could not be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// The token for it is not valid.
    #[error("`checkpoint-token`: {0}")]
    Token(#[from] CredentialError),
    /// The stored value is not a valid time.
    #[error(
        "{place} holds `{value}`, which {wrong}: store milliseconds since the epoch (`1795262400000`) \
         or a time with its zone (`2026-11-21T12:00:00Z`), or delete it to start over with the last \
         24 hours"
    )]
    Value {
        /// The variable or file.
        place: String,
        /// Its value, cut.
        value: String,
        /// The problem with the value.
        wrong: &'static str,
    },
    /// It is the checkpoint of other webhooks.
    #[error(
        "`{name}` was written by a pass over `{written}`; this one is over `{ours}`. Give each its own \
         {kind}"
    )]
    Targets {
        /// The variable's or the file's name.
        name: String,
        /// `variable` or `file`.
        kind: &'static str,
        /// The targets of the pass that wrote it.
        written: String,
        /// The targets of this pass.
        ours: String,
    },
}

impl CheckpointError {
    /// The same error without secrets that became known since.
    pub fn without(self, secrets: &Secrets) -> Self {
        match self {
            Self::GitHub(error) => Self::GitHub(error.without(secrets)),
            other => other,
        }
    }

    /// True if the pass ends early and nothing failed.
    pub fn is_stop(&self) -> bool {
        matches!(self, Self::GitHub(error) if error.failure().is_stop())
    }

    /// GitHub allows nothing more for now.
    pub fn is_limit(&self) -> bool {
        matches!(self, Self::GitHub(error) if error.failure().is_limit())
    }
}

/// The result of storing the checkpoint.
#[derive(Debug, Default)]
pub struct SaveResult {
    /// The stored checkpoint differs from the one that the pass started with.
    pub moved: bool,
    /// The error if the state was not stored.
    pub state_failed: Option<CheckpointError>,
}

/// The checkpoint as it was when this pass began.
pub struct Checkpoint {
    store: Option<Store>,
    /// It is never written.
    read_only: bool,
    /// Its time when the pass began.
    found: Option<DateTime<Utc>>,
    /// The texts that are stored now.
    stored: Mutex<StoredTexts>,
    /// The state of the last pass, if it belongs to this checkpoint.
    state: Option<State>,
    /// The result of the write before the first redelivery.
    test_write: OnceCell<Result<(), CheckpointError>>,
}

impl Checkpoint {
    /// No checkpoint at all.
    pub fn none() -> Self {
        Self {
            store: None,
            read_only: true,
            found: None,
            stored: Mutex::default(),
            state: None,
            test_write: OnceCell::new(),
        }
    }

    /// Reads the stored texts, if a checkpoint is kept. [`Checkpoint::as_of`] parses them.
    ///
    /// # Errors
    /// It could not be read.
    pub async fn read(
        credentials: &Credentials,
        place: Option<&CheckpointPlace>,
        read_only: bool,
    ) -> Result<Self, CheckpointError> {
        let mut this = Self {
            read_only,
            ..Self::none()
        };
        let Some(place) = place else {
            return Ok(this);
        };
        let store = match place.clone() {
            CheckpointPlace::Variable { variable, token } => Store::Variables {
                client: match token {
                    Some(token) => credentials.with_token(&token, "checkpoint-token")?,
                    None => credentials.for_account(&variable.repository.owner),
                },
                value: variable,
            },
            CheckpointPlace::File(file) => Store::File(file),
        };
        this.stored = Mutex::new(store.read().await?);
        this.store = Some(store);
        Ok(this)
    }

    /// Parses the stored texts by GitHub's time, so GitHub must have answered before: this machine's clock may be wrong.
    ///
    /// # Errors
    /// The value is not a valid time, or lies in the future.
    pub fn as_of(mut self, credentials: &Credentials) -> Result<Self, CheckpointError> {
        let StoredTexts { value, state } = self.stored();
        if let (Some(store), Some(value)) = (&self.store, &value) {
            let time = parse(value, credentials.now()).map_err(|wrong| CheckpointError::Value {
                place: store.to_string(),
                value: one_line(&credentials.secrets().clean(value), SHOWN),
                wrong,
            })?;
            self.found = Some(time);
            self.state = state.and_then(|state| State::read(&state, value, time));
        }
        Ok(self)
    }

    /// The state of the last pass, if it had these targets.
    ///
    /// # Errors
    /// The last pass had none of these targets, so the checkpoint belongs to another workflow.
    pub fn state(&self, targets: &[String]) -> Result<Option<&State>, CheckpointError> {
        let (Some(state), Some(store)) = (&self.state, &self.store) else {
            return Ok(None);
        };
        if !state.shares_targets(targets) {
            return Err(CheckpointError::Targets {
                name: store.name(),
                kind: store.kind(),
                written: state.targets.join("`, `"),
                ours: targets.join("`, `"),
            });
        }
        Ok((state.targets == targets).then_some(state))
    }

    /// The variable or file, for people, if it does not exist yet.
    pub fn missing(&self) -> Option<String> {
        let store = self.store.as_ref().filter(|_| self.found.is_none());
        store.map(ToString::to_string)
    }

    /// True if a checkpoint is kept, whether it exists yet or not.
    pub fn is_kept(&self) -> bool {
        self.store.is_some()
    }

    /// The part of the log that this pass covers.
    pub fn window(
        &self,
        one_off: Option<OneOffWindow>,
        began: DateTime<Utc>,
        retention: TimeDelta,
    ) -> Window {
        let retention_start = began - retention;
        let start = match (one_off, self.found) {
            (Some(one_off), _) => one_off
                .since
                .map_or(retention_start, |since| since.resolve(began)),
            (None, Some(checkpoint)) => checkpoint - OVERLAP,
            (None, None) if self.is_kept() => began - FIRST_PASS,
            (None, None) => retention_start,
        };
        Window {
            start: start.max(retention_start),
            end: one_off.and_then(|one_off| Some(one_off.until?.resolve(began))),
            retention_start,
        }
    }

    /// The time that was stored, if one was.
    pub fn found(&self) -> Option<DateTime<Utc>> {
        self.found
    }

    /// The time before which nothing was left to do when the pass began.
    pub fn old_start(&self, window: Window) -> DateTime<Utc> {
        self.found.unwrap_or(window.start)
    }

    /// Returns whether it can be written. A token without permission must fail before the first redelivery, not after the
    /// last. Every webhook checks this before its first redelivery; the first check writes the stored value again, or
    /// the window's start. [`Checkpoint::refusal`] returns the error.
    pub async fn is_writable(&self, window: Window) -> bool {
        let write = || async {
            let there = self.stored();
            let value = there.value.clone().unwrap_or_else(|| millis(window.start));
            self.write(there, Some(value), None, false).await
        };
        self.read_only || self.test_write.get_or_init(write).await.is_ok()
    }

    /// Creates a checkpoint that does not exist yet, so that its time is fixed even if the pass is killed. If GitHub
    /// refuses, [`Checkpoint::is_writable`] returns false.
    pub async fn create(&self, window: Window) {
        if self.missing().is_some() {
            self.is_writable(window).await;
        }
    }

    /// The error that made [`Checkpoint::is_writable`] return false, for example GitHub's 403. It ends the pass as an
    /// error.
    pub fn refusal(&mut self) -> Option<CheckpointError> {
        self.test_write.take()?.err()
    }

    /// Stores the next checkpoint and the state: the last write of the pass.
    ///
    /// # Errors
    /// The checkpoint could not be written.
    pub async fn save(
        &self,
        next: DateTime<Utc>,
        state: State,
        cancelled: bool,
    ) -> Result<SaveResult, CheckpointError> {
        let Some(store) = self.store.as_ref().filter(|_| !self.read_only) else {
            return Ok(SaveResult::default());
        };
        let there = self.stored();
        let value = match &there.value {
            // There may be time for only one of two requests, and the state must belong to the stored checkpoint.
            Some(value) if cancelled && store.keeps_them_apart() => value.clone(),
            _ => millis(next),
        };
        let state = state.text(&value, store.largest_state());
        let moved = self.found.map(millis).as_ref() != Some(&value);
        let new = there.value.as_ref() != Some(&value);
        let value = new.then_some(value);
        if !store.keeps_them_apart() {
            self.write(there, value, Some(state), true).await?;
            return Ok(SaveResult {
                moved,
                state_failed: None,
            });
        }
        if value.is_some() {
            self.write(there, value, None, true).await?;
        }
        let written = self.write(self.stored(), None, Some(state), true).await;
        Ok(SaveResult {
            moved,
            // It only saves reading.
            state_failed: written.err(),
        })
    }

    fn stored(&self) -> StoredTexts {
        lock(&self.stored).clone()
    }

    async fn write(
        &self,
        there: StoredTexts,
        value: Option<String>,
        state: Option<String>,
        last: bool,
    ) -> Result<(), CheckpointError> {
        let Some(store) = &self.store else {
            return Ok(());
        };
        let new = (value.as_deref(), state.as_deref());
        store.write(&there, new, last).await?;
        *lock(&self.stored) = StoredTexts {
            value: value.or(there.value),
            state: state.or(there.state),
        };
        Ok(())
    }
}

fn millis(time: DateTime<Utc>) -> String {
    time.timestamp_millis().to_string()
}

/// The time of a stored value, or the problem with it.
fn parse(value: &str, now: DateTime<Utc>) -> Result<DateTime<Utc>, &'static str> {
    let value = value.trim();
    let time = match value.parse::<i64>() {
        Ok(millis) if millis < GITHUB_OPENED => {
            return Err("is too small for milliseconds since the epoch");
        }
        Ok(millis) => DateTime::from_timestamp_millis(millis),
        Err(_) => DateTime::parse_from_rfc3339(value)
            .ok()
            // An earlier time, stored again as milliseconds, would be refused.
            .and_then(|time| {
                Some(DateTime::from_timestamp_millis(GITHUB_OPENED)?.max(time.to_utc()))
            }),
    };
    match time {
        Some(time) if time > now + CLOCKS_DIFFER => Err("lies in the future"),
        Some(time) => Ok(time),
        None => Err("is not a valid time"),
    }
}

/// The next checkpoint: the earliest of the time when this pass began, open deliveries, and unread parts of a log.
///
/// An open delivery from before this pass's window is in the pass because someone redelivered it later. For it, and for
/// the unread part of a log (`None`), the checkpoint stays at `old_start`: the next pass reads that redelivery again,
/// and not everything since the original.
pub fn next(
    began: DateTime<Utc>,
    open: impl IntoIterator<Item = Option<DateTime<Utc>>>,
    window_start: DateTime<Utc>,
    old_start: DateTime<Utc>,
) -> DateTime<Utc> {
    open.into_iter()
        .map(|time| {
            time.filter(|time| *time >= window_start)
                .unwrap_or(old_start)
        })
        .fold(began, DateTime::min)
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
