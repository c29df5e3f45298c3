//! What becomes of the requests of one pass.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use http::Method;
use redeliver_webhooks::github::RequestError;
use simulated_github::{GitHub, Request};
use tokio::sync::Notify;

use super::draw::Draw;
use super::script::Pass;
use super::words::HOSTILE_ANSWER;
use super::world::World;
use crate::cloud::{Fate, Hears, Way};

/// Webhook and attempt of a request for a redelivery.
pub(super) fn asked_for(path: &str) -> Option<(u64, u64)> {
    let path = path
        .strip_prefix("/orgs/acme/hooks/")?
        .strip_suffix("/attempts")?;
    let (hook, attempt) = path.split_once("/deliveries/")?;
    Some((hook.parse().ok()?, attempt.parse().ok()?))
}

/// The webhook whose log a request lists.
fn log_of(path: &str) -> Option<u64> {
    let path = path.strip_prefix("/orgs/acme/hooks/")?;
    path.split_once("/deliveries?")?.0.parse().ok()
}

/// Whether its sender hears GitHub's answer, whole.
fn is_heard(fate: &Fate) -> bool {
    matches!(fate.hears, Hears::All) && !fate.alters.cut
}

/// What becomes of the requests of one pass.
pub(super) struct PassWay {
    world: Arc<World>,
    pass: Pass,
    number: usize,
    requests: AtomicUsize,
    draw: Mutex<Draw>,
    /// Which answers are cut.
    cuts: Mutex<Draw>,
    /// Attempts whose redelivery got no clear answer, until the log is read.
    unclear: Mutex<HashSet<(u64, u64)>>,
    dead: Notify,
}

impl PassWay {
    pub(super) fn new(world: Arc<World>, pass: Pass, number: usize) -> Self {
        Self {
            draw: Mutex::new(Draw::new(pass.draws, 7)),
            cuts: Mutex::new(Draw::new(pass.draws, 8)),
            world,
            pass,
            number,
            requests: AtomicUsize::new(0),
            unclear: Mutex::default(),
            dead: Notify::new(),
        }
    }

    pub(super) fn requests(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }

    /// Returns when the pass is killed.
    pub(super) async fn dead(&self) {
        self.dead.notified().await;
    }

    fn chosen(&self, method: &Method, path: &str) -> Fate {
        let mut alters = self.world.alters();
        if method == Method::GET && path.contains('?') {
            alters.cut = self.cuts.lock().unwrap().chance(self.pass.cuts);
        }
        let fate = |acts, hears| Fate {
            acts,
            hears,
            alters,
        };
        let number = self.requests.fetch_add(1, Ordering::Relaxed) + 1;
        if let Some((at, acts)) = self.pass.killed.filter(|(at, _)| number >= *at) {
            return fate(acts && number == at, Hears::Nothing);
        }
        if self.pass.expired.is_some_and(|from| number >= from) {
            return fate(
                false,
                Hears::Status(401, r#"{"message":"Bad credentials"}"#),
            );
        }
        let get = method == Method::GET;
        if let Some((_, status)) = self
            .pass
            .refused
            .as_ref()
            .filter(|(part, _)| get && path.contains(part))
        {
            return fate(false, Hears::Status(*status, HOSTILE_ANSWER));
        }
        if let Some((_, status)) = self
            .pass
            .unwritable
            .as_ref()
            .filter(|(part, _)| !get && (path.contains(part) || path.ends_with("/variables")))
        {
            return fate(false, Hears::Status(*status, HOSTILE_ANSWER));
        }
        if let Some(status) = self.world.refuses(self.number, path) {
            return fate(false, Hears::Status(status, HOSTILE_ANSWER));
        }
        let mut draw = self.draw.lock().unwrap();
        let (limited, faulted, kind) = (
            draw.chance(self.pass.limits),
            draw.chance(self.pass.faults),
            draw.within(0..5),
        );
        if limited {
            return fate(
                false,
                Hears::Status(
                    429,
                    r#"{"message":"You have exceeded a secondary rate limit"}"#,
                ),
            );
        }
        match kind {
            _ if !faulted => fate(true, Hears::All),
            0 => fate(false, Hears::Status(502, "")),
            1 => fate(true, Hears::Status(502, "")),
            2 => fate(false, Hears::Error(RequestError::Unclear("reset".into()))),
            3 => fate(true, Hears::Error(RequestError::Unclear("reset".into()))),
            _ => fate(false, Hears::Error(RequestError::Unsent("refused".into()))),
        }
    }
}

impl Way for PassWay {
    fn fate(&self, method: &Method, path: &str) -> Fate {
        self.world.feed();
        let fate = self.chosen(method, path);
        self.world.request(self.number, method, path, &fate);
        let heard = is_heard(&fate);
        let mut truth = self.world.truth();
        if !heard {
            truth.ran[self.number].faults += 1;
            truth.ran[self.number].ill_written |=
                method != Method::GET && path.contains("/variables");
        }
        let mut unclear = self.unclear.lock().unwrap();
        if let Some(asked) = asked_for(path) {
            if unclear.contains(&asked) {
                let pass = self.number;
                truth.violations.push(format!(
                    "pass {pass} asks for {asked:?} again before it read the log"
                ));
            }
            let is_clear = matches!(
                fate.hears,
                Hears::All | Hears::Status(400..500, _) | Hears::Error(RequestError::Unsent(_))
            );
            if !is_clear {
                unclear.insert(asked);
            }
        }
        if method == Method::GET && heard && path.contains("/deliveries?") {
            unclear.retain(|(hook, _)| !path.contains(&hook.to_string()));
        }
        fate
    }

    fn acted(&self, github: &mut GitHub, request: &Request, status: u16, fate: &Fate) {
        let heard = is_heard(fate);
        let path = &request.path_and_query;
        self.world
            .sent(github, path, status, Some(self.number), heard);
        let ran = &mut self.world.truth().ran[self.number];
        ran.faults += usize::from(heard && matches!(status, 403 | 429));
        if heard && status == 200 && request.method == Method::GET {
            ran.logs
                .extend(log_of(path).and_then(|id| self.world.webhook(id)));
        }
        ran.knew |= request.method == Method::GET && path.ends_with("_STATE") && heard;
    }

    fn ends(&self) {
        self.dead.notify_one();
    }
}
