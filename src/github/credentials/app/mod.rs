//! A GitHub App's key, and the JSON web tokens it signs
//! (<https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app>).

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use http::HeaderValue;
use rustls::SignatureScheme;
use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use rustls::sign::SigningKey;
use serde::Serialize;

use crate::file;
use crate::github::calls::authorization::Authorization;
use crate::github::clock::Clock;
use crate::github::credential_kind::CredentialKind;
use crate::github::credentials::auth::{PrivateKey, Secret, bearer};
use crate::github::failure::request_error::RequestError;
use crate::github::pem;
use crate::lock::lock;
use crate::secrets::Secrets;

/// Tokens are dated this far back, because clocks differ.
const ISSUED_BEFORE: TimeDelta = TimeDelta::seconds(60);

/// Lifetime of a token. GitHub accepts 10 minutes, and clocks differ.
const LIFETIME: TimeDelta = TimeDelta::minutes(9);

/// A token is used this long before another is signed.
const RENEWED_AFTER: TimeDelta = TimeDelta::minutes(5);

/// The largest correction of the clock after which a token is still used. GitHub refuses tokens with wrong dates.
const CLOCKS_DIFFER: TimeDelta = TimeDelta::seconds(30);

/// RS256, in the terms of TLS.
const SCHEME: SignatureScheme = SignatureScheme::RSA_PKCS1_SHA256;

/// The reason that a key can't be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The value is neither a key nor the path to one.
    #[error(
        "`private-key` is no PEM key, and no file of that name is visible here ({0}). Store the App's whole \
         .pem file as the secret, from `-----BEGIN` to the last `-----`; a path must lie in the \
         workspace to be visible in the action's container"
    )]
    Unreadable(String),
    /// The value is the path of a file that can't hold a key.
    #[error("`private-key`: the file `{}` {error}. Name the App's .pem file", path.display())]
    File {
        /// Its path.
        path: PathBuf,
        /// The reason.
        error: file::Error,
    },
    /// The value begins like a key but is not a whole one.
    #[error(
        "`private-key` is cut or altered ({0}). Store the App's whole .pem file as it was downloaded, from \
         `-----BEGIN` to the last `-----`"
    )]
    Malformed(String),
    /// It is another kind of key.
    #[error(
        "`private-key` is no RSA key without a passphrase, which is what GitHub makes for an App: generate one \
         on the App's settings page and store its .pem file"
    )]
    Sort,
}

impl KeyError {
    fn of(path: &Path, error: file::Error) -> Self {
        match error {
            file::Error::Irregular(_) | file::Error::TooLarge(_) => Self::File {
                path: path.to_owned(),
                error,
            },
            // The value may be part of a key, so it is not shown as a path.
            file::Error::Unreadable(error) | file::Error::Unwritable(error) => {
                Self::Unreadable(error.to_string())
            }
        }
    }
}

/// The key of a GitHub App.
pub(super) struct AppKey {
    client_id: String,
    key: Arc<dyn SigningKey>,
    secrets: Secrets,
    current: Mutex<Option<SignedToken>>,
}

#[derive(Clone)]
struct SignedToken {
    header: HeaderValue,
    signed_at: DateTime<Utc>,
    /// GitHub's time less ours, as known when the token was signed.
    offset: TimeDelta,
}

#[derive(Serialize)]
struct Claims<'a> {
    iat: i64,
    exp: i64,
    iss: &'a str,
}

impl AppKey {
    /// The key of the App with this client ID, as PEM or a path to it.
    pub(crate) fn new(
        client_id: &str,
        key: &PrivateKey,
        secrets: &Secrets,
    ) -> Result<Self, KeyError> {
        let der = match &key.pem {
            Some(pem) => private_key(pem.expose(), secrets)?,
            None => {
                let path = Path::new(key.path.expose());
                let text = pem::read(path).map_err(|error| KeyError::of(path, error))?;
                private_key(&text, secrets)?
            }
        };
        let key =
            any_supported_type(&der).map_err(|error| KeyError::Malformed(error.to_string()))?;
        let app = Self {
            client_id: client_id.to_owned(),
            key,
            secrets: secrets.clone(),
            current: Mutex::new(None),
        };
        match app.key.choose_scheme(&[SCHEME]) {
            Some(_) => Ok(app),
            None => Err(KeyError::Sort),
        }
    }

    /// A token that is signed now, or was less than [`RENEWED_AFTER`] ago.
    fn current(&self, clock: &Clock) -> Result<HeaderValue, RequestError> {
        let now = clock.now();
        let mut current = lock(&self.current);
        if let Some(token) = &*current
            && now - token.signed_at < RENEWED_AFTER
            && !token.is_off(clock)
        {
            return Ok(token.header.clone());
        }
        let token = self.sign(now)?;
        self.secrets.add(token.expose());
        let token = SignedToken {
            header: bearer(&token)?,
            signed_at: now,
            offset: clock.offset(),
        };
        Ok(current.insert(token).header.clone())
    }

    fn sign(&self, now: DateTime<Utc>) -> Result<Secret, RequestError> {
        let claims = Claims {
            iat: (now - ISSUED_BEFORE).timestamp(),
            exp: (now + LIFETIME).timestamp(),
            iss: &self.client_id,
        };
        let claims = serde_json::to_vec(&claims)
            .map_err(|error| RequestError::Unusable(error.to_string()))?;
        let encode = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
        let signed = format!(
            "{}.{}",
            encode(br#"{"alg":"RS256","typ":"JWT"}"#),
            encode(&claims)
        );
        let signature = match self.key.choose_scheme(&[SCHEME]) {
            Some(signer) => signer.sign(signed.as_bytes()),
            None => return Err(RequestError::Unusable(KeyError::Sort.to_string())),
        };
        let signature = signature.map_err(|error| {
            RequestError::Unusable(format!(
                "nothing could be signed with `private-key` ({error})"
            ))
        })?;
        Ok(Secret::new(format!("{signed}.{}", encode(&signature))))
    }
}

impl Authorization for AppKey {
    fn kind(&self) -> CredentialKind {
        CredentialKind::App
    }

    fn header<'a>(
        &'a self,
        clock: &'a Clock,
        _last: bool,
    ) -> BoxFuture<'a, Result<HeaderValue, RequestError>> {
        ready(self.current(clock)).boxed()
    }

    /// A refused token that was dated by a wrong clock proves nothing about the key. The next one is dated by the
    /// corrected clock.
    fn renew<'a>(&'a self, refused: &'a HeaderValue, clock: &'a Clock) -> BoxFuture<'a, bool> {
        let current = lock(&self.current);
        let renewed = current
            .as_ref()
            .is_some_and(|token| token.header != *refused || token.is_off(clock));
        ready(renewed).boxed()
    }
}

impl SignedToken {
    /// True if it was dated by a clock that turned out to be wrong.
    fn is_off(&self, clock: &Clock) -> bool {
        (clock.offset() - self.offset).abs() > CLOCKS_DIFFER
    }
}

/// Characters on a line of a PEM text (RFC 7468, section 2).
const PEM_LINE: usize = 64;

/// The key in a PEM text. All of its lines become known secrets, in pieces of any length that PEM allows.
fn private_key(text: &str, secrets: &Secrets) -> Result<PrivateKeyDer<'static>, KeyError> {
    let malformed = |what: &str| KeyError::Malformed(what.into());
    let blocks = pem::blocks(text).map_err(malformed)?;
    let block = blocks
        .first()
        .ok_or_else(|| malformed("there is no `-----BEGIN`"))?;
    for line in block.text.lines().filter(|line| !line.starts_with('-')) {
        secrets.add(line);
        for line in line.as_bytes().chunks(PEM_LINE) {
            secrets.add(&String::from_utf8_lossy(line));
        }
    }
    // An older format marks encryption within the block.
    let encrypted = block.text.contains("ENCRYPTED");
    if encrypted || !matches!(&*block.label, "RSA PRIVATE KEY" | "PRIVATE KEY") {
        return Err(KeyError::Sort);
    }
    PrivateKeyDer::from_pem_slice(block.text.as_bytes())
        .map_err(|_| malformed("what is between its first and last line is no base64"))
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests {
    use super::*;

    fn malformed(text: &str) -> String {
        let key = private_key(text, &Secrets::default());
        key.map(|_| ()).unwrap_err().to_string()
    }

    /// 60 bytes of nothing, as PEM.
    fn pem(label: &str) -> String {
        let line = "A".repeat(40);
        format!("-----BEGIN {label}-----\n{line}\n{line}\n-----END {label}-----\n")
    }

    #[test]
    fn a_key_is_read_even_if_its_line_breaks_were_changed() {
        let pem = pem("RSA PRIVATE KEY");
        let key = |text: &str| private_key(text, &Secrets::default()).unwrap();
        let whole = key(&pem);
        for bent in [
            pem.replace('\n', " "),
            pem.replace('\n', "\\n"),
            pem.replace('\n', "\r\n"),
            pem.replace('\n', "\\r\\n"),
            pem.replace('\n', "\\\\n"),
            pem.replace('\n', "\\\n"),
            pem.replace('\n', "  \n "),
            format!("\"{pem}\""),
            format!("Bag Attributes: none\n{pem}trailing words"),
        ] {
            assert_eq!(key(&bent), whole, "{bent}");
        }
    }

    #[test]
    fn an_error_about_a_key_names_the_problem_and_shows_nothing_of_the_key() {
        let pem = pem("PRIVATE KEY");
        let cut = malformed(&pem[..60]);
        assert!(cut.contains("cut or altered (its end is missing)"), "{cut}");
        let odd = malformed(&pem.replacen("AAAA", "A*A", 1));
        assert!(odd.contains("is no base64"), "{odd}");
        for error in [cut, odd] {
            assert!(!error.contains("AA"), "{error}");
        }
        let encrypted = self::pem("ENCRYPTED PRIVATE KEY");
        assert!(malformed(&encrypted).contains("no RSA key without a passphrase"));
    }
}
