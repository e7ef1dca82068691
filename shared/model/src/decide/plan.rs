//! From image to turn: plans, and the answers of people.

use super::{Draft, Outcome, Why};
use crate::approval::{Answer, Policy, Voice, Vote};
use crate::effect::{Effect, Notice};
use crate::ids::{EffectKey, Fingerprint, ImageDigest};
use crate::release::{Asked, Deployed, Ending, How, Phase, Plan, Reach};
use crate::time::Span;

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

    pub(super) fn planned(&mut self, n: u32, plan: &Plan, policy: &Policy) -> Outcome {
        let release = self.track.release(n).ok_or(Why::ReleaseIsOver)?;
        let Phase::Planning { image, before } = &release.phase else {
            return Err(Why::AnotherPhase);
        };
        if *image != plan.image || !self.is_promised(&plan.change_set) {
            return Err(Why::AnotherPlan);
        }
        let same = before.clone().filter(|asked| asked.fingerprint == plan.fingerprint);
        let changed = before.is_some() && same.is_none();
        let asked = match same {
            Some(asked) => Asked { policy: asked.policy.tightened(policy), ..asked },
            None => Asked {
                fingerprint: plan.fingerprint.clone(),
                policy: policy.clone(),
                votes: Vec::new(),
                until: self.now.plus(Span::hours(u64::from(policy.expires_hours))),
            },
        };
        self.drop_promises(n);
        let met = asked.policy.is_met(&asked.votes, &plan.fingerprint);
        let what = match (met, changed) {
            (true, _) => format!("plan {} needs no further approval", plan.fingerprint.short()),
            (false, true) => format!(
                "plan {} differs from the one asked about before: earlier approvals are void",
                plan.fingerprint.short()
            ),
            (false, false) => {
                format!("plan {} waits for {} approval(s)", plan.fingerprint.short(), asked.policy.required)
            }
        };
        if met {
            self.enter(n, Phase::Ready { plan: plan.clone(), asked, frozen: None }, what);
        } else {
            self.enter(n, Phase::AwaitingApproval { plan: plan.clone(), asked }, what);
            self.promise(n, Effect::Announce { notice: Notice::ApprovalRequested }, self.now);
        }
        self.supersede_older(n, Reach::Plan);
        Ok(())
    }

    pub(super) fn up_to_date(&mut self, n: u32, key: &EffectKey, deployed: &Deployed) -> Outcome {
        let release = self.track.release(n).ok_or(Why::ReleaseIsOver)?;
        let Phase::Planning { image, .. } = &release.phase else {
            return Err(Why::AnotherPhase);
        };
        if !self.is_promised(key) {
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

    pub(super) fn answered(
        &mut self,
        n: u32,
        fingerprint: &Fingerprint,
        answer: Answer,
        voice: &Voice,
        reason: &str,
        floor: &Policy,
    ) -> Outcome {
        let now = self.now;
        let release = self.track.release(n).ok_or(Why::ReleaseIsOver)?;
        let Phase::AwaitingApproval { plan, asked } = &release.phase else {
            return Err(Why::AnotherPhase);
        };
        if asked.fingerprint != *fingerprint {
            return Err(Why::AnotherPlan);
        }
        if asked.until <= now {
            self.end(n, Ending::Expired { asked_until: self.deadline_of(n) });
            return Ok(());
        }
        match answer {
            Answer::Reject => {
                self.end(n, Ending::Rejected { by: voice.clone(), reason: reason.to_owned() });
                Ok(())
            }
            Answer::Approve => {
                let policy = asked.policy.tightened(floor);
                if !policy.may_approve(voice) {
                    return Err(Why::ReplyMayNotApprove);
                }
                if asked.votes.iter().any(|vote| vote.voice == *voice) {
                    return Err(Why::AlreadyDone);
                }
                let (plan, mut asked) = (plan.clone(), asked.clone());
                asked.policy = policy;
                asked.votes.push(Vote { voice: voice.clone(), fingerprint: fingerprint.clone(), at: now });
                let what = format!("approved by {voice}");
                if asked.policy.is_met(&asked.votes, fingerprint) {
                    self.enter(n, Phase::Ready { plan, asked, frozen: None }, what);
                } else {
                    self.enter(n, Phase::AwaitingApproval { plan, asked }, what);
                }
                Ok(())
            }
        }
    }

    pub(super) fn plan_stale(&mut self, n: u32, key: &EffectKey, why: &str) -> Outcome {
        let release = self.track.release(n).ok_or(Why::ReleaseIsOver)?;
        let Phase::Deploying { plan, asked, started: false, stop, .. } = &release.phase else {
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
        self.plan_anew(n, image, Some(asked), format!("the plan must be made again: {why}"));
        Ok(())
    }
}
