//! Ids in GitHub's answers.

use std::fmt;

use serde::Deserializer;
use serde::de::{Error, Visitor};

/// An id, which is a number. The ids of attempts are above 2^53, so a proxy that rewrites JSON may turn them into strings.
pub(crate) fn number_or_text<'de, D: Deserializer<'de>>(value: D) -> Result<u64, D::Error> {
    value.deserialize_any(IdVisitor)
}

struct IdVisitor;

impl Visitor<'_> for IdVisitor {
    type Value = u64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an id")
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<u64, E> {
        Ok(number)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<u64, E> {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        let number = text.parse().ok().filter(|_| digits);
        number.ok_or_else(|| E::custom("`id` is not a number"))
    }
}
