//! What was seen. A signal carries every fact that its decision needs.

use crate::approval::{Answer, Ground, Policy, Voice};
use crate::ids::{
    BranchName, BuildFamily, BuildId, EffectKey, Fingerprint, ImageDigest, ReleaseId, RepositoryName,
    Revision,
};
use crate::order::{Order, Ordered, Repaired};
use crate::release::{Authors, Deployed, Frozen, Plan};
use crate::time::Timestamp;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signal {
    /// The branch's head, read from the repository.
    Pushed(Push),
    /// A release ended well on the track before.
    Promoted(Promotion),
    /// A person who may has given an order.
    Ordered {
        order: Order,
        ordered: Ordered,
    },
    BuildStarted {
        n: u32,
        build: BuildId,
    },
    BuildSeen {
        build: BuildId,
        seen: BuildSeen,
    },
    Planned {
        n: u32,
        /// Boxed: the largest that any signal carries.
        plan: Box<Plan>,
        /// What the pushed config asks for.
        wish: Policy,
        ground: Ground,
        authors: Authors,
    },
    /// The change set had no changes, and the service was read to run the release's image.
    UpToDate {
        n: u32,
        /// The promise to plan that found it so.
        key: EffectKey,
        deployed: Deployed,
    },
    /// What is to be retired has no stack any more.
    NothingToRetire {
        n: u32,
        /// The promise to plan that found it so.
        key: EffectKey,
    },
    /// The approved change set can no longer be executed; the plan must be made again.
    PlanStale {
        n: u32,
        /// The promise to execute that found it so.
        key: EffectKey,
        why: String,
    },
    /// A person's answer, with what was read for this very decision.
    Answered {
        n: u32,
        fingerprint: Fingerprint,
        answer: Answer,
        voice: Voice,
        reason: String,
        ground: Ground,
    },
    /// Its turn has come and nothing stands against carrying the plan out. Its `before` comes first, or it is a
    /// retirement, which is promised before it is done.
    Cleared {
        n: u32,
        /// The promise to execute that found it so.
        key: EffectKey,
    },
    /// ECS has taken the errand's task on.
    ErrandStarted {
        n: u32,
        /// The promise to run it.
        key: EffectKey,
    },
    ErrandSeen {
        n: u32,
        /// The promise to run it.
        key: EffectKey,
        seen: ErrandSeen,
    },
    ExecutionStarted {
        n: u32,
        /// What stood against it, and was no reason not to.
        warning: Option<String>,
    },
    /// Its turn has come, and a freeze is in force.
    Frozen {
        n: u32,
        /// The promise to execute that found it so.
        key: EffectKey,
        frozen: Frozen,
    },
    /// It was to stop before anything of it was carried out, and nothing will be.
    NotExecuted {
        n: u32,
        /// The promise to execute that found it so.
        key: EffectKey,
    },
    DeploymentSeen {
        n: u32,
        seen: DeploymentSeen,
    },
    /// What became of a repair.
    RepairEnded {
        /// The promise to repair.
        key: EffectKey,
        outcome: Repaired,
    },
    /// A promise is kept.
    Done {
        key: EffectKey,
    },
    /// A promise cannot be kept yet.
    Waiting {
        key: EffectKey,
        why: String,
        until: Timestamp,
    },
    /// A promise will never be kept: AWS understood it and refuses.
    Refused {
        key: EffectKey,
        why: String,
    },
    /// Time has passed.
    Tick,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Push {
    pub revision: Revision,
    pub repository: RepositoryName,
    pub branch: BranchName,
    pub by: Option<String>,
    pub family: BuildFamily,
    /// Why this revision cannot be released here, if it cannot.
    pub fault: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Promotion {
    /// The release that ended well.
    pub of: ReleaseId,
    pub image: ImageDigest,
    pub revision: Revision,
    pub repository: RepositoryName,
    pub branch: BranchName,
    pub pushed_by: Option<String>,
    pub family: BuildFamily,
    /// Why this revision cannot be released here, if it cannot.
    pub fault: Option<String>,
}

/// How a build was read to stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BuildSeen {
    Running {
        phase: String,
    },
    /// Done, and what the registry holds under the build's tag.
    Succeeded {
        exported: Option<ImageDigest>,
        registry: Option<ImageDigest>,
    },
    Failed {
        why: String,
        /// Where its log is shown to people.
        log: Option<String>,
    },
    /// CodeBuild does not know it.
    Lost,
}

/// How an errand's task was read to stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ErrandSeen {
    Running {
        status: String,
    },
    /// Its container ended with exit code 0.
    Succeeded,
    /// With another one, or it never ran, or nobody can tell any more.
    Failed {
        why: String,
    },
}

/// How a deployment was read to stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeploymentSeen {
    /// The stack shows no trace of this execution yet.
    NotStarted,
    Running {
        status: String,
    },
    /// Everything of it is in place, and CloudFormation waits to be told whether it may stay.
    AwaitsVerdict,
    /// The stack operation completed; this is what the service runs.
    Settled {
        deployed: Deployed,
        rollout: Rollout,
    },
    RolledBack {
        status: String,
        why: String,
    },
    Broken {
        status: String,
        why: String,
    },
    /// The stack that is to be deleted is no more.
    Gone,
}

/// How the service's ECS deployment stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rollout {
    Running,
    Completed,
    Failed { why: String },
}
