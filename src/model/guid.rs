//! The identifier that all attempts of one delivery share.

use std::fmt;

use super::stable_hash;

/// The globally unique identifier of an event, sent in the `X-GitHub-Delivery` header.
///
/// Every redelivery has the same GUID as the original, and so has every webhook that gets the event. Usually it is a UUID,
/// but any text is kept unchanged.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Guid(Box<str>);

impl Guid {
    /// Wraps `text` without changing it.
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// The GUID as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// 12 hex digits that represent the GUID in the state, where a whole one would take too much space.
    pub fn fingerprint(&self) -> String {
        fingerprint(&self.0)
    }
}

/// 12 hex digits that are the same for the same text in every version of this program.
pub(crate) fn fingerprint(text: &str) -> String {
    format!("{:012x}", stable_hash(text) >> 16)
}

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
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
    fn a_fingerprint_has_twelve_digits_and_differs_between_guids() {
        let fingerprint = |text| Guid::new(text).fingerprint();
        let one = fingerprint("0b989ba4-242f-11e5-81e1-c7b6966d2516");
        assert_eq!(one, "814df6af2cff", "it is the same in every version");
        assert_ne!(one, fingerprint("0b989ba4-242f-11e5-81e1-c7b6966d2517"));
        assert_eq!(fingerprint("").len(), 12);
    }

    #[test]
    fn guids_that_differ_only_in_case_are_different() {
        assert_ne!(
            Guid::new("0b989ba4-242f-11e5-81e1-c7b6966d2516"),
            Guid::new("0B989BA4-242f-11e5-81e1-c7b6966d2516")
        );
    }
}
