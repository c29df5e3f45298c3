//! Properties of every value that may be stored.

use proptest::prelude::*;

use super::*;
use crate::hostile;

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_348_800, 0).unwrap()
}

/// Times that are valid or nearly so, in any form that people may write.
fn values() -> impl Strategy<Value = String> {
    let millis = prop_oneof![
        4 => GITHUB_OPENED..1_795_349_700_000_i64,
        1 => 1_795_349_699_990..1_795_349_700_010_i64,
        1 => GITHUB_OPENED - 5..GITHUB_OPENED + 5,
        1 => any::<i64>(),
    ];
    let time = (-62_167_219_200..253_402_300_799_i64, 0..1_000_000_000_u32)
        .prop_map(|(second, nano)| DateTime::from_timestamp(second, nano).unwrap());
    let rfc_3339 = (time, -86_399..86_400_i32).prop_map(|(time, offset)| {
        let offset = chrono::FixedOffset::east_opt(offset / 60 * 60).unwrap();
        time.with_timezone(&offset).to_rfc3339()
    });
    prop_oneof![
        4 => millis.prop_map(|millis| millis.to_string()),
        3 => rfc_3339,
        1 => Just("2016-12-31T23:59:60.999Z".to_owned()),
        1 => "[-+]?[0-9]{1,25}",
        1 => "[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]{1,12})?(Z|z|[-+][0-9]{2}:?[0-9]{2})?",
        1 => hostile::text(),
    ]
}

proptest! {
    #[test]
    fn a_value_is_a_time_that_can_be_stored_or_an_error(
        value in prop_oneof![values(), values().prop_flat_map(hostile::mutated)],
    ) {
        match parse(&value, now()) {
            Ok(time) => {
                prop_assert!(time <= now() + CLOCKS_DIFFER);
                let stored = millis(time);
                let read = parse(&stored, now());
                prop_assert_eq!(read.map(|time| time.timestamp_millis()), Ok(time.timestamp_millis()), "{}", stored);
            }
            Err(wrong) => {
                let error = CheckpointError::Value {
                    place: "checkpoint variable `X` in `acme/ops`".into(),
                    value: one_line(&value, SHOWN),
                    wrong,
                };
                let message = error.to_string();
                prop_assert!(!message.contains(['\n', '\r']), "{:?}", message);
                prop_assert!(message.chars().count() < 400);
                prop_assert!(message.contains(wrong) && message.contains("store milliseconds since the epoch"));
            }
        }
    }

    #[test]
    fn every_time_that_is_stored_is_read(millis in GITHUB_OPENED..1_795_349_700_000_i64, space in "[ \t\r\n]{0,3}") {
        let time = DateTime::from_timestamp_millis(millis).unwrap();
        prop_assert_eq!(parse(&format!("{space}{}{space}", crate::remember::checkpoint::millis(time)), now()), Ok(time));
        prop_assert_eq!(parse(&time.to_rfc3339(), now()), Ok(time));
    }
}
