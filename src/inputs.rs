//! `INPUT_*` and the runner's own variables -> one validated struct.
//!
//! Every rule, default and message about inputs is here. No I/O: the environment comes in as an
//! iterator, and the time as an argument.

mod values;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;

use crate::github::{ApiBase, Secret};
use crate::webhook::HookId;
use values::{Problem, shown};

pub use values::InputError;

/// Names the inputs once: as `action.yml` spells them, and as fields that envy fills.
macro_rules! inputs {
    ($($field:ident = $name:literal,)*) => {
        /// What the environment holds: trimmed, and `None` where empty.
        #[derive(Debug, Default, Deserialize)]
        #[serde(default)]
        struct Given {
            $(#[serde(rename = $name)] $field: Option<String>,)*
        }

        /// Every input's name, as in `action.yml`.
        pub const NAMES: &[&str] = &[$($name),*];
    };
}

inputs! {
    token = "token",
    organization = "organization",
    hook_id = "hook-id",
    since = "since",
    checkpoint_variable = "checkpoint-variable",
    checkpoint_repository = "checkpoint-repository",
    dry_run = "dry-run",
    fail_on = "fail-on",
    api_url = "api-url",
}

/// `INPUT_*` that the runner itself may set for a container action.
const RUNNERS_OWN: [&str; 2] = ["args", "entrypoint"];

/// What the runner tells besides inputs. Reading it never fails, so that outputs can be written
/// whatever the inputs are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Runner {
    /// Running as a step of GitHub Actions.
    pub in_actions: bool,
    /// The person asked for debug logging.
    pub debug: bool,
    /// Where step outputs go.
    pub output_file: Option<PathBuf>,
    /// Where the job summary goes.
    pub summary_file: Option<PathBuf>,
}

/// One pass's inputs, all of them valid.
#[derive(Debug)]
pub struct Inputs {
    /// What to speak to GitHub with.
    pub token: Secret,
    /// Organizations whose webhooks to look at, at least one.
    pub organizations: Vec<String>,
    /// Only these webhooks; empty means every active one. Not empty only with one organization.
    pub hook_ids: Vec<HookId>,
    /// Start of a one-off window.
    pub since: Option<Since>,
    /// Where the checkpoint is kept.
    pub checkpoint: Option<CheckpointPlace>,
    /// Change nothing.
    pub dry_run: bool,
    /// When to exit with 1.
    pub fail_on: FailOn,
    /// Which GitHub.
    pub api: ApiBase,
}

/// A time given as such, or as a duration before now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// So long before the pass begins.
    Ago(TimeDelta),
    /// This time.
    At(DateTime<Utc>),
}

impl Since {
    /// The time meant, when it is `now`.
    pub fn before(self, now: DateTime<Utc>) -> DateTime<Utc> {
        match self {
            Self::Ago(duration) => now
                .checked_sub_signed(duration)
                .unwrap_or(DateTime::<Utc>::MIN_UTC),
            Self::At(time) => time,
        }
    }
}

/// A repository variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckpointPlace {
    /// `owner/name`.
    pub repository: String,
    /// The variable's name, in upper case as GitHub stores it.
    pub variable: String,
}

/// What makes the step fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailOn {
    /// Only wrong inputs.
    Never,
    /// Something could not be read or asked for.
    Error,
}

/// Everything that is wrong with the inputs.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub struct InputErrors(pub Vec<InputError>);

impl fmt::Display for InputErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for error in &self.0 {
            let text = error.to_string();
            let stop = if text.ends_with('?') { "" } else { "." };
            write!(f, "{text}{stop} ")?;
        }
        f.write_str("Nothing was done.")
    }
}

/// The environment, taken apart once.
#[derive(Debug)]
pub struct Environment {
    given: BTreeMap<String, String>,
    runner: Runner,
    repository: Option<String>,
    api_url: Option<String>,
    problems: Vec<InputError>,
}

impl Environment {
    /// Takes what concerns us from the environment. Inputs may be spelled with hyphens or
    /// underscores, in any case; empty is unset.
    pub fn new(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let mut this = Self {
            given: BTreeMap::new(),
            runner: Runner::default(),
            repository: None,
            api_url: None,
            problems: Vec::new(),
        };
        for (key, value) in variables {
            let Some(key) = key.to_str() else { continue };
            if let Some(name) = key.strip_prefix("INPUT_") {
                this.take_input(name, value);
                continue;
            }
            if value.is_empty() {
                continue;
            }
            let text = || value.to_str().map(|text| text.trim().to_owned());
            match key {
                "GITHUB_ACTIONS" => this.runner.in_actions = value == "true",
                "RUNNER_DEBUG" => this.runner.debug = value == "1",
                "GITHUB_OUTPUT" => this.runner.output_file = Some(value.into()),
                "GITHUB_STEP_SUMMARY" => this.runner.summary_file = Some(value.into()),
                "GITHUB_REPOSITORY" => this.repository = text(),
                "GITHUB_API_URL" => this.api_url = text(),
                _ => {}
            }
        }
        this
    }

    fn take_input(&mut self, name: &str, value: OsString) {
        let name = name.to_lowercase().replace(['_', ' '], "-");
        let Ok(value) = value.into_string() else {
            let problem = Problem::new("is not UTF-8 text", "write it as such");
            return self.problems.push(InputError::new(&name, problem));
        };
        let value = value.trim();
        if value.is_empty() || RUNNERS_OWN.contains(&&*name) {
            return;
        }
        if !NAMES.contains(&&*name) {
            return self.problems.push(InputError::unknown(&name, NAMES));
        }
        let before = self.given.insert(name.clone(), value.to_owned());
        if before.is_some_and(|before| before != value) {
            let problem = Problem::new(
                "is given twice, in two spellings, and the two differ",
                "leave one out",
            );
            self.problems.push(InputError::new(&name, problem));
        }
    }

    /// What the runner tells besides inputs.
    pub fn runner(&self) -> &Runner {
        &self.runner
    }

    /// The inputs, or all that is wrong with them. `now` may be this machine's time.
    pub fn inputs(mut self, now: DateTime<Utc>) -> Result<Inputs, InputErrors> {
        let mut check = Check {
            problems: std::mem::take(&mut self.problems),
            token: self.given.get("token").cloned(),
        };
        let variables = self
            .given
            .into_iter()
            .map(|(name, value)| (format!("INPUT_{name}"), value));
        let given: Given = match envy::prefixed("INPUT_").from_iter(variables) {
            Ok(given) => given,
            Err(error) => {
                let problem = Problem::new(
                    &format!("could not be taken from the environment ({error})"),
                    "please report this, it should not happen",
                );
                check.problems.push(InputError::new("inputs", problem));
                Given::default()
            }
        };
        let inputs = given.validate(&mut check, self.repository, self.api_url, now);
        match inputs {
            Some(inputs) if check.problems.is_empty() => Ok(inputs),
            _ => Err(InputErrors(check.problems)),
        }
    }
}

/// Collects what is wrong, and keeps the token out of what is shown.
struct Check {
    problems: Vec<InputError>,
    token: Option<String>,
}

impl Check {
    /// The value, or `None` and a problem on the list.
    fn of<T>(&mut self, name: &str, result: Result<T, Problem>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(problem) => {
                self.problems.push(InputError::new(name, problem));
                None
            }
        }
    }

    /// The parsed value of an input that is set, `Some(None)` for one that is not.
    fn parsed<T>(
        &mut self,
        name: &str,
        value: Option<&str>,
        parse: impl FnOnce(&str) -> Result<T, &'static str>,
    ) -> Option<Option<T>> {
        let Some(value) = value else {
            return Some(None);
        };
        let result = parse(value).map_err(|accepted| {
            let shown = shown(value, self.token.as_deref());
            Problem::new(&format!("`{shown}` is not accepted"), accepted)
        });
        self.of(name, result).map(Some)
    }

    /// The items of a list, those that are `same` once.
    fn list<T>(
        &mut self,
        name: &str,
        value: Option<&str>,
        parse: impl Fn(&str) -> Result<T, &'static str>,
        same: impl Fn(&T, &T) -> bool,
    ) -> Option<Vec<T>> {
        let mut list: Vec<T> = Vec::new();
        let mut complete = true;
        for item in values::list(value.unwrap_or_default()) {
            match self.parsed(name, Some(item), &parse) {
                Some(Some(item)) if !list.iter().any(|each| same(each, &item)) => list.push(item),
                Some(_) => {}
                None => complete = false,
            }
        }
        complete.then_some(list)
    }
}

impl Given {
    fn validate(
        self,
        check: &mut Check,
        workflow_repository: Option<String>,
        runners_api_url: Option<String>,
        now: DateTime<Utc>,
    ) -> Option<Inputs> {
        let token = check.of("token", values::token(self.token.as_deref()));
        let organizations = check.list(
            "organization",
            self.organization.as_deref(),
            values::organization,
            |a, b| a.eq_ignore_ascii_case(b),
        );
        let organizations = match organizations {
            Some(list) if list.is_empty() => check.of(
                "organization",
                Err(Problem::new(
                    "is not set",
                    "name the organization whose webhooks to look at (`organization: acme`)",
                )),
            ),
            list => list,
        };
        let hook_ids = check.list(
            "hook-id",
            self.hook_id.as_deref(),
            values::hook_id,
            HookId::eq,
        );
        if let (Some(ids), Some(organizations)) = (&hook_ids, &organizations)
            && !ids.is_empty()
            && organizations.len() > 1
        {
            let problem = Problem::new(
                "does not say which of the organizations it belongs to",
                "name one organization, or leave `hook-id` out to look at every active webhook",
            );
            check.problems.push(InputError::new("hook-id", problem));
        }
        let since = check.parsed("since", self.since.as_deref(), |value| {
            values::since(value, now)
        });
        let checkpoint = self.checkpoint(check, workflow_repository);
        let dry_run = check.parsed("dry-run", self.dry_run.as_deref(), values::boolean);
        let fail_on = check.parsed("fail-on", self.fail_on.as_deref(), values::fail_on);
        let api_url = self.api_url.or(runners_api_url);
        let api = check.parsed("api-url", api_url.as_deref(), |value| {
            ApiBase::new(value).ok_or(values::API_URL)
        });
        Some(Inputs {
            token: token?,
            organizations: organizations?,
            hook_ids: hook_ids?,
            since: since?,
            checkpoint: checkpoint?,
            dry_run: dry_run?.unwrap_or(false),
            fail_on: fail_on?.unwrap_or(FailOn::Error),
            api: api?.unwrap_or_default(),
        })
    }

    fn checkpoint(
        &self,
        check: &mut Check,
        workflow_repository: Option<String>,
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
        let (Some(variable), named) = (variable?, named?) else {
            return Some(None);
        };
        let workflows = workflow_repository.filter(|name| values::repository(name).is_ok());
        let repository = check.of(
            "checkpoint-repository",
            named.or(workflows).ok_or_else(|| {
                Problem::new(
                    "is not set, and `GITHUB_REPOSITORY` names no repository",
                    "name the repository that holds the variable (`owner/name`)",
                )
            }),
        )?;
        Some(Some(CheckpointPlace {
            repository,
            variable,
        }))
    }
}

#[cfg(test)]
mod tests;
