//! One row of a webhook's delivery log.
//!
//! GitHub's API calls a row a "delivery". Here a row is one attempt, and a delivery is all attempts of one webhook that
//! share a GUID.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use serde::de::{Error, IgnoredAny};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::github::number_or_text;
use crate::model::{Attempt, AttemptId, Guid, LatestAttempt};

/// One row of the log, as GitHub sends it. Its texts borrow from the page where they hold no escapes.
///
/// Only `id`, `guid` and `delivered_at` are required. Any other field that is missing or of an unexpected type is
/// taken as missing, so that it does not cost the row.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Row<'a> {
    /// The id that goes into a redelivery request.
    #[serde(deserialize_with = "attempt_id")]
    pub id: AttemptId,
    /// The delivery that this attempt belongs to.
    #[serde(deserialize_with = "guid")]
    pub guid: Guid,
    /// The time when GitHub made the attempt.
    pub delivered_at: DateTime<Utc>,
    /// False for the original, true for each redelivery; `None` if the log does not state it.
    #[serde(default, deserialize_with = "optional")]
    pub redelivery: Option<bool>,
    /// GitHub's text for the outcome, such as `OK` or `timed out`. Free text; may be empty.
    #[serde(borrow, default, deserialize_with = "text_or_empty")]
    pub status: Cow<'a, str>,
    /// The receiver's HTTP status code, or 0 if there was no connection.
    #[serde(rename = "status_code", default, deserialize_with = "optional")]
    pub code: Option<i64>,
    /// True if GitHub delayed the attempt.
    #[serde(rename = "throttled_at", default, deserialize_with = "is_there")]
    pub throttled: bool,
    /// The event's name, such as `pull_request`.
    #[serde(borrow, default, deserialize_with = "text_or_empty")]
    pub event: Cow<'a, str>,
    /// The event's action, such as `opened`.
    #[serde(borrow, default, deserialize_with = "optional_text")]
    pub action: Option<Cow<'a, str>>,
}

/// The outcome of one attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttemptOutcome {
    /// The receiver responded with 2xx, or GitHub reports `OK`.
    Succeeded,
    /// Every other outcome, including 3xx and code 0.
    Failed,
    /// The log holds no outcome yet.
    Pending,
}

impl Row<'_> {
    /// True for a redelivery. A row without the field counts as an original.
    pub fn is_redelivery(&self) -> bool {
        self.redelivery == Some(true)
    }

    /// The outcome of this attempt.
    ///
    /// GitHub's own filter counts 3xx as a success, but GitHub follows no redirect, so nothing was delivered.
    pub fn outcome(&self) -> AttemptOutcome {
        if self.code.is_some_and(|code| (200..300).contains(&code)) || self.status == "OK" {
            AttemptOutcome::Succeeded
        } else if self.code.is_none() && (self.status.is_empty() || self.throttled) {
            AttemptOutcome::Pending
        } else {
            AttemptOutcome::Failed
        }
    }
}

impl From<&Row<'_>> for Attempt {
    fn from(row: &Row<'_>) -> Self {
        Self {
            id: row.id,
            at: row.delivered_at,
            redelivery: row.is_redelivery(),
            pending: row.outcome() == AttemptOutcome::Pending,
        }
    }
}

impl From<&Row<'_>> for LatestAttempt {
    fn from(row: &Row<'_>) -> Self {
        Self {
            id: row.id,
            at: row.delivered_at,
            pending: row.outcome() == AttemptOutcome::Pending,
            status: (*row.status).into(),
            code: row.code,
            event: (*row.event).into(),
            action: row.action.as_deref().map(Into::into),
        }
    }
}

/// A string that borrows from the page. serde borrows a `Cow` only inside a struct.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

fn attempt_id<'de, D: Deserializer<'de>>(value: D) -> Result<AttemptId, D::Error> {
    number_or_text(value).map(AttemptId)
}

fn guid<'de, D: Deserializer<'de>>(value: D) -> Result<Guid, D::Error> {
    let Text(guid) = Text::deserialize(value)?;
    if guid.is_empty() {
        return Err(D::Error::custom("`guid` is empty"));
    }
    Ok(Guid::new(&guid))
}

/// Reads a field whose value may be of any type; `None` if it is of another type than `T`.
fn optional<'de, D, T>(value: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    let json = <&RawValue>::deserialize(value)?;
    Ok(serde_json::from_str(json.get()).ok())
}

fn optional_text<'de, D: Deserializer<'de>>(value: D) -> Result<Option<Cow<'de, str>>, D::Error> {
    let text = optional::<D, Text<'de>>(value)?;
    Ok(text.map(|Text(text)| text))
}

fn text_or_empty<'de, D: Deserializer<'de>>(value: D) -> Result<Cow<'de, str>, D::Error> {
    optional_text(value).map(Option::unwrap_or_default)
}

fn is_there<'de, D: Deserializer<'de>>(value: D) -> Result<bool, D::Error> {
    Option::<IgnoredAny>::deserialize(value).map(|value| value.is_some())
}

#[cfg(test)]
impl Row<'static> {
    /// A failed original, for tests to change.
    pub(crate) fn failed(id: u64, guid: &str, delivered_at: DateTime<Utc>) -> Self {
        Self {
            id: AttemptId(id),
            guid: Guid::new(guid),
            delivered_at,
            redelivery: Some(false),
            status: "timed out".into(),
            code: Some(504),
            throttled: false,
            event: "push".into(),
            action: None,
        }
    }

    /// A successful original.
    pub(crate) fn succeeded(id: u64, guid: &str, delivered_at: DateTime<Utc>) -> Self {
        Self {
            status: "OK".into(),
            code: Some(200),
            ..Self::failed(id, guid, delivered_at)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_outcome_follows_code_and_status() {
        use AttemptOutcome::{Failed, Pending, Succeeded};
        let cases = [
            ("OK", Some(200), false, Succeeded),
            ("OK", None, false, Succeeded),
            ("", Some(204), false, Succeeded),
            ("Invalid HTTP Response: 302", Some(302), false, Failed),
            ("Invalid HTTP Response: 503", Some(503), false, Failed),
            ("Couldn't connect to server", Some(0), false, Failed),
            ("", Some(0), false, Failed),
            ("timed out", None, false, Failed),
            ("", None, false, Pending),
            ("", None, true, Pending),
            ("queued", None, true, Pending),
            ("Invalid HTTP Response: 500", Some(500), true, Failed),
            ("OK", Some(200), true, Succeeded),
        ];
        for (status, code, throttled, expected) in cases {
            let row = Row {
                status: status.into(),
                code,
                throttled,
                ..Row::failed(1, "g", DateTime::UNIX_EPOCH)
            };
            assert_eq!(row.outcome(), expected, "{status:?} {code:?} {throttled}");
        }
    }

    #[test]
    fn an_attempt_without_an_outcome_is_pending() {
        let failed = Row::failed(1, "g", DateTime::UNIX_EPOCH);
        let pending = Row {
            status: "".into(),
            code: None,
            ..failed.clone()
        };
        for (row, is_pending) in [(failed, false), (pending, true)] {
            assert_eq!(Attempt::from(&row).pending, is_pending);
            assert_eq!(LatestAttempt::from(&row).pending, is_pending);
        }
    }

    #[test]
    fn strings_without_escapes_are_not_copied() {
        let json = r#"{"id":1,"guid":"g","delivered_at":"2026-11-22T12:00:00Z","status":"OK","event":"a\u0062","action":"x"}"#;
        let row: Row<'_> = serde_json::from_str(json).unwrap();
        assert!(matches!(row.status, Cow::Borrowed("OK")));
        assert_eq!(row.event, "ab");
        assert!(matches!(row.action, Some(Cow::Borrowed("x"))));
    }
}
