//! What ties the attempts of one delivery together.

use std::fmt;

use crate::eight;

/// The globally unique identifier of an event, the value of its `X-GitHub-Delivery` header.
///
/// It is the same for every redelivery, and for every webhook that gets the event. A UUID in its
/// usual spelling is kept as a number, because a healthy log makes one of these for each row.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Guid(Spelling);

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Spelling {
    Uuid(u128),
    Other(Box<str>),
}

/// Where the hyphens of a UUID stand.
const HYPHENS: [usize; 4] = [8, 13, 18, 23];

impl Guid {
    /// Keeps `text` exactly: what is displayed later is what came in.
    pub fn new(text: &str) -> Self {
        let uuid = text.as_bytes().try_into().ok().and_then(Self::of_uuid);
        uuid.unwrap_or_else(|| Self(Spelling::Other(text.into())))
    }

    /// The same for a UUID in its usual spelling, and `None` for anything else.
    #[inline]
    pub fn of_uuid(text: &[u8; 36]) -> Option<Self> {
        uuid(text).map(|number| Self(Spelling::Uuid(number)))
    }

    /// The text of one that is no UUID.
    pub(crate) fn odd(&self) -> Option<&str> {
        match &self.0 {
            Spelling::Uuid(_) => None,
            Spelling::Other(text) => Some(text),
        }
    }

    /// Whether it is one of these. (Compared one by one, which has to be compiled for speed: see `plain::attempts`.)
    #[inline(never)]
    pub fn is_among(&self, guids: &[Self]) -> bool {
        guids.contains(self)
    }

    /// 12 hex digits that tell it from others: the first of a UUID, which hold the time it was made.
    pub fn digits(&self) -> String {
        match &self.0 {
            Spelling::Uuid(number) => format!("{:012x}", number >> 80),
            // FNV-1a, which never changes from one version of this program to the next.
            Spelling::Other(text) => {
                let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
                    (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
                });
                format!("{:012x}", hash >> 16)
            }
        }
    }
}

/// The number of a UUID that is spelled in the one way that [`Guid`] can spell back.
#[inline]
fn uuid(text: &[u8; 36]) -> Option<u128> {
    if HYPHENS.iter().any(|&place| text[place] != b'-') {
        return None;
    }
    let four = |place: usize| {
        let four = text[place..].first_chunk();
        four.map(|four| u64::from(u32::from_le_bytes(*four)))
    };
    let eight = |[first, second]: [usize; 2]| {
        let digits = four(first)? | four(second)? << 32;
        eight::hex(digits).map(u128::from)
    };
    let number = eight([0, 4])? << 96 | eight([9, 14])? << 64 | eight([19, 24])? << 32;
    Some(number | eight([28, 32])?)
}

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Spelling::Other(text) => f.write_str(text),
            Spelling::Uuid(number) => write!(
                f,
                "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
                number >> 96,
                (number >> 80) & 0xffff,
                (number >> 64) & 0xffff,
                (number >> 48) & 0xffff,
                number & 0xffff_ffff_ffff
            ),
        }
    }
}

impl fmt::Debug for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Guid({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guid_is_displayed_exactly_as_it_came() {
        for text in [
            "0b989ba4-242f-11e5-81e1-c7b6966d2516",
            "00000000-0000-0000-0000-000000000000",
            "ffffffff-ffff-ffff-ffff-ffffffffffff",
            "0B989BA4-242f-11e5-81e1-c7b6966d2516",
            "0b989ba4x242f-11e5-81e1-c7b6966d2516",
            "0b989ba4-242f-11e5-81e1-c7b6966d251é",
            "0b989ba4242f11e581e1c7b6966d25160000",
            "no uuid",
            "",
        ] {
            assert_eq!(Guid::new(text).to_string(), text);
        }
    }

    #[test]
    fn twelve_digits_tell_guids_apart() {
        let digits = |text| Guid::new(text).digits();
        assert_eq!(
            digits("0b989ba4-242f-11e5-81e1-c7b6966d2516"),
            "0b989ba4242f"
        );
        assert_eq!(
            digits("00000000-0001-11e5-81e1-c7b6966d2516"),
            "000000000001"
        );
        assert_eq!(digits("no uuid").len(), 12);
        assert_ne!(digits("no uuid"), digits("no uuie"));
    }

    #[test]
    fn guids_that_differ_only_in_case_are_two() {
        assert_ne!(
            Guid::new("0b989ba4-242f-11e5-81e1-c7b6966d2516"),
            Guid::new("0B989BA4-242f-11e5-81e1-c7b6966d2516")
        );
    }
}
