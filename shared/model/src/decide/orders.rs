//! What people order.

use super::errand::given_up;
use super::{Draft, Outcome, Why};
use crate::effect::{Effect, Notice};
use crate::order::{Hold, Order, Ordered, Override};
use crate::release::{Ending, Errand, ErrandKind, Origin, Phase, Release, Stop};
use crate::time::Timestamp;
use crate::track::{Live, Newest, ORDERS_MAX};

impl Draft {
    pub(super) fn ordered(&mut self, order: &Order, ordered: &Ordered) -> Outcome {
        if self.track.orders.contains(&ordered.id) {
            return Err(Why::AlreadyDone);
        }
        match order {
            Order::Hold => self.hold(ordered)?,
            Order::Lift => self.lift(ordered)?,
            Order::Cancel { n } => self.cancel(*n, ordered)?,
            Order::Retry { of } => self.retry(of, ordered)?,
            Order::Rollback { to } => self.roll_back(to, ordered)?,
            Order::Redeploy { of } => self.redeploy(of, ordered)?,
            Order::Retire { of } => self.retire(of, ordered)?,
            Order::OverrideFreeze { until } => self.override_freeze(*until, ordered)?,
            Order::Repair { skip } => self.repair(skip, ordered)?,
        }
        self.track.orders.push(ordered.id.clone());
        if self.track.orders.len() > ORDERS_MAX {
            self.track.orders.remove(0);
        }
        Ok(())
    }

    fn hold(&mut self, ordered: &Ordered) -> Outcome {
        if self.track.held().is_some() {
            return Err(Why::AlreadyHeld);
        }
        let newest = self.track.newest.as_ref().ok_or(Why::NothingReleased)?.n;
        let (since, told) = (self.now, self.now);
        self.track.hold = Some(Hold { ordered: ordered.clone(), since, told, lifted: None });
        self.promise(newest, Effect::Announce { notice: Notice::Held }, self.now);
        Ok(())
    }

    fn lift(&mut self, ordered: &Ordered) -> Outcome {
        let hold = self.track.hold.as_mut().filter(|hold| hold.lifted.is_none()).ok_or(Why::NotHeld)?;
        hold.lifted = Some(ordered.clone());
        let newest = self.track.newest.as_ref().ok_or(Why::NothingReleased)?.n;
        self.promise(newest, Effect::Announce { notice: Notice::Held }, self.now);
        // What waited was approved under the policy of then: planning reads it anew (I1).
        for n in self.waiting_for_turn(|_| true) {
            self.plan_waiting_anew(n, &format!("the hold was lifted by {ordered}"));
        }
        Ok(())
    }

    fn override_freeze(&mut self, until: Timestamp, ordered: &Ordered) -> Outcome {
        if until <= self.now {
            return Err(Why::AlreadyPast);
        }
        self.track.freeze_override = Some(Override { ordered: ordered.clone(), until });
        for n in self.waiting_for_turn(|phase| matches!(phase, Phase::Ready { frozen: Some(_), .. })) {
            self.plan_waiting_anew(n, &format!("the freeze was overridden by {ordered}"));
        }
        Ok(())
    }

    fn cancel(&mut self, n: u32, ordered: &Ordered) -> Outcome {
        let release = self.track.release(n).ok_or(Why::ReleaseIsOver)?;
        match &release.phase {
            Phase::Building { .. }
            | Phase::Planning { .. }
            | Phase::AwaitingApproval { .. }
            | Phase::Ready { .. } => {
                self.end(n, Ending::Cancelled { ordered: ordered.clone() });
                Ok(())
            }
            Phase::Deploying { .. } if self.is_being_retired(n) => Err(Why::BeingDeleted),
            // Of a retirement: that its turn has come has changed nothing yet.
            Phase::Deploying { plan, .. } if plan.deletion.is_some() => {
                self.end(n, Ending::Cancelled { ordered: ordered.clone() });
                Ok(())
            }
            Phase::Deploying { errand: Some(errand @ Errand { kind: ErrandKind::Before, .. }), .. } => {
                self.fail(n, given_up(errand, &format!("cancelled by {ordered}")));
                Ok(())
            }
            Phase::Deploying { stop: None, .. } => {
                self.stop(n, Some(ordered.clone()));
                Ok(())
            }
            Phase::Deploying { stop: Some(_), .. } => Err(Why::AlreadyDone),
            Phase::Over(_) => Err(Why::ReleaseIsOver),
        }
    }

    /// What runs is taken back by CloudFormation; what has not begun will not.
    pub(super) fn stop(&mut self, n: u32, ordered: Option<Ordered>) {
        let Some(Release { phase: Phase::Deploying { plan, asked, started, errand, .. }, .. }) =
            self.track.release(n)
        else {
            return;
        };
        let (plan, asked, started, errand) = (plan.clone(), asked.clone(), *started, errand.clone());
        let stop = Stop { at: self.now, ordered };
        let what = stop.to_string();
        self.enter(n, Phase::Deploying { plan, asked, started, errand, told: None, stop: Some(stop) }, what);
        if started {
            self.promise(n, Effect::StopDeployment, self.now);
            if self.is_verifying(n) {
                self.judge_stopped(n);
            }
            return;
        }
        let now = self.now;
        let is_execution = |key: u32, effect: &Effect| key == n && *effect == Effect::Execute;
        for promise in &mut self.track.outbox {
            if is_execution(promise.key.release.n, &promise.effect) {
                promise.due = now;
            }
        }
    }

    fn retry(&mut self, of: &Release, ordered: &Ordered) -> Outcome {
        let n = of.id.n;
        match &of.phase {
            Phase::Over(Ending::Deployed { .. }) => return Err(Why::WasDeployed),
            Phase::Over(
                Ending::RolledBack { .. }
                | Ending::Failed { .. }
                | Ending::Superseded { .. }
                | Ending::Rejected { .. }
                | Ending::Expired { .. }
                | Ending::Cancelled { .. }
                | Ending::Retired { .. },
            ) => {}
            Phase::Building { .. }
            | Phase::Planning { .. }
            | Phase::AwaitingApproval { .. }
            | Phase::Ready { .. }
            | Phase::Deploying { .. } => return Err(Why::StillInFlight),
        }
        if !of.origin.is_new() {
            return Err(Why::WasOrdered);
        }
        if self.track.live.as_ref().is_some_and(|live| live.stands_for().n > n) {
            return Err(Why::NewerIsLive);
        }
        if self.track.in_flight.iter().any(|release| release.id.n > n) {
            return Err(Why::NewerInFlight);
        }
        let what = format!("{} is tried again by {ordered}", of.id);
        self.begin_ordered(of, of.origin.clone(), ordered, what)
    }

    /// The one way back to something older (I8). The track is held with it, so that no push undoes it.
    fn roll_back(&mut self, to: &Release, ordered: &Ordered) -> Outcome {
        let Phase::Over(Ending::Deployed { .. }) = &to.phase else { return Err(Why::NeverRan) };
        let target = to.stands_for().clone();
        if self.track.live.as_ref().is_some_and(|live| *live.stands_for() == target) {
            return Err(Why::AlreadyLive);
        }
        let what = format!("back to {target}, ordered by {ordered}");
        let origin = Origin::Rollback { to: target };
        match self.track.in_flight.iter().find(|release| release.origin == origin).map(|release| release.id.n)
        {
            // Whoever heard no answer orders again.
            Some(n) => self.step(n, what),
            None => self.begin_ordered(to, origin, ordered, what)?,
        }
        match self.hold(ordered) {
            Ok(()) | Err(Why::AlreadyHeld) => Ok(()),
            Err(why) => Err(why),
        }
    }

    fn redeploy(&mut self, of: &Release, ordered: &Ordered) -> Outcome {
        let of_what = self.live_and_alone(of)?.stands_for().clone();
        let what = format!("{of_what} is started anew, ordered by {ordered}");
        self.begin_ordered(of, Origin::Redeploy { of: of_what }, ordered, what)
    }

    /// What is live, where that is this release and nothing is about to take its place.
    pub(super) fn live_and_alone(&self, of: &Release) -> Result<&Live, Why> {
        let live = self.track.live.as_ref().ok_or(Why::NothingReleased)?;
        if live.release != of.id {
            return Err(Why::NewerIsLive);
        }
        if self.track.in_flight.is_empty() { Ok(live) } else { Err(Why::OtherInFlight) }
    }

    /// A release made of an earlier one: planned from its image, or built where it never had one.
    pub(super) fn begin_ordered(
        &mut self,
        of: &Release,
        origin: Origin,
        ordered: &Ordered,
        what: String,
    ) -> Outcome {
        if of.id.track != self.track.key {
            return Err(Why::AnotherTrack);
        }
        self.has_room()?;
        let n = self.track.next_number();
        if let Some(newest) = &mut self.track.newest {
            // The branch's newest revision stays what it is: the patrol must not push it again.
            *newest = Newest { n, revision: newest.revision.clone() };
        }
        let image = of.image.clone().or_else(|| of.phase.image().cloned());
        self.track.in_flight.push(Release {
            id: self.track.release_id(n),
            origin,
            ordered: Some(ordered.clone()),
            stale: 0,
            prepared: false,
            verdict: None,
            build_log: None,
            image: image.clone(),
            created_at: self.now,
            phase: Phase::Building { build: None },
            phase_since: self.now,
            warning: None,
            heard: Vec::new(),
            steps: Vec::new(),
            ..of.clone()
        });
        match image {
            Some(image) => self.plan_anew(n, image, None, what),
            None => {
                self.step(n, what);
                self.supersede_older(n, crate::release::Reach::Build);
                self.promise(n, Effect::StartBuild, self.now);
            }
        }
        Ok(())
    }

    fn waiting_for_turn(&self, which: impl Fn(&Phase) -> bool) -> Vec<u32> {
        let waits =
            |release: &&Release| matches!(release.phase, Phase::Ready { .. }) && which(&release.phase);
        self.track.in_flight.iter().filter(waits).map(|release| release.id.n).collect()
    }
}
