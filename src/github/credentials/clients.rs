//! Who speaks to GitHub for which account.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::{Request, Response};
use octocrab::OctoBody;
use tower::{BoxError, Service};

use crate::github::base::ApiBase;
use crate::github::calls::client::Client;
use crate::github::credentials::app::{App, KeyError};
use crate::github::credentials::auth::{Credential, Secret};
use crate::github::credentials::installation::{self, Installation, Minter, Needs};
use crate::github::debug_log::DebugLog;
use crate::github::failure::error::Error;
use crate::github::failure::request_error::RequestError;
use crate::github::failure::subject::Subject;
use crate::github::http::connect::{Connections, Network, TrustError};
use crate::github::http::transport::{TokenEnd, Transport};
use crate::github::limits::gate::LimitEnd;
use crate::github::limits::meter::Usage;
use crate::github::limits::pace::Pace;
use crate::secrets::Secrets;
use crate::stop::Stop;

/// Why there is nothing to speak to GitHub with.
#[derive(Debug, thiserror::Error)]
pub enum CredentialError {
    /// The App's key is unusable.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The token fits into no header.
    #[error(transparent)]
    Token(#[from] RequestError),
    /// Connections can't be made.
    #[error(transparent)]
    Trust(#[from] TrustError),
}

/// The clients of a pass: one for all accounts, or with an App one for each.
pub struct Credentials {
    transport: Arc<Transport>,
    speaker: Speaker,
    warnings: Vec<String>,
}

enum Speaker {
    Token(Client),
    App {
        app: Client,
        needs: Box<Needs>,
        /// By login in lower case.
        installations: Mutex<HashMap<String, Client>>,
    },
}

impl Credentials {
    /// Clients over the network. Must be called within a Tokio runtime.
    ///
    /// # Errors
    /// TLS could not be set up, or the credential can't be used.
    pub fn new(
        base: &ApiBase,
        network: &Network,
        credential: &Credential,
        needs: Needs,
        debug_log: &DebugLog,
        stop: &Stop,
    ) -> Result<Self, CredentialError> {
        network.proxies.hide_in(debug_log.secrets());
        let (connections, warnings) = Connections::new(network)?;
        let now = Utc::now();
        let this = Self::over(connections, base, credential, needs, debug_log, stop, now)?;
        Ok(Self { warnings, ..this })
    }

    /// Clients over any transport, whose clock reads `now` until GitHub says otherwise.
    ///
    /// # Errors
    /// The credential can't be used.
    pub fn over<S, B>(
        service: S,
        base: &ApiBase,
        credential: &Credential,
        needs: Needs,
        debug_log: &DebugLog,
        stop: &Stop,
        now: DateTime<Utc>,
    ) -> Result<Self, CredentialError>
    where
        S: Service<Request<OctoBody>, Response = Response<B>> + Send + 'static,
        S::Future: Send + 'static,
        S::Error: Into<BoxError>,
        B: hyper::body::Body<Data = Bytes> + Send + Sync + 'static,
        B::Error: Into<BoxError>,
    {
        let transport = Arc::new(Transport::new(service, base, debug_log, stop, now));
        let speaker = match credential {
            Credential::Token(token) => {
                Speaker::Token(Client::with_token(&transport, token, "token", None)?)
            }
            Credential::App {
                client_id,
                private_key,
            } => {
                let app = App::new(client_id, private_key, debug_log.secrets())?;
                Speaker::App {
                    app: Client::with_app(&transport, app),
                    needs: Box::new(needs),
                    installations: Mutex::default(),
                }
            }
        };
        Ok(Self {
            transport,
            speaker,
            warnings: Vec::new(),
        })
    }

    /// What people should know of how connections are made.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// What kind of credential speaks, for people.
    pub fn kind(&self) -> String {
        self.for_app().kind().name().to_owned()
    }

    /// Who speaks about an account's things. An App makes its token when it is first used.
    pub fn for_account(&self, login: &str) -> Client {
        self.for_installation(login, None)
    }

    fn for_installation(&self, login: &str, installation: Option<Installation>) -> Client {
        match &self.speaker {
            Speaker::Token(client) => client.clone(),
            Speaker::App {
                app,
                needs,
                installations,
            } => {
                let mut clients = installations.lock().unwrap_or_else(PoisonError::into_inner);
                let client = clients.entry(login.to_lowercase()).or_insert_with(|| {
                    let minter = Minter::new(app, login, needs, installation);
                    Client::with_minter(&self.transport, minter)
                });
                client.clone()
            }
        }
    }

    /// Who speaks as the App itself; who does otherwise where there is no App.
    pub fn for_app(&self) -> Client {
        match &self.speaker {
            Speaker::Token(client) | Speaker::App { app: client, .. } => client.clone(),
        }
    }

    /// Who speaks with the token of another input.
    ///
    /// # Errors
    /// It fits into no header.
    pub fn with_token(
        &self,
        token: &Secret,
        input: &'static str,
    ) -> Result<Client, CredentialError> {
        let other = Some(&self.for_app());
        Ok(Client::with_token(&self.transport, token, input, other)?)
    }

    /// Every installation of the App
    /// (<https://docs.github.com/en/rest/apps/apps#list-installations-for-the-authenticated-app>).
    ///
    /// # Errors
    /// The list could not be read to its end.
    pub async fn installations(&self) -> Result<Vec<Installation>, Error> {
        let client = self.for_app();
        let listed = installation::installations(&client).await;
        let installations = listed.map_err(|failure| client.failed(&Subject::app(), failure))?;
        for installation in &installations {
            if let Some(login) = installation.organization() {
                self.for_installation(login, Some(installation.clone()));
            }
        }
        Ok(installations)
    }

    /// It is an App that speaks, and not somebody's token.
    pub fn are_an_app(&self) -> bool {
        matches!(self.speaker, Speaker::App { .. })
    }

    /// The secrets that the pass knows.
    pub fn secrets(&self) -> &Secrets {
        self.transport.secrets()
    }

    /// GitHub's time.
    pub fn now(&self) -> DateTime<Utc> {
        self.transport.clock.now()
    }

    /// How many requests were made.
    pub fn requests(&self) -> u64 {
        self.transport.requests()
    }

    /// What else was used of GitHub so far.
    pub fn usage(&self) -> Usage {
        self.transport.usage()
    }

    /// Until when GitHub lets a credential wait, if it does.
    pub fn closed_until(&self) -> Option<DateTime<Utc>> {
        let gates = self.transport.gates();
        gates.iter().filter_map(|gate| gate.closed_until()).max()
    }

    /// Whose limits ended work, and until when: an input, the App or an account.
    pub fn ended_by_limits(&self) -> Vec<LimitEnd> {
        let gates = self.transport.gates();
        let ended = gates.iter().filter_map(|gate| {
            Some(LimitEnd {
                name: gate.name().to_owned(),
                until: gate.ended_until()?,
                remaining: gate.remaining(),
            })
        });
        ended.collect()
    }

    /// How many requests an hour GitHub allows, if it told of a limit; of several the lowest.
    pub fn hourly_limit(&self) -> Option<u64> {
        let gates = self.transport.gates();
        let remaining = gates.iter().filter_map(|gate| gate.remaining());
        remaining.map(|remaining| remaining.limit).min()
    }

    /// A pace of so many redeliveries a minute.
    pub fn pace(&self, per_minute: u32) -> Pace {
        Pace::new(per_minute, &self.transport.budget)
    }

    /// When and why the pass ends.
    pub fn stop(&self) -> &Stop {
        self.transport.stop()
    }

    /// When the first of the tokens in use ends, as far as GitHub told.
    pub fn token_ends(&self) -> Option<TokenEnd> {
        self.transport.token_ends()
    }

    /// When GitHub stops supporting the API version in use, as far as it told.
    pub fn sunset(&self) -> Option<DateTime<Utc>> {
        self.transport.end_of_api.sunset()
    }
}
