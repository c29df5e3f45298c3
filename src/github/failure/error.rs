//! A failed request with its subject and the next step, as people read it.

use std::fmt;

use chrono::{DateTime, Utc};

use crate::github::credential_kind::CredentialKind;
use crate::github::failure::advice::advice;
use crate::github::failure::request_error::RequestError;
use crate::github::failure::subject::Subject;
use crate::secrets::Secrets;

/// A failed request. Its text names the subject, the failure and the next step.
#[derive(Clone, Debug)]
pub struct Error {
    subject: Box<Subject>,
    credential: CredentialKind,
    failure: RequestError,
    sent_at: Option<DateTime<Utc>>,
}

impl Error {
    pub(crate) fn new(subject: Subject, credential: CredentialKind, failure: RequestError) -> Self {
        Self {
            subject: Box::new(subject),
            credential,
            failure,
            sent_at: None,
        }
    }

    /// Adds the time at which the request was last sent.
    pub(crate) fn with_sent_at(self, sent_at: Option<DateTime<Utc>>) -> Self {
        Self { sent_at, ..self }
    }

    /// Removes secrets that have become known since.
    pub fn without(mut self, secrets: &Secrets) -> Self {
        self.failure = self.failure.without(secrets);
        self
    }

    /// The reason why the request failed.
    pub fn failure(&self) -> &RequestError {
        &self.failure
    }

    /// When a request for a redelivery was last sent, if it was sent at all.
    pub fn sent_at(&self) -> Option<DateTime<Utc>> {
        self.sent_at
    }
}

impl std::error::Error for Error {}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            subject,
            credential,
            failure,
            ..
        } = self;
        write!(f, "{}: {failure}", subject.name)?;
        match advice(failure, &subject.access, *credential) {
            Some(advice) => write!(f, ". {advice}"),
            None => Ok(()),
        }
    }
}
