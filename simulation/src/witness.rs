//! What the world itself saw, held against what is committed: where the heads were, which floor was in force, what
//! the builds made.

use std::collections::BTreeMap;

use engine::sweep::LEASE;
use model::decide::Advance;
use model::ids::{ReleaseId, Revision, TrackKey};
use model::release::{Asked, Ending, Phase, Release};
use model::time::Timestamp;
use model::track::Track;

use crate::checks::READ_AGE_MAX_MS;
use crate::world::{SECOND, World};

/// Clocks differ by less than this.
const CLOCKS_APART_MAX_MS: u64 = 30 * SECOND;

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
    fn follow(&mut self, release: &Release) -> Option<String> {
        let heads = self.heads.get(release.repository.as_str())?;
        let followed = self.followed.entry(release.id.track.clone()).or_default();
        match heads.iter().skip(*followed).position(|head| *head == release.revision) {
            Some(further) => *followed += further + 1,
            None => {
                return Some(format!(
                    "I4: {} is made of {}, which came before the release before it",
                    release.id,
                    release.revision.short()
                ));
            }
        }
        None
    }
}

pub(crate) fn commit(world: &mut World, before: &Track, advance: &Advance) -> Vec<String> {
    let after = &advance.track;
    let made = before.newest.as_ref().map_or(0, |newest| newest.n);
    let released = after.in_flight.iter().chain(&advance.changed);
    let mut wrong = Vec::new();
    if let Some(new) = released.clone().find(|release| release.id.n > made) {
        wrong.extend(world.witness.follow(new));
    }
    for was in &before.in_flight {
        if !released.clone().any(|release| release.id == was.id) {
            wrong.push(format!("I3: {} is gone without an ending", was.id));
        }
    }
    for release in released.clone() {
        wrong.extend(voted_below_the_floor(world, before, release));
    }
    for release in &advance.changed {
        let Phase::Over(ending) = &release.phase else { continue };
        wrong.extend(ended_untruly(world, before, release, ending));
    }
    wrong
}

/// I1: whoever's approval is counted, it is counted against the floor of that moment.
fn voted_below_the_floor(world: &World, before: &Track, release: &Release) -> Option<String> {
    let votes = |release: &Release| asked(&release.phase).map_or(0, |asked| asked.votes.len());
    let asked = asked(&release.phase)?;
    let is_news = before.release(release.id.n).is_some_and(|was| votes(was) < asked.votes.len());
    let (required, since) = world.platform.floor(release.id.track.environment.as_str())?;
    let known = since + READ_AGE_MAX_MS < world.now;
    (is_news && known && asked.policy.required < required).then(|| {
        format!("I1: {} counts towards {} approvals, {required} are asked for", release.id, asked.policy.required)
    })
}

fn asked(phase: &Phase) -> Option<&Asked> {
    match phase {
        Phase::AwaitingApproval { asked, .. }
        | Phase::Ready { asked, .. }
        | Phase::Deploying { asked, .. } => Some(asked),
        Phase::Building { .. } | Phase::Planning { .. } | Phase::Over(_) => None,
    }
}

fn ended_untruly(world: &World, before: &Track, release: &Release, ending: &Ending) -> Option<String> {
    let was = before.release(release.id.n).map(|release| &release.phase);
    match ending {
        Ending::Superseded { by } if by.n <= release.id.n => {
            Some(format!("I8: {} is superseded by {by}", release.id))
        }
        Ending::Superseded { by } => matches!(was, Some(Phase::Deploying { .. }))
            .then(|| format!("I2: {} is superseded by {by} while it deploys", release.id)),
        Ending::Deployed { deployed, .. } => {
            let image = &deployed.image;
            (!world.was_built(&release.family, image))
                .then(|| format!("I6: {} is called deployed with {image}, which it never built", release.id))
        }
        Ending::RolledBack { .. }
        | Ending::Failed { .. }
        | Ending::Rejected { .. }
        | Ending::Expired { .. } => None,
    }
}

/// I5: an approval that a function has taken is stored, for as long as it is waited for.
pub(crate) fn heard(world: &mut World, reply: &[u8]) {
    let reply = String::from_utf8_lossy(reply);
    let mut wrong = Vec::new();
    for (id, request) in &world.people.requests {
        let Ok(id) = id.parse::<ReleaseId>() else { continue };
        let release = world.table.tracks.get(&id.track).and_then(|track| track.release(id.n));
        if let Some(Phase::AwaitingApproval { plan, asked }) = release.map(|release| &release.phase)
            && asked.votes.is_empty()
            && plan.fingerprint.as_str() == request.fingerprint
            && reply.contains(&format!("approve {id} {}", request.token))
        {
            wrong.push(format!("I5: {id} was approved, and that is forgotten"));
        }
    }
    wrong.into_iter().for_each(|wrong| world.violation(wrong));
}

/// The sweep wakes for what was lost, not for what others are about to do.
pub(crate) fn sweep(world: &mut World, until: Timestamp) {
    let overdue = world.now.saturating_sub(LEASE.0) + CLOCKS_APART_MAX_MS;
    if until.0 > overdue {
        let early_s = (until.0 - overdue) / SECOND;
        world.violation(format!("cost: the sweep wakes what is due {early_s} s too early"));
    }
}
