//! The credential: the rules of `token`, `client-id` and `private-key`.

use std::path::Path;

use super::problems::Problems;
use super::raw::RawInputs;
use super::values;
use crate::github::{Credential, PrivateKey};

/// The reason why a secret that the workflow passes may arrive empty.
const UNAVAILABLE_SECRET: &str = "If the workflow passes it, the secret is not available to this run (workflows of \
                                  forks and of Dependabot get none, and a reusable workflow needs `secrets: inherit`)";

impl RawInputs {
    pub(super) fn credential(
        &self,
        problems: &mut Problems,
        workspace: Option<&Path>,
    ) -> Option<Credential> {
        match (&self.token, &self.client_id, &self.private_key) {
            (Some(token), None, None) => {
                let token = problems.check("token", values::token(token))?;
                return Some(Credential::Token(token));
            }
            (None, Some(client_id), Some(key)) => {
                return Some(Credential::App {
                    client_id: problems.parse("client-id", Some(client_id), values::client_id)?,
                    private_key: PrivateKey::new(key, workspace),
                });
            }
            (Some(_), _, _) => problems.add(
                "token",
                "is set together with `client-id` or `private-key`",
                "remove one of them: with its private key, the App creates its own tokens",
            ),
            (None, Some(_), None) => problems.add(
                "private-key",
                "is empty, but `client-id` is set",
                &format!("pass the App's private key (`private-key: ${{{{ secrets.APP_KEY }}}}`). {UNAVAILABLE_SECRET}"),
            ),
            (None, None, Some(_)) => problems.add(
                "client-id",
                "is not set, but `private-key` is",
                "write the client ID from the App's settings page",
            ),
            (None, None, None) => problems.add(
                "token",
                "is empty",
                &format!(
                    "pass a personal access token or an installation token (`token: ${{{{ \
                     secrets.WEBHOOK_TOKEN }}}}`), or an App's `client-id` and `private-key`. \
                     {UNAVAILABLE_SECRET}"
                ),
            ),
        }
        None
    }
}
