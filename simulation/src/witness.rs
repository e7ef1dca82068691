//! What the world itself saw, held against what is committed: where the heads were, which floor was in force, what
//! the builds made.

use std::collections::BTreeMap;

use engine::sweep::LEASE;
use model::approval::{Voice, Vote};
use model::decide::Advance;
use model::ids::{ReleaseId, Revision, TrackKey};
use model::release::{Asked, Ending, Origin, Phase, Release};
use model::time::Timestamp;
use model::track::Track;
use serde_json::Value;

use crate::checks::Invariant::{Cost, I1, I3, I4, I5, I6, I8};
use crate::checks::{Invariant, READ_AGE_MAX_MS, Wrong};
use crate::voters;
use crate::world::{SECOND, World};

/// Clocks differ by less than this.
pub(crate) const CLOCKS_APART_MAX_MS: u64 = 30 * SECOND;

#[derive(Debug, Default)]
pub(crate) struct Witness {
    /// Where each repository's head has been, oldest first.
    heads: BTreeMap<String, Vec<Revision>>,
    /// How many of those each track's releases have used up.
    followed: BTreeMap<TrackKey, usize>,
}

impl Witness {
    pub(crate) fn head_moved(&mut self, repository: &str, head: &Revision) {
        self.heads.entry(repository.to_owned()).or_default().push(head.clone());
    }

    /// The order of releases is an order of heads: each stands for a head that came after those of all before it.
    fn follow(&mut self, release: &Release) -> bool {
        let Some(heads) = self.heads.get(release.repository.as_str()) else { return false };
        let followed = self.followed.entry(release.id.track.clone()).or_default();
        let further = heads.iter().skip(*followed).position(|head| *head == release.revision);
        *followed += further.map_or(0, |further| further + 1);
        further.is_some()
    }
}

pub(crate) fn commit(world: &mut World, before: &Track, advance: &Advance, wrong: &mut Wrong) {
    let made = before.newest.as_ref().map_or(0, |newest| newest.n);
    let released = || advance.track.in_flight.iter().chain(&advance.changed);
    if let Some(new) = released().find(|release| release.id.n > made) {
        wrong.extend(came_from_nowhere(world, new));
    }
    for was in &before.in_flight {
        if !released().any(|release| release.id == was.id) {
            wrong.push((I3, format!("{} is gone without an ending", was.id)));
        }
    }
    for release in released() {
        wrong.extend(voted_below_the_floor(world, before, release));
    }
    for release in &advance.changed {
        wrong.extend(ended_untruly(world, release));
    }
}

/// What a push made is a head's; what people or another track made is of a release that was there.
fn came_from_nowhere(world: &mut World, new: &Release) -> Option<(Invariant, String)> {
    let revision = new.revision.short();
    let of = match &new.origin {
        Origin::Push if new.ordered.is_none() => {
            let no_head =
                format!("{} is made of {revision}, which was no head since the release before", new.id);
            return (!world.witness.follow(new)).then_some((I4, no_head));
        }
        // Tried again: what failed stands on the same track.
        Origin::Push => {
            let mut before = world.table.releases.range(..&new.id).map(|(_, release)| release);
            return (!before.any(|was| was.id.track == new.id.track && was.revision == new.revision))
                .then(|| (I4, format!("{} tries {revision} again, which was never tried", new.id)));
        }
        Origin::Promotion { of }
        | Origin::Rollback { to: of }
        | Origin::Redeploy { of }
        | Origin::Retirement { of } => of,
    };
    let source = world.table.releases.get(of);
    let ended_well = |release: &&Release| matches!(release.ending(), Some(Ending::Deployed { .. }));
    let is_same =
        |release: &Release| (&release.revision, release.phase.image()) == (&new.revision, new.image.as_ref());
    (!source.filter(ended_well).is_some_and(is_same))
        .then(|| (I4, format!("{} is made of {revision}, and {of} never deployed that", new.id)))
}

/// Whoever's approval is counted, it is counted against the floor of that moment.
fn voted_below_the_floor(world: &World, before: &Track, release: &Release) -> Option<(Invariant, String)> {
    let votes = |release: &Release| asked(&release.phase).map_or(0, |asked| asked.votes.len());
    let asked = asked(&release.phase)?;
    // Going back to what ran has a floor of its own.
    if matches!(release.origin, Origin::Rollback { .. }) {
        return None;
    }
    let is_news = before.release(release.id.n).is_some_and(|was| votes(was) < asked.votes.len());
    let (floor, since) = world.platform.floor(release.id.track.environment.as_str())?;
    let known = since + READ_AGE_MAX_MS < world.now;
    let required = asked.policy.required;
    (is_news && known && required < floor)
        .then(|| (I1, format!("{} waits for {required} approvals, {floor} are asked for", release.id)))
}

fn asked(phase: &Phase) -> Option<&Asked> {
    match phase {
        Phase::AwaitingApproval { asked, .. }
        | Phase::Ready { asked, .. }
        | Phase::Deploying { asked, .. } => Some(asked),
        Phase::Building { .. } | Phase::Planning { .. } | Phase::Over(_) => None,
    }
}

fn ended_untruly(world: &World, release: &Release) -> Option<(Invariant, String)> {
    let id = &release.id;
    match release.ending()? {
        Ending::Superseded { by } => {
            (by.n <= id.n).then(|| (I8, format!("{id} is superseded by {by}, which is older")))
        }
        Ending::Deployed { deployed, .. } => {
            let image = &deployed.image;
            (!world.was_built(&release.family, image))
                .then(|| (I6, format!("{id} is called deployed with {image}, which it never built")))
        }
        Ending::RolledBack { .. }
        | Ending::Failed { .. }
        | Ending::Rejected { .. }
        | Ending::Expired { .. }
        | Ending::Cancelled { .. }
        | Ending::Retired { .. } => None,
    }
}

/// An approval that a function has taken is stored, for as long as it is waited for. What was planned anew while the function
/// was at work took no answer when it looked, and whoever gave one is told so.
pub(crate) fn heard(world: &mut World, reply: &[u8], since: u64) {
    let reply = String::from_utf8_lossy(reply);
    let mut forgotten = Vec::new();
    for request in &world.people.requests {
        let Ok(id) = request.release.parse::<ReleaseId>() else { continue };
        let release = world.table.tracks.get(&id.track).and_then(|track| track.release(id.n));
        let waited = |release: &&Release| release.phase_since.0 + CLOCKS_APART_MAX_MS <= since;
        if let Some(Phase::AwaitingApproval { plan, asked }) =
            release.filter(waited).map(|release| &release.phase)
            && !asked.votes.iter().any(|vote| vote.voice == Voice::Reply)
            && asked.policy.replies
            && plan.fingerprint.as_str() == request.fingerprint
            && reply.contains(&format!("approve {id} {}", request.token))
        {
            forgotten.push(id);
        }
    }
    for id in forgotten {
        world.violation(I5, format!("{id} was approved, and that is forgotten"));
    }
}

/// A click or an order that was answered as recorded is among the votes for the plan that it was for.
pub(crate) fn recorded(world: &mut World, click: &[u8], answer: &Value) {
    let click = String::from_utf8_lossy(click);
    let Some(name) = voters::who_spoke(&click) else { return };
    let is_his = |vote: &Vote| vote.voice.person().is_some_and(|person| person.as_str() == name);
    let said = answer["handled"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let approvals = said.filter_map(|said| {
        said.trim_start_matches("taken: ").strip_prefix("Your approval of ")?.strip_suffix(" is recorded.")
    });
    let forgotten: Vec<ReleaseId> = approvals
        .filter_map(|id| id.parse::<ReleaseId>().ok())
        .filter(|id| {
            let release = world.table.tracks.get(&id.track).and_then(|track| track.release(id.n));
            release.and_then(|release| asked(&release.phase)).is_some_and(|asked| {
                click.contains(asked.fingerprint.as_str()) && !asked.votes.iter().any(is_his)
            })
        })
        .collect();
    for id in forgotten {
        world.violation(I5, format!("{name} approved {id}, and that is forgotten"));
    }
}

/// The sweep wakes for what was lost, not for what others are about to do.
pub(crate) fn sweep(world: &mut World, until: Timestamp) {
    let overdue = world.now.saturating_sub(LEASE.0) + CLOCKS_APART_MAX_MS;
    if until.0 > overdue {
        let early_s = (until.0 - overdue) / SECOND;
        world.violation(Cost, format!("the sweep wakes what is due {early_s} s too early"));
    }
}
