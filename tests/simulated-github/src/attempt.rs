//! One row of a delivery log.

use chrono::{DateTime, Utc};
use serde::Serialize;

/// One attempt to deliver an event, as a row of the delivery log shows it.
///
/// The fields, their names and their order are those of `hook-delivery-item` in GitHub's API description.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Attempt {
    /// Unique within a webhook. 0 means "give it the next one" to [`Webhook::log`](crate::Webhook::log).
    pub id: u64,
    /// The event's identity: shared by every attempt to deliver it, and by every webhook that gets it.
    pub guid: String,
    /// When the attempt was made.
    pub delivered_at: DateTime<Utc>,
    /// True for a redelivery.
    pub redelivery: bool,
    /// The time that the receiver took, in seconds.
    pub duration: f64,
    /// The outcome in words; `None` is served as `null`, which GitHub's description does not allow.
    pub status: Option<String>,
    /// The outcome as a code, 0 without an answer; `None` is served as `null`, which the description does not allow.
    pub status_code: Option<i64>,
    /// Such as `push`.
    pub event: String,
    /// Such as `opened`, for events that have actions.
    pub action: Option<String>,
    /// The App installation the event was for.
    pub installation_id: Option<u64>,
    /// The repository the event came from.
    pub repository_id: Option<u64>,
    /// When GitHub put the attempt off because there were too many.
    pub throttled_at: Option<DateTime<Utc>>,
    /// The body of the receiver's answer, served with the row alone.
    #[serde(skip)]
    pub answer: String,
    /// When set, this is served in place of the row: for rows that can't be parsed.
    #[serde(skip)]
    pub raw: Option<serde_json::Value>,
}

impl Attempt {
    /// A `push` that the receiver took: `OK`, 200.
    pub fn ok(guid: impl Into<String>, delivered_at: DateTime<Utc>) -> Self {
        Self {
            id: 0,
            guid: guid.into(),
            delivered_at,
            redelivery: false,
            duration: 0.27,
            status: Some("OK".to_owned()),
            status_code: Some(200),
            event: "push".to_owned(),
            action: None,
            installation_id: None,
            repository_id: Some(1_296_269),
            throttled_at: None,
            answer: String::new(),
            raw: None,
        }
    }

    /// A `push` that the receiver refused: `Invalid HTTP Response: 503`.
    pub fn failed(guid: impl Into<String>, delivered_at: DateTime<Utc>) -> Self {
        Self::ok(guid, delivered_at).with_status("Invalid HTTP Response: 503", 503)
    }

    /// The outcome, in GitHub's words and as a code.
    #[must_use]
    pub fn with_status(mut self, status: impl Into<String>, code: i64) -> Self {
        self.status = Some(status.into());
        self.status_code = Some(code);
        self
    }

    /// Marks the row as a redelivery.
    #[must_use]
    pub fn redelivery(mut self) -> Self {
        self.redelivery = true;
        self
    }

    /// The event and its action.
    #[must_use]
    pub fn event(mut self, event: impl Into<String>, action: Option<&str>) -> Self {
        self.event = event.into();
        self.action = action.map(str::to_owned);
        self
    }

    /// A chosen id, for tests that need one; 0 for the next one.
    #[must_use]
    pub fn with_id(mut self, id: u64) -> Self {
        self.id = id;
        self
    }

    /// The body of the receiver's answer.
    #[must_use]
    pub fn answered(mut self, body: impl Into<String>) -> Self {
        self.answer = body.into();
        self
    }

    /// Serves `raw` in place of the row.
    #[must_use]
    pub fn raw(mut self, raw: serde_json::Value) -> Self {
        self.raw = Some(raw);
        self
    }

    /// True if the row breaks GitHub's description on purpose.
    pub(crate) fn is_odd(&self) -> bool {
        self.raw.is_some() || self.status.is_none() || self.status_code.is_none()
    }
}

/// The `n`th of a series of GUIDs, in the form GitHub's have.
pub fn guid(n: u64) -> String {
    let low = n & 0xffff_ffff;
    let mixed = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) & 0xffff_ffff_ffff;
    format!(
        "{low:08x}-{:04x}-11f0-8abc-{mixed:012x}",
        (n >> 32) & 0xffff
    )
}
