//! The access that a pass needs to each account, so that an App's tokens have no other.

use std::collections::BTreeMap;

use crate::model::Targets;

/// The access that a pass needs.
#[derive(Clone, Debug)]
pub struct RequiredAccess {
    /// The webhooks of the pass.
    pub targets: Targets,
    /// The pass redelivers, and does not only read.
    pub redelivers: bool,
    /// The account that has the checkpoint variable, if the App reads it.
    pub variables: Option<String>,
    /// The pass writes the checkpoint variable.
    pub writes_variables: bool,
}

/// A permission, by its names in the API and on GitHub's settings pages.
pub(super) struct RequiredPermission {
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    write: bool,
}

impl RequiredAccess {
    /// The permissions that the pass needs on an account, which may be a person's.
    pub(super) fn permissions_on(&self, login: &str, person: bool) -> Vec<RequiredPermission> {
        let mut permissions = Vec::new();
        let organization = if person {
            self.targets.names_organization(login)
        } else {
            self.targets.has_organization(login)
        };
        if organization {
            permissions.push(RequiredPermission {
                name: "organization_hooks",
                title: "organization permission Webhooks",
                write: self.redelivers,
            });
        }
        if self.targets.has_repositories_of(login) {
            permissions.push(RequiredPermission {
                name: "repository_hooks",
                title: "repository permission Webhooks",
                write: self.redelivers,
            });
        }
        let variables = self.variables.as_ref();
        if variables.is_some_and(|owner| owner.eq_ignore_ascii_case(login)) {
            permissions.push(RequiredPermission {
                name: "actions_variables",
                title: "repository permission Variables",
                write: self.writes_variables,
            });
        }
        permissions
    }
}

impl RequiredPermission {
    pub(super) fn level(&self) -> &'static str {
        if self.write { "write" } else { "read" }
    }

    /// True if an installation with these permissions has it.
    pub(super) fn is_in(&self, granted: &BTreeMap<String, String>) -> bool {
        match granted.get(self.name).map(String::as_str) {
            Some("read") => !self.write,
            Some("write" | "admin") => true,
            _ => false,
        }
    }
}
