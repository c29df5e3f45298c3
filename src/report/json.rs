//! The report as JSON.

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use super::{Cause, Outcome, Report};

/// The `report` output: compact JSON.
pub(super) fn compact(report: &Report) -> String {
    let document = Document {
        version: 1,
        result: report.result().name(),
        counts: Counts(report),
        webhooks: report
            .webhooks
            .iter()
            .map(|webhook| WebhookRow {
                webhook: webhook.webhook.to_string(),
                url: webhook.webhook.settings_url(&report.web),
                scanned: webhook.scanned,
                found: webhook.deliveries.len(),
                complete: webhook.complete,
                down: webhook.down,
            })
            .collect(),
        causes: report.causes(),
    };
    // Strings, numbers and times always serialize; an empty report would say it if not.
    serde_json::to_string(&document).unwrap_or_default()
}

#[derive(Serialize)]
struct Document<'a> {
    version: u32,
    result: &'static str,
    counts: Counts<'a>,
    webhooks: Vec<WebhookRow>,
    causes: Vec<Cause<'a>>,
}

#[derive(Serialize)]
struct WebhookRow {
    webhook: String,
    url: String,
    scanned: u64,
    found: usize,
    complete: bool,
    down: bool,
}

/// Every outcome with its number, zeros too.
struct Counts<'a>(&'a Report);

impl Serialize for Counts<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(Outcome::ALL.len()))?;
        for outcome in Outcome::ALL {
            map.serialize_entry(outcome.name(), &self.0.count(|each| each == outcome))?;
        }
        map.end()
    }
}
