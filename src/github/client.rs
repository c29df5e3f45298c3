//! octocrab on top of our own stack: one way to read, one to write.
//!
//! From the wire up: [`Transport`] (connections, TLS, what became of a failed request), octocrab's
//! layers for base address and headers, and above them [`Client::read`] and [`Client::write`].
//! Whatever has to see a request as a whole, headers and body alike, is done in those two: places,
//! time-outs, and repeating what may be repeated. A tower layer could not, its part of a request
//! ends at the response's headers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::header::{ACCEPT, AUTHORIZATION, HeaderName, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use octocrab::service::middleware::base_uri::BaseUriLayer;
use octocrab::service::middleware::extra_headers::ExtraHeadersLayer;
use octocrab::{AuthState, OctoBody, Octocrab, OctocrabBuilder};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};
use tower::{BoxError, Service};

use super::auth::{Secret, bearer};
use super::base::ApiBase;
use super::clock::Clock;
use super::connect::{Transport, chain};
use super::error::RequestError;
use crate::actions::Console;

/// Longest wait for an answer's headers.
const HEADERS: Duration = Duration::from_secs(30);

/// Longest wait for an answer's body.
const BODY: Duration = Duration::from_secs(60);

/// Largest body that is read, in bytes. A page of 100 attempts has about 60 KiB.
const BODY_BYTES: usize = 32 << 20;

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
    authorization: HeaderValue,
    shared: Arc<Shared>,
}

/// What all credentials of a pass have in common.
struct Shared {
    octocrab: Octocrab,
    base: ApiBase,
    clock: Clock,
    places: Semaphore,
    requests: AtomicU64,
    limit_reached: AtomicBool,
    console: Console,
}

/// What a request is for, which decides what may be done about it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Changes nothing.
    Read,
    /// Changes a variable.
    Change,
    /// Makes GitHub deliver.
    Redelivery,
}

/// An answer that succeeded, whole.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Answer {
    /// The body, read as JSON.
    pub(super) fn json<'a, T: Deserialize<'a>>(&'a self) -> Result<T, RequestError> {
        serde_json::from_slice(&self.body)
            .map_err(|error| RequestError::Malformed(error.to_string()))
    }
}

impl Client {
    /// A client over the network. Must be called within a Tokio runtime.
    ///
    /// # Errors
    /// TLS could not be set up, or the token fits into no header.
    pub fn new(base: &ApiBase, token: &Secret, console: &Console) -> Result<Self, RequestError> {
        let transport = Transport::new()
            .map_err(|error| RequestError::Unsent(format!("TLS could not be set up ({error})")))?;
        Self::over(transport, base, token, console, Utc::now())
    }

    /// A client over any transport, whose clock reads `now` until GitHub says otherwise.
    ///
    /// # Errors
    /// The token fits into no header.
    pub fn over<S, B>(
        transport: S,
        base: &ApiBase,
        token: &Secret,
        console: &Console,
        now: DateTime<Utc>,
    ) -> Result<Self, RequestError>
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
        Ok(Self {
            authorization: bearer(token)?,
            shared: Arc::new(Shared {
                octocrab,
                base: base.clone(),
                clock: Clock::new(now),
                places: Semaphore::new(PLACES),
                requests: AtomicU64::new(0),
                limit_reached: AtomicBool::new(false),
                console: console.clone(),
            }),
        })
    }

    /// GitHub's time.
    pub fn now(&self) -> DateTime<Utc> {
        self.shared.clock.now()
    }

    /// Which GitHub this client speaks to.
    pub(super) fn base(&self) -> &ApiBase {
        &self.shared.base
    }

    /// How many requests were made.
    pub fn requests(&self) -> u64 {
        self.shared.requests.load(Ordering::Relaxed)
    }

    /// Asks for what is at `path`, which changes nothing. `on_headers` sees the headers of a
    /// success before its body is read.
    pub(super) async fn read(
        &self,
        path: &str,
        mut on_headers: impl FnMut(&HeaderMap),
    ) -> Result<Answer, RequestError> {
        self.send(Kind::Read, Method::GET, path, None::<&()>, &mut on_headers)
            .await
    }

    /// Asks for a change, once: whether a failed one may be repeated is for the caller to know.
    pub(super) async fn write(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Result<Answer, RequestError> {
        self.send(Kind::Change, method, path, body, &mut |_| {})
            .await
    }

    /// Asks for a redelivery, once, unless GitHub has said that a limit is reached: whoever asks for
    /// more makes it worse.
    pub(super) async fn ask_for_redelivery(&self, path: &str) -> Result<Answer, RequestError> {
        let kind = Kind::Redelivery;
        self.send(kind, Method::POST, path, None::<&()>, &mut |_| {})
            .await
    }

    /// One request, which holds one of the places until its answer's body is read.
    async fn send(
        &self,
        kind: Kind,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
        on_headers: &mut impl FnMut(&HeaderMap),
    ) -> Result<Answer, RequestError> {
        let builder = Request::builder()
            .method(&method)
            .uri(path)
            .header(AUTHORIZATION, self.authorization.clone());
        let request = self
            .shared
            .octocrab
            .build_request(builder, body)
            .map_err(|error| RequestError::Unsent(format!("`{path}` is no request ({error})")))?;
        // The semaphore is never closed, so there is always a place at last.
        let _place = self.shared.places.acquire().await;
        if kind == Kind::Redelivery && self.shared.limit_reached.load(Ordering::Relaxed) {
            return Err(RequestError::LimitReached);
        }
        self.shared.requests.fetch_add(1, Ordering::Relaxed);
        let began = Instant::now();
        let mut seen = Seen::default();
        let result = self.exchange(request, on_headers, &mut seen).await;
        if let Err(RequestError::Status { limit: true, .. }) = result {
            self.shared.limit_reached.store(true, Ordering::Relaxed);
        }
        self.shared.console.debug(|| {
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

    async fn exchange(
        &self,
        request: Request<OctoBody>,
        on_headers: &mut impl FnMut(&HeaderMap),
        seen: &mut Seen,
    ) -> Result<Answer, RequestError> {
        let answer = timeout(HEADERS, self.shared.octocrab.execute(request)).await;
        let answer = match answer {
            Ok(answer) => answer.map_err(unsent_or_unclear)?,
            Err(_) => {
                let words = format!("no headers within {} s", HEADERS.as_secs());
                return Err(RequestError::Unclear(words));
            }
        };
        let (parts, body) = answer.into_parts();
        self.shared.clock.set_by(&parts.headers);
        seen.read(parts.status, &parts.headers);
        if parts.status.is_success() {
            on_headers(&parts.headers);
        }
        let body = match timeout(BODY, Limited::new(body, BODY_BYTES).collect()).await {
            Ok(Ok(body)) => body.to_bytes(),
            Ok(Err(error)) => {
                let words = format!("its body broke off ({})", chain(&*error));
                return Err(RequestError::Unclear(words));
            }
            Err(_) => {
                let words = format!("its body did not end within {} s", BODY.as_secs());
                return Err(RequestError::Unclear(words));
            }
        };
        if parts.status.is_success() {
            return Ok(Answer {
                headers: parts.headers,
                body,
            });
        }
        let whole = Full::new(body).map_err(|never| match never {}).boxed();
        match octocrab::map_github_error(Response::from_parts(parts, whole)).await {
            Err(octocrab::Error::GitHub { source, .. }) => Err(RequestError::from_answer(&source)),
            Err(error) => Err(RequestError::Malformed(error.to_string())),
            Ok(_) => Err(RequestError::Malformed("a success that is none".into())),
        }
    }
}

/// What an answer's headers told, for the debug log.
#[derive(Default)]
struct Seen {
    status: Option<StatusCode>,
    remaining: Option<String>,
}

impl Seen {
    fn read(&mut self, status: StatusCode, headers: &HeaderMap) {
        self.status = Some(status);
        self.remaining = headers
            .get("x-ratelimit-remaining")
            .and_then(|remaining| remaining.to_str().ok())
            .map(str::to_owned);
    }
}

/// Finds the transport's own word on a failed request beneath octocrab's wrapping.
fn unsent_or_unclear(error: octocrab::Error) -> RequestError {
    match error {
        octocrab::Error::Service { source, .. } => match source.downcast::<RequestError>() {
            Ok(failure) => *failure,
            Err(error) => RequestError::Unclear(chain(&*error)),
        },
        error => RequestError::Unclear(chain(&error)),
    }
}
