//! Paths of the API, as links and redirects name them.
//!
//! Load balancers put other schemes, ports and internal names into GitHub's addresses, so only path and query of an
//! address are used. They are requested at `api-url`, and only if they name the list or the thing that was
//! requested: the token goes nowhere else.

use http::uri::PathAndQuery;

/// The base path of every Enterprise Server. A proxy in front of it may show another one.
const ENTERPRISE_SERVER: &str = "/api/v3";

/// Path and query of `address`, below the base path `base`. The address may be relative to `requested`, which is below
/// that base already (RFC 3986, section 4.2). `None` if it is not an address.
pub(crate) fn below(base: &str, address: &str, requested: &str) -> Option<String> {
    let address = address.split('#').next().unwrap_or_default();
    let reference = match address.split_once("//") {
        Some((scheme, rest)) if is_scheme(scheme) => {
            let path = rest.find(['/', '?'])?;
            rest[path..].strip_prefix('/')?;
            &rest[path..]
        }
        _ => address,
    };
    let requested = without_query(requested);
    let path = if reference.starts_with('/') {
        let bases = [base, ENTERPRISE_SERVER].into_iter();
        let mut bases = bases.filter(|base| !base.is_empty());
        let path = bases.find_map(|base| after(base, reference));
        path.unwrap_or(reference).to_owned()
    } else if reference.starts_with('?') {
        format!("{requested}{reference}")
    } else {
        let (folder, _) = requested.rsplit_once('/')?;
        format!("{folder}/{reference}")
    };
    path.parse::<PathAndQuery>().is_ok().then_some(path)
}

/// A scheme and its colon, or nothing.
fn is_scheme(text: &str) -> bool {
    let scheme = text.strip_suffix(':').unwrap_or(text);
    let is_part = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
    text.is_empty() || scheme != text && scheme.chars().all(is_part)
}

/// The rest of a path that begins with this base.
fn after<'a>(base: &str, path: &'a str) -> Option<&'a str> {
    let (start, rest) = path.split_at_checked(base.len())?;
    (start.eq_ignore_ascii_case(base) && rest.starts_with('/')).then_some(rest)
}

/// Returns whether two paths, both below the base, name the same list or thing. GitHub's links have the owner's number
/// in place of its name: `/repositories/ID/...` for `/repos/OWNER/NAME/...`, and `/organizations/ID/...` for
/// `/orgs/LOGIN/...`. If the owner was `renamed`, the new name is not known here, so any name matches.
pub(crate) fn is_same(known: &str, path: &str, renamed: bool) -> bool {
    let (known, path) = (without_query(known), without_query(path));
    // Names are the same in any case.
    if known.eq_ignore_ascii_case(path) {
        return true;
    }
    match (Owned::of(known), Owned::of(path)) {
        (Some(known), Some(path)) => {
            let owner = path.by_number || renamed;
            owner && (known.by, known.rest) == (path.by, path.rest)
        }
        _ => false,
    }
}

/// Returns whether a redirect from `path` leads to the same thing under another name or number of its owner. A redirect
/// to the path itself means another server, or a circle.
pub(crate) fn is_moved(path: &str, to: &str) -> bool {
    is_same(path, to, true) && !without_query(path).eq_ignore_ascii_case(without_query(to))
}

pub(crate) fn without_query(path: &str) -> &str {
    path.split('?').next().unwrap_or_default()
}

/// The path of something that an organization or a repository owns.
struct Owned<'a> {
    by: Owner,
    by_number: bool,
    /// The path after the owner.
    rest: &'a str,
}

#[derive(PartialEq, Eq)]
enum Owner {
    Organization,
    Repository,
}

impl<'a> Owned<'a> {
    fn of(path: &'a str) -> Option<Self> {
        let (kind, rest) = path.strip_prefix('/')?.split_once('/')?;
        let (by, by_number) = match kind {
            "orgs" => (Owner::Organization, false),
            "organizations" => (Owner::Organization, true),
            "repos" => (Owner::Repository, false),
            "repositories" => (Owner::Repository, true),
            _ => return None,
        };
        let (owner, mut rest) = rest.split_once('/')?;
        let is_number = !owner.is_empty() && owner.bytes().all(|byte| byte.is_ascii_digit());
        if by_number && !is_number {
            return None;
        }
        if by == Owner::Repository && !by_number {
            (_, rest) = rest.split_once('/')?;
        }
        Some(Self {
            by,
            by_number,
            rest,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "/orgs/acme/hooks/5/deliveries?per_page=100";

    #[test]
    fn only_path_and_query_of_an_address_are_used() {
        let path = "/orgs/acme/hooks/5/deliveries?per_page=100&cursor=v1_7";
        for origin in [
            "https://git.acme.com",
            "http://git.acme.com",
            "HTTPS://GIT.ACME.COM:8443",
            "http://git-internal",
            "https://git.acme.com:84430",
            "https://user:secret@git.acme.com",
            "https://git.acme.com@evil.com",
            "http://[::1]:8080",
            "//git-internal:8080",
            "",
        ] {
            for base in ["/api/v3", "/API/v3", ""] {
                let link = format!("{origin}{base}{path}");
                assert_eq!(
                    below("/api/v3", &link, LOG).as_deref(),
                    Some(path),
                    "{link}"
                );
                assert_eq!(below("", &link, LOG).as_deref(), Some(path), "{link}");
                assert_eq!(
                    below("/git/api", &link, LOG).as_deref(),
                    Some(path),
                    "{link}"
                );
            }
        }
        for link in [
            "?per_page=100&cursor=v1_7",
            "deliveries?per_page=100&cursor=v1_7",
            "/git/api/orgs/acme/hooks/5/deliveries?per_page=100&cursor=v1_7",
            "https://git.acme.com/orgs/acme/hooks/5/deliveries?per_page=100&cursor=v1_7#top",
        ] {
            assert_eq!(
                below("/git/api", link, LOG).as_deref(),
                Some(path),
                "{link}"
            );
        }
    }

    #[test]
    fn an_address_without_a_path_is_none() {
        for link in [
            "https://git.acme.com",
            "https://git.acme.com?cursor=v1_7",
            "//git.acme.com",
            "https:",
            "/orgs/acme/hooks/5/deliveries?a b",
        ] {
            let path = below("", link, LOG);
            let same = path.is_some_and(|path| is_same(LOG, &path, false));
            assert!(!same, "{link}");
        }
    }

    #[test]
    fn a_list_is_the_same_by_its_owners_number_and_in_any_case() {
        let repository = "/repos/acme/ops/hooks";
        for (known, path) in [
            (LOG, "/orgs/acme/hooks/5/deliveries?cursor=v1_7"),
            (LOG, "/orgs/Acme/hooks/5/deliveries"),
            (LOG, "/organizations/9919/hooks/5/deliveries"),
            (repository, "/repositories/1296269/hooks?page=2"),
            (repository, "/repos/ACME/Ops/hooks"),
            ("/user/repos", "/user/repos?page=2"),
        ] {
            assert!(is_same(known, path, false), "{known} {path}");
        }
        for (known, path) in [
            (LOG, "/orgs/acme/hooks/6/deliveries"),
            (LOG, "/orgs/beta/hooks/5/deliveries"),
            (LOG, "/organizations/acme/hooks/5/deliveries"),
            (LOG, "/organizations/9919/hooks/6/deliveries"),
            (LOG, "/repositories/9919/hooks/5/deliveries"),
            (LOG, "/organizations/9919/hooks/5/deliveries/"),
            (LOG, "/organizations//hooks/5/deliveries"),
            (LOG, "/orgs/acme/hooks"),
            (LOG, "/orgs/acme/hooks/5/../6/deliveries"),
            (LOG, "//evil.com/orgs/acme/hooks/5/deliveries"),
            (repository, "/repos/acme/other/hooks"),
            (repository, "/repositories/1296269/keys"),
            (repository, "/organizations/1296269/hooks"),
            ("/user/repos", "/user/7/repos"),
            ("/app/hook/deliveries", "/orgs/acme/hooks/5/deliveries"),
        ] {
            assert!(!is_same(known, path, false), "{known} {path}");
        }
        let renamed = |path| is_same(repository, path, true);
        assert!(renamed("/repos/beta/new/hooks"));
        assert!(!renamed("/repos/beta/new/keys") && !renamed("/orgs/beta/hooks"));
        assert!(is_moved(repository, "/repositories/1296269/hooks"));
        assert!(!is_moved(repository, "/repos/Acme/ops/hooks?page=2"));
        assert!(!is_moved(repository, "/login"));
    }
}
