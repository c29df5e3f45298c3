//! A webhook and its owner.

use chrono::{DateTime, Utc};

use crate::log::Log;
use crate::{Access, Attempt, Receiver};

/// The owner of a webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// An organization, by login.
    Organization(String),
    /// A repository.
    Repository {
        /// The login of the account that has the repository.
        owner: String,
        /// The repository's name without its owner.
        name: String,
    },
    /// The App; it has one webhook.
    App,
}

impl Owner {
    /// True if both name the same owner: GitHub's names ignore case.
    pub(crate) fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Organization(a), Self::Organization(b)) => a.eq_ignore_ascii_case(b),
            (Self::Repository { owner: a, name: b }, Self::Repository { owner: c, name: d }) => {
                a.eq_ignore_ascii_case(c) && b.eq_ignore_ascii_case(d)
            }
            (Self::App, Self::App) => true,
            _ => false,
        }
    }

    /// The same for owners that [`is`](Self::is) holds to be the same.
    pub(crate) fn key(&self) -> String {
        self.path().to_ascii_lowercase()
    }

    /// The path of the owner's webhooks, without a slash at its ends.
    pub(crate) fn path(&self) -> String {
        match self {
            Self::Organization(login) => format!("orgs/{login}/hooks"),
            Self::Repository { owner, name } => format!("repos/{owner}/{name}/hooks"),
            Self::App => "app/hook".to_owned(),
        }
    }
}

/// A webhook, its log, and the receiver at its payload URL.
#[derive(Debug, Clone)]
pub struct Webhook {
    /// The payload URL.
    pub url: String,
    /// True if GitHub delivers events.
    pub active: bool,
    /// The events it is subscribed to.
    pub events: Vec<String>,
    /// Decides the outcome of redeliveries.
    pub receiver: Receiver,
    /// When it was made, and last changed.
    pub created_at: DateTime<Utc>,
    /// True if it has a secret; shown as asterisks.
    pub has_secret: bool,
    /// The OAuth app that made it; only that app sees an organization's webhook then.
    pub oauth_app: Option<String>,
    pub(crate) id: u64,
    pub(crate) log: Log,
    /// Ids of attempts whose redelivery was accepted, in order.
    pub(crate) requested: Vec<u64>,
}

impl Webhook {
    /// An active webhook for `push`, made at the start of 2024, with an empty log and a receiver that is up.
    pub fn new(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            active: true,
            events: vec!["push".to_owned()],
            receiver: Receiver::up(),
            created_at: DateTime::from_timestamp(1_704_067_200, 0).unwrap_or_default(),
            has_secret: true,
            oauth_app: None,
            id: 0,
            log: Log::new(),
            requested: Vec::new(),
        }
    }

    /// As made by an OAuth app: see [`Access::oauth_app`].
    #[must_use]
    pub fn made_by(mut self, oauth_app: &str) -> Self {
        self.oauth_app = Some(oauth_app.to_owned());
        self
    }

    /// True if the token sees the webhook if its permissions let it see the owner's webhooks: OAuth apps and all
    /// others keep theirs apart.
    ///
    /// Source: <https://docs.github.com/rest/orgs/webhooks#list-organization-webhooks>.
    pub(crate) fn is_shown_to(&self, access: &Access, owner: &Owner) -> bool {
        !matches!(owner, Owner::Organization(_)) || self.oauth_app.as_deref() == access.held_by()
    }

    /// The id GitHub knows it by; 0 until it has been added.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Appends a row to the log, visible at once, and returns its id.
    ///
    /// A row with the id of an earlier one replaces it. To make a row come late, log it late.
    pub fn log(&mut self, attempt: Attempt) -> u64 {
        self.log.insert(attempt, None)
    }

    /// The row with this id, even if the log does not show it yet.
    pub fn attempt(&self, id: u64) -> Option<&Attempt> {
        self.log.get(id, DateTime::<Utc>::MAX_UTC)
    }

    /// Appends a row that the log shows from `time` on, and returns its id.
    pub fn log_late(&mut self, attempt: Attempt, time: DateTime<Utc>) -> u64 {
        self.log.insert(attempt, Some(time))
    }
}
