//! Two services that want one place on a listener at the same moment.

use model::release::Release;

use crate::faults::{Fault, Rates};
use crate::script::{Pace, Scripted};
use crate::sources::{CONTESTED, CommitKind};
use crate::trace::Keep;
use crate::world::{SECOND, World};

const SERVICES: [&str; 2] = ["ledger", "payments"];
/// Calls take seconds now and then, so that the two overlap as they can.
const SLOW_PER_MILLE: u64 = 100;

/// How races ended, one in each world.
#[derive(Debug, Default)]
pub struct Races {
    /// How often the first of the two got the place.
    pub first: u64,
    /// Writes that the other was faster than.
    pub lost: u64,
    /// Worlds in which not exactly one of the two got it, by their seeds.
    pub wrong: Vec<String>,
}

/// One race in each of so many worlds, each with another interleaving of their calls.
pub fn races_for_one_place(worlds: u64) -> Races {
    let mut races = Races::default();
    let names = SERVICES.map(str::to_owned);
    let mut scripted = Scripted::new(&names, &["production"]).scripted(|script| script.pace = Pace::Drawn);
    for name in SERVICES {
        scripted = scripted.pushes(0, name, CommitKind::Contested);
    }
    scripted.story.rates = Rates::none().with(Fault::Slow, SLOW_PER_MILLE);
    scripted.story.quiet_from_ms = 30 * SECOND;
    for seed in 0..worlds {
        let world = scripted.play(scripted.world(seed, Keep::Nothing, None));
        let world = world.borrow();
        races.lost += world.coverage.times("race", "listener");
        match winner(&world) {
            Ok(winner) => races.first += u64::from(winner == SERVICES[0]),
            Err(what) => races.wrong.push(format!("seed {seed}: {what}")),
        }
    }
    races
}

/// The one that was deployed. The other was told whose the place is, and nothing was built for it.
fn winner(world: &World) -> Result<&'static str, String> {
    let of = |service: &str| {
        world.table.releases.values().find(|release| release.id.track.service.as_str() == service)
    };
    let ended = |service: &str| of(service).map_or("missing", |release: &Release| release.phase.name());
    let [first, second] = SERVICES;
    let (winner, loser) = match (ended(first), ended(second)) {
        ("Deployed", "Failed") => (first, second),
        ("Failed", "Deployed") => (second, first),
        (one, other) => return Err(format!("{first} is {one}, {second} is {other}")),
    };
    let why = of(loser).and_then(Release::ending).map(|ending| ending.reason()).unwrap_or_default();
    if !why.contains(&format!("priority {CONTESTED} is held by {winner}/production")) {
        return Err(format!("{loser} was told {why:?}"));
    }
    match world.builds.all.len() {
        1 if world.violations.is_empty() => Ok(winner),
        builds => Err(format!("{builds} builds, {:?}", world.violations)),
    }
}
