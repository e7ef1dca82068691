//! What must hold when a task is started that runs once for a release.

use engine::ports::{TaskFamily, TaskOrder};
use model::ids::{EffectKey, ReleaseId};
use model::release::{Phase, Release};

use super::Invariant::{Aws, I1, I5};
use super::{Invariant, Wrong, tell, unapproved};
use crate::world::World;

/// Approved, on its turn, once, and with the release's own image.
pub(crate) fn errand(world: &mut World, order: &TaskOrder, family: &TaskFamily) {
    let mut wrong = Wrong::new();
    let key = &order.started_by;
    if let Some(earlier) = of_release(world, &key.release).next() {
        wrong.push((I5, format!("{key} runs for {}, as {earlier} did", key.release)));
    }
    let track = world.table.tracks.get(&key.release.track);
    match track.and_then(|track| track.release(key.release.n)) {
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
    unapproved(world, release)
}

/// The promises that tasks were started for, for this release.
fn of_release<'w>(world: &'w World, release: &'w ReleaseId) -> impl Iterator<Item = &'w str> {
    let of = |name: &str| name.parse::<EffectKey>().is_ok_and(|key| key.release == *release);
    world.tasks.all.iter().map(|task| task.started_by.as_str()).filter(move |name| of(name))
}

/// I1: what its plan says comes first has come, and ended well.
pub(super) fn unprepared(world: &World, release: &Release) -> Option<(Invariant, String)> {
    release.phase.plan()?.before?;
    let of_release = |name: &str| name.parse::<EffectKey>().is_ok_and(|key| key.release == release.id);
    let ended_well = world.tasks.all.iter().any(|task| {
        of_release(&task.started_by) && task.ended.is_some_and(|ended| ended.exit_code == Some(0))
    });
    (!ended_well).then(|| (I1, format!("{} is carried out, and its `before` did not end well", release.id)))
}
