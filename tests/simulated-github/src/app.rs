//! The GitHub App, and the routes that show it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::account::Kind;
use crate::github::GitHub;
use crate::hooks::config_json;
use crate::installation::permission_levels;
use crate::reply::Answer;
use crate::request::Request;
use crate::route::HookPath;
use crate::{Owner, Webhook};

/// A GitHub App.
#[derive(Debug, Clone)]
pub struct App {
    id: u64,
    pub(crate) client_id: String,
    pub(crate) public_key: Vec<u8>,
    pub(crate) slug: String,
    owner: String,
    owner_kind: Kind,
    permissions: BTreeMap<String, String>,
}

impl App {
    /// An App `simulated-app` of the organization `acme`, with no permission but to read metadata.
    ///
    /// `public_key` is the DER of a PKCS#1 public key, such as [`TestKey::public_der`](crate::TestKey::public_der).
    pub fn new(id: u64, client_id: &str, public_key: &[u8]) -> Self {
        Self {
            id,
            client_id: client_id.to_owned(),
            public_key: public_key.to_vec(),
            slug: "simulated-app".to_owned(),
            owner: "acme".to_owned(),
            owner_kind: Kind::Organization,
            permissions: permission_levels(&[]),
        }
    }

    /// Its name in addresses.
    #[must_use]
    pub fn slug(mut self, slug: &str) -> Self {
        slug.clone_into(&mut self.slug);
        self
    }

    /// The organization it belongs to.
    #[must_use]
    pub fn owned_by_organization(mut self, login: &str) -> Self {
        login.clone_into(&mut self.owner);
        self.owner_kind = Kind::Organization;
        self
    }

    /// The person it belongs to.
    #[must_use]
    pub fn owned_by_user(mut self, login: &str) -> Self {
        login.clone_into(&mut self.owner);
        self.owner_kind = Kind::User;
        self
    }

    /// The permissions that it requests when it is installed, such as `("organization_hooks", "write")`.
    ///
    /// # Panics
    /// If a level is not `read`, `write` or `admin`.
    #[must_use]
    pub fn permissions(mut self, permissions: &[(&str, &str)]) -> Self {
        self.permissions = permission_levels(permissions);
        self
    }

    /// Its App ID.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// True if a web token's `iss` names it: by App ID, as a number or a string, or by client ID.
    pub(crate) fn is_issuer(&self, issuer: &Value) -> bool {
        issuer.as_u64() == Some(self.id)
            || issuer
                .as_str()
                .is_some_and(|text| text == self.client_id || text == self.id.to_string())
    }
}

impl GitHub {
    /// Adds the App, its owner unless it is there already, and its webhook; [`add_webhook`](Self::add_webhook) replaces the
    /// webhook.
    pub fn add_app(&mut self, app: App) {
        if self.account(&app.owner).is_none() {
            self.add_account(&app.owner, app.owner_kind);
        }
        self.app = Some(app);
        self.add_webhook(Owner::App, Webhook::new("https://app.example.com/webhook"));
    }

    pub(crate) fn show_app(&self, request: &Request, topic: &str) -> Result<Answer, Answer> {
        let Some(app) = &self.app else {
            return Err(Answer::not_found(topic));
        };
        let (root, origin) = (self.root(request), request.origin());
        let events = self
            .app_webhook()
            .map(|id| self.webhook(id).events.clone())
            .unwrap_or_default();
        Ok(Answer::json(
            200,
            &json!({
                "id": app.id,
                "slug": app.slug,
                "node_id": format!("A_{}", app.id),
                "client_id": app.client_id,
                "owner": self.account(&app.owner).map(|owner| owner.json(&root, &origin)),
                "name": app.slug,
                "description": null,
                "external_url": "https://app.example.com",
                "html_url": format!("{origin}/apps/{}", app.slug),
                "created_at": "2024-01-01T00:00:00Z",
                "updated_at": "2024-01-01T00:00:00Z",
                "permissions": app.permissions,
                "events": events,
            }),
        ))
    }

    pub(crate) fn app_hook_config(&self, topic: &str) -> Result<Answer, Answer> {
        let hook = HookPath {
            owner: Owner::App,
            id: None,
        };
        let webhook = self.find_hook(&hook, topic)?;
        Ok(Answer::json(200, &config_json(webhook)))
    }
}
