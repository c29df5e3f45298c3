//! Properties of every `Link` header.

use http::HeaderValue;
use proptest::prelude::*;

use super::*;
use crate::hostile;

/// A header as GitHub writes it.
fn header() -> impl Strategy<Value = String> {
    let relation = proptest::sample::select(&["prev", "next", "first", "last"][..]);
    let link = ("https://a/[a-z0-9?&=,;]{0,12}", relation)
        .prop_map(|(target, relation)| format!("<{target}>; rel=\"{relation}\""));
    proptest::collection::vec(link, 0..5).prop_map(|links| links.join(", "))
}

proptest! {
    #[test]
    fn a_next_page_is_never_silently_left_out(header in prop_oneof![header(), header().prop_flat_map(hostile::mutated)]) {
        let Ok(value) = HeaderValue::try_from(&header) else { return Ok(()) };
        let next = next_link(&HeaderMap::from_iter([(LINK, value)]), &Secrets::default());
        let named = header.contains(">; rel=\"next\"");
        prop_assert!(!named || !matches!(next, Ok(None)), "{}", header);
    }

    #[test]
    fn whatever_a_link_says_only_the_same_list_is_followed(
        target in prop_oneof![
            Just("https://api.github.com/orgs/acme/hooks?page=2".to_owned()).prop_flat_map(hostile::mutated),
            "(https?:)?//[a-z@.:]{0,12}(/api/v3)?(/orgs/acme|/organizations/7)?/hooks[a-z/?#@.%]{0,9}",
            hostile::text(),
        ],
        prefix in proptest::sample::select(&["", "/api/v3", "/git"][..]),
    ) {
        let link = format!("<{target}>; rel=next");
        let Ok(value) = HeaderValue::try_from(link) else { return Ok(()) };
        let answer = Response {
            headers: HeaderMap::from_iter([(LINK, value)]),
            ..Response::default()
        };
        let base = ApiBase::new(&format!("https://api.github.com{prefix}")).unwrap();
        if let Ok(Some(next)) = Trail::new("/orgs/acme/hooks").next(&answer, &base, &Secrets::default()) {
            let (path, query) = next.split_once('?').unwrap_or((&next, ""));
            let number = path.strip_prefix("/organizations/").and_then(|rest| rest.strip_suffix("/hooks"));
            let by_number = number.is_some_and(|number| number.parse::<u128>().is_ok());
            prop_assert!(by_number || path.eq_ignore_ascii_case("/orgs/acme/hooks"), "{}", next);
            prop_assert!(target.contains(query), "{}", next);
        }
    }
}
