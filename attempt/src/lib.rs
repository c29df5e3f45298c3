//! One row of a webhook's delivery log, as GitHub tells it.
//!
//! GitHub's API calls such a row a "delivery". Here a delivery is all attempts of one webhook that
//! share a GUID, and a row is an attempt.

mod eight;
mod guid;
pub mod plain;
mod text;

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use chrono::{DateTime, Utc};

pub use guid::Guid;
pub use text::Text;

/// The id of one attempt.
///
/// GitHub's ids passed 2^53 in 2026, so they are written as strings wherever JSON leaves us.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttemptId(pub u64);

impl fmt::Display for AttemptId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One row of the log. Its texts are borrowed from the page's body where they can be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt<'a> {
    /// What a redelivery names.
    pub id: AttemptId,
    /// What ties the attempts of one delivery together.
    pub guid: Guid,
    /// When GitHub made the attempt.
    pub delivered_at: DateTime<Utc>,
    /// False for the original, true for each redelivery. `None` where the log does not say.
    pub redelivery: Option<bool>,
    /// GitHub's words for what came of it, such as `OK` or `timed out`. Free text; may be empty.
    pub status: Cow<'a, str>,
    /// The receiver's HTTP status code. 0 where no connection came about.
    pub code: Option<i64>,
    /// GitHub delayed the attempt.
    pub throttled: bool,
    /// The event's name, such as `pull_request`.
    pub event: Text<'a>,
    /// The event's action, such as `opened`.
    pub action: Option<Text<'a>>,
}

/// What a receiver answered to an attempt.
#[derive(Clone, Debug, PartialEq)]
pub struct Response {
    /// Its status with the name it has, such as `503 Service Unavailable`.
    pub status: String,
    /// The beginning of its body.
    pub body: String,
    /// The body goes on.
    pub cut: bool,
    /// How long it took.
    pub duration: Option<Duration>,
}

/// What came of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The receiver answered with 2xx, or GitHub says `OK`.
    Succeeded,
    /// Everything else that has an outcome: 3xx and code 0 too.
    Failed,
    /// The log holds no outcome yet.
    Pending,
}

impl Attempt<'_> {
    /// Replaces those of its texts for which there is another: `name` is asked for GUID, event and action, `text` for
    /// the status.
    pub fn replace_texts(
        &mut self,
        name: impl Fn(&str) -> Option<String>,
        text: impl Fn(&str) -> Option<String>,
    ) {
        if let Some(guid) = self.guid.odd().and_then(&name) {
            self.guid = Guid::new(&guid);
        }
        if let Some(status) = text(&self.status) {
            self.status = status.into();
        }
        for event in [Some(&mut self.event), self.action.as_mut()]
            .into_iter()
            .flatten()
        {
            if let Some(other) = name(&event.as_text()) {
                *event = Cow::<str>::Owned(other).into();
            }
        }
    }

    /// Whether this is a redelivery. What does not say so counts as an original.
    #[inline]
    pub fn is_redelivery(&self) -> bool {
        self.redelivery == Some(true)
    }

    /// What came of this attempt.
    ///
    /// GitHub's own filter counts 3xx as a success, but its receivers follow no redirect, so
    /// nothing was delivered.
    #[inline]
    pub fn verdict(&self) -> Verdict {
        if self.code.is_some_and(|code| (200..300).contains(&code)) || self.status == "OK" {
            Verdict::Succeeded
        } else if self.code.is_none() && (self.status.is_empty() || self.throttled) {
            Verdict::Pending
        } else {
            Verdict::Failed
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verdict_follows_code_and_status() {
        use Verdict::{Failed, Pending, Succeeded};
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
            let attempt = Attempt {
                id: AttemptId(1),
                guid: Guid::new("g"),
                delivered_at: DateTime::UNIX_EPOCH,
                redelivery: Some(false),
                status: status.into(),
                code,
                throttled,
                event: "push".into(),
                action: None,
            };
            assert_eq!(
                attempt.verdict(),
                expected,
                "{status:?} {code:?} {throttled}"
            );
        }
    }
}
