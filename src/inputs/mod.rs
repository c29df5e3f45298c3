//! `INPUT_*` and the runner's own variables -> one validated struct.
//!
//! Every rule, default and message about inputs is here. No I/O: the environment comes in as an
//! iterator, and the time as an argument.

mod access;
mod foreign;
mod given;
mod hidden;
mod network;
mod path;
mod targets;
mod values;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::github::{ApiBase, Credential, Network, RequiredAccess, Secret};
use crate::model::Policy;
use crate::model::Targets;
use crate::model::{FailOn, Runner, SharedPath, Variable};
use given::{Check, Given};
use hidden::Hidden;
use path::shared_path;
use values::Problem;

pub use given::NAMES;
pub use values::InputError;

/// `INPUT_*` that the runner itself may set for a container action.
const RUNNERS_OWN: [&str; 2] = ["args", "entrypoint"];

/// Variables that name proxies, and what needs none.
const PROXIES: [&str; 4] = ["https_proxy", "http_proxy", "all_proxy", "no_proxy"];

/// Inputs whose values nobody may see.
const SECRETS: [&str; 3] = ["token", "private-key", "checkpoint-token"];

/// One pass's inputs, all of them valid.
#[derive(Debug)]
pub struct Inputs {
    /// What to speak to GitHub with.
    pub credential: Credential,
    /// Which webhooks to look at.
    pub targets: Targets,
    /// A window of its own, which leaves the checkpoint alone.
    pub one_off: Option<OneOff>,
    /// What to do about which failures.
    pub policy: Policy,
    /// Redeliveries a minute at most.
    pub max_per_minute: u32,
    /// How long to watch for outcomes after each wave; zero for not at all.
    pub confirm_timeout: Duration,
    /// Longest pass.
    pub time_limit: Duration,
    /// Where the checkpoint is kept.
    pub checkpoint: Option<CheckpointPlace>,
    /// Change nothing.
    pub dry_run: bool,
    /// When to exit with 1.
    pub fail_on: FailOn,
    /// Where the report goes as JSON.
    pub report_file: Option<SharedPath>,
    /// Show what receivers answered.
    pub show_responses: bool,
    /// Which GitHub.
    pub api: ApiBase,
    /// What lies before it.
    pub network: Network,
}

/// A window that the user names. One of the two is set at least.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OneOff {
    /// Its start; else all that GitHub still redelivers.
    pub since: Option<Moment>,
    /// Its end; else now.
    pub until: Option<Moment>,
}

/// A time given as such, or as a duration before now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// So long before the pass begins.
    Ago(TimeDelta),
    /// This time.
    At(DateTime<Utc>),
}

impl Moment {
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

impl Inputs {
    /// Nothing is to be stored: a dry run, or a window of its own.
    pub fn is_read_only(&self) -> bool {
        self.dry_run || self.one_off.is_some()
    }

    /// What an App's installations must be able to do.
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

/// Where the checkpoint is kept.
#[derive(Clone, Debug)]
pub enum CheckpointPlace {
    /// In a repository variable.
    Variable {
        /// Which.
        variable: Variable,
        /// What to speak to GitHub with about it, if not with what all else is done with.
        token: Option<Secret>,
    },
    /// In a file.
    File(SharedPath),
}

/// What the runner says that stands in for inputs.
#[derive(Debug, Default)]
struct Defaults {
    repository: Option<String>,
    api_url: Option<String>,
    workspace: Option<PathBuf>,
    /// The runner's folder for temporary files.
    temp: Option<PathBuf>,
    ssl_cert_file: Option<PathBuf>,
    /// Those of [`PROXIES`], by lower-case name.
    proxies: BTreeMap<&'static str, String>,
}

/// Everything that is wrong with the inputs.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub struct InputErrors(pub Vec<InputError>);

impl fmt::Display for InputErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|error| write!(f, "{error} "))
    }
}

/// The environment, taken apart once.
#[derive(Debug)]
pub struct Environment {
    given: BTreeMap<String, String>,
    /// All that was given as a secret, even what another spelling of its input replaced.
    secrets: Vec<String>,
    /// Variables that begin with `INPUT_`, and are not meant for this action.
    foreign: BTreeSet<String>,
    runner: Runner,
    defaults: Defaults,
    problems: Vec<InputError>,
}

impl Environment {
    /// Takes what concerns us from the environment. Inputs may be spelled with hyphens or
    /// underscores, in any case; empty is unset.
    pub fn new(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let mut this = Self {
            given: BTreeMap::new(),
            secrets: Vec::new(),
            foreign: BTreeSet::new(),
            runner: Runner::default(),
            defaults: Defaults::default(),
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
                "GITHUB_REPOSITORY" => this.defaults.repository = text(),
                "GITHUB_API_URL" => this.defaults.api_url = text(),
                "SSL_CERT_FILE" => this.defaults.ssl_cert_file = Some(value.into()),
                "GITHUB_WORKSPACE" => this.defaults.workspace = Some(value.into()),
                "RUNNER_TEMP" => this.defaults.temp = Some(value.into()),
                key => this.take_proxy(key, &text().unwrap_or_default()),
            }
        }
        this
    }

    /// Of the two spellings the one in lower case counts, as it does for other tools.
    fn take_proxy(&mut self, key: &str, value: &str) {
        let Some(name) = PROXIES.iter().find(|name| key.eq_ignore_ascii_case(name)) else {
            return;
        };
        let proxies = &mut self.defaults.proxies;
        if key == *name {
            proxies.insert(name, value.to_owned());
        } else if key == name.to_uppercase() {
            proxies.entry(name).or_insert_with(|| value.to_owned());
        }
    }

    fn take_input(&mut self, name: &str, value: OsString) {
        let name = name.to_lowercase().replace(['_', ' '], "-");
        let value = value.to_str().map(str::trim);
        if value == Some("") || name.is_empty() || RUNNERS_OWN.contains(&&*name) {
            return;
        }
        if !NAMES.contains(&&*name) {
            match foreign::meant(&name) {
                Some(input) => self.problems.push(InputError::unknown(&name, input)),
                None => drop(self.foreign.insert(name)),
            }
            return;
        }
        let Some(value) = value else {
            let problem = Problem::new("is not UTF-8 text", "write it as such");
            return self.problems.push(InputError::new(&name, problem));
        };
        if SECRETS.contains(&&*name) {
            self.secrets.push(value.to_owned());
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

    /// Refuses a report that would take the place of a file that the pass reads. `target` follows the links of a
    /// path.
    pub fn keep_files_apart(&mut self, target: impl Fn(&Path) -> Option<PathBuf>) {
        let file = |name: &str| {
            let path = shared_path(self.given.get(name)?, &self.defaults).ok()?;
            target(&path.path)
        };
        let Some(report) = file("report-file") else {
            return;
        };
        let read = ["checkpoint-file", "private-key", "ca-certificates"];
        let same = read
            .iter()
            .find(|name| file(name).as_ref() == Some(&report));
        if let Some(same) = same {
            let problem = Problem::new(
                &format!("is the same file as `{same}`"),
                "name another file, or the report takes its place",
            );
            self.problems.push(InputError::new("report-file", problem));
            self.given.remove("report-file");
        }
    }

    /// A warning that names the `INPUT_*` variables that are not meant for this action, if there are any.
    pub fn foreign(&self) -> Option<String> {
        let shown = |name: &String| format!("`{}`", Hidden::default().shown(name, None));
        let names: Vec<String> = self.foreign.iter().map(shown).collect();
        (!names.is_empty()).then(|| {
            format!(
                "Ignored {}: not inputs of this action. If one was meant for it, check its name",
                names.join(", ")
            )
        })
    }

    /// Where the report goes as JSON, as far as that can be told while other inputs are wrong.
    pub fn report_file(&self) -> Option<SharedPath> {
        let given = self.given.get("report-file")?;
        shared_path(given, &self.defaults).ok()
    }

    /// What the runner tells besides inputs.
    pub fn runner(&self) -> &Runner {
        &self.runner
    }

    /// The inputs, or all that is wrong with them. `now` may be this machine's time.
    pub fn inputs(mut self, now: DateTime<Utc>) -> Result<Inputs, InputErrors> {
        let mut check = Check {
            problems: std::mem::take(&mut self.problems),
            hidden: Hidden::new(&self.secrets),
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
        let inputs = given.validate(&mut check, self.defaults, now);
        match inputs {
            Some(inputs) if check.problems.is_empty() => Ok(inputs),
            _ => {
                let problems = check.problems.into_iter();
                let told = problems.map(|problem| problem.without(&check.hidden));
                Err(InputErrors(told.collect()))
            }
        }
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
