//! Properties of all outputs, checked with the rules by which the runner reads its files.

use proptest::prelude::*;

use super::*;
use crate::hostile;

const DELIMITER: &str = "end-0123456789abcdef0123456789abcdef";

const NAMES: [&str; 4] = ["result", "report", "next-due", "failed"];

/// The outputs that the runner sets, or `None` if it fails the step. Lines only end with `\n`. The first `=` or `<<` in
/// a line decides its form. A heredoc ends at a line that equals its delimiter.
fn read_by_the_runner(file: &str) -> Option<Vec<(String, String)>> {
    let mut set = Vec::new();
    let mut rest = file;
    let next_line = |rest: &mut &str| -> Option<String> {
        let (line, after) = match rest.split_once('\n') {
            Some(both) => both,
            None if rest.is_empty() => return None,
            None => (*rest, ""),
        };
        let line = line.to_owned();
        *rest = &rest[rest.len() - after.len()..];
        Some(line)
    };
    while let Some(line) = next_line(&mut rest) {
        let (equals, heredoc) = (line.find('='), line.find("<<"));
        let (name, value) = match (equals, heredoc) {
            (None, None) if line.is_empty() => continue,
            (None, None) => return None,
            (Some(equals), heredoc) if heredoc.is_none_or(|heredoc| equals < heredoc) => {
                (line[..equals].to_owned(), line[equals + 1..].to_owned())
            }
            (_, heredoc) => {
                let (name, delimiter) = line.split_at(heredoc?);
                let delimiter = &delimiter[2..];
                let mut lines = Vec::new();
                loop {
                    match next_line(&mut rest)? {
                        line if line == delimiter => break,
                        line => lines.push(line),
                    }
                }
                if delimiter.is_empty() {
                    return None;
                }
                (name.to_owned(), lines.join("\n"))
            }
        };
        if name.is_empty() {
            return None;
        }
        set.push((name, value));
    }
    Some(set)
}

/// Values from an attacker who knows how outputs are written, and sometimes even the delimiter.
fn values() -> impl Strategy<Value = String> {
    let forged = prop_oneof![
        Just(format!("\n{DELIMITER}\n")),
        Just(DELIMITER.to_owned()),
        Just(DELIMITER[..DELIMITER.len() - 1].to_owned()),
        Just("\nend-\nresult=healthy\n".to_owned()),
        Just("\nresult<<end\nhealthy\nend\n".to_owned()),
        Just("\r\nresult=healthy\r\n".to_owned()),
    ];
    let piece = prop_oneof![6 => hostile::text(), 1 => forged];
    proptest::collection::vec(piece, 0..4).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn the_runner_reads_exactly_the_outputs_that_were_written(
        values in proptest::collection::vec((proptest::sample::select(&NAMES[..]), values()), 0..6),
        before in "([a-z]{1,5}=[a-z]{0,5}\n){0,2}",
    ) {
        match heredocs(&values, DELIMITER) {
            Ok(text) => {
                let mut meant = read_by_the_runner(&before).unwrap();
                meant.extend(values.into_iter().map(|(name, value)| (name.to_owned(), value)));
                prop_assert_eq!(read_by_the_runner(&(before + &text)), Some(meant));
            }
            Err(error) => {
                let holds = |(_, value): &(&str, String)| value.contains(DELIMITER);
                let first = values.iter().find(|each| holds(each)).map(|(name, _)| *name);
                prop_assert!(matches!(error, OutputError::Delimiter(name) if Some(name) == first));
            }
        }
    }

    #[test]
    fn appended_text_is_read_back_from_the_file(
        values in proptest::collection::vec((proptest::sample::select(&NAMES[..]), hostile::text()), 0..6),
        passes in 1..4_usize,
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("outputs");
        for _ in 0..passes {
            append_outputs(&path, &values).unwrap();
        }
        let meant: Vec<(String, String)> =
            values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let read = read_by_the_runner(&std::fs::read_to_string(&path).unwrap());
        prop_assert_eq!(read, Some(vec![meant; passes].concat()));
    }
}
