//! From plan to turn: who was asked, who answered, and whether that carries the plan (I1).

use super::{Draft, Outcome, Why};
use crate::approval::{Answer, Ground, Heard, Involved, Nudged, Policy, Quorum, Voice, Vote};
use crate::effect::{Effect, Notice};
use crate::ids::Fingerprint;
use crate::release::{Asked, Authors, Ending, Phase, Plan, Reach, Release};
use crate::time::{Span, Timestamp};

/// An answer, and whose.
pub(super) struct Said<'a> {
    pub(super) answer: Answer,
    pub(super) voice: &'a Voice,
    pub(super) reason: &'a str,
}

impl Said<'_> {
    fn vote(&self, fingerprint: &Fingerprint, at: Timestamp) -> Vote {
        let (voice, reason) = (self.voice.clone(), self.reason.to_owned());
        Vote { voice, fingerprint: fingerprint.clone(), at, reason }
    }
}

impl Draft {
    pub(super) fn planned(
        &mut self,
        n: u32,
        plan: &Plan,
        wish: &Policy,
        ground: &Ground,
        authors: &Authors,
    ) -> Outcome {
        let release = self.track.release(n).ok_or(Why::ReleaseIsOver)?;
        let Phase::Planning { image, before } = &release.phase else {
            return Err(Why::AnotherPhase);
        };
        let is_of_its_kind = plan.deletion.is_some() == release.origin.is_retirement();
        if *image != plan.image || !self.is_promised(&plan.change_set) || !is_of_its_kind {
            return Err(Why::AnotherPlan);
        }
        let before = before.clone();
        let release = self.release_mut(n).ok_or(Why::ReleaseIsOver)?;
        release.authors.clone_from(&authors.known);
        release.authors_unread = authors.unread;
        let release = release.clone();
        let same = before.clone().filter(|asked| asked.fingerprint == plan.fingerprint);
        let changed = before.is_some() && same.is_none();
        let asked = match same {
            Some(asked) => Asked { wish: Some(wish.clone()), ..asked },
            None => asked_now(plan, wish, self.now),
        };
        let involved = self.involved(&release, ground);
        let asked = counted(asked, &involved, ground);
        self.drop_promises(n);
        let short = plan.fingerprint.short();
        let what = if asked.missing == Some(0) {
            format!("plan {short} needs no further approval")
        } else if changed {
            format!("plan {short} differs from the one asked about before: earlier approvals are void")
        } else {
            format!(
                "plan {short} waits for {} approval(s){}",
                asked.still_needed(),
                surcharge(&asked, &involved, ground)
            )
        };
        self.weigh(n, plan.clone(), asked, what);
        if self.counted != Some(n) {
            self.promise(n, Effect::Announce { notice: Notice::ApprovalRequested }, self.now);
        }
        self.supersede_older(n, Reach::Plan);
        Ok(())
    }

    pub(super) fn answered(
        &mut self,
        n: u32,
        fingerprint: &Fingerprint,
        said: &Said<'_>,
        ground: &Ground,
    ) -> Outcome {
        let release = self.track.release(n).ok_or(Why::ReleaseIsOver)?.clone();
        let (asked, waits) = match &release.phase {
            Phase::AwaitingApproval { asked, .. } => (asked, true),
            Phase::Ready { asked, .. } | Phase::Deploying { asked, .. } => (asked, false),
            Phase::Building { .. } | Phase::Planning { .. } | Phase::Over(_) => {
                return Err(Why::AnotherPhase);
            }
        };
        if asked.fingerprint != *fingerprint {
            return Err(Why::AnotherPlan);
        }
        let asked = counted(asked.clone(), &self.involved(&release, ground), ground);
        if waits && asked.until <= self.now {
            self.end(n, Ending::Expired { asked_until: asked.until });
            return Ok(());
        }
        let token_used =
            *said.voice == Voice::Reply && asked.votes.iter().any(|vote| vote.voice == Voice::Reply);
        match said.answer {
            // A token is good for one reply.
            Answer::Reject if waits && token_used => Err(Why::AlreadyDone),
            Answer::Reject if waits => {
                self.heard(n, fingerprint, said);
                self.end(n, Ending::Rejected { by: said.voice.clone(), reason: said.reason.to_owned() });
                Ok(())
            }
            Answer::Reject => Err(Why::AnotherPhase),
            Answer::Approve => self.approved(&release, asked, said, ground),
        }
    }

    fn approved(&mut self, release: &Release, mut asked: Asked, said: &Said<'_>, ground: &Ground) -> Outcome {
        let n = release.id.n;
        let involved = self.involved(release, ground);
        let quorum = Quorum { policy: &asked.policy, directory: &ground.directory, involved: &involved };
        quorum.may_approve(said.voice).map_err(Why::MayNotApprove)?;
        let spoke_before = asked.votes.iter().any(|vote| vote.voice.is_same(said.voice));
        if !spoke_before {
            asked.votes.push(said.vote(&asked.fingerprint, self.now));
            self.heard(n, &asked.fingerprint, said);
        }
        let asked = counted(asked, &involved, ground);
        match release.phase.clone() {
            Phase::AwaitingApproval { plan, .. } => {
                if spoke_before && asked.missing != Some(0) {
                    return Err(Why::AlreadyDone);
                }
                self.weigh(n, plan, asked, approved_by(said));
            }
            // It is decided; whoever agrees is remembered all the same.
            Phase::Ready { .. } | Phase::Deploying { .. } if spoke_before => return Err(Why::AlreadyDone),
            Phase::Ready { plan, frozen, .. } => {
                self.enter(n, Phase::Ready { plan, asked, frozen }, approved_by(said));
            }
            Phase::Deploying { plan, started, errand, told, stop, .. } => {
                let phase = Phase::Deploying { plan, asked, started, errand, told, stop };
                self.enter(n, phase, approved_by(said));
            }
            Phase::Building { .. } | Phase::Planning { .. } | Phase::Over(_) => {
                return Err(Why::AnotherPhase);
            }
        }
        Ok(())
    }

    /// Kept with the release, whatever becomes of the plan and of the vote.
    fn heard(&mut self, n: u32, fingerprint: &Fingerprint, said: &Said<'_>) {
        let heard = Heard { answer: said.answer, vote: said.vote(fingerprint, self.now) };
        if let Some(release) = self.release_mut(n) {
            release.hear(heard);
        }
    }

    fn involved(&self, release: &Release, ground: &Ground) -> Involved {
        let overridden = self.track.freeze_override.as_ref().filter(|given| given.until > self.now);
        Involved::of(release, overridden, &ground.directory)
    }

    /// Ready when the votes, counted in this very decision, carry the plan; else it waits for more.
    fn weigh(&mut self, n: u32, plan: Plan, asked: Asked, what: String) {
        if asked.missing == Some(0) {
            self.counted = Some(n);
            self.enter(n, Phase::Ready { plan, asked, frozen: None }, what);
        } else {
            self.enter(n, Phase::AwaitingApproval { plan, asked }, what);
        }
    }
}

fn asked_now(plan: &Plan, wish: &Policy, now: Timestamp) -> Asked {
    Asked {
        fingerprint: plan.fingerprint.clone(),
        policy: wish.clone(),
        wish: Some(wish.clone()),
        votes: Vec::new(),
        missing: None,
        asked_at: Some(now),
        nudged: Nudged::NotYet,
        until: now.plus(open_for(wish)),
    }
}

fn open_for(policy: &Policy) -> Span {
    Span::hours(u64::from(policy.expires_hours))
}

/// The request as it stands on this ground: what is needed, what lacks, and until when.
fn counted(asked: Asked, involved: &Involved, ground: &Ground) -> Asked {
    let policy = asked.wish().tightened(&ground.record);
    let quorum = Quorum { policy: &policy, directory: &ground.directory, involved };
    let (required, missing) = (quorum.required(), quorum.missing(&asked.votes, &asked.fingerprint));
    let until = asked.asked_at.map_or(asked.until, |at| asked.until.min(at.plus(open_for(&policy))));
    let wish = Some(asked.wish().clone());
    Asked { policy: Policy { required, ..policy }, wish, missing: Some(missing), until, ..asked }
}

/// Why more is needed than the policies say.
fn surcharge(asked: &Asked, involved: &Involved, ground: &Ground) -> &'static str {
    let said = asked.wish().tightened(&ground.record).required;
    if asked.policy.required <= said {
        ""
    } else if involved.pusher.is_none() {
        ", one of them because nobody knows who pushed"
    } else {
        ", one of them because nobody read who wrote all of it"
    }
}

fn approved_by(said: &Said<'_>) -> String {
    match said.voice {
        Voice::Verified { person, identity: Some(identity) } => format!("approved by {person} ({identity})"),
        Voice::Verified { .. } | Voice::Reply => format!("approved by {}", said.voice),
    }
}
