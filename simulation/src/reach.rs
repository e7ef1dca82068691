//! What a long run must meet, what it may, and what it never can.

use model::kinds::{EffectKind, EndingKind, PhaseKind, SignalKind};

use PhaseKind::{AwaitingApproval, Building, Deploying, Over, Planning, Ready};

use crate::beside::databases::WATCHES_MEET;
use crate::beside::drills::DRILLS_MEET;
use crate::beside::pipelines::PIPELINES_MEET;
use crate::calls::CALLS;
use crate::coverage::{Cell, Coverage, cell_name};
use crate::faults::Fault;
use crate::story::STORY_NAMES;

/// From so many seeds on, something that was not met is a fault of the simulation, or of what it simulates.
pub const LONG_RUN_SEEDS: u64 = 20_000;

/// Where a signal is decided.
struct Row {
    /// In a long run it is decided in each of these phases.
    met: &'static [PhaseKind],
    /// It may be, when two workers overlap just so.
    seldom: &'static [PhaseKind],
    /// Why it never is in any other.
    never: &'static str,
}

/// Where nothing says otherwise.
const ANYWHERE: &str = "every phase is weighed";

fn row(signal: SignalKind) -> Row {
    let row = |met, seldom, never| Row { met, seldom, never };
    match signal {
        SignalKind::Pushed | SignalKind::PushedFaulty | SignalKind::Ordered | SignalKind::Tick => {
            row(&[Building, Planning, AwaitingApproval, Ready, Deploying, Over], &[], ANYWHERE)
        }
        SignalKind::Promoted => row(
            &[Planning, AwaitingApproval, Ready, Deploying, Over],
            &[],
            "where promotions come nothing is built",
        ),
        SignalKind::PromotedFaulty => row(
            &[Over],
            &[Planning, AwaitingApproval, Ready, Deploying],
            "where promotions come nothing is built",
        ),
        SignalKind::BuildStarted => {
            row(&[Building, Planning, Over], &[AwaitingApproval, Ready, Deploying], ANYWHERE)
        }
        SignalKind::BuildRunning
        | SignalKind::BuildSucceeded
        | SignalKind::BuildFailed
        | SignalKind::BuildLost => row(
            &[Building, Over],
            &[],
            "a build is of those releases that build it: for all others it is over",
        ),
        SignalKind::Planned | SignalKind::UpToDate => row(
            &[Planning, Over],
            &[AwaitingApproval, Ready, Deploying],
            "nothing is planned without an image",
        ),
        SignalKind::NothingToRetire => {
            row(&[Planning], &[Over], "nothing else is in flight when a retirement is planned first")
        }
        SignalKind::StackGone => {
            row(&[Deploying, Over], &[], "only what is retired has its turn before its stack is gone")
        }
        SignalKind::PlanStale | SignalKind::Frozen => row(
            &[Planning, Ready, Deploying],
            &[AwaitingApproval, Over],
            "only what has its turn is executed",
        ),
        SignalKind::ExecutionStarted => row(
            &[Deploying],
            &[Planning, AwaitingApproval, Ready, Over],
            "only what has its turn is executed",
        ),
        SignalKind::Cleared
        | SignalKind::ErrandStarted
        | SignalKind::ErrandRunning
        | SignalKind::ErrandSucceeded
        | SignalKind::ErrandFailed => row(
            &[Deploying],
            &[Planning, AwaitingApproval, Ready, Over],
            "only what has its turn waits for a task",
        ),
        SignalKind::AwaitsVerdict => {
            row(&[Deploying], &[Over], "what CloudFormation deploys is deploying until it is over")
        }
        SignalKind::NotExecuted => row(&[], &[Deploying, Over], "only what has its turn is stopped"),
        SignalKind::ApprovedByReply | SignalKind::RejectedByReply => row(
            &[AwaitingApproval],
            &[],
            "the very track that is decided on was read to wait for approval before the answer counted",
        ),
        SignalKind::ApprovedByPerson => row(
            &[AwaitingApproval, Ready, Deploying],
            &[],
            "the very track that is decided on was read to have the plan that the button is for",
        ),
        SignalKind::RejectedByPerson => row(
            &[AwaitingApproval, Deploying],
            &[Ready],
            "the very track that is decided on was read to have the plan that the button is for",
        ),
        SignalKind::DeploymentNotStarted => row(
            &[Deploying],
            &[Planning, AwaitingApproval, Ready, Over],
            "only what has its turn is deployed",
        ),
        SignalKind::DeploymentRunning | SignalKind::DeploymentSettled | SignalKind::DeploymentRolledBack => {
            row(&[Deploying, Over], &[], "what CloudFormation deploys is deploying until it is over")
        }
        SignalKind::ServiceMoving | SignalKind::RolloutFailed | SignalKind::DeploymentBroken => {
            row(&[Deploying], &[Over], "what CloudFormation deploys is deploying until it is over")
        }
        // What is deployed has waited for the end of the repair: only a worker that comes late tells it there once more.
        SignalKind::Repaired | SignalKind::NotRepaired => {
            row(&[Planning, Over], &[Building, AwaitingApproval, Ready, Deploying], ANYWHERE)
        }
        SignalKind::Done | SignalKind::Waiting => {
            row(&[Building, Planning, AwaitingApproval, Ready, Deploying, Over], &[], ANYWHERE)
        }
        SignalKind::Refused => {
            row(&[Building, Planning, Over], &[AwaitingApproval, Ready, Deploying], ANYWHERE)
        }
    }
}

/// Everything that a long run should have met and did not, one line each, and everything that it met although it is
/// said here never to be.
pub fn shortcomings(coverage: &Coverage, seeds: u64) -> Vec<String> {
    let mut faults = Vec::new();
    for (phase, signal) in coverage.cells.keys() {
        let Row { met, seldom, never } = row(*signal);
        if !met.contains(phase) && !seldom.contains(phase) {
            let cell = cell_name((*phase, *signal));
            faults.push(format!("{cell} was decided, which was said never to be: {never}"));
        }
    }
    for call in coverage.names("call") {
        if !CALLS.iter().any(|(known, _)| *known == call) {
            faults.push(format!("call {call} has no service in the list of calls"));
        }
    }
    if seeds >= LONG_RUN_SEEDS {
        faults.extend(
            wanted().into_iter().filter(|wanted| !wanted.is_met(coverage)).map(|wanted| wanted.told()),
        );
    }
    faults
}

/// What a long run must have met.
enum Wanted {
    Decided(Cell),
    Met(&'static str, &'static str),
}

impl Wanted {
    fn is_met(&self, coverage: &Coverage) -> bool {
        match self {
            Self::Decided(cell) => coverage.cells.contains_key(cell),
            Self::Met(kind, name) => coverage.times(kind, name) > 0,
        }
    }

    fn told(&self) -> String {
        match self {
            Self::Decided(cell) => format!("{} was never decided", cell_name(*cell)),
            Self::Met(kind, name) => format!("{kind}: {name} was never met"),
        }
    }
}

fn wanted() -> Vec<Wanted> {
    let mut wanted = Vec::new();
    for signal in SignalKind::ALL {
        wanted.extend(row(*signal).met.iter().map(|phase| Wanted::Decided((*phase, *signal))));
    }
    wanted.extend(EffectKind::ALL.iter().map(|effect| Wanted::Met("effect", effect.name())));
    wanted.extend(EndingKind::ALL.iter().map(|ending| Wanted::Met("ending", ending.name())));
    wanted.extend(Fault::ALL.iter().map(|fault| Wanted::Met("fault", fault.name())));
    wanted.extend(REFUSED.iter().map(|refused| Wanted::Met("refused", refused)));
    wanted.extend(["own", "routed"].map(|which| Wanted::Met("channel", which)));
    wanted.extend(["track", "build", "listener"].map(|what| Wanted::Met("race", what)));
    wanted.extend(["Well", "Unwell"].map(|verdict| Wanted::Met("verdict", verdict)));
    wanted.extend(REDRIVEN.iter().map(|what| Wanted::Met("redriven", what)));
    wanted.extend(["an answer of a person", "unreadable"].map(|why| Wanted::Met("not redriven", why)));
    wanted.extend(PERSON.iter().map(|what| Wanted::Met("person", what)));
    wanted.extend(STORY_NAMES.iter().map(|name| Wanted::Met("story", name)));
    for (call, _) in CALLS {
        wanted
            .extend(["call", "throttled", "unreachable", "answer lost"].map(|kind| Wanted::Met(kind, call)));
    }
    for (kind, names) in DRILLS_MEET.iter().chain(PIPELINES_MEET).chain(WATCHES_MEET) {
        wanted.extend(names.iter().map(|name| Wanted::Met(kind, name)));
    }
    wanted.extend(INVARIANTS.iter().map(|invariant| Wanted::Met("checked", invariant)));
    wanted
}

/// What the world turns down, as AWS does.
const REFUSED: [&str; 7] = [
    "StartBuild again under its token",
    "StartBuild, the queue is full",
    "an image under a tag that is taken",
    "CreateChangeSet, the stack is busy",
    "ExecuteChangeSet again",
    "a signature that is none",
    "an order again under its nonce",
];

/// By function where Lambda gave it up or the function set it aside, by queue where that did.
const REDRIVEN: [&str; 6] = ["push", "build", "image", "stack", "BuilderQueue", "DeployerQueue"];

const PERSON: [&str; 8] = [
    "approves",
    "rejects",
    "never answers",
    "approves in Slack",
    "rejects in Slack",
    "approves by command",
    "rejects by command",
    "orders again",
];

const INVARIANTS: [&str; 14] =
    ["I1", "I2", "I3", "I4", "I5", "I6", "I7", "I8", "I9", "I10", "I11", "I12", "I13", "I14"];

#[cfg(test)]
mod tests {
    use super::*;

    /// The phases that the rows above were made for.
    const WEIGHED: &[PhaseKind] = &[Building, Planning, AwaitingApproval, Ready, Deploying, Over];

    #[test]
    fn every_phase_is_weighed_for_every_signal() {
        assert_eq!(WEIGHED, PhaseKind::ALL, "go through every row for the new phase, then add it to WEIGHED");
    }

    #[test]
    fn what_was_not_met_is_told_in_a_long_run_only() {
        let nothing = Coverage::default();
        assert_eq!(shortcomings(&nothing, LONG_RUN_SEEDS - 1), Vec::<String>::new());
        let faults = shortcomings(&nothing, LONG_RUN_SEEDS);
        assert_eq!(faults.len(), wanted().len());
        for expected in [
            "Building × BuildFailed was never decided",
            "ending: RolledBack was never met",
            "checked: I4 was never met",
        ] {
            assert!(faults.iter().any(|fault| fault == expected), "{expected}");
        }
    }

    #[test]
    fn what_can_never_be_is_told_when_it_was() {
        let mut coverage = Coverage::default();
        coverage.decided((Building, SignalKind::DeploymentSettled), "advances");
        coverage.hit("call", "format_disk");
        let faults = shortcomings(&coverage, 1);
        assert_eq!(faults.len(), 2, "{faults:?}");
        assert!(faults[0].starts_with("Building × DeploymentSettled was decided"), "{faults:?}");
    }
}
