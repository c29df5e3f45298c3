//! Carries a plan out in waves and confirms each: requests redeliveries, then reads the log until it shows their
//! outcomes.
//!
//! One failed request never stops the others, unless it shows that they can't work either.

mod confirm;
mod log;
pub mod receiver_group;
mod refused;
mod request;
mod unclear;

use std::collections::{HashMap, VecDeque};
use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use crate::decide::wave::{TurnEnd, WaveResult, Waves};
use crate::github::{Client, Credentials, Pace};
use crate::lock::lock;
use crate::model::FailedDelivery;
use crate::model::Webhook;
use crate::model::{AttemptId, Guid};
use crate::model::{DeliveryReport, Outcome, RedeliveryRequest, Refusals};
use crate::read::evidence::Evidence;
use crate::read::progress::{Phase, ProgressHandle};
use crate::stop::StopReason;
use crate::text::counted;
use chrono::{DateTime, Utc};
use refused::Refused;
use tokio::time::Instant;
use unclear::Unclear;

pub use log::LogGroup;

/// Most redeliveries in flight whose outcome the log does not show. Beyond, GitHub's log is too far behind to go on.
const MOST_UNSEEN: usize = 2_000;

/// Shared by all webhooks of a pass.
pub struct Redeliverer<'a> {
    /// The source of the time and of the pass's end.
    pub credentials: &'a Credentials,
    /// Limits how fast redeliveries are requested.
    pub pace: Pace,
    /// Longest time to watch for outcomes after each wave; zero for not at all.
    pub confirm_timeout: Duration,
    /// GitHub redelivers nothing whose original is older than this.
    pub retention_start: DateTime<Utc>,
    /// Number of unconfirmed redeliveries.
    pub unseen: AtomicUsize,
    /// All redeliveries requested, by webhook: they are remembered even if a bug ends the webhook's run.
    pub requested: Mutex<HashMap<String, Vec<(Guid, crate::model::UnconfirmedRedelivery)>>>,
    /// Clients whose credential GitHub refused when they requested a redelivery.
    pub refused_credentials: Mutex<Vec<Client>>,
}

impl Redeliverer<'_> {
    /// The redeliveries requested for a webhook.
    pub fn requested_for(
        &self,
        webhook: &Webhook,
    ) -> Vec<(Guid, crate::model::UnconfirmedRedelivery)> {
        let requested = lock(&self.requested);
        requested.get(&webhook.key()).cloned().unwrap_or_default()
    }

    /// Requests nothing more with the credential of this client.
    fn refuse_credential(&self, client: &Client) {
        lock(&self.refused_credentials).push(client.clone());
    }

    fn is_refused(&self, client: &Client) -> bool {
        let refused = lock(&self.refused_credentials);
        refused.iter().any(|each| each.shares_credential(client))
    }
}

/// The health of a receiver, as far as a turn shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReceiverHealth {
    /// It accepts deliveries.
    Up,
    /// It accepts no deliveries.
    Down,
    /// The turn showed nothing about it.
    Unknown,
}

/// A redelivery that was requested and is not confirmed yet.
struct AwaitedRedelivery {
    failure: FailedDelivery,
    /// When its wave began, to the second, as GitHub's log has it.
    since: DateTime<Utc>,
    /// The wave it belongs to.
    wave: usize,
    /// When it was requested.
    at: DateTime<Utc>,
    /// The error in place of a clear answer.
    unclear: Option<String>,
}

impl AwaitedRedelivery {
    /// Sorts by the time of the request.
    fn order(&self) -> (DateTime<Utc>, AttemptId) {
        (self.at, self.failure.newest.id)
    }
}

/// One webhook's turn to redeliver: all its redeliveries in this pass.
pub struct Turn<'a> {
    shared: &'a Redeliverer<'a>,
    client: &'a Client,
    webhook: &'a Webhook,
    waves: Waves,
    wave: usize,
    progress: ProgressHandle,
    /// Lines for the log.
    lines: Vec<String>,
    due: VecDeque<FailedDelivery>,
    awaited: HashMap<Guid, AwaitedRedelivery>,
    requested_twice: Vec<Guid>,
    /// Every request, by delivery.
    requests: HashMap<Guid, Vec<RedeliveryRequest>>,
    /// The result of the current wave, as far as the log shows it.
    wave_result: WaveResult,
    unclear: Unclear,
    /// When the last request may be made, once the turn has begun.
    until: Option<Instant>,
    refused: Refused,
    /// The error of the last attempt to read the log.
    unread: Option<String>,
    stopped: Option<String>,
    /// The reason why confirming ended early.
    unconfirmed: Option<String>,
    health: ReceiverHealth,
    deliveries: Vec<DeliveryReport>,
    /// Numbers of those that recovered, and of those that failed again.
    recovered: usize,
    failed: usize,
    errors: Vec<String>,
    warnings: Vec<String>,
}

/// The result of a webhook's turn.
pub struct TurnResult {
    /// Each delivery that was due.
    pub deliveries: Vec<DeliveryReport>,
    /// The receiver was found down.
    pub down: bool,
    /// Number of the last requests in a row that got no clear answer.
    pub unanswered: usize,
    /// Lines for the log under one title, if there are any.
    pub log: Option<LogGroup>,
    /// Errors for the report.
    pub errors: Vec<String>,
    /// Warnings for the report.
    pub warnings: Vec<String>,
}

impl<'a> Turn<'a> {
    /// A turn that redelivers `due`, in this order. `evidence` is the receiver's state as the webhook's log shows it, and
    /// `refusals` are GitHub's refusals in earlier passes.
    pub fn new(
        shared: &'a Redeliverer<'a>,
        client: &'a Client,
        webhook: &'a Webhook,
        due: Vec<FailedDelivery>,
        evidence: &Evidence,
        refusals: HashMap<Guid, Refusals>,
        progress: ProgressHandle,
    ) -> Self {
        Self {
            shared,
            client,
            webhook,
            waves: Waves::new(evidence),
            wave: 0,
            progress,
            lines: Vec::new(),
            due: due.into(),
            awaited: HashMap::new(),
            requested_twice: Vec::new(),
            requests: HashMap::new(),
            wave_result: WaveResult::default(),
            unclear: Unclear::default(),
            until: None,
            refused: Refused::after(refusals),
            unread: None,
            stopped: None,
            unconfirmed: None,
            health: ReceiverHealth::Unknown,
            deliveries: Vec::new(),
            recovered: 0,
            failed: 0,
            errors: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// Redelivers all that is due, wave by wave. Calls `report` as soon as the receiver's health is known, or at the end
    /// if it is still unknown.
    pub async fn run(&mut self, mut report: impl FnMut(ReceiverHealth)) {
        let mut reported = ReceiverHealth::Unknown;
        while !self.due.is_empty() && self.stopped.is_none() {
            self.next_wave(self.waves.size()).await;
            if self.health != reported {
                reported = self.health;
                report(reported);
            }
        }
        if reported == ReceiverHealth::Unknown {
            // The other webhooks of the receiver wait for this.
            report(reported);
        }
    }

    /// Redelivers one delivery, or the first of several that GitHub accepts.
    pub async fn probe(&mut self) -> ReceiverHealth {
        while self.is_undecided() && !self.due.is_empty() {
            self.next_wave(1).await;
        }
        self.health
    }

    /// True if the receiver's health is unknown and no outcome is awaited.
    pub fn is_undecided(&self) -> bool {
        let accepted = |awaited: &AwaitedRedelivery| awaited.unclear.is_none();
        self.health == ReceiverHealth::Unknown
            && self.stopped.is_none()
            && !self.awaited.values().any(accepted)
    }

    /// The reason why the turn stopped, if it did.
    pub fn stopped(&self) -> Option<String> {
        self.stopped.clone()
    }

    /// Takes back the deliveries that were not tried.
    pub fn untried(&mut self) -> Vec<FailedDelivery> {
        std::mem::take(&mut self.due).into()
    }

    /// Goes on after all, because another webhook found the receiver up.
    pub fn resume(&mut self) {
        if self.health == ReceiverHealth::Down {
            self.health = ReceiverHealth::Unknown;
            self.stopped = None;
        }
    }

    /// Leaves the remaining deliveries to the next pass.
    pub fn defer(&mut self, reason: &str) {
        self.stopped.get_or_insert_with(|| reason.to_owned());
    }

    /// The same because the pass ends.
    fn defer_for(&mut self, why: StopReason) {
        if why == StopReason::TimeLimit {
            self.shared.credentials.stop().ran_short();
        }
        self.defer(why.reason());
    }

    /// Ends the turn.
    pub fn end(mut self) -> TurnResult {
        let reason = self.stopped.take();
        if let Some(reason) = &reason
            && !self.due.is_empty()
        {
            let left = counted(self.due.len(), "delivery");
            self.lines
                .push(format!("stopped, because {reason}; {left} left"));
        }
        self.finish_refused();
        for failure in std::mem::take(&mut self.due) {
            self.finish(failure, Outcome::Deferred, reason.clone());
        }
        self.finish_awaited();
        self.errors.extend(self.unread.take());
        self.progress.set(Phase::Resting);
        TurnResult {
            log: self.log(),
            deliveries: self.deliveries,
            down: self.health == ReceiverHealth::Down,
            unanswered: self.unclear.requests as usize,
            errors: self.errors,
            warnings: self.warnings,
        }
    }

    /// Finishes the deliveries whose redelivery was not confirmed.
    fn finish_awaited(&mut self) {
        let mut awaited: Vec<_> = std::mem::take(&mut self.awaited).into_values().collect();
        awaited.sort_unstable_by_key(AwaitedRedelivery::order);
        for awaited in awaited {
            let unconfirmed = crate::model::UnconfirmedRedelivery {
                at: awaited.at,
                unclear: awaited.unclear.is_some(),
            };
            let reason = awaited.unclear.or_else(|| self.unconfirmed.clone());
            self.finish(awaited.failure, Outcome::Unconfirmed, reason);
            if let Some(delivery) = self.deliveries.last_mut() {
                delivery.unconfirmed = Some(unconfirmed);
            }
        }
    }

    async fn next_wave(&mut self, size: usize) {
        let confirms = !self.shared.confirm_timeout.is_zero();
        let size = if confirms { size } else { MOST_UNSEEN };
        self.wave += 1;
        self.wave_result = WaveResult::default();
        let began = self.client.now();
        let since = DateTime::from_timestamp(began.timestamp(), 0).unwrap_or(began);
        self.request_wave(size, since).await;
        if !confirms {
            self.defer("`confirm-timeout` is 0, which allows one wave a pass");
            return;
        }
        if self.awaited.values().any(|each| each.wave == self.wave) {
            self.confirm(since).await;
        }
        self.log_wave();
        if self.wave_result.success || self.wave_result.recovered > 0 {
            self.health = ReceiverHealth::Up;
        }
        let accepted = self.awaited.values().filter(|each| each.unclear.is_none());
        self.wave_result.waiting_since = accepted.map(|each| each.at).min();
        if let Some(stop) = self.waves.after(self.wave_result, self.client.now()) {
            if stop == TurnEnd::Down {
                self.health = ReceiverHealth::Down;
            }
            self.defer(stop.reason());
        }
    }

    /// Records the outcome of a delivery.
    fn finish(&mut self, failure: FailedDelivery, outcome: Outcome, reason: Option<String>) {
        match outcome {
            Outcome::Recovered => self.recovered += 1,
            Outcome::FailedAgain => self.failed += 1,
            _ => {}
        }
        let requests = self.requests.remove(&failure.guid).unwrap_or_default();
        self.deliveries.push(DeliveryReport {
            requests,
            ..DeliveryReport::new(failure, outcome).with_reason(reason)
        });
    }
}
