//! From push to image.

use super::{Draft, LOOK_FIRST, Outcome, Why};
use crate::effect::{Effect, Promise};
use crate::ids::{BuildId, ReleaseId};
use crate::release::{Ending, Origin, Phase, Reach, Release};
use crate::signal::{BuildSeen, Promotion, Push};
use crate::track::{IN_FLIGHT_MAX, Newest, OUTBOX_MAX};

impl Draft {
    pub(super) fn pushed(&mut self, push: &Push) -> Outcome {
        if self.track.newest.as_ref().is_some_and(|newest| newest.revision == push.revision) {
            return Err(Why::AlreadyDone);
        }
        self.has_room()?;
        let n = self.track.next_number();
        self.track.newest = Some(Newest { n, revision: push.revision.clone() });
        self.track.in_flight.push(Release {
            id: self.track.release_id(n),
            revision: push.revision.clone(),
            repository: push.repository.clone(),
            branch: push.branch.clone(),
            pushed_by: push.by.clone(),
            authors: Vec::new(),
            authors_unread: false,
            family: push.family.clone(),
            origin: Origin::Push,
            ordered: None,
            stale: 0,
            prepared: false,
            verdict: None,
            build_log: None,
            image: None,
            created_at: self.now,
            phase: Phase::Building { build: None },
            phase_since: self.now,
            warning: None,
            heard: Vec::new(),
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

    /// The image comes from the track before: nothing is built again.
    pub(super) fn promoted(&mut self, promotion: &Promotion) -> Outcome {
        let is_known = |last: &ReleaseId| last.track == promotion.of.track && last.n >= promotion.of.n;
        if self.track.promoted.as_ref().is_some_and(is_known) {
            return Err(Why::AlreadyDone);
        }
        self.has_room()?;
        let n = self.track.next_number();
        self.track.newest = Some(Newest { n, revision: promotion.revision.clone() });
        self.track.promoted = Some(promotion.of.clone());
        self.track.in_flight.push(Release {
            id: self.track.release_id(n),
            revision: promotion.revision.clone(),
            repository: promotion.repository.clone(),
            branch: promotion.branch.clone(),
            pushed_by: promotion.pushed_by.clone(),
            authors: Vec::new(),
            authors_unread: false,
            family: promotion.family.clone(),
            origin: Origin::Promotion { of: promotion.of.clone() },
            ordered: None,
            stale: 0,
            prepared: false,
            verdict: None,
            build_log: None,
            image: Some(promotion.image.clone()),
            created_at: self.now,
            phase: Phase::Planning { image: promotion.image.clone(), before: None },
            phase_since: self.now,
            warning: None,
            heard: Vec::new(),
            steps: Vec::new(),
        });
        let what = format!("image {} promoted from {}", promotion.image, promotion.of);
        match &promotion.fault {
            Some(why) => {
                self.step(n, what);
                self.end(n, Ending::Failed { why: why.clone(), stack_status: None });
            }
            None => self.plan_anew(n, promotion.image.clone(), None, what),
        }
        Ok(())
    }

    pub(super) fn has_room(&self) -> Outcome {
        if self.track.in_flight.len() >= IN_FLIGHT_MAX || self.track.outbox.len() >= OUTBOX_MAX {
            return Err(Why::TrackIsFull);
        }
        Ok(())
    }

    pub(super) fn build_started(&mut self, n: u32, build: &BuildId) -> Outcome {
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

    pub(super) fn build_seen(&mut self, build: &BuildId, seen: &BuildSeen) -> Outcome {
        let wanting =
            |release: &&Release| matches!(&release.phase, Phase::Building { build: Some(b) } if b == build);
        let Some(n) = self.track.in_flight.iter().find(wanting).map(|release| release.id.n) else {
            return Err(Why::ReleaseIsOver);
        };
        match seen {
            BuildSeen::Running { phase } => self.look_at_build_later(n, format!("building: {phase}")),
            BuildSeen::Succeeded { exported: None, .. } => {
                self.fail(n, format!("build {build} succeeded but exported no image digest"));
                Ok(())
            }
            BuildSeen::Succeeded { exported: Some(_), registry: None } => {
                self.look_at_build_later(n, "built; waiting for the registry to show the image".to_owned())
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
            BuildSeen::Failed { why, log } => {
                self.release_mut(n).ok_or(Why::ReleaseIsOver)?.build_log = log.clone();
                self.fail(n, why.clone());
                Ok(())
            }
            BuildSeen::Lost => {
                self.fail(n, format!("CodeBuild no longer knows build {build}: push again or retry"));
                Ok(())
            }
        }
    }

    fn look_at_build_later(&mut self, n: u32, what: String) -> Outcome {
        self.look_later(n, |effect| matches!(effect, Effect::LookAtBuild { .. }), what)
    }
}
