//! The `Link` header, by which GitHub tells where the next page is, and what must not be followed.

use std::borrow::Cow;
use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

use http::HeaderMap;
use http::header::LINK;

use crate::github::base::ApiBase;
use crate::github::calls::page_size::is_size;
use crate::github::failure::error::RequestError;
use crate::github::http::exchange::Answer;
use crate::github::http::path::{below, is_same, without_query};
use crate::secrets::Secrets;
use crate::text::one_line;

/// Longest part of a header or a path that is shown, in characters.
const SHOWN: usize = 100;

/// Follows the links from page to page of one list: to no other list, and never to a page that was there
/// before. A page that is folded twice could bring back what the fold has settled and forgotten.
#[derive(Debug)]
pub(crate) struct Trail {
    /// The path of the list.
    list: String,
    /// GitHub redirected a request, so its links may have a name that is not known here.
    renamed: bool,
    /// A hash of each page's query: 8 bytes a page, where a query has a hundred.
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

    /// The next page's path below the base, if this answer names one.
    pub(crate) fn next(
        &mut self,
        answer: &Answer,
        base: &ApiBase,
        secrets: &Secrets,
    ) -> Result<Option<String>, RequestError> {
        self.renamed |= answer.redirected;
        let next = self.peek(&answer.headers, base, secrets)?;
        if let Some(path) = &next {
            self.seen.insert(self.place(path));
        }
        Ok(next)
    }

    /// The same for an answer whose body is still to come, and may have to be read again.
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
            let what = "the link to the next page is not a valid address";
            return Err(RequestError::Malformed(what.into()));
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

    /// Where a page begins, whatever its length.
    fn place(&self, path: &str) -> u64 {
        let (_, query) = path.split_once('?').unwrap_or_default();
        let others = query.split('&').filter(|each| !is_size(each));
        self.hasher.hash_one(others.collect::<Vec<_>>())
    }
}

/// The target whose relation is `next`, of the form that RFC 8288 gives the header.
fn next_link(headers: &HeaderMap, secrets: &Secrets) -> Result<Option<String>, RequestError> {
    for header in headers.get_all(LINK) {
        let next = header.to_str().ok().and_then(next_target).ok_or_else(|| {
            let shown = String::from_utf8_lossy(header.as_bytes());
            let shown = one_line(&secrets.clean(&shown), SHOWN);
            RequestError::Malformed(format!("its Link header is `{shown}`"))
        })?;
        if next.is_some() {
            return Ok(next);
        }
    }
    Ok(None)
}

/// `None` if the header is malformed: a page that is silently left out would be a delivery lost.
fn next_target(header: &str) -> Option<Option<String>> {
    let mut next = None;
    let mut rest = header.trim_start_matches(BETWEEN_LINKS);
    while !rest.is_empty() {
        let (target, after) = rest.strip_prefix('<')?.split_once('>')?;
        rest = after.trim_start();
        let mut relations = None;
        while let Some(parameter) = rest.strip_prefix(';') {
            let (name, after) = token(parameter.trim_start());
            rest = after.trim_start();
            let mut value = Cow::default();
            if let Some(given) = rest.strip_prefix('=').filter(|_| !name.is_empty()) {
                (value, rest) = value_of(given.trim_start())?;
                rest = rest.trim_start();
            }
            // Only the first counts (RFC 8288, section 3.3).
            if name.eq_ignore_ascii_case("rel") {
                relations.get_or_insert(value);
            }
        }
        let is_next = relations.is_some_and(|relations| {
            let mut relations = relations.split_ascii_whitespace();
            relations.any(|relation| relation.eq_ignore_ascii_case("next"))
        });
        if is_next && next.is_none() {
            next = Some(target.to_owned());
        }
        if !rest.is_empty() && !rest.starts_with(',') {
            return None;
        }
        rest = rest.trim_start_matches(BETWEEN_LINKS);
    }
    Some(next)
}

/// A list may have empty items (RFC 9110, section 5.6.1).
const BETWEEN_LINKS: [char; 3] = [' ', '\t', ','];

/// A token, such as a parameter's name, and what follows it.
fn token(text: &str) -> (&str, &str) {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    text.split_at(text.find(|c| !is_part(c)).unwrap_or(text.len()))
}

/// A parameter's value, bare or quoted, and what follows it.
fn value_of(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(|c: char| c.is_whitespace() || ";,<>\"".contains(c));
        let (value, rest) = text.split_at(end.unwrap_or(text.len()));
        return Some((value.into(), rest));
    };
    let mut value = String::new();
    let mut letters = quoted.chars();
    loop {
        match letters.next()? {
            '"' => return Some((value.into(), letters.as_str())),
            '\\' => value.push(letters.next()?),
            letter => value.push(letter),
        }
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests {
    use super::*;

    fn next(header: &str) -> Option<Option<String>> {
        next_target(header)
    }

    fn found(link: &str) -> Option<Option<String>> {
        Some(Some(link.to_owned()))
    }

    #[test]
    fn the_next_link_is_found_among_others() {
        assert_eq!(
            next(r#"<https://a/b?c=1>; rel="next""#),
            found("https://a/b?c=1")
        );
        assert_eq!(
            next(r#"<https://a/p>; rel="prev", <https://a/n,x;y>; title="a, b"; rel=next"#),
            found("https://a/n,x;y")
        );
        assert_eq!(
            next(r#"<https://a/n>;rel="last NEXT" , <b>;rel="first","#),
            found("https://a/n")
        );
        assert_eq!(
            next(r#"<https://a/n>; anchor; rel="next""#),
            found("https://a/n")
        );
        assert_eq!(next(" , <https://a/n>;; rel=next;,,"), found("https://a/n"));
        assert_eq!(next(r#"<https://a/p>; rel="prev""#), Some(None));
        assert_eq!(next(r#"<https://a/p>; title="rel=next""#), Some(None));
        assert_eq!(next("<https://a/p>"), Some(None));
        assert_eq!(next(""), Some(None));
    }

    #[test]
    fn what_a_title_quotes_is_no_relation() {
        let quoted = r#"<https://a/p>; title="a \"; rel=next; x=\"""#;
        assert_eq!(next(quoted), Some(None));
        let escaped = r#"<https://a/n>; title="a \" b"; rel="ne\xt""#;
        assert_eq!(next(escaped), found("https://a/n"));
    }

    #[test]
    fn of_two_relations_the_first_counts() {
        assert_eq!(next("<https://a/p>; rel=prev; rel=next"), Some(None));
        assert_eq!(
            next("<https://a/n>; rel=next; rel=prev"),
            found("https://a/n")
        );
    }

    #[test]
    fn what_is_no_link_header_is_malformed() {
        for header in [
            "https://a/n; rel=next",
            "<https://a/n; rel=next",
            r#"<https://a/n>; rel="next"#,
            r#"<https://a/n>; rel="next\""#,
            r#"<https://a/n> rel="next""#,
            "<https://a/n>; rel next",
            r#"<https://a/n>; rel: "next""#,
            r#"<https://a/n>; "rel"=next"#,
            "<https://a/n>; =next",
            "<https://a/n>; rel=next <https://a/m>; rel=prev",
            "<https://a/n>; rel=next; title=\"\u{e9}\"",
        ] {
            let value = http::HeaderValue::from_bytes(header.as_bytes()).unwrap();
            let headers = HeaderMap::from_iter([(LINK, value)]);
            let whole = next_link(&headers, &Secrets::default());
            assert!(
                matches!(whole, Err(RequestError::Malformed(_))),
                "{whole:?}"
            );
        }
    }

    fn answer(link: &str) -> Answer {
        let link = format!("<{link}>; rel=\"next\"").parse().unwrap();
        Answer {
            headers: HeaderMap::from_iter([(LINK, link)]),
            ..Answer::default()
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
        let cut_within = format!("{}/ghp_0123456789abcdefghij", "x".repeat(88));
        let mut trail = Trail::new("/orgs/acme/hooks");
        let path = answer(&format!("https://api.github.com/{cut_within}"));
        let header = Answer {
            headers: HeaderMap::from_iter([(LINK, cut_within.parse().unwrap())]),
            ..Answer::default()
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
        let redirected = Answer {
            redirected: true,
            ..answer(link)
        };
        let next = trail.next(&redirected, &base, &Secrets::default()).unwrap();
        assert_eq!(next.as_deref(), Some("/repos/acme/new/hooks?page=2"));
    }
}
