//! Many runs on every core, and what they met. Which thread takes which seed changes nothing but the time it takes.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::beside::{self, databases, drills, pipelines};
use crate::coverage::Coverage;
use crate::run::{Report, run};
use crate::trace::Keep;

/// Every so many runs one is run twice, to see that it is the same.
const REPEATED_EVERY: u64 = 50;
/// Every so many seeds drills and pipelines have a run too, in the worlds of their own.
pub const BESIDE_EVERY: u64 = 10;
/// A thread takes so many seeds at a time.
const SEEDS_TAKEN: u64 = 16;
const TOLD_EVERY: Duration = Duration::from_secs(5);

#[derive(Debug, Clone)]
pub struct Summary {
    pub seeds: u64,
    /// In the order of their seeds; one for each world of a seed.
    pub failed: Vec<Failed>,
    pub seeds_per_second: f64,
    pub coverage: Coverage,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    pub seed: u64,
    pub world: Seeded,
    pub violations: Vec<String>,
}

/// A world that a seed stands for a run of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seeded {
    Tracks,
    Drills,
    Pipelines,
    Databases,
}

impl Seeded {
    const BESIDE: [Self; 3] = [Self::Drills, Self::Pipelines, Self::Databases];

    pub fn name(self) -> &'static str {
        match self {
            Self::Tracks => "tracks",
            Self::Drills => "drills",
            Self::Pipelines => "pipelines",
            Self::Databases => "databases",
        }
    }

    /// Those that this seed has a run in.
    pub fn of(seed: u64) -> impl Iterator<Item = Self> {
        let beside = if seed.is_multiple_of(BESIDE_EVERY) { &Self::BESIDE[..] } else { &[] };
        [Self::Tracks].into_iter().chain(beside.iter().copied())
    }

    /// What breaks there, and the whole trace.
    pub fn traced(self, seed: u64) -> (Vec<String>, Vec<String>) {
        let played = caught(|| self.play(seed, Keep::Lines));
        played.map_or_else(|panic| (vec![panic], Vec::new()), |played| (played.violations, played.trace))
    }

    fn play(self, seed: u64, keep: Keep) -> beside::Report {
        match self {
            Self::Tracks => run(seed, keep, None).into(),
            Self::Drills => drills::play(seed, None, keep),
            Self::Pipelines => pipelines::play(seed, None, keep),
            Self::Databases => databases::play(seed, None, keep),
        }
    }
}

impl From<Report> for beside::Report {
    fn from(Report { violations, coverage, trace, .. }: Report) -> Self {
        Self { violations, coverage, trace }
    }
}

/// What is told while a campaign runs, in whatever order it comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    Fails {
        seed: u64,
    },
    /// Every few seconds.
    SoFar {
        done: u64,
        seeds: u64,
        failures: u64,
    },
}

/// Runs every seed of the range.
pub fn campaign(seeds: Range<u64>, told: impl Fn(Progress) + Sync) -> Summary {
    let begun = Instant::now();
    let count = seeds.end.saturating_sub(seeds.start);
    let next = AtomicU64::new(seeds.start);
    let met = Mutex::new(Met { coverage: Coverage::default(), failed: Vec::new(), done: 0, told_at: begun });
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| take_seeds(&next, seeds.end, count, &met, &told));
        }
    });
    // A thread that panicked poisons nothing worth keeping: runs are caught one by one.
    let Met { coverage, mut failed, .. } =
        met.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    failed.sort_by_key(|failed| failed.seed);
    let seconds = begun.elapsed().as_secs_f64().max(f64::MIN_POSITIVE);
    Summary { seeds: count, failed, seeds_per_second: count as f64 / seconds, coverage }
}

struct Met {
    coverage: Coverage,
    failed: Vec<Failed>,
    done: u64,
    told_at: Instant,
}

fn take_seeds(next: &AtomicU64, end: u64, seeds: u64, met: &Mutex<Met>, told: &impl Fn(Progress)) {
    loop {
        let first = next.fetch_add(SEEDS_TAKEN, Ordering::Relaxed);
        if first >= end {
            return;
        }
        let mut coverage = Coverage::default();
        let mut failed = Vec::new();
        let taken = first..end.min(first + SEEDS_TAKEN);
        let done = taken.end - taken.start;
        for seed in taken {
            for world in Seeded::of(seed) {
                match checked(world, seed) {
                    Ok(played) => {
                        coverage.merge(&played.coverage);
                        if !played.violations.is_empty() {
                            failed.push(Failed { seed, world, violations: played.violations });
                        }
                    }
                    Err(panic) => failed.push(Failed { seed, world, violations: vec![panic] }),
                }
            }
        }
        distinct(&failed).for_each(|seed| told(Progress::Fails { seed }));
        let mut met = met.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        met.coverage.merge(&coverage);
        met.failed.append(&mut failed);
        met.done += done;
        if met.told_at.elapsed() >= TOLD_EVERY {
            met.told_at = Instant::now();
            told(Progress::SoFar { done: met.done, seeds, failures: distinct(&met.failed).count() as u64 });
        }
    }
}

fn checked(world: Seeded, seed: u64) -> Result<beside::Report, String> {
    if world != Seeded::Tracks || !seed.is_multiple_of(REPEATED_EVERY) {
        return caught(|| world.play(seed, Keep::Nothing));
    }
    let mut report = caught(|| run(seed, Keep::Hash, None))?;
    let again = caught(|| run(seed, Keep::Hash, None))?;
    if again.trace_hash != report.trace_hash {
        report.violations.push("the same seed gave another trace".to_owned());
    }
    Ok(report.into())
}

/// A panic is the worst violation of all.
pub(crate) fn caught<T>(run: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|panic| {
        let why = panic.downcast_ref::<String>().map(String::as_str);
        let why = why.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no reason given");
        format!("panic: {why}")
    })
}

/// Seeds that failed, in whichever of their worlds; those of one seed stand side by side.
fn distinct(failed: &[Failed]) -> impl Iterator<Item = u64> {
    failed.chunk_by(|one, other| one.seed == other.seed).map(|of_one| of_one[0].seed)
}

impl Summary {
    /// Seeds, whatever number of their worlds failed.
    pub fn failures(&self) -> u64 {
        distinct(&self.failed).count() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_that_fails_in_two_worlds_is_one_failure() {
        let failed = |seed, world| Failed { seed, world, violations: vec!["I1: it did".to_owned()] };
        let summary = Summary {
            seeds: 20,
            failed: vec![failed(0, Seeded::Tracks), failed(0, Seeded::Drills), failed(10, Seeded::Databases)],
            seeds_per_second: 1.0,
            coverage: Coverage::default(),
        };
        assert_eq!(summary.failures(), 2);
    }

    #[test]
    fn every_world_of_a_seed_can_be_read() {
        let traced: Vec<usize> = Seeded::of(0).map(|world| world.traced(0).1.len()).collect();
        assert_eq!(traced.len(), 4);
        assert!(traced.iter().all(|lines| *lines > 10), "{traced:?}");
        assert_eq!(Seeded::of(1).count(), 1);
    }
}
