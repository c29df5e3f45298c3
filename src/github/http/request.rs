//! Builds requests: every header that GitHub gets is set here, once.
//!
//! GitHub joins a header that is repeated into one value, so it would not know a repeated version. octocrab's own
//! builder is not used because it adds a version, and `content-length: 0` even to a GET.

use http::header::{
    ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, USER_AGENT,
};
use http::{HeaderValue, Method, Request};
use octocrab::OctoBody;
use serde_json::Value;

use crate::github::base::API_VERSION;
use crate::github::failure::request_error::RequestError;
use crate::github::http::coding::ACCEPTED;

/// A request to a path below the API's base address. The transport adds `host`, and the length of a body.
pub(crate) fn request(
    method: &Method,
    path: &str,
    authorization: &HeaderValue,
    body: Option<&Value>,
) -> Result<Request<OctoBody>, RequestError> {
    let agent = concat!("redeliver-webhooks/", env!("CARGO_PKG_VERSION"));
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header(AUTHORIZATION, authorization)
        .header(ACCEPT, "application/vnd.github+json")
        .header(ACCEPT_ENCODING, ACCEPTED)
        .header(USER_AGENT, agent)
        .header("x-github-api-version", API_VERSION);
    let body = match body {
        Some(body) => {
            request = request.header(CONTENT_TYPE, "application/json");
            OctoBody::from(body.to_string())
        }
        None => {
            // Servers refuse a POST that does not say how long it is (411).
            if method == Method::POST {
                request = request.header(CONTENT_LENGTH, "0");
            }
            OctoBody::empty()
        }
    };
    request
        .body(body)
        .map_err(|error| RequestError::Unsent(format!("`{path}` is not a valid path ({error})")))
}
