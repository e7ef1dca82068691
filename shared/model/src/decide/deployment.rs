//! From turn to ending.

use super::{Draft, LOOK_FIRST, Outcome, Why};
use crate::effect::Effect;
use crate::ids::ImageDigest;
use crate::release::{Deployed, Ending, How, Phase};
use crate::signal::{DeploymentSeen, Rollout};
use crate::track::Live;

impl Draft {
    pub(super) fn execution_started(&mut self, n: u32) -> Outcome {
        let release = self.track.release(n).ok_or(Why::ReleaseIsOver)?;
        let Phase::Deploying { plan, asked, started: false, told } = release.phase.clone() else {
            return Err(Why::AlreadyDone);
        };
        self.enter(
            n,
            Phase::Deploying { plan, asked, started: true, told },
            "CloudFormation deploys".to_owned(),
        );
        self.keep(n, |effect| matches!(effect, Effect::Execute));
        self.promise(n, Effect::LookAtDeployment, self.now.plus(LOOK_FIRST));
        Ok(())
    }

    pub(super) fn deployment_seen(&mut self, n: u32, seen: &DeploymentSeen) -> Outcome {
        let release = self.track.release(n).ok_or(Why::ReleaseIsOver)?;
        let Phase::Deploying { plan, started, .. } = &release.phase else {
            return Err(Why::AnotherPhase);
        };
        let (image, started) = (plan.image.clone(), *started);
        if *seen == DeploymentSeen::NotStarted {
            return if started {
                self.look_later(n, "waiting for CloudFormation to begin".to_owned())
            } else {
                Err(Why::AlreadyDone)
            };
        }
        if !started {
            // An event told of the execution before the hand could.
            self.execution_started(n)?;
        }
        match seen {
            DeploymentSeen::NotStarted => Ok(()),
            DeploymentSeen::Running { status } => self.look_later(n, format!("deploying: {status}")),
            DeploymentSeen::Settled { deployed, rollout } => self.settled(n, &image, deployed, rollout),
            DeploymentSeen::RolledBack { status, why } => {
                self.end(n, Ending::RolledBack { why: why.clone(), stack_status: status.clone() });
                Ok(())
            }
            DeploymentSeen::Broken { status, why } => {
                self.end(n, Ending::Failed { why: why.clone(), stack_status: Some(status.clone()) });
                Ok(())
            }
        }
    }

    /// I6: only stack, digest and rollout together make a deployment.
    fn settled(&mut self, n: u32, image: &ImageDigest, deployed: &Deployed, rollout: &Rollout) -> Outcome {
        let failed = |why: String| Ending::Failed { why, stack_status: Some(deployed.stack_status.clone()) };
        match rollout {
            Rollout::Running => {
                self.look_later(n, format!("deploying: {}, the service still moves", deployed.stack_status))
            }
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
            Rollout::Completed => {
                self.deployed(n, deployed, How::Changed);
                Ok(())
            }
        }
    }

    pub(super) fn deployed(&mut self, n: u32, deployed: &Deployed, how: How) {
        if let Some(release) = self.track.release(n) {
            self.track.live = Some(Live {
                release: release.id.clone(),
                revision: release.revision.clone(),
                image: deployed.image.clone(),
                task_definition: deployed.task_definition.clone(),
                since: self.now,
            });
        }
        self.end(n, Ending::Deployed { deployed: deployed.clone(), how });
    }
}
