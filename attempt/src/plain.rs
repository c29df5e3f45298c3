//! Reads a page that is spelled as GitHub spells it: a list of flat objects, whose texts have no escapes and whose times
//! end with `Z`. That takes a third of the instructions of a parser for all of JSON, and in a healthy pass it is
//! most of what there is to do.
//!
//! A value that is spelled like the row before's, in the same place, is that row's; only the others are read.
//!
//! It is strict: whatever it accepts says the same to any parser, and for everything else there is serde. (Bytes that are no
//! UTF-8 it accepts in what nobody reads.)

use chrono::{DateTime, NaiveDate, Utc};

use crate::{Attempt, AttemptId, Guid};

/// Most rows that GitHub puts on a page.
pub const ROWS: usize = 100;

/// The attempts of a page's body; `None` where anything is not as described above.
pub fn attempts(body: &[u8]) -> Option<Vec<Attempt<'_>>> {
    let mut cursor = Cursor {
        rest: body,
        before: Vec::with_capacity(FIELDS),
        values: Values::default(),
    };
    let mut attempts = Vec::with_capacity(ROWS);
    cursor.take(b'[')?;
    if cursor.next()? == b']' {
        cursor.take(b']')?;
    } else {
        loop {
            attempts.push(cursor.row()?);
            if cursor.comma_or(b']')? == b']' {
                break;
            }
        }
    }
    cursor.next().is_none().then_some(attempts)
}

/// So many fields GitHub's rows have, or a few less.
const FIELDS: usize = 16;

/// What a name in a row stands for.
#[derive(Clone, Copy)]
enum Field {
    Id,
    Guid,
    DeliveredAt,
    Redelivery,
    Status,
    StatusCode,
    Event,
    Action,
    ThrottledAt,
    Other,
}

impl Field {
    fn of(name: &[u8]) -> Self {
        match name {
            b"id" => Self::Id,
            b"guid" => Self::Guid,
            b"delivered_at" => Self::DeliveredAt,
            b"redelivery" => Self::Redelivery,
            b"status" => Self::Status,
            b"status_code" => Self::StatusCode,
            b"event" => Self::Event,
            b"action" => Self::Action,
            b"throttled_at" => Self::ThrottledAt,
            _ => Self::Other,
        }
    }

    /// Whether no two rows are expected to have the same value.
    const fn is_its_own(self) -> bool {
        matches!(self, Self::Id | Self::Guid | Self::DeliveredAt)
    }

    /// The bit by which a row remembers that it had this field; none for others, of which there are many.
    const fn bit(self) -> u16 {
        (1 << self as u16) & !(1 << Self::Other as u16)
    }
}

/// Without these a row is none.
const NEEDED: u16 = Field::Id.bit() | Field::Guid.bit() | Field::DeliveredAt.bit();

/// A place in a body. Each method reads something, or tells with `None` that it is not there.
struct Cursor<'a> {
    rest: &'a [u8],
    /// The fields of a row, in their order, as the row before has them. Rows are alike: most values are that
    /// row's as well, and need not be read again.
    before: Vec<Spelled<'a>>,
    values: Values<'a>,
}

/// A field as a row spells it.
struct Spelled<'a> {
    field: Field,
    /// The name, and the colon after it.
    name: &'a [u8],
    /// The value, and the comma or the brace after it.
    value: &'a [u8],
}

/// What a row says, or the row before where this one has not said it yet.
#[derive(Default)]
struct Values<'a> {
    id: AttemptId,
    guid: Option<Guid>,
    delivered_at: DateTime<Utc>,
    redelivery: Option<bool>,
    status: &'a str,
    code: Option<i64>,
    event: &'a str,
    action: Option<&'a str>,
    throttled: bool,
}

impl<'a> Cursor<'a> {
    fn row(&mut self) -> Option<Attempt<'a>> {
        let mut had = 0;
        self.take(b'{')?;
        for place in 0.. {
            let (field, end) = self.field(place)?;
            // What is said twice is said by nobody.
            if had & field.bit() != 0 {
                return None;
            }
            had |= field.bit();
            if end == b'}' {
                // What longer rows had beyond this is no longer what the values are.
                self.before.truncate(place + 1);
                break;
            }
        }
        if had & NEEDED != NEEDED {
            return None;
        }
        let guid = self.values.guid.take()?;
        let has = |field: Field| had & field.bit() != 0;
        let values = &self.values;
        let text = |field, text: &'a str| if has(field) { text } else { "" };
        Some(Attempt {
            id: values.id,
            guid,
            delivered_at: values.delivered_at,
            redelivery: values.redelivery.filter(|_| has(Field::Redelivery)),
            status: text(Field::Status, values.status).into(),
            code: values.code.filter(|_| has(Field::StatusCode)),
            throttled: values.throttled && has(Field::ThrottledAt),
            event: text(Field::Event, values.event).into(),
            action: values.action.filter(|_| has(Field::Action)).map(Into::into),
        })
    }

    /// The row's field in this place, and the comma or the brace after it.
    fn field(&mut self, place: usize) -> Option<(Field, u8)> {
        let start = self.rest;
        let before = self
            .before
            .get(place)
            .filter(|before| begins(start, before.name));
        let field = match before {
            Some(before) => {
                let (field, value) = (before.field, before.value);
                self.skip(before.name.len())?;
                if !field.is_its_own() && begins(self.rest, value) {
                    self.skip(value.len())?;
                    return Some((field, *value.last()?));
                }
                field
            }
            None => {
                let field = Field::of(self.plain()?);
                self.take(b':')?;
                field
            }
        };
        let from_value = self.rest;
        self.value(field)?;
        let end = self.comma_or(b'}')?;
        let (name, _) = start.split_at(start.len() - from_value.len());
        let (value, _) = from_value.split_at(from_value.len() - self.rest.len());
        let spelled = Spelled { field, name, value };
        match self.before.get_mut(place) {
            Some(before) => *before = spelled,
            None => self.before.push(spelled),
        }
        Some((field, end))
    }

    fn value(&mut self, field: Field) -> Option<()> {
        match field {
            Field::Id => self.values.id = AttemptId(self.unsigned()?),
            Field::Guid => self.values.guid = Some(self.guid()?),
            Field::DeliveredAt => self.values.delivered_at = utc(self.plain()?)?,
            Field::Redelivery => self.values.redelivery = self.flag()?,
            Field::Status => self.values.status = self.text_or_null()?.unwrap_or_default(),
            Field::StatusCode => self.values.code = self.integer_or_null()?,
            Field::Event => self.values.event = self.text_or_null()?.unwrap_or_default(),
            Field::Action => self.values.action = self.text_or_null()?,
            Field::ThrottledAt => self.values.throttled = !self.pass_over()?,
            Field::Other => {
                self.pass_over()?;
            }
        }
        Some(())
    }

    fn skip(&mut self, bytes: usize) -> Option<()> {
        self.rest = self.rest.get(bytes..)?;
        Some(())
    }

    /// The next byte that is no space, which stays where it is.
    fn next(&mut self) -> Option<u8> {
        loop {
            match self.rest.split_first()? {
                (b' ' | b'\n' | b'\r' | b'\t', rest) => self.rest = rest,
                (byte, _) => return Some(*byte),
            }
        }
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        (self.next()? == byte).then_some(())?;
        self.skip(1)
    }

    fn comma_or(&mut self, end: u8) -> Option<u8> {
        let byte = self.next()?;
        (byte == b',' || byte == end).then_some(())?;
        self.skip(1)?;
        Some(byte)
    }

    fn byte(&mut self, byte: u8) -> bool {
        match self.rest.split_first() {
            Some((first, rest)) if *first == byte => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    fn word(&mut self, word: &[u8]) -> bool {
        let rest = self.rest.strip_prefix(word);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn null(&mut self) -> Option<bool> {
        Some(self.next()? == b'n' && self.word(b"null"))
    }

    fn flag(&mut self) -> Option<Option<bool>> {
        match self.next()? {
            b't' => self.word(b"true").then_some(Some(true)),
            b'f' => self.word(b"false").then_some(Some(false)),
            _ => self.null()?.then_some(None),
        }
    }

    fn text(&mut self) -> Option<&'a str> {
        str::from_utf8(self.plain()?).ok()
    }

    /// A text's bytes, which stand for themselves.
    fn plain(&mut self) -> Option<&'a [u8]> {
        self.take(b'"')?;
        let (text, rest) = self.rest.split_at_checked(plain_length(self.rest)?)?;
        self.rest = rest.get(1..)?;
        Some(text)
    }

    fn guid(&mut self) -> Option<Guid> {
        if let Some((&text, [b'"', rest @ ..])) = self
            .rest
            .strip_prefix(b"\"")
            .and_then(<[u8]>::split_first_chunk)
            && let Some(guid) = Guid::of_uuid(&text)
        {
            self.rest = rest;
            return Some(guid);
        }
        self.text().map(Guid::new)
    }

    fn text_or_null(&mut self) -> Option<Option<&'a str>> {
        match self.null()? {
            true => Some(None),
            false => self.text().map(Some),
        }
    }

    /// A whole number of at most 19 digits: more may be too large.
    fn unsigned(&mut self) -> Option<u64> {
        self.next()?;
        let (digits, number) = self.digits()?;
        let more = matches!(self.rest.first(), Some(b'.' | b'e' | b'E'));
        (digits <= 19 && !more).then_some(number)
    }

    fn integer_or_null(&mut self) -> Option<Option<i64>> {
        if self.null()? {
            return Some(None);
        }
        // No code is negative.
        self.unsigned()?.try_into().ok().map(Some)
    }

    /// Digits without a leading zero: how many, and their number if they are 19 at most.
    fn digits(&mut self) -> Option<(usize, u64)> {
        let leading_zero = self.rest.first() == Some(&b'0');
        let (count, number) = self.any_digits()?;
        (count == 1 || !leading_zero).then_some((count, number))
    }

    fn any_digits(&mut self) -> Option<(usize, u64)> {
        let (mut count, mut number) = (0, 0_u64);
        for byte in self.rest {
            let digit = byte.wrapping_sub(b'0');
            if digit > 9 {
                break;
            }
            count += 1;
            number = number.wrapping_mul(10).wrapping_add(u64::from(digit));
        }
        self.skip(count)?;
        (count > 0).then_some((count, number))
    }

    /// Passes over a value of any sort but a list or an object. Tells whether it is null.
    fn pass_over(&mut self) -> Option<bool> {
        match self.next()? {
            b'"' => self.plain().map(|_| false),
            b't' | b'f' => self.flag().map(|_| false),
            b'n' => self.word(b"null").then_some(true),
            _ => self.pass_over_number().map(|()| false),
        }
    }

    fn pass_over_number(&mut self) -> Option<()> {
        self.byte(b'-');
        self.digits()?;
        if self.byte(b'.') {
            self.any_digits()?;
        }
        if self.byte(b'e') || self.byte(b'E') {
            let _signed = self.byte(b'+') || self.byte(b'-');
            self.any_digits()?;
        }
        Some(())
    }
}

/// Whether a text begins with these bytes. They are few, and a call of memcmp costs more than to compare them.
fn begins(text: &[u8], with: &[u8]) -> bool {
    /// The first `N` bytes and the last, which overlap or meet where there are no more than twice as many.
    fn at_both_ends<const N: usize>(a: &[u8], b: &[u8]) -> bool {
        a.first_chunk::<N>() == b.first_chunk() && a.last_chunk::<N>() == b.last_chunk()
    }
    let Some(text) = text.get(..with.len()) else {
        return false;
    };
    match with.len() {
        0..4 => text == with,
        4..8 => at_both_ends::<4>(text, with),
        8..=16 => at_both_ends::<8>(text, with),
        _ => at_both_ends::<8>(text, with) && text[8..] == with[8..],
    }
}

/// How many bytes there are before a quotation mark, if none of them is a backslash or a control character.
fn plain_length(bytes: &[u8]) -> Option<usize> {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    const HIGHEST: u64 = ONES << 7;
    /// Marks the lowest byte of 0, and maybe some above it.
    const fn zero(bytes: u64) -> u64 {
        bytes.wrapping_sub(ONES) & !bytes & HIGHEST
    }
    let mut length = 0;
    for eight in bytes.chunks_exact(8) {
        let eight = u64::from_le_bytes(eight.try_into().ok()?);
        let quotation_mark = zero(eight ^ (ONES * b'"' as u64));
        let backslash = zero(eight ^ (ONES * b'\\' as u64));
        let control = eight.wrapping_sub(ONES * 0x20) & !eight & HIGHEST;
        let found = quotation_mark | backslash | control;
        if found != 0 {
            length += found.trailing_zeros() as usize / 8;
            return (bytes[length] == b'"').then_some(length);
        }
        length += 8;
    }
    let rest = &bytes[length..];
    let end = rest
        .iter()
        .position(|&byte| byte == b'"' || byte == b'\\' || byte < 0x20)?;
    (rest[end] == b'"').then_some(length + end)
}

/// A time of the form `2026-11-22T12:00:00Z`, with or without a fraction of a second.
fn utc(text: &[u8]) -> Option<DateTime<Utc>> {
    let (at, after) = text.split_first_chunk::<19>()?;
    if [at[4], at[7], at[10], at[13], at[16]] != *b"--T::" {
        return None;
    }
    let nanos = match after {
        [b'Z'] => 0,
        [b'.', fraction @ .., b'Z'] if (1..=9).contains(&fraction.len()) => {
            number(fraction)? * 10_u32.pow(9 - u32::try_from(fraction.len()).ok()?)
        }
        _ => return None,
    };
    let (year, month, day) = (number(&at[..4])?, number(&at[5..7])?, number(&at[8..10])?);
    let (hour, minute, second) = (
        number(&at[11..13])?,
        number(&at[14..16])?,
        number(&at[17..])?,
    );
    let date = NaiveDate::from_ymd_opt(year.cast_signed(), month, day)?;
    let time = date.and_hms_nano_opt(hour, minute, second, nanos)?;
    Some(time.and_utc())
}

fn number(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |number, byte| {
        let digit = byte.wrapping_sub(b'0');
        (digit < 10).then(|| number * 10 + u32::from(digit))
    })
}

#[cfg(test)]
mod tests;
