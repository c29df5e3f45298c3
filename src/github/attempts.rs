//! A webhook's delivery log, and asking for a redelivery
//! (<https://docs.github.com/en/rest/orgs/webhooks#list-deliveries-for-an-organization-webhook>).

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::auth::CredentialKind;
use super::client::Client;
use super::error::{Error, RequestError, Subject};
use super::exchange::Answer;
use super::link::Trail;
use crate::attempt::{Attempt, AttemptId, Guid};
use crate::webhook::Webhook;

/// Attempts on a page: GitHub's most.
const PER_PAGE: u32 = 100;

/// A webhook's delivery log, page by page, newest first.
///
/// The first page is asked for alone, because most passes need no other. From the second on, the
/// next page is asked for as soon as the headers that link to it are in, while the current one is
/// still being read.
pub struct Log {
    client: Client,
    subject: Arc<Subject>,
    trail: Trail,
    next: Next,
    /// Whether a page was handed out before.
    begun: bool,
}

enum Next {
    Path(String),
    Asked(Request),
    Refused(RequestError),
    End,
}

/// A page on its way. Dropping it takes the request back.
struct Request {
    headers: oneshot::Receiver<http::HeaderMap>,
    answer: JoinHandle<Result<Answer, RequestError>>,
}

impl Drop for Request {
    fn drop(&mut self) {
        self.answer.abort();
    }
}

impl Request {
    fn new(client: &Client, path: String) -> Self {
        let (sender, headers) = oneshot::channel();
        let client = client.clone();
        let answer = tokio::spawn(async move {
            let mut sender = Some(sender);
            client
                .read(&path, |headers| {
                    if let Some(sender) = sender.take() {
                        // Nobody waits for headers once the log is dropped.
                        let _ = sender.send(headers.clone());
                    }
                })
                .await
        });
        Self { headers, answer }
    }
}

impl Log {
    /// The log of `webhook`, from its newest page.
    pub fn new(client: &Client, webhook: &Webhook) -> Self {
        let path = format!("{}/deliveries?per_page={PER_PAGE}", webhook.path());
        Self {
            client: client.clone(),
            subject: Arc::new(Subject::of_webhook(webhook)),
            trail: Trail::new(&path),
            next: Next::Path(path),
            begun: false,
        }
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
            Next::Path(path) => Request::new(&self.client, path),
            Next::Asked(request) => request,
        };
        // No headers come of a request that fails; its answer says why.
        let ahead = match (&mut request.headers).await {
            Ok(headers) => match self.trail.next(&headers, self.client.base()) {
                Ok(None) => Next::End,
                Ok(Some(path)) if self.begun => Next::Asked(Request::new(&self.client, path)),
                Ok(Some(path)) => Next::Path(path),
                Err(failure) => Next::Refused(failure),
            },
            Err(_) => Next::End,
        };
        let answer =
            (&mut request.answer)
                .await
                .unwrap_or_else(|error| match error.try_into_panic() {
                    // It is a bug here as well, and its words are nobody's.
                    Ok(panic) => std::panic::resume_unwind(panic),
                    Err(error) => Err(RequestError::Unclear(error.to_string())),
                })?;
        self.next = ahead;
        self.begun = true;
        let subject = Arc::clone(&self.subject);
        Ok(Some(Page::new(answer.body, subject, self.client.kind())))
    }
}

/// A page's body. Attempts borrow from it.
pub struct Page {
    body: Bytes,
    subject: Arc<Subject>,
    credential: CredentialKind,
}

impl Page {
    fn new(body: Bytes, subject: Arc<Subject>, credential: CredentialKind) -> Self {
        // Bytes that are no UTF-8 are to cost no more than the row they are in.
        let body = match String::from_utf8_lossy(&body) {
            Cow::Borrowed(_) => body,
            Cow::Owned(mended) => mended.into(),
        };
        Self {
            body,
            subject,
            credential,
        }
    }

    /// Something about this page that GitHub's documentation rules out, as an error.
    pub fn malformed(&self, what: &str) -> Error {
        let failure = RequestError::Malformed(what.into());
        Error::new((*self.subject).clone(), self.credential, failure)
    }

    /// The page's attempts, and how many of its rows could not be read, the first with its reason.
    ///
    /// # Errors
    /// The body is no list at all.
    pub fn attempts(&self) -> Result<(Vec<Attempt<'_>>, Unreadable), Error> {
        if let Ok(rows) = serde_json::from_slice::<Vec<Row<'_>>>(&self.body) {
            let attempts = rows.into_iter().map(Attempt::from).collect();
            return Ok((attempts, Unreadable::default()));
        }
        // One odd row must not cost the page: read each by itself.
        let rows: Vec<&RawValue> = serde_json::from_slice(&self.body)
            .map_err(|error| self.malformed(&error.to_string()))?;
        let mut attempts = Vec::with_capacity(rows.len());
        let mut unreadable = Unreadable::default();
        for row in rows {
            let raw = serde_json::from_str::<RawRow<'_>>(row.get());
            match raw.map(RawRow::readable) {
                Ok(row) => attempts.push(Attempt::from(row)),
                Err(error) => unreadable.add(error.to_string()),
            }
        }
        Ok((attempts, unreadable))
    }
}

/// Rows of a list that could not be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unreadable {
    /// How many.
    pub rows: u64,
    /// What was wrong with the first.
    pub reason: Option<String>,
}

impl Unreadable {
    pub(super) fn add(&mut self, reason: String) {
        self.rows += 1;
        self.reason.get_or_insert(reason);
    }
}

impl std::ops::AddAssign for Unreadable {
    fn add_assign(&mut self, other: Self) {
        self.rows += other.rows;
        self.reason = self.reason.take().or(other.reason);
    }
}

/// A row as GitHub writes it. Only id, GUID and time have to be there.
#[derive(Deserialize)]
struct Row<'a> {
    id: u64,
    #[serde(borrow)]
    guid: Text<'a>,
    delivered_at: DateTime<Utc>,
    #[serde(default)]
    redelivery: Option<bool>,
    #[serde(borrow, default)]
    status: Option<Text<'a>>,
    #[serde(default)]
    status_code: Option<i64>,
    #[serde(borrow, default)]
    event: Option<Text<'a>>,
    #[serde(borrow, default)]
    action: Option<Text<'a>>,
    #[serde(default)]
    throttled_at: Option<IgnoredAny>,
}

/// The same with each field that may be missing by itself: one that is odd counts as missing.
#[derive(Deserialize)]
struct RawRow<'a> {
    id: u64,
    #[serde(borrow)]
    guid: Text<'a>,
    delivered_at: DateTime<Utc>,
    #[serde(borrow, default)]
    redelivery: Option<&'a RawValue>,
    #[serde(borrow, default)]
    status: Option<&'a RawValue>,
    #[serde(borrow, default)]
    status_code: Option<&'a RawValue>,
    #[serde(borrow, default)]
    event: Option<&'a RawValue>,
    #[serde(borrow, default)]
    action: Option<&'a RawValue>,
    #[serde(default)]
    throttled_at: Option<IgnoredAny>,
}

impl<'a> RawRow<'a> {
    fn readable(self) -> Row<'a> {
        fn read<'a, T: Deserialize<'a>>(raw: Option<&'a RawValue>) -> Option<T> {
            serde_json::from_str(raw?.get()).ok()
        }
        Row {
            id: self.id,
            guid: self.guid,
            delivered_at: self.delivered_at,
            redelivery: read(self.redelivery),
            status: read(self.status),
            status_code: read(self.status_code),
            event: read(self.event),
            action: read(self.action),
            throttled_at: self.throttled_at,
        }
    }
}

/// Text that is borrowed from the body unless it holds escapes. serde borrows a `Cow` only where it
/// stands by itself.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'a> From<Row<'a>> for Attempt<'a> {
    fn from(row: Row<'a>) -> Self {
        let text = |text: Option<Text<'a>>| text.map(|text| text.0).unwrap_or_default();
        Self {
            id: AttemptId(row.id),
            guid: Guid::new(&row.guid.0),
            delivered_at: row.delivered_at,
            redelivery: row.redelivery,
            status: text(row.status),
            code: row.status_code,
            throttled: row.throttled_at.is_some(),
            event: text(row.event),
            action: row.action.map(|action| action.0),
        }
    }
}

/// Asks GitHub to redeliver an attempt. Asking twice delivers twice, so it is asked once
/// (<https://docs.github.com/en/rest/orgs/webhooks#redeliver-a-delivery-for-an-organization-webhook>).
///
/// # Errors
/// GitHub did not accept, or it is not known whether it did.
pub async fn redeliver(
    client: &Client,
    webhook: &Webhook,
    attempt: AttemptId,
) -> Result<(), Error> {
    let path = format!("{}/deliveries/{attempt}/attempts", webhook.path());
    client
        .ask_for_redelivery(&path)
        .await
        .map(drop)
        .map_err(|failure| client.failed(&Subject::of_webhook(webhook), failure))
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests {
    use super::*;
    use crate::attempt::Verdict;

    pub(super) fn page(body: &[u8]) -> Page {
        let subject = Arc::new(Subject::app());
        Page::new(
            Bytes::copy_from_slice(body),
            subject,
            CredentialKind::Classic,
        )
    }

    #[test]
    fn a_row_needs_only_id_guid_and_time() {
        let page = page(
            br#"[{"id":3804004623172239366,"guid":"g","delivered_at":"2026-11-22T12:00:00Z"},
                {"id":1,"guid":"h","delivered_at":"2026-11-22T12:00:00.123Z","redelivery":null,
                 "status":"a\"b","status_code":null,"event":"push","action":"x\u00e9","new":[{}],
                 "throttled_at":"2026-11-22T12:00:00Z"}]"#,
        );
        let (attempts, unreadable) = page.attempts().unwrap();
        assert_eq!(unreadable, Unreadable::default());
        assert_eq!(attempts[0].id, AttemptId(3_804_004_623_172_239_366));
        assert_eq!(attempts[0].redelivery, None);
        assert_eq!(attempts[0].verdict(), Verdict::Pending);
        assert_eq!(attempts[1].status, "a\"b");
        assert_eq!(attempts[1].action.as_deref(), Some("xé"));
        assert!(attempts[1].throttled);
        assert!(matches!(attempts[1].event, Cow::Borrowed("push")));
    }

    #[test]
    fn a_row_that_does_not_parse_does_not_cost_the_page() {
        let page = page(
            br#"[{"id":1,"guid":"g","delivered_at":"2026-11-22T12:00:00Z"},
                {"id":-1,"guid":"g","delivered_at":"2026-11-22T12:00:00Z"},
                {"id":2,"delivered_at":"2026-11-22T12:00:00Z"}, null,
                {"id":3,"guid":"g","delivered_at":"yesterday"},
                {"id":4,"guid":"h","delivered_at":"2026-11-22T12:00:00Z","redelivery":true,
                 "status":["x"],"status_code":"500","event":7,"action":{}}]"#,
        );
        let (attempts, unreadable) = page.attempts().unwrap();
        let ids: Vec<_> = attempts.iter().map(|attempt| attempt.id.0).collect();
        assert_eq!(ids, [1, 4]);
        let odd = &attempts[1];
        assert_eq!(
            (odd.redelivery, odd.code, &*odd.event),
            (Some(true), None, "")
        );
        assert_eq!(unreadable.rows, 4);
        assert!(
            unreadable
                .reason
                .is_some_and(|reason| reason.contains("-1"))
        );
    }

    #[test]
    fn bytes_that_are_no_utf_8_cost_nothing_but_themselves() {
        let page = page(
            b"[{\"id\":1,\"guid\":\"g\",\"delivered_at\":\"2026-11-22T12:00:00Z\",\"event\":\"a\xff\"},
                {\"id\":2,\"guid\":\"h\",\"delivered_at\":\"2026-11-22T12:00:00Z\"}]",
        );
        let (attempts, unreadable) = page.attempts().unwrap();
        assert_eq!((attempts.len(), unreadable.rows), (2, 0));
        assert_eq!(attempts[0].event, "a\u{fffd}");
    }

    #[test]
    fn what_is_no_list_is_malformed() {
        for body in ["", "{}", "<html>", "[", "null"] {
            let page = page(body.as_bytes());
            let error = page.attempts().unwrap_err();
            assert!(
                matches!(error.failure(), RequestError::Malformed(_)),
                "{body}"
            );
        }
    }
}
