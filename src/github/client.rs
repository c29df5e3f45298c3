//! octocrab on top of our own stack: one way to read, one to write.
//!
//! From the wire up: [`Transport`](super::connect::Transport) (connections, TLS, what became of a failed
//! request), octocrab's layers for base address and headers, and above them [`Client::read`] and
//! [`Client::write`]. Whatever has to see a request as a whole, headers and body alike, is done in those
//! two: places, time-outs, and repeating what may be repeated. A tower layer could not, its part of a
//! request ends at the response's headers.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::header::{ACCEPT, AUTHORIZATION, HeaderName, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, Request, Response};
use octocrab::service::middleware::base_uri::BaseUriLayer;
use octocrab::service::middleware::extra_headers::ExtraHeadersLayer;
use octocrab::{AuthState, OctoBody, Octocrab, OctocrabBuilder};
use serde::Serialize;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tower::{BoxError, Service};

use super::app::App;
use super::auth::{CredentialKind, Secret, bearer};
use super::base::ApiBase;
use super::clock::Clock;
use super::error::{Error, RequestError, Subject};
use super::exchange::{Answer, Seen};
use super::installation::Minter;
use crate::actions::Console;

/// Most requests in flight. GitHub allows 100 at a time, to everyone who uses the token.
const PLACES: usize = 16;

/// The version of GitHub's API that is asked for. It works on every server.
const API_VERSION: (HeaderName, HeaderValue) = (
    HeaderName::from_static("x-github-api-version"),
    HeaderValue::from_static("2022-11-28"),
);

/// Speaks to one GitHub with one credential. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    authorization: Arc<Authorization>,
    shared: Arc<Shared>,
}

/// What a client shows GitHub.
enum Authorization {
    /// The same token always.
    Token(HeaderValue, CredentialKind),
    /// The App's own word.
    App(App),
    /// A token of one of its installations.
    Installation(Minter),
}

/// What all credentials of a pass have in common.
pub(super) struct Shared {
    pub(super) octocrab: Octocrab,
    pub(super) clock: Clock,
    base: ApiBase,
    places: Semaphore,
    requests: AtomicU64,
    limit_reached: AtomicBool,
    /// Requests an hour; 0 if no limit was told of.
    hourly_limit: AtomicU64,
    token_ends: Mutex<Option<DateTime<Utc>>>,
    console: Console,
}

/// What a request is for, which decides what may be done about it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Changes nothing.
    Read,
    /// Changes a variable, or makes a token.
    Change,
    /// Makes GitHub deliver.
    Redelivery,
}

impl Shared {
    /// A stack over any transport, whose clock reads `now` until GitHub says otherwise.
    pub(super) fn new<S, B>(
        transport: S,
        base: &ApiBase,
        console: &Console,
        now: DateTime<Utc>,
    ) -> Self
    where
        S: Service<Request<OctoBody>, Response = Response<B>> + Send + 'static,
        S::Future: Send + 'static,
        S::Error: Into<BoxError>,
        B: hyper::body::Body<Data = Bytes> + Send + Sync + 'static,
        B::Error: Into<BoxError>,
    {
        let agent = concat!("redeliver-webhooks/", env!("CARGO_PKG_VERSION"));
        let headers = vec![
            (USER_AGENT, HeaderValue::from_static(agent)),
            (
                ACCEPT,
                HeaderValue::from_static("application/vnd.github+json"),
            ),
            API_VERSION,
        ];
        let built = OctocrabBuilder::new_empty()
            .with_service(transport)
            .with_layer(&BaseUriLayer::new(base.uri().clone()))
            .with_layer(&ExtraHeadersLayer::new(Arc::new(headers)))
            .with_auth(AuthState::None)
            .build();
        let octocrab = match built {
            Ok(octocrab) => octocrab,
            Err(never) => match never {},
        };
        Self {
            octocrab,
            clock: Clock::new(now),
            base: base.clone(),
            places: Semaphore::new(PLACES),
            requests: AtomicU64::new(0),
            limit_reached: AtomicBool::new(false),
            hourly_limit: AtomicU64::new(0),
            token_ends: Mutex::new(None),
            console: console.clone(),
        }
    }

    /// How many requests were made.
    pub(super) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// How many requests an hour GitHub allows, if it told of a limit.
    pub(super) fn hourly_limit(&self) -> Option<u64> {
        Some(self.hourly_limit.load(Ordering::Relaxed)).filter(|limit| *limit > 0)
    }

    pub(super) fn note_limit(&self, limit: u64) {
        self.hourly_limit.store(limit, Ordering::Relaxed);
    }

    /// When the first of the tokens in use ends, as far as GitHub told.
    pub(super) fn token_ends(&self) -> Option<DateTime<Utc>> {
        *self
            .token_ends
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn note_expiry(&self, ends: DateTime<Utc>) {
        let mut first = self
            .token_ends
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *first = Some(first.map_or(ends, |first| first.min(ends)));
    }
}

impl Client {
    /// Speaks with a token that was given.
    pub(super) fn with_token(shared: &Arc<Shared>, token: &Secret) -> Result<Self, RequestError> {
        let header = bearer(token)?;
        let authorization = Authorization::Token(header, CredentialKind::of(token));
        Ok(Self::with(shared, authorization))
    }

    /// Speaks as the App itself.
    pub(super) fn with_app(shared: &Arc<Shared>, app: App) -> Self {
        Self::with(shared, Authorization::App(app))
    }

    /// Speaks for an installation of the App.
    pub(super) fn with_minter(shared: &Arc<Shared>, minter: Minter) -> Self {
        Self::with(shared, Authorization::Installation(minter))
    }

    fn with(shared: &Arc<Shared>, authorization: Authorization) -> Self {
        Self {
            authorization: Arc::new(authorization),
            shared: Arc::clone(shared),
        }
    }

    /// GitHub's time.
    pub fn now(&self) -> DateTime<Utc> {
        self.shared.clock.now()
    }

    /// Which GitHub this client speaks to.
    pub(super) fn base(&self) -> &ApiBase {
        &self.shared.base
    }

    pub(super) fn console(&self) -> &Console {
        &self.shared.console
    }

    /// The App's client ID, if this client speaks as an App.
    pub(super) fn client_id(&self) -> &str {
        match &*self.authorization {
            Authorization::App(app) => app.client_id(),
            _ => "",
        }
    }

    /// What kind of credential this client shows.
    pub(super) fn kind(&self) -> CredentialKind {
        match &*self.authorization {
            Authorization::Token(_, kind) => *kind,
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

    /// Ties a failure to what it was about.
    pub(super) fn failed(&self, subject: &Subject, failure: RequestError) -> Error {
        Error::new(subject.clone(), self.kind(), failure)
    }

    /// Asks for what is at `path`, which changes nothing. `on_headers` sees the headers of a
    /// success before its body is read.
    pub(super) async fn read(
        &self,
        path: &str,
        mut on_headers: impl FnMut(&HeaderMap),
    ) -> Result<Answer, RequestError> {
        let method = Method::GET;
        self.request(Kind::Read, method, path, None::<&()>, &mut on_headers)
            .await
    }

    /// Asks for a change, once: whether a failed one may be repeated is for the caller to know.
    pub(super) async fn write(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Result<Answer, RequestError> {
        self.request(Kind::Change, method, path, body, &mut |_| {})
            .await
    }

    /// Asks for a redelivery, once, unless GitHub has said that a limit is reached: whoever asks for
    /// more makes it worse.
    pub(super) async fn ask_for_redelivery(&self, path: &str) -> Result<Answer, RequestError> {
        let kind = Kind::Redelivery;
        self.request(kind, Method::POST, path, None::<&()>, &mut |_| {})
            .await
    }

    /// One request, and once more if the credential turned out to be stale: GitHub does nothing for a
    /// credential that it refuses.
    async fn request(
        &self,
        kind: Kind,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
        on_headers: &mut impl FnMut(&HeaderMap),
    ) -> Result<Answer, RequestError> {
        let mut renewed = false;
        loop {
            let header = match &*self.authorization {
                Authorization::Token(header, _) => header.clone(),
                Authorization::App(app) => app.header(&self.shared.clock)?,
                Authorization::Installation(minter) => minter.header().await?,
            };
            let builder = Request::builder()
                .method(&method)
                .uri(path)
                .header(AUTHORIZATION, &header);
            let request = self.shared.octocrab.build_request(builder, body);
            let request = request.map_err(|error| {
                RequestError::Unsent(format!("`{path}` is no request ({error})"))
            })?;
            let result = self.shared.send(kind, request, path, on_headers).await;
            let refused = matches!(&result, Err(error) if error.status() == Some(401));
            if !refused || renewed {
                return result;
            }
            let stale = match &*self.authorization {
                Authorization::Token(..) => false,
                Authorization::App(app) => app.was_off(&self.shared.clock),
                Authorization::Installation(minter) => minter.discard(&header).await,
            };
            if !stale {
                return result;
            }
            renewed = true;
        }
    }
}

impl Shared {
    /// One request, which holds one of the places until its answer's body is read.
    async fn send(
        &self,
        kind: Kind,
        request: Request<OctoBody>,
        path: &str,
        on_headers: &mut impl FnMut(&HeaderMap),
    ) -> Result<Answer, RequestError> {
        // The semaphore is never closed, so there is always a place at last.
        let _place = self.places.acquire().await;
        if kind == Kind::Redelivery && self.limit_reached.load(Ordering::Relaxed) {
            return Err(RequestError::LimitReached);
        }
        self.requests.fetch_add(1, Ordering::Relaxed);
        let method = request.method().clone();
        let began = Instant::now();
        let mut seen = Seen::default();
        let result = self.exchange(request, on_headers, &mut seen).await;
        if matches!(&result, Err(error) if error.is_limit()) {
            self.limit_reached.store(true, Ordering::Relaxed);
        }
        self.console.debug(|| {
            let outcome = match (&result, seen.status) {
                (Err(failure), None) => failure.to_string(),
                (Err(failure), Some(status)) if !matches!(failure, RequestError::Status { .. }) => {
                    format!("{} {failure}", status.as_u16())
                }
                (_, status) => status.map_or(0, |status| status.as_u16()).to_string(),
            };
            let remaining = seen.remaining.as_deref().unwrap_or("no limit told");
            let ms = began.elapsed().as_millis();
            format!("{method} {path}: {outcome} in {ms} ms, remaining: {remaining}")
        });
        result
    }
}
