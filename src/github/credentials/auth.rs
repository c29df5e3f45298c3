//! Secrets, the header made of them, and what may be done with which kind of token.

use std::fmt;
use std::path::Path;

use http::HeaderValue;

use crate::github::credentials::pem;
use crate::github::failure::error::RequestError;

/// A secret. It shows itself to nobody who does not ask for it by name.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Wraps `text`.
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The secret itself, for a header, and to keep it out of what is written.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// What a pass speaks to GitHub with.
#[derive(Clone, Debug)]
pub enum Credential {
    /// A token that somebody made.
    Token(Secret),
    /// A GitHub App, which makes its own tokens.
    App {
        /// Its client ID or App ID.
        client_id: String,
        /// Its key.
        private_key: PrivateKey,
    },
}

/// An App's key as it was given. What is no PEM text is taken for a path, and shown no more than a key: it may
/// be half of one.
#[derive(Clone, Debug)]
pub struct PrivateKey {
    pub(crate) pem: Option<Secret>,
    pub(crate) path: Secret,
}

impl PrivateKey {
    /// PEM text, or a path to it, relative to `folder`.
    pub fn new(given: &str, folder: Option<&Path>) -> Self {
        let path = folder.map_or_else(|| given.into(), |folder| folder.join(given));
        Self {
            pem: given
                .contains(pem::BEGIN)
                .then(|| Secret::new(given.to_owned())),
            path: Secret::new(path.to_string_lossy().into_owned()),
        }
    }
}

/// What kind of credential a request is made with. What is missing has a different name for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CredentialKind {
    /// A classic personal access token.
    Classic,
    /// An OAuth app's token.
    OAuth,
    /// A fine-grained personal access token.
    FineGrained,
    /// A token of which only its answers say what it is: a person's of an App, or one of an older form.
    Other,
    /// An installation token that was given: of an App, or the workflow's own.
    InstallationToken,
    /// An installation token that was made here.
    CreatedToken,
    /// The App itself.
    App,
}

impl CredentialKind {
    /// By the prefix that GitHub documents
    /// (<https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/about-authentication-to-github#githubs-token-formats>).
    pub(crate) fn of(token: &Secret) -> Self {
        let token = token.expose();
        if token.starts_with("ghs_") {
            Self::InstallationToken
        } else if token.starts_with("ghp_") {
            Self::Classic
        } else if token.starts_with("gho_") {
            Self::OAuth
        } else if token.starts_with("github_pat_") {
            Self::FineGrained
        } else {
            Self::Other
        }
    }

    /// What it is called where people read of it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Classic => "personal access token (classic)",
            Self::OAuth => "OAuth app's token",
            Self::FineGrained => "fine-grained personal access token",
            Self::Other => "token of an unknown kind",
            Self::InstallationToken => "installation token",
            Self::CreatedToken | Self::App => "GitHub App",
        }
    }

    /// Whether it stands for an installation of an App, and not for a person.
    pub(crate) fn is_installation(self) -> bool {
        matches!(self, Self::InstallationToken | Self::CreatedToken)
    }
}

/// The `authorization` header for a token, marked so that no debug output shows it.
pub(crate) fn bearer(token: &Secret) -> Result<HeaderValue, RequestError> {
    let mut header = HeaderValue::try_from(format!("Bearer {}", token.expose()))
        .map_err(|_| RequestError::Unusable("it does not fit into a header".into()))?;
    header.set_sensitive(true);
    Ok(header)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_shows_itself_to_nobody() {
        let secret = Secret::new("hunter2".into());
        assert_eq!(format!("{secret:?}"), "***");
        let header = bearer(&secret).unwrap();
        assert!(!format!("{header:?}").contains("hunter2"));
        assert_eq!(header, "Bearer hunter2");
    }
}
