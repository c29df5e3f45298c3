//! Finds the webhooks that the user named, and sends each on as soon as it is found: if an account has
//! thousands of repositories, the first are scanned while the last are still being listed.

mod result;
mod target_kind;

use std::collections::HashSet;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard};

use futures_util::future::{join, join_all};
use tokio::sync::mpsc::UnboundedSender;

use crate::github;
use crate::github::{Client, Credentials, Error, RepositoryPages, WebhookList};
use crate::lock::lock;
use crate::model::Targets;
use crate::model::{HookId, Owner, Repository, Webhook};
use crate::text::counted;
use result::MOST_NAMED;
use target_kind::TargetKind;

pub use result::{DiscoveryResult, RepositoryCounts};

/// An active webhook, and the client for it.
pub struct FoundWebhook {
    /// The webhook.
    pub webhook: Webhook,
    /// The client for it.
    pub client: Client,
}

/// The search for webhooks.
pub struct Discovery<'a> {
    targets: &'a Targets,
    credentials: &'a Credentials,
    found: UnboundedSender<FoundWebhook>,
    result: &'a Mutex<DiscoveryResult>,
    /// Repositories whose webhooks were requested, in lower case: the inputs may include one twice.
    requested: Mutex<HashSet<String>>,
}

impl<'a> Discovery<'a> {
    /// A search that sends webhooks to `found` and writes all else to `result`.
    pub fn new(
        targets: &'a Targets,
        credentials: &'a Credentials,
        found: UnboundedSender<FoundWebhook>,
        result: &'a Mutex<DiscoveryResult>,
    ) -> Self {
        Self {
            targets,
            credentials,
            found,
            result,
            requested: Mutex::default(),
        }
    }

    /// Searches to the end.
    pub async fn run(self) {
        let app = async {
            if self.targets.app_webhook.is_some() {
                let client = self.credentials.for_app();
                let found = github::app_webhook(&client, self.targets.payload_url.as_ref()).await;
                self.add(
                    &client,
                    "the App's webhook",
                    None,
                    TargetKind::Webhook,
                    found,
                );
            }
        };
        if self.targets.hooks.is_empty() {
            let (organizations, repositories) = (self.organizations(), self.repositories());
            join(app, join(organizations, repositories)).await;
        } else {
            let hooks = self.targets.hooks.iter();
            let hooks = hooks.map(|(owner, id)| self.hook(owner, *id));
            join(app, join_all(hooks)).await;
        }
        self.conclude();
    }

    async fn hook(&self, owner: &Owner, id: HookId) {
        let client = self.client(owner);
        let pattern = self.targets.payload_url.as_ref();
        let found = github::webhook(&client, owner, id, pattern).await;
        self.count_request(owner.account());
        let name = format!("webhook {id} of `{owner}`");
        self.add(&client, &name, Some(owner), TargetKind::Webhook, found);
    }

    async fn organizations(&self) {
        let organizations = &self.targets.organizations;
        let of_the_app = async {
            if organizations.all {
                self.all_organizations().await;
            }
        };
        let named = organizations.named.iter().map(|login| async move {
            let owner = Owner::Organization(login.clone());
            self.webhooks_of(&owner, TargetKind::Owner).await;
        });
        join(of_the_app, join_all(named)).await;
    }

    async fn all_organizations(&self) {
        let installations = match self.credentials.installations().await {
            Ok(installations) => installations,
            Err(error) => {
                let name = "the App's installations".into();
                return self.result().fail(name, &error);
            }
        };
        let targets = &self.targets.organizations;
        let is_in =
            |list: &[String], login: &str| list.iter().any(|each| each.eq_ignore_ascii_case(login));
        let owners: Vec<Owner> = installations
            .iter()
            .filter_map(|each| each.organization())
            .filter(|login| !is_in(&targets.except, login) && !is_in(&targets.named, login))
            .map(|login| Owner::Organization(login.into()))
            .collect();
        if owners.is_empty() && targets.named.is_empty() {
            let error = "`organization` is `*`, but the App is installed on no organization: install it (the \
                         App's settings page, Install App)";
            self.result().miss(error.into());
        }
        let lists = owners
            .iter()
            .map(|owner| self.webhooks_of(owner, TargetKind::AllOwners));
        let active: usize = join_all(lists).await.into_iter().sum();
        let none = active == 0 && !owners.is_empty() && targets.named.is_empty();
        if none && self.targets.payload_url.is_none() && !self.result().unfinished {
            self.result().miss(format!(
                "`organization` is `*`: of the {} that the App is installed on none has an active webhook that it \
                 may read",
                counted(owners.len(), "organization")
            ));
        }
    }

    async fn repositories(&self) {
        let repositories = &self.targets.repositories;
        let named = repositories
            .named
            .iter()
            .map(|repository| self.repository(repository, TargetKind::Owner));
        let all_of = repositories.all_of.iter().map(|login| async move {
            let client = self.credentials.for_account(login);
            let list = RepositoryPages::new(&client, login);
            let Some(listed) = self.pages(login, list).await else {
                return;
            };
            if listed.repositories == 0 {
                self.result().miss(format!(
                    "the repositories of `{login}`: GitHub shows none whose webhooks the credential may \
                     administer ({} archived, {} not administered). A person's token takes an admin of the \
                     repositories, an App an installation that includes them",
                    listed.archived, listed.others
                ));
            } else if listed.active == 0 && self.targets.payload_url.is_none() {
                self.result().miss(format!(
                    "the repositories of `{login}`: {} looked through, and none has an active webhook that the \
                     credential may read",
                    counted(listed.repositories, "repository")
                ));
            }
        });
        // Named repositories come first: one that `*` includes as well must count as named.
        join(join_all(named), join_all(all_of)).await;
    }

    /// Searches a page's repositories while the next page is being fetched. Returns the counts of all pages, if all
    /// could be read.
    fn pages<'s>(
        &'s self,
        login: &'s str,
        mut list: RepositoryPages,
    ) -> Pin<Box<dyn Future<Output = Option<RepositoryCounts>> + Send + 's>> {
        Box::pin(async move {
            let name = format!("the repositories of {login}");
            if self.is_over() {
                self.result().leave_out(name);
                return None;
            }
            let page = list.next_page().await;
            if !matches!(page, Ok(None)) {
                self.count_request(Some(login));
            }
            let page = match page {
                Ok(None) => return Some(RepositoryCounts::default()),
                Ok(Some(page)) => page,
                Err(error) => {
                    self.result().fail(name, &error);
                    return None;
                }
            };
            let mut here = RepositoryCounts {
                repositories: page.administered.len(),
                archived: page.archived,
                others: page.others,
                active: 0,
            };
            self.result().listed += here;
            let except = &self.targets.repositories.except;
            let repositories = page
                .administered
                .iter()
                .filter(|each| !except.contains(each));
            let lists = repositories.map(|each| self.repository(each, TargetKind::AllOwners));
            let (active, mut listed) = join(join_all(lists), self.pages(login, list)).await;
            here.active = active.into_iter().sum();
            if let Some(listed) = &mut listed {
                *listed += here;
            }
            listed
        })
    }

    /// Returns how many active webhooks it has, or 1 if it was searched before.
    async fn repository(&self, repository: &Repository, target: TargetKind) -> usize {
        let name = repository.to_string().to_lowercase();
        if !lock(&self.requested).insert(name) {
            return 1;
        }
        let owner = Owner::Repository(repository.clone());
        self.webhooks_of(&owner, target).await
    }

    /// Returns how many active webhooks the owner has.
    async fn webhooks_of(&self, owner: &Owner, target: TargetKind) -> usize {
        if self.is_over() {
            self.result().leave_out(format!("the webhooks of {owner}"));
            return 0;
        }
        let client = self.client(owner);
        let pattern = self.targets.payload_url.as_ref();
        let found = github::webhooks(&client, owner, pattern).await;
        self.count_request(owner.account());
        if let (Owner::Organization(login), Err(error)) = (owner, &found)
            && error.failure().status() == Some(404)
            && github::is_person(&client, login).await
        {
            self.result().miss(format!(
                "`{login}` is a person, and only organizations have webhooks of their own. For the webhooks of the \
                 person's repositories write `repository: {login}/*`"
            ));
            return 0;
        }
        self.add(
            &client,
            &format!("the webhooks of `{owner}`"),
            Some(owner),
            target,
            found,
        )
    }

    /// True if the search must end: the pass no longer waits for it, or GitHub refused the credential.
    fn is_over(&self) -> bool {
        self.found.is_closed() || self.result().unauthorized
    }

    fn client(&self, owner: &Owner) -> Client {
        match owner.account() {
            Some(login) => self.credentials.for_account(login),
            None => self.credentials.for_app(),
        }
    }

    /// Adds an answer of GitHub's: the webhooks of `owner`, or the App's own. Returns how many are active.
    fn add(
        &self,
        client: &Client,
        name: &str,
        owner: Option<&Owner>,
        target: TargetKind,
        found: Result<WebhookList, Error>,
    ) -> usize {
        let mut result = self.result();
        let unread = owner.map(|owner| owner.to_string().to_lowercase());
        let plain = name.replace('`', "");
        let found = match found {
            Ok(found) => found,
            Err(error) if target == TargetKind::AllOwners => {
                if error.failure().is_refusal() {
                    result.refused.extend(unread);
                    result.unread.push(plain);
                    if result.refused.len() <= MOST_NAMED {
                        result.warnings.push(error.to_string());
                    }
                } else {
                    result.fail_alike(plain, &error);
                }
                return 0;
            }
            Err(error) => {
                result.fail(plain, &error);
                return 0;
            }
        };
        let pattern = self.targets.payload_url.is_some();
        let active = found.active.len();
        result.inactive += found.inactive.len();
        let switched_off = found.inactive.iter().map(Webhook::key);
        result.switched_off.extend(switched_off);
        result.elsewhere.extend(found.elsewhere);
        result.active |= active > 0;
        if let Some(reason) = found.unreadable.reason {
            let webhooks = counted(found.unreadable.rows, "webhook");
            result.unfinished = true;
            result.miss(format!(
                "{name}: {webhooks} of GitHub's list could not be read ({reason})"
            ));
        } else if active == 0 && target != TargetKind::AllOwners && !pattern {
            // Nothing of it is forgotten: the token may see less than there is.
            result.refused.extend(unread);
            let none = target.none_active(found.inactive.len(), client);
            result.miss(format!("{name}: {none}"));
        }
        for webhook in found.active {
            let client = client.clone();
            // The receiving end is closed once the pass has failed otherwise.
            let _ = self.found.send(FoundWebhook { webhook, client });
        }
        active
    }

    /// Adds the messages that need the whole result.
    fn conclude(&self) {
        let mut result = self.result();
        if result.refused.len() > MOST_NAMED && result.warnings.len() >= MOST_NAMED {
            let more = counted(result.refused.len() - MOST_NAMED, "more owner");
            let warning = format!("{more} of webhooks could not be read for similar reasons");
            result.warnings.push(warning);
        }
        if result.failed > MOST_NAMED {
            let more = counted(result.failed - MOST_NAMED, "more list");
            result.miss(format!(
                "{more} of webhooks could not be read for similar reasons"
            ));
        }
        if self.targets.payload_url.is_some() && !result.active && !result.unfinished {
            result.elsewhere.sort();
            result.elsewhere.dedup();
            let there = match (result.inactive, result.elsewhere.as_slice()) {
                (0, []) => "There are no webhooks at all".to_owned(),
                (0, hosts) => format!("There are webhooks to `{}`", hosts.join("`, `")),
                (inactive, _) => format!(
                    "{} of the pattern: not active",
                    counted(inactive, "webhook")
                ),
            };
            result.miss(format!(
                "no active webhook has a payload URL that matches `payload-url`. {there}; `*` in the pattern stands \
                 for any text, and the pattern must match the whole URL"
            ));
        }
        result.ended = true;
    }

    /// Limits count for an installation, or for a token.
    fn count_request(&self, account: Option<&str>) {
        let account = account.filter(|_| self.credentials.are_an_app());
        let account = account.unwrap_or_default().to_lowercase();
        *self.result().requests.entry(account).or_default() += 1;
    }

    fn result(&self) -> MutexGuard<'_, DiscoveryResult> {
        lock(self.result)
    }
}
