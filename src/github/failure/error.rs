//! What failed, in words that name the next step.

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use http::{HeaderMap, Method, StatusCode};

use crate::github::credential_kind::CredentialKind;
use crate::github::failure::advice::advice;
use crate::github::failure::message::{message, page_title};
use crate::github::failure::refusal::OldServer;
use crate::github::http::shared::Shared;
use crate::github::limits::gate::{FIRST_WAIT, Limited, retry_after};
use crate::model::{Owner, Repository, Webhook};
use crate::secrets::Secrets;
use crate::stop::StopReason;
use crate::text::{one_line, one_line_message};

/// Longest part of GitHub's message that is shown, in characters. Its longest, which end in an address, have about 350.
const MESSAGE: usize = 500;

/// Longest address of a page that is shown, in characters: it is no use if it is cut.
const ADDRESS: usize = 2_000;

/// What became of a request that did not succeed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum RequestError {
    /// GitHub answered, and not with success.
    #[error("{} answered {status} `{message}`", if *.status == 407 { "the proxy" } else { "GitHub" })]
    Status {
        /// GitHub's status code.
        status: u16,
        /// GitHub's words, one line; of an HTML page its title.
        message: String,
        /// A limit was reached, and nothing is wrong with the request itself.
        limit: Option<Limited>,
        /// The title of the HTML page that came instead of JSON, or its words if it has none. GitHub's API answers
        /// in JSON, so a page is a proxy's, a balancer's or a server's in trouble.
        page: Option<String>,
        /// What the answer's headers say of the credential.
        told: Box<Told>,
    },
    /// The App has no token for this account.
    #[error("there is no token for `{login}`: {why}")]
    NoToken {
        /// The account.
        login: String,
        /// Why, and what to do.
        why: String,
    },
    /// The App could not make a token for this account just now, so nothing was asked for.
    #[error("no token could be made for `{login}`: {why}")]
    TokenTrouble {
        /// The account.
        login: String,
        /// What became of it.
        why: String,
    },
    /// There is nothing to show GitHub.
    #[error("the credential can't be used: {0}")]
    Unusable(String),
    /// The request certainly did not reach GitHub.
    #[error("GitHub could not be reached: {0}")]
    Unsent(String),
    /// The pass is to end, so this request was not made.
    #[error("{}", .0.reason())]
    Stopped(StopReason),
    /// An authority that nobody trusts here signed the server's certificate, so nothing was sent.
    #[error("the server's certificate is not trusted: {0}")]
    UnknownAuthority(String),
    /// The server's certificate is wrong, so nothing was sent.
    #[error("the server's certificate is not accepted: {0}")]
    BadCertificate(String),
    /// The request may have reached GitHub.
    #[error("no clear answer came from GitHub: {0}")]
    Unclear(String),
    /// GitHub's answer is not what its documentation says.
    #[error("GitHub's answer could not be read: {0}")]
    Malformed(String),
    /// A next page that is not of the list that was requested.
    #[error("the link to the next page names another list, `{0}`, and was not followed")]
    OtherList(String),
    /// A next page that was read before.
    #[error("the link to the next page leads back to a page that was read before")]
    RepeatedLink,
}

/// An answer that is not a success.
pub(crate) struct Answered<'a> {
    pub(crate) status: StatusCode,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: &'a [u8],
}

/// What an answer's headers say of the credential that was shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// The scopes of a classic token.
    pub(crate) scopes: Option<String>,
    /// Where to authorise the token for an organization's single sign-on, if that is what is missing.
    pub(crate) sso: Option<String>,
    /// When the server wants to be asked again.
    pub(crate) retry_after: Option<DateTime<Utc>>,
    /// Where to ask instead.
    pub(crate) location: Option<String>,
    /// GitHub's own number of the request stands there (`x-github-request-id`), so no proxy or balancer answered.
    pub(crate) from_github: bool,
    /// Sets of permissions, one of which is enough, as `X-Accepted-GitHub-Permissions` names them.
    pub(crate) accepted_permissions: Option<String>,
    /// Why the path may be missing.
    pub(crate) old_server: Option<OldServer>,
    /// GitHub's time less this machine's.
    pub(crate) clock_offset: TimeDelta,
}

impl RequestError {
    /// GitHub's status, if it answered.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Status { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// The same where it was a token for this account that could not be made.
    pub(crate) fn of_a_token_for(self, login: &str) -> Self {
        match self {
            certain @ (Self::NoToken { .. } | Self::Stopped(_) | Self::Unusable(_)) => certain,
            error => Self::TokenTrouble {
                login: login.to_owned(),
                why: error.to_string(),
            },
        }
    }

    /// A limit is reached, and nothing is wrong with the request itself.
    pub fn is_limit(&self) -> bool {
        self.limited().is_some() || matches!(self, Self::Stopped(StopReason::Limit(_)))
    }

    /// The pass is to end, which is no failure.
    pub fn is_stop(&self) -> bool {
        matches!(self, Self::Stopped(_))
    }

    /// What GitHub said of the limit, if that is why it refused.
    pub(crate) fn limited(&self) -> Option<Limited> {
        match self {
            Self::Status { limit, .. } => *limit,
            _ => None,
        }
    }

    /// When the server wants to be asked again, if it said so.
    pub(crate) fn retry_after(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::Status { told, .. } => told.retry_after,
            _ => None,
        }
    }

    /// Where GitHub says that it must be asked instead, if it may be asked there with the same method.
    pub(crate) fn moved_to(&self, method: &Method) -> Option<&str> {
        match self {
            Self::Status { status, told, .. } => match status {
                307 | 308 => told.location.as_deref(),
                301 | 302 if method == Method::GET => told.location.as_deref(),
                _ => None,
            },
            _ => None,
        }
    }

    /// The request is as good as never made, or may be made again if it changes nothing.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Status { status, .. } => matches!(status, 408 | 500..),
            Self::Unsent(_) | Self::Unclear(_) => true,
            _ => false,
        }
    }

    /// The credential works, and may not do this, or there is nothing for it to see.
    pub fn is_refusal(&self) -> bool {
        let refused = matches!(self.status(), Some(403 | 404)) && !self.is_limit();
        refused || matches!(self, Self::NoToken { .. })
    }

    /// GitHub knows no App of this client ID.
    pub(crate) fn is_unknown_app(&self) -> bool {
        matches!(self, Self::Status { status: 404, message, .. } if message.contains("Integration not found"))
    }

    /// GitHub does not support the API version that the request named
    /// (<https://docs.github.com/en/rest/about-the-rest-api/api-versions>).
    pub(crate) fn refuses_version(&self) -> bool {
        let Self::Status {
            status,
            message,
            page: None,
            ..
        } = self
        else {
            return false;
        };
        let message = message.to_lowercase();
        let names = |words: &[&str]| words.iter().any(|words| message.contains(words));
        match status {
            400 => names(&["api version", "api-version", "supported version"]),
            410 => names(&["version"]),
            _ => false,
        }
    }

    /// The same without known secrets in its words.
    pub(crate) fn without(mut self, secrets: &Secrets) -> Self {
        match &mut self {
            Self::Status { message: words, .. }
            | Self::NoToken { why: words, .. }
            | Self::TokenTrouble { why: words, .. } => *words = secrets.clean(words).into_owned(),
            Self::Unusable(words)
            | Self::Unsent(words)
            | Self::UnknownAuthority(words)
            | Self::BadCertificate(words)
            | Self::Unclear(words)
            | Self::Malformed(words)
            | Self::OtherList(words) => *words = one_line(&secrets.clean(words), MESSAGE),
            Self::Stopped(_) | Self::RepeatedLink => {}
        }
        self
    }

    /// What an answer to a request for `path` says that is not a success.
    pub(crate) fn from_answer(answered: &Answered<'_>, path: &str, shared: &Shared) -> Self {
        let &Answered {
            status, headers, ..
        } = answered;
        let body = String::from_utf8_lossy(answered.body);
        // Before anything is cut off: half a secret would not be known.
        let clean =
            |text: &str, limit| one_line_message(&shared.console.secrets().clean(text), limit);
        let text = |name: &str, limit| header(headers, name).map(|text| clean(text, limit));
        let message = message(status, &body);
        let page = page_title(&body).map(|title| clean(&title, MESSAGE));
        let sso = text("x-github-sso", ADDRESS);
        let sso = sso.as_deref().and_then(|sso| sso.split_once("url="));
        let version = header(headers, "x-github-enterprise-version");
        let now = shared.clock.now();
        // A 422 may be about one delivery alone, so the others never wait longer for it.
        let limited = || match Limited::read(headers, now) {
            Limited::Secondary(None) if status == 422 => Limited::Secondary(Some(now + FIRST_WAIT)),
            limited => limited,
        };
        Self::Status {
            status: status.as_u16(),
            limit: is_limit(status, headers, &message, page.is_some()).then(limited),
            message: page.clone().unwrap_or_else(|| clean(&message, MESSAGE)),
            page,
            told: Box::new(Told {
                retry_after: retry_after(headers, now),
                from_github: header(headers, "x-github-request-id").is_some(),
                scopes: text("x-oauth-scopes", MESSAGE),
                location: header(headers, "location").map(str::to_owned),
                sso: sso.map(|(_, url)| url.to_owned()),
                accepted_permissions: text("x-accepted-github-permissions", MESSAGE),
                old_server: OldServer::of(&shared.base, version, path),
                clock_offset: shared.clock.offset(),
            }),
        }
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// Words by which GitHub speaks of a limit in a 403 or a 422.
const LIMITS: [&str; 4] = ["rate limit", "abuse", "spammed", "too quickly"];

/// Whether GitHub said no because of a limit. The words of a page are not GitHub's, and a server in trouble (503) is no
/// limit, also where it says when to ask again
/// (<https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api>).
fn is_limit(status: StatusCode, headers: &HeaderMap, message: &str, page: bool) -> bool {
    match status.as_u16() {
        429 => true,
        403 | 422 => {
            let words = message.to_lowercase();
            header(headers, "retry-after").is_some()
                || header(headers, "x-ratelimit-remaining") == Some("0")
                || !page && LIMITS.iter().any(|limit| words.contains(limit))
        }
        _ => false,
    }
}

/// What a request was about: its name for people, and what it takes.
#[derive(Clone, Debug)]
pub(crate) struct Subject {
    pub(crate) name: String,
    pub(crate) takes: Takes,
}

/// What a credential must be allowed to do.
#[derive(Clone, Debug)]
pub(crate) enum Takes {
    /// See and redeliver an organization's deliveries.
    OrganizationWebhooks(String),
    /// See and redeliver a repository's deliveries.
    RepositoryWebhooks(Repository),
    /// Be the App.
    App,
    /// Read and write the variables of a repository.
    Variables(Repository),
    /// List an account's repositories.
    Repositories(String),
}

impl Takes {
    /// Where the permission is needed.
    pub(crate) fn account(&self) -> String {
        match self {
            Self::OrganizationWebhooks(login) | Self::Repositories(login) => login.clone(),
            Self::RepositoryWebhooks(repository) | Self::Variables(repository) => {
                repository.to_string()
            }
            Self::App => "the App".into(),
        }
    }
}

impl Subject {
    /// Something of an owner's webhooks.
    pub(crate) fn of(name: String, owner: &Owner) -> Self {
        let takes = match owner {
            Owner::Organization(login) => Takes::OrganizationWebhooks(login.clone()),
            Owner::Repository(repository) => Takes::RepositoryWebhooks(repository.clone()),
            Owner::App(_) => Takes::App,
        };
        Self { name, takes }
    }

    /// A webhook's log.
    pub(crate) fn of_webhook(webhook: &Webhook) -> Self {
        Self::of(webhook.to_string(), &webhook.owner)
    }

    /// Something of the App itself.
    pub(crate) fn app() -> Self {
        Self {
            name: "the App".into(),
            takes: Takes::App,
        }
    }
}

/// A failure, what it was about, and what to do.
#[derive(Clone, Debug)]
pub struct Error {
    subject: Box<Subject>,
    credential: CredentialKind,
    failure: RequestError,
}

impl Error {
    pub(crate) fn new(subject: Subject, credential: CredentialKind, failure: RequestError) -> Self {
        Self {
            subject: Box::new(subject),
            credential,
            failure,
        }
    }

    /// The same without secrets that became known since.
    pub fn without(mut self, secrets: &Secrets) -> Self {
        self.failure = self.failure.without(secrets);
        self
    }

    /// What became of the request.
    pub fn failure(&self) -> &RequestError {
        &self.failure
    }
}

impl std::error::Error for Error {}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            subject,
            credential,
            failure,
        } = self;
        write!(f, "{}: {failure}", subject.name)?;
        match advice(failure, &subject.takes, *credential) {
            Some(advice) => write!(f, ". {advice}"),
            None => Ok(()),
        }
    }
}
