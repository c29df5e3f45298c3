//! octocrab on top of our own stack: one way to read, one to write.
//!
//! From the wire up: [`Transport`](crate::github::http::connect::Transport) (connections, TLS, what became of a failed
//! request), octocrab's layers for base address and headers, and above them [`Client::read`],
//! [`Client::write`] and [`Client::ask_for_redelivery`]. Whatever has to see a request as a whole, headers
//! and body alike, is done in those: places, limits, time-outs, and repeating what may be repeated. A tower
//! layer could not, its part of a request ends at the response's headers.

use std::borrow::Cow;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use http::{HeaderMap, Method};
use serde::Serialize;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::github::base::ApiBase;
use crate::github::calls::authorization::Authorization;
use crate::github::calls::page_size::{PageSize, Tries};
use crate::github::credential_kind::CredentialKind;
use crate::github::failure::error::{Error, RequestError, Subject};
use crate::github::http::buffers::Buffers;
use crate::github::http::exchange::{Answer, OnHeaders};
use crate::github::http::path::{below, is_moved};
use crate::github::http::request::request;
use crate::github::http::retry::Waits;
use crate::github::http::shared::{Kind, LAST_GRACE, Shared};
use crate::github::limits::gate::{Gate, LONGEST_WAIT};
use crate::secrets::Secrets;
use crate::stop::StopReason;

/// Most redirects that one request follows: GitHub's lead from a name to a number, and no further.
const HOPS: u32 = 2;

/// How often the pass's last word is tried after the pass has ended.
const LAST_TRIES: u32 = 3;

/// Speaks to one GitHub with one credential. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    authorization: Arc<dyn Authorization>,
    shared: Arc<Shared>,
    gate: Arc<Gate>,
    /// Reads pages older than the last checkpoint.
    reads_old: bool,
    /// What it writes is the pass's last word.
    last: bool,
}

impl Client {
    /// A client for one credential, whose limits the gate keeps.
    pub(crate) fn new(
        shared: &Arc<Shared>,
        authorization: impl Authorization + 'static,
        gate: Arc<Gate>,
    ) -> Self {
        Self {
            authorization: Arc::new(authorization),
            shared: Arc::clone(shared),
            gate,
            reads_old: false,
            last: false,
        }
    }

    /// The gate of its credential.
    pub(crate) fn gate(&self) -> &Arc<Gate> {
        &self.gate
    }

    /// The same for the pass's last word, which no limit and no end keeps back.
    #[must_use]
    pub fn for_the_last_word(&self) -> Self {
        Self {
            last: true,
            ..self.clone()
        }
    }

    /// True if both use the same credential.
    pub fn shares_credential(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.authorization, &other.authorization)
    }

    /// The same for reading further back than what is new, which leaves more of a limit to others.
    #[must_use]
    pub(crate) fn for_old_rows(&self) -> Self {
        Self {
            reads_old: true,
            ..self.clone()
        }
    }

    /// True if this credential may still redeliver within the time that a pass may wait.
    ///
    /// # Errors
    /// It does not.
    pub fn may_redeliver(&self) -> Result<(), StopReason> {
        let may = self.gate.may(Kind::Redelivery);
        self.gate.end(Kind::Redelivery);
        may
    }

    /// GitHub's time.
    pub fn now(&self) -> DateTime<Utc> {
        self.shared.clock.now()
    }

    /// Which GitHub this client speaks to.
    pub(crate) fn base(&self) -> &ApiBase {
        &self.shared.base
    }

    /// The page size of the log at this path.
    pub(crate) fn page_size(&self, log: &str) -> PageSize {
        self.shared.page_size(log)
    }

    /// What bodies are read into.
    pub(crate) fn buffers(&self) -> Arc<Buffers> {
        Arc::clone(&self.shared.buffers)
    }

    /// The secrets that the pass knows.
    pub(crate) fn secrets(&self) -> &Secrets {
        self.shared.console.secrets()
    }

    /// The kind of its credential.
    pub(crate) fn kind(&self) -> CredentialKind {
        self.authorization.kind()
    }

    /// Whether of an organization's webhooks it sees those only that were made with it, as far as can be told.
    pub fn sees_only_its_own(&self) -> Option<bool> {
        match self.kind() {
            CredentialKind::OAuth => Some(true),
            CredentialKind::Other => None,
            _ => Some(false),
        }
    }

    /// Ties a failure to what it was about, and takes secrets out of its words.
    pub(crate) fn failed(&self, subject: &Subject, failure: RequestError) -> Error {
        if matches!(failure, RequestError::Stopped(StopReason::Limit(_))) {
            self.gate.end(Kind::OldRead);
        }
        let failure = failure.without(self.secrets());
        Error::new(subject.clone(), self.kind(), failure)
    }

    /// Asks for what is at `path`, which changes nothing. `on_headers` sees the headers of a
    /// success before its body is read.
    pub(crate) async fn read(
        &self,
        path: &str,
        mut on_headers: impl FnMut(&HeaderMap) + Send,
    ) -> Result<Answer, RequestError> {
        let left_at = &mut self.now();
        self.request(
            self.reading(),
            Method::GET,
            (path, None),
            None,
            &mut on_headers,
            left_at,
        )
        .await
    }

    /// The same for a page of a log, which is requested shorter where it fails.
    pub(crate) async fn read_page(
        &self,
        path: &str,
        size: &PageSize,
        mut on_headers: impl FnMut(&HeaderMap) + Send,
    ) -> Result<Answer, RequestError> {
        let left_at = &mut self.now();
        self.request(
            self.reading(),
            Method::GET,
            (path, Some(size.tries())),
            None,
            &mut on_headers,
            left_at,
        )
        .await
    }

    fn reading(&self) -> Kind {
        if self.reads_old {
            Kind::OldRead
        } else {
            Kind::Read
        }
    }

    /// Asks for a change that may be made twice.
    pub(crate) async fn write(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Result<Answer, RequestError> {
        let kind = if self.last { Kind::Last } else { Kind::Change };
        let body = body.map(serde_json::to_value).transpose();
        let body = body.map_err(|error| RequestError::Unsent(error.to_string()))?;
        let left_at = &mut self.now();
        self.request(
            kind,
            method,
            (path, None),
            body.as_ref(),
            &mut |_| {},
            left_at,
        )
        .await
    }

    /// Asks for a redelivery, once, unless the request certainly did not reach GitHub.
    pub(crate) async fn ask_for_redelivery(
        &self,
        path: &str,
        left_at: &mut DateTime<Utc>,
    ) -> Result<Answer, RequestError> {
        let kind = Kind::Redelivery;
        self.request(kind, Method::POST, (path, None), None, &mut |_| {}, left_at)
            .await
    }

    /// One request, and again whatever may be repeated: with another credential where this one turned out to
    /// be stale (GitHub does nothing for one that it refuses), when a limit allows it, and where it failed in
    /// passing.
    async fn request(
        &self,
        kind: Kind,
        method: Method,
        (path, mut tries): (&str, Option<Tries>),
        body: Option<&Value>,
        on_headers: &mut OnHeaders<'_>,
        left_at: &mut DateTime<Utc>,
    ) -> Result<Answer, RequestError> {
        let (mut renewed, mut spammed) = (false, false);
        let mut waits = Waits::new(self.requests());
        let mut last_waits = Waits::new(self.requests());
        let mut path = Cow::Borrowed(path);
        let mut hops = 0;
        loop {
            let clock = &self.shared.clock;
            let header = self.authorization.header(clock, self.last).await?;
            let sized = match &tries {
                Some(tries) => Cow::Owned(tries.path(&path)),
                None => Cow::Borrowed(&*path),
            };
            let request = request(&method, &sized, &header, body)?;
            let input = self.authorization.input();
            let answer = self
                .shared
                .send(kind, &self.gate, request, input, on_headers, left_at);
            let error = match answer.await {
                Ok(answer) => {
                    return Ok(Answer {
                        redirected: hops > 0,
                        ..answer
                    });
                }
                Err(error) => error,
            };
            if error.status() == Some(401) && !renewed {
                renewed = self.authorization.renew(&header, clock).await;
                if renewed {
                    continue;
                }
            }
            if let Some(moved) = error.moved_to(&method)
                && hops < HOPS
                && let Some(to) = below(self.base().prefix(), moved, &path)
                && is_moved(&path, &to)
            {
                hops += 1;
                path = Cow::Owned(to);
                continue;
            }
            // The gate is closed by then, and opens when the limit allows it. After a whole wait a 422 is of the delivery.
            let limited = error.limited();
            let of_one = error.status() == Some(422);
            if limited.is_some() && kind.waits_for(&error) && !(spammed && of_one) {
                spammed |= of_one;
                continue;
            }
            let stop = self.shared.stop();
            if kind == Kind::Last && stop.why().is_some() {
                let wait = last_waits.next().map(|wait| wait / 2);
                match wait.filter(|wait| *wait < stop.left_of(LAST_GRACE) && kind.repeats(&error)) {
                    Some(wait) if last_waits.made() < LAST_TRIES => sleep(wait).await,
                    _ => return Err(error),
                }
                continue;
            }
            let wait = waits.next().filter(|_| kind.repeats(&error));
            let wait = wait.filter(|_| limited.is_none() || waits.made() < LAST_TRIES);
            let wait = wait.and_then(|wait| match error.retry_after() {
                Some(asked) if kind != Kind::Last => {
                    Some((asked - self.now()).to_std().unwrap_or_default().max(wait))
                        .filter(|wait| *wait <= LONGEST_WAIT)
                }
                _ => Some(wait),
            });
            match wait {
                Some(wait) if stop.leaves(wait) || kind == Kind::Last => {
                    let slept = stop.sleep_until(Instant::now() + wait).await;
                    if slept.is_err() && kind != Kind::Last {
                        return Err(error);
                    }
                    if let Some(tries) = &mut tries {
                        tries.failed(&error);
                    }
                }
                _ => return Err(error),
            }
        }
    }

    fn requests(&self) -> u64 {
        self.shared.requests()
    }
}
