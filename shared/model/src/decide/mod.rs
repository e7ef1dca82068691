//! The one place where anything is decided: a track, a signal and the time give the next track and its promises.

mod approval;
mod build;
mod deployment;
mod errand;
mod orders;
mod plan;
mod promises;
mod repair;
mod retirement;
mod time;
mod turns;

use crate::approval::Bar;
use crate::release::{Phase, Release};
use crate::signal::Signal;
use crate::time::{Span, Timestamp};
use crate::track::Track;

use self::approval::Said;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    Advance(Box<Advance>),
    Ignore(Why),
}

/// What one commit writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advance {
    pub track: Track,
    /// The releases that this decision changed, those that are now over among them.
    pub changed: Vec<Release>,
}

/// Why a signal changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    #[error("already done")]
    AlreadyDone,
    #[error("no release of that number is in flight: it is over, or never was")]
    ReleaseIsOver,
    #[error("the release is in another phase")]
    AnotherPhase,
    #[error("the answer was given to an earlier plan; the request in force shows another fingerprint")]
    AnotherPlan,
    #[error("{0}")]
    MayNotApprove(Bar),
    #[error("nothing is due")]
    NothingDue,
    #[error("the track is full; the patrol will bring the push again")]
    TrackIsFull,
    #[error("nothing was ever released here")]
    NothingReleased,
    #[error("the track is held already")]
    AlreadyHeld,
    #[error("the track is not held")]
    NotHeld,
    #[error("the release is still in flight")]
    StillInFlight,
    #[error("the release was deployed: roll back to it, or redeploy what is live")]
    WasDeployed,
    #[error("it was ordered: give that order again")]
    WasOrdered,
    #[error("the release never ended deployed here: only what once ran can be gone back to")]
    NeverRan,
    #[error("that release is of another track: what ran elsewhere was not approved here")]
    AnotherTrack,
    #[error("that image with that configuration is what is live: a redeploy starts it anew")]
    AlreadyLive,
    #[error("a newer release is live: only a rollback goes back")]
    NewerIsLive,
    #[error("a newer release is in flight: cancel it first, or wait for it")]
    NewerInFlight,
    #[error("a release is in flight: cancel it first, or wait for it")]
    OtherInFlight,
    #[error("a release is being deployed: cancel it first, or wait for it")]
    Deploying,
    #[error("its stack is being deleted, and nobody can take that back")]
    BeingDeleted,
    #[error("the stack is being repaired already")]
    AlreadyRepairing,
    #[error("the end that was given is over")]
    AlreadyPast,
}

/// Total over every phase and signal. The same signal decided twice changes nothing the second time (I4).
pub fn decide(track: &Track, signal: &Signal, now: Timestamp) -> Decision {
    let mut draft = Draft::of(track, now);
    let outcome = match signal {
        Signal::Pushed(push) => draft.pushed(push),
        Signal::Promoted(promotion) => draft.promoted(promotion),
        Signal::Ordered { order, ordered } => draft.ordered(order, ordered),
        Signal::BuildStarted { n, build } => draft.build_started(*n, build),
        Signal::BuildSeen { build, seen } => draft.build_seen(build, seen),
        Signal::Planned { n, plan, wish, ground, authors } => draft.planned(*n, plan, wish, ground, authors),
        Signal::UpToDate { n, key, deployed } => draft.up_to_date(*n, key, deployed),
        Signal::NothingToRetire { n, key } => draft.nothing_to_retire(*n, key),
        Signal::PlanStale { n, key, why } => draft.plan_stale(*n, key, why),
        Signal::Answered { n, fingerprint, answer, voice, reason, ground } => {
            let said = Said { answer: *answer, voice, reason };
            draft.answered(*n, fingerprint, &said, ground)
        }
        Signal::Cleared { n, key } => draft.cleared(*n, key),
        Signal::ErrandStarted { n, key } => draft.errand_started(*n, key),
        Signal::ErrandSeen { n, key, seen } => draft.errand_seen(*n, key, seen),
        Signal::ExecutionStarted { n, warning } => draft.execution_started(*n, warning.as_deref()),
        Signal::Frozen { n, key, frozen } => draft.frozen(*n, key, frozen),
        Signal::NotExecuted { n, key } => draft.not_executed(*n, key),
        Signal::DeploymentSeen { n, seen } => draft.deployment_seen(*n, seen),
        Signal::RepairEnded { key, outcome } => draft.repair_ended(key, outcome.clone()),
        Signal::Done { key } => draft.done(key),
        Signal::Waiting { key, why, until } => draft.waiting(key, why, *until),
        Signal::Refused { key, why } => draft.refused(key, why),
        Signal::Tick => draft.tick(),
    };
    match outcome {
        Ok(()) => draft.finish(),
        Err(why) => Decision::Ignore(why),
    }
}

/// How long until a look is repeated when no event comes first.
const LOOK_FIRST: Span = Span::seconds(10);
const LOOK_MAX: Span = Span::seconds(120);

fn look_delay(waits: u32) -> Span {
    Span((LOOK_FIRST.0 << waits.min(8)).min(LOOK_MAX.0))
}

struct Draft {
    track: Track,
    changed: Vec<u32>,
    over: Vec<Release>,
    /// The approved release whose votes this very decision counted.
    counted: Option<u32>,
    now: Timestamp,
}

type Outcome = Result<(), Why>;

impl Draft {
    fn of(track: &Track, now: Timestamp) -> Self {
        Self { track: track.clone(), changed: Vec::new(), over: Vec::new(), counted: None, now }
    }

    fn finish(mut self) -> Decision {
        self.give_turns();
        self.promise_to_show();
        self.track.version += 1;
        let mut changed: Vec<Release> = self
            .track
            .in_flight
            .iter()
            .filter(|release| self.changed.contains(&release.id.n))
            .cloned()
            .collect();
        changed.extend(self.over);
        changed.sort_by_key(|release| release.id.n);
        Decision::Advance(Box::new(Advance { track: self.track, changed }))
    }
    fn release_mut(&mut self, n: u32) -> Option<&mut Release> {
        self.track.in_flight.iter_mut().find(|release| release.id.n == n)
    }

    fn touch(&mut self, n: u32) {
        if !self.changed.contains(&n) {
            self.changed.push(n);
        }
    }

    fn step(&mut self, n: u32, what: String) {
        let now = self.now;
        if let Some(release) = self.release_mut(n) {
            release.step(now, what);
            self.touch(n);
        }
    }

    /// Moves to a phase, or changes what is known within it; its clock starts anew only when it is another one.
    fn enter(&mut self, n: u32, phase: Phase, what: String) {
        let now = self.now;
        if let Some(release) = self.release_mut(n) {
            if release.phase.name() != phase.name() {
                release.phase_since = now;
            }
            release.phase = phase;
        }
        self.step(n, what);
    }
}
