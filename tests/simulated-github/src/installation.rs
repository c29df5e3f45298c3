//! Installations of the App, the routes that show them, and their tokens.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, SubsecRound, Utc};
use serde_json::{Value, json};

use crate::access::Grant;
use crate::github::GitHub;
use crate::paging::{self, MOST_PER_PAGE};
use crate::permission::rank;
use crate::reply::Answer;
use crate::repository::Repository;
use crate::request::Request;

/// The first installation's id: eight digits, as GitHub's have.
const FIRST_ID: u64 = 51_234_561;

/// GitHub's size of a page of installations unless the request names another.
const PER_PAGE: usize = 30;

/// An installation of the App to be made with [`GitHub::install`].
#[derive(Debug, Clone)]
pub struct Installation {
    login: String,
    permissions: BTreeMap<String, String>,
    repositories: Option<Vec<String>>,
    suspended: bool,
}

impl Installation {
    /// On an organization or a person's account, with permissions such as `("organization_hooks", "write")`, for all its
    /// repositories. Reading metadata is always among the permissions, as it is at GitHub.
    ///
    /// # Panics
    /// If a level is not `read`, `write` or `admin`.
    pub fn new(login: &str, permissions: &[(&str, &str)]) -> Self {
        Self {
            login: login.to_owned(),
            permissions: permission_levels(permissions),
            repositories: None,
            suspended: false,
        }
    }

    /// For these of the account's repositories only, named without their owner.
    #[must_use]
    pub fn selected(mut self, repositories: &[&str]) -> Self {
        self.repositories = Some(repositories.iter().map(|name| (*name).to_owned()).collect());
        self
    }

    /// Suspended from the start.
    #[must_use]
    pub fn suspended(mut self) -> Self {
        self.suspended = true;
        self
    }
}

/// An installation there is.
#[derive(Debug, Clone)]
pub(crate) struct Installed {
    id: u64,
    pub(crate) login: String,
    pub(crate) permissions: BTreeMap<String, String>,
    /// `None`: all of the account's.
    repositories: Option<BTreeSet<u64>>,
    created_at: DateTime<Utc>,
    pub(crate) suspended_at: Option<DateTime<Utc>>,
}

impl Installed {
    pub(crate) fn is_on(&self, login: &str) -> bool {
        self.login.eq_ignore_ascii_case(login)
    }

    pub(crate) fn includes(&self, repository: &Repository) -> bool {
        self.is_on(&repository.owner)
            && self
                .repositories
                .as_ref()
                .is_none_or(|selected| selected.contains(&repository.id))
    }

    pub(crate) fn selection(&self, grant: Option<&Grant>) -> &'static str {
        let narrowed = grant.is_some_and(|grant| grant.repositories.is_some());
        if narrowed || self.repositories.is_some() {
            "selected"
        } else {
            "all"
        }
    }
}

impl Grant {
    pub(crate) fn includes(&self, repository: &Repository) -> bool {
        self.repositories
            .as_ref()
            .is_none_or(|chosen| chosen.contains(&repository.id))
    }
}

impl GitHub {
    /// Installs the App, and adds the account (as an organization) and the repositories unless they are there already. The
    /// id is the installation's.
    pub fn install(&mut self, installation: Installation) -> u64 {
        let Installation {
            login,
            permissions,
            repositories,
            suspended,
        } = installation;
        self.ensure_account(&login);
        let selected = repositories.map(|names| {
            names
                .iter()
                .map(|name| self.repositories.ensure(&login, name).id)
                .collect()
        });
        let id = self
            .installations
            .last_key_value()
            .map_or(FIRST_ID, |(last, _)| last + 1);
        let now = self.now().trunc_subsecs(0);
        let installed = Installed {
            id,
            login,
            permissions,
            repositories: selected,
            created_at: now,
            suspended_at: suspended.then_some(now),
        };
        self.installations.insert(id, installed);
        id
    }

    /// Suspends an installation: it gets no more tokens, and those it has are refused.
    ///
    /// # Panics
    /// If there is no such installation.
    pub fn suspend(&mut self, installation: u64) {
        let now = self.now().trunc_subsecs(0);
        let Some(installed) = self.installations.get_mut(&installation) else {
            panic!("there is no installation `{installation}`");
        };
        installed.suspended_at = Some(now);
    }

    /// Uninstalls the App from an account; tokens made for it stop working.
    pub fn uninstall(&mut self, installation: u64) {
        self.installations.remove(&installation);
    }

    pub(crate) fn list_installations(&self, request: &Request) -> Answer {
        let all: Vec<&Installed> = self.installations.values().collect();
        let size = paging::per_page(request, PER_PAGE, MOST_PER_PAGE);
        let url = format!("{}/app/installations", self.root(request));
        let (page, link) = paging::numbered(&all, request, size, &url);
        let rows: Vec<Value> = page
            .iter()
            .map(|installed| self.installation_json(request, installed))
            .collect();
        Answer {
            link,
            ..Answer::json(200, &rows)
        }
    }

    /// The installation on an account; on a person's too.
    pub(crate) fn show_account_installation(
        &self,
        request: &Request,
        login: &str,
        topic: &str,
    ) -> Result<Answer, Answer> {
        self.show_installation(request, topic, |installed| installed.is_on(login))
    }

    pub(crate) fn show_repository_installation(
        &self,
        request: &Request,
        repository: &str,
        topic: &str,
    ) -> Result<Answer, Answer> {
        let repository = self
            .repositories
            .get(repository)
            .ok_or_else(|| Answer::not_found(topic))?;
        self.show_installation(request, topic, |installed| installed.includes(repository))
    }

    fn show_installation(
        &self,
        request: &Request,
        topic: &str,
        is_meant: impl Fn(&Installed) -> bool,
    ) -> Result<Answer, Answer> {
        let found = self
            .installations
            .values()
            .find(|installed| is_meant(installed));
        let installed = found.ok_or_else(|| Answer::not_found(topic))?;
        Ok(Answer::json(
            200,
            &self.installation_json(request, installed),
        ))
    }

    fn installation_json(&self, request: &Request, installed: &Installed) -> Value {
        let (root, origin) = (self.root(request), request.origin());
        let id = installed.id;
        let account = self.account(&installed.login);
        let account_json = account.map(|account| account.json(&root, &origin));
        let app = self.app.as_ref();
        let suspended_by = installed.suspended_at.and(account_json.clone());
        json!({
            "id": id,
            "client_id": app.map(|app| app.client_id.clone()),
            "account": account_json,
            "repository_selection": installed.selection(None),
            "access_tokens_url": format!("{root}/app/installations/{id}/access_tokens"),
            "repositories_url": format!("{root}/installation/repositories"),
            "html_url": format!("{origin}/organizations/{}/settings/installations/{id}", installed.login),
            "app_id": app.map(crate::App::id),
            "app_slug": app.map(|app| app.slug.clone()),
            "target_id": account.map(|account| account.id),
            "target_type": account.map(|account| account.type_name()),
            "permissions": installed.permissions,
            "events": [],
            "created_at": installed.created_at,
            "updated_at": installed.created_at,
            "single_file_name": null,
            "has_multiple_single_files": false,
            "single_file_paths": [],
            "suspended_by": suspended_by,
            "suspended_at": installed.suspended_at,
        })
    }
}

/// Permissions by name, with the one that every App has.
pub(crate) fn permission_levels(permissions: &[(&str, &str)]) -> BTreeMap<String, String> {
    if let Some((name, level)) = permissions.iter().find(|(_, level)| rank(level).is_none()) {
        panic!("`{name}` cannot be `{level}`: levels are `read`, `write` and `admin`");
    }
    [("metadata", "read")]
        .iter()
        .chain(permissions)
        .map(|(name, level)| ((*name).to_owned(), (*level).to_owned()))
        .collect()
}
