//! The next step after a failure, by the access that it takes and the kind of credential.
//!
//! GitHub hides everything that a credential may not see, so a 404 and an empty list explain little. The kind of
//! credential and the headers of the response show what is missing.

use crate::github::base::API_VERSION;
use crate::github::credential_kind::CredentialKind;
use crate::github::failure::permission;
use crate::github::failure::refusal::{self, Refusal};
use crate::github::failure::request_error::{ErrorHeaders, RequestError};
use crate::github::failure::subject::Access;

/// Advice for unknown messages, which must explain themselves.
const UNKNOWN: &str = "GitHub will not do this, and its message says why";

const WEB_PAGE: &str = "This is a web page, not GitHub's API: check `api-url` (on Enterprise Server `https://HOST/api/v3`)";

const PROXY_PASSWORD: &str =
    "The proxy wants a user name and password: write them into `HTTPS_PROXY`";

const APP_ONLY: &str = "Only the App itself may see this: pass `client-id` and `private-key`";

/// The next step, if the failure does not name it itself.
pub(crate) fn advice(
    failure: &RequestError,
    access: &Access,
    kind: CredentialKind,
) -> Option<String> {
    let advice = match failure {
        RequestError::NoToken { .. } | RequestError::Unusable(_) => return None,
        RequestError::Stopped(_) => "The next pass goes on",
        failure if failure.is_limit() => "A rate limit is reached: run again later, or less often",
        RequestError::UnknownAuthority(_) => {
            "If this is the private authority of your server, or of a proxy that inspects TLS, pass its certificate as \
             `ca-certificates`"
        }
        RequestError::BadCertificate(_) => {
            "Check `api-url`, and ask the administrator of the server"
        }
        failure if failure.refuses_version() => {
            return Some(format!(
                "This GitHub does not support the API version that this action uses, `{API_VERSION}`: update the action"
            ));
        }
        RequestError::Status {
            status,
            message,
            headers,
            page,
            ..
        } => {
            let refusal = Refusal {
                status: *status,
                message,
                headers,
                access,
                kind,
            };
            return Some(after_status(&refusal, page.is_some()));
        }
        RequestError::Unsent(why) if why.contains("proxy authorization required") => PROXY_PASSWORD,
        RequestError::Unsent(_) => {
            "Check `api-url`, the network, and the proxy if there is one (`HTTPS_PROXY`, `NO_PROXY`)"
        }
        RequestError::Malformed(_) => {
            "Check that `api-url` is GitHub's API, not a page in front of it"
        }
        RequestError::OtherList(_) | RequestError::RepeatedLink => {
            "The rest was not read; the next pass tries again"
        }
        RequestError::Unclear(_) | RequestError::TokenTrouble { .. } => "The next pass tries again",
    };
    Some(advice.into())
}

/// The next step after an answer that is not a success, and may be a web page.
fn after_status(refusal: &Refusal<'_>, is_page: bool) -> String {
    match refusal::known_advice(refusal) {
        Some(advice) => advice,
        None if is_page && !matches!(refusal.status, 407 | 500..) => WEB_PAGE.into(),
        None => by_status(refusal),
    }
}

fn by_status(refusal: &Refusal<'_>) -> String {
    let Refusal {
        status,
        message,
        headers,
        access,
        kind,
    } = refusal;
    let is_app = *kind == CredentialKind::App;
    match status {
        401 if is_app => {
            "`private-key` is not a key of the App with this `client-id`, or was deleted there: generate one on the \
             App's settings page, and store its whole .pem file"
                .into()
        }
        401 if matches!(access, Access::App) => APP_ONLY.into(),
        401 if *kind == CredentialKind::CreatedToken => {
            "The App's installation was removed or suspended during the pass: see the account's settings page (GitHub \
             Apps)"
                .into()
        }
        401 => "The token is wrong, expired or revoked: store a new one".into(),
        404 if is_app && message.contains("Integration not found") => {
            "No App has this `client-id`: copy it from the App's settings page, on the GitHub that `api-url` names"
                .into()
        }
        403 if !refusal::names_a_permission(message) => UNKNOWN.into(),
        403 | 404 | 422 if is_app => {
            "Check the App's permissions, and its installation on the account's settings page".into()
        }
        403 => format!("A permission is missing: {}", grant(refusal)),
        404 => {
            let grant = grant(refusal);
            let advice = format!("It does not exist, or may not be seen: check the name, and {grant}");
            match &headers.old_server {
                Some(old) => format!("{advice}. {}", old.advice),
                None => advice,
            }
        }
        407 => PROXY_PASSWORD.into(),
        300..=399 => "It was renamed or moved: write its new name".into(),
        500.. if headers.from_github => "GitHub has trouble: the next pass tries again".into(),
        500.. => {
            "GitHub has trouble, or a proxy or load balancer in front of it: the next pass tries again".into()
        }
        _ => UNKNOWN.into(),
    }
}

/// The missing permission or scope, and the person who must grant it.
fn grant(refusal: &Refusal<'_>) -> String {
    let Refusal {
        headers,
        access,
        kind,
        ..
    } = refusal;
    let Some(permission) = missing_permission(headers, access) else {
        return APP_ONLY.into();
    };
    match (kind, &headers.scopes) {
        (CredentialKind::InstallationToken, _) => format!(
            "use another token: a token that begins with `ghs_` is the workflow's own GITHUB_TOKEN, which can never \
             do this, or that of an App's installation, which lacks {permission}"
        ),
        (CredentialKind::CreatedToken, _) => {
            let extent = match access {
                Access::OrganizationWebhooks(_) => "",
                _ => ", and see that its installation includes the repository",
            };
            format!("give the App {permission}, have the account's owner accept it{extent}")
        }
        (CredentialKind::OAuth, _) => format!(
            "use another token: that of an OAuth app sees only the webhooks that this app made. A personal access \
             token needs {permission}"
        ),
        (_, Some(scopes)) => grant_scope(scopes, access),
        (CredentialKind::Classic, None) => {
            format!(
                "give the token the scope `{}` of {}",
                sufficient_scopes(access)[0],
                owner(access)
            )
        }
        (CredentialKind::FineGrained | CredentialKind::Other | CredentialKind::App, None) => {
            format!("give the token {permission}")
        }
    }
}

/// The permission that the access takes, as the response or else the documentation names it. `None` if only the App
/// itself has this access.
fn missing_permission(headers: &ErrorHeaders, access: &Access) -> Option<String> {
    let accepted = headers
        .accepted_permissions
        .as_deref()
        .and_then(permission::accepted);
    Some(match (access, accepted) {
        (Access::App, _) => return None,
        (Access::Repositories(login), _) => format!("access to the repositories of `{login}`"),
        (access, Some(accepted)) => format!("{accepted} on `{}`", access.granted_by()),
        (Access::OrganizationWebhooks(login), None) => format!(
            "the organization permission Webhooks (read to scan, write to redeliver) on `{login}`"
        ),
        (Access::RepositoryWebhooks(repository), None) => format!(
            "the repository permission Webhooks (read to scan, write to redeliver) on `{repository}`"
        ),
        (Access::Variables(repository), None) => {
            format!("the repository permission Variables: write on `{repository}`")
        }
    })
}

/// The scope that a classic token with these scopes lacks.
fn grant_scope(scopes: &str, access: &Access) -> String {
    let sufficient = sufficient_scopes(access);
    let mut granted = scopes.split(',').map(str::trim);
    if granted.any(|scope| sufficient.contains(&scope)) {
        return format!(
            "use a token of {}: the scopes of this one (`{scopes}`) are enough, but its owner may not do it",
            owner(access)
        );
    }
    let least = sufficient[0];
    match scopes.trim() {
        "" => format!("give the token the scope `{least}`: it has none"),
        scopes => format!("give the token the scope `{least}`: it has only `{scopes}`"),
    }
}

/// The sufficient scopes, the least first. Any one of them is enough
/// (<https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/scopes-for-oauth-apps>).
fn sufficient_scopes(access: &Access) -> &'static [&'static str] {
    match access {
        Access::OrganizationWebhooks(_) => &["admin:org_hook"],
        Access::RepositoryWebhooks(_) => &["write:repo_hook", "admin:repo_hook", "repo"],
        Access::Variables(_) | Access::Repositories(_) | Access::App => &["repo"],
    }
}

/// The person whose classic token has the access.
fn owner(access: &Access) -> String {
    match access {
        Access::OrganizationWebhooks(login) => format!("an owner of `{login}`"),
        Access::RepositoryWebhooks(repository) => format!("an admin of `{repository}`"),
        Access::Variables(repository) => format!("a person who may write to `{repository}`"),
        Access::Repositories(login) => format!("a person who sees the repositories of `{login}`"),
        Access::App => "the App".into(),
    }
}
