//! octocrab on top of our own stack: one way to read, one to write.
//!
//! From the wire up: [`Transport`](super::connect::Transport) (connections, TLS, what became of a failed
//! request), octocrab's layers for base address and headers, and above them [`Client::read`],
//! [`Client::write`] and [`Client::ask_for_redelivery`]. Whatever has to see a request as a whole, headers
//! and body alike, is done in those: places, limits, time-outs, and repeating what may be repeated. A tower
//! layer could not, its part of a request ends at the response's headers.

use std::borrow::Cow;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

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
use super::gate::{Gate, Leave};
use super::installation::Minter;
use super::retry::Waits;
use crate::actions::Console;
use crate::stop::Stop;

/// Most requests in flight. GitHub allows 100 at a time, to everyone who uses the token.
const PLACES: usize = 16;

/// How long what is on its way may take after somebody cancelled, and how long the pass's last word may.
/// A runner kills what has not ended 10 s after.
const GRACE: Duration = Duration::from_secs(3);
const LAST_GRACE: Duration = Duration::from_millis(4_500);

/// Most redirects that one request follows: GitHub's lead from a name to a number, and no further.
const HOPS: u32 = 2;

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

/// When a token ends, and which input it was given by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenEnd {
    /// When it ends.
    pub at: DateTime<Utc>,
    /// The input.
    pub input: &'static str,
}

/// What all credentials of a pass have in common.
pub(super) struct Shared {
    pub(super) octocrab: Octocrab,
    pub(super) clock: Clock,
    pub(super) gate: Arc<Gate>,
    base: ApiBase,
    places: Semaphore,
    requests: AtomicU64,
    token_ends: Mutex<Option<TokenEnd>>,
    console: Console,
}

/// What a request is for, which decides what may be done about it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Changes nothing.
    Read,
    /// Changes a variable, or makes a token. Making it twice does no harm.
    Change,
    /// Makes GitHub deliver.
    Redelivery,
    /// The pass's last word, which no limit and no end keeps back. After an end it is tried once.
    Last,
}

impl Kind {
    /// What GitHub counts it as
    /// (<https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#calculating-points-for-the-secondary-rate-limit>).
    fn points(self) -> u32 {
        match self {
            Self::Read => 1,
            Self::Change | Self::Redelivery | Self::Last => 5,
        }
    }

    /// Whether a request that failed so is made again.
    fn repeats(self, error: &RequestError) -> bool {
        match self {
            Self::Read | Self::Change | Self::Last => error.is_passing(),
            // Whatever may have reached GitHub may deliver twice.
            Self::Redelivery => matches!(error, RequestError::Unsent(_)),
        }
    }

    /// How long one on its way may take after somebody cancelled.
    fn grace(self) -> Duration {
        match self {
            Self::Last => LAST_GRACE,
            _ => GRACE,
        }
    }
}

impl Shared {
    /// A stack over any transport, whose clock reads `now` until GitHub says otherwise.
    pub(super) fn new<S, B>(
        transport: S,
        base: &ApiBase,
        console: &Console,
        stop: &Stop,
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
            gate: Arc::new(Gate::new(stop)),
            places: Semaphore::new(PLACES),
            requests: AtomicU64::new(0),
            token_ends: Mutex::new(None),
            console: console.clone(),
        }
    }

    /// How many requests were made.
    pub(super) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// When the first of the tokens in use ends, as far as GitHub told.
    pub(super) fn token_ends(&self) -> Option<TokenEnd> {
        *self
            .token_ends
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn note_expiry(&self, end: TokenEnd) {
        let mut first = self
            .token_ends
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *first = Some(first.map_or(end, |first| if end.at < first.at { end } else { first }));
    }
}

impl Client {
    /// Speaks with a token that was given.
    pub(super) fn with_token(
        shared: &Arc<Shared>,
        token: &Secret,
        input: &'static str,
    ) -> Result<Self, RequestError> {
        let authorization = Authorization::Token {
            header: bearer(token)?,
            kind: CredentialKind::of(token),
            input,
        };
        Ok(Self::with(shared, authorization))
    }

    /// Speaks as the App itself.
    pub(super) fn with_app(shared: &Arc<Shared>, app: App) -> Self {
        Self::with(shared, Authorization::App(app))
    }

    /// Speaks for an installation of the App.
    pub(super) fn with_minter(shared: &Arc<Shared>, minter: Minter) -> Self {
        Self::with(shared, Authorization::Installation(Box::new(minter)))
    }

    fn with(shared: &Arc<Shared>, authorization: Authorization) -> Self {
        Self {
            authorization: Arc::new(authorization),
            shared: Arc::clone(shared),
            last: false,
        }
    }

    /// The same for the pass's last word, which no limit and no end keeps back.
    #[must_use]
    pub fn for_the_last_word(&self) -> Self {
        Self {
            last: true,
            ..self.clone()
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

    /// Asks for a change that may be made twice.
    pub(super) async fn write(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Result<Answer, RequestError> {
        let kind = if self.last { Kind::Last } else { Kind::Change };
        self.request(kind, method, path, body, &mut |_| {}).await
    }

    /// Asks for a redelivery, once, unless the request certainly did not reach GitHub.
    pub(super) async fn ask_for_redelivery(&self, path: &str) -> Result<Answer, RequestError> {
        let kind = Kind::Redelivery;
        self.request(kind, Method::POST, path, None::<&()>, &mut |_| {})
            .await
    }

    /// One request, and again whatever may be repeated: with another credential where this one turned out to
    /// be stale (GitHub does nothing for one that it refuses), when a limit allows it, and where it failed in
    /// passing.
    async fn request(
        &self,
        kind: Kind,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
        on_headers: &mut impl FnMut(&HeaderMap),
    ) -> Result<Answer, RequestError> {
        let (mut renewed, mut waits) = (false, Waits::new(self.requests()));
        let mut path = Cow::Borrowed(path);
        let mut hops = 0;
        loop {
            let header = match &*self.authorization {
                Authorization::Token { header, .. } => header.clone(),
                Authorization::App(app) => app.header(&self.shared.clock)?,
                Authorization::Installation(minter) => minter.header(self.last).await?,
            };
            let builder = Request::builder()
                .method(&method)
                .uri(&*path)
                .header(AUTHORIZATION, &header);
            let request = self.shared.octocrab.build_request(builder, body);
            let request = request.map_err(|error| {
                RequestError::Unsent(format!("`{path}` is no request ({error})"))
            })?;
            let input = match &*self.authorization {
                Authorization::Token { input, .. } => input,
                _ => "",
            };
            let answer = self.shared.send(kind, request, &path, input, on_headers);
            let result = answer.await;
            let Err(error) = result else {
                return result;
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
                && let Some(to) = self.base().relative(moved)
            {
                hops += 1;
                path = Cow::Owned(to);
                continue;
            }
            // The gate is closed by then, and opens when the limit allows it.
            if error.limited().is_some() && kind != Kind::Last {
                continue;
            }
            let wait = waits.next().filter(|_| kind.repeats(&error));
            let stop = self.shared.gate.stop();
            match wait {
                Some(wait) if stop.leaves(wait) => {
                    if stop.sleep_until(Instant::now() + wait).await.is_err() {
                        return Err(error);
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

impl Shared {
    /// One request, which holds one of the places until its answer's body is read.
    async fn send(
        &self,
        kind: Kind,
        request: Request<OctoBody>,
        path: &str,
        input: &'static str,
        on_headers: &mut impl FnMut(&HeaderMap),
    ) -> Result<Answer, RequestError> {
        // The semaphore is never closed, so there is always a place at last.
        let _place = self.places.acquire().await;
        let leave = match kind {
            Kind::Last => Leave::default(),
            _ => {
                let leave = self.gate.pass(kind.points(), &self.clock).await;
                leave.map_err(RequestError::Stopped)?
            }
        };
        self.requests.fetch_add(1, Ordering::Relaxed);
        let method = request.method().clone();
        let began = Instant::now();
        let mut seen = Seen::default();
        let result = tokio::select! {
            biased;
            result = self.exchange(request, leave, on_headers, &mut seen) => result,
            () = self.gate.stop().grace(kind.grace()) => {
                Err(RequestError::Unclear("the pass was cancelled before it answered".into()))
            }
        };
        if let Some(at) = seen.token_ends {
            self.note_expiry(TokenEnd { at, input });
        }
        if let Err(error) = &result
            && let Some(limited) = error.limited()
        {
            self.gate.refused(limited, leave, &self.clock);
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
