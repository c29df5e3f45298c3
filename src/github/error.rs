//! What failed, in words that name the next step.

use std::fmt;

use crate::actions::one_line;

/// Longest part of GitHub's message that is shown, in characters. Proxies answer whole pages.
const MESSAGE: usize = 200;

/// What became of a request that did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// GitHub answered, and not with success.
    #[error("GitHub answered {status} `{message}`")]
    Status {
        /// GitHub's status code.
        status: u16,
        /// GitHub's words, one line.
        message: String,
        /// A limit was reached: nothing is wrong with the request itself.
        limit: bool,
    },
    /// The request certainly did not reach GitHub.
    #[error("GitHub could not be reached: {0}")]
    Unsent(String),
    /// An earlier request was told of a limit, so this one was not made.
    #[error("GitHub's rate limit is reached")]
    LimitReached,
    /// The request may have reached GitHub.
    #[error("no clear answer came from GitHub: {0}")]
    Unclear(String),
    /// GitHub's answer is not what its documentation says.
    #[error("GitHub's answer could not be read: {0}")]
    Malformed(String),
    /// A next page somewhere else than at the API. The token is not sent there.
    #[error("the link to the next page leads away from the API, to `{0}`, and was not followed")]
    ForeignLink(String),
    /// A next page that was read before.
    #[error("the link to the next page leads back to a page that was read before")]
    RepeatedLink,
}

impl RequestError {
    /// GitHub's status, if it answered.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Status { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// From octocrab's reading of an answer that is no success.
    pub(super) fn from_answer(error: &octocrab::GitHubError) -> Self {
        let mut message = one_line(&error.message, MESSAGE);
        for detail in error.errors.iter().flatten() {
            let detail = detail.get("message").and_then(|message| message.as_str());
            if let Some(detail) = detail {
                message = one_line(&format!("{message}; {detail}"), MESSAGE);
            }
        }
        Self::Status {
            status: error.status_code.as_u16(),
            limit: is_limit(error),
            message,
        }
    }
}

/// Whether GitHub said no because of a limit
/// (<https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api>).
fn is_limit(error: &octocrab::GitHubError) -> bool {
    let header = |name: &str| error.headers.as_ref()?.get(name)?.to_str().ok();
    match error.status_code.as_u16() {
        429 => true,
        403 => {
            header("retry-after").is_some()
                || header("x-ratelimit-remaining") == Some("0")
                || error.message.to_lowercase().contains("rate limit")
        }
        _ => false,
    }
}

/// What a request was about: its name for people, and what permission it takes.
#[derive(Clone, Debug)]
pub(super) struct Subject {
    pub(super) name: String,
    pub(super) needs: String,
}

impl Subject {
    /// Ties a failure to what it was about.
    pub(super) fn failed(&self, failure: RequestError) -> Error {
        Error {
            subject: self.clone(),
            failure,
        }
    }
}

/// A failure, what it was about, and what to do.
#[derive(Debug)]
pub struct Error {
    subject: Subject,
    failure: RequestError,
}

impl Error {
    /// What became of the request.
    pub fn failure(&self) -> &RequestError {
        &self.failure
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.failure.source()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { subject, failure } = self;
        let Subject { name, needs } = subject;
        write!(f, "{name}: {failure}. ")?;
        match failure {
            RequestError::Status { limit: true, .. } | RequestError::LimitReached => {
                f.write_str("A rate limit is reached: run again later, or less often")
            }
            RequestError::Status { message, .. } if message.starts_with('<') => f.write_str(
                "That is a page and not GitHub's API: check `api-url` (on Enterprise Server \
                 `https://HOST/api/v3`)",
            ),
            RequestError::Status { status, .. } => match status {
                401 => f.write_str("The token is wrong, expired or revoked: store a new one"),
                403 => write!(f, "The token lacks a permission: {needs}"),
                404 => write!(
                    f,
                    "It does not exist, or the token may not see it: check the name, and {needs}"
                ),
                300..=399 => f.write_str("It was renamed or moved: write its new name"),
                500.. => f.write_str("GitHub has trouble: the next pass tries again"),
                _ => f.write_str("GitHub will not do this, and its message says why"),
            },
            RequestError::Unsent(_) => f.write_str(
                "Check `api-url`, the network, and that a public authority signed the certificate",
            ),
            RequestError::Unclear(_) => f.write_str("The next pass tries again"),
            RequestError::Malformed(_) => {
                f.write_str("Check that `api-url` is GitHub's API and not a page before it")
            }
            RequestError::ForeignLink(_) => {
                f.write_str("Write `api-url` as GitHub spells it in its own links")
            }
            RequestError::RepeatedLink => {
                f.write_str("Nothing older was read; the next pass tries again")
            }
        }
    }
}
