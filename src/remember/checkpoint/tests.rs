mod kept;

use super::*;

fn now() -> DateTime<Utc> {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

#[test]
fn milliseconds_and_rfc_3339_are_understood() {
    let time: DateTime<Utc> = "2026-11-21T12:00:00Z".parse().unwrap();
    assert_eq!(parse("1795262400000", now()), Ok(time));
    assert_eq!(parse(" 1795262400000\n", now()), Ok(time));
    assert_eq!(parse("2026-11-21T13:00:00+01:00", now()), Ok(time));
    assert_eq!(millis(time), "1795262400000");
}

#[test]
fn a_time_before_github_is_stored_so_that_it_is_read_again() {
    let time = parse("2000-01-01T00:00:00Z", now()).unwrap();
    assert_eq!(parse(&millis(time), now()), Ok(time));
}

#[test]
fn any_other_value_is_an_error_that_says_why() {
    for (value, wrong) in [
        ("", "is not a valid time"),
        ("yesterday", "is not a valid time"),
        ("2026-11-21", "is not a valid time"),
        ("99999999999999999999", "is not a valid time"),
        (
            "1795262400",
            "is too small for milliseconds since the epoch",
        ),
        ("-1", "is too small for milliseconds since the epoch"),
        ("1795362400000", "lies in the future"),
        ("9223372036854775807", "is not a valid time"),
    ] {
        assert_eq!(parse(value, now()), Err(wrong), "{value}");
    }
}

#[test]
fn the_writers_clock_may_be_a_quarter_of_an_hour_ahead() {
    let ahead = now() + TimeDelta::minutes(15);
    assert_eq!(parse(&millis(ahead), now()), Ok(ahead));
    let further = millis(ahead + TimeDelta::milliseconds(1));
    assert_eq!(parse(&further, now()), Err("lies in the future"));
}

#[test]
fn the_next_pass_starts_at_the_earliest_of_what_is_left() {
    let hour = TimeDelta::hours(1);
    let old = now() - hour * 9;
    let next = |open: &[Option<DateTime<Utc>>]| {
        let open = open.iter().copied();
        crate::remember::checkpoint::next(now(), open, old - OVERLAP, old)
    };
    assert_eq!(next(&[]), now());
    let open = [Some(now() - hour), Some(now() - hour * 3)];
    assert_eq!(next(&open), now() - hour * 3);
    assert_eq!(next(&[Some(now() - hour), None]), old);
    assert_eq!(next(&[Some(now() + hour)]), now());
    let overlap = old - TimeDelta::minutes(20);
    assert_eq!(next(&[Some(overlap)]), overlap);
    assert_eq!(next(&[Some(old - hour)]), old, "from before the window");
}
