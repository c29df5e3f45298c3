//! `INPUT_*` and the runner's variables -> one validated struct.
//!
//! Every rule, default and message about inputs is here, except the defaults of [`Policy`], which are beside it. No I/O:
//! the environment comes in as an iterator, and the time as an argument.

mod checkpoint;
mod credential;
mod environment;
mod known_secrets;
mod near_names;
mod network;
mod path;
mod problems;
mod raw;
mod runner_variables;
mod targets;
mod validate;
mod values;
mod window;

use crate::file::SharedPath;
use crate::github::{ApiBase, Credential, Network, RequiredAccess};
use crate::model::{FailOn, Policy, Targets};

pub use checkpoint::CheckpointPlace;
pub use environment::Environment;
pub use problems::InputError;
pub use raw::NAMES;
pub use window::{OneOffWindow, PointInTime};

/// The inputs of one pass, all of them valid.
#[derive(Debug)]
pub struct Inputs {
    /// The token, or the App that creates tokens.
    pub credential: Credential,
    /// The webhooks to look at.
    pub targets: Targets,
    /// A window of its own, which leaves the checkpoint alone.
    pub one_off: Option<OneOffWindow>,
    /// The policy for failed deliveries.
    pub policy: Policy,
    /// The place of the checkpoint, if one is kept.
    pub checkpoint: Option<CheckpointPlace>,
    /// Change nothing.
    pub dry_run: bool,
    /// The results that make the step fail, with exit code 1.
    pub fail_on: FailOn,
    /// The path of the JSON report.
    pub report_file: Option<SharedPath>,
    /// Show samples of the answers of receivers.
    pub show_responses: bool,
    /// GitHub's API.
    pub api: ApiBase,
    /// The network between this machine and GitHub.
    pub network: Network,
}

impl Inputs {
    /// True if nothing may be stored: in a dry run, and with a one-off window.
    pub fn is_read_only(&self) -> bool {
        self.dry_run || self.one_off.is_some()
    }

    /// The inputs that the log's first line and the summary's footer show.
    pub fn in_scope(&self) -> String {
        let filter = &self.policy.filter;
        let some_or_all = |is_all| if is_all { "all" } else { "some" };
        [
            self.targets.to_string(),
            format!("{} events", some_or_all(filter.events.is_empty())),
            format!("{} failures", some_or_all(filter.statuses.is_empty())),
            if self.dry_run { "dry run" } else { "live" }.to_owned(),
        ]
        .join(", ")
    }

    /// The permissions that an App's installations need.
    pub fn required_access(&self) -> RequiredAccess {
        let variables = match &self.checkpoint {
            Some(CheckpointPlace::Variable {
                variable,
                token: None,
            }) => Some(variable.repository.owner.clone()),
            _ => None,
        };
        RequiredAccess {
            targets: self.targets.clone(),
            redelivers: !self.dry_run,
            variables,
            writes_variables: !self.is_read_only(),
        }
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
