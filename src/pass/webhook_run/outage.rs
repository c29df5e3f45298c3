//! The short way through an outage: where nothing is accepted and an earlier pass knows of it, one delivery is
//! tried, and nothing more is read unless it gets through.

use crate::decide::plan::{Plan, counts, unseen};
use crate::github::DeliveryLog;
use crate::model::Failure;
use crate::model::OVERLAP;
use crate::model::Webhook;
use crate::pass::webhook_run::result::{Served, deferred};
use crate::pass::webhook_run::{NO_SUCCESS, Serving, remember_refusals, waits};
use crate::read::evidence::Evidence;
use crate::read::scan::Scan;
use crate::read::{AttemptOutcome, Row, rows};
use crate::redeliver::receiver::{Group, May};
use crate::redeliver::{Finding, Turn};
use crate::remember::state::Memory;

impl Serving<'_> {
    /// Whether the first page shows an outage that an earlier pass knows of: nothing is accepted, and a
    /// delivery is remembered to be open and is due. Then nothing more is read before it was tried.
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
        if !self.reads_successes(memory, scan, webhook).await {
            return None;
        }
        let plan = self.short_plan(memory, scan)?;
        let mut memory = memory.clone();
        memory.forget_open(|guid| scan.is_delivered(guid));
        memory.know_until(self.began);
        Some((memory, plan))
    }

    /// What to do about the deliveries that are remembered to be open, if any is due.
    fn short_plan(&self, memory: &Memory, scan: &Scan) -> Option<Plan> {
        let mut open = memory.open_unread();
        open.retain(|failure| !scan.is_delivered(&failure.guid));
        let (mut known, mut unknown) = (Vec::new(), Vec::new());
        for failure in open {
            match on_first_page(&failure, scan) {
                Some(seen) if unseen(&seen, memory.asked(&seen.guid)).is_none() => known.push(seen),
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

    /// Has the scan know which of the open deliveries were delivered since the memory was written, further back than the
    /// first page: a pass that could not write its state has left no word of what it had redelivered, and neither has a
    /// person. Tells whether that is known of all of them.
    async fn reads_successes(&self, memory: &Memory, scan: &mut Scan, webhook: &Webhook) -> bool {
        let Some(known) = memory.known_until() else {
            return false;
        };
        // What was delivered before may have shown in the log after.
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
        // What GitHub calls a success may be a redirect, and a server that is old tells of failures all the same.
        let succeeded = |attempt: &&Row<'_>| attempt.outcome() == AttemptOutcome::Succeeded;
        for attempt in attempts.iter().filter(succeeded) {
            scan.learn_delivered(&attempt.guid);
        }
        let reaches = |attempt: &Row<'_>| attempt.delivered_at <= since;
        unreadable.is_empty() && (log.has_ended() || attempts.iter().any(reaches))
    }

    /// Tries one of the remembered deliveries. Tells whether the receiver may be up again; if not, the
    /// webhook's turn is over.
    pub(super) async fn try_one(
        &self,
        group: &Group,
        mut memory: Memory,
        plan: Plan,
        evidence: &Evidence,
        served: &mut Served,
    ) -> bool {
        let Plan { mut due, rest } = plan;
        let held_back = self.held_back().await;
        let may = if held_back.is_none() {
            group.arrive(self.member, due.len()).await
        } else {
            group.arrive(self.member, 0).await
        };
        let mut up = may == May::Go;
        let (mut undecided, mut stopped) = (false, held_back.map(str::to_owned));
        if matches!(may, May::Lead | May::Probe) {
            let mut turn = Turn::new(
                self.redeliverer,
                &self.client,
                &served.report.webhook,
                due,
                evidence,
                self.refusals(),
                self.steps.clone(),
            );
            let finding = turn.probe().await;
            (undecided, stopped) = (turn.is_undecided(), turn.stopped());
            due = turn.untried();
            let done = turn.end();
            served.take(done);
            match finding {
                Finding::Up => group.found_up(),
                Finding::Down => group.found_down(),
                Finding::Nothing => group.found_no_success(),
            }
            up = finding == Finding::Up || (may == May::Probe && group.released().await);
        }
        // Where GitHub refused all that is remembered, others may get through.
        if up || undecided {
            return true;
        }
        served.report.down |= held_back.is_none() && group.is_down();
        served.report.deliveries.extend(rest);
        served.defer(due, stopped.as_deref().unwrap_or_else(|| waits(group)));
        let refusals = self.refusals();
        for delivery in &served.report.deliveries {
            memory.update(&delivery.failure, counts(&delivery.failure, evidence));
            remember_refusals(&mut memory, delivery, &refusals);
            if delivery.outcome.is_lost() {
                memory.add_settled(&delivery.failure.guid);
            }
            if let Some(asked) = delivery.asked {
                memory.add_asked(&delivery.failure.guid, asked);
            }
        }
        served.memory = Some(memory);
        false
    }
}

/// A remembered delivery with what the first page shows of it; `None` where what else there may be of it
/// stands further back.
fn on_first_page(failure: &Failure, scan: &Scan) -> Option<Failure> {
    let evidence = scan.evidence();
    let Some(mut seen) = scan.remembered(&failure.guid) else {
        return Some(failure.clone());
    };
    let known = (failure.newest.at, failure.newest.id);
    let newer = seen.redeliveries();
    let newer = newer.filter(|each| (each.at, each.id) > known);
    let made = failure.made_before + newer.clone().count();
    let mut counted = failure.counted_before;
    for each in newer {
        match evidence.was_up(each.at) {
            true => counted += usize::from(!each.pending),
            false if evidence.covers(each.at) => {}
            false => return None,
        }
    }
    seen.made_before += made.saturating_sub(seen.made());
    seen.counted_before += counted.saturating_sub(counts(&seen, evidence));
    Some(seen)
}
