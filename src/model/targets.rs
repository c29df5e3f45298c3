//! The webhooks of a pass, as the user named them.
//!
//! Pure: [`crate::discover`] finds them.

use std::fmt;

use crate::model::{HookId, Owner, Repository, stable_hash};

/// The webhooks that the user named: all of these together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Targets {
    /// Organizations whose own webhooks are included.
    pub organizations: Organizations,
    /// Repositories whose webhooks are included.
    pub repositories: Repositories,
    /// The client ID of an App whose own webhook is included.
    pub app_webhook: Option<String>,
    /// If not empty, only these webhooks of the organizations and repositories.
    pub hooks: Vec<(Owner, HookId)>,
    /// Only webhooks whose payload URL matches.
    pub payload_url: Option<UrlPattern>,
}

/// Organizations, by login.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Organizations {
    /// The named ones.
    pub named: Vec<String>,
    /// True to include all others that the App is installed on.
    pub all: bool,
    /// The excluded ones.
    pub except: Vec<String>,
}

/// Repositories.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Repositories {
    /// The named ones.
    pub named: Vec<Repository>,
    /// Accounts whose repositories are all included.
    pub all_of: Vec<String>,
    /// The excluded ones.
    pub except: Vec<Repository>,
}

impl Targets {
    /// The names of the targets for the state and for reports: `acme`, `acme/ops`, `acme/*`, `acme webhook 42`, and
    /// a hash of the pattern for payload URLs.
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = if self.hooks.is_empty() {
            let Self {
                organizations,
                repositories,
                ..
            } = self;
            let named = organizations.named.iter().cloned();
            let all = organizations.all.then(|| "*".to_owned());
            let except = organizations.except.iter().map(|each| format!("!{each}"));
            let repos = repositories.named.iter().map(ToString::to_string);
            let all_of = repositories.all_of.iter().map(|each| format!("{each}/*"));
            let but = repositories.except.iter().map(|each| format!("!{each}"));
            let organizations = named.chain(all).chain(except);
            organizations
                .chain(repos)
                .chain(all_of)
                .chain(but)
                .collect()
        } else {
            let name = |(owner, id): &(Owner, HookId)| format!("{owner} webhook {id}");
            self.hooks.iter().map(name).collect()
        };
        names.extend(self.app_webhook.iter().map(|app| format!("app {app}")));
        names.extend(
            self.payload_url
                .iter()
                .map(|pattern| format!("?{:016x}", pattern.hash())),
        );
        names
            .iter_mut()
            .for_each(|name| *name = name.to_lowercase());
        names.sort();
        names
    }

    /// True if the targets may include the own webhooks of this account, which may be an organization.
    pub fn has_organization(&self, login: &str) -> bool {
        let organizations = &self.organizations;
        let is = |name: &String| name.eq_ignore_ascii_case(login);
        let linked = self
            .hooks
            .iter()
            .any(|(owner, _)| matches!(owner, Owner::Organization(name) if is(name)));
        let all = organizations.all && !organizations.except.iter().any(is);
        let named = all || organizations.named.iter().any(is);
        linked || (self.hooks.is_empty() && named)
    }

    /// True if the user named this account as an organization, so that it must be one.
    pub fn names_organization(&self, login: &str) -> bool {
        let is = |name: &String| name.eq_ignore_ascii_case(login);
        let linked =
            |(owner, _): &(Owner, HookId)| matches!(owner, Owner::Organization(name) if is(name));
        self.organizations.named.iter().any(is) || self.hooks.iter().any(linked)
    }

    /// True if the targets may include webhooks of this account's repositories.
    pub fn has_repositories_of(&self, login: &str) -> bool {
        let is = |name: &str| name.eq_ignore_ascii_case(login);
        let linked = self.hooks.iter().any(
            |(owner, _)| matches!(owner, Owner::Repository(repository) if is(&repository.owner)),
        );
        let repositories = &self.repositories;
        let named = repositories.named.iter().any(|each| is(&each.owner))
            || repositories.all_of.iter().any(|each| is(each));
        linked || (self.hooks.is_empty() && named)
    }
}

impl fmt::Display for Targets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut owners: Vec<String> = Vec::new();
        let mut add = |owner: String| {
            if !owners.contains(&owner) {
                owners.push(owner);
            }
        };
        if self.hooks.is_empty() {
            self.organizations.named.iter().cloned().for_each(&mut add);
            if self.organizations.all {
                add("every organization of the App".into());
            }
            let repositories = &self.repositories;
            repositories
                .named
                .iter()
                .for_each(|each| add(each.to_string()));
            repositories
                .all_of
                .iter()
                .for_each(|each| add(format!("{each}/*")));
        } else {
            self.hooks
                .iter()
                .for_each(|(owner, _)| add(owner.to_string()));
        }
        if self.app_webhook.is_some() {
            add("the App".into());
        }
        f.write_str(&owners.join(", "))
    }
}

/// A pattern for payload URLs: `*` stands for any text, and case does not matter.
#[derive(Clone, PartialEq, Eq)]
pub struct UrlPattern(String);

impl UrlPattern {
    /// Parses a pattern.
    pub fn new(pattern: &str) -> Self {
        Self(pattern.to_lowercase())
    }

    /// Represents the pattern in the state: the pattern itself may hold secrets, and many people may read the state.
    fn hash(&self) -> u64 {
        stable_hash(&self.0)
    }

    /// True if the whole URL matches this pattern.
    pub fn matches(&self, url: &str) -> bool {
        let url = url.to_lowercase();
        let mut pieces = self.0.split('*');
        let Some(mut rest) = pieces.next().and_then(|first| url.strip_prefix(first)) else {
            return false;
        };
        let Some(last) = pieces.next_back() else {
            return rest.is_empty();
        };
        // The earliest match of each piece leaves the most text for the following ones.
        for piece in pieces {
            match rest.split_once(piece) {
                Some((_, after)) => rest = after,
                None => return false,
            }
        }
        rest.ends_with(last)
    }
}

/// A payload URL may hold secrets, and so may a pattern for it.
impl fmt::Debug for UrlPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_the_whole_url_and_a_star_matches_any_text() {
        let yes = [
            ("https://ci.acme.com/*", "https://ci.acme.com/hook?key=1"),
            ("https://ci.acme.com/*", "https://CI.acme.com/"),
            ("https://ci.acme.com/hook", "https://ci.acme.com/hook"),
            ("*", "https://ci.acme.com"),
            ("*jenkins*", "https://x.jenkins.acme.com/github-webhook/"),
            ("https://*.acme.com/*/in", "https://a.acme.com/b/in/c/in"),
            ("*/in", "https://a/in/in"),
            ("https://a?b=*", "https://a?b=c"),
            ("a*", "a"),
        ];
        for (pattern, url) in yes {
            assert!(UrlPattern::new(pattern).matches(url), "{pattern} {url}");
        }
        let no = [
            ("https://ci.acme.com", "https://ci.acme.com/hook"),
            ("ci.acme.com/*", "https://ci.acme.com/hook"),
            (
                "https://ci.acme.com/*",
                "https://evil.com/https://ci.acme.com/",
            ),
            ("*/out", "https://a/out/in"),
            ("ab*ba", "aba"),
            ("https://a?b=*", "https://axb=c"),
            ("*a*b*", "ba"),
        ];
        for (pattern, url) in no {
            assert!(!UrlPattern::new(pattern).matches(url), "{pattern} {url}");
        }
    }

    #[test]
    fn debug_output_hides_the_pattern() {
        let pattern = UrlPattern::new("https://ci.acme.com/secret");
        assert_eq!(format!("{pattern:?}"), "***");
    }
}
