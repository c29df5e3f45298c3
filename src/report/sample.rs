//! What a receiver answered to one delivery of a cause.

use super::Cause;
use crate::model::{AttemptId, ReceiverResponse};

/// What a receiver answered to one delivery of a cause, or why that is not known.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The cause: GitHub's words, the receiver's code, the event's name.
    pub cause: (Box<str>, Option<i64>, Box<str>),
    /// The webhook, as reports call it.
    pub webhook: String,
    /// The attempt.
    pub attempt: AttemptId,
    /// The answer, or what became of the request for it.
    pub answer: Result<ReceiverResponse, String>,
}

impl Sample {
    /// Whether it is a sample of this cause.
    pub fn is_of(&self, cause: &Cause<'_>) -> bool {
        let (status, code, event) = &self.cause;
        (&**status, *code, &**event) == (cause.status, cause.code, cause.event)
    }
}
