//! What approvals a plan needs.

use model::approval::Policy;
use model::ids::EnvironmentName;

use crate::config::ServiceConfig;
use crate::record::{EnvironmentRecord, Floor};

/// What the pushed file asks for when it says nothing.
const REQUIRED_UNSET: u32 = 1;

impl Floor {
    /// The floor alone.
    pub fn policy(&self) -> Policy {
        Policy { required: self.approvals, replies: self.replies, expires_hours: self.expires_hours }
    }
}

impl ServiceConfig {
    /// What approvals a plan for `environment` needs. A config may ask for more than the floor, never for less, and
    /// saying nothing means at least one.
    pub fn policy(&self, environment: &EnvironmentName, record: &EnvironmentRecord) -> Policy {
        let wished = self.environments.get(environment).map(|own| &own.approval);
        let floor = record.floor.policy();
        let required = wished.and_then(|wished| wished.required).unwrap_or(REQUIRED_UNSET);
        let expires_hours = wished.and_then(|wished| wished.expires_hours).unwrap_or(floor.expires_hours);
        Policy {
            required: required.max(floor.required),
            expires_hours: expires_hours.min(floor.expires_hours),
            ..floor
        }
    }
}
