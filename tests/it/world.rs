//! A simulated GitHub with one organization, for tests to run passes against.

use chrono::{DateTime, TimeDelta, Utc};
use http::Method;
use simulated_github::{
    Access, Attempt, Description, Exchange, GitHub, Owner, Request, Simulator, Webhook, guid,
};

use crate::run::Run;

/// A token that may do everything.
pub(crate) const TOKEN: &str = "ghp_simulated0token0that0may0do0everything";
/// The repository of the checkpoint variable.
pub(crate) const REPOSITORY: &str = "acme/ops";
pub(crate) const VARIABLE: &str = "LAST_REDELIVERY";

/// A time `minutes` ago, to the second as GitHub's log has it.
pub(crate) fn ago(minutes: i64) -> DateTime<Utc> {
    let now = Utc::now().timestamp() - minutes * 60;
    DateTime::from_timestamp(now, 0).unwrap()
}

pub(crate) const HOUR: i64 = 60;
pub(crate) const DAY: i64 = 24 * HOUR;

/// GitHub with organization `acme`, one webhook, and the repository of the checkpoint.
pub(crate) struct World {
    pub(crate) simulator: Simulator,
    pub(crate) hook: u64,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::of(GitHub::new())
    }

    /// The same on Enterprise Server, whose API is below `/api/v3`.
    pub(crate) fn enterprise_server() -> Self {
        Self::of(GitHub::enterprise_server())
    }

    fn of(mut github: GitHub) -> Self {
        github.add_organization("acme");
        github.add_repository("acme", "ops");
        github.add_token(TOKEN, Access::admin());
        let hook = github.add_webhook(
            Owner::Organization("acme".into()),
            Webhook::new("https://ci.example.com/secret-path?key=secret-key"),
        );
        Self {
            simulator: Simulator::start(github),
            hook,
        }
    }

    pub(crate) fn add_webhook(&self) -> u64 {
        self.simulator.github().add_webhook(
            Owner::Organization("acme".into()),
            Webhook::new("https://chat.example.com/hook"),
        )
    }

    /// The time by GitHub's clock. Runs in this process move it.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.simulator.github().now()
    }

    /// Moves GitHub's clock forward.
    pub(crate) fn pass_time(&self, time: TimeDelta) {
        let mut github = self.simulator.github();
        let clock = github.take_clock();
        github.set_clock(move || clock() + time);
    }

    /// Adds a row to the webhook's log.
    pub(crate) fn log(&self, attempt: Attempt) -> u64 {
        self.log_at(self.hook, attempt)
    }

    pub(crate) fn log_at(&self, hook: u64, attempt: Attempt) -> u64 {
        self.simulator.github().webhook_mut(hook).log(attempt)
    }

    /// Adds `count` deliveries that succeeded, a minute apart, the newest `minutes` ago.
    pub(crate) fn log_healthy(&self, count: u64, minutes: i64) {
        for n in 0..count {
            let at = ago(minutes) - TimeDelta::minutes(n as i64);
            self.log(Attempt::ok(guid(1_000_000 + n), at));
        }
    }

    /// Attempts whose redelivery was accepted, in order.
    pub(crate) fn redelivered(&self) -> Vec<u64> {
        self.simulator.github().requested(self.hook)
    }

    pub(crate) fn variable(&self) -> Option<String> {
        self.simulator.github().variable(REPOSITORY, VARIABLE)
    }

    pub(crate) fn set_variable(&self, value: &str) {
        self.simulator
            .github()
            .set_variable(REPOSITORY, VARIABLE, value);
    }

    /// The checkpoint as a time.
    pub(crate) fn checkpoint(&self) -> Option<DateTime<Utc>> {
        let value = self.variable()?;
        DateTime::from_timestamp_millis(value.parse().unwrap())
    }

    /// One pass over `acme` with a checkpoint variable.
    pub(crate) fn pass(&self) -> Run<'_> {
        self.bare_pass()
            .env("INPUT_CHECKPOINT-VARIABLE", VARIABLE)
            .env("GITHUB_REPOSITORY", REPOSITORY)
    }

    /// One pass over `acme` without a checkpoint.
    pub(crate) fn bare_pass(&self) -> Run<'_> {
        Run::new(self)
            .env("INPUT_TOKEN", TOKEN)
            .env("INPUT_ORGANIZATION", "acme")
            .env("INPUT_API-URL", &self.simulator.url())
            // The executable runs in real time.
            .env("INPUT_CONFIRM-TIMEOUT", "2s")
            .env("INPUT_MAX-PER-MINUTE", "10000")
            .env("GITHUB_ACTIONS", "true")
    }

    /// The webhook's log, page by page as a client would be served it now.
    pub(crate) fn served(&self) -> Vec<Vec<Attempt>> {
        let mut github = self.simulator.github();
        let log = github.attempts(self.hook);
        let mut path = format!("/orgs/acme/hooks/{}/deliveries?per_page=100", self.hook);
        let mut pages = Vec::new();
        loop {
            let reply = github.respond(&Request::new(Method::GET, &path).bearer(TOKEN));
            let rows: Vec<serde_json::Value> = serde_json::from_slice(&reply.body).unwrap();
            let attempt = |row: &serde_json::Value| {
                let same = log.iter().find(|attempt| row["id"] == attempt.id);
                same.unwrap().clone()
            };
            pages.push(rows.iter().map(attempt).collect());
            let link = reply.headers.get("link").map(|link| link.to_str().unwrap());
            let Some(cursor) = link.and_then(|link| link.split_once("cursor=")) else {
                return pages;
            };
            let cursor = cursor.1.split('>').next().unwrap();
            path = format!(
                "/orgs/acme/hooks/{}/deliveries?per_page=100&cursor={cursor}",
                self.hook
            );
        }
    }

    /// Every request so far, held to GitHub's own description of its API.
    pub(crate) fn judge(&self) {
        let github = self.simulator.github();
        let base = github.base_path();
        for exchange in github.requests() {
            for description in [Description::github_com(), Description::enterprise_server()] {
                if let Err(violation) = description.check(exchange, base) {
                    panic!("GitHub's description: {violation}");
                }
            }
        }
    }

    /// The number of requests whose path contains `part`.
    pub(crate) fn requests(&self, part: &str) -> usize {
        let github = self.simulator.github();
        let requests = github.requests().iter();
        requests
            .filter(|exchange| exchange.path_and_query.contains(part))
            .count()
    }

    /// All requests but reads.
    pub(crate) fn writes(&self) -> Vec<String> {
        let github = self.simulator.github();
        let written = |exchange: &&Exchange| exchange.method != "GET";
        let line = |exchange: &Exchange| {
            let path = &exchange.path_and_query;
            format!("{} {path}", exchange.method)
        };
        github.requests().iter().filter(written).map(line).collect()
    }
}
