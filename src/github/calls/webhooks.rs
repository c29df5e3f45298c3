//! Which webhooks there are.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::github::base::origin;
use crate::github::calls::client::Client;
use crate::github::calls::id::number_or_text;
use crate::github::calls::paged::Pages;
use crate::github::failure::error::Error;
use crate::github::failure::subject::Subject;
use crate::github::http::exchange::place_of;
use crate::model::{HookId, Owner, UrlPattern, Webhook};
use crate::secrets::Secrets;

/// The webhooks of an owner.
#[derive(Debug, Default)]
pub struct Found {
    /// Those that GitHub delivers to.
    pub active: Vec<Webhook>,
    /// Those that are switched off.
    pub inactive: Vec<Webhook>,
    /// Where those deliver to whose payload URL is not of the pattern: scheme and host of each.
    pub elsewhere: Vec<String>,
    /// How many more could not be understood.
    pub unreadable: Unreadable,
}

/// Webhooks of a list that could not be understood.
#[derive(Debug, Default)]
pub struct Unreadable {
    /// How many.
    pub rows: u64,
    /// What was wrong with the first.
    pub reason: Option<String>,
}

#[derive(Deserialize)]
struct Hook {
    #[serde(deserialize_with = "number_or_text")]
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

#[derive(Deserialize)]
struct App {
    slug: String,
    owner: Option<Account>,
}

#[derive(Deserialize)]
struct Account {
    login: Option<String>,
    #[serde(default, rename = "type")]
    kind: String,
}

impl Found {
    /// One odd webhook must not hide the others, so each is read by itself.
    fn add(
        &mut self,
        owner: &Owner,
        pattern: Option<&UrlPattern>,
        hook: &RawValue,
        secrets: &Secrets,
    ) {
        let hook: Hook = match serde_json::from_str(hook.get()) {
            Ok(hook) => hook,
            Err(error) => {
                self.unreadable.rows += 1;
                self.unreadable.reason.get_or_insert(place_of(&error));
                return;
            }
        };
        let url = hook
            .config
            .and_then(|config| config.url)
            .unwrap_or_default();
        let webhook = Webhook {
            owner: owner.clone(),
            id: Some(HookId(hook.id)),
            receiver: origin(&url).unwrap_or_default(),
        };
        secrets.add_payload_url(&url, &webhook.receiver);
        self.sort_in(webhook, &url, hook.active, pattern);
    }

    fn sort_in(&mut self, webhook: Webhook, url: &str, active: bool, pattern: Option<&UrlPattern>) {
        if pattern.is_some_and(|pattern| !pattern.matches(url)) {
            self.elsewhere.push(webhook.receiver);
        } else if !active {
            self.inactive.push(webhook);
        } else if !self.active.contains(&webhook) {
            // A list that changes while it is read may show one twice.
            self.active.push(webhook);
        }
    }
}

/// Every webhook of an organization or a repository, all pages
/// (<https://docs.github.com/en/rest/orgs/webhooks#list-organization-webhooks>,
/// <https://docs.github.com/en/rest/repos/webhooks#list-repository-webhooks>).
///
/// # Errors
/// The list could not be read to its end.
pub async fn webhooks(
    client: &Client,
    owner: &Owner,
    pattern: Option<&UrlPattern>,
) -> Result<Found, Error> {
    let mut found = Found::default();
    let mut pages = Pages::new(client, &owner.hooks_path());
    let listed = async {
        while let Some(answer) = pages.next().await? {
            for hook in answer.json::<Vec<&RawValue>>()? {
                found.add(owner, pattern, hook, client.secrets());
            }
        }
        Ok(())
    };
    match listed.await {
        Ok(()) => Ok(found),
        Err(failure) => {
            let subject = Subject::of(format!("the webhooks of `{owner}`"), owner);
            Err(client.failed(&subject, failure))
        }
    }
}

/// One webhook of an organization or a repository
/// (<https://docs.github.com/en/rest/orgs/webhooks#get-an-organization-webhook>).
///
/// # Errors
/// It could not be read.
pub async fn webhook(
    client: &Client,
    owner: &Owner,
    id: HookId,
    pattern: Option<&UrlPattern>,
) -> Result<Found, Error> {
    let path = format!("{}/{id}", owner.hooks_path());
    let hook = async {
        let mut found = Found::default();
        let answer = client.read(&path, |_| {}).await?;
        found.add(owner, pattern, answer.json()?, client.secrets());
        Ok(found)
    };
    hook.await.map_err(|failure| {
        let subject = Subject::of(format!("webhook {id} of `{owner}`"), owner);
        client.failed(&subject, failure)
    })
}

/// The App's own webhook. GitHub does not tell whether it is active
/// (<https://docs.github.com/en/rest/apps/webhooks#get-a-webhook-configuration-for-an-app>).
///
/// # Errors
/// It could not be read.
pub async fn app_webhook(client: &Client, pattern: Option<&UrlPattern>) -> Result<Found, Error> {
    let hook = async {
        let app: App = client.read("/app", |_| {}).await?.json()?;
        let config: Config = client.read("/app/hook/config", |_| {}).await?.json()?;
        let url = config.url.unwrap_or_default();
        let webhook = Webhook {
            owner: Owner::App(app.settings_page()),
            id: None,
            receiver: origin(&url).unwrap_or_default(),
        };
        client.secrets().add_payload_url(&url, &webhook.receiver);
        let mut found = Found::default();
        // An App without a webhook has an empty URL.
        found.sort_in(webhook, &url, !url.is_empty(), pattern);
        Ok(found)
    };
    hook.await.map_err(|failure| {
        let subject = Subject {
            name: "the App's webhook".into(),
            ..Subject::app()
        };
        client.failed(&subject, failure)
    })
}

impl App {
    /// Where a person sees the App's deliveries.
    fn settings_page(&self) -> String {
        let slug = &self.slug;
        let owner = self.owner.as_ref();
        let organization = owner.filter(|owner| owner.kind == "Organization");
        match organization.and_then(|owner| owner.login.as_ref()) {
            Some(login) => format!("/organizations/{login}/settings/apps/{slug}/advanced"),
            None => format!("/settings/apps/{slug}/advanced"),
        }
    }
}
