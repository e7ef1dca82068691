//! `tidegate simulate`: the engine in seeded worlds.

use std::ops::Range;
use std::process::ExitCode;

const FAILED: u8 = 1;

/// Says every failure with its trace, then one line with the figures.
pub(crate) fn simulate(seeds: Range<u64>, json: bool) -> ExitCode {
    let summary = simulation::campaign(seeds);
    for failed in &summary.failed {
        eprintln!("seed {} fails: {}", failed.seed, failed.violations.join("; "));
        for line in &failed.trace {
            eprintln!("  {line}");
        }
    }
    if json {
        println!("{}", summary.to_json());
    } else {
        println!(
            "{} seeds, {} failures, {:.0} seeds per second",
            summary.seeds, summary.failures, summary.seeds_per_second
        );
    }
    if summary.failures == 0 { ExitCode::SUCCESS } else { ExitCode::from(FAILED) }
}

/// Parses `A..B`, B left out of the run.
pub(crate) fn seeds(text: &str) -> Result<Range<u64>, String> {
    let allowed = || format!("{text:?} is not A..B with A < B");
    let (first, end) = text.split_once("..").ok_or_else(allowed)?;
    let seeds = first.parse().map_err(|_| allowed())?..end.parse().map_err(|_| allowed())?;
    if seeds.is_empty() { Err(allowed()) } else { Ok(seeds) }
}
