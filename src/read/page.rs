//! Reads the rows of one page of a delivery log.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::Row;
use crate::github::{Error, Page};
use crate::model::{Guid, fingerprint};
use crate::secrets::Secrets;

/// A row of a page that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnreadableRow {
    /// Number of readable rows before it on the page.
    pub place: usize,
    /// 12 hex digits that distinguish it from others.
    pub fingerprint: String,
    /// The parse error.
    pub reason: String,
}

/// Returns the rows of a page, and those that could not be read. They hold no known secret.
///
/// # Errors
/// The page is not a JSON list.
pub fn rows(page: &Page) -> Result<(Vec<Row<'_>>, Vec<UnreadableRow>), Error> {
    let text = page.text();
    let (mut rows, mut unreadable) = match serde_json::from_str(text) {
        Ok(rows) => (rows, Vec::new()),
        Err(_) => row_by_row(text).map_err(|error| page.malformed(&error.to_string()))?,
    };
    for row in &mut rows {
        remove_secrets(row, page.secrets());
    }
    for row in &mut unreadable {
        row.reason = page.secrets().clean(&row.reason).into_owned();
    }
    Ok((rows, unreadable))
}

/// Reads each row by itself, so that an unreadable row does not cost the others.
fn row_by_row(page: &str) -> Result<(Vec<Row<'_>>, Vec<UnreadableRow>), serde_json::Error> {
    let all: Vec<&RawValue> = serde_json::from_str(page)?;
    let mut rows = Vec::with_capacity(all.len());
    let mut unreadable = Vec::new();
    for row in all {
        match serde_json::from_str(row.get()) {
            Ok(row) => rows.push(row),
            Err(error) => unreadable.push(UnreadableRow {
                place: rows.len(),
                fingerprint: fingerprint(row.get()),
                reason: error.to_string(),
            }),
        }
    }
    Ok((rows, unreadable))
}

fn remove_secrets(row: &mut Row<'_>, secrets: &Secrets) {
    if let Cow::Owned(guid) = secrets.clean_name(row.guid.as_str()) {
        row.guid = Guid::new(&guid);
    }
    if let Cow::Owned(status) = secrets.clean(&row.status) {
        row.status = status.into();
    }
    for name in std::iter::once(&mut row.event).chain(&mut row.action) {
        if let Cow::Owned(clean) = secrets.clean_name(name) {
            *name = clean.into();
        }
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::github::RequestError;
    use crate::model::AttemptId;
    use crate::read::AttemptOutcome;

    #[test]
    fn a_row_needs_only_id_guid_and_time() {
        let page = Page::of_body(
            br#"[{"id":3804004623172239366,"guid":"g","delivered_at":"2026-11-22T12:00:00Z"},
                {"id":1,"guid":"h","delivered_at":"2026-11-22T12:00:00.123Z","redelivery":null,
                 "status":"a\"b","status_code":null,"event":"push","action":"x\u00e9","new":[{}],
                 "throttled_at":"2026-11-22T12:00:00Z"}]"#,
        );
        let (rows, unreadable) = rows(&page).unwrap();
        assert_eq!(unreadable, []);
        assert_eq!(rows[0].id, AttemptId(3_804_004_623_172_239_366));
        assert_eq!(rows[0].redelivery, None);
        assert_eq!(rows[0].outcome(), AttemptOutcome::Pending);
        assert_eq!(rows[1].status, "a\"b");
        assert_eq!(rows[1].action, Some("xé".into()));
        assert!(rows[1].throttled);
        assert_eq!(rows[1].event, "push");
    }

    #[test]
    fn a_row_that_does_not_parse_does_not_cost_the_page() {
        let page = Page::of_body(
            br#"[{"id":1,"guid":"g","delivered_at":"2026-11-22T12:00:00Z"},
                {"id":-1,"guid":"g","delivered_at":"2026-11-22T12:00:00Z"},
                {"id":2,"delivered_at":"2026-11-22T12:00:00Z"}, null,
                {"id":3,"guid":"g","delivered_at":"yesterday"},
                {"id":"3x","guid":"g","delivered_at":"2026-11-22T12:00:00Z"},
                {"id":5,"guid":"","delivered_at":"2026-11-22T12:00:00Z"},
                {"id":4,"guid":"h","delivered_at":"2026-11-22T12:00:00Z","redelivery":true,
                 "status":["x"],"status_code":"500","event":7,"action":{}}]"#,
        );
        let (rows, unreadable) = rows(&page).unwrap();
        let ids: Vec<_> = rows.iter().map(|row| row.id.0).collect();
        assert_eq!(ids, [1, 4]);
        let odd = &rows[1];
        assert_eq!(
            (odd.redelivery, odd.code, &*odd.event),
            (Some(true), None, "")
        );
        let places: Vec<_> = unreadable.iter().map(|row| row.place).collect();
        assert_eq!(places, [1; 6]);
        assert!(unreadable[0].reason.contains("-1"), "{unreadable:?}");
        let fingerprints: HashSet<_> = unreadable.iter().map(|row| &row.fingerprint).collect();
        assert_eq!(fingerprints.len(), 6);
    }

    #[test]
    fn an_id_may_be_a_string() {
        let page = Page::of_body(
            br#"[{"id":"3804004623172239366","guid":"g","delivered_at":"2026-11-22T12:00:00Z"},
                {"id":"\u0037","guid":"h","delivered_at":"2026-11-22T12:00:00Z"}]"#,
        );
        let (rows, unreadable) = rows(&page).unwrap();
        let ids: Vec<_> = rows.iter().map(|row| row.id.0).collect();
        assert_eq!(
            (ids, unreadable),
            (vec![3_804_004_623_172_239_366, 7], vec![])
        );
    }

    #[test]
    fn bytes_that_are_not_utf_8_cost_no_row() {
        let page = Page::of_body(
            b"[{\"id\":1,\"guid\":\"g\",\"delivered_at\":\"2026-11-22T12:00:00Z\",\"event\":\"a\xff\"},
                {\"id\":2,\"guid\":\"h\",\"delivered_at\":\"2026-11-22T12:00:00Z\"}]",
        );
        let (rows, unreadable) = rows(&page).unwrap();
        assert_eq!((rows.len(), unreadable.len()), (2, 0));
        assert_eq!(rows[0].event, "a\u{fffd}");
    }

    #[test]
    fn a_page_that_is_not_a_list_is_malformed() {
        for body in ["", "{}", "<html>", "[", "null"] {
            let page = Page::of_body(body.as_bytes());
            let error = rows(&page).unwrap_err();
            assert!(
                matches!(error.failure(), RequestError::Malformed(_)),
                "{body}"
            );
        }
    }
}
