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
use http::{HeaderMap, HeaderValue, Method};
use serde::Serialize;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::github::base::ApiBase;
use crate::github::calls::page_size::{PageSize, Tries};
use crate::github::credential_kind::CredentialKind;
use crate::github::credentials::app::App;
use crate::github::credentials::auth::{Secret, bearer};
use crate::github::credentials::installation::Minter;
use crate::github::failure::error::{Error, RequestError, Subject};
use crate::github::http::buffers::Buffers;
use crate::github::http::exchange::{Answer, OnHeaders};
use crate::github::http::path::{below, is_moved};
use crate::github::http::request::request;
use crate::github::http::retry::Waits;
use crate::github::http::shared::{Kind, LAST_GRACE, Shared};
use crate::github::limits::gate::{Gate, LONGEST_WAIT};
use crate::secrets::Secrets;
use crate::stop::Why;

/// Most redirects that one request follows: GitHub's lead from a name to a number, and no further.
const HOPS: u32 = 2;

/// How often the pass's last word is tried after the pass has ended.
const LAST_TRIES: u32 = 3;

/// Speaks to one GitHub with one credential. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    authorization: Arc<Authorization>,
    shared: Arc<Shared>,
    gate: Arc<Gate>,
    /// Reads pages older than the last checkpoint.
    reads_old: bool,
    /// What it writes is the pass's last word.
    last: bool,
}

/// What a client shows GitHub.
enum Authorization {
    /// The same token always.
    Token {
        header: HeaderValue,
        kind: CredentialKind,
        /// The input that it was given by.
        input: &'static str,
    },
    /// The App's own word.
    App(App),
    /// A token of one of its installations.
    Installation(Box<Minter>),
}

impl Client {
    /// Speaks with a token that was given by this input. Where another client shows the same one, they share its
    /// gate.
    pub(crate) fn with_token(
        shared: &Arc<Shared>,
        token: &Secret,
        input: &'static str,
        other: Option<&Self>,
    ) -> Result<Self, RequestError> {
        shared.console.secrets().add(token.expose());
        let header = bearer(token)?;
        let gate = match other {
            Some(other) if other.shows(&header) => Arc::clone(&other.gate),
            _ => shared.new_gate(format!("`{input}`")),
        };
        let authorization = Authorization::Token {
            header,
            kind: CredentialKind::of(token.expose()),
            input,
        };
        Ok(Self::with(shared, authorization, gate))
    }

    /// Speaks as the App itself.
    pub(crate) fn with_app(shared: &Arc<Shared>, app: App) -> Self {
        Self::with(
            shared,
            Authorization::App(app),
            shared.new_gate("the App".into()),
        )
    }

    /// Speaks for an installation of the App.
    pub(crate) fn with_minter(shared: &Arc<Shared>, minter: Minter) -> Self {
        let gate = shared.new_gate(format!("`{}`", minter.login()));
        Self::with(shared, Authorization::Installation(Box::new(minter)), gate)
    }

    fn with(shared: &Arc<Shared>, authorization: Authorization, gate: Arc<Gate>) -> Self {
        Self {
            authorization: Arc::new(authorization),
            shared: Arc::clone(shared),
            gate,
            reads_old: false,
            last: false,
        }
    }

    fn shows(&self, token: &HeaderValue) -> bool {
        matches!(&*self.authorization, Authorization::Token { header, .. } if header == token)
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
    pub fn may_redeliver(&self) -> Result<(), Why> {
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

    /// The App's client ID, if this client speaks as an App.
    pub(crate) fn client_id(&self) -> &str {
        match &*self.authorization {
            Authorization::App(app) => app.client_id(),
            _ => "",
        }
    }

    /// What kind of credential this client shows.
    pub(crate) fn kind(&self) -> CredentialKind {
        match &*self.authorization {
            Authorization::Token { kind, .. } => *kind,
            Authorization::App(_) => CredentialKind::App,
            Authorization::Installation(_) => CredentialKind::Minted,
        }
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
        if matches!(failure, RequestError::Stopped(Why::Limit(_))) {
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
            let header = match &*self.authorization {
                Authorization::Token { header, .. } => header.clone(),
                Authorization::App(app) => app.header(&self.shared.clock)?,
                Authorization::Installation(minter) => {
                    let header = minter.header(self.last).await;
                    header.map_err(|error| error.of_a_token_for(minter.login()))?
                }
            };
            let sized = match &tries {
                Some(tries) => Cow::Owned(tries.path(&path)),
                None => Cow::Borrowed(&*path),
            };
            let request = request(&method, &sized, &header, body)?;
            let input = match &*self.authorization {
                Authorization::Token { input, .. } => input,
                _ => "",
            };
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
                renewed = match &*self.authorization {
                    Authorization::Token { .. } => false,
                    Authorization::App(app) => app.was_off(&header, &self.shared.clock),
                    Authorization::Installation(minter) => minter.discard(&header).await,
                };
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
