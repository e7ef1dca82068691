//! `tidegate simulate`: the engine in seeded worlds.

use std::ops::Range;
use std::process::ExitCode;

use serde_json::json;
use simulation::{Failed, Progress, Shrunk, Summary};

const FAILED: u8 = 1;
/// Failures that are made small and told with their trace; of all others only seed and violations are.
const SHRUNK_MAX: usize = 3;

/// Tells every failure, what was met and what was not, and last one line with the figures. Fails when a seed does, or
/// when a long run did not meet all that it should have.
pub(crate) fn simulate(seeds: Range<u64>, json: bool) -> ExitCode {
    let summary = simulation::campaign(seeds, |progress| match progress {
        Progress::Fails { seed } => eprintln!("seed {seed} fails"),
        Progress::SoFar { done, seeds, failures } => {
            eprintln!("{done} of {seeds} seeds, {failures} failures")
        }
    });
    let unmet = simulation::shortcomings(&summary.coverage, summary.seeds);
    for (at, failed) in summary.failed.iter().enumerate() {
        let shrunk = if at < SHRUNK_MAX {
            eprintln!("making seed {} small", failed.seed);
            simulation::shrink(failed.seed)
        } else {
            None
        };
        tell_failure(failed, shrunk.as_ref(), json);
    }
    tell_coverage(&summary, &unmet, json);
    println!("{}", figures(&summary));
    if summary.failed.is_empty() && unmet.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(FAILED) }
}

fn tell_failure(failed: &Failed, shrunk: Option<&Shrunk>, json: bool) {
    let Failed { seed, violations } = failed;
    if json {
        let (story, trace) = shrunk.map_or((json!(null), json!(null)), |shrunk| {
            (json!(shrunk.story), json!({ "violations": shrunk.violations, "lines": shrunk.trace }))
        });
        println!("{}", json!({ "seed": seed, "violations": violations, "story": story, "trace": trace }));
        return;
    }
    println!("seed {seed} fails:");
    violations.iter().for_each(|violation| println!("  {violation}"));
    let Some(Shrunk { story, violations, trace, runs, .. }) = shrunk else { return };
    println!("it fails with no more than this (found in {runs} runs):");
    story.iter().for_each(|line| println!("  {line}"));
    violations.iter().for_each(|violation| println!("  => {violation}"));
    println!("what then happens:");
    trace.iter().for_each(|line| println!("  {line}"));
}

fn tell_coverage(summary: &Summary, unmet: &[String], json: bool) {
    if json {
        println!("{}", json!({ "coverage": summary.coverage.to_json(), "shortcomings": unmet }));
        return;
    }
    print!("{}", summary.coverage);
    unmet.iter().for_each(|fault| println!("coverage falls short: {fault}"));
}

const LOAD_SERVICES: usize = 1000;
const LOAD_PUSHES: usize = 4000;
const CROWD_PUSHES: usize = 100;

/// Tells what a burst and a crowd took, each in its turn. Fails when something was lost.
pub(crate) fn load(json: bool) -> ExitCode {
    let mut lost = false;
    eprintln!("{LOAD_PUSHES} pushes to {LOAD_SERVICES} services, then {CROWD_PUSHES} to one");
    for run in [|| simulation::burst(LOAD_SERVICES, LOAD_PUSHES), || simulation::crowd(CROWD_PUSHES)] {
        let load = run();
        lost |= !load.violations.is_empty() || load.current != load.services;
        if json {
            println!("{}", load.to_json());
        } else {
            println!("{load}\n");
        }
    }
    if lost { ExitCode::from(FAILED) } else { ExitCode::SUCCESS }
}

/// Written out, for the order of the keys.
fn figures(summary: &Summary) -> String {
    let (seeds, failures, per_second) = (summary.seeds, summary.failures(), summary.seeds_per_second);
    format!(r#"{{"seeds":{seeds},"failures":{failures},"seeds_per_second":{per_second:.1}}}"#)
}

/// Parses `A..B`, B left out of the run.
pub(crate) fn seeds(text: &str) -> Result<Range<u64>, String> {
    let allowed = || format!("{text:?} is not A..B with A < B");
    let (first, end) = text.split_once("..").ok_or_else(allowed)?;
    let seeds = first.parse().map_err(|_| allowed())?..end.parse().map_err(|_| allowed())?;
    if seeds.is_empty() { Err(allowed()) } else { Ok(seeds) }
}
