//! The environment, read once: inputs, the runner's variables, and the variables that many tools read.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use super::Inputs;
use super::known_secrets::KnownSecrets;
use super::near_names::nearest_input;
use super::path::shared_path;
use super::problems::{InputError, Problems};
use super::raw::{NAMES, RawInputs, SECRETS};
use super::runner_variables::{PROXIES, RunnerVariables};
use crate::file::SharedPath;
use crate::model::Runner;

/// `INPUT_*` that the runner itself may set for a container action.
const RUNNERS_OWN: [&str; 2] = ["args", "entrypoint"];

/// The environment of the pass.
#[derive(Debug, Default)]
pub struct Environment {
    inputs: RawInputs,
    /// `INPUT_*` that are not meant for this action.
    unknown: BTreeSet<String>,
    runner: Runner,
    variables: RunnerVariables,
    problems: Problems,
}

impl Environment {
    /// Reads the environment. Inputs may be spelled with hyphens or underscores, in any case. Empty ones are unset.
    pub fn new(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let mut this = Self::default();
        let mut inputs: BTreeMap<String, String> = BTreeMap::new();
        let mut secrets = Vec::new();
        for (key, value) in variables {
            let Some(key) = key.to_str() else { continue };
            let Some(spelling) = key.strip_prefix("INPUT_") else {
                this.take_variable(key, value);
                continue;
            };
            let Some((name, value)) = this.input(spelling, &value) else {
                continue;
            };
            if SECRETS.contains(&&*name) {
                // Also the one that another spelling replaces below.
                secrets.push(value.clone());
            }
            if inputs.get(&name).is_some_and(|other| *other != value) {
                this.problems.add(
                    &name,
                    "is set in two spellings, and the values differ",
                    "remove one of them",
                );
            }
            inputs.insert(name, value);
        }
        this.problems.hide(KnownSecrets::new(&secrets));
        match envy::from_iter(inputs) {
            Ok(inputs) => this.inputs = inputs,
            Err(error) => this.problems.add(
                "inputs",
                &format!("could not be read from the environment ({error})"),
                "please report this bug",
            ),
        }
        this
    }

    /// The name of an input and its value. `None` if it is empty, unknown, or no text.
    fn input(&mut self, spelling: &str, value: &OsStr) -> Option<(String, String)> {
        let name = spelling.to_lowercase().replace(['_', ' '], "-");
        let value = value.to_str().map(str::trim);
        if value == Some("") || name.is_empty() || RUNNERS_OWN.contains(&&*name) {
            return None;
        }
        if !NAMES.contains(&&*name) {
            match nearest_input(&name) {
                Some(input) => self.problems.push(InputError::unknown(&name, input)),
                None => drop(self.unknown.insert(name)),
            }
            return None;
        }
        let Some(value) = value else {
            self.problems
                .add(&name, "is not UTF-8 text", "write it in UTF-8");
            return None;
        };
        Some((name, value.to_owned()))
    }

    fn take_variable(&mut self, key: &str, value: OsString) {
        if value.is_empty() {
            return;
        }
        let (runner, variables) = (&mut self.runner, &mut self.variables);
        let text = || value.to_str().map(|text| text.trim().to_owned());
        match key {
            "GITHUB_ACTIONS" => runner.in_actions = value == "true",
            "RUNNER_DEBUG" => runner.debug = value == "1",
            "GITHUB_OUTPUT" => runner.output_file = Some(value.into()),
            "GITHUB_STEP_SUMMARY" => runner.summary_file = Some(value.into()),
            "GITHUB_REPOSITORY" => variables.repository = text(),
            "GITHUB_API_URL" => variables.api_url = text(),
            "SSL_CERT_FILE" => variables.ssl_cert_file = Some(value.into()),
            "GITHUB_WORKSPACE" => variables.workspace = Some(value.into()),
            "RUNNER_TEMP" => variables.temp = Some(value.into()),
            key => self.take_proxy(key, &text().unwrap_or_default()),
        }
    }

    /// The spelling in lower case comes first, as in other tools.
    fn take_proxy(&mut self, key: &str, value: &str) {
        let Some(name) = PROXIES.iter().find(|name| key.eq_ignore_ascii_case(name)) else {
            return;
        };
        let proxies = &mut self.variables.proxies;
        if key == *name {
            proxies.insert(name, value.to_owned());
        } else if key == name.to_uppercase() {
            proxies.entry(name).or_insert_with(|| value.to_owned());
        }
    }

    /// Refuses a report that would overwrite a file that the pass reads. `target` follows the links of a path.
    pub fn keep_files_apart(&mut self, target: impl Fn(&Path) -> Option<PathBuf>) {
        let file = |text: &Option<String>| {
            let path = shared_path(text.as_deref()?, &self.variables).ok()?;
            target(&path.path)
        };
        let inputs = &self.inputs;
        let Some(report) = file(&inputs.report_file) else {
            return;
        };
        let read = [
            ("checkpoint-file", &inputs.checkpoint_file),
            ("private-key", &inputs.private_key),
            ("ca-certificates", &inputs.ca_certificates),
        ];
        let same = read
            .iter()
            .find(|(_, text)| file(text).as_ref() == Some(&report));
        if let Some((same, _)) = same {
            self.problems.add(
                "report-file",
                &format!("is the same file as `{same}`"),
                "name another file, because the report would overwrite it",
            );
            self.inputs.report_file = None;
        }
    }

    /// A warning that names the `INPUT_*` variables that are not meant for this action, if there are any.
    pub fn unknown_inputs(&self) -> Option<String> {
        let shown = |name: &String| format!("`{}`", KnownSecrets::default().shown(name, None));
        let names: Vec<String> = self.unknown.iter().map(shown).collect();
        (!names.is_empty()).then(|| {
            format!(
                "Ignored {}: not inputs of this action. If one was meant for it, check its name",
                names.join(", ")
            )
        })
    }

    /// The path of the JSON report. It is known even if other inputs are wrong.
    pub fn report_file(&self) -> Option<SharedPath> {
        shared_path(self.inputs.report_file.as_deref()?, &self.variables).ok()
    }

    /// The variables that the runner sets besides inputs.
    pub fn runner(&self) -> &Runner {
        &self.runner
    }

    /// The inputs, or everything that is wrong with them. `now` may be this machine's time.
    ///
    /// # Errors
    /// One for each problem.
    pub fn inputs(self, now: DateTime<Utc>) -> Result<Inputs, Vec<InputError>> {
        self.inputs.validate(self.problems, &self.variables, now)
    }
}
