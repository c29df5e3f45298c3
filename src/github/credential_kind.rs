//! Kinds of credentials.

/// What kind of credential a request is made with. What is missing has a different name for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CredentialKind {
    /// A classic personal access token.
    Classic,
    /// An OAuth app's token.
    OAuth,
    /// A fine-grained personal access token.
    FineGrained,
    /// A token of which only its answers say what it is: a person's of an App, or one of an older form.
    Other,
    /// An installation token that was given: of an App, or the workflow's own.
    InstallationToken,
    /// An installation token that was made here.
    CreatedToken,
    /// The App itself.
    App,
}

impl CredentialKind {
    /// By the prefix that GitHub documents
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

    /// What it is called where people read of it.
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

    /// Whether it stands for an installation of an App, and not for a person.
    pub(crate) fn is_installation(self) -> bool {
        matches!(self, Self::InstallationToken | Self::CreatedToken)
    }
}
