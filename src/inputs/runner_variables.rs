//! The runner's variables, and those that many tools read.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::values;
use crate::model::Repository;

/// Variables that name proxies, and hosts that need no proxy.
pub(super) const PROXIES: [&str; 4] = ["https_proxy", "http_proxy", "all_proxy", "no_proxy"];

/// Variables other than inputs that the rules of inputs need.
#[derive(Debug, Default)]
pub(super) struct RunnerVariables {
    pub(super) repository: Option<String>,
    pub(super) api_url: Option<String>,
    pub(super) workspace: Option<PathBuf>,
    /// The runner's folder for temporary files.
    pub(super) temp: Option<PathBuf>,
    pub(super) ssl_cert_file: Option<PathBuf>,
    /// Those of [`PROXIES`], by lower-case name.
    pub(super) proxies: BTreeMap<&'static str, String>,
}

impl RunnerVariables {
    /// The workflow's repository.
    pub(super) fn repository(&self) -> Option<Repository> {
        values::repository(self.repository.as_deref()?).ok()
    }
}
