//! Times as people read them.

use std::time::Duration;

use chrono::{DateTime, Utc};

/// In a sentence: `2026-11-22 02:10 UTC`.
pub(super) fn in_a_sentence(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%d %H:%M UTC").to_string()
}

/// In a table whose head says that it is UTC: `Nov 22, 02:10`, which no narrow column breaks.
pub(super) fn in_a_table(time: DateTime<Utc>) -> String {
    time.format("%b\u{a0}%-d,\u{a0}%H:%M").to_string()
}

/// `4 s`, `1 min 12 s`, `2 h 5 min`, `2 days 21 h`.
pub(super) fn long(duration: Duration) -> String {
    let seconds = duration.as_secs_f64().round() as u64;
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
    fn durations_have_two_parts_at_most() {
        for (seconds, told) in [
            (0, "0 s"),
            (59, "59 s"),
            (72, "1 min 12 s"),
            (7_500, "2 h 5 min"),
            (251_000, "2 days 21 h"),
        ] {
            assert_eq!(long(Duration::from_secs(seconds)), told);
        }
    }
}
