//! Text from outside as Markdown that shows it and does nothing else.
//!
//! Pure.

use crate::actions::one_line;

/// Longest text from outside, in characters.
const TEXT: usize = 100;

/// What is shown of a text that holds nothing to see.
const NOTHING: &str = "–";

/// Text from outside in a code span, where nothing is markup.
pub fn code(text: &str) -> String {
    span(text, TEXT)
}

/// The same for a message of ours that holds text from outside.
pub fn code_long(text: &str) -> String {
    span(text, 10 * TEXT)
}

/// A back-tick would end the span, and a bar the table's cell whatever it stands in, so others that
/// look alike take their place.
fn span(text: &str, limit: usize) -> String {
    let text = one_line(text, limit).replace('`', "'").replace('|', "¦");
    match text.trim() {
        "" => NOTHING.into(),
        text => format!("`{text}`"),
    }
}

#[cfg(test)]
mod properties;
