//! What names a restore drill, the copy that it makes, and the call of its check.

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
        Self(in_hex(&Sha256::digest(format!("{database} {order}"))[..BYTES]))
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

/// What a check's function is called with, and what its answer must carry: 32 hexadecimal digits, chosen by nobody. Whoever
/// has it may answer, so it is never shown (I9); the table has its hash alone.
#[derive(Clone, PartialEq, Eq)]
pub struct AnswerKey(String);

/// The SHA-256 of an [`AnswerKey`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnswerKeyHash(String);

const KEY_BYTES: usize = 16;

impl AnswerKey {
    pub fn new(random: [u8; KEY_BYTES]) -> Self {
        Self(in_hex(&random))
    }

    /// `None` for what never was a key.
    pub fn read(text: &str) -> Option<Self> {
        (text.len() == 2 * KEY_BYTES && text.bytes().all(is_digit)).then(|| Self(text.to_owned()))
    }

    /// For the call alone.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    pub fn hash(&self) -> AnswerKeyHash {
        AnswerKeyHash(in_hex(&Sha256::digest(&self.0)))
    }
}

impl fmt::Debug for AnswerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AnswerKey(hidden)")
    }
}

fn in_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn is_digit(byte: u8) -> bool {
    byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)
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

    #[test]
    fn a_key_is_never_shown_and_its_hash_tells_it_from_others() {
        let key = AnswerKey::new([7; 16]);
        assert_eq!(AnswerKey::read(key.reveal()), Some(key.clone()));
        assert!(!format!("{key:?}").contains("07"), "{key:?}");
        assert!(!format!("{:?}", key.hash()).contains(key.reveal()));
        assert_ne!(key.hash(), AnswerKey::new([8; 16]).hash());
        for text in ["", &"0".repeat(31), &"0".repeat(33), &"G".repeat(32), &"A".repeat(32)] {
            assert!(AnswerKey::read(text).is_none(), "{text:?}");
        }
    }
}
