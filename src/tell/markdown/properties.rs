//! Properties of every text, checked with a CommonMark parser that knows GitHub's extensions.

use proptest::prelude::*;
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use super::*;
use crate::hostile;

fn events(markdown: &str) -> Vec<Event<'_>> {
    Parser::new_ext(markdown, Options::all()).collect()
}

/// The text of the one code span expected at this place, or of the dash that represents an empty text.
fn shown(event: &Event<'_>) -> Option<String> {
    match event {
        Event::Code(text) => Some(text.to_string()),
        Event::Text(text) if **text == *NOTHING => Some(String::new()),
        _ => None,
    }
}

/// The part of a text that must be readable in the summary: everything that is not documented to be replaced or removed.
fn essence(text: &str) -> String {
    let kept = |c: &char| !c.is_control() && !c.is_whitespace() && !"`'|¦…".contains(*c);
    text.chars()
        .filter(kept)
        .filter(|c| !is_invisible(*c))
        .collect()
}

fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

fn holds(text: &str, limit: usize, shown: &str) -> Result<(), TestCaseError> {
    prop_assert!(!shown.chars().any(is_invisible), "{:?}", shown);
    prop_assert!(!shown.chars().any(char::is_control), "{:?}", shown);
    let beginning: String = text.chars().take(limit).collect();
    prop_assert_eq!(essence(shown), essence(&beginning));
    Ok(())
}

proptest! {
    #[test]
    fn a_text_in_a_table_is_one_code_span_in_its_cell(a in hostile::text(), b in hostile::text()) {
        let markdown = format!(
            "| A | B | C |\n| --- | --- | --- |\n| {} | x: {} | y |\n| z | z | {} |\n\nafter\n",
            code(&a),
            code(&b),
            code_long(&a),
        );
        let events = events(&markdown);
        let mut rows: Vec<Vec<Vec<&Event<'_>>>> = Vec::new();
        let mut outside = Vec::new();
        let mut in_cell = false;
        for event in &events {
            match event {
                Event::Start(Tag::Table(_)) | Event::End(TagEnd::Table | TagEnd::TableHead | TagEnd::TableRow) => {}
                Event::Start(Tag::TableHead | Tag::TableRow) => rows.push(Vec::new()),
                Event::Start(Tag::TableCell) => {
                    in_cell = true;
                    rows.last_mut().unwrap().push(Vec::new());
                }
                Event::End(TagEnd::TableCell) => in_cell = false,
                event if in_cell => rows.last_mut().unwrap().last_mut().unwrap().push(event),
                event => outside.push(event.clone()),
            }
        }
        let paragraph = Tag::Paragraph;
        let after = [Event::Start(paragraph.clone()), Event::Text("after".into()), Event::End(paragraph.to_end())];
        prop_assert_eq!(outside, after);
        let shape: Vec<usize> = rows.iter().map(Vec::len).collect();
        prop_assert_eq!(shape, [3, 3, 3]);

        let [first] = rows[1][0][..] else { return Err(TestCaseError::fail(format!("{:?}", rows[1][0]))) };
        holds(&a, TEXT, &shown(first).unwrap_or_else(|| panic!("{first:?}")))?;
        match rows[1][1][..] {
            [Event::Text(before), second] if **before == *"x: " => holds(&b, TEXT, &shown(second).unwrap())?,
            // The parser joins the two texts.
            [Event::Text(whole)] if **whole == *format!("x: {NOTHING}") => holds(&b, TEXT, "")?,
            ref other => return Err(TestCaseError::fail(format!("{other:?}"))),
        }
        let [third] = rows[2][2][..] else { return Err(TestCaseError::fail(format!("{:?}", rows[2][2]))) };
        holds(&a, 10 * TEXT, &shown(third).unwrap())?;
        prop_assert_eq!(&rows[1][2], &[&Event::Text("y".into())]);
    }

    #[test]
    fn a_text_in_a_sentence_or_a_list_is_one_code_span(text in hostile::text()) {
        for (before, after) in [("- ", ""), ("", ""), ("It says ", ", and no more."), ("<sub>", "</sub>")] {
            let alone = format!("{before}`x`{after}\n\n**next**\n");
            let markdown = format!("{before}{}{after}\n\n**next**\n", code_long(&text));
            let mut told = String::new();
            let with: Vec<Event<'_>> = events(&markdown)
                .into_iter()
                .map(|event| match event {
                    Event::Code(shown) => {
                        told.push_str(&shown);
                        Event::Code("x".into())
                    }
                    event => event,
                })
                .collect();
            if code_long(&text) == NOTHING {
                prop_assert_eq!(essence(&text), "");
            } else {
                prop_assert_eq!(with, events(&alone));
                holds(&text, 10 * TEXT, &told)?;
            }
        }
    }
}
