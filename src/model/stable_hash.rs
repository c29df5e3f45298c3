//! A hash that never changes, for values that one pass stores and another compares.

/// The FNV-1a hash of `text`. The standard library's hashes may differ between versions, so they can't be stored.
pub(crate) fn stable_hash(text: &str) -> u64 {
    const OFFSET_BASIS: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0100_0000_01b3;
    text.bytes().fold(OFFSET_BASIS, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(PRIME)
    })
}
