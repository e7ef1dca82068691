//! What became of a promise, and how promises are made, kept and dropped.

use super::{Draft, LOOK_MAX, Outcome, Why, look_delay};
use crate::effect::{Effect, Notice, Promise};
use crate::ids::EffectKey;
use crate::order::Repaired;
use crate::release::{Reach, Verdict};
use crate::time::Timestamp;

impl Draft {
    pub(super) fn done(&mut self, key: &EffectKey) -> Outcome {
        let before = self.track.outbox.len();
        self.track.outbox.retain(|promise| promise.key != *key);
        if self.track.outbox.len() == before { Err(Why::AlreadyDone) } else { Ok(()) }
    }

    pub(super) fn waiting(&mut self, key: &EffectKey, why: &str, until: Timestamp) -> Outcome {
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

    pub(super) fn refused(&mut self, key: &EffectKey, why: &str) -> Outcome {
        let promise =
            self.track.outbox.iter().find(|promise| promise.key == *key).ok_or(Why::AlreadyDone)?.clone();
        if promise.effect == Effect::Show {
            // What Slack refuses is no news of the release; a step would only ask to be shown again.
            return self.done(key);
        }
        if matches!(promise.effect, Effect::LookAtDeployment | Effect::LookAtErrand) {
            // It goes on whether we may look or not: nothing has ended, and nothing else may start.
            return self.waiting(key, why, self.now.plus(LOOK_MAX));
        }
        if promise.effect == Effect::Repair {
            return self.repair_ended(key, Repaired::NotDone { why: why.to_owned() });
        }
        self.track.outbox.retain(|promise| promise.key != *key);
        if promise.effect == Effect::RunErrand && self.is_verifying(key.release.n) {
            // What is deployed is being deployed: it is for CloudFormation to take it back.
            self.judge(key.release.n, Verdict::Unwell { why: format!("could not be done: {why}") });
        } else if promise.effect.drives_release() {
            self.fail(key.release.n, why.to_owned());
        } else {
            self.step(key.release.n, format!("could not be done: {why}"));
        }
        Ok(())
    }

    pub(super) fn promise(&mut self, n: u32, effect: Effect, due: Timestamp) {
        self.track.promised += 1;
        let key = EffectKey { release: self.track.release_id(n), k: self.track.promised };
        self.track.outbox.push(Promise { key, effect, due, waits: 0, waiting_for: None });
    }

    /// Whatever people were asked about is shown as it moves on, and so is every ending. One promise for each release
    /// is enough, but always a new one: a hand that is at an older one may already have looked.
    pub(super) fn promise_to_show(&mut self) {
        let asked_about =
            |n: &u32| self.track.release(*n).is_some_and(|release| release.phase.reach() >= Reach::Plan);
        let moved: Vec<u32> = self.changed.iter().copied().filter(asked_about).collect();
        let ended: Vec<u32> = self.over.iter().map(|release| release.id.n).collect();
        for n in moved.into_iter().chain(ended) {
            self.keep(n, |effect| *effect == Effect::Show);
            self.promise(n, Effect::Show, self.now);
        }
    }

    pub(super) fn is_promised(&self, key: &EffectKey) -> bool {
        self.track.outbox.iter().any(|promise| promise.key == *key)
    }

    /// Takes the promises that `kept` describes off the outbox.
    pub(super) fn keep(&mut self, n: u32, kept: impl Fn(&Effect) -> bool) {
        self.track.outbox.retain(|promise| promise.key.release.n != n || !kept(&promise.effect));
    }

    /// The release moves on: what drove it before is void, and a request not yet sent is no longer one.
    pub(super) fn drop_promises(&mut self, n: u32) {
        self.keep(n, |effect| effect.drives_release() || is_operating(effect) || asks(effect));
    }

    /// Puts the release's look off, with growing delay; says so only when something is new.
    pub(super) fn look_later(&mut self, n: u32, looks: impl Fn(&Effect) -> bool, what: String) -> Outcome {
        let now = self.now;
        let is_look = |promise: &&mut Promise| promise.key.release.n == n && looks(&promise.effect);
        let Some(look) = self.track.outbox.iter_mut().find(is_look) else { return Err(Why::AlreadyDone) };
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

/// Said to CloudFormation of an operation that runs.
fn is_operating(effect: &Effect) -> bool {
    matches!(effect, Effect::StopDeployment | Effect::GiveVerdict)
}

fn asks(effect: &Effect) -> bool {
    const REQUESTS: [Notice; 3] =
        [Notice::ApprovalRequested, Notice::ApprovalReminded, Notice::ApprovalEscalated];
    REQUESTS.iter().any(|notice| *effect == Effect::Announce { notice: *notice })
}
