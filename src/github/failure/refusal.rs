//! Refusals that no permission would have prevented, recognised by GitHub's message.

use crate::github::credential_kind::CredentialKind;
use crate::github::failure::request_error::ErrorHeaders;
use crate::github::failure::subject::Access;

/// An answer that is not a success, with the access that the request took and the kind of credential.
pub(crate) struct Refusal<'a> {
    pub(crate) status: u16,
    pub(crate) message: &'a str,
    pub(crate) headers: &'a ErrorHeaders,
    pub(crate) access: &'a Access,
    pub(crate) kind: CredentialKind,
}

/// Parts of messages in lower case, and the advice for the first that occurs.
const ADVICE: [(&str, &str); 9] = [
    (
        "ip allow list",
        "The IP allow list lacks this machine's address: have an owner add it, or run where the address is on the list (a \
         self-hosted runner, or a larger runner with static addresses)",
    ),
    (
        "oauth app access restrictions",
        "The organization has not approved the OAuth app of this token: have an owner approve it, or use a personal access \
         token or a GitHub App",
    ),
    ("saml", SINGLE_SIGN_ON),
    ("single sign-on", SINGLE_SIGN_ON),
    (
        "enterprise managed user",
        "The token's owner is a managed user of an enterprise, who sees nothing outside of it: use a token of another account",
    ),
    (
        "suspended",
        "The account of the token's owner is suspended: use a token of another account, and ask GitHub Support (on Enterprise \
         Server, a site administrator) about this one",
    ),
    (
        "archived",
        "The repository is archived, so it is read-only: unarchive it",
    ),
    ("access blocked", BLOCKED),
    (
        "administrative rules",
        "The request had no User-Agent header when it arrived, or a firewall or proxy refused it. This program sends that \
         header, so ask the network's administrator what removes it or refuses `api-url`",
    ),
];

const SINGLE_SIGN_ON: &str = "The token is not authorised for the organization's single sign-on: in its owner's settings, \
                              choose `Configure SSO` beside the token and authorise it";

const BLOCKED: &str = "GitHub has blocked the repository for legal reasons or because of its terms of service: leave it out \
                       until its owner has resolved that with GitHub Support";

/// The next step; `None` if the message is not known.
pub(crate) fn known_advice(refusal: &Refusal<'_>) -> Option<String> {
    let message = refusal.message.to_lowercase();
    match refusal.status {
        401 => unauthorized(&message, refusal.headers),
        403 | 451 => forbidden(&message, refusal),
        404 => {
            let old = refusal.headers.old_server.as_ref();
            Some(old.filter(|old| old.certain)?.advice.clone())
        }
        _ => None,
    }
}

/// Returns whether GitHub says that the credential lacks a permission.
pub(crate) fn names_a_permission(message: &str) -> bool {
    let message = message.to_lowercase();
    let must = message.contains("must have") || message.contains("must be");
    message.contains("not accessible by")
        || must && (message.contains("admin") || message.contains("owner"))
}

/// The advice for a suspended installation on `account`.
pub(crate) fn suspended(account: &str) -> String {
    format!(
        "installation is suspended: unsuspend it on the settings page of {account} (GitHub Apps, Configure)"
    )
}

/// The advice for a refused token of the App itself, which is dated and names the App.
fn unauthorized(message: &str, headers: &ErrorHeaders) -> Option<String> {
    if message.contains("('iss')") {
        let advice = "This GitHub does not take a client ID: write the App ID, the number on the App's settings page, as `client-id`";
        return Some(advice.into());
    }
    if !message.contains("('exp')") && !message.contains("('iat')") {
        return None;
    }
    let offset = headers.clock_offset.num_seconds();
    let off = match offset.unsigned_abs() {
        0..30 => return Some("GitHub reads the App's token as expired or not yet valid: check this machine's clock (NTP)".into()),
        seconds @ 30..120 => format!("{seconds} s"),
        seconds => format!("{} min", seconds / 60),
    };
    let side = if offset > 0 { "behind" } else { "ahead of" };
    Some(format!(
        "This machine's clock is {off} {side} GitHub's, and the App's tokens are dated by it: set it right (NTP)"
    ))
}

fn forbidden(message: &str, refusal: &Refusal<'_>) -> Option<String> {
    if let Some(url) = &refusal.headers.sso {
        return Some(format!(
            "The token is not authorised for the organization's single sign-on: open {url} as the token's owner"
        ));
    }
    let advice = refused_token(message, refusal.message)
        .or_else(|| suspended_installation(message, refusal.kind))
        .or_else(|| archived(message, refusal.access));
    if advice.is_some() {
        return advice;
    }
    let known = ADVICE.iter().find(|(part, _)| message.contains(part));
    match known {
        Some((_, advice)) => Some((*advice).into()),
        None => (refusal.status == 451).then(|| BLOCKED.into()),
    }
}

/// The advice if an organization forbids tokens of this sort, or of this lifetime.
fn refused_token(message: &str, original: &str) -> Option<String> {
    let (_, after) = message.split_once("forbids access via")?;
    let token = after.split('.').next()?;
    if message.contains("lifetime") {
        let place = match address_in(original) {
            Some(url) => format!("at {url}"),
            None => "on its page in its owner's settings".into(),
        };
        return Some(format!(
            "The token lives longer than the organization allows: give it a shorter lifetime {place}, or make another one"
        ));
    }
    let advice = if token.contains("(classic)") {
        "The organization accepts no classic tokens: use a fine-grained personal access token or a GitHub App"
    } else if token.contains("fine-grained") {
        "The organization accepts no fine-grained personal access tokens: use a GitHub App"
    } else {
        return None;
    };
    Some(advice.into())
}

fn suspended_installation(message: &str, kind: CredentialKind) -> Option<String> {
    let of_an_app = kind.is_installation() || kind == CredentialKind::App;
    let applies = message.contains("suspended") && (of_an_app || message.contains("installation"));
    applies.then(|| format!("The App's {}", suspended("the account")))
}

fn archived(message: &str, access: &Access) -> Option<String> {
    if !message.contains("archived") {
        return None;
    }
    match access {
        Access::Variables(repository) => Some(format!(
            "`{repository}` is archived, so its variables can't change: name another one as `checkpoint-repository`"
        )),
        Access::RepositoryWebhooks(repository) => Some(format!(
            "`{repository}` is archived, so it is read-only: unarchive it, or leave it out (`!{repository}` in `repository`)"
        )),
        _ => None,
    }
}

/// The first address in a text.
fn address_in(text: &str) -> Option<&str> {
    let rest = &text[text.find("https://")?..];
    let end = rest.find(|c: char| c.is_whitespace() || "<>\"'`)".contains(c));
    Some(rest[..end.unwrap_or(rest.len())].trim_end_matches(['.', ',']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_ends_where_the_sentence_goes_on() {
        let address = |text| address_in(text).unwrap_or_default();
        assert_eq!(address("at https://a.b/c?d=e."), "https://a.b/c?d=e");
        assert_eq!(address("(https://a.b/c), x"), "https://a.b/c");
        assert_eq!(address("none"), "");
    }
}
