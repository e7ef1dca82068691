//! Worlds beside that of the tracks, with which they share nothing: each has one clock and one agenda, functions that run
//! to their next pause, and calls that are turned away or lose their answers.

pub(crate) mod databases;
pub(crate) mod drills;
pub(crate) mod pipelines;
mod ports;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::{Arguments, Debug};
use std::rc::Rc;

use model::time::Timestamp;

use crate::coverage::Coverage;
use crate::executor::{Outcome, Task};
use crate::random::Random;
use crate::trace::{Keep, Trace};
use crate::world::{SECOND, START_MS};

/// What became of one seed.
#[derive(Debug, Clone, Default)]
pub struct Report {
    pub violations: Vec<String>,
    pub coverage: Coverage,
    /// Line by line, where it was kept.
    pub trace: Vec<String>,
}

/// What tells one such world from another.
#[derive(Debug, Clone, Copy)]
struct Nature {
    /// What every violation breaks.
    invariant: &'static str,
    /// Kinds of what is met: faults, and calls.
    fault: &'static str,
    call: &'static str,
    /// How many calls in a thousand are turned away, and how many lose their answers.
    trouble_per_mille: u64,
    /// How many pauses in a thousand are long, and how long at most.
    slow: (u64, u64),
    /// Faults stop; what is under way ends within its own limits.
    quiet_from_ms: u64,
    ends_within_ms: u64,
}

/// What every such world has.
struct Base<What, Flaw> {
    nature: Nature,
    flaw: Option<Flaw>,
    now: u64,
    random: Random,
    agenda: BTreeMap<(u64, u64), What>,
    next_id: u64,
    coverage: Coverage,
    violations: Vec<String>,
    trace: Trace,
}

impl<What: Debug, Flaw: PartialEq> Base<What, Flaw> {
    fn new(nature: Nature, flaw: Option<Flaw>, random: Random) -> Self {
        Self {
            nature,
            flaw,
            now: START_MS,
            random,
            agenda: BTreeMap::new(),
            next_id: 0,
            coverage: Coverage::default(),
            violations: Vec::new(),
            trace: Trace::new(Keep::Nothing),
        }
    }

    fn keep(&mut self, keep: Keep) {
        self.trace = Trace::new(keep);
    }

    fn say(&mut self, what: Arguments<'_>) {
        self.trace.add(self.now - START_MS, what);
    }

    fn has(&self, flaw: Flaw) -> bool {
        self.flaw == Some(flaw)
    }

    fn wrong(&mut self, what: impl std::fmt::Display) {
        let wrong = format!("{}: {what}", self.nature.invariant);
        self.say(format_args!("VIOLATION {wrong}"));
        self.violations.push(wrong);
    }

    fn time(&self) -> Timestamp {
        Timestamp(self.now)
    }

    fn later(&mut self, delay_ms: u64, what: What) {
        self.next_id += 1;
        self.agenda.insert((self.now + delay_ms, self.next_id), what);
    }

    /// What comes next, with its number in the agenda, at its time; `None` when nothing more comes.
    fn next(&mut self) -> Option<(u64, What)> {
        let ((at, id), what) = self.agenda.pop_first()?;
        self.now = at;
        self.say(format_args!("{what:?}"));
        (at <= START_MS + self.nature.ends_within_ms).then_some((id, what))
    }

    /// Whether a fault strikes; none does once all is quiet.
    fn strikes(&mut self, fault: &'static str, per_mille: u64) -> bool {
        let strikes = self.random.chance(per_mille) && self.now < START_MS + self.nature.quiet_from_ms;
        if strikes {
            self.coverage.hit(self.nature.fault, fault);
            self.say(format_args!("FAULT {fault}"));
        }
        strikes
    }

    fn report(&mut self) -> Report {
        Report {
            violations: std::mem::take(&mut self.violations),
            coverage: self.coverage.clone(),
            trace: std::mem::take(&mut self.trace.lines),
        }
    }
}

trait Beside {
    type What: Debug;
    type Flaw: Copy + PartialEq;

    fn base(&mut self) -> &mut Base<Self::What, Self::Flaw>;
}

/// What a function came to at a pause.
enum Step {
    Pauses,
    Answered(Outcome),
    /// It crashed, or its time is over.
    Killed,
}

impl Step {
    /// Whether whoever invoked it does so again.
    fn failed(&self) -> bool {
        match self {
            Step::Pauses => false,
            Step::Answered(Ok(answer)) => {
                answer["batchItemFailures"].as_array().is_some_and(|failed| !failed.is_empty())
            }
            Step::Answered(Err(_)) | Step::Killed => true,
        }
    }
}

/// Runs a function to its next pause, after which `poll` comes.
fn step<W: Beside>(world: &Rc<RefCell<W>>, task: &mut Task, until: u64, poll: W::What) -> Step {
    let is_in_time = world.borrow_mut().base().now < until;
    if let Some(answer) = is_in_time.then(|| task.run()).flatten() {
        world.borrow_mut().base().say(format_args!("answered: {answer:?}"));
        return Step::Answered(answer);
    }
    let world = &mut *world.borrow_mut();
    let base = world.base();
    if !is_in_time || base.strikes("crash", 8) {
        base.say(format_args!("killed"));
        return Step::Killed;
    }
    let (per_mille, ms_max) = base.nature.slow;
    let latency = if base.strikes("slow", per_mille) {
        base.random.between(SECOND, ms_max)
    } else {
        base.random.between(2, 40)
    };
    base.later(latency, poll);
    Step::Pauses
}
