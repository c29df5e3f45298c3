//! Which webhooks there are.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::attempts::Unreadable;
use super::base::origin;
use super::client::Client;
use super::error::{Error, Subject};
use super::link::Trail;
use crate::webhook::{HookId, Owner, Webhook};

/// The webhooks of an owner.
#[derive(Debug, Default)]
pub struct Found {
    /// Those that GitHub delivers to.
    pub active: Vec<Webhook>,
    /// How many more are switched off.
    pub inactive: usize,
    /// How many more could not be understood.
    pub unreadable: Unreadable,
}

#[derive(Deserialize)]
struct Hook {
    id: u64,
    #[serde(default = "yes")]
    active: bool,
    #[serde(default)]
    config: Option<Config>,
}

fn yes() -> bool {
    true
}

#[derive(Deserialize)]
struct Config {
    #[serde(default)]
    url: Option<String>,
}

impl Found {
    /// One odd webhook must not hide the others, so each is read by itself.
    fn add(&mut self, owner: &Owner, hook: &RawValue) {
        let hook: Hook = match serde_json::from_str(hook.get()) {
            Ok(hook) => hook,
            Err(error) => return self.unreadable.add(&error),
        };
        if !hook.active {
            self.inactive += 1;
            return;
        }
        self.active.push(Webhook {
            owner: owner.clone(),
            id: HookId(hook.id),
            receiver: hook
                .config
                .and_then(|config| origin(&config.url?))
                .unwrap_or_default(),
        });
    }
}

/// Every webhook of an organization, all pages
/// (<https://docs.github.com/en/rest/orgs/webhooks#list-organization-webhooks>).
///
/// # Errors
/// The list could not be read to its end.
pub async fn organization_webhooks(client: &Client, login: &str) -> Result<Found, Error> {
    let owner = Owner::Organization(login.to_owned());
    let subject = Subject {
        name: format!("the webhooks of `{login}`"),
        needs: permission(login),
    };
    let mut found = Found::default();
    let first = format!("{}?per_page=100", owner.hooks_path());
    let mut trail = Trail::new(&first);
    let mut next = Some(first);
    while let Some(path) = next {
        let page = async {
            let answer = client.read(&path, |_| {}).await?;
            for hook in answer.json::<Vec<&RawValue>>()? {
                found.add(&owner, hook);
            }
            trail.next(&answer.headers, client.base())
        };
        next = page.await.map_err(|error| subject.failed(error))?;
    }
    Ok(found)
}

/// One webhook of an organization
/// (<https://docs.github.com/en/rest/orgs/webhooks#get-an-organization-webhook>).
///
/// # Errors
/// It could not be read.
pub async fn webhook(client: &Client, login: &str, id: HookId) -> Result<Found, Error> {
    let owner = Owner::Organization(login.to_owned());
    let subject = Subject {
        name: format!("webhook {id} of `{login}`"),
        needs: permission(login),
    };
    let path = format!("{}/{id}", owner.hooks_path());
    let hook = async {
        let mut found = Found::default();
        found.add(&owner, client.read(&path, |_| {}).await?.json()?);
        Ok(found)
    };
    hook.await.map_err(|error| subject.failed(error))
}

/// What a credential needs to see and redeliver an organization's deliveries.
pub(super) fn permission(login: &str) -> String {
    format!(
        "give the token the organization permission Webhooks (read to scan, write to redeliver) on \
         `{login}`; a classic token needs the scope `admin:org_hook` of an owner"
    )
}
