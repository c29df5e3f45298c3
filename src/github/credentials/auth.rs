//! Secrets, and the header made of them.

use std::fmt;
use std::path::Path;

use http::HeaderValue;

use crate::github::failure::request_error::RequestError;
use crate::github::pem;

/// A secret, which only [`Secret::expose`] shows.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Wraps `text`.
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The secret itself, for a header and for the list of texts that no output may contain.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// The credential that a pass uses.
#[derive(Clone, Debug)]
pub enum Credential {
    /// A token.
    Token(Secret),
    /// A GitHub App, which requests its own tokens.
    App {
        /// Its client ID or App ID.
        client_id: String,
        /// Its key.
        private_key: PrivateKey,
    },
}

/// An App's key as it was passed. A text that is not PEM is used as a path, but kept as secret as a key: it may be half
/// of one.
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
