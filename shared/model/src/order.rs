//! What a person orders of a track, beyond answering a request.

use serde::{Deserialize, Serialize};

use crate::approval::Voice;
use crate::ids::{EffectKey, OrderId};
use crate::release::Release;
use crate::time::{Span, Timestamp};

/// An order, with every stored fact that its decision needs. Whoever gave it was entitled to: the engine asks the
/// environment's record for that before anything is decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// Start nothing new until somebody lifts it.
    Hold,
    Lift,
    /// End the release; a deployment that runs is taken back.
    Cancel {
        n: u32,
    },
    /// Once more what ended without being deployed; the release as it is stored.
    Retry {
        of: Box<Release>,
    },
    /// Back to what ended deployed here; the release as it is stored.
    Rollback {
        to: Box<Release>,
    },
    /// What is live, in new tasks: they read rotated secrets. The live release as it is stored.
    Redeploy {
        of: Box<Release>,
    },
    /// The end of what is live: its stack is deleted. The live release as it is stored.
    Retire {
        of: Box<Release>,
    },
    /// Deploy although a freeze says no, until then.
    OverrideFreeze {
        until: Timestamp,
    },
    /// Bring a stack that hangs back to where deployments can go on.
    Repair {
        skip: Vec<String>,
    },
}

impl Order {
    /// The verb that people give it by.
    pub fn name(&self) -> &'static str {
        match self {
            Order::Hold => "hold",
            Order::Lift => "lift",
            Order::Cancel { .. } => "cancel",
            Order::Retry { .. } => "retry",
            Order::Rollback { .. } => "rollback",
            Order::Redeploy { .. } => "redeploy",
            Order::Retire { .. } => "retire",
            Order::OverrideFreeze { .. } => "override",
            Order::Repair { .. } => "repair",
        }
    }
}

/// Who gave an order, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ordered {
    /// Chosen by whoever sends it; the same order sent twice is taken once.
    pub id: OrderId,
    pub by: Voice,
    pub reason: String,
}

impl std::fmt::Display for Ordered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.reason.as_str() {
            "" => write!(f, "{}", self.by),
            reason => write!(f, "{}: {reason}", self.by),
        }
    }
}

/// A track that starts nothing new.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Hold {
    pub ordered: Ordered,
    pub since: Timestamp,
    /// When people were last told.
    pub told: Timestamp,
    /// Who ended it. A hold that is over is kept until the next one, to be told of.
    pub lifted: Option<Ordered>,
}

/// Somebody who may has said that freezes do not count for a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Override {
    pub ordered: Ordered,
    pub until: Timestamp,
}

/// A repair beyond this is no longer waited for. CloudFormation itself waits up to three hours for an ECS service.
pub const REPAIR_MAX: Span = Span::hours(4);

/// A stack that hangs is brought back. One that is over is kept until the next one, to be told of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Repair {
    pub ordered: Ordered,
    /// The promise to repair, and so the token of what CloudFormation does for it.
    pub key: EffectKey,
    /// Logical ids of what is left as it is, and for good out of step with the template.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skip: Vec<String>,
    pub since: Timestamp,
    /// `None` while it goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Repaired>,
}

/// What became of a repair, in sentences.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Repaired {
    Done {
        what: String,
    },
    /// CloudFormation could not, or it is not for us to do.
    NotDone {
        why: String,
    },
}
