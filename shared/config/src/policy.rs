//! What approvals a plan needs.

use model::ids::EnvironmentName;
use serde::{Deserialize, Serialize};

use crate::config::ServiceConfig;
use crate::record::EnvironmentRecord;

/// The config's wish and the environment's floor, both kept: the larger number, the shorter wait.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    pub required: u32,
    /// An SNS reply with the request's token may approve.
    pub replies: bool,
    pub expires_hours: u32,
}

impl ServiceConfig {
    /// What approvals a plan for `environment` needs. A config may ask for more than the floor, never for less, and
    /// saying nothing means at least one.
    pub fn policy(&self, environment: &EnvironmentName, record: &EnvironmentRecord) -> Policy {
        const REQUIRED_UNSET: u32 = 1;
        let wished = self.environments.get(environment).and_then(|e| e.approval.required);
        Policy {
            required: wished.unwrap_or(REQUIRED_UNSET).max(record.floor.approvals),
            replies: record.floor.replies,
            expires_hours: record.floor.expires_hours,
        }
    }
}
