//! No checkpoint passes what is open.

use super::super::truth::Told;
use super::{Failed, Judge, MARGIN, OVERLAP, RETENTION, SECOND};

impl Judge<'_> {
    /// The checkpoint is not later than any delivery that is open.
    pub(super) fn checkpoint(&mut self, number: usize) {
        let ran = &self.truth.ran[number];
        let Some(checkpoint) = ran.checkpoint else {
            return;
        };
        let told = ran.report.as_ref();
        let told = told.filter(|told| told.errors.is_empty() && !ran.overlapped);
        // What a limit left where it was is covered by the overlap.
        let left = |told: &&Told| {
            let mut warnings = told.warnings.iter();
            warnings.any(|warning| warning.starts_with("The checkpoint was not moved"))
        };
        let told = told.filter(|told| !left(told));
        let sure = |hook| told.is_some_and(|told| told.whole.contains(&hook));
        let open = |each: &&Failed| {
            each.delivered.is_none_or(|at| at > ran.ended)
                && each.at <= ran.began
                && each.at >= (ran.ended - RETENTION + MARGIN).max(self.floor)
                && !self.given_up.contains_key(&(each.hook, each.guid))
                && !self.was_off(each, ran.began)
                // A pass that was killed tells nobody what it gave up.
                && self.counted(each.hook, each.guid, ran.ended + SECOND, true) < self.script.max_redeliveries
        };
        let late = self.failed.iter().filter(open).filter(|each| {
            let most = if sure(each.hook) && each.shows < ran.began {
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
