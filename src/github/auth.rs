//! Secrets, and the header made of them.

use std::fmt;

use http::HeaderValue;

use super::error::RequestError;

/// A secret. It shows itself to nobody who does not ask for it by name.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Wraps `text`.
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The secret itself, for a mask or a header and nothing else.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// The `authorization` header for a token, marked so that no debug output shows it.
pub(super) fn bearer(token: &Secret) -> Result<HeaderValue, RequestError> {
    let mut header = HeaderValue::try_from(format!("Bearer {}", token.expose()))
        .map_err(|_| RequestError::Unsent("the token does not fit into a header".into()))?;
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
