//! Whoever is up for long enough gets everything that is young enough.

use chrono::{DateTime, TimeDelta, Utc};
use redeliver_webhooks::model::LONGEST_BACKOFF;

use super::{Judge, MARGIN, RETENTION};
use crate::weeks::script::{Script, time};
use crate::weeks::truth::Ran;

/// What a delivery may take that failed again and again while its receiver was down: six hours without
/// a sign of life, the longest back-off, and a few passes.
const PATIENCE: TimeDelta = TimeDelta::minutes(390 + LONGEST_BACKOFF.num_minutes());

/// What passes must come to in this time: an undisturbed one to three, one with trouble to one.
const GOOD_PASSES: usize = 15;

/// The passes since a receiver is up.
struct Up {
    since: DateTime<Utc>,
    /// When each began, and what those before it come to.
    passes: Vec<(DateTime<Utc>, usize)>,
    sum: usize,
}

impl Up {
    /// What the passes come to that began at this time or later.
    fn since(&self, time: DateTime<Utc>) -> usize {
        let later = self.passes.partition_point(|(began, _)| *began < time);
        self.sum
            - self
                .passes
                .get(later)
                .map_or(self.sum, |(_, before)| *before)
    }
}

/// What a pass is worth to a webhook.
fn worth(script: &Script, hook: usize, ran: &Ran) -> usize {
    let Some(told) = &ran.report else {
        return 0;
    };
    // Where GitHub refuses many, three in a row end its webhook's turn.
    let mut refusals = script.hooks[hook].refusals.iter();
    if refusals
        .any(|each| time(each.during.end) > ran.began && time(each.during.start) <= ran.ended)
    {
        return 0;
    }
    match told.whole.contains(&hook) && !ran.overlapped {
        true if told.errors.is_empty() && ran.faults == 0 => 3,
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
        for (number, ran) in self.truth.ran.iter().enumerate() {
            let since = up.as_ref().map_or(ran.began, |up| up.since);
            if outages
                .iter()
                .any(|out| time(out.end) > since && time(out.start) <= ran.ended)
            {
                up = None;
                continue;
            }
            let up = up.get_or_insert(Up {
                since,
                passes: Vec::new(),
                sum: 0,
            });
            up.passes.push((ran.began, up.sum));
            up.sum += worth(self.script, hook, ran);
            if up.sum < GOOD_PASSES || ran.ended - up.since < PATIENCE {
                continue;
            }
            for each in &failed {
                let since = each.shows.max(up.since);
                let open = each.delivered.is_none_or(|at| at > ran.ended);
                if open
                    && each.at > (ran.ended - RETENTION + MARGIN).max(self.floor)
                    && ran.ended - since >= PATIENCE
                    && up.since(since) >= GOOD_PASSES
                    && !self.given_up.contains_key(&(hook, each.guid))
                    && !(self.was_off(each, ran.began) && self.forgot(each.at, ran))
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
