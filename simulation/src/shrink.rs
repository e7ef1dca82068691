//! A failing run, made as small as it gets: acts of its story and faults that struck are left out, one lot after
//! another, for as long as the same invariant is still broken.

use std::collections::BTreeSet;

use crate::campaign::caught;
use crate::faults::Strike;
use crate::mutation::Mutation;
use crate::run::{Report, drawn, told};
use crate::story::Story;
use crate::trace::Keep;
use crate::world::{HOUR, MINUTE, SECOND};

/// Runs spent on one failure.
const RUNS_MAX: u32 = 2000;

/// What is left of a failing run when nothing more can be left out.
#[derive(Debug, Clone)]
pub struct Shrunk {
    pub seed: u64,
    /// What people and the outside do, and which faults strike, in order of time.
    pub story: Vec<String>,
    pub violations: Vec<String>,
    pub trace: Vec<String>,
    /// Runs that it took.
    pub runs: u32,
}

/// Shrinks the run of a seed; `None` when it does not fail.
pub(crate) fn shrink(seed: u64, mutation: Option<Mutation>) -> Option<Shrunk> {
    let mut search = Search { seed, mutation, broken: BTreeSet::new(), runs: 0 };
    let whole = search.attempt(&drawn(seed), None)?;
    search.broken = broken(&whole);
    let faults = whole.struck.iter().map(|struck| Part::Fault(struck.strike));
    let mut story = drawn(seed);
    let mut parts: Vec<Part> = (0..story.acts.len()).map(Part::Act).chain(faults).collect();
    search.reduce(&story, &mut parts);
    search.calm_clocks(&mut story, &parts);
    let report = search.run(&made_of(&story, &parts), faults_of(&parts), Keep::Lines);
    Some(Shrunk {
        seed,
        story: tell(&story, &parts, &report),
        violations: report.violations,
        trace: report.trace,
        runs: search.runs,
    })
}

/// Something that a run can do without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// By its place in the story as it was drawn.
    Act(usize),
    Fault(Strike),
}

struct Search {
    seed: u64,
    mutation: Option<Mutation>,
    /// The invariants that the whole run broke; a smaller run counts when it breaks one of them.
    broken: BTreeSet<String>,
    runs: u32,
}

impl Search {
    /// Leaves out halves, quarters, … single parts, until no single one can be left out.
    fn reduce(&mut self, story: &Story, parts: &mut Vec<Part>) {
        let mut lot = parts.len().div_ceil(2).max(1);
        loop {
            let mut smaller = false;
            let mut from = 0;
            while from < parts.len() && self.runs < RUNS_MAX {
                let to = (from + lot).min(parts.len());
                let rest: Vec<Part> = [&parts[..from], &parts[to..]].concat();
                if self.attempt(&made_of(story, &rest), Some(faults_of(&rest))).is_some() {
                    *parts = rest;
                    smaller = true;
                } else {
                    from = to;
                }
            }
            if self.runs >= RUNS_MAX || (lot == 1 && !smaller) {
                return;
            }
            lot = (lot / 2).max(1);
        }
    }

    /// The run again with clocks that agree, if it fails then, too.
    fn calm_clocks(&mut self, story: &mut Story, parts: &[Part]) {
        let mut calm = story.clone();
        calm.rates.clock_skew_s = 0;
        if self.attempt(&made_of(&calm, parts), Some(faults_of(parts))).is_some() {
            *story = calm;
        }
    }

    /// The report of a run that fails as the whole one did.
    fn attempt(&mut self, story: &Story, only: Option<BTreeSet<Strike>>) -> Option<Report> {
        self.runs += 1;
        let (seed, mutation) = (self.seed, self.mutation);
        let report = caught(|| told(seed, story, only, Keep::Nothing, mutation))
            .unwrap_or_else(|panic| Report { violations: vec![panic], ..Report::nothing(seed) });
        let fails = !report.violations.is_empty()
            && (self.broken.is_empty() || !self.broken.is_disjoint(&broken(&report)));
        fails.then_some(report)
    }

    fn run(&self, story: &Story, only: BTreeSet<Strike>, keep: Keep) -> Report {
        let (seed, mutation) = (self.seed, self.mutation);
        caught(|| told(seed, story, Some(only), keep, mutation))
            .unwrap_or_else(|panic| Report { violations: vec![panic], ..Report::nothing(seed) })
    }
}

/// `I5` of `I5: …`.
fn broken(report: &Report) -> BTreeSet<String> {
    let name = |violation: &String| violation.split(':').next().unwrap_or_default().to_owned();
    report.violations.iter().map(name).collect()
}

fn made_of(story: &Story, parts: &[Part]) -> Story {
    let kept = |at: &usize| parts.contains(&Part::Act(*at));
    let acts = (0..story.acts.len()).filter(kept).map(|at| story.acts[at].clone()).collect();
    Story { acts, ..story.clone() }
}

fn faults_of(parts: &[Part]) -> BTreeSet<Strike> {
    let fault = |part: &Part| match part {
        Part::Fault(strike) => Some(*strike),
        Part::Act(_) => None,
    };
    parts.iter().filter_map(fault).collect()
}

fn tell(story: &Story, parts: &[Part], report: &Report) -> Vec<String> {
    let acts = made_of(story, parts).acts;
    let mut lines: Vec<(u64, String)> = acts.iter().map(|act| (act.at_ms, act.what.to_string())).collect();
    for struck in &report.struck {
        lines.push((struck.at_ms, format!("{}: {}", struck.strike.fault.name(), struck.what)));
    }
    lines.push((story.quiet_from_ms, "faults stop".to_owned()));
    if story.rates.clock_skew_s > 0 {
        lines.push((0, format!("clocks are up to {} s apart", 2 * story.rates.clock_skew_s)));
    }
    lines.sort();
    lines.into_iter().map(|(at_ms, what)| format!("{} {what}", clock(at_ms))).collect()
}

fn clock(at_ms: u64) -> String {
    let (hours, minutes, seconds) = (at_ms / HOUR, at_ms / MINUTE % 60, at_ms / SECOND % 60);
    format!("{hours:02}:{minutes:02}:{seconds:02}.{:03}", at_ms % SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAILING_SEEDS: usize = 8;

    #[test]
    fn a_good_run_does_not_shrink() {
        assert!(shrink(7, None).is_none());
    }

    /// Nothing more can be left out: each part that is left is needed for the failure.
    #[test]
    fn a_failing_run_shrinks_to_what_it_needs() {
        let story = shrunk_story(Mutation::EndingUnread, 2);
        assert!(story.len() <= 2, "a push, and the end of faults: {story:#?}");
        assert!(story[0].contains("is pushed"), "{story:#?}");
    }

    #[test]
    fn the_fault_that_a_failure_needs_is_left() {
        let story = shrunk_story(Mutation::RollbackUnread, 6);
        assert!(story.len() <= 6, "two pushes, what was rolled back for, the end of faults: {story:#?}");
        let rolls_back = ["a stack operation ends badly", "a task ends badly"];
        let is_why = |line: &String| rolls_back.iter().any(|fault| line.contains(fault));
        assert!(story.iter().any(is_why), "{story:#?}");
    }

    /// How small a story gets hangs on its seed: of several, the first that is as short as `enough`, or the shortest.
    fn shrunk_story(mutation: Mutation, enough: usize) -> Vec<String> {
        let whole = |seed: u64| told(seed, &drawn(seed), None, Keep::Nothing, Some(mutation));
        let failing = (0..200).map(|seed| (seed, whole(seed))).filter(|(_, run)| !run.violations.is_empty());
        let mut stories = failing.take(FAILING_SEEDS).map(|(seed, run)| {
            let shrunk = shrink(seed, Some(mutation)).unwrap();
            let is_broken =
                |violation: &String| broken(&run).iter().any(|invariant| violation.starts_with(invariant));
            assert!(shrunk.violations.iter().any(is_broken), "{:?}", shrunk.violations);
            assert!(!shrunk.trace.is_empty());
            shrunk.story
        });
        let mut shortest: Option<Vec<String>> = None;
        while shortest.as_ref().is_none_or(|story| story.len() > enough)
            && let Some(story) = stories.next()
        {
            shortest = [shortest, Some(story)].into_iter().flatten().min_by_key(Vec::len);
        }
        shortest.unwrap()
    }
}
