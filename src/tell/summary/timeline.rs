//! A Mermaid chart of when deliveries failed, and of how many were recovered.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::model::Outcome;
use crate::report::Report;
use crate::tell::summary::page::SummaryPage;
use crate::text::{counted, time};

const HOUR: i64 = 3_600;

/// The hours that a bar may cover.
const HOURS: [i64; 7] = [1, 2, 3, 4, 6, 8, 12];

/// Most bars. With more, their labels overlap.
const BARS: i64 = 16;

/// Fewest deliveries for a chart. A table shows fewer better.
const FEWEST: usize = 3;

/// Failed deliveries are red, with the recovered ones in green before them: GitHub's own colours, which show on light
/// and dark backgrounds. Numbers beside the bars would lift them off their base, so that zero looked like a small
/// count; the axis title shows the chart's height.
const STYLE: &str = concat!(
    r#"%%{init: {"xyChart": {"width": 900, "height": 280, "xAxis": {"labelFontSize": 12}, "#,
    r#""yAxis": {"showLabel": false, "showTick": false}}, "themeVariables": {"xyChart": "#,
    r##"{"backgroundColor": "transparent", "plotColorPalette": "#cf222e, #2da44e"}}}}%%"##
);

/// Writes bars of failed deliveries by the hour of their first attempt, and bars of recovered ones before them.
pub(super) fn write(page: &mut SummaryPage<'_>, report: &Report) {
    let first = |outcome: fn(Outcome) -> bool| {
        let deliveries = report.deliveries();
        let counted = deliveries.filter(move |each| outcome(each.outcome));
        counted.map(|each| each.first().timestamp().div_euclid(HOUR))
    };
    let failed: Vec<i64> = first(|outcome| !outcome.is_skipped()).collect();
    let (Some(start), Some(end)) = (failed.iter().min(), failed.iter().max()) else {
        return;
    };
    let hours = HOURS
        .into_iter()
        .find(|hours| bars(*start, *end, *hours) <= BARS);
    // A single bar is useless, and a wrong time far in the past would make thousands.
    let Some(hours) = hours.filter(|_| failed.len() >= FEWEST && start != end) else {
        return;
    };
    let by_bar = |times: &mut dyn Iterator<Item = i64>| {
        let mut bars = BTreeMap::<i64, usize>::new();
        for time in times {
            *bars.entry(time.div_euclid(hours)).or_default() += 1;
        }
        bars
    };
    let range = start.div_euclid(hours)..=end.div_euclid(hours);
    let failed = by_bar(&mut failed.iter().copied());
    let recovered = by_bar(&mut first(|outcome| outcome == Outcome::Recovered));
    let row = |bars: &BTreeMap<i64, usize>| {
        let row = range
            .clone()
            .map(|bar| bars.get(&bar).copied().unwrap_or(0).to_string());
        row.collect::<Vec<_>>().join(", ")
    };
    let labels = range
        .clone()
        .map(|bar| format!("\"{}\"", label(bar * hours)));
    let labels = labels.collect::<Vec<_>>().join(", ");
    let most = failed.values().max().copied().unwrap_or(0);
    let bar = counted(hours.unsigned_abs(), "hour");
    page.paragraph("#### Timeline");
    page.paragraph(&format!(
        "Failed deliveries by their first attempt, {bar} a bar (day and time in UTC). Red: open or lost. Green: \
         recovered."
    ));
    page.paragraph("```mermaid");
    page.line(STYLE);
    page.line("xychart-beta");
    page.line(&format!("    x-axis [{labels}]"));
    page.line(&format!(
        "    y-axis \"0 to {most} deliveries\" 0 --> {most}"
    ));
    page.line(&format!("    bar [{}]", row(&failed)));
    if !recovered.is_empty() {
        page.line(&format!("    bar [{}]", row(&recovered)));
    }
    page.line("```");
}

fn bars(start: i64, end: i64, hours: i64) -> i64 {
    end.div_euclid(hours) - start.div_euclid(hours) + 1
}

/// The day and the hour, because labels must differ from each other.
fn label(hour: i64) -> String {
    let time = DateTime::<Utc>::from_timestamp(hour * HOUR, 0).unwrap_or_default();
    time::below_a_bar(time)
}
