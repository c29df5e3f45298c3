//! The network of one pass: decides which requests fail, and how.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use http::Method;
use redeliver_webhooks::github::RequestError;
use simulated_github::{GitHub, Request};
use tokio::sync::Notify;

use super::output::HOSTILE_ANSWER;
use super::random::Random;
use super::script::Pass;
use super::world::World;
use crate::virtual_world::{ClientGets, Network, Transfer};

/// Webhook and attempt of a request for a redelivery.
pub(super) fn redelivery_target(path: &str) -> Option<(u64, u64)> {
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

/// True if the client gets GitHub's response, whole.
fn is_acknowledged(transfer: &Transfer) -> bool {
    matches!(transfer.client_gets, ClientGets::Response) && !transfer.changes.cut
}

/// The network between one pass and GitHub.
pub(super) struct PassNetwork {
    world: Arc<World>,
    pass: Pass,
    number: usize,
    requests: AtomicUsize,
    draw: Mutex<Random>,
    /// Decides which responses are cut.
    cuts: Mutex<Random>,
    /// Attempts whose redelivery got no clear answer, until the log is read.
    unclear: Mutex<HashSet<(u64, u64)>>,
    dead: Notify,
}

impl PassNetwork {
    pub(super) fn new(world: Arc<World>, pass: Pass, number: usize) -> Self {
        Self {
            draw: Mutex::new(Random::new(pass.draws, 7)),
            cuts: Mutex::new(Random::new(pass.draws, 8)),
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

    fn chosen(&self, method: &Method, path: &str) -> Transfer {
        let mut changes = self.world.changes();
        if method == Method::GET && path.contains('?') {
            changes.cut = self.cuts.lock().unwrap().chance(self.pass.cuts);
        }
        let (reaches_github, client_gets) = self
            .scripted_failure(method, path)
            .unwrap_or_else(|| self.random_result());
        Transfer {
            reaches_github,
            client_gets,
            changes,
        }
    }

    /// The failure that the script decides, if it does: true if GitHub gets the request, and the client's result.
    fn scripted_failure(&self, method: &Method, path: &str) -> Option<(bool, ClientGets)> {
        let number = self.requests.fetch_add(1, Ordering::Relaxed) + 1;
        if let Some((at, reaches_github)) = self.pass.killed.filter(|(at, _)| number >= *at) {
            return Some((reaches_github && number == at, ClientGets::Nothing));
        }
        if self.pass.expired.is_some_and(|from| number >= from) {
            let expired = ClientGets::Status(401, r#"{"message":"Bad credentials"}"#);
            return Some((false, expired));
        }
        let is_read = method == Method::GET;
        let refused = match is_read {
            true => &self.pass.refused,
            false => &self.pass.unwritable,
        };
        let refused = refused
            .as_ref()
            .filter(|(part, _)| path.contains(part) || !is_read && path.ends_with("/variables"));
        let status = match refused {
            Some((_, status)) => *status,
            None => self.world.refuses(self.number, path)?,
        };
        Some((false, ClientGets::Status(status, HOSTILE_ANSWER)))
    }

    /// The result that chance decides: true if GitHub gets the request, and the client's result.
    fn random_result(&self) -> (bool, ClientGets) {
        let mut draw = self.draw.lock().unwrap();
        let (limited, faulted, kind) = (
            draw.chance(self.pass.limits),
            draw.chance(self.pass.faults),
            draw.within(0..5),
        );
        if limited {
            let limit = r#"{"message":"You have exceeded a secondary rate limit"}"#;
            return (false, ClientGets::Status(429, limit));
        }
        let unclear = || ClientGets::Error(RequestError::Unclear("reset".into()));
        match kind {
            _ if !faulted => (true, ClientGets::Response),
            0 => (false, ClientGets::Status(502, "")),
            1 => (true, ClientGets::Status(502, "")),
            2 => (false, unclear()),
            3 => (true, unclear()),
            _ => (
                false,
                ClientGets::Error(RequestError::Unsent("refused".into())),
            ),
        }
    }
}

impl Network for PassNetwork {
    fn transfer(&self, method: &Method, path: &str) -> Transfer {
        self.world.feed();
        let transfer = self.chosen(method, path);
        self.world.request(self.number, method, path, &transfer);
        let acknowledged = is_acknowledged(&transfer);
        let mut record = self.world.record();
        if !acknowledged {
            record.passes[self.number].faults += 1;
            record.passes[self.number].write_failed |=
                method != Method::GET && path.contains("/variables");
        }
        let mut unclear = self.unclear.lock().unwrap();
        if let Some(asked) = redelivery_target(path) {
            if unclear.contains(&asked) {
                let pass = self.number;
                record.violations.push(format!(
                    "pass {pass} asks for {asked:?} again before it read the log"
                ));
            }
            let is_clear = matches!(
                transfer.client_gets,
                ClientGets::Response
                    | ClientGets::Status(400..500, _)
                    | ClientGets::Error(RequestError::Unsent(_))
            );
            if !is_clear {
                unclear.insert(asked);
            }
        }
        if method == Method::GET && acknowledged && path.contains("/deliveries?") {
            unclear.retain(|(hook, _)| !path.contains(&hook.to_string()));
        }
        transfer
    }

    fn handled(&self, github: &mut GitHub, request: &Request, status: u16, transfer: &Transfer) {
        let acknowledged = is_acknowledged(transfer);
        let path = &request.path_and_query;
        self.world
            .sent(github, path, status, Some(self.number), acknowledged);
        let run = &mut self.world.record().passes[self.number];
        run.faults += usize::from(acknowledged && matches!(status, 403 | 429));
        if acknowledged && status == 200 && request.method == Method::GET {
            run.logs
                .extend(log_of(path).and_then(|id| self.world.webhook(id)));
        }
        run.read_state |= request.method == Method::GET && path.ends_with("_STATE") && acknowledged;
    }

    fn killed(&self) {
        self.dead.notify_one();
    }
}
