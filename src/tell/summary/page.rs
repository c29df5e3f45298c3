//! The summary's page, which stays within its budget.

use crate::report::Report;
use crate::tell::markdown::code;
use crate::text::number;

/// Longest summary, in bytes. GitHub drops a summary over 1 MiB, and nobody reads one that long.
pub(super) const BUDGET: usize = 256 * 1024;

/// Bytes that rows leave free for headings, sentences and the footer, which are all short.
const RESERVE: usize = 32 * 1024;

/// The page being written. `line` and `paragraph` add text that must be there, `rows` and `table` add rows that may be
/// left out.
pub(super) struct SummaryPage<'a> {
    text: String,
    /// The path of the JSON report.
    report_file: Option<&'a str>,
}

impl<'a> SummaryPage<'a> {
    pub(super) fn new(report: &'a Report) -> Self {
        Self {
            text: String::new(),
            report_file: report.report_file.as_deref(),
        }
    }

    pub(super) fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    /// Adds a line after an empty one.
    pub(super) fn paragraph(&mut self, line: &str) {
        self.line("");
        self.line(line);
    }

    /// Adds text folded under `title`.
    pub(super) fn folded(&mut self, title: &str, fill: impl FnOnce(&mut Self)) {
        self.paragraph(&format!("<details><summary>{title}</summary>"));
        fill(self);
        self.paragraph("</details>");
    }

    /// Adds the first `most` rows as far as they fit, and a note that counts the others and names the place that lists them.
    pub(super) fn rows<T>(&mut self, items: &[T], most: usize, row: impl Fn(&T) -> String) {
        let mut left = items.len();
        for item in items.iter().take(most) {
            let row = row(item);
            if self.text.len() + row.len() > BUDGET - RESERVE {
                break;
            }
            self.line(&row);
            left -= 1;
        }
        if left > 0 {
            let place = match self.report_file {
                Some(file) => format!("all are in the report, {}", code(file)),
                None => "with `report-file` the report lists all".to_owned(),
            };
            self.paragraph(&format!("…and {} more: {place}.", number(left as u64)));
        }
    }

    /// Adds a table of `items`. A column whose head begins with `#` holds numbers.
    pub(super) fn table<T>(
        &mut self,
        head: &[&str],
        items: &[T],
        most: usize,
        row: impl Fn(&T) -> Vec<String>,
    ) {
        let titles: Vec<&str> = head
            .iter()
            .map(|title| title.trim_start_matches('#'))
            .collect();
        let rule = head.iter().map(|title| {
            if title.starts_with('#') {
                "---:"
            } else {
                "---"
            }
        });
        let rule: Vec<&str> = rule.collect();
        self.paragraph(&format!("| {} |", titles.join(" | ")));
        self.line(&format!("| {} |", rule.join(" | ")));
        self.rows(items, most, |item| format!("| {} |", row(item).join(" | ")));
    }

    /// The finished page.
    pub(super) fn end(mut self, footer: &str) -> String {
        self.paragraph(footer);
        self.text
    }
}
