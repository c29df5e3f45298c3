//! A GitHub App's installations
//! (<https://docs.github.com/en/rest/apps/apps#list-installations-for-the-authenticated-app>).

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use http::Method;
use serde::{Deserialize, Serialize};

use crate::github::calls::client::Client;
use crate::github::calls::id::number_or_text;
use crate::github::calls::paged::Pages;
use crate::github::failure::request_error::RequestError;

/// An installation of the App.
#[derive(Clone, Debug, Deserialize)]
pub struct Installation {
    #[serde(deserialize_with = "number_or_text")]
    id: u64,
    account: Option<InstallationAccount>,
    /// Levels by the API's names for permissions.
    #[serde(default)]
    pub(crate) permissions: BTreeMap<String, String>,
    #[serde(default)]
    suspended_at: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
struct InstallationAccount {
    #[serde(default)]
    login: String,
    #[serde(default, rename = "type")]
    kind: String,
}

impl Installation {
    /// The login of its organization; `None` if it is on a person's account.
    pub fn organization(&self) -> Option<&str> {
        let account = self.account.as_ref()?;
        (account.kind == "Organization").then_some(&*account.login)
    }

    /// True if it is on a person's account.
    pub(crate) fn is_on_a_person(&self) -> bool {
        self.account.is_some() && self.organization().is_none()
    }

    /// True if an owner suspended it, so it may do nothing.
    pub fn is_suspended(&self) -> bool {
        self.suspended_at.is_some()
    }
}

/// A new installation access token.
#[derive(Deserialize)]
pub(crate) struct AccessToken {
    pub(crate) token: String,
    pub(crate) expires_at: DateTime<Utc>,
}

#[derive(Serialize)]
struct AccessTokenRequest<'a> {
    permissions: &'a BTreeMap<&'a str, &'a str>,
}

/// Every installation of the App, all pages.
pub(crate) async fn installations(app: &Client) -> Result<Vec<Installation>, RequestError> {
    let mut pages = Pages::new(app, "/app/installations");
    let mut installations = Vec::new();
    while let Some(answer) = pages.next().await? {
        installations.extend(answer.json::<Vec<Installation>>()?);
    }
    Ok(installations)
}

/// The App's installation on an account, whether that is an organization's or a person's
/// (<https://docs.github.com/en/rest/apps/apps#get-an-organization-installation-for-the-authenticated-app>).
pub(crate) async fn installation(app: &Client, login: &str) -> Result<Installation, RequestError> {
    let of_organization = format!("/orgs/{login}/installation");
    let of_person = format!("/users/{login}/installation");
    match app.read(&of_organization, |_| {}).await {
        Err(error) if error.status() == Some(404) => app.read(&of_person, |_| {}).await?.json(),
        answer => answer?.json(),
    }
}

/// Makes an access token with these permissions
/// (<https://docs.github.com/en/rest/apps/apps#create-an-installation-access-token-for-an-app>).
pub(crate) async fn create_access_token(
    app: &Client,
    installation: &Installation,
    permissions: &BTreeMap<&str, &str>,
) -> Result<AccessToken, RequestError> {
    let path = format!("/app/installations/{}/access_tokens", installation.id);
    let body = AccessTokenRequest { permissions };
    let answer = app.write(Method::POST, &path, Some(&body)).await?;
    answer.json()
}
