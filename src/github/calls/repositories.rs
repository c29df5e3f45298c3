//! An account's repositories.

use serde::Deserialize;

use crate::github::calls::client::Client;
use crate::github::calls::paged::Pages;
use crate::github::failure::error::Error;
use crate::github::failure::request_error::RequestError;
use crate::github::failure::subject::{Access, Subject};
use crate::model::Repository;

/// An account's repositories, page by page.
///
/// For an installation, GitHub lists the repositories that it includes. For a person, it lists an organization's
/// repositories, or the person's own if the account is not an organization.
pub struct RepositoryPages {
    client: Client,
    login: String,
    pages: Pages,
    /// True until the first page shows that the account is an organization.
    tentative: bool,
    /// True for an installation's list, whose rows name no permissions.
    installed: bool,
}

/// A page of repositories.
#[derive(Debug, Default)]
pub struct RepositoryPage {
    /// Those whose webhooks the credential may administer.
    pub administered: Vec<Repository>,
    /// Number of further repositories that are archived: GitHub delivers nothing for them.
    pub archived: usize,
    /// Number of further repositories that the credential may not administer.
    pub others: usize,
}

/// A page of an installation's list.
#[derive(Deserialize)]
struct InstallationPage {
    repositories: Vec<RepositoryRow>,
}

#[derive(Deserialize)]
struct RepositoryRow {
    name: String,
    owner: RepositoryOwner,
    #[serde(default)]
    archived: bool,
    #[serde(default)]
    permissions: Option<RepositoryPermissions>,
}

#[derive(Deserialize)]
struct RepositoryOwner {
    login: String,
    #[serde(default, rename = "type")]
    kind: String,
}

#[derive(Deserialize)]
struct RepositoryPermissions {
    #[serde(default)]
    admin: bool,
}

impl RepositoryPages {
    /// The repositories of `login`
    /// (<https://docs.github.com/en/rest/apps/installations#list-repositories-accessible-to-the-app-installation>,
    /// <https://docs.github.com/en/rest/repos/repos#list-organization-repositories>,
    /// <https://docs.github.com/en/rest/repos/repos#list-repositories-for-the-authenticated-user>).
    pub fn new(client: &Client, login: &str) -> Self {
        let installed = client.kind().is_installation();
        let path = if installed {
            "/installation/repositories".to_owned()
        } else {
            format!("/orgs/{login}/repos")
        };
        Self {
            client: client.clone(),
            login: login.to_owned(),
            pages: Pages::new(client, &path),
            tentative: !installed,
            installed,
        }
    }

    /// The next page; `None` after the last.
    ///
    /// # Errors
    /// It could not be read. No further page comes.
    pub async fn next_page(&mut self) -> Result<Option<RepositoryPage>, Error> {
        let page = self.page().await;
        page.map_err(|failure| {
            let subject = Subject {
                name: format!("the repositories of `{}`", self.login),
                access: Access::Repositories(self.login.clone()),
            };
            self.client.failed(&subject, failure)
        })
    }

    async fn page(&mut self) -> Result<Option<RepositoryPage>, RequestError> {
        let mut response = self.pages.next().await;
        if matches!(&response, Err(error) if error.status() == Some(404)) && self.tentative {
            self.pages = Pages::new(&self.client, "/user/repos");
            response = self.pages.next().await;
        }
        self.tentative = false;
        let Some(response) = response? else {
            return Ok(None);
        };
        let rows = if self.installed {
            response.json::<InstallationPage>()?.repositories
        } else {
            response.json()?
        };
        let mut page = RepositoryPage::default();
        for row in rows {
            if !row.owner.login.eq_ignore_ascii_case(&self.login) {
                continue;
            }
            let admin = row.permissions.is_none_or(|permissions| permissions.admin);
            if row.archived {
                page.archived += 1;
            } else if !self.installed && !admin {
                page.others += 1;
            } else {
                page.administered.push(Repository {
                    owner: row.owner.login,
                    name: row.name,
                });
            }
        }
        Ok(Some(page))
    }
}

/// Returns whether an account is a person's, as far as its repositories show
/// (<https://docs.github.com/en/rest/repos/repos#list-repositories-for-a-user>).
pub async fn is_person(client: &Client, login: &str) -> bool {
    let path = format!("/users/{login}/repos?per_page=1");
    let Ok(response) = client.read(&path, |_| {}).await else {
        return false;
    };
    let rows: Vec<RepositoryRow> = response.json().unwrap_or_default();
    rows.iter().any(|row| row.owner.kind == "User")
}
