//! Finds the webhooks that the user named, and tells each as soon as it is found: where an account has
//! thousands of repositories, the first are scanned while the last are still being listed.

mod result;

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
use result::NAMED;

pub use result::{Census, Listed};

/// A webhook, and who speaks about it.
pub struct Located {
    /// The webhook.
    pub webhook: Webhook,
    /// Who speaks about it.
    pub client: Client,
}

/// The search for webhooks.
pub struct Discovery<'a> {
    targets: &'a Targets,
    credentials: &'a Credentials,
    found: UnboundedSender<Located>,
    census: &'a Mutex<Census>,
    /// Repositories that were asked for, in lower case: one may be meant twice.
    asked: Mutex<HashSet<String>>,
}

/// How a thing came to be meant, which decides what is said if it is not there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Meant {
    /// The webhook itself was named.
    Webhook,
    /// Its owner was.
    Owner,
    /// All of an account's owners were.
    Everything,
}

impl<'a> Discovery<'a> {
    /// A search that tells what it finds to `found`, and the rest to `census`.
    pub fn new(
        targets: &'a Targets,
        credentials: &'a Credentials,
        found: UnboundedSender<Located>,
        census: &'a Mutex<Census>,
    ) -> Self {
        Self {
            targets,
            credentials,
            found,
            census,
            asked: Mutex::default(),
        }
    }

    /// Searches to the end.
    pub async fn run(self) {
        let app = async {
            if self.targets.app_webhook.is_some() {
                let client = self.credentials.for_app();
                let found = github::app_webhook(&client, self.targets.payload_url.as_ref()).await;
                self.take_in(&client, "the App's webhook", None, Meant::Webhook, found);
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
        self.take_in(&client, &name, Some(owner), Meant::Webhook, found);
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
            self.webhooks_of(&owner, Meant::Owner).await;
        });
        join(of_the_app, join_all(named)).await;
    }

    async fn all_organizations(&self) {
        let installations = match self.credentials.installations().await {
            Ok(installations) => installations,
            Err(error) => {
                let name = "the App's installations".into();
                return self.census().fail(name, &error);
            }
        };
        let targets = &self.targets.organizations;
        let is_in =
            |list: &[String], login: &str| list.iter().any(|each| each.eq_ignore_ascii_case(login));
        let meant = installations.iter().filter_map(|each| each.organization());
        let meant =
            meant.filter(|login| !is_in(&targets.except, login) && !is_in(&targets.named, login));
        let meant: Vec<Owner> = meant
            .map(|login| Owner::Organization(login.into()))
            .collect();
        if meant.is_empty() && targets.named.is_empty() {
            let error = "`organization` is `*`, but the App is installed on no organization: install it (the \
                         App's settings page, Install App)";
            self.census().miss(error.into());
        }
        let lists = meant
            .iter()
            .map(|owner| self.webhooks_of(owner, Meant::Everything));
        let active: usize = join_all(lists).await.into_iter().sum();
        let none = active == 0 && !meant.is_empty() && targets.named.is_empty();
        if none && self.targets.payload_url.is_none() && !self.census().unfinished {
            self.census().miss(format!(
                "`organization` is `*`: of the {} that the App is installed on none has an active webhook that it \
                 may read",
                counted(meant.len(), "organization")
            ));
        }
    }

    async fn repositories(&self) {
        let repositories = &self.targets.repositories;
        let named = repositories
            .named
            .iter()
            .map(|repository| self.repository(repository, Meant::Owner));
        let all_of = repositories.all_of.iter().map(|login| async move {
            let client = self.credentials.for_account(login);
            let list = RepositoryPages::new(&client, login);
            let Some(listed) = self.pages(login, list).await else {
                return;
            };
            if listed.repositories == 0 {
                self.census().miss(format!(
                    "the repositories of `{login}`: GitHub shows none whose webhooks the credential may \
                     administer ({} archived, {} not administered). A person's token takes an admin of the \
                     repositories, an App an installation that includes them",
                    listed.archived, listed.others
                ));
            } else if listed.active == 0 && self.targets.payload_url.is_none() {
                self.census().miss(format!(
                    "the repositories of `{login}`: {} looked through, and none has an active webhook that the \
                     credential may read",
                    counted(listed.repositories, "repository")
                ));
            }
        });
        // Those that are named are asked for first, and so as such.
        join(join_all(named), join_all(all_of)).await;
    }

    /// A page's repositories, while the next page is on its way. Tells what was listed, if it was all.
    fn pages<'s>(
        &'s self,
        login: &'s str,
        mut list: RepositoryPages,
    ) -> Pin<Box<dyn Future<Output = Option<Listed>> + Send + 's>> {
        Box::pin(async move {
            let name = format!("the repositories of {login}");
            if self.is_over() {
                self.census().leave_out(name);
                return None;
            }
            let page = list.next_page().await;
            if !matches!(page, Ok(None)) {
                self.count_request(Some(login));
            }
            let page = match page {
                Ok(None) => return Some(Listed::default()),
                Ok(Some(page)) => page,
                Err(error) => {
                    self.census().fail(name, &error);
                    return None;
                }
            };
            let mut here = Listed {
                repositories: page.administered.len(),
                archived: page.archived,
                others: page.others,
                active: 0,
            };
            self.census().listed += here;
            let except = &self.targets.repositories.except;
            let meant = page
                .administered
                .iter()
                .filter(|each| !except.contains(each));
            let lists = meant.map(|each| self.repository(each, Meant::Everything));
            let (active, mut listed) = join(join_all(lists), self.pages(login, list)).await;
            here.active = active.into_iter().sum();
            if let Some(listed) = &mut listed {
                *listed += here;
            }
            listed
        })
    }

    /// Tells how many active webhooks it has; of one that was looked at before, that there are some.
    async fn repository(&self, repository: &Repository, meant: Meant) -> usize {
        let name = repository.to_string().to_lowercase();
        if !lock(&self.asked).insert(name) {
            return 1;
        }
        let owner = Owner::Repository(repository.clone());
        self.webhooks_of(&owner, meant).await
    }

    /// Tells how many active webhooks there are.
    async fn webhooks_of(&self, owner: &Owner, meant: Meant) -> usize {
        if self.is_over() {
            self.census().leave_out(format!("the webhooks of {owner}"));
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
            self.census().miss(format!(
                "`{login}` is a person, and only organizations have webhooks of their own. For the webhooks of the \
                 person's repositories write `repository: {login}/*`"
            ));
            return 0;
        }
        self.take_in(
            &client,
            &format!("the webhooks of `{owner}`"),
            Some(owner),
            meant,
            found,
        )
    }

    /// Nothing more is to be looked for: nobody waits for it, or it would be refused like what went before.
    fn is_over(&self) -> bool {
        self.found.is_closed() || self.census().unauthorized
    }

    fn client(&self, owner: &Owner) -> Client {
        match owner.account() {
            Some(login) => self.credentials.for_account(login),
            None => self.credentials.for_app(),
        }
    }

    /// Tells how many active webhooks were found of `owner`, if they are anybody's but the App's.
    fn take_in(
        &self,
        client: &Client,
        name: &str,
        owner: Option<&Owner>,
        meant: Meant,
        found: Result<WebhookList, Error>,
    ) -> usize {
        let mut census = self.census();
        let unread = owner.map(|owner| owner.to_string().to_lowercase());
        let plain = name.replace('`', "");
        let found = match found {
            Ok(found) => found,
            Err(error) if meant == Meant::Everything => {
                if error.failure().is_refusal() {
                    census.refused.extend(unread);
                    census.unread.push(plain);
                    if census.refused.len() <= NAMED {
                        census.warnings.push(error.to_string());
                    }
                } else {
                    census.fail_alike(plain, &error);
                }
                return 0;
            }
            Err(error) => {
                census.fail(plain, &error);
                return 0;
            }
        };
        let pattern = self.targets.payload_url.is_some();
        let active = found.active.len();
        census.inactive += found.inactive.len();
        let switched_off = found.inactive.iter().map(Webhook::key);
        census.switched_off.extend(switched_off);
        census.elsewhere.extend(found.elsewhere);
        census.active |= active > 0;
        if let Some(reason) = found.unreadable.reason {
            let webhooks = counted(found.unreadable.rows, "webhook");
            census.unfinished = true;
            census.miss(format!(
                "{name}: {webhooks} of GitHub's list could not be read ({reason})"
            ));
        } else if active == 0 && meant != Meant::Everything && !pattern {
            // Nothing of it is forgotten: it may be the token that shows less than there is.
            census.refused.extend(unread);
            let none = none_active(meant, found.inactive.len(), client);
            census.miss(format!("{name}: {none}"));
        }
        for webhook in found.active {
            let client = client.clone();
            // Nobody listens any more once the pass has failed otherwise.
            let _ = self.found.send(Located { webhook, client });
        }
        active
    }

    /// What can only be said at the end.
    fn conclude(&self) {
        let mut census = self.census();
        if census.refused.len() > NAMED && census.warnings.len() >= NAMED {
            let more = counted(census.refused.len() - NAMED, "more owner");
            let warning = format!("{more} of webhooks could not be read for the like reason");
            census.warnings.push(warning);
        }
        if census.failed > NAMED {
            let more = counted(census.failed - NAMED, "more list");
            census.miss(format!(
                "{more} of webhooks could not be read for the like reason"
            ));
        }
        if self.targets.payload_url.is_some() && !census.active && !census.unfinished {
            census.elsewhere.sort();
            census.elsewhere.dedup();
            let there = match (census.inactive, census.elsewhere.as_slice()) {
                (0, []) => "There are no webhooks at all".to_owned(),
                (0, hosts) => format!("There are webhooks to `{}`", hosts.join("`, `")),
                (inactive, _) => format!(
                    "{} of the pattern: not active",
                    counted(inactive, "webhook")
                ),
            };
            census.miss(format!(
                "no active webhook has a payload URL that matches `payload-url`. {there}; `*` in the pattern stands \
                 for any text, and the pattern must match the whole URL"
            ));
        }
        census.ended = true;
    }

    /// Limits count for an installation, or for a token.
    fn count_request(&self, account: Option<&str>) {
        let account = account.filter(|_| self.credentials.are_an_app());
        let account = account.unwrap_or_default().to_lowercase();
        *self.census().requests.entry(account).or_default() += 1;
    }

    fn census(&self) -> MutexGuard<'_, Census> {
        lock(self.census)
    }
}

/// What is said where something named has no active webhook.
fn none_active(meant: Meant, inactive: usize, client: &Client) -> String {
    if meant == Meant::Webhook {
        return "it is not active, so GitHub delivers nothing to it. Activate it, or leave it out"
            .into();
    }
    let hint = match client.sees_only_its_own() {
        Some(true) => {
            ". An OAuth app's token sees only the webhooks that the app made: use a personal access token or an App"
        }
        None => {
            ". If this is an OAuth app's token, it sees only the webhooks that the app made: use a personal access \
             token or an App"
        }
        Some(false) => "",
    };
    format!("GitHub shows none that is active ({inactive} inactive){hint}")
}
