//! What must hold once faults have stopped, and when nothing more will happen.

use std::collections::{BTreeMap, BTreeSet};

use model::ids::{EffectKey, ReleaseId, TrackKey};
use model::release::{Ending, Origin, Phase, Release};
use model::track::Track;

use super::Invariant::{I3, I5, I6, I7};
use super::{READ_AGE_MAX_MS, Wrong, tell};
use crate::operations::{Becomes, Operation};
use crate::restorable::{is_said_of, stands_still};
use crate::world::{HOUR, MINUTE, World};

/// Once faults stop, a release that waits for nobody moves on within this.
pub(crate) const LIVENESS_MS: u64 = 8 * HOUR;
/// By then nothing that is due has waited longer than a lease, a sweep and a try or two.
const OVERDUE_MAX_MS: u64 = 10 * MINUTE;

/// I3: whatever does not wait for a person has moved lately; I5: what is due is done.
pub(crate) fn liveness(world: &mut World) {
    let mut wrong = Wrong::new();
    for track in world.table.tracks.values() {
        for release in &track.in_flight {
            let still_ms = world.now.saturating_sub(release.phase_since.0);
            if !waits_for_a_person(release, track, world.now) && still_ms > LIVENESS_MS {
                let (id, phase) = (&release.id, release.phase.name());
                wrong.push((I3, format!("{id} is {phase} for {} minutes", still_ms / MINUTE)));
            }
        }
        if let Some(due) = track.due().filter(|due| due.0 + OVERDUE_MAX_MS < world.now) {
            let late = (world.now - due.0) / MINUTE;
            wrong.push((I5, format!("{} is due for {late} minutes and nobody has looked", track.key)));
        }
    }
    tell(world, &["I3", "I5"], wrong);
}

fn waits_for_a_person(release: &Release, track: &Track, now: u64) -> bool {
    match &release.phase {
        Phase::AwaitingApproval { asked, .. } => asked.until.0 + 5 * MINUTE > now,
        Phase::Ready { .. } => track.held().is_some(),
        Phase::Building { .. } | Phase::Planning { .. } | Phase::Deploying { .. } | Phase::Over(_) => false,
    }
}

/// When nothing more will happen.
pub(crate) fn rest(world: &mut World) {
    let mut wrong = Wrong::new();
    everything_has_ended(world, &mut wrong);
    builds_ran_once(world, &mut wrong);
    operations_were_told_truly(world, &mut wrong);
    endings_were_told(world, &mut wrong);
    refused_for_a_reason(world, &mut wrong);
    world.ended_as_shown(&mut wrong);
    what_ended_well_was_promoted(world, &mut wrong);
    the_unreadable_is_quarantined(world, &mut wrong);
    tell(world, &["I3", "I5", "I6", "I7"], wrong);
}

fn everything_has_ended(world: &World, wrong: &mut Wrong) {
    for track in world.table.tracks.values() {
        for release in &track.in_flight {
            wrong.push((I3, format!("{} is still {}", release.id, release.phase.name())));
        }
        for promise in &track.outbox {
            let (key, effect) = (&promise.key, &promise.effect);
            wrong.push((I5, format!("{key} was promised and never done: {effect:?}")));
        }
    }
    for key in world.table.tracks.values().filter(|track| track.repairing().is_some()).map(|track| &track.key)
    {
        wrong.push((I3, format!("{key} is still being repaired")));
    }
    for task in world.tasks.all.iter().filter(|task| task.ended.is_none()) {
        wrong.push((I5, format!("{} still runs, for {}", task.arn, task.started_by)));
    }
    for head in unnoticed_heads(world) {
        wrong.push((I3, format!("{head} never became a release")));
    }
}

/// Heads that no release on a bound track was made of.
pub(crate) fn unnoticed_heads(world: &World) -> Vec<String> {
    let mut unnoticed = Vec::new();
    let environments = world.platform.environments();
    for (repository, head) in &world.sources.heads {
        for environment in &environments {
            if world.platform.after(environment).is_some() {
                continue;
            }
            let key = format!("{repository}/{environment}").parse::<TrackKey>();
            let newest = key.ok().and_then(|key| world.table.tracks.get(&key)?.newest.as_ref());
            if newest.is_none_or(|newest| newest.revision != *head) {
                unnoticed.push(format!("{repository} {} on {environment}", head.short()));
            }
        }
    }
    unnoticed
}

fn builds_ran_once(world: &World, wrong: &mut Wrong) {
    let mut by_id: BTreeMap<String, u32> = BTreeMap::new();
    for run in &world.builds.all {
        *by_id.entry(run.order.id.to_string()).or_default() += 1;
    }
    for (id, times) in by_id.into_iter().filter(|(_, times)| *times > 1) {
        wrong.push((I5, format!("build {id} was started {times} times")));
    }
}

/// I6: every operation that ran is told as what it became.
fn operations_were_told_truly(world: &World, wrong: &mut Wrong) {
    for operation in &world.stacks.operations {
        let key = operation.token.parse::<EffectKey>();
        let ending = key.ok().and_then(|key| world.table.releases.get(&key.release)?.ending());
        let stack = world.stacks.all.get(&operation.stack);
        let touched =
            stack.is_none_or(|stack| stack.touched) || world.stacks.deleted.contains(&operation.stack);
        let told = ending.map_or("nothing", Ending::name);
        let is_true = match operation.becomes {
            Becomes::Completed | Becomes::Slow | Becomes::RolloutLags => told == "Deployed" || touched,
            Becomes::RolledBack => {
                told == "RolledBack" || ((touched || operation.unread) && told == "Failed")
            }
            Becomes::RollbackFailed | Becomes::RolloutFails => told == "Failed" || touched,
            // Where the old task definition names the same image, that is what was asked for. Whether the service ran
            // it is checked when "deployed" is committed.
            Becomes::OldDigest if told == "Deployed" => touched || ran_before(world, operation),
            Becomes::OldDigest => told == "Failed" || touched,
        };
        if !is_true {
            let (token, became) = (&operation.token, operation.becomes);
            wrong.push((I6, format!("{token} was {became:?}, and {told} was said")));
        }
    }
}

/// I6: what was refused for its database could not have been restored then, and neither could what was warned of.
fn refused_for_a_reason(world: &World, wrong: &mut Wrong) {
    for release in world.table.releases.values() {
        let refused = matches!(&release.phase, Phase::Over(Ending::Failed { why, .. }) if is_said_of(why));
        let warned = release.steps.iter().find(|step| step.what.starts_with("deployed although"));
        let said_at = refused.then_some(release.phase_since).or(warned.map(|step| step.at));
        let Some(at) = said_at else { continue };
        if !stands_still(at.0) && !stands_still(at.0.saturating_sub(READ_AGE_MAX_MS)) {
            wrong.push((I6, format!("{} is told to lack its database, which was restorable", release.id)));
        }
    }
}

/// I3: what ended well was started on the tracks that come after, by the same image and never by a build.
fn what_ended_well_was_promoted(world: &World, wrong: &mut Wrong) {
    for track in world.table.tracks.values() {
        let Some(after) = world.platform.after(track.key.environment.as_str()) else { continue };
        let of_track = |id: &ReleaseId, environment: &str| {
            id.track.service == track.key.service && id.track.environment.as_str() == environment
        };
        let releases = || world.table.releases.values();
        for release in releases().filter(|r| of_track(&r.id, track.key.environment.as_str())) {
            let Origin::Promotion { of } = &release.origin else {
                if release.origin == Origin::Push {
                    wrong.push((I3, format!("{} was pushed to where only promotions come", release.id)));
                }
                continue;
            };
            let image = world.table.releases.get(of).and_then(|of| of.phase.image());
            if image.is_none() || image != release.image.as_ref() {
                wrong.push((I3, format!("{} has not the image of {of}", release.id)));
            }
        }
        let ended_well = releases().filter(|release| {
            of_track(&release.id, after)
                && release.origin.is_new()
                && matches!(release.ending(), Some(Ending::Deployed { .. }))
        });
        let newest = ended_well.map(|release| release.id.n).max();
        if newest > track.promoted.as_ref().map(|promoted| promoted.n) {
            wrong.push((I3, format!("{newest:?} ended well on {after} and never came to {}", track.key)));
        }
    }
}

/// Whether an earlier operation of the stack deployed the same image.
fn ran_before(world: &World, operation: &Operation) -> bool {
    let image = operation.props.parameters.get("Image");
    let earlier = world.stacks.operations.iter().take_while(|other| other.token != operation.token);
    earlier
        .filter(|other| other.stack == operation.stack)
        .any(|other| other.props.parameters.get("Image") == image)
}

/// I3, I6: every ending was told, and told as what it was.
fn endings_were_told(world: &World, wrong: &mut Wrong) {
    for (id, release) in &world.table.releases {
        let Some(ending) = release.ending() else { continue };
        let told = world.people.told.get(&id.to_string());
        match told {
            None => wrong.push((I3, format!("{id} ended {}, and people were told nothing", ending.name()))),
            Some(told) if *told == BTreeSet::from([ending.name().to_owned()]) => {}
            Some(told) => {
                wrong.push((I6, format!("{id} ended {}, and people were told {told:?}", ending.name())));
            }
        }
    }
}

/// I7: what nobody can read has reached the quarantine, or stands where its function's failures go.
fn the_unreadable_is_quarantined(world: &World, wrong: &mut Wrong) {
    for (payload, fate) in &world.foreign {
        if fate.unreadable && !fate.quarantined && !fate.dead_lettered {
            let payload = String::from_utf8_lossy(payload);
            wrong.push((I7, format!("an unreadable payload was dropped: {payload}")));
        }
    }
}

impl World {
    /// I7: nothing but what is nobody's of ours comes here.
    pub(crate) fn quarantine(&mut self, function: &str, why: &str, came: &[u8], kept: Option<&[u8]>) {
        self.say(format_args!("{function} quarantines: {why}"));
        self.coverage.hit("quarantined", function);
        match self.foreign.get_mut(came) {
            Some(fate) => fate.quarantined = true,
            None if self.platform.tells_of_one_gone(why) => {}
            None => self.violation(I7, format!("{function} quarantined a payload of our own: {why}")),
        }
        self.nothing_secret_is_quarantined(why, kept.unwrap_or_default());
        self.sets_aside(function, why, came, kept);
    }
}
