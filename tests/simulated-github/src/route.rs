//! Maps a request to one of GitHub's routes.

use http::Method;

use crate::Owner;
use crate::request::decoded;

/// One of the routes the simulation has. Everything else is not found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Route {
    RateLimit,
    App,
    AppHookConfig,
    Installations,
    OrganizationInstallation(String),
    /// The login may be an organization's too.
    AccountInstallation(String),
    RepositoryInstallation(Repository),
    MintToken(u64),
    InstallationRepositories,
    OrganizationRepositories(String),
    UserRepositories(String),
    OwnRepositories,
    Hooks(Owner),
    Hook(HookPath),
    Deliveries(HookPath),
    Delivery(HookPath, u64),
    Redeliver(HookPath, u64),
    Variables(Repository),
    Variable(Repository, String),
    CreateVariable(Repository),
    UpdateVariable(Repository, String),
    DeleteVariable(Repository, String),
}

/// A webhook as a path names it; the App's has no id in its paths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HookPath {
    pub(crate) owner: Owner,
    pub(crate) id: Option<u64>,
}

/// A repository, as `owner/name`.
pub(crate) type Repository = String;

impl Route {
    /// The route of a path below the API's base.
    pub(crate) fn of(method: &Method, path: &str) -> Option<Self> {
        let segments: Vec<String> = path.strip_prefix('/')?.split('/').map(decoded).collect();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        match segments.as_slice() {
            ["rate_limit"] if method == Method::GET => Some(Self::RateLimit),
            ["app"] if method == Method::GET => Some(Self::App),
            ["app", "hook", "config"] if method == Method::GET => Some(Self::AppHookConfig),
            ["app", "hook", rest @ ..] => Self::below_hook(
                method,
                HookPath {
                    owner: Owner::App,
                    id: None,
                },
                rest,
            ),
            ["app", "installations", id, "access_tokens"] if method == Method::POST => {
                Some(Self::MintToken(id.parse().ok()?))
            }
            ["orgs", login, "hooks", rest @ ..] => {
                Self::hooks(method, Owner::Organization((*login).to_owned()), rest)
            }
            ["repos", owner, name, "hooks", rest @ ..] => Self::hooks(
                method,
                Owner::Repository {
                    owner: (*owner).to_owned(),
                    name: (*name).to_owned(),
                },
                rest,
            ),
            ["repos", owner, name, "actions", "variables", rest @ ..] => {
                Self::variables(method, format!("{owner}/{name}"), rest)
            }
            _ if method == Method::GET => Self::discovery(&segments),
            _ => None,
        }
    }

    /// Routes that find installations and repositories; all are read only.
    fn discovery(segments: &[&str]) -> Option<Self> {
        let route = match segments {
            ["app", "installations"] => Self::Installations,
            ["orgs", login, "installation"] => Self::OrganizationInstallation((*login).to_owned()),
            ["users", login, "installation"] => Self::AccountInstallation((*login).to_owned()),
            ["repos", owner, name, "installation"] => {
                Self::RepositoryInstallation(format!("{owner}/{name}"))
            }
            ["installation", "repositories"] => Self::InstallationRepositories,
            ["orgs", login, "repos"] => Self::OrganizationRepositories((*login).to_owned()),
            ["users", login, "repos"] => Self::UserRepositories((*login).to_owned()),
            ["user", "repos"] => Self::OwnRepositories,
            _ => return None,
        };
        Some(route)
    }

    fn hooks(method: &Method, owner: Owner, rest: &[&str]) -> Option<Self> {
        match rest {
            [] if method == Method::GET => Some(Self::Hooks(owner)),
            [id] if method == Method::GET => Some(Self::Hook(HookPath {
                owner,
                id: Some(id.parse().ok()?),
            })),
            [id, rest @ ..] => Self::below_hook(
                method,
                HookPath {
                    owner,
                    id: Some(id.parse().ok()?),
                },
                rest,
            ),
            [] => None,
        }
    }

    fn below_hook(method: &Method, hook: HookPath, rest: &[&str]) -> Option<Self> {
        match rest {
            ["deliveries"] if method == Method::GET => Some(Self::Deliveries(hook)),
            ["deliveries", id] if method == Method::GET => {
                Some(Self::Delivery(hook, id.parse().ok()?))
            }
            ["deliveries", id, "attempts"] if method == Method::POST => {
                Some(Self::Redeliver(hook, id.parse().ok()?))
            }
            _ => None,
        }
    }

    fn variables(method: &Method, repository: Repository, rest: &[&str]) -> Option<Self> {
        match (method.as_str(), rest) {
            ("GET", []) => Some(Self::Variables(repository)),
            ("POST", []) => Some(Self::CreateVariable(repository)),
            ("GET", [name]) => Some(Self::Variable(repository, (*name).to_owned())),
            ("PATCH", [name]) => Some(Self::UpdateVariable(repository, (*name).to_owned())),
            ("DELETE", [name]) => Some(Self::DeleteVariable(repository, (*name).to_owned())),
            _ => None,
        }
    }

    /// True if it is the App's own, which takes only a web token.
    pub(crate) fn is_for_app(&self) -> bool {
        match self {
            Self::App
            | Self::AppHookConfig
            | Self::Installations
            | Self::OrganizationInstallation(_)
            | Self::AccountInstallation(_)
            | Self::RepositoryInstallation(_)
            | Self::MintToken(_) => true,
            _ => self.hook().is_some_and(|hook| hook.owner == Owner::App),
        }
    }

    /// The webhook it is about.
    pub(crate) fn hook(&self) -> Option<&HookPath> {
        match self {
            Self::Hook(hook)
            | Self::Deliveries(hook)
            | Self::Delivery(hook, _)
            | Self::Redeliver(hook, _) => Some(hook),
            _ => None,
        }
    }

    /// The part of GitHub's documentation that errors point to.
    pub(crate) fn topic(&self) -> &'static str {
        match self {
            Self::RateLimit => "/rate-limit/rate-limit",
            Self::App
            | Self::Installations
            | Self::OrganizationInstallation(_)
            | Self::AccountInstallation(_)
            | Self::RepositoryInstallation(_)
            | Self::MintToken(_) => "/apps/apps",
            Self::InstallationRepositories => "/apps/installations",
            Self::OrganizationRepositories(_)
            | Self::UserRepositories(_)
            | Self::OwnRepositories => "/repos/repos",
            Self::AppHookConfig => "/apps/webhooks",
            Self::Hooks(owner)
            | Self::Hook(HookPath { owner, .. })
            | Self::Deliveries(HookPath { owner, .. })
            | Self::Delivery(HookPath { owner, .. }, _)
            | Self::Redeliver(HookPath { owner, .. }, _) => match owner {
                Owner::Organization(_) => "/orgs/webhooks",
                Owner::Repository { .. } => "/repos/webhooks",
                Owner::App => "/apps/webhooks",
            },
            Self::Variables(_)
            | Self::Variable(..)
            | Self::CreateVariable(_)
            | Self::UpdateVariable(..)
            | Self::DeleteVariable(..) => "/actions/variables",
        }
    }
}
