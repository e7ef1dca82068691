//! Who spoke, how that is known, and what they said.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ids::{Fingerprint, IamId, PersonName, SlackUser};
use crate::time::Timestamp;

/// Who spoke, and how that is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "how")]
pub enum Voice {
    /// A person of the directory, by an identity that was proven.
    Verified {
        person: PersonName,
        /// What was proven; unset where this machine's own user speaks, and in what was stored before it was kept.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        identity: Option<Identity>,
    },
    /// Somebody who held the request's token. All of them together are one voice, for nothing tells them apart.
    Reply,
}

/// A proven identity.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Identity {
    /// By a signed GetCallerIdentity.
    Iam(IamId),
    /// By Slack's signature.
    Slack(SlackUser),
}

impl Voice {
    /// One voice each: a person counts once, however many identities they speak with.
    pub fn is_same(&self, other: &Voice) -> bool {
        self.person() == other.person()
    }

    /// `None` for a reply, whose sender is only claimed.
    pub fn person(&self) -> Option<&PersonName> {
        match self {
            Voice::Verified { person, .. } => Some(person),
            Voice::Reply => None,
        }
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Identity::Iam(id) => write!(f, "IAM {id}"),
            Identity::Slack(user) => write!(f, "Slack {user}"),
        }
    }
}

impl fmt::Display for Voice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Voice::Verified { person, .. } => write!(f, "{person}"),
            Voice::Reply => f.write_str("a reply with the request's token"),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Answer {
    Approve,
    Reject,
}

/// What was said of a release: kept as long as the release is, whatever became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Heard {
    pub answer: Answer,
    #[serde(flatten)]
    pub vote: Vote,
}

/// An answer that was given: to one plan, by one voice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Vote {
    pub voice: Voice,
    /// The plan that they saw.
    pub fingerprint: Fingerprint,
    pub at: Timestamp,
    /// In their own words; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}
