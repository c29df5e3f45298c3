//! The receiver's response to an attempt.

use std::time::Duration;

/// The beginning of a receiver's response to one attempt.
#[derive(Clone, Debug, PartialEq)]
pub struct ReceiverResponse {
    /// Its status code and text, such as `503 Service Unavailable`.
    pub status: String,
    /// The beginning of its body.
    pub body: String,
    /// True if the body goes on.
    pub cut: bool,
    /// Time that it took to respond.
    pub duration: Option<Duration>,
}
