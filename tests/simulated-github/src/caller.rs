//! The sender of a request.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::Access;
use crate::access::Kind;
use crate::github::GitHub;
use crate::jwt::{self, Flaw};
use crate::request::Request;

/// The key that requests with the App's web tokens are counted under. It can't be a token: tokens have no spaces around them.
const APP_COUNTER: &str = " app";

/// The sender of a request.
#[derive(Debug, Clone)]
pub(crate) enum Caller {
    /// A caller without a token.
    Anonymous,
    /// A caller whose token does not work; the flaw is the one that it has as a web token.
    Unknown(Flaw),
    /// The App itself, by a web token.
    App,
    /// A caller whose token works.
    Token(Arc<Access>),
}

impl Caller {
    /// The key that the limits count a caller's requests under; all callers without a valid token share one.
    pub(crate) fn counter<'a>(&self, request: &'a Request) -> &'a str {
        match self {
            Self::Token(_) => request.token().unwrap_or_default(),
            Self::App => APP_COUNTER,
            Self::Anonymous | Self::Unknown(_) => "",
        }
    }
}

impl GitHub {
    pub(crate) fn caller(&self, request: &Request, now: DateTime<Utc>) -> Caller {
        let Some(token) = request.token() else {
            return Caller::Anonymous;
        };
        match self.tokens.get(token) {
            Some(access) if self.works(access, now) => Caller::Token(Arc::clone(access)),
            Some(_) => Caller::Unknown(Flaw::Undecodable),
            None => match jwt::check(token, self.app.as_ref(), now) {
                Ok(()) => Caller::App,
                Err(flaw) => Caller::Unknown(flaw),
            },
        }
    }

    fn works(&self, access: &Access, now: DateTime<Utc>) -> bool {
        let installed = match &access.kind {
            Kind::Installation(grant) => self.installations.contains_key(&grant.installation),
            _ => true,
        };
        installed && access.expires_at.is_none_or(|expires_at| now < expires_at)
    }
}
