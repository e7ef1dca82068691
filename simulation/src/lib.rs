//! The real engine in a seeded world: one thread, one clock, models of the services, and faults between any two
//! calls. The same seed gives the same run, byte for byte.

mod altered;
mod beside;
mod board;
mod builds;
mod callers;
mod calls;
mod campaign;
mod channels;
mod checks;
mod coverage;
mod crash;
mod crash_points;
mod delivery;
mod errands;
mod events;
mod executor;
mod faults;
mod foreign;
mod last_stops;
#[cfg(test)]
mod late_delivery;
mod load;
mod log;
mod mutated;
mod mutation;
mod operations;
mod orders;
mod people;
mod ports;
mod race;
mod random;
mod reach;
mod records;
mod restorable;
mod run;
mod script;
mod services;
mod shrink;
mod sources;
mod stacks;
mod story;
mod table;
mod trace;
mod unheard;
mod voters;
mod witness;
mod world;

pub use beside::databases::{WatchFlaw, watch_world};
pub use beside::drills::{DrillFlaw, drill_world};
pub use beside::pipelines::{PipelineFlaw, pipeline_world};
pub use campaign::{BESIDE_EVERY, Failed, Progress, Seeded, Summary, campaign};
pub use coverage::Coverage;
pub use crash_points::{CrashPoints, crash_points, uncrashed};
pub use load::{Load, burst, crowd, stalled};
pub use mutation::Mutation;
pub use race::{Races, races_for_one_place};
pub use reach::{LONG_RUN_SEEDS, shortcomings};
pub use run::Report;
pub use shrink::Shrunk;
pub use unheard::{Unheard, by_sweep_alone, calls_beside, unannounced};

/// One run, without its trace.
pub fn run(seed: u64) -> Report {
    run::run(seed, trace::Keep::Hash, None)
}

/// One run of a product with a fault.
pub fn mutated(seed: u64, mutation: Mutation) -> Report {
    run::run(seed, trace::Keep::Nothing, Some(mutation))
}

/// A failing run with as little of its story and its faults as still fails; `None` when the seed does not fail.
pub fn shrink(seed: u64) -> Option<Shrunk> {
    shrink::shrink(seed, None)
}
