//! From a request to its answer.

use bytes::Bytes;
use chrono::{DateTime, Utc};

use crate::access::{Access, Level};
use crate::exchange::Exchange;
use crate::fault::Effect;
use crate::github::{Account, GitHub};
use crate::rate::{Standing, rate_limit, rate_limit_message};
use crate::reply::{Answer, Ending, Reply};
use crate::request::Request;
use crate::route::Route;
use crate::webhook::Owner;

/// What GitHub lets requests without a working token have an hour.
const ANONYMOUS_REQUESTS_AN_HOUR: u32 = 60;

impl GitHub {
    /// Answers one request. The answer depends on the state, the request and the clock alone.
    pub fn respond(&mut self, request: &Request) -> Reply {
        let now = self.now();
        let effects: Vec<Effect> = self
            .faults
            .iter_mut()
            .filter_map(|fault| fault.hit(request))
            .collect();
        let standing = self.standing(request, now);
        let answer = if effects.iter().any(Effect::is_instead) {
            Answer::empty(200)
        } else {
            self.answer(request, standing, now)
                .unwrap_or_else(|refusal| refusal)
        };
        let faulted = answer.odd || !effects.is_empty();
        let headers = self.headers(&answer, standing, now);
        let mut reply = Reply {
            status: answer.status,
            headers,
            body: Bytes::from(answer.body),
            ending: Ending::Whole,
        };
        for effect in effects {
            effect.apply(&mut reply);
        }
        self.record(request, &reply, faulted, now);
        reply
    }

    fn record(&mut self, request: &Request, reply: &Reply, faulted: bool, at: DateTime<Utc>) {
        let answered = !matches!(reply.ending, Ending::Reset | Ending::Hang);
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
        });
    }

    /// Counts the request, unless it only asks where the token stands.
    fn standing(&mut self, request: &Request, now: DateTime<Utc>) -> Option<Standing> {
        let limit = self.rate_limit?;
        let cost = u32::from(self.below_base(request) != Some("/rate_limit"));
        match request
            .token()
            .filter(|token| self.tokens.contains_key(*token))
        {
            Some(token) => Some(self.rates.count(token, limit, cost, now)),
            None => Some(
                self.rates
                    .count("", limit.min(ANONYMOUS_REQUESTS_AN_HOUR), cost, now),
            ),
        }
    }

    fn below_base<'a>(&self, request: &'a Request) -> Option<&'a str> {
        request.path().strip_prefix(self.base_path())
    }

    fn answer(
        &mut self,
        request: &Request,
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
        let Some(access) = request
            .token()
            .and_then(|token| self.tokens.get(token))
            .cloned()
        else {
            let message = if request.token().is_some() {
                "Bad credentials"
            } else {
                "Requires authentication"
            };
            return Err(Answer::error(401, message, ""));
        };
        let route = self
            .below_base(request)
            .and_then(|path| Route::of(&request.method, path));
        let Some(route) = route else {
            return Err(Answer::not_found(""));
        };
        self.permit(&access, &route)?;
        let topic = route.topic();
        match route {
            Route::RateLimit => rate_limit(standing),
            Route::App => self.app(request),
            Route::AppHookConfig => self.app_hook_config(),
            Route::Hooks(owner) => Ok(self.list_hooks(request, &owner, now)),
            Route::Hook(hook) => self.show_hook(request, &hook, now, topic),
            Route::Deliveries(hook) => self.list_deliveries(request, &hook, now, topic),
            Route::Delivery(hook, id) => self.show_delivery(&hook, id, now, topic),
            Route::Redeliver(hook, id) => self.redeliver(&hook, id, now, topic),
            Route::Variables(repository) => Ok(self.list_variables(request, &repository)),
            Route::Variable(repository, name) => self.show_variable(&repository, &name),
            Route::CreateVariable(repository) => self.create_variable(request, &repository, now),
            Route::UpdateVariable(repository, name) => {
                self.update_variable(request, &repository, &name, now)
            }
            Route::DeleteVariable(repository, name) => self.delete_variable(&repository, &name),
        }
    }

    /// GitHub hides what a token may not see, and says so when it may see but not change it.
    fn permit(&self, access: &Access, route: &Route) -> Result<(), Answer> {
        let (needed, level) = match route {
            Route::RateLimit => return Ok(()),
            Route::App | Route::AppHookConfig => return self.permit_app(access),
            Route::Hooks(owner) => (Level::Read, self.level(access, owner)?),
            Route::Hook(hook) | Route::Deliveries(hook) | Route::Delivery(hook, _) => {
                (Level::Read, self.level(access, &hook.owner)?)
            }
            Route::Redeliver(hook, _) => (Level::Write, self.level(access, &hook.owner)?),
            Route::Variables(repository) | Route::Variable(repository, _) => {
                (Level::Read, self.level_for_variables(access, repository))
            }
            Route::CreateVariable(repository)
            | Route::UpdateVariable(repository, _)
            | Route::DeleteVariable(repository, _) => {
                (Level::Write, self.level_for_variables(access, repository))
            }
        };
        match level {
            Level::None => Err(Answer::not_found(route.topic())),
            Level::Read if needed == Level::Write => Err(Answer::error(
                403,
                "Resource not accessible by personal access token",
                route.topic(),
            )),
            Level::Read | Level::Write => Ok(()),
        }
    }

    /// Anything but the App's own JSON web token is turned away as undecodable, whatever else it may do.
    fn permit_app(&self, access: &Access) -> Result<(), Answer> {
        if !access.is_app() {
            return Err(Answer::error(
                401,
                "A JSON web token could not be decoded",
                "",
            ));
        }
        if self.app_id.is_none() {
            return Err(Answer::not_found("/apps/apps"));
        }
        Ok(())
    }

    fn level(&self, access: &Access, owner: &Owner) -> Result<Level, Answer> {
        Ok(match owner {
            Owner::Organization(login) => match self.accounts.get(&login.to_ascii_lowercase()) {
                Some(Account::Organization) => access.to_organization_webhooks(login),
                Some(Account::User) | None => Level::None,
            },
            Owner::Repository { owner, name } => {
                let repository = format!("{owner}/{name}");
                self.if_there(&repository, access.to_repository_webhooks(&repository))
            }
            Owner::App => self.permit_app(access).map(|()| Level::Write)?,
        })
    }

    fn level_for_variables(&self, access: &Access, repository: &str) -> Level {
        self.if_there(repository, access.to_variables(repository))
    }

    fn if_there(&self, repository: &str, level: Level) -> Level {
        let there = self
            .repositories
            .contains_key(&repository.to_ascii_lowercase());
        if there { level } else { Level::None }
    }
}
