//! What an environment insists on, and who may do what there.

use model::ids::EnvironmentName;
use model::who::Who;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::faults::{Faults, Path};
use crate::freeze::{self, Freeze};
use crate::limits::{
    APPROVAL_WAIT_HOURS_DEFAULT, APPROVAL_WAIT_HOURS_MAX, APPROVALS_MAX, TASKS_MAX, WHO_MAX,
};
use crate::{fargate, reader};

/// What an environment insists on, whatever a config says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Floor {
    /// Least approvals.
    #[schemars(range(max = 10))]
    pub approvals: u32,
    /// Who may approve, as `user:…` or `group:…`. Empty: everybody whose identity is proven.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(
        with = "Vec<String>",
        length(max = 50),
        inner(regex(pattern = "^(user|group):[A-Za-z0-9._@-]{1,64}$"))
    )]
    pub approvers: Vec<Who>,
    /// Whether an SNS reply with the request's token may approve.
    pub replies: bool,
    /// How long a request may be answered.
    #[schemars(range(min = 1, max = 168))]
    pub expires_hours: u32,
    /// Whether those who pushed, wrote or asked for a release may approve it.
    pub self_approval: bool,
    /// Least approvals of a rollback, which deploys what was deployed here before.
    #[schemars(range(max = 10))]
    pub rollback_approvals: u32,
    /// Only what ended well in that environment is deployed here.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", regex(pattern = "^[a-z][a-z0-9]{0,15}$"))]
    pub after: Option<EnvironmentName>,
    /// When nothing is deployed here.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20))]
    pub freeze: Vec<Freeze>,
}

impl Default for Floor {
    fn default() -> Self {
        Self {
            approvals: 1,
            approvers: Vec::new(),
            replies: false,
            expires_hours: APPROVAL_WAIT_HOURS_DEFAULT,
            self_approval: false,
            rollback_approvals: 1,
            after: None,
            freeze: Vec::new(),
        }
    }
}

/// The largest that may run in an environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Caps {
    /// Of one task.
    #[schemars(range(min = 256, max = 16_384))]
    pub cpu: u32,
    /// Of one task.
    #[serde(rename = "memoryMiB")]
    #[schemars(range(min = 512, max = 122_880))]
    pub memory_mib: u32,
    /// Of one service.
    #[schemars(range(min = 1, max = 5_000))]
    pub tasks: u32,
}

impl Default for Caps {
    fn default() -> Self {
        Self { cpu: fargate::CPU_MAX, memory_mib: fargate::MEMORY_MIB_MAX, tasks: TASKS_MAX }
    }
}

/// Who may give which order, as `user:…` or `group:…`. Empty: nobody.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(extend("additionalProperties" = false))]
pub struct May {
    /// Deploy an earlier release again.
    #[schemars(with = "Vec<String>")]
    pub rollback: Vec<Who>,
    /// Deploy what is live again, for rotated secrets.
    #[schemars(with = "Vec<String>")]
    pub redeploy: Vec<Who>,
    /// Try a failed release again.
    #[schemars(with = "Vec<String>")]
    pub retry: Vec<Who>,
    /// End a release that is not deployed yet.
    #[schemars(with = "Vec<String>")]
    pub cancel: Vec<Who>,
    /// Let nothing new start.
    #[schemars(with = "Vec<String>")]
    pub hold: Vec<Who>,
    /// End a hold.
    #[schemars(with = "Vec<String>")]
    pub lift: Vec<Who>,
    /// Deploy in spite of a freeze.
    #[schemars(with = "Vec<String>", rename = "override")]
    #[serde(rename = "override")]
    pub override_freeze: Vec<Who>,
    /// Have a stack that hangs brought back.
    #[schemars(with = "Vec<String>")]
    pub repair: Vec<Who>,
    /// Take the service out of the environment.
    #[schemars(with = "Vec<String>")]
    pub retire: Vec<Who>,
}

impl May {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

pub(super) fn read(value: &Value, path: &Path, faults: &mut Faults) -> Option<Floor> {
    const KEYS: [&str; 8] = [
        "approvals",
        "approvers",
        "replies",
        "expiresHours",
        "selfApproval",
        "rollbackApprovals",
        "after",
        "freeze",
    ];
    let floor = reader::object(value, path, &KEYS, faults)?;
    let mut whole = |key: &str, range| {
        floor.optional(key, faults, |value, path, faults| reader::whole(value, path, range, faults))
    };
    let approvals = whole("approvals", 0..=APPROVALS_MAX);
    let rollback_approvals = whole("rollbackApprovals", 0..=APPROVALS_MAX);
    let expires_hours = whole("expiresHours", 1..=APPROVAL_WAIT_HOURS_MAX);
    let approvers = floor.optional("approvers", faults, read_who);
    let replies = floor.optional("replies", faults, reader::boolean);
    let self_approval = floor.optional("selfApproval", faults, reader::boolean);
    let after = floor.optional("after", faults, reader::id);
    let freeze = floor.optional("freeze", faults, freeze::read_all);
    let unset = Floor::default();
    Some(Floor {
        approvals: approvals?.unwrap_or(unset.approvals),
        approvers: approvers?.unwrap_or_default(),
        replies: replies?.unwrap_or(unset.replies),
        expires_hours: expires_hours?.unwrap_or(unset.expires_hours),
        self_approval: self_approval?.unwrap_or(unset.self_approval),
        rollback_approvals: rollback_approvals?.unwrap_or(unset.rollback_approvals),
        after: after?,
        freeze: freeze?.unwrap_or_default(),
    })
}

fn read_who(value: &Value, path: &Path, faults: &mut Faults) -> Option<Vec<Who>> {
    reader::list(value, path, 0..=WHO_MAX, "people and groups", faults, reader::id)
}

pub(super) fn read_caps(value: &Value, path: &Path, faults: &mut Faults) -> Option<Caps> {
    let caps = reader::object(value, path, &["cpu", "memoryMiB", "tasks"], faults)?;
    let mut whole = |key: &str, range| {
        caps.optional(key, faults, |value, path, faults| reader::whole(value, path, range, faults))
    };
    let cpu = whole("cpu", fargate::CPU_MIN..=fargate::CPU_MAX);
    let memory_mib = whole("memoryMiB", fargate::MEMORY_MIB_MIN..=fargate::MEMORY_MIB_MAX);
    let tasks = whole("tasks", 1..=TASKS_MAX);
    let unset = Caps::default();
    Some(Caps {
        cpu: cpu?.unwrap_or(unset.cpu),
        memory_mib: memory_mib?.unwrap_or(unset.memory_mib),
        tasks: tasks?.unwrap_or(unset.tasks),
    })
}

pub(super) fn read_may(value: &Value, path: &Path, faults: &mut Faults) -> Option<May> {
    const KEYS: [&str; 9] =
        ["rollback", "redeploy", "retry", "cancel", "hold", "lift", "override", "repair", "retire"];
    let may = reader::object(value, path, &KEYS, faults)?;
    let lists = KEYS.map(|key| may.optional(key, faults, read_who).map(Option::unwrap_or_default));
    let [rollback, redeploy, retry, cancel, hold, lift, override_freeze, repair, retire] = lists;
    Some(May {
        rollback: rollback?,
        redeploy: redeploy?,
        retry: retry?,
        cancel: cancel?,
        hold: hold?,
        lift: lift?,
        override_freeze: override_freeze?,
        repair: repair?,
        retire: retire?,
    })
}
