//! Nothing is given up that need not be.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use redeliver_webhooks::model::Outcome;

use super::{Judge, MARGIN, RETENTION, SECOND};
use crate::weeks::script::time;

/// The time before the end of retention in which one refusal is enough.
const AGED_OUT: TimeDelta = TimeDelta::hours(6);

impl Judge<'_> {
    /// Nothing is given up that need not be.
    pub(super) fn loss(&mut self, number: usize, hook: usize, guid: u64, outcome: Outcome) {
        let run = &self.record.passes[number];
        let place = self.places.get(&(hook, guid));
        let at = place.map_or(time(0), |place| self.failed[*place].at);
        let right = match outcome {
            Outcome::Exhausted => {
                self.counted(hook, guid, run.ended + SECOND, true) >= self.script.max_redeliveries
            }
            Outcome::Rejected if self.is_refused_for_good(hook, guid, number) => true,
            Outcome::Rejected => at < run.ended - RETENTION + AGED_OUT,
            _ => at < run.ended - RETENTION + MARGIN,
        };
        if !right {
            self.wrong(format!("pass {number} gives up {hook}:{guid}: {}", outcome));
        }
    }

    /// True if GitHub refused a delivery in three passes that others of its webhook got through, the first and the last an
    /// hour or more apart.
    fn is_refused_for_good(&self, hook: usize, guid: u64, number: usize) -> bool {
        let refused = self.record.refused.iter().filter(|refused| {
            let others_got_through = || {
                let mut sent = self.record.redeliveries.iter();
                sent.any(|sent| sent.hook == hook && sent.by == Some(refused.by))
            };
            (refused.hook, refused.guid) == (hook, guid)
                && refused.by <= number
                && others_got_through()
        });
        let times: BTreeMap<_, _> = refused.map(|refused| (refused.by, refused.at)).collect();
        let (first, last) = (times.values().min(), times.values().max());
        let apart = first.zip(last).map(|(first, last)| *last - *first);
        times.len() >= 3 && apart >= Some(TimeDelta::hours(1) - SECOND)
    }
}
