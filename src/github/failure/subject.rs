//! The thing that a request was about, and the access that it takes.

use crate::model::{Owner, Repository, Webhook};

/// The thing that a request was about.
#[derive(Clone, Debug)]
pub(crate) struct Subject {
    /// Its name for people.
    pub(crate) name: String,
    /// The access that the request takes.
    pub(crate) access: Access,
}

/// Access that a credential needs.
#[derive(Clone, Debug)]
pub(crate) enum Access {
    /// See and redeliver an organization's deliveries.
    OrganizationWebhooks(String),
    /// See and redeliver a repository's deliveries.
    RepositoryWebhooks(Repository),
    /// Authenticate as the App itself.
    App,
    /// Read and write the variables of a repository.
    Variables(Repository),
    /// List an account's repositories.
    Repositories(String),
}

impl Access {
    /// The account or repository that grants it.
    pub(crate) fn granted_by(&self) -> String {
        match self {
            Self::OrganizationWebhooks(login) | Self::Repositories(login) => login.clone(),
            Self::RepositoryWebhooks(repository) | Self::Variables(repository) => {
                repository.to_string()
            }
            Self::App => "the App".into(),
        }
    }
}

impl Subject {
    /// Something that belongs to the webhooks of `owner`.
    pub(crate) fn of(name: String, owner: &Owner) -> Self {
        let access = match owner {
            Owner::Organization(login) => Access::OrganizationWebhooks(login.clone()),
            Owner::Repository(repository) => Access::RepositoryWebhooks(repository.clone()),
            Owner::App(_) => Access::App,
        };
        Self { name, access }
    }

    /// The delivery log of a webhook.
    pub(crate) fn of_webhook(webhook: &Webhook) -> Self {
        Self::of(webhook.to_string(), &webhook.owner)
    }

    /// The App itself.
    pub(crate) fn app() -> Self {
        Self {
            name: "the App".into(),
            access: Access::App,
        }
    }
}
