//! What must hold: at every commit, at every execution, and when all has come to rest.

use std::collections::{BTreeMap, BTreeSet};

use engine::ports::RolloutState;
use model::decide::Advance;
use model::effect::Effect;
use model::ids::{EffectKey, ReleaseId, StackName};
use model::release::{Deployed, Ending, How, Origin, Phase, Release};
use model::track::{IN_FLIGHT_MAX, Track};

use crate::operations::Becomes;
use crate::stacks::Props;
use crate::voters;
use crate::world::{HOUR, MINUTE, World};

/// What was read may be this old when it is committed: a slow function, a clock that is behind.
const READ_AGE_MAX_MS: u64 = 5 * MINUTE;
/// Once faults stop, a release that waits for nobody moves on within this.
pub(crate) const LIVENESS_MS: u64 = 8 * HOUR;

pub(crate) fn commit(world: &mut World, before: &Track, advance: &Advance) {
    let after = &advance.track;
    let key = &after.key;
    let mut wrong = Vec::new();
    let deploying: Vec<u32> = after.in_flight.iter().filter(|r| is_deploying(r)).map(|r| r.id.n).collect();
    if deploying.len() > 1 {
        wrong.push(format!("I2: {deploying:?} deploy on {key} at once"));
    }
    if after.in_flight.len() > IN_FLIGHT_MAX {
        wrong.push(format!("{} releases in flight on {key}", after.in_flight.len()));
    }
    for release in after.in_flight.iter().filter(|r| is_deploying(r)) {
        if !before.release(release.id.n).is_some_and(is_deploying) {
            wrong.extend(unapproved(world, release));
        }
    }
    if let (Some(was), Some(is)) = (&before.live, &after.live)
        && is.release.n < was.release.n
    {
        wrong.push(format!("I8: {} becomes live after {}", is.release, was.release));
    }
    for release in &advance.changed {
        wrong.extend(untrue_ending(world, release));
    }
    wrong.into_iter().for_each(|wrong| world.violation(wrong));
    cover(world, before, advance);
}

fn is_deploying(release: &Release) -> bool {
    matches!(release.phase, Phase::Deploying { .. })
}

/// I1: people said yes to exactly this plan, and the policy is met by what they said.
fn unapproved(world: &World, release: &Release) -> Option<String> {
    let Phase::Deploying { plan, asked, .. } = &release.phase else { return None };
    let said = (release.id.to_string(), plan.fingerprint.as_str().to_owned());
    let met = asked.missing == Some(0) && asked.policy.required > 0 && asked.fingerprint == plan.fingerprint;
    (!met || !world.people.approved.contains(&said))
        .then(|| format!("I1: {} deploys plan {} unapproved", release.id, plan.fingerprint.short()))
}

/// I6: an ending says what the world has done.
fn untrue_ending(world: &World, release: &Release) -> Option<String> {
    let Phase::Over(Ending::Deployed { deployed, how }) = &release.phase else { return None };
    let stack = release.id.track.stack();
    if !ran_lately(world, &stack, deployed) {
        return Some(format!(
            "I6: {} is called deployed, but its service does not run {}",
            release.id, deployed.image
        ));
    }
    let completed = world.stacks.operations.iter().any(|operation| {
        is_of(&operation.token, release)
            && matches!(operation.ended, Some("CREATE_COMPLETE" | "UPDATE_COMPLETE"))
    });
    (*how == How::Changed && !completed)
        .then(|| format!("I6: {} is called deployed, but its operation did not complete", release.id))
}

fn ran_lately(world: &World, stack: &StackName, deployed: &Deployed) -> bool {
    let Some(service) = world.stacks.all.get(stack.as_str()).and_then(|stack| stack.service.as_ref()) else {
        return false;
    };
    let since = world.now.saturating_sub(READ_AGE_MAX_MS);
    service.history.iter().enumerate().any(|(at, running)| {
        let until = service.history.get(at + 1).map_or(u64::MAX, |next| next.since);
        let image = world.stacks.task_definitions.get(&running.task_definition);
        until >= since
            && running.rollout == RolloutState::Completed
            && image.is_some_and(|image| image.ends_with(deployed.image.as_str()))
    })
}

fn is_of(token: &str, release: &Release) -> bool {
    token.parse::<EffectKey>().is_ok_and(|key| key.release == release.id)
}

/// A change set begins to be carried out: approved, on its turn, once.
pub(crate) fn execution(world: &mut World, stack: &StackName, key: &EffectKey, props: &Props) {
    let mut wrong = Vec::new();
    let executed: Vec<EffectKey> = world
        .stacks
        .operations
        .iter()
        .filter(|operation| operation.stack == stack.as_str())
        .filter_map(|operation| operation.token.parse().ok())
        .collect();
    if executed.iter().any(|other| other.release == key.release) {
        wrong.push(format!("I5: {} is carried out a second time, by {key}", key.release));
    }
    if let Some(newer) = executed.iter().find(|other| other.release.n > key.release.n) {
        wrong.push(format!("I8: {key} is carried out after {newer}"));
    }
    let release = world.table.tracks.get(&key.release.track).and_then(|track| track.release(key.release.n));
    match release.map(|release| (release, &release.phase)) {
        Some((release, Phase::Deploying { plan, .. })) if plan.change_set == *key => {
            wrong.extend(unapproved(world, release));
            wrong.extend(voters::lacks_voices(world, release, plan.fingerprint.as_str()));
            wrong.extend(frozen(world, release));
            let image = props.parameters.get("Image");
            if !image.is_some_and(|image| image.ends_with(plan.image.as_str())) {
                wrong.push(format!("I1: {key} deploys {image:?}, and {} was approved", plan.image));
            }
        }
        Some((_, phase)) => wrong.push(format!("I2: {key} is carried out while {}", phase.name())),
        None => wrong.push(format!("I2: {key} is carried out after its release is over")),
    }
    wrong.into_iter().for_each(|wrong| world.violation(wrong));
}

/// Nothing new is carried out in a freeze, unless somebody overrode it. What was read may be a little old.
fn frozen(world: &World, release: &Release) -> Option<String> {
    let track = world.table.tracks.get(&release.id.track)?;
    let overridden =
        track.freeze_override.as_ref().is_some_and(|given| given.until.0 + READ_AGE_MAX_MS > world.now);
    let frozen = |at| world.platform.is_frozen(track.key.environment.as_str(), at);
    let wrong = release.origin.is_new()
        && !overridden
        && frozen(world.now)
        && frozen(world.now.saturating_sub(READ_AGE_MAX_MS));
    wrong.then(|| format!("{} is carried out in a freeze", release.id))
}

/// I3: whatever does not wait for a person has moved lately.
pub(crate) fn liveness(world: &mut World) {
    let mut wrong = Vec::new();
    for release in world.table.tracks.values().flat_map(|track| &track.in_flight) {
        let still_ms = world.now.saturating_sub(release.phase_since.0);
        let waits_for_a_person = match &release.phase {
            Phase::AwaitingApproval { asked, .. } => asked.until.0 + 5 * MINUTE > world.now,
            Phase::Ready { .. } => {
                world.table.tracks.get(&release.id.track).is_some_and(|t| t.held().is_some())
            }
            Phase::Building { .. } | Phase::Planning { .. } | Phase::Deploying { .. } | Phase::Over(_) => {
                false
            }
        };
        if !waits_for_a_person && still_ms > LIVENESS_MS {
            let (id, phase) = (&release.id, release.phase.name());
            wrong.push(format!("I3: {id} is {phase} for {} minutes", still_ms / MINUTE));
        }
    }
    wrong.into_iter().for_each(|wrong| world.violation(wrong));
}

/// When nothing more will happen.
pub(crate) fn rest(world: &mut World) {
    let mut wrong = Vec::new();
    for track in world.table.tracks.values() {
        for release in &track.in_flight {
            wrong.push(format!("I3: {} is still {}", release.id, release.phase.name()));
        }
        for promise in &track.outbox {
            wrong.push(format!("I5: {} was promised and never done: {:?}", promise.key, promise.effect));
        }
    }
    wrong.extend(unnoticed_heads(world).into_iter().map(|head| format!("I3: {head} never became a release")));
    wrong.extend(builds_twice(world));
    wrong.extend(unpromoted(world));
    for operation in &world.stacks.operations {
        let release = world.table.releases.values().find(|release| is_of(&operation.token, release));
        let ending = release.and_then(Release::ending);
        let touched = world.stacks.all.get(&operation.stack).is_none_or(|stack| stack.touched);
        let told = ending.map_or("nothing", Ending::name);
        let true_ending = match operation.becomes {
            Becomes::Completed | Becomes::Slow | Becomes::RolloutLags => told == "Deployed" || touched,
            Becomes::RolledBack => told == "RolledBack",
            // What was put back may have had the same digest.
            Becomes::OldDigest if release.is_some_and(|release| !release.origin.is_new()) => true,
            Becomes::RollbackFailed | Becomes::RolloutFails | Becomes::OldDigest => {
                told == "Failed" || touched
            }
        };
        if !true_ending {
            wrong.push(format!("I6: {} was {:?}, and {told} was said", operation.token, operation.becomes));
        }
    }
    wrong.extend(world.quarantined.iter().map(|why| format!("I7: quarantined {why}")));
    wrong.into_iter().for_each(|wrong| world.violation(wrong));
    world.check_told();
    world.check_shown();
}

/// Heads that no release on a bound track was made of.
pub(crate) fn unnoticed_heads(world: &World) -> Vec<String> {
    let mut unnoticed = Vec::new();
    for (repository, head) in &world.sources.heads {
        for environment in world.platform.environments() {
            if world.platform.after(&environment).is_some() {
                continue;
            }
            let noticed = world.table.tracks.values().any(|track| {
                track.key.service.as_str() == repository
                    && track.key.environment.as_str() == environment
                    && track.newest.as_ref().is_some_and(|newest| newest.revision == *head)
            });
            if !noticed {
                unnoticed.push(format!("{repository} {} on {environment}", head.short()));
            }
        }
    }
    unnoticed
}

/// What ended well was started on the tracks that come after, by the same image and never by a build.
fn unpromoted(world: &World) -> Vec<String> {
    let mut wrong = Vec::new();
    for track in world.table.tracks.values() {
        let Some(after) = world.platform.after(track.key.environment.as_str()) else { continue };
        let of_track = |id: &ReleaseId, environment: &str| {
            id.track.service == track.key.service && id.track.environment.as_str() == environment
        };
        let own = world.table.releases.values().filter(|r| of_track(&r.id, track.key.environment.as_str()));
        for release in own {
            let Origin::Promotion { of } = &release.origin else {
                if release.origin == Origin::Push {
                    wrong.push(format!("{} was pushed to where only promotions come", release.id));
                }
                continue;
            };
            let image = world.table.releases.get(of).and_then(|of| of.phase.image());
            if image.is_none() || image != release.image.as_ref() {
                wrong.push(format!("{} has not the image of {of}", release.id));
            }
        }
        let ended_well = |release: &&Release| {
            of_track(&release.id, after)
                && release.origin.is_new()
                && matches!(release.ending(), Some(Ending::Deployed { .. }))
        };
        let newest = world.table.releases.values().filter(ended_well).map(|release| release.id.n).max();
        if newest > track.promoted.as_ref().map(|promoted| promoted.n) {
            wrong.push(format!("I5: {newest:?} of {after} was never promoted to {}", track.key));
        }
    }
    wrong
}

fn builds_twice(world: &World) -> Vec<String> {
    let mut by_id: BTreeMap<String, u32> = BTreeMap::new();
    for run in &world.builds.all {
        *by_id.entry(run.order.id.to_string()).or_default() += 1;
    }
    by_id
        .into_iter()
        .filter(|(_, times)| *times > 1)
        .map(|(id, times)| format!("I5: build {id} was started {times} times"))
        .collect()
}

fn cover(world: &mut World, before: &Track, advance: &Advance) {
    for release in &advance.changed {
        let from = before.release(release.id.n).map_or("nothing", |release| release.phase.name());
        let to = release.phase.name();
        if from != to {
            world.coverage.hit("phase", &format!("{from} -> {to}"));
        }
        if let Some(ending) = release.ending() {
            world.coverage.hit("ending", ending.name());
        }
    }
    let known: BTreeSet<&EffectKey> = before.outbox.iter().map(|promise| &promise.key).collect();
    for promise in advance.track.outbox.iter().filter(|promise| !known.contains(&promise.key)) {
        world.coverage.hit("effect", effect_name(&promise.effect));
    }
}

pub(crate) fn effect_name(effect: &Effect) -> &'static str {
    match effect {
        Effect::StartBuild => "StartBuild",
        Effect::LookAtBuild { .. } => "LookAtBuild",
        Effect::LeaveBuild { .. } => "LeaveBuild",
        Effect::Plan => "Plan",
        Effect::DiscardPlan { .. } => "DiscardPlan",
        Effect::CountVotes => "CountVotes",
        Effect::Execute => "Execute",
        Effect::LookAtDeployment => "LookAtDeployment",
        Effect::StopDeployment => "StopDeployment",
        Effect::Promote => "Promote",
        Effect::Announce { .. } => "Announce",
        Effect::Show => "Show",
    }
}
