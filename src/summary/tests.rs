use super::*;
use crate::attempt::{AttemptId, Guid};
use crate::history::{Failure, First, Newest, Seen, Window};
use crate::webhook::{HookId, Owner, Webhook};
use chrono::{DateTime, Utc};

fn at(minute: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000 + minute * 60, 0).unwrap()
}

fn delivery(id: u64, status: &str, outcome: Outcome) -> Delivery {
    Delivery {
        failure: Failure {
            guid: Guid::new(&format!("guid-{id}")),
            newest: Newest {
                id: AttemptId(id),
                at: at(1),
                pending: false,
                status: status.into(),
                code: Some(503),
                event: "push".into(),
                action: None,
            },
            first: First::At(at(0)),
            attempts: vec![Seen {
                id: AttemptId(id),
                at: at(0),
                redelivery: false,
                pending: false,
            }],
            made_before: 0,
            counted_before: 0,
        },
        outcome,
        reason: None,
        due_at: None,
        asked: None,
    }
}

fn report(deliveries: Vec<Delivery>) -> Report {
    Report {
        scope: "1 webhook of acme, all events, all failures, live".into(),
        web: "https://github.com".into(),
        began: Some(at(9)),
        window: Some(Window {
            start: at(0),
            end: None,
            retention_start: at(0),
        }),
        webhooks: vec![WebhookReport {
            webhook: Webhook {
                owner: Owner::Organization("acme".into()),
                id: Some(HookId(1)),
                receiver: "https://ci.acme.com".into(),
            },
            pages: 1,
            scanned: 40,
            deliveries,
            complete: true,
            down: false,
        }],
        requests: 3,
        ..Report::default()
    }
}

#[test]
fn an_uneventful_pass_is_short() {
    assert_eq!(
        markdown(&report(vec![])),
        concat!(
            "### Webhook deliveries: healthy\n\n",
            "No delivery failed: 40 attempts of 1 webhook read.\n\n",
            "<sub>1 webhook of acme, all events, all failures, live · read back to ",
            "2026-09-21T14:13:20Z · checkpoint not moved · 3 requests · redeliver-webhooks 0.1.0</sub>\n"
        )
    );
}

#[test]
fn the_verdict_counts_what_was_asked_for_left_and_lost() {
    let deliveries = vec![
        delivery(1, "timed out", Outcome::Requested),
        delivery(2, "timed out", Outcome::Deferred),
        delivery(3, "timed out", Outcome::Rejected),
        delivery(4, "timed out", Outcome::Expired),
    ];
    let mut report = report(deliveries);
    assert_eq!(
        verdict(&report),
        "Recovered 0 of 4 failed deliveries of 1 webhook. Asked for, outcome not seen: 1. Left for the next \
         pass: 1. Lost for good: 2."
    );
    report.dry_run = true;
    report.due = 1;
    assert!(verdict(&report).starts_with("Dry run: 1 of 4 failed deliveries"));
    report.webhooks[0].complete = false;
    assert!(verdict(&report).ends_with("1 log could not be read to the end."));
}

#[test]
fn what_was_recovered_is_not_left() {
    let deliveries = vec![
        delivery(1, "timed out", Outcome::Recovered),
        delivery(2, "timed out", Outcome::Recovered),
    ];
    assert_eq!(
        verdict(&report(deliveries)),
        "Recovered 2 of 2 failed deliveries of 1 webhook."
    );
}

#[test]
fn a_failed_delivery_is_told_with_its_cause() {
    let markdown = markdown(&report(vec![delivery(1, "timed out", Outcome::Requested)]));
    for line in [
        "| [acme webhook 1](https://github.com/organizations/acme/settings/hooks/1) | `https://ci.acme.com` | 40 | 1 | 0 | 0 |",
        "| `timed out` | `push` | 1 | 2026-09-21T14:13:20Z | 2026-09-21T14:14:20Z |",
        "| acme webhook 1 | `guid-1` | `push` | 2026-09-21T14:13:20Z | 1 | `timed out` | requested |",
    ] {
        assert!(markdown.contains(line), "{line}\n{markdown}");
    }
}

#[test]
fn hostile_text_stays_in_its_code_span() {
    let hostile = "a`|b\n| <img src=x> ](http://e) ::error:: ##[x] @acme https://evil.com";
    let mut report = report(vec![delivery(1, hostile, Outcome::Requested)]);
    report.errors.push(hostile.into());
    let markdown = markdown(&report);
    for line in markdown.lines().filter(|line| line.contains("img")) {
        let spans: Vec<&str> = line.split('`').collect();
        assert_eq!(spans.len() % 2, 1, "an open span: {line}");
        for outside in spans.iter().step_by(2) {
            for mark in ["<", "evil", "@", "##"] {
                assert!(!outside.contains(mark), "{mark} in {outside}");
            }
        }
    }
    assert_eq!(
        markdown.lines().filter(|line| line.contains("img")).count(),
        3
    );
}

#[test]
fn a_huge_pass_stays_within_the_budget() {
    let status = "é|`".repeat(1_000);
    let deliveries = (0..5_000)
        .map(|id| delivery(id, &format!("{id}{status}"), Outcome::Requested))
        .collect();
    let mut report = report(deliveries);
    report.errors = vec!["x".repeat(5_000); 5_000];
    report.warnings = vec!["é".repeat(5_000); 5_000];
    let markdown = markdown(&report);
    assert!(markdown.len() < BUDGET + 10_000, "{}", markdown.len());
    assert!(markdown.contains("…and 4800 more."), "rows are cut");
    assert!(markdown.trim_end().ends_with("</sub>"));
}
