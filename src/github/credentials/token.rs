//! A token that the workflow passes as an input.

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use http::HeaderValue;

use crate::github::calls::authorization::Authorization;
use crate::github::clock::Clock;
use crate::github::credential_kind::CredentialKind;
use crate::github::credentials::auth::{Secret, bearer};
use crate::github::failure::request_error::RequestError;

/// Such a token, which stays the same for the whole pass.
pub(super) struct InputToken {
    header: HeaderValue,
    kind: CredentialKind,
    input: &'static str,
}

impl InputToken {
    /// The token that was passed in `input`.
    ///
    /// # Errors
    /// It does not fit into a header.
    pub(super) fn new(token: &Secret, input: &'static str) -> Result<Self, RequestError> {
        Ok(Self {
            header: bearer(token)?,
            kind: CredentialKind::of(token.expose()),
            input,
        })
    }
}

impl Authorization for InputToken {
    fn kind(&self) -> CredentialKind {
        self.kind
    }

    fn input(&self) -> &'static str {
        self.input
    }

    fn header<'a>(
        &'a self,
        _clock: &'a Clock,
        _last: bool,
    ) -> BoxFuture<'a, Result<HeaderValue, RequestError>> {
        ready(Ok(self.header.clone())).boxed()
    }

    fn renew<'a>(&'a self, _refused: &'a HeaderValue, _clock: &'a Clock) -> BoxFuture<'a, bool> {
        ready(false).boxed()
    }
}
