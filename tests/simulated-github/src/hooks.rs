//! Routes that show webhooks.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::Access;
use crate::github::GitHub;
use crate::paging::{self, MOST_PER_PAGE};
use crate::reply::Answer;
use crate::request::Request;
use crate::route::HookPath;
use crate::webhook::{Owner, Webhook};

/// GitHub's size of a page of webhooks unless the request names another.
const PER_PAGE: usize = 30;

impl GitHub {
    pub(crate) fn list_hooks(
        &self,
        request: &Request,
        access: &Access,
        owner: &Owner,
        now: DateTime<Utc>,
    ) -> Answer {
        let hooks: Vec<&Webhook> = self
            .webhooks_of(owner)
            .filter(|webhook| webhook.is_shown_to(access, owner))
            .collect();
        let size = paging::per_page(request, PER_PAGE, MOST_PER_PAGE);
        let root = self.root(request);
        let (page, link) =
            paging::numbered(&hooks, request, size, &format!("{root}/{}", owner.path()));
        let rows: Vec<Value> = page
            .iter()
            .map(|webhook| hook_json(&root, owner, webhook, now))
            .collect();
        Answer {
            link,
            ..Answer::json(200, &rows)
        }
    }

    pub(crate) fn show_hook(
        &self,
        request: &Request,
        hook: &HookPath,
        now: DateTime<Utc>,
        topic: &str,
    ) -> Result<Answer, Answer> {
        let webhook = self.find_hook(hook, topic)?;
        Ok(Answer::json(
            200,
            &hook_json(&self.root(request), &hook.owner, webhook, now),
        ))
    }

    /// The webhook a path names.
    pub(crate) fn find_hook(&self, hook: &HookPath, topic: &str) -> Result<&Webhook, Answer> {
        let id = hook.id.or_else(|| self.app_webhook());
        let found = id
            .and_then(|id| self.hooks.get(&id))
            .filter(|(owner, _)| owner.is(&hook.owner));
        found
            .map(|(_, webhook)| webhook)
            .ok_or_else(|| Answer::not_found(topic))
    }

    /// The API's base address, as the client sees it.
    pub(crate) fn root(&self, request: &Request) -> String {
        format!("{}{}", request.origin(), self.base_path())
    }
}

pub(crate) fn config_json(webhook: &Webhook) -> Value {
    let mut config = json!({ "content_type": "json", "insecure_ssl": "0", "url": webhook.url });
    if webhook.has_secret {
        config["secret"] = json!("********");
    }
    config
}

fn hook_json(root: &str, owner: &Owner, webhook: &Webhook, now: DateTime<Utc>) -> Value {
    let url = format!("{root}/{}/{}", owner.path(), webhook.id);
    let mut hook = json!({
        "type": "Organization",
        "id": webhook.id,
        "name": "web",
        "active": webhook.active,
        "events": webhook.events,
        "config": config_json(webhook),
        "updated_at": webhook.created_at,
        "created_at": webhook.created_at,
        "url": url,
        "ping_url": format!("{url}/pings"),
        "deliveries_url": format!("{url}/deliveries"),
    });
    if matches!(owner, Owner::Repository { .. }) {
        hook["type"] = json!("Repository");
        hook["test_url"] = json!(format!("{url}/test"));
        hook["last_response"] = last_response_json(webhook, now);
    }
    hook
}

fn last_response_json(webhook: &Webhook, now: DateTime<Utc>) -> Value {
    match webhook.log.newest_first(now).next() {
        None => json!({ "code": null, "status": "unused", "message": null }),
        Some(last) => {
            let taken = last
                .status_code
                .is_some_and(|code| (200..300).contains(&code));
            let status = if taken { "active" } else { "error" };
            json!({ "code": last.status_code, "status": status, "message": last.status })
        }
    }
}
