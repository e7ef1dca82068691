//! What becomes of releases when little or nothing is heard of them, and what the sweep costs that sees to it.

use std::collections::BTreeMap;

use model::approval::Voice;
use model::ids::{BuildFamily, ReleaseId, Revision, TrackKey};
use model::release::{Ending, Origin, Phase, Release};
use model::time::Timestamp;
use model::track::{Newest, Track};

use crate::script::{Hears, IdleSweeps, Scripted};
use crate::sources::{BRANCH, CommitKind};
use crate::trace::Keep;
use crate::world::{MINUTE, START_MS, World};

const SEED: u64 = 1;
const ENVIRONMENT: &str = "production";

/// How releases ended of which nothing was heard but the push.
#[derive(Debug)]
pub struct Unheard {
    pub endings: Vec<&'static str>,
    /// From the push to the last ending.
    pub minutes: u64,
    pub violations: Vec<String>,
}

/// One push for each of so many services; then no event comes, and no message but the sweep's.
pub fn by_sweep_alone(releases: usize) -> Unheard {
    let services = services(releases);
    let mut scripted =
        Scripted::new(&services, &[ENVIRONMENT]).scripted(|script| script.hears = Hears::OnlyTheSweep);
    for service in &services {
        scripted = scripted.pushes(0, service, CommitKind::Good);
    }
    let world = scripted.play(scripted.world(SEED, Keep::Nothing, None));
    let world = world.borrow();
    let ended = world.table.releases.values().map(|release| release.phase_since.0).max();
    Unheard {
        endings: world.table.releases.values().map(|release| release.phase.name()).collect(),
        minutes: ended.unwrap_or(START_MS).saturating_sub(START_MS) / MINUTE,
        violations: world.violations.clone(),
    }
}

/// For each push, of which no event comes: the service it is to, by number, at which minute; and for each, after how
/// many milliseconds it became a release. `None`: never.
pub fn unannounced(repositories: usize, pushes: &[(u64, usize)]) -> Vec<Option<u64>> {
    let services = services(repositories);
    let mut scripted = Scripted::new(&services, &[ENVIRONMENT]).scripted(|script| {
        script.hears = Hears::NoPush;
        script.idle_sweeps = IdleSweeps::All;
    });
    for (minute, service) in pushes {
        scripted = scripted.pushes(*minute, &services[*service], CommitKind::Good);
    }
    let world = scripted.play(scripted.world(SEED, Keep::Nothing, None));
    let world = world.borrow();
    let found = |(minute, service): &(u64, usize)| {
        let first = ReleaseId { track: track(&services[*service])?, n: 1 };
        let made = world.table.releases.get(&first)?.created_at.0;
        Some(made.saturating_sub(START_MS + minute * MINUTE))
    };
    pushes.iter().map(found).collect()
}

/// The calls, by name, of a story in which a few releases are deployed and the sweep runs each minute, while the table
/// holds so many releases that are over.
pub fn calls_beside(finished: u32) -> BTreeMap<String, u64> {
    let services = services(3);
    let mut scripted =
        Scripted::new(&services, &[ENVIRONMENT]).scripted(|script| script.idle_sweeps = IdleSweeps::All);
    for service in &services {
        scripted = scripted.pushes(10, service, CommitKind::Good);
    }
    let mut world = scripted.world(SEED, Keep::Nothing, None);
    fill(&mut world, finished);
    let world = scripted.play(world);
    let world = world.borrow();
    world.coverage.of_kind("call")
}

/// Releases that are over, a hundred on each track.
fn fill(world: &mut World, finished: u32) {
    const ON_ONE_TRACK: u32 = 100;
    for number in 0..finished.div_ceil(ON_ONE_TRACK) {
        let Some(key) = track(&name(number as usize)) else { continue };
        let mut track = Track::new(key.clone());
        for n in 1..=ON_ONE_TRACK {
            let Some(release) = over(ReleaseId { track: key.clone(), n }) else { continue };
            track.newest = Some(Newest { n, revision: release.revision.clone() });
            let told = world.people.told.entry(release.id.to_string()).or_default();
            told.insert(release.phase.name().to_owned());
            world.board.shows(&release);
            world.table.releases.insert(release.id.clone(), release);
        }
        track.version = 1;
        world.table.tracks.insert(key, track);
    }
}

fn over(id: ReleaseId) -> Option<Release> {
    let revision: Revision = "a".repeat(40).parse().ok()?;
    let repository = id.track.service.as_str().parse().ok()?;
    let at = Timestamp(START_MS - MINUTE);
    Some(Release {
        family: BuildFamily::of(&repository, &revision, "registry.example"),
        revision,
        repository,
        branch: BRANCH.parse().ok()?,
        pushed_by: None,
        authors: Vec::new(),
        authors_unread: false,
        origin: Origin::Push,
        ordered: None,
        stale: 0,
        prepared: false,
        verdict: None,
        build_log: None,
        image: None,
        created_at: at,
        phase: Phase::Over(Ending::Rejected { by: Voice::Reply, reason: String::new() }),
        phase_since: at,
        warning: None,
        heard: Vec::new(),
        steps: Vec::new(),
        id,
    })
}

fn services(count: usize) -> Vec<String> {
    (0..count).map(name).collect()
}

fn name(number: usize) -> String {
    format!("service-{number:04}")
}

fn track(service: &str) -> Option<TrackKey> {
    format!("{service}/{ENVIRONMENT}").parse().ok()
}
