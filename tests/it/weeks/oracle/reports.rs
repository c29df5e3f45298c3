//! A pass reports each failed delivery once, and nothing but the truth.

use std::collections::HashSet;

use redeliver_webhooks::model::Outcome;

use super::{Judge, SECOND};
use crate::weeks::record::PassReport;

impl Judge<'_> {
    pub(super) fn report(&mut self, number: usize) {
        let run = &self.record.passes[number];
        let Some(report) = &run.report else {
            return;
        };
        let mut seen = HashSet::new();
        for (hook, guid, outcome) in &report.outcomes {
            if !seen.insert((hook, guid)) {
                self.wrong(format!("pass {number} reports {hook}:{guid} twice"));
            }
            if outcome.is_lost() {
                self.given_up.entry((*hook, *guid)).or_insert(number);
                self.loss(number, *hook, *guid, *outcome);
            }
            let of = self.places.get(&(*hook, *guid));
            let delivered = of.and_then(|place| self.failed[*place].delivered);
            let delivered = delivered.is_some_and(|at| at <= run.ended + SECOND);
            if *outcome == Outcome::Recovered && !delivered {
                self.wrong(format!(
                    "pass {number} calls {hook}:{guid} recovered, which it is not"
                ));
            }
        }
        let accepted = self.record.redeliveries.iter();
        let accepted = accepted.filter(|sent| sent.by == Some(number) && sent.acknowledged);
        let accepted: Vec<_> = accepted.map(|sent| (sent.hook, sent.guid)).collect();
        let outputs = &report.outputs;
        if !outputs_add_up(report, accepted.len()) {
            self.wrong(format!(
                "the outputs of pass {number} do not add up: {outputs:?}"
            ));
        }
        for (hook, guid) in accepted {
            let is_reported = |(h, g, outcome): &(usize, u64, Outcome)| {
                let redelivered = [
                    Outcome::Recovered,
                    Outcome::FailedAgain,
                    Outcome::Unconfirmed,
                ];
                (*h, *g) == (hook, guid) && redelivered.contains(outcome)
            };
            if !report.outcomes.iter().any(is_reported) {
                self.wrong(format!(
                    "pass {number} had {hook}:{guid} redelivered, and does not report it"
                ));
            }
        }
    }
}

/// True if the outputs are the sums of the outcomes, and of the accepted requests.
fn outputs_add_up(report: &PassReport, accepted: usize) -> bool {
    let output = |name| report.outputs.get(name)?.parse::<usize>().ok();
    let count = |which: fn(Outcome) -> bool| {
        let outcomes = report.outcomes.iter();
        Some(outcomes.filter(|(.., outcome)| which(*outcome)).count())
    };
    output("failed") == count(|_| true)
        && output("recovered") == count(|outcome| outcome == Outcome::Recovered)
        && output("redelivered") == Some(accepted)
        && output("open") == count(Outcome::is_open)
        && output("lost") == count(Outcome::is_lost)
}
