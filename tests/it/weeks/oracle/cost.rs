//! Undisturbed passes make hardly more requests than they need.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Judge, OVERLAP, RETENTION};
use crate::weeks::record::{AcceptedRedelivery, PassRecord};
use crate::weeks::script::time;

/// Requests of a pass besides logs and redeliveries: it reads checkpoint, state and the list of webhooks, and
/// writes those that changed.
const BASE: usize = 5;

/// Redeliveries further apart are of different waves.
const APART: TimeDelta = TimeDelta::milliseconds(1_500);

/// Seconds between looks at the outcome of a wave, and the longest time that a pass waits for it.
const LOOK: i64 = 5;
const LONGEST_LOOK: TimeDelta = TimeDelta::seconds(60);

/// The most requests of a week: so many times the ideal, and so many more.
const AT_MOST: f64 = 1.5;
const BESIDES: usize = 40;

impl Judge<'_> {
    pub(super) fn cost(&mut self) {
        let rows: Vec<_> = (0..self.script.hooks.len())
            .map(|hook| self.rows(hook))
            .collect();
        let mut healthy = Vec::new();
        for (number, pair) in self.record.passes.windows(2).enumerate() {
            let (before, run) = (&pair[0], &pair[1]);
            let is_undisturbed = |run| is_undisturbed(run, rows.len());
            if !is_undisturbed(before) || !is_undisturbed(run) || !self.script.keeps_checkpoint {
                continue;
            }
            let off = (0..rows.len()).any(|hook| self.off(hook, before, run));
            if off || self.tampered(before.began, run.ended) {
                continue;
            }
            let read = rows.iter().enumerate().map(|(hook, rows)| {
                let from = self.read_back_to(hook, before, run);
                pages(rows, self.script.page, from, run.began)
            });
            let asked: Vec<_> = self
                .record
                .redeliveries
                .iter()
                .filter(|sent| sent.by == Some(number + 1))
                .collect();
            let looks: usize = (0..rows.len()).map(|hook| looks(&asked, hook)).sum();
            let ideal = BASE + read.sum::<usize>() + asked.len() + looks;
            self.verdict.undisturbed += run.requests;
            self.verdict.ideal += ideal;
            let found = |run: &PassRecord| {
                run.report
                    .as_ref()
                    .is_none_or(|report| !report.outcomes.is_empty())
            };
            if !found(before) && !found(run) && run.requests > ideal {
                healthy.push(format!(
                    "pass {} is healthy and makes {} requests where {ideal} would do",
                    number + 1,
                    run.requests
                ));
            }
        }
        self.verdict.wrong.extend(healthy);
        let (ideal, undisturbed) = (self.verdict.ideal, self.verdict.undisturbed);
        if undisturbed as f64 > ideal as f64 * AT_MOST + BESIDES as f64 {
            self.wrong(format!(
                "{undisturbed} requests are made where {ideal} would do"
            ));
        }
    }

    /// The time back to which a pass must read, usually the checkpoint. If a person redelivered a delivery without
    /// success, and the pass before did not know of it, the pass reads back to its first attempt: only that shows if the
    /// delivery is too old.
    fn read_back_to(&self, hook: usize, before: &PassRecord, run: &PassRecord) -> DateTime<Utc> {
        let from = before.began - OVERLAP;
        let report = before.report.as_ref();
        let knew = |guid| {
            report.is_some_and(|report| {
                let mut outcomes = report.outcomes.iter();
                outcomes.any(|each| (each.0, each.1) == (hook, guid))
            })
        };
        let by_hand = self.record.redeliveries.iter().filter(|sent| {
            let new = sent.by.is_none() && sent.shows > from && sent.made <= run.ended;
            new && sent.hook == hook && !sent.taken && !knew(sent.guid)
        });
        by_hand
            .flat_map(|sent| {
                let mut failed = self.failed.iter();
                failed.find(|each| (each.hook, each.guid) == (hook, sent.guid))
            })
            .map(|each| each.at.max(run.began - RETENTION))
            .fold(from, DateTime::min)
    }

    /// True if a webhook was inactive during or between two passes.
    fn off(&self, hook: usize, before: &PassRecord, run: &PassRecord) -> bool {
        let mut off = self.script.hooks[hook].off.iter();
        off.any(|off| time(off.end) > before.began && time(off.start) <= run.ended)
    }

    /// The times of all rows of a webhook's log, in order.
    fn rows(&self, hook: usize) -> Vec<DateTime<Utc>> {
        let originals = self.script.hooks[hook]
            .deliveries
            .iter()
            .map(|each| time(each.at));
        let sent = self
            .record
            .redeliveries
            .iter()
            .filter(|sent| sent.hook == hook);
        let mut rows: Vec<_> = originals.chain(sent.map(|sent| sent.made)).collect();
        rows.sort_unstable();
        rows
    }
}

/// The number of pages that reach back to `from`, those of the very moment `now` included, and one more, as rows now and then swap places with their neighbours on the next.
fn pages(rows: &[DateTime<Utc>], page: usize, from: DateTime<Utc>, now: DateTime<Utc>) -> usize {
    let older = |time: DateTime<Utc>| rows.partition_point(|at| *at < time);
    let seen = rows.partition_point(|at| *at <= now);
    let all = seen.div_ceil(page).max(1);
    (2 + (seen - older(from)) / page).min(all)
}

/// The number of times that a pass reads the log to confirm its redeliveries, wave by wave.
fn looks(asked: &[&AcceptedRedelivery], hook: usize) -> usize {
    let mut looks = 0;
    let mut before: Option<&AcceptedRedelivery> = None;
    for sent in asked.iter().filter(|sent| sent.hook == hook) {
        if before.is_none_or(|before| sent.at - before.at > APART) {
            let lag = (sent.shows - sent.at).min(LONGEST_LOOK).num_seconds();
            looks += 1 + (lag / LOOK).unsigned_abs() as usize;
        }
        before = Some(sent);
    }
    looks
}

fn is_undisturbed(run: &PassRecord, hooks: usize) -> bool {
    let report = run.report.as_ref();
    let clean =
        report.is_some_and(|report| report.errors.is_empty() && report.whole.len() == hooks);
    clean && !run.overlapped && run.faults == 0 && !run.write_failed
}
