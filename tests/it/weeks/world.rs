//! Plays a week: GitHub in virtual time, the real pass, and a record of what truly happened.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join;
use http::Method;
use redeliver_webhooks::report::Report;
use simulated_github::{Access, Attempt, GitHub, Owner, Receiver, Request, Webhook, guid};
use tokio::time::{Instant, sleep_until};

use super::script::{Event, Pass, Script, time};
use super::truth::{Ran, RefusedRequest, Sent, Told, Truth};
use super::way::{PassWay, asked_for};
use super::words::{HOOK_SECRET, HOSTILE_EVENT, HOSTILE_STATUS, Words};
use crate::cloud::{Alters, Cloud, Fate, TOKEN, start};

const PERSON: &str = "ghp_person";
const VARIABLE: &str = "LAST_REDELIVERY";
const STATE: &str = "LAST_REDELIVERY_STATE";

pub(super) struct World {
    cloud: Cloud,
    hooks: Vec<u64>,
    script: Script,
    truth: Mutex<Truth>,
    guids: HashMap<String, u64>,
}

/// Plays a week to its end.
pub(super) async fn play(script: &Script) -> Truth {
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
    let truth = world.truth();
    truth.clone()
}

impl World {
    fn new(script: &Script) -> Self {
        let mut cloud = Cloud::new();
        cloud.latency = Duration::from_millis(script.latency.unsigned_abs());
        let mut hooks = Vec::new();
        {
            let mut github = cloud.github();
            github.remove_webhook(cloud.hook);
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
        let truth = Truth {
            fed: vec![0; hooks.len()],
            ..Truth::default()
        };
        Self {
            cloud,
            hooks,
            script: script.clone(),
            truth: Mutex::new(truth),
            guids,
        }
    }

    fn began(&self) -> Instant {
        let since = self.cloud.github().now() - start();
        Instant::now() - since.to_std().unwrap()
    }

    pub(super) fn truth(&self) -> MutexGuard<'_, Truth> {
        self.truth.lock().unwrap()
    }

    fn tell(&self, at: DateTime<Utc>, what: String) {
        self.truth().story.push((at, what));
    }

    /// Lets happen what is to have happened by now.
    pub(super) fn feed(&self) {
        let mut github = self.cloud.github();
        let now = github.now();
        let second = (now - start()).num_seconds();
        github.log_lag = TimeDelta::seconds(self.script.lag_at(second));
        for (n, hook) in self.script.hooks.iter().enumerate() {
            let webhook = github.webhook_mut(self.hooks[n]);
            webhook.active = !self.script.is_off(n, second);
            let mut truth = self.truth();
            while let Some(next) = hook
                .deliveries
                .get(truth.fed[n])
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
                truth.fed[n] += 1;
                if fails {
                    truth.story.push((
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
            let next = self.truth().events;
            let Some((at, event)) = self.script.events.get(next).filter(|(at, _)| *at <= second)
            else {
                return;
            };
            self.truth().events += 1;
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
            Event::StatePutBack(passes) => self.truth().states.iter().nth_back(*passes).cloned(),
        };
        if let Some(new) = new {
            github.set_variable("acme/ops", STATE, &new);
            self.truth().tampered.push(now);
            self.tell(now, format!("{event:?}, meant for {at}"));
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

    /// What becomes of answers on their way in this week.
    pub(super) fn alters(&self) -> Alters {
        Alters {
            foreign_links: self.script.foreign_links,
            no_limit_headers: self.script.no_limit_headers,
            cut: false,
        }
    }

    /// Which webhook and delivery a request asks to redeliver.
    fn delivery_of(&self, github: &GitHub, path: &str) -> Option<(usize, u64)> {
        let (hook, attempt) = asked_for(path)?;
        let n = self.hooks.iter().position(|id| *id == hook)?;
        let attempt = github.webhook(hook).attempt(attempt)?;
        Some((n, self.guids[&attempt.guid]))
    }

    /// The status that GitHub refuses a pass's request for a redelivery with, if it does.
    pub(super) fn refuses(&self, by: usize, path: &str) -> Option<u16> {
        let github = self.cloud.github();
        let (hook, guid) = self.delivery_of(&github, path)?;
        let at = github.now();
        let status = self
            .script
            .refuses(hook, guid, (at - start()).num_seconds())?;
        let mut truth = self.truth();
        truth.story.push((
            at,
            format!("pass {by}: {hook}:{guid} is refused with {status}"),
        ));
        truth.refused.push(RefusedRequest { hook, guid, at, by });
        Some(status)
    }

    /// The webhook of an id.
    pub(super) fn webhook(&self, id: u64) -> Option<usize> {
        self.hooks.iter().position(|each| *each == id)
    }

    /// Records what GitHub accepted.
    pub(super) fn sent(
        &self,
        github: &GitHub,
        path: &str,
        status: u16,
        by: Option<usize>,
        heard: bool,
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
        let what = if taken { "delivered" } else { "in vain" };
        let told = if heard {
            ""
        } else {
            ", and does not hear of it"
        };
        self.tell(
            at,
            format!("webhook {n}: {who} has {guid} redelivered, {what}, shows {shows}{told}"),
        );
        self.truth().sent.push(Sent {
            hook: n,
            guid,
            at,
            made,
            shows,
            taken,
            by,
            heard,
        });
    }

    async fn run(self: &Arc<Self>, pass: &Pass, later: i64, overlapped: bool) {
        tokio::time::sleep(Duration::from_secs(later.unsigned_abs())).await;
        self.feed();
        let (number, began) = self.begin(pass, overlapped);
        let way = Arc::new(PassWay::new(self.clone(), pass.clone(), number));
        let mut cloud = self.cloud.clone();
        cloud.way = Some(way.clone());
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
        let words = Words::new(pass.draws.is_multiple_of(8), pass.draws % 16 < 2);
        let report = tokio::select! {
            biased;
            () = way.dead() => None,
            report = cloud.pass_on(&words.console, ours, &inputs) => Some(report),
        };
        let wrong = words.end(report.as_ref());
        self.truth().violations.extend(wrong);
        self.end(
            number,
            report.map(|report| self.told(&report)),
            way.requests(),
        );
    }

    /// Tells of a request, where a person is to read of each.
    pub(super) fn request(&self, pass: usize, method: &Method, path: &str, fate: &Fate) {
        if self.script.tells_requests {
            let now = self.cloud.github().now();
            self.tell(
                now,
                format!("pass {pass}: {method} {path}, hears {:?}", fate.hears),
            );
        }
    }

    fn begin(&self, pass: &Pass, overlapped: bool) -> (usize, DateTime<Utc>) {
        let mut github = self.cloud.github();
        let began = github.now();
        if let Some((left, reset)) = pass.used_up {
            let used = github.rate_limit.unwrap().saturating_sub(left);
            github.set_rate_limit_used(TOKEN, used, began + TimeDelta::seconds(reset));
        }
        let mut truth = self.truth();
        truth.ran.push(Ran {
            began,
            overlapped,
            first: github.variable("acme/ops", VARIABLE).is_none(),
            ..Ran::default()
        });
        let number = truth.ran.len() - 1;
        truth.story.push((began, format!("pass {number} begins")));
        (number, began)
    }

    fn end(&self, number: usize, told: Option<Told>, requests: usize) {
        let mut github = self.cloud.github();
        github.clear_requests();
        let checkpoint = github.variable("acme/ops", VARIABLE);
        let checkpoint =
            checkpoint.map(|text| DateTime::from_timestamp_millis(text.parse().unwrap()).unwrap());
        let now = github.now();
        let words = told.as_ref().map_or("is killed".to_owned(), Told::words);
        let words = format!("pass {number} {words}; checkpoint {checkpoint:?}");
        let mut truth = self.truth();
        truth.story.push((now, words));
        truth.states.extend(github.variable("acme/ops", STATE));
        let ran = &mut truth.ran[number];
        ran.ended = now;
        ran.killed = told.is_none();
        ran.report = told;
        ran.requests = requests;
        ran.checkpoint = checkpoint;
    }

    fn told(&self, report: &Report) -> Told {
        let mut told = Told {
            errors: report.errors.clone(),
            warnings: report.warnings.clone(),
            outputs: report.outputs().into_iter().collect(),
            ..Told::default()
        };
        for webhook in &report.webhooks {
            let key = webhook.webhook.key();
            let hook = self
                .hooks
                .iter()
                .position(|id| key.ends_with(&format!("/{id}")));
            let hook = hook.unwrap_or_else(|| panic!("{key}"));
            if webhook.complete {
                told.whole.push(hook);
            }
            if webhook.down {
                told.down.push(hook);
            }
            for delivery in &webhook.deliveries {
                let guid = self.guids[&delivery.failure.guid.to_string()];
                told.outcomes.push((hook, guid, delivery.outcome));
            }
        }
        told
    }
}
