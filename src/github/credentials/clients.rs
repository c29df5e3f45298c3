//! The clients of a pass: one for each credential.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::{Request, Response};
use octocrab::OctoBody;
use tower::{BoxError, Service};

use crate::github::base::ApiBase;
use crate::github::calls::client::Client;
use crate::github::calls::installations;
use crate::github::calls::installations::Installation;
use crate::github::credentials::access::RequiredAccess;
use crate::github::credentials::app::{AppKey, KeyError};
use crate::github::credentials::auth::{Credential, Secret};
use crate::github::credentials::installation::InstallationTokens;
use crate::github::credentials::token::InputToken;
use crate::github::debug_log::DebugLog;
use crate::github::failure::error::Error;
use crate::github::failure::request_error::RequestError;
use crate::github::failure::subject::Subject;
use crate::github::http::connect::{Connections, Network, TrustError};
use crate::github::http::transport::{TokenEnd, Transport};
use crate::github::limits::gate::LimitEnd;
use crate::github::limits::meter::Usage;
use crate::github::limits::pace::Pace;
use crate::lock::lock;
use crate::secrets::Secrets;
use crate::stop::Stop;

/// The reason that no client could be made.
#[derive(Debug, thiserror::Error)]
pub enum CredentialError {
    /// The App's key is unusable.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The token does not fit into a header.
    #[error(transparent)]
    Token(#[from] RequestError),
    /// TLS can't be set up.
    #[error(transparent)]
    Trust(#[from] TrustError),
}

/// The clients of a pass: one for all accounts, or with an App one for each.
pub struct Credentials {
    transport: Arc<Transport>,
    clients: Clients,
    warnings: Vec<String>,
}

enum Clients {
    Token {
        client: Client,
        token: Secret,
    },
    App {
        client: Client,
        client_id: String,
        access: Box<RequiredAccess>,
        /// Clients of its installations, by login in lower case.
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
        access: RequiredAccess,
        debug_log: &DebugLog,
        stop: &Stop,
    ) -> Result<Self, CredentialError> {
        network.proxies.hide_in(debug_log.secrets());
        let (connections, warnings) = Connections::new(network)?;
        let now = Utc::now();
        let this = Self::over(connections, base, credential, access, debug_log, stop, now)?;
        Ok(Self { warnings, ..this })
    }

    /// Clients over any HTTP service. The clock reads `now` until GitHub's first response.
    ///
    /// # Errors
    /// The credential can't be used.
    pub fn over<S, B>(
        service: S,
        base: &ApiBase,
        credential: &Credential,
        access: RequiredAccess,
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
        let clients = match credential {
            Credential::Token(token) => Clients::Token {
                client: token_client(&transport, token, "token", None)?,
                token: token.clone(),
            },
            Credential::App {
                client_id,
                private_key,
            } => {
                let key = AppKey::new(client_id, private_key, debug_log.secrets())?;
                let gate = transport.new_gate("the App".into());
                Clients::App {
                    client: Client::new(&transport, key, gate),
                    client_id: client_id.clone(),
                    access: Box::new(access),
                    installations: Mutex::default(),
                }
            }
        };
        Ok(Self {
            transport,
            clients,
            warnings: Vec::new(),
        })
    }

    /// Warnings about the settings for connections.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The kind of the main credential, for people.
    pub fn kind(&self) -> String {
        self.for_app().kind().name().to_owned()
    }

    /// The client for an account. An App requests its token when the client is first used.
    pub fn for_account(&self, login: &str) -> Client {
        self.for_installation(login, None)
    }

    fn for_installation(&self, login: &str, installation: Option<Installation>) -> Client {
        match &self.clients {
            Clients::Token { client, .. } => client.clone(),
            Clients::App {
                client,
                client_id,
                access,
                installations,
            } => {
                let mut installations = lock(installations);
                let new = || {
                    let tokens =
                        InstallationTokens::new(client, client_id, login, access, installation);
                    let gate = self.transport.new_gate(format!("`{login}`"));
                    Client::new(&self.transport, tokens, gate)
                };
                installations
                    .entry(login.to_lowercase())
                    .or_insert_with(new)
                    .clone()
            }
        }
    }

    /// The App's own client; without an App, the token's.
    pub fn for_app(&self) -> Client {
        match &self.clients {
            Clients::Token { client, .. } | Clients::App { client, .. } => client.clone(),
        }
    }

    /// A client for the token of another input.
    ///
    /// # Errors
    /// The token does not fit into a header.
    pub fn with_token(
        &self,
        token: &Secret,
        input: &'static str,
    ) -> Result<Client, CredentialError> {
        let same = match &self.clients {
            Clients::Token {
                client,
                token: main,
            } if main.expose() == token.expose() => Some(client),
            _ => None,
        };
        token_client(&self.transport, token, input, same)
    }

    /// Every installation of the App
    /// (<https://docs.github.com/en/rest/apps/apps#list-installations-for-the-authenticated-app>).
    ///
    /// # Errors
    /// The list could not be read to its end.
    pub async fn installations(&self) -> Result<Vec<Installation>, Error> {
        let client = self.for_app();
        let listed = installations::installations(&client).await;
        let installations = listed.map_err(|failure| client.failed(&Subject::app(), failure))?;
        for installation in &installations {
            if let Some(login) = installation.organization() {
                self.for_installation(login, Some(installation.clone()));
            }
        }
        Ok(installations)
    }

    /// True if the main credential is an App.
    pub fn are_an_app(&self) -> bool {
        matches!(self.clients, Clients::App { .. })
    }

    /// The secrets that the pass knows.
    pub fn secrets(&self) -> &Secrets {
        self.transport.secrets()
    }

    /// GitHub's time.
    pub fn now(&self) -> DateTime<Utc> {
        self.transport.clock.now()
    }

    /// Number of requests that were sent.
    pub fn requests(&self) -> u64 {
        self.transport.requests()
    }

    /// The time and the limits that the pass used so far.
    pub fn usage(&self) -> Usage {
        self.transport.usage()
    }

    /// The end of the wait that GitHub imposes on a credential; the latest if there are several.
    pub fn closed_until(&self) -> Option<DateTime<Utc>> {
        let gates = self.transport.gates();
        gates.iter().filter_map(|gate| gate.closed_until()).max()
    }

    /// The credentials whose limits ended work.
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

    /// The hourly limit in requests, if GitHub reported one; the lowest if there are several.
    pub fn hourly_limit(&self) -> Option<u64> {
        let gates = self.transport.gates();
        let remaining = gates.iter().filter_map(|gate| gate.remaining());
        remaining.map(|remaining| remaining.limit).min()
    }

    /// A pace of this many redeliveries a minute.
    pub fn pace(&self, per_minute: u32) -> Pace {
        Pace::new(per_minute, &self.transport.budget)
    }

    /// The end of the pass.
    pub fn stop(&self) -> &Stop {
        self.transport.stop()
    }

    /// The token that expires first, if GitHub reported when.
    pub fn token_ends(&self) -> Option<TokenEnd> {
        self.transport.token_ends()
    }

    /// The end of support for the API version in use, if GitHub announced one.
    pub fn sunset(&self) -> Option<DateTime<Utc>> {
        self.transport.end_of_api.sunset()
    }
}

/// A client for a token. It shares the gate of another client with the same token.
fn token_client(
    transport: &Arc<Transport>,
    token: &Secret,
    input: &'static str,
    same: Option<&Client>,
) -> Result<Client, CredentialError> {
    transport.secrets().add(token.expose());
    let authorization = InputToken::new(token, input)?;
    let gate = match same {
        Some(client) => Arc::clone(client.gate()),
        None => transport.new_gate(format!("`{input}`")),
    };
    Ok(Client::new(transport, authorization, gate))
}
