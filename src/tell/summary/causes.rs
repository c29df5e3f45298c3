//! The causes of failed deliveries: GitHub's status, the usual reason for it, and the next step.

use crate::report::{Cause, CauseKind, Report};
use crate::tell::markdown::{code, code_long};
use crate::tell::summary::page::SummaryPage;
use crate::text::number;
use crate::text::time;

/// Most causes in the table.
const ROWS: usize = 12;

/// GitHub's documentation on failed deliveries.
const TROUBLESHOOTING: &str = "https://docs.github.com/en/webhooks/testing-and-troubleshooting-webhooks/troubleshooting-webhooks";

pub(super) fn write(page: &mut SummaryPage<'_>, report: &Report) {
    let causes = report.causes();
    if causes.is_empty() {
        return;
    }
    page.paragraph("#### Causes");
    let head = [
        "Status",
        "Event",
        "#Deliveries",
        "First (UTC)",
        "Last (UTC)",
    ];
    page.table(&head, &causes, ROWS, |cause| {
        vec![
            status(cause),
            code(cause.event),
            number(cause.deliveries as u64),
            time::in_a_table(cause.first),
            time::in_a_table(cause.last),
        ]
    });
    page.line("");
    for kind in kinds(&causes) {
        page.line(&format!("- {}", advice(kind)));
    }
    page.paragraph(&format!(
        "More in [GitHub's page on troubleshooting webhooks]({TROUBLESHOOTING})."
    ));
    samples(page, &causes);
}

/// GitHub's status text, and the status code if the text lacks it.
fn status(cause: &Cause<'_>) -> String {
    match cause.code {
        Some(code_of) if code_of != 0 && !cause.status.contains(&code_of.to_string()) => {
            format!("{} ({code_of})", code(cause.status))
        }
        _ => code(cause.status),
    }
}

/// The kinds of causes, that of most deliveries first.
fn kinds(causes: &[Cause<'_>]) -> Vec<CauseKind> {
    let mut kinds: Vec<(CauseKind, usize)> = Vec::new();
    for cause in causes {
        match kinds.iter_mut().find(|(kind, _)| *kind == cause.kind) {
            Some((_, deliveries)) => *deliveries += cause.deliveries,
            None => kinds.push((cause.kind, cause.deliveries)),
        }
    }
    kinds.sort_by_key(|(_, deliveries)| std::cmp::Reverse(*deliveries));
    kinds.into_iter().map(|(kind, _)| kind).collect()
}

fn advice(kind: CauseKind) -> &'static str {
    match kind {
        CauseKind::Timeout => {
            "**No answer in time.** GitHub waits 10 seconds (an Enterprise Server 30): answer at once, and do the \
             work later. The receiver may have acted on it already; `X-GitHub-Delivery` stays the same, compare it."
        }
        CauseKind::Connection => {
            "**No connection.** GitHub could not reach the host: look at its name in DNS, its firewall, and whether \
             it runs."
        }
        CauseKind::Tls => {
            "**No secure connection.** The certificate has ended, is for another name, or lacks a part of its \
             chain: renew it, and serve the whole chain."
        }
        CauseKind::Receiver => {
            "**The receiver failed (5xx).** Its own log of these times says why; where a proxy answered, what is \
             behind it is down."
        }
        CauseKind::Refused => {
            "**The receiver refused (401, 403).** The webhook's secret is not the one that the receiver knows, or a \
             firewall or a login stands before it."
        }
        CauseKind::Path => {
            "**Nothing at this address (404, 410).** The path of the payload URL is not one that the receiver \
             serves: correct it on the webhook's settings page."
        }
        CauseKind::TooMany => {
            "**Too much at once (429).** Let the receiver put events into a queue, or lower `max-per-minute`."
        }
        CauseKind::Redirect => {
            "**Redirected (3xx).** GitHub follows no redirect: write the final address on the webhook's settings \
             page."
        }
        CauseKind::Misunderstood => {
            "**Not understood (4xx).** The receiver wants another content type, or does not know the event."
        }
        CauseKind::Pending => {
            "**No outcome yet.** GitHub has not said what came of it; the next pass looks again."
        }
        CauseKind::Other => {
            "**Something else.** The webhook's settings page shows the whole answer."
        }
    }
}

/// The receivers' answers, with `show-responses`.
fn samples(page: &mut SummaryPage<'_>, causes: &[Cause<'_>]) {
    let known: Vec<_> = causes
        .iter()
        .filter(|cause| cause.sample.is_some())
        .collect();
    if known.is_empty() {
        return;
    }
    page.paragraph("**What receivers answered** to the newest delivery of each cause:");
    page.line("");
    page.rows(&known, ROWS, |cause| {
        let of = format!("- {} of {}", code(cause.status), code(cause.event));
        let Some(sample) = cause.sample else {
            return of;
        };
        match &sample.answer {
            Ok(answer) => {
                let took = answer.duration.map_or(String::new(), |took| {
                    format!(" after {:.2} s", took.as_secs_f64())
                });
                let more = if answer.cut { " …" } else { "" };
                let body = match answer.body.trim() {
                    "" => "no body".to_owned(),
                    body => format!("{}{more}", code_long(body)),
                };
                format!("{of}: {}{took}: {body}", code(&answer.status))
            }
            Err(why) => format!("{of}: not told ({})", code_long(why)),
        }
    });
}
