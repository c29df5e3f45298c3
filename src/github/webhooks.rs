//! Which webhooks there are.

use serde::Deserialize;

use super::client::Client;
use super::error::{Error, Failure, Subject};
use super::link::Trail;
use crate::webhook::{HookId, Owner, Webhook};

/// The webhooks of an owner.
#[derive(Debug, Default)]
pub struct Found {
    /// Those that GitHub delivers to.
    pub active: Vec<Webhook>,
    /// How many more are switched off.
    pub inactive: usize,
}

#[derive(Deserialize)]
struct Hook {
    id: u64,
    #[serde(default = "yes")]
    active: bool,
    #[serde(default)]
    config: Config,
}

fn yes() -> bool {
    true
}

#[derive(Default, Deserialize)]
struct Config {
    #[serde(default)]
    url: Option<String>,
}

impl Found {
    fn add(&mut self, owner: &Owner, hook: Hook) {
        if !hook.active {
            self.inactive += 1;
            return;
        }
        self.active.push(Webhook {
            owner: owner.clone(),
            id: HookId(hook.id),
            receiver: receiver_of(&hook.config.url.unwrap_or_default()),
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
            let hooks: Vec<Hook> = parse(&answer.body)?;
            Ok((hooks, trail.next(&answer.headers, client.base())?))
        };
        let (hooks, link) = page.await.map_err(|failure| subject.failed(failure))?;
        for hook in hooks {
            found.add(&owner, hook);
        }
        next = link;
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
    let hook = async { parse(&client.read(&path, |_| {}).await?.body) };
    let hook = hook.await.map_err(|failure| subject.failed(failure))?;
    let mut found = Found::default();
    found.add(&owner, hook);
    Ok(found)
}

/// What a credential needs to see and redeliver an organization's deliveries.
pub(super) fn permission(login: &str) -> String {
    format!(
        "give the token the organization permission Webhooks (read to scan, write to redeliver) on \
         `{login}`; a classic token needs the scope `admin:org_hook` of an owner"
    )
}

fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Failure> {
    serde_json::from_slice(body).map_err(|error| Failure::Malformed(error.to_string()))
}

/// Scheme and host of a payload URL: all of it that may be shown.
fn receiver_of(payload_url: &str) -> String {
    let Ok(uri) = payload_url.parse::<http::Uri>() else {
        return String::new();
    };
    match (uri.scheme_str(), uri.host()) {
        (Some(scheme), Some(host)) => match uri.port() {
            Some(port) => format!("{scheme}://{host}:{port}"),
            None => format!("{scheme}://{host}"),
        },
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_payload_url_only_scheme_and_host_are_kept() {
        assert_eq!(
            receiver_of("https://user:secret@ci.acme.com:8443/hook/secret?token=secret#secret"),
            "https://ci.acme.com:8443"
        );
        assert_eq!(receiver_of("http://ci.acme.com"), "http://ci.acme.com");
        assert_eq!(receiver_of("http://[::1]:80/x"), "http://[::1]:80");
        assert_eq!(receiver_of("not a url"), "");
        assert_eq!(receiver_of("/only/a/path"), "");
        assert_eq!(receiver_of(""), "");
    }
}
