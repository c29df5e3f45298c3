//! The `Link` header, which names the next page, and the links in it that must not be followed.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

use http::HeaderMap;
use http::header::LINK;

use crate::github::base::ApiBase;
use crate::github::failure::request_error::RequestError;
use crate::github::http::exchange::Response;
use crate::github::http::page_size::is_size;
use crate::github::http::path::{below, is_same, without_query};
use crate::secrets::Secrets;
use crate::text::one_line;

/// Longest part of a header or a path that is shown, in characters.
const SHOWN: usize = 100;

/// Follows the links from page to page of one list: to no other list, and never to a page that was read before. A page
/// that is folded twice could bring back a delivery that the fold has finished and forgotten.
#[derive(Debug)]
pub(crate) struct Trail {
    /// The path of the list.
    list: String,
    /// GitHub redirected a request, so its links may have a name that is not known here.
    renamed: bool,
    /// A hash of each page's query: 8 bytes a page, while a query has a hundred.
    seen: HashSet<u64>,
    hasher: RandomState,
}

impl Trail {
    /// A trail that begins at the page of this path.
    pub(crate) fn new(start: &str) -> Self {
        let mut this = Self {
            list: without_query(start).to_owned(),
            renamed: false,
            seen: HashSet::new(),
            hasher: RandomState::new(),
        };
        this.seen.insert(this.place(start));
        this
    }

    /// The next page's path below the base, if this response names one.
    pub(crate) fn next(
        &mut self,
        response: &Response,
        base: &ApiBase,
        secrets: &Secrets,
    ) -> Result<Option<String>, RequestError> {
        self.renamed |= response.redirected;
        let next = self.peek(&response.headers, base, secrets)?;
        if let Some(path) = &next {
            self.seen.insert(self.place(path));
        }
        Ok(next)
    }

    /// The same for a response whose body is still to come, and may have to be read again.
    pub(crate) fn peek(
        &self,
        headers: &HeaderMap,
        base: &ApiBase,
        secrets: &Secrets,
    ) -> Result<Option<String>, RequestError> {
        let Some(link) = next_link(headers, secrets)? else {
            return Ok(None);
        };
        let Some(path) = below(base.prefix(), &link, &self.list) else {
            return Err(RequestError::Malformed(
                "the link to the next page is not a valid address".into(),
            ));
        };
        if !is_same(&self.list, &path, self.renamed) {
            let shown = one_line(&secrets.clean(without_query(&path)), SHOWN);
            return Err(RequestError::OtherList(shown));
        }
        if self.seen.contains(&self.place(&path)) {
            return Err(RequestError::RepeatedLink);
        }
        Ok(Some(path))
    }

    /// A hash of the place where a page begins, whatever its length.
    fn place(&self, path: &str) -> u64 {
        let (_, query) = path.split_once('?').unwrap_or_default();
        let others = query.split('&').filter(|each| !is_size(each));
        self.hasher.hash_one(others.collect::<Vec<_>>())
    }
}

/// The address of the next page, if the header names one.
///
/// # Errors
/// The header mentions `next` but can't be read. A page that is silently left out would be a delivery lost.
fn next_link(headers: &HeaderMap, secrets: &Secrets) -> Result<Option<String>, RequestError> {
    for header in headers.get_all(LINK) {
        if let Some(next) = header.to_str().ok().and_then(next_target) {
            return Ok(Some(next.to_owned()));
        }
        let text = String::from_utf8_lossy(header.as_bytes());
        if mentions_next(&text) {
            let shown = one_line(&secrets.clean(&text), SHOWN);
            return Err(RequestError::Malformed(format!(
                "its Link header is `{shown}`"
            )));
        }
    }
    Ok(None)
}

/// The target of `next` in a header as GitHub writes it: `<https://...>; rel="prev", <https://...>; rel="next"`.
fn next_target(header: &str) -> Option<&str> {
    header.split('<').find_map(|link| {
        let (target, parameters) = link.split_once('>')?;
        let relation = parameters.trim_matches([' ', ',']).strip_prefix("; rel=")?;
        (relation.trim_matches('"') == "next").then_some(target)
    })
}

/// True if `next` appears anywhere but in a link's target.
fn mentions_next(header: &str) -> bool {
    header.split('<').any(|link| {
        let (_, parameters) = link.split_once('>').unwrap_or(("", link));
        parameters.to_ascii_lowercase().contains("next")
    })
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests {
    use super::*;

    /// The next page by a header, or `Err` if the header can't be read.
    fn next(header: &str) -> Result<Option<String>, String> {
        let value = http::HeaderValue::from_bytes(header.as_bytes()).unwrap();
        let headers = HeaderMap::from_iter([(LINK, value)]);
        next_link(&headers, &Secrets::default()).map_err(|error| error.to_string())
    }

    #[test]
    fn the_next_link_is_found_among_others() {
        for header in [
            r#"<https://a/n?c=1,2;x>; rel="next""#,
            r#"<https://a/n?c=1,2;x>; rel=next"#,
            r#"<https://a/p>; rel="prev", <https://a/n?c=1,2;x>; rel="next", <https://a/z>; rel="last""#,
        ] {
            assert_eq!(
                next(header),
                Ok(Some("https://a/n?c=1,2;x".into())),
                "{header}"
            );
        }
        for header in [
            "",
            "<https://a/p>",
            r#"<https://a/next>; rel="prev", <https://a/1>; rel="first""#,
        ] {
            assert_eq!(next(header), Ok(None), "{header}");
        }
    }

    #[test]
    fn a_header_that_mentions_next_but_cannot_be_read_is_an_error() {
        for header in [
            "https://a/n; rel=next",
            "<https://a/n; rel=next",
            r#"<https://a/n> rel="next""#,
            r#"<https://a/n>; rel: "next""#,
            r#"<https://a/n>; rel="NEXT""#,
            r#"<https://a/n>; rel="next"; title="x""#,
            "<https://a/n>; rel=next; title=\"\u{e9}\"",
        ] {
            let error = next(header).unwrap_err();
            assert!(error.contains("its Link header is"), "{header}: {error}");
        }
    }

    fn answer(link: &str) -> Response {
        let link = format!("<{link}>; rel=\"next\"").parse().unwrap();
        Response {
            headers: HeaderMap::from_iter([(LINK, link)]),
            ..Response::default()
        }
    }

    #[test]
    fn a_circle_of_any_length_is_noticed() {
        let base = ApiBase::default();
        for (lead, circle) in [(0, 1), (0, 2), (1, 1), (3, 4), (10, 7), (0, 33)] {
            let mut trail = Trail::new("/orgs/acme/hooks?page=0");
            let stopped = (1..10_000).find(|&step: &u64| {
                let page = if step < lead {
                    step
                } else {
                    lead + (step - lead) % circle
                };
                // However the same page is spelled.
                let link = match step % 3 {
                    0 => format!("https://api.github.com/orgs/acme/hooks?page={page}"),
                    1 => format!("http://inner/organizations/7/hooks?per_page=50&page={page}"),
                    _ => format!("?page={page}&per_page=100"),
                };
                matches!(
                    trail.next(&answer(&link), &base, &Secrets::default()),
                    Err(RequestError::RepeatedLink)
                )
            });
            assert_eq!(stopped, Some(lead + circle), "{lead} {circle}");
        }
    }

    #[test]
    fn a_long_straight_trail_is_no_circle() {
        let mut trail = Trail::new("/orgs/acme/hooks?page=0");
        for page in 1..5_000 {
            let path = format!("/orgs/acme/hooks?page={page}");
            let link = format!("https://api.github.com{path}");
            let next = trail
                .next(&answer(&link), &ApiBase::default(), &Secrets::default())
                .unwrap();
            assert_eq!(next, Some(path));
        }
    }

    #[test]
    fn a_link_to_another_list_is_refused_and_only_its_path_is_shown() {
        let base = ApiBase::default();
        let mut trail = Trail::new("/orgs/acme/hooks?per_page=100");
        let error = trail.next(
            &answer("https://user:secret@evil.com/orgs/beta/hooks?x=secret"),
            &base,
            &Secrets::default(),
        );
        let error = error.unwrap_err().to_string();
        assert!(error.contains("`/orgs/beta/hooks`"), "{error}");
        assert!(
            !error.contains("secret") && !error.contains("evil"),
            "{error}"
        );

        let long = format!("https://api.github.com/{}", "x".repeat(1_000));
        let error = trail.next(&answer(&long), &base, &Secrets::default());
        let error = error.unwrap_err().to_string();
        assert!(error.chars().count() < 300, "{error}");
    }

    #[test]
    fn what_is_shown_is_cut_only_after_secrets_are_out_of_it() {
        let base = ApiBase::default();
        let secrets = Secrets::default();
        secrets.add("ghp_0123456789abcdefghij");
        let cut_within = format!("{}/next/ghp_0123456789abcdefghij", "x".repeat(83));
        let mut trail = Trail::new("/orgs/acme/hooks");
        let path = answer(&format!("https://api.github.com/{cut_within}"));
        let header = Response {
            headers: HeaderMap::from_iter([(LINK, cut_within.parse().unwrap())]),
            ..Response::default()
        };
        for answer in [path, header] {
            let error = trail.next(&answer, &base, &secrets);
            let error = error.unwrap_err().to_string();
            assert!(error.contains("/***") && !error.contains("ghp_"), "{error}");
        }
    }

    #[test]
    fn another_name_is_the_same_list_only_once_it_is_known_to_be_renamed() {
        let base = ApiBase::default();
        let link = "https://api.github.com/repos/acme/new/hooks?page=2";
        let mut trail = Trail::new("/repos/acme/old/hooks?per_page=100");
        assert!(
            trail
                .next(&answer(link), &base, &Secrets::default())
                .is_err()
        );
        let redirected = Response {
            redirected: true,
            ..answer(link)
        };
        let next = trail.next(&redirected, &base, &Secrets::default()).unwrap();
        assert_eq!(next.as_deref(), Some("/repos/acme/new/hooks?page=2"));
    }
}
