//! The seeded world: one clock, one agenda of what happens when, and the models of the services.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::Arguments;

use crate::board::Board;
use crate::builds::Builds;
use crate::checks::Invariant;
use crate::coverage::Coverage;
use crate::crash::Crash;
use crate::errands::Tasks;
use crate::events;
use crate::faults::{Chances, Fault, Strike};
use crate::foreign::Fate;
use crate::mutated::Remembered;
use crate::mutation::Mutation;
use crate::people::People;
use crate::random::Random;
use crate::records::Platform;
use crate::script::Script;
use crate::sources::Sources;
use crate::stacks::{Stacks, Step};
use crate::story::{Story, What};
use crate::table::Table;
use crate::trace::{Keep, Trace};
use crate::witness::Witness;

pub(crate) const START_MS: u64 = 1_800_000_000_000;

/// Where `slack` puts what people say there.
pub(crate) const SPOKEN_QUEUE: &str = "SpokenQueue";

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

impl Function {
    pub(crate) const ALL: [Self; 9] = [
        Self::Push,
        Self::Build,
        Self::Image,
        Self::Approval,
        Self::Stack,
        Self::Builder,
        Self::Deployer,
        Self::Notify,
        Self::Sweep,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Function::Push => "push",
            Function::Build => "build",
            Function::Image => "image",
            Function::Approval => "approval",
            Function::Stack => "stack",
            Function::Builder => "builder",
            Function::Deployer => "deployer",
            Function::Notify => "notify",
            Function::Sweep => "sweep",
        }
    }
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
    /// The command line: a person waits for the answer.
    Person(Ordered),
    /// An operator sends again what lay at a last stop, and waits for the answer.
    Operator(Letter),
}

/// What lies at a last stop.
#[derive(Debug, Clone)]
pub(crate) struct Letter {
    /// The queue's logical id.
    pub(crate) stop: String,
    pub(crate) body: String,
    /// What the function got.
    pub(crate) came: Vec<u8>,
}

/// What a person ordered by the command line.
#[derive(Debug, Clone)]
pub(crate) struct Ordered {
    pub(crate) by: &'static str,
    pub(crate) order: serde_json::Value,
    /// How often it was given before.
    pub(crate) again: u32,
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
    /// The next message of that FIFO group.
    DeliverFirst(String),
    /// A message comes again while this invocation may still be at work on it.
    Redeliver {
        message: Message,
        invocation: u64,
    },
    Act(What),
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
    TaskEnds {
        arn: String,
    },
    StackRepaired {
        stack: String,
    },
    /// A stack that is being deleted is gone.
    StackDeleted {
        id: String,
    },
    /// Or it hangs.
    DeletionFails {
        id: String,
        token: String,
    },
    Sweep,
    FaultsStop,
    LivenessChecked,
}

/// A fault that struck, when, and what it struck: a call, a function, a thing in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Struck {
    pub(crate) strike: Strike,
    pub(crate) at_ms: u64,
    pub(crate) what: &'static str,
}

pub(crate) struct World {
    pub(crate) now: u64,
    pub(crate) random: Random,
    seed: u64,
    /// A source of chance for each thing that has a fate of its own.
    fates: BTreeMap<String, Random>,
    pub(crate) chances: Chances,
    pub(crate) struck: Vec<Struck>,
    /// What the product does wrong, if anything, and what it remembers for that.
    pub(crate) mutation: Option<Mutation>,
    pub(crate) remembered: Remembered,
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
    pub(crate) tasks: Tasks,
    pub(crate) people: People,
    pub(crate) board: Board,
    /// Notify messages by what they were deduplicated under, with the time.
    pub(crate) deduplicated: BTreeMap<String, u64>,
    /// Messages of each FIFO group that are not done with, the one at work first.
    pub(crate) groups: BTreeMap<String, VecDeque<Message>>,
    /// Services that turn every call away, and until when.
    pub(crate) throttled_until: BTreeMap<&'static str, u64>,
    /// What Lambda and queues gave up, and what functions set aside.
    pub(crate) dead_letters: Vec<Letter>,
    pub(crate) quarantined: Vec<Letter>,
    /// Payloads that are nobody's of ours, as functions got them.
    pub(crate) foreign: BTreeMap<Vec<u8>, Fate>,
    /// Events and replies that were delivered, to be told again at the end (I4).
    pub(crate) heard: Vec<(Function, Vec<u8>)>,
    /// What functions answered and how they failed, to be searched for secrets (I9).
    pub(crate) answered: String,
    pub(crate) witness: Witness,
    /// What is certain, where it is not drawn.
    pub(crate) script: Option<Script>,
    pub(crate) crash: Crash,
    /// Whose turn it is.
    pub(crate) acting: Function,
}

impl World {
    /// `only`: the faults that strike, where a run is made again.
    pub(crate) fn new(
        seed: u64,
        story: &Story,
        only: Option<BTreeSet<Strike>>,
        keep: Keep,
        mutation: Option<Mutation>,
    ) -> Self {
        let mut random = Random::new(seed);
        let chances = Chances::new(Random::new(random.next()), story.rates.clone(), only);
        Self {
            now: START_MS,
            platform: story.platform.clone(),
            random,
            seed,
            fates: BTreeMap::new(),
            chances,
            struck: Vec::new(),
            mutation,
            remembered: Remembered::default(),
            agenda: BTreeMap::new(),
            next_id: 0,
            trace: Trace::new(keep),
            coverage: Coverage::default(),
            violations: Vec::new(),
            table: Table::default(),
            sources: Sources::default(),
            builds: Builds::default(),
            stacks: Stacks::default(),
            tasks: Tasks::default(),
            people: People::default(),
            board: Board::default(),
            deduplicated: BTreeMap::new(),
            groups: BTreeMap::new(),
            throttled_until: BTreeMap::new(),
            dead_letters: Vec::new(),
            quarantined: Vec::new(),
            foreign: BTreeMap::new(),
            heard: Vec::new(),
            answered: String::new(),
            witness: Witness::default(),
            script: None,
            crash: Crash::default(),
            acting: Function::Sweep,
        }
    }

    /// What becomes of a stack, a repository or a release does not hang on what becomes of others, so that a failing run
    /// can be made again without them.
    pub(crate) fn random_of(&mut self, whose: &str) -> &mut Random {
        let seed = self.seed;
        self.fates.entry(whose.to_owned()).or_insert_with(|| {
            Random::new(whose.bytes().fold(seed, |name, byte| name.rotate_left(7) ^ u64::from(byte)))
        })
    }

    pub(crate) fn id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    pub(crate) fn say(&mut self, what: Arguments<'_>) {
        self.trace.add(self.now - START_MS, what);
    }

    pub(crate) fn violation(&mut self, invariant: Invariant, what: impl std::fmt::Display) {
        let what = format!("{invariant:?}: {what}");
        self.say(format_args!("VIOLATION {what}"));
        self.violations.push(what);
    }

    /// Whether a fault strikes here and now; `what` it would strike.
    pub(crate) fn strikes(&mut self, fault: Fault, what: &'static str) -> bool {
        let Some(strike) = self.chances.strikes(fault) else { return false };
        self.coverage.hit("fault", fault.name());
        self.say(format_args!("FAULT {}: {what}", fault.name()));
        self.struck.push(Struck { strike, at_ms: self.now - START_MS, what });
        true
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
        self.heard.push((function, payload.clone()));
        if !self.is_heard(function) {
            return;
        }
        if self.strikes(Fault::EventLost, function.name()) {
            return;
        }
        let copies = if self.strikes(Fault::EventTwice, function.name()) { 2 } else { 1 };
        for _ in 0..copies {
            let delay = self.event_delay(function);
            let origin = Origin::Event { attempt: 0 };
            self.later(delay, Happening::Invoke(Invocation { function, payload: payload.clone(), origin }));
        }
    }

    fn event_delay(&mut self, function: Function) -> u64 {
        if self.strikes(Fault::EventLate, function.name()) {
            let longest = *self.random.pick(&[MINUTE, HOUR, 24 * HOUR]);
            return self.random.between(SECOND, longest);
        }
        self.random.between(200, 3 * SECOND)
    }

    /// SQS: at least once, in no order unless a group is named.
    pub(crate) fn send(&mut self, queue: &'static str, body: String, group: Option<String>, delay_ms: u64) {
        if !self.arrives() {
            return;
        }
        let id = self.id();
        let message = Message { queue, id, body, receives: 0, group };
        let travel = self.random.between(5, 2 * SECOND);
        self.later(delay_ms + travel, Happening::Deliver(message.clone()));
        if self.strikes(Fault::MessageTwice, queue) {
            let gap = self.random.between(1, 20 * SECOND);
            self.later(delay_ms + travel + gap, Happening::Deliver(message));
        }
    }

    pub(crate) fn emit_stack(&mut self, id: &str, status: &str, token: &str) {
        self.emit(Function::Stack, events::stack_changed(id, status, token));
    }
}
