//! How many are open, lost, skipped.

use crate::model::Outcome;
use crate::report::Report;
use crate::tell::summary::page::Page;
use crate::text::number;

/// One row of numbers, each with what it is made of.
pub(super) fn write(page: &mut Page<'_>, report: &Report) {
    if report.count(|_| true) == 0 {
        return;
    }
    let of = |which: fn(Outcome) -> bool| {
        let mut cell = format!("**{}**", number(report.count(which) as u64));
        for outcome in Outcome::ALL.into_iter().filter(|each| which(*each)) {
            let count = report.count(|each| each == outcome);
            if count > 0
                && let Some(words) = words(outcome)
            {
                cell.push_str(&format!("<br>{} {words}", number(count as u64)));
            }
        }
        cell
    };
    let row = vec![
        of(|outcome| outcome == Outcome::Recovered),
        of(Outcome::is_open),
        of(Outcome::is_lost),
        of(Outcome::is_skipped),
    ];
    let head = ["Recovered", "Open", "Lost", "Skipped"];
    page.table(&head, &[row], 1, Clone::clone);
}

/// What an outcome is called beneath the number that it is part of.
pub(super) fn words(outcome: Outcome) -> Option<&'static str> {
    Some(match outcome {
        Outcome::Recovered => return None,
        Outcome::FailedAgain => "failed again",
        Outcome::Unconfirmed => "asked for, not seen yet",
        Outcome::Waiting => "waiting",
        Outcome::Deferred => "deferred",
        Outcome::FailedRequest => "not asked for",
        Outcome::Refused => "refused in this pass",
        Outcome::Pending => "without outcome",
        Outcome::Exhausted => "given up",
        Outcome::Expired => "too old",
        Outcome::Rejected => "refused",
        Outcome::Ignored => "filtered out",
        Outcome::Stale => "older than `max-age`",
    })
}
