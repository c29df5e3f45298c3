//! Reads the text of a single input. The error is the message for the user.

use std::time::Duration;

use chrono::TimeDelta;

use super::problems::Problem;
use crate::github::Secret;
use crate::model::{FailOn, Repository};

/// Longest wait that an input takes. A longer one is a mistake.
const LONGEST_WAIT: TimeDelta = TimeDelta::days(1);

pub(super) fn token(value: &str) -> Result<Secret, Problem> {
    if value.bytes().all(|byte| byte.is_ascii_graphic()) {
        Ok(Secret::new(value.to_owned()))
    } else {
        Err(Problem::new(
            "contains white space or other characters that no token has",
            "store the token again, without anything else and on one line",
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

/// The same, or zero: `0`, with or without a unit.
pub(super) fn duration_or_zero(value: &str) -> Result<TimeDelta, &'static str> {
    match value {
        "0" | "0s" | "0m" | "0h" | "0d" => Ok(TimeDelta::zero()),
        _ => duration(value),
    }
}

/// The same for something that the pass waits for.
pub(super) fn wait(value: &str) -> Result<Duration, &'static str> {
    wait_of(duration(value)?)
}

/// The same, or nothing.
pub(super) fn wait_or_zero(value: &str) -> Result<Duration, &'static str> {
    wait_of(duration_or_zero(value)?)
}

fn wait_of(duration: TimeDelta) -> Result<Duration, &'static str> {
    match duration.to_std() {
        Ok(wait) if duration <= LONGEST_WAIT => Ok(wait),
        _ => Err("write one day (`1d`) or less"),
    }
}

pub(super) fn max_per_minute(value: &str) -> Result<u32, &'static str> {
    match value.parse() {
        Ok(number @ 1..=10_000) if !value.starts_with('+') => Ok(number),
        _ => Err("write a whole number of redeliveries per minute, from 1 to 10000"),
    }
}

pub(super) fn max_redeliveries(value: &str) -> Result<usize, &'static str> {
    match value.parse() {
        Ok(number) if number > 0 && !value.starts_with('+') => Ok(number),
        _ => Err("write a whole number above 0"),
    }
}

/// The YAML 1.2 core set, which GitHub's toolkit reads too.
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

/// GitHub's rule for the names of variables:
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
            "write letters, digits and underscores, and begin with neither a digit nor `GITHUB_` \
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

pub(super) const API_URL: &str = "write the API's address as the runner sets it, without user \
    name, password or query \
    (`https://api.github.com`, `https://api.SUBDOMAIN.ghe.com`, `https://HOST/api/v3`)";
