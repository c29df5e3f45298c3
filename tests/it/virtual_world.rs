//! GitHub in this process: passes reach it without sockets, and time is virtual.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use octocrab::OctoBody;
use redeliver_webhooks::github::{ApiBase, Credentials, RequestError};
use redeliver_webhooks::inputs::{Environment, Inputs};
use redeliver_webhooks::model::Runner;
use redeliver_webhooks::pass;
use redeliver_webhooks::report::Report;
use redeliver_webhooks::stop::Stop;
use redeliver_webhooks::tell::console::Console;
use simulated_github::{
    Access, Attempt, Ending, GitHub, Owner, Receiver, Reply, ReplyBody, Request, Webhook, guid,
};
use tokio::time::{Instant, sleep};

use crate::in_process::{received, sent_back};

pub(crate) const TOKEN: &str = "ghp_virtual";

/// A simulated GitHub with one organization, whose clock runs with Tokio's.
#[derive(Clone)]
pub(crate) struct VirtualWorld {
    pub(crate) github: Arc<Mutex<GitHub>>,
    pub(crate) hook: u64,
    /// The address of its API.
    base: &'static str,
    /// The time that headers take, and that bodies take after them.
    pub(crate) latency: Duration,
    pub(crate) body_latency: Duration,
    /// The number of redelivery requests that get no connection.
    pub(crate) unsent: Arc<AtomicUsize>,
    /// The redelivery request at `hook` that panics, counted from 1; 0 if no request does.
    pub(crate) bug: Arc<AtomicUsize>,
    /// The network on which requests may fail. Without one, all of them arrive.
    pub(crate) network: Option<Arc<dyn Network>>,
}

/// A network that decides what happens to each request.
pub(crate) trait Network: Send + Sync {
    /// Decides what happens to a request that is sent now.
    fn transfer(&self, method: &http::Method, path: &str) -> Transfer;

    /// GitHub has handled a request with this transfer, and responds with `status`.
    fn handled(&self, _: &mut GitHub, _: &Request, _status: u16, _: &Transfer) {}

    /// The client waits for a response that never comes.
    fn killed(&self) {}
}

/// The network's treatment of one request.
#[derive(Clone, Debug)]
pub(crate) struct Transfer {
    /// The request arrives.
    pub(crate) reaches_github: bool,
    /// The result that the client sees.
    pub(crate) client_gets: ClientGets,
    /// Changes to GitHub's response in transit.
    pub(crate) changes: ResponseChanges,
}

/// Changes that a proxy or a load balancer makes to a response.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ResponseChanges {
    /// Links name another scheme, host and port.
    pub(crate) foreign_links: bool,
    /// There are no limit headers.
    pub(crate) no_limit_headers: bool,
    /// The body ends in its middle, and there is no link.
    pub(crate) cut: bool,
}

impl ResponseChanges {
    fn apply(self, reply: &mut Reply) {
        if self.no_limit_headers {
            for name in ["limit", "remaining", "reset", "used", "resource"] {
                reply.headers.remove(format!("x-ratelimit-{name}"));
            }
        }
        if let Some(link) = reply.headers.get_mut("link").filter(|_| self.foreign_links) {
            let foreign = link.to_str().unwrap();
            let foreign = foreign.replace("https://api.github.com", "http://internal:8080");
            *link = foreign.parse().unwrap();
        }
        if self.cut {
            reply.headers.remove("link");
            reply.body.truncate(reply.body.len() / 2);
        }
    }
}

impl Transfer {
    /// The request arrives, and so does GitHub's response.
    pub(crate) fn undisturbed() -> Self {
        Self::failing(true, ClientGets::Response)
    }

    /// The client gets something else, whether or not the request arrives.
    pub(crate) fn failing(reaches_github: bool, client_gets: ClientGets) -> Self {
        Self {
            reaches_github,
            client_gets,
            changes: ResponseChanges::default(),
        }
    }
}

/// The result of a request that its client sees.
#[derive(Clone, Debug)]
pub(crate) enum ClientGets {
    /// GitHub's answer.
    Response,
    /// Another response.
    Status(u16, &'static str),
    /// An error of the transport.
    Error(RequestError),
    /// No response, ever.
    Nothing,
}

pub(crate) fn start() -> DateTime<Utc> {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

impl VirtualWorld {
    pub(crate) fn new() -> Self {
        Self::of(GitHub::new(), "https://api.github.com")
    }

    /// The same on Enterprise Server, which knows no limits.
    pub(crate) fn enterprise_server() -> Self {
        Self::of(
            GitHub::enterprise_server(),
            "https://git.example.com/api/v3",
        )
    }

    fn of(mut github: GitHub, base: &'static str) -> Self {
        let began = Instant::now();
        github.set_clock(move || start() + TimeDelta::from_std(began.elapsed()).unwrap());
        github.add_organization("acme");
        github.add_repository("acme", "ops");
        github.add_token(TOKEN, Access::admin());
        let owner = Owner::Organization("acme".into());
        let hook = github.add_webhook(owner, Webhook::new("https://ci.example.com"));
        Self {
            github: Arc::new(Mutex::new(github)),
            hook,
            base,
            latency: Duration::ZERO,
            body_latency: Duration::ZERO,
            unsent: Arc::default(),
            bug: Arc::default(),
            network: None,
        }
    }

    pub(crate) fn github(&self) -> MutexGuard<'_, GitHub> {
        self.github.lock().unwrap()
    }

    /// Another webhook of acme.
    pub(crate) fn add_webhook(&self, url: &str) -> u64 {
        let owner = Owner::Organization("acme".into());
        self.github().add_webhook(owner, Webhook::new(url))
    }

    pub(crate) fn set_receiver(&self, receiver: Receiver) {
        self.github().webhook_mut(self.hook).receiver = receiver;
    }

    /// Adds so many failed deliveries, a second apart, the last at this time. Their GUIDs are numbered
    /// from 0.
    pub(crate) fn log_failures(&self, hook: u64, count: u64, last: DateTime<Utc>) {
        for n in 0..count {
            let at = last - TimeDelta::seconds((count - n) as i64);
            self.github()
                .webhook_mut(hook)
                .log(Attempt::failed(guid(n), at));
        }
    }

    /// GUIDs of deliveries that never succeeded.
    pub(crate) fn undelivered(&self, hook: u64) -> BTreeSet<String> {
        let log = self.github().attempts(hook);
        let (ok, failed): (Vec<_>, Vec<_>) = log
            .into_iter()
            .partition(|attempt| attempt.status_code == Some(200));
        let ok: BTreeSet<String> = ok.into_iter().map(|attempt| attempt.guid).collect();
        let failed = failed.into_iter().map(|attempt| attempt.guid);
        failed.filter(|guid| !ok.contains(guid)).collect()
    }

    /// The number of redeliveries of each delivery.
    pub(crate) fn redelivered(&self, hook: u64) -> BTreeMap<String, usize> {
        let mut times = BTreeMap::new();
        for attempt in self.github().attempts(hook) {
            if attempt.redelivery {
                *times.entry(attempt.guid).or_default() += 1;
            }
        }
        times
    }

    pub(crate) fn log(&self, attempt: Attempt) -> u64 {
        let mut github = self.github.lock().unwrap();
        github.webhook_mut(self.hook).log(attempt)
    }

    /// Lets GitHub act on a request.
    async fn respond(
        &self,
        request: http::Request<OctoBody>,
        transfer: Option<&Transfer>,
    ) -> Reply {
        let base: http::Uri = self.base.parse().unwrap();
        assert_eq!(request.uri().host(), base.host());
        let mut request = received(request).await;
        request
            .headers
            .insert("host", base.host().unwrap().parse().unwrap());
        self.github.lock().unwrap().enter();
        sleep(self.latency).await;
        let mut github = self.github.lock().unwrap();
        let mut reply = github.respond(&request);
        github.leave();
        if let (Some(network), Some(transfer)) = (&self.network, transfer) {
            network.handled(&mut github, &request, reply.status, transfer);
        }
        reply.body_delay += self.body_latency;
        // GitHub's links are https; the simulator does not know that it is reached so.
        if let Some(link) = reply.headers.get_mut("link") {
            let https = link.to_str().unwrap().replace("http://", "https://");
            *link = https.parse().unwrap();
        }
        reply
    }

    /// One request over the network, and the response.
    async fn exchange(
        &self,
        request: http::Request<OctoBody>,
    ) -> Result<http::Response<ReplyBody>, RequestError> {
        let path = request.uri().path();
        let redelivers = request.method() == http::Method::POST && path.ends_with("/attempts");
        if redelivers && path.contains(&format!("/hooks/{}/", self.hook)) {
            let countdown = self.bug.load(Ordering::Relaxed);
            self.bug
                .store(countdown.saturating_sub(1), Ordering::Relaxed);
            assert_ne!(countdown, 1, "a bug with words");
        }
        let left = self.unsent.load(Ordering::Relaxed);
        if redelivers && left > 0 {
            self.unsent.store(left - 1, Ordering::Relaxed);
            return Err(RequestError::Unsent("connection refused".into()));
        }
        let Some(network) = &self.network else {
            return sent_back(self.respond(request, None).await).await;
        };
        let transfer = network.transfer(
            request.method(),
            request.uri().path_and_query().unwrap().as_str(),
        );
        let reply = match transfer.reaches_github {
            true => Some(self.respond(request, Some(&transfer)).await),
            false => None,
        };
        match transfer.client_gets {
            ClientGets::Response => {
                let mut reply = reply.unwrap();
                transfer.changes.apply(&mut reply);
                sent_back(reply).await
            }
            ClientGets::Error(error) => Err(error),
            ClientGets::Nothing => {
                network.killed();
                std::future::pending().await
            }
            ClientGets::Status(status, body) => {
                sent_back(Reply {
                    status,
                    headers: http::HeaderMap::new(),
                    body: body.into(),
                    ending: Ending::Whole,
                    header_delay: Duration::ZERO,
                    body_delay: Duration::ZERO,
                    drip: None,
                })
                .await
            }
        }
    }

    pub(crate) async fn pass(&self, more: &[(&str, &str)]) -> Report {
        self.pass_with_our_clock(start(), more).await
    }

    pub(crate) async fn pass_with_our_clock(
        &self,
        ours: DateTime<Utc>,
        more: &[(&str, &str)],
    ) -> Report {
        let console = Console::new(&Runner::default(), std::io::sink());
        self.pass_on(&console, ours, more).await
    }

    /// A pass whose log goes to this console.
    pub(crate) async fn pass_on(
        &self,
        console: &Console,
        ours: DateTime<Utc>,
        more: &[(&str, &str)],
    ) -> Report {
        let mut variables = vec![("INPUT_API_URL", self.base)];
        variables.extend(more);
        let inputs = inputs(&variables);
        let world = self.clone();
        let service = tower::service_fn(move |request| {
            let world = world.clone();
            async move { world.exchange(request).await }
        });
        let base = ApiBase::new(self.base).unwrap();
        let (credential, access) = (&inputs.credential, inputs.required_access());
        let (stop, log) = (Stop::after(inputs.policy.time_limit), console.debug_log());
        let credentials = Credentials::over(service, &base, credential, access, &log, &stop, ours);
        pass::run(&inputs, &credentials.unwrap(), console).await
    }
}

fn inputs(more: &[(&str, &str)]) -> Inputs {
    let mut variables = vec![
        ("INPUT_TOKEN", TOKEN),
        ("INPUT_ORGANIZATION", "acme"),
        ("INPUT_CHECKPOINT_VARIABLE", "LAST_REDELIVERY"),
        ("GITHUB_REPOSITORY", "acme/ops"),
    ];
    variables.retain(|(name, _)| !more.iter().any(|(other, _)| other == name));
    variables.extend(more);
    let variables = variables
        .into_iter()
        .map(|(key, value)| (key.into(), value.into()));
    Environment::new(variables).inputs(start()).unwrap()
}

impl Drop for VirtualWorld {
    /// The state itself may be dropped in a task, whose panic fails no test.
    fn drop(&mut self) {
        let github = self.github.lock();
        let mut github = github.unwrap_or_else(PoisonError::into_inner);
        github.assert_no_violations();
    }
}
