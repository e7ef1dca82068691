//! From turn to ending.

use super::{Draft, LOOK_FIRST, Outcome, Why};
use crate::effect::{Effect, Promise};
use crate::ids::{EffectKey, ImageDigest};
use crate::release::{Deployed, Ending, Errand, ErrandKind, Frozen, How, Origin, Phase, Stop, Verdict};
use crate::signal::{DeploymentSeen, Rollout};
use crate::track::Live;

impl Draft {
    pub(super) fn execution_started(&mut self, n: u32, warning: Option<&str>) -> Outcome {
        let warned = self.warn(n, warning);
        let release = self.track.release(n).ok_or(Why::ReleaseIsOver)?;
        let Phase::Deploying { plan, asked, started: false, errand: None, told, stop } =
            release.phase.clone()
        else {
            // An event may have told of the execution, but not of what stood against it.
            return if warned { Ok(()) } else { Err(Why::AlreadyDone) };
        };
        let is_to_stop = stop.is_some();
        let what = if plan.deletion.is_some() { "CloudFormation deletes" } else { "CloudFormation deploys" };
        let phase = Phase::Deploying { plan, asked, started: true, errand: None, told, stop };
        self.enter(n, phase, what.to_owned());
        self.keep(n, |effect| matches!(effect, Effect::Execute | Effect::Retire));
        if is_to_stop {
            self.promise(n, Effect::StopDeployment, self.now);
        }
        self.promise(n, Effect::LookAtDeployment, self.now.plus(LOOK_FIRST));
        Ok(())
    }

    /// Whether that is news of a release that is being deployed.
    fn warn(&mut self, n: u32, warning: Option<&str>) -> bool {
        let Some(warning) = warning else { return false };
        let Some(release) = self.release_mut(n) else { return false };
        if !matches!(release.phase, Phase::Deploying { .. }) || release.warning.is_some() {
            return false;
        }
        release.warning = Some(warning.to_owned());
        self.step(n, format!("deployed although {warning}"));
        true
    }

    pub(super) fn deployment_seen(&mut self, n: u32, seen: &DeploymentSeen) -> Outcome {
        let release = self.track.release(n).ok_or(Why::ReleaseIsOver)?;
        let (image, started, stop, deletion) = match &release.phase {
            // What others execute while its `before` runs is found by our own execution.
            Phase::Deploying { errand: Some(Errand { kind: ErrandKind::Before, .. }), .. }
            | Phase::Building { .. }
            | Phase::Planning { .. }
            | Phase::AwaitingApproval { .. }
            | Phase::Ready { .. }
            | Phase::Over(_) => return Err(Why::AnotherPhase),
            Phase::Deploying { plan, started, stop, .. } => {
                (plan.image.clone(), *started, stop.clone(), plan.deletion.clone())
            }
        };
        if *seen == DeploymentSeen::NotStarted {
            return if started {
                self.look_at_deployment_later(n, "waiting for CloudFormation to begin".to_owned())
            } else {
                Err(Why::AlreadyDone)
            };
        }
        let is_of_its_kind = match seen {
            DeploymentSeen::NotStarted | DeploymentSeen::Running { .. } | DeploymentSeen::Broken { .. } => {
                true
            }
            DeploymentSeen::AwaitsVerdict
            | DeploymentSeen::Settled { .. }
            | DeploymentSeen::RolledBack { .. } => deletion.is_none(),
            DeploymentSeen::Gone => deletion.is_some(),
        };
        if !is_of_its_kind {
            return Err(Why::AnotherPlan);
        }
        if !started {
            // An event told of the execution before the hand could.
            self.execution_started(n, None)?;
        }
        match seen {
            DeploymentSeen::NotStarted => Ok(()),
            DeploymentSeen::Running { status } => {
                let doing = if deletion.is_some() { "retiring" } else { "deploying" };
                self.look_at_deployment_later(n, format!("{doing}: {status}"))
            }
            DeploymentSeen::AwaitsVerdict => self.awaits_verdict(n),
            DeploymentSeen::Settled { deployed, rollout } => self.settled(n, &image, deployed, rollout),
            DeploymentSeen::RolledBack { status, why } => {
                let why = match (stop, self.track.release(n).and_then(|release| release.verdict.as_ref())) {
                    (Some(stop), _) => format!("{stop}; {why}"),
                    (None, Some(Verdict::Unwell { why })) => format!("its {} {why}", ErrandKind::Verify),
                    (None, Some(Verdict::Well) | None) => why.clone(),
                };
                self.end(n, Ending::RolledBack { why, stack_status: status.clone() });
                Ok(())
            }
            DeploymentSeen::Broken { status, why } => {
                self.end(n, Ending::Failed { why: why.clone(), stack_status: Some(status.clone()) });
                Ok(())
            }
            DeploymentSeen::Gone => {
                let retained = deletion.map(|deletion| deletion.retained).unwrap_or_default();
                self.retired(n, How::Changed, retained);
                Ok(())
            }
        }
    }

    /// Its turn came in a freeze: it goes back to waiting, and is planned anew when the freeze is over.
    pub(super) fn frozen(&mut self, n: u32, key: &EffectKey, frozen: &Frozen) -> Outcome {
        let release = self.track.release(n).ok_or(Why::ReleaseIsOver)?;
        let Phase::Deploying { plan, asked, started: false, errand: None, stop, .. } = release.phase.clone()
        else {
            return Err(Why::AnotherPhase);
        };
        if !self.is_promised(key) {
            return Err(Why::AnotherPlan);
        }
        if self.is_being_retired(n) {
            return Err(Why::BeingDeleted);
        }
        if frozen.until <= self.now {
            return Err(Why::AlreadyPast);
        }
        if let Some(stop) = stop {
            self.end_stopped(n, stop);
            return Ok(());
        }
        self.drop_promises(n);
        let what = format!("waits for the end of a freeze: {}", frozen.why);
        self.enter(n, Phase::Ready { plan, asked, frozen: Some(frozen.clone()) }, what);
        Ok(())
    }

    pub(super) fn not_executed(&mut self, n: u32, key: &EffectKey) -> Outcome {
        let release = self.track.release(n).ok_or(Why::ReleaseIsOver)?;
        let Phase::Deploying { started: false, errand: None, stop: Some(stop), .. } = &release.phase else {
            return Err(Why::AnotherPhase);
        };
        let stop = stop.clone();
        if !self.is_promised(key) {
            return Err(Why::AnotherPlan);
        }
        self.end_stopped(n, stop);
        Ok(())
    }

    /// Nothing of it was carried out.
    pub(super) fn end_stopped(&mut self, n: u32, stop: Stop) {
        let ending = match stop.ordered {
            Some(ordered) => Ending::Cancelled { ordered },
            None => Ending::Failed { why: stop.to_string(), stack_status: None },
        };
        self.end(n, ending);
    }

    /// I6: only stack, digest and rollout together make a deployment.
    fn settled(&mut self, n: u32, image: &ImageDigest, deployed: &Deployed, rollout: &Rollout) -> Outcome {
        let failed = |why: String| Ending::Failed { why, stack_status: Some(deployed.stack_status.clone()) };
        // Whoever takes it back may be at it: the stack that completed just now may be deleted all the same.
        if self.is_being_stopped(n) {
            return self.look_at_deployment_later(
                n,
                format!("{}, and about to be taken back", deployed.stack_status),
            );
        }
        match rollout {
            Rollout::Running => self.look_at_deployment_later(
                n,
                format!("deploying: {}, the service still moves", deployed.stack_status),
            ),
            Rollout::Failed { why } => {
                self.end(n, failed(format!("the stack is {}, but {why}", deployed.stack_status)));
                Ok(())
            }
            Rollout::Completed if deployed.image != *image => {
                let why = format!(
                    "the stack is {}, but the service runs {} and not {image}",
                    deployed.stack_status, deployed.image
                );
                self.end(n, failed(why));
                Ok(())
            }
            Rollout::Completed if self.lacks_verdict(n) => {
                let why = format!(
                    "the stack is {}, but nobody said that its {} ended well",
                    deployed.stack_status,
                    ErrandKind::Verify
                );
                self.end(n, failed(why));
                Ok(())
            }
            Rollout::Completed => {
                self.deployed(n, deployed, How::Changed);
                Ok(())
            }
        }
    }

    fn is_being_stopped(&self, n: u32) -> bool {
        let stops =
            |promise: &Promise| promise.key.release.n == n && promise.effect == Effect::StopDeployment;
        self.track.outbox.iter().any(stops)
    }

    /// CloudFormation completes nothing that waits for a verdict; others may have told it one.
    fn lacks_verdict(&self, n: u32) -> bool {
        self.track.release(n).is_some_and(|release| {
            release.phase.plan().is_some_and(|plan| plan.verify.is_some())
                && release.verdict != Some(Verdict::Well)
        })
    }

    pub(super) fn look_at_deployment_later(&mut self, n: u32, what: String) -> Outcome {
        self.look_later(n, |effect| *effect == Effect::LookAtDeployment, what)
    }

    pub(super) fn deployed(&mut self, n: u32, deployed: &Deployed, how: How) {
        let Some(release) = self.track.release(n) else { return };
        let (from, refresh) = match &release.origin {
            Origin::Push | Origin::Promotion { .. } => (None, None),
            Origin::Rollback { to } => (Some(to.clone()), None),
            Origin::Redeploy { of } => (Some(of.clone()), Some(release.id.clone())),
            // Nothing of it is ever deployed.
            Origin::Retirement { .. } => return,
        };
        let goes_on = release.origin.is_new();
        let carried = self.track.live.as_ref().and_then(|live| live.refresh.clone());
        self.track.live = Some(Live {
            release: release.id.clone(),
            revision: release.revision.clone(),
            image: deployed.image.clone(),
            task_definition: deployed.task_definition.clone(),
            since: self.now,
            from,
            refresh: refresh.or(carried),
        });
        self.end(n, Ending::Deployed { deployed: deployed.clone(), how });
        if goes_on {
            self.promise(n, Effect::Promote, self.now);
        }
    }
}
