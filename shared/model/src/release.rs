//! A release: one revision's way along one track.

use serde::{Deserialize, Serialize};

use crate::approval::{Heard, Nudged, Policy, Voice, Vote};
use crate::ids::{
    BranchName, BuildFamily, BuildId, EffectKey, Fingerprint, ImageDigest, ReleaseId, RepositoryName,
    Revision,
};
use crate::order::Ordered;
use crate::text::one_line;
use crate::time::{Span, Timestamp};

/// Longest time from push to built image, the wait for build capacity included.
pub const BUILDING_MAX: Span = Span::hours(4);
/// Longest time from image to plan, the wait for a stack that others keep busy included.
pub const PLANNING_MAX: Span = Span::hours(4);
/// When a deployment takes longer, a person is told; it is never interrupted. CloudFormation itself waits up to
/// three hours for an ECS service.
pub const DEPLOYING_TOLD_AFTER: Span = Span::hours(4);
/// A deployment that was told to stop may take this long to be taken back; then a person is told.
pub const STOPPING_TOLD_AFTER: Span = Span::hours(1);
/// How often that is said again.
pub const DEPLOYING_TOLD_EVERY: Span = Span::hours(24);
/// So often a plan may be out of date when its turn has come: then something else changes the stack again and again.
pub const STALE_MAX: u32 = 5;
/// A release keeps this many steps; beyond it, waits in the middle are forgotten first.
pub const STEPS_MAX: usize = 100;
/// And this many answers, the newest.
pub const HEARD_MAX: usize = 100;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Release {
    pub id: ReleaseId,
    pub revision: Revision,
    pub repository: RepositoryName,
    pub branch: BranchName,
    /// What CodeCommit said of the pusher. A statement about who, not a proof.
    pub pushed_by: Option<String>,
    /// Whom the commits since what was live name as their authors, as read when it was planned; e-mail addresses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authors: Vec<String>,
    /// There were more commits than were read: anybody may have written those.
    #[serde(default, skip_serializing_if = "is_false")]
    pub authors_unread: bool,
    pub family: BuildFamily,
    #[serde(default, skip_serializing_if = "Origin::is_push")]
    pub origin: Origin,
    /// Who ordered it, where it was ordered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ordered: Option<Ordered>,
    /// How often its plan was found out of date when its turn had come.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub stale: u32,
    /// Its `before` has ended well: whatever becomes of the plan, it is not run again.
    #[serde(default, skip_serializing_if = "is_false")]
    pub prepared: bool,
    /// What its `verify` found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    /// Where the log of its build is, once that has failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build_log: Option<String>,
    /// Once it is known; kept beyond the ending, for whatever is made of this release later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<ImageDigest>,
    pub created_at: Timestamp,
    pub phase: Phase,
    pub phase_since: Timestamp,
    /// What stood against deploying it, and was no reason not to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warning: Option<String>,
    /// Who answered what, and to which plan; oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub heard: Vec<Heard>,
    /// What happened, for people; oldest first.
    pub steps: Vec<Step>,
}

/// Whom the commits since what is live name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Authors {
    /// E-mail addresses.
    pub known: Vec<String>,
    /// There were more commits than were read.
    pub unread: bool,
}

/// What a release came from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Origin {
    #[default]
    Push,
    /// The image that ended well on the track before.
    Promotion { of: ReleaseId },
    /// An earlier image of this track, with its configuration of that time.
    Rollback { to: ReleaseId },
    /// What was live, started anew.
    Redeploy { of: ReleaseId },
    /// The end of what was live: its stack is deleted.
    Retirement { of: ReleaseId },
}

impl Origin {
    fn is_push(&self) -> bool {
        *self == Origin::Push
    }

    /// Whether it brings something. Going back to what ran, starting that anew, or ending it, brings nothing new.
    pub fn is_new(&self) -> bool {
        match self {
            Origin::Push | Origin::Promotion { .. } => true,
            Origin::Rollback { .. } | Origin::Redeploy { .. } | Origin::Retirement { .. } => false,
        }
    }

    /// Whether a hold or a freeze stops it. What must be possible at any hour is to have again what ran.
    pub fn heeds_holds(&self) -> bool {
        match self {
            Origin::Push | Origin::Promotion { .. } | Origin::Retirement { .. } => true,
            Origin::Rollback { .. } | Origin::Redeploy { .. } => false,
        }
    }

    pub fn is_retirement(&self) -> bool {
        match self {
            Origin::Retirement { .. } => true,
            Origin::Push | Origin::Promotion { .. } | Origin::Rollback { .. } | Origin::Redeploy { .. } => {
                false
            }
        }
    }
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
        /// The freeze that its turn met.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        frozen: Option<Frozen>,
    },
    Deploying {
        plan: Plan,
        asked: Asked,
        /// Whether CloudFormation is known to have taken the execution on.
        started: bool,
        /// The task that it waits for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        errand: Option<Errand>,
        /// When a person was last told that it takes too long.
        told: Option<Timestamp>,
        /// That it must not go on.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stop: Option<Stop>,
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
    /// The release whose image and configuration this one is.
    pub fn stands_for(&self) -> &ReleaseId {
        match &self.origin {
            Origin::Push | Origin::Promotion { .. } => &self.id,
            Origin::Rollback { to: first }
            | Origin::Redeploy { of: first }
            | Origin::Retirement { of: first } => first,
        }
    }

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
            Phase::AwaitingApproval { asked, .. } => Some(asked.due()),
            Phase::Deploying { errand: Some(errand), plan, .. } => {
                Some(errand.since.plus(plan.limit(errand.kind)))
            }
            Phase::Deploying { told: Some(told), .. } => Some(told.plus(DEPLOYING_TOLD_EVERY)),
            Phase::Deploying { told: None, stop: Some(stop), .. } => Some(stop.at.plus(STOPPING_TOLD_AFTER)),
            Phase::Deploying { told: None, stop: None, plan, .. } => {
                Some(self.phase_since.plus(plan.timeout.unwrap_or(DEPLOYING_TOLD_AFTER)))
            }
            Phase::Ready { frozen: Some(frozen), .. } => Some(frozen.until),
            // Its turn comes when the deployment before it ends, and that one has a limit; or when the hold is lifted,
            // and that one is told of every day.
            Phase::Ready { frozen: None, .. } | Phase::Over(_) => None,
        }
    }

    pub(crate) fn hear(&mut self, heard: Heard) {
        if self.heard.len() >= HEARD_MAX {
            self.heard.remove(0);
        }
        self.heard.push(heard);
    }

    pub(crate) fn step(&mut self, at: Timestamp, what: String) {
        if self.steps.len() >= STEPS_MAX {
            self.steps.remove(STEPS_MAX / 2);
        }
        self.steps.push(Step { at, phase: self.phase.name().to_owned(), what });
    }
}

fn is_zero(value: &u32) -> bool {
    *value == 0
}

fn is_false(value: &bool) -> bool {
    !value
}

/// A task that runs once for a release, with its image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Errand {
    pub kind: ErrandKind,
    /// The promise to run it; the task is started in its name, and so only once.
    pub key: EffectKey,
    pub since: Timestamp,
    /// Whether ECS is known to have taken it on.
    pub started: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ErrandKind {
    /// `deployment.before` of the config: what must be done before the new version runs.
    Before,
    /// `deployment.verify` of the config: whether the new version, which runs, may stay.
    Verify,
}

impl ErrandKind {
    /// Its key in the config.
    pub fn as_str(self) -> &'static str {
        match self {
            ErrandKind::Before => "before",
            ErrandKind::Verify => "verify",
        }
    }
}

impl std::fmt::Display for ErrandKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}`", self.as_str())
    }
}

/// Whether a deployed version may stay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Verdict {
    Well,
    Unwell { why: String },
}

/// A freeze in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Frozen {
    pub until: Timestamp,
    /// The window, in words.
    pub why: String,
}

/// That a deployment must not go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Stop {
    pub at: Timestamp,
    /// Who said so; nobody when it ran into its limit.
    pub ordered: Option<Ordered>,
}

impl std::fmt::Display for Stop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.ordered {
            Some(ordered) => write!(f, "cancelled by {ordered}"),
            None => f.write_str("it was not done within its time limit and was cancelled"),
        }
    }
}

/// A request for approval, and the approvals so far.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Asked {
    pub fingerprint: Fingerprint,
    /// Both policies taken together, as last read; `required` is what this release needs in all.
    pub policy: Policy,
    /// What the pushed config alone asks for. Unset in what was stored before it was kept: then `policy` is it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wish: Option<Policy>,
    pub votes: Vec<Vote>,
    /// Voices that lacked when the votes were last counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Nudged::is_not_yet")]
    pub nudged: Nudged,
    pub until: Timestamp,
}

impl Asked {
    /// What the pushed config asks for.
    pub fn wish(&self) -> &Policy {
        self.wish.as_ref().unwrap_or(&self.policy)
    }

    /// When those who are asked are told again, or the request expires.
    pub fn due(&self) -> Timestamp {
        let nudge = self.asked_at.and_then(|at| Some(at.plus(self.nudged.next_after(self.until.since(at))?)));
        nudge.map_or(self.until, |nudge| nudge.min(self.until))
    }

    /// Voices that still lack, as far as was last counted.
    pub fn still_needed(&self) -> u32 {
        let votes = u32::try_from(self.votes.len()).unwrap_or(u32::MAX);
        self.missing.unwrap_or_else(|| self.policy.required.saturating_sub(votes))
    }
}

/// What deploying, or retiring, would change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    pub fingerprint: Fingerprint,
    /// What is deployed, or what runs no more.
    pub image: ImageDigest,
    /// Named by the effect that made it. Of a retirement there is none: only its operation is named after it.
    pub change_set: EffectKey,
    pub stack_policy: Option<String>,
    /// How long carrying it out may take; then it is taken back. Without it a person is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Span>,
    /// What must be so when it is carried out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requires: Option<Requires>,
    /// How long the task may take that runs first; `None` where none does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Span>,
    /// What decides whether it stays; `None` where nothing is asked, or nothing changes that could be asked about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verify: Option<Verify>,
    /// Of a retirement: what is deleted instead of anything being deployed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deletion: Option<Deletion>,
    /// The changes in words, the dangerous ones first.
    pub lines: Vec<PlanLine>,
}

/// The stack that a retirement deletes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Deletion {
    /// Its id: one that is made later under the same name is another.
    pub stack: String,
    /// Resources that its template has CloudFormation leave, in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub retained: Vec<String>,
}

/// That CloudFormation waits for a verdict before the stack is complete, and takes it back without one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Verify {
    /// Logical id of the wait condition.
    pub condition: String,
    /// How long the task may take.
    pub limit: Span,
}

/// That a database can be had again as it was a short while ago.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Requires {
    /// Identifier of the RDS instance or cluster.
    pub database: String,
    pub within: Span,
    pub otherwise: Otherwise,
}

/// What becomes of a release whose database could not be had again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Otherwise {
    Refuse,
    Warn,
}

impl Plan {
    /// How long an errand of this plan may take, from its promise to its end.
    pub fn limit(&self, errand: ErrandKind) -> Span {
        let limit = match errand {
            ErrandKind::Before => self.before,
            ErrandKind::Verify => self.verify.as_ref().map(|verify| verify.limit),
        };
        limit.unwrap_or(DEPLOYING_TOLD_AFTER)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlanLine {
    pub danger: Danger,
    pub text: String,
}

impl PlanLine {
    /// Some of its words are others', such as a command's or a commit's: they stay on this one line.
    pub fn new(danger: Danger, text: &str) -> Self {
        Self { danger, text: one_line(text) }
    }
}

/// Ordered: what people must see first comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Danger {
    /// What it does to a database could not be undone.
    Unrestorable,
    Delete,
    Replace,
    /// Requests may fail, or go elsewhere, for a while.
    TrafficGap,
    /// CloudFormation decides only while it deploys.
    MayReplace,
    /// Others have changed what it goes over.
    ChangedOutside,
    None,
}

/// How a release ended, why, and by whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Ending {
    Deployed {
        deployed: Deployed,
        how: How,
    },
    RolledBack {
        why: String,
        stack_status: String,
    },
    Failed {
        why: String,
        stack_status: Option<String>,
    },
    Superseded {
        by: ReleaseId,
    },
    Rejected {
        by: Voice,
        reason: String,
    },
    Expired {
        asked_until: Timestamp,
    },
    /// Before anything of it was carried out.
    Cancelled {
        ordered: Ordered,
    },
    /// Nothing is live any more: the stack was read to be gone.
    Retired {
        how: How,
        /// What of it CloudFormation was told to leave, in words.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        retained: Vec<String>,
    },
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
            Ending::Cancelled { .. } => "Cancelled",
            Ending::Retired { .. } => "Retired",
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
            Ending::Cancelled { ordered } => format!("cancelled by {ordered}"),
            Ending::Retired { how: How::AlreadyUpToDate, .. } => "its stack was gone already".to_owned(),
            Ending::Retired { how: How::Changed, retained } if retained.is_empty() => {
                "its stack is deleted".to_owned()
            }
            Ending::Retired { how: How::Changed, retained } => {
                format!("its stack is deleted, and this of it stays: {}", retained.join(", "))
            }
        }
    }

    pub fn stack_status(&self) -> Option<&str> {
        match self {
            Ending::Deployed { deployed, .. } => Some(&deployed.stack_status),
            Ending::RolledBack { stack_status, .. } => Some(stack_status),
            Ending::Failed { stack_status, .. } => stack_status.as_deref(),
            Ending::Superseded { .. }
            | Ending::Rejected { .. }
            | Ending::Expired { .. }
            | Ending::Cancelled { .. }
            | Ending::Retired { .. } => None,
        }
    }
}

/// Whether there was anything to do.
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
