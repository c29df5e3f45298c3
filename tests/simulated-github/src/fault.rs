//! Faults on demand.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::reply::{Ending, Reply};
use crate::request::Request;

/// What a fault does to the answer.
#[derive(Debug, Clone, Default)]
pub(crate) struct Effect {
    status: Option<u16>,
    body: Option<Bytes>,
    headers: HeaderMap,
    without: Vec<HeaderName>,
    ending: Ending,
    /// The request is kept from GitHub, unless `acts` says otherwise.
    instead: bool,
    acts: bool,
}

/// Something going wrong with chosen requests. Without any effect it only marks them as faulted.
///
/// It counts the requests it matches, and hits some of them: the first unless [`nth`](Self::nth), [`times`](Self::times)
/// or [`always`](Self::always) say otherwise. When several faults hit one request, all have their effect, in the order
/// they were added.
#[derive(Debug, Clone)]
pub struct Fault {
    method: String,
    path_contains: String,
    first: usize,
    times: usize,
    seen: usize,
    effect: Effect,
}

impl Fault {
    /// A fault for requests with this method (`*` for any) whose path and query contain `path_contains`.
    pub fn on(method: &str, path_contains: &str) -> Self {
        Self {
            method: method.to_ascii_uppercase(),
            path_contains: path_contains.to_owned(),
            first: 1,
            times: 1,
            seen: 0,
            effect: Effect::default(),
        }
    }

    /// The first matching request to hit, counted from 1.
    #[must_use]
    pub fn nth(mut self, n: usize) -> Self {
        self.first = n;
        self
    }

    /// How many matching requests in a row to hit.
    #[must_use]
    pub fn times(mut self, n: usize) -> Self {
        self.times = n;
        self
    }

    /// Hits every matching request from the first on.
    #[must_use]
    pub fn always(self) -> Self {
        self.times(usize::MAX)
    }

    /// Sends this status and body instead; the request has no effect unless [`act_first`](Self::act_first) is used too.
    #[must_use]
    pub fn status(mut self, code: u16, body: &str) -> Self {
        self.effect.status = Some(code);
        self.effect.body = Some(Bytes::copy_from_slice(body.as_bytes()));
        self.effect.instead = true;
        self
    }

    /// The request takes effect although [`status`](Self::status) answers it.
    #[must_use]
    pub fn act_first(mut self) -> Self {
        self.effect.acts = true;
        self
    }

    /// Adds or replaces a header, also on answers that are normal otherwise.
    ///
    /// # Panics
    /// If the name or the value cannot be in a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value))
        else {
            panic!("`{name}: {value}` cannot be a header");
        };
        self.effect.headers.insert(name, value);
        self
    }

    /// Leaves a header out.
    ///
    /// # Panics
    /// If this cannot be a header's name.
    #[must_use]
    pub fn without_header(mut self, name: &str) -> Self {
        let Ok(name) = HeaderName::try_from(name) else {
            panic!("`{name}` cannot be a header's name");
        };
        self.effect.without.push(name);
        self
    }

    /// Sends these bytes as the body of an answer that is normal otherwise.
    #[must_use]
    pub fn body(mut self, bytes: impl Into<Bytes>) -> Self {
        self.effect.body = Some(bytes.into());
        self
    }

    /// Resets the connection before GitHub has acted.
    #[must_use]
    pub fn reset(mut self) -> Self {
        self.effect.ending = Ending::Reset;
        self.effect.instead = true;
        self
    }

    /// GitHub acts, then resets the connection instead of answering.
    #[must_use]
    pub fn reset_after(mut self) -> Self {
        self.effect.ending = Ending::Reset;
        self
    }

    /// Nothing happens and no answer ever comes.
    #[must_use]
    pub fn hang(mut self) -> Self {
        self.effect.ending = Ending::Hang;
        self.effect.instead = true;
        self
    }

    /// GitHub acts and answers, and the connection ends in the middle of the body.
    #[must_use]
    pub fn cut_body(mut self) -> Self {
        self.effect.ending = Ending::CutBody;
        self
    }

    /// Answers normally, but names `url` as the next page.
    ///
    /// # Panics
    /// If the URL cannot be in a header.
    #[must_use]
    pub fn link_next(self, url: &str) -> Self {
        self.header("link", &format!("<{url}>; rel=\"next\""))
    }

    /// Counts the request if it matches; the effect if it is hit.
    pub(crate) fn hit(&mut self, request: &Request) -> Option<Effect> {
        let method = self.method == "*" || self.method == request.method.as_str();
        if !method || !request.path_and_query.contains(&self.path_contains) {
            return None;
        }
        self.seen += 1;
        let hits = self.seen >= self.first && self.seen - self.first < self.times;
        hits.then(|| self.effect.clone())
    }
}

impl Effect {
    /// Whether the request does not reach GitHub.
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
    }
}
