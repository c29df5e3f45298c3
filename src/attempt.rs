//! One row of a webhook's delivery log, as GitHub tells it.
//!
//! GitHub's API calls such a row a "delivery". Here a delivery is all attempts of one webhook that
//! share a GUID, and a row is an attempt.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use chrono::{DateTime, Utc};

/// The id of one attempt.
///
/// GitHub's ids passed 2^53 in 2026, so they are written as strings wherever JSON leaves us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttemptId(pub u64);

impl fmt::Display for AttemptId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

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
    pub fn of_uuid(text: &[u8; 36]) -> Option<Self> {
        uuid(text).map(|number| Self(Spelling::Uuid(number)))
    }
}

impl Guid {
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
fn uuid(text: &[u8; 36]) -> Option<u128> {
    if HYPHENS.iter().any(|&place| text[place] != b'-') {
        return None;
    }
    let mut wrong = 0;
    let mut number = |digits: &[u8]| {
        digits.iter().fold(0_u64, |number, &byte| {
            let digit = DIGITS[usize::from(byte)];
            wrong |= digit;
            number << 4 | u64::from(digit)
        })
    };
    let upper = number(&text[..8]) << 32 | number(&text[9..13]) << 16 | number(&text[14..18]);
    let lower = number(&text[19..23]) << 48 | number(&text[24..]);
    (wrong < 16).then_some(u128::from(upper) << 64 | u128::from(lower))
}

/// The value of each lower-case hex digit, and 255 for what is none.
const DIGITS: [u8; 256] = {
    let mut digits = [u8::MAX; 256];
    let mut digit = 0;
    while digit < 16 {
        digits[b"0123456789abcdef"[digit as usize] as usize] = digit;
        digit += 1;
    }
    digits
};

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

/// One row of the log. Its texts are borrowed from the page's body where they can be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt<'a> {
    /// What a redelivery names.
    pub id: AttemptId,
    /// What ties the attempts of one delivery together.
    pub guid: Guid,
    /// When GitHub made the attempt.
    pub delivered_at: DateTime<Utc>,
    /// False for the original, true for each redelivery. `None` where the log does not say.
    pub redelivery: Option<bool>,
    /// GitHub's words for what came of it, such as `OK` or `timed out`. Free text; may be empty.
    pub status: Cow<'a, str>,
    /// The receiver's HTTP status code. 0 where no connection came about.
    pub code: Option<i64>,
    /// GitHub delayed the attempt.
    pub throttled: bool,
    /// The event's name, such as `pull_request`.
    pub event: Cow<'a, str>,
    /// The event's action, such as `opened`.
    pub action: Option<Cow<'a, str>>,
}

/// What a receiver answered to an attempt.
#[derive(Clone, Debug, PartialEq)]
pub struct Response {
    /// Its status with the name it has, such as `503 Service Unavailable`.
    pub status: String,
    /// The beginning of its body.
    pub body: String,
    /// The body goes on.
    pub cut: bool,
    /// How long it took.
    pub duration: Option<Duration>,
}

/// What came of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The receiver answered with 2xx, or GitHub says `OK`.
    Succeeded,
    /// Everything else that has an outcome: 3xx and code 0 too.
    Failed,
    /// The log holds no outcome yet.
    Pending,
}

impl Attempt<'_> {
    /// Whether this is a redelivery. What does not say so counts as an original.
    pub fn is_redelivery(&self) -> bool {
        self.redelivery == Some(true)
    }

    /// What came of this attempt.
    ///
    /// GitHub's own filter counts 3xx as a success, but its receivers follow no redirect, so
    /// nothing was delivered.
    pub fn verdict(&self) -> Verdict {
        if self.status == "OK" || self.code.is_some_and(|code| (200..300).contains(&code)) {
            Verdict::Succeeded
        } else if self.code.is_none() && (self.status.is_empty() || self.throttled) {
            Verdict::Pending
        } else {
            Verdict::Failed
        }
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

    #[test]
    fn the_verdict_follows_code_and_status() {
        use Verdict::{Failed, Pending, Succeeded};
        let cases = [
            ("OK", Some(200), false, Succeeded),
            ("OK", None, false, Succeeded),
            ("", Some(204), false, Succeeded),
            ("Invalid HTTP Response: 302", Some(302), false, Failed),
            ("Invalid HTTP Response: 503", Some(503), false, Failed),
            ("Couldn't connect to server", Some(0), false, Failed),
            ("", Some(0), false, Failed),
            ("timed out", None, false, Failed),
            ("", None, false, Pending),
            ("", None, true, Pending),
            ("queued", None, true, Pending),
            ("Invalid HTTP Response: 500", Some(500), true, Failed),
            ("OK", Some(200), true, Succeeded),
        ];
        for (status, code, throttled, expected) in cases {
            let attempt = Attempt {
                id: AttemptId(1),
                guid: Guid::new("g"),
                delivered_at: DateTime::UNIX_EPOCH,
                redelivery: Some(false),
                status: status.into(),
                code,
                throttled,
                event: "push".into(),
                action: None,
            };
            assert_eq!(
                attempt.verdict(),
                expected,
                "{status:?} {code:?} {throttled}"
            );
        }
    }
}
