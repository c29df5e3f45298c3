//! A receiver's answer to one delivery of a cause.

use crate::model::{AttemptId, ReceiverResponse};

/// A receiver's answer to one delivery of a cause.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The cause: GitHub's status text, the receiver's status code, the event.
    pub cause: (Box<str>, Option<i64>, Box<str>),
    /// The webhook's name in reports.
    pub webhook: String,
    /// The attempt that the receiver answered.
    pub attempt: AttemptId,
    /// The answer, or the reason why the pass could not get it.
    pub answer: Result<ReceiverResponse, String>,
}
