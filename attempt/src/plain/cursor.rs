//! Reads what stands next in a body. Each method tells with `None` that it is not there.

use chrono::{DateTime, NaiveDate, Utc};

use crate::{Guid, eight};

/// A place in a body.
pub(super) struct Cursor<'a> {
    rest: &'a [u8],
}

/// A day, and how it is spelled.
pub(super) struct Day {
    spelled: [u8; 10],
    date: NaiveDate,
}

impl Default for Day {
    fn default() -> Self {
        Self {
            spelled: *b"1970-01-01",
            date: NaiveDate::default(),
        }
    }
}

impl<'a> Cursor<'a> {
    pub(super) fn new(body: &'a [u8]) -> Self {
        Self { rest: body }
    }

    #[inline]
    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    #[inline]
    pub(super) fn skip(&mut self, bytes: usize) -> Option<()> {
        self.rest = self.rest.get(bytes..)?;
        Some(())
    }

    /// The next byte that is no space, which stays where it is.
    #[inline]
    pub(super) fn next(&mut self) -> Option<u8> {
        loop {
            match self.rest.split_first()? {
                (byte, _) if *byte > b' ' => return Some(*byte),
                (b' ' | b'\n' | b'\r' | b'\t', rest) => self.rest = rest,
                _ => return None,
            }
        }
    }

    #[inline]
    pub(super) fn take(&mut self, byte: u8) -> Option<()> {
        // Mostly it is there without a space before it.
        if self.byte(byte) {
            return Some(());
        }
        self.next()?;
        self.byte(byte).then_some(())
    }

    #[inline]
    pub(super) fn comma_or(&mut self, end: u8) -> Option<u8> {
        // Mostly a comma is there without a space before it.
        if self.byte(b',') {
            return Some(b',');
        }
        let byte = self.next()?;
        (byte == b',' || byte == end).then_some(())?;
        self.skip(1)?;
        Some(byte)
    }

    #[inline]
    fn byte(&mut self, byte: u8) -> bool {
        self.word(&[byte])
    }

    #[inline]
    fn word<const LENGTH: usize>(&mut self, word: &[u8; LENGTH]) -> bool {
        match self.rest.split_first_chunk() {
            Some((found, rest)) if found == word => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    #[inline]
    fn null(&mut self) -> Option<bool> {
        Some(self.next()? == b'n' && self.word(b"null"))
    }

    #[inline]
    pub(super) fn flag(&mut self) -> Option<Option<bool>> {
        match self.next()? {
            b't' => self.word(b"true").then_some(Some(true)),
            b'f' => self.word(b"false").then_some(Some(false)),
            _ => self.null()?.then_some(None),
        }
    }

    /// A text's bytes, which stand for themselves.
    #[inline]
    pub(super) fn plain(&mut self) -> Option<&'a [u8]> {
        self.take(b'"')?;
        let (text, rest) = self.rest.split_at_checked(plain_length(self.rest)?)?;
        self.rest = rest.get(1..)?;
        Some(text)
    }

    #[inline]
    pub(super) fn text_or_null(&mut self) -> Option<Option<&'a [u8]>> {
        match self.null()? {
            true => Some(None),
            false => self.plain().map(Some),
        }
    }

    #[inline]
    pub(super) fn guid(&mut self) -> Option<Guid> {
        if let Some((&text, [b'"', rest @ ..])) = self
            .rest
            .strip_prefix(b"\"")
            .and_then(<[u8]>::split_first_chunk)
            && let Some(guid) = Guid::of_uuid(&text)
        {
            self.rest = rest;
            return Some(guid);
        }
        let text = str::from_utf8(self.plain()?).ok()?;
        (!text.is_empty()).then(|| Guid::new(text))
    }

    /// A time of the form `2026-11-22T12:00:00Z`, with or without a fraction of a second. `day` is that of the time
    /// before, and becomes that of this one.
    #[inline]
    pub(super) fn time(&mut self, day: &mut Day) -> Option<DateTime<Utc>> {
        self.take(b'"')?;
        let (date, [b'T', rest @ ..]) = self.rest.split_first_chunk()? else {
            return None;
        };
        if *date != day.spelled {
            *day = Day {
                spelled: *date,
                date: read_date(date)?,
            };
        }
        let (time, rest) = rest.split_first_chunk()?;
        let [hour, minute, second] = eight::clock(u64::from_le_bytes(*time))?;
        self.rest = rest;
        let nanos = match self.byte(b'.') {
            true => self.fraction()?,
            false => 0,
        };
        self.word(b"Z\"").then_some(())?;
        let time = day.date.and_hms_nano_opt(hour, minute, second, nanos)?;
        Some(time.and_utc())
    }

    /// One to nine digits after a point, as billionths.
    #[inline]
    fn fraction(&mut self) -> Option<u32> {
        const WORTH: [u64; 9] = [
            100_000_000,
            10_000_000,
            1_000_000,
            100_000,
            10_000,
            1_000,
            100,
            10,
            1,
        ];
        let (count, number) = self.any_digits(0);
        u32::try_from(number * WORTH.get(count.checked_sub(1)?)?).ok()
    }

    /// A whole number of at most 19 digits: more may be too large.
    #[inline]
    pub(super) fn unsigned(&mut self) -> Option<u64> {
        let leading_zero = self.next()? == b'0';
        let (mut count, mut number) = (0, 0);
        while count < 16
            && let Some((eight, rest)) = self.rest.split_first_chunk()
            && let Some(digits) = eight::decimal(u64::from_le_bytes(*eight))
        {
            number = number * 100_000_000 + u64::from(digits);
            count += 8;
            self.rest = rest;
        }
        let (more, number) = self.any_digits(number);
        let ends = !matches!(self.rest.first(), Some(b'.' | b'e' | b'E'));
        (ends && is_count(count + more, leading_zero) && count + more <= 19).then_some(number)
    }

    #[inline]
    pub(super) fn integer_or_null(&mut self) -> Option<Option<i64>> {
        if self.null()? {
            return Some(None);
        }
        // No code is negative.
        self.unsigned()?.try_into().ok().map(Some)
    }

    /// How many digits follow, and their number after those that have been read.
    #[inline]
    fn any_digits(&mut self, read: u64) -> (usize, u64) {
        let (mut count, mut number) = (0, read);
        for byte in self.rest {
            let digit = byte.wrapping_sub(b'0');
            if digit > 9 {
                break;
            }
            count += 1;
            number = number.wrapping_mul(10).wrapping_add(u64::from(digit));
        }
        self.rest = &self.rest[count..];
        (count, number)
    }

    /// Passes over a value of any sort but a list or an object. Tells whether it is null.
    #[inline]
    pub(super) fn pass_over(&mut self) -> Option<bool> {
        match self.next()? {
            b'"' => self.plain().map(|_| false),
            b't' | b'f' => self.flag().map(|_| false),
            b'n' => self.word(b"null").then_some(true),
            _ => self.pass_over_number().map(|()| false),
        }
    }

    /// Passes over digits, and tells how many there were.
    #[inline]
    fn skip_digits(&mut self) -> usize {
        let end = self.rest.iter().position(|byte| !byte.is_ascii_digit());
        let count = end.unwrap_or(self.rest.len());
        self.rest = &self.rest[count..];
        count
    }

    #[inline]
    fn pass_over_number(&mut self) -> Option<()> {
        self.byte(b'-');
        let leading_zero = self.rest.first() == Some(&b'0');
        let count = self.skip_digits();
        let mut sound = is_count(count, leading_zero);
        if self.byte(b'.') {
            sound &= self.skip_digits() > 0;
        }
        if self.byte(b'e') || self.byte(b'E') {
            let _signed = self.byte(b'+') || self.byte(b'-');
            sound &= self.skip_digits() > 0;
        }
        sound.then_some(())
    }
}

/// Whether a number may have so many digits before its point: one at least, and none before them that says nothing.
#[inline]
fn is_count(digits: usize, leading_zero: bool) -> bool {
    digits == 1 || digits > 1 && !leading_zero
}

/// How many bytes there are before a quotation mark, if none of them is a backslash or a control character.
#[inline]
fn plain_length(bytes: &[u8]) -> Option<usize> {
    let mut rest = bytes;
    while let Some((eight, after)) = rest.split_first_chunk() {
        let before = eight::before_special(u64::from_le_bytes(*eight));
        if before < 8 {
            rest = &rest[before..];
            return (rest[0] == b'"').then_some(bytes.len() - rest.len());
        }
        rest = after;
    }
    let before = rest
        .iter()
        .position(|&byte| byte == b'"' || byte == b'\\' || byte < 0x20)?;
    (rest[before] == b'"').then_some(bytes.len() - rest.len() + before)
}

fn read_date(text: &[u8; 10]) -> Option<NaiveDate> {
    let [_, _, _, _, b'-', _, _, b'-', _, _] = text else {
        return None;
    };
    let number = |digits: &[u8]| {
        digits.iter().try_fold(0, |number, byte| {
            let digit = byte.wrapping_sub(b'0');
            (digit < 10).then(|| number * 10 + u32::from(digit))
        })
    };
    let year = number(&text[..4])?.cast_signed();
    NaiveDate::from_ymd_opt(year, number(&text[5..7])?, number(&text[8..])?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_text_is_found_wherever_it_is() {
        for length in 0..40 {
            let plain = "é".repeat(length / 2) + &"x".repeat(length % 2);
            for rest in ["", "1234567890"] {
                let whole = format!("{plain}\"{rest}");
                assert_eq!(plain_length(whole.as_bytes()), Some(length), "{whole}");
                for odd in ["\\", "\n", "\u{1f}", "\0"] {
                    let whole = format!("{plain}{odd}\"{rest}");
                    assert_eq!(plain_length(whole.as_bytes()), None, "{whole:?}");
                }
                assert_eq!(plain_length(format!("{plain}{rest}").as_bytes()), None);
            }
        }
    }

    fn time(text: &str, day: &mut Day) -> Option<DateTime<Utc>> {
        let text = format!("\"{text}\"");
        let mut cursor = Cursor::new(text.as_bytes());
        cursor.time(day).filter(|_| cursor.rest.is_empty())
    }

    #[test]
    fn githubs_own_spelling_of_a_time_is_read() {
        // Whatever the day before was.
        let mut day = Day::default();
        for text in [
            "2026-11-22T12:34:56Z",
            "2026-11-22T00:00:00Z",
            "2026-11-22T12:34:56.7Z",
            "2024-02-29T00:00:00.123456789Z",
            "2024-02-29T00:00:00.12345678Z",
            "0000-01-01T23:59:59.000Z",
            "1970-01-01T00:00:00Z",
        ] {
            assert_eq!(time(text, &mut day), Some(text.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn other_times_and_what_is_none_are_left_to_chrono() {
        for text in [
            "",
            "2026-11-22 12:34:56Z",
            "2026-11-22T12:34:56",
            "2026-11-22T12:34:56.Z",
            "2026-11-22T12:34:56.1234567890Z",
            "2026-11-22T12:34:56+00:00",
            "2023-02-29T00:00:00Z",
            "2026-11-22T24:00:00Z",
            "2016-12-31T23:59:60Z",
            "2026-11-22T1:34:56.7Z",
            "2026-11-22T12:34:+6Z",
            "2026+11-22T12:34:56Z",
            "+026-11-22T12:34:56Z",
        ] {
            assert_eq!(time(text, &mut Day::default()), None, "{text}");
        }
    }

    #[test]
    fn numbers_of_any_length_are_read_to_their_last_digit() {
        for length in 1..=19 {
            let text = &"1234567890123456789"[..length];
            for after in ["", ",", "}      ", "/       ", ":       "] {
                let whole = format!("{text}{after}");
                let mut cursor = Cursor::new(whole.as_bytes());
                assert_eq!(cursor.unsigned(), text.parse().ok(), "{whole}");
                assert_eq!(cursor.rest, after.as_bytes());
            }
        }
    }
}
