//! A stack that hangs, and what becomes of its repair.

use super::{Draft, Outcome, Why};
use crate::effect::{Effect, Notice};
use crate::ids::EffectKey;
use crate::order::{Ordered, REPAIR_MAX, Repair, Repaired};
use crate::release::Reach;

impl Draft {
    /// Nothing of ours may run at the stack meanwhile (I2), and nothing that runs is interrupted.
    pub(super) fn repair(&mut self, skip: &[String], ordered: &Ordered) -> Outcome {
        if self.track.repairing().is_some() {
            return Err(Why::AlreadyRepairing);
        }
        if self.track.in_flight.iter().any(|release| release.phase.reach() == Reach::Deployment) {
            return Err(Why::Deploying);
        }
        let newest = self.track.newest.as_ref().ok_or(Why::NothingReleased)?.n;
        self.stop_planning();
        self.promise(newest, Effect::Repair, self.now);
        let key = EffectKey { release: self.track.release_id(newest), k: self.track.promised };
        self.track.repair = Some(Repair {
            ordered: ordered.clone(),
            key,
            skip: skip.to_vec(),
            since: self.now,
            outcome: None,
        });
        Ok(())
    }

    pub(super) fn repair_ended(&mut self, key: &EffectKey, outcome: Repaired) -> Outcome {
        let repair =
            self.track.repair.as_mut().filter(|repair| repair.key == *key && repair.outcome.is_none());
        repair.ok_or(Why::AlreadyDone)?.outcome = Some(outcome);
        self.track.outbox.retain(|promise| promise.key != *key);
        self.promise(key.release.n, Effect::Announce { notice: Notice::Repaired }, self.now);
        self.replan_waiting();
        Ok(())
    }

    /// Whatever CloudFormation is at, the next plan waits for; a person is told (I3).
    pub(super) fn repair_is_late(&mut self) -> bool {
        let Some(repair) = self.track.repairing().filter(|repair| repair.since.plus(REPAIR_MAX) <= self.now)
        else {
            return false;
        };
        let key = repair.key.clone();
        let waiting = self.track.outbox.iter().find(|promise| promise.key == key);
        let waiting = waiting.and_then(|promise| promise.waiting_for.as_deref());
        let last = waiting.map_or(String::new(), |why| format!("; at last: {why}"));
        let why = format!("it was not done within {} hours{last}", REPAIR_MAX.as_seconds() / 3600);
        self.repair_ended(&key, Repaired::NotDone { why }).is_ok()
    }
}
