//! What there is of each thing, without what it carries: for logs, and for proving that all of it was met.

use crate::approval::{Answer, Voice};
use crate::effect::{Effect, Notice};
use crate::order::Repaired;
use crate::release::{Ending, Phase, Release};
use crate::signal::{BuildSeen, DeploymentSeen, ErrandSeen, Promotion, Push, Rollout, Signal};
use crate::track::Track;

macro_rules! kinds {
    ($(#[$doc:meta])* $name:ident: $($kind:ident)*) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($kind),* }

        impl $name {
            pub const ALL: &[Self] = &[$(Self::$kind),*];

            pub fn name(self) -> &'static str {
                match self { $(Self::$kind => stringify!($kind)),* }
            }

            pub fn named(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|kind| kind.name() == name)
            }
        }
    };
}

kinds!(
    /// Of a release. One that is not in flight is over, or never was.
    PhaseKind: Building Planning AwaitingApproval Ready Deploying Over
);

kinds!(
    /// Of a signal, with those cases apart that are decided apart.
    SignalKind:
        Pushed PushedFaulty Promoted PromotedFaulty Ordered
        BuildStarted BuildRunning BuildSucceeded BuildFailed BuildLost
        Planned UpToDate NothingToRetire PlanStale
        ApprovedByPerson ApprovedByReply RejectedByPerson RejectedByReply
        Cleared ErrandStarted ErrandRunning ErrandSucceeded ErrandFailed
        ExecutionStarted Frozen NotExecuted DeploymentNotStarted DeploymentRunning AwaitsVerdict ServiceMoving DeploymentSettled RolloutFailed
        DeploymentRolledBack DeploymentBroken StackGone
        Repaired NotRepaired
        Done Waiting Refused Tick
);

kinds!(
    /// Of an effect.
    EffectKind:
        StartBuild LookAtBuild LeaveBuild Plan DiscardPlan Execute Retire RunErrand LookAtErrand
        StopErrand LookAtDeployment StopDeployment GiveVerdict Repair Promote AnnounceRequest AnnounceReminder AnnounceEscalation AnnounceEnding AnnounceDelay
        AnnounceHold AnnounceRepair Show
);

kinds!(
    /// Of an ending.
    EndingKind: Deployed RolledBack Failed Superseded Rejected Expired Cancelled Retired
);

impl Phase {
    pub fn kind(&self) -> PhaseKind {
        match self {
            Phase::Building { .. } => PhaseKind::Building,
            Phase::Planning { .. } => PhaseKind::Planning,
            Phase::AwaitingApproval { .. } => PhaseKind::AwaitingApproval,
            Phase::Ready { .. } => PhaseKind::Ready,
            Phase::Deploying { .. } => PhaseKind::Deploying,
            Phase::Over(_) => PhaseKind::Over,
        }
    }
}

impl Signal {
    pub fn kind(&self) -> SignalKind {
        match self {
            Signal::Pushed(Push { fault: None, .. }) => SignalKind::Pushed,
            Signal::Pushed(Push { fault: Some(_), .. }) => SignalKind::PushedFaulty,
            Signal::Promoted(Promotion { fault: None, .. }) => SignalKind::Promoted,
            Signal::Promoted(Promotion { fault: Some(_), .. }) => SignalKind::PromotedFaulty,
            Signal::Ordered { .. } => SignalKind::Ordered,
            Signal::BuildStarted { .. } => SignalKind::BuildStarted,
            Signal::BuildSeen { seen, .. } => match seen {
                BuildSeen::Running { .. } => SignalKind::BuildRunning,
                BuildSeen::Succeeded { .. } => SignalKind::BuildSucceeded,
                BuildSeen::Failed { .. } => SignalKind::BuildFailed,
                BuildSeen::Lost => SignalKind::BuildLost,
            },
            Signal::Planned { .. } => SignalKind::Planned,
            Signal::UpToDate { .. } => SignalKind::UpToDate,
            Signal::NothingToRetire { .. } => SignalKind::NothingToRetire,
            Signal::PlanStale { .. } => SignalKind::PlanStale,
            Signal::Answered { answer, voice, .. } => match (answer, voice) {
                (Answer::Approve, Voice::Verified { .. }) => SignalKind::ApprovedByPerson,
                (Answer::Approve, Voice::Reply) => SignalKind::ApprovedByReply,
                (Answer::Reject, Voice::Verified { .. }) => SignalKind::RejectedByPerson,
                (Answer::Reject, Voice::Reply) => SignalKind::RejectedByReply,
            },
            Signal::Cleared { .. } => SignalKind::Cleared,
            Signal::ErrandStarted { .. } => SignalKind::ErrandStarted,
            Signal::ErrandSeen { seen, .. } => match seen {
                ErrandSeen::Running { .. } => SignalKind::ErrandRunning,
                ErrandSeen::Succeeded => SignalKind::ErrandSucceeded,
                ErrandSeen::Failed { .. } => SignalKind::ErrandFailed,
            },
            Signal::ExecutionStarted { .. } => SignalKind::ExecutionStarted,
            Signal::Frozen { .. } => SignalKind::Frozen,
            Signal::NotExecuted { .. } => SignalKind::NotExecuted,
            Signal::DeploymentSeen { seen, .. } => match seen {
                DeploymentSeen::NotStarted => SignalKind::DeploymentNotStarted,
                DeploymentSeen::Running { .. } => SignalKind::DeploymentRunning,
                DeploymentSeen::AwaitsVerdict => SignalKind::AwaitsVerdict,
                DeploymentSeen::Settled { rollout, .. } => match rollout {
                    Rollout::Running => SignalKind::ServiceMoving,
                    Rollout::Completed => SignalKind::DeploymentSettled,
                    Rollout::Failed { .. } => SignalKind::RolloutFailed,
                },
                DeploymentSeen::RolledBack { .. } => SignalKind::DeploymentRolledBack,
                DeploymentSeen::Broken { .. } => SignalKind::DeploymentBroken,
                DeploymentSeen::Gone => SignalKind::StackGone,
            },
            Signal::RepairEnded { outcome, .. } => match outcome {
                Repaired::Done { .. } => SignalKind::Repaired,
                Repaired::NotDone { .. } => SignalKind::NotRepaired,
            },
            Signal::Done { .. } => SignalKind::Done,
            Signal::Waiting { .. } => SignalKind::Waiting,
            Signal::Refused { .. } => SignalKind::Refused,
            Signal::Tick => SignalKind::Tick,
        }
    }

    /// The release that the signal is about, where it is in flight; for one about the whole track, its newest.
    pub fn release<'a>(&self, track: &'a Track) -> Option<&'a Release> {
        match self {
            Signal::Pushed(_)
            | Signal::Promoted(_)
            | Signal::Ordered { .. }
            | Signal::RepairEnded { .. }
            | Signal::Tick => track.in_flight.last(),
            Signal::BuildSeen { build, .. } => track
                .in_flight
                .iter()
                .find(|release| matches!(&release.phase, Phase::Building { build: Some(b) } if b == build)),
            Signal::BuildStarted { n, .. }
            | Signal::Planned { n, .. }
            | Signal::UpToDate { n, .. }
            | Signal::NothingToRetire { n, .. }
            | Signal::PlanStale { n, .. }
            | Signal::Answered { n, .. }
            | Signal::Cleared { n, .. }
            | Signal::ErrandStarted { n, .. }
            | Signal::ErrandSeen { n, .. }
            | Signal::ExecutionStarted { n, .. }
            | Signal::Frozen { n, .. }
            | Signal::NotExecuted { n, .. }
            | Signal::DeploymentSeen { n, .. } => track.release(*n),
            Signal::Done { key } | Signal::Waiting { key, .. } | Signal::Refused { key, .. } => {
                track.release(key.release.n)
            }
        }
    }
}

impl Effect {
    pub fn kind(&self) -> EffectKind {
        match self {
            Effect::StartBuild => EffectKind::StartBuild,
            Effect::LookAtBuild { .. } => EffectKind::LookAtBuild,
            Effect::LeaveBuild { .. } => EffectKind::LeaveBuild,
            Effect::Plan => EffectKind::Plan,
            Effect::DiscardPlan { .. } => EffectKind::DiscardPlan,
            Effect::Execute => EffectKind::Execute,
            Effect::Retire => EffectKind::Retire,
            Effect::RunErrand => EffectKind::RunErrand,
            Effect::LookAtErrand => EffectKind::LookAtErrand,
            Effect::StopErrand { .. } => EffectKind::StopErrand,
            Effect::LookAtDeployment => EffectKind::LookAtDeployment,
            Effect::StopDeployment => EffectKind::StopDeployment,
            Effect::GiveVerdict => EffectKind::GiveVerdict,
            Effect::Repair => EffectKind::Repair,
            Effect::Promote => EffectKind::Promote,
            Effect::Announce { notice: Notice::ApprovalRequested } => EffectKind::AnnounceRequest,
            Effect::Announce { notice: Notice::ApprovalReminded } => EffectKind::AnnounceReminder,
            Effect::Announce { notice: Notice::ApprovalEscalated } => EffectKind::AnnounceEscalation,
            Effect::Announce { notice: Notice::Ended } => EffectKind::AnnounceEnding,
            Effect::Announce { notice: Notice::TakesLong } => EffectKind::AnnounceDelay,
            Effect::Announce { notice: Notice::Held } => EffectKind::AnnounceHold,
            Effect::Announce { notice: Notice::Repaired } => EffectKind::AnnounceRepair,
            Effect::Show => EffectKind::Show,
        }
    }
}

impl Ending {
    pub fn kind(&self) -> EndingKind {
        match self {
            Ending::Deployed { .. } => EndingKind::Deployed,
            Ending::RolledBack { .. } => EndingKind::RolledBack,
            Ending::Failed { .. } => EndingKind::Failed,
            Ending::Superseded { .. } => EndingKind::Superseded,
            Ending::Rejected { .. } => EndingKind::Rejected,
            Ending::Expired { .. } => EndingKind::Expired,
            Ending::Cancelled { .. } => EndingKind::Cancelled,
            Ending::Retired { .. } => EndingKind::Retired,
        }
    }
}
