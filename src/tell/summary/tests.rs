mod cases;

use std::path::PathBuf;

use super::*;
use crate::model::Outcome;
use cases::*;

/// Compares the summary with the snapshot of this name, or writes the snapshot if `UPDATE_SNAPSHOTS` is set.
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
        "{} differs. If the change is intended, run again with UPDATE_SNAPSHOTS=1. The summary is now:\n{markdown}",
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
        // Parentheses after a span hold the target of its link.
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
fn a_huge_pass_stays_within_the_budget_and_counts_the_rows_left_out() {
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
fn rows_stop_at_the_budget_and_leave_room_for_the_footer() {
    let wide = "é".repeat(2_000);
    let mut report = report(vec![healthy(1)]);
    report.report_file = Some("out/report.json".into());
    let mut page = SummaryPage::new(&report);
    let rows = vec![wide; 200];
    page.rows(&rows, 200, Clone::clone);
    let footer = "the end ".repeat(2_000);
    let page = page.end(&footer);
    assert!(page.len() <= page::BUDGET, "{}", page.len());
    assert!(page.ends_with(&format!("\n\n{footer}\n")));
    assert!(page.contains("more: all are in the report, `out/report.json`."));
}

#[test]
fn the_verdict_counts_recovered_open_and_lost_deliveries_in_one_sentence() {
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
    for (outcomes, expected) in [
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
        assert_eq!(of(outcomes).verdict(), expected);
    }
    let mut unread = of(&[Recovered]);
    unread.webhooks[0].unread_from = Some(ago(60));
    let expected = "; not read to the end: acme webhook 500001.";
    assert!(unread.verdict().ends_with(expected), "{}", unread.verdict());
    assert_eq!(Report::of_error("x".into()).verdict(), "Nothing was done.");
    assert_eq!(Report::of_cancelled().verdict(), "Cancelled.");
}

#[test]
fn the_first_pass_says_that_it_read_the_last_24_hours_only() {
    let mut first = report(vec![healthy(1)]);
    first.first_pass = true;
    let note = "\n\nFirst pass: the last 24 hours. Older failures are left; `since: 3d` once recovers them.\n\n";
    assert!(markdown(&first).contains(note));
    first.first_pass = false;
    assert!(!markdown(&first).contains("First pass"));
}

#[test]
fn skipped_deliveries_and_those_given_up_earlier_are_folded() {
    let markdown = markdown(&mixed());
    for title in [
        "<details><summary>3 deliveries left out as the inputs say</summary>",
        "<details><summary>2 deliveries given up earlier</summary>",
    ] {
        assert!(markdown.contains(title), "{title}\n{markdown}");
    }
}
