//! The report as JSON. `schema/report.v1.json` describes it.

mod rows;

use std::collections::BTreeMap;
use std::io;

use serde::Serialize;

use super::{Cause, Report};
use crate::model::{Outcome, PassResult};
use rows::{
    CauseRow, DeliveryRow, GapRow, RemainingRow, Time, WebhookRow, WindowRow, rounded, time,
};

/// The version of the schema. Programs that read this version also understand later documents: fields are added, but
/// never removed.
const VERSION: u32 = 1;

/// Longest `report` output, in bytes. Later steps get it in an environment variable, for which Linux allows 128 KiB.
const OUTPUT: usize = 96 * 1024;

/// Longest `scope` in a shortened output, in bytes: it names every target.
const SCOPE: usize = 4 * 1024;

/// The `report` output: the whole report if it fits, else the counts and as many causes as fit.
pub(super) fn output(report: &Report) -> String {
    let mut bounded = Bounded::default();
    if write(report, &mut bounded).is_ok()
        && let Ok(whole) = String::from_utf8(bounded.0)
    {
        return whole.trim_end().to_owned();
    }
    let all = report.causes();
    let mut shown = all.len();
    loop {
        let mut document = Document::new(report, &all[..shown]);
        document.cut = true;
        document.causes_left_out = all.len() - shown;
        document.details = None;
        document.scope = &report.scope[..report.scope.floor_char_boundary(SCOPE)];
        let mut cut = Vec::new();
        // Strings, numbers and times always serialize, and the result is UTF-8.
        let written = document.write(&mut cut);
        if cut.len() <= OUTPUT || shown == 0 {
            return written
                .ok()
                .and_then(|()| String::from_utf8(cut).ok())
                .unwrap_or_default();
        }
        shown /= 2;
    }
}

/// Writes the whole report in one line.
pub(super) fn write(report: &Report, to: &mut dyn io::Write) -> io::Result<()> {
    Document::new(report, &report.causes()).write(to)?;
    to.write_all(b"\n")
}

/// A buffer as large as the `report` output may be. Writing more is an error.
#[derive(Default)]
struct Bounded(Vec<u8>);

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > OUTPUT {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[derive(Serialize)]
struct Document<'a> {
    version: u32,
    program: &'static str,
    result: PassResult,
    verdict: String,
    scope: &'a str,
    credential: &'a str,
    dry_run: bool,
    first_pass: bool,
    began: Option<Time>,
    seconds: f64,
    seconds_waiting: f64,
    window: Option<WindowRow>,
    checkpoint: Option<Time>,
    next_due: Option<Time>,
    gap: Option<GapRow>,
    requests: u64,
    remaining: Option<RemainingRow>,
    token_ends: Option<Time>,
    counts: BTreeMap<Outcome, usize>,
    given_up_earlier: usize,
    causes: Vec<CauseRow<'a>>,
    #[serde(skip_serializing_if = "is_zero")]
    causes_left_out: usize,
    cut: bool,
    #[serde(flatten)]
    details: Option<Details<'a>>,
}

/// The fields that a shortened output leaves out.
#[derive(Serialize)]
struct Details<'a> {
    unread: Vec<String>,
    errors: &'a [String],
    warnings: &'a [String],
    notes: &'a [String],
    webhooks: Vec<WebhookRow<'a>>,
    deliveries: Vec<DeliveryRow<'a>>,
}

fn is_zero(number: &usize) -> bool {
    *number == 0
}

impl<'a> Document<'a> {
    fn write(&self, to: &mut dyn io::Write) -> io::Result<()> {
        Ok(serde_json::to_writer(to, self)?)
    }

    fn new(report: &'a Report, causes: &[Cause<'a>]) -> Self {
        let usage = report.usage;
        Self {
            version: VERSION,
            program: concat!("redeliver-webhooks ", env!("CARGO_PKG_VERSION")),
            result: report.result(),
            verdict: report.verdict(),
            scope: &report.scope,
            credential: &report.credential,
            dry_run: report.dry_run,
            first_pass: report.first_pass,
            began: report.began.map(time),
            seconds: rounded(report.took.as_secs_f64()),
            seconds_waiting: rounded(report.waited().as_secs_f64()),
            window: report.window.map(|window| WindowRow {
                start: time(window.start),
                end: window.end.map(time),
                retention_start: time(window.retention_start),
            }),
            checkpoint: report.checkpoint.map(time),
            next_due: report.next_due().map(time),
            gap: report.gap.map(|gap| GapRow {
                from: time(gap.from),
                to: time(gap.to),
            }),
            requests: report.requests,
            remaining: usage.remaining.map(|remaining| RemainingRow {
                left: remaining.left,
                limit: remaining.limit,
            }),
            token_ends: report.token_ends.map(|end| time(end.at)),
            counts: Outcome::ALL
                .map(|outcome| (outcome, report.count(|each| each == outcome)))
                .into(),
            given_up_earlier: report.given_up_earlier,
            causes: causes.iter().map(CauseRow::new).collect(),
            causes_left_out: 0,
            cut: false,
            details: Some(Details {
                unread: report.unread().collect(),
                errors: &report.errors,
                warnings: &report.warnings,
                notes: &report.notes,
                webhooks: report
                    .webhooks
                    .iter()
                    .map(|webhook| WebhookRow::new(webhook, &report.web))
                    .collect(),
                deliveries: report
                    .deliveries_by_webhook()
                    .map(|(webhook, delivery)| DeliveryRow::new(webhook, delivery))
                    .collect(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_output_fits_however_many_targets_there_are() {
        let report = Report {
            scope: "é".repeat(OUTPUT),
            ..Report::default()
        };
        let output = output(&report);
        assert!(output.len() <= OUTPUT, "{}", output.len());
        let output: serde_json::Value = serde_json::from_str(&output).unwrap();
        assert_eq!(output["cut"], true);
    }
}
