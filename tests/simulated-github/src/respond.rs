//! From a request to its answer.

use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::Method;
use serde_json::json;

use crate::caller::Caller;
use crate::effect::Effect;
use crate::exchange::Exchange;
use crate::github::GitHub;
use crate::rate::{Standing, rate_limit, rate_limit_message};
use crate::reply::{Answer, Ending, Reply};
use crate::request::Request;
use crate::route::Route;

/// GitHub's hourly limit for requests without a valid token.
const ANONYMOUS_REQUESTS_AN_HOUR: u32 = 60;

/// The target of a request.
enum Target {
    Route(Route),
    /// A name that a repository had. The client must repeat the request with the repository's id and the rest of the
    /// path.
    Moved(u64, String),
    Nowhere,
}

impl GitHub {
    /// Answers one request. The answer depends on the state, the request and the clock alone.
    pub fn respond(&mut self, request: &Request) -> Reply {
        let now = self.now();
        let violations = request.violations();
        let joined;
        let (sent, request) = if violations.is_empty() {
            (request, request)
        } else {
            joined = request.joined();
            (request, &joined)
        };
        self.record_violations(violations);
        let effects: Vec<Effect> = self
            .faults
            .iter_mut()
            .filter_map(|fault| fault.hit(request))
            .collect();
        let caller = self.caller(request, now);
        let target = self.target(request);
        let standing = self.standing(request, &caller, now);
        let refusal = self.beyond_secondary_limit(request, &caller, now);
        let mut answer = if effects.iter().any(Effect::is_instead) {
            Answer::empty(200)
        } else if let Some(refusal) = self.unknown_version(request) {
            refusal
        } else if let Some(refusal) = refusal {
            refusal
        } else {
            self.answer(request, &caller, &target, standing, now)
                .unwrap_or_else(|refusal| refusal)
        };
        answer.link = answer.link.map(|link| self.spelled(request, &link));
        let faulted = answer.odd || !effects.is_empty();
        let headers = self.headers(&answer, &caller, target.route(), standing, now);
        let mut reply = Reply {
            status: answer.status,
            headers,
            body: Bytes::from(answer.body),
            ending: Ending::Whole,
            header_delay: Duration::ZERO,
            body_delay: Duration::ZERO,
            drip: None,
        };
        for effect in effects {
            effect.apply(&mut reply);
        }
        self.record(sent, &reply, faulted, now);
        reply
    }

    fn record(&mut self, request: &Request, reply: &Reply, faulted: bool, at: DateTime<Utc>) {
        let answered = reply.ending.has_headers();
        self.exchanges.push(Exchange {
            method: request.method.to_string(),
            path_and_query: request.path_and_query.clone(),
            headers: request.headers.clone(),
            body: request.body.to_vec(),
            status: if answered { reply.status } else { 0 },
            answer: if self.record_answers && answered {
                reply.body.clone()
            } else {
                Bytes::new()
            },
            answer_recorded: self.record_answers,
            at,
            faulted,
            host: request.host().to_owned(),
            version: request.version,
        });
    }

    /// Counts the request, unless it only reads the token's limits.
    fn standing(
        &mut self,
        request: &Request,
        caller: &Caller,
        now: DateTime<Utc>,
    ) -> Option<Standing> {
        let most = self.rate_limit?;
        let cost = u32::from(self.below_base(request) != Some("/rate_limit"));
        let limit = match caller {
            Caller::Token(_) | Caller::App => most,
            Caller::Anonymous | Caller::Unknown(_) => most.min(ANONYMOUS_REQUESTS_AN_HOUR),
        };
        let counter = caller.counter(request);
        Some(self.rates.count(counter, limit, cost, now))
    }

    fn below_base<'a>(&self, request: &'a Request) -> Option<&'a str> {
        request.path().strip_prefix(self.base_path())
    }

    /// The target of the request. A path may name an organization or a repository by its id or its name.
    fn target(&self, request: &Request) -> Target {
        let found = self.below_base(request).and_then(|path| {
            if let Some((id, rest)) = after_prefix(path, "/repositories/", 1) {
                let repository = self.repositories.by_id(id.parse().ok()?)?;
                let path = format!("/repos/{}{rest}", repository.full_name());
                return Route::of(&request.method, &path).map(Target::Route);
            }
            if let Some((id, rest)) = after_prefix(path, "/organizations/", 1) {
                let id = id.parse::<u64>().ok()?;
                let account = self.accounts.values().find(|account| account.id == id)?;
                let path = format!("/orgs/{}{rest}", account.login);
                return Route::of(&request.method, &path).map(Target::Route);
            }
            if let Some((name, rest)) = after_prefix(path, "/repos/", 2)
                && let Some(id) = self.repositories.moved(name)
            {
                return Some(Target::Moved(id, rest.to_owned()));
            }
            Route::of(&request.method, path).map(Target::Route)
        });
        found.unwrap_or(Target::Nowhere)
    }

    fn answer(
        &mut self,
        request: &Request,
        caller: &Caller,
        target: &Target,
        standing: Option<Standing>,
        now: DateTime<Utc>,
    ) -> Result<Answer, Answer> {
        if standing.is_some_and(|standing| standing.exceeded) {
            let topic = "/using-the-rest-api/rate-limits-for-the-rest-api";
            return Err(Answer::error(
                403,
                &rate_limit_message(&self.request_id(), now),
                topic,
            ));
        }
        let route = match target {
            Target::Route(route) => route,
            Target::Moved(id, rest) => {
                return caller.known().map(|()| self.moved(request, *id, rest));
            }
            Target::Nowhere => return caller.known().and(Err(Answer::not_found(""))),
        };
        self.permit(caller, route)?;
        self.take(route, request, caller, standing, now)
    }

    /// Takes a route that the caller may take.
    fn take(
        &mut self,
        route: &Route,
        request: &Request,
        caller: &Caller,
        standing: Option<Standing>,
        now: DateTime<Utc>,
    ) -> Result<Answer, Answer> {
        let topic = route.topic();
        match route {
            Route::RateLimit => rate_limit(standing),
            Route::App => self.show_app(request, topic),
            Route::AppHookConfig => self.app_hook_config(topic),
            Route::Installations => Ok(self.list_installations(request)),
            Route::OrganizationInstallation(login) if !self.is_organization(login) => {
                Err(Answer::not_found(topic))
            }
            Route::OrganizationInstallation(login) | Route::AccountInstallation(login) => {
                self.show_account_installation(request, login, topic)
            }
            Route::RepositoryInstallation(repository) => {
                self.show_repository_installation(request, repository, topic)
            }
            Route::MintToken(installation) => self.mint(request, *installation, now, topic),
            Route::InstallationRepositories => {
                Ok(self.list_installation_repositories(request, caller.access(route)?))
            }
            Route::OrganizationRepositories(login) => {
                self.list_organization_repositories(request, caller.access(route)?, login, topic)
            }
            Route::UserRepositories(login) => {
                self.list_user_repositories(request, caller.access(route)?, login, topic)
            }
            Route::OwnRepositories => {
                self.list_own_repositories(request, caller.access(route)?, topic)
            }
            Route::Hooks(owner) => Ok(self.list_hooks(request, caller.access(route)?, owner, now)),
            Route::Hook(hook) => self.show_hook(request, hook, now, topic),
            Route::Deliveries(hook) => self.list_deliveries(request, hook, now, topic),
            Route::Delivery(hook, id) => self.show_delivery(hook, *id, now, topic),
            Route::Redeliver(hook, id) => self.redeliver(hook, *id, now, topic),
            Route::Variables(repository) => Ok(self.list_variables(request, repository)),
            Route::Variable(repository, name) => self.show_variable(repository, name),
            Route::CreateVariable(repository) => self.create_variable(request, repository, now),
            Route::UpdateVariable(repository, name) => {
                self.update_variable(request, repository, name, now)
            }
            Route::DeleteVariable(repository, name) => self.delete_variable(repository, name),
        }
    }

    /// The redirect of a request that names a repository by a name it had.
    fn moved(&self, request: &Request, id: u64, rest: &str) -> Answer {
        let query = request
            .path_and_query
            .strip_prefix(request.path())
            .unwrap_or_default();
        let root = self.links.root.clone();
        let root = root.unwrap_or_else(|| self.root(request));
        let url = format!("{root}/repositories/{id}{rest}{query}");
        let (status, message) = match request.method {
            Method::GET => (301, "Moved Permanently"),
            _ => (307, "Temporary Redirect"),
        };
        let body = json!({
            "message": message,
            "url": url,
            "documentation_url": "https://docs.github.com/rest/guides/best-practices-for-using-the-rest-api#follow-redirects",
        });
        Answer::json(status, &body).with_header("location", url)
    }
}

impl Target {
    fn route(&self) -> Option<&Route> {
        match self {
            Self::Route(route) => Some(route),
            Self::Moved(..) | Self::Nowhere => None,
        }
    }
}

/// The first segments of a path after `prefix`, and the rest of it, which is empty or begins with a slash.
fn after_prefix<'a>(path: &'a str, prefix: &str, segments: usize) -> Option<(&'a str, &'a str)> {
    let path = path.strip_prefix(prefix)?;
    let end = path
        .match_indices('/')
        .nth(segments - 1)
        .map_or(path.len(), |(at, _)| at);
    Some(path.split_at(end))
}
