//! The next steps for a person, and the time left for each.

use chrono::TimeDelta;

use crate::model::Outcome;
use crate::report::Report;
use crate::text::time;

/// The steps in order; empty if nothing failed.
pub(super) fn next_steps(report: &Report) -> Vec<String> {
    let Some(began) = report.began else {
        return Vec::new();
    };
    let found = report.count(|outcome| !outcome.is_skipped());
    let unread = report.is_unread();
    let quiet = found == 0 && !unread && report.gap.is_none() && report.errors.is_empty();
    if report.cancelled || quiet {
        return Vec::new();
    }
    let mut steps = Vec::new();
    if !report.errors.is_empty() {
        steps.push("Fix the errors below.".to_owned());
    }
    if unread && report.errors.is_empty() {
        let step = "Run again, or fix what the warnings below name: what was not read may hold failed deliveries.";
        steps.push(step.to_owned());
    }
    let down = report.webhooks.iter().any(|webhook| webhook.down);
    if down {
        let step = "Bring the receiver back up. The next pass then sends what it missed.";
        steps.push(step.to_owned());
    }
    let open = report.deliveries().filter(|each| each.outcome.is_open());
    let retention = report.window.map(|window| began - window.retention_start);
    let first = open.filter_map(|each| each.failure.first.time()).min();
    if let (Some(first), Some(retention)) = (first, retention)
        && (down || report.expiring() > 0)
    {
        let last = time::in_a_sentence(first + retention);
        let left = (first + retention - began).max(TimeDelta::zero());
        let left = time::duration(left.to_std().unwrap_or_default());
        steps.push(format!(
            "GitHub redelivers the oldest open delivery until {last}: **{left}** from this pass."
        ));
    }
    let refused = |outcome| matches!(outcome, Outcome::Exhausted | Outcome::Rejected);
    if report.count(refused) > 0 {
        steps.push(
            "Look at the deliveries that need a person, below. Once the receiver takes such a delivery, redeliver it \
             from the webhook's settings page."
                .to_owned(),
        );
    }
    if report.count(|outcome| outcome == Outcome::Expired) > 0 || report.gap.is_some() {
        steps.push(
            "What is too old must be made up for at the receiver. Run passes more often than GitHub forgets."
                .to_owned(),
        );
    }
    if steps.is_empty() {
        let step = if report.dry_run {
            "Take `dry-run` away, and the next pass redelivers."
        } else if report.count(Outcome::is_open) > 0 {
            "Nothing: the next pass goes on."
        } else {
            "Nothing."
        };
        steps.push(step.to_owned());
    }
    steps
}

/// A note on the first pass with a new checkpoint, which reads less than GitHub redelivers.
pub(super) fn first_pass(report: &Report) -> Option<String> {
    let retention = report.began? - report.window?.retention_start;
    report.first_pass.then(|| {
        format!(
            "First pass: the last 24 hours. Older failures are left; `since: {}d` once recovers them.",
            retention.num_days()
        )
    })
}
