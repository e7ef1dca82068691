//! What is stored, as bytes: JSON beside the number of its form.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::text::excerpt;

/// The form that is written. Another number is another form: readers refuse it instead of guessing.
pub const FORMAT: u64 = 1;

/// DynamoDB's limit for an item, less what keys and the other attributes need.
///
/// Source: DynamoDB developer guide, "Quotas" (400 KB).
pub const BODY_BYTES_MAX: usize = 400 * 1024 - 4 * 1024;

/// Errors quote at most this much of what the parser says, which may repeat a whole text of the body.
const REASON_CHARS: usize = 300;

/// Why something stored cannot be read. It is left as it is: what cannot be read is never written over.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    #[error(
        "its format is {0}, and this version of Tidegate reads {FORMAT}: install the version that wrote it, or a newer one"
    )]
    OtherFormat(u64),
    #[error("its body is not right: {0}")]
    Body(String),
}

/// Why something cannot be stored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unstorable {
    #[error("{bytes} bytes are more than the {BODY_BYTES_MAX} that an item can hold")]
    TooLong { bytes: usize },
    #[error("it has no form in JSON: {0}")]
    NoJson(String),
}

/// The body of a track, a release, a build or the patrol's place, in the form of [`FORMAT`].
pub fn write(content: &impl Serialize) -> Result<String, Unstorable> {
    let body = serde_json::to_string(content).map_err(|error| Unstorable::NoJson(error.to_string()))?;
    if body.len() > BODY_BYTES_MAX {
        return Err(Unstorable::TooLong { bytes: body.len() });
    }
    Ok(body)
}

/// What [`write`] wrote.
pub fn read<T: DeserializeOwned>(format: u64, body: &str) -> Result<T, Unreadable> {
    if format != FORMAT {
        return Err(Unreadable::OtherFormat(format));
    }
    serde_json::from_str(body).map_err(|error| Unreadable::Body(excerpt(&error.to_string(), REASON_CHARS)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::track::Track;

    #[test]
    fn a_newer_format_is_refused_with_what_to_do_whatever_its_body() {
        for body in ["{}", "", "not JSON"] {
            let refused = read::<Track>(FORMAT + 1, body).unwrap_err().to_string();
            insta::allow_duplicates! {
                insta::assert_snapshot!(refused, @"its format is 2, and this version of Tidegate reads 1: install the version that wrote it, or a newer one");
            }
        }
    }

    #[test]
    fn a_body_that_is_not_right_is_told_in_few_words() {
        let torn = read::<Track>(FORMAT, "{\"key\":\"payments/production\"}").unwrap_err();
        insta::assert_snapshot!(torn, @"its body is not right: missing field `version` at line 1 column 29");
        let long = format!("{{\"key\":{:?}}}", "\u{202e}".repeat(100_000));
        let told = read::<Track>(FORMAT, &long).unwrap_err().to_string();
        assert!(told.chars().count() < 400 && !told.contains('\u{202e}'), "{told}");
        let told =
            read::<Track>(FORMAT, &format!("{{\"liv{}\":1}}", "e".repeat(100_000))).unwrap_err().to_string();
        assert!(told.chars().count() < 400, "{told}");
    }
}
