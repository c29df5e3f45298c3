//! What to do about a failure, by what was asked for and with which kind of credential.
//!
//! GitHub hides what a credential may not see, so a 404 and an empty list say little; what is missing is told
//! from the kind of credential and from the headers of the answer.

use crate::github::base::API_VERSION;
use crate::github::credential_kind::CredentialKind as Kind;
use crate::github::failure::error::{RequestError, Takes, Told};
use crate::github::failure::{permission, refusal};

/// The next step, if the failure does not say it itself.
pub(crate) fn advice(failure: &RequestError, takes: &Takes, kind: Kind) -> Option<String> {
    Some(match failure {
        RequestError::NoToken { .. } | RequestError::Unusable(_) => return None,
        RequestError::Stopped(_) => "The next pass goes on".into(),
        failure if failure.is_limit() => {
            "A rate limit is reached: run again later, or less often".into()
        }
        RequestError::UnknownAuthority(_) => {
            "If that is the private authority of your server, or of a proxy that looks into TLS, pass its certificate as \
             `ca-certificates`"
                .into()
        }
        RequestError::BadCertificate(_) => {
            "Check `api-url`, and ask whoever runs the server".into()
        }
        failure if failure.refuses_version() => format!(
            "This GitHub does not support the API version that this action uses, `{API_VERSION}`: update the action"
        ),
        RequestError::Status {
            status,
            message,
            told,
            page,
            ..
        } => {
            let known = refusal::advice(*status, message, told, takes, kind);
            match (known, page, status) {
                (Some(advice), ..) => advice,
                (None, Some(_), 407 | 500..) | (None, None, _) => {
                    refused(*status, message, told, takes, kind)
                }
                (None, Some(_), _) => A_PAGE.into(),
            }
        }
        RequestError::Unsent(why) if why.contains("proxy authorization required") => {
            PROXY_PASSWORD.into()
        }
        RequestError::Unsent(_) => {
            "Check `api-url`, the network, and the proxy if there is one (`HTTPS_PROXY`, `NO_PROXY`)".into()
        }
        RequestError::Malformed(_) => {
            "Check that `api-url` is GitHub's API and not a page before it".into()
        }
        RequestError::OtherList(_) | RequestError::RepeatedLink => {
            "The rest was not read; the next pass tries again".into()
        }
        RequestError::Unclear(_) | RequestError::TokenTrouble { .. } => "The next pass tries again".into(),
    })
}

fn refused(status: u16, message: &str, told: &Told, takes: &Takes, kind: Kind) -> String {
    match status {
        401 if kind == Kind::App => {
            "`private-key` is no key of the App with this `client-id`, or was deleted there: generate one on the \
             App's settings page, and store its whole .pem file"
                .into()
        }
        401 if matches!(takes, Takes::App) => AN_APP.into(),
        401 if kind == Kind::CreatedToken => {
            "The App's installation was removed or suspended meanwhile: see the account's settings page (GitHub Apps)"
                .into()
        }
        401 => "The token is wrong, expired or revoked: store a new one".into(),
        404 if kind == Kind::App && message.contains("Integration not found") => {
            "No App has this `client-id`: copy it from the App's settings page, on the GitHub that `api-url` names"
                .into()
        }
        403 if !refusal::is_of_a_permission(message) => NO_REASON.into(),
        403 | 404 | 422 if kind == Kind::App => {
            "Check the App's permissions, and its installation on the account's settings page".into()
        }
        403 => format!("A permission is missing: {}", missing(told, takes, kind)),
        404 => {
            let missing = missing(told, takes, kind);
            let advice = format!("It does not exist, or may not be seen: check the name, and {missing}");
            match &told.old_server {
                Some(old) => format!("{advice}. {}", old.words),
                None => advice,
            }
        }
        407 => PROXY_PASSWORD.into(),
        300..=399 => "It was renamed or moved: write its new name".into(),
        500.. if told.from_github => "GitHub has trouble: the next pass tries again".into(),
        500.. => "GitHub has trouble, or a proxy or load balancer before it: the next pass tries again".into(),
        _ => NO_REASON.into(),
    }
}

/// Said of words that are not known, which must speak for themselves.
const NO_REASON: &str = "GitHub will not do this, and its message says why";

const A_PAGE: &str = "That is a page and not GitHub's API: check `api-url` (on Enterprise Server `https://HOST/api/v3`)";

const PROXY_PASSWORD: &str =
    "The proxy wants a user name and password: write them into `HTTPS_PROXY` or `HTTP_PROXY`";

const AN_APP: &str = "Only the App itself may see this: pass `client-id` and `private-key`";

/// What to give whom.
fn missing(told: &Told, takes: &Takes, kind: Kind) -> String {
    let accepted = told
        .accepted_permissions
        .as_deref()
        .and_then(permission::accepted);
    let permission = match takes {
        Takes::App => return AN_APP.into(),
        Takes::Repositories(login) => format!("access to the repositories of `{login}`"),
        takes if let Some(accepted) = accepted => format!("{accepted} on `{}`", takes.account()),
        Takes::OrganizationWebhooks(login) => {
            format!(
                "the organization permission Webhooks (read to scan, write to redeliver) on `{login}`"
            )
        }
        Takes::RepositoryWebhooks(repository) => {
            format!(
                "the repository permission Webhooks (read to scan, write to redeliver) on `{repository}`"
            )
        }
        Takes::Variables(repository) => {
            format!("the repository permission Variables: write on `{repository}`")
        }
    };
    match (kind, &told.scopes) {
        (Kind::InstallationToken, _) => format!(
            "use another token: a token that begins with `ghs_` is the workflow's own GITHUB_TOKEN, which can never \
             do this, or that of an App's installation, which lacks {permission}"
        ),
        (Kind::CreatedToken, _) => {
            let extent = match takes {
                Takes::OrganizationWebhooks(_) => "",
                _ => ", and see that its installation includes the repository",
            };
            format!("give the App {permission}, have the account's owner accept it{extent}")
        }
        (Kind::OAuth, _) => format!(
            "use another token: that of an OAuth app sees only the webhooks that this app made. A personal access \
             token needs {permission}"
        ),
        (_, Some(scopes)) => classic(scopes, takes),
        (Kind::Classic, None) => {
            format!(
                "give the token the scope `{}` of {}",
                scope(takes)[0],
                whose(takes)
            )
        }
        (Kind::FineGrained | Kind::Other | Kind::App, None) => {
            format!("give the token {permission}")
        }
    }
}

/// What a classic token with these scopes lacks.
fn classic(scopes: &str, takes: &Takes) -> String {
    let has = |wanted: &&str| scopes.split(',').any(|scope| scope.trim() == *wanted);
    let enough = scope(takes);
    if enough.iter().any(has) {
        return format!(
            "use a token of {}: the scopes of this one (`{scopes}`) are enough, but its owner may not do it",
            whose(takes)
        );
    }
    let wanted = enough[0];
    match scopes.trim() {
        "" => format!("give the token the scope `{wanted}`: it has none"),
        scopes => format!("give the token the scope `{wanted}`: it has only `{scopes}`"),
    }
}

/// The scopes of which one is enough, the least first
/// (<https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/scopes-for-oauth-apps>).
fn scope(takes: &Takes) -> &'static [&'static str] {
    match takes {
        Takes::OrganizationWebhooks(_) => &["admin:org_hook"],
        Takes::RepositoryWebhooks(_) => &["write:repo_hook", "admin:repo_hook", "repo"],
        Takes::Variables(_) | Takes::Repositories(_) | Takes::App => &["repo"],
    }
}

/// Whose classic token may do it.
fn whose(takes: &Takes) -> String {
    match takes {
        Takes::OrganizationWebhooks(login) => format!("an owner of `{login}`"),
        Takes::RepositoryWebhooks(repository) => format!("an admin of `{repository}`"),
        Takes::Variables(repository) => format!("somebody who may write to `{repository}`"),
        Takes::Repositories(login) => format!("somebody who sees the repositories of `{login}`"),
        Takes::App => "the App".into(),
    }
}
