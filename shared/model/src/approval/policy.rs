//! What a plan's approval needs.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::who::Who;

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
    pub approvers: Vec<BTreeSet<Who>>,
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
