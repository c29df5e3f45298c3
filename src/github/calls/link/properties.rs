//! What holds for every `Link` header, by the grammar of RFC 8288 and the list rules of RFC 9110.

use http::HeaderValue;
use proptest::prelude::*;

use super::*;
use crate::hostile;

/// A link, and how it is written.
#[derive(Clone, Debug)]
struct Written {
    text: String,
    target: String,
    relations: Option<String>,
}

/// A parameter as it is written, and its value if it is the relation.
fn parameters() -> impl Strategy<Value = (String, Option<String>)> {
    let relation = proptest::collection::vec(
        proptest::sample::select(
            &[
                "next",
                "NEXT",
                "prev",
                "last",
                "first",
                "next2",
                "https://next",
            ][..],
        ),
        1..3,
    );
    let relation = (
        relation,
        proptest::sample::select(&["rel", "Rel", "REL"][..]),
        spaces(),
        0..3_u8,
    )
        .prop_map(|(words, name, space, how)| {
            let value = words.join(" ");
            let written = match how {
                0 if words.len() == 1 => value.clone(),
                1 => format!("\"{}\"", value.replace('n', "\\n")),
                _ => format!("\"{value}\""),
            };
            (format!("{name}{space}={space}{written}"), Some(value))
        });
    let quoted = "[ !#-\\[\\]-~\t]{0,9}";
    let other = prop_oneof![
        Just("crossorigin".to_owned()),
        Just("rel*=UTF-8''next".to_owned()),
        "[a-qs-z]{1,5}=[a-z0-9]{1,5}",
        quoted.prop_map(|text| format!("title=\"{text}\"")),
        quoted.prop_map(|text| format!("title=\"{text}\\\"; rel=next; x=\\\"\"")),
        Just("title=\"<https://a/x>; rel=next, \"".to_owned()),
    ];
    prop_oneof![2 => relation, 1 => other.prop_map(|text| (text, None))]
}

fn spaces() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(&["", "", " ", "\t", "  "][..])
}

fn links() -> impl Strategy<Value = Written> {
    let target = prop_oneof![
        "https://api\\.github\\.com/[a-z0-9/?&=,;%\"]{0,12}",
        Just(String::new()),
    ];
    let parameter = (parameters(), spaces(), spaces());
    (target, proptest::collection::vec(parameter, 0..5)).prop_map(|(target, parameters)| {
        let mut text = format!("<{target}>");
        let mut relations = None;
        for ((written, relation), before, after) in parameters {
            text.push_str(&format!("{before};{after}{written}"));
            // Only the first counts (RFC 8288, section 3.3).
            relations = relations.or(relation);
        }
        Written {
            text,
            target,
            relations,
        }
    })
}

fn headers() -> impl Strategy<Value = Vec<Written>> {
    proptest::collection::vec(links(), 0..5)
}

fn joined(links: &[Written], between: &str) -> String {
    let texts: Vec<&str> = links.iter().map(|link| &*link.text).collect();
    texts.join(between)
}

/// The header's own grammar once more, by the letter: `None` if it is not of it.
fn by_the_letter(header: &str) -> Option<Option<String>> {
    let mut letters = header.chars().peekable();
    let mut found = None;
    loop {
        while letters.next_if(|c| " \t,".contains(*c)).is_some() {}
        if letters.peek().is_none() {
            return Some(found);
        }
        letters.next_if_eq(&'<')?;
        let mut target = String::new();
        loop {
            match letters.next()? {
                '>' => break,
                c => target.push(c),
            }
        }
        let mut relations: Option<String> = None;
        loop {
            while letters.next_if(|c| " \t".contains(*c)).is_some() {}
            if letters.next_if_eq(&';').is_none() {
                break;
            }
            while letters.next_if(|c| " \t".contains(*c)).is_some() {}
            let mut name = String::new();
            while let Some(c) = letters.next_if(|c| is_of_a_token(*c)) {
                name.push(c);
            }
            while letters.next_if(|c| " \t".contains(*c)).is_some() {}
            let mut value = String::new();
            if letters.next_if(|c| *c == '=' && !name.is_empty()).is_some() {
                while letters.next_if(|c| " \t".contains(*c)).is_some() {}
                if letters.next_if_eq(&'"').is_some() {
                    loop {
                        match letters.next()? {
                            '"' => break,
                            '\\' => value.push(letters.next()?),
                            c => value.push(c),
                        }
                    }
                } else {
                    while let Some(c) = letters.next_if(|c| !" \t;,<>\"".contains(*c)) {
                        value.push(c);
                    }
                }
            }
            if name.eq_ignore_ascii_case("rel") {
                relations = relations.or(Some(value));
            }
        }
        if letters.peek().is_some_and(|c| *c != ',') {
            return None;
        }
        if found.is_none() && relations.is_some_and(|words| says_next(&words)) {
            found = Some(target);
        }
    }
}

fn is_of_a_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c)
}

fn says_next(relations: &str) -> bool {
    relations
        .split([' ', '\t'])
        .any(|word| word.eq_ignore_ascii_case("next"))
}

/// What might be taken for a header.
fn soup() -> impl Strategy<Value = String> {
    let piece = proptest::sample::select(
        &[
            "<",
            ">",
            "<https://a/n>",
            ";",
            ",",
            "=",
            "\"",
            "\\",
            " ",
            "\t",
            "rel",
            "REL",
            "rel*",
            "next",
            "prev",
            "title",
            "rel=next",
            "rel=\"next\"",
            "; rel=\"prev next\"",
            "'",
            "a",
        ][..],
    );
    proptest::collection::vec(piece, 0..14).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn the_first_link_to_the_next_page_is_found_however_it_is_written(
        links in headers(),
        between in proptest::sample::select(&[",", ", ", " ,", "\t,\t", ", , ,"][..]),
        split in any::<proptest::sample::Index>(),
    ) {
        let first = links.iter().find(|link| link.relations.as_deref().is_some_and(says_next));
        let expected = first.map(|link| link.target.clone());
        let whole = joined(&links, between);
        prop_assert_eq!(next_target(&whole), Some(expected.clone()), "{}", whole);

        // One header may come as several.
        let (some, others) = links.split_at(split.index(links.len() + 1));
        let several = [some, others].map(|part| (LINK, HeaderValue::try_from(joined(part, between)).unwrap()));
        let mut headers = HeaderMap::new();
        several.into_iter().for_each(|(name, value)| { headers.append(name, value); });
        prop_assert_eq!(next_link(&headers, &Secrets::default()).unwrap(), expected);
    }

    #[test]
    fn what_is_no_link_header_is_told_from_one_without_a_next_page(
        header in prop_oneof![
            soup(),
            headers().prop_map(|links| joined(&links, ", ")).prop_flat_map(hostile::mutated),
            (headers().prop_map(|links| joined(&links, ",")), soup()).prop_map(|(links, soup)| links + &soup),
        ],
    ) {
        // Of a header that holds other characters nothing is read.
        let Ok(value) = HeaderValue::try_from(&header) else { return Ok(()) };
        if value.to_str().is_err() {
            prop_assert!(next_link(&HeaderMap::from_iter([(LINK, value)]), &Secrets::default()).is_err());
            return Ok(());
        }
        prop_assert_eq!(next_target(&header), by_the_letter(&header), "{}", header);
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
