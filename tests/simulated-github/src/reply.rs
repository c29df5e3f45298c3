//! What goes out.

use bytes::Bytes;
use http::HeaderMap;
use serde::Serialize;
use serde_json::json;

/// How an answer leaves the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ending {
    /// Whole, as it should.
    #[default]
    Whole,
    /// The connection ends in the middle of the body.
    CutBody,
    /// No answer: the connection is reset.
    Reset,
    /// No answer, and the connection stays open.
    Hang,
}

/// One answer.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// All headers but `content-length`.
    pub headers: HeaderMap,
    /// The whole body, also when only a part of it is sent.
    pub body: Bytes,
    /// What becomes of it on the way.
    pub ending: Ending,
}

/// An answer before it has the headers that all answers have.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
    pub(crate) link: Option<String>,
    /// Headers that only some answers have, besides the link.
    pub(crate) headers: Vec<(&'static str, String)>,
    /// Whether the body breaks GitHub's description on purpose.
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
