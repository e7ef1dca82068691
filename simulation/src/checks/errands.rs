//! What must hold when a task is started that runs once for a release, and what comes of it.

use engine::ports::{TaskFamily, TaskOrder};
use model::ids::{EffectKey, ReleaseId};
use model::release::{ErrandKind, Phase, Release};

use super::Invariant::{Aws, I1, I5, I6};
use super::{Invariant, Wrong, is_of, tell, unapproved};
use crate::operations::Operation;
use crate::world::World;

/// Approved, on its turn, once, and with the release's own image.
pub(crate) fn errand(world: &mut World, order: &TaskOrder, family: &TaskFamily) {
    let mut wrong = Wrong::new();
    let key = &order.started_by;
    if let Some(earlier) = of_release(world, &key.release, &family.name).next() {
        wrong.push((I5, format!("{key} runs for {}, as {earlier} did", key.release)));
    }
    let track = world.table.tracks.get(&key.release.track);
    match track.and_then(|track| track.release(key.release.n)) {
        // Its verdict was given while the call was on its way; whoever gave it stops the task.
        Some(release) if release.verdict.is_some() && is_verify(family, key) => {
            wrong.extend(unapproved(world, release));
        }
        Some(release) => wrong.extend(not_its_turn(world, release, key, family)),
        // It was given up while the call was on its way; whoever gave it up stops the task.
        None if world.table.releases.contains_key(&key.release) => {}
        None => wrong.push((I1, format!("{key} runs for a release that never was"))),
    }
    if key.to_string().len() > 64 {
        wrong.push((Aws, format!("RunTask refuses {key} as a token: it is longer than 64")));
    }
    tell(world, &["I1", "I5"], wrong);
}

fn is_verify(family: &TaskFamily, key: &EffectKey) -> bool {
    family.name == format!("{}-{}", key.release.track.stack(), ErrandKind::Verify.as_str())
}

fn not_its_turn(
    world: &World,
    release: &Release,
    key: &EffectKey,
    family: &TaskFamily,
) -> Option<(Invariant, String)> {
    let Phase::Deploying { plan, errand: Some(errand), .. } = &release.phase else {
        return Some((I1, format!("{key} runs while {}", release.phase.name())));
    };
    if errand.key != *key {
        return Some((I5, format!("{key} runs, and {} was promised", errand.key)));
    }
    if !family.definition.image.ends_with(plan.image.as_str()) {
        return Some((
            I1,
            format!("{key} runs {}, and {} was approved", family.definition.image, plan.image),
        ));
    }
    let waits = |operation: &Operation| is_of(&operation.token, release) && operation.awaits_verdict();
    if errand.kind == ErrandKind::Verify && !world.stacks.operations.iter().any(waits) {
        // Its operation may have come to its end while the call was on its way.
        let ran = |operation: &Operation| is_of(&operation.token, release) && operation.ended.is_some();
        if !world.stacks.operations.iter().any(ran) {
            return Some((I6, format!("{key} runs before all is in place that it is to look at")));
        }
    }
    unapproved(world, release)
}

/// The promises that tasks were started for, for this release.
fn of_release<'w>(
    world: &'w World,
    release: &'w ReleaseId,
    family: &'w str,
) -> impl Iterator<Item = &'w str> {
    let of = |name: &str| name.parse::<EffectKey>().is_ok_and(|key| key.release == *release);
    let tasks = world.tasks.all.iter().filter(move |task| task.family == family);
    tasks.map(|task| task.started_by.as_str()).filter(move |name| of(name))
}

/// I1: what its plan says comes first has come, and ended well.
pub(super) fn unprepared(world: &World, release: &Release) -> Option<(Invariant, String)> {
    release.phase.plan()?.before?;
    let ended_well = ended_well(world, &release.id, ErrandKind::Before);
    (!ended_well).then(|| (I1, format!("{} is carried out, and its `before` did not end well", release.id)))
}

/// I6: CloudFormation is told that all is well only by a `verify` that ended well.
pub(crate) fn verdict(world: &mut World, key: &EffectKey, is_well: bool) {
    let mut wrong = Wrong::new();
    if is_well && !ended_well(world, &key.release, ErrandKind::Verify) {
        wrong.push((I6, format!("{} is said to be well, and its `verify` did not end well", key.release)));
    }
    tell(world, &["I6"], wrong);
}

pub(super) fn ended_well(world: &World, release: &ReleaseId, kind: ErrandKind) -> bool {
    let family = format!("{}-{}", release.track.stack(), kind.as_str());
    world.tasks.all.iter().any(|task| {
        task.family == family
            && task.started_by.parse::<EffectKey>().is_ok_and(|key| key.release == *release)
            && task.ended.is_some_and(|ended| ended.exit_code == Some(0))
    })
}
