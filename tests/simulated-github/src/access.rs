//! Access: the permissions of tokens.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Utc};

use crate::permission::Permission;

/// The owner of a token unless a test names another.
const USER: &str = "octocat";

/// A level of permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Level {
    /// Not even know that it exists.
    #[default]
    None,
    /// Look.
    Read,
    /// Look and change; redelivering is a change.
    Write,
}

/// The kind of a token.
#[derive(Debug, Clone, Default)]
pub(crate) enum Kind {
    /// A person's fine-grained token.
    #[default]
    FineGrained,
    /// A person's classic token.
    Classic { scopes: Vec<String> },
    /// A token that an OAuth app holds for a person.
    OauthApp { app: String, scopes: Vec<String> },
    /// The `GITHUB_TOKEN` of a workflow in a repository, named as `owner/name`.
    Workflow { repository: String },
    /// A token of an installation of the App.
    Installation(Grant),
}

/// The scope of an installation's token.
#[derive(Debug, Clone)]
pub(crate) struct Grant {
    pub(crate) installation: u64,
    pub(crate) permissions: BTreeMap<String, String>,
    /// `None`: all of the installation's.
    pub(crate) repositories: Option<BTreeSet<u64>>,
}

/// The permissions and the kind of a token: a person's fine-grained one, unless made by
/// [`classic`](Self::classic), [`oauth_app`](Self::oauth_app) or [`workflow`](Self::workflow).
#[derive(Debug, Clone, Default)]
pub struct Access {
    admin: bool,
    pub(crate) kind: Kind,
    user: Option<String>,
    organization_webhooks: HashMap<String, Level>,
    repository_webhooks: HashMap<String, Level>,
    variables: HashMap<String, Level>,
    /// The address at which to authorize the token, by organization.
    sso: HashMap<String, String>,
    pub(crate) expires_at: Option<DateTime<Utc>>,
}

impl Access {
    /// A token that works and may do nothing.
    pub fn nothing() -> Self {
        Self::default()
    }

    /// A token that may do everything but use the App's routes, which no token of a person may.
    pub fn admin() -> Self {
        Self {
            admin: true,
            ..Self::default()
        }
    }

    /// A classic token, such as `ghp_...`, of a person with all permissions. Its scopes limit it; the other methods
    /// reduce the person's permissions.
    pub fn classic(scopes: &[&str]) -> Self {
        Self::of_admin(Kind::Classic {
            scopes: owned(scopes),
        })
    }

    /// A token that the OAuth app `app` holds, `gho_...`. It is like [`classic`](Self::classic), but sees only those of an
    /// organization's webhooks that the app made: see [`Webhook::made_by`](crate::Webhook::made_by).
    pub fn oauth_app(app: &str, scopes: &[&str]) -> Self {
        Self::of_admin(Kind::OauthApp {
            app: app.to_owned(),
            scopes: owned(scopes),
        })
    }

    /// The `GITHUB_TOKEN` of a workflow in a repository, as `owner/name`. It may use neither webhooks nor variables.
    pub fn workflow(repository: &str) -> Self {
        Self {
            kind: Kind::Workflow {
                repository: repository.to_owned(),
            },
            ..Self::default()
        }
    }

    pub(crate) fn installation(grant: Grant) -> Self {
        Self {
            kind: Kind::Installation(grant),
            ..Self::default()
        }
    }

    fn of_admin(kind: Kind) -> Self {
        Self {
            kind,
            ..Self::admin()
        }
    }

    /// Webhooks of an organization, by login.
    #[must_use]
    pub fn organization_webhooks(mut self, login: &str, level: Level) -> Self {
        self.organization_webhooks
            .insert(login.to_ascii_lowercase(), level);
        self
    }

    /// Webhooks of a repository, as `owner/name`. Anyone with any level of these is shown as the repository's admin.
    #[must_use]
    pub fn repository_webhooks(mut self, repository: &str, level: Level) -> Self {
        self.repository_webhooks
            .insert(repository.to_ascii_lowercase(), level);
        self
    }

    /// Actions variables of a repository, as `owner/name`.
    #[must_use]
    pub fn variables(mut self, repository: &str, level: Level) -> Self {
        self.variables
            .insert(repository.to_ascii_lowercase(), level);
        self
    }

    /// Sets the token's owner, which is `octocat` otherwise.
    #[must_use]
    pub fn user(mut self, login: &str) -> Self {
        self.user = Some(login.to_owned());
        self
    }

    /// The token has not been authorized for the single sign-on of an organization, which happens at `url`.
    #[must_use]
    pub fn sso_required(mut self, login: &str, url: &str) -> Self {
        self.sso.insert(login.to_ascii_lowercase(), url.to_owned());
        self
    }

    /// The token works until then, and every answer says so.
    #[must_use]
    pub fn expires(mut self, at: DateTime<Utc>) -> Self {
        self.expires_at = Some(at);
        self
    }

    /// The login of the person whose token it is.
    pub(crate) fn login(&self) -> &str {
        self.user.as_deref().unwrap_or(USER)
    }

    /// The OAuth scopes, of the kinds of token that have some.
    pub(crate) fn scopes(&self) -> Option<&[String]> {
        match &self.kind {
            Kind::Classic { scopes } | Kind::OauthApp { scopes, .. } => Some(scopes),
            Kind::FineGrained | Kind::Workflow { .. } | Kind::Installation(_) => None,
        }
    }

    /// The time when it expires, for tokens whose expiry every answer announces: those of people.
    pub(crate) fn announced_expiry(&self) -> Option<DateTime<Utc>> {
        self.expires_at.filter(|_| !self.is_integration())
    }

    /// True if it belongs to an App and not to a person: a workflow's token is one of the Actions App.
    pub(crate) fn is_integration(&self) -> bool {
        matches!(self.kind, Kind::Workflow { .. } | Kind::Installation(_))
    }

    /// The OAuth app that holds the token.
    pub(crate) fn held_by(&self) -> Option<&str> {
        match &self.kind {
            Kind::OauthApp { app, .. } => Some(app),
            _ => None,
        }
    }

    /// The address at which to authorize the token before it may access an organization's resources.
    pub(crate) fn sso_url(&self, login: &str) -> Option<&str> {
        self.sso
            .get(&login.to_ascii_lowercase())
            .map(String::as_str)
    }

    /// The organizations that the token has to be authorized for, in lower case.
    pub(crate) fn sso_logins(&self) -> impl Iterator<Item = &str> {
        self.sso.keys().map(String::as_str)
    }

    /// True if the person is an admin of a repository, whatever the token's scopes.
    pub(crate) fn is_admin_of(&self, repository: &str) -> bool {
        self.of_person(Permission::RepositoryHooks, repository) != Level::None
    }

    /// The level of a person's token for something that an organization or repository has.
    pub(crate) fn level(&self, permission: Permission, name: &str) -> Level {
        let of_scopes = self.scopes().map_or(Level::Write, |scopes| {
            let covers = |level| {
                let accepted = permission.scopes(level);
                scopes
                    .iter()
                    .any(|scope| accepted.contains(&scope.as_str()))
            };
            let levels = [Level::Write, Level::Read].into_iter();
            levels
                .filter(|level| covers(*level))
                .max()
                .unwrap_or_default()
        });
        of_scopes.min(self.of_person(permission, name))
    }

    fn of_person(&self, permission: Permission, name: &str) -> Level {
        let granted = match permission {
            Permission::OrganizationHooks => &self.organization_webhooks,
            Permission::RepositoryHooks => &self.repository_webhooks,
            Permission::ActionsVariables => &self.variables,
        };
        let most = if self.admin {
            Level::Write
        } else {
            Level::None
        };
        granted
            .get(&name.to_ascii_lowercase())
            .copied()
            .unwrap_or(most)
    }

    /// Moves the access to a repository to the repository's new name.
    pub(crate) fn rename_repository(&mut self, from: &str, to: &str) {
        for granted in [&mut self.repository_webhooks, &mut self.variables] {
            if let Some(level) = granted.remove(&from.to_ascii_lowercase()) {
                granted.insert(to.to_ascii_lowercase(), level);
            }
        }
        if let Kind::Workflow { repository } = &mut self.kind
            && repository.eq_ignore_ascii_case(from)
        {
            to.clone_into(repository);
        }
    }
}

fn owned(scopes: &[&str]) -> Vec<String> {
    scopes.iter().map(|scope| (*scope).to_owned()).collect()
}
