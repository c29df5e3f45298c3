//! Properties of every printed line, checked with the rules by which the runner reads a log.

use proptest::prelude::*;

use super::*;
use crate::hostile;
use crate::tell::console::tests::in_actions;

/// A workflow command in a log: its name, its properties, its data.
type Command = (String, String, String);

/// The workflow commands in a log: `::name properties::data` at the start of a line, after white space at most, and
/// `##[name properties]data` anywhere in a line. Lines end at `\n`, `\r` or both.
fn commands(log: &str) -> Vec<Command> {
    let lines = log.split(['\n', '\r']);
    lines
        .filter_map(|line| new_style(line).or_else(|| old_style(line)))
        .collect()
}

fn new_style(line: &str) -> Option<Command> {
    let (head, data) = line.trim_start().strip_prefix("::")?.split_once("::")?;
    let (name, properties) = head.split_once(' ').unwrap_or((head, ""));
    let data = data
        .replace("%0D", "\r")
        .replace("%0A", "\n")
        .replace("%25", "%");
    Some((name.to_owned(), properties.to_owned(), data))
}

fn old_style(line: &str) -> Option<Command> {
    let (head, data) = line.split_once("##[")?.1.split_once(']')?;
    let (name, properties) = head.split_once(' ').unwrap_or((head, ""));
    Some((name.to_owned(), properties.to_owned(), data.to_owned()))
}

/// A command without properties.
fn command(name: &str, data: &str) -> Command {
    (name.to_owned(), String::new(), data.to_owned())
}

proptest! {
    #[test]
    fn a_line_is_one_line_and_no_command(text in hostile::text(), other in hostile::text()) {
        let log = in_actions(|console| {
            console.line(&text);
            console.line(&format!("acme webhook 1: {other}"));
        });
        prop_assert_eq!(commands(&log), []);
        prop_assert_eq!(log.split(['\n', '\r']).count(), 3, "{:?}", log);
    }

    #[test]
    fn a_message_is_one_annotation_with_its_text(text in hostile::text(), other in hostile::text()) {
        let log = in_actions(|console| console.warnings(std::slice::from_ref(&text)));
        prop_assert_eq!(commands(&log), [command("warning", &one_line(&text, LINE))]);

        let log = in_actions(|console| console.errors(&[text.clone(), other.clone()]));
        let commands = commands(&log);
        prop_assert_eq!(commands.len(), 1, "{:?}", log);
        let (name, properties, data) = &commands[0];
        prop_assert_eq!((&**name, &**properties), ("error", ""));
        prop_assert!(!data.contains(['\n', '\r']) && !data.contains("##["), "{:?}", data);
        prop_assert!(data.starts_with(&one_line(&text, LINE)), "{:?}", data);
    }

    #[test]
    fn a_title_opens_its_group_and_does_nothing_else(text in hostile::text()) {
        let log = in_actions(|console| {
            console.group(&text);
            console.end_group();
        });
        let expected = [command("group", &one_line(&text, LINE)), command("endgroup", "")];
        prop_assert_eq!(commands(&log), expected);
    }

    #[test]
    fn a_line_holds_the_visible_characters_of_its_text(text in hostile::text(), limit in 1..200_usize) {
        let line = one_line(&text, limit);
        prop_assert!(line.chars().count() <= 2 * limit + 1);
        let visible = |c: &char| c.is_alphanumeric() || c.is_ascii_punctuation();
        let beginning = text.chars().take(limit).filter(visible);
        let kept = line.chars().filter(visible);
        prop_assert_eq!(kept.collect::<String>(), beginning.collect::<String>());
        prop_assert_eq!(one_line(&line, usize::MAX), line, "twice is no more than once");
    }
}
