//! Decides whether and when a failed request is sent again.

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::time::Duration;

use chrono::{DateTime, Utc};
use http::Method;
use tokio::time::{Instant, sleep};

use crate::github::base::ApiBase;
use crate::github::failure::request_error::RequestError;
use crate::github::http::path::{below, is_moved};
use crate::github::http::transport::LAST_WRITE_GRACE;
use crate::github::limits::gate::LONGEST_WAIT;
use crate::github::limits::request_kind::RequestKind;
use crate::stop::Stop;

/// Most times that a request is sent again.
const REPEATS: u32 = 5;

/// The first wait; each later one is twice as long.
const FIRST: Duration = Duration::from_millis(500);

/// Most redirects that one request follows: GitHub's lead from a name to a number, and no further.
const REDIRECTS: u32 = 2;

/// Most tries of the last write once the pass has ended, or while a limit is reached.
const LAST_TRIES: u32 = 3;

/// The retries and redirects of one request.
pub(crate) struct Retries {
    kind: RequestKind,
    waits: Waits,
    waits_after_end: Waits,
    redirects: u32,
    /// A limit that may be about this delivery alone was waited for once.
    waited_for_422: bool,
}

impl Retries {
    /// For the request with this number. The lengths of the waits depend on it.
    pub(crate) fn new(kind: RequestKind, number: u64) -> Self {
        Self {
            kind,
            waits: Waits::new(number),
            waits_after_end: Waits::new(number),
            redirects: 0,
            waited_for_422: false,
        }
    }

    /// Returns whether a redirect was followed.
    pub(crate) fn redirected(&self) -> bool {
        self.redirects > 0
    }

    /// The path that a redirect leads to, if the client should follow it.
    pub(crate) fn redirect(
        &mut self,
        error: &RequestError,
        method: &Method,
        base: &ApiBase,
        path: &str,
    ) -> Option<String> {
        let to = below(base.prefix(), error.moved_to(method)?, path)?;
        if self.redirects == REDIRECTS || !is_moved(path, &to) {
            return None;
        }
        self.redirects += 1;
        Some(to)
    }

    /// Waits until a failed request may be sent again. Returns whether to send it again at all.
    pub(crate) async fn wait(
        &mut self,
        error: &RequestError,
        now: DateTime<Utc>,
        stop: &Stop,
    ) -> bool {
        if self.waits_for_limit(error) {
            // The credential's gate is closed by now, and opens when the limit allows it.
            return true;
        }
        let last = self.kind == RequestKind::LastWrite;
        if last && stop.why().is_some() {
            let Some(wait) = self.wait_after_end(error, stop) else {
                return false;
            };
            sleep(wait).await;
            return true;
        }
        match self.next_wait(error, now) {
            Some(wait) if stop.leaves(wait) || last => {
                stop.sleep_until(Instant::now() + wait).await.is_ok() || last
            }
            _ => false,
        }
    }

    /// Returns whether the request waits for the end of a limit. Once a redelivery has waited for a whole limit, a 422
    /// is about the delivery.
    fn waits_for_limit(&mut self, error: &RequestError) -> bool {
        let is_422 = error.status() == Some(422);
        let waits = error.limit().is_some()
            && waits_for(self.kind, error)
            && !(is_422 && self.waited_for_422);
        self.waited_for_422 |= waits && is_422;
        waits
    }

    fn next_wait(&mut self, error: &RequestError, now: DateTime<Utc>) -> Option<Duration> {
        let wait = self.waits.next()?;
        let limited = error.limit().is_some() && self.waits.made >= LAST_TRIES;
        if limited || !repeats(self.kind, error) {
            return None;
        }
        match error.retry_after() {
            Some(at) if self.kind != RequestKind::LastWrite => {
                let wait = (at - now).to_std().unwrap_or_default().max(wait);
                (wait <= LONGEST_WAIT).then_some(wait)
            }
            _ => Some(wait),
        }
    }

    fn wait_after_end(&mut self, error: &RequestError, stop: &Stop) -> Option<Duration> {
        let wait = self.waits_after_end.next()? / 2;
        let goes_on = self.waits_after_end.made < LAST_TRIES
            && wait < stop.left_of(LAST_WRITE_GRACE)
            && repeats(self.kind, error);
        goes_on.then_some(wait)
    }
}

/// Returns whether a request that failed this way is sent again.
fn repeats(kind: RequestKind, error: &RequestError) -> bool {
    match kind {
        RequestKind::Read | RequestKind::OldRead | RequestKind::Change => error.is_passing(),
        // It can't wait for a limit to end.
        RequestKind::LastWrite => error.is_passing() || error.limit().is_some(),
        // A request that may have reached GitHub could deliver twice.
        RequestKind::Redelivery => matches!(error, RequestError::Unsent(_)),
    }
}

/// Returns whether a request that a limit refused is sent again once the limit allows it.
fn waits_for(kind: RequestKind, error: &RequestError) -> bool {
    match kind {
        RequestKind::Read | RequestKind::OldRead | RequestKind::Change => true,
        // A server in trouble may have accepted it all the same.
        RequestKind::Redelivery => matches!(error.status(), Some(403 | 422 | 429)),
        RequestKind::LastWrite => false,
    }
}

/// The waits between the tries of one request. Each is up to a quarter longer or shorter than the same wait of another
/// request, so requests that failed together are not repeated together.
struct Waits {
    made: u32,
    number: u64,
}

impl Waits {
    fn new(number: u64) -> Self {
        Self { made: 0, number }
    }
}

impl Iterator for Waits {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        if self.made == REPEATS {
            return None;
        }
        let whole = FIRST * 2_u32.pow(self.made);
        self.made += 1;
        let hash =
            BuildHasherDefault::<DefaultHasher>::default().hash_one((self.number, self.made));
        let spread = hash as f64 / u64::MAX as f64;
        Some(whole.mul_f64(0.75 + spread / 2.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_and_differ_between_requests() {
        let waits = |number| Waits::new(number).collect::<Vec<_>>();
        for number in 0..100 {
            let waits = waits(number);
            assert_eq!(waits.len(), 5);
            for (n, wait) in waits.iter().enumerate() {
                let whole = 0.5 * 2_f64.powi(n as i32);
                let wait = wait.as_secs_f64();
                assert!(
                    (whole * 0.75..=whole * 1.25).contains(&wait),
                    "{wait} {whole}"
                );
            }
        }
        assert_ne!(waits(1), waits(2));
    }
}
