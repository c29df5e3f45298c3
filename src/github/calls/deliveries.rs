//! A webhook's delivery log, and asking for a redelivery
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
/// The first page is asked for alone, because most passes need no other. From the second on, the
/// next page is asked for as soon as the headers that link to it are in, while the current one is
/// still being read.
pub struct Log {
    client: Client,
    subject: Arc<Subject>,
    trail: Trail,
    size: PageSize,
    next: Next,
    /// Whether a page was handed out before.
    begun: bool,
    /// The pages that follow hold nothing new.
    is_old: bool,
}

enum Next {
    Path(String),
    Asked(Request),
    Refused(RequestError),
    End,
}

/// A page on its way. Dropping it takes the request back.
struct Request {
    path: String,
    headers: oneshot::Receiver<http::HeaderMap>,
    answer: JoinHandle<Result<Response, RequestError>>,
}

impl Drop for Request {
    fn drop(&mut self) {
        self.answer.abort();
    }
}

impl Request {
    fn new(client: &Client, path: String, size: &PageSize) -> Self {
        let (sender, headers) = oneshot::channel();
        let (client, asked, size) = (client.clone(), path.clone(), size.clone());
        // It is large, and a box is moved more cheaply.
        let answer = tokio::spawn(Box::pin(async move {
            let mut sender = Some(sender);
            client
                .read_page(&asked, &size, |headers| {
                    if let Some(sender) = sender.take() {
                        // Nobody waits for headers once the log is dropped.
                        let _ = sender.send(headers.clone());
                    }
                })
                .await
        }));
        Self {
            path,
            headers,
            answer,
        }
    }

    async fn answer(&mut self) -> Result<Response, RequestError> {
        (&mut self.answer)
            .await
            .unwrap_or_else(|error| match error.try_into_panic() {
                // It is a bug here as well, and its words are nobody's.
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(error) => Err(RequestError::Unclear(error.to_string())),
            })
    }
}

impl Log {
    /// The log of `webhook`, from its newest page.
    pub fn new(client: &Client, webhook: &Webhook) -> Self {
        Self::at(client, webhook, "")
    }

    /// What GitHub calls a success in it, redirects included: only this and nothing else of each delivery.
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

    /// Says whether the pages that follow hold nothing that is new since the last pass. Reading these leaves more of
    /// a limit to others.
    pub fn goes_back(&mut self, is_old: bool) {
        self.is_old = is_old;
    }

    /// Whether there is no further page.
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
            Next::Refused(failure) => return Err(failure),
            Next::Path(path) => self.request(path),
            Next::Asked(request) => request,
        };
        let ahead = match self.begun {
            true => self.ahead(&mut request).await,
            false => None,
        };
        let answer = request.answer().await?;
        // Where a body broke off, the page was read again and may link elsewhere by now: only that link counts.
        self.next = match self
            .trail
            .next(&answer, self.client.base(), self.client.secrets())
        {
            Ok(None) => Next::End,
            Ok(Some(path)) => match ahead {
                Some(ahead) if ahead.path == path => Next::Asked(ahead),
                _ => Next::Path(path),
            },
            Err(failure) => Next::Refused(failure),
        };
        self.begun = true;
        let subject = Arc::clone(&self.subject);
        Ok(Some(Page::new(
            answer.body,
            subject,
            self.client.kind(),
            self.client.secrets().clone(),
        )))
    }

    fn request(&self, path: String) -> Request {
        if self.is_old {
            Request::new(&self.client.for_old_rows(), path, &self.size)
        } else {
            Request::new(&self.client, path, &self.size)
        }
    }

    /// Asks for the page after this one as soon as its headers are in. No headers come of a request that fails.
    async fn ahead(&self, request: &mut Request) -> Option<Request> {
        let headers = (&mut request.headers).await.ok()?;
        let next = self
            .trail
            .peek(&headers, self.client.base(), self.client.secrets())
            .ok()?;
        next.map(|path| self.request(path))
    }
}

/// Requests that GitHub redeliver an attempt, and returns when the request was sent. Two requests would deliver twice, so
/// it is sent once
/// (<https://docs.github.com/en/rest/orgs/webhooks#redeliver-a-delivery-for-an-organization-webhook>).
///
/// # Errors
/// GitHub did not accept, or it is not known whether it did.
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
