//! JSON web tokens, as an App signs them.
//!
//! The rules are GitHub's:
//! <https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app>.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use serde_json::Value;

use crate::App;
use crate::reply::Answer;

/// The furthest ahead a web token may expire, in seconds: ten minutes.
const MOST_SECONDS_AHEAD: f64 = 600.0;

/// The extra time that GitHub allows, because requests take time.
const LEEWAY_SECONDS: f64 = 2.0;

/// The defect of a web token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// Not a web token, not RS256, or not signed with the App's key.
    Undecodable,
    UnknownIssuer,
    IssuedAt,
    Expired,
    TooFarAhead,
}

impl Flaw {
    pub(crate) fn answer(self) -> Answer {
        let (status, message) = match self {
            Self::Undecodable => (401, "A JSON web token could not be decoded"),
            Self::UnknownIssuer => (404, "Integration not found"),
            Self::IssuedAt => (
                401,
                "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued",
            ),
            Self::Expired => (
                401,
                "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the \
                 assertion expires",
            ),
            Self::TooFarAhead => (
                401,
                "'Expiration time' claim ('exp') is too far in the future",
            ),
        };
        Answer::error(status, message, "")
    }
}

/// Checks that `token` is a web token with which `app` can act now.
pub(crate) fn check(token: &str, app: Option<&App>, now: DateTime<Utc>) -> Result<(), Flaw> {
    let (signed, signature) = token.rsplit_once('.').ok_or(Flaw::Undecodable)?;
    let (header, claims) = signed.split_once('.').ok_or(Flaw::Undecodable)?;
    let (header, claims) = (json(header)?, json(claims)?);
    if header["alg"] != "RS256" {
        return Err(Flaw::Undecodable);
    }
    let app = app
        .filter(|app| app.is_issuer(&claims["iss"]))
        .ok_or(Flaw::UnknownIssuer)?;
    UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &app.public_key)
        .verify(signed.as_bytes(), &bytes(signature)?)
        .map_err(|_| Flaw::Undecodable)?;
    let issued_at = claims["iat"].as_i64().ok_or(Flaw::IssuedAt)?;
    if issued_at > now.timestamp() {
        return Err(Flaw::IssuedAt);
    }
    let ahead = claims["exp"].as_f64().ok_or(Flaw::Expired)? - seconds(now);
    if ahead <= 0.0 {
        return Err(Flaw::Expired);
    }
    if ahead > MOST_SECONDS_AHEAD + LEEWAY_SECONDS {
        return Err(Flaw::TooFarAhead);
    }
    Ok(())
}

/// In seconds since 1970, with milliseconds: no clock here is so far ahead that a float would lose some.
fn seconds(time: DateTime<Utc>) -> f64 {
    time.timestamp_millis() as f64 / 1_000.0
}

fn json(part: &str) -> Result<Value, Flaw> {
    serde_json::from_slice(&bytes(part)?).map_err(|_| Flaw::Undecodable)
}

fn bytes(part: &str) -> Result<Vec<u8>, Flaw> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| Flaw::Undecodable)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::TestKey;

    #[test]
    fn a_web_token_must_say_that_it_is_rs256() {
        let now = Utc::now();
        let app = App::new(17, "Iv23liSimulated", TestKey::APP.public_der);
        let claims = json!({ "iss": 17, "iat": now.timestamp(), "exp": now.timestamp() + 60 });
        let check = |algorithm| check(&TestKey::APP.sign_as(algorithm, &claims), Some(&app), now);
        assert_eq!(check("RS256"), Ok(()));
        assert_eq!(check("RS512"), Err(Flaw::Undecodable));
    }
}
