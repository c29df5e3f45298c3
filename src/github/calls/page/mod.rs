//! One page of a delivery log: reads only the fields that are needed, and borrows their texts from the body.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use crate::attempt::{Attempt, AttemptId, Guid, plain};
use crate::github::calls::id::number_or_text;
use crate::github::credential_kind::CredentialKind;
use crate::github::failure::error::Error;
use crate::github::failure::request_error::RequestError;
use crate::github::failure::subject::Subject;
use crate::secrets::Secrets;

/// A page's body. Attempts borrow from it.
pub struct Page {
    body: Vec<u8>,
    /// The body as text, where it is not plain.
    text: OnceLock<String>,
    subject: Arc<Subject>,
    credential: CredentialKind,
    secrets: Secrets,
}

impl Page {
    pub(crate) fn new(
        body: Vec<u8>,
        subject: Arc<Subject>,
        credential: CredentialKind,
        secrets: Secrets,
    ) -> Self {
        Self {
            body,
            text: OnceLock::new(),
            subject,
            credential,
            secrets,
        }
    }

    /// Something about this page that GitHub's documentation rules out, as an error.
    pub fn malformed(&self, what: &str) -> Error {
        let failure = RequestError::Malformed(self.secrets.clean(what).into_owned());
        Error::new((*self.subject).clone(), self.credential, failure)
    }

    /// The page's attempts, and its rows that could not be read. No known secret is in them.
    ///
    /// # Errors
    /// The body is no list at all.
    pub fn attempts(&self) -> Result<(Vec<Attempt<'_>>, Vec<UnreadableRow>), Error> {
        let (mut attempts, mut unreadable) = self.parsed()?;
        for attempt in &mut attempts {
            attempt.replace_texts(
                |name| changed(self.secrets.clean_name(name)),
                |text| changed(self.secrets.clean(text)),
            );
        }
        for row in &mut unreadable {
            row.reason = self.secrets.clean(&row.reason).into_owned();
        }
        Ok((attempts, unreadable))
    }

    fn parsed(&self) -> Result<(Vec<Attempt<'_>>, Vec<UnreadableRow>), Error> {
        if let Some(attempts) = plain::attempts(&self.body) {
            return Ok((attempts, Vec::new()));
        }
        // Bytes that are no UTF-8 are to cost no more than the row they are in.
        let text = || String::from_utf8_lossy(&self.body).into_owned();
        by_row(self.text.get_or_init(text)).map_err(|error| self.malformed(&error.to_string()))
    }
}

fn changed(clean: Cow<'_, str>) -> Option<String> {
    match clean {
        Cow::Borrowed(_) => None,
        Cow::Owned(clean) => Some(clean),
    }
}

/// The attempts of any page, however it is spelled. One odd row must not cost the others, so each is read by itself.
fn by_row(body: &str) -> Result<(Vec<Attempt<'_>>, Vec<UnreadableRow>), serde_json::Error> {
    let rows: Vec<&RawValue> = serde_json::from_str(body)?;
    let mut attempts = Vec::with_capacity(rows.len());
    let mut unreadable = Vec::new();
    for row in rows {
        let read = serde_json::from_str::<Row<'_>>(row.get());
        match read
            .map_err(|error| error.to_string())
            .and_then(Row::attempt)
        {
            Ok(attempt) => attempts.push(attempt),
            Err(reason) => unreadable.push(UnreadableRow {
                place: attempts.len(),
                digits: Guid::new(row.get()).digits(),
                reason,
            }),
        }
    }
    Ok((attempts, unreadable))
}

/// A row of a page that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnreadableRow {
    /// How many attempts stand before it.
    pub place: usize,
    /// 12 hex digits that tell it from others.
    pub digits: String,
    /// What is wrong with it.
    pub reason: String,
}

/// A row, of which only id, GUID and time have to be there. Of the rest, what is odd counts as missing.
#[derive(Deserialize)]
struct Row<'a> {
    #[serde(deserialize_with = "number_or_text")]
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

/// Text that is borrowed from the body unless it holds escapes. serde borrows a `Cow` only where it
/// stands by itself.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'a> Row<'a> {
    /// The attempt, or what is wrong with the row.
    fn attempt(self) -> Result<Attempt<'a>, String> {
        let row = self;
        if row.guid.0.is_empty() {
            return Err("`guid` is empty".into());
        }
        fn read<'a, T: Deserialize<'a>>(raw: Option<&'a RawValue>) -> Option<T> {
            serde_json::from_str(raw?.get()).ok()
        }
        let text = |raw| read::<Text<'a>>(raw).map(|text| text.0);
        Ok(Attempt {
            id: AttemptId(row.id),
            guid: Guid::new(&row.guid.0),
            delivered_at: row.delivered_at,
            redelivery: read(row.redelivery),
            status: text(row.status).unwrap_or_default(),
            code: read(row.status_code),
            throttled: row.throttled_at.is_some(),
            event: text(row.event).unwrap_or_default().into(),
            action: text(row.action).map(Into::into),
        })
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::attempt::Verdict;

    pub(crate) fn page(body: &[u8]) -> Page {
        let subject = Arc::new(Subject::app());
        Page::new(
            body.to_vec(),
            subject,
            CredentialKind::Classic,
            Secrets::default(),
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
        assert_eq!(unreadable, []);
        assert_eq!(attempts[0].id, AttemptId(3_804_004_623_172_239_366));
        assert_eq!(attempts[0].redelivery, None);
        assert_eq!(attempts[0].verdict(), Verdict::Pending);
        assert_eq!(attempts[1].status, "a\"b");
        assert_eq!(attempts[1].action, Some("xé".into()));
        assert!(attempts[1].throttled);
        assert_eq!(attempts[1].event, "push".into());
    }

    #[test]
    fn a_row_that_does_not_parse_does_not_cost_the_page() {
        let page = page(
            br#"[{"id":1,"guid":"g","delivered_at":"2026-11-22T12:00:00Z"},
                {"id":-1,"guid":"g","delivered_at":"2026-11-22T12:00:00Z"},
                {"id":2,"delivered_at":"2026-11-22T12:00:00Z"}, null,
                {"id":3,"guid":"g","delivered_at":"yesterday"},
                {"id":"3x","guid":"g","delivered_at":"2026-11-22T12:00:00Z"},
                {"id":5,"guid":"","delivered_at":"2026-11-22T12:00:00Z"},
                {"id":4,"guid":"h","delivered_at":"2026-11-22T12:00:00Z","redelivery":true,
                 "status":["x"],"status_code":"500","event":7,"action":{}}]"#,
        );
        let (attempts, unreadable) = page.attempts().unwrap();
        let ids: Vec<_> = attempts.iter().map(|attempt| attempt.id.0).collect();
        assert_eq!(ids, [1, 4]);
        let odd = &attempts[1];
        assert_eq!(
            (odd.redelivery, odd.code, &*odd.event.as_text()),
            (Some(true), None, "")
        );
        let places: Vec<_> = unreadable.iter().map(|row| row.place).collect();
        assert_eq!(places, [1; 6]);
        assert!(unreadable[0].reason.contains("-1"), "{unreadable:?}");
        let digits: HashSet<_> = unreadable.iter().map(|row| &row.digits).collect();
        assert_eq!(digits.len(), 6);
    }

    #[test]
    fn an_id_may_be_a_text() {
        let page = page(
            br#"[{"id":"3804004623172239366","guid":"g","delivered_at":"2026-11-22T12:00:00Z"},
                {"id":"\u0037","guid":"h","delivered_at":"2026-11-22T12:00:00Z"}]"#,
        );
        let (attempts, unreadable) = page.attempts().unwrap();
        let ids: Vec<_> = attempts.iter().map(|attempt| attempt.id.0).collect();
        assert_eq!(
            (ids, unreadable),
            (vec![3_804_004_623_172_239_366, 7], vec![])
        );
    }

    #[test]
    fn bytes_that_are_no_utf_8_cost_nothing_but_themselves() {
        let page = page(
            b"[{\"id\":1,\"guid\":\"g\",\"delivered_at\":\"2026-11-22T12:00:00Z\",\"event\":\"a\xff\"},
                {\"id\":2,\"guid\":\"h\",\"delivered_at\":\"2026-11-22T12:00:00Z\"}]",
        );
        let (attempts, unreadable) = page.attempts().unwrap();
        assert_eq!((attempts.len(), unreadable.len()), (2, 0));
        assert_eq!(attempts[0].event, "a\u{fffd}".into());
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
