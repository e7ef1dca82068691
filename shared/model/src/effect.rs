//! What a decision promises to do, and which hand does it.

use serde::{Deserialize, Serialize};

use crate::ids::{BuildFamily, BuildId, EffectKey};
use crate::release::ErrandKind;
use crate::time::Timestamp;

/// Something to be done once, under its key, by one hand. Doing it twice must change nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Effect {
    /// Join the build of the release's revision, or start it.
    StartBuild,
    LookAtBuild {
        build: BuildId,
    },
    /// The release no longer wants its build; stop it when nobody does.
    LeaveBuild {
        family: BuildFamily,
    },
    /// Render, store, make the change set, read it.
    Plan,
    DiscardPlan {
        change_set: EffectKey,
    },
    /// Execute the approved change set; of a retirement, see whether anything stands against it.
    Execute,
    /// Delete the stack of what is retired. Only its own promise may: nobody can take a deletion back.
    Retire,
    /// Start the task that the release waits for.
    RunErrand,
    LookAtErrand,
    /// The release no longer waits for the task that was to be started for this promise; whatever of it runs is stopped.
    StopErrand {
        kind: ErrandKind,
        key: EffectKey,
    },
    LookAtDeployment,
    /// Have CloudFormation take the running deployment back.
    StopDeployment,
    /// Tell CloudFormation, which waits for it, what the release's `verify` found.
    GiveVerdict,
    /// Bring the stack back to where deployments can go on.
    Repair,
    /// Start the release's image on the tracks that come after this one.
    Promote,
    Announce {
        notice: Notice,
    },
    /// Bring the release's one message in Slack up to date with the release as it stands.
    Show,
}

/// What people are told; the words are made from the release as it stands when it is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Notice {
    ApprovalRequested,
    /// Half the time to answer has passed.
    ApprovalReminded,
    /// Most of it has: others are told.
    ApprovalEscalated,
    Ended,
    /// The deployment takes longer than it should.
    TakesLong,
    /// The track is held, or no longer.
    Held,
    /// A repair of the stack is over.
    Repaired,
}

/// A function that carries effects out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Hand {
    Builder,
    Deployer,
    Notify,
}

impl Effect {
    pub fn hand(&self) -> Hand {
        match self {
            Effect::StartBuild | Effect::LookAtBuild { .. } | Effect::LeaveBuild { .. } => Hand::Builder,
            Effect::Plan
            | Effect::DiscardPlan { .. }
            | Effect::Execute
            | Effect::Retire
            | Effect::RunErrand
            | Effect::LookAtErrand
            | Effect::StopErrand { .. }
            | Effect::LookAtDeployment
            | Effect::StopDeployment
            | Effect::GiveVerdict
            | Effect::Repair
            | Effect::Promote => Hand::Deployer,
            Effect::Announce { .. } | Effect::Show => Hand::Notify,
        }
    }

    /// Whether the release cannot move until this is done.
    pub fn drives_release(&self) -> bool {
        match self {
            Effect::StartBuild
            | Effect::LookAtBuild { .. }
            | Effect::Plan
            | Effect::Execute
            | Effect::Retire
            | Effect::RunErrand
            | Effect::LookAtErrand
            | Effect::LookAtDeployment => true,
            Effect::LeaveBuild { .. }
            | Effect::DiscardPlan { .. }
            | Effect::StopErrand { .. }
            | Effect::StopDeployment
            | Effect::GiveVerdict
            | Effect::Repair
            | Effect::Promote
            | Effect::Announce { .. }
            | Effect::Show => false,
        }
    }
}

/// An effect in the outbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Promise {
    pub key: EffectKey,
    pub effect: Effect,
    pub due: Timestamp,
    /// How often it was put off.
    pub waits: u32,
    /// Why it was last put off.
    pub waiting_for: Option<String>,
}
