//! One request and its answer, headers and body, each within its time.

use std::error::Error;
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Body;
use octocrab::OctoBody;
use serde::Deserialize;
use tokio::time::timeout;

use crate::github::failure::error::{Answered, RequestError};
use crate::github::failure::message::page_title;
use crate::github::http::buffers::Buffers;
use crate::github::http::coding::{decoded, longer_than};
use crate::github::http::connect::chain;
use crate::github::http::shared::Shared;
use crate::github::limits::gate::Gate;
use crate::text::one_line;

/// Longest wait for an answer's headers.
const HEADERS: Duration = Duration::from_secs(30);

/// Longest wait for an answer's body.
const BODY: Duration = Duration::from_secs(60);

/// Largest body that is read, in bytes. A page of 100 attempts has about 60 KiB.
const BODY_BYTES: usize = 32 << 20;

/// Longest title of a page that is shown, in characters.
const TITLE: usize = 200;

/// Sees the headers of a success before its body is read.
pub(crate) type OnHeaders<'a> = dyn FnMut(&HeaderMap) + Send + 'a;

/// An answer that succeeded, whole.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    /// GitHub sent the request to another path first.
    pub(crate) redirected: bool,
}

impl Answer {
    /// The body, read as JSON.
    pub(crate) fn json<'a, T: Deserialize<'a>>(&'a self) -> Result<T, RequestError> {
        serde_json::from_slice(&self.body)
            .map_err(|error| RequestError::Malformed(where_odd(&error)))
    }
}

/// What an answer's headers told.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) status: Option<StatusCode>,
    pub(crate) remaining: Option<String>,
    /// When the token ends. GitHub tells it of personal tokens.
    pub(crate) token_ends: Option<DateTime<Utc>>,
}

impl Shared {
    /// Sends a request and reads its answer.
    pub(crate) async fn exchange(
        &self,
        request: Request<OctoBody>,
        gate: &Gate,
        on_headers: &mut OnHeaders<'_>,
        seen: &mut Seen,
    ) -> Result<Answer, RequestError> {
        let uri = request.uri().to_string();
        let answer = timeout(HEADERS, self.octocrab.execute(request)).await;
        let answer = match answer {
            Ok(answer) => answer.map_err(unsent_or_unclear)?,
            Err(_) => {
                let words = format!("no headers within {} s", HEADERS.as_secs());
                return Err(RequestError::Unclear(words));
            }
        };
        let (parts, body) = answer.into_parts();
        self.clock.set_by(&parts.headers);
        gate.learn(&parts.headers, &self.clock);
        self.end_of_api.read(&parts.headers, &self.console);
        seen.read(parts.status, &parts.headers);
        if parts.status.is_success() {
            on_headers(&parts.headers);
        }
        let body = match timeout(BODY, gathered(body, &self.buffers)).await {
            Ok(body) => {
                body.and_then(|body| decoded(&parts.headers, body, &self.buffers, BODY_BYTES))
            }
            Err(_) => Err(format!("did not end within {} s", BODY.as_secs())),
        };
        let body = match body {
            Ok(body) => body,
            // Where GitHub refused, its status says more than the rest of its words would.
            Err(_) if !parts.status.is_success() => Vec::new(),
            Err(why) => return Err(RequestError::Unclear(format!("its body {why}"))),
        };
        if parts.status.is_success() {
            if is_cut(&body) {
                return Err(RequestError::Unclear("its body is cut off".into()));
            }
            // A page is the word of a proxy, whatever status it stands beneath.
            if body.trim_ascii_start().starts_with(b"<") {
                let title = page_title(&String::from_utf8_lossy(&body)).unwrap_or_default();
                let title = one_line(&self.console.secrets().clean(&title), TITLE);
                return Err(RequestError::Malformed(format!("it is the page `{title}`")));
            }
            return Ok(Answer {
                headers: parts.headers,
                body,
                redirected: false,
            });
        }
        let answered = Answered {
            status: parts.status,
            headers: &parts.headers,
            body: &body,
        };
        Err(RequestError::from_answer(&answered, &uri, self))
    }
}

/// All of a body, in one piece; or what is wrong with it.
async fn gathered<B>(mut body: B, buffers: &Buffers) -> Result<Vec<u8>, String>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Error + 'static,
{
    let told = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    let mut whole = buffers.take(told);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| format!("broke off ({})", chain(&error)))?;
        let data = frame.into_data().unwrap_or_default();
        if whole.len() + data.len() > BODY_BYTES {
            return Err(longer_than(BODY_BYTES));
        }
        whole.extend_from_slice(&data);
    }
    Ok(whole)
}

impl Seen {
    fn read(&mut self, status: StatusCode, headers: &HeaderMap) {
        let text = |name: &str| headers.get(name)?.to_str().ok();
        self.status = Some(status);
        self.remaining = text("x-ratelimit-remaining").map(str::to_owned);
        self.token_ends = text("github-authentication-token-expiration").and_then(expiry);
    }
}

/// Where JSON is not as documented, without a word of what is there: it may be a secret.
pub(crate) fn where_odd(error: &serde_json::Error) -> String {
    let (line, column) = (error.line(), error.column());
    format!("it is not as documented at line {line}, column {column}")
}

/// Whether JSON is cut off, as far as its ends tell: what a proxy lost its server over may look whole to HTTP.
fn is_cut(body: &[u8]) -> bool {
    let body = body.trim_ascii();
    match body.first() {
        Some(b'[') => body.last() != Some(&b']'),
        Some(b'{') => body.last() != Some(&b'}'),
        _ => false,
    }
}

/// `2026-12-01 12:00:00 UTC`, or with an offset in place of the zone: both are seen.
fn expiry(value: &str) -> Option<DateTime<Utc>> {
    value.trim().parse().ok()
}

/// Finds the transport's own word on a failed request beneath octocrab's wrapping.
fn unsent_or_unclear(error: octocrab::Error) -> RequestError {
    match error {
        octocrab::Error::Service { source, .. } => match source.downcast::<RequestError>() {
            Ok(failure) => *failure,
            Err(error) => RequestError::Unclear(chain(&*error)),
        },
        error => RequestError::Unclear(chain(&error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_without_its_end_is_cut() {
        for whole in ["", "[]", " [1]\n", "{}", "<html>", "x"] {
            assert!(!is_cut(whole.as_bytes()), "{whole}");
        }
        for cut in ["[", "[{}", "{\"a\":[]", "[{\"id\":1},"] {
            assert!(is_cut(cut.as_bytes()), "{cut}");
        }
    }

    #[test]
    fn a_tokens_end_is_understood_in_both_forms() {
        let noon: DateTime<Utc> = "2026-12-01T12:00:00Z".parse().unwrap();
        assert_eq!(expiry("2026-12-01 12:00:00 UTC"), Some(noon));
        assert_eq!(expiry("2026-12-01 13:00:00 +0100"), Some(noon));
        assert_eq!(expiry("never"), None);
    }
}
