//! Times and durations for people.

use std::time::Duration;

use chrono::{DateTime, Datelike, SecondsFormat, Timelike, Utc};

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// A time in outputs and log lines: to the second, in UTC.
pub fn rfc3339(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// A time in a sentence: `2026-11-22 02:10 UTC`.
pub fn in_a_sentence(time: DateTime<Utc>) -> String {
    format!("{} {} UTC", time.date_naive(), clock(time))
}

/// A time in a table whose head says UTC: `Nov 22, 02:10`, with spaces that never break.
pub fn in_a_table(time: DateTime<Utc>) -> String {
    let month = MONTHS[time.month0() as usize];
    format!("{month}\u{a0}{},\u{a0}{}", time.day(), clock(time))
}

/// A time below a chart's bar, in the least room: `22. 02:10`.
pub fn below_a_bar(time: DateTime<Utc>) -> String {
    format!("{}. {}", time.day(), clock(time))
}

fn clock(time: DateTime<Utc>) -> String {
    format!("{:02}:{:02}", time.hour(), time.minute())
}

/// A duration in at most two units: `4 s`, `1 min 12 s`, `2 h 5 min`, `2 days 21 h`.
pub fn duration(time: Duration) -> String {
    let seconds = time.as_secs_f64().round() as u64;
    let (hours, minutes) = (seconds / 3_600, seconds / 60 % 60);
    match (hours, minutes, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours @ ..48, minutes, _) => format!("{hours} h {minutes} min"),
        (hours, _, _) => format!("{} days {} h", hours / 24, hours % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_as_short_as_its_place_requires() {
        for (time, sentence, table, bar) in [
            (
                "2026-11-22T02:10:59Z",
                "2026-11-22 02:10 UTC",
                "Nov\u{a0}22,\u{a0}02:10",
                "22. 02:10",
            ),
            (
                "0987-01-05T23:07:00Z",
                "0987-01-05 23:07 UTC",
                "Jan\u{a0}5,\u{a0}23:07",
                "5. 23:07",
            ),
        ] {
            let time = time.parse().unwrap();
            assert_eq!(in_a_sentence(time), sentence);
            assert_eq!(in_a_table(time), table);
            assert_eq!(below_a_bar(time), bar);
        }
    }

    #[test]
    fn durations_have_two_parts_at_most() {
        for (seconds, expected) in [
            (0, "0 s"),
            (59, "59 s"),
            (72, "1 min 12 s"),
            (7_500, "2 h 5 min"),
            (251_000, "2 days 21 h"),
        ] {
            assert_eq!(duration(Duration::from_secs(seconds)), expected);
        }
    }
}
