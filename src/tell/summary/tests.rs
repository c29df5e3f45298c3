mod cases;

use std::path::PathBuf;

use super::*;
use crate::model::Outcome;
use cases::*;

/// Compares with the file of this name; with `UPDATE_SNAPSHOTS` set, writes it.
#[track_caller]
fn snapshot(name: &str, report: &Report) {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/summary/snapshots");
    let path = PathBuf::from(folder).join(format!("{name}.md"));
    let markdown = markdown(report);
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(&path, &markdown).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        markdown == expected,
        "{} is otherwise. If that is meant, run again with UPDATE_SNAPSHOTS=1. Now it is:\n{markdown}",
        path.display()
    );
}

#[test]
fn nothing_failed() {
    let report = report(vec![healthy(1)]);
    snapshot("nothing-failed", &report);
    let markdown = markdown(&report);
    let lines = markdown.lines().filter(|line| !line.is_empty());
    assert_eq!(lines.count(), 3, "an uneventful pass is three lines");
}

#[test]
fn all_recovered() {
    snapshot("all-recovered", &recovered());
}

#[test]
fn receiver_down() {
    snapshot("receiver-down", &down());
}

#[test]
fn given_up() {
    snapshot("given-up", &of_given_up());
}

#[test]
fn mixed_of_500_webhooks() {
    let report = mixed();
    snapshot("mixed", &report);
    let markdown = markdown(&report);
    assert!(markdown.len() < 64 * 1024, "{}", markdown.len());
}

#[test]
fn errors() {
    snapshot("errors", &with_errors());
}

#[test]
fn dry_run() {
    snapshot("dry-run", &of_dry_run());
}

#[test]
fn cancelled() {
    snapshot("cancelled", &of_cancelled());
}

#[test]
fn hostile() {
    let report = of_hostile_text();
    snapshot("hostile", &report);
    let markdown = markdown(&report);
    for line in markdown.lines().filter(|line| line.contains("evil")) {
        let spans: Vec<&str> = line.split('`').collect();
        assert_eq!(spans.len() % 2, 1, "an open span: {line}");
        // What is within parentheses after a span is where the span's link leads.
        for outside in spans.iter().step_by(2) {
            for mark in [
                "<img",
                "evil.com)",
                "@evil",
                "##[",
                "![",
                "::error",
                "</details",
            ] {
                assert!(!outside.contains(mark), "{mark} in {outside}");
            }
        }
    }
    assert!(!markdown.contains(['\u{202e}', '\u{2066}', '\r']));
    assert!(!markdown.contains("##["));
    assert!(
        markdown.len() < 32 * 1024,
        "long names are cut: {}",
        markdown.len()
    );
}

#[test]
fn a_huge_pass_stays_within_the_budget_and_says_what_is_missing() {
    let status = "é|`".repeat(1_000);
    let mut webhook = healthy(1);
    webhook.deliveries = (0..5_000)
        .map(|n| failed(n, &format!("{n}{status}"), 500, Outcome::Exhausted))
        .collect();
    let mut webhooks = vec![webhook];
    for n in 2..2_000 {
        let mut webhook = healthy(n);
        webhook.webhook.receiver = format!("https://{}", status);
        webhook.deliveries = vec![failed(n, &status, 500, Outcome::Unconfirmed)];
        webhooks.push(webhook);
    }
    let mut report = report(webhooks);
    report.errors = vec!["x".repeat(5_000); 5_000];
    report.warnings = vec!["é".repeat(5_000); 5_000];
    report.notes = vec!["é".repeat(5_000); 5_000];
    report.scope = "é".repeat(50_000);
    let markdown = markdown(&report);
    assert!(markdown.len() <= page::BUDGET, "{}", markdown.len());
    for more in [
        "…and 4980 more: with `report-file`",
        "…and 1984 more",
        "…and 1968 more",
    ] {
        assert!(markdown.contains(more), "{more}");
    }
    assert!(markdown.trim_end().ends_with("</sub>"));
    let open = markdown.matches("<details>").count();
    assert_eq!(open, markdown.matches("</details>").count());
}

#[test]
fn rows_end_where_the_budget_does_and_the_footer_is_there_all_the_same() {
    let wide = "é".repeat(2_000);
    let mut report = report(vec![healthy(1)]);
    report.report_file = Some("out/report.json".into());
    let mut page = Page::new(&report);
    let rows = vec![wide; 200];
    page.rows(&rows, 200, Clone::clone);
    let footer = "the end ".repeat(2_000);
    let page = page.end(&footer);
    assert!(page.len() <= page::BUDGET, "{}", page.len());
    assert!(page.ends_with(&format!("\n\n{footer}\n")));
    assert!(page.contains("more: all are in the report, `out/report.json`."));
}

#[test]
fn the_verdict_is_one_sentence_that_names_what_is_left() {
    let of = |outcomes: &[Outcome]| {
        let deliveries = outcomes.iter().zip(1..);
        let mut webhook = healthy(1);
        webhook.deliveries = deliveries
            .map(|(outcome, n)| failed(n, "timed out", 504, *outcome))
            .collect();
        report(vec![webhook, healthy(2)])
    };
    use Outcome::{
        Deferred, Exhausted, Expired, FailedAgain, Ignored, Recovered, Rejected, Unconfirmed,
    };
    for (outcomes, told) in [
        (
            &[Recovered, Recovered][..],
            "Recovered 2 of 2 failed deliveries of 1 webhook.",
        ),
        (
            &[Recovered, Exhausted, Exhausted],
            "Recovered 1 of 3 failed deliveries of 1 webhook; 2 have failed 10 times and were given up.",
        ),
        (
            &[Unconfirmed, Deferred, Rejected, Expired, FailedAgain],
            "Recovered 0 of 5 failed deliveries of 1 webhook; 3 are still open; 1 is older than GitHub redelivers; 1 was refused by \
             GitHub for good.",
        ),
        (
            &[Ignored, Ignored],
            "Nothing to redeliver among 2 failed deliveries of 1 webhook; 2 were left out as the inputs say.",
        ),
    ] {
        assert_eq!(of(outcomes).verdict(), told);
    }
    let mut unread = of(&[Recovered]);
    unread.webhooks[0].unread_from = Some(ago(60));
    let told = "; not read to the end: acme webhook 500001.";
    assert!(unread.verdict().ends_with(told), "{}", unread.verdict());
    assert_eq!(Report::of_error("x".into()).verdict(), "Nothing was done.");
    assert_eq!(Report::of_cancelled().verdict(), "Cancelled.");
}

#[test]
fn the_first_pass_says_that_it_read_less_than_there_is() {
    let mut first = report(vec![healthy(1)]);
    first.first_pass = true;
    let told = "\n\nFirst pass: the last 24 hours. Older failures are left; `since: 3d` once recovers them.\n\n";
    assert!(markdown(&first).contains(told));
    first.first_pass = false;
    assert!(!markdown(&first).contains("First pass"));
}

#[test]
fn what_was_skipped_and_given_up_earlier_is_folded() {
    let markdown = markdown(&mixed());
    for title in [
        "<details><summary>3 deliveries left out as the inputs say</summary>",
        "<details><summary>2 deliveries given up earlier</summary>",
    ] {
        assert!(markdown.contains(title), "{title}\n{markdown}");
    }
}
