//! The webhooks that a pass is over: the rules of `organization`, `repository`, `app-webhook`, `hook-id` and
//! `payload-url`.

use super::problems::Problems;
use super::raw::RawInputs;
use super::runner_variables::RunnerVariables;
use super::values;
use crate::github::{ApiBase, Credential};
use crate::model::{HookId, Organizations, Owner, Repositories, Targets, UrlPattern};

/// An item of `hook-id`. A link to a settings page names the owner, an id alone does not.
type Hook = (Option<Owner>, HookId);

impl RawInputs {
    pub(super) fn targets(
        &self,
        problems: &mut Problems,
        credential: Option<&Credential>,
        api: Option<&ApiBase>,
        runner: &RunnerVariables,
    ) -> Targets {
        let before = problems.count();
        let organizations = self.organizations(problems);
        let mut repositories = self.repositories(problems);
        let hooks = self.hooks(problems, api);
        let app_webhook = self.app_webhook.as_deref();
        let app_webhook = problems.parse("app-webhook", app_webhook, values::boolean);
        let app_webhook = app_webhook.unwrap_or_default();
        // If a list is wrong, the rules below would report problems that do not exist.
        if problems.count() > before {
            return Targets::default();
        }
        let nothing = organizations == Organizations::default()
            && repositories == Repositories::default()
            && !app_webhook
            && hooks.iter().all(|(owner, _)| owner.is_none());
        if nothing {
            let is_app = matches!(credential, Some(Credential::App { .. }));
            match runner.repository().filter(|_| !is_app) {
                Some(repository) => repositories.named.push(repository),
                None => {
                    no_target(problems);
                    return Targets::default();
                }
            }
        }
        let app_webhook = match credential {
            Some(Credential::App { client_id, .. }) => app_webhook.then(|| client_id.clone()),
            Some(Credential::Token(_)) => {
                check_token_targets(problems, &organizations, app_webhook);
                None
            }
            None => None,
        };
        let hooks = with_owners(problems, hooks, &organizations, &repositories);
        Targets {
            organizations,
            repositories,
            app_webhook,
            hooks,
            payload_url: self.payload_url.as_deref().map(UrlPattern::new),
        }
    }

    fn organizations(&self, problems: &mut Problems) -> Organizations {
        let mut organizations = Organizations::default();
        let Organizations { named, all, except } = &mut organizations;
        problems.parse_list("organization", self.organization.as_deref(), |item| {
            const ACCEPTED: &str = "write the organization's login alone, as in its address (`acme`), `!acme` to \
                                    leave one out, or with an App `*` for all";
            let login = |item| values::login(item).ok_or(ACCEPTED);
            match item.strip_prefix('!') {
                Some(item) => add_login(except, login(item.trim())?),
                None if item == "*" => *all = true,
                None => add_login(named, login(item)?),
            }
            Ok(())
        });
        named.retain(|login| !except.iter().any(|each| each.eq_ignore_ascii_case(login)));
        if named.is_empty() && !*all && !except.is_empty() {
            only_exceptions(problems, "organization", "`*, !beta`");
        }
        organizations
    }

    fn repositories(&self, problems: &mut Problems) -> Repositories {
        let mut repositories = Repositories::default();
        let Repositories {
            named,
            all_of,
            except,
        } = &mut repositories;
        problems.parse_list("repository", self.repository.as_deref(), |item| {
            const ACCEPTED: &str = "write `owner/name`, `owner/*` for all repositories of an account, or \
                                    `!owner/name` to leave one out";
            let repository = |item| values::repository(item).map_err(|_| ACCEPTED);
            match (item.strip_prefix('!'), item.strip_suffix("/*")) {
                (Some(item), _) => add(except, repository(item.trim())?),
                (None, Some(owner)) => add_login(all_of, values::login(owner).ok_or(ACCEPTED)?),
                (None, None) => add(named, repository(item)?),
            }
            Ok(())
        });
        named.retain(|repository| !except.contains(repository));
        if named.is_empty() && all_of.is_empty() && !except.is_empty() {
            only_exceptions(problems, "repository", "`acme/*, !acme/attic`");
        }
        repositories
    }

    fn hooks(&self, problems: &mut Problems, api: Option<&ApiBase>) -> Vec<Hook> {
        let web = api.map(ApiBase::web).unwrap_or_default();
        let mut hooks = Vec::new();
        problems.parse_list("hook-id", self.hook_id.as_deref(), |item| {
            add(&mut hooks, hook(item, &web)?);
            Ok(())
        });
        hooks
    }
}

fn no_target(problems: &mut Problems) {
    problems.add(
        "organization",
        "is not set, and neither is any other target",
        "name the organizations (`organization: acme`) or the repositories (`repository: acme/ops`) whose webhooks \
         to look at, or with an App `app-webhook: true` for its own",
    );
}

fn only_exceptions(problems: &mut Problems, name: &str, example: &str) {
    problems.add(
        name,
        "names only what to leave out",
        &format!("name what to look at as well ({example})"),
    );
}

/// Refuses targets that only an App can look at.
fn check_token_targets(problems: &mut Problems, organizations: &Organizations, app_webhook: bool) {
    if organizations.all {
        problems.add(
            "organization",
            "`*` needs an App",
            "name the organizations, or pass `client-id` and `private-key` instead of `token`",
        );
    }
    if app_webhook {
        problems.add(
            "app-webhook",
            "needs the App itself, because no token can read an App's own webhook",
            "pass `client-id` and `private-key` instead of `token`",
        );
    }
}

/// The webhooks that `hook-id` names, each with its owner.
fn with_owners(
    problems: &mut Problems,
    hooks: Vec<Hook>,
    organizations: &Organizations,
    repositories: &Repositories,
) -> Vec<(Owner, HookId)> {
    if hooks.is_empty() {
        return Vec::new();
    }
    let all_of_one = repositories.all_of.iter().map(|login| format!("{login}/*"));
    let all = organizations.all.then(|| "*".to_owned());
    let wildcard = all.into_iter().chain(all_of_one).next();
    let named = organizations.named.iter().cloned().map(Owner::Organization);
    let named_repositories = repositories.named.iter().cloned().map(Owner::Repository);
    let owners: Vec<Owner> = named.chain(named_repositories).collect();
    let only_owner = match owners.as_slice() {
        [owner] if wildcard.is_none() => Some(owner),
        _ => None,
    };
    let mut owned = Vec::new();
    for (owner, id) in hooks {
        let Some(owner) = owner.or_else(|| only_owner.cloned()) else {
            problems.add(
                "hook-id",
                &format!("`{id}` does not say whose webhook it is"),
                "name one organization or one repository, or write the link to the webhook's settings page",
            );
            return Vec::new();
        };
        add(&mut owned, (owner, id));
    }
    // A user who names a target expects the pass to look at it.
    let unused = |owner: &&Owner| !owned.iter().any(|(other, _)| other == *owner);
    let unused = owners.iter().find(unused).map(ToString::to_string);
    if let Some(unused) = unused.or(wildcard) {
        problems.add(
            "hook-id",
            &format!("names no webhook of `{unused}`, which is a target too"),
            "remove that target, or remove `hook-id` to look at every active webhook",
        );
    }
    owned
}

/// GitHub ignores the case of logins.
fn add_login(logins: &mut Vec<String>, login: String) {
    if !logins.iter().any(|each| each.eq_ignore_ascii_case(&login)) {
        logins.push(login);
    }
}

fn add<T: PartialEq>(list: &mut Vec<T>, item: T) {
    if !list.contains(&item) {
        list.push(item);
    }
}

/// An id, or a link to a settings page below `web`.
fn hook(value: &str, web: &str) -> Result<Hook, &'static str> {
    const ACCEPTED: &str = "write the number at the end of the address of the webhook's settings page \
                            (`123456789`), or the whole link to that page, on the GitHub that `api-url` names";
    let id = |text: &str| match text.parse() {
        Ok(id) if id > 0 && !text.starts_with('+') => Ok(HookId(id)),
        _ => Err(ACCEPTED),
    };
    if value.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok((None, id(value)?));
    }
    if let Some(reason) = without_deliveries(value) {
        return Err(reason);
    }
    let (start, page) = value.split_at_checked(web.len()).ok_or(ACCEPTED)?;
    let page = page.split(['?', '#']).next().unwrap_or_default();
    let parts: Vec<&str> = page.trim_end_matches('/').split('/').collect();
    let (owner, number) = match parts.as_slice() {
        _ if !start.eq_ignore_ascii_case(web) => return Err(ACCEPTED),
        ["", "organizations", login, "settings", "hooks", number] => {
            let login = values::login(login).ok_or(ACCEPTED)?;
            (Owner::Organization(login), number)
        }
        ["", owner, name, "settings", "hooks", number] => {
            let repository = values::repository(&format!("{owner}/{name}"));
            (Owner::Repository(repository.map_err(|_| ACCEPTED)?), number)
        }
        _ => return Err(ACCEPTED),
    };
    Ok((Some(owner), id(number)?))
}

/// The reason why `hook-id` does not take this page, if GitHub has no API for its webhook's deliveries, or another
/// input names it.
fn without_deliveries(page: &str) -> Option<&'static str> {
    let (_, path) = page.split_once("://")?.1.split_once('/')?;
    let path = path.to_ascii_lowercase();
    match path.split(['/', '?', '#']).collect::<Vec<_>>().as_slice() {
        ["enterprises", _, "settings", "hooks" | "webhooks", ..] | ["admin", "hooks", ..] => Some(
            "GitHub has no API for the deliveries of an enterprise's webhook: redeliver them by hand on that page (Recent \
             deliveries), or have the organizations' own webhooks send the same events and name those here",
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
