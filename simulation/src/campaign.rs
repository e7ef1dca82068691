//! Many runs, and what they met.

use std::ops::Range;
use std::time::Instant;

use serde_json::{Value, json};

use crate::run::{Report, run};
use crate::trace::{Coverage, Keep};

/// Every so many runs one is run twice, to see that it is the same.
const REPEATED_EVERY: u64 = 50;
/// Failures whose traces are kept.
const TRACES_MAX: usize = 3;

#[derive(Debug, Clone)]
pub struct Summary {
    pub seeds: u64,
    pub failures: u64,
    pub seeds_per_second: f64,
    /// The first failures, with their traces.
    pub failed: Vec<Failed>,
    pub coverage: Coverage,
}

#[derive(Debug, Clone)]
pub struct Failed {
    pub seed: u64,
    pub violations: Vec<String>,
    pub trace: Vec<String>,
}

/// Runs every seed of the range.
pub fn campaign(seeds: Range<u64>) -> Summary {
    let begun = Instant::now();
    let count = seeds.end.saturating_sub(seeds.start);
    let mut coverage = Coverage::default();
    let (mut failures, mut failed) = (0, Vec::new());
    for seed in seeds {
        let report = checked(seed);
        if !report.violations.is_empty() {
            failures += 1;
            if failed.len() < TRACES_MAX {
                let trace = run(seed, Keep::Lines, None).trace;
                failed.push(Failed { seed, violations: report.violations, trace });
            }
        }
        coverage.merge(report.coverage);
    }
    let seconds = begun.elapsed().as_secs_f64().max(f64::MIN_POSITIVE);
    Summary { seeds: count, failures, seeds_per_second: count as f64 / seconds, failed, coverage }
}

fn checked(seed: u64) -> Report {
    if !seed.is_multiple_of(REPEATED_EVERY) {
        return run(seed, Keep::Nothing, None);
    }
    let mut report = run(seed, Keep::Hash, None);
    let again = run(seed, Keep::Hash, None);
    if again.trace_hash != report.trace_hash {
        report.violations.push("the same seed gave another trace".to_owned());
    }
    report
}

impl Summary {
    pub fn to_json(&self) -> Value {
        json!({
            "seeds": self.seeds,
            "failures": self.failures,
            "seeds_per_second": (self.seeds_per_second * 10.0).round() / 10.0,
            "failed": self.failed.iter().map(|failed| json!({
                "seed": failed.seed,
                "violations": failed.violations,
            })).collect::<Vec<_>>(),
            "coverage": self.coverage.0,
        })
    }
}

impl std::fmt::Display for Summary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for failed in &self.failed {
            for line in &failed.trace {
                writeln!(f, "{line}")?;
            }
            writeln!(f, "seed {} failed:", failed.seed)?;
            for violation in &failed.violations {
                writeln!(f, "  {violation}")?;
            }
        }
        for (name, times) in &self.coverage.0 {
            writeln!(f, "{times:>10}  {name}")?;
        }
        let Summary { seeds, failures, seeds_per_second, .. } = self;
        write!(f, "{seeds} seeds, {failures} failures, {seeds_per_second:.1} seeds a second")
    }
}
