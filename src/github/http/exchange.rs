//! One request and its response, headers and body, each within a time limit.

use std::error::Error;
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::{HeaderMap, Request, StatusCode, response};
use http_body_util::BodyExt;
use http_body_util::combinators::BoxBody;
use hyper::body::Body;
use octocrab::{OctoBody, Octocrab};
use serde::Deserialize;
use tokio::time::timeout;

use crate::github::failure::message::page_title;
use crate::github::failure::request_error::RequestError;
use crate::github::http::coding::{decoded, longer_than};
use crate::github::http::connect::chain;
use crate::secrets::Secrets;
use crate::text::one_line;

/// Longest wait for a response's headers.
const HEADERS: Duration = Duration::from_secs(30);

/// Longest wait for a response's body.
const BODY: Duration = Duration::from_secs(60);

/// Largest body that is read, in bytes. A page of 100 attempts has about 60 KiB.
const BODY_BYTES: usize = 32 << 20;

/// Longest title of a page that is shown, in characters.
const TITLE: usize = 200;

/// Receives the headers of a success before its body is read.
pub(crate) type OnHeaders<'a> = dyn FnMut(&HeaderMap) + Send + 'a;

/// A response that is a success, with its whole body.
#[derive(Debug, Default)]
pub(crate) struct Response {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    /// GitHub redirected the request to another path.
    pub(crate) redirected: bool,
    /// When the request was sent.
    pub(crate) sent_at: DateTime<Utc>,
}

impl Response {
    /// Parses the body as JSON.
    pub(crate) fn json<'a, T: Deserialize<'a>>(&'a self) -> Result<T, RequestError> {
        serde_json::from_slice(&self.body)
            .map_err(|error| RequestError::Malformed(place_of(&error)))
    }
}

/// Facts from a response's headers. They stay known if the body never arrives.
#[derive(Default)]
pub(crate) struct ResponseFacts {
    pub(crate) status: Option<StatusCode>,
    pub(crate) remaining: Option<String>,
    /// When the token ends, which GitHub names for personal tokens.
    pub(crate) token_ends: Option<DateTime<Utc>>,
}

impl ResponseFacts {
    pub(crate) fn of(response: &response::Parts) -> Self {
        let text = |name: &str| response.headers.get(name)?.to_str().ok();
        Self {
            status: Some(response.status),
            remaining: text("x-ratelimit-remaining").map(str::to_owned),
            token_ends: text("github-authentication-token-expiration").and_then(expiry),
        }
    }
}

/// Sends a request and waits for the headers of its response.
pub(crate) async fn headers(
    octocrab: &Octocrab,
    request: Request<OctoBody>,
) -> Result<http::Response<BoxBody<Bytes, octocrab::Error>>, RequestError> {
    match timeout(HEADERS, octocrab.execute(request)).await {
        Ok(response) => response.map_err(unsent_or_unclear),
        Err(_) => Err(RequestError::Unclear(format!(
            "no headers within {} s",
            HEADERS.as_secs()
        ))),
    }
}

/// Reads the whole body of a response. If GitHub refused, a body that breaks off counts as empty: the status is enough.
pub(crate) async fn whole_body<B>(
    response: &response::Parts,
    body: B,
) -> Result<Vec<u8>, RequestError>
where
    B: Body<Data = Bytes, Error: Error + 'static> + Unpin,
{
    let body = match timeout(BODY, gathered(body)).await {
        Ok(body) => body.and_then(|body| decoded(&response.headers, body, BODY_BYTES)),
        Err(_) => Err(format!("did not end within {} s", BODY.as_secs())),
    };
    match body {
        Ok(body) if response.status.is_success() && is_cut(&body) => {
            Err(RequestError::Unclear("its body is cut off".into()))
        }
        Ok(body) => Ok(body),
        Err(_) if !response.status.is_success() => Ok(Vec::new()),
        Err(why) => Err(RequestError::Unclear(format!("its body {why}"))),
    }
}

/// Returns an error if a web page came in place of JSON. A page comes from a proxy, whatever its status is.
pub(crate) fn refuse_page(body: &[u8], secrets: &Secrets) -> Result<(), RequestError> {
    if !body.trim_ascii_start().starts_with(b"<") {
        return Ok(());
    }
    let title = page_title(&String::from_utf8_lossy(body)).unwrap_or_default();
    let title = one_line(&secrets.clean(&title), TITLE);
    Err(RequestError::Malformed(format!("it is the page `{title}`")))
}

/// A whole body in one piece, or a description of its defect.
async fn gathered<B>(mut body: B) -> Result<Vec<u8>, String>
where
    B: Body<Data = Bytes, Error: Error + 'static> + Unpin,
{
    let mut whole = Vec::new();
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

/// The place where JSON differs from the documentation, without any of its text, which may be a secret.
pub(crate) fn place_of(error: &serde_json::Error) -> String {
    let (line, column) = (error.line(), error.column());
    format!("it is not as documented at line {line}, column {column}")
}

/// Returns whether JSON is cut off, as far as its ends show. If a proxy loses its server, the body may look whole to
/// HTTP.
fn is_cut(body: &[u8]) -> bool {
    let body = body.trim_ascii();
    match body.first() {
        Some(b'[') => body.last() != Some(&b']'),
        Some(b'{') => body.last() != Some(&b'}'),
        _ => false,
    }
}

/// Parses `2026-12-01 12:00:00 UTC`, or the same with an offset in place of the zone: GitHub sends both.
fn expiry(value: &str) -> Option<DateTime<Utc>> {
    value.trim().parse().ok()
}

/// The error of the transport, which octocrab wraps.
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
    fn both_forms_of_a_tokens_expiry_are_understood() {
        let noon: DateTime<Utc> = "2026-12-01T12:00:00Z".parse().unwrap();
        assert_eq!(expiry("2026-12-01 12:00:00 UTC"), Some(noon));
        assert_eq!(expiry("2026-12-01 13:00:00 +0100"), Some(noon));
        assert_eq!(expiry("never"), None);
    }
}
