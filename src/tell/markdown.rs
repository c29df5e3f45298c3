//! Text from outside as inert Markdown.
//!
//! Pure.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::text::one_line;

/// Longest text from outside, in characters.
const TEXT: usize = 100;

/// Longest URL, in bytes. GitHub's names have at most 100 characters.
const ADDRESS: usize = 500;

/// Characters that could end a link or begin markup.
const UNSAFE: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b':')
    .remove(b'/')
    .remove(b'?')
    .remove(b'=')
    .remove(b'&')
    .remove(b'%')
    .remove(b'+');

/// Stands for text without any visible character.
const NOTHING: &str = "–";

/// Text from outside in a code span, where nothing is markup.
pub fn code(text: &str) -> String {
    span(text, TEXT)
}

/// The same for a message of this program that holds text from outside.
pub fn code_long(text: &str) -> String {
    span(text, 10 * TEXT)
}

/// A back-tick would end the span, and a bar would end the table's cell even in a span, so similar characters replace
/// them.
fn span(text: &str, limit: usize) -> String {
    let text = one_line(text, limit).replace('`', "'").replace('|', "¦");
    match text.trim() {
        "" => NOTHING.into(),
        text => format!("`{text}`"),
    }
}

/// A link to a page on GitHub that shows text from outside. The URL holds text from outside, too. If it is too long for
/// a page on GitHub, there is no link.
pub fn link(text: &str, url: &str) -> String {
    match utf8_percent_encode(url, UNSAFE).to_string() {
        address if address.len() <= ADDRESS => format!("[{}]({address})", code(text)),
        _ => code(text),
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_url_ends_its_link_early() {
        assert_eq!(
            link(
                "acme/a](x) webhook 1",
                "https://github.com/acme/a](x) <b>\n/settings?tab=deliveries"
            ),
            "[`acme/a](x) webhook 1`](https://github.com/acme/a%5D%28x%29%20%3Cb%3E%0A/settings?tab=deliveries)"
        );
        let long = format!("https://github.com/{}", "x".repeat(500));
        assert_eq!(link("acme", &long), "`acme`");
    }
}
