//! An answer to a request for approval, by somebody whose identity is proven.

use std::cell::RefCell;

use model::approval::{Answer, Identity, Voice};
use model::ids::ReleaseId;
use model::signal::Signal;

use crate::advance::{Handled, advance_once};
use crate::failure::Failure;
use crate::ports::{Clock, Once, Queues, Records, Tracks};
use crate::records::ground;

pub(crate) struct Voted<'a> {
    pub(crate) identity: &'a Identity,
    pub(crate) answer: Answer,
    pub(crate) release: &'a ReleaseId,
    /// The fingerprint of the plan that they saw, or its first digits.
    pub(crate) plan: &'a str,
    pub(crate) reason: &'a str,
}

/// Why an answer reached no decision.
enum Missed {
    Over,
    Stranger,
    AnotherPlan,
}

/// What became of it, in words for whoever gave it; `Err`: it changed nothing.
pub(crate) async fn take<P: Tracks + Queues + Records + Clock>(
    ports: &P,
    vote: &Voted<'_>,
    once: Option<&Once>,
) -> Result<Result<String, String>, Failure> {
    let Voted { identity, answer, release, plan, reason } = vote;
    let missed = RefCell::new(Missed::Over);
    let handled = advance_once(ports, &release.track, once, async |track| {
        let Some(stored) = track.release(release.n) else { return Ok(None) };
        let Some(shown) = stored.phase.plan() else { return Ok(None) };
        // People are shown the first digits; a button carries them all.
        if !shown.fingerprint.as_str().starts_with(plan) || plan.len() < shown.fingerprint.short().len() {
            missed.replace(Missed::AnotherPlan);
            return Ok(None);
        }
        let ground = ground(ports, &track.key.environment, &stored.origin).await?;
        let Some(person) = ground.directory.person(identity).cloned() else {
            missed.replace(Missed::Stranger);
            return Ok(None);
        };
        Ok(Some(Signal::Answered {
            n: release.n,
            fingerprint: shown.fingerprint.clone(),
            answer: *answer,
            voice: Voice::Verified { person, identity: Some((*identity).clone()) },
            reason: (*reason).to_owned(),
            ground,
        }))
    })
    .await?;
    let verb = match answer {
        Answer::Approve => "approval",
        Answer::Reject => "rejection",
    };
    Ok(match handled {
        Handled::Advanced { .. } => Ok(format!("Your {verb} of {release} is recorded.")),
        Handled::Ignored(why) => Err(format!("Your {verb} of {release} changes nothing: {why}.")),
        Handled::Spent => {
            Err(format!("Your {verb} of {release} changes nothing: {}.", proof::Refusal::Spent))
        }
        Handled::Unconcerned => Err(match missed.into_inner() {
            Missed::Over => format!("{release} waits for no answer: it has moved on or is over."),
            Missed::AnotherPlan => {
                format!("{release} has another plan by now: look at the newest request, and answer that one.")
            }
            Missed::Stranger => stranger(identity),
        }),
    })
}

pub(crate) fn stranger(identity: &Identity) -> String {
    format!("Nobody in the record of people is {identity}: ask whoever runs the platform to add you.")
}
