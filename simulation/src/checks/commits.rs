//! What every commit of a track must keep.

use std::collections::BTreeSet;

use engine::ports::RolloutState;
use model::decide::Advance;
use model::ids::{EffectKey, ReleaseId, StackName};
use model::release::{Deployed, Ending, ErrandKind, How, Origin, Phase, Release};
use model::time::Timestamp;
use model::track::{IN_FLIGHT_MAX, OUTBOX_MAX, Track};

use super::Invariant::{Aws, I1, I2, I3, I5, I6, I8, I11};
use super::errands::ended_well;
use super::{Wrong, is_deploying, is_ending_told, is_of, secrets, tell, unapproved};
use crate::stacks::Stack;
use crate::witness;
use crate::world::{MINUTE, World};

/// What was read may be this old when it is committed: a slow function, a clock that is behind.
pub(crate) const READ_AGE_MAX_MS: u64 = 5 * MINUTE;
/// A full track takes no new push, but what is in flight goes on to promise.
const OUTBOX_SLACK: usize = 3 * IN_FLIGHT_MAX;
/// A look at what is stored costs more than all other checks together: every so many commits it is taken.
const STORED_SEEN_EVERY: u64 = 8;

pub(crate) fn commit(world: &mut World, before: &Track, advance: &Advance) {
    let mut wrong = Wrong::new();
    only_approved_plans_deploy(world, before, advance, &mut wrong);
    one_deployment_at_a_time(before, advance, &mut wrong);
    nothing_is_left_to_itself(advance, &mut wrong);
    promises_are_new_and_few(before, advance, &mut wrong);
    endings_are_true(world, advance, &mut wrong);
    retired_is_gone(world, before, advance, &mut wrong);
    older_never_replaces_newer(before, advance, &mut wrong);
    witness::commit(world, before, advance, &mut wrong);
    tell(world, &["I1", "I2", "I3", "I4", "I5", "I6", "I8"], wrong);
    if world.table.commits.is_multiple_of(STORED_SEEN_EVERY) {
        secrets::nothing_secret_is_stored(world, advance);
    }
    cover(world, before, advance);
}

/// I1
fn only_approved_plans_deploy(world: &World, before: &Track, advance: &Advance, wrong: &mut Wrong) {
    for release in advance.track.in_flight.iter().filter(|release| is_deploying(release)) {
        if !before.release(release.id.n).is_some_and(is_deploying) {
            wrong.extend(unapproved(world, release));
        }
        if before
            .release(release.id.n)
            .and_then(|was| was.phase.plan())
            .is_some_and(|was| release.phase.plan().is_some_and(|is| is.fingerprint != was.fingerprint))
        {
            wrong.push((I1, format!("the plan of {} changes as its turn comes", release.id)));
        }
    }
}

/// I2
fn one_deployment_at_a_time(before: &Track, advance: &Advance, wrong: &mut Wrong) {
    let after = &advance.track;
    let deploying: Vec<u32> = after.in_flight.iter().filter(|r| is_deploying(r)).map(|r| r.id.n).collect();
    if deploying.len() > 1 {
        wrong.push((I2, format!("{deploying:?} deploy on {} at once", after.key)));
    }
    if let (Some(_), [n, ..]) = (after.repairing(), deploying.as_slice()) {
        wrong.push((I2, format!("{n} deploys on {} while its stack is repaired", after.key)));
    }
    for release in &advance.changed {
        let was_deploying = before.release(release.id.n).is_some_and(is_deploying);
        if was_deploying && matches!(release.phase, Phase::Over(Ending::Superseded { .. })) {
            wrong.push((I2, format!("{} is interrupted by a newer push", release.id)));
        }
    }
}

/// I3: whatever is in flight has a promise, a deadline, a hold or another's turn before it; whatever ends says why, to
/// people.
fn nothing_is_left_to_itself(advance: &Advance, wrong: &mut Wrong) {
    let track = &advance.track;
    let anothers_turn = track.in_flight.iter().any(is_deploying);
    let is_repaired = track.repairing().is_some();
    let is_held = |release: &Release| {
        track.held().is_some() && release.origin.heeds_holds() && matches!(release.phase, Phase::Ready { .. })
    };
    for release in &track.in_flight {
        let is_driven = track.outbox.iter().any(|p| p.key.release == release.id && p.effect.drives_release());
        if !is_driven && release.deadline().is_none() && !anothers_turn && !is_repaired && !is_held(release) {
            wrong.push((I3, format!("{} is {} and nobody will look", release.id, release.phase.name())));
        }
    }
    if let Some(repair) = track.repairing()
        && !track.outbox.iter().any(|promise| promise.key == repair.key)
    {
        wrong.push((I3, format!("{} is to be repaired and nobody will", track.key)));
    }
    for release in &advance.changed {
        let Phase::Over(ending) = &release.phase else { continue };
        if ending.reason().trim().is_empty() {
            wrong.push((I3, format!("{} ends without a reason", release.id)));
        }
        if !track.outbox.iter().any(|p| p.key.release == release.id && is_ending_told(&p.effect)) {
            wrong.push((I3, format!("{} ends and nobody will be told", release.id)));
        }
    }
}

/// I5: an effect's key is never used again, and the outbox stays small enough to be one item.
fn promises_are_new_and_few(before: &Track, advance: &Advance, wrong: &mut Wrong) {
    let after = &advance.track;
    let known: BTreeSet<&EffectKey> = before.outbox.iter().map(|promise| &promise.key).collect();
    let mut keys = BTreeSet::new();
    for promise in &after.outbox {
        let key = &promise.key;
        if !keys.insert(key.k) || (!known.contains(key) && key.k <= before.promised) {
            wrong.push((I5, format!("{key} is promised a second time")));
        }
    }
    if after.in_flight.len() > IN_FLIGHT_MAX {
        wrong.push((Aws, format!("{} releases in flight on {}", after.in_flight.len(), after.key)));
    }
    if after.outbox.len() > OUTBOX_MAX + OUTBOX_SLACK {
        wrong.push((Aws, format!("{} promises on {}", after.outbox.len(), after.key)));
    }
}

/// I6: an ending says what the world has done.
fn endings_are_true(world: &World, advance: &Advance, wrong: &mut Wrong) {
    for release in &advance.changed {
        let Phase::Over(Ending::Deployed { deployed, how }) = &release.phase else { continue };
        let stack = release.id.track.stack();
        if world.stacks.deleted.contains(stack.as_str()) {
            continue;
        }
        if !ran_lately(world, &stack, deployed) {
            let (id, image) = (&release.id, &deployed.image);
            wrong.push((I6, format!("{id} is called deployed, but its service does not run {image}")));
        }
        let completed = world.stacks.operations.iter().any(|operation| {
            is_of(&operation.token, release)
                && matches!(operation.ended, Some("CREATE_COMPLETE" | "UPDATE_COMPLETE"))
        });
        let awaited = world
            .stacks
            .operations
            .iter()
            .any(|operation| is_of(&operation.token, release) && operation.verify.is_some());
        if awaited && !ended_well(world, &release.id, ErrandKind::Verify) {
            let id = &release.id;
            wrong.push((I6, format!("{id} is called deployed, but its `verify` did not end well")));
        }
        if *how == How::Changed && !completed {
            let id = &release.id;
            wrong.push((I6, format!("{id} is called deployed, but its operation did not complete")));
        }
    }
}

/// I6: nobody is told that a service is retired while its stack stands. I11: nothing of it keeps its place then.
fn retired_is_gone(world: &World, before: &Track, advance: &Advance, wrong: &mut Wrong) {
    for release in &advance.changed {
        let Phase::Over(Ending::Retired { .. }) = &release.phase else { continue };
        let id = &release.id;
        let plan = before.release(id.n).and_then(|was| was.phase.plan());
        let deletion = plan.and_then(|plan| plan.deletion.as_ref());
        let stands = |stack: &Stack| deletion.is_none_or(|deletion| deletion.stack == stack.id);
        if world.stacks.all.get(id.track.stack().as_str()).is_some_and(stands) {
            wrong.push((I6, format!("{id} is called retired, but its stack stands")));
        }
        let is_kept = |n: &u32| *n <= id.n && advance.track.release(*n).is_none();
        for listener in world.table.listeners.values() {
            let Some(held) = listener.held.get(&id.track) else { continue };
            let after = listener.as_held(&advance.track, &[], Timestamp(world.now));
            let live = after.held.get(&id.track).and_then(|held| held.live.as_ref());
            let unsure = listener.unsure(&advance.track);
            let kept = unsure.into_iter().chain(live.map(|live| live.n)).find(is_kept);
            if let Some(n) = kept.filter(|_| held.rules().next().is_some()) {
                wrong.push((I11, format!("{id} is retired, and the place of release {n} stays taken")));
            }
        }
    }
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

/// I8. What changes nothing is live without a turn, while a rollback that was asked for before it still waits.
fn older_never_replaces_newer(before: &Track, advance: &Advance, wrong: &mut Wrong) {
    let is_rollback = |id: &ReleaseId| {
        let release = advance.changed.iter().find(|release| release.id == *id);
        release.is_some_and(|release| matches!(release.origin, Origin::Rollback { .. }))
    };
    if let (Some(was), Some(is)) = (&before.live, &advance.track.live)
        && is.release.n < was.release.n
        && !is_rollback(&is.release)
    {
        wrong.push((I8, format!("{} becomes live after {}", is.release, was.release)));
    }
}

fn cover(world: &mut World, before: &Track, advance: &Advance) {
    for release in &advance.changed {
        let from = before.release(release.id.n);
        let (from_name, to) = (phase_name(from), phase_name(Some(release)));
        if from_name != to {
            world.coverage.hit("phase", &format!("{from_name} -> {to}"));
        }
        if let Some(ending) = release.ending() {
            world.coverage.hit("ending", ending.kind().name());
        }
    }
    for promise in advance.track.outbox.iter().filter(|promise| promise.key.k > before.promised) {
        world.coverage.hit("effect", promise.effect.kind().name());
    }
}

fn phase_name(release: Option<&Release>) -> &'static str {
    release.map_or("nothing", |release| release.phase.name())
}
