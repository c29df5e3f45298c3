//! The report as Markdown, for the job summary.
//!
//! Pure. Text from GitHub or a receiver only appears in code spans, where nothing is markup.
//!
//! | part | content |
//! |---|---|
//! | `next_steps` | the steps to take after the verdict |
//! | `counts` | numbers of recovered, open, lost and skipped deliveries |
//! | `webhooks` | the state of each webhook, worst first |
//! | `causes` | the causes of failed deliveries, and the step that fixes each |
//! | `timeline` | when deliveries failed |
//! | `deliveries` | deliveries that need a person, then all others, folded |
//! | `footer` | the scope of the pass and its cost |
//! | `page` | the page that all of these write to, within its budget |

mod causes;
mod counts;
mod deliveries;
mod footer;
mod next_steps;
mod page;
mod timeline;
mod webhooks;

use crate::model::PassResult;
use crate::report::Report;
use crate::tell::markdown::{code, code_long};
use page::SummaryPage;

/// Most errors, warnings and notes that are listed.
const MESSAGES: usize = 20;

/// The job summary.
pub fn markdown(report: &Report) -> String {
    let mut page = SummaryPage::new(report);
    let result = report.result();
    let mark = mark(result);
    page.line(&format!("### {mark} Webhook deliveries: {result}"));
    page.paragraph(&report.verdict_with(code));
    match &next_steps::next_steps(report)[..] {
        [] => {}
        [step] => page.paragraph(&format!("**What to do:** {step}")),
        steps => {
            page.paragraph("**What to do:**");
            page.line("");
            steps
                .iter()
                .for_each(|step| page.line(&format!("- {step}")));
        }
    }
    if let Some(first_pass) = next_steps::first_pass(report) {
        page.paragraph(&first_pass);
    }
    messages(&mut page, "Errors", &report.errors);
    counts::write(&mut page, report);
    webhooks::write(&mut page, report);
    causes::write(&mut page, report);
    timeline::write(&mut page, report);
    deliveries::write(&mut page, report);
    messages(&mut page, "Warnings", &report.warnings);
    messages(&mut page, "Notes", &report.notes);
    page.end(&footer::footer(report))
}

/// The emoji for a result.
fn mark(result: PassResult) -> &'static str {
    match result {
        PassResult::Healthy | PassResult::Recovered => "✅",
        PassResult::Open | PassResult::Unread => "🟡",
        PassResult::Down => "🔴",
        PassResult::Lost | PassResult::Error => "❌",
        PassResult::Cancelled => "⚪",
    }
}

fn messages(page: &mut SummaryPage<'_>, title: &str, messages: &[String]) {
    if messages.is_empty() {
        return;
    }
    page.paragraph(&format!("**{title}**"));
    page.line("");
    page.rows(messages, MESSAGES, |message| {
        format!("- {}", code_long(message))
    });
}

#[cfg(test)]
mod tests;
