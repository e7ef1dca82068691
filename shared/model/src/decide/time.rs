//! What the passing of time alone does.

use super::{Draft, Outcome, Why};
use crate::effect::{Effect, Notice};
use crate::release::{BUILDING_MAX, Ending, PLANNING_MAX, Phase};
use crate::time::Span;

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
                self.fail(n, format!("no image within {} hours{waiting}", hours(BUILDING_MAX)));
            }
            Phase::Planning { .. } => {
                self.fail(n, format!("no plan within {} hours{waiting}", hours(PLANNING_MAX)));
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
}

fn hours(span: Span) -> u64 {
    span.as_seconds() / 3600
}
