//! Which webhooks a pass is over, as the user named them.
//!
//! Pure: finding them is [`crate::discover`]'s.

use std::fmt;

use crate::model::{HookId, Owner, Repository};

/// What the user named. All of it adds up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Targets {
    /// Organizations whose own webhooks are meant.
    pub organizations: Organizations,
    /// Repositories whose webhooks are meant.
    pub repositories: Repositories,
    /// The App's own webhook is meant: the client ID of that App.
    pub app_webhook: Option<String>,
    /// If there are any, only these of the organizations' and repositories' webhooks.
    pub hooks: Vec<(Owner, HookId)>,
    /// Only webhooks whose payload URL matches.
    pub payload_url: Option<UrlPattern>,
}

/// Organizations, by login.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Organizations {
    /// Those that are named.
    pub named: Vec<String>,
    /// All that the App is installed on, as well.
    pub all: bool,
    /// Those left out.
    pub except: Vec<String>,
}

/// Repositories.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Repositories {
    /// Those that are named.
    pub named: Vec<Repository>,
    /// Accounts all of whose repositories are meant.
    pub all_of: Vec<String>,
    /// Those left out.
    pub except: Vec<Repository>,
}

impl Targets {
    /// What a pass is over, as it is remembered and told: `acme`, `acme/ops`, `acme/*`, `acme webhook 42`, and
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

    /// Whether an account's own webhooks may be among what is meant, where it may be an organization.
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

    /// Whether it was named as an organization, and so must be one.
    pub fn names_organization(&self, login: &str) -> bool {
        let is = |name: &String| name.eq_ignore_ascii_case(login);
        let linked =
            |(owner, _): &(Owner, HookId)| matches!(owner, Owner::Organization(name) if is(name));
        self.organizations.named.iter().any(is) || self.hooks.iter().any(linked)
    }

    /// Whether webhooks of an account's repositories may be among what is meant.
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
    /// The pattern that is written so.
    pub fn new(pattern: &str) -> Self {
        Self(pattern.to_lowercase())
    }

    /// The same for the same pattern in every version of this program (FNV-1a): the pattern itself may hold
    /// secrets, and what is remembered is for many to read.
    fn hash(&self) -> u64 {
        let bytes = self.0.bytes().map(u64::from);
        bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ byte).wrapping_mul(0x0100_0000_01b3)
        })
    }

    /// Whether a URL is of this pattern, from its beginning to its end.
    pub fn matches(&self, url: &str) -> bool {
        let url = url.to_lowercase();
        let mut pieces = self.0.split('*');
        let Some(mut rest) = pieces.next().and_then(|first| url.strip_prefix(first)) else {
            return false;
        };
        let Some(last) = pieces.next_back() else {
            return rest.is_empty();
        };
        // The earliest place for each piece leaves the most to those that follow.
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
    fn a_pattern_is_the_whole_url_with_stars_for_any_text() {
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
    fn a_pattern_shows_itself_to_nobody() {
        let pattern = UrlPattern::new("https://ci.acme.com/secret");
        assert_eq!(format!("{pattern:?}"), "***");
    }
}
