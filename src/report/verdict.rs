//! The verdict: a pass in one sentence, the first thing that people should know.

use crate::model::Outcome;
use crate::read::evidence::Since;
use crate::report::Report;
use crate::text::one_line;
use crate::text::time;
use crate::text::{a_few, counted, number};

/// Longest text from outside in a plain verdict, in characters.
const TEXT: usize = 100;

impl Report {
    /// The verdict as plain text, for the log and for JSON.
    pub fn verdict(&self) -> String {
        self.verdict_with(|text| one_line(text, TEXT))
    }

    /// The verdict, with each text from outside as `quote` renders it.
    pub fn verdict_with(&self, quote: impl Fn(&str) -> String) -> String {
        let cancelled = if self.cancelled { "Cancelled. " } else { "" };
        let unread = unread(self, &quote);
        if self.began.is_none() {
            let done = match (self.cancelled, unread) {
                (true, _) => "Cancelled".to_owned(),
                (false, Some(unread)) => format!("Nothing was done; {unread}"),
                (false, None) => "Nothing was done".to_owned(),
            };
            return format!("{done}.");
        }
        let mut parts = vec![recovered(self)];
        parts.extend(down(self, &quote));
        parts.extend(unanswered(self));
        parts.extend(not_recovered(self));
        if let Some(gap) = self.gap {
            let (from, to) = (time::in_a_sentence(gap.from), time::in_a_sentence(gap.to));
            parts.push(format!(
                "what failed between {from} and {to} can't be recovered"
            ));
        }
        parts.extend(unread);
        parts.extend(unreadable(self));
        if self.given_up_earlier > 0 {
            let earlier = number(self.given_up_earlier as u64);
            parts.push(format!(
                "{earlier} more {} given up earlier",
                were(self.given_up_earlier)
            ));
        }
        format!("{cancelled}{}.", parts.join("; "))
    }
}

/// Webhooks and accounts that should have been read completely and were not.
fn unread(report: &Report, quote: impl Fn(&str) -> String) -> Option<String> {
    let names: Vec<String> = report.unread().map(|name| quote(&name)).collect();
    (!names.is_empty()).then(|| format!("not read to the end: {}", a_few(&names)))
}

/// Rows of delivery logs that could not be read.
fn unreadable(report: &Report) -> Option<String> {
    let rows = report.webhooks.iter().filter_map(|each| each.unreadable);
    let count: usize = rows.map(|rows| rows.count).sum();
    (count > 0).then(|| {
        format!(
            "{} of delivery logs could not be read",
            counted(count, "row")
        )
    })
}

/// The number of failed deliveries, and the number of them that were recovered.
fn recovered(report: &Report) -> String {
    let failed_count = report.count(|_| true);
    if failed_count == 0 {
        let scanned = counted(report.scanned(), "attempt");
        let webhooks = counted(report.webhooks.len(), "webhook");
        if report.is_unread() {
            return format!("No failed delivery among the {scanned} of {webhooks} that were read");
        }
        return format!("No delivery failed: {scanned} of {webhooks} read");
    }
    let affected = report.webhooks.iter();
    let affected = affected.filter(|webhook| !webhook.deliveries.is_empty());
    let failed = counted(failed_count, "failed delivery");
    let failed = format!("{failed} of {}", counted(affected.count(), "webhook"));
    if report.count(Outcome::is_skipped) == failed_count {
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

/// The receivers that are down, and since when.
fn down(report: &Report, quote: impl Fn(&str) -> String) -> Option<String> {
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
                quote(receiver)
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

/// The requests without a clear answer from GitHub, if they were the last ones of their webhook.
fn unanswered(report: &Report) -> Option<String> {
    let requests: usize = report.webhooks.iter().map(|each| each.unanswered).sum();
    (requests > 0).then(|| {
        let requests = counted(requests, "request");
        format!("GitHub gave no clear answer to {requests} for redeliveries")
    })
}

/// Deliveries that were not recovered: lost ones by outcome; open ones too, unless they have several outcomes. The
/// summary's table has all the numbers.
fn not_recovered(report: &Report) -> Vec<String> {
    let count = |outcome| report.count(|each| each == outcome);
    let any = |outcome: &Outcome| count(*outcome) > 0;
    let open = Outcome::ALL.into_iter().filter(|each| each.is_open());
    let open: Vec<Outcome> = open.filter(any).collect();
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
        lost.filter(any)
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
