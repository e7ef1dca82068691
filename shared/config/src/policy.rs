//! What approvals a plan needs: what the environment's record insists on, and what the pushed config wishes.

use std::collections::BTreeSet;

use model::approval::Policy;
use model::ids::EnvironmentName;
use model::who::Who;

use crate::config::ServiceConfig;
use crate::limits::APPROVAL_WAIT_HOURS_MAX;
use crate::record::Floor;

/// What the pushed file asks for when it says nothing.
const REQUIRED_UNSET: u32 = 1;

impl Floor {
    /// The floor alone.
    pub fn policy(&self) -> Policy {
        Policy {
            required: self.approvals,
            replies: self.replies,
            expires_hours: self.expires_hours,
            approvers: list(&self.approvers),
            self_approval: self.self_approval,
        }
    }

    /// What going back to what ran needs.
    pub fn rollback_policy(&self) -> Policy {
        Policy { required: self.rollback_approvals, ..self.policy() }
    }
}

impl ServiceConfig {
    /// What approvals the config asks for in `environment`. It may ask for more than the floor, never for less, so
    /// both are taken together; saying nothing means at least one.
    pub fn policy(&self, environment: &EnvironmentName) -> Policy {
        let wished = self.environments.get(environment).map(|own| &own.approval);
        Policy {
            required: wished.and_then(|wished| wished.required).unwrap_or(REQUIRED_UNSET),
            replies: true,
            expires_hours: wished.and_then(|wished| wished.expires_hours).unwrap_or(APPROVAL_WAIT_HOURS_MAX),
            approvers: wished.map(|wished| list(&wished.approvers)).unwrap_or_default(),
            self_approval: true,
        }
    }
}

/// An empty list names nobody in particular: whoever is known may approve.
fn list(approvers: &[Who]) -> Vec<BTreeSet<Who>> {
    if approvers.is_empty() { Vec::new() } else { vec![approvers.iter().cloned().collect()] }
}
