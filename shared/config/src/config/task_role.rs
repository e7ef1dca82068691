//! `taskRole`: what the service itself may do in AWS.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::{object, take};
use crate::faults::{Fault, Faults, Path, quote};
use crate::limits::MANAGED_POLICIES_MAX;
use crate::reader;

/// What the service itself may do in AWS.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TaskRole {
    /// Names of policies that the environment's record lets this service have. Unset: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(
        with = "Vec<String>",
        length(max = 10),
        inner(regex(pattern = "^[A-Za-z0-9+=,.@_-]{1,128}$")),
        default
    )]
    pub managed_policies: Option<Vec<String>>,
}

pub(crate) const POLICY_NAME_ALLOWED: &str =
    "a policy's name, as the environment's record has it: 1 to 128 of letters, digits and +=,.@_-";

pub(crate) fn is_policy_name(text: &str) -> bool {
    (1..=128).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"+=,.@_-".contains(&b))
}

pub(crate) fn read(value: &Value, path: &Path, faults: &mut Faults) -> Option<TaskRole> {
    let role = object(value, path, &["managedPolicies"], faults)?;
    let managed_policies = role.optional("managedPolicies", faults, |value, path, faults| {
        let each = |value: &Value, path: &Path, faults: &mut Faults| {
            reader::text(value, path, POLICY_NAME_ALLOWED, is_policy_name, faults).map(str::to_owned)
        };
        let names = reader::list(value, path, 0..=MANAGED_POLICIES_MAX, "policies", faults, each)?;
        for (n, name) in names.iter().enumerate().filter(|(n, name)| names[..*n].contains(name)) {
            faults.push(Fault::new(path.index(n), format!("{} again", quote(name)), "each policy once"));
        }
        Some(names)
    });
    Some(TaskRole { managed_policies: managed_policies? })
}

impl TaskRole {
    pub(super) fn over(&self, base: &Self) -> Self {
        Self { managed_policies: take(&self.managed_policies, &base.managed_policies) }
    }
}
