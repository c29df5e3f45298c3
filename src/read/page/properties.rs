//! Properties that hold for every page, however odd its rows are.

use proptest::prelude::*;

use super::*;
use crate::decide::plan::plan;
use crate::github::RequestError;
use crate::hostile;
use crate::model::{AttemptId, Policy, Window};
use crate::read::fold::{Fold, Remembered, ScanEnd};
use chrono::{DateTime, TimeDelta, Utc};

/// A value as JSON, and the value that must be read from it.
type Value<T> = (String, Option<T>);

/// A row as JSON, and the row that must be read from it.
type Case = (String, Option<Row<'static>>);

fn json(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

/// JSON that no field accepts.
fn odd() -> impl Strategy<Value = String> {
    prop_oneof![
        proptest::sample::select(
            &[
                "null",
                "true",
                "-1",
                "1.5",
                "1e400",
                "-0",
                "99999999999999999999",
                "[]",
                "{}",
                "[[],{\"id\":7}]",
                r#""\ud800""#,
                r#""\udc00\ud800""#,
                r#"{"\ud800":1}"#,
                r#"[1,"\u0000"]"#,
                "\"\"",
            ][..]
        )
        .prop_map(str::to_owned),
        (1..3_000_usize).prop_map(|depth| "[".repeat(depth) + &"]".repeat(depth)),
        (1..3_000_usize).prop_map(|depth| "{\"a\":".repeat(depth) + "0" + &"}".repeat(depth)),
    ]
}

fn id() -> impl Strategy<Value = Value<u64>> {
    prop_oneof![
        12 => prop_oneof![any::<u64>(), 3_804_004_623_172_239_366..=3_804_004_623_172_239_399_u64, Just(u64::MAX)]
            .prop_map(|id| (id.to_string(), Some(id))),
        2 => any::<u64>().prop_map(|id| (format!("\"{id}\""), Some(id))),
        1 => proptest::sample::select(&["18446744073709551616", "1.0", "\"+1\"", "\"0x1\"", "\" 1\""][..])
            .prop_map(|id| (id.into(), None)),
        1 => odd().prop_filter("a number", |odd| odd != "-0").prop_map(|odd| (odd, None)),
    ]
}

/// A string, escaped in one of several ways.
fn text() -> impl Strategy<Value = Value<String>> {
    let escaped = |text: &str| -> String {
        let units = text.encode_utf16().map(|unit| format!("\\u{unit:04x}"));
        format!("\"{}\"", units.collect::<String>())
    };
    prop_oneof![
        8 => hostile::text().prop_map(|text| (json(&text), Some(text))),
        2 => hostile::text().prop_map(move |text| (escaped(&text), Some(text))),
        1 => odd().prop_filter("a text", |odd| odd != "\"\"").prop_map(|odd| (odd, None)),
    ]
}

fn guid() -> impl Strategy<Value = Value<String>> {
    let uuid = prop_oneof![Just(1), Just(2), any::<u64>()]
        .prop_map(|n| format!("{:08x}-0000-11f0-8abc-{:012x}", n as u32, n >> 16));
    let text = text().prop_map(|(json, guid)| (json, guid.filter(|guid| !guid.is_empty())));
    prop_oneof![4 => uuid.prop_map(|guid| (json(&guid), Some(guid))), 1 => text]
}

/// Any time that RFC 3339 can express.
fn time() -> impl Strategy<Value = Value<DateTime<Utc>>> {
    let seconds = prop_oneof![3 => 1_789_000_000..1_791_000_000_i64, 1 => -62_167_219_200..253_402_300_800_i64];
    let offset = proptest::sample::select(&["Z", "+00:00", "+14:00", "-11:30"][..]);
    let valid = (seconds, 0..1_000_u32, offset).prop_filter_map(
        "beyond a year of four digits",
        |(second, milli, zone)| {
            let time = DateTime::from_timestamp(second, milli * 1_000_000)?;
            let text = format!("{}{zone}", time.format("%Y-%m-%dT%H:%M:%S%.3f"));
            let read = DateTime::parse_from_rfc3339(&text).ok()?.to_utc();
            Some((json(&text), Some(read)))
        },
    );
    let invalid = proptest::sample::select(
        &[
            "\"yesterday\"",
            "\"2026-11-22\"",
            "\"2026-13-22T12:00:00Z\"",
        ][..],
    );
    prop_oneof![
        16 => valid,
        1 => invalid.prop_map(|text| (text.to_owned(), None)),
        1 => odd().prop_map(|odd| (odd, None)),
    ]
}

fn code() -> impl Strategy<Value = Value<i64>> {
    prop_oneof![
        6 => proptest::sample::select(&[200_i64, 204, 302, 404, 500, 503, 0, 999, -5, i64::MAX][..])
            .prop_map(|code| (code.to_string(), Some(code))),
        1 => proptest::sample::select(&["200.0", "\"500\"", "null", "2e2"][..]).prop_map(|code| (code.to_owned(), None)),
    ]
}

fn flag() -> impl Strategy<Value = Value<bool>> {
    prop_oneof![
        8 => any::<bool>().prop_map(|flag| (flag.to_string(), Some(flag))),
        1 => odd().prop_filter("a flag", |odd| odd != "true").prop_map(|odd| (odd, None)),
    ]
}

/// The field of this name, or nothing.
fn field<T: Clone + std::fmt::Debug>(
    name: &'static str,
    there: f64,
    value: impl Strategy<Value = Value<T>>,
) -> impl Strategy<Value = (Option<String>, Option<T>)> {
    proptest::option::weighted(there, value).prop_map(move |field| match field {
        Some((json, value)) => (Some(format!("\"{name}\":{json}")), value),
        None => (None, None),
    })
}

fn case() -> impl Strategy<Value = Case> {
    let needed = (
        field("id", 0.97, id()),
        field("guid", 0.97, guid()),
        field("delivered_at", 0.97, time()),
    );
    let others = (
        field("redelivery", 0.9, flag()),
        field("status", 0.9, text()),
        field("status_code", 0.9, code()),
        field("event", 0.9, text()),
        field("action", 0.5, text()),
        field(
            "throttled_at",
            0.3,
            prop_oneof![
                Just(("null".to_owned(), None)),
                odd().prop_map(|odd| {
                    let throttled = (odd != "null").then_some(());
                    (odd, throttled)
                })
            ],
        ),
        field("url", 0.3, odd().prop_map(|odd| (odd, None::<()>))),
    );
    let object = (needed, others, any::<u64>()).prop_map(|((id, guid, time), others, order)| {
        let (redelivery, status, code, event, action, throttled, unknown) = others;
        let expected = || {
            Some(Row {
                id: AttemptId(id.1?),
                guid: Guid::new(&guid.1?),
                delivered_at: time.1?,
                redelivery: redelivery.1,
                status: status.1.unwrap_or_default().into(),
                code: code.1,
                throttled: throttled.1.is_some(),
                event: event.1.unwrap_or_default().into(),
                action: action.1.map(Cow::from),
            })
        };
        let fields = [
            id.0,
            guid.0,
            time.0,
            redelivery.0,
            status.0,
            code.0,
            event.0,
            action.0,
            throttled.0,
            unknown.0,
        ];
        let mut fields: Vec<String> = fields.into_iter().flatten().collect();
        let middle = order as usize % (fields.len() + 1);
        fields.rotate_left(middle);
        (format!("{{{}}}", fields.join(",")), expected())
    });
    prop_oneof![
        12 => object,
        1 => odd().prop_map(|odd| (odd, None)),
    ]
}

fn cases() -> impl Strategy<Value = Vec<Case>> {
    // Most pages have nothing odd in them and are parsed whole.
    let sound = proptest::collection::vec(case().prop_filter("odd", |case| case.1.is_some()), 0..6);
    prop_oneof![sound, proptest::collection::vec(case(), 0..12)]
}

fn body(cases: &[Case]) -> String {
    let rows: Vec<&str> = cases.iter().map(|(row, _)| &**row).collect();
    format!("[{}]", rows.join(", "))
}

/// Folds the rows and plans what to do: neither may panic.
fn digest(rows: Vec<Row<'_>>) {
    let at = |second| DateTime::from_timestamp(second, 0).unwrap();
    let window = Window {
        start: at(1_790_000_000),
        end: None,
        retention_start: at(1_789_500_000),
    };
    let mut history = Fold::new(window, Remembered::default());
    history.fold(rows.clone());
    history.fold(rows);
    let (failures, evidence) = history.into_failures(ScanEnd::Log);
    let policy = Policy {
        max_age: Some(TimeDelta::days(3)),
        max_redeliveries: 1,
        ..Policy::default()
    };
    let now = at(1_790_300_000);
    let plan = plan(
        failures,
        |_| None,
        |_| None,
        &evidence,
        &policy,
        now,
        window.retention_start,
    );
    assert!(plan.due.iter().all(|due| {
        due.first
            .time()
            .is_some_and(|first| first >= window.retention_start)
    }));
}

proptest! {
    #[test]
    fn a_page_parsed_whole_gives_the_same_rows_as_one_parsed_row_by_row(
        page in prop_oneof![
            cases().prop_map(|cases| body(&cases)),
            cases().prop_map(|cases| body(&cases)).prop_flat_map(hostile::mutated),
        ]
    ) {
        if let Ok(rows) = serde_json::from_str(&page) {
            prop_assert_eq!(row_by_row(&page).unwrap(), (rows, Vec::new()));
        }
    }

    #[test]
    fn every_row_with_the_required_fields_is_read_and_every_other_is_reported(cases in cases()) {
        let page = Page::of_body(body(&cases).as_bytes());
        let (rows, unreadable) = rows(&page).unwrap();
        let readable: Vec<Row<'_>> = cases.iter().filter_map(|case| case.1.clone()).collect();
        let places = cases.iter().scan(0, |before, (_, row)| {
            let place = *before;
            *before += usize::from(row.is_some());
            Some(row.is_none().then_some(place))
        });
        let places: Vec<usize> = places.flatten().collect();
        prop_assert_eq!(unreadable.iter().map(|row| row.place).collect::<Vec<_>>(), places);
        prop_assert_eq!(&rows, &readable);
        digest(rows);
    }

    #[test]
    fn a_damaged_page_gives_rows_or_an_error(
        damaged in cases().prop_map(|cases| body(&cases)).prop_flat_map(hostile::mutated),
        bytes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 0..4),
    ) {
        let mut damaged = damaged.into_bytes();
        for (place, byte) in bytes {
            if !damaged.is_empty() {
                let place = place.index(damaged.len());
                damaged[place] = byte;
            }
        }
        match rows(&Page::of_body(&damaged)) {
            Ok((rows, _)) => digest(rows),
            Err(error) => prop_assert!(matches!(error.failure(), RequestError::Malformed(_))),
        }
    }

    #[test]
    fn a_row_with_bytes_that_are_not_utf_8_costs_no_other_row(cases in cases(), before in any::<bool>()) {
        let row = b"{\"id\":1,\"guid\":\"g\",\"delivered_at\":\"2026-11-22T12:00:00Z\",\"event\":\"\xff\xc3\"}";
        let all = body(&cases);
        let inner = &all.as_bytes()[1..all.len() - 1];
        let (comma, none) = (&b","[..], &b""[..]);
        let between = if inner.is_empty() { none } else { comma };
        let parts = if before { [&row[..], between, inner] } else { [inner, between, &row[..]] };
        let whole = [b"[", parts.concat().as_slice(), b"]"].concat();
        let page = Page::of_body(&whole);
        let (rows, _) = rows(&page).unwrap();
        let readable = cases.iter().filter(|case| case.1.is_some()).count();
        prop_assert_eq!(rows.len(), readable + 1);
    }
}
