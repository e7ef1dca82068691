//! The real engine in a seeded world: one thread, one clock, models of the services, and faults between any two
//! calls. The same seed gives the same run, byte for byte.

mod board;
mod builds;
mod campaign;
mod checks;
mod events;
mod executor;
mod faults;
mod operations;
mod orders;
mod people;
mod ports;
mod random;
mod records;
mod run;
mod services;
mod sources;
mod stacks;
mod table;
mod trace;
mod untruth;
mod voters;
mod world;

pub use campaign::{Failed, Summary, campaign};
pub use run::Report;
pub use trace::Coverage;
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
