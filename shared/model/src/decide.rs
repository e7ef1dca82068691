//! The one place where anything is decided: a track, a signal and the time give the next track and its promises.

use crate::approval::{Answer, Policy, Voice, Vote};
use crate::effect::{Effect, Notice, Promise};
use crate::ids::{BuildId, EffectKey, Fingerprint, ImageDigest};
use crate::release::{Asked, Deployed, Ending, How, Phase, Plan, Reach, Release};
use crate::signal::{BuildSeen, DeploymentSeen, Push, Rollout, Signal};
use crate::time::{Span, Timestamp};
use crate::track::{IN_FLIGHT_MAX, Live, Newest, OUTBOX_MAX, Track};

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
    #[error("this environment accepts no approvals by reply")]
    ReplyMayNotApprove,
    #[error("nothing is due")]
    NothingDue,
    #[error("the track is full; the patrol will bring the push again")]
    TrackIsFull,
}

/// Total over every phase and signal. The same signal decided twice changes nothing the second time (I4).
pub fn decide(track: &Track, signal: &Signal, now: Timestamp) -> Decision {
    let mut draft = Draft::of(track, now);
    let outcome = match signal {
        Signal::Pushed(push) => draft.pushed(push),
        Signal::BuildStarted { n, build } => draft.build_started(*n, build),
        Signal::BuildSeen { build, seen } => draft.build_seen(build, seen),
        Signal::Planned { n, plan, policy } => draft.planned(*n, plan, policy),
        Signal::UpToDate { n, key, deployed } => draft.up_to_date(*n, key, deployed),
        Signal::PlanStale { n, key, why } => draft.plan_stale(*n, key, why),
        Signal::Answered { n, fingerprint, answer, voice, reason, floor } => {
            draft.answered(*n, fingerprint, *answer, voice, reason, floor)
        }
        Signal::ExecutionStarted { n } => draft.execution_started(*n),
        Signal::DeploymentSeen { n, seen } => draft.deployment_seen(*n, seen),
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
    now: Timestamp,
}

type Outcome = Result<(), Why>;

impl Draft {
    fn of(track: &Track, now: Timestamp) -> Self {
        Self { track: track.clone(), changed: Vec::new(), over: Vec::new(), now }
    }

    fn finish(mut self) -> Decision {
        self.give_turns();
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

    // ---- from push to image

    fn pushed(&mut self, push: &Push) -> Outcome {
        if self.track.newest.as_ref().is_some_and(|newest| newest.revision == push.revision) {
            return Err(Why::AlreadyDone);
        }
        if self.track.in_flight.len() >= IN_FLIGHT_MAX || self.track.outbox.len() >= OUTBOX_MAX {
            return Err(Why::TrackIsFull);
        }
        let n = self.track.newest.as_ref().map_or(1, |newest| newest.n + 1);
        self.track.newest = Some(Newest { n, revision: push.revision.clone() });
        self.track.in_flight.push(Release {
            id: self.track.release_id(n),
            revision: push.revision.clone(),
            repository: push.repository.clone(),
            branch: push.branch.clone(),
            pushed_by: push.by.clone(),
            family: push.family.clone(),
            created_at: self.now,
            phase: Phase::Building { build: None },
            phase_since: self.now,
            steps: Vec::new(),
        });
        let by = push.by.as_deref().unwrap_or("somebody");
        self.step(n, format!("{} on {} pushed by {by}", push.revision.short(), push.branch));
        match &push.fault {
            Some(why) => self.end(n, Ending::Failed { why: why.clone(), stack_status: None }),
            None => {
                self.supersede_older(n, Reach::Build);
                self.promise(n, Effect::StartBuild, self.now);
            }
        }
        Ok(())
    }

    fn build_started(&mut self, n: u32, build: &BuildId) -> Outcome {
        let Some(release) = self.track.release(n) else {
            return self.leave_build_of_ended(n, build);
        };
        match &release.phase {
            Phase::Building { build: None } => {
                self.enter(
                    n,
                    Phase::Building { build: Some(build.clone()) },
                    format!("build {build} started"),
                );
                self.keep(n, |effect| matches!(effect, Effect::StartBuild));
                self.promise(n, Effect::LookAtBuild { build: build.clone() }, self.now.plus(LOOK_FIRST));
                Ok(())
            }
            Phase::Building { build: Some(_) }
            | Phase::Planning { .. }
            | Phase::AwaitingApproval { .. }
            | Phase::Ready { .. }
            | Phase::Deploying { .. }
            | Phase::Over(_) => Err(Why::AlreadyDone),
        }
    }

    /// The release ended while its build was being started: nobody else would ever leave that build.
    fn leave_build_of_ended(&mut self, n: u32, build: &BuildId) -> Outcome {
        if self.track.newest.as_ref().is_none_or(|newest| newest.n < n) {
            return Err(Why::ReleaseIsOver);
        }
        let leave = Effect::LeaveBuild { family: build.family() };
        let promised = |promise: &Promise| promise.key.release.n == n && promise.effect == leave;
        if self.track.outbox.iter().any(promised) {
            return Err(Why::AlreadyDone);
        }
        self.promise(n, leave, self.now);
        Ok(())
    }

    fn build_seen(&mut self, build: &BuildId, seen: &BuildSeen) -> Outcome {
        let wanting =
            |release: &&Release| matches!(&release.phase, Phase::Building { build: Some(b) } if b == build);
        let Some(n) = self.track.in_flight.iter().find(wanting).map(|release| release.id.n) else {
            return Err(Why::ReleaseIsOver);
        };
        match seen {
            BuildSeen::Running { phase } => self.look_later(n, format!("building: {phase}")),
            BuildSeen::Succeeded { exported: None, .. } => {
                self.fail(n, format!("build {build} succeeded but exported no image digest"));
                Ok(())
            }
            BuildSeen::Succeeded { exported: Some(_), registry: None } => {
                self.look_later(n, "built; waiting for the registry to show the image".to_owned())
            }
            BuildSeen::Succeeded { exported: Some(exported), registry: Some(registry) }
                if exported != registry =>
            {
                self.fail(
                    n,
                    format!(
                        "tag {build} in the registry names {registry}, but the build exported {exported}: \
                         somebody else pushed under the build's tag"
                    ),
                );
                Ok(())
            }
            BuildSeen::Succeeded { exported: Some(image), registry: Some(_) } => {
                self.plan_anew(n, image.clone(), None, format!("image {image} built"));
                Ok(())
            }
            BuildSeen::Failed { why } => {
                self.fail(n, why.clone());
                Ok(())
            }
            BuildSeen::Lost => {
                self.fail(n, format!("CodeBuild no longer knows build {build}: push again or retry"));
                Ok(())
            }
        }
    }

    // ---- from image to turn

    fn plan_anew(&mut self, n: u32, image: ImageDigest, before: Option<Asked>, what: String) {
        self.drop_promises(n);
        self.enter(n, Phase::Planning { image, before }, what);
        self.supersede_older(n, Reach::Image);
        // The plan itself is promised when the stack is free: see `give_turns`.
    }

    fn planned(&mut self, n: u32, plan: &Plan, policy: &Policy) -> Outcome {
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
            self.enter(n, Phase::Ready { plan: plan.clone(), asked }, what);
        } else {
            self.enter(n, Phase::AwaitingApproval { plan: plan.clone(), asked }, what);
            self.promise(n, Effect::Announce { notice: Notice::ApprovalRequested }, self.now);
        }
        self.supersede_older(n, Reach::Plan);
        Ok(())
    }

    fn up_to_date(&mut self, n: u32, key: &EffectKey, deployed: &Deployed) -> Outcome {
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

    fn answered(
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
                    self.enter(n, Phase::Ready { plan, asked }, what);
                } else {
                    self.enter(n, Phase::AwaitingApproval { plan, asked }, what);
                }
                Ok(())
            }
        }
    }

    fn plan_stale(&mut self, n: u32, key: &EffectKey, why: &str) -> Outcome {
        let release = self.track.release(n).ok_or(Why::ReleaseIsOver)?;
        let Phase::Deploying { plan, asked, started: false, .. } = &release.phase else {
            return Err(Why::AnotherPhase);
        };
        let (image, asked) = (plan.image.clone(), asked.clone());
        if !self.is_promised(key) {
            return Err(Why::AnotherPlan);
        }
        self.plan_anew(n, image, Some(asked), format!("the plan must be made again: {why}"));
        Ok(())
    }

    // ---- from turn to ending

    fn execution_started(&mut self, n: u32) -> Outcome {
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

    fn deployment_seen(&mut self, n: u32, seen: &DeploymentSeen) -> Outcome {
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

    fn deployed(&mut self, n: u32, deployed: &Deployed, how: How) {
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

    // ---- promises

    fn done(&mut self, key: &EffectKey) -> Outcome {
        let before = self.track.outbox.len();
        self.track.outbox.retain(|promise| promise.key != *key);
        if self.track.outbox.len() == before { Err(Why::AlreadyDone) } else { Ok(()) }
    }

    fn waiting(&mut self, key: &EffectKey, why: &str, until: Timestamp) -> Outcome {
        let promise =
            self.track.outbox.iter_mut().find(|promise| promise.key == *key).ok_or(Why::AlreadyDone)?;
        let news = promise.waiting_for.as_deref() != Some(why);
        if !news && promise.due == until {
            return Err(Why::AlreadyDone);
        }
        let drives = promise.effect.drives_release();
        promise.due = until;
        promise.waits = promise.waits.saturating_add(1);
        promise.waiting_for = Some(why.to_owned());
        if news && drives {
            self.step(key.release.n, format!("waiting: {why}"));
        }
        Ok(())
    }

    fn refused(&mut self, key: &EffectKey, why: &str) -> Outcome {
        let promise =
            self.track.outbox.iter().find(|promise| promise.key == *key).ok_or(Why::AlreadyDone)?.clone();
        if promise.effect == Effect::LookAtDeployment {
            // CloudFormation deploys whether we may look or not: nothing has ended, and nothing else may start.
            return self.waiting(key, why, self.now.plus(LOOK_MAX));
        }
        self.track.outbox.retain(|promise| promise.key != *key);
        if promise.effect.drives_release() {
            self.fail(key.release.n, why.to_owned());
        } else {
            self.step(key.release.n, format!("could not be done: {why}"));
        }
        Ok(())
    }

    // ---- time

    fn tick(&mut self) -> Outcome {
        let now = self.now;
        let due: Vec<u32> = self
            .track
            .in_flight
            .iter()
            .filter(|release| release.deadline().is_some_and(|deadline| deadline <= now))
            .map(|release| release.id.n)
            .collect();
        if due.is_empty() {
            return Err(Why::NothingDue);
        }
        for n in due {
            self.overdue(n);
        }
        Ok(())
    }

    fn overdue(&mut self, n: u32) {
        let Some(release) = self.track.release(n) else { return };
        let waiting = self
            .track
            .outbox
            .iter()
            .find(|promise| promise.key.release.n == n && promise.effect.drives_release())
            .and_then(|promise| promise.waiting_for.clone())
            .map_or(String::new(), |why| format!("; it last waited for: {why}"));
        match release.phase.clone() {
            Phase::Building { .. } => {
                self.fail(
                    n,
                    format!("no image within {} hours{waiting}", hours(crate::release::BUILDING_MAX)),
                );
            }
            Phase::Planning { .. } => {
                self.fail(
                    n,
                    format!("no plan within {} hours{waiting}", hours(crate::release::PLANNING_MAX)),
                );
            }
            Phase::AwaitingApproval { asked, .. } => {
                self.end(n, Ending::Expired { asked_until: asked.until })
            }
            Phase::Deploying { plan, asked, started, .. } => {
                let told = Some(self.now);
                self.enter(
                    n,
                    Phase::Deploying { plan, asked, started, told },
                    "takes longer than it should".into(),
                );
                self.promise(n, Effect::Announce { notice: Notice::TakesLong }, self.now);
            }
            Phase::Ready { .. } | Phase::Over(_) => {}
        }
    }

    // ---- the track's own rules

    /// A release that comes as far as an older one takes its place; a running deployment is left alone (I2, I8).
    fn supersede_older(&mut self, n: u32, reach: Reach) {
        let by = self.track.release_id(n);
        let older: Vec<u32> = self
            .track
            .in_flight
            .iter()
            .filter(|release| release.id.n < n)
            .filter(|release| release.phase.reach() <= reach)
            .map(|release| release.id.n)
            .collect();
        for older_n in older {
            self.end(older_n, Ending::Superseded { by: by.clone() });
        }
    }

    /// After every signal: one deployment at a time (I2), and plans only while the stack is free.
    fn give_turns(&mut self) {
        let deploying = |track: &Track| track.in_flight.iter().any(|r| r.phase.reach() == Reach::Deployment);
        if deploying(&self.track) {
            return;
        }
        let ready = self.track.in_flight.iter().rev().find_map(|release| match &release.phase {
            Phase::Ready { plan, asked } => Some((release.id.n, plan.clone(), asked.clone())),
            Phase::Building { .. }
            | Phase::Planning { .. }
            | Phase::AwaitingApproval { .. }
            | Phase::Deploying { .. }
            | Phase::Over(_) => None,
        });
        if let Some((n, plan, asked)) = ready {
            let phase = Phase::Deploying { plan, asked, started: false, told: None };
            self.enter(n, phase, "its turn to deploy".to_owned());
            self.promise(n, Effect::Execute, self.now);
            // An older one could only come after this one now (I8).
            self.supersede_older(n, Reach::Plan);
            // A plan made from here on would be made against a stack that moves: it could even find "no changes".
            self.track.outbox.retain(|promise| promise.effect != Effect::Plan);
            return;
        }
        let unplanned: Vec<u32> = self
            .track
            .in_flight
            .iter()
            .filter(|release| matches!(release.phase, Phase::Planning { .. }))
            .map(|release| release.id.n)
            .filter(|n| !self.track.outbox.iter().any(|p| p.key.release.n == *n && p.effect == Effect::Plan))
            .collect();
        for n in unplanned {
            self.promise(n, Effect::Plan, self.now);
        }
    }

    fn fail(&mut self, n: u32, why: String) {
        let stack_status = None;
        self.end(n, Ending::Failed { why, stack_status });
    }

    /// Ends the release: drops what drove it, tidies up what it held, tells people.
    fn end(&mut self, n: u32, ending: Ending) {
        let Some(at) = self.track.in_flight.iter().position(|release| release.id.n == n) else { return };
        self.drop_promises(n);
        let mut release = self.track.in_flight.remove(at);
        let was_deploying = release.phase.reach() == Reach::Deployment;
        match &release.phase {
            Phase::Building { .. } => {
                let leave = Effect::LeaveBuild { family: release.family.clone() };
                self.promise(n, leave, self.now);
            }
            Phase::AwaitingApproval { plan, .. }
            | Phase::Ready { plan, .. }
            | Phase::Deploying { plan, started: false, .. } => {
                let discard = Effect::DiscardPlan { change_set: plan.change_set.clone() };
                self.promise(n, discard, self.now);
            }
            Phase::Planning { .. } | Phase::Deploying { started: true, .. } | Phase::Over(_) => {}
        }
        let what = ending.reason();
        release.phase = Phase::Over(ending);
        release.phase_since = self.now;
        release.step(self.now, what);
        self.changed.retain(|changed| *changed != n);
        self.over.push(release);
        self.promise(n, Effect::Announce { notice: Notice::Ended }, self.now);
        if was_deploying {
            self.replan_waiting();
        }
    }

    /// Executing a change set makes CloudFormation discard the stack's others: waiting plans are made again, and
    /// their approvals count only if nothing changed (I1).
    fn replan_waiting(&mut self) {
        let waiting: Vec<(u32, ImageDigest, Asked)> = self
            .track
            .in_flight
            .iter()
            .filter_map(|release| match &release.phase {
                Phase::AwaitingApproval { plan, asked } | Phase::Ready { plan, asked } => {
                    Some((release.id.n, plan.image.clone(), asked.clone()))
                }
                Phase::Building { .. }
                | Phase::Planning { .. }
                | Phase::Deploying { .. }
                | Phase::Over(_) => None,
            })
            .collect();
        for (n, image, asked) in waiting {
            self.plan_anew(n, image, Some(asked), "the stack moved on: the plan is made again".to_owned());
        }
    }

    // ---- small steps

    fn release_mut(&mut self, n: u32) -> Option<&mut Release> {
        self.track.in_flight.iter_mut().find(|release| release.id.n == n)
    }

    fn deadline_of(&self, n: u32) -> Timestamp {
        self.track.release(n).and_then(Release::deadline).unwrap_or(self.now)
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

    fn promise(&mut self, n: u32, effect: Effect, due: Timestamp) {
        self.track.promised += 1;
        let key = EffectKey { release: self.track.release_id(n), k: self.track.promised };
        self.track.outbox.push(Promise { key, effect, due, waits: 0, waiting_for: None });
    }

    fn is_promised(&self, key: &EffectKey) -> bool {
        self.track.outbox.iter().any(|promise| promise.key == *key)
    }

    /// Takes the promises that `kept` describes off the outbox.
    fn keep(&mut self, n: u32, kept: impl Fn(&Effect) -> bool) {
        self.track.outbox.retain(|promise| promise.key.release.n != n || !kept(&promise.effect));
    }

    /// The release moves on: what drove it before is void, and a request not yet sent is no longer one.
    fn drop_promises(&mut self, n: u32) {
        self.keep(n, |effect| {
            effect.drives_release() || *effect == Effect::Announce { notice: Notice::ApprovalRequested }
        });
    }

    /// Puts the release's look off, with growing delay; says so only when something is new.
    fn look_later(&mut self, n: u32, what: String) -> Outcome {
        let now = self.now;
        let look = self.track.outbox.iter_mut().find(|promise| {
            promise.key.release.n == n
                && matches!(promise.effect, Effect::LookAtBuild { .. } | Effect::LookAtDeployment)
        });
        let Some(look) = look else { return Err(Why::AlreadyDone) };
        let news = look.waiting_for.as_deref() != Some(what.as_str());
        if !news && look.due > now {
            return Err(Why::AlreadyDone);
        }
        look.due = now.plus(look_delay(look.waits));
        look.waits = look.waits.saturating_add(1);
        look.waiting_for = Some(what.clone());
        if news {
            self.step(n, what);
        }
        Ok(())
    }
}

fn hours(span: Span) -> u64 {
    span.as_seconds() / 3600
}
