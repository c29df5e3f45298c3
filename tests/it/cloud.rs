//! github.com within this process, over the tower stack and without sockets: time is virtual.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, SizeHint};
use octocrab::OctoBody;
use redeliver_webhooks::github::{ApiBase, Credentials, RequestError};
use redeliver_webhooks::inputs::{Environment, Inputs};
use redeliver_webhooks::model::Runner;
use redeliver_webhooks::pass;
use redeliver_webhooks::report::Report;
use redeliver_webhooks::stop::Stop;
use redeliver_webhooks::tell::console::Console;
use simulated_github::{Access, Attempt, GitHub, Owner, Receiver, Request, Webhook, guid};
use tokio::time::{Instant, Sleep, sleep};

pub(crate) const TOKEN: &str = "ghp_virtual";

/// github.com in this process, whose clock runs with Tokio's.
#[derive(Clone)]
pub(crate) struct Cloud {
    pub(crate) github: Arc<Mutex<GitHub>>,
    pub(crate) hook: u64,
    /// Where its API is.
    base: &'static str,
    /// How long headers take, and how much longer bodies.
    pub(crate) latency: Duration,
    pub(crate) body_latency: Duration,
    /// Requests for redeliveries that find no connection.
    pub(crate) unsent: Arc<AtomicUsize>,
    /// Which of the requests for redeliveries at `hook` meets a bug, counted from 1; 0 for none.
    pub(crate) bug: Arc<AtomicUsize>,
    /// Who has a say in what becomes of requests.
    pub(crate) way: Option<Arc<dyn Way>>,
}

/// Has a say in what becomes of requests.
pub(crate) trait Way: Send + Sync {
    /// What is to become of a request that is made now.
    fn fate(&self, method: &http::Method, path: &str) -> Fate;

    /// GitHub has acted on a request; `fate` tells what its sender is to hear.
    fn acted(&self, github: &mut GitHub, request: &Request, status: u16, fate: &Fate);

    /// The sender of a request is to hear nothing any more.
    fn ends(&self);
}

/// What becomes of a request.
#[derive(Clone, Debug)]
pub(crate) struct Fate {
    /// GitHub gets it.
    pub(crate) acts: bool,
    /// What its sender hears.
    pub(crate) hears: Hears,
    /// What becomes of GitHub's answer on the way.
    pub(crate) alters: Alters,
}

/// What a proxy or a balancer does to an answer.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Alters {
    /// Links name another scheme, host and port.
    pub(crate) foreign_links: bool,
    /// There are no limit headers.
    pub(crate) no_limit_headers: bool,
    /// The body ends in its middle, and there is no link.
    pub(crate) cut: bool,
}

impl Alters {
    fn alter(self, answer: &mut http::Response<SlowBody>) {
        if self.no_limit_headers {
            for name in ["limit", "remaining", "reset", "used", "resource"] {
                answer.headers_mut().remove(format!("x-ratelimit-{name}"));
            }
        }
        if self.foreign_links
            && let Some(link) = answer.headers_mut().get_mut("link")
        {
            let foreign = link.to_str().unwrap();
            let foreign = foreign.replace("https://api.github.com", "http://internal:8080");
            *link = foreign.parse().unwrap();
        }
        if self.cut {
            answer.headers_mut().remove("link");
            let body = answer.body_mut().body.as_mut().unwrap();
            body.truncate(body.len() / 2);
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) enum Hears {
    /// GitHub's answer.
    All,
    /// Another one.
    Status(u16, &'static str),
    /// The transport's own error.
    Error(RequestError),
    /// Nothing, ever.
    Nothing,
}

pub(crate) fn start() -> DateTime<Utc> {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

impl Cloud {
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
            way: None,
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

    /// GUIDs that nothing was delivered of.
    pub(crate) fn undelivered(&self, hook: u64) -> BTreeSet<String> {
        let log = self.github().attempts(hook);
        let (ok, failed): (Vec<_>, Vec<_>) = log
            .into_iter()
            .partition(|attempt| attempt.status_code == Some(200));
        let ok: BTreeSet<String> = ok.into_iter().map(|attempt| attempt.guid).collect();
        let failed = failed.into_iter().map(|attempt| attempt.guid);
        failed.filter(|guid| !ok.contains(guid)).collect()
    }

    /// How often the receiver was sent each delivery again.
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

    async fn respond(
        &self,
        request: http::Request<OctoBody>,
        fate: Option<&Fate>,
    ) -> http::Response<SlowBody> {
        let (parts, body) = request.into_parts();
        let base: http::Uri = self.base.parse().unwrap();
        assert_eq!(parts.uri.host(), base.host());
        let body = body.collect().await.unwrap().to_bytes();
        let path = parts.uri.path_and_query().unwrap().as_str();
        let mut request = Request::new(parts.method, path).with_body(body);
        request.headers.extend(parts.headers);
        request
            .headers
            .insert("host", base.host().unwrap().parse().unwrap());
        self.github.lock().unwrap().enter();
        sleep(self.latency).await;
        let reply = {
            let mut github = self.github.lock().unwrap();
            let reply = github.respond(&request);
            github.leave();
            if let (Some(way), Some(fate)) = (&self.way, fate) {
                way.acted(&mut github, &request, reply.status, fate);
            }
            reply
        };
        let mut response = http::Response::new(SlowBody {
            wait: Box::pin(sleep(self.body_latency)),
            body: Some(reply.body),
        });
        *response.status_mut() = reply.status.try_into().unwrap();
        *response.headers_mut() = reply.headers;
        // GitHub's links are https; the simulator knows only that it is asked.
        if let Some(link) = response.headers_mut().get_mut("link") {
            let https = link.to_str().unwrap().replace("http://", "https://");
            *link = https.parse().unwrap();
        }
        response
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
        let mut given = vec![("INPUT_API_URL", self.base)];
        given.extend(more);
        let inputs = inputs(&given);
        let cloud = self.clone();
        let service = tower::service_fn(move |request: http::Request<OctoBody>| {
            let cloud = cloud.clone();
            async move {
                let asks = request.method() == http::Method::POST
                    && request.uri().path().ends_with("/attempts");
                let path = request.uri().path();
                if asks && path.contains(&format!("/hooks/{}/", cloud.hook)) {
                    let countdown = cloud.bug.load(Ordering::Relaxed);
                    cloud
                        .bug
                        .store(countdown.saturating_sub(1), Ordering::Relaxed);
                    assert_ne!(countdown, 1, "a bug with words");
                }
                let left = cloud.unsent.load(Ordering::Relaxed);
                if asks && left > 0 {
                    cloud.unsent.store(left - 1, Ordering::Relaxed);
                    return Err(RequestError::Unsent("connection refused".into()));
                }
                let Some(way) = cloud.way.clone() else {
                    return Ok(cloud.respond(request, None).await);
                };
                let path = request.uri().path_and_query().unwrap().as_str();
                let fate = way.fate(request.method(), path);
                let answer = match fate.acts {
                    true => Some(cloud.respond(request, Some(&fate)).await),
                    false => None,
                };
                match fate.hears {
                    Hears::All => {
                        let mut answer = answer.unwrap();
                        fate.alters.alter(&mut answer);
                        Ok(answer)
                    }
                    Hears::Error(error) => Err(error),
                    Hears::Nothing => {
                        way.ends();
                        std::future::pending().await
                    }
                    Hears::Status(status, body) => {
                        let mut answer = SlowBody::answer(body);
                        *answer.status_mut() = status.try_into().unwrap();
                        Ok(answer)
                    }
                }
            }
        });
        let base = ApiBase::new(self.base).unwrap();
        let (credential, access) = (&inputs.credential, inputs.required_access());
        let stop = Stop::after(inputs.policy.time_limit);
        let credentials =
            Credentials::over(service, &base, credential, access, console, &stop, ours);
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

impl Drop for Cloud {
    /// The state itself may be dropped in a task, whose panic fails no test.
    fn drop(&mut self) {
        let github = self.github.lock();
        let mut github = github.unwrap_or_else(PoisonError::into_inner);
        github.assert_no_violations();
    }
}

/// A body that arrives later than its headers.
struct SlowBody {
    wait: Pin<Box<Sleep>>,
    body: Option<Bytes>,
}

impl SlowBody {
    /// An answer with this body.
    fn answer(body: &'static str) -> http::Response<Self> {
        http::Response::new(Self {
            wait: Box::pin(sleep(Duration::ZERO)),
            body: Some(Bytes::from_static(body.as_bytes())),
        })
    }
}

impl Body for SlowBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.wait.as_mut().poll(context) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(()) => Poll::Ready(self.body.take().map(|body| Ok(Frame::data(body)))),
        }
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}
