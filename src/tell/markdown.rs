//! Text from outside as Markdown that shows it and does nothing else.
//!
//! Pure.

use crate::text::one_line;

/// Longest text from outside, in characters.
const TEXT: usize = 100;

/// Longest address of a page, in bytes. GitHub's names have 100 characters at most.
const ADDRESS: usize = 500;

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

/// A link that shows text from outside and leads to a page of GitHub's, whose names come from outside too.
/// One that is too long to be a page of GitHub's is no link.
pub fn link(text: &str, url: &str) -> String {
    match address(url) {
        address if address.len() <= ADDRESS => format!("[{}]({address})", code(text)),
        _ => code(text),
    }
}

/// A URL of which nothing ends a link or begins markup: what is no plain part of a URL is percent-encoded.
fn address(url: &str) -> String {
    let mut plain = String::new();
    for byte in url.bytes() {
        match byte {
            b'a'..=b'z'
            | b'A'..=b'Z'
            | b'0'..=b'9'
            | b'-'
            | b'.'
            | b'_'
            | b'~'
            | b':'
            | b'/'
            | b'?'
            | b'='
            | b'&'
            | b'%'
            | b'+' => plain.push(char::from(byte)),
            byte => plain.push_str(&format!("%{byte:02X}")),
        }
    }
    plain
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_ends_where_it_is_to_end() {
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
