//! Eight bytes at once. In each `u64` the first byte is the lowest.

const ONES: u64 = u64::from_le_bytes([1; 8]);
const LOW_HALVES: u64 = ONES * 0x0f;
const HIGH_HALVES: u64 = ONES * 0xf0;
const HIGHEST_BITS: u64 = ONES << 7;

/// The place of the first quotation mark, backslash or control character; 8 if there is none.
#[inline]
pub(crate) fn before_special(eight: u64) -> usize {
    /// Marks the lowest byte of 0, and maybe some above it.
    const fn zero(bytes: u64) -> u64 {
        bytes.wrapping_sub(ONES) & !bytes & HIGHEST_BITS
    }
    let quotation_mark = zero(eight ^ (ONES * b'"' as u64));
    let backslash = zero(eight ^ (ONES * b'\\' as u64));
    let control = eight.wrapping_sub(ONES * 0x20) & !eight & HIGHEST_BITS;
    (quotation_mark | backslash | control).trailing_zeros() as usize / 8
}

/// The number that eight decimal digits are.
#[inline]
pub(crate) fn decimal(eight: u64) -> Option<u32> {
    let digits = are_digits(eight)?;
    // Pairs, then fours, then all: the left one times its weight comes beside the right one.
    let pairs = (digits.wrapping_mul(10 << 8 | 1) >> 8) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs.wrapping_mul(100 << 16 | 1) >> 16) & 0x0000_ffff_0000_ffff;
    u32::try_from(fours.wrapping_mul(10_000 << 32 | 1) >> 32).ok()
}

/// Hours, minutes and seconds of `12:34:56`.
#[inline]
pub(crate) fn clock(eight: u64) -> Option<[u32; 3]> {
    const COLONS: u64 = u64::from_le_bytes([0, 0, b':', 0, 0, b':', 0, 0]);
    const THERE: u64 = u64::from_le_bytes([0, 0, 0xff, 0, 0, 0xff, 0, 0]);
    const ZEROS: u64 = u64::from_le_bytes([0, 0, b'0', 0, 0, b'0', 0, 0]);
    if eight & THERE != COLONS {
        return None;
    }
    let digits = are_digits(eight ^ COLONS ^ ZEROS)?;
    let pairs = (digits.wrapping_mul(10) + (digits >> 8)).to_le_bytes();
    Some([pairs[0], pairs[3], pairs[6]].map(u32::from))
}

/// The values of eight decimal digits, if they are.
#[inline]
fn are_digits(eight: u64) -> Option<u64> {
    let values = eight & LOW_HALVES;
    let begin = eight & HIGH_HALVES == ONES * 0x30;
    let end = (values + ONES * 6) & HIGH_HALVES == 0;
    (begin && end).then_some(values)
}

/// The number that eight hex digits are, if none is a capital.
#[inline]
pub(crate) fn hex(eight: u64) -> Option<u32> {
    // `0` to `9` are 0x30 to 0x39, and `a` to `f` 0x61 to 0x66.
    let letters = eight >> 6 & ONES;
    if eight & HIGH_HALVES != ONES * 0x30 + letters * 0x30 {
        return None;
    }
    let low = eight & LOW_HALVES;
    // Neither is a digit beyond 9 or a letter beyond `f`, nor a letter before `a`.
    let beyond = (low + ONES * 6 + letters * 3) & HIGH_HALVES;
    let before = ((low + letters * 0x0f) >> 4 & ONES) ^ letters;
    if beyond | before != 0 {
        return None;
    }
    let halves = (low + letters * 9).swap_bytes();
    let bytes = (halves | halves >> 4) & 0x00ff_00ff_00ff_00ff;
    let pairs = (bytes | bytes >> 8) & 0x0000_ffff_0000_ffff;
    u32::try_from((pairs | pairs >> 16) & 0xffff_ffff).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn eight(text: &str) -> u64 {
        u64::from_le_bytes(text.as_bytes().try_into().unwrap())
    }

    /// A text with each byte in each place.
    fn changed(text: &str) -> impl Iterator<Item = [u8; 8]> {
        let text: [u8; 8] = text.as_bytes().try_into().unwrap();
        (0..8 * 256_usize).map(move |n| {
            let mut changed = text;
            changed[n / 256] = n.to_le_bytes()[0];
            changed
        })
    }

    #[test]
    fn digits_are_their_number_and_nothing_else_is_one() {
        for text in ["00000000", "12345678", "90909090", "99999999"] {
            assert_eq!(decimal(eight(text)), text.parse().ok());
            for bytes in changed(text) {
                let number = str::from_utf8(&bytes)
                    .ok()
                    .filter(|text| !text.contains('+'));
                let number = number.and_then(|text| text.parse().ok());
                assert_eq!(decimal(u64::from_le_bytes(bytes)), number, "{bytes:?}");
            }
        }
    }

    #[test]
    fn small_hex_digits_are_their_number_and_nothing_else_is_one() {
        for text in ["00000000", "01234567", "89abcdef", "f0a9ffff", "aaaaaaaa"] {
            for bytes in changed(text) {
                let is_hex = |byte: &u8| b"0123456789abcdef".contains(byte);
                let number = bytes
                    .iter()
                    .all(is_hex)
                    .then(|| u32::from_str_radix(str::from_utf8(&bytes).unwrap(), 16).unwrap());
                assert_eq!(hex(u64::from_le_bytes(bytes)), number, "{bytes:?}");
            }
        }
    }

    #[test]
    fn a_time_of_day_is_read_and_nothing_else_is_one() {
        for text in ["00:00:00", "12:34:56", "99:99:99"] {
            for bytes in changed(text) {
                let number = |places: std::ops::Range<usize>| {
                    let digits = &bytes[places];
                    let all = digits.iter().all(u8::is_ascii_digit);
                    all.then(|| str::from_utf8(digits).unwrap().parse().unwrap())
                };
                let colons = bytes[2] == b':' && bytes[5] == b':';
                let read = colons
                    .then_some(())
                    .and_then(|()| Some([number(0..2)?, number(3..5)?, number(6..8)?]));
                assert_eq!(clock(u64::from_le_bytes(bytes)), read, "{bytes:?}");
            }
        }
    }

    #[test]
    fn the_first_special_byte_is_found() {
        let special = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..0x20);
        for text in ["xxxxxxxx", "a!#[]~\u{7f}b", "ab\"cd\\ef"] {
            for bytes in changed(text) {
                let place = bytes.iter().position(special).unwrap_or(8);
                assert_eq!(
                    before_special(u64::from_le_bytes(bytes)),
                    place,
                    "{bytes:?}"
                );
            }
        }
    }
}
