//! Tasks that run once for a release: what must be done before its deployment.

use super::{Draft, LOOK_FIRST, Outcome, Why};
use crate::effect::Effect;
use crate::ids::EffectKey;
use crate::release::{Ending, Errand, ErrandKind, Phase};
use crate::signal::ErrandSeen;

impl Draft {
    /// The plan could be carried out now. Only from here on may its `before` run (I1), so a stale plan, a freeze or a
    /// hold never finds it half done.
    pub(super) fn cleared(&mut self, n: u32, key: &EffectKey) -> Outcome {
        let release = self.track.release(n).ok_or(Why::ReleaseIsOver)?;
        let Phase::Deploying { plan, errand: None, started: false, stop: None, .. } = &release.phase else {
            return Err(Why::AnotherPhase);
        };
        if !self.is_promised(key) {
            return Err(Why::AnotherPlan);
        }
        if plan.before.is_none() || release.prepared {
            return Err(Why::AlreadyDone);
        }
        self.keep(n, |effect| *effect == Effect::Execute);
        self.promise(n, Effect::RunErrand, self.now);
        let key = EffectKey { release: self.track.release_id(n), k: self.track.promised };
        let errand = Errand { kind: ErrandKind::Before, key, since: self.now, started: false };
        self.set_errand(n, Some(errand));
        self.step(n, format!("its {} comes first", ErrandKind::Before));
        Ok(())
    }

    pub(super) fn errand_started(&mut self, n: u32, key: &EffectKey) -> Outcome {
        let errand = self.errand(n, key)?;
        if errand.started {
            return Err(Why::AlreadyDone);
        }
        self.step(n, format!("its {} runs as a task", errand.kind));
        self.set_errand(n, Some(Errand { started: true, ..errand }));
        self.keep(n, |effect| *effect == Effect::RunErrand);
        self.promise(n, Effect::LookAtErrand, self.now.plus(LOOK_FIRST));
        Ok(())
    }

    pub(super) fn errand_seen(&mut self, n: u32, key: &EffectKey, seen: &ErrandSeen) -> Outcome {
        let errand = self.errand(n, key)?;
        match seen {
            ErrandSeen::Running { status } => {
                if !errand.started {
                    self.errand_started(n, key)?;
                }
                self.look_later(n, format!("its {}: {status}", errand.kind))
            }
            ErrandSeen::Succeeded => {
                self.drop_promises(n);
                self.set_errand(n, None);
                self.step(n, format!("its {} ended well", errand.kind));
                self.prepared(n);
                Ok(())
            }
            ErrandSeen::Failed { why } => {
                self.set_errand(n, None);
                let why = format!("its {} failed: {why}", errand.kind);
                self.end(n, Ending::Failed { why, stack_status: None });
                Ok(())
            }
        }
    }

    /// Now the plan is carried out; the time that may take begins only here.
    fn prepared(&mut self, n: u32) {
        let now = self.now;
        if let Some(release) = self.release_mut(n) {
            release.prepared = true;
            release.phase_since = now;
        }
        self.promise(n, Effect::Execute, now);
    }

    /// The errand that is promised under this key.
    fn errand(&self, n: u32, key: &EffectKey) -> Result<Errand, Why> {
        let release = self.track.release(n).ok_or(Why::ReleaseIsOver)?;
        let Phase::Deploying { errand: Some(errand), .. } = &release.phase else {
            return Err(Why::AnotherPhase);
        };
        if errand.key == *key { Ok(errand.clone()) } else { Err(Why::AlreadyDone) }
    }

    fn set_errand(&mut self, n: u32, next: Option<Errand>) {
        if let Some(Phase::Deploying { errand, .. }) = self.release_mut(n).map(|release| &mut release.phase) {
            *errand = next;
        }
        self.touch(n);
    }
}

/// Why a release ends before its errand has.
pub(super) fn given_up(errand: &Errand, why: &str) -> String {
    format!("{why}; the task of its {} is stopped, and what it has done stays", errand.kind)
}
