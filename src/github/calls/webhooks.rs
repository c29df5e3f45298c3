//! The webhooks of an organization, a repository or an App.

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
pub struct WebhookList {
    /// Those that GitHub delivers to.
    pub active: Vec<Webhook>,
    /// Those that are inactive.
    pub inactive: Vec<Webhook>,
    /// Scheme and host of each webhook whose payload URL does not match the pattern.
    pub elsewhere: Vec<String>,
    /// Webhooks that could not be read.
    pub unreadable: UnreadableWebhooks,
}

/// The webhooks of a list that could not be read.
#[derive(Debug, Default)]
pub struct UnreadableWebhooks {
    /// Number of webhooks.
    pub rows: u64,
    /// The reason for the first.
    pub reason: Option<String>,
}

#[derive(Deserialize)]
struct ListedWebhook {
    #[serde(deserialize_with = "number_or_text")]
    id: u64,
    #[serde(default = "yes")]
    active: bool,
    #[serde(default)]
    config: Option<WebhookConfig>,
}

fn yes() -> bool {
    true
}

#[derive(Deserialize)]
struct WebhookConfig {
    #[serde(default)]
    url: Option<String>,
}

#[derive(Deserialize)]
struct AppDetails {
    slug: String,
    owner: Option<AppOwner>,
}

#[derive(Deserialize)]
struct AppOwner {
    login: Option<String>,
    #[serde(default, rename = "type")]
    kind: String,
}

impl WebhookList {
    /// Adds a webhook. Each is read by itself, so that one odd webhook does not hide the others.
    fn add(
        &mut self,
        owner: &Owner,
        pattern: Option<&UrlPattern>,
        hook: &RawValue,
        secrets: &Secrets,
    ) {
        let hook: ListedWebhook = match serde_json::from_str(hook.get()) {
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
        self.sort(webhook, &url, hook.active, pattern);
    }

    fn sort(&mut self, webhook: Webhook, url: &str, active: bool, pattern: Option<&UrlPattern>) {
        if pattern.is_some_and(|pattern| !pattern.matches(url)) {
            self.elsewhere.push(webhook.receiver);
        } else if !active {
            self.inactive.push(webhook);
        } else if !self.active.contains(&webhook) {
            // A list that changes while it is read may contain a webhook twice.
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
) -> Result<WebhookList, Error> {
    let mut list = WebhookList::default();
    let mut pages = Pages::new(client, &owner.hooks_path());
    let listed = async {
        while let Some(response) = pages.next().await? {
            for hook in response.json::<Vec<&RawValue>>()? {
                list.add(owner, pattern, hook, client.secrets());
            }
        }
        Ok(())
    };
    match listed.await {
        Ok(()) => Ok(list),
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
) -> Result<WebhookList, Error> {
    let path = format!("{}/{id}", owner.hooks_path());
    let hook = async {
        let mut list = WebhookList::default();
        let response = client.read(&path, |_| {}).await?;
        list.add(owner, pattern, response.json()?, client.secrets());
        Ok(list)
    };
    hook.await.map_err(|failure| {
        let subject = Subject::of(format!("webhook {id} of `{owner}`"), owner);
        client.failed(&subject, failure)
    })
}

/// The App's own webhook. GitHub does not report whether it is active
/// (<https://docs.github.com/en/rest/apps/webhooks#get-a-webhook-configuration-for-an-app>).
///
/// # Errors
/// It could not be read.
pub async fn app_webhook(
    client: &Client,
    pattern: Option<&UrlPattern>,
) -> Result<WebhookList, Error> {
    let hook = async {
        let app: AppDetails = client.read("/app", |_| {}).await?.json()?;
        let config: WebhookConfig = client.read("/app/hook/config", |_| {}).await?.json()?;
        let url = config.url.unwrap_or_default();
        let webhook = Webhook {
            owner: Owner::App(app.settings_page()),
            id: None,
            receiver: origin(&url).unwrap_or_default(),
        };
        client.secrets().add_payload_url(&url, &webhook.receiver);
        let mut list = WebhookList::default();
        // An App without a webhook has an empty URL.
        list.sort(webhook, &url, !url.is_empty(), pattern);
        Ok(list)
    };
    hook.await.map_err(|failure| {
        let subject = Subject {
            name: "the App's webhook".into(),
            ..Subject::app()
        };
        client.failed(&subject, failure)
    })
}

impl AppDetails {
    /// The path of the web page that lists the App's deliveries.
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
