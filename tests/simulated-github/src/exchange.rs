//! The record of requests and answers.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::{HeaderMap, Version};

/// A request and its answer.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// `GET`, `POST` and so on.
    pub method: String,
    /// As sent.
    pub path_and_query: String,
    /// As sent, including tokens, because tests check them.
    pub headers: HeaderMap,
    /// The request's body.
    pub body: Vec<u8>,
    /// The answer's status; 0 if there was none.
    pub status: u16,
    /// The answer's body as it should have arrived; empty when [`GitHub::record_answers`](crate::GitHub::record_answers) is off.
    pub answer: Bytes,
    /// True if `answer` was kept.
    pub answer_recorded: bool,
    /// When it was answered, by the simulation's clock.
    pub at: DateTime<Utc>,
    /// True if a fault changed it, or the response holds a row that breaks GitHub's description on purpose.
    pub faulted: bool,
    /// The host the request was sent to, with its port.
    pub host: String,
    /// The version of HTTP the request came by.
    pub version: Version,
}
