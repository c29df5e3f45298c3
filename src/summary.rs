//! The report as Markdown, for the job summary, and in a sentence, for everywhere.
//!
//! Pure. What GitHub or a receiver said is only ever shown in code spans, where nothing is markup.

use crate::markdown::{code, code_long};
use crate::report::{Delivery, Outcome, Report, WebhookReport, counted, rfc3339};

/// Longest summary, in bytes. GitHub drops one that is over 1 MiB, and people read none so long.
const BUDGET: usize = 256 * 1024;

/// Most rows of one table.
const ROWS: usize = 200;

/// What people should know first.
pub fn verdict(report: &Report) -> String {
    let found = report.count(|_| true);
    let webhooks = counted(report.webhooks.len(), "webhook");
    let lost = report.count(Outcome::is_lost);
    let left = report.count(|outcome| outcome.is_open() && !outcome.is_redelivered());
    if report.began.is_none() {
        return if report.cancelled {
            "Cancelled."
        } else {
            "Nothing was done."
        }
        .into();
    }
    let failed = counted(found, "failed delivery");
    let skipped = report.count(Outcome::is_skipped);
    let found_out = if found == 0 {
        let scanned = counted(report.scanned(), "attempt");
        format!("No delivery failed: {scanned} of {webhooks} read.")
    } else if report.dry_run {
        let due = report.due;
        format!("Dry run: {due} of {failed} of {webhooks} would be redelivered.")
    } else {
        let recovered = report.count(|outcome| outcome == Outcome::Recovered);
        format!("Recovered {recovered} of {failed} of {webhooks}.")
    };
    let cancelled = if report.cancelled { "Cancelled. " } else { "" };
    let mut verdict = format!("{cancelled}{found_out}");
    let unrecovered = report.count(|outcome| outcome == Outcome::Unrecovered);
    if unrecovered > 0 {
        verdict.push_str(&format!(" Failed again: {unrecovered}."));
    }
    let unseen = report.count(|outcome| outcome == Outcome::Requested);
    if unseen > 0 {
        verdict.push_str(&format!(" Asked for, outcome not seen: {unseen}."));
    }
    let down = report.webhooks.iter().filter(|each| each.down).count();
    if down > 0 {
        let receivers = counted(down, "webhook");
        verdict.push_str(&format!(" The receiver of {receivers} is down."));
    }
    if left > 0 && !report.dry_run {
        verdict.push_str(&format!(" Left for the next pass: {left}."));
    }
    if skipped > 0 {
        verdict.push_str(&format!(" Left out as the inputs say: {skipped}."));
    }
    if let Some(due) = report.next_due() {
        verdict.push_str(&format!(" The next is due {}.", rfc3339(due)));
    }
    if lost > 0 {
        verdict.push_str(&format!(" Lost for good: {lost}."));
    }
    if report.given_up_earlier > 0 {
        verdict.push_str(&format!(" Given up earlier: {}.", report.given_up_earlier));
    }
    let unread = |each: &&WebhookReport| !each.complete && !each.down;
    let incomplete = report.webhooks.iter().filter(unread).count();
    if incomplete > 0 {
        let logs = counted(incomplete, "log");
        verdict.push_str(&format!(" {logs} could not be read to the end."));
    }
    verdict
}

/// The job summary.
pub fn markdown(report: &Report) -> String {
    let mut page = Page::default();
    page.line(&format!(
        "### Webhook deliveries: {}",
        report.result().name()
    ));
    page.line("");
    page.line(&verdict(report));
    list(&mut page, "Errors", &report.errors);
    list(&mut page, "Warnings", &report.warnings);
    webhooks(&mut page, report);
    causes(&mut page, report);
    deliveries(&mut page, report);
    page.line("");
    page.line(&footer(report));
    page.text
}

/// Markdown that stays within the budget. What must be there is put in by `line`, what may be left
/// out by `row`.
#[derive(Default)]
struct Page {
    text: String,
}

impl Page {
    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    /// Adds as many rows as fit, and says how many more there are.
    fn rows<T>(&mut self, items: &[T], row: impl Fn(&T) -> String) {
        let mut left = items.len();
        for item in items.iter().take(ROWS) {
            let row = row(item);
            if self.text.len() + row.len() > BUDGET {
                break;
            }
            self.line(&row);
            left -= 1;
        }
        if left > 0 {
            self.line("");
            self.line(&format!("…and {left} more."));
        }
    }

    fn table<T>(&mut self, head: &[&str], items: &[T], row: impl Fn(&T) -> String) {
        self.line("");
        self.line(&format!("| {} |", head.join(" | ")));
        self.line(&"| --- ".repeat(head.len()));
        self.rows(items, row);
    }
}

fn list(page: &mut Page, title: &str, items: &[String]) {
    if items.is_empty() {
        return;
    }
    page.line("");
    page.line(&format!("**{title}**"));
    page.line("");
    page.rows(items, |item| format!("- {}", code_long(item)));
}

fn webhooks(page: &mut Page, report: &Report) {
    let mut troubled: Vec<&WebhookReport> = report
        .webhooks
        .iter()
        .filter(|webhook| !webhook.deliveries.is_empty() || !webhook.complete)
        .collect();
    if troubled.is_empty() {
        return;
    }
    troubled.sort_by_key(|webhook| std::cmp::Reverse(webhook.deliveries.len()));
    let head = [
        "Webhook",
        "Receiver",
        "Attempts read",
        "Failed",
        "Recovered",
        "Lost",
    ];
    page.table(&head, &troubled, |webhook| {
        let count = |which: fn(Outcome) -> bool| {
            let deliveries = webhook.deliveries.iter();
            deliveries.filter(|each| which(each.outcome)).count()
        };
        format!(
            "| [{}]({}) | {} | {}{} | {} | {} | {} |",
            webhook.webhook,
            webhook.webhook.settings_url(&report.web),
            code(&webhook.webhook.receiver),
            webhook.scanned,
            if webhook.complete { "" } else { ", incomplete" },
            webhook.deliveries.len(),
            count(|outcome| outcome == Outcome::Recovered),
            count(Outcome::is_lost),
        )
    });
}

fn causes(page: &mut Page, report: &Report) {
    let causes = report.causes();
    if causes.is_empty() {
        return;
    }
    let head = ["Cause", "Event", "Deliveries", "First", "Last"];
    page.table(&head, &causes, |cause| {
        format!(
            "| {} | {} | {} | {} | {} |",
            code(cause.status),
            code(cause.event),
            cause.deliveries,
            rfc3339(cause.first),
            rfc3339(cause.last),
        )
    });
}

fn deliveries(page: &mut Page, report: &Report) {
    let all: Vec<(&WebhookReport, &Delivery)> = report
        .webhooks
        .iter()
        .flat_map(|webhook| webhook.deliveries.iter().map(move |each| (webhook, each)))
        .collect();
    if all.is_empty() {
        return;
    }
    page.line("");
    page.line("<details><summary>Failed deliveries</summary>");
    let head = [
        "Webhook",
        "Delivery",
        "Event",
        "First attempt",
        "Attempts",
        "Status",
        "Outcome",
    ];
    page.table(&head, &all, |(webhook, delivery)| {
        let failure = &delivery.failure;
        let newest = &failure.newest;
        let event = match &newest.action {
            Some(action) => format!("{}.{action}", newest.event),
            None => newest.event.to_string(),
        };
        let reason = delivery.reason.as_deref();
        let reason = reason.map_or(String::new(), |reason| format!(": {}", code(reason)));
        format!(
            "| {} | {} | {} | {} | {} | {} | {}{reason} |",
            webhook.webhook,
            code(&failure.guid.to_string()),
            code(&event),
            failure.first.time().map_or("unknown".into(), rfc3339),
            1 + failure.made_before + failure.redeliveries().count(),
            code(&newest.status),
            delivery.outcome.name(),
        )
    });
    page.line("");
    page.line("</details>");
}

fn footer(report: &Report) -> String {
    let mut parts = Vec::new();
    if !report.scope.is_empty() {
        parts.push(report.scope.clone());
    }
    if let Some(window) = report.window {
        parts.push(format!("read back to {}", rfc3339(window.start)));
    }
    parts.push(match report.checkpoint {
        Some(checkpoint) => format!("checkpoint moved to {}", rfc3339(checkpoint)),
        None => "checkpoint not moved".into(),
    });
    parts.push(counted(report.requests, "request"));
    parts.push(concat!("redeliver-webhooks ", env!("CARGO_PKG_VERSION")).into());
    format!("<sub>{}</sub>", parts.join(" · "))
}

#[cfg(test)]
mod tests;
