//! Text without the escapes of URLs, JSON and HTML, and the original position of each byte.

use std::borrow::Cow;

/// A text without escapes. Only ASCII is unescaped, because tokens and URLs hold nothing else.
pub(super) struct Unescaped<'a> {
    pub(super) bytes: Cow<'a, [u8]>,
    /// The original position of each byte, and of the text's end. Empty if nothing was escaped.
    positions: Vec<usize>,
}

impl<'a> Unescaped<'a> {
    /// The text with its escapes kept.
    pub(super) fn verbatim(text: &'a str) -> Self {
        Self {
            bytes: text.as_bytes().into(),
            positions: Vec::new(),
        }
    }

    pub(super) fn new(text: &'a str) -> Self {
        let escapes = |byte: &u8| matches!(byte, b'%' | b'\\' | b'&');
        if !text.as_bytes().iter().any(escapes) {
            return Self::verbatim(text);
        }
        let (mut bytes, mut positions) = (Vec::new(), Vec::new());
        let mut at = 0;
        while at < text.len() {
            let rest = &text.as_bytes()[at..];
            let (byte, length) = escaped(rest).unwrap_or((rest[0], 1));
            bytes.push(byte);
            positions.push(at);
            at += length;
        }
        positions.push(text.len());
        Self {
            bytes: bytes.into(),
            positions,
        }
    }

    /// True if the text contains an escape.
    pub(super) fn has_escapes(&self) -> bool {
        !self.positions.is_empty()
    }

    /// The original position of a byte of `bytes`.
    pub(super) fn position_of(&self, byte: usize) -> usize {
        self.positions.get(byte).copied().unwrap_or(byte)
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
}

/// The byte for the escape at the start of a text, and the escape's length.
fn escaped(text: &[u8]) -> Option<(u8, usize)> {
    match text {
        [b'%', rest @ ..] => number(rest.get(..2)?, 16).map(|byte| (byte, 3)),
        [b'\\', b'u', rest @ ..] => number(rest.get(..4)?, 16).map(|byte| (byte, 6)),
        [b'\\', byte @ (b'/' | b'\\' | b'"'), ..] => Some((*byte, 2)),
        [b'&', rest @ ..] => {
            let end = rest.iter().take(8).position(|&byte| byte == b';')?;
            let byte = match &rest[..end] {
                b"amp" => b'&',
                b"lt" => b'<',
                b"gt" => b'>',
                b"quot" => b'"',
                b"apos" => b'\'',
                [b'#', b'x' | b'X', digits @ ..] => number(digits, 16)?,
                [b'#', digits @ ..] => number(digits, 10)?,
                _ => return None,
            };
            Some((byte, end + 2))
        }
        _ => None,
    }
}

/// The ASCII character with this number.
fn number(digits: &[u8], radix: u32) -> Option<u8> {
    let digits = std::str::from_utf8(digits).ok()?;
    let number = u8::from_str_radix(digits, radix).ok()?;
    number.is_ascii().then_some(number)
}
