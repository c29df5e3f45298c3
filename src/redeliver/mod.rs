//! Carries a plan out in waves, and confirms each: asks GitHub for redeliveries, and reads the log until
//! it shows what came of them.
//!
//! One delivery's failure never stops the others, unless it says that none of them can work.

mod confirm;
pub mod receiver;
mod refused;
mod request;
mod unclear;

use std::collections::{HashMap, VecDeque};
use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use crate::decide::wave::{Seen, Stop, Waves};
use crate::github::{Client, Credentials, Pace};
use crate::lock::lock;
use crate::model::Failure;
use crate::model::Webhook;
use crate::model::{AttemptId, Guid};
use crate::model::{Delivery, Outcome, Refusals, Request};
use crate::read::evidence::Evidence;
use crate::stop::Why;
use crate::tell::console::Console;
use crate::tell::progress::{Phase, Steps};
use crate::text::counted;
use chrono::{DateTime, Utc};
use refused::Refused;
use tokio::time::Instant;
use unclear::Unclear;

/// Most redeliveries whose outcome is not seen. Beyond, GitHub's log is too far behind to go on.
const MOST_UNSEEN: usize = 2_000;

/// What all webhooks of a pass share.
pub struct Redeliverer<'a> {
    /// Tell the time.
    pub credentials: &'a Credentials,
    /// Where the log goes.
    pub console: &'a Console,
    /// How fast.
    pub pace: Pace,
    /// How long to watch for outcomes after each wave; zero for not at all.
    pub confirm_timeout: Duration,
    /// GitHub redelivers nothing whose original is older than this.
    pub retention_start: DateTime<Utc>,
    /// Redeliveries whose outcome was not seen.
    pub unseen: AtomicUsize,
    /// All that was asked for, by webhook: not even a bug may make anybody forget it.
    pub asked: Mutex<HashMap<String, Vec<(Guid, crate::model::Asked)>>>,
    /// Those that GitHub refused when something was asked for with them.
    pub refused_credentials: Mutex<Vec<Client>>,
}

impl Redeliverer<'_> {
    /// What was asked for at a webhook.
    pub fn asked_at(&self, webhook: &Webhook) -> Vec<(Guid, crate::model::Asked)> {
        let asked = lock(&self.asked);
        asked.get(&webhook.key()).cloned().unwrap_or_default()
    }

    /// Nothing more is asked for with the credential that this client shows.
    fn refuse_credential(&self, client: &Client) {
        lock(&self.refused_credentials).push(client.clone());
    }

    fn is_refused(&self, client: &Client) -> bool {
        let refused = lock(&self.refused_credentials);
        refused.iter().any(|each| each.shares_credential(client))
    }
}

/// What was found out about a receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// It accepts deliveries.
    Up,
    /// It accepts none.
    Down,
    /// Nothing was seen.
    Nothing,
}

/// A redelivery that was asked for, and of which nothing was seen yet.
struct Asked {
    failure: Failure,
    /// When its wave began, to the second, as GitHub's log has it.
    since: DateTime<Utc>,
    /// The wave it belongs to.
    wave: usize,
    /// When it was asked for.
    at: DateTime<Utc>,
    /// What was said in place of a clear answer.
    unclear: Option<String>,
}

impl Asked {
    /// The order in which they were asked for.
    fn order(&self) -> (DateTime<Utc>, AttemptId) {
        (self.at, self.failure.newest.id)
    }
}

/// One webhook's redeliveries.
pub struct Turn<'a> {
    shared: &'a Redeliverer<'a>,
    client: &'a Client,
    webhook: &'a Webhook,
    waves: Waves,
    wave: usize,
    steps: Steps,
    /// What the log says of it in the end.
    lines: Vec<String>,
    due: VecDeque<Failure>,
    asked: HashMap<Guid, Asked>,
    asked_twice: Vec<Guid>,
    /// Every request, by what it was for.
    requests: HashMap<Guid, Vec<Request>>,
    /// What the log showed since the current wave began.
    seen: Seen,
    unclear: Unclear,
    /// When its last request is made, once it has begun.
    until: Option<Instant>,
    refused: Refused,
    /// Why the log could not be read the last time.
    unread: Option<String>,
    stopped: Option<String>,
    /// Why the outcome of what was asked for was not looked up to the end.
    unconfirmed: Option<String>,
    finding: Finding,
    deliveries: Vec<Delivery>,
    /// Of these, seen to succeed, and seen to fail again.
    recovered: usize,
    failed: usize,
    errors: Vec<String>,
    warnings: Vec<String>,
}

/// What came of a webhook's turn.
pub struct Redelivered {
    /// Each delivery that was due.
    pub deliveries: Vec<Delivery>,
    /// The receiver was found down.
    pub down: bool,
    /// The last requests, if they got no clear answer.
    pub unanswered: usize,
    /// Requests that failed.
    pub errors: Vec<String>,
    /// What people should know.
    pub warnings: Vec<String>,
}

impl<'a> Turn<'a> {
    /// A webhook, who speaks about it, what is due there in the order to ask for it, what its log says of the receiver,
    /// and GitHub's refusals in earlier passes.
    pub fn new(
        shared: &'a Redeliverer<'a>,
        client: &'a Client,
        webhook: &'a Webhook,
        due: Vec<Failure>,
        evidence: &Evidence,
        refusals: HashMap<Guid, Refusals>,
        steps: Steps,
    ) -> Self {
        Self {
            shared,
            client,
            webhook,
            waves: Waves::new(evidence),
            wave: 0,
            steps,
            lines: Vec::new(),
            due: due.into(),
            asked: HashMap::new(),
            asked_twice: Vec::new(),
            requests: HashMap::new(),
            seen: Seen::default(),
            unclear: Unclear::default(),
            until: None,
            refused: Refused::after(refusals),
            unread: None,
            stopped: None,
            unconfirmed: None,
            finding: Finding::Nothing,
            deliveries: Vec::new(),
            recovered: 0,
            failed: 0,
            errors: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// Asks for all that is due, wave by wave. `found` learns of the receiver as soon as anything is
    /// known, or at the end that nothing is.
    pub async fn go(&mut self, mut found: impl FnMut(Finding)) {
        let mut told = Finding::Nothing;
        while !self.due.is_empty() && self.stopped.is_none() {
            self.next_wave(self.waves.size()).await;
            if self.finding != told {
                told = self.finding;
                found(told);
            }
        }
        if told == Finding::Nothing {
            // Whoever waits for this one must not wait for ever.
            found(told);
        }
    }

    /// Tries one delivery, and others as long as GitHub accepts none.
    pub async fn probe(&mut self) -> Finding {
        while self.is_undecided() && !self.due.is_empty() {
            self.next_wave(1).await;
        }
        self.finding
    }

    /// Whether nothing was found out, and no outcome is waited for.
    pub fn is_undecided(&self) -> bool {
        let accepted = |asked: &Asked| asked.unclear.is_none();
        self.finding == Finding::Nothing
            && self.stopped.is_none()
            && !self.asked.values().any(accepted)
    }

    /// Why the rest is left, if it is.
    pub fn stopped(&self) -> Option<String> {
        self.stopped.clone()
    }

    /// Takes back what was not tried.
    pub fn untried(&mut self) -> Vec<Failure> {
        std::mem::take(&mut self.due).into()
    }

    /// Goes on after all, as another webhook found the receiver up.
    pub fn resume(&mut self) {
        if self.finding == Finding::Down {
            self.finding = Finding::Nothing;
            self.stopped = None;
        }
    }

    /// Leaves what is still due for another pass.
    pub fn defer(&mut self, reason: &str) {
        self.stopped.get_or_insert_with(|| reason.to_owned());
    }

    /// The same because the pass is to end.
    fn end_for(&mut self, why: Why) {
        if why == Why::TimeLimit {
            self.shared.credentials.stop().ran_short();
        }
        self.defer(why.reason());
    }

    /// What came of it all.
    pub fn end(mut self) -> Redelivered {
        let reason = self.stopped.take();
        if let Some(reason) = &reason
            && !self.due.is_empty()
        {
            let left = counted(self.due.len(), "delivery");
            self.lines
                .push(format!("stopped, because {reason}; {left} left"));
        }
        self.settle_refused();
        for failure in std::mem::take(&mut self.due) {
            self.settle(failure, Outcome::Deferred, reason.clone());
        }
        let mut asked: Vec<_> = std::mem::take(&mut self.asked).into_values().collect();
        asked.sort_unstable_by_key(Asked::order);
        for asked in asked {
            let told = crate::model::Asked {
                at: asked.at,
                unclear: asked.unclear.is_some(),
            };
            let reason = asked.unclear.or_else(|| self.unconfirmed.clone());
            self.settle(asked.failure, Outcome::Unconfirmed, reason);
            if let Some(delivery) = self.deliveries.last_mut() {
                delivery.asked = Some(told);
            }
        }
        self.errors.extend(self.unread.take());
        self.steps.at(Phase::Resting);
        self.tell();
        Redelivered {
            deliveries: self.deliveries,
            down: self.finding == Finding::Down,
            unanswered: self.unclear.requests as usize,
            errors: self.errors,
            warnings: self.warnings,
        }
    }

    async fn next_wave(&mut self, size: usize) {
        let confirms = !self.shared.confirm_timeout.is_zero();
        let size = if confirms { size } else { MOST_UNSEEN };
        self.wave += 1;
        self.seen = Seen::default();
        let began = self.client.now();
        let since = DateTime::from_timestamp(began.timestamp(), 0).unwrap_or(began);
        self.ask_for(size, since).await;
        if !confirms {
            self.defer("`confirm-timeout` is 0, which allows one wave a pass");
            return;
        }
        if self.asked.values().any(|asked| asked.wave == self.wave) {
            self.confirm(since).await;
        }
        self.conclude_wave();
        if self.seen.success || self.seen.recovered > 0 {
            self.finding = Finding::Up;
        }
        let accepted = self.asked.values().filter(|each| each.unclear.is_none());
        self.seen.waiting_since = accepted.map(|asked| asked.at).min();
        if let Some(stop) = self.waves.after(self.seen, self.client.now()) {
            if stop == Stop::Down {
                self.finding = Finding::Down;
            }
            self.defer(stop.reason());
        }
    }

    /// What the log showed of a wave.
    fn conclude_wave(&mut self) {
        let Seen {
            recovered,
            failed,
            unseen,
            ..
        } = self.seen;
        let asked = recovered + failed + unseen;
        if asked > 0 {
            self.lines.push(format!(
                "wave of {asked}: {recovered} recovered, {failed} failed again, {unseen} unseen"
            ));
        }
    }

    /// Says what came of the turn, with all of it folded away.
    fn tell(&self) {
        if self.lines.is_empty() {
            return;
        }
        let count = |which: fn(Outcome) -> bool| {
            let asked = self.deliveries.iter();
            let asked = asked.filter(|each| !each.requests.is_empty());
            asked.filter(|each| which(each.outcome)).count()
        };
        let refused = |outcome| matches!(outcome, Outcome::Refused | Outcome::Rejected);
        let refused = match count(refused) {
            0 => String::new(),
            refused => format!(", {refused} refused"),
        };
        let title = format!(
            "{}: asked for {}: {} recovered, {} failed again, {} unseen{refused}",
            self.webhook,
            count(|_| true),
            count(|outcome| outcome == Outcome::Recovered),
            count(|outcome| outcome == Outcome::FailedAgain),
            count(|outcome| outcome == Outcome::Unconfirmed),
        );
        let console = self.shared.console;
        console.group(&title);
        self.lines.iter().for_each(|line| console.line(line));
        console.end_group();
    }

    /// Says how far it is.
    fn step(&self) {
        let asked = self.deliveries.len() + self.asked.len() + self.refused.len();
        self.steps.at(Phase::Redelivering {
            due: self.due.len() + asked,
            asked,
            recovered: self.recovered,
            failed: self.failed,
        });
    }

    fn settle(&mut self, failure: Failure, outcome: Outcome, reason: Option<String>) {
        match outcome {
            Outcome::Recovered => self.recovered += 1,
            Outcome::FailedAgain => self.failed += 1,
            _ => {}
        }
        let requests = self.requests.remove(&failure.guid).unwrap_or_default();
        self.deliveries.push(Delivery {
            requests,
            ..Delivery::new(failure, outcome).because(reason)
        });
    }
}
