//! The HTTP stack of a pass. All credentials share it: connections, the clock, the points of a minute, and 16 slots
//! for requests in flight.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::{Request, Response, response};
use octocrab::service::middleware::base_uri::BaseUriLayer;
use octocrab::{AuthState, OctoBody, Octocrab, OctocrabBuilder};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;
use tower::{BoxError, Service};

use crate::github::base::ApiBase;
use crate::github::clock::Clock;
use crate::github::debug_log::DebugLog;
use crate::github::failure::request_error::{FailedRequest, FailedResponse, RequestError};
use crate::github::http::end_of_api::EndOfApi;
use crate::github::http::exchange::{self, OnHeaders, ResponseFacts};
use crate::github::http::page_size::PageSize;
use crate::github::limits::budget::Budget;
use crate::github::limits::gate::{Gate, Permit};
use crate::github::limits::meter::{Meter, Usage};
use crate::github::limits::request_kind::RequestKind;
use crate::lock::lock;
use crate::secrets::Secrets;
use crate::stop::{Grace, Stop, StopReason};

/// Most requests in flight. GitHub allows 100 at a time to everyone who uses the token.
const SLOTS: usize = 16;

/// Time that a request in flight may still take once the pass has ended.
const GRACE: Grace = Grace {
    cancelled: Duration::from_secs(3),
    time_limit: Duration::from_secs(3),
};

/// The same for the checkpoint's last write. A runner kills a step that has not ended 10 s after it was cancelled;
/// after the time limit there is more time.
pub(crate) const LAST_WRITE_GRACE: Grace = Grace {
    cancelled: Duration::from_millis(4_500),
    time_limit: Duration::from_secs(20),
};

/// The end of a token, and the input that the token was passed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenEnd {
    /// When it ends.
    pub at: DateTime<Utc>,
    /// The input.
    pub input: &'static str,
}

/// The HTTP stack of a pass.
pub(crate) struct Transport {
    octocrab: Octocrab,
    pub(crate) base: ApiBase,
    pub(crate) clock: Clock,
    pub(crate) budget: Arc<Budget>,
    pub(crate) end_of_api: EndOfApi,
    debug_log: DebugLog,
    /// One for each credential.
    gates: Mutex<Vec<Arc<Gate>>>,
    slots: Semaphore,
    requests: AtomicU64,
    meter: Meter,
    token_ends: Mutex<Option<TokenEnd>>,
    /// The page size of each log, by its path.
    page_sizes: Mutex<HashMap<String, PageSize>>,
}

impl Transport {
    /// A transport over any HTTP service. Its clock shows `now` until a response of GitHub corrects it.
    pub(crate) fn new<S, B>(
        service: S,
        base: &ApiBase,
        debug_log: &DebugLog,
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
            .with_service(service)
            .with_layer(&BaseUriLayer::new(base.uri().clone()))
            .with_auth(AuthState::None)
            .build();
        let octocrab = match built {
            Ok(octocrab) => octocrab,
            Err(never) => match never {},
        };
        Self {
            octocrab,
            base: base.clone(),
            clock: Clock::new(now),
            budget: Arc::new(Budget::new(stop, base.is_cloud())),
            end_of_api: EndOfApi::default(),
            debug_log: debug_log.clone(),
            gates: Mutex::default(),
            slots: Semaphore::new(SLOTS),
            requests: AtomicU64::new(0),
            meter: Meter::default(),
            token_ends: Mutex::new(None),
            page_sizes: Mutex::default(),
        }
    }

    /// The number of requests that were sent.
    pub(crate) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// The secrets that the pass knows.
    pub(crate) fn secrets(&self) -> &Secrets {
        self.debug_log.secrets()
    }

    /// The page size of the log at this path.
    pub(crate) fn page_size(&self, log: &str) -> PageSize {
        let mut sizes = lock(&self.page_sizes);
        sizes.entry(log.to_owned()).or_default().clone()
    }

    /// When and why the pass ends.
    pub(crate) fn stop(&self) -> &Stop {
        self.budget.stop()
    }

    /// A gate for another credential, whose limit has this name for people.
    pub(crate) fn new_gate(&self, name: String) -> Arc<Gate> {
        let gate = Arc::new(Gate::new(name, &self.budget));
        lock(&self.gates).push(Arc::clone(&gate));
        gate
    }

    /// The gates of all credentials.
    pub(crate) fn gates(&self) -> Vec<Arc<Gate>> {
        lock(&self.gates).clone()
    }

    /// The pass's use of GitHub so far.
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

    /// The end of the token that ends first, as far as GitHub named it.
    pub(crate) fn token_ends(&self) -> Option<TokenEnd> {
        *lock(&self.token_ends)
    }

    /// Sends one request. It holds a slot until the body of its response is read.
    pub(crate) async fn send(
        &self,
        kind: RequestKind,
        gate: &Gate,
        request: Request<OctoBody>,
        input: &'static str,
        on_headers: &mut OnHeaders<'_>,
    ) -> Result<exchange::Response, FailedRequest> {
        let (_slot, permit) = self
            .admit(kind, gate)
            .await
            .map_err(RequestError::Stopped)?;
        self.requests.fetch_add(1, Ordering::Relaxed);
        let sent_at = self.clock.now();
        let (line, began) = (
            format!("{} {}", request.method(), request.uri()),
            Instant::now(),
        );
        let mut facts = ResponseFacts::default();
        let in_flight = self.meter.begin();
        let result = tokio::select! {
            biased;
            result = self.exchange(request, gate, on_headers, &mut facts) => result,
            why = self.given_up(kind) => Err(unanswered(kind, why)),
        };
        drop(in_flight);
        // GitHub's acceptance counts even if its body never arrives.
        let accepted = facts.status.is_some_and(|status| status.is_success());
        let result = match result {
            Err(RequestError::Unclear(_)) if accepted && kind == RequestKind::Redelivery => {
                Ok(exchange::Response::default())
            }
            result => result,
        };
        self.learn(&facts, input);
        match &result {
            Ok(_) => gate.accepted(permit),
            Err(error) => {
                if let Some(limit) = error.limit() {
                    gate.refused(limit, permit, &self.clock);
                }
            }
        }
        self.debug_log.line(|| {
            let remaining = facts.remaining.as_deref().unwrap_or("no limit named");
            let (outcome, ms) = (outcome(&result, &facts), began.elapsed().as_millis());
            format!("{line}: {outcome} in {ms} ms, remaining: {remaining}")
        });
        match result {
            Ok(response) => Ok(exchange::Response {
                sent_at,
                ..response
            }),
            Err(error) => Err(FailedRequest {
                error,
                sent_at: Some(sent_at),
            }),
        }
    }

    /// Waits for a slot, for the points of a request, and for the credential's gate. A request that waits for its gate
    /// holds neither slot nor points, so other credentials go on.
    async fn admit(
        &self,
        kind: RequestKind,
        gate: &Gate,
    ) -> Result<(Option<SemaphorePermit<'_>>, Permit), StopReason> {
        if kind == RequestKind::LastWrite {
            return Ok((self.slots.acquire().await.ok(), Permit::default()));
        }
        loop {
            gate.wait(kind).await?;
            // The semaphore is never closed, so a slot always comes.
            let slot = self.slots.acquire().await.ok();
            let _turn = self.budget.wait(kind.points()).await?;
            if let Some(permit) = gate.permit(kind) {
                self.budget.spend(kind.points());
                return Ok((slot, permit));
            }
        }
    }

    /// Sends a request and reads its response.
    async fn exchange(
        &self,
        request: Request<OctoBody>,
        gate: &Gate,
        on_headers: &mut OnHeaders<'_>,
        facts: &mut ResponseFacts,
    ) -> Result<exchange::Response, RequestError> {
        let path = request.uri().to_string();
        let (head, body) = exchange::headers(&self.octocrab, request)
            .await?
            .into_parts();
        *facts = self.read_headers(&head, gate);
        if head.status.is_success() {
            on_headers(&head.headers);
        }
        let body = exchange::whole_body(&head, body).await?;
        if head.status.is_success() {
            exchange::refuse_page(&body, self.secrets())?;
            return Ok(exchange::Response {
                headers: head.headers,
                body,
                ..exchange::Response::default()
            });
        }
        let response = FailedResponse {
            status: head.status,
            headers: &head.headers,
            body: &body,
            path: &path,
        };
        let (base, clock) = (&self.base, &self.clock);
        Err(RequestError::of_response(
            &response,
            base,
            clock,
            self.secrets(),
        ))
    }

    /// Learns the time, the limits and the end of the API version from a response.
    fn read_headers(&self, head: &response::Parts, gate: &Gate) -> ResponseFacts {
        self.clock.set_by(&head.headers);
        gate.read_limit(&head.headers, &self.clock);
        self.end_of_api.read(&head.headers, &self.debug_log);
        ResponseFacts::of(head)
    }

    /// Remembers the end of the token that ends first.
    fn learn(&self, facts: &ResponseFacts, input: &'static str) {
        if let Some(at) = facts.token_ends {
            let mut first = lock(&self.token_ends);
            if first.is_none_or(|first| at < first.at) {
                *first = Some(TokenEnd { at, input });
            }
        }
    }

    /// Waits until a request in flight is given up, and returns the reason.
    async fn given_up(&self, kind: RequestKind) -> StopReason {
        let stop = self.stop();
        stop.over(match kind {
            RequestKind::LastWrite => LAST_WRITE_GRACE,
            _ => GRACE,
        })
        .await;
        stop.why().unwrap_or(StopReason::TimeLimit)
    }
}

/// The failure of a request that was given up because the pass ended.
fn unanswered(kind: RequestKind, why: StopReason) -> RequestError {
    match kind {
        RequestKind::Redelivery | RequestKind::LastWrite => {
            RequestError::Unclear("the pass ended before it answered".into())
        }
        // Sending it again does no harm, so nothing went wrong.
        _ => RequestError::Stopped(why),
    }
}

/// The outcome of a request for the debug log.
fn outcome(result: &Result<exchange::Response, RequestError>, facts: &ResponseFacts) -> String {
    let status = facts.status.map_or(0, |status| status.as_u16());
    match result {
        Ok(_) | Err(RequestError::Status { .. }) => status.to_string(),
        Err(failure) if status == 0 => failure.to_string(),
        Err(failure) => format!("{status} {failure}"),
    }
}
