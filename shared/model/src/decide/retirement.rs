//! The end of a service on its track: planned, approved and given its turn like what is deployed.

use super::{Draft, Outcome, Why};
use crate::effect::Effect;
use crate::ids::EffectKey;
use crate::order::Ordered;
use crate::release::{Ending, How, Origin, Phase, Release};
use crate::track::Retired;

impl Draft {
    pub(super) fn retire(&mut self, of: &Release, ordered: &Ordered) -> Outcome {
        let of_what = self.live_and_alone(of)?.release.clone();
        let what = format!("{of_what} is to be retired, ordered by {ordered}");
        self.begin_ordered(of, Origin::Retirement { of: of_what }, ordered, what)
    }

    /// Nothing stands against it. DeleteStack takes no condition and cannot be cancelled: that it will be sent is stored
    /// first, and whoever would cancel it is told the truth from here on.
    pub(super) fn retire_now(&mut self, n: u32) -> Outcome {
        if self.is_being_retired(n) {
            return Err(Why::AlreadyDone);
        }
        self.keep(n, |effect| *effect == Effect::Execute);
        self.promise(n, Effect::Retire, self.now);
        self.step(n, "nothing stands against it: its stack is deleted".to_owned());
        Ok(())
    }

    /// Whether its stack is being deleted, or may be at any moment.
    pub(super) fn is_being_retired(&self, n: u32) -> bool {
        let phase = self.track.release(n).map(|release| &release.phase);
        let Some(Phase::Deploying { plan, started, .. }) = phase else { return false };
        let is_promised =
            || self.track.outbox.iter().any(|p| p.key.release.n == n && p.effect == Effect::Retire);
        plan.deletion.is_some() && (*started || is_promised())
    }

    /// Others were faster; nobody has to approve what changes nothing.
    pub(super) fn nothing_to_retire(&mut self, n: u32, key: &EffectKey) -> Outcome {
        let release = self.track.release(n).ok_or(Why::ReleaseIsOver)?;
        let (Phase::Planning { .. }, Origin::Retirement { .. }) = (&release.phase, &release.origin) else {
            return Err(Why::AnotherPhase);
        };
        if !self.is_promised(key) {
            return Err(Why::AnotherPlan);
        }
        self.retired(n, How::AlreadyUpToDate, Vec::new());
        Ok(())
    }

    /// The track is as before its first deployment, but that its numbers go on.
    pub(super) fn retired(&mut self, n: u32, how: How, retained: Vec<String>) {
        self.track.live = None;
        self.track.retired = Some(Retired { release: self.track.release_id(n), at: self.now });
        self.end(n, Ending::Retired { how, retained });
    }
}
