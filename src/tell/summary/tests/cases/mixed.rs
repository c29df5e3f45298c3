//! A pass with every outcome.

use std::time::Duration;

use chrono::TimeDelta;

use crate::github::TokenEnd;
use crate::model::{DeliveryReport, Outcome};
use crate::model::{Owner, Repository};
use crate::read::evidence::Since;
use crate::report::{Gap, Report, WebhookReport};
use crate::tell::summary::tests::cases::{
    ago, began, failed, given_up_after, healthy, of_event, report,
};

/// 500 webhooks, some of them with every kind of problem.
pub(in crate::tell::summary::tests) fn mixed() -> Report {
    let mut webhooks: Vec<WebhookReport> = (1..=500).map(healthy).collect();
    for (n, webhook) in webhooks.iter_mut().enumerate().skip(100).step_by(10) {
        webhook.webhook.owner = Owner::Repository(Repository {
            owner: "acme".into(),
            name: format!("service-{n}"),
        });
        webhook.webhook.receiver = format!("https://service-{n}.acme.com");
        let n = n as u64;
        webhook.deliveries = (0..n % 7 + 1)
            .map(|k| failed(n * 100 + k, "timed out", 504, Outcome::Recovered))
            .collect();
    }
    let down = &mut webhooks[42];
    down.down = true;
    down.failing_since = Some(Since {
        at: ago(2 * 24 * 60 + 700),
        or_earlier: true,
    });
    down.webhook.receiver = "https://jenkins.acme.com".into();
    down.deliveries = (0..300)
        .map(|n| {
            let minutes = 3 * 24 * 60 - 200 - n * 13;
            let status = "Peer certificate cannot be authenticated with given CA certificates";
            of_event(
                "push",
                None,
                minutes,
                n as u64,
                status,
                0,
                Outcome::Deferred,
            )
            .with_reason("the receiver is down".to_owned())
        })
        .collect();
    let lost = &mut webhooks[7];
    lost.deliveries = vec![
        given_up_after(
            12,
            of_event(
                "release",
                Some("published"),
                800,
                9_001,
                "Invalid HTTP Response: 400",
                400,
                Outcome::Exhausted,
            ),
        ),
        of_event(
            "push",
            None,
            3 * 24 * 60 + 30,
            9_002,
            "Invalid HTTP Response: 302",
            302,
            Outcome::Expired,
        )
        .with_reason("older than GitHub redelivers".to_owned()),
        of_event(
            "star",
            Some("created"),
            80,
            9_003,
            "timed out",
            504,
            Outcome::Ignored,
        )
        .with_reason("left out by `events` or `statuses`".to_owned()),
        of_event(
            "star",
            Some("deleted"),
            81,
            9_004,
            "timed out",
            504,
            Outcome::Ignored,
        )
        .with_reason("left out by `events` or `statuses`".to_owned()),
        of_event("push", None, 2_000, 9_005, "timed out", 504, Outcome::Stale)
            .with_reason("older than `max-age`".to_owned()),
    ];
    let earlier = |n| failed(n, "Invalid HTTP Response: 410", 410, Outcome::Exhausted).failure;
    lost.given_up_earlier = vec![earlier(9_100), earlier(9_101)];
    let waiting = &mut webhooks[8];
    let due = began() + TimeDelta::minutes(12);
    waiting.deliveries = vec![
        DeliveryReport {
            due_at: Some(due),
            ..failed(9_200, "Invalid HTTP Response: 429", 429, Outcome::Waiting)
        }
        .with_reason("due 2026-11-22T04:29:03Z after 2 redeliveries".to_owned()),
        failed(
            9_201,
            "Invalid HTTP Response: 401",
            401,
            Outcome::Unconfirmed,
        ),
        failed(9_202, "", 0, Outcome::Pending)
            .with_reason("GitHub's log holds no outcome yet".to_owned()),
    ];
    waiting.deliveries[2].failure.newest.pending = true;
    let unread = &mut webhooks[9];
    unread.complete = false;
    unread.unread_from = Some(ago(26 * 60));
    let mut report = report(webhooks);
    report.report_file = Some("redeliver.json".into());
    report.gap = Some(Gap {
        from: ago(4 * 24 * 60),
        to: ago(3 * 24 * 60),
    });
    report.warnings = vec![
        "The last checkpoint is older than GitHub redelivers: what failed at acme webhook 500043 between \
         2026-11-18T04:17:03Z and 2026-11-19T04:17:03Z can't be recovered. Run more often"
            .into(),
        "19 deliveries open, of which GitHub redelivers none in 12 hours any more".into(),
        "`time-limit` was reached with 12 deliveries left and acme webhook 500010 not read to the end: run again \
         soon, or give a pass more time"
            .into(),
    ];
    report.token_ends = Some(TokenEnd {
        at: began() + TimeDelta::days(9),
        input: "token",
    });
    report.requests = 1_284;
    report.took = Duration::from_secs(30 * 60);
    report.usage.busy = Duration::from_secs(14 * 60);
    report.first_pass = true;
    report
}
