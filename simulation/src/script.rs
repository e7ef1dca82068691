//! Stories in which what a seeded world draws is certain: what becomes of builds and deployments, what people answer,
//! and what is heard of it.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use crate::builds;
use crate::crash::{Crash, CrashPoint};
use crate::errands;
use crate::faults::Rates;
use crate::operations;
use crate::records::Platform;
use crate::run;
use crate::sources::{Commit, CommitKind};
use crate::story::{Act, Story, What};
use crate::trace::Keep;
use crate::world::{Function, MINUTE, World};

#[derive(Debug, Clone, Default)]
pub(crate) struct Script {
    /// What becomes of the first builds, operations and tasks; of all others the best.
    pub(crate) builds: VecDeque<builds::Becomes>,
    pub(crate) operations: VecDeque<operations::Becomes>,
    pub(crate) tasks: VecDeque<errands::Becomes>,
    /// By release number; to all others people say yes.
    pub(crate) answers: BTreeMap<u32, Answer>,
    pub(crate) hears: Hears,
    /// Whether everything takes its usual time, or a time that is drawn.
    pub(crate) pace: Pace,
    pub(crate) builds_at_once: usize,
    pub(crate) idle_sweeps: IdleSweeps,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Reject,
    Nothing,
    /// Yes, but not by a reply.
    InSlack,
    ByCommand,
}

/// What reaches the functions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Hears {
    #[default]
    Everything,
    /// No event but the pushes, no message but the sweep's; and people.
    OnlyTheSweep,
    /// Everything but the pushes.
    NoPush,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Pace {
    #[default]
    Usual,
    Drawn,
}

/// Whether sweeps that would find nothing are run all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum IdleSweeps {
    #[default]
    Few,
    All,
}

/// How many builds an account of the usual size runs at once.
const BUILDS_AT_ONCE: usize = 20;

/// What happens, with nothing left to chance but how long a call takes.
#[derive(Debug, Clone)]
pub(crate) struct Scripted {
    pub(crate) story: Story,
    pub(crate) script: Script,
}

impl Scripted {
    pub(crate) fn new(services: &[String], environments: &[&str]) -> Self {
        let story = Story {
            platform: Platform::of(services, environments),
            rates: Rates::none(),
            acts: Vec::new(),
            quiet_from_ms: 0,
        };
        Self { story, script: Script { builds_at_once: BUILDS_AT_ONCE, ..Script::default() } }
    }

    pub(crate) fn pushes(self, minute: u64, repository: &str, kind: CommitKind) -> Self {
        self.acts(minute * MINUTE, What::Push(Commit { repository: repository.to_owned(), kind }))
    }

    pub(crate) fn acts(mut self, at_ms: u64, what: What) -> Self {
        self.story.quiet_from_ms = self.story.quiet_from_ms.max(at_ms);
        self.story.acts.push(Act { at_ms, what });
        self
    }

    pub(crate) fn scripted(mut self, write: impl FnOnce(&mut Script)) -> Self {
        write(&mut self.script);
        self
    }

    /// The world, ready to begin.
    pub(crate) fn world(&self, seed: u64, keep: Keep, crash: Option<CrashPoint>) -> World {
        let mut world = World::new(seed, &self.story, None, keep, None);
        world.script = Some(self.script.clone());
        world.crash = Crash::at(crash);
        world
    }

    /// The world once nothing more happens in it.
    pub(crate) fn play(&self, world: World) -> Rc<RefCell<World>> {
        run::scripted(world, &self.story)
    }
}

impl World {
    /// How long something that is `of` a stack, a repository or a release takes, between `from` and `to`.
    pub(crate) fn takes(&mut self, of: &str, from_ms: u64, to_ms: u64) -> u64 {
        match self.script.as_ref().map(|script| script.pace) {
            Some(Pace::Usual) => from_ms.midpoint(to_ms),
            Some(Pace::Drawn) | None => self.random_of(of).between(from_ms, to_ms),
        }
    }

    /// Whether a service's event for this function is heard.
    pub(crate) fn is_heard(&self, function: Function) -> bool {
        match self.script.as_ref().map(|script| script.hears) {
            Some(Hears::OnlyTheSweep) => function == Function::Push,
            Some(Hears::NoPush) => function != Function::Push,
            Some(Hears::Everything) | None => true,
        }
    }

    /// Whether a message that is sent now arrives.
    pub(crate) fn arrives(&self) -> bool {
        let only_the_sweep = self.script.as_ref().is_some_and(|script| script.hears == Hears::OnlyTheSweep);
        !only_the_sweep || self.acting == Function::Sweep
    }
}
