//! What names a database, or something beside one, in the table and in messages to the notifier.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::ids::Malformed;
use crate::text::is_unseen;

/// `<kind>/<name>`: `instance/payments`, `cluster/orders`, `replication-task/orders-sync`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DatabaseKey(String);

/// Kind and name together; the longest name, a snapshot's, has 255.
const KEY_CHARS_MAX: usize = 300;

impl DatabaseKey {
    pub fn new(kind: &str, name: &str) -> Result<Self, Malformed> {
        format!("{kind}/{name}").parse()
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn kind(&self) -> &str {
        self.0.split_once('/').map_or("", |(kind, _)| kind)
    }

    pub fn name(&self) -> &str {
        self.0.split_once('/').map_or("", |(_, name)| name)
    }

    /// 64 characters that every queue takes as a group.
    pub fn group(&self) -> String {
        Sha256::digest(&self.0).iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl FromStr for DatabaseKey {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let well_formed = text.split_once('/').is_some_and(|(kind, name)| {
            !kind.is_empty() && kind.bytes().all(|b| b.is_ascii_lowercase() || b == b'-') && !name.is_empty()
        });
        if well_formed && text.chars().count() <= KEY_CHARS_MAX && !text.chars().any(is_unseen) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Malformed {
                what: "the key of a database",
                value: crate::text::excerpt(text, KEY_CHARS_MAX),
                allowed: "<kind>/<name>, at most 300 characters, none of them unseen",
            })
        }
    }
}

impl TryFrom<String> for DatabaseKey {
    type Error = Malformed;

    fn try_from(text: String) -> Result<Self, Malformed> {
        text.parse()
    }
}

impl From<DatabaseKey> for String {
    fn from(key: DatabaseKey) -> Self {
        key.0
    }
}

impl fmt::Display for DatabaseKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_reads_back_and_tells_its_parts() {
        let key = DatabaseKey::new("snapshot", "rds:payments-2026-03-02/a").unwrap();
        assert_eq!((key.kind(), key.name()), ("snapshot", "rds:payments-2026-03-02/a"));
        assert_eq!(key.to_string().parse::<DatabaseKey>().unwrap(), key);
        assert_eq!(key.group().len(), 64);
    }

    #[test]
    fn what_names_nothing_or_hides_something_is_no_key() {
        let long = format!("instance/{}", "a".repeat(KEY_CHARS_MAX));
        for text in ["", "payments", "/payments", "instance/", "Instance/a", "instance/a\u{202e}b", &long] {
            assert!(text.parse::<DatabaseKey>().is_err(), "{text:?}");
        }
    }
}
