//! `tidegate simulate`: the engine in seeded worlds.

use std::ops::Range;
use std::process::ExitCode;

use serde_json::json;
use simulation::{Failed, Progress, Seeded, Shrunk, Summary};

const FAILED: u8 = 1;
/// Failures that are told with their trace; of all others only seed and violations are, and how to have the rest.
const TRACED_MAX: usize = 3;

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
        tell_failure(failed, (at < TRACED_MAX).then(|| Traced::of(failed)), json);
    }
    tell_coverage(&summary, &unmet, json);
    println!("{}", figures(&summary, unmet.len()));
    if summary.failed.is_empty() && unmet.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(FAILED) }
}

/// What a failure is read by.
enum Traced {
    Small(Shrunk),
    /// A run of which nothing can be left out: of a world that has no story, or that did not fail again.
    Whole(Vec<String>),
}

impl Traced {
    fn of(Failed { seed, world, .. }: &Failed) -> Self {
        let small = match world {
            Seeded::Tracks => {
                eprintln!("making seed {seed} small");
                simulation::shrink(*seed)
            }
            Seeded::Drills | Seeded::Pipelines | Seeded::Databases => None,
        };
        small.map_or_else(|| Self::Whole(world.traced(*seed).1), Self::Small)
    }
}

fn tell_failure(failed: &Failed, traced: Option<Traced>, json: bool) {
    let Failed { seed, world, violations } = failed;
    let world = world.name();
    let again = format!("tidegate simulate --seeds {seed}..{}", seed + 1);
    if json {
        let (story, trace) = match traced {
            Some(Traced::Small(shrunk)) => {
                (json!(shrunk.story), json!({ "violations": shrunk.violations, "lines": shrunk.trace }))
            }
            Some(Traced::Whole(lines)) => (json!(null), json!({ "violations": violations, "lines": lines })),
            None => (json!(null), json!(null)),
        };
        let failure = json!({ "seed": seed, "world": world, "violations": violations, "story": story, "trace": trace, "again": again });
        println!("{failure}");
        return;
    }
    println!("seed {seed} fails in the world of {world}:");
    violations.iter().for_each(|violation| println!("  {violation}"));
    match traced {
        Some(Traced::Small(Shrunk { story, violations, trace, runs, .. })) => {
            println!("it fails with no more than this (found in {runs} runs):");
            story.iter().for_each(|line| println!("  {line}"));
            violations.iter().for_each(|violation| println!("  => {violation}"));
            println!("what then happens:");
            trace.iter().for_each(|line| println!("  {line}"));
        }
        Some(Traced::Whole(lines)) => {
            println!("all that happens, with nothing left out:");
            lines.iter().for_each(|line| println!("  {line}"));
        }
        None => println!("`{again}` tells its story"),
    }
}

/// Tells all that happens in a run, whether it fails or not: in the world of tracks, and in those that the seed has a
/// run in beside it.
pub(crate) fn trace(seed: u64, json: bool) -> ExitCode {
    let mut fails = false;
    for world in Seeded::of(seed) {
        let (violations, lines) = world.traced(seed);
        fails |= !violations.is_empty();
        if json {
            let world = world.name();
            println!("{}", json!({ "seed": seed, "world": world, "violations": violations, "lines": lines }));
            continue;
        }
        println!("seed {seed} in the world of {}:", world.name());
        lines.iter().for_each(|line| println!("  {line}"));
        violations.iter().for_each(|violation| println!("  => {violation}"));
    }
    if fails { ExitCode::from(FAILED) } else { ExitCode::SUCCESS }
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
fn figures(summary: &Summary, unmet: usize) -> String {
    let (seeds, failures, per_second) = (summary.seeds, summary.failures(), summary.seeds_per_second);
    format!(
        r#"{{"seeds":{seeds},"failures":{failures},"seeds_per_second":{per_second:.1},"shortcomings":{unmet}}}"#
    )
}

/// Parses `A..B`, B left out of the run.
pub(crate) fn seeds(text: &str) -> Result<Range<u64>, String> {
    let allowed = || format!("{text:?} is not A..B with A < B");
    let (first, end) = text.split_once("..").ok_or_else(allowed)?;
    let seeds = first.parse().map_err(|_| allowed())?..end.parse().map_err(|_| allowed())?;
    if seeds.is_empty() { Err(allowed()) } else { Ok(seeds) }
}
