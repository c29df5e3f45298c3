//! One webhook's own way through the pass: scan, plan, redeliver, remember. It waits for the webhooks of
//! the same receiver, and for no others.

mod outage;
mod result;
mod unreadable;

use std::borrow::Cow;
use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::SetOnce;

use crate::decide::plan::{Plan, counts, counts_before, plan};
use crate::decide::wave;
use crate::github::Client;
use crate::model::Guid;
use crate::model::OVERLAP;
use crate::model::Policy;
use crate::model::Webhook;
use crate::model::{Answer, Delivery, Outcome, Refusals};
use crate::model::{Failure, Window};
use crate::read::evidence::Evidence;
use crate::read::scan::Scan;
use crate::redeliver::receiver::{Group, May};
use crate::redeliver::{Finding, Redeliverer, Turn};
use crate::remember::checkpoint::Checkpoint;
use crate::remember::state::Memory;
use crate::stop::Stop;
use crate::tell::progress::{Phase, Steps};

pub use result::Served;

/// What a webhook needs on its way.
pub struct Serving<'a> {
    /// When the pass began.
    pub began: DateTime<Utc>,
    /// Which part of its log is read.
    pub window: Window,
    /// An earlier pass has read its log up to this time.
    pub new_since: Option<DateTime<Utc>>,
    /// What an earlier pass remembered of it.
    pub memory: Option<Cow<'a, Memory>>,
    /// What the user wants.
    pub policy: &'a Policy,
    /// Nothing is to be changed.
    pub dry_run: bool,
    /// What must be writable before anything is redelivered.
    pub checkpoint: &'a Checkpoint,
    /// What all webhooks redeliver with.
    pub redeliverer: &'a Redeliverer<'a>,
    /// Who speaks about this webhook.
    pub client: Client,
    /// All webhooks by receiver, once all are known.
    pub groups: &'a SetOnce<Groups>,
    /// This one's number among all.
    pub member: usize,
    /// Where it says how far it is.
    pub steps: Steps,
}

/// The webhooks of each receiver.
pub type Groups = HashMap<String, Group>;

impl Serving<'_> {
    /// Goes the whole way with `webhook`.
    pub async fn serve(self, webhook: Webhook) -> Served {
        let mut served = self.go(webhook).await;
        if let Some(memory) = &mut served.memory {
            memory.set_unreadable(&served.unreadable);
        }
        served
    }

    async fn go(&self, webhook: Webhook) -> Served {
        let mut served = Served::new(webhook);
        let remembered = self.memory().map(Memory::open).unwrap_or_default();
        let mut scan = Scan::new(
            &self.client,
            &served.report.webhook,
            self.window,
            self.new_since,
            remembered,
        );
        let mut arrived = false;
        self.steps.at(scan.progress());
        if scan.page().await {
            if let Some((memory, plan)) = self.outage(&mut scan, &served.report.webhook).await {
                arrived = true;
                let evidence = scan.evidence().clone();
                let group = self.group(&served.report.webhook).await;
                if !self
                    .try_one(group, memory, plan, &evidence, &mut served)
                    .await
                {
                    served.read(self, &scan.told(self.stop()));
                    return served;
                }
            }
            while scan.goes_on() && self.stop().why().is_none() {
                self.steps.at(scan.progress());
                scan.page().await;
            }
        }
        self.steps.at(Phase::Resting);
        // Nothing is said or asked for before it is known which webhooks there are.
        let group = self.group(&served.report.webhook).await;
        let mut told = scan.told(self.stop());
        served.read(self, &told);
        served.report.complete = told.complete;
        if !told.complete {
            served.left_unread(self, &told);
        }
        let failures = std::mem::take(&mut told.failures);
        let (earlier, failures): (Vec<_>, Vec<_>) = failures.into_iter().partition(|failure| {
            let memory = self.memory();
            memory.is_some_and(|memory| memory.is_settled(&failure.guid))
        });
        // One that was tried already is settled; its row is newer than what was read.
        let tried: Vec<_> = served
            .report
            .deliveries
            .iter()
            .map(|each| each.failure.guid.clone())
            .collect();
        let failures = failures
            .into_iter()
            .filter(|failure| !tried.contains(&failure.guid));
        let plan = self.plan(failures.collect(), &told.evidence);
        self.carry_out(group, arrived, plan, &told.evidence, &mut served)
            .await;
        served.memory = self.remember(&served, &earlier, &told.evidence);
        served.report.given_up_earlier = earlier;
        served
    }

    /// What is known of the webhook before anything is read.
    pub fn before(&self) -> Memory {
        let unread = || Memory::new(self.window.start + OVERLAP, self.window.start);
        self.memory().cloned().unwrap_or_else(unread)
    }

    fn memory(&self) -> Option<&Memory> {
        self.memory.as_deref()
    }

    /// GitHub's refusals in earlier passes, by delivery.
    fn refusals(&self) -> HashMap<Guid, Refusals> {
        self.memory().map(Memory::refusals).unwrap_or_default()
    }

    fn stop(&self) -> &Stop {
        self.redeliverer.credentials.stop()
    }

    /// Why nothing may be asked for at all, if that is so.
    async fn held_back(&self) -> Option<&'static str> {
        let stopped = || {
            let why = self.stop().why();
            why.or_else(|| self.client.may_redeliver().err())
        };
        let writable = stopped().is_none() && self.checkpoint.is_writable(self.window).await;
        match stopped() {
            Some(why) => Some(why.reason()),
            None => (!writable).then_some(UNWRITABLE),
        }
    }

    /// The webhooks of this one's receiver, once all webhooks are known.
    async fn group(&self, webhook: &Webhook) -> &Group {
        &self.groups.wait().await[&webhook.receiver]
    }

    fn plan(&self, failures: Vec<Failure>, evidence: &Evidence) -> Plan {
        let refusals = self.refusals();
        plan(
            failures,
            |failure| self.memory()?.asked(&failure.guid),
            |failure| Some(refusals.get(&failure.guid)?.last),
            evidence,
            self.policy,
            self.client.now(),
            self.window.retention_start,
        )
    }

    /// Asks for what is due, when it is this webhook's turn. `arrived`: it has been.
    async fn carry_out(
        &self,
        group: &Group,
        arrived: bool,
        plan: Plan,
        evidence: &Evidence,
        served: &mut Served,
    ) {
        served.report.deliveries.extend(plan.rest);
        let held_back = if self.dry_run {
            served.would_redeliver += plan.due.len();
            Some("dry run")
        } else if plan.due.is_empty() {
            None
        } else {
            self.held_back().await
        };
        let due = if held_back.is_some() {
            0
        } else {
            plan.due.len()
        };
        let may = if arrived {
            May::Go
        } else {
            group.arrive(self.member, due).await
        };
        if let Some(reason) = held_back {
            return served.defer(plan.due, reason);
        }
        let mut turn = Turn::new(
            self.redeliverer,
            &self.client,
            &served.report.webhook,
            plan.due,
            evidence,
            self.refusals(),
            self.steps.clone(),
        );
        // Where nothing was seen of a receiver that was down, nobody can say that it is up.
        let was_down = evidence.known_down();
        let found = |finding| match finding {
            Finding::Nothing if was_down => group.found_no_success(),
            Finding::Down => group.found_down(),
            Finding::Up | Finding::Nothing => group.found_up(),
        };
        match may {
            May::Wait => turn.defer(waits(group)),
            May::Go => turn.go(|_| {}).await,
            May::Lead => turn.go(found).await,
            May::Probe => {
                found(turn.probe().await);
                if group.released().await {
                    turn.resume();
                    turn.go(|_| {}).await;
                } else {
                    turn.defer(waits(group));
                }
            }
        }
        let done = turn.end();
        served.take(done);
    }

    /// What the next pass is to know.
    fn remember(
        &self,
        served: &Served,
        earlier: &[Failure],
        evidence: &Evidence,
    ) -> Option<Memory> {
        let deliveries = &served.report.deliveries;
        let refusals = self.refusals();
        if !served.report.complete {
            // What was known stays known, and what was asked for is added.
            let mut memory = self.before();
            let counted = memory.counted_until().unwrap_or(self.window.start);
            memory.forget_asked_before(self.began - FORGOTTEN);
            let recovered = |guid: &Guid| {
                let mut deliveries = deliveries.iter();
                deliveries
                    .any(|each| each.outcome == Outcome::Recovered && each.failure.guid == *guid)
            };
            memory.forget_open(recovered);
            for delivery in deliveries {
                if delivery.outcome.is_lost() {
                    memory.add_settled(&delivery.failure.guid);
                }
                if let Some(asked) = delivery.asked {
                    memory.add_asked(&delivery.failure.guid, asked);
                }
                let refused = delivery.refusals.is_some() && delivery.outcome.is_open();
                if refused && !memory.is_open(&delivery.failure.guid) {
                    add_open(&mut memory, &delivery.failure, evidence, counted);
                }
                remember_refusals(&mut memory, delivery, &refusals);
            }
            return Some(memory);
        }
        let mut evidence = evidence.clone();
        let delivered = deliveries.iter().filter_map(|delivery| delivery.delivered);
        delivered.for_each(|seen| evidence.add_success(seen.at));
        let evidence = &evidence;
        // The next pass reads from here on: whatever has no outcome yet, or could not be read, it reads again.
        let pending = deliveries
            .iter()
            .filter(|delivery| delivery.failure.newest.pending)
            .map(|delivery| delivery.failure.newest.at);
        let asked = deliveries
            .iter()
            .filter(|delivery| delivery.outcome.is_open())
            .filter_map(|delivery| Some(delivery.asked?.at));
        let unreadable = served.report.unreadable.map(|rows| {
            let before = || self.before().read_until().max(Some(self.window.start));
            rows.older.or_else(before).unwrap_or(self.began)
        });
        let held = pending.chain(asked).chain(unreadable);
        let read = held.fold(self.began, DateTime::min);
        // What is older it takes from memory.
        let next_start = read - OVERLAP;
        let mut memory = Memory::new(read, next_start);
        memory.know_until(self.began);
        for delivery in deliveries {
            let failure = &delivery.failure;
            if delivery.outcome.is_open() {
                add_open(&mut memory, failure, evidence, next_start);
                remember_refusals(&mut memory, delivery, &refusals);
            }
            if let Some(asked) = delivery.asked {
                memory.add_asked(&failure.guid, asked);
            }
        }
        let lost = deliveries
            .iter()
            .filter(|delivery| delivery.outcome.is_lost());
        for failure in lost.map(|delivery| &delivery.failure).chain(earlier) {
            if failure.newest.at >= next_start {
                memory.add_settled(&failure.guid);
            }
        }
        Some(memory)
    }
}

/// How long it is remembered what was asked for and never seen.
const FORGOTTEN: TimeDelta = TimeDelta::hours(2);

/// Remembers an open delivery, with what it had before this time in its numbers.
fn add_open(memory: &mut Memory, failure: &Failure, evidence: &Evidence, before: DateTime<Utc>) {
    let older = failure.redeliveries().filter(|seen| seen.at < before);
    let made = failure.made_before + older.count();
    let counted = counts_before(failure, evidence, before);
    memory.add_open(failure, made, counted, counts(failure, evidence));
}

/// Remembers GitHub's refusals of a delivery, those of `earlier` passes among them, until it is accepted.
fn remember_refusals(memory: &mut Memory, delivery: &Delivery, earlier: &HashMap<Guid, Refusals>) {
    let guid = &delivery.failure.guid;
    let known = earlier.get(guid).copied();
    let mut requests = delivery.requests.iter();
    let accepted = requests.any(|request| request.answer == Answer::Accepted);
    let refusals = delivery.refusals.or(known.filter(|_| !accepted));
    if refusals != known || refusals.is_some() {
        memory.set_refusals(guid, refusals);
    }
}

/// Why those wait whose receiver accepted nothing of the others.
fn waits(group: &Group) -> &'static str {
    match group.is_down() {
        true => wave::Stop::Down.reason(),
        false => NO_SUCCESS,
    }
}

const NO_SUCCESS: &str = "no redelivery to its receiver was seen to succeed";

const UNWRITABLE: &str = "the checkpoint can't be written";
