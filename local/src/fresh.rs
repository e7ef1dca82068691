//! Ids that nobody else has.

use std::hash::{BuildHasher, RandomState};

/// A random number; of no use as a secret. The standard library seeds each `RandomState` from the system.
pub(crate) fn number() -> u64 {
    RandomState::new().hash_one(0)
}

/// A random version 4 UUID.
pub(crate) fn uuid() -> String {
    let (high, low) = (number(), number());
    format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xfff,
        0x8000 | (low >> 48 & 0x3fff),
        low & 0xffff_ffff_ffff,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uuids_have_their_form_and_differ() {
        let one = uuid();
        assert_eq!(one.len(), 36);
        assert_eq!(one.split('-').map(str::len).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
        assert_ne!(one, uuid());
    }
}
