//! One run: pushes, faults, quiet, rest.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use engine::functions;
use model::time::Timestamp;

use crate::checks;
use crate::events;
use crate::executor::{Outcome, Task};
use crate::faults::Faults;
use crate::ports::Ports;
use crate::sources::{Commit, CommitKind};
use crate::trace::{Coverage, Keep};
use crate::untruth::Untruth;
use crate::world::{Function, HOUR, Happening, Invocation, MINUTE, Message, Origin, SECOND, START_MS, World};

/// Lambda tries an asynchronous invocation this often in all. Source: Lambda developer guide, "Asynchronous invocation".
const EVENT_ATTEMPTS_MAX: u32 = 3;
/// After so many receives a message goes to the dead-letter queue.
const RECEIVES_MAX: u32 = 5;
/// How long a received message stays hidden.
const VISIBILITY_MS: u64 = 60 * SECOND;
/// What a call takes, there or back.
const LATENCY_MS: (u64, u64) = (2, 40);
const SLOW_MS: (u64, u64) = (SECOND, 30 * SECOND);
/// Longer than the longest wait for a person, with whatever came a day late.
const REST_MS: u64 = 14 * 24 * HOUR;
/// A run that needs more is one that never comes to rest.
const STEPS_MAX: u64 = 400_000;

/// What became of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    pub seed: u64,
    /// What did not hold; empty for a good run.
    pub violations: Vec<String>,
    /// The same for the same seed.
    pub trace_hash: u64,
    /// Line by line, where it was kept.
    pub trace: Vec<String>,
    pub coverage: Coverage,
}

struct Running {
    task: Task,
    invocation: Invocation,
}

struct Run {
    world: Rc<RefCell<World>>,
    running: BTreeMap<u64, Running>,
    quiet_from: u64,
}

pub(crate) fn run(seed: u64, keep: Keep, untruth: Untruth) -> Report {
    let mut run = Run {
        world: Rc::new(RefCell::new(World::new(seed, keep, untruth))),
        running: BTreeMap::new(),
        quiet_from: 0,
    };
    run.write_story();
    run.play();
    run.running.clear();
    let mut world = run.world.borrow_mut();
    checks::rest(&mut world);
    Report {
        seed,
        violations: std::mem::take(&mut world.violations),
        trace_hash: world.trace.hash,
        trace: std::mem::take(&mut world.trace.lines),
        coverage: std::mem::take(&mut world.coverage),
    }
}

impl Run {
    /// Who pushes what when, and when faults stop.
    fn write_story(&mut self) {
        let world = &mut *self.world.borrow_mut();
        let faults = world.faults.clone();
        world.say(format_args!("{:?} {faults:?}", world.platform.services().to_vec()));
        let mut last = 0;
        for repository in world.platform.services().to_vec() {
            let mut at = world.random.between(0, 10 * MINUTE);
            for _ in 0..world.random.between(1, 5) {
                let kind = CommitKind::drawn(&mut world.random);
                let commit = Commit { repository: repository.clone(), kind };
                world.at(START_MS + at, Happening::Push(Box::new(commit)));
                last = last.max(at);
                let gap = *world.random.pick(&[5 * SECOND, 5 * MINUTE, 40 * MINUTE, 4 * HOUR]);
                at += world.random.between(SECOND, gap);
            }
            for _ in 0..world.random.between(0, 4) {
                let when = world.random.between(5 * MINUTE, 10 * HOUR);
                world.at(START_MS + when, Happening::Ordered { service: repository.clone() });
            }
            if world.random.chance(faults.trouble) {
                let when = world.random.between(0, 6 * HOUR);
                let stack = format!("tidegate-{repository}-production");
                world.at(START_MS + when, Happening::StackTouched { stack });
            }
        }
        if world.random.chance(faults.trouble) {
            let when = world.random.between(0, 3 * HOUR);
            world.at(START_MS + when, Happening::FloorRises);
        }
        self.quiet_from = START_MS + last + world.random.between(MINUTE, 3 * HOUR);
        world.at(self.quiet_from, Happening::FaultsStop);
        world.at(self.quiet_from + checks::LIVENESS_MS, Happening::LivenessChecked);
        world.at(START_MS + MINUTE, Happening::Sweep);
    }

    fn play(&mut self) {
        for _ in 0..STEPS_MAX {
            let next = self.world.borrow_mut().agenda.pop_first();
            let Some(((when, _), happening)) = next else { return };
            self.world.borrow_mut().now = when;
            if when > self.quiet_from + REST_MS {
                return;
            }
            self.happens(happening);
        }
        self.world.borrow_mut().violation(format!("I3: no rest within {STEPS_MAX} steps"));
    }

    fn happens(&mut self, happening: Happening) {
        let world = &self.world;
        match happening {
            Happening::Poll(id) => self.poll(id),
            Happening::Invoke(invocation) => self.start(invocation),
            Happening::Deliver(message) => self.deliver(message),
            Happening::Push(commit) => world.borrow_mut().push(&commit),
            Happening::BuildEnds { arn } => world.borrow_mut().build_ends(&arn),
            Happening::ImagePushed { repository, tag, digest } => {
                let payload = events::image_pushed(&repository, &tag, &digest);
                world.borrow_mut().emit(Function::Image, payload);
            }
            Happening::StackMoves { stack, step } => world.borrow_mut().stack_moves(&stack, &step),
            Happening::StackTouched { stack } => world.borrow_mut().stack_touched(&stack),
            Happening::StackRepaired { stack } => world.borrow_mut().stack_repaired(&stack),
            Happening::StackDeleted { id } => world.borrow_mut().stack_deleted(&id),
            Happening::Ordered { service } => world.borrow_mut().order(&service),
            Happening::FloorRises => {
                let world = &mut *world.borrow_mut();
                world.coverage.hit("fault", "floor rises");
                world.platform.raise_floor();
            }
            Happening::Sweep => {
                let payload = b"{}".to_vec();
                self.start(Invocation { function: Function::Sweep, payload, origin: Origin::Schedule });
            }
            Happening::FaultsStop => {
                let world = &mut *world.borrow_mut();
                world.say(format_args!("faults stop"));
                world.faults = Faults::none();
            }
            Happening::LivenessChecked => checks::liveness(&mut world.borrow_mut()),
        }
    }

    fn deliver(&mut self, mut message: Message) {
        {
            let world = &mut *self.world.borrow_mut();
            if let Some(group) = &message.group
                && world.groups_busy.contains_key(group)
            {
                return world.later(SECOND, Happening::Deliver(message));
            }
            if let Some(group) = &message.group {
                world.groups_busy.insert(group.clone(), message.id);
            }
        }
        message.receives += 1;
        let payload = events::queued(message.queue, message.id, &message.body);
        let function = match message.queue {
            "BuilderQueue" => Function::Builder,
            "DeployerQueue" => Function::Deployer,
            "PatrolQueue" => Function::Push,
            _ => Function::Notify,
        };
        self.start(Invocation { function, payload, origin: Origin::Queue(message) });
    }

    fn start(&mut self, invocation: Invocation) {
        let ahead_ms = {
            let world = &mut *self.world.borrow_mut();
            world.say(format_args!("{:?} is invoked", invocation.function));
            let skew_ms = world.faults.clock_skew_s * SECOND;
            world.random.between(0, 2 * skew_ms) as i64 - skew_ms as i64
        };
        let ports = Ports { world: Rc::clone(&self.world), ahead_ms };
        let task = invoke(ports, &invocation);
        let id = self.world.borrow_mut().id();
        self.running.insert(id, Running { task, invocation });
        self.poll(id);
    }

    fn poll(&mut self, id: u64) {
        let Some(running) = self.running.get_mut(&id) else { return };
        if let Some(outcome) = running.task.run() {
            if let Some(Running { invocation, .. }) = self.running.remove(&id) {
                self.finish(invocation, Some(outcome));
            }
            return;
        }
        let crashes = {
            let world = &mut *self.world.borrow_mut();
            let slow = world.random.chance(world.faults.slow);
            let (least, most) = if slow { SLOW_MS } else { LATENCY_MS };
            let latency = world.random.between(least, most);
            world.later(latency, Happening::Poll(id));
            world.random.chance(world.faults.crash)
        };
        if crashes && let Some(Running { invocation, .. }) = self.running.remove(&id) {
            self.finish(invocation, None);
        }
    }

    /// `None`: it crashed.
    fn finish(&mut self, invocation: Invocation, outcome: Option<Outcome>) {
        let world = &mut *self.world.borrow_mut();
        let function = invocation.function;
        let succeeded = match &outcome {
            None => {
                world.coverage.hit("fault", "crash");
                world.say(format_args!("{function:?} crashes"));
                false
            }
            Some(Err(failure)) => {
                world.say(format_args!("{function:?} fails: {failure}"));
                false
            }
            Some(Ok(value)) => {
                world.say(format_args!("{function:?} answers {value}"));
                value["batchItemFailures"].as_array().is_none_or(Vec::is_empty)
            }
        };
        match invocation.origin {
            Origin::Schedule => {
                if let Some(when) = next_sweep(world) {
                    world.at(when, Happening::Sweep);
                }
            }
            Origin::Event { attempt } if !succeeded && attempt + 1 < EVENT_ATTEMPTS_MAX => {
                let again = Invocation { origin: Origin::Event { attempt: attempt + 1 }, ..invocation };
                world.later(u64::from(attempt + 1) * MINUTE, Happening::Invoke(again));
            }
            Origin::Event { .. } if !succeeded => world.coverage.hit("fault", "event dead-lettered"),
            Origin::Event { .. } => {}
            Origin::Queue(message) => {
                if let Some(group) = &message.group {
                    world.groups_busy.remove(group);
                }
                if !succeeded && message.receives < RECEIVES_MAX {
                    world.later(VISIBILITY_MS, Happening::Deliver(message));
                } else if !succeeded {
                    world.coverage.hit("fault", "message dead-lettered");
                }
            }
        }
    }
}

fn invoke(ports: Ports, invocation: &Invocation) -> Task {
    let payload = invocation.payload.clone();
    match invocation.function {
        Function::Push => Task::new(async move { functions::push(&ports, &payload).await }),
        Function::Build => Task::new(async move { functions::build(&ports, &payload).await }),
        Function::Image => Task::new(async move { functions::image(&ports, &payload).await }),
        Function::Approval => Task::new(async move { functions::approval(&ports, &payload).await }),
        Function::Stack => Task::new(async move { functions::stack(&ports, &payload).await }),
        Function::Builder => Task::new(async move { functions::builder(&ports, &payload).await }),
        Function::Deployer => Task::new(async move { functions::deployer(&ports, &payload).await }),
        Function::Notify => Task::new(async move { functions::notify(&ports, &payload).await }),
        Function::Sweep => Task::new(async move { functions::sweep(&ports, &payload).await }),
    }
}

/// The sweep runs each minute; minutes in which it would find nothing are skipped. `None` when it never will again.
fn next_sweep(world: &World) -> Option<u64> {
    let next = world.now + MINUTE;
    let owed = world.table.tracks.values().filter_map(model::track::Track::due).min();
    let happens = world.agenda.keys().next().map(|(when, _)| *when);
    if !checks::unnoticed_heads(world).is_empty() || world.table.patrol.is_some() {
        return Some(next);
    }
    let overdue = owed.map(|Timestamp(due)| due + MINUTE);
    let earliest = match (overdue, happens) {
        (Some(overdue), Some(happens)) => overdue.min(happens),
        (Some(only), None) | (None, Some(only)) => only,
        (None, None) => return None,
    };
    let minutes = earliest.saturating_sub(world.now) / MINUTE;
    Some(next.max(world.now + minutes * MINUTE))
}
