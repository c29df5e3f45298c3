//! The `authorization` header of a client's requests.

use futures_util::future::BoxFuture;
use http::HeaderValue;

use crate::github::clock::Clock;
use crate::github::credential_kind::CredentialKind;
use crate::github::failure::request_error::RequestError;

/// Supplies the `authorization` header for one credential.
///
/// A client knows nothing else of its credential, so an installation's token may be requested through another client.
pub(crate) trait Authorization: Send + Sync {
    /// The kind of credential, on which the advice about a refusal depends.
    fn kind(&self) -> CredentialKind;

    /// The input that the token was passed in; empty for an App.
    fn input(&self) -> &'static str {
        ""
    }

    /// The header for a request made now. With `last`, the request is the last write of the pass.
    fn header<'a>(
        &'a self,
        clock: &'a Clock,
        last: bool,
    ) -> BoxFuture<'a, Result<HeaderValue, RequestError>>;

    /// Drops a header that GitHub answered with 401. Returns whether the next header may be a different one.
    fn renew<'a>(&'a self, refused: &'a HeaderValue, clock: &'a Clock) -> BoxFuture<'a, bool>;
}
