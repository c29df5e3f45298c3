//! Requests.

use bytes::Bytes;
use http::uri::Scheme;
use http::{HeaderMap, HeaderValue, Method, Version, header};

/// One request, whole.
#[derive(Debug, Clone)]
pub struct Request {
    /// GET, POST and so on.
    pub method: Method,
    /// As sent: `/orgs/acme/hooks?per_page=100`.
    pub path_and_query: String,
    /// As sent, with `Host` filled in from `:authority` for HTTP/2.
    pub headers: HeaderMap,
    /// All of it.
    pub body: Bytes,
    /// `https` if it came over TLS; links in the response begin with the same.
    pub scheme: Scheme,
    /// The version of HTTP it came by.
    pub version: Version,
}

impl Request {
    /// A request without a body, to a host on loopback, by HTTP/1.1 and without TLS.
    pub fn new(method: Method, path_and_query: &str) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, HeaderValue::from_static("127.0.0.1"));
        Self {
            method,
            path_and_query: path_and_query.to_owned(),
            headers,
            body: Bytes::new(),
            scheme: Scheme::HTTP,
            version: Version::HTTP_11,
        }
    }

    /// With `Authorization: Bearer {token}`.
    ///
    /// # Panics
    /// If the token cannot be a header's value.
    #[must_use]
    pub fn bearer(mut self, token: &str) -> Self {
        let Ok(value) = HeaderValue::try_from(format!("Bearer {token}")) else {
            panic!("`{token}` cannot be sent in a header");
        };
        self.headers.insert(header::AUTHORIZATION, value);
        self
    }

    /// With a body.
    #[must_use]
    pub fn with_body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// The host it was sent to, with its port.
    pub(crate) fn host(&self) -> &str {
        self.headers
            .get(header::HOST)
            .and_then(|host| host.to_str().ok())
            .unwrap_or("127.0.0.1")
    }

    /// The scheme and the host, with which every address on the host begins.
    pub(crate) fn origin(&self) -> String {
        format!("{}://{}", self.scheme, self.host())
    }

    pub(crate) fn path(&self) -> &str {
        self.path_and_query.split('?').next().unwrap_or_default()
    }

    /// A query parameter, decoded; the first, if it is there twice.
    pub(crate) fn query(&self, name: &str) -> Option<String> {
        query_pairs(&self.path_and_query)
            .into_iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value)
    }

    /// The token, from `Authorization: Bearer X` or `token X`; GitHub takes both.
    pub(crate) fn token(&self) -> Option<&str> {
        let value = self.headers.get(header::AUTHORIZATION)?.to_str().ok()?;
        let (scheme, token) = value.split_once(' ')?;
        let known = ["bearer", "token"]
            .iter()
            .any(|known| scheme.eq_ignore_ascii_case(known));
        known.then(|| token.trim())
    }
}

/// The parameters of a path with a query, decoded, in order.
pub(crate) fn query_pairs(path_and_query: &str) -> Vec<(String, String)> {
    let Some((_, query)) = path_and_query.split_once('?') else {
        return Vec::new();
    };
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (
                decoded(&key.replace('+', " ")),
                decoded(&value.replace('+', " ")),
            )
        })
        .collect()
}

/// Undoes percent-encoding; invalid sequences stay unchanged.
pub(crate) fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = (bytes[at] == b'%')
            .then(|| text.get(at + 1..at + 3))
            .flatten();
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}
