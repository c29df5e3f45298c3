//! What passes cost that nothing disturbed, beside what would have done.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Judge, OVERLAP, RETENTION};
use crate::weeks::script::time;
use crate::weeks::truth::{Ran, Sent};

/// What a pass costs besides logs and redeliveries: checkpoint, state and the list of webhooks are read, and
/// what is new is written.
const BASE: usize = 5;

/// Redeliveries further apart are of different waves.
const APART: TimeDelta = TimeDelta::milliseconds(1_500);

/// Seconds between looks at what came of a wave, and how long that is looked for.
const LOOK: i64 = 5;
const LONGEST_LOOK: TimeDelta = TimeDelta::seconds(60);

/// How many times the ideal a week may cost, and what it may cost besides.
const AT_MOST: f64 = 1.5;
const BESIDES: usize = 40;

impl Judge<'_> {
    pub(super) fn cost(&mut self) {
        let rows: Vec<_> = (0..self.script.hooks.len())
            .map(|hook| self.rows(hook))
            .collect();
        let mut healthy = Vec::new();
        for (number, pair) in self.truth.ran.windows(2).enumerate() {
            let (before, ran) = (&pair[0], &pair[1]);
            let is_undisturbed = |ran| is_undisturbed(ran, rows.len());
            if !is_undisturbed(before) || !is_undisturbed(ran) || !self.script.keeps_checkpoint {
                continue;
            }
            let off = (0..rows.len()).any(|hook| self.off(hook, before, ran));
            if off || self.tampered(before.began, ran.ended) {
                continue;
            }
            let read = rows.iter().enumerate().map(|(hook, rows)| {
                let from = self.read_back_to(hook, before, ran);
                pages(rows, self.script.page, from, ran.began)
            });
            let asked: Vec<_> = self
                .truth
                .sent
                .iter()
                .filter(|sent| sent.by == Some(number + 1))
                .collect();
            let looks: usize = (0..rows.len()).map(|hook| looks(&asked, hook)).sum();
            let ideal = BASE + read.sum::<usize>() + asked.len() + looks;
            self.verdict.undisturbed += ran.requests;
            self.verdict.ideal += ideal;
            let found = |ran: &Ran| {
                ran.report
                    .as_ref()
                    .is_none_or(|told| !told.outcomes.is_empty())
            };
            if !found(before) && !found(ran) && ran.requests > ideal {
                healthy.push(format!(
                    "pass {} is healthy and makes {} requests where {ideal} would do",
                    number + 1,
                    ran.requests
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

    /// How far back a pass has to read: to the checkpoint; but if a person redelivered one in vain that the pass before
    /// knew nothing of, to its first attempt, for what is too old can't be told from what is not before it is seen.
    fn read_back_to(&self, hook: usize, before: &Ran, ran: &Ran) -> DateTime<Utc> {
        let from = before.began - OVERLAP;
        let told = before.report.as_ref();
        let knew = |guid| {
            told.is_some_and(|told| {
                let mut outcomes = told.outcomes.iter();
                outcomes.any(|each| (each.0, each.1) == (hook, guid))
            })
        };
        let by_hand = self.truth.sent.iter().filter(|sent| {
            let new = sent.by.is_none() && sent.shows > from && sent.made <= ran.ended;
            new && sent.hook == hook && !sent.taken && !knew(sent.guid)
        });
        by_hand
            .flat_map(|sent| {
                let mut failed = self.failed.iter();
                failed.find(|each| (each.hook, each.guid) == (hook, sent.guid))
            })
            .map(|each| each.at.max(ran.began - RETENTION))
            .fold(from, DateTime::min)
    }

    /// Whether a webhook was switched off during or between two passes.
    fn off(&self, hook: usize, before: &Ran, ran: &Ran) -> bool {
        let mut off = self.script.hooks[hook].off.iter();
        off.any(|off| time(off.end) > before.began && time(off.start) <= ran.ended)
    }

    /// The times of all rows of a webhook's log, in order.
    fn rows(&self, hook: usize) -> Vec<DateTime<Utc>> {
        let originals = self.script.hooks[hook]
            .deliveries
            .iter()
            .map(|each| time(each.at));
        let sent = self.truth.sent.iter().filter(|sent| sent.hook == hook);
        let mut rows: Vec<_> = originals.chain(sent.map(|sent| sent.made)).collect();
        rows.sort_unstable();
        rows
    }
}

/// How many pages reach back to `from`, those of the very moment `now` included, and one more, as rows now and then swap places with their neighbours on the next.
fn pages(rows: &[DateTime<Utc>], page: usize, from: DateTime<Utc>, now: DateTime<Utc>) -> usize {
    let older = |time: DateTime<Utc>| rows.partition_point(|at| *at < time);
    let seen = rows.partition_point(|at| *at <= now);
    let all = seen.div_ceil(page).max(1);
    (2 + (seen - older(from)) / page).min(all)
}

/// How often a pass looks for what came of its redeliveries, wave by wave.
fn looks(asked: &[&Sent], hook: usize) -> usize {
    let mut looks = 0;
    let mut before: Option<&Sent> = None;
    for sent in asked.iter().filter(|sent| sent.hook == hook) {
        if before.is_none_or(|before| sent.at - before.at > APART) {
            let lag = (sent.shows - sent.at).min(LONGEST_LOOK).num_seconds();
            looks += 1 + (lag / LOOK).unsigned_abs() as usize;
        }
        before = Some(sent);
    }
    looks
}

fn is_undisturbed(ran: &Ran, hooks: usize) -> bool {
    let told = ran.report.as_ref();
    let clean = told.is_some_and(|told| told.errors.is_empty() && told.whole.len() == hooks);
    clean && !ran.overlapped && ran.faults == 0 && !ran.ill_written
}
