//! `tidegate simulate`: the engine in seeded worlds.

use std::ops::Range;
use std::process::ExitCode;

/// Parses `A..B`, B left out of the run.
pub(crate) fn seeds(text: &str) -> Result<Range<u64>, String> {
    let allowed = || format!("{text:?} is not A..B with A < B");
    let (first, end) = text.split_once("..").ok_or_else(allowed)?;
    let seeds = first.parse().map_err(|_| allowed())?..end.parse().map_err(|_| allowed())?;
    if seeds.is_empty() { Err(allowed()) } else { Ok(seeds) }
}
