//! Many runs on every core, and what they met. Which thread takes which seed changes nothing but the time it takes.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::beside;
use crate::beside::databases::watch_world;
use crate::beside::drills::drill_world;
use crate::beside::pipelines::pipeline_world;
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
    /// In the order of their seeds.
    pub failed: Vec<Failed>,
    pub seeds_per_second: f64,
    pub coverage: Coverage,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    pub seed: u64,
    pub violations: Vec<String>,
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
            match checked(seed) {
                Ok(report) => {
                    coverage.merge(&report.coverage);
                    if !report.violations.is_empty() {
                        failed.push(Failed { seed, violations: report.violations });
                    }
                }
                Err(panic) => failed.push(Failed { seed, violations: vec![panic] }),
            }
            if seed.is_multiple_of(BESIDE_EVERY) {
                let worlds = [
                    caught(|| drill_world(seed, None)),
                    caught(|| pipeline_world(seed, None)),
                    caught(|| watch_world(seed, None)),
                ];
                for world in worlds {
                    let beside::Report { violations, coverage: met } =
                        world.unwrap_or_else(beside::Report::of_panic);
                    coverage.merge(&met);
                    if !violations.is_empty() {
                        failed.push(Failed { seed, violations });
                    }
                }
            }
        }
        failed.iter().for_each(|Failed { seed, .. }| told(Progress::Fails { seed: *seed }));
        let mut met = met.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        met.coverage.merge(&coverage);
        met.failed.append(&mut failed);
        met.done += done;
        if met.told_at.elapsed() >= TOLD_EVERY {
            met.told_at = Instant::now();
            told(Progress::SoFar { done: met.done, seeds, failures: met.failed.len() as u64 });
        }
    }
}

fn checked(seed: u64) -> Result<Report, String> {
    if !seed.is_multiple_of(REPEATED_EVERY) {
        return caught(|| run(seed, Keep::Nothing, None));
    }
    let mut report = caught(|| run(seed, Keep::Hash, None))?;
    let again = caught(|| run(seed, Keep::Hash, None))?;
    if again.trace_hash != report.trace_hash {
        report.violations.push("the same seed gave another trace".to_owned());
    }
    Ok(report)
}

/// A panic is the worst violation of all.
pub(crate) fn caught<T>(run: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|panic| {
        let why = panic.downcast_ref::<String>().map(String::as_str);
        let why = why.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no reason given");
        format!("panic: {why}")
    })
}

impl Summary {
    pub fn failures(&self) -> u64 {
        self.failed.len() as u64
    }
}
