//! Plays a week: GitHub in virtual time, the real pass, and a record of what really happened.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join;
use http::Method;
use redeliver_webhooks::report::Report;
use simulated_github::{Access, Attempt, GitHub, Owner, Receiver, Request, Webhook, guid};
use tokio::time::{Instant, sleep_until};

use super::network::{PassNetwork, redelivery_target};
use super::output::{HOOK_SECRET, HOSTILE_EVENT, HOSTILE_STATUS, PassOutput};
use super::record::{AcceptedRedelivery, PassRecord, PassReport, RefusedRequest, WeekRecord};
use super::script::{Event, Pass, Script, time};
use crate::virtual_world::{ResponseChanges, TOKEN, Transfer, VirtualWorld, start};

const PERSON: &str = "ghp_person";
const VARIABLE: &str = "LAST_REDELIVERY";
const STATE: &str = "LAST_REDELIVERY_STATE";

pub(super) struct World {
    world: VirtualWorld,
    hooks: Vec<u64>,
    script: Script,
    record: Mutex<WeekRecord>,
    guids: HashMap<String, u64>,
}

/// Plays a week to its end.
pub(super) async fn play(script: &Script) -> WeekRecord {
    let world = Arc::new(World::new(script));
    for pass in &script.passes {
        sleep_until(world.began() + Duration::from_secs(pass.at.unsigned_abs())).await;
        world.feed();
        match pass.overlapped {
            None => world.run(pass, 0, false).await,
            Some(later) => {
                let other = Pass {
                    killed: None,
                    draws: pass.draws ^ 1,
                    ..pass.clone()
                };
                join(world.run(pass, 0, true), world.run(&other, later, true)).await;
            }
        };
    }
    let record = world.record();
    record.clone()
}

impl World {
    fn new(script: &Script) -> Self {
        let mut world = VirtualWorld::new();
        world.latency = Duration::from_millis(script.latency.unsigned_abs());
        let mut hooks = Vec::new();
        {
            let mut github = world.github();
            github.remove_webhook(world.hook);
            github.record_answers = false;
            github.shuffled = script.shuffled;
            github.attempts_a_page = script.page;
            github.redelivery_delay = TimeDelta::seconds(script.redelivery_delay);
            github.add_token(PERSON, Access::admin());
            for (n, hook) in script.hooks.iter().enumerate() {
                let mut receiver = Receiver::up();
                for outage in &hook.outages {
                    receiver = receiver.down_during(time(outage.start)..time(outage.end));
                }
                if script.hostile {
                    receiver = receiver.answering(HOSTILE_STATUS, 503);
                }
                for delivery in hook.deliveries.iter().filter(|each| each.poisoned) {
                    receiver = receiver.poisoned(guid(delivery.guid));
                }
                let mut webhook = Webhook::new(&format!(
                    "https://{}.example.com/{HOOK_SECRET}/{n}",
                    hook.host
                ));
                webhook.receiver = receiver;
                hooks.push(github.add_webhook(Owner::Organization("acme".into()), webhook));
            }
        }
        let all = script.hooks.iter().flat_map(|hook| &hook.deliveries);
        let guids = all.map(|each| (guid(each.guid), each.guid)).collect();
        let record = WeekRecord {
            logged: vec![0; hooks.len()],
            ..WeekRecord::default()
        };
        Self {
            world,
            hooks,
            script: script.clone(),
            record: Mutex::new(record),
            guids,
        }
    }

    fn began(&self) -> Instant {
        let since = self.world.github().now() - start();
        Instant::now() - since.to_std().unwrap()
    }

    pub(super) fn record(&self) -> MutexGuard<'_, WeekRecord> {
        self.record.lock().unwrap()
    }

    fn note(&self, at: DateTime<Utc>, what: String) {
        self.record().story.push((at, what));
    }

    /// Plays the events that are due by now.
    pub(super) fn feed(&self) {
        let mut github = self.world.github();
        let now = github.now();
        let second = (now - start()).num_seconds();
        github.log_lag = TimeDelta::seconds(self.script.lag_at(second));
        for (n, hook) in self.script.hooks.iter().enumerate() {
            let webhook = github.webhook_mut(self.hooks[n]);
            webhook.active = !self.script.is_off(n, second);
            let mut record = self.record();
            while let Some(next) = hook
                .deliveries
                .get(record.logged[n])
                .filter(|next| next.at <= second)
            {
                let at = time(next.at);
                let fails = next.blip || next.poisoned || !self.script.takes(n, at);
                let row = if fails { Attempt::failed } else { Attempt::ok };
                let mut row = row(guid(next.guid), at);
                if self.script.hostile {
                    row = row.event(HOSTILE_EVENT, Some(HOSTILE_STATUS));
                }
                let lag = TimeDelta::seconds(self.script.lag_at(next.at));
                webhook.log_late(row, at + lag);
                record.logged[n] += 1;
                if fails {
                    record.story.push((
                        at,
                        format!(
                            "webhook {n}: delivery {} fails, shows {}",
                            next.guid,
                            at + lag
                        ),
                    ));
                }
            }
        }
        loop {
            let next = self.record().events;
            let Some((at, event)) = self.script.events.get(next).filter(|(at, _)| *at <= second)
            else {
                return;
            };
            self.record().events += 1;
            self.happen(&mut github, time(*at), event);
        }
    }

    fn happen(&self, github: &mut GitHub, at: DateTime<Utc>, event: &Event) {
        let now = github.now();
        let stored = github.variable("acme/ops", STATE);
        let new = match event {
            Event::ByHand(hook, pick) => return self.by_hand(github, *hook, *pick),
            Event::StateLost => Some(String::new()),
            Event::StateCut(length) => stored.map(|text| text.chars().take(*length).collect()),
            Event::StatePutBack(passes) => self.record().states.iter().nth_back(*passes).cloned(),
        };
        if let Some(new) = new {
            github.set_variable("acme/ops", STATE, &new);
            self.record().tampered.push(now);
            self.note(now, format!("{event:?}, meant for {at}"));
        }
    }

    fn by_hand(&self, github: &mut GitHub, hook: usize, pick: u64) {
        let id = self.hooks[hook];
        let log = github.attempts(id);
        let ok = |each: &&Attempt| each.status_code == Some(200);
        let delivered: HashSet<&String> = log.iter().filter(ok).map(|each| &each.guid).collect();
        let failed: Vec<_> = log
            .iter()
            .filter(|each| !delivered.contains(&each.guid))
            .collect();
        if failed.is_empty() {
            return;
        }
        let chosen = failed[(pick % failed.len() as u64) as usize].id;
        let path = format!("/orgs/acme/hooks/{id}/deliveries/{chosen}/attempts");
        let request = Request::new(Method::POST, &path).bearer(PERSON);
        let status = github.respond(&request).status;
        self.sent(github, &path, status, None, true);
    }

    /// The changes that responses undergo in this week.
    pub(super) fn changes(&self) -> ResponseChanges {
        ResponseChanges {
            foreign_links: self.script.foreign_links,
            no_limit_headers: self.script.no_limit_headers,
            cut: false,
        }
    }

    /// The webhook and the delivery of a redelivery request.
    fn delivery_of(&self, github: &GitHub, path: &str) -> Option<(usize, u64)> {
        let (hook, attempt) = redelivery_target(path)?;
        let n = self.hooks.iter().position(|id| *id == hook)?;
        let attempt = github.webhook(hook).attempt(attempt)?;
        Some((n, self.guids[&attempt.guid]))
    }

    /// The status that GitHub refuses a pass's request for a redelivery with, if it does.
    pub(super) fn refuses(&self, by: usize, path: &str) -> Option<u16> {
        let github = self.world.github();
        let (hook, guid) = self.delivery_of(&github, path)?;
        let at = github.now();
        let status = self
            .script
            .refuses(hook, guid, (at - start()).num_seconds())?;
        let mut record = self.record();
        record.story.push((
            at,
            format!("pass {by}: {hook}:{guid} is refused with {status}"),
        ));
        record.refused.push(RefusedRequest { hook, guid, at, by });
        Some(status)
    }

    /// The webhook of an id.
    pub(super) fn webhook(&self, id: u64) -> Option<usize> {
        self.hooks.iter().position(|each| *each == id)
    }

    /// Records the redeliveries that GitHub accepted.
    pub(super) fn sent(
        &self,
        github: &GitHub,
        path: &str,
        status: u16,
        by: Option<usize>,
        acknowledged: bool,
    ) {
        let delivery = self.delivery_of(github, path);
        let Some((n, guid)) = delivery.filter(|_| status == 202) else {
            return;
        };
        let at = github.now();
        let made = at + github.redelivery_delay;
        let mut deliveries = self.script.hooks[n].deliveries.iter();
        let poisoned = deliveries.any(|each| each.guid == guid && each.poisoned);
        let taken = !poisoned && self.script.takes(n, made);
        let shows = made + github.log_lag;
        let who = by.map_or("a person".to_owned(), |pass| format!("pass {pass}"));
        let what = if taken {
            "delivered"
        } else {
            "without success"
        };
        let unheard = if acknowledged {
            ""
        } else {
            ", and gets no response"
        };
        self.note(
            at,
            format!("webhook {n}: {who} has {guid} redelivered, {what}, shows {shows}{unheard}"),
        );
        self.record().redeliveries.push(AcceptedRedelivery {
            hook: n,
            guid,
            at,
            made,
            shows,
            taken,
            by,
            acknowledged,
        });
    }

    async fn run(self: &Arc<Self>, pass: &Pass, later: i64, overlapped: bool) {
        tokio::time::sleep(Duration::from_secs(later.unsigned_abs())).await;
        self.feed();
        let (number, began) = self.begin(pass, overlapped);
        let network = Arc::new(PassNetwork::new(self.clone(), pass.clone(), number));
        let mut world = self.world.clone();
        world.network = Some(network.clone());
        let ours = began + TimeDelta::seconds(pass.skew);
        let attempts = self.script.max_redeliveries.to_string();
        let confirm = format!("{}s", self.script.confirm);
        let mut inputs = vec![
            ("INPUT_MAX_REDELIVERIES", attempts.as_str()),
            ("INPUT_CONFIRM_TIMEOUT", confirm.as_str()),
        ];
        if !self.script.keeps_checkpoint {
            inputs.push(("INPUT_CHECKPOINT_VARIABLE", ""));
        }
        let output = PassOutput::new(pass.draws.is_multiple_of(8), pass.draws % 16 < 2);
        let report = tokio::select! {
            biased;
            () = network.dead() => None,
            report = world.pass_on(&output.console, ours, &inputs) => Some(report),
        };
        let wrong = output.end(report.as_ref());
        self.record().violations.extend(wrong);
        self.end(
            number,
            report.map(|report| self.summary_of(&report)),
            network.requests(),
        );
    }

    /// Adds a request to the story, if the script requires that.
    pub(super) fn request(&self, pass: usize, method: &Method, path: &str, transfer: &Transfer) {
        if self.script.tells_requests {
            let now = self.world.github().now();
            self.note(
                now,
                format!(
                    "pass {pass}: {method} {path}, client gets {:?}",
                    transfer.client_gets
                ),
            );
        }
    }

    fn begin(&self, pass: &Pass, overlapped: bool) -> (usize, DateTime<Utc>) {
        let mut github = self.world.github();
        let began = github.now();
        if let Some((left, reset)) = pass.used_up {
            let used = github.rate_limit.unwrap().saturating_sub(left);
            github.set_rate_limit_used(TOKEN, used, began + TimeDelta::seconds(reset));
        }
        let mut record = self.record();
        record.passes.push(PassRecord {
            began,
            overlapped,
            first: github.variable("acme/ops", VARIABLE).is_none(),
            ..PassRecord::default()
        });
        let number = record.passes.len() - 1;
        record.story.push((began, format!("pass {number} begins")));
        (number, began)
    }

    fn end(&self, number: usize, report: Option<PassReport>, requests: usize) {
        let mut github = self.world.github();
        github.clear_requests();
        let checkpoint = github.variable("acme/ops", VARIABLE);
        let checkpoint =
            checkpoint.map(|text| DateTime::from_timestamp_millis(text.parse().unwrap()).unwrap());
        let now = github.now();
        let line = report
            .as_ref()
            .map_or("is killed".to_owned(), PassReport::line);
        let line = format!("pass {number} {line}; checkpoint {checkpoint:?}");
        let mut record = self.record();
        record.story.push((now, line));
        record.states.extend(github.variable("acme/ops", STATE));
        let run = &mut record.passes[number];
        run.ended = now;
        run.killed = report.is_none();
        run.report = report;
        run.requests = requests;
        run.checkpoint = checkpoint;
    }

    fn summary_of(&self, report: &Report) -> PassReport {
        let mut summary = PassReport {
            errors: report.errors.clone(),
            warnings: report.warnings.clone(),
            outputs: report.outputs().into_iter().collect(),
            ..PassReport::default()
        };
        for webhook in &report.webhooks {
            let key = webhook.webhook.key();
            let hook = self
                .hooks
                .iter()
                .position(|id| key.ends_with(&format!("/{id}")));
            let hook = hook.unwrap_or_else(|| panic!("{key}"));
            if webhook.complete {
                summary.whole.push(hook);
            }
            if webhook.down {
                summary.down.push(hook);
            }
            for delivery in &webhook.deliveries {
                let guid = self.guids[&delivery.failure.guid.to_string()];
                summary.outcomes.push((hook, guid, delivery.outcome));
            }
        }
        summary
    }
}
