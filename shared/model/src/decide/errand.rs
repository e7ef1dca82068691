//! Tasks that run once for a release: what must be done before its deployment, and what tells whether it may stay.

use super::{Draft, LOOK_FIRST, Outcome, Why};
use crate::effect::Effect;
use crate::ids::EffectKey;
use crate::release::{Ending, Errand, ErrandKind, Phase, Plan, Verdict};
use crate::signal::ErrandSeen;

impl Draft {
    /// The plan could be carried out now. Only from here on may its `before` run, or a stack be deleted (I1), so a
    /// freeze or a hold never finds it half done.
    pub(super) fn cleared(&mut self, n: u32, key: &EffectKey) -> Outcome {
        let release = self.track.release(n).ok_or(Why::ReleaseIsOver)?;
        let Phase::Deploying { plan, errand: None, started: false, stop: None, .. } = &release.phase else {
            return Err(Why::AnotherPhase);
        };
        if !self.is_promised(key) {
            return Err(Why::AnotherPlan);
        }
        if plan.deletion.is_some() {
            return self.retire_now(n);
        }
        if plan.before.is_none() || release.prepared {
            return Err(Why::AlreadyDone);
        }
        self.keep(n, |effect| *effect == Effect::Execute);
        self.run_errand(n, ErrandKind::Before);
        self.step(n, format!("its {} comes first", ErrandKind::Before));
        Ok(())
    }

    /// Everything is in place, and CloudFormation keeps the way back open until it is told.
    pub(super) fn awaits_verdict(&mut self, n: u32) -> Outcome {
        let release = self.track.release(n).ok_or(Why::ReleaseIsOver)?;
        let Phase::Deploying { plan, errand, stop, .. } = &release.phase else {
            return Err(Why::AnotherPhase);
        };
        let is_asked = plan.verify.is_none() || errand.is_some() || release.verdict.is_some();
        let is_to_stop = stop.is_some();
        let seen = format!("in place: CloudFormation waits for its {}", ErrandKind::Verify);
        let looked = self.look_at_deployment_later(n, seen);
        if is_asked {
            return looked;
        }
        if is_to_stop {
            self.judge_stopped(n);
        } else {
            self.run_errand(n, ErrandKind::Verify);
        }
        Ok(())
    }

    fn run_errand(&mut self, n: u32, kind: ErrandKind) {
        self.promise(n, Effect::RunErrand, self.now);
        let key = EffectKey { release: self.track.release_id(n), k: self.track.promised };
        self.set_errand(n, Some(Errand { kind, key, since: self.now, started: false }));
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
                let what = format!("its {}: {status}", errand.kind);
                self.look_later(n, |effect| *effect == Effect::LookAtErrand, what)
            }
            ErrandSeen::Succeeded | ErrandSeen::Failed { .. } => {
                self.errand_is_over(n);
                match (errand.kind, seen) {
                    (ErrandKind::Before, ErrandSeen::Failed { why }) => {
                        let why = format!("its {} failed: {why}", errand.kind);
                        self.end(n, Ending::Failed { why, stack_status: None });
                    }
                    (ErrandKind::Verify, ErrandSeen::Failed { why }) => {
                        self.judge(n, Verdict::Unwell { why: format!("failed: {why}") });
                    }
                    (ErrandKind::Before, _) => {
                        self.drop_promises(n);
                        self.step(n, format!("its {} ended well", errand.kind));
                        self.prepared(n);
                    }
                    (ErrandKind::Verify, _) => self.judge(n, Verdict::Well),
                }
                Ok(())
            }
        }
    }

    fn errand_is_over(&mut self, n: u32) {
        self.keep(n, |effect| matches!(effect, Effect::RunErrand | Effect::LookAtErrand));
        self.set_errand(n, None);
    }

    pub(super) fn is_verifying(&self, n: u32) -> bool {
        let phase = self.track.release(n).map(|release| &release.phase);
        matches!(phase, Some(Phase::Deploying { errand: Some(Errand { kind: ErrandKind::Verify, .. }), .. }))
    }

    /// The verdict is given once. A task that has not come to one is stopped.
    pub(super) fn judge(&mut self, n: u32, verdict: Verdict) {
        let Some(release) = self.release_mut(n).filter(|release| release.verdict.is_none()) else { return };
        let what = match &verdict {
            Verdict::Well => "ended well".to_owned(),
            Verdict::Unwell { why } => why.clone(),
        };
        release.verdict = Some(verdict);
        if let Phase::Deploying { errand: Some(Errand { kind, key, .. }), .. } = &release.phase {
            let stop = Effect::StopErrand { kind: *kind, key: key.clone() };
            self.promise(n, stop, self.now);
            self.errand_is_over(n);
        }
        self.step(n, format!("its {} {what}", ErrandKind::Verify));
        self.promise(n, Effect::GiveVerdict, self.now);
    }

    /// What is to stop need not be waited for.
    pub(super) fn judge_stopped(&mut self, n: u32) {
        let phase = self.track.release(n).map(|release| &release.phase);
        if let Some(Phase::Deploying { stop: Some(stop), .. }) = phase {
            let why = format!("was not waited for: {stop}");
            self.judge(n, Verdict::Unwell { why });
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

pub(super) fn not_in_time(plan: &Plan, kind: ErrandKind) -> String {
    format!("was not done within {} minutes", plan.limit(kind).as_seconds() / 60)
}

/// Why a release ends before its errand has.
pub(super) fn given_up(errand: &Errand, why: &str) -> String {
    format!("{why}; the task of its {} is stopped, and what it has done stays", errand.kind)
}
