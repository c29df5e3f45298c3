//! Which webhooks the inputs name: the rules of `organization`, `repository`, `app-webhook`, `hook-id` and
//! `payload-url`.

use super::given::{Check, Given};
use super::values;
use super::values::{InputError, Problem};
use crate::github::Credential;
use crate::model::{HookId, Owner, Repository};
use crate::model::{Organizations, Repositories, Targets, UrlPattern};

/// An item of `organization`.
#[derive(PartialEq)]
enum OrganizationItem {
    All,
    Named(String),
    Except(String),
}

/// An item of `repository`.
#[derive(PartialEq)]
enum RepositoryItem {
    AllOf(String),
    Named(Repository),
    Except(Repository),
}

/// An item of `hook-id`.
#[derive(PartialEq)]
enum HookItem {
    Id(HookId),
    Link(Owner, HookId),
}

impl Given {
    /// What is meant, where `web` is the address of GitHub's web pages.
    pub(super) fn targets(
        &self,
        check: &mut Check,
        credential: Option<&Credential>,
        workflow_repository: Option<&str>,
        web: &str,
    ) -> Option<Targets> {
        let organizations = self.organizations(check);
        let repositories = self.repositories(check);
        let hooks = check.list("hook-id", self.hook_id.as_deref(), |value| hook(value, web));
        let app_webhook = check.parsed("app-webhook", self.app_webhook.as_deref(), values::boolean);
        let app_webhook = app_webhook?.unwrap_or(false);
        let (organizations, mut repositories, hooks) = (organizations?, repositories?, hooks?);
        let is_link = |hook: &HookItem| matches!(hook, HookItem::Link(..));
        let nothing = organizations == Organizations::default()
            && repositories == Repositories::default()
            && !app_webhook
            && !hooks.iter().any(is_link);
        if nothing {
            let workflows = workflow_repository.and_then(|name| values::repository(name).ok());
            let is_app = matches!(credential, Some(Credential::App { .. }));
            let Some(named) = workflows.filter(|_| !is_app) else {
                return check.of(
                    "organization",
                    Err(Problem::new(
                        "is not set, and neither is any other target",
                        "name the organizations (`organization: acme`) or the repositories \
                         (`repository: acme/ops`) whose webhooks to look at, or with an App \
                         `app-webhook: true` for its own",
                    )),
                );
            };
            repositories.named.push(named);
        }
        let mut sound = true;
        let app_webhook = match credential? {
            Credential::App { client_id, .. } => app_webhook.then(|| client_id.clone()),
            Credential::Token(_) => {
                if organizations.all {
                    sound = false;
                    check.problem(
                        "organization",
                        "`*` takes an App",
                        "name the organizations, or pass `client-id` and `private-key` instead of \
                         `token`",
                    );
                }
                if app_webhook {
                    sound = false;
                    check.problem(
                        "app-webhook",
                        "takes the App itself: no token can read an App's own webhook",
                        "pass `client-id` and `private-key` instead of `token`",
                    );
                }
                None
            }
        };
        let hooks = owned(check, hooks, &organizations, &repositories)?;
        sound.then_some(Targets {
            organizations,
            repositories,
            app_webhook,
            hooks,
            payload_url: self.payload_url.as_deref().map(UrlPattern::new),
        })
    }

    fn organizations(&self, check: &mut Check) -> Option<Organizations> {
        let items = check.list("organization", self.organization.as_deref(), organization)?;
        let mut organizations = Organizations::default();
        for item in items {
            match item {
                OrganizationItem::All => organizations.all = true,
                OrganizationItem::Named(login) => add(&mut organizations.named, login),
                OrganizationItem::Except(login) => organizations.except.push(login),
            }
        }
        let Organizations { named, all, except } = &mut organizations;
        let left_out = |login: &String| except.iter().any(|each| each.eq_ignore_ascii_case(login));
        named.retain(|login| !left_out(login));
        if named.is_empty() && !*all && !except.is_empty() {
            return check.of("organization", Err(only_left_out("`*, !beta`")));
        }
        Some(organizations)
    }

    fn repositories(&self, check: &mut Check) -> Option<Repositories> {
        let items = check.list("repository", self.repository.as_deref(), repository)?;
        let mut repositories = Repositories::default();
        for item in items {
            match item {
                RepositoryItem::AllOf(login) => add(&mut repositories.all_of, login),
                RepositoryItem::Named(repository) => repositories.named.push(repository),
                RepositoryItem::Except(repository) => repositories.except.push(repository),
            }
        }
        let Repositories {
            named,
            all_of,
            except,
        } = &mut repositories;
        named.retain(|repository| !except.contains(repository));
        if named.is_empty() && all_of.is_empty() && !except.is_empty() {
            return check.of("repository", Err(only_left_out("`acme/*, !acme/attic`")));
        }
        Some(repositories)
    }
}

/// The webhooks that `hook-id` names, each with its owner.
fn owned(
    check: &mut Check,
    hooks: Vec<HookItem>,
    organizations: &Organizations,
    repositories: &Repositories,
) -> Option<Vec<(Owner, HookId)>> {
    if hooks.is_empty() {
        return Some(Vec::new());
    }
    let wildcard = organizations.all || !repositories.all_of.is_empty();
    let named = organizations.named.iter().cloned().map(Owner::Organization);
    let named_repositories = repositories.named.iter().cloned().map(Owner::Repository);
    let owners: Vec<Owner> = named.chain(named_repositories).collect();
    let the_one = match owners.as_slice() {
        [owner] if !wildcard => Some(owner),
        _ => None,
    };
    let mut owned = Vec::new();
    for hook in hooks {
        let hook = match (hook, the_one) {
            (HookItem::Link(owner, id), _) => (owner, id),
            (HookItem::Id(id), Some(owner)) => (owner.clone(), id),
            (HookItem::Id(id), None) => {
                check.problem(
                    "hook-id",
                    &format!("`{id}` does not say whose webhook it is"),
                    "name one organization or one repository, or write the link to the webhook's \
                     settings page",
                );
                return None;
            }
        };
        if !owned.contains(&hook) {
            owned.push(hook);
        }
    }
    // What is named and then not looked at would be a surprise.
    let idle = owners
        .iter()
        .find(|owner| !owned.iter().any(|(other, _)| other == *owner));
    let idle = idle.map(ToString::to_string).or_else(|| {
        let all = organizations.all.then(|| "*".to_owned());
        all.or_else(|| Some(format!("{}/*", repositories.all_of.first()?)))
    });
    if let Some(idle) = idle {
        check.problem(
            "hook-id",
            &format!("names no webhook of `{idle}`, which is a target too"),
            "leave that target out, or leave `hook-id` out to look at every active webhook",
        );
        return None;
    }
    Some(owned)
}

/// GitHub does not mind the case of logins.
fn add(logins: &mut Vec<String>, login: String) {
    if !logins.iter().any(|each| each.eq_ignore_ascii_case(&login)) {
        logins.push(login);
    }
}

fn only_left_out(example: &str) -> Problem {
    Problem::new(
        "says only what to leave out",
        &format!("name what to look at as well ({example})"),
    )
}

fn organization(value: &str) -> Result<OrganizationItem, &'static str> {
    const ACCEPTED: &str = "write the organization's login alone, as in its address (`acme`), `!acme` \
                            to leave one out, or with an App `*` for all";
    let login = |value| values::login(value).ok_or(ACCEPTED);
    Ok(match value.strip_prefix('!') {
        Some(value) => OrganizationItem::Except(login(value.trim())?),
        None if value == "*" => OrganizationItem::All,
        None => OrganizationItem::Named(login(value)?),
    })
}

fn repository(value: &str) -> Result<RepositoryItem, &'static str> {
    const ACCEPTED: &str = "write `owner/name`, `owner/*` for all of an account, or `!owner/name` to \
                            leave one out";
    let named = |value| values::repository(value).map_err(|_| ACCEPTED);
    Ok(match (value.strip_prefix('!'), value.strip_suffix("/*")) {
        (Some(value), _) => RepositoryItem::Except(named(value.trim())?),
        (None, Some(owner)) => RepositoryItem::AllOf(values::login(owner).ok_or(ACCEPTED)?),
        (None, None) => RepositoryItem::Named(named(value)?),
    })
}

/// An id, or a link to a settings page below `web`.
fn hook(value: &str, web: &str) -> Result<HookItem, &'static str> {
    const ACCEPTED: &str = "write the number at the end of the webhook's settings page (`123456789`), or \
                            the whole link to that page, on the GitHub that `api-url` names";
    let id = |text: &str| match text.parse() {
        Ok(id) if id > 0 && !text.starts_with('+') => Ok(HookId(id)),
        _ => Err(ACCEPTED),
    };
    if value.bytes().all(|byte| byte.is_ascii_digit()) {
        return id(value).map(HookItem::Id);
    }
    if let Some(why) = without_deliveries(value) {
        return Err(why);
    }
    let split = value.split_at_checked(web.len());
    let (start, page) = split.ok_or(ACCEPTED)?;
    let page = page.split(['?', '#']).next().unwrap_or_default();
    let parts: Vec<&str> = page.trim_end_matches('/').split('/').collect();
    match parts.as_slice() {
        _ if !start.eq_ignore_ascii_case(web) => Err(ACCEPTED),
        ["", "organizations", login, "settings", "hooks", number] => {
            let login = values::login(login).ok_or(ACCEPTED)?;
            Ok(HookItem::Link(Owner::Organization(login), id(number)?))
        }
        ["", owner, name, "settings", "hooks", number] => {
            let repository =
                values::repository(&format!("{owner}/{name}")).map_err(|_| ACCEPTED)?;
            Ok(HookItem::Link(Owner::Repository(repository), id(number)?))
        }
        _ => Err(ACCEPTED),
    }
}

/// Why the deliveries of the webhook on this page can't be read, if it is one of those that GitHub has no API for, or one that
/// another input names.
fn without_deliveries(page: &str) -> Option<&'static str> {
    let (_, path) = page.split_once("://")?.1.split_once('/')?;
    let path = path.to_ascii_lowercase();
    match path.split(['/', '?', '#']).collect::<Vec<_>>().as_slice() {
        ["enterprises", _, "settings", "hooks" | "webhooks", ..] | ["admin", "hooks", ..] => Some(
            "GitHub has no API for the deliveries of an enterprise's webhook: redeliver them by hand on that page (Recent \
             deliveries), or have the organizations' own webhooks send the same events, and name those here",
        ),
        ["marketplace", ..] => Some(
            "GitHub has no API for the deliveries of a Marketplace webhook: redeliver them by hand on that page (Recent deliveries)",
        ),
        ["sponsors", ..] => Some(
            "GitHub has no API for the deliveries of a Sponsors webhook: redeliver them by hand on that page (Recent deliveries)",
        ),
        ["settings", "apps", ..] | ["organizations", _, "settings", "apps", ..] => Some(
            "an App's own webhook has no id: write `app-webhook: true`, with `client-id` and `private-key`",
        ),
        _ => None,
    }
}

impl Check {
    fn problem(&mut self, name: &str, wrong: &str, next_step: &str) {
        self.problems
            .push(InputError::new(name, Problem::new(wrong, next_step)));
    }
}
