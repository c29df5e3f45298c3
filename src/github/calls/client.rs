//! The client for one credential: octocrab on top of our own stack, with one method to read and one to write.
//!
//! From the wire up: [`Connections`](crate::github::http::connect::Connections) (proxies, TLS, HTTP), octocrab's layers
//! for base address and headers, [`Transport`] (slots, limits, time-outs), and
//! here retries and redirects. A tower layer could not see a request as a whole: its part ends at the response's headers.

use std::borrow::Cow;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use http::{HeaderMap, Method};
use serde::Serialize;
use serde_json::Value;

use crate::github::base::ApiBase;
use crate::github::calls::authorization::Authorization;
use crate::github::credential_kind::CredentialKind;
use crate::github::failure::error::Error;
use crate::github::failure::request_error::{FailedRequest, RequestError};
use crate::github::failure::subject::Subject;
use crate::github::http::exchange::{OnHeaders, Response};
use crate::github::http::page_size::PageSize;
use crate::github::http::request::request;
use crate::github::http::retry::Retries;
use crate::github::http::transport::Transport;
use crate::github::limits::gate::Gate;
use crate::github::limits::request_kind::RequestKind;
use crate::secrets::Secrets;
use crate::stop::StopReason;

/// Speaks to one GitHub with one credential. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    authorization: Arc<dyn Authorization>,
    transport: Arc<Transport>,
    gate: Arc<Gate>,
    /// Reads pages older than the last checkpoint.
    reads_old: bool,
    /// Its writes are the last of the pass.
    last: bool,
}

impl Client {
    /// A client for one credential, whose limits the gate keeps.
    pub(crate) fn new(
        transport: &Arc<Transport>,
        authorization: impl Authorization + 'static,
        gate: Arc<Gate>,
    ) -> Self {
        Self {
            authorization: Arc::new(authorization),
            transport: Arc::clone(transport),
            gate,
            reads_old: false,
            last: false,
        }
    }

    /// The gate of its credential.
    pub(crate) fn gate(&self) -> &Arc<Gate> {
        &self.gate
    }

    /// The same client for the last request of a pass, which neither a limit nor the end of the pass holds back.
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

    /// The same client for reading older rows, which leaves more of a limit to others.
    #[must_use]
    pub(crate) fn for_old_rows(&self) -> Self {
        Self {
            reads_old: true,
            ..self.clone()
        }
    }

    /// Checks that this credential may still redeliver within the time that a pass may wait.
    ///
    /// # Errors
    /// It may not redeliver in that time.
    pub fn may_redeliver(&self) -> Result<(), StopReason> {
        let may = self.gate.check(RequestKind::Redelivery);
        self.gate.end(RequestKind::Redelivery);
        may
    }

    /// GitHub's time.
    pub fn now(&self) -> DateTime<Utc> {
        self.transport.clock.now()
    }

    /// The GitHub that this client calls.
    pub(crate) fn base(&self) -> &ApiBase {
        &self.transport.base
    }

    /// The page size of the log at this path.
    pub(crate) fn page_size(&self, log: &str) -> PageSize {
        self.transport.page_size(log)
    }

    /// The secrets that the pass knows.
    pub(crate) fn secrets(&self) -> &Secrets {
        self.transport.secrets()
    }

    /// The kind of its credential.
    pub(crate) fn kind(&self) -> CredentialKind {
        self.authorization.kind()
    }

    /// True if it sees only those of an organization's webhooks that were made with it; `None` if that is not known.
    pub fn sees_only_its_own(&self) -> Option<bool> {
        match self.kind() {
            CredentialKind::OAuth => Some(true),
            CredentialKind::Other => None,
            _ => Some(false),
        }
    }

    /// Attaches the subject to a failure, and removes secrets from its text.
    pub(crate) fn failed(&self, subject: &Subject, failure: RequestError) -> Error {
        if matches!(failure, RequestError::Stopped(StopReason::Limit(_))) {
            self.gate.end(RequestKind::OldRead);
        }
        let failure = failure.without(self.secrets());
        Error::new(subject.clone(), self.kind(), failure)
    }

    /// Reads the resource at `path`. `on_headers` receives the headers of a success before its body is read.
    pub(crate) async fn read(
        &self,
        path: &str,
        mut on_headers: impl FnMut(&HeaderMap) + Send,
    ) -> Result<Response, RequestError> {
        let call = Call::new(self.reading(), Method::GET, path);
        Ok(self.request(call, &mut on_headers).await?)
    }

    /// Reads a page of a log. A page that fails is requested again with fewer rows.
    pub(crate) async fn read_page(
        &self,
        path: &str,
        size: &PageSize,
        mut on_headers: impl FnMut(&HeaderMap) + Send,
    ) -> Result<Response, RequestError> {
        let call = Call {
            page_size: Some(size),
            ..Call::new(self.reading(), Method::GET, path)
        };
        Ok(self.request(call, &mut on_headers).await?)
    }

    fn reading(&self) -> RequestKind {
        if self.reads_old {
            RequestKind::OldRead
        } else {
            RequestKind::Read
        }
    }

    /// Sends a change that may be made twice.
    pub(crate) async fn write(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Result<Response, RequestError> {
        let kind = if self.last {
            RequestKind::LastWrite
        } else {
            RequestKind::Change
        };
        let body = body.map(serde_json::to_value).transpose();
        let body = body.map_err(|error| RequestError::Unsent(error.to_string()))?;
        let call = Call {
            body: body.as_ref(),
            ..Call::new(kind, method, path)
        };
        Ok(self.request(call, &mut |_| {}).await?)
    }

    /// Requests a redelivery: once, unless the request certainly did not reach GitHub.
    pub(crate) async fn request_redelivery(&self, path: &str) -> Result<Response, FailedRequest> {
        let call = Call::new(RequestKind::Redelivery, Method::POST, path);
        self.request(call, &mut |_| {}).await
    }

    /// Sends a request, and sends it again if that may help: with a new token if GitHub refused an old one (it
    /// does nothing for such a request), at the place that a redirect names, after a limit, and after a failure that
    /// may pass.
    async fn request(
        &self,
        call: Call<'_>,
        on_headers: &mut OnHeaders<'_>,
    ) -> Result<Response, FailedRequest> {
        let (kind, transport) = (call.kind, &self.transport);
        let mut retries = Retries::new(kind, transport.requests());
        let mut tries = call.page_size.map(PageSize::tries);
        let mut path = Cow::Borrowed(call.path);
        let (mut renewed, mut sent_at) = (false, None);
        let input = self.authorization.input();
        loop {
            let failed = |error| FailedRequest { error, sent_at };
            let header = self
                .authorization
                .header(&transport.clock, self.last)
                .await
                .map_err(failed)?;
            let sized = tries.as_ref().map(|tries| tries.path(&path));
            let target = sized.as_deref().unwrap_or(&path);
            let request = request(&call.method, target, &header, call.body).map_err(failed)?;
            let sending = transport.send(kind, &self.gate, request, input, on_headers);
            let failed = match sending.await {
                Ok(response) => {
                    return Ok(Response {
                        redirected: retries.redirected(),
                        ..response
                    });
                }
                Err(failed) => failed,
            };
            sent_at = failed.sent_at.or(sent_at);
            let error = failed.error;
            if error.status() == Some(401) && !renewed {
                renewed = self.authorization.renew(&header, &transport.clock).await;
                if renewed {
                    continue;
                }
            }
            if let Some(to) = retries.redirect(&error, &call.method, self.base(), &path) {
                path = Cow::Owned(to);
                continue;
            }
            if !retries.wait(&error, self.now(), transport.stop()).await {
                return Err(FailedRequest { error, sent_at });
            }
            if let Some(tries) = &mut tries {
                tries.failed(&error);
            }
        }
    }
}

/// A request and all that its retries need.
struct Call<'a> {
    kind: RequestKind,
    method: Method,
    path: &'a str,
    body: Option<&'a Value>,
    /// For a page of a log, which may be requested with fewer rows.
    page_size: Option<&'a PageSize>,
}

impl<'a> Call<'a> {
    fn new(kind: RequestKind, method: Method, path: &'a str) -> Self {
        Self {
            kind,
            method,
            path,
            body: None,
            page_size: None,
        }
    }
}
