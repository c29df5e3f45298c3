//! Faults on demand.

use std::ops::Range;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue};

use crate::effect::Effect;
use crate::reply::{Drip, Ending};
use crate::request::Request;

/// Something going wrong with chosen requests. Without any effect it only marks them as faulted.
///
/// It counts the requests it matches, and hits some of them: the first unless [`nth`](Self::nth), [`times`](Self::times),
/// [`always`](Self::always) or [`randomly`](Self::randomly) say otherwise. When several faults hit one request, all have their effect, in the order
/// they were added.
#[derive(Debug, Clone)]
pub struct Fault {
    method: String,
    path_contains: String,
    first: usize,
    times: usize,
    seen: usize,
    random: Option<Random>,
    effect: Effect,
    /// The body repeats the request's `authorization`.
    repeats: bool,
}

/// The share of draws, out of a hundred, that hit.
#[derive(Debug, Clone)]
struct Random {
    seed: u64,
    share: Range<u8>,
}

impl Random {
    /// True if the request with this number is hit. It depends on the seed and the number alone.
    fn hits(&self, number: usize) -> bool {
        // SplitMix64: <https://prng.di.unimi.it/splitmix64.c>.
        let mut mixed = self
            .seed
            .wrapping_add((number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        let draw = mixed % 100;
        (u64::from(self.share.start)..u64::from(self.share.end)).contains(&draw)
    }
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
            random: None,
            effect: Effect::default(),
            repeats: false,
        }
    }

    /// A fault for all requests with this method (`*` for any).
    pub fn on_any_path(method: &str) -> Self {
        Self::on(method, "")
    }

    /// The first matching request to hit, counted from 1.
    #[must_use]
    pub fn nth(mut self, n: usize) -> Self {
        self.first = n;
        self
    }

    /// The number of matching requests in a row to hit.
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

    /// Hits about this share of the matching requests. Which ones, the seed decides: always the same.
    #[must_use]
    pub fn randomly(self, seed: u64, percent: u8) -> Self {
        self.randomly_in(seed, 0..percent)
    }

    /// Hits those of the matching requests for which one of the numbers from 0 to 99 was drawn that are in `share`.
    ///
    /// Faults with the same seed that match the same requests draw the same, so shares that do not overlap never hit one
    /// request. Of these two each hits a tenth, and together they hit a fifth:
    ///
    /// ```
    /// use simulated_github::Fault;
    ///
    /// let before = Fault::on_any_path("*").randomly_in(7, 0..10).status(502, "");
    /// let after = Fault::on_any_path("*").randomly_in(7, 10..20).status(502, "").act_first();
    /// ```
    #[must_use]
    pub fn randomly_in(mut self, seed: u64, share: Range<u8>) -> Self {
        self.random = Some(Random { seed, share });
        self.always()
    }

    /// Sends this status and body instead; the request has no effect unless [`act_first`](Self::act_first) is used too.
    #[must_use]
    pub fn status(mut self, code: u16, body: &str) -> Self {
        self.effect.status = Some(code);
        self.effect.body = Some(Bytes::copy_from_slice(body.as_bytes()));
        self.effect.instead = true;
        self
    }

    /// The same with the request's `authorization` header in the place of `{authorization}`.
    #[must_use]
    pub fn status_repeating(self, code: u16, body: &str) -> Self {
        let mut this = self.status(code, body);
        this.repeats = true;
        this
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

    /// GitHub acts, and resets the connection when it has sent a part of the headers. With HTTP/2 the other requests of the
    /// connection go down with it.
    #[must_use]
    pub fn reset_mid_headers(mut self) -> Self {
        self.effect.ending = Ending::ResetMidHeaders;
        self
    }

    /// GitHub acts and answers, and goes on with spaces for ever where the body should end.
    #[must_use]
    pub fn endless_body(mut self) -> Self {
        self.effect.ending = Ending::EndlessBody;
        self
    }

    /// GitHub acts, and holds the headers of its answer back for so long.
    #[must_use]
    pub fn delay_headers(mut self, delay: Duration) -> Self {
        self.effect.header_delay = delay;
        self
    }

    /// Sends the headers at once, and holds the body back for so long. A body of no bytes has nothing to hold back.
    #[must_use]
    pub fn delay_body(mut self, delay: Duration) -> Self {
        self.effect.body_delay = delay;
        self
    }

    /// Sends the body a few bytes at a time.
    #[must_use]
    pub fn drip_body(mut self, bytes: usize, every: Duration) -> Self {
        self.effect.drip = Some(Drip { bytes, every });
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
        let counted = self.seen >= self.first && self.seen - self.first < self.times;
        let drawn = self
            .random
            .as_ref()
            .is_none_or(|random| random.hits(self.seen));
        let mut effect = (counted && drawn).then(|| self.effect.clone())?;
        if let (true, Some(body)) = (self.repeats, &effect.body) {
            let authorization = request.headers.get("authorization");
            let authorization = authorization.and_then(|value| value.to_str().ok());
            let body = String::from_utf8_lossy(body);
            let body = body.replace("{authorization}", authorization.unwrap_or_default());
            effect.body = Some(body.into());
        }
        Some(effect)
    }
}
