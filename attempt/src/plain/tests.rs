use super::*;

#[test]
fn what_a_text_begins_with_is_compared_to_the_last_byte() {
    let text: Vec<u8> = (0..40).collect();
    for length in 0..=text.len() {
        let mut with = text[..length].to_vec();
        assert!(begins(&text, &with));
        assert!(!begins(&text[..length], &[&with[..], b"x"].concat()));
        for place in 0..length {
            with[place] ^= 0x80;
            assert!(!begins(&text, &with), "{length} {place}");
            with[place] ^= 0x80;
        }
    }
}

#[test]
fn a_page_as_github_spells_it_is_read() {
    let row = r#"{"id":3804004623172239366,"guid":"0b989ba4-242f-11e5-81e1-c7b6966d2516",
        "delivered_at":"2026-11-22T12:00:00Z","redelivery":false,"duration":0.27,"status":"OK","status_code":200,
        "event":"push","action":null,"installation_id":null,"repository_id":1296269,"throttled_at":null}"#;
    let page = format!("[{row}, {row}]\n");
    let read = attempts(page.as_bytes()).unwrap();
    assert_eq!(read.len(), 2);
    assert_eq!(read[0].id, AttemptId(3_804_004_623_172_239_366));
    assert_eq!(read[1].status, "OK");
    assert_eq!((read[0].code, read[0].redelivery), (Some(200), Some(false)));
    assert_eq!(attempts(b" [ ] "), Some(Vec::new()));
}

#[test]
fn space_may_stand_around_whatever_is_no_text() {
    let page = |s| {
        let row = format!(
            r#"{{{s}"id"{s}:{s}1{s},{s}"guid"{s}:{s}"g"{s},{s}"delivered_at"{s}:{s}"2026-11-22T12:00:00Z"{s}}}"#
        );
        format!("{s}[{s}{row}{s},{s}{row}{s}]{s}")
    };
    let read = |space| attempts(page(space).as_bytes()).map(|rows| format!("{rows:?}"));
    assert!(read("").is_some());
    for space in [" ", "\t", "\r", "\n", " \n\t\r "] {
        assert_eq!(read(space), read(""), "{space:?}");
    }
}

#[test]
fn nothing_of_the_row_before_stays_where_a_row_lacks_it() {
    let whole = r#""id":1,"guid":"g","delivered_at":"2026-11-22T12:00:00Z","redelivery":true,"status":"OK","status_code":200,
        "event":"push","action":"opened","throttled_at":"2026-11-22T12:00:00Z""#;
    let least = r#""id":1,"guid":"g","delivered_at":"2026-11-22T12:00:00Z""#;
    for page in [
        format!("[{{{whole}}},{{{least}}}]"),
        format!("[{{{whole}}},{{{least}}},{{{whole}}}]"),
    ] {
        let read = attempts(page.as_bytes()).unwrap();
        let alone = format!("[{{{least}}}]");
        assert_eq!(read[1..2], attempts(alone.as_bytes()).unwrap());
        assert!(read[2..].iter().all(|third| *third == read[0]));
    }
    for missing in ["id", "guid", "delivered_at"] {
        let less = least.replacen(missing, "other", 1);
        let page = format!("[{{{least}}},{{{less}}}]");
        assert_eq!(attempts(page.as_bytes()), None, "{missing}");
    }
}

#[test]
fn a_value_is_the_row_befores_only_where_that_row_says_the_same() {
    let rows = [
        r#"{"id":1,"guid":"g","delivered_at":"2026-11-22T12:00:00Z","status":"OK","status_code":200,"redelivery":true}"#,
        r#"{"id":2,"guid":"h","delivered_at":"2026-11-22T12:00:01Z","status":"timed out","status_code":0,"redelivery":null}"#,
        r#"{"id":3,"guid":"i","status":"OK","status_code":2000,"delivered_at":"2026-11-22T12:00:02Z","redelivery":true}"#,
    ];
    let alone = rows.map(|row| format!("[{row}]"));
    let alone = [0, 1, 2].map(|n| attempts(alone[n].as_bytes()).unwrap().remove(0));
    for order in [
        [0, 1, 0],
        [1, 0, 1],
        [0, 1, 2],
        [2, 1, 2],
        [0, 2, 0],
        [0, 0, 1],
    ] {
        let page = format!("[{}]", order.map(|n| rows[n]).join(","));
        let read = attempts(page.as_bytes()).unwrap();
        assert_eq!(read, order.map(|n| alone[n].clone()), "{order:?}");
    }
}

#[test]
fn a_shorter_row_leaves_nothing_of_the_row_before_it() {
    let whole = r#"{"id":1,"guid":"g","delivered_at":"2026-11-22T12:00:00Z","redelivery":true,"status":"OK"}"#;
    let less = r#"{"id":2,"guid":"h","delivered_at":"2026-11-22T12:00:01Z","status":"timed out"}"#;
    let page = format!("[{whole},{less},{whole}]");
    let read = attempts(page.as_bytes()).unwrap();
    let status: Vec<_> = read.iter().map(|attempt| &*attempt.status).collect();
    assert_eq!(status, ["OK", "timed out", "OK"]);
}

#[test]
fn what_is_spelled_otherwise_is_left_to_serde() {
    let row = r#""id":1,"guid":"g","delivered_at":"2026-11-22T12:00:00Z""#;
    assert!(attempts(format!("[{{{row}}}]").as_bytes()).is_some());
    for more in [
        r#","id":1"#,
        r#","status":null,"status":null"#,
        r#","status":"a\"b""#,
        r#","new":[]"#,
        r#","new":{}"#,
        r#","new":01"#,
        r#","new":1."#,
        r#","new":-"#,
        r#","new":nul"#,
        r#","status_code":-1"#,
        r#","status_code":2e2"#,
        r#","status_code":9223372036854775808"#,
        r#","status_code":10000000000000000000"#,
        r#","redelivery":"true""#,
        ",",
        "]",
    ] {
        assert_eq!(
            attempts(format!("[{{{row}{more}}}]").as_bytes()),
            None,
            "{more}"
        );
    }
    for id in [
        "18446744073709551616",
        "99999999999999999999",
        "01",
        "1.0",
        "-1",
    ] {
        let row = row.replacen('1', id, 1);
        assert_eq!(attempts(format!("[{{{row}}}]").as_bytes()), None, "{id}");
    }
    for odd in [row.replacen('1', "\"1\"", 1), row.replace("\"g\"", "\"\"")] {
        assert_eq!(attempts(format!("[{{{odd}}}]").as_bytes()), None, "{odd}");
    }
    for page in [
        "",
        "[",
        "{}",
        "[{}]",
        "[],",
        "[]\0",
        "[]\u{b}]]",
        "null",
        "[1]",
        &format!("[{{{row}}},]"),
    ] {
        assert_eq!(attempts(page.as_bytes()), None, "{page}");
    }
}
