//! What the passing of time alone does.

use super::errand::{given_up, not_in_time};
use super::{Draft, Outcome, Why};
use crate::approval::Nudged;
use crate::effect::{Effect, Notice};
use crate::release::{Asked, BUILDING_MAX, Ending, ErrandKind, PLANNING_MAX, Phase, Plan, Release, Verdict};
use crate::time::Span;
use crate::track::HOLD_TOLD_EVERY;

impl Draft {
    pub(super) fn tick(&mut self) -> Outcome {
        let now = self.now;
        let due: Vec<u32> = self
            .track
            .in_flight
            .iter()
            .filter(|release| release.deadline().is_some_and(|deadline| deadline <= now))
            .map(|release| release.id.n)
            .collect();
        let hold_told = self.tell_of_hold();
        let repair_is_late = self.repair_is_late();
        if due.is_empty() && !hold_told && !repair_is_late {
            return Err(Why::NothingDue);
        }
        for n in due {
            self.overdue(n);
        }
        Ok(())
    }

    /// Nothing waits in silence: a hold is told of every day.
    fn tell_of_hold(&mut self) -> bool {
        let now = self.now;
        let Some(newest) = self.track.newest.as_ref().map(|newest| newest.n) else { return false };
        let Some(hold) = self.track.hold.as_mut().filter(|hold| hold.lifted.is_none()) else { return false };
        if hold.told.plus(HOLD_TOLD_EVERY) > now {
            return false;
        }
        hold.told = now;
        self.promise(newest, Effect::Announce { notice: Notice::Held }, now);
        true
    }

    fn is_due(&self, n: u32) -> bool {
        let deadline = self.track.release(n).and_then(Release::deadline);
        deadline.is_some_and(|deadline| deadline <= self.now)
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
                self.fail(n, format!("no image within {} hours{waiting}", hours(BUILDING_MAX)));
            }
            Phase::Planning { .. } => {
                self.fail(n, format!("no plan within {} hours{waiting}", hours(PLANNING_MAX)));
            }
            Phase::AwaitingApproval { asked, .. } if asked.until <= self.now => {
                self.end(n, Ending::Expired { asked_until: asked.until })
            }
            Phase::AwaitingApproval { plan, asked } => self.nudge(n, plan, asked),
            Phase::Deploying { plan, errand: Some(errand), .. } => {
                let why = format!("{}{waiting}", not_in_time(&plan, errand.kind));
                match errand.kind {
                    ErrandKind::Before => {
                        self.fail(n, given_up(&errand, &format!("its {} {why}", errand.kind)))
                    }
                    ErrandKind::Verify => {
                        self.judge(n, Verdict::Unwell { why });
                        // The deployment's own limit may have come as well.
                        if self.is_due(n) {
                            self.overdue(n);
                        }
                    }
                }
            }
            Phase::Deploying { plan, told: None, stop: None, .. } if plan.timeout.is_some() => {
                self.stop(n, None)
            }
            Phase::Deploying { plan, asked, started, errand, stop, .. } => {
                let told = Some(self.now);
                self.enter(
                    n,
                    Phase::Deploying { plan, asked, started, errand, told, stop },
                    "takes longer than it should".into(),
                );
                self.promise(n, Effect::Announce { notice: Notice::TakesLong }, self.now);
            }
            Phase::Ready { frozen: Some(_), .. } => self.plan_waiting_anew(n, "the freeze is over"),
            Phase::Ready { frozen: None, .. } | Phase::Over(_) => {}
        }
    }

    /// Nobody answered yet: those who are asked are told again, and then others.
    fn nudge(&mut self, n: u32, plan: Plan, mut asked: Asked) {
        if let Some(at) = asked.asked_at.filter(|_| asked.until > self.now) {
            asked.nudged = asked.nudged.after(asked.until.since(at), self.now.since(at));
        }
        let (notice, what) = match asked.nudged {
            Nudged::NotYet => return,
            Nudged::Reminded => (Notice::ApprovalReminded, "asked again: half the time to answer has passed"),
            Nudged::Escalated => {
                (Notice::ApprovalEscalated, "asked again, and others too: most of the time has passed")
            }
        };
        self.enter(n, Phase::AwaitingApproval { plan, asked }, what.to_owned());
        self.promise(n, Effect::Announce { notice }, self.now);
    }
}

fn hours(span: Span) -> u64 {
    span.as_seconds() / 3600
}
