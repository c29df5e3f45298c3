//! Properties of every key or certificate, even if it is mangled or damaged.

use proptest::prelude::*;

use super::*;
use crate::hostile;

/// The base64 content of a block, and the file that contains it.
fn files() -> impl Strategy<Value = (String, String, String)> {
    let label = proptest::sample::select(&["RSA PRIVATE KEY", "PRIVATE KEY", "CERTIFICATE"][..]);
    (label, "[A-Za-z0-9+/]{1,200}={0,2}", 1..80_usize).prop_map(|(label, body, width)| {
        let letters: Vec<char> = body.chars().collect();
        let lines: Vec<String> = letters
            .chunks(width)
            .map(|line| line.iter().collect())
            .collect();
        let file = format!(
            "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
            lines.join("\n")
        );
        (label.to_owned(), body, file)
    })
}

/// Changes that files suffer on their way through secrets, shells, YAML, JSON and editors.
pub(crate) fn mangled(file: String) -> impl Strategy<Value = String> {
    let new_line = proptest::sample::select(
        &[
            "\n",
            "\r\n",
            "\r",
            " ",
            "  ",
            "\t",
            "",
            "\n\n",
            "\\n",
            "\\r\\n",
            "\\\\n",
            "\\\\r\\\\n",
            "\\\n",
            "\u{a0}",
            " \n ",
        ][..],
    );
    let around = proptest::sample::select(
        &[
            ("", ""),
            ("\"", "\""),
            ("'", "'"),
            (" \n\t", "\n\n "),
            ("\u{feff}", ""),
            ("Bag Attributes: x\n", "\nthat was it"),
            ("|-\n", ""),
            ("KEY=\"", "\""),
        ][..],
    );
    let indent = proptest::sample::select(&["", "  ", "\t", "          "][..]);
    (new_line, around, indent, any::<bool>()).prop_map(
        move |(new_line, (before, after), indent, last)| {
            let lines: Vec<String> = file.lines().map(|line| format!("{indent}{line}")).collect();
            let end = if last { new_line } else { "" };
            format!("{before}{}{end}{after}", lines.join(new_line))
        },
    )
}

proptest! {
    #[test]
    fn whatever_became_of_its_lines_a_file_is_mended(
        ((label, body, _), mangled) in files().prop_flat_map(|file| (Just(file.clone()), mangled(file.2))),
    ) {
        let expected = Block {
            text: format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n"),
            label,
        };
        prop_assert_eq!(blocks(&mangled), Ok(vec![expected]), "{:?}", mangled);
    }

    #[test]
    fn several_in_a_file_stay_apart(
        files in proptest::collection::vec(files().prop_flat_map(|file| (Just(file.clone()), mangled(file.2))), 0..4),
    ) {
        let whole: String = files.iter().map(|(_, mangled)| format!("{mangled}\n")).collect();
        let found = blocks(&whole).unwrap();
        let labels: Vec<&str> = found.iter().map(|block| &*block.label).collect();
        let expected: Vec<&str> = files.iter().map(|((label, ..), _)| &**label).collect();
        prop_assert_eq!(labels, expected);
    }

    #[test]
    fn of_what_is_damaged_whole_blocks_are_found_or_none(
        damaged in files().prop_flat_map(|file| mangled(file.2)).prop_flat_map(hostile::mutated),
    ) {
        if let Ok(found) = blocks(&damaged) {
            for Block { label, text } in found {
                let (first, last) = (format!("-----BEGIN {label}-----\n"), format!("\n-----END {label}-----\n"));
                let body = text.strip_prefix(&first).and_then(|rest| rest.strip_suffix(&last));
                prop_assert!(body.is_some_and(|body| !body.contains(char::is_whitespace)), "{:?}", text);
            }
        }
    }
}
