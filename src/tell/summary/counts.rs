//! The numbers of recovered, open, lost and skipped deliveries.

use crate::model::Outcome;
use crate::report::Report;
use crate::tell::summary::page::SummaryPage;
use crate::text::number;

/// Writes one row of numbers, each with the outcomes that it adds up.
pub(super) fn write(page: &mut SummaryPage<'_>, report: &Report) {
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

/// The words for an outcome below the number that includes it.
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
