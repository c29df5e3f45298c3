//! Markdown that stays within its budget.

use crate::report::Report;
use crate::tell::markdown::code;
use crate::text::number;

/// Longest summary, in bytes. GitHub drops one that is over 1 MiB, and people read none so long.
pub(super) const BUDGET: usize = 256 * 1024;

/// What is kept free for all that is no row: heads, sentences, the footer. All of it is ours and short.
const RESERVE: usize = 32 * 1024;

/// A page in the making. What must be there is put in by `line` and `paragraph`, what may be left out by `rows`
/// and `table`.
pub(super) struct Page<'a> {
    text: String,
    /// Where the report is as JSON.
    report_file: Option<&'a str>,
}

impl<'a> Page<'a> {
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

    /// A line with an empty one before it.
    pub(super) fn paragraph(&mut self, line: &str) {
        self.line("");
        self.line(line);
    }

    /// What is folded away under `title`.
    pub(super) fn folded(&mut self, title: &str, fill: impl FnOnce(&mut Self)) {
        self.paragraph(&format!("<details><summary>{title}</summary>"));
        fill(self);
        self.paragraph("</details>");
    }

    /// Adds as many rows as may be and fit, and says how many more there are and where.
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

    /// A table of `items`. A column whose head begins with `#` holds numbers.
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

    /// The whole page, with its last line.
    pub(super) fn end(mut self, footer: &str) -> String {
        self.paragraph(footer);
        self.text
    }
}
