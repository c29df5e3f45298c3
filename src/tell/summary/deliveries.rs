//! The deliveries that need a person, then all others, folded.

use std::collections::BTreeMap;

use crate::model::{DeliveryReport, FailedDelivery, Outcome};
use crate::report::{Report, WebhookReport};
use crate::tell::markdown::{code, code_long, link};
use crate::tell::summary::counts;
use crate::tell::summary::page::SummaryPage;
use crate::text::time;
use crate::text::{counted, number};

/// Most rows for deliveries about to expire, and most for lost ones, in the table of deliveries that need a person.
const URGENT: usize = 10;
const LOST: usize = 20;

/// Most deliveries in each folded table.
const ROWS: usize = 30;

/// A failed delivery with its webhook.
type DeliveryOf<'a> = (&'a WebhookReport, &'a DeliveryReport);

pub(super) fn write(page: &mut SummaryPage<'_>, report: &Report) {
    let (skipped, all): (Vec<DeliveryOf<'_>>, Vec<_>) = report
        .deliveries_by_webhook()
        .partition(|(_, delivery)| delivery.outcome.is_skipped());
    let (urgent, mut others): (Vec<DeliveryOf<'_>>, Vec<_>) = all
        .into_iter()
        .partition(|(_, delivery)| needs_a_person(report, delivery));
    let none_urgent = urgent.is_empty();
    if !none_urgent {
        page.paragraph("#### Deliveries that need a person");
        let lost = urgent.iter().filter(|(_, each)| each.outcome.is_lost());
        let lost = lost.count();
        let most = lost.min(LOST) + (urgent.len() - lost).min(URGENT);
        table(page, report, &most_urgent_first(urgent), most);
    }
    if !others.is_empty() {
        let recovered = |delivery: &DeliveryReport| delivery.outcome == Outcome::Recovered;
        others.sort_by_key(|(_, each)| (recovered(each), each.first()));
        let title = if none_urgent {
            counted(others.len(), "failed delivery")
        } else {
            counted(others.len(), "other failed delivery")
        };
        page.folded(&title, |page| table(page, report, &others, ROWS));
    }
    if !skipped.is_empty() {
        let title = format!(
            "{} left out as the inputs say",
            counted(skipped.len(), "delivery")
        );
        page.folded(&title, |page| left_out(page, &skipped));
    }
    earlier(page, report);
}

/// True if the delivery is lost or expires soon.
fn needs_a_person(report: &Report, delivery: &DeliveryReport) -> bool {
    delivery.outcome.is_lost() || report.expires_soon(delivery)
}

/// Deliveries that expire soon come first, but leave room for lost ones.
fn most_urgent_first(mut urgent: Vec<DeliveryOf<'_>>) -> Vec<DeliveryOf<'_>> {
    urgent.sort_by_key(|(_, each)| (each.outcome.is_lost(), each.outcome, each.first()));
    let open = urgent.iter().filter(|(_, each)| each.outcome.is_open());
    let open = open.count();
    if open > URGENT {
        let lost = urgent.len() - open;
        urgent[URGENT..].rotate_right(lost);
    }
    urgent
}

fn table(page: &mut SummaryPage<'_>, report: &Report, rows: &[DeliveryOf<'_>], most: usize) {
    let head = [
        "Delivery",
        "What became of it",
        "Status",
        "First attempt (UTC)",
        "#Attempts",
    ];
    page.table(&head, rows, most, |(webhook, delivery)| {
        vec![
            name(webhook, &delivery.failure, report),
            outcome(report, delivery),
            code(&delivery.failure.newest.status),
            time::in_a_table(delivery.first()),
            number(delivery.attempts() as u64),
        ]
    });
}

/// The event, the GUID, and a link to the page where a person can redeliver it.
fn name(webhook: &WebhookReport, failure: &FailedDelivery, report: &Report) -> String {
    let event = code(&event(failure));
    let guid = code(&failure.guid.to_string());
    let place = link(
        &webhook.webhook.to_string(),
        &webhook.webhook.deliveries_url(&report.web),
    );
    format!("{event}<br>{guid}<br>{place}")
}

fn event(failure: &FailedDelivery) -> String {
    match &failure.newest.action {
        Some(action) => format!("{}.{action}", failure.newest.event),
        None => failure.newest.event.to_string(),
    }
}

fn outcome(report: &Report, delivery: &DeliveryReport) -> String {
    let words = counts::words(delivery.outcome).unwrap_or("recovered");
    let reason = delivery.reason.as_deref();
    let reason = reason.map_or(String::new(), |reason| format!(": {}", code_long(reason)));
    let until = report
        .window
        .zip(report.began)
        .zip(delivery.failure.first.time());
    let until = until.filter(|_| report.expires_soon(delivery));
    let until = until.map_or(String::new(), |((window, began), first)| {
        let end = first + (began - window.retention_start);
        format!(
            "<br>**GitHub redelivers it until {}**",
            time::in_a_sentence(end)
        )
    });
    format!("{words}{reason}{until}")
}

/// The skipped deliveries by event and reason.
fn left_out(page: &mut SummaryPage<'_>, rows: &[DeliveryOf<'_>]) {
    let mut why = BTreeMap::<(&str, &str), usize>::new();
    for (_, delivery) in rows {
        let reason = delivery.reason.as_deref().unwrap_or_default();
        *why.entry((reason, &delivery.failure.newest.event))
            .or_default() += 1;
    }
    let mut why: Vec<_> = why.into_iter().collect();
    why.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let head = ["Event", "Why", "#Deliveries"];
    page.table(&head, &why, ROWS, |((reason, event), count)| {
        vec![code(event), code(reason), number(*count as u64)]
    });
}

/// The deliveries that an earlier pass gave up on.
fn earlier(page: &mut SummaryPage<'_>, report: &Report) {
    let earlier: Vec<(&WebhookReport, &FailedDelivery)> = report
        .webhooks
        .iter()
        .flat_map(|webhook| {
            webhook
                .given_up_earlier
                .iter()
                .map(move |each| (webhook, each))
        })
        .collect();
    if earlier.is_empty() {
        return;
    }
    let title = format!("{} given up earlier", counted(earlier.len(), "delivery"));
    page.folded(&title, |page| {
        let head = ["Delivery", "Last attempt (UTC)", "Status"];
        page.table(&head, &earlier, ROWS, |(webhook, failure)| {
            vec![
                name(webhook, failure, report),
                time::in_a_table(failure.newest.at),
                code(&failure.newest.status),
            ]
        });
    });
}
