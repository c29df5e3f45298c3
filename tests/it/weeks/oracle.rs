//! Judges a week by the events that truly happened in it.

mod checkpoint;
mod cost;
mod liveness;
mod losses;
mod reports;
mod truthful;

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, TimeDelta, Utc};
use redeliver_webhooks::model::LONGEST_BACKOFF;

use super::record::{AcceptedRedelivery, PassRecord, WeekRecord};
use super::script::{Delivery, Script, time};

const RETENTION: TimeDelta = TimeDelta::days(3);

/// The end of retention that the oracle does not judge: a pass's time is not exactly the oracle's.
const MARGIN: TimeDelta = TimeDelta::hours(1);

/// The window of a first pass.
const FIRST_LOOK: TimeDelta = TimeDelta::days(1);

/// The most that a checkpoint may be later than a delivery that no pass could see yet.
const OVERLAP: TimeDelta = TimeDelta::minutes(30);

/// Times in GitHub's log and of its clock are whole seconds.
const SECOND: TimeDelta = TimeDelta::seconds(2);

/// The oracle's verdict on a week.
#[derive(Clone, Debug, Default)]
pub(super) struct Verdict {
    /// Violations of the rules.
    pub(super) wrong: Vec<String>,
    /// Deliveries that were sent to a receiver again after it had accepted them, by the reason why a pass could not know.
    pub(super) doubles: BTreeMap<&'static str, usize>,
    /// The same for deliveries that were requested again before the row of the first request appeared.
    pub(super) repeats: BTreeMap<&'static str, usize>,
    /// Requests of undisturbed passes, and the number that would have been enough.
    pub(super) undisturbed: usize,
    pub(super) ideal: usize,
}

struct Failed {
    hook: usize,
    guid: u64,
    at: DateTime<Utc>,
    shows: DateTime<Utc>,
    poisoned: bool,
    delivered: Option<DateTime<Utc>>,
}

struct Judge<'a> {
    script: &'a Script,
    record: &'a WeekRecord,
    failed: Vec<Failed>,
    /// The index of each failed delivery in `failed`, and its redeliveries.
    places: HashMap<(usize, u64), usize>,
    sent: HashMap<(usize, u64), Vec<usize>>,
    /// No pass had to look at failures before this time.
    floor: DateTime<Utc>,
    /// The deliveries that the receiver of each webhook accepted, by slices of ten minutes.
    taken: Vec<BTreeMap<i64, Vec<DateTime<Utc>>>>,
    /// Deliveries that were given up, and the pass that did so.
    given_up: HashMap<(usize, u64), usize>,
    verdict: Verdict,
}

pub(super) fn judge(script: &Script, record: &WeekRecord) -> Verdict {
    let mut judge = Judge::new(script, record);
    judge.verdict.wrong.clone_from(&record.violations);
    for number in 0..record.passes.len() {
        judge.report(number);
        judge.truthful(number);
        judge.checkpoint(number);
    }
    for number in 0..record.redeliveries.len() {
        judge.sent(number);
    }
    for hook in 0..script.hooks.len() {
        judge.liveness(hook);
    }
    judge.cost();
    judge.verdict
}

fn slice(at: DateTime<Utc>) -> i64 {
    at.timestamp().div_euclid(600)
}

impl<'a> Judge<'a> {
    fn new(script: &'a Script, record: &'a WeekRecord) -> Self {
        let mut taken = vec![BTreeMap::<i64, Vec<_>>::new(); script.hooks.len()];
        let mut sent = HashMap::<_, Vec<usize>>::new();
        for (number, each) in record.redeliveries.iter().enumerate() {
            sent.entry((each.hook, each.guid)).or_default().push(number);
            if each.taken {
                let slice = taken[each.hook].entry(slice(each.made)).or_default();
                slice.push(each.shows);
            }
        }
        let first = record
            .passes
            .iter()
            .filter(|run| run.first && run.checkpoint.is_some());
        let floor = first.map(|run| run.began - FIRST_LOOK).max();
        let mut judge = Self {
            script,
            record,
            failed: Vec::new(),
            places: HashMap::new(),
            sent,
            floor: floor.unwrap_or(DateTime::<Utc>::MIN_UTC),
            taken,
            given_up: HashMap::new(),
            verdict: Verdict::default(),
        };
        let last = record.passes.last().map_or(time(0), |run| run.ended);
        for (hook, each) in script.hooks.iter().enumerate() {
            for delivery in each.deliveries.iter().filter(|each| time(each.at) <= last) {
                judge.log(hook, delivery);
            }
        }
        judge
    }

    fn log(&mut self, hook: usize, delivery: &Delivery) {
        let at = time(delivery.at);
        let shows = at + TimeDelta::seconds(self.script.lag_at(delivery.at));
        if !delivery.blip && !delivery.poisoned && self.script.takes(hook, at) {
            self.taken[hook].entry(slice(at)).or_default().push(shows);
            return;
        }
        let key = (hook, delivery.guid);
        let done = self.sent_of(key).filter(|sent| sent.taken);
        let delivered = done.map(|sent| sent.made).min();
        self.places.insert(key, self.failed.len());
        self.failed.push(Failed {
            hook,
            guid: delivery.guid,
            at,
            shows,
            poisoned: delivery.poisoned,
            delivered,
        });
    }

    /// All redeliveries of a delivery.
    fn sent_of(
        &self,
        key: (usize, u64),
    ) -> impl Iterator<Item = &'a AcceptedRedelivery> + use<'a, '_> {
        let record = self.record;
        let sent = self.sent.get(&key).into_iter().flatten();
        sent.map(move |number| &record.redeliveries[*number])
    }

    fn wrong(&mut self, what: String) {
        self.verdict.wrong.push(what);
    }

    /// Redeliveries of a delivery whose rows showed before a time.
    fn shown(
        &self,
        hook: usize,
        guid: u64,
        by: DateTime<Utc>,
    ) -> impl Iterator<Item = &'a AcceptedRedelivery> {
        self.sent_of((hook, guid))
            .filter(move |sent| sent.shows < by)
    }

    /// The number of failed redeliveries that certainly count: a success near each of them appeared in time.
    fn counted(&self, hook: usize, guid: u64, by: DateTime<Utc>, lenient: bool) -> usize {
        let failed = self.shown(hook, guid, by).filter(|sent| !sent.taken);
        let counts = |sent: &&AcceptedRedelivery| {
            let beside = self.taken[hook].range(slice(sent.made) - 1..=slice(sent.made) + 1);
            let in_time = by.min(sent.made + OVERLAP);
            beside
                .flat_map(|(_, shows)| shows)
                .any(|shows| lenient || *shows <= in_time)
        };
        failed.filter(counts).count()
    }

    /// True if its webhook was inactive at some time since it failed: no pass could see it then.
    fn was_off(&self, failed: &Failed, by: DateTime<Utc>) -> bool {
        let mut off = self.script.hooks[failed.hook].off.iter();
        off.any(|off| time(off.end) > failed.at && time(off.start) <= by)
    }

    /// Checks that a redelivery which a pass requested was due.
    fn sent(&mut self, number: usize) {
        let sent = &self.record.redeliveries[number];
        let Some(pass) = sent.by else {
            return;
        };
        let (hook, guid) = (sent.hook, sent.guid);
        let run = &self.record.passes[pass];
        let shown: Vec<_> = self.shown(hook, guid, run.began).collect();
        let counted = self.counted(hook, guid, run.began, false);
        // In an outage a pass goes by the state and by the newest page. It does not know of redeliveries further back that
        // are not in the state.
        let forgotten = shown.iter().any(|sent| {
            sent.by.is_none_or(|by| {
                let run = &self.record.passes[by];
                run.overlapped || run.killed || run.write_failed
            })
        }) || shown
            .first()
            .is_some_and(|first| self.tampered(first.at, sent.at));
        if counted >= self.script.max_redeliveries && forgotten {
            *self
                .verdict
                .repeats
                .entry("once more, as one was forgotten")
                .or_default() += 1;
        } else if counted >= self.script.max_redeliveries {
            self.wrong(format!(
                "pass {pass} asks for {hook}:{guid} after {counted} counted failures"
            ));
        }
        if let Some(newest) = shown.iter().map(|sent| sent.made).max() {
            let wait = TimeDelta::minutes(5 << (shown.len() - 1).min(8)).min(LONGEST_BACKOFF);
            let early = sent.at < newest + wait - SECOND;
            if early && forgotten {
                *self
                    .verdict
                    .repeats
                    .entry("early, as one was forgotten")
                    .or_default() += 1;
            } else if early {
                let (at, times) = (sent.at, shown.len());
                self.wrong(format!("pass {pass} asks for {hook}:{guid} at {at}, after {times} redeliveries, the last at {newest}"));
            }
        }
        self.repeated(number, sent, run);
    }

    /// Checks that a redelivery does not repeat an earlier one whose outcome its pass could know.
    fn repeated(&mut self, number: usize, sent: &AcceptedRedelivery, run: &PassRecord) {
        let (hook, guid) = (sent.hook, sent.guid);
        let pass = sent.by.unwrap();
        let all = &self.sent[&(hook, guid)];
        let before = all.partition_point(|each| *each < number);
        let mut earlier = all[..before]
            .iter()
            .map(|each| &self.record.redeliveries[*each]);
        let hour = TimeDelta::hours(1) - SECOND;
        if let Some(taken) = earlier.clone().find(|each| each.taken) {
            match self.excuse(taken, sent, run) {
                Some(excuse) => *self.verdict.doubles.entry(excuse).or_default() += 1,
                None => self.wrong(format!(
                    "pass {pass} sends {hook}:{guid} twice: it was accepted at {}, which shows {}",
                    taken.made, taken.shows
                )),
            }
        } else if let Some(before) =
            earlier.rfind(|each| each.shows > sent.at && sent.at < each.at + hour)
        {
            match self.excuse(before, sent, run) {
                Some(excuse) => *self.verdict.repeats.entry(excuse).or_default() += 1,
                None => self.wrong(format!("pass {pass} asks for {hook}:{guid} again, which was asked for at {} and shows {}", before.at, before.shows)),
            }
        }
    }

    /// True if the state may have been lost since a time.
    fn forgot(&self, since: DateTime<Utc>, run: &PassRecord) -> bool {
        let passes = self.record.passes.iter();
        let mut unwritten = passes.filter(|each| each.write_failed || each.killed);
        self.tampered(since, run.ended)
            || unwritten.any(|each| each.ended >= since && each.began <= run.began)
    }

    /// True if the state was tampered with in this time.
    fn tampered(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> bool {
        self.record
            .tampered
            .iter()
            .any(|at| (from..=to).contains(at))
    }

    /// The reason why a pass could not know of an earlier redelivery.
    fn excuse(
        &self,
        earlier: &AcceptedRedelivery,
        sent: &AcceptedRedelivery,
        run: &PassRecord,
    ) -> Option<&'static str> {
        if earlier.shows < run.began {
            return None;
        }
        let Some(by) = earlier.by else {
            return Some("by hand at the same time");
        };
        if earlier.by == sent.by {
            return (!earlier.acknowledged).then_some("no answer, and the log came past it");
        }
        let between = &self.record.passes[by..sent.by.unwrap_or(by).max(by)];
        let last = &self.record.passes[sent.by.unwrap_or(by)];
        if !self.script.keeps_checkpoint {
            Some("no checkpoint is kept")
        } else if between.iter().any(|run| run.overlapped) || last.overlapped {
            Some("passes overlapped")
        } else if self.record.passes[by].killed {
            Some("the pass was killed")
        } else if self.tampered(earlier.at, sent.at) {
            Some("the state was tampered with")
        } else if between.iter().any(|run| run.write_failed) {
            Some("the state could not be written")
        } else if !last.read_state || between.iter().skip(1).any(|run| !run.read_state) {
            Some("the state could not be read")
        } else if !earlier.acknowledged && sent.at >= earlier.at + TimeDelta::minutes(10) - SECOND {
            Some("no answer, and a long lag")
        } else {
            None
        }
    }
}
