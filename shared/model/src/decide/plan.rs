//! From image to plan, and what makes a plan void.

use super::{Draft, Outcome, Why};
use crate::ids::{EffectKey, ImageDigest};
use crate::release::{Asked, Deployed, Ending, How, Phase, Reach, STALE_MAX};

impl Draft {
    pub(super) fn plan_anew(&mut self, n: u32, image: ImageDigest, before: Option<Asked>, what: String) {
        self.drop_promises(n);
        if let Some(release) = self.release_mut(n) {
            release.image = Some(image.clone());
        }
        self.enter(n, Phase::Planning { image, before }, what);
        self.supersede_older(n, Reach::Image);
        // The plan itself is promised when the stack is free: see `give_turns`.
    }

    /// A release that waits for a person or for its turn is planned again; its approvals count for the same plan.
    pub(super) fn plan_waiting_anew(&mut self, n: u32, why: &str) {
        let Some(release) = self.track.release(n) else { return };
        match &release.phase {
            Phase::AwaitingApproval { plan, asked } | Phase::Ready { plan, asked, .. } => {
                let (image, asked) = (plan.image.clone(), asked.clone());
                self.plan_anew(n, image, Some(asked), format!("{why}: the plan is made again"));
            }
            Phase::Building { .. } | Phase::Planning { .. } | Phase::Deploying { .. } | Phase::Over(_) => {}
        }
    }

    pub(super) fn up_to_date(&mut self, n: u32, key: &EffectKey, deployed: &Deployed) -> Outcome {
        let release = self.track.release(n).ok_or(Why::ReleaseIsOver)?;
        let Phase::Planning { image, .. } = &release.phase else {
            return Err(Why::AnotherPhase);
        };
        if !self.is_promised(key) || release.origin.is_retirement() {
            return Err(Why::AnotherPlan);
        }
        if deployed.image != *image {
            let why = format!(
                "the change set has no changes, yet the service runs {} and not {image}: was the service changed \
                 outside CloudFormation?",
                deployed.image
            );
            self.end(n, Ending::Failed { why, stack_status: Some(deployed.stack_status.clone()) });
            return Ok(());
        }
        self.supersede_older(n, Reach::Plan);
        self.deployed(n, deployed, How::AlreadyUpToDate);
        Ok(())
    }

    pub(super) fn plan_stale(&mut self, n: u32, key: &EffectKey, why: &str) -> Outcome {
        let release = self.track.release(n).ok_or(Why::ReleaseIsOver)?;
        let Phase::Deploying { plan, asked, started: false, errand: None, stop, .. } = &release.phase else {
            return Err(Why::AnotherPhase);
        };
        let (image, asked, stop) = (plan.image.clone(), asked.clone(), stop.clone());
        if !self.is_promised(key) {
            return Err(Why::AnotherPlan);
        }
        if let Some(stop) = stop {
            self.end_stopped(n, stop);
            return Ok(());
        }
        let stale = self.release_mut(n).map_or(0, |release| {
            release.stale += 1;
            release.stale
        });
        if stale >= STALE_MAX {
            let stack = self.track.key.stack();
            self.fail(
                n,
                format!(
                    "its plan was out of date {stale} times when its turn had come, at last because {why}: find out what \
                     else changes {stack}, then retry it"
                ),
            );
            return Ok(());
        }
        self.plan_anew(n, image, Some(asked), format!("the plan must be made again: {why}"));
        Ok(())
    }
}
