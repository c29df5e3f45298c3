//! What a token may do.

use std::collections::HashMap;

/// How much a token may do with one thing.
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

/// What a token may do.
#[derive(Debug, Clone, Default)]
pub struct Access {
    admin: bool,
    app: bool,
    organization_webhooks: HashMap<String, Level>,
    repository_webhooks: HashMap<String, Level>,
    variables: HashMap<String, Level>,
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

    /// Webhooks of an organization, by login.
    #[must_use]
    pub fn organization_webhooks(mut self, login: &str, level: Level) -> Self {
        self.organization_webhooks
            .insert(login.to_ascii_lowercase(), level);
        self
    }

    /// Webhooks of a repository, as `owner/name`.
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

    /// The App's own routes. At GitHub these take a JSON web token signed with the App's key; here the token is any
    /// string, and nothing is signed or checked yet.
    #[must_use]
    pub fn app(mut self) -> Self {
        self.app = true;
        self
    }

    pub(crate) fn is_app(&self) -> bool {
        self.app
    }

    pub(crate) fn to_organization_webhooks(&self, login: &str) -> Level {
        self.level(&self.organization_webhooks, login)
    }

    pub(crate) fn to_repository_webhooks(&self, repository: &str) -> Level {
        self.level(&self.repository_webhooks, repository)
    }

    pub(crate) fn to_variables(&self, repository: &str) -> Level {
        self.level(&self.variables, repository)
    }

    fn level(&self, granted: &HashMap<String, Level>, name: &str) -> Level {
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
}
