//! Who may say yes to a plan, and what has been said.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::ids::Fingerprint;
use crate::time::Timestamp;

/// What a plan's approval needs: the pushed config and the environment's record taken together, the stricter
/// of both in every field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Policy {
    /// Distinct voices needed.
    pub required: u32,
    /// Whether a reply over SNS, whose sender is only claimed, may approve.
    pub replies: bool,
    pub expires_hours: u32,
}

impl Policy {
    /// Both policies must pass.
    pub fn tightened(&self, other: &Policy) -> Policy {
        Policy {
            required: self.required.max(other.required),
            replies: self.replies && other.replies,
            expires_hours: self.expires_hours.min(other.expires_hours),
        }
    }

    /// Whether `votes` carry the plan with this fingerprint.
    pub fn is_met(&self, votes: &[Vote], fingerprint: &Fingerprint) -> bool {
        let voices: BTreeSet<&Voice> = votes
            .iter()
            .filter(|vote| vote.fingerprint == *fingerprint)
            .map(|vote| &vote.voice)
            .filter(|voice| self.may_approve(voice))
            .collect();
        voices.len() as u64 >= u64::from(self.required)
    }

    pub fn may_approve(&self, voice: &Voice) -> bool {
        match voice {
            Voice::Verified { .. } => true,
            Voice::Reply => self.replies,
        }
    }
}

/// Who spoke, and how that is known.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "how")]
pub enum Voice {
    /// An identity that was proven.
    Verified { person: String },
    /// Somebody who held the request's token. All of them together are one voice, for nothing tells them apart.
    Reply,
}

impl std::fmt::Display for Voice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Voice::Verified { person } => f.write_str(person),
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

/// An approval that was given: for one plan, by one voice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Vote {
    pub voice: Voice,
    pub fingerprint: Fingerprint,
    pub at: Timestamp,
}
