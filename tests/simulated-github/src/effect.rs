//! The effects of faults on responses.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::reply::{Drip, Ending, Reply};

/// The effect of a fault on a response.
#[derive(Debug, Clone, Default)]
pub(crate) struct Effect {
    pub(crate) status: Option<u16>,
    pub(crate) body: Option<Bytes>,
    pub(crate) headers: HeaderMap,
    pub(crate) without: Vec<HeaderName>,
    pub(crate) ending: Ending,
    pub(crate) header_delay: Duration,
    pub(crate) body_delay: Duration,
    pub(crate) drip: Option<Drip>,
    /// The request is kept from GitHub, unless `acts` says otherwise.
    pub(crate) instead: bool,
    pub(crate) acts: bool,
}

impl Effect {
    /// True if the request does not reach GitHub.
    pub(crate) fn is_instead(&self) -> bool {
        self.instead && !self.acts
    }

    pub(crate) fn apply(self, reply: &mut Reply) {
        if let Some(status) = self.status {
            reply.status = status;
            // The links were those of the answer that this one replaces.
            reply.headers.remove(header::LINK);
        }
        if let Some(body) = self.body {
            if body.starts_with(b"<") {
                reply.headers.insert(
                    header::CONTENT_TYPE,
                    HeaderValue::from_static("text/html; charset=utf-8"),
                );
            }
            reply.body = body;
        }
        for (name, value) in &self.headers {
            reply.headers.insert(name, value.clone());
        }
        for name in &self.without {
            reply.headers.remove(name);
        }
        if self.ending != Ending::Whole {
            reply.ending = self.ending;
        }
        reply.header_delay += self.header_delay;
        reply.body_delay += self.body_delay;
        reply.drip = self.drip.or(reply.drip);
    }
}
