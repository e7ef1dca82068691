//! What must hold when CloudFormation is told to carry a change set out.

use engine::ports::ChangeSetKind;
use model::ids::{EffectKey, StackName};
use model::release::{Phase, Plan, Release};
use model::track::Track;

use super::Invariant::{I1, I2, I5, I8};
use super::errands::unprepared;
use super::{Invariant, READ_AGE_MAX_MS, Wrong, is_deploying, places, tell, unapproved};
use crate::operations::Operation;
use crate::restorable::is_unmet;
use crate::stacks::Props;
use crate::voters;
use crate::witness::CLOCKS_APART_MAX_MS;
use crate::world::World;

/// A change set begins to be carried out: approved, on its turn, once.
pub(crate) fn execution(
    world: &mut World,
    stack: &StackName,
    key: &EffectKey,
    props: &Props,
    kind: ChangeSetKind,
) {
    let mut wrong = Wrong::new();
    once_and_in_order(world, stack, key, &mut wrong);
    as_approved(world, stack, key, props, kind, &mut wrong);
    places::in_its_place(world, stack, key, props, &mut wrong);
    tell(world, &["I1", "I2", "I5", "I8", "I11"], wrong);
}

/// Whether the stack goes as an approved plan says; then on its turn, and once.
pub(crate) fn retirement(world: &mut World, stack: &str, id: &str, token: &str) -> bool {
    let deployed = |track: &&Track| track.key.stack().as_str() == stack;
    let of_stack = world.table.tracks.values().find(deployed);
    let retired = of_stack.and_then(|track| {
        track.in_flight.iter().find(|release| {
            let plan = release.phase.plan().filter(|_| is_deploying(release));
            let is_its = |plan: &Plan| {
                let is_of_stack = plan.deletion.as_ref().is_some_and(|deletion| deletion.stack == id);
                is_of_stack && token.strip_prefix(&plan.change_set.to_string()) == Some("-delete")
            };
            plan.is_some_and(is_its)
        })
    });
    let Some(release) = retired.cloned() else { return false };
    let mut wrong = Wrong::new();
    if let Phase::Deploying { plan, .. } = &release.phase {
        wrong.extend(unapproved(world, &release));
        wrong.extend(voters::lacks_voices(world, &release, plan.fingerprint.as_str()));
        wrong.extend(in_a_freeze(world, &release));
    }
    let runs = |operation: &Operation| operation.stack == stack && operation.ended.is_none();
    if world.stacks.operations.iter().any(runs) && !world.stacks.deleted.contains(stack) {
        wrong.push((I2, format!("{stack} is retired while a deployment to it runs")));
    }
    tell(world, &["I1", "I2"], wrong);
    true
}

/// I2: what runs is taken back because somebody ordered that or because its time was over, and for nothing else.
pub(crate) fn interruption(world: &mut World, executed: &str) {
    let key = executed.parse::<EffectKey>().ok();
    let release =
        key.as_ref().and_then(|key| world.table.tracks.get(&key.release.track)?.release(key.release.n));
    let is_due = |release: &Release| match &release.phase {
        Phase::Deploying { stop: Some(stop), plan, .. } => {
            let is_late = |limit| release.phase_since.plus(limit).0 <= world.now + CLOCKS_APART_MAX_MS;
            stop.ordered.is_some() || plan.timeout.is_some_and(is_late)
        }
        Phase::Deploying { stop: None, .. }
        | Phase::Building { .. }
        | Phase::Planning { .. }
        | Phase::AwaitingApproval { .. }
        | Phase::Ready { .. }
        | Phase::Over(_) => false,
    };
    let mut wrong = Wrong::new();
    if !release.is_some_and(is_due) {
        let what = "nobody had ordered that, and its time was not over";
        wrong.push((I2, format!("{executed} is interrupted: {what}")));
    }
    tell(world, &["I2"], wrong);
}

fn once_and_in_order(world: &World, stack: &StackName, key: &EffectKey, wrong: &mut Wrong) {
    let of_stack = world.stacks.operations.iter().filter(|operation| operation.stack == stack.as_str());
    for operation in of_stack {
        if operation.ended.is_none() && !world.stacks.deleted.contains(stack.as_str()) {
            wrong.push((I2, format!("{key} is carried out while {} is", operation.token)));
        }
        let Ok(other) = operation.token.parse::<EffectKey>() else { continue };
        if other.release == key.release {
            wrong.push((I5, format!("{} is carried out a second time, by {key}", key.release)));
        }
        if other.release.n > key.release.n {
            wrong.push((I8, format!("{key} is carried out after {other}")));
        }
    }
}

fn as_approved(
    world: &World,
    stack: &StackName,
    key: &EffectKey,
    props: &Props,
    kind: ChangeSetKind,
    wrong: &mut Wrong,
) {
    let release = world.table.tracks.get(&key.release.track).and_then(|track| track.release(key.release.n));
    let Some(release) = release else {
        return wrong.push((I2, format!("{key} is carried out after its release is over")));
    };
    let Phase::Deploying { plan, .. } = &release.phase else {
        return wrong.push((I2, format!("{key} is carried out while {}", release.phase.name())));
    };
    if plan.change_set != *key {
        return wrong.push((I1, format!("{key} is carried out, and {} was approved", plan.change_set)));
    }
    wrong.extend(unapproved(world, release));
    wrong.extend(voters::lacks_voices(world, release, plan.fingerprint.as_str()));
    wrong.extend(in_a_freeze(world, release));
    wrong.extend(unrestorable(world, release));
    wrong.extend(unprepared(world, release));
    let image = props.parameters.get("Image");
    if !image.is_some_and(|image| image.ends_with(plan.image.as_str())) {
        wrong.push((I1, format!("{key} deploys {image:?}, and {} was approved", plan.image)));
    }
    let policy = world.stacks.all.get(stack.as_str()).and_then(|stack| stack.policy.as_ref());
    if kind == ChangeSetKind::Update && plan.stack_policy.is_some() && plan.stack_policy.as_ref() != policy {
        wrong.push((I1, format!("{key} is carried out without the stack policy of its plan")));
    }
}

/// I1: nothing new is carried out in a freeze, unless somebody overrode it. What was read may be a little old.
fn in_a_freeze(world: &World, release: &Release) -> Option<(Invariant, String)> {
    let track = world.table.tracks.get(&release.id.track)?;
    let overridden =
        track.freeze_override.as_ref().is_some_and(|given| given.until.0 + READ_AGE_MAX_MS > world.now);
    let frozen = |at| world.platform.is_frozen(track.key.environment.as_str(), at);
    let wrong = release.origin.heeds_holds()
        && !overridden
        && frozen(world.now)
        && frozen(world.now.saturating_sub(READ_AGE_MAX_MS));
    wrong.then(|| (I1, format!("{} is carried out in a freeze", release.id)))
}

/// I1: what needs a database that can be had again is not carried out while it could not. What was read may be a little
/// old.
fn unrestorable(world: &World, release: &Release) -> Option<(Invariant, String)> {
    let unmet = |at| is_unmet(release, at);
    let wrong = unmet(world.now) && unmet(world.now.saturating_sub(READ_AGE_MAX_MS));
    wrong.then(|| (I1, format!("{} is carried out, and its database could not be restored", release.id)))
}
