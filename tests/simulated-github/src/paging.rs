//! Pages and `Link` headers.

use crate::request::Request;

/// GitHub's upper limit for most lists.
pub(crate) const MOST_PER_PAGE: usize = 100;

/// The size of a page: as requested, no more than `most`, and `default` for anything that is not a number above 0.
pub(crate) fn per_page(request: &Request, default: usize, most: usize) -> usize {
    let asked = request
        .query("per_page")
        .and_then(|text| text.parse().ok())
        .filter(|size| *size > 0);
    asked.unwrap_or(default).min(most)
}

/// One page of a list that is paged by number, and its `Link` header: the relations and their order are GitHub's.
pub(crate) fn numbered<'a, T>(
    items: &'a [T],
    request: &Request,
    size: usize,
    url: &str,
) -> (&'a [T], Option<String>) {
    let page = request
        .query("page")
        .and_then(|text| text.parse::<usize>().ok())
        .filter(|page| *page > 0)
        .unwrap_or(1);
    let last = items.len().div_ceil(size).max(1);
    let start = (page - 1).saturating_mul(size).min(items.len());
    let end = start.saturating_add(size).min(items.len());
    let mut relations = Vec::new();
    if page > 1 {
        relations.push(("prev", (page - 1).min(last)));
    }
    if page < last {
        relations.push(("next", page + 1));
        relations.push(("last", last));
    }
    if page > 1 {
        relations.push(("first", 1));
    }
    let query = request
        .path_and_query
        .split_once('?')
        .map_or("", |(_, query)| query);
    let kept: String = query
        .split('&')
        .filter(|pair| !matches!(pair.split('=').next(), Some("" | "page" | "per_page")))
        .map(|pair| format!("{pair}&"))
        .collect();
    let links: Vec<String> = relations
        .into_iter()
        .map(|(relation, page)| {
            format!("<{url}?{kept}per_page={size}&page={page}>; rel=\"{relation}\"")
        })
        .collect();
    (
        &items[start..end],
        (!links.is_empty()).then(|| links.join(", ")),
    )
}
