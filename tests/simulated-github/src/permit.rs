//! Permissions: the routes that a caller may use.

use crate::access::{Access, Grant, Kind, Level};
use crate::caller::Caller;
use crate::github::GitHub;
use crate::jwt::Flaw;
use crate::permission::Permission;
use crate::reply::Answer;
use crate::route::Route;
use crate::webhook::Owner;

const NOT_BY_INTEGRATION: &str = "Resource not accessible by integration";
const NOT_BY_PERSON: &str = "Resource not accessible by personal access token";

/// The permission that a route needs.
pub(crate) struct Need {
    pub(crate) permission: Permission,
    /// The login or `owner/name` of the account or repository that it is needed for.
    pub(crate) name: String,
    pub(crate) level: Level,
}

impl Need {
    fn of_hooks(owner: &Owner, level: Level) -> Option<Self> {
        let (permission, name) = match owner {
            Owner::Organization(login) => (Permission::OrganizationHooks, login.clone()),
            Owner::Repository { owner, name } => {
                (Permission::RepositoryHooks, format!("{owner}/{name}"))
            }
            Owner::App => return None,
        };
        Some(Self {
            permission,
            name,
            level,
        })
    }

    /// The login of its owner.
    fn login(&self) -> &str {
        self.name.split('/').next().unwrap_or_default()
    }
}

impl Route {
    /// The permission it needs, if it needs one.
    pub(crate) fn need(&self) -> Option<Need> {
        let variables = |repository: &String, level| {
            Some(Need {
                permission: Permission::ActionsVariables,
                name: repository.clone(),
                level,
            })
        };
        match self {
            Self::Hooks(owner) => Need::of_hooks(owner, Level::Read),
            Self::Hook(hook) | Self::Deliveries(hook) | Self::Delivery(hook, _) => {
                Need::of_hooks(&hook.owner, Level::Read)
            }
            Self::Redeliver(hook, _) => Need::of_hooks(&hook.owner, Level::Write),
            Self::Variables(repository) | Self::Variable(repository, _) => {
                variables(repository, Level::Read)
            }
            Self::CreateVariable(repository)
            | Self::UpdateVariable(repository, _)
            | Self::DeleteVariable(repository, _) => variables(repository, Level::Write),
            _ => None,
        }
    }
}

impl GitHub {
    /// Checks that the caller may use the route at all. Lists are filtered where they are made.
    ///
    /// GitHub hides from a person's token everything that it may not see, and refuses openly if the token may see a
    /// thing but not change it. An App always gets the open refusal.
    pub(crate) fn permit(&self, caller: &Caller, route: &Route) -> Result<(), Answer> {
        let topic = route.topic();
        match caller {
            Caller::App if route.is_for_app() || *route == Route::RateLimit => return Ok(()),
            Caller::Unknown(flaw) if route.is_for_app() => return Err(flaw.answer()),
            _ if route.is_for_app() => return Err(Flaw::Undecodable.answer()),
            _ => {}
        }
        let access = caller.access(route)?;
        if let Kind::Installation(grant) = &access.kind
            && self
                .installations
                .get(&grant.installation)
                .is_some_and(|installed| installed.suspended_at.is_some())
        {
            return Err(suspended(topic));
        }
        permit_kind(access, route)?;
        let need = route.need();
        let login = match (&need, route) {
            (Some(need), _) => need.login(),
            (None, Route::OrganizationRepositories(login)) => login,
            (None, _) => return Ok(()),
        };
        if let Some(url) = access.sso_url(login) {
            return Err(sso_required(url, topic));
        }
        match need {
            Some(need) => self.permit_need(access, &need, route),
            None => Ok(()),
        }
    }

    fn permit_need(&self, access: &Access, need: &Need, route: &Route) -> Result<(), Answer> {
        let topic = route.topic();
        let there = match need.permission {
            Permission::OrganizationHooks => self.is_organization(&need.name),
            Permission::RepositoryHooks | Permission::ActionsVariables => {
                self.repositories.get(&need.name).is_some()
            }
        };
        if !there {
            return Err(Answer::not_found(topic));
        }
        let level = match &access.kind {
            Kind::Workflow { .. } => Level::None,
            Kind::Installation(grant) => self.level_of_grant(grant, need),
            Kind::FineGrained | Kind::Classic { .. } | Kind::OauthApp { .. } => {
                access.level(need.permission, &need.name)
            }
        };
        if level < need.level {
            return Err(if access.is_integration() {
                Answer::error(403, NOT_BY_INTEGRATION, topic)
            } else if level == Level::None || access.scopes().is_some() {
                Answer::not_found(topic)
            } else {
                Answer::error(403, NOT_BY_PERSON, topic)
            });
        }
        match route.hook().and_then(|hook| self.hooks.get(&hook.id?)) {
            Some((owner, webhook)) if !webhook.is_shown_to(access, owner) => {
                Err(Answer::not_found(topic))
            }
            _ => Ok(()),
        }
    }

    /// The access of an installation's token: none to another account.
    fn level_of_grant(&self, grant: &Grant, need: &Need) -> Level {
        let Some(installed) = self.installations.get(&grant.installation) else {
            return Level::None;
        };
        let within = match self.repositories.get(&need.name) {
            Some(repository) => installed.includes(repository) && grant.includes(repository),
            None => installed.is_on(&need.name),
        };
        match grant
            .permissions
            .get(need.permission.name())
            .map(String::as_str)
        {
            Some("read") if within => Level::Read,
            Some(_) if within => Level::Write,
            _ => Level::None,
        }
    }
}

/// Routes that are for some kinds of token only.
fn permit_kind(access: &Access, route: &Route) -> Result<(), Answer> {
    match (route, access.is_integration()) {
        (Route::InstallationRepositories, false) | (Route::OwnRepositories, true) => {
            Err(not_for_integrations(route))
        }
        _ => Ok(()),
    }
}

fn not_for_integrations(route: &Route) -> Answer {
    let message = match route {
        Route::InstallationRepositories => {
            "You must authenticate with an installation access token in order to list repositories for an installation."
        }
        _ => NOT_BY_INTEGRATION,
    };
    Answer::error(403, message, route.topic())
}

pub(crate) fn suspended(topic: &str) -> Answer {
    Answer::error(403, "This installation has been suspended", topic)
}

fn sso_required(url: &str, topic: &str) -> Answer {
    let message = "Resource protected by organization SAML enforcement. You must grant your Personal Access token access \
                   to this organization.";
    Answer::error(403, message, topic).with_header("x-github-sso", format!("required; url={url}"))
}

impl Caller {
    /// Checks that GitHub knows the caller.
    pub(crate) fn known(&self) -> Result<(), Answer> {
        match self {
            Self::Anonymous => Err(Answer::error(401, "Requires authentication", "")),
            Self::Unknown(_) => Err(Answer::error(401, "Bad credentials", "")),
            Self::App | Self::Token(_) => Ok(()),
        }
    }

    /// The access of the caller's token, for routes that take tokens.
    pub(crate) fn access(&self, route: &Route) -> Result<&Access, Answer> {
        self.known()?;
        match self {
            Self::Token(access) => Ok(access),
            _ => Err(not_for_integrations(route)),
        }
    }
}
