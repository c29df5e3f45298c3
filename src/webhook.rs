//! A webhook's identity: its REST path, its settings page, its name for people.

use std::fmt;

/// The number that GitHub gives a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HookId(pub u64);

impl fmt::Display for HookId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Who a webhook belongs to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Owner {
    /// An organization, by its login.
    Organization(String),
}

impl Owner {
    /// The REST path of the owner's webhooks, below the API's base address.
    pub fn hooks_path(&self) -> String {
        match self {
            Self::Organization(login) => format!("/orgs/{login}/hooks"),
        }
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Organization(login) => f.write_str(login),
        }
    }
}

/// One configured webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// Who it belongs to.
    pub owner: Owner,
    /// Its number at that owner.
    pub id: HookId,
    /// Scheme and host of its payload URL, such as `https://ci.acme.com`. The rest of a payload
    /// URL may hold secrets and is not kept. Empty where GitHub tells no URL.
    pub receiver: String,
}

impl Webhook {
    /// The REST path of this webhook, below the API's base address.
    pub fn path(&self) -> String {
        format!("{}/{}", self.owner.hooks_path(), self.id)
    }

    /// What it is called where passes remember it.
    pub fn key(&self) -> String {
        format!("{}/{}", self.owner.to_string().to_lowercase(), self.id)
    }

    /// The page where a person sees its deliveries. `web` is the address of GitHub's web pages,
    /// without a trailing slash.
    pub fn settings_url(&self, web: &str) -> String {
        match &self.owner {
            Owner::Organization(login) => {
                format!("{web}/organizations/{login}/settings/hooks/{}", self.id)
            }
        }
    }
}

impl fmt::Display for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} webhook {}", self.owner, self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn webhook() -> Webhook {
        Webhook {
            owner: Owner::Organization("acme".into()),
            id: HookId(42),
            receiver: String::new(),
        }
    }

    #[test]
    fn an_organization_webhook_has_githubs_paths() {
        assert_eq!(webhook().path(), "/orgs/acme/hooks/42");
        assert_eq!(
            webhook().settings_url("https://github.com"),
            "https://github.com/organizations/acme/settings/hooks/42"
        );
        assert_eq!(webhook().to_string(), "acme webhook 42");
    }
}
