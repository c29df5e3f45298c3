//! The state of each webhook, worst first.

use std::cmp::Reverse;

use crate::model::Outcome;
use crate::report::{Report, WebhookReport, WebhookState};
use crate::tell::markdown::{code, link};
use crate::tell::summary::page::SummaryPage;
use crate::text::time;
use crate::text::{counted, number};

/// Most webhooks in the table.
const ROWS: usize = 15;

/// Healthy webhooks get rows of their own if there are at most this many, and if any webhook is not healthy.
const FEW: usize = 5;

pub(super) fn write(page: &mut SummaryPage<'_>, report: &Report) {
    let (mut rows, healthy): (Vec<&WebhookReport>, Vec<_>) = report
        .webhooks
        .iter()
        .partition(|webhook| webhook.state() != WebhookState::Healthy);
    if rows.is_empty() {
        return;
    }
    rows.sort_by_cached_key(|webhook| {
        let down_since = webhook
            .failing_since
            .filter(|_| webhook.state() == WebhookState::Down);
        Reverse((webhook.state(), down_since, webhook.deliveries.len()))
    });
    let few = healthy.len() <= FEW;
    if few {
        rows.extend(&healthy);
    }
    page.paragraph("#### Webhooks");
    let head = [
        "Webhook",
        "State",
        "#Failed",
        "#Recovered",
        "#Open",
        "#Lost",
    ];
    page.table(&head, &rows, ROWS, |webhook| {
        let count = |which: fn(Outcome) -> bool| number(webhook.count(which) as u64);
        vec![
            name(webhook, report),
            state(webhook),
            count(|_| true),
            count(|outcome| outcome == Outcome::Recovered),
            count(Outcome::is_open),
            count(Outcome::is_lost),
        ]
    });
    if !few {
        let healthy = counted(healthy.len(), "more webhook");
        page.paragraph(&format!("✅ {healthy}: healthy."));
    }
}

/// The webhook's name as a link to its settings page, and its receiver.
fn name(webhook: &WebhookReport, report: &Report) -> String {
    let page = webhook.webhook.settings_url(&report.web);
    let name = link(&webhook.webhook.to_string(), &page);
    let receiver = code(&webhook.webhook.receiver);
    format!("{name}<br>{receiver}")
}

fn state(webhook: &WebhookReport) -> String {
    let down = || {
        let since = webhook.failing_since.map(|since| {
            let earlier = if since.or_earlier { " or earlier" } else { "" };
            format!(" since<br>{}\u{a0}UTC{earlier}", time::in_a_table(since.at))
        });
        format!("🔴\u{a0}down{}", since.unwrap_or_default())
    };
    let lost = || {
        format!(
            "{}\u{a0}lost",
            number(webhook.count(Outcome::is_lost) as u64)
        )
    };
    let unread = || match webhook.unread_from {
        Some(_) => "<br>log not read to the end",
        None => "",
    };
    match webhook.state() {
        WebhookState::Healthy => "✅\u{a0}healthy".into(),
        WebhookState::Recovered => "✅\u{a0}recovered".into(),
        WebhookState::Open => "🟡\u{a0}open".into(),
        WebhookState::Unread if webhook.unread_from.is_none() => "🟡 rows can't be read".into(),
        WebhookState::Unread => "🟡 log not read to the end".into(),
        WebhookState::Down => format!("{}{}", down(), unread()),
        WebhookState::Lost if webhook.down => {
            format!("❌\u{a0}{}<br>{}{}", lost(), down(), unread())
        }
        WebhookState::Lost => format!("❌\u{a0}{}{}", lost(), unread()),
    }
}
