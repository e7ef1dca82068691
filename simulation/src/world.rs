//! The seeded world: one clock, one agenda of what happens when, and the models of the services.

use std::collections::BTreeMap;
use std::fmt::Arguments;

use crate::board::Board;
use crate::builds::Builds;
use crate::events;
use crate::faults::Faults;
use crate::people::People;
use crate::random::Random;
use crate::records::Platform;
use crate::sources::{Commit, Sources};
use crate::stacks::{Stacks, Step};
use crate::table::Table;
use crate::trace::{Coverage, Keep, Trace};
use crate::untruth::Untruth;

pub(crate) const START_MS: u64 = 1_800_000_000_000;

pub(crate) const SECOND: u64 = 1000;
pub(crate) const MINUTE: u64 = 60 * SECOND;
pub(crate) const HOUR: u64 = 60 * MINUTE;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Function {
    Push,
    Build,
    Image,
    Approval,
    Stack,
    Builder,
    Deployer,
    Notify,
    Sweep,
}

/// What brought a function's payload, and so what follows when it fails.
#[derive(Debug, Clone)]
pub(crate) enum Origin {
    /// Asynchronous invocation, tried three times.
    Event {
        attempt: u32,
    },
    Queue(Message),
    Schedule,
}

#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub(crate) queue: &'static str,
    pub(crate) id: u64,
    pub(crate) body: String,
    pub(crate) receives: u32,
    /// Of a FIFO queue: delivered one at a time.
    pub(crate) group: Option<String>,
}

#[derive(Debug, Clone)]
pub(crate) struct Invocation {
    pub(crate) function: Function,
    pub(crate) payload: Vec<u8>,
    pub(crate) origin: Origin,
}

#[derive(Debug, Clone)]
pub(crate) enum Happening {
    Poll(u64),
    Invoke(Invocation),
    Deliver(Message),
    Push(Box<Commit>),
    BuildEnds {
        arn: String,
    },
    ImagePushed {
        repository: String,
        tag: String,
        digest: String,
    },
    StackMoves {
        stack: String,
        step: Step,
    },
    /// Somebody else's operation begins, or somebody repairs a stack.
    StackTouched {
        stack: String,
    },
    StackRepaired {
        stack: String,
    },
    /// A stack that is being deleted is gone.
    StackDeleted {
        id: String,
    },
    /// Somebody orders something of a service.
    Ordered {
        service: String,
    },
    FloorRises,
    Sweep,
    FaultsStop,
    LivenessChecked,
}

pub(crate) struct World {
    pub(crate) now: u64,
    pub(crate) random: Random,
    pub(crate) faults: Faults,
    pub(crate) untruth: Untruth,
    pub(crate) agenda: BTreeMap<(u64, u64), Happening>,
    pub(crate) next_id: u64,
    pub(crate) trace: Trace,
    pub(crate) coverage: Coverage,
    pub(crate) violations: Vec<String>,
    pub(crate) table: Table,
    pub(crate) sources: Sources,
    pub(crate) platform: Platform,
    pub(crate) builds: Builds,
    pub(crate) stacks: Stacks,
    pub(crate) people: People,
    pub(crate) board: Board,
    /// Notify messages by what they were deduplicated under, with the time.
    pub(crate) deduplicated: BTreeMap<String, u64>,
    pub(crate) groups_busy: BTreeMap<String, u64>,
    pub(crate) quarantined: Vec<String>,
}

impl World {
    pub(crate) fn new(seed: u64, keep: Keep, untruth: Untruth) -> Self {
        let mut random = Random::new(seed);
        let faults = Faults::drawn(&mut random);
        Self {
            now: START_MS,
            platform: Platform::drawn(&mut random),
            random,
            faults,
            untruth,
            agenda: BTreeMap::new(),
            next_id: 0,
            trace: Trace::new(keep),
            coverage: Coverage::default(),
            violations: Vec::new(),
            table: Table::default(),
            sources: Sources::default(),
            builds: Builds::default(),
            stacks: Stacks::default(),
            people: People::default(),
            board: Board::default(),
            deduplicated: BTreeMap::new(),
            groups_busy: BTreeMap::new(),
            quarantined: Vec::new(),
        }
    }

    pub(crate) fn id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    pub(crate) fn say(&mut self, what: Arguments<'_>) {
        self.trace.add(self.now - START_MS, what);
    }

    pub(crate) fn violation(&mut self, what: String) {
        self.say(format_args!("VIOLATION {what}"));
        self.violations.push(what);
    }

    pub(crate) fn at(&mut self, when: u64, what: Happening) {
        let id = self.id();
        self.agenda.insert((when, id), what);
    }

    pub(crate) fn later(&mut self, delay_ms: u64, what: Happening) {
        self.at(self.now + delay_ms, what);
    }

    /// EventBridge: at least once, on best effort.
    pub(crate) fn emit(&mut self, function: Function, payload: Vec<u8>) {
        if self.random.chance(self.faults.event_lost) {
            self.coverage.hit("fault", "event lost");
            self.say(format_args!("event for {function:?} is lost"));
            return;
        }
        let copies = if self.random.chance(self.faults.duplicate) { 2 } else { 1 };
        if copies == 2 {
            self.coverage.hit("fault", "event delivered twice");
        }
        for _ in 0..copies {
            let delay = self.event_delay();
            let origin = Origin::Event { attempt: 0 };
            self.later(delay, Happening::Invoke(Invocation { function, payload: payload.clone(), origin }));
        }
    }

    fn event_delay(&mut self) -> u64 {
        if self.random.chance(self.faults.late) {
            self.coverage.hit("fault", "event late");
            let longest = *self.random.pick(&[MINUTE, HOUR, 24 * HOUR]);
            return self.random.between(SECOND, longest);
        }
        self.random.between(200, 3 * SECOND)
    }

    /// SQS: at least once, in no order unless a group is named.
    pub(crate) fn send(&mut self, queue: &'static str, body: String, group: Option<String>, delay_ms: u64) {
        let id = self.id();
        let message = Message { queue, id, body, receives: 0, group };
        let twice = self.random.chance(self.faults.duplicate);
        let travel = self.random.between(5, 2 * SECOND);
        self.later(delay_ms + travel, Happening::Deliver(message.clone()));
        if twice {
            self.coverage.hit("fault", "message delivered twice");
            let gap = self.random.between(1, 20 * SECOND);
            self.later(delay_ms + travel + gap, Happening::Deliver(message));
        }
    }

    pub(crate) fn emit_stack(&mut self, id: &str, status: &str, token: &str) {
        self.emit(Function::Stack, events::stack_changed(id, status, token));
    }
}
