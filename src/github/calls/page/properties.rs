//! What holds for every page, whatever is odd about it.

use proptest::prelude::*;

use super::*;
use crate::decide::plan::plan;
use crate::hostile;
use crate::model::Policy;
use crate::model::Window;
use crate::read::fold::{End, History, Remembered};
use chrono::TimeDelta;

/// A value as JSON, and what is to be read of it.
type Told<T> = (String, Option<T>);

/// A row as JSON, and the attempt that is to be read of it.
type Row = (String, Option<Attempt<'static>>);

fn json(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

/// JSON of another sort than is wanted anywhere.
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

fn id() -> impl Strategy<Value = Told<u64>> {
    prop_oneof![
        12 => prop_oneof![any::<u64>(), 3_804_004_623_172_239_366..=3_804_004_623_172_239_399_u64, Just(u64::MAX)]
            .prop_map(|id| (id.to_string(), Some(id))),
        2 => any::<u64>().prop_map(|id| (format!("\"{id}\""), Some(id))),
        1 => proptest::sample::select(&["18446744073709551616", "1.0", "\"+1\"", "\"0x1\"", "\" 1\""][..])
            .prop_map(|id| (id.into(), None)),
        1 => odd().prop_filter("a number", |odd| odd != "-0").prop_map(|odd| (odd, None)),
    ]
}

/// A text, escaped in one of several ways.
fn text() -> impl Strategy<Value = Told<String>> {
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

fn guid() -> impl Strategy<Value = Told<String>> {
    let uuid = prop_oneof![Just(1), Just(2), any::<u64>()]
        .prop_map(|n| format!("{:08x}-0000-11f0-8abc-{:012x}", n as u32, n >> 16));
    let text = text().prop_map(|(json, guid)| (json, guid.filter(|guid| !guid.is_empty())));
    prop_oneof![4 => uuid.prop_map(|guid| (json(&guid), Some(guid))), 1 => text]
}

/// Any time that RFC 3339 can say.
fn time() -> impl Strategy<Value = Told<DateTime<Utc>>> {
    let seconds = prop_oneof![3 => 1_789_000_000..1_791_000_000_i64, 1 => -62_167_219_200..253_402_300_800_i64];
    let offset = proptest::sample::select(&["Z", "+00:00", "+14:00", "-11:30"][..]);
    let told = (seconds, 0..1_000_u32, offset).prop_filter_map(
        "beyond a year of four digits",
        |(second, milli, zone)| {
            let time = DateTime::from_timestamp(second, milli * 1_000_000)?;
            let text = format!("{}{zone}", time.format("%Y-%m-%dT%H:%M:%S%.3f"));
            let told = DateTime::parse_from_rfc3339(&text).ok()?.to_utc();
            Some((json(&text), Some(told)))
        },
    );
    let no_time = proptest::sample::select(
        &[
            "\"yesterday\"",
            "\"2026-11-22\"",
            "\"2026-13-22T12:00:00Z\"",
        ][..],
    );
    prop_oneof![
        16 => told,
        1 => no_time.prop_map(|text| (text.to_owned(), None)),
        1 => odd().prop_map(|odd| (odd, None)),
    ]
}

fn code() -> impl Strategy<Value = Told<i64>> {
    prop_oneof![
        6 => proptest::sample::select(&[200_i64, 204, 302, 404, 500, 503, 0, 999, -5, i64::MAX][..])
            .prop_map(|code| (code.to_string(), Some(code))),
        1 => proptest::sample::select(&["200.0", "\"500\"", "null", "2e2"][..]).prop_map(|code| (code.to_owned(), None)),
    ]
}

fn flag() -> impl Strategy<Value = Told<bool>> {
    prop_oneof![
        8 => any::<bool>().prop_map(|flag| (flag.to_string(), Some(flag))),
        1 => odd().prop_filter("a flag", |odd| odd != "true").prop_map(|odd| (odd, None)),
    ]
}

/// The field of this name, if it is there.
fn field<T: Clone + std::fmt::Debug>(
    name: &'static str,
    there: f64,
    told: impl Strategy<Value = Told<T>>,
) -> impl Strategy<Value = (Option<String>, Option<T>)> {
    proptest::option::weighted(there, told).prop_map(move |field| match field {
        Some((value, told)) => (Some(format!("\"{name}\":{value}")), told),
        None => (None, None),
    })
}

fn row() -> impl Strategy<Value = Row> {
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
        let attempt = || {
            Some(Attempt {
                id: AttemptId(id.1?),
                guid: Guid::new(&guid.1?),
                delivered_at: time.1?,
                redelivery: redelivery.1,
                status: status.1.unwrap_or_default().into(),
                code: code.1,
                throttled: throttled.1.is_some(),
                event: Cow::from(event.1.unwrap_or_default()).into(),
                action: action.1.map(|action| Cow::from(action).into()),
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
        (format!("{{{}}}", fields.join(",")), attempt())
    });
    prop_oneof![
        12 => object,
        1 => odd().prop_map(|odd| (odd, None)),
    ]
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    // Most pages have nothing odd about them, and then are read in one go.
    let sound = proptest::collection::vec(row().prop_filter("odd", |row| row.1.is_some()), 0..6);
    prop_oneof![sound, proptest::collection::vec(row(), 0..12)]
}

fn body(rows: &[Row]) -> String {
    let rows: Vec<&str> = rows.iter().map(|(row, _)| &**row).collect();
    format!("[{}]", rows.join(", "))
}

/// All that is done with the rows of a page.
fn digest(attempts: Vec<Attempt<'_>>) {
    let at = |second| DateTime::from_timestamp(second, 0).unwrap();
    let window = Window {
        start: at(1_790_000_000),
        end: None,
        retention_start: at(1_789_500_000),
    };
    let mut history = History::new(window, Remembered::default());
    history.fold(attempts.clone());
    history.fold(attempts);
    let (failures, evidence) = history.into_failures(End::Log);
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

/// Two rows as GitHub spells them.
const PLAIN: &str = r#"[{"id":3804004623172239366,"guid":"0b989ba4-242f-11e5-81e1-c7b6966d2516",
"delivered_at":"2026-11-22T12:00:00.5Z","redelivery":true,"duration":0.27,"status":"OK","status_code":200,
"event":"push","action":null,"installation_id":null,"repository_id":1296269,"throttled_at":null},{"id":1,"guid":"g",
"delivered_at":"2026-11-22T12:00:00Z","status_code":0,"throttled_at":"2026-11-22T12:00:00Z","action":"opened"}]"#;

/// Pages of plain rows that have few fields, in any order, and few values: many are like the row before's, in part.
fn alike() -> impl Strategy<Value = String> {
    let fields = [
        r#""id":1"#,
        r#""guid":"g""#,
        r#""delivered_at":"2026-11-22T12:00:00Z""#,
        r#""redelivery":true"#,
        r#""redelivery":null"#,
        r#""status":"OK""#,
        r#""status":"timed out""#,
        r#""status_code":200"#,
        r#""status_code":0"#,
        r#""event":"push""#,
        r#""event":"ping""#,
        r#""action":"push""#,
        r#""new":true"#,
    ];
    let row = proptest::sample::subsequence(fields[3..].to_vec(), 0..5)
        .prop_map(move |others| [&fields[..3], &others].concat())
        .prop_shuffle()
        .prop_map(|fields| format!("{{{}}}", fields.join(",")));
    proptest::collection::vec(row, 0..8).prop_map(|rows| format!("[{}]", rows.join(",")))
}

proptest! {
    #[test]
    fn whatever_needs_no_serde_serde_reads_alike(
        page in prop_oneof![
            alike(),
            rows().prop_map(|rows| body(&rows)),
            rows().prop_map(|rows| body(&rows)).prop_flat_map(hostile::mutated),
            hostile::mutated(PLAIN.to_owned()),
        ]
    ) {
        if let Some(attempts) = plain::attempts(page.as_bytes()) {
            prop_assert_eq!(by_row(&page).unwrap(), (attempts, Vec::new()));
        }
    }

    #[test]
    fn every_row_that_says_enough_is_read_and_every_other_is_counted(rows in rows()) {
        let page = super::tests::page(body(&rows).as_bytes());
        let (attempts, unreadable) = page.attempts().unwrap();
        let readable: Vec<Attempt<'_>> = rows.iter().filter_map(|row| row.1.clone()).collect();
        let places = rows.iter().scan(0, |before, row| {
            let place = *before;
            *before += usize::from(row.1.is_some());
            Some(row.1.is_none().then_some(place))
        });
        let places: Vec<usize> = places.flatten().collect();
        prop_assert_eq!(unreadable.iter().map(|row| row.place).collect::<Vec<_>>(), places);
        prop_assert_eq!(&attempts, &readable);
        digest(attempts);
    }

    #[test]
    fn a_page_that_is_damaged_is_an_error_or_rows(
        damaged in rows().prop_map(|rows| body(&rows)).prop_flat_map(hostile::mutated),
        bytes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 0..4),
    ) {
        let mut damaged = damaged.into_bytes();
        for (place, byte) in bytes {
            if !damaged.is_empty() {
                let place = place.index(damaged.len());
                damaged[place] = byte;
            }
        }
        match super::tests::page(&damaged).attempts() {
            Ok((attempts, _)) => digest(attempts),
            Err(error) => prop_assert!(matches!(error.failure(), RequestError::Malformed(_))),
        }
    }

    #[test]
    fn what_is_no_utf_8_costs_no_other_row(rows in rows(), before in any::<bool>()) {
        let row = b"{\"id\":1,\"guid\":\"g\",\"delivered_at\":\"2026-11-22T12:00:00Z\",\"event\":\"\xff\xc3\"}";
        let all = body(&rows);
        let inner = &all.as_bytes()[1..all.len() - 1];
        let (comma, none) = (&b","[..], &b""[..]);
        let between = if inner.is_empty() { none } else { comma };
        let parts = if before { [&row[..], between, inner] } else { [inner, between, &row[..]] };
        let whole = [b"[", parts.concat().as_slice(), b"]"].concat();
        let page = super::tests::page(&whole);
        let (attempts, _) = page.attempts().unwrap();
        let readable = rows.iter().filter(|row| row.1.is_some()).count();
        prop_assert_eq!(attempts.len(), readable + 1);
    }
}
