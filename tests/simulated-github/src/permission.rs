//! The things that permissions are for.

use crate::Level;

/// Something that a route shows or changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Permission {
    OrganizationHooks,
    RepositoryHooks,
    ActionsVariables,
}

impl Permission {
    /// Its name among the permissions of an App.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::OrganizationHooks => "organization_hooks",
            Self::RepositoryHooks => "repository_hooks",
            Self::ActionsVariables => "actions_variables",
        }
    }

    /// The OAuth scopes that will do, each for itself, in the order GitHub names them.
    ///
    /// Source: <https://docs.github.com/apps/oauth-apps/building-oauth-apps/scopes-for-oauth-apps>.
    pub(crate) fn scopes(self, level: Level) -> &'static [&'static str] {
        match (self, level) {
            (_, Level::None) => &[],
            (Self::OrganizationHooks, _) => &["admin:org_hook"],
            (Self::RepositoryHooks, Level::Read) => &[
                "admin:repo_hook",
                "public_repo",
                "read:repo_hook",
                "repo",
                "write:repo_hook",
            ],
            (Self::RepositoryHooks, Level::Write) => {
                &["admin:repo_hook", "public_repo", "repo", "write:repo_hook"]
            }
            (Self::ActionsVariables, _) => &["repo"],
        }
    }
}

/// The level of one of an App's permissions, or `None` if the word is not a level.
pub(crate) fn rank(level: &str) -> Option<usize> {
    ["read", "write", "admin"]
        .iter()
        .position(|known| *known == level)
}
