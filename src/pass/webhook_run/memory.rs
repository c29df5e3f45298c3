//! The memory of a webhook for the next pass.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};

use crate::decide::plan::{failures_while_up, failures_while_up_before};
use crate::model::Guid;
use crate::model::OVERLAP;
use crate::model::{DeliveryReport, FailedDelivery, Outcome, RedeliveryAnswer, Refusals};
use crate::pass::webhook_run::{WebhookResult, WebhookRun};
use crate::read::evidence::Evidence;
use crate::remember::state::Memory;

/// Time after which an unconfirmed redelivery is forgotten at a webhook whose log could not be read.
const FORGOTTEN_AFTER: TimeDelta = TimeDelta::hours(2);

impl WebhookRun<'_> {
    /// The memory for the next pass.
    pub(super) fn next_memory(
        &self,
        result: &WebhookResult,
        given_up: &[FailedDelivery],
        evidence: &Evidence,
    ) -> Memory {
        if result.report.complete {
            let mut evidence = evidence.clone();
            let delivered = result.report.deliveries.iter();
            let delivered = delivered.filter_map(|delivery| delivery.delivered);
            delivered.for_each(|attempt| evidence.add_success(attempt.at));
            self.memory_of_whole_log(result, given_up, &evidence)
        } else {
            self.memory_of_part(result, evidence)
        }
    }

    /// The memory after part of the log was read: all that was known before, and the redeliveries of this pass.
    fn memory_of_part(&self, result: &WebhookResult, evidence: &Evidence) -> Memory {
        let deliveries = &result.report.deliveries;
        let refusals = self.refusals();
        let mut memory = self.before();
        let counted = memory.counted_until().unwrap_or(self.window.start);
        memory.forget_unconfirmed_before(self.began - FORGOTTEN_AFTER);
        memory.forget_open(|guid| {
            let mut deliveries = deliveries.iter();
            deliveries.any(|each| each.outcome == Outcome::Recovered && each.failure.guid == *guid)
        });
        for delivery in deliveries {
            if delivery.outcome.is_lost() {
                memory.add_lost(&delivery.failure.guid);
            }
            if let Some(unconfirmed) = delivery.unconfirmed {
                memory.add_unconfirmed(&delivery.failure.guid, unconfirmed);
            }
            let refused = delivery.refusals.is_some() && delivery.outcome.is_open();
            if refused && !memory.is_open(&delivery.failure.guid) {
                add_open(&mut memory, &delivery.failure, evidence, counted);
            }
            remember_refusals(&mut memory, delivery, &refusals);
        }
        memory
    }

    /// The memory after the whole log was read.
    fn memory_of_whole_log(
        &self,
        result: &WebhookResult,
        given_up: &[FailedDelivery],
        evidence: &Evidence,
    ) -> Memory {
        let deliveries = &result.report.deliveries;
        let refusals = self.refusals();
        let read = self.read_until(result);
        // The next pass takes older deliveries from memory.
        let next_start = read - OVERLAP;
        let mut memory = Memory::new(read, next_start);
        memory.know_until(self.began);
        for delivery in deliveries {
            let failure = &delivery.failure;
            if delivery.outcome.is_open() {
                add_open(&mut memory, failure, evidence, next_start);
                remember_refusals(&mut memory, delivery, &refusals);
            }
            if let Some(unconfirmed) = delivery.unconfirmed {
                memory.add_unconfirmed(&failure.guid, unconfirmed);
            }
        }
        let lost = deliveries
            .iter()
            .filter(|delivery| delivery.outcome.is_lost());
        for failure in lost.map(|delivery| &delivery.failure).chain(given_up) {
            if failure.newest.at >= next_start {
                memory.add_lost(&failure.guid);
            }
        }
        memory
    }

    /// The time from which the next pass reads. It reads again all rows without an outcome, and those that could not be
    /// read.
    fn read_until(&self, result: &WebhookResult) -> DateTime<Utc> {
        let deliveries = &result.report.deliveries;
        let pending = deliveries
            .iter()
            .filter(|delivery| delivery.failure.newest.pending)
            .map(|delivery| delivery.failure.newest.at);
        let unconfirmed = deliveries
            .iter()
            .filter(|delivery| delivery.outcome.is_open())
            .filter_map(|delivery| Some(delivery.unconfirmed?.at));
        let unreadable = result.report.unreadable.map(|rows| {
            let before = || self.before().read_until().max(Some(self.window.start));
            rows.older.or_else(before).unwrap_or(self.began)
        });
        pending
            .chain(unconfirmed)
            .chain(unreadable)
            .fold(self.began, DateTime::min)
    }
}

/// Remembers an open delivery, and how many redeliveries it had before this time.
fn add_open(
    memory: &mut Memory,
    failure: &FailedDelivery,
    evidence: &Evidence,
    before: DateTime<Utc>,
) {
    let older = failure.redeliveries().filter(|attempt| attempt.at < before);
    let made = failure.earlier_redeliveries + older.count();
    let counted = failures_while_up_before(failure, evidence, before);
    memory.add_open(failure, made, counted, failures_while_up(failure, evidence));
}

/// Remembers GitHub's refusals of a delivery, those of `earlier` passes among them, until it is accepted.
pub(super) fn remember_refusals(
    memory: &mut Memory,
    delivery: &DeliveryReport,
    earlier: &HashMap<Guid, Refusals>,
) {
    let guid = &delivery.failure.guid;
    let known = earlier.get(guid).copied();
    let mut requests = delivery.requests.iter();
    let accepted = requests.any(|request| request.answer == RedeliveryAnswer::Accepted);
    let refusals = delivery.refusals.or(known.filter(|_| !accepted));
    if refusals != known || refusals.is_some() {
        memory.set_refusals(guid, refusals);
    }
}
