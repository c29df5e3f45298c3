//! Where the next pass starts: the time before which nothing is left to do.
//!
//! It is kept in a repository variable as milliseconds since the epoch, the way the script in
//! GitHub's documentation keeps it, so that its users can move over, and back.

use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join;
use tokio::sync::OnceCell;

use crate::actions::one_line;
use crate::github::{self, Client};
use crate::history::Window;
use crate::inputs::{CheckpointPlace, OneOff};
use crate::report::Gap;
use crate::state::State;

/// How much earlier than the checkpoint reading starts: GitHub's log can lag by minutes.
pub const OVERLAP: TimeDelta = TimeDelta::minutes(30);

/// How far back the first pass reads where a checkpoint is kept, as the docs script does.
const FIRST_PASS: TimeDelta = TimeDelta::hours(24);

/// How far ahead of GitHub's clock a checkpoint may be: whoever wrote it went by its own.
const CLOCKS_DIFFER: TimeDelta = TimeDelta::minutes(15);

/// Milliseconds of the day GitHub opened. What is less is no time in milliseconds.
const GITHUB_OPENED: i64 = 1_207_785_600_000;

/// Longest piece of a wrong value that is shown, in characters.
const SHOWN: usize = 80;

/// Why the checkpoint could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// GitHub did not do it.
    #[error(transparent)]
    GitHub(#[from] github::Error),
    /// The variable holds something else.
    #[error(
        "checkpoint variable `{variable}` holds `{value}`, which {wrong}: store milliseconds since \
         the epoch (`1795262400000`) or a time with its zone (`2026-11-21T12:00:00Z`), or delete \
         the variable to start over with the last 24 hours"
    )]
    Value {
        /// The variable's name.
        variable: String,
        /// What it holds, cut.
        value: String,
        /// What is wrong with it.
        wrong: &'static str,
    },
    /// It is the checkpoint of other webhooks.
    #[error(
        "`{variable}` was written by a pass over `{written}`; this one is over `{ours}`. Give each its \
         own variable"
    )]
    Targets {
        /// The variable's name.
        variable: String,
        /// What that pass was over.
        written: String,
        /// What this one is over.
        ours: String,
    },
}

/// The checkpoint as this pass found it.
pub struct Checkpoint<'a> {
    client: &'a Client,
    place: Option<&'a CheckpointPlace>,
    /// It is only looked at, and never written.
    read_only: bool,
    /// The time it meant when the pass began.
    found: Option<DateTime<Utc>>,
    /// What the variable holds now; `None` if there is no such variable.
    stored: Mutex<Option<String>>,
    /// What the last pass remembered, if it belongs to this value.
    state: Option<State>,
    /// The state's variable is there.
    state_exists: bool,
    /// Whether it could be written before the first redelivery.
    proof: OnceCell<Result<(), CheckpointError>>,
}

impl<'a> Checkpoint<'a> {
    /// No checkpoint at all.
    pub fn none(client: &'a Client) -> Self {
        Self {
            client,
            place: None,
            read_only: false,
            found: None,
            stored: Mutex::new(None),
            state: None,
            state_exists: false,
            proof: OnceCell::new(),
        }
    }

    /// Reads the checkpoint, if one is kept. A dry run and a one-off write none.
    ///
    /// # Errors
    /// The variable could not be read, or holds no time.
    pub async fn read(
        client: &'a Client,
        place: Option<&'a CheckpointPlace>,
        read_only: bool,
    ) -> Result<Self, CheckpointError> {
        let mut this = Self {
            read_only,
            ..Self::none(client)
        };
        this.place = place;
        let Some(place) = place else {
            return Ok(this);
        };
        let state_place = state_place(place);
        let read = (
            github::variable(client, place),
            github::variable(client, &state_place),
        );
        let (value, state) = join(read.0, read.1).await;
        // The state only saves work, so one that can't be read is none.
        let (value, state) = (value?, state.ok().flatten());
        this.state_exists = state.is_some();
        if let Some(value) = value {
            let time = parse(&value, client.now()).map_err(|wrong| CheckpointError::Value {
                variable: place.variable.clone(),
                value: one_line(&value, SHOWN),
                wrong,
            })?;
            this.found = Some(time);
            this.state = state.and_then(|state| State::read(&state, &value));
            this.stored = Mutex::new(Some(value));
        }
        Ok(this)
    }

    /// What the last pass remembered, if it was over these targets.
    ///
    /// # Errors
    /// It was over others altogether: the checkpoint is theirs.
    pub fn state(&self, targets: &[String]) -> Result<Option<&State>, CheckpointError> {
        let (Some(state), Some(place)) = (&self.state, self.place) else {
            return Ok(None);
        };
        if !state.shares_targets(targets) {
            return Err(CheckpointError::Targets {
                variable: place.variable.clone(),
                written: state.targets.join("`, `"),
                ours: targets.join("`, `"),
            });
        }
        Ok((state.targets == targets).then_some(state))
    }

    /// The variable that is to be, if it is not there yet.
    pub fn missing(&self) -> Option<&CheckpointPlace> {
        self.place.filter(|_| self.found.is_none())
    }

    /// Which part of the log this pass is about.
    pub fn window(
        &self,
        one_off: Option<OneOff>,
        began: DateTime<Utc>,
        retention: TimeDelta,
    ) -> Window {
        let retention_start = began - retention;
        let start = match (one_off, self.found) {
            (Some(one_off), _) => one_off
                .since
                .map_or(retention_start, |since| since.before(began)),
            (None, Some(checkpoint)) => checkpoint - OVERLAP,
            (None, None) if self.place.is_some() => began - FIRST_PASS,
            (None, None) => retention_start,
        };
        Window {
            start: start.max(retention_start),
            end: one_off.and_then(|one_off| Some(one_off.until?.before(began))),
            retention_start,
        }
    }

    /// The stretch between the checkpoint and what GitHub still redelivers, if there is one.
    pub fn gap(&self, window: Window) -> Option<Gap> {
        let from = self.found?;
        let to = window.retention_start;
        (from < to).then_some(Gap { from, to })
    }

    /// Before this time nothing is left to do, as far as is known before the pass.
    pub fn old_start(&self, window: Window) -> DateTime<Utc> {
        self.found.unwrap_or(window.start)
    }

    /// Whether the variable can be written, so that a token without permission fails before the
    /// first redelivery and not after the last. Every webhook asks before its first; the answer is
    /// found once, by writing what is stored, or the window's start.
    pub async fn is_writable(&self, window: Window) -> bool {
        let write = || async {
            let value = self.stored();
            self.write(&value.unwrap_or_else(|| millis(window.start)))
                .await
        };
        self.read_only || self.proof.get_or_init(write).await.is_ok()
    }

    /// Why it can't be written, if [`Checkpoint::is_writable`] found that.
    pub fn refusal(&mut self) -> Option<CheckpointError> {
        self.proof.take()?.err()
    }

    /// Stores where the next pass starts, and what it is to remember. Tells whether that is a move.
    ///
    /// # Errors
    /// The variable could not be written.
    pub async fn save(
        &self,
        next: DateTime<Utc>,
        state: impl FnOnce(&str) -> State,
    ) -> Result<bool, CheckpointError> {
        let Some(place) = self.place.filter(|_| !self.read_only) else {
            return Ok(false);
        };
        let value = millis(next);
        if self.stored().as_ref() != Some(&value) {
            self.write(&value).await?;
        }
        let (place, text) = (state_place(place), state(&value).text());
        if self.state_exists {
            github::update_variable(self.client, &place, &text).await?;
        } else {
            github::create_variable(self.client, &place, &text).await?;
        }
        Ok(self.found.map(millis) != Some(value))
    }

    fn stored(&self) -> Option<String> {
        let stored = self.stored.lock();
        stored.unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn write(&self, value: &str) -> Result<(), CheckpointError> {
        let Some(place) = self.place else {
            return Ok(());
        };
        if self.stored().is_some() {
            github::update_variable(self.client, place, value).await?;
        } else {
            github::create_variable(self.client, place, value).await?;
        }
        let mut stored = self.stored.lock().unwrap_or_else(PoisonError::into_inner);
        *stored = Some(value.to_owned());
        Ok(())
    }
}

/// Where the state is kept: beside the checkpoint.
fn state_place(place: &CheckpointPlace) -> CheckpointPlace {
    CheckpointPlace {
        repository: place.repository.clone(),
        variable: format!("{}_STATE", place.variable),
    }
}

fn millis(time: DateTime<Utc>) -> String {
    time.timestamp_millis().to_string()
}

/// The time that a stored value means, or what is wrong with it.
fn parse(value: &str, now: DateTime<Utc>) -> Result<DateTime<Utc>, &'static str> {
    let value = value.trim();
    let time = match value.parse::<i64>() {
        Ok(millis) if millis < GITHUB_OPENED => {
            return Err("is too small for milliseconds since the epoch");
        }
        Ok(millis) => DateTime::from_timestamp_millis(millis),
        Err(_) => DateTime::parse_from_rfc3339(value)
            .ok()
            .map(|time| time.to_utc()),
    };
    match time {
        Some(time) if time > now + CLOCKS_DIFFER => Err("lies in the future"),
        Some(time) => Ok(time),
        None => Err("is no time"),
    }
}

/// Where the next pass starts: the earliest of when this one began, what is still open, and what
/// was not read.
pub fn next(
    began: DateTime<Utc>,
    open: impl IntoIterator<Item = Option<DateTime<Utc>>>,
    old_start: DateTime<Utc>,
) -> DateTime<Utc> {
    open.into_iter()
        .map(|time| time.unwrap_or(old_start))
        .fold(began, DateTime::min)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> DateTime<Utc> {
        "2026-11-22T12:00:00Z".parse().unwrap()
    }

    #[test]
    fn milliseconds_and_rfc_3339_are_understood() {
        let time: DateTime<Utc> = "2026-11-21T12:00:00Z".parse().unwrap();
        assert_eq!(parse("1795262400000", now()), Ok(time));
        assert_eq!(parse(" 1795262400000\n", now()), Ok(time));
        assert_eq!(parse("2026-11-21T13:00:00+01:00", now()), Ok(time));
        assert_eq!(millis(time), "1795262400000");
    }

    #[test]
    fn anything_else_is_named() {
        for (value, wrong) in [
            ("", "is no time"),
            ("yesterday", "is no time"),
            ("2026-11-21", "is no time"),
            ("99999999999999999999", "is no time"),
            (
                "1795262400",
                "is too small for milliseconds since the epoch",
            ),
            ("-1", "is too small for milliseconds since the epoch"),
            ("1795362400000", "lies in the future"),
            ("9223372036854775807", "is no time"),
        ] {
            assert_eq!(parse(value, now()), Err(wrong), "{value}");
        }
    }

    #[test]
    fn the_next_pass_starts_at_the_earliest_of_what_is_left() {
        let hour = TimeDelta::hours(1);
        let old = now() - hour * 9;
        assert_eq!(next(now(), [], old), now());
        let open = [Some(now() - hour), Some(now() - hour * 3)];
        assert_eq!(next(now(), open, old), now() - hour * 3);
        assert_eq!(next(now(), [Some(now() - hour), None], old), old);
        assert_eq!(next(now(), [Some(now() + hour)], old), now());
    }
}
