//! Time and identities, read in one place so that everything else takes them as arguments.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::time::{SystemTime, UNIX_EPOCH};

/// Milliseconds since the epoch.
pub(crate) fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// 64 bits that do not repeat; of no use as a secret.
pub(crate) fn fresh() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// A UUID of version 4's shape.
pub(crate) fn uuid() -> String {
    let (a, b) = (fresh(), fresh());
    format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        a >> 32,
        (a >> 16) & 0xffff,
        a & 0xfff,
        0x8000 | ((b >> 48) & 0x3fff),
        b & 0xffff_ffff_ffff
    )
}
