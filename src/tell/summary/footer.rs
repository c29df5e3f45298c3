//! The scope of the pass and its cost.

use crate::report::Report;
use crate::tell::markdown::code_long;
use crate::text::time;
use crate::text::{counted, number};

/// One line of small print. `Inputs::in_scope` lists the inputs that it shows.
pub(super) fn footer(report: &Report) -> String {
    let mut parts = Vec::new();
    if !report.scope.is_empty() {
        parts.push(code_long(&report.scope));
    }
    if let Some(window) = report.window {
        let start = time::in_a_sentence(window.start);
        parts.push(match window.end.or(report.began) {
            Some(end) => format!("window {start} to {}", time::in_a_sentence(end)),
            None => format!("window from {start}"),
        });
    }
    if report.began.is_some() {
        parts.push(match report.checkpoint {
            Some(checkpoint) => format!("checkpoint moved to {}", time::in_a_sentence(checkpoint)),
            None => "checkpoint not moved".into(),
        });
    }
    let usage = report.usage;
    let requests = counted(report.requests, "request");
    parts.push(match usage.remaining {
        Some(remaining) => {
            let (left, limit) = (number(remaining.left), number(remaining.limit));
            format!("{requests}, {left} of {limit} left this hour")
        }
        None => requests,
    });
    let took = time::duration(report.took);
    parts.push(match time::duration(report.waited()) {
        waited if report.waited().as_secs() > 0 => format!("{took}, {waited} of it waiting"),
        _ => took,
    });
    if let Some(end) = report.token_ends {
        parts.push(format!(
            "`{}` ends {}",
            end.input,
            time::in_a_sentence(end.at)
        ));
    }
    parts.push(concat!("redeliver-webhooks ", env!("CARGO_PKG_VERSION")).into());
    format!("<sub>{}</sub>", parts.join(" · "))
}
