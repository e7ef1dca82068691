//! The platform's records: what whoever runs the platform says about a repository and an environment.

mod environment;
mod floor;
mod prober;
mod service;

pub use environment::{EnvironmentRecord, Policy as AllowedPolicy};
pub use floor::{Caps, Floor, May};
pub use prober::Prober;
pub use service::{LogGroupArn, ServiceRecord};

use crate::faults::Faults;
use crate::limits::GRANTS_MAX;
use crate::reader::{self, Object};

pub(super) fn text(
    record: &Object<'_>,
    key: &str,
    allowed: &str,
    valid: impl Fn(&str) -> bool,
    faults: &mut Faults,
) -> Option<String> {
    let (value, path) = record.required(key, allowed, faults)?;
    reader::text(value, &path, allowed, valid, faults).map(str::to_owned)
}

/// `None` when it is given and wrong.
pub(super) fn optional(
    record: &Object<'_>,
    key: &str,
    allowed: &str,
    valid: impl Fn(&str) -> bool,
    faults: &mut Faults,
) -> Option<Option<String>> {
    match record.get(key) {
        None => Some(None),
        Some((value, path)) => {
            reader::text(value, &path, allowed, valid, faults).map(|text| Some(text.to_owned()))
        }
    }
}

/// A list that may be left out.
pub(super) fn texts(
    record: &Object<'_>,
    key: &str,
    allowed: &str,
    valid: impl Fn(&str) -> bool,
    faults: &mut Faults,
) -> Option<Vec<String>> {
    let Some((value, path)) = record.get(key) else {
        return Some(Vec::new());
    };
    reader::list(value, &path, 0..=GRANTS_MAX, "texts", faults, |value, path, faults| {
        reader::text(value, path, allowed, &valid, faults).map(str::to_owned)
    })
}

/// Printable ASCII without blanks, commas and quotes: nothing that a parameter or a message could take apart.
pub(super) fn is_word(text: &str) -> bool {
    const BYTES_MAX: usize = 1_024;
    (1..=BYTES_MAX).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b',' | b'"' | b'\'' | b'@'))
}

pub(super) fn is_arn(text: &str) -> bool {
    is_word(text) && text.starts_with("arn:") && text.split(':').count() >= 6
}

pub(super) fn is_id(text: &str, prefix: &str) -> bool {
    text.strip_prefix(prefix)
        .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'))
}
