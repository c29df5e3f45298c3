//! No checkpoint passes an open delivery.

use super::super::record::PassReport;
use super::{Failed, Judge, MARGIN, OVERLAP, RETENTION, SECOND};

impl Judge<'_> {
    /// The checkpoint is not later than any delivery that is open.
    pub(super) fn checkpoint(&mut self, number: usize) {
        let run = &self.record.passes[number];
        let Some(checkpoint) = run.checkpoint else {
            return;
        };
        let report = run.report.as_ref();
        let report = report.filter(|report| report.errors.is_empty() && !run.overlapped);
        // The overlap covers a checkpoint that a limit kept in place.
        let left = |report: &&PassReport| {
            let mut warnings = report.warnings.iter();
            warnings.any(|warning| warning.starts_with("The checkpoint was not moved"))
        };
        let report = report.filter(|report| !left(report));
        let sure = |hook| report.is_some_and(|report| report.whole.contains(&hook));
        let open = |each: &&Failed| {
            each.delivered.is_none_or(|at| at > run.ended)
                && each.at <= run.began
                && each.at >= (run.ended - RETENTION + MARGIN).max(self.floor)
                && !self.given_up.contains_key(&(each.hook, each.guid))
                && !self.was_off(each, run.began)
                // A pass that was killed does not report the deliveries that it gave up.
                && self.counted(each.hook, each.guid, run.ended + SECOND, true) < self.script.max_redeliveries
        };
        let late = self.failed.iter().filter(open).filter(|each| {
            let most = if sure(each.hook) && each.shows < run.began {
                SECOND
            } else {
                OVERLAP
            };
            checkpoint > each.at + most
        });
        let late: Vec<_> = late
            .map(|each| {
                format!(
                    "after pass {number} the checkpoint {checkpoint} is later than {}:{} of {}",
                    each.hook, each.guid, each.at
                )
            })
            .collect();
        self.verdict.wrong.extend(late);
    }
}
