//! The short run during an outage: if the receiver accepts nothing and an earlier pass knows of it, one delivery is
//! tried, and nothing more is read unless it gets through.

use crate::decide::plan::{Plan, failures_while_up, still_unconfirmed};
use crate::github::DeliveryLog;
use crate::model::FailedDelivery;
use crate::model::OVERLAP;
use crate::model::Webhook;
use crate::pass::webhook_run::memory::remember_refusals;
use crate::pass::webhook_run::result::{WebhookResult, deferred};
use crate::pass::webhook_run::{NO_SUCCESS, WebhookRun, reason_to_wait};
use crate::read::evidence::Evidence;
use crate::read::scan::Scan;
use crate::read::{AttemptOutcome, Row, rows};
use crate::redeliver::ReceiverHealth;
use crate::redeliver::receiver_group::Admission;
use crate::remember::state::Memory;

impl WebhookRun<'_> {
    /// The memory and plan for an outage, if the first page shows one that an earlier pass knows of: the receiver accepts
    /// nothing, and a remembered delivery is open and due. Then nothing more is read before it was tried.
    pub(super) async fn outage(
        &self,
        scan: &mut Scan,
        webhook: &Webhook,
    ) -> Option<(Memory, Plan)> {
        let memory = self.memory()?;
        if self.dry_run || !scan.evidence().accepts_nothing() {
            return None;
        }
        self.short_plan(memory, scan)?;
        if !self.read_successes(memory, scan, webhook).await {
            return None;
        }
        let plan = self.short_plan(memory, scan)?;
        let mut memory = memory.clone();
        memory.forget_open(|guid| scan.is_delivered(guid));
        memory.know_until(self.began);
        Some((memory, plan))
    }

    /// The plan for the open deliveries in memory, if any is due.
    fn short_plan(&self, memory: &Memory, scan: &Scan) -> Option<Plan> {
        let mut open = memory.open_unread();
        open.retain(|failure| !scan.is_delivered(&failure.guid));
        let (mut known, mut unknown) = (Vec::new(), Vec::new());
        for failure in open {
            match on_first_page(&failure, scan) {
                Some(seen)
                    if still_unconfirmed(&seen, memory.unconfirmed(&seen.guid)).is_none() =>
                {
                    known.push(seen);
                }
                _ => unknown.push(failure),
            }
        }
        let mut plan = self.plan(known, scan.evidence());
        let deferred = unknown
            .into_iter()
            .map(|failure| deferred(failure, NO_SUCCESS));
        plan.rest.extend(deferred);
        (!plan.due.is_empty()).then_some(plan)
    }

    /// Adds to the scan which open deliveries were delivered since the memory was written, further back than the first
    /// page: by a pass that could not write its state, or by a person. Returns whether that is known for all of them.
    async fn read_successes(&self, memory: &Memory, scan: &mut Scan, webhook: &Webhook) -> bool {
        let Some(known) = memory.known_until() else {
            return false;
        };
        // The log may show a delivery later than it happened.
        let since = known - OVERLAP;
        if scan.evidence().covers(since) {
            return true;
        }
        let mut log = DeliveryLog::of_successes(&self.client, webhook);
        let Ok(Some(page)) = log.next_page().await else {
            return false;
        };
        let Ok((attempts, unreadable)) = rows(&page) else {
            return false;
        };
        // GitHub lists redirects as successes, and an old GitHub server ignores the filter.
        let succeeded = |attempt: &&Row<'_>| attempt.outcome() == AttemptOutcome::Succeeded;
        for attempt in attempts.iter().filter(succeeded) {
            scan.mark_delivered(&attempt.guid);
        }
        let reaches = |attempt: &Row<'_>| attempt.delivered_at <= since;
        unreadable.is_empty() && (log.has_ended() || attempts.iter().any(reaches))
    }

    /// Tries one of the remembered deliveries. Returns whether the receiver may be up again; if not, the webhook's turn is
    /// over.
    pub(super) async fn try_one(
        &self,
        memory: Memory,
        plan: Plan,
        evidence: &Evidence,
        result: &mut WebhookResult,
    ) -> bool {
        let Plan { mut due, rest } = plan;
        let group = self.group(&result.report.webhook).await;
        let held_back = self.held_back().await;
        let waiting = held_back.map_or(due.len(), |_| 0);
        let admission = group.arrive(self.member, waiting).await;
        let mut up = admission == Admission::Go;
        let (mut undecided, mut stopped) = (false, held_back.map(str::to_owned));
        if matches!(admission, Admission::Lead | Admission::Probe) {
            let mut turn = self.turn(&result.report.webhook, due, evidence);
            let health = turn.probe().await;
            (undecided, stopped) = (turn.is_undecided(), turn.stopped());
            due = turn.untried();
            let done = turn.end();
            result.add_turn(self, done);
            match health {
                ReceiverHealth::Up => group.report_up(),
                ReceiverHealth::Down => group.report_down(),
                ReceiverHealth::Unknown => group.report_no_success(),
            }
            up = health == ReceiverHealth::Up
                || (admission == Admission::Probe && group.released().await);
        }
        // If GitHub refused all that is remembered, it may still accept others.
        if up || undecided {
            return true;
        }
        result.report.down |= held_back.is_none() && group.is_down();
        result.report.deliveries.extend(rest);
        let reason = stopped.as_deref();
        result.defer(due, reason.unwrap_or_else(|| reason_to_wait(group)));
        result.memory = Some(self.memory_of_outage(memory, result, evidence));
        false
    }

    /// The memory after one delivery was tried and nothing more was read.
    fn memory_of_outage(
        &self,
        mut memory: Memory,
        result: &WebhookResult,
        evidence: &Evidence,
    ) -> Memory {
        let refusals = self.refusals();
        for delivery in &result.report.deliveries {
            memory.update(
                &delivery.failure,
                failures_while_up(&delivery.failure, evidence),
            );
            remember_refusals(&mut memory, delivery, &refusals);
            if delivery.outcome.is_lost() {
                memory.add_lost(&delivery.failure.guid);
            }
            if let Some(unconfirmed) = delivery.unconfirmed {
                memory.add_unconfirmed(&delivery.failure.guid, unconfirmed);
            }
        }
        memory
    }
}

/// A remembered delivery with its attempts on the first page; `None` if it may have others further back.
fn on_first_page(failure: &FailedDelivery, scan: &Scan) -> Option<FailedDelivery> {
    let evidence = scan.evidence();
    let Some(mut seen) = scan.remembered(&failure.guid) else {
        return Some(failure.clone());
    };
    let known = (failure.newest.at, failure.newest.id);
    let newer = seen.redeliveries();
    let newer = newer.filter(|each| (each.at, each.id) > known);
    let made = failure.earlier_redeliveries + newer.clone().count();
    let mut counted = failure.earlier_failures_while_up;
    for each in newer {
        match evidence.was_up(each.at) {
            true => counted += usize::from(!each.pending),
            false if evidence.covers(each.at) => {}
            false => return None,
        }
    }
    seen.earlier_redeliveries += made.saturating_sub(seen.redelivery_count());
    seen.earlier_failures_while_up += counted.saturating_sub(failures_while_up(&seen, evidence));
    Some(seen)
}
