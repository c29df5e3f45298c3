//! The place of the checkpoint: the rules for the inputs that begin with `checkpoint-`.

use super::path::shared_path;
use super::problems::Problems;
use super::raw::RawInputs;
use super::runner_variables::RunnerVariables;
use super::values;
use crate::file::SharedPath;
use crate::github::Secret;
use crate::model::{Repository, Variable};

/// The place of the checkpoint.
#[derive(Clone, Debug)]
pub enum CheckpointPlace {
    /// In a repository variable.
    Variable {
        /// The variable.
        variable: Variable,
        /// The token for this variable, if it is not the credential of the pass.
        token: Option<Secret>,
    },
    /// In a file.
    File(SharedPath),
}

impl RawInputs {
    /// `None` if no checkpoint is kept.
    pub(super) fn checkpoint(
        &self,
        problems: &mut Problems,
        runner: &RunnerVariables,
    ) -> Option<CheckpointPlace> {
        let name = self.checkpoint_variable.as_deref();
        let name = problems.parse("checkpoint-variable", name, values::variable_name);
        let repository = self.checkpoint_repository.as_deref();
        let repository = problems.parse("checkpoint-repository", repository, values::repository);
        let token = self
            .checkpoint_token
            .as_deref()
            .and_then(|token| problems.check("checkpoint-token", values::token(token)));
        match (&self.checkpoint_variable, &self.checkpoint_file) {
            (Some(_), Some(_)) => {
                problems.add(
                    "checkpoint-file",
                    "is set together with `checkpoint-variable`",
                    "remove one of them, because a checkpoint is kept in one place",
                );
                None
            }
            (Some(_), None) => {
                let repository = repository.or_else(|| self.workflow_repository(problems, runner));
                let variable = Variable {
                    repository: repository?,
                    name: name?,
                };
                Some(CheckpointPlace::Variable { variable, token })
            }
            (None, _) if self.checkpoint_token.is_some() => {
                problems.add(
                    "checkpoint-token",
                    "is set, but `checkpoint-variable` is not",
                    "name the variable (`checkpoint-variable: LAST_REDELIVERY`), or remove the token",
                );
                None
            }
            (None, Some(file)) => problems
                .check("checkpoint-file", shared_path(file, runner))
                .map(CheckpointPlace::File),
            (None, None) => None,
        }
    }

    /// The default of `checkpoint-repository`.
    fn workflow_repository(
        &self,
        problems: &mut Problems,
        runner: &RunnerVariables,
    ) -> Option<Repository> {
        let repository = runner.repository();
        if repository.is_none() && self.checkpoint_repository.is_none() {
            problems.add(
                "checkpoint-repository",
                "is not set, and `GITHUB_REPOSITORY` does not name a repository",
                "name the repository that holds the variable (`owner/name`)",
            );
        }
        repository
    }
}
