//! Kinds of credentials.

/// The kind of credential of a request. A missing permission has a different name for each kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CredentialKind {
    /// A classic personal access token.
    Classic,
    /// An OAuth app's token.
    OAuth,
    /// A fine-grained personal access token.
    FineGrained,
    /// A token whose prefix does not show its kind: a user token of an App, or one of an older format.
    Other,
    /// An installation token that was passed as an input: an App's, or the workflow's own.
    InstallationToken,
    /// An installation token that the pass created.
    CreatedToken,
    /// The App itself.
    App,
}

impl CredentialKind {
    /// The kind of a token, by the prefix that GitHub documents
    /// (<https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/about-authentication-to-github#githubs-token-formats>).
    pub(crate) fn of(token: &str) -> Self {
        if token.starts_with("ghs_") {
            Self::InstallationToken
        } else if token.starts_with("ghp_") {
            Self::Classic
        } else if token.starts_with("gho_") {
            Self::OAuth
        } else if token.starts_with("github_pat_") {
            Self::FineGrained
        } else {
            Self::Other
        }
    }

    /// Its name for people.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Classic => "personal access token (classic)",
            Self::OAuth => "OAuth app's token",
            Self::FineGrained => "fine-grained personal access token",
            Self::Other => "token of an unknown kind",
            Self::InstallationToken => "installation token",
            Self::CreatedToken | Self::App => "GitHub App",
        }
    }

    /// True if it belongs to an App's installation, and not to a person.
    pub(crate) fn is_installation(self) -> bool {
        matches!(self, Self::InstallationToken | Self::CreatedToken)
    }
}
