//! What names a restore drill, and the copy that it makes.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::database::DatabaseKey;
use crate::ids::Malformed;

/// Sixteen hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DrillId(String);

const DIGITS: usize = 16;
const BYTES: usize = DIGITS / 2;
/// Begins the name of every copy, and of nothing else: the role in `template.yaml` deletes nothing of another name.
pub const COPY_PREFIX: &str = "tidegate-drill-";

impl DrillId {
    /// The same order of the same database is the same drill.
    pub fn of(database: &DatabaseKey, order: &str) -> Self {
        let digest = Sha256::digest(format!("{database} {order}"));
        Self(digest.iter().take(BYTES).map(|byte| format!("{byte:02x}")).collect())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name of its copy. RDS takes at most 63 characters, and no two hyphens in a row.
    pub fn copy(&self) -> String {
        format!("{COPY_PREFIX}{self}")
    }
}

impl FromStr for DrillId {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let is_digit = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        if text.len() == DIGITS && text.bytes().all(is_digit) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Malformed {
                what: "the id of a drill",
                value: crate::text::excerpt(text, DIGITS),
                allowed: "16 hexadecimal digits in small letters",
            })
        }
    }
}

impl TryFrom<String> for DrillId {
    type Error = Malformed;

    fn try_from(text: String) -> Result<Self, Malformed> {
        text.parse()
    }
}

impl From<DrillId> for String {
    fn from(id: DrillId) -> Self {
        id.0
    }
}

impl fmt::Display for DrillId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_names_one_drill_and_its_copy() {
        let payments = DatabaseKey::new("instance", "payments").unwrap();
        let id = DrillId::of(&payments, "cli-1");
        assert_eq!(id, DrillId::of(&payments, "cli-1"));
        assert_ne!(id, DrillId::of(&payments, "cli-2"));
        assert_eq!(id.as_str().parse::<DrillId>().unwrap(), id);
        assert_eq!(id.copy(), format!("tidegate-drill-{id}"));
        for text in ["", "0123456789abcde", "0123456789abcdef0", "0123456789ABCDEF", "tidegate-drill-x"] {
            assert!(text.parse::<DrillId>().is_err(), "{text:?}");
        }
    }
}
