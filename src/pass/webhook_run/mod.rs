//! One webhook's run through the pass: scan, plan, redeliver, remember. It waits for the webhooks of the same receiver,
//! and for no others.

mod memory;
mod outage;
mod result;
mod unreadable;

use std::borrow::Cow;
use std::collections::HashMap;

use chrono::{DateTime, Utc};
use tokio::sync::SetOnce;

use crate::decide::plan::{Plan, plan};
use crate::decide::wave;
use crate::github::Client;
use crate::model::Guid;
use crate::model::OVERLAP;
use crate::model::Policy;
use crate::model::Refusals;
use crate::model::Webhook;
use crate::model::{FailedDelivery, Window};
use crate::read::evidence::Evidence;
use crate::read::progress::{Phase, ProgressHandle};
use crate::read::scan::{Scan, ScanResult};
use crate::redeliver::receiver_group::{Admission, ReceiverGroup};
use crate::redeliver::{ReceiverHealth, Redeliverer, Turn};
use crate::remember::checkpoint::Checkpoint;
use crate::remember::state::Memory;
use crate::stop::Stop;
use crate::tell::console::Console;

pub use result::WebhookResult;

/// One webhook's run, with all that it needs.
pub struct WebhookRun<'a> {
    /// When the pass began.
    pub began: DateTime<Utc>,
    /// The part of its log to read.
    pub window: Window,
    /// An earlier pass has read its log up to this time.
    pub new_since: Option<DateTime<Utc>>,
    /// The memory of earlier passes.
    pub memory: Option<Cow<'a, Memory>>,
    /// The user's policy.
    pub policy: &'a Policy,
    /// The pass must not change anything.
    pub dry_run: bool,
    /// Must be writable before anything is redelivered.
    pub checkpoint: &'a Checkpoint,
    /// Shared by all webhooks that redeliver.
    pub redeliverer: &'a Redeliverer<'a>,
    /// The log.
    pub console: &'a Console,
    /// The client for this webhook.
    pub client: Client,
    /// All webhooks by receiver, once all are known.
    pub groups: &'a SetOnce<ReceiverGroups>,
    /// This webhook's number among all.
    pub member: usize,
    /// Its progress.
    pub progress: ProgressHandle,
}

/// The webhooks of each receiver.
pub type ReceiverGroups = HashMap<String, ReceiverGroup>;

impl WebhookRun<'_> {
    /// Runs all steps for `webhook`.
    pub async fn run(self, webhook: Webhook) -> WebhookResult {
        let mut result = self.read_and_redeliver(webhook).await;
        if let Some(memory) = &mut result.memory {
            memory.set_unreadable(&result.unreadable);
        }
        result
    }

    async fn read_and_redeliver(&self, webhook: Webhook) -> WebhookResult {
        let mut result = WebhookResult::new(webhook);
        let remembered = self.memory().map(Memory::open).unwrap_or_default();
        let webhook = &result.report.webhook;
        let mut scan = Scan::new(
            &self.client,
            webhook,
            self.window,
            self.new_since,
            remembered,
        );
        self.read_page(&mut scan).await;
        let mut arrived = false;
        if scan.has_more()
            && let Some((memory, plan)) = self.outage(&mut scan, webhook).await
        {
            arrived = true;
            let evidence = scan.evidence().clone();
            let up = self.try_one(memory, plan, &evidence, &mut result).await;
            if !up {
                result.add_scan(self, &scan.finish(self.stop()));
                return result;
            }
        }
        while scan.has_more() && self.stop().why().is_none() {
            self.read_page(&mut scan).await;
        }
        self.progress.set(Phase::Resting);
        // Nothing is logged or requested before all webhooks are known.
        self.group(&result.report.webhook).await;
        let scanned = scan.finish(self.stop());
        result.add_scan(self, &scanned);
        result.report.complete = scanned.complete;
        if !scanned.complete {
            result.add_unread(self, &scanned);
        }
        self.plan_and_redeliver(arrived, scanned, &mut result).await;
        result
    }

    async fn read_page(&self, scan: &mut Scan) {
        self.progress.set(scan.progress());
        scan.page().await;
    }

    /// Plans and redelivers the deliveries that the log shows as failed. `arrived`: the webhook has taken its place in
    /// its receiver's group.
    async fn plan_and_redeliver(
        &self,
        arrived: bool,
        scanned: ScanResult,
        result: &mut WebhookResult,
    ) {
        let (given_up, failures): (Vec<_>, Vec<_>) =
            scanned.failures.into_iter().partition(|failure| {
                let memory = self.memory();
                memory.is_some_and(|memory| memory.is_lost(&failure.guid))
            });
        // One that was tried already has its outcome; its row is newer than this scan.
        let tried: Vec<_> = result
            .report
            .deliveries
            .iter()
            .map(|each| each.failure.guid.clone())
            .collect();
        let failures = failures
            .into_iter()
            .filter(|failure| !tried.contains(&failure.guid));
        let plan = self.plan(failures.collect(), &scanned.evidence);
        self.carry_out(arrived, plan, &scanned.evidence, result)
            .await;
        result.memory = Some(self.next_memory(result, &given_up, &scanned.evidence));
        result.report.given_up_earlier = given_up;
    }

    /// The memory before anything is read.
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

    /// The reason to request nothing at all, if there is one.
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
    async fn group(&self, webhook: &Webhook) -> &ReceiverGroup {
        &self.groups.wait().await[&webhook.receiver]
    }

    fn plan(&self, failures: Vec<FailedDelivery>, evidence: &Evidence) -> Plan {
        let refusals = self.refusals();
        plan(
            failures,
            |failure| self.memory()?.unconfirmed(&failure.guid),
            |failure| Some(refusals.get(&failure.guid)?.last),
            evidence,
            self.policy,
            self.client.now(),
            self.window.retention_start,
        )
    }

    /// A turn to redeliver `due`.
    fn turn<'t>(
        &'t self,
        webhook: &'t Webhook,
        due: Vec<FailedDelivery>,
        evidence: &Evidence,
    ) -> Turn<'t> {
        Turn::new(
            self.redeliverer,
            &self.client,
            webhook,
            due,
            evidence,
            self.refusals(),
            self.progress.clone(),
        )
    }

    /// Redelivers the due deliveries, when this webhook's receiver group admits it.
    async fn carry_out(
        &self,
        arrived: bool,
        plan: Plan,
        evidence: &Evidence,
        result: &mut WebhookResult,
    ) {
        result.report.deliveries.extend(plan.rest);
        let held_back = if self.dry_run {
            result.would_redeliver += plan.due.len();
            Some("dry run")
        } else if plan.due.is_empty() {
            None
        } else {
            self.held_back().await
        };
        let group = self.group(&result.report.webhook).await;
        let admission = if arrived {
            Admission::Go
        } else {
            let due = held_back.map_or(plan.due.len(), |_| 0);
            group.arrive(self.member, due).await
        };
        if let Some(reason) = held_back {
            return result.defer(plan.due, reason);
        }
        let mut turn = self.turn(&result.report.webhook, plan.due, evidence);
        run_turn(&mut turn, group, admission, evidence).await;
        let done = turn.end();
        result.add_turn(self, done);
    }
}

/// Runs a turn as far as the receiver's group admits, and reports the receiver's health to the group.
async fn run_turn(
    turn: &mut Turn<'_>,
    group: &ReceiverGroup,
    admission: Admission,
    evidence: &Evidence,
) {
    // Without an outcome from a receiver that was down, it is not known to be up.
    let was_down = evidence.known_down();
    let report = |health| match health {
        ReceiverHealth::Unknown if was_down => group.report_no_success(),
        ReceiverHealth::Down => group.report_down(),
        ReceiverHealth::Up | ReceiverHealth::Unknown => group.report_up(),
    };
    match admission {
        Admission::Wait => turn.defer(reason_to_wait(group)),
        Admission::Go => turn.run(|_| {}).await,
        Admission::Lead => turn.run(report).await,
        Admission::Probe => {
            report(turn.probe().await);
            if group.released().await {
                turn.resume();
                turn.run(|_| {}).await;
            } else {
                turn.defer(reason_to_wait(group));
            }
        }
    }
}

/// The reason why webhooks wait if their receiver accepted nothing from the others.
fn reason_to_wait(group: &ReceiverGroup) -> &'static str {
    match group.is_down() {
        true => wave::TurnEnd::Down.reason(),
        false => NO_SUCCESS,
    }
}

const NO_SUCCESS: &str = "no redelivery to its receiver was seen to succeed";

const UNWRITABLE: &str = "the checkpoint can't be written";
