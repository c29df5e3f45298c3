//! An App's installations, and the tokens made for them: each for one account, with no more permissions than
//! the pass needs there
//! (<https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-an-installation-access-token-for-a-github-app>).

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use http::{HeaderValue, Method};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use crate::github::calls::client::Client;
use crate::github::calls::id::number_or_text;
use crate::github::calls::paged::Pages;
use crate::github::credential_kind::CredentialKind;
use crate::github::credentials::auth::{Secret, bearer};
use crate::github::failure::advice::advice;
use crate::github::failure::refusal::suspended;
use crate::github::failure::request_error::RequestError;
use crate::github::failure::subject::Access;
use crate::targets::Targets;

/// How long before its end a token is renewed: a request must not outlive its token, and trouble has time to
/// pass.
const RENEWED_BEFORE: TimeDelta = TimeDelta::minutes(5);

/// What installations must be able to do, so that no token can do more.
#[derive(Clone, Debug)]
pub struct Needs {
    /// Which webhooks the pass is over.
    pub targets: Targets,
    /// Deliveries are to be redelivered, and not only looked at.
    pub redelivers: bool,
    /// The account that has the checkpoint variable, if it is the App that reads it.
    pub variables: Option<String>,
    /// The checkpoint variable is to be written.
    pub writes_variables: bool,
}

/// One permission, by the names that the API and GitHub's settings pages have for it.
struct Permission {
    name: &'static str,
    words: &'static str,
    write: bool,
}

impl Needs {
    /// What is needed of an account, which may be a person's.
    fn on(&self, login: &str, person: bool) -> Vec<Permission> {
        let mut permissions = Vec::new();
        let organization = if person {
            self.targets.names_organization(login)
        } else {
            self.targets.has_organization(login)
        };
        if organization {
            permissions.push(Permission {
                name: "organization_hooks",
                words: "organization permission Webhooks",
                write: self.redelivers,
            });
        }
        if self.targets.has_repositories_of(login) {
            permissions.push(Permission {
                name: "repository_hooks",
                words: "repository permission Webhooks",
                write: self.redelivers,
            });
        }
        let variables = self.variables.as_ref();
        if variables.is_some_and(|owner| owner.eq_ignore_ascii_case(login)) {
            permissions.push(Permission {
                name: "actions_variables",
                words: "repository permission Variables",
                write: self.writes_variables,
            });
        }
        permissions
    }
}

impl Permission {
    fn level(&self) -> &'static str {
        if self.write { "write" } else { "read" }
    }

    fn is_in(&self, granted: &BTreeMap<String, String>) -> bool {
        match granted.get(self.name).map(String::as_str) {
            Some("read") => !self.write,
            Some("write" | "admin") => true,
            _ => false,
        }
    }
}

/// An installation of the App, as GitHub tells it.
#[derive(Clone, Debug, Deserialize)]
pub struct Installation {
    #[serde(deserialize_with = "number_or_text")]
    id: u64,
    account: Option<Account>,
    #[serde(default)]
    permissions: BTreeMap<String, String>,
    #[serde(default)]
    suspended_at: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
struct Account {
    #[serde(default)]
    login: String,
    #[serde(default, rename = "type")]
    kind: String,
}

impl Installation {
    /// The login of the organization it is on; `None` if it is on a person's account.
    pub fn organization(&self) -> Option<&str> {
        let account = self.account.as_ref()?;
        (account.kind == "Organization").then_some(&*account.login)
    }

    fn is_on_a_person(&self) -> bool {
        self.account.is_some() && self.organization().is_none()
    }

    /// It was switched off, so it can do nothing.
    pub fn is_suspended(&self) -> bool {
        self.suspended_at.is_some()
    }
}

/// Makes the tokens for one account, one at a time, however many ask.
pub(crate) struct Minter {
    app: Client,
    login: String,
    needs: Needs,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    installation: Option<Installation>,
    minted: Option<Minted>,
    /// Why there is none. It is asked for once.
    refused: Option<RequestError>,
}

struct Minted {
    header: HeaderValue,
    renewed_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
}

#[derive(Serialize)]
struct Wanted<'a> {
    permissions: BTreeMap<&'a str, &'a str>,
}

#[derive(Deserialize)]
struct Token {
    token: String,
    expires_at: DateTime<Utc>,
}

impl Minter {
    /// Tokens for what is needed of `login`, whose installation may be known already.
    pub(crate) fn new(
        app: &Client,
        login: &str,
        needs: &Needs,
        installation: Option<Installation>,
    ) -> Self {
        Self {
            app: app.clone(),
            login: login.to_owned(),
            needs: needs.clone(),
            state: Mutex::new(State {
                installation,
                ..State::default()
            }),
        }
    }

    /// The account.
    pub(crate) fn login(&self) -> &str {
        &self.login
    }

    /// The header for a request made now, which may be the pass's last word.
    pub(crate) async fn header(&self, last: bool) -> Result<HeaderValue, RequestError> {
        let mut state = self.state.lock().await;
        let now = self.app.now();
        if let Some(minted) = &state.minted
            && now < minted.renewed_at
        {
            return Ok(minted.header.clone());
        }
        if let Some(refused) = &state.refused {
            return Err(refused.clone());
        }
        let app = if last {
            self.app.for_the_last_word()
        } else {
            self.app.clone()
        };
        let minted = self.mint(&app, &mut state.installation).await;
        match minted {
            Ok(minted) => Ok(state.minted.insert(minted).header.clone()),
            Err(error @ RequestError::NoToken { .. }) => Err(state.refused.insert(error).clone()),
            // Trouble passes, and until then the old one serves to its end.
            Err(error) => match &state.minted {
                Some(minted) if now < minted.expires_at => Ok(minted.header.clone()),
                _ => Err(error),
            },
        }
    }

    /// The token of this header was refused. Tells whether another one may be had.
    pub(crate) async fn discard(&self, header: &HeaderValue) -> bool {
        let mut state = self.state.lock().await;
        if state
            .minted
            .as_ref()
            .is_some_and(|minted| minted.header == *header)
        {
            state.minted = None;
        }
        state.refused.is_none()
    }

    async fn mint(
        &self,
        app: &Client,
        known: &mut Option<Installation>,
    ) -> Result<Minted, RequestError> {
        let installation = match known {
            Some(installation) => installation,
            None => known.insert(self.find().await?),
        };
        let needs = self.needs.on(&self.login, installation.is_on_a_person());
        self.check(installation, &needs)?;
        let wanted = Wanted {
            permissions: needs.iter().map(|each| (each.name, each.level())).collect(),
        };
        let path = format!("/app/installations/{}/access_tokens", installation.id);
        let began = self.app.now();
        // The App's own request, and so a client within a client: its size must be known.
        let answer = Box::pin(app.write(Method::POST, &path, Some(&wanted))).await;
        let Token { token, expires_at } = answer.map_err(|error| self.refused(error))?.json()?;
        let token = Secret::new(token);
        self.app.secrets().add(token.expose());
        let margin = RENEWED_BEFORE.min((expires_at - began) / 4);
        Ok(Minted {
            header: bearer(&token)?,
            renewed_at: expires_at - margin,
            expires_at,
        })
    }

    /// The App's installation on the account.
    async fn find(&self) -> Result<Installation, RequestError> {
        let mut found = self.look_up("orgs").await;
        if matches!(&found, Err(error) if error.status() == Some(404)) {
            found = self.look_up("users").await;
        }
        found.map_err(|error| match error.status() {
            Some(404) if !error.is_unknown_app() => {
                let client_id = self.app.client_id();
                self.no_token(&format!(
                    "the App `{client_id}` is not installed there. Install it on `{}` (the App's settings \
                     page, Install App), or check the name",
                    self.login
                ))
            }
            _ => self.refused(error),
        })
    }

    async fn look_up(&self, kind: &str) -> Result<Installation, RequestError> {
        let path = format!("/{kind}/{}/installation", self.login);
        Box::pin(self.app.read(&path, |_| {})).await?.json()
    }

    /// Whether the installation may do what is needed.
    fn check(&self, installation: &Installation, needs: &[Permission]) -> Result<(), RequestError> {
        let login = &self.login;
        if installation.is_suspended() {
            let suspended = suspended(&format!("`{login}`"));
            return Err(self.no_token(&format!("the App's {suspended}")));
        }
        let organization = needs.iter().any(|each| each.name == "organization_hooks");
        if installation.is_on_a_person() && organization {
            return Err(self.no_token(&format!(
                "`{login}` is a person, and only organizations have webhooks of their own. For the webhooks of \
                 the person's repositories write `repository: {login}/*`"
            )));
        }
        let missing = needs
            .iter()
            .filter(|each| !each.is_in(&installation.permissions));
        let missing: Vec<String> = missing
            .map(|each| format!("the {}: {}", each.words, each.level()))
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        Err(self.no_token(&format!(
            "the App's installation lacks {}. Add that on the App's settings page (Permissions & events), and \
             have an owner of `{login}` accept it",
            missing.join(" and ")
        )))
    }

    /// What GitHub's answer to the App means for the account.
    fn refused(&self, error: RequestError) -> RequestError {
        let refused = matches!(error.status(), Some(401 | 403 | 404 | 422)) && !error.is_limit();
        let certain = refused || error.refuses_version();
        match advice(&error, &Access::App, CredentialKind::App) {
            Some(advice) if certain => self.no_token(&format!("{error}. {advice}")),
            _ => error,
        }
    }

    fn no_token(&self, why: &str) -> RequestError {
        RequestError::NoToken {
            login: self.login.clone(),
            why: why.to_owned(),
        }
    }
}

/// Every installation of the App, all pages
/// (<https://docs.github.com/en/rest/apps/apps#list-installations-for-the-authenticated-app>).
pub(crate) async fn installations(app: &Client) -> Result<Vec<Installation>, RequestError> {
    let mut pages = Pages::new(app, "/app/installations");
    let mut installations = Vec::new();
    while let Some(answer) = pages.next().await? {
        installations.extend(answer.json::<Vec<Installation>>()?);
    }
    Ok(installations)
}
