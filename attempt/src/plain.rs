//! Reads a page that is spelled as GitHub spells it: a list of flat objects, whose texts have no escapes and whose times
//! end with `Z`. That takes less than half of the instructions of a parser for all of JSON, and in a healthy pass it is
//! most of what there is to do.
//!
//! A value that is spelled like the row before's, in the same place, is that row's; only the others are read.
//!
//! It is strict: whatever it accepts says the same to any parser, and for everything else there is serde. (Bytes that are no
//! UTF-8 it accepts in names, in what nobody reads, and in a [`Text`].)
//!
//! What each value goes through is marked for inlining: the static binary is compiled with a threshold that is too low
//! for it otherwise.

mod cursor;

use chrono::{DateTime, Utc};

use crate::{Attempt, AttemptId, Guid, Text};
use cursor::{Cursor, Day};

/// Most rows that GitHub puts on a page.
pub const ROWS: usize = 100;

/// The attempts of a page's body; `None` where anything is not as described above.
///
/// As a part of its caller it would be compiled for size, as that is.
#[inline(never)]
pub fn attempts(body: &[u8]) -> Option<Vec<Attempt<'_>>> {
    let mut rows = Rows {
        cursor: Cursor::new(body),
        before: Vec::with_capacity(FIELDS),
        values: Values::default(),
    };
    let mut attempts = Vec::with_capacity(ROWS);
    rows.cursor.take(b'[')?;
    if rows.cursor.next()? == b']' {
        rows.cursor.take(b']')?;
    } else {
        loop {
            attempts.push(rows.row()?);
            if rows.cursor.comma_or(b']')? == b']' {
                break;
            }
        }
    }
    // Nothing but space follows.
    let more = rows.cursor.next();
    (more.is_none() && rows.cursor.rest().is_empty()).then_some(attempts)
}

/// So many fields GitHub's rows have, or a few less.
const FIELDS: usize = 16;

/// What a name in a row stands for. As a number it is the bit by which a row remembers that it had this field; none for
/// others, of which there are many.
#[derive(Clone, Copy)]
#[repr(u16)]
enum Field {
    Other = 0,
    Id = 1 << 0,
    Guid = 1 << 1,
    DeliveredAt = 1 << 2,
    Redelivery = 1 << 3,
    Status = 1 << 4,
    StatusCode = 1 << 5,
    Event = 1 << 6,
    Action = 1 << 7,
    ThrottledAt = 1 << 8,
}

impl Field {
    #[inline]
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
    #[inline]
    const fn is_its_own(self) -> bool {
        matches!(self, Self::Id | Self::Guid | Self::DeliveredAt)
    }
}

/// Required fields.
const NEEDED: u16 = Field::Id as u16 | Field::Guid as u16 | Field::DeliveredAt as u16;

/// Reads row by row.
struct Rows<'a> {
    cursor: Cursor<'a>,
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
    /// The same with the value, and the comma or the brace after that.
    whole: &'a [u8],
}

/// What a row says, or the row before where this one has not said it yet.
#[derive(Default)]
struct Values<'a> {
    id: AttemptId,
    guid: Option<Guid>,
    delivered_at: DateTime<Utc>,
    /// The day of that time: most rows have the same.
    day: Day,
    redelivery: Option<bool>,
    status: &'a str,
    code: Option<i64>,
    event: &'a [u8],
    action: Option<&'a [u8]>,
    throttled: bool,
}

impl<'a> Rows<'a> {
    #[inline]
    fn row(&mut self) -> Option<Attempt<'a>> {
        let mut had = 0;
        self.cursor.take(b'{')?;
        for place in 0.. {
            let (field, end) = self.field(place)?;
            // What is said twice is said by nobody.
            if had & field as u16 != 0 {
                return None;
            }
            had |= field as u16;
            if end == b'}' {
                // What longer rows had beyond this is no longer what the values are.
                self.before.truncate(place + 1);
                break;
            }
        }
        if had & NEEDED != NEEDED {
            return None;
        }
        let has = |field: Field| had & field as u16 != 0;
        let values = &mut self.values;
        Some(Attempt {
            id: values.id,
            guid: values.guid.take()?,
            delivered_at: values.delivered_at,
            redelivery: values.redelivery.filter(|_| has(Field::Redelivery)),
            status: if has(Field::Status) {
                values.status
            } else {
                ""
            }
            .into(),
            code: values.code.filter(|_| has(Field::StatusCode)),
            throttled: values.throttled && has(Field::ThrottledAt),
            event: Text::from(if has(Field::Event) { values.event } else { b"" }),
            action: values.action.filter(|_| has(Field::Action)).map(Text::from),
        })
    }

    /// The row's field in this place, and the comma or the brace after it.
    #[inline]
    fn field(&mut self, place: usize) -> Option<(Field, u8)> {
        let start = self.cursor.rest();
        let (field, known) = match self.before.get(place) {
            Some(before) if !before.field.is_its_own() && begins(start, before.whole) => {
                self.cursor.skip(before.whole.len())?;
                return Some((before.field, *before.whole.last()?));
            }
            Some(before) if begins(start, before.name) => {
                self.cursor.skip(before.name.len())?;
                (before.field, before.field.is_its_own())
            }
            _ => {
                let field = Field::of(self.cursor.plain()?);
                self.cursor.take(b':')?;
                (field, false)
            }
        };
        let name = &start[..start.len() - self.cursor.rest().len()];
        self.value(field)?;
        let end = self.cursor.comma_or(b'}')?;
        if !known {
            let whole = &start[..start.len() - self.cursor.rest().len()];
            let spelled = Spelled { field, whole, name };
            match self.before.get_mut(place) {
                Some(before) => *before = spelled,
                None => self.before.push(spelled),
            }
        }
        Some((field, end))
    }

    #[inline]
    fn value(&mut self, field: Field) -> Option<()> {
        let (values, cursor) = (&mut self.values, &mut self.cursor);
        match field {
            Field::Id => values.id = AttemptId(cursor.unsigned()?),
            Field::Guid => values.guid = Some(cursor.guid()?),
            Field::DeliveredAt => values.delivered_at = cursor.time(&mut values.day)?,
            Field::Redelivery => values.redelivery = cursor.flag()?,
            Field::Status => {
                values.status = str::from_utf8(cursor.text_or_null()?.unwrap_or_default()).ok()?;
            }
            Field::StatusCode => values.code = cursor.integer_or_null()?,
            Field::Event => values.event = cursor.text_or_null()?.unwrap_or_default(),
            Field::Action => values.action = cursor.text_or_null()?,
            Field::ThrottledAt => values.throttled = !cursor.pass_over()?,
            Field::Other => {
                cursor.pass_over()?;
            }
        }
        Some(())
    }
}

/// Whether a text begins with these bytes. They are few, and a call of memcmp costs more than to compare them.
#[inline]
fn begins(text: &[u8], with: &[u8]) -> bool {
    let Some(text) = text.get(..with.len()) else {
        return false;
    };
    let (Some(end), Some(with_end)) = (text.last_chunk::<8>(), with.last_chunk::<8>()) else {
        return text.iter().eq(with);
    };
    let (mut text, mut with) = (text, with);
    // The end is what differs most.
    let mut same = u64::from_ne_bytes(*end) == u64::from_ne_bytes(*with_end);
    while same
        && let (Some((eight, rest)), Some((with_eight, with_rest))) =
            (text.split_first_chunk::<8>(), with.split_first_chunk::<8>())
    {
        same = u64::from_ne_bytes(*eight) == u64::from_ne_bytes(*with_eight);
        (text, with) = (rest, with_rest);
    }
    same
}

#[cfg(test)]
mod tests;
