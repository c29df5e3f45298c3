//! A client, and the GitHub most tests talk to.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use http::{HeaderMap, Method};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client as Hyper;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use simulated_github::{
    Access, App, Attempt, Description, GitHub, Owner, Simulator, TestKey, Webhook, guid,
};

pub(crate) const TOKEN: &str = "ghp_all";

/// An answer, or the error in transit.
pub(crate) struct Got {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Got {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// The URL of a relation in the `Link` header.
    pub(crate) fn link(&self, relation: &str) -> Option<String> {
        let wanted = format!("rel=\"{relation}\"");
        let links = self.header("link")?;
        let link = links.split(", ").find(|link| link.ends_with(&wanted))?;
        let (url, _) = link.split_once(">; ")?;
        Some(url.strip_prefix('<')?.to_owned())
    }

    pub(crate) fn message(&self) -> String {
        self.json()["message"].as_str().unwrap().to_owned()
    }
}

/// A clock that stands still until it is moved.
#[derive(Clone)]
pub(crate) struct Clock(Arc<AtomicI64>);

impl Clock {
    pub(crate) fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp(self.0.load(Ordering::SeqCst), 0).unwrap()
    }

    pub(crate) fn advance(&self, by: TimeDelta) {
        self.0.fetch_add(by.num_seconds(), Ordering::SeqCst);
    }
}

/// A running simulation, its clock, and a client.
pub(crate) struct World {
    pub(crate) simulator: Simulator,
    pub(crate) clock: Clock,
    pub(crate) token: Option<String>,
    runtime: tokio::runtime::Runtime,
    client: Hyper<HttpConnector, Full<Bytes>>,
}

impl World {
    /// github.com with organization `acme`, repository `acme/ops`, and a token that may do everything.
    pub(crate) fn new() -> Self {
        Self::with(GitHub::new())
    }

    pub(crate) fn enterprise_server() -> Self {
        Self::with(GitHub::enterprise_server())
    }

    fn with(mut github: GitHub) -> Self {
        let clock = Clock(Arc::new(AtomicI64::new(1_780_000_000)));
        let of_github = clock.clone();
        github.set_clock(move || of_github.now());
        github.add_organization("acme");
        github.add_repository("acme", "ops");
        github.add_token(TOKEN, Access::admin());
        Self {
            simulator: Simulator::start(github),
            clock,
            token: Some(TOKEN.to_owned()),
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap(),
            client: Hyper::builder(TokioExecutor::new()).build_http(),
        }
    }

    /// Adds the App, and sends the following requests as the App.
    pub(crate) fn as_app(&mut self) {
        let app = App::new(17, "Iv23liSimulated", TestKey::APP.public_der);
        self.simulator.github().add_app(app);
        self.token = Some(TestKey::APP.sign(&self.claims()));
    }

    /// The claims of a web token that the App would send now.
    pub(crate) fn claims(&self) -> Value {
        let now = self.clock.now().timestamp();
        json!({ "iss": 17, "iat": now - 60, "exp": now + 540 })
    }

    /// A webhook of `acme` with `rows` attempts a minute apart, the oldest with `guid(1)`; all succeeded.
    pub(crate) fn webhook(&self, rows: i32) -> u64 {
        let mut github = self.simulator.github();
        let hook = github.add_webhook(organization(), Webhook::new("https://ci.example.com/hook"));
        for n in 1..=rows {
            let at = self.clock.now() - TimeDelta::minutes(1) * (rows - n + 1);
            github
                .webhook_mut(hook)
                .log(Attempt::ok(guid(n.unsigned_abs().into()), at));
        }
        hook
    }

    /// A webhook of `acme` with one failed attempt, an hour old: the ids of both.
    pub(crate) fn failed_attempt(&self) -> (u64, u64) {
        let hook = self.webhook(0);
        let at = self.clock.now() - TimeDelta::hours(1);
        let id = self
            .simulator
            .github()
            .webhook_mut(hook)
            .log(Attempt::failed(guid(1), at));
        (hook, id)
    }

    /// A webhook of `acme/ops` with one failed attempt: the ids of both.
    pub(crate) fn failed_repository_attempt(&self) -> (u64, u64) {
        let mut github = self.simulator.github();
        let hook = github.add_webhook(repository(), Webhook::new("https://ci.example.com/hook"));
        let failed = Attempt::failed(guid(1), github.now());
        (hook, github.webhook_mut(hook).log(failed))
    }

    pub(crate) fn get(&self, path: &str) -> Got {
        self.send(Method::GET, path, None)
    }

    pub(crate) fn post(&self, path: &str, body: Option<Value>) -> Got {
        self.send(Method::POST, path, body)
    }

    pub(crate) fn redeliver(&self, hook: u64, id: u64) -> Got {
        self.post(
            &format!("/orgs/acme/hooks/{hook}/deliveries/{id}/attempts"),
            None,
        )
    }

    pub(crate) fn send(&self, method: Method, path: &str, body: Option<Value>) -> Got {
        self.try_send(method, path, body).unwrap()
    }

    /// Sends a request to a path below the base, or to a whole URL; an error names the place of the failure.
    pub(crate) fn try_send(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<Got, String> {
        let url = if path.starts_with("http") {
            path.to_owned()
        } else {
            format!("{}{path}", self.simulator.url())
        };
        let mut request = http::Request::builder().method(method).uri(url);
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        let request = request.body(Full::new(Bytes::from(body))).unwrap();
        self.runtime.block_on(async {
            let response = self
                .client
                .request(request)
                .await
                .map_err(|error| format!("no answer: {error:?}"))?;
            let (head, body) = response.into_parts();
            let body = body
                .collect()
                .await
                .map_err(|error| format!("no whole body: {error:?}"))?;
            Ok(Got {
                status: head.status.as_u16(),
                headers: head.headers,
                body: body.to_bytes(),
            })
        })
    }

    /// Every exchange so far is as GitHub describes it.
    pub(crate) fn assert_as_described(&self) {
        let github = self.simulator.github();
        let description = match github.base_path() {
            "" => Description::github_com(),
            _ => Description::enterprise_server(),
        };
        assert!(!github.requests().is_empty());
        for exchange in github.requests() {
            description.check(exchange, github.base_path()).unwrap();
        }
    }
}

pub(crate) fn organization() -> Owner {
    Owner::Organization("acme".to_owned())
}

pub(crate) fn repository() -> Owner {
    Owner::Repository {
        owner: "acme".to_owned(),
        name: "ops".to_owned(),
    }
}
