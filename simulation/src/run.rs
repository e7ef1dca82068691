//! One run: a story, faults, quiet, rest.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use engine::sweep::LEASE;
use model::time::{Span, Timestamp};
use model::track::Track;

use crate::checks;
use crate::checks::Invariant;
use crate::coverage::Coverage;
use crate::delivery::Running;
use crate::events;
use crate::faults::Strike;
use crate::log;
use crate::mutation::Mutation;
use crate::random::Random;
use crate::script::IdleSweeps;
use crate::story::{Story, What};
use crate::trace::Keep;
use crate::world::{Function, HOUR, Happening, Invocation, MINUTE, Origin, START_MS, Struck, World};

/// Longer than the longest wait for a person, with whatever came a day late.
const REST_MS: u64 = 14 * 24 * HOUR;
/// A run that needs more is one that never comes to rest.
const STEPS_MAX: u64 = 400_000;

/// Of sweeps that would find nothing, so many in a thousand are run.
const IDLE_SWEEPS: u64 = 100;
const CLOCKS_APART: Span = Span::seconds(10);

/// What became of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    pub seed: u64,
    /// What did not hold, each beginning with the invariant's name; empty for a good run.
    pub violations: Vec<String>,
    /// The same for the same seed.
    pub trace_hash: u64,
    /// Line by line, where it was kept.
    pub trace: Vec<String>,
    pub coverage: Coverage,
    pub(crate) struck: Vec<Struck>,
}

impl Report {
    /// Of a run that came to nothing.
    pub(crate) fn nothing(seed: u64) -> Self {
        Self {
            seed,
            violations: Vec::new(),
            trace_hash: 0,
            trace: Vec::new(),
            coverage: Coverage::default(),
            struck: Vec::new(),
        }
    }
}

pub(crate) struct Run {
    pub(crate) world: Rc<RefCell<World>>,
    pub(crate) running: BTreeMap<u64, Running>,
    quiet_from: u64,
    steps_max: u64,
}

/// The run that the seed stands for.
pub(crate) fn run(seed: u64, keep: Keep, mutation: Option<Mutation>) -> Report {
    told(seed, &drawn(seed), None, keep, mutation)
}

/// The story of a seed.
pub(crate) fn drawn(seed: u64) -> Story {
    Story::drawn(&mut Random::new(!seed))
}

/// A run of this story; `only` these faults strike, where given.
pub(crate) fn told(
    seed: u64,
    story: &Story,
    only: Option<BTreeSet<Strike>>,
    keep: Keep,
    mutation: Option<Mutation>,
) -> Report {
    let mut run = Run {
        world: Rc::new(RefCell::new(World::new(seed, story, only, keep, mutation))),
        running: BTreeMap::new(),
        quiet_from: START_MS + story.quiet_from_ms,
        steps_max: STEPS_MAX,
    };
    let ((), log) = log::listening(|| {
        run.begin(story);
        run.play();
        run.running.clear();
        checks::rest(&mut run.world.borrow_mut());
        run.tell_again();
    });
    let mut world = run.world.borrow_mut();
    checks::no_secret_was_told(&mut world, &log.text);
    world.coverage.merge(&log.decided);
    Report {
        seed,
        violations: std::mem::take(&mut world.violations),
        trace_hash: world.trace.hash,
        trace: std::mem::take(&mut world.trace.lines),
        coverage: std::mem::take(&mut world.coverage),
        struck: std::mem::take(&mut world.struck),
    }
}

/// The world of a scripted story once it has come to rest.
pub(crate) fn scripted(world: World, story: &Story) -> Rc<RefCell<World>> {
    let mut run = Run {
        world: Rc::new(RefCell::new(world)),
        running: BTreeMap::new(),
        quiet_from: START_MS + story.quiet_from_ms,
        steps_max: STEPS_MAX * story.platform.services().len() as u64,
    };
    run.begin(story);
    run.play();
    run.running.clear();
    checks::rest(&mut run.world.borrow_mut());
    run.world
}

impl Run {
    fn begin(&mut self, story: &Story) {
        let world = &mut *self.world.borrow_mut();
        world.say(format_args!("{:?} {:?}", story.platform.services(), story.rates));
        for act in &story.acts {
            world.at(START_MS + act.at_ms, Happening::Act(act.what.clone()));
        }
        world.at(self.quiet_from, Happening::FaultsStop);
        world.at(self.quiet_from + checks::LIVENESS_MS, Happening::LivenessChecked);
        world.at(START_MS + MINUTE, Happening::Sweep);
    }

    fn play(&mut self) {
        for _ in 0..self.steps_max {
            let next = self.world.borrow_mut().agenda.pop_first();
            let Some(((when, _), happening)) = next else { return };
            self.world.borrow_mut().now = when;
            if when > self.quiet_from + REST_MS {
                return;
            }
            self.happens(happening);
        }
        self.world
            .borrow_mut()
            .violation(Invariant::I3, format_args!("no rest within {} steps", self.steps_max));
    }

    fn happens(&mut self, happening: Happening) {
        let world = &self.world;
        match happening {
            Happening::Poll(id) => self.poll(id),
            Happening::Invoke(invocation) => self.start(invocation),
            Happening::Deliver(message) => self.deliver(message),
            Happening::DeliverFirst(group) => self.deliver_first(&group),
            Happening::Redeliver { message, invocation } => self.redeliver(message, invocation),
            Happening::Act(what) => self.act(what),
            Happening::BuildEnds { arn } => world.borrow_mut().build_ends(&arn),
            Happening::ImagePushed { repository, tag, digest } => {
                let payload = events::image_pushed(&repository, &tag, &digest);
                world.borrow_mut().emit(Function::Image, payload);
            }
            Happening::StackMoves { stack, step } => world.borrow_mut().stack_moves(&stack, &step),
            Happening::TaskEnds { arn } => world.borrow_mut().task_ends(&arn),
            Happening::StackRepaired { stack } => world.borrow_mut().stack_repaired(&stack),
            Happening::StackDeleted { id } => world.borrow_mut().deletion_ends(&id),
            Happening::DeletionFails { id, token } => world.borrow_mut().deletion_fails(&id, &token),
            Happening::Sweep if finds_nothing(&mut world.borrow_mut()) => {
                sweep_again(&mut world.borrow_mut())
            }
            Happening::Sweep => {
                let payload = b"{}".to_vec();
                self.start(Invocation { function: Function::Sweep, payload, origin: Origin::Schedule });
            }
            Happening::FaultsStop => {
                let world = &mut *world.borrow_mut();
                world.say(format_args!("faults stop"));
                world.chances.stop();
                world.throttled_until.clear();
                world.platform.put_all_back();
            }
            Happening::LivenessChecked => checks::liveness(&mut world.borrow_mut()),
        }
    }

    fn act(&mut self, what: What) {
        let world = &mut *self.world.borrow_mut();
        world.coverage.hit("story", what.name());
        world.say(format_args!("{what}"));
        match what {
            What::Push(commit) => world.push(&commit),
            What::StackTouched { stack } => world.stack_touched(&stack),
            What::StackDeleted { stack } => world.stack_deleted(&stack),
            What::Ordered { service } => world.order(&service),
            What::Given { order } => world.give(0, order),
            What::Retired { service } => world.order_retirement(&service),
            What::ChannelsChange(routing) => world.platform.channels.change(routing),
            What::FloorRises => world.platform.raise_floor(world.now),
            What::RecordGone { repository, for_ms } => {
                let until = world.now + for_ms;
                world.platform.take_away(repository, until);
            }
            What::BuildsForgotten => world.builds.forget(),
            What::Throttling { service, for_ms } => {
                let until = world.now + for_ms;
                world.throttled_until.insert(service, until);
            }
            What::Foreign(foreign) => world.foreign_comes(&foreign),
            What::Redrive => world.redrive(),
        }
    }
}

/// Most sweeps that would find nothing are not run: they would be most of what a run does.
fn finds_nothing(world: &mut World) -> bool {
    let overdue = Timestamp(world.now).minus(LEASE).plus(CLOCKS_APART);
    let is_overdue = |track: &Track| track.due().is_some_and(|due| due <= overdue);
    if world.script.as_ref().is_some_and(|script| script.idle_sweeps == IdleSweeps::All) {
        return false;
    }
    let nothing = !world.table.tracks.values().any(is_overdue)
        && world.table.patrol.is_none()
        && checks::unnoticed_heads(world).is_empty();
    // Drawn always: what follows must not depend on it.
    let runs_anyway = world.random.chance(IDLE_SWEEPS);
    nothing && !runs_anyway
}

/// The sweep runs each minute; minutes before anything else happens or is overdue are passed over.
pub(crate) fn sweep_again(world: &mut World) {
    let next = world.now + MINUTE;
    let owed = world.table.tracks.values().filter_map(Track::due).min();
    let happens = world.agenda.keys().next().map(|(when, _)| *when);
    let noticed = world.table.patrol.is_none() && checks::unnoticed_heads(world).is_empty();
    let overdue = owed.map(|due| due.plus(LEASE).0);
    let when = match (overdue, happens) {
        _ if !noticed => next,
        (Some(overdue), Some(happens)) => overdue.min(happens),
        (Some(only), None) | (None, Some(only)) => only,
        (None, None) => return,
    };
    let minutes = when.saturating_sub(world.now) / MINUTE;
    world.at(next.max(world.now + minutes * MINUTE), Happening::Sweep);
}
