//! The identity of a webhook: its REST path, settings page and display name.

use std::fmt;

/// The number that GitHub gives a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HookId(pub u64);

impl fmt::Display for HookId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A repository, by its owner's login and its name. GitHub ignores the case of both.
#[derive(Clone, Debug)]
pub struct Repository {
    /// The login of the account that owns it.
    pub owner: String,
    /// Its name without the owner.
    pub name: String,
}

impl PartialEq for Repository {
    fn eq(&self, other: &Self) -> bool {
        self.owner.eq_ignore_ascii_case(&other.owner) && self.name.eq_ignore_ascii_case(&other.name)
    }
}

impl Eq for Repository {}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.owner, self.name)
    }
}

/// The owner of a webhook.
#[derive(Clone, Debug)]
pub enum Owner {
    /// An organization, by its login.
    Organization(String),
    /// A repository.
    Repository(Repository),
    /// A GitHub App, by its settings page: a path below the address of GitHub's web pages.
    App(String),
}

impl PartialEq for Owner {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Organization(one), Self::Organization(other)) => one.eq_ignore_ascii_case(other),
            (Self::Repository(one), Self::Repository(other)) => one == other,
            (Self::App(one), Self::App(other)) => one == other,
            _ => false,
        }
    }
}

impl Eq for Owner {}

impl Owner {
    /// The REST path of the owner's webhooks, below the API's base address. An App has only one
    /// webhook, and this is its path.
    pub fn hooks_path(&self) -> String {
        match self {
            Self::Organization(login) => format!("/orgs/{login}/hooks"),
            Self::Repository(repository) => format!("/repos/{repository}/hooks"),
            Self::App(_) => "/app/hook".into(),
        }
    }

    /// The login of the owning account; `None` for an App.
    pub fn account(&self) -> Option<&str> {
        match self {
            Self::Organization(login) => Some(login),
            Self::Repository(repository) => Some(&repository.owner),
            Self::App(_) => None,
        }
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Organization(login) => f.write_str(login),
            Self::Repository(repository) => repository.fmt(f),
            Self::App(_) => f.write_str("App"),
        }
    }
}

/// One configured webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// Its owner.
    pub owner: Owner,
    /// Its number at that owner; an App's webhook has none.
    pub id: Option<HookId>,
    /// Scheme and host of its payload URL, such as `https://ci.acme.com`. The rest of a payload
    /// URL may hold secrets and is not kept. Empty if GitHub shows no URL.
    pub receiver: String,
}

impl Webhook {
    /// The REST path of this webhook, below the API's base address.
    pub fn path(&self) -> String {
        match self.id {
            Some(id) => format!("{}/{id}", self.owner.hooks_path()),
            None => self.owner.hooks_path(),
        }
    }

    /// Its name in the state.
    pub fn key(&self) -> String {
        let owner = self.owner.to_string().to_lowercase();
        match self.id {
            Some(id) => format!("{owner}/{id}"),
            None => owner,
        }
    }

    /// The page that shows its deliveries. `web` is the address of GitHub's web pages,
    /// without a trailing slash.
    pub fn settings_url(&self, web: &str) -> String {
        let owner = match &self.owner {
            Owner::Organization(login) => format!("{web}/organizations/{login}/settings/hooks"),
            Owner::Repository(repository) => format!("{web}/{repository}/settings/hooks"),
            Owner::App(page) => format!("{web}{page}"),
        };
        match self.id {
            Some(id) => format!("{owner}/{id}"),
            None => owner,
        }
    }

    /// The part of that page that offers redelivery.
    pub fn deliveries_url(&self, web: &str) -> String {
        let page = self.settings_url(web);
        match self.owner {
            // An App's page always shows the deliveries.
            Owner::App(_) => page,
            _ => format!("{page}?tab=deliveries"),
        }
    }
}

impl fmt::Display for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} webhook", self.owner)?;
        match self.id {
            Some(id) => write!(f, " {id}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(owner: Owner, id: Option<u64>) -> [String; 4] {
        let webhook = Webhook {
            owner,
            id: id.map(HookId),
            receiver: String::new(),
        };
        let page = webhook.settings_url("https://github.com");
        [webhook.path(), webhook.key(), webhook.to_string(), page]
    }

    #[test]
    fn each_kind_of_webhook_has_githubs_paths() {
        assert_eq!(
            names(Owner::Organization("Acme".into()), Some(42)),
            [
                "/orgs/Acme/hooks/42",
                "acme/42",
                "Acme webhook 42",
                "https://github.com/organizations/Acme/settings/hooks/42"
            ]
        );
        let repository = Repository {
            owner: "acme".into(),
            name: "Ops".into(),
        };
        assert_eq!(
            names(Owner::Repository(repository), Some(42)),
            [
                "/repos/acme/Ops/hooks/42",
                "acme/ops/42",
                "acme/Ops webhook 42",
                "https://github.com/acme/Ops/settings/hooks/42"
            ]
        );
        assert_eq!(
            names(Owner::App("/settings/apps/robot/advanced".into()), None),
            [
                "/app/hook",
                "app",
                "App webhook",
                "https://github.com/settings/apps/robot/advanced"
            ]
        );
    }
}
