//! The report as Markdown, for the job summary, and in a sentence, for everywhere.
//!
//! Pure. What GitHub or a receiver said is only ever shown in code spans, where nothing is markup.
//!
//! | part | what it tells |
//! |---|---|
//! | `next_steps` | what to do after the verdict |
//! | `counts` | how many are open, lost, skipped |
//! | `webhooks` | each webhook and how it is, worst first |
//! | `causes` | what deliveries died of, and what to do about it |
//! | `timeline` | when they failed |
//! | `deliveries` | those that need a person, and the others, folded |
//! | `footer` | what the pass was over, and what it cost |
//! | `page`, `time` | what all of these are written with |

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
use page::Page;

/// Most errors and most warnings that are told.
const MESSAGES: usize = 20;

/// The job summary.
pub fn markdown(report: &Report) -> String {
    let mut page = Page::new(report);
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

/// What shows from afar how it went.
fn mark(result: PassResult) -> &'static str {
    match result {
        PassResult::Healthy | PassResult::Recovered => "✅",
        PassResult::Open | PassResult::Unread => "🟡",
        PassResult::Down => "🔴",
        PassResult::Lost | PassResult::Error => "❌",
        PassResult::Cancelled => "⚪",
    }
}

fn messages(page: &mut Page<'_>, title: &str, messages: &[String]) {
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
