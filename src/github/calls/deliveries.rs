//! A webhook's delivery log, and requests for redeliveries
//! (<https://docs.github.com/en/rest/orgs/webhooks#list-deliveries-for-an-organization-webhook>).

use std::sync::Arc;

use chrono::{DateTime, Utc};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::github::calls::client::Client;
use crate::github::calls::link::Trail;
use crate::github::calls::page::Page;
use crate::github::failure::error::Error;
use crate::github::failure::request_error::RequestError;
use crate::github::failure::subject::Subject;
use crate::github::http::exchange::Response;
use crate::github::http::page_size::{MOST_ROWS, PageSize};
use crate::model::AttemptId;
use crate::model::Webhook;

/// A webhook's delivery log, page by page, newest first.
///
/// The first page is requested alone, because most passes need no other. From the second page on, the headers of a
/// response already let the next page be requested, while the body is still being read.
pub struct DeliveryLog {
    client: Client,
    subject: Arc<Subject>,
    trail: Trail,
    size: PageSize,
    next: Next,
    /// True once the first page was read.
    begun: bool,
    /// True if the pages that follow hold nothing new.
    is_old: bool,
}

enum Next {
    Path(String),
    Requested(PageRequest),
    Failed(RequestError),
    End,
}

/// A request for a page. It is cancelled when this is dropped.
struct PageRequest {
    path: String,
    headers: oneshot::Receiver<http::HeaderMap>,
    response: JoinHandle<Result<Response, RequestError>>,
}

impl Drop for PageRequest {
    fn drop(&mut self) {
        self.response.abort();
    }
}

impl PageRequest {
    fn new(client: &Client, path: String, size: &PageSize) -> Self {
        let (sender, headers) = oneshot::channel();
        let (client, requested, size) = (client.clone(), path.clone(), size.clone());
        // The future is large, and a box is cheap to move.
        let response = tokio::spawn(Box::pin(async move {
            let mut sender = Some(sender);
            client
                .read_page(&requested, &size, |headers| {
                    if let Some(sender) = sender.take() {
                        // A log that was dropped waits for no headers.
                        let _ = sender.send(headers.clone());
                    }
                })
                .await
        }));
        Self {
            path,
            headers,
            response,
        }
    }

    async fn response(&mut self) -> Result<Response, RequestError> {
        (&mut self.response)
            .await
            .unwrap_or_else(|error| match error.try_into_panic() {
                // A panic is a bug of this program, not a failed request.
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(error) => Err(RequestError::Unclear(error.to_string())),
            })
    }
}

impl DeliveryLog {
    /// The log of `webhook`, from its newest page.
    pub fn new(client: &Client, webhook: &Webhook) -> Self {
        Self::at(client, webhook, "")
    }

    /// Only the attempts that GitHub counts as successes, redirects included.
    pub fn of_successes(client: &Client, webhook: &Webhook) -> Self {
        Self::at(client, webhook, "&status=success")
    }

    fn at(client: &Client, webhook: &Webhook, filter: &str) -> Self {
        let path = format!("{}/deliveries?per_page={MOST_ROWS}{filter}", webhook.path());
        Self {
            client: client.clone(),
            subject: Arc::new(Subject::of_webhook(webhook)),
            trail: Trail::new(&path),
            size: client.page_size(&webhook.path()),
            next: Next::Path(path),
            begun: false,
            is_old: false,
        }
    }

    /// Marks the pages that follow as older than the last pass, or not. Reading older ones leaves more of a limit to
    /// others.
    pub fn goes_back(&mut self, is_old: bool) {
        self.is_old = is_old;
    }

    /// True if there is no further page.
    pub fn has_ended(&self) -> bool {
        matches!(self.next, Next::End)
    }

    /// The next page; `None` after the last.
    ///
    /// # Errors
    /// It could not be read, or the link to it must not be followed. No further page comes.
    pub async fn next_page(&mut self) -> Result<Option<Page>, Error> {
        let page = self.page().await;
        page.map_err(|failure| self.client.failed(&self.subject, failure))
    }

    async fn page(&mut self) -> Result<Option<Page>, RequestError> {
        let mut request = match std::mem::replace(&mut self.next, Next::End) {
            Next::End => return Ok(None),
            Next::Failed(failure) => return Err(failure),
            Next::Path(path) => self.request_page(path),
            Next::Requested(request) => request,
        };
        let ahead = match self.begun {
            true => self.ahead(&mut request).await,
            false => None,
        };
        let response = request.response().await?;
        // A page whose body broke off was requested again, and its link may differ from that of the first response.
        self.next = match self
            .trail
            .next(&response, self.client.base(), self.client.secrets())
        {
            Ok(None) => Next::End,
            Ok(Some(path)) => match ahead {
                Some(ahead) if ahead.path == path => Next::Requested(ahead),
                _ => Next::Path(path),
            },
            Err(failure) => Next::Failed(failure),
        };
        self.begun = true;
        let subject = Arc::clone(&self.subject);
        Ok(Some(Page::new(
            response.body,
            subject,
            self.client.kind(),
            self.client.secrets().clone(),
        )))
    }

    fn request_page(&self, path: String) -> PageRequest {
        if self.is_old {
            PageRequest::new(&self.client.for_old_rows(), path, &self.size)
        } else {
            PageRequest::new(&self.client, path, &self.size)
        }
    }

    /// Requests the page after this one once its headers are in. A request that fails has no headers.
    async fn ahead(&self, request: &mut PageRequest) -> Option<PageRequest> {
        let headers = (&mut request.headers).await.ok()?;
        let next = self
            .trail
            .peek(&headers, self.client.base(), self.client.secrets())
            .ok()?;
        next.map(|path| self.request_page(path))
    }
}

/// Requests that GitHub redeliver an attempt, and returns when the request was sent. Two requests would deliver twice, so
/// it is sent once
/// (<https://docs.github.com/en/rest/orgs/webhooks#redeliver-a-delivery-for-an-organization-webhook>).
///
/// # Errors
/// GitHub did not accept the request, or may not have accepted it.
pub async fn redeliver(
    client: &Client,
    webhook: &Webhook,
    attempt: AttemptId,
) -> Result<DateTime<Utc>, Error> {
    let path = format!("{}/deliveries/{attempt}/attempts", webhook.path());
    match client.request_redelivery(&path).await {
        Ok(response) => Ok(response.sent_at),
        Err(failed) => Err(client
            .failed(&Subject::of_webhook(webhook), failed.error)
            .with_sent_at(failed.sent_at)),
    }
}
