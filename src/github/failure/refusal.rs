//! GitHub's words on a refusal that no permission would have prevented, and what to do about each.

use crate::github::base::ApiBase;
use crate::github::credential_kind::CredentialKind as Kind;
use crate::github::failure::error::{Takes, Told};

/// The next step; `None` for words that are not known, which must speak for themselves.
pub(crate) fn advice(
    status: u16,
    message: &str,
    told: &Told,
    takes: &Takes,
    kind: Kind,
) -> Option<String> {
    let words = message.to_lowercase();
    match status {
        401 => unauthorized(&words, told),
        403 | 451 => forbidden(status, message, &words, told, takes, kind),
        404 => {
            let old = told.old_server.as_ref().filter(|old| old.certain);
            old.map(|old| old.words.clone())
        }
        _ => None,
    }
}

/// Whether GitHub says that the credential lacks a permission.
pub(crate) fn is_of_a_permission(message: &str) -> bool {
    let words = message.to_lowercase();
    let must = words.contains("must have") || words.contains("must be");
    words.contains("not accessible by")
        || must && (words.contains("admin") || words.contains("owner"))
}

/// What is wrong with a suspended installation, and how its account undoes it.
pub(crate) fn suspended(account: &str) -> String {
    format!(
        "installation is suspended: unsuspend it on the settings page of {account} (GitHub Apps, Configure)"
    )
}

/// An App's tokens are dated, and name the App.
fn unauthorized(words: &str, told: &Told) -> Option<String> {
    if words.contains("('iss')") {
        let id = "This GitHub does not take a client ID: write the App ID, the number on the App's settings page, as `client-id`";
        return Some(id.into());
    }
    if !words.contains("('exp')") && !words.contains("('iat')") {
        return None;
    }
    let off = match told.clock_offset.num_seconds().unsigned_abs() {
        0..30 => return Some("GitHub reads the App's token as expired or not yet valid: check this machine's clock (NTP)".into()),
        seconds @ 30..120 => format!("{seconds} s"),
        seconds => format!("{} min", seconds / 60),
    };
    let side = if told.clock_offset.num_seconds() > 0 {
        "behind"
    } else {
        "ahead of"
    };
    Some(format!(
        "This machine's clock is {off} {side} GitHub's, and the App's tokens are dated by it: set it right (NTP)"
    ))
}

fn forbidden(
    status: u16,
    message: &str,
    words: &str,
    told: &Told,
    takes: &Takes,
    kind: Kind,
) -> Option<String> {
    let says = |part: &str| words.contains(part);
    if let Some(url) = &told.sso {
        return Some(format!(
            "The token is not authorised for the organization's single sign-on: open {url} as the token's owner"
        ));
    }
    let refused_token = words
        .split_once("forbids access via")
        .and_then(|(_, after)| after.split('.').next());
    let advice = match refused_token {
        Some(_) if says("lifetime") => {
            let place = match address_in(message) {
                Some(url) => format!("at {url}"),
                None => "on its page in its owner's settings".into(),
            };
            return Some(format!(
                "The token lives longer than the organization allows: give it a shorter lifetime {place}, or make another one"
            ));
        }
        Some(token) if token.contains("(classic)") => {
            "The organization accepts no classic tokens: use a fine-grained personal access token or a GitHub App"
        }
        Some(token) if token.contains("fine-grained") => {
            "The organization accepts no fine-grained personal access tokens: use a GitHub App"
        }
        _ if says("ip allow list") => {
            "The IP allow list lacks this machine's address: have an owner add it, or run where the address is on the list (a \
             self-hosted runner, or a larger runner with static addresses)"
        }
        _ if says("oauth app access restrictions") => {
            "The organization has not approved the OAuth app of this token: have an owner approve it, or use a personal access \
             token or a GitHub App"
        }
        _ if says("saml") || says("single sign-on") => {
            "The token is not authorised for the organization's single sign-on: in its owner's settings, choose `Configure SSO` \
             beside the token and authorise it"
        }
        _ if says("enterprise managed user") => {
            "The token's owner is a managed user of an enterprise, who sees nothing outside of it: use a token of another account"
        }
        _ if says("suspended")
            && (says("installation") || kind.is_installation() || kind == Kind::App) =>
        {
            return Some(format!("The App's {}", suspended("the account")));
        }
        _ if says("suspended") => {
            "The account of the token's owner is suspended: use a token of another account, and ask GitHub Support (on Enterprise \
             Server, a site administrator) about this one"
        }
        _ if says("archived") => {
            return Some(match takes {
                Takes::Variables(repository) => format!(
                    "`{repository}` is archived, so its variables can't change: name another one as `checkpoint-repository`"
                ),
                Takes::RepositoryWebhooks(repository) => format!(
                    "`{repository}` is archived, so it is read-only: unarchive it, or leave it out (`!{repository}` in `repository`)"
                ),
                _ => "The repository is archived, so it is read-only: unarchive it".into(),
            });
        }
        _ if says("access blocked") || status == 451 => {
            "GitHub has blocked the repository for legal reasons or because of its terms of service: leave it out until its owner \
             has settled that with GitHub Support"
        }
        _ if says("administrative rules") => {
            "The request had no User-Agent header when it arrived, or a firewall or proxy refused it; this program sends that \
             header, so ask whoever runs the network what removes it or refuses `api-url`"
        }
        _ => return None,
    };
    Some(advice.into())
}

/// The first address in a text.
fn address_in(text: &str) -> Option<&str> {
    let rest = &text[text.find("https://")?..];
    let end = rest.find(|c: char| c.is_whitespace() || "<>\"'`)".contains(c));
    Some(rest[..end.unwrap_or(rest.len())].trim_end_matches(['.', ',']))
}

/// An Enterprise Server that is too old for a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OldServer {
    /// Its version is known, and so is that the path is missing.
    pub(crate) certain: bool,
    /// What is missing, and what to do.
    pub(crate) words: String,
}

impl OldServer {
    /// By the server's version (`x-github-enterprise-version`). Deliveries are there from 3.2 on
    /// (<https://docs.github.com/en/enterprise-server@3.2/admin/release-notes#3.2.0-api-changes>), variables from 3.8 on
    /// (<https://docs.github.com/en/enterprise-server@3.8/rest/actions/variables>).
    pub(crate) fn of(base: &ApiBase, version: Option<&str>, path: &str) -> Option<Self> {
        let (what, since, instead) = if path.contains("/actions/variables") {
            let instead = ", or keep the checkpoint in `checkpoint-file`";
            ("variables", (3, 8), instead)
        } else if path.contains("/deliveries") {
            ("webhook deliveries", (3, 2), "")
        } else {
            return None;
        };
        if base.is_cloud() {
            return None;
        }
        let numbers = version.and_then(|version| {
            let mut numbers = version.split('.').map(|number| number.parse::<u32>().ok());
            Some((numbers.next()??, numbers.next()??))
        });
        let first = format!("{}.{}", since.0, since.1);
        let words = match numbers {
            Some(version) if version >= since => return None,
            Some((major, minor)) => format!(
                "This server is Enterprise Server {major}.{minor}, whose API has no {what}: update it to {first} or later{instead}"
            ),
            None => format!(
                "If this is Enterprise Server before {first}, its API has no {what}: update it{instead}"
            ),
        };
        Some(Self {
            certain: numbers.is_some(),
            words,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn too_old_for(path: &str, version: Option<&str>) -> String {
        let server = ApiBase::new("https://git.acme.com/api/v3").unwrap();
        let old = OldServer::of(&server, version, path);
        old.map(|old| old.words).unwrap_or_default()
    }

    #[test]
    fn what_an_old_server_lacks_is_told_by_its_version() {
        let variables = "/repos/acme/ops/actions/variables";
        let deliveries = "/orgs/acme/hooks/1/deliveries?per_page=100";
        assert!(
            too_old_for(variables, Some("3.7.12")).contains("update it to 3.8 or later, or keep")
        );
        assert!(too_old_for(deliveries, Some("2.22.1")).contains("Enterprise Server 2.22, whose"));
        for unknown in [None, Some("GitHub AE")] {
            assert!(
                too_old_for(deliveries, unknown)
                    .starts_with("If this is Enterprise Server before 3.2")
            );
        }
        for (path, version) in [
            (variables, "3.8.0"),
            (variables, "4.0.0"),
            (deliveries, "3.10.1"),
            ("/orgs/acme/hooks", "2.0.0"),
        ] {
            assert_eq!(too_old_for(path, Some(version)), "", "{path} {version}");
        }
        assert_eq!(OldServer::of(&ApiBase::default(), None, variables), None);
    }

    #[test]
    fn an_address_ends_where_the_sentence_goes_on() {
        let address = |text| address_in(text).unwrap_or_default();
        assert_eq!(address("at https://a.b/c?d=e."), "https://a.b/c?d=e");
        assert_eq!(address("(https://a.b/c), x"), "https://a.b/c");
        assert_eq!(address("none"), "");
    }
}
