//! What people should know first, in one sentence, and what to do.

use chrono::TimeDelta;

use crate::model::Outcome;
use crate::read::evidence::Since;
use crate::report::Report;
use crate::tell::markdown::code;
use crate::text::one_line;
use crate::text::time;
use crate::text::{a_few, counted, number};

/// Longest text from outside in the log's verdict, in characters.
const TEXT: usize = 100;

/// What people should know first, for the log.
pub fn verdict(report: &Report) -> String {
    sentence(report, |text| one_line(text, TEXT))
}

/// The same for the summary.
pub(super) fn in_markdown(report: &Report) -> String {
    sentence(report, code)
}

/// The verdict, with text from outside as `shown` shows it.
fn sentence(report: &Report, shown: impl Fn(&str) -> String) -> String {
    let cancelled = if report.cancelled { "Cancelled. " } else { "" };
    let unread = unread(report, &shown);
    if report.began.is_none() {
        let done = match (report.cancelled, unread) {
            (true, _) => "Cancelled".to_owned(),
            (false, Some(unread)) => format!("Nothing was done; {unread}"),
            (false, None) => "Nothing was done".to_owned(),
        };
        return format!("{done}.");
    }
    let mut parts = vec![head(report)];
    parts.extend(down(report, &shown));
    parts.extend(unanswered(report));
    parts.extend(outcomes(report));
    if let Some(gap) = report.gap {
        let (from, to) = (time::in_a_sentence(gap.from), time::in_a_sentence(gap.to));
        parts.push(format!(
            "what failed between {from} and {to} can't be recovered"
        ));
    }
    parts.extend(unread);
    let unreadable = report.webhooks.iter().filter_map(|each| each.unreadable);
    let unreadable: usize = unreadable.map(|rows| rows.count).sum();
    if unreadable > 0 {
        let rows = counted(unreadable, "row");
        parts.push(format!("{rows} of delivery logs could not be read"));
    }
    if report.given_up_earlier > 0 {
        let earlier = number(report.given_up_earlier as u64);
        parts.push(format!(
            "{earlier} more {} given up earlier",
            were(report.given_up_earlier)
        ));
    }
    format!("{cancelled}{}.", parts.join("; "))
}

/// What should have been read and was not.
fn unread(report: &Report, shown: impl Fn(&str) -> String) -> Option<String> {
    let names: Vec<String> = report.unread().map(|name| shown(&name)).collect();
    (!names.is_empty()).then(|| format!("not read to the end: {}", a_few(&names)))
}

/// What was found, and recovered.
fn head(report: &Report) -> String {
    let found = report.count(|_| true);
    if found == 0 {
        let scanned = counted(report.scanned(), "attempt");
        let webhooks = counted(report.webhooks.len(), "webhook");
        if report.is_unread() {
            return format!("No failed delivery among the {scanned} of {webhooks} that were read");
        }
        return format!("No delivery failed: {scanned} of {webhooks} read");
    }
    let of = report.webhooks.iter();
    let of = of.filter(|webhook| !webhook.deliveries.is_empty()).count();
    let failed = counted(found, "failed delivery");
    let failed = format!("{failed} of {}", counted(of, "webhook"));
    if report.count(Outcome::is_skipped) == found {
        format!("Nothing to redeliver among {failed}")
    } else if report.dry_run {
        format!(
            "Dry run: {} of {failed} would be redelivered",
            number(report.would_redeliver as u64)
        )
    } else {
        let recovered = report.count(|outcome| outcome == Outcome::Recovered);
        format!("Recovered {} of {failed}", number(recovered as u64))
    }
}

/// Which receivers are down, and since when.
fn down(report: &Report, shown: impl Fn(&str) -> String) -> Option<String> {
    let mut down: Vec<(&str, Option<Since>)> = Vec::new();
    for webhook in report.webhooks.iter().filter(|webhook| webhook.down) {
        let (receiver, since) = (&*webhook.webhook.receiver, webhook.failing_since);
        match down.iter_mut().find(|(known, _)| *known == receiver) {
            Some((_, known)) => *known = (*known).min(since),
            None => down.push((receiver, since)),
        }
    }
    match down[..] {
        [] => None,
        [(receiver, since)] => {
            let receiver = if receiver.is_empty() {
                "the receiver".to_owned()
            } else {
                shown(receiver)
            };
            Some(match since {
                Some(since) => format!("{receiver} has been down {}", since_when(since)),
                None => format!("{receiver} is down"),
            })
        }
        _ => Some(format!("{} are down", counted(down.len(), "receiver"))),
    }
}

fn since_when(since: Since) -> String {
    let earlier = if since.or_earlier { " or earlier" } else { "" };
    format!("since {}{earlier}", time::in_a_sentence(since.at))
}

/// How many requests GitHub gave no clear answer to, where a webhook's last ones got none.
fn unanswered(report: &Report) -> Option<String> {
    let requests: usize = report.webhooks.iter().map(|each| each.unanswered).sum();
    (requests > 0).then(|| {
        let requests = counted(requests, "request");
        format!("GitHub gave no clear answer to {requests} for redeliveries")
    })
}

/// What became of those that were not recovered: what is lost by its kind; what is open too, unless there are
/// several kinds of it. The table of numbers has them all.
fn outcomes(report: &Report) -> Vec<String> {
    let count = |outcome| report.count(|each| each == outcome);
    let told = |outcome: &Outcome| count(*outcome) > 0;
    let open = Outcome::ALL.into_iter().filter(|each| each.is_open());
    let open: Vec<Outcome> = open.filter(told).collect();
    let lost = Outcome::ALL.into_iter().filter(|each| each.is_lost());
    let mut parts = Vec::new();
    match open[..] {
        _ if report.dry_run => {}
        [] => {}
        [only] => parts.push(outcome(report, only, count(only))),
        _ => {
            let count = report.count(Outcome::is_open);
            parts.push(format!("{} are still open", number(count as u64)));
        }
    }
    parts.extend(
        lost.filter(told)
            .map(|each| outcome(report, each, count(each))),
    );
    parts.extend(skipped(report));
    parts
}

fn outcome(report: &Report, outcome: Outcome, count: usize) -> String {
    let attempts = counted(report.policy.max_redeliveries, "time");
    let (has, was, is) = match count {
        1 => ("has", "was", "is"),
        _ => ("have", "were", "are"),
    };
    let what = match outcome {
        Outcome::Recovered => format!("{was} recovered"),
        Outcome::FailedAgain => "failed again".into(),
        Outcome::Unconfirmed => format!("{was} asked for, and what came of it is not seen yet"),
        Outcome::Waiting => match report.next_due() {
            Some(due) => format!("{is} not due before {}", time::in_a_sentence(due)),
            None => format!("{is} not due yet"),
        },
        Outcome::Deferred => format!("{is} left for the next pass"),
        Outcome::FailedRequest => "could not be asked for".into(),
        Outcome::Refused => format!("{was} refused by GitHub in this pass"),
        Outcome::Pending => format!("{has} no outcome yet"),
        Outcome::Exhausted => format!("{has} failed {attempts} and {was} given up"),
        Outcome::Expired => format!("{is} older than GitHub redelivers"),
        Outcome::Rejected => format!("{was} refused by GitHub for good"),
        Outcome::Ignored | Outcome::Stale => format!("{was} left out as the inputs say"),
    };
    format!("{} {what}", number(count as u64))
}

fn skipped(report: &Report) -> Option<String> {
    let skipped = report.count(Outcome::is_skipped);
    let count = number(skipped as u64);
    (skipped > 0).then(|| format!("{count} {} left out as the inputs say", were(skipped)))
}

fn were(count: usize) -> &'static str {
    if count == 1 { "was" } else { "were" }
}

/// What a person is to do, step by step, and how long there is time; nothing where nothing failed.
pub(super) fn to_do(report: &Report) -> Vec<String> {
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
        steps.push("Mend what the errors below name.".to_owned());
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
        let left = time::long(left.to_std().unwrap_or_default());
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

/// What is said of the first pass with a new checkpoint.
pub(super) fn first_pass(report: &Report) -> Option<String> {
    let retention = report.began? - report.window?.retention_start;
    report.first_pass.then(|| {
        format!(
            "First pass: the last 24 hours. Older failures are left; `since: {}d` once recovers them.",
            retention.num_days()
        )
    })
}
