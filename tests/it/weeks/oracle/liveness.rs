//! A receiver that is up for long enough gets every delivery that GitHub still redelivers.

use chrono::{DateTime, TimeDelta, Utc};
use redeliver_webhooks::model::LONGEST_BACKOFF;

use super::{Judge, MARGIN, RETENTION};
use crate::weeks::record::PassRecord;
use crate::weeks::script::{Script, time};

/// The time in which a delivery must arrive that failed again and again while its receiver was down: six hours without
/// a sign of life, the longest back-off, and a few passes.
const PATIENCE: TimeDelta = TimeDelta::minutes(390 + LONGEST_BACKOFF.num_minutes());

/// The worth of the passes that must run in this time: an undisturbed one counts three, a disturbed one counts one.
const GOOD_PASSES: usize = 15;

/// The passes since a receiver is up.
struct Up {
    since: DateTime<Utc>,
    /// The time when each began, and the sum of those before it.
    passes: Vec<(DateTime<Utc>, usize)>,
    sum: usize,
}

impl Up {
    /// The worth of the passes that began at this time or later.
    fn since(&self, time: DateTime<Utc>) -> usize {
        let later = self.passes.partition_point(|(began, _)| *began < time);
        self.sum
            - self
                .passes
                .get(later)
                .map_or(self.sum, |(_, before)| *before)
    }
}

/// The worth of a pass to a webhook.
fn worth(script: &Script, hook: usize, run: &PassRecord) -> usize {
    let Some(report) = &run.report else {
        return 0;
    };
    // If GitHub refuses many requests, three refusals in a row end its webhook's turn.
    let mut refusals = script.hooks[hook].refusals.iter();
    if refusals
        .any(|each| time(each.during.end) > run.began && time(each.during.start) <= run.ended)
    {
        return 0;
    }
    match report.whole.contains(&hook) && !run.overlapped {
        true if report.errors.is_empty() && run.faults == 0 => 3,
        whole => usize::from(whole),
    }
}

impl Judge<'_> {
    pub(super) fn liveness(&mut self, hook: usize) {
        let mut up: Option<Up> = None;
        let mut late = Vec::new();
        let outages = &self.script.hooks[hook].outages;
        let is_ours = |each: &&super::Failed| each.hook == hook && !each.poisoned;
        let failed: Vec<_> = self.failed.iter().filter(is_ours).collect();
        for (number, run) in self.record.passes.iter().enumerate() {
            let since = up.as_ref().map_or(run.began, |up| up.since);
            if outages
                .iter()
                .any(|out| time(out.end) > since && time(out.start) <= run.ended)
            {
                up = None;
                continue;
            }
            let up = up.get_or_insert(Up {
                since,
                passes: Vec::new(),
                sum: 0,
            });
            up.passes.push((run.began, up.sum));
            up.sum += worth(self.script, hook, run);
            if up.sum < GOOD_PASSES || run.ended - up.since < PATIENCE {
                continue;
            }
            for each in &failed {
                let since = each.shows.max(up.since);
                let open = each.delivered.is_none_or(|at| at > run.ended);
                if open
                    && each.at > (run.ended - RETENTION + MARGIN).max(self.floor)
                    && run.ended - since >= PATIENCE
                    && up.since(since) >= GOOD_PASSES
                    && !self.given_up.contains_key(&(hook, each.guid))
                    && !(self.was_off(each, run.began) && self.forgot(each.at, run))
                {
                    late.push(format!(
                        "by pass {number} {hook}:{} of {} is not delivered",
                        each.guid, each.at
                    ));
                }
            }
        }
        late.truncate(3);
        self.verdict.wrong.extend(late);
    }
}
