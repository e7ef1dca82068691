//! What approvals a plan needs: what the environment's record insists on, and what the pushed config wishes.

use model::approval::Policy;
use model::ids::EnvironmentName;

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
            approvers: Vec::new(),
            self_approval: self.self_approval,
        }
    }
}

impl ServiceConfig {
    /// What approvals the config asks for in `environment`. It may ask for more than the floor, never for less, so
    /// both are taken together; saying nothing means at least one.
    pub fn policy(&self, environment: &EnvironmentName) -> Policy {
        let wished = self.environments.get(environment).and_then(|e| e.approval.required);
        Policy {
            required: wished.unwrap_or(REQUIRED_UNSET),
            replies: true,
            expires_hours: APPROVAL_WAIT_HOURS_MAX,
            approvers: Vec::new(),
            self_approval: true,
        }
    }
}
