//! What all credentials of a pass have in common: one stack, one clock, the points of a minute, and 16 places.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::{Request, Response};
use octocrab::service::middleware::base_uri::BaseUriLayer;
use octocrab::{AuthState, OctoBody, Octocrab, OctocrabBuilder};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;
use tower::{BoxError, Service};

use crate::github::base::ApiBase;
use crate::github::calls::page_size::PageSize;
use crate::github::clock::Clock;
use crate::github::failure::error::RequestError;
use crate::github::http::buffers::Buffers;
use crate::github::http::end_of_api::EndOfApi;
use crate::github::http::exchange::{Answer, OnHeaders, Seen};
use crate::github::limits::budget::Budget;
use crate::github::limits::gate::{Gate, Leave};
use crate::github::limits::meter::{Meter, Usage};
use crate::stop::{Grace, Stop, StopReason};
use crate::tell::console::Console;

/// Most requests in flight. GitHub allows 100 at a time, to everyone who uses the token.
const PLACES: usize = 16;

/// How long a request in flight may take once the pass has ended.
const GRACE: Grace = Grace {
    cancelled: Duration::from_secs(3),
    time_limit: Duration::from_secs(3),
};

/// The same for the checkpoint's last write. A runner kills a step that has not ended 10 s after it was cancelled;
/// after the time limit there is more time.
pub(crate) const LAST_GRACE: Grace = Grace {
    cancelled: Duration::from_millis(4_500),
    time_limit: Duration::from_secs(20),
};

/// Requests of an hourly limit that no read may use: they are kept for the checkpoint.
const LEAST_LEFT: u64 = 50;

/// When a token ends, and which input it was given by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenEnd {
    /// When it ends.
    pub at: DateTime<Utc>,
    /// The input.
    pub input: &'static str,
}

/// What all credentials of a pass have in common.
pub(crate) struct Shared {
    pub(crate) octocrab: Octocrab,
    pub(crate) clock: Clock,
    pub(crate) budget: Arc<Budget>,
    /// One for each credential.
    gates: Mutex<Vec<Arc<Gate>>>,
    pub(crate) base: ApiBase,
    pub(crate) buffers: Arc<Buffers>,
    places: Semaphore,
    requests: AtomicU64,
    meter: Meter,
    token_ends: Mutex<Option<TokenEnd>>,
    pub(crate) end_of_api: EndOfApi,
    /// The page size of each log, by its path.
    page_sizes: Mutex<HashMap<String, PageSize>>,
    pub(crate) console: Console,
}

/// What a request is for, which decides what may be done about it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Changes nothing, and reads what is new: lists, the newest page of a log, and what came since the last pass.
    Read,
    /// Reads further back in a log.
    OldRead,
    /// Changes a variable, or makes a token. Making it twice does no harm.
    Change,
    /// Makes GitHub deliver.
    Redelivery,
    /// The pass's last word, which no limit and no end keeps back. After an end it is tried three times.
    Last,
}

impl Kind {
    /// What GitHub counts it as
    /// (<https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#calculating-points-for-the-secondary-rate-limit>).
    pub(crate) fn points(self) -> u32 {
        match self {
            Self::Read | Self::OldRead => 1,
            Self::Change | Self::Redelivery | Self::Last => 5,
        }
    }

    /// How much of an hourly limit is left to others who use the same credential. What is new is read even where
    /// little is left: it costs few requests, and what fails unseen is lost in the end.
    pub(crate) fn left_to_others(self, limit: u64) -> u64 {
        let tenth = limit.div_ceil(10);
        match self {
            Self::Redelivery | Self::OldRead => tenth,
            Self::Read => tenth.min(LEAST_LEFT),
            Self::Change | Self::Last => 0,
        }
    }

    /// Whether a request that failed so is made again.
    pub(crate) fn repeats(self, error: &RequestError) -> bool {
        match self {
            Self::Read | Self::OldRead | Self::Change => error.is_passing(),
            // It can't wait for a limit to end.
            Self::Last => error.is_passing() || error.limited().is_some(),
            // Whatever may have reached GitHub may deliver twice.
            Self::Redelivery => matches!(error, RequestError::Unsent(_)),
        }
    }

    /// Whether a request that a limit refused is made again once the limit allows it.
    pub(crate) fn waits_for(self, error: &RequestError) -> bool {
        match self {
            Self::Read | Self::OldRead | Self::Change => true,
            // A server in trouble may have taken it all the same.
            Self::Redelivery => matches!(error.status(), Some(403 | 422 | 429)),
            Self::Last => false,
        }
    }
}

impl Shared {
    /// A stack over any transport, whose clock reads `now` until GitHub says otherwise.
    pub(crate) fn new<S, B>(
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
        let built = OctocrabBuilder::new_empty()
            .with_service(transport)
            .with_layer(&BaseUriLayer::new(base.uri().clone()))
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
            buffers: Arc::default(),
            budget: Arc::new(Budget::new(stop, base.is_cloud())),
            gates: Mutex::default(),
            places: Semaphore::new(PLACES),
            requests: AtomicU64::new(0),
            meter: Meter::default(),
            token_ends: Mutex::new(None),
            end_of_api: EndOfApi::default(),
            page_sizes: Mutex::default(),
            console: console.clone(),
        }
    }

    /// How many requests were made.
    pub(crate) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// The page size of the log at this path.
    pub(crate) fn page_size(&self, log: &str) -> PageSize {
        let sizes = self.page_sizes.lock();
        let mut sizes = sizes.unwrap_or_else(PoisonError::into_inner);
        sizes.entry(log.to_owned()).or_default().clone()
    }

    /// When and why the pass ends.
    pub(crate) fn stop(&self) -> &Stop {
        self.budget.stop()
    }

    /// A gate for another credential, whose limit has this name for people.
    pub(crate) fn new_gate(&self, name: String) -> Arc<Gate> {
        let gate = Arc::new(Gate::new(name, &self.budget));
        let mut gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
        gates.push(Arc::clone(&gate));
        gate
    }

    /// The gates of all credentials.
    pub(crate) fn gates(&self) -> Vec<Arc<Gate>> {
        let gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
        gates.clone()
    }

    /// What was used of GitHub so far.
    pub(crate) fn usage(&self) -> Usage {
        Usage {
            busy: self.meter.busy(),
            remaining: self
                .gates()
                .iter()
                .filter_map(|gate| gate.remaining())
                .min_by_key(|remaining| remaining.left),
        }
    }

    /// When the first of the tokens in use ends, as far as GitHub told.
    pub(crate) fn token_ends(&self) -> Option<TokenEnd> {
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

impl Shared {
    /// Waits for a place and the points of a request, and for its credential's gate. Whoever waits for a gate
    /// holds neither, so that other credentials go on.
    async fn admit(
        &self,
        kind: Kind,
        gate: &Gate,
    ) -> Result<(Option<SemaphorePermit<'_>>, Leave), StopReason> {
        if kind == Kind::Last {
            return Ok((self.places.acquire().await.ok(), Leave::default()));
        }
        loop {
            gate.opened(kind).await?;
            // The semaphore is never closed, so there is always a place at last.
            let place = self.places.acquire().await.ok();
            let _turn = self.budget.wait(kind.points()).await?;
            if let Some(leave) = gate.leave(kind) {
                self.budget.spend(kind.points());
                return Ok((place, leave));
            }
        }
    }

    /// Waits until a request in flight is given up, and says why.
    async fn given_up(&self, kind: Kind) -> StopReason {
        let stop = self.stop();
        let grace = match kind {
            Kind::Last => LAST_GRACE,
            _ => GRACE,
        };
        stop.over(grace).await;
        stop.why().unwrap_or(StopReason::TimeLimit)
    }

    /// One request, which holds one of the places until its answer's body is read.
    pub(crate) async fn send(
        &self,
        kind: Kind,
        gate: &Gate,
        request: Request<OctoBody>,
        input: &'static str,
        on_headers: &mut OnHeaders<'_>,
        left_at: &mut DateTime<Utc>,
    ) -> Result<Answer, RequestError> {
        let (_place, leave) = self
            .admit(kind, gate)
            .await
            .map_err(RequestError::Stopped)?;
        self.requests.fetch_add(1, Ordering::Relaxed);
        *left_at = self.clock.now();
        let (method, path) = (request.method().clone(), request.uri().clone());
        let began = Instant::now();
        let mut seen = Seen::default();
        let under_way = self.meter.begin();
        let result = tokio::select! {
            biased;
            result = self.exchange(request, gate, on_headers, &mut seen) => result,
            why = self.given_up(kind) => Err(match kind {
                Kind::Redelivery | Kind::Last => {
                    RequestError::Unclear("the pass ended before it answered".into())
                }
                // Making it again does no harm, so nothing went wrong.
                _ => RequestError::Stopped(why),
            }),
        };
        drop(under_way);
        // What GitHub accepted it accepted, whatever became of its words.
        let accepted = seen.status.is_some_and(|status| status.is_success());
        let result = match result {
            Err(RequestError::Unclear(_)) if accepted && kind == Kind::Redelivery => {
                Ok(Answer::default())
            }
            result => result,
        };
        if let Some(at) = seen.token_ends {
            self.note_expiry(TokenEnd { at, input });
        }
        match &result {
            Ok(_) => gate.accepted(leave),
            Err(error) => {
                if let Some(limited) = error.limited() {
                    gate.refused(limited, leave, &self.clock);
                }
            }
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
