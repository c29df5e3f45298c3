//! Reports for the snapshots.

mod mixed;

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::github::{Remaining, Usage};
use crate::model::{Attempt, FailedDelivery, FirstAttempt, LatestAttempt, Window};
use crate::model::{AttemptId, Guid, ReceiverResponse};
use crate::model::{DeliveryReport, Outcome};
use crate::model::{HookId, Owner, Repository, Webhook};
use crate::read::evidence::Since;
use crate::report::{Report, Sample, WebhookReport};

pub(super) use mixed::mixed;

/// The start of each of these passes.
pub(super) fn began() -> DateTime<Utc> {
    "2026-11-22T04:17:03Z".parse().unwrap()
}

pub(super) fn ago(minutes: i64) -> DateTime<Utc> {
    began() - TimeDelta::minutes(minutes)
}

pub(super) fn healthy(id: u64) -> WebhookReport {
    WebhookReport {
        pages: 1,
        scanned: 40,
        complete: true,
        ..WebhookReport::new(Webhook {
            owner: Owner::Organization("acme".into()),
            id: Some(HookId(500_000 + id)),
            receiver: "https://ci.acme.com".into(),
        })
    }
}

/// A `push` that failed, the n-th of many.
pub(super) fn failed(n: u64, status: &str, code: i64, outcome: Outcome) -> DeliveryReport {
    of_event(
        "push",
        None,
        120 - (n as i64) % 110,
        n,
        status,
        code,
        outcome,
    )
}

fn of_event(
    event: &str,
    action: Option<&str>,
    minutes: i64,
    n: u64,
    status: &str,
    code: i64,
    outcome: Outcome,
) -> DeliveryReport {
    let id = AttemptId(3_804_004_623_172_000_000 + n);
    let at = ago(minutes);
    let failure = FailedDelivery {
        guid: Guid::new(&format!("0b989ba4-242f-11e5-81e1-{n:012x}")),
        newest: LatestAttempt {
            id,
            at,
            pending: false,
            status: status.into(),
            code: Some(code),
            event: event.into(),
            action: action.map(Into::into),
        },
        first: FirstAttempt::At(at),
        attempts: vec![Attempt {
            id,
            at,
            redelivery: false,
            pending: false,
        }],
        earlier_redeliveries: 0,
        earlier_failures_while_up: 0,
    };
    DeliveryReport::new(failure, outcome)
}

fn given_up_after(times: usize, delivery: DeliveryReport) -> DeliveryReport {
    let reason = format!("failed {times} times while its receiver was up");
    let mut delivery = delivery.with_reason(reason);
    delivery.failure.earlier_redeliveries = times;
    delivery
}

pub(super) fn report(webhooks: Vec<WebhookReport>) -> Report {
    let given_up_earlier = webhooks
        .iter()
        .map(|webhook| webhook.given_up_earlier.len());
    Report {
        scope: format!(
            "{} webhooks of acme, all events, all failures, live",
            webhooks.len()
        ),
        web: "https://github.com".into(),
        began: Some(began()),
        window: Some(Window {
            start: ago(90),
            end: None,
            retention_start: ago(3 * 24 * 60),
        }),
        given_up_earlier: given_up_earlier.sum(),
        webhooks,
        checkpoint: Some(began()),
        credential: "GitHub App".into(),
        requests: 12,
        usage: Usage {
            busy: Duration::from_millis(2_900),
            remaining: Some(Remaining {
                left: 4_873,
                limit: 5_000,
            }),
        },
        took: Duration::from_millis(3_400),
        ..Report::default()
    }
}

pub(super) fn recovered() -> Report {
    let mut webhook = healthy(1);
    webhook.deliveries = (0..41)
        .map(|n| match n % 3 {
            0 => of_event(
                "push",
                None,
                190 - n,
                n as u64,
                "timed out",
                504,
                Outcome::Recovered,
            ),
            1 => of_event(
                "pull_request",
                Some("synchronize"),
                230 - 2 * n,
                n as u64,
                "timed out",
                504,
                Outcome::Recovered,
            ),
            _ => of_event(
                "workflow_job",
                Some("queued"),
                160 - n,
                n as u64,
                "Invalid HTTP Response: 503",
                503,
                Outcome::Recovered,
            ),
        })
        .collect();
    let mut report = report(vec![webhook, healthy(2), healthy(3)]);
    report.took = Duration::from_secs(49);
    report.usage.busy = Duration::from_secs(31);
    report.requests = 96;
    report
}

pub(super) fn down() -> Report {
    let mut webhook = healthy(1);
    webhook.down = true;
    webhook.failing_since = Some(Since {
        at: ago(127),
        or_earlier: false,
    });
    let status = "failed to connect to host";
    webhook.deliveries = (0..118)
        .map(|n| {
            let (event, action) = match n % 4 {
                0 => ("push", None),
                1 => ("check_run", Some("completed")),
                2 => ("pull_request", Some("opened")),
                _ => ("issue_comment", Some("created")),
            };
            let minutes = 127 - n * n / 110;
            let outcome = if n < 5 {
                Outcome::FailedAgain
            } else {
                Outcome::Deferred
            };
            let delivery = of_event(event, action, minutes, n as u64, status, 502, outcome);
            match outcome {
                Outcome::Deferred => delivery.with_reason("the receiver is down".to_owned()),
                _ => delivery,
            }
        })
        .collect();
    let mut report = report(vec![healthy(2), webhook]);
    report.checkpoint = None;
    report
}

pub(super) fn of_given_up() -> Report {
    let mut webhook = healthy(1);
    webhook.deliveries = (0..41)
        .map(|n| failed(n, "timed out", 504, Outcome::Recovered))
        .collect();
    let refused = of_event(
        "deployment",
        Some("created"),
        340,
        77,
        "Invalid HTTP Response: 500",
        500,
        Outcome::Exhausted,
    );
    webhook.deliveries.push(given_up_after(10, refused));
    let second = of_event(
        "release",
        Some("published"),
        410,
        78,
        "Invalid HTTP Response: 500",
        500,
        Outcome::Exhausted,
    );
    webhook.deliveries.push(given_up_after(10, second));
    let mut other = healthy(2);
    other.webhook.receiver = "https://chat.acme.com".into();
    other.deliveries = vec![
        of_event(
            "push",
            None,
            9,
            79,
            "Invalid HTTP Response: 404",
            404,
            Outcome::Rejected,
        )
        .with_reason("GitHub answered 422 `Validation Failed`".to_owned()),
    ];
    let mut report = report(vec![webhook, other]);
    report.samples = vec![
        Sample {
            cause: (
                "Invalid HTTP Response: 500".into(),
                Some(500),
                "release".into(),
            ),
            webhook: "acme webhook 500001".into(),
            attempt: AttemptId(78),
            answer: Ok(ReceiverResponse {
                status: "500 Internal Server Error".into(),
                body: "{\"error\":\"NullPointerException in ReleaseHandler\"}".into(),
                cut: false,
                duration: Some(Duration::from_millis(312)),
            }),
        },
        Sample {
            cause: (
                "Invalid HTTP Response: 404".into(),
                Some(404),
                "push".into(),
            ),
            webhook: "acme webhook 500002".into(),
            attempt: AttemptId(79),
            answer: Err("GitHub answered 404 `Not Found`".into()),
        },
    ];
    report
}

pub(super) fn with_errors() -> Report {
    let mut webhook = healthy(1);
    webhook.complete = false;
    webhook.unread_from = Some(ago(26 * 60));
    webhook.deliveries = vec![
        failed(1, "timed out", 504, Outcome::FailedRequest).with_reason(
            "GitHub answered 403 `Resource not accessible by personal access token`".to_owned(),
        ),
        failed(2, "timed out", 504, Outcome::Deferred)
            .with_reason("GitHub does not let this webhook's deliveries be redelivered".to_owned()),
    ];
    let mut report = report(vec![webhook, healthy(2)]);
    report.checkpoint = None;
    report.errors = vec![
        "acme webhook 500001: GitHub answered 403 `Resource not accessible by personal access token`. Give the token \
         the organization permission Webhooks: write on `acme`"
            .into(),
    ];
    report
}

pub(super) fn of_dry_run() -> Report {
    let mut webhook = healthy(1);
    webhook.deliveries = (0..6)
        .map(|n| {
            failed(n, "Invalid HTTP Response: 503", 503, Outcome::Deferred)
                .with_reason("dry run".to_owned())
        })
        .collect();
    let mut report = report(vec![webhook]);
    report.dry_run = true;
    report.would_redeliver = 6;
    report.checkpoint = None;
    report
}

pub(super) fn of_cancelled() -> Report {
    let mut webhook = healthy(1);
    webhook.deliveries = (0..12)
        .map(|n| match n {
            0..5 => failed(n, "timed out", 504, Outcome::Recovered),
            _ => failed(n, "timed out", 504, Outcome::Deferred)
                .with_reason("the pass was cancelled".to_owned()),
        })
        .collect();
    let mut report = report(vec![webhook]);
    report.cancelled = true;
    report.warnings = vec!["The pass was cancelled: the next one goes on where it ended".into()];
    report
}

/// Every text from outside tries to break out of its place.
pub(super) fn of_hostile_text() -> Report {
    let evil = "a`|evil\n| <img src=x onerror=evil()> ](http://evil.com) ![x](http://evil.com) ::error::evil ##[error]evil \
                @evil \u{202e}live\u{2066} \r\n\n# evil </details></sub> https://evil.com";
    let long = format!("{evil}{}", "é".repeat(10_000));
    let mut webhook = healthy(1);
    webhook.webhook.owner = Owner::Repository(Repository {
        owner: "evil](x".into(),
        name: long.clone(),
    });
    webhook.webhook.receiver = format!("https://{long}");
    webhook.down = true;
    let mut lost = of_event(&long, Some(&long), 60, 1, &long, 500, Outcome::Exhausted);
    lost.failure.guid = Guid::new(&long);
    let open = of_event(evil, Some(evil), 60, 2, evil, 200, Outcome::Deferred)
        .with_reason(evil.to_owned());
    let skipped =
        of_event(evil, None, 60, 3, evil, 500, Outcome::Ignored).with_reason(evil.to_owned());
    webhook.deliveries = vec![lost.with_reason(long.clone()), open, skipped];
    webhook.given_up_earlier =
        vec![of_event(&long, None, 60, 4, &long, 500, Outcome::Exhausted).failure];
    let mut report = report(vec![webhook]);
    report.scope = long.clone();
    report.errors = vec![long.clone(), evil.into()];
    report.warnings = vec![evil.into()];
    report.notes = vec![evil.into()];
    report.report_file = Some(evil.into());
    report.samples = vec![Sample {
        cause: (evil.into(), Some(200), evil.into()),
        webhook: long.clone(),
        attempt: AttemptId(2),
        answer: Ok(ReceiverResponse {
            status: evil.into(),
            body: long,
            cut: true,
            duration: Some(Duration::from_millis(310)),
        }),
    }];
    report
}
