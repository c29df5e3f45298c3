//! How a single input's value is read, and what is said when it can't be.

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::Moment;
use super::hidden::Hidden;
use crate::github::Secret;
use crate::model::FailOn;
use crate::model::Repository;

/// What is wrong with an input, and what to do about it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Problem {
    wrong: String,
    next_step: String,
}

impl Problem {
    pub(super) fn new(wrong: &str, next_step: &str) -> Self {
        Self {
            wrong: wrong.into(),
            next_step: next_step.into(),
        }
    }
}

/// One wrong input: its name, what is wrong, what is accepted.
#[derive(Debug, PartialEq, Eq)]
pub struct InputError(String);

impl InputError {
    pub(super) fn new(name: &str, problem: Problem) -> Self {
        Self(format!("`{name}` {}: {}", problem.wrong, problem.next_step))
    }

    /// `name`, which is not an input, but may mean one.
    pub(super) fn unknown(name: &str, meant: &str) -> Self {
        let name = Hidden::default().shown(name, None);
        Self(format!("`{name}` is not an input. Did you mean `{meant}`?"))
    }
}

impl InputError {
    /// The same without any secret in it.
    pub(super) fn without(self, hidden: &Hidden) -> Self {
        Self(hidden.taken_out_of(&self.0))
    }
}

impl fmt::Display for InputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stop = if self.0.ends_with('?') { "" } else { "." };
        write!(f, "{}{stop} Nothing was done.", self.0)
    }
}

/// The parts of a list, which commas or new lines separate.
pub(super) fn list(value: &str) -> impl Iterator<Item = &str> {
    value
        .split([',', '\n'])
        .map(str::trim)
        .filter(|item| !item.is_empty())
}

pub(super) fn token(value: &str) -> Result<Secret, Problem> {
    if value.bytes().all(|byte| byte.is_ascii_graphic()) {
        Ok(Secret::new(value.to_owned()))
    } else {
        Err(Problem::new(
            "holds white space or characters that no token has",
            "store the token again, alone and on one line",
        ))
    }
}

/// An account's login.
pub(super) fn login(value: &str) -> Option<String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let sound = (1..=100).contains(&value.len()) && value.chars().all(plain);
    sound.then(|| value.to_owned())
}

/// A client ID (`Iv23li...`) or the number of an App.
pub(super) fn client_id(value: &str) -> Result<String, &'static str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if value.len() <= 100 && value.chars().all(plain) {
        Ok(value.to_owned())
    } else {
        Err("write the client ID (`Iv23liABC...`) or the App ID from the App's settings page")
    }
}

pub(super) fn moment(value: &str, now: DateTime<Utc>) -> Result<Moment, &'static str> {
    const ACCEPTED: &str = "write how long ago (`90s`, `15m`, `6h`, `3d`) or a time in the past \
                            with its zone (`2026-11-20T08:00:00Z`)";
    if let Ok(duration) = duration(value) {
        return Ok(Moment::Ago(duration));
    }
    match DateTime::parse_from_rfc3339(value) {
        Ok(time) if time <= now => Ok(Moment::At(time.to_utc())),
        _ => Err(ACCEPTED),
    }
}

/// A whole number above 0 and its unit: `90s`, `15m`, `6h`, `3d`.
pub(super) fn duration(value: &str) -> Result<TimeDelta, &'static str> {
    const ACCEPTED: &str = "write a whole number and its unit (`90s`, `15m`, `6h`, `3d`)";
    let parsed = || {
        let unit = value.chars().next_back()?;
        let number = value.strip_suffix(unit)?;
        if !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let number: i64 = number.parse().ok().filter(|number| *number > 0)?;
        match unit {
            's' => TimeDelta::try_seconds(number),
            'm' => TimeDelta::try_minutes(number),
            'h' => TimeDelta::try_hours(number),
            'd' => TimeDelta::try_days(number),
            _ => None,
        }
    };
    parsed().ok_or(ACCEPTED)
}

/// The same, or nothing: `0`, with or without a unit.
pub(super) fn duration_or_zero(value: &str) -> Result<TimeDelta, &'static str> {
    match value {
        "0" | "0s" | "0m" | "0h" | "0d" => Ok(TimeDelta::zero()),
        _ => duration(value),
    }
}

/// A duration of waiting. A day is more than any job may take.
pub(super) fn std_duration(duration: TimeDelta) -> Result<Duration, &'static str> {
    match duration.to_std() {
        Ok(duration) if duration <= Duration::from_secs(24 * 60 * 60) => Ok(duration),
        _ => Err("write a day at most"),
    }
}

pub(super) fn max_per_minute(value: &str) -> Result<u32, &'static str> {
    match value.parse() {
        Ok(number @ 1..=10_000) if !value.starts_with('+') => Ok(number),
        _ => Err("write a whole number of redeliveries a minute, from 1 to 10000"),
    }
}

pub(super) fn max_redeliveries(value: &str) -> Result<usize, &'static str> {
    match value.parse() {
        Ok(number) if number > 0 && !value.starts_with('+') => Ok(number),
        _ => Err("write a whole number above 0"),
    }
}

/// The YAML 1.2 core set, which is what GitHub's toolkit reads.
pub(super) fn boolean(value: &str) -> Result<bool, &'static str> {
    match value {
        "true" | "True" | "TRUE" => Ok(true),
        "false" | "False" | "FALSE" => Ok(false),
        _ => Err("write `true` or `false`"),
    }
}

pub(super) fn fail_on(value: &str) -> Result<FailOn, &'static str> {
    match value {
        "never" => Ok(FailOn::Never),
        "error" => Ok(FailOn::Error),
        "lost" => Ok(FailOn::Lost),
        "open" => Ok(FailOn::Open),
        _ => Err("write `never`, `error`, `lost` or `open`"),
    }
}

/// The rule for names of variables is GitHub's:
/// <https://docs.github.com/en/actions/reference/workflows-and-actions/variables>.
pub(super) fn variable_name(value: &str) -> Result<String, &'static str> {
    let name = value.to_ascii_uppercase();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let leads = name
        .bytes()
        .next()
        .is_some_and(|byte| !byte.is_ascii_digit());
    if leads && name.bytes().all(plain) && !name.starts_with("GITHUB_") {
        Ok(name)
    } else {
        Err(
            "write letters, digits and underscores, no digit first, and not `GITHUB_` first \
             (`LAST_REDELIVERY`)",
        )
    }
}

pub(super) fn repository(value: &str) -> Result<Repository, &'static str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let part = |part: &str| {
        !part.is_empty()
            && part.len() <= 100
            && part.chars().all(plain)
            && !matches!(part, "." | "..")
    };
    match value.split_once('/') {
        Some((owner, name)) if part(owner) && part(name) => Ok(Repository {
            owner: owner.to_owned(),
            name: name.to_owned(),
        }),
        _ => Err("write `owner/name`"),
    }
}

pub(super) const API_URL: &str = "write the API's address as the runner gives it, without user \
    name, password or query \
    (`https://api.github.com`, `https://api.SUBDOMAIN.ghe.com`, `https://HOST/api/v3`)";
