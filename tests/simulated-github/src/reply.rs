//! Responses.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use serde::Serialize;
use serde_json::json;

use crate::body::ReplyBody;
use crate::wire::Link;

/// The ending of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ending {
    /// Whole, as it should.
    #[default]
    Whole,
    /// The connection ends in the middle of the body.
    CutBody,
    /// After the body come spaces, and never an end.
    EndlessBody,
    /// No answer: the connection is reset.
    Reset,
    /// No answer: the connection is reset when a part of the headers has been sent.
    ResetMidHeaders,
    /// No answer, and the connection stays open.
    Hang,
}

impl Ending {
    /// True if the client gets the status and the headers.
    pub(crate) fn has_headers(self) -> bool {
        matches!(self, Self::Whole | Self::CutBody | Self::EndlessBody)
    }
}

/// The pace of a slow body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drip {
    /// The bytes that come at a time.
    pub bytes: usize,
    /// The time from one piece to the next.
    pub every: Duration,
}

/// One answer.
///
/// [`Simulator`](crate::Simulator) waits by the machine's clock. A caller of
/// [`GitHub::respond`](crate::GitHub::respond) may wait by a clock of its own, or not at all.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// All headers but `content-length`.
    pub headers: HeaderMap,
    /// The whole body, also when only a part of it is sent.
    pub body: Bytes,
    /// The ending.
    pub ending: Ending,
    /// The delay of the headers; GitHub has acted by then.
    pub header_delay: Duration,
    /// The delay of the body after the headers.
    pub body_delay: Duration,
    /// The pace of the body then; `None` is at once.
    pub drip: Option<Drip>,
}

impl Reply {
    /// The response that a client gets if its headers arrive: the body acts out its delay, its pace and its end by
    /// Tokio's clock.
    pub fn into_response(self) -> Response<ReplyBody> {
        self.into_response_over(None)
    }

    /// The same over a link that limits how fast bodies go.
    pub(crate) fn into_response_over(self, link: Option<Link>) -> Response<ReplyBody> {
        let mut response = Response::new(ReplyBody::new(&self, link));
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        *response.headers_mut() = self.headers;
        if self.ending == Ending::CutBody {
            let length = HeaderValue::from(self.body.len().max(2));
            response
                .headers_mut()
                .insert(header::CONTENT_LENGTH, length);
        }
        response
    }
}

/// An answer before it has the headers that all answers have.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
    pub(crate) link: Option<String>,
    /// Headers that only some answers have, besides the link.
    pub(crate) headers: Vec<(&'static str, String)>,
    /// True if the body breaks GitHub's description on purpose.
    pub(crate) odd: bool,
}

impl Answer {
    pub(crate) fn empty(status: u16) -> Self {
        Self {
            status,
            body: Vec::new(),
            link: None,
            headers: Vec::new(),
            odd: false,
        }
    }

    pub(crate) fn json(status: u16, body: &impl Serialize) -> Self {
        match serde_json::to_vec(body) {
            Ok(body) => Self {
                body,
                ..Self::empty(status)
            },
            Err(error) => Self::error(500, &error.to_string(), ""),
        }
    }

    /// GitHub's error body. `topic` is a path below the documentation's root.
    pub(crate) fn error(status: u16, message: &str, topic: &str) -> Self {
        let documentation_url = format!("https://docs.github.com/rest{topic}");
        let body = json!({ "message": message, "documentation_url": documentation_url, "status": status.to_string() });
        Self {
            body: body.to_string().into_bytes(),
            ..Self::empty(status)
        }
    }

    pub(crate) fn with_header(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    pub(crate) fn not_found(topic: &str) -> Self {
        Self::error(404, "Not Found", topic)
    }
}
