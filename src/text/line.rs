//! Text from outside as one harmless line.

/// True for a character that has no glyph: it hides between others or changes how they look.
fn is_invisible(c: char) -> bool {
    matches!(c,
        // Soft hyphens, zero-width characters, invisible operators.
        '\u{ad}' | '\u{180e}' | '\u{200b}'..='\u{200d}' | '\u{2060}'..='\u{2065}' | '\u{feff}'
        // Bidirectional and other controls.
        | '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{206f}'
        // Line and paragraph separators, annotations, tags.
        | '\u{2028}' | '\u{2029}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
    )
}

/// Text from outside as one harmless line of at most `limit` characters: control characters become spaces, invisible
/// characters are removed, old-style workflow commands are broken up.
pub fn one_line(text: &str, limit: usize) -> String {
    let mut line = String::new();
    for (count, c) in text.chars().enumerate() {
        if count == limit {
            line.push('…');
            break;
        }
        match c {
            c if is_invisible(c) => {}
            c if c.is_control() => line.push(' '),
            // `line` has no invisible characters, so none of them can hide a command.
            '[' if line.ends_with("##") => line.push_str(" ["),
            c => line.push(c),
        }
    }
    line
}

/// The same for a message with addresses to open: an address is kept whole or left out.
pub fn one_line_message(text: &str, limit: usize) -> String {
    let line = one_line(text, limit);
    match (line.strip_suffix('…'), text.chars().nth(limit)) {
        (Some(kept), Some(next)) if !next.is_whitespace() => {
            format!("{}…", &kept[..before_half_an_address(kept)])
        }
        _ => line,
    }
}

/// The line's length without an incomplete address at its end, if it has other words: half an address leads nowhere.
fn before_half_an_address(line: &str) -> usize {
    let is_one = |at: &usize| {
        let last = &line[*at..];
        *at > 0 && last.contains("://") && !last.contains(' ')
    };
    line.rfind("http").filter(is_one).unwrap_or(line.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invisible_characters_are_removed() {
        for invisible in [
            '\u{ad}',
            '\u{61c}',
            '\u{180e}',
            '\u{200b}',
            '\u{202e}',
            '\u{2060}',
            '\u{2063}',
            '\u{2069}',
            '\u{206f}',
            '\u{feff}',
            '\u{fffa}',
            '\u{e0041}',
        ] {
            assert_eq!(
                one_line(&format!("a{invisible}b"), 9),
                "ab",
                "{invisible:?}"
            );
        }
    }

    #[test]
    fn a_long_text_is_cut_by_characters_and_not_by_bytes() {
        assert_eq!(one_line("ééé", 3), "ééé");
        assert_eq!(one_line("éééé", 3), "ééé…");
    }

    #[test]
    fn an_address_is_kept_whole_or_left_out() {
        assert_eq!(
            one_line_message("see https://a.b/c now", 17),
            "see https://a.b/c…"
        );
        assert_eq!(one_line_message("see https://a.b/c now", 15), "see …");
        assert_eq!(one_line_message("see (https://a.b/c)", 16), "see (…");
        assert_eq!(
            one_line_message("https://a.b/c", 9),
            "https://a…",
            "there is no other word"
        );
    }
}
