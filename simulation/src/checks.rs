//! What must hold: at every commit, at every execution, and when all has come to rest.

mod commits;
mod errands;
mod executions;
mod places;
mod rest;
mod secrets;

pub(crate) use commits::{READ_AGE_MAX_MS, commit};
pub(crate) use errands::{errand, verdict};
pub(crate) use executions::{execution, interruption, retirement};
pub(crate) use places::places;
pub(crate) use rest::{LIVENESS_MS, liveness, rest, unnoticed_heads};
pub(crate) use secrets::no_secret_was_told;

use model::approval::{Voice, Vote};
use model::effect::Effect;
use model::ids::EffectKey;
use model::release::{Phase, Release};

use crate::world::World;

/// What a violation breaks. ARCHITECTURE.md says what each asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Invariant {
    I1,
    I2,
    I3,
    I4,
    I5,
    I6,
    I7,
    I8,
    I9,
    I11,
    I14,
    /// What is done costs what is in flight, and nothing is done twice for good measure.
    Cost,
    /// A service would not take what it is sent.
    Aws,
}

/// What was found wrong, by what it breaks.
pub(crate) type Wrong = Vec<(Invariant, String)>;

/// Counts each invariant that was looked at, and tells what is wrong.
fn tell(world: &mut World, looked_at: &[&str], wrong: Wrong) {
    for invariant in looked_at {
        world.coverage.hit("checked", invariant);
    }
    wrong.into_iter().for_each(|(invariant, what)| world.violation(invariant, what));
}

fn is_deploying(release: &Release) -> bool {
    matches!(release.phase, Phase::Deploying { .. })
}

/// Whether an operation of CloudFormation's is this release's.
fn is_of(token: &str, release: &Release) -> bool {
    token.parse::<EffectKey>().is_ok_and(|key| key.release == release.id)
}

/// I1: people said yes to exactly this plan, and the policy is met by what they said.
fn unapproved(world: &World, release: &Release) -> Option<(Invariant, String)> {
    let Phase::Deploying { plan, asked, .. } = &release.phase else { return None };
    let said = (release.id.to_string(), plan.fingerprint.as_str().to_owned());
    let is_reply = |vote: &Vote| vote.voice == Voice::Reply && vote.fingerprint == plan.fingerprint;
    if asked.votes.iter().any(is_reply) && !world.people.replied.contains(&said) {
        return Some((Invariant::I1, format!("{} deploys by a reply that nobody gave", release.id)));
    }
    let met = asked.missing == Some(0) && asked.policy.required > 0 && asked.fingerprint == plan.fingerprint;
    (!met || !world.people.approved.contains(&said)).then(|| {
        let what = format!("{} deploys plan {} unapproved", release.id, plan.fingerprint.short());
        (Invariant::I1, what)
    })
}

/// Whether the ending is promised to be told.
fn is_ending_told(effect: &Effect) -> bool {
    matches!(effect, Effect::Announce { notice: model::effect::Notice::Ended })
}
