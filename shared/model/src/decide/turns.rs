//! The track's own rules: whose turn it is, who gives way, and how a release ends.

use super::Draft;
use crate::effect::{Effect, Notice};
use crate::release::{Asked, Ending, Origin, Phase, Plan, Reach, Release};
use crate::track::Track;

impl Draft {
    /// A release that comes as far as an older one takes its place; a running deployment is left alone (I2, I8). A
    /// rollback that waits gives way to another rollback only: what is pushed meanwhile waits for the hold.
    pub(super) fn supersede_older(&mut self, n: u32, reach: Reach) {
        let is_rollback = |release: &Release| matches!(release.origin, Origin::Rollback { .. });
        let ordered = self.track.release(n).is_some_and(is_rollback);
        self.supersede(n, reach, |older| ordered || !is_rollback(older));
    }

    fn supersede(&mut self, n: u32, reach: Reach, which: impl Fn(&Release) -> bool) {
        let by = self.track.release_id(n);
        let older: Vec<u32> = self
            .track
            .in_flight
            .iter()
            .filter(|release| release.id.n < n)
            .filter(|release| release.phase.reach() <= reach && which(release))
            .map(|release| release.id.n)
            .collect();
        for older_n in older {
            self.end(older_n, Ending::Superseded { by: by.clone() });
        }
    }

    /// After every signal: one deployment at a time (I2), and plans only while the stack is free and nobody repairs it.
    pub(super) fn give_turns(&mut self) {
        let deploying = |track: &Track| track.in_flight.iter().any(|r| r.phase.reach() == Reach::Deployment);
        if deploying(&self.track) || self.track.repairing().is_some() {
            return;
        }
        let held = self.track.held().is_some();
        let ready = self.track.in_flight.iter().rev().find_map(|release| match &release.phase {
            Phase::Ready { .. } if held && release.origin.heeds_holds() => None,
            Phase::Ready { plan, asked, frozen: None } => Some((release.id.n, plan.clone(), asked.clone())),
            Phase::Ready { frozen: Some(_), .. }
            | Phase::Building { .. }
            | Phase::Planning { .. }
            | Phase::AwaitingApproval { .. }
            | Phase::Deploying { .. }
            | Phase::Over(_) => None,
        });
        match ready {
            Some((n, plan, asked)) if self.counted == Some(n) => return self.give_turn(n, plan, asked),
            // People leave groups, and records become stricter: an approved release that waited is planned, and so its
            // votes are counted, once more (I1).
            Some((n, ..)) => self.plan_waiting_anew(n, "its turn has come"),
            None => {}
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

    fn give_turn(&mut self, n: u32, plan: Plan, asked: Asked) {
        let phase = Phase::Deploying { plan, asked, started: false, errand: None, told: None, stop: None };
        self.enter(n, phase, "its turn to deploy".to_owned());
        self.promise(n, Effect::Execute, self.now);
        // An older one could only come after this one now (I8).
        self.supersede(n, Reach::Plan, |_| true);
        self.stop_planning();
    }

    /// A plan made from here on would be made against a stack that moves: it could even find "no changes".
    pub(super) fn stop_planning(&mut self) {
        self.track.outbox.retain(|promise| promise.effect != Effect::Plan);
    }

    pub(super) fn fail(&mut self, n: u32, why: String) {
        let stack_status = None;
        self.end(n, Ending::Failed { why, stack_status });
    }

    /// Ends the release: drops what drove it, tidies up what it held, tells people.
    pub(super) fn end(&mut self, n: u32, ending: Ending) {
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
            | Phase::Deploying { plan, started: false, .. }
                if plan.deletion.is_none() =>
            {
                let discard = Effect::DiscardPlan { change_set: plan.change_set.clone() };
                self.promise(n, discard, self.now);
            }
            Phase::Planning { .. }
            | Phase::AwaitingApproval { .. }
            | Phase::Ready { .. }
            | Phase::Deploying { .. }
            | Phase::Over(_) => {}
        }
        if let Phase::Deploying { errand: Some(errand), .. } = &release.phase {
            let stop = Effect::StopErrand { kind: errand.kind, key: errand.key.clone() };
            self.promise(n, stop, self.now);
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
    pub(super) fn replan_waiting(&mut self) {
        let waiting: Vec<u32> =
            self.track.in_flight.iter().filter(|r| r.phase.reach() == Reach::Plan).map(|r| r.id.n).collect();
        for n in waiting {
            self.plan_waiting_anew(n, "the stack moved on");
        }
    }
}
