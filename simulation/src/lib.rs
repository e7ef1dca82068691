//! The real engine in a seeded world: one thread, one clock, models of the services, and faults between any two
//! calls. The same seed gives the same run, byte for byte.

mod builds;
mod calls;
mod campaign;
mod checks;
mod coverage;
mod delivery;
mod events;
mod executor;
mod faults;
mod foreign;
mod log;
mod operations;
mod people;
mod ports;
mod random;
mod reach;
mod records;
mod run;
mod services;
mod shrink;
mod sources;
mod stacks;
mod story;
mod table;
mod trace;
mod untruth;
mod world;

pub use campaign::{Failed, Progress, Summary, campaign};
pub use coverage::Coverage;
pub use reach::{LONG_RUN_SEEDS, shortcomings};
pub use run::Report;
pub use shrink::Shrunk;
pub use untruth::Untruth;

/// One run, without its trace.
pub fn run(seed: u64) -> Report {
    run::run(seed, trace::Keep::Hash, Untruth::None)
}

/// One run with its trace, for reading.
pub fn traced(seed: u64) -> Report {
    run::run(seed, trace::Keep::Lines, Untruth::None)
}

/// One run in a world that lies.
pub fn run_untrue(seed: u64, untruth: Untruth) -> Report {
    run::run(seed, trace::Keep::Nothing, untruth)
}

/// A failing run with as little of its story and its faults as still fails; `None` when the seed does not fail.
pub fn shrink(seed: u64) -> Option<Shrunk> {
    shrink::shrink(seed, Untruth::None)
}
