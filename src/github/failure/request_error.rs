//! The reasons why a request failed.

use chrono::{DateTime, TimeDelta, Utc};
use http::{HeaderMap, Method, StatusCode};

use crate::github::base::ApiBase;
use crate::github::clock::Clock;
use crate::github::failure::message::{message, page_title};
use crate::github::failure::old_server::OldServer;
use crate::github::limits::rate_limit::{FIRST_WAIT, RateLimit, retry_after};
use crate::secrets::Secrets;
use crate::stop::StopReason;
use crate::text::{one_line, one_line_message};

/// Longest part of GitHub's message that is shown, in characters. Its longest, which end in an address, have about 350.
const MESSAGE: usize = 500;

/// Longest address of a page that is shown, in characters. A cut address is useless.
const ADDRESS: usize = 2_000;

/// Words that show that a 403 or a 422 is about a limit.
const LIMITS: [&str; 4] = ["rate limit", "abuse", "spammed", "too quickly"];

/// The reason why a request failed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum RequestError {
    /// GitHub answered with a status that is not a success.
    #[error("{} answered {status} `{message}`", if *.status == 407 { "the proxy" } else { "GitHub" })]
    Status {
        /// GitHub's status code.
        status: u16,
        /// GitHub's message as one line, or the title of an HTML page.
        message: String,
        /// The limit that was reached. Nothing is wrong with the request itself then.
        limit: Option<RateLimit>,
        /// The title of the HTML page that came instead of JSON, or its text if it has no title. GitHub's API answers
        /// in JSON, so a page comes from a proxy, a load balancer or a server in trouble.
        page: Option<String>,
        /// Facts from the response's headers.
        headers: Box<ErrorHeaders>,
    },
    /// The App has no token for this account.
    #[error("there is no token for `{login}`: {why}")]
    NoToken {
        /// The account.
        login: String,
        /// The reason and the next step.
        why: String,
    },
    /// The App could not make a token for this account just now, so the request was not sent.
    #[error("no token could be made for `{login}`: {why}")]
    TokenTrouble {
        /// The account.
        login: String,
        /// The failure of the request for the token.
        why: String,
    },
    /// No `authorization` header can be made of the credential.
    #[error("the credential can't be used: {0}")]
    Unusable(String),
    /// The request certainly did not reach GitHub.
    #[error("GitHub could not be reached: {0}")]
    Unsent(String),
    /// The pass is about to end, so the request was not sent.
    #[error("{}", .0.reason())]
    Stopped(StopReason),
    /// An authority that is not trusted here signed the server's certificate, so nothing was sent.
    #[error("the server's certificate is not trusted: {0}")]
    UnknownAuthority(String),
    /// The server's certificate is wrong, so nothing was sent.
    #[error("the server's certificate is not accepted: {0}")]
    BadCertificate(String),
    /// The request may have reached GitHub.
    #[error("no clear answer came from GitHub: {0}")]
    Unclear(String),
    /// GitHub's response differs from its documentation.
    #[error("GitHub's answer could not be read: {0}")]
    Malformed(String),
    /// The link to the next page leads to another list.
    #[error("the link to the next page names another list, `{0}`, and was not followed")]
    OtherList(String),
    /// The link to the next page leads back to a page that was read before.
    #[error("the link to the next page leads back to a page that was read before")]
    RepeatedLink,
}

/// A failed request, and when it was last sent.
#[derive(Debug)]
pub(crate) struct FailedRequest {
    pub(crate) error: RequestError,
    /// `None` if it was never sent.
    pub(crate) sent_at: Option<DateTime<Utc>>,
}

impl From<RequestError> for FailedRequest {
    fn from(error: RequestError) -> Self {
        Self {
            error,
            sent_at: None,
        }
    }
}

impl From<FailedRequest> for RequestError {
    fn from(failed: FailedRequest) -> Self {
        failed.error
    }
}

/// A response that is not a success.
pub(crate) struct FailedResponse<'a> {
    pub(crate) status: StatusCode,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: &'a [u8],
    /// The path that was requested.
    pub(crate) path: &'a str,
}

/// Facts from the headers of a response that is not a success.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ErrorHeaders {
    /// The scopes of a classic token.
    pub(crate) scopes: Option<String>,
    /// The address at which to authorize the token for an organization's single sign-on, if that is missing.
    pub(crate) sso: Option<String>,
    /// The earliest time at which the server accepts the request again.
    pub(crate) retry_after: Option<DateTime<Utc>>,
    /// The address that a redirect leads to.
    pub(crate) location: Option<String>,
    /// GitHub's own number of the request is there (`x-github-request-id`), so no proxy or balancer answered.
    pub(crate) from_github: bool,
    /// Sets of permissions from `X-Accepted-GitHub-Permissions`. Any single set is enough.
    pub(crate) accepted_permissions: Option<String>,
    /// The server is, or may be, too old for the path.
    pub(crate) old_server: Option<OldServer>,
    /// GitHub's time less this machine's.
    pub(crate) clock_offset: TimeDelta,
}

impl RequestError {
    /// The error for a response that is not a success.
    pub(crate) fn of_response(
        response: &FailedResponse<'_>,
        base: &ApiBase,
        clock: &Clock,
        secrets: &Secrets,
    ) -> Self {
        let (status, headers) = (response.status, response.headers);
        let body = String::from_utf8_lossy(response.body);
        let clean = |text: &str, limit| one_line_message(&secrets.clean(text), limit);
        let message = message(status, &body);
        let page = page_title(&body).map(|title| clean(&title, MESSAGE));
        let now = clock.now();
        // A 422 may be about one delivery alone, so the others never wait longer for it.
        let limit = || match RateLimit::read(headers, now) {
            RateLimit::Secondary(None) if status == 422 => {
                RateLimit::Secondary(Some(now + FIRST_WAIT))
            }
            limit => limit,
        };
        Self::Status {
            status: status.as_u16(),
            limit: is_limit(status, headers, &message, page.is_some()).then(limit),
            message: page.clone().unwrap_or_else(|| clean(&message, MESSAGE)),
            page,
            headers: Box::new(ErrorHeaders::read(response, base, clock, secrets)),
        }
    }

    /// GitHub's status, if it answered.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Status { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// Turns the failure of a request for this account's token into that of the request that needed the token.
    pub(crate) fn of_a_token_for(self, login: &str) -> Self {
        match self {
            certain @ (Self::NoToken { .. } | Self::Stopped(_) | Self::Unusable(_)) => certain,
            error => Self::TokenTrouble {
                login: login.to_owned(),
                why: error.to_string(),
            },
        }
    }

    /// True if a limit is reached, and nothing is wrong with the request itself.
    pub fn is_limit(&self) -> bool {
        self.limit().is_some() || matches!(self, Self::Stopped(StopReason::Limit(_)))
    }

    /// True if the pass is about to end, which is no failure.
    pub fn is_stop(&self) -> bool {
        matches!(self, Self::Stopped(_))
    }

    /// The limit that made GitHub refuse the request.
    pub(crate) fn limit(&self) -> Option<RateLimit> {
        match self {
            Self::Status { limit, .. } => *limit,
            _ => None,
        }
    }

    /// The earliest time at which the server accepts the request again, if it named one.
    pub(crate) fn retry_after(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::Status { headers, .. } => headers.retry_after,
            _ => None,
        }
    }

    /// The address that GitHub redirects to, if the same method may be used there.
    pub(crate) fn moved_to(&self, method: &Method) -> Option<&str> {
        match self {
            Self::Status {
                status, headers, ..
            } => match status {
                307 | 308 => headers.location.as_deref(),
                301 | 302 if method == Method::GET => headers.location.as_deref(),
                _ => None,
            },
            _ => None,
        }
    }

    /// True if the same request may succeed soon: nothing is wrong with it.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Status { status, .. } => matches!(status, 408 | 500..),
            Self::Unsent(_) | Self::Unclear(_) => true,
            _ => false,
        }
    }

    /// True if the credential works but may not do this, or sees nothing there.
    pub fn is_refusal(&self) -> bool {
        let refused = matches!(self.status(), Some(403 | 404)) && !self.is_limit();
        refused || matches!(self, Self::NoToken { .. })
    }

    /// True if GitHub knows no App of this client ID.
    pub(crate) fn is_unknown_app(&self) -> bool {
        matches!(self, Self::Status { status: 404, message, .. } if message.contains("Integration not found"))
    }

    /// True if GitHub does not support the API version that the request named
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
        match status {
            400 => ["api version", "api-version", "supported version"]
                .iter()
                .any(|words| message.contains(words)),
            410 => message.contains("version"),
            _ => false,
        }
    }

    /// Removes known secrets from the text.
    pub(crate) fn without(mut self, secrets: &Secrets) -> Self {
        match &mut self {
            Self::Status { message: text, .. }
            | Self::NoToken { why: text, .. }
            | Self::TokenTrouble { why: text, .. } => *text = secrets.clean(text).into_owned(),
            Self::Unusable(text)
            | Self::Unsent(text)
            | Self::UnknownAuthority(text)
            | Self::BadCertificate(text)
            | Self::Unclear(text)
            | Self::Malformed(text)
            | Self::OtherList(text) => *text = one_line(&secrets.clean(text), MESSAGE),
            Self::Stopped(_) | Self::RepeatedLink => {}
        }
        self
    }
}

impl ErrorHeaders {
    fn read(
        response: &FailedResponse<'_>,
        base: &ApiBase,
        clock: &Clock,
        secrets: &Secrets,
    ) -> Self {
        let headers = response.headers;
        // Secrets go before anything is cut off: half a secret would not be recognised.
        let text = |name: &str, limit| {
            header(headers, name).map(|text| one_line_message(&secrets.clean(text), limit))
        };
        let version = header(headers, "x-github-enterprise-version");
        Self {
            scopes: text("x-oauth-scopes", MESSAGE),
            sso: text("x-github-sso", ADDRESS)
                .and_then(|sso| sso.split_once("url=").map(|(_, url)| url.to_owned())),
            retry_after: retry_after(headers, clock.now()),
            location: header(headers, "location").map(str::to_owned),
            from_github: header(headers, "x-github-request-id").is_some(),
            accepted_permissions: text("x-accepted-github-permissions", MESSAGE),
            old_server: OldServer::of(base, version, response.path),
            clock_offset: clock.offset(),
        }
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// True if GitHub refused because of a limit. The words of a page are not GitHub's. A server in trouble (503) is no
/// limit, even if it names the time of the next try
/// (<https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api>).
fn is_limit(status: StatusCode, headers: &HeaderMap, message: &str, page: bool) -> bool {
    match status.as_u16() {
        429 => true,
        403 | 422 => {
            let message = message.to_lowercase();
            header(headers, "retry-after").is_some()
                || header(headers, "x-ratelimit-remaining") == Some("0")
                || !page && LIMITS.iter().any(|words| message.contains(words))
        }
        _ => false,
    }
}
