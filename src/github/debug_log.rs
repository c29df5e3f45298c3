//! The debug log, which the caller passes in.

use std::sync::Arc;

use crate::secrets::Secrets;

type Write = dyn Fn(&str) + Send + Sync;

/// The debug log, and the secrets that are kept out of every log. Cheap to clone.
#[derive(Clone)]
pub struct DebugLog {
    secrets: Secrets,
    write: Option<Arc<Write>>,
}

impl DebugLog {
    /// A log whose lines go to `write`.
    pub fn new(secrets: &Secrets, write: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self {
            secrets: secrets.clone(),
            write: Some(Arc::new(write)),
        }
    }

    /// A log that nobody reads, so no line is made.
    pub fn off(secrets: &Secrets) -> Self {
        Self {
            secrets: secrets.clone(),
            write: None,
        }
    }

    /// The secrets that the pass knows.
    pub(crate) fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    /// Writes a line.
    pub(crate) fn line(&self, text: impl FnOnce() -> String) {
        if let Some(write) = &self.write {
            write(&text());
        }
    }
}
