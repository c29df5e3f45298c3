//! Refusals: of one delivery, or of all deliveries of a webhook.
//!
//! After a refusal the next delivery is tried: the reason may be the one delivery. Three in a row show that the reason is
//! the webhook or its credential, and count against no delivery. The third is taken from the end of the order: GitHub may
//! refuse the oldest one by one, and in each pass again if the state is lost, and they must not hold up the others.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};

use crate::github;
use crate::model::FailedDelivery;
use crate::model::Guid;
use crate::model::{Outcome, Refusals};
use crate::redeliver::Turn;

/// Refusals in a row, without an accepted request between them, that end a webhook's turn.
const REFUSALS_IN_A_ROW: usize = 3;

/// A refusal this close to the end of GitHub's retention means that the delivery has aged out.
const AGED_OUT: TimeDelta = TimeDelta::hours(6);

const REASON: &str = "GitHub refused three redeliveries of this webhook in a row";

const REFUSED_BEFORE: &str =
    "GitHub refused this delivery before; a later pass will request it again";

/// The refusals of one webhook's turn.
#[derive(Default)]
pub(super) struct Refused {
    /// Refusals in earlier passes.
    earlier: HashMap<Guid, Refusals>,
    /// GitHub accepted a redelivery in this turn.
    accepts: bool,
    /// Deliveries refused while GitHub accepted others.
    alone: Vec<Refusal>,
    /// Deliveries refused since GitHub last accepted one.
    in_a_row: Vec<Refusal>,
    /// The refusals in a row ended the turn.
    ended: bool,
}

struct Refusal {
    failure: FailedDelivery,
    at: DateTime<Utc>,
    error: github::Error,
}

impl Refused {
    /// No refusals yet in this pass; `earlier` are those of earlier passes.
    pub(super) fn after(earlier: HashMap<Guid, Refusals>) -> Self {
        Self {
            earlier,
            ..Self::default()
        }
    }

    /// GitHub accepted a redelivery.
    pub(super) fn accept(&mut self) {
        self.accepts = true;
        self.alone.append(&mut self.in_a_row);
    }

    /// Number of refused deliveries.
    pub(super) fn len(&self) -> usize {
        self.alone.len() + self.in_a_row.len()
    }

    /// Takes out a delivery that turned out to be delivered.
    pub(super) fn take(&mut self, guid: &Guid) -> Option<FailedDelivery> {
        let lists = [&mut self.alone, &mut self.in_a_row];
        lists.into_iter().find_map(|list| {
            let place = list.iter().position(|each| each.failure.guid == *guid)?;
            Some(list.remove(place).failure)
        })
    }

    /// True if a refusal of `next` would end the turn, although it would show nothing new of the webhook.
    fn would_mislead(&self, next: &FailedDelivery) -> bool {
        let earlier = self.earlier.get(&next.guid);
        let refused_before = earlier.is_some_and(|earlier| earlier.passes == 0);
        self.accepts && refused_before && self.in_a_row.len() + 1 == REFUSALS_IN_A_ROW
    }

    /// True if an earlier pass met its refusal while GitHub accepted others.
    fn was_alone(&self, failure: &FailedDelivery) -> bool {
        let earlier = self.earlier.get(&failure.guid);
        earlier.is_some_and(|earlier| earlier.passes > 0)
    }
}

impl Turn<'_> {
    /// Adds a refusal, and ends the turn if GitHub refuses all of the webhook's deliveries.
    pub(super) fn refuse(
        &mut self,
        failure: FailedDelivery,
        at: DateTime<Utc>,
        error: github::Error,
    ) {
        let aged_before = self.shared.retention_start + AGED_OUT;
        let is_expected = is_aged(&failure, aged_before) || self.refused.was_alone(&failure);
        let message = error.to_string();
        let refusal = Refusal { failure, at, error };
        if self.refused.accepts && is_expected {
            self.refused.alone.push(refusal);
            return;
        }
        let in_a_row = &mut self.refused.in_a_row;
        in_a_row.push(refusal);
        if in_a_row.len() + 1 == REFUSALS_IN_A_ROW {
            return self.try_from_the_end();
        }
        if in_a_row.len() < REFUSALS_IN_A_ROW {
            return;
        }
        // Refusals of deliveries that have aged out don't predict the answer for one that has not.
        let mut aged = in_a_row
            .iter()
            .map(|each| is_aged(&each.failure, aged_before));
        let fresh = self.due.iter().position(|due| !is_aged(due, aged_before));
        if aged.all(|aged| aged)
            && let Some(fresh) = fresh.and_then(|place| self.due.remove(place))
        {
            self.due.push_front(fresh);
            return;
        }
        self.refused.ended = true;
        self.errors.push(message);
        self.defer(REASON);
    }

    /// Puts the last delivery that GitHub never refused first.
    fn try_from_the_end(&mut self) {
        let earlier = &self.refused.earlier;
        let never_refused = |due: &FailedDelivery| !earlier.contains_key(&due.guid);
        if let Some(place) = self.due.iter().rposition(never_refused)
            && let Some(last) = self.due.remove(place)
        {
            self.due.push_front(last);
        }
    }

    /// Leaves the rest, all refused before, to later passes if GitHub refused two of them and accepted others: a third
    /// refusal would look like the webhook's fault.
    pub(super) fn leave_refused(&mut self) {
        let next = self.due.front();
        if next.is_some_and(|next| self.refused.would_mislead(next)) {
            self.defer(REFUSED_BEFORE);
        }
    }

    /// Records the outcomes of the deliveries that GitHub refused.
    pub(super) fn finish_refused(&mut self) {
        let Refused {
            earlier,
            accepts,
            mut alone,
            mut in_a_row,
            ended,
        } = std::mem::take(&mut self.refused);
        if !ended {
            alone.append(&mut in_a_row);
        }
        if !ended && !accepts {
            // Too few to show that it is the webhook's fault, but people should know which permission may be missing.
            let last = alone.last().map(|refusal| refusal.error.to_string());
            self.warnings.extend(last);
        }
        let aged_before = self.shared.retention_start + AGED_OUT;
        let alone = alone.into_iter().map(|refusal| (refusal, accepts, true));
        let in_a_row = in_a_row.into_iter().map(|refusal| (refusal, false, false));
        for (refusal, counts, alone) in alone.chain(in_a_row) {
            let failure = refusal.failure;
            let before = earlier.get(&failure.guid).copied();
            let refusals = Refusals::add(before, refusal.at, counts);
            let aged = alone && is_aged(&failure, aged_before);
            let outcome = match aged || counts && refusals.are_enough() {
                true => Outcome::Rejected,
                false => Outcome::Refused,
            };
            let message = refusal.error.failure().to_string();
            self.finish(failure, outcome, Some(message));
            if let Some(delivery) = self.deliveries.last_mut() {
                delivery.refusals = Some(refusals);
            }
        }
    }
}

/// True if it was first attempted before this time.
fn is_aged(failure: &FailedDelivery, time: DateTime<Utc>) -> bool {
    failure.first.time().unwrap_or(failure.newest.at) < time
}
