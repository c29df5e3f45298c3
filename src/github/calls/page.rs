//! One page of a delivery log.

use std::sync::Arc;

use crate::github::credential_kind::CredentialKind;
use crate::github::failure::error::Error;
use crate::github::failure::request_error::RequestError;
use crate::github::failure::subject::Subject;
use crate::secrets::Secrets;

/// The body of a page. Its rows borrow from it.
pub struct Page {
    text: String,
    subject: Arc<Subject>,
    credential: CredentialKind,
    secrets: Secrets,
}

impl Page {
    pub(crate) fn new(
        body: Vec<u8>,
        subject: Arc<Subject>,
        credential: CredentialKind,
        secrets: Secrets,
    ) -> Self {
        // Bytes that are not UTF-8 cost at most the row that they are in.
        let text = String::from_utf8(body)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
        Self {
            text,
            subject,
            credential,
            secrets,
        }
    }

    /// The body, as GitHub sent it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The secrets that must not get out of the body.
    pub(crate) fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    /// Something about this page that GitHub's documentation rules out, as an error.
    pub fn malformed(&self, what: &str) -> Error {
        let failure = RequestError::Malformed(self.secrets.clean(what).into_owned());
        Error::new((*self.subject).clone(), self.credential, failure)
    }
}

#[cfg(test)]
impl Page {
    /// A page with this body.
    pub(crate) fn of_body(body: &[u8]) -> Self {
        Self::new(
            body.to_vec(),
            Arc::new(Subject::app()),
            CredentialKind::Classic,
            Secrets::default(),
        )
    }
}
