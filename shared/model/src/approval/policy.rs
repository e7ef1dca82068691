//! What a plan's approval needs.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::ids::{GroupName, Malformed, PersonName};

/// What a plan's approval needs: of the pushed config, of the environment's record, or of both taken together, the
/// stricter of both in every field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Policy {
    /// Distinct voices needed.
    pub required: u32,
    /// Whether a reply over SNS, whose sender is only claimed, may approve.
    pub replies: bool,
    pub expires_hours: u32,
    /// Who may approve: every list must name the person, itself or by a group. No list: everybody in the directory.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approvers: Vec<BTreeSet<Approver>>,
    /// Whether those who pushed, wrote or asked for it may approve it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub self_approval: bool,
}

fn is_false(value: &bool) -> bool {
    !value
}

impl Policy {
    /// Both policies must pass.
    pub fn tightened(&self, other: &Policy) -> Policy {
        let mut approvers = self.approvers.clone();
        approvers.extend(other.approvers.iter().filter(|list| !self.approvers.contains(list)).cloned());
        Policy {
            required: self.required.max(other.required),
            replies: self.replies && other.replies,
            expires_hours: self.expires_hours.min(other.expires_hours),
            approvers,
            self_approval: self.self_approval && other.self_approval,
        }
    }
}

/// `user:<person>` or `group:<group>`, as records and configs write it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Approver {
    User(PersonName),
    Group(GroupName),
}

impl fmt::Display for Approver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Approver::User(person) => write!(f, "user:{person}"),
            Approver::Group(group) => write!(f, "group:{group}"),
        }
    }
}

impl FromStr for Approver {
    type Err = Malformed;
    fn from_str(value: &str) -> Result<Self, Malformed> {
        match value.split_once(':') {
            Some(("user", person)) => Ok(Approver::User(person.parse()?)),
            Some(("group", group)) => Ok(Approver::Group(group.parse()?)),
            Some(_) | None => Err(Malformed {
                what: "approver",
                value: value.chars().take(80).collect(),
                allowed: "user:<person> or group:<group>",
            }),
        }
    }
}

impl TryFrom<String> for Approver {
    type Error = Malformed;
    fn try_from(value: String) -> Result<Self, Malformed> {
        value.parse()
    }
}

impl From<Approver> for String {
    fn from(approver: Approver) -> String {
        approver.to_string()
    }
}
