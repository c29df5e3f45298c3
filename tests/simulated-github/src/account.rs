//! Organizations and people.

use serde_json::{Value, json};

use crate::github::GitHub;

/// The kind of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Organization,
    User,
}

/// An organization or a person.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    pub(crate) id: u64,
    pub(crate) login: String,
    pub(crate) kind: Kind,
}

impl Account {
    /// GitHub's word for the kind of account.
    pub(crate) fn type_name(&self) -> &'static str {
        match self.kind {
            Kind::Organization => "Organization",
            Kind::User => "User",
        }
    }

    /// As `simple-user` describes it.
    pub(crate) fn json(&self, root: &str, origin: &str) -> Value {
        let Self { id, login, .. } = self;
        let url = format!("{root}/users/{login}");
        json!({
            "login": login,
            "id": id,
            "node_id": format!("O_{id}"),
            "avatar_url": format!("{origin}/avatars/{id}"),
            "gravatar_id": "",
            "url": url,
            "html_url": format!("{origin}/{login}"),
            "followers_url": format!("{url}/followers"),
            "following_url": format!("{url}/following{{/other_user}}"),
            "gists_url": format!("{url}/gists{{/gist_id}}"),
            "starred_url": format!("{url}/starred{{/owner}}{{/repo}}"),
            "subscriptions_url": format!("{url}/subscriptions"),
            "organizations_url": format!("{url}/orgs"),
            "repos_url": format!("{url}/repos"),
            "events_url": format!("{url}/events{{/privacy}}"),
            "received_events_url": format!("{url}/received_events"),
            "type": self.type_name(),
            "site_admin": false,
        })
    }
}

impl GitHub {
    /// Adds an organization.
    pub fn add_organization(&mut self, login: &str) {
        self.add_account(login, Kind::Organization);
    }

    /// Adds a person.
    pub fn add_user(&mut self, login: &str) {
        self.add_account(login, Kind::User);
    }

    /// Adds an account, or changes its kind.
    pub(crate) fn add_account(&mut self, login: &str, kind: Kind) {
        let id = self.accounts.len() as u64 + 1;
        let account = Account {
            id,
            login: login.to_owned(),
            kind,
        };
        self.accounts
            .entry(login.to_ascii_lowercase())
            .or_insert(account)
            .kind = kind;
    }

    /// Adds an organization of this login unless there is an account of it.
    pub(crate) fn ensure_account(&mut self, login: &str) {
        if self.account(login).is_none() {
            self.add_account(login, Kind::Organization);
        }
    }

    pub(crate) fn account(&self, login: &str) -> Option<&Account> {
        self.accounts.get(&login.to_ascii_lowercase())
    }

    pub(crate) fn is_organization(&self, login: &str) -> bool {
        self.account(login)
            .is_some_and(|account| account.kind == Kind::Organization)
    }
}
