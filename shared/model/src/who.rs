//! Whom a config or a record names: one person, or a group.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::ids::Malformed;

/// `user:ana` or `group:on-call`. Who that is, and who belongs to it, the platform's directory of people says.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Who {
    User(String),
    Group(String),
}

const ALLOWED: &str =
    "\"user:<name>\" or \"group:<name>\", the name 1 to 64 of letters, digits, '.', '_', '@' and '-'";

fn is_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'@' | b'-'))
}

impl FromStr for Who {
    type Err = Malformed;
    fn from_str(value: &str) -> Result<Self, Malformed> {
        match value.split_once(':') {
            Some(("user", name)) if is_name(name) => Ok(Who::User(name.to_owned())),
            Some(("group", name)) if is_name(name) => Ok(Who::Group(name.to_owned())),
            Some(_) | None => Err(Malformed {
                what: "person or group",
                value: crate::ids::excerpt(value),
                allowed: ALLOWED,
            }),
        }
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Who::User(name) => write!(f, "user:{name}"),
            Who::Group(name) => write!(f, "group:{name}"),
        }
    }
}

impl TryFrom<String> for Who {
    type Error = Malformed;
    fn try_from(value: String) -> Result<Self, Malformed> {
        value.parse()
    }
}

impl From<Who> for String {
    fn from(who: Who) -> String {
        who.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_and_a_group_of_one_name_are_two() {
        let ana: Who = "user:ana".parse().unwrap();
        assert_eq!(ana, Who::User("ana".to_owned()));
        assert_ne!(ana, "group:ana".parse().unwrap());
        assert_eq!(ana.to_string(), "user:ana");
        for bad in ["ana", "user:", "user:a b", "User:ana", "role:ana", "group:on-call:x", ""] {
            assert!(bad.parse::<Who>().is_err(), "{bad}");
        }
    }
}
