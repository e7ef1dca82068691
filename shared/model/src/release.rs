//! A release: one revision's way along one track.

use serde::{Deserialize, Serialize};

use crate::approval::{Policy, Voice, Vote};
use crate::ids::{
    BranchName, BuildFamily, BuildId, EffectKey, Fingerprint, ImageDigest, ReleaseId, RepositoryName,
    Revision,
};
use crate::time::{Span, Timestamp};

/// Longest time from push to built image, the wait for build capacity included.
pub const BUILDING_MAX: Span = Span::hours(4);
/// Longest time from image to plan, the wait for a stack that others keep busy included.
pub const PLANNING_MAX: Span = Span::hours(4);
/// When a deployment takes longer, a person is told; it is never interrupted. CloudFormation itself waits up to
/// three hours for an ECS service.
pub const DEPLOYING_TOLD_AFTER: Span = Span::hours(4);
/// How often that is said again.
pub const DEPLOYING_TOLD_EVERY: Span = Span::hours(24);
/// A release keeps this many steps; beyond it, waits in the middle are forgotten first.
pub const STEPS_MAX: usize = 100;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Release {
    pub id: ReleaseId,
    pub revision: Revision,
    pub repository: RepositoryName,
    pub branch: BranchName,
    /// What CodeCommit said of the pusher. A statement about who, not a proof.
    pub pushed_by: Option<String>,
    pub family: BuildFamily,
    pub created_at: Timestamp,
    pub phase: Phase,
    pub phase_since: Timestamp,
    /// What happened, for people; oldest first.
    pub steps: Vec<Step>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    pub at: Timestamp,
    pub phase: String,
    pub what: String,
}

/// Where a release stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Phase {
    Building {
        build: Option<BuildId>,
    },
    Planning {
        image: ImageDigest,
        /// What had been asked and answered for an earlier plan; it counts again only for the same fingerprint.
        before: Option<Asked>,
    },
    AwaitingApproval {
        plan: Plan,
        asked: Asked,
    },
    /// Approved; waits for its turn on the track.
    Ready {
        plan: Plan,
        asked: Asked,
    },
    Deploying {
        plan: Plan,
        asked: Asked,
        /// Whether CloudFormation is known to have taken the execution on.
        started: bool,
        /// When a person was last told that it takes too long.
        told: Option<Timestamp>,
    },
    Over(Ending),
}

impl Phase {
    pub fn name(&self) -> &'static str {
        match self {
            Phase::Building { .. } => "Building",
            Phase::Planning { .. } => "Planning",
            Phase::AwaitingApproval { .. } => "AwaitingApproval",
            Phase::Ready { .. } => "Ready",
            Phase::Deploying { .. } => "Deploying",
            Phase::Over(ending) => ending.name(),
        }
    }

    /// How far a release has come; one that comes further supersedes older ones that did not.
    pub fn reach(&self) -> Reach {
        match self {
            Phase::Building { .. } => Reach::Build,
            Phase::Planning { .. } => Reach::Image,
            Phase::AwaitingApproval { .. } | Phase::Ready { .. } => Reach::Plan,
            Phase::Deploying { .. } => Reach::Deployment,
            Phase::Over(_) => Reach::End,
        }
    }

    pub fn plan(&self) -> Option<&Plan> {
        match self {
            Phase::AwaitingApproval { plan, .. }
            | Phase::Ready { plan, .. }
            | Phase::Deploying { plan, .. } => Some(plan),
            Phase::Building { .. } | Phase::Planning { .. } | Phase::Over(_) => None,
        }
    }

    pub fn image(&self) -> Option<&ImageDigest> {
        match self {
            Phase::Planning { image, .. } => Some(image),
            Phase::AwaitingApproval { plan, .. }
            | Phase::Ready { plan, .. }
            | Phase::Deploying { plan, .. } => Some(&plan.image),
            Phase::Over(Ending::Deployed { deployed, .. }) => Some(&deployed.image),
            Phase::Building { .. } | Phase::Over(_) => None,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    Build,
    Image,
    Plan,
    Deployment,
    End,
}

impl Release {
    pub fn ending(&self) -> Option<&Ending> {
        match &self.phase {
            Phase::Over(ending) => Some(ending),
            Phase::Building { .. }
            | Phase::Planning { .. }
            | Phase::AwaitingApproval { .. }
            | Phase::Ready { .. }
            | Phase::Deploying { .. } => None,
        }
    }

    /// When this release must have moved; then it ends, or a person is told (I3).
    pub fn deadline(&self) -> Option<Timestamp> {
        match &self.phase {
            Phase::Building { .. } => Some(self.phase_since.plus(BUILDING_MAX)),
            Phase::Planning { .. } => Some(self.phase_since.plus(PLANNING_MAX)),
            Phase::AwaitingApproval { asked, .. } => Some(asked.until),
            Phase::Deploying { told: Some(told), .. } => Some(told.plus(DEPLOYING_TOLD_EVERY)),
            Phase::Deploying { told: None, .. } => Some(self.phase_since.plus(DEPLOYING_TOLD_AFTER)),
            // Its turn comes when the deployment before it ends, and that one has a limit.
            Phase::Ready { .. } | Phase::Over(_) => None,
        }
    }

    pub(crate) fn step(&mut self, at: Timestamp, what: String) {
        if self.steps.len() >= STEPS_MAX {
            self.steps.remove(STEPS_MAX / 2);
        }
        self.steps.push(Step { at, phase: self.phase.name().to_owned(), what });
    }
}

/// A request for approval, and the approvals so far.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Asked {
    pub fingerprint: Fingerprint,
    pub policy: Policy,
    pub votes: Vec<Vote>,
    pub until: Timestamp,
}

/// What deploying would change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    pub fingerprint: Fingerprint,
    pub image: ImageDigest,
    /// Named by the effect that made it.
    pub change_set: EffectKey,
    pub stack_policy: Option<String>,
    /// The changes in words, the dangerous ones first.
    pub lines: Vec<PlanLine>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlanLine {
    pub danger: Danger,
    pub text: String,
}

/// Ordered: what people must see first comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Danger {
    Delete,
    Replace,
    /// Requests may fail, or go elsewhere, for a while.
    TrafficGap,
    /// CloudFormation decides only while it deploys.
    MayReplace,
    None,
}

/// How a release ended, why, and by whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Ending {
    Deployed { deployed: Deployed, how: How },
    RolledBack { why: String, stack_status: String },
    Failed { why: String, stack_status: Option<String> },
    Superseded { by: ReleaseId },
    Rejected { by: Voice, reason: String },
    Expired { asked_until: Timestamp },
}

impl Ending {
    pub fn name(&self) -> &'static str {
        match self {
            Ending::Deployed { .. } => "Deployed",
            Ending::RolledBack { .. } => "RolledBack",
            Ending::Failed { .. } => "Failed",
            Ending::Superseded { .. } => "Superseded",
            Ending::Rejected { .. } => "Rejected",
            Ending::Expired { .. } => "Expired",
        }
    }

    /// Why it ended, in a sentence.
    pub fn reason(&self) -> String {
        match self {
            Ending::Deployed { how: How::Changed, deployed } => {
                format!("the service runs {}", deployed.image)
            }
            Ending::Deployed { how: How::AlreadyUpToDate, deployed } => {
                format!("already up to date: the service runs {}", deployed.image)
            }
            Ending::RolledBack { why, .. } | Ending::Failed { why, .. } => why.clone(),
            Ending::Superseded { by } => format!("release {by} is newer and came further"),
            Ending::Rejected { by, reason } if reason.is_empty() => format!("rejected by {by}"),
            Ending::Rejected { by, reason } => format!("rejected by {by}: {reason}"),
            Ending::Expired { .. } => "nobody approved it in time".to_owned(),
        }
    }

    pub fn stack_status(&self) -> Option<&str> {
        match self {
            Ending::Deployed { deployed, .. } => Some(&deployed.stack_status),
            Ending::RolledBack { stack_status, .. } => Some(stack_status),
            Ending::Failed { stack_status, .. } => stack_status.as_deref(),
            Ending::Superseded { .. } | Ending::Rejected { .. } | Ending::Expired { .. } => None,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum How {
    Changed,
    AlreadyUpToDate,
}

/// What was read from the stack and the service when a deployment had settled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Deployed {
    pub image: ImageDigest,
    pub stack_status: String,
    /// ARN with its revision.
    pub task_definition: String,
}
