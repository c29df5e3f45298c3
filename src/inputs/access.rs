//! Who speaks to GitHub, and where the checkpoint is: the rules of `token`, `client-id`, `private-key` and of
//! the inputs that begin with `checkpoint-`.

use std::path::Path;

use super::Defaults;
use super::given::{Check, Given};
use super::path::shared_path;
use super::values;
use super::values::Problem;
use crate::github::{Credential, PrivateKey};
use crate::inputs::CheckpointPlace;
use crate::model::Variable;

/// What is said of a secret that is not there: GitHub passes an empty one where it passes none.
const UNSEEN_SECRET: &str = "no secret of that name is visible here (workflows of forks and of Dependabot get none, \
                             and a reusable workflow needs `secrets: inherit`)";

impl Given {
    /// What to speak to GitHub with.
    pub(super) fn credential(
        &self,
        check: &mut Check,
        workspace: Option<&Path>,
    ) -> Option<Credential> {
        match (&self.token, &self.client_id, &self.private_key) {
            (Some(_), Some(_), _) | (Some(_), _, Some(_)) => check.of(
                "token",
                Err(Problem::new(
                    "is set, and so are `client-id` or `private-key`",
                    "leave one of them out: with its key the App makes its own tokens",
                )),
            ),
            (Some(token), None, None) => {
                let token = check.of("token", values::token(token))?;
                Some(Credential::Token(token))
            }
            (None, Some(client_id), Some(key)) => {
                let client_id = check.parsed("client-id", Some(client_id), values::client_id)??;
                Some(Credential::App {
                    client_id,
                    private_key: PrivateKey::new(key, workspace),
                })
            }
            (None, Some(_), None) => check.of(
                "private-key",
                Err(Problem::new(
                    "is empty, but `client-id` is set",
                    &format!("pass the App's key (`private-key: ${{{{ secrets.APP_KEY }}}}`). If it is passed, {UNSEEN_SECRET}"),
                )),
            ),
            (None, None, Some(_)) => check.of(
                "client-id",
                Err(Problem::new(
                    "is not set, but `private-key` is",
                    "write the client ID from the App's settings page",
                )),
            ),
            (None, None, None) => check.of(
                "token",
                Err(Problem::new(
                    "is empty",
                    &format!(
                        "pass a personal access token or an installation token (`token: ${{{{ \
                         secrets.WEBHOOK_TOKEN }}}}`), or an App's `client-id` and `private-key`. If it is \
                         passed, {UNSEEN_SECRET}"
                    ),
                )),
            ),
        }
    }

    /// Where the checkpoint is kept; `Some(None)` for nowhere.
    pub(super) fn checkpoint(
        &self,
        check: &mut Check,
        runner: &Defaults,
    ) -> Option<Option<CheckpointPlace>> {
        let variable = check.parsed(
            "checkpoint-variable",
            self.checkpoint_variable.as_deref(),
            values::variable_name,
        );
        let named = check.parsed(
            "checkpoint-repository",
            self.checkpoint_repository.as_deref(),
            values::repository,
        );
        let token = match &self.checkpoint_token {
            Some(token) => check.of("checkpoint-token", values::token(token)).map(Some),
            None => Some(None),
        };
        let (variable, named, token) = (variable?, named?, token?);
        if token.is_some() && variable.is_none() {
            return check.of(
                "checkpoint-token",
                Err(Problem::new(
                    "is set, but `checkpoint-variable` is not",
                    "name the variable (`checkpoint-variable: LAST_REDELIVERY`), or leave the token out",
                )),
            );
        }
        let file = self.checkpoint_file.as_deref();
        let place = match (variable, file) {
            (None, None) => return Some(None),
            (Some(_), Some(_)) => {
                return check.of(
                    "checkpoint-file",
                    Err(Problem::new(
                        "is set, and so is `checkpoint-variable`",
                        "leave one out: a checkpoint is kept in one place",
                    )),
                );
            }
            (None, Some(file)) => {
                let path = shared_path(file, runner);
                CheckpointPlace::File(check.of("checkpoint-file", path)?)
            }
            (Some(name), None) => {
                let workflows = runner.repository.as_deref();
                let workflows = workflows.and_then(|name| values::repository(name).ok());
                let repository = check.of(
                    "checkpoint-repository",
                    named.or(workflows).ok_or_else(|| {
                        Problem::new(
                            "is not set, and `GITHUB_REPOSITORY` names no repository",
                            "name the repository that holds the variable (`owner/name`)",
                        )
                    }),
                )?;
                let variable = Variable { repository, name };
                CheckpointPlace::Variable { variable, token }
            }
        };
        Some(Some(place))
    }
}
