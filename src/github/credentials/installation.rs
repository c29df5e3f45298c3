//! The access tokens of an App's installations: each for one account, with no more permissions than the pass needs
//! there
//! (<https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-an-installation-access-token-for-a-github-app>).

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::HeaderValue;
use tokio::sync::Mutex;

use crate::github::calls::authorization::Authorization;
use crate::github::calls::client::Client;
use crate::github::calls::installations;
use crate::github::calls::installations::Installation;
use crate::github::clock::Clock;
use crate::github::credential_kind::CredentialKind;
use crate::github::credentials::access::{RequiredAccess, RequiredPermission};
use crate::github::credentials::auth::{Secret, bearer};
use crate::github::failure::advice::advice;
use crate::github::failure::refusal::suspended;
use crate::github::failure::request_error::RequestError;
use crate::github::failure::subject::Access;

/// Time before its expiry when a token is renewed, so that no request outlives its token and a short outage can pass.
const RENEWED_BEFORE: TimeDelta = TimeDelta::minutes(5);

/// Makes the access tokens for one account, one at a time, however many requests need one.
pub(super) struct InstallationTokens {
    app: Client,
    client_id: String,
    login: String,
    access: RequiredAccess,
    state: Mutex<TokenState>,
}

#[derive(Default)]
struct TokenState {
    installation: Option<Installation>,
    current: Option<CurrentToken>,
    /// The reason why the App gets no token for this account. No further token is requested.
    refused: Option<RequestError>,
}

struct CurrentToken {
    header: HeaderValue,
    renewed_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
}

impl InstallationTokens {
    /// Tokens for the access that the pass needs to `login`. The account's installation may be known already.
    pub(super) fn new(
        app: &Client,
        client_id: &str,
        login: &str,
        access: &RequiredAccess,
        installation: Option<Installation>,
    ) -> Self {
        Self {
            app: app.clone(),
            client_id: client_id.to_owned(),
            login: login.to_owned(),
            access: access.clone(),
            state: Mutex::new(TokenState {
                installation,
                ..TokenState::default()
            }),
        }
    }

    /// The header for a request made now. With `last`, no limit and no end of the pass delays a new token.
    async fn current(&self, last: bool) -> Result<HeaderValue, RequestError> {
        let mut state = self.state.lock().await;
        let now = self.app.now();
        if let Some(current) = &state.current
            && now < current.renewed_at
        {
            return Ok(current.header.clone());
        }
        if let Some(refused) = &state.refused {
            return Err(refused.clone());
        }
        let new = self.create(last, &mut state.installation).await;
        match new {
            Ok(new) => Ok(state.current.insert(new).header.clone()),
            Err(error @ RequestError::NoToken { .. }) => Err(state.refused.insert(error).clone()),
            // GitHub may recover before the old token expires.
            Err(error) => match &state.current {
                Some(current) if now < current.expires_at => Ok(current.header.clone()),
                _ => Err(error),
            },
        }
    }

    /// Drops the token of this header. Returns whether the App may get another one.
    async fn discard(&self, header: &HeaderValue) -> bool {
        let mut state = self.state.lock().await;
        state.current.take_if(|current| current.header == *header);
        state.refused.is_none()
    }

    async fn create(
        &self,
        last: bool,
        known: &mut Option<Installation>,
    ) -> Result<CurrentToken, RequestError> {
        let installation = match known {
            Some(installation) => installation,
            None => known.insert(self.installation().await?),
        };
        let is_person = installation.is_on_a_person();
        let permissions = self.access.permissions_on(&self.login, is_person);
        self.check(installation, &permissions)?;
        let permissions = permissions
            .iter()
            .map(|each| (each.name, each.level()))
            .collect();
        let app = if last {
            self.app.for_the_last_word()
        } else {
            self.app.clone()
        };
        let began = self.app.now();
        let new = installations::create_access_token(&app, installation, &permissions)
            .await
            .map_err(|error| self.refused(error))?;
        let token = Secret::new(new.token);
        self.app.secrets().add(token.expose());
        let margin = RENEWED_BEFORE.min((new.expires_at - began) / 4);
        Ok(CurrentToken {
            header: bearer(&token)?,
            renewed_at: new.expires_at - margin,
            expires_at: new.expires_at,
        })
    }

    async fn installation(&self) -> Result<Installation, RequestError> {
        let installation = installations::installation(&self.app, &self.login).await;
        installation.map_err(|error| match error.status() {
            Some(404) if !error.is_unknown_app() => self.no_token(&format!(
                "the App `{}` is not installed there. Install it on `{}` (the App's settings page, Install App), \
                 or check the name",
                self.client_id, self.login
            )),
            _ => self.refused(error),
        })
    }

    /// Checks that the installation has the permissions that the pass needs.
    fn check(
        &self,
        installation: &Installation,
        permissions: &[RequiredPermission],
    ) -> Result<(), RequestError> {
        let login = &self.login;
        if installation.is_suspended() {
            let suspended = suspended(&format!("`{login}`"));
            return Err(self.no_token(&format!("the App's {suspended}")));
        }
        let is_of_organization = |each: &RequiredPermission| each.name == "organization_hooks";
        if installation.is_on_a_person() && permissions.iter().any(is_of_organization) {
            return Err(self.no_token(&format!(
                "`{login}` is a person, and only organizations have webhooks of their own. For the webhooks of \
                 the person's repositories write `repository: {login}/*`"
            )));
        }
        let missing: Vec<String> = permissions
            .iter()
            .filter(|each| !each.is_in(&installation.permissions))
            .map(|each| format!("the {}: {}", each.title, each.level()))
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

    /// The error for the account if GitHub refused the App's own request.
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

impl Authorization for InstallationTokens {
    fn kind(&self) -> CredentialKind {
        CredentialKind::CreatedToken
    }

    fn header<'a>(
        &'a self,
        _clock: &'a Clock,
        last: bool,
    ) -> BoxFuture<'a, Result<HeaderValue, RequestError>> {
        async move {
            let header = self.current(last).await;
            header.map_err(|error| error.of_a_token_for(&self.login))
        }
        .boxed()
    }

    fn renew<'a>(&'a self, refused: &'a HeaderValue, _clock: &'a Clock) -> BoxFuture<'a, bool> {
        self.discard(refused).boxed()
    }
}
