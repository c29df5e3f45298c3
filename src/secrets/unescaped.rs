//! Text without the escapes of URLs, JSON and HTML, and where each byte of it stood.

use std::borrow::Cow;

/// A text without escapes. Only ASCII is unescaped: no more is in tokens and URLs.
pub(super) struct Unescaped<'a> {
    pub(super) bytes: Cow<'a, [u8]>,
    /// Where each byte stood, and the text's end; empty where nothing was escaped.
    places: Vec<usize>,
}

impl<'a> Unescaped<'a> {
    /// The text as it is.
    pub(super) fn none_in(text: &'a str) -> Self {
        Self {
            bytes: text.as_bytes().into(),
            places: Vec::new(),
        }
    }

    pub(super) fn new(text: &'a str) -> Self {
        let escapes = |byte: &u8| matches!(byte, b'%' | b'\\' | b'&');
        if !text.as_bytes().iter().any(escapes) {
            return Self::none_in(text);
        }
        let (mut bytes, mut places) = (Vec::new(), Vec::new());
        let mut at = 0;
        while at < text.len() {
            let rest = &text.as_bytes()[at..];
            let (byte, length) = escaped(rest).unwrap_or((rest[0], 1));
            bytes.push(byte);
            places.push(at);
            at += length;
        }
        places.push(text.len());
        Self {
            bytes: bytes.into(),
            places,
        }
    }

    /// False if nothing in the text looks like an escape.
    pub(super) fn is_changed(&self) -> bool {
        !self.places.is_empty()
    }

    /// Where in the text a byte of `bytes` stood.
    pub(super) fn place_of(&self, byte: usize) -> usize {
        self.places.get(byte).copied().unwrap_or(byte)
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
}

/// The byte that an escape at the start of a text stands for, and the escape's length.
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

/// An ASCII character's number.
fn number(digits: &[u8], radix: u32) -> Option<u8> {
    let digits = std::str::from_utf8(digits).ok()?;
    let number = u8::from_str_radix(digits, radix).ok()?;
    number.is_ascii().then_some(number)
}
