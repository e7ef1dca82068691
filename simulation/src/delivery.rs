//! How payloads reach functions and what follows when one fails: asynchronous invocations, queues, dead letters, and
//! crashes at any pause.

use std::collections::VecDeque;
use std::rc::Rc;

use engine::functions;

use crate::checks::Invariant;
use crate::crash::{Then, last_delivery};
use crate::events;
use crate::executor::{Outcome, Task};
use crate::faults::Fault;
use crate::foreign::{Fate, Foreign, Receiver};
use crate::last_stops;
use crate::mutated::Mutated;
use crate::ports::Ports;
use crate::run::{Run, sweep_again};
use crate::witness;
use crate::world::{Function, Happening, Invocation, MINUTE, Message, Origin, SECOND, SPOKEN_QUEUE, World};

/// Lambda tries an asynchronous invocation this often in all. Source: Lambda developer guide, "Asynchronous invocation".
const EVENT_ATTEMPTS_MAX: u32 = 3;
/// How long a received message stays hidden, as `template.yaml` says of every queue. After as many receives as there are
/// a message has not got as old as its queue would keep it.
const VISIBILITY_MS: u64 = 180 * SECOND;
/// A function that takes longer is ended, as `template.yaml` says; only the sweep has more.
const FUNCTION_MS_MAX: u64 = 30 * SECOND;
const SWEEP_MS_MAX: u64 = 60 * SECOND;
/// What a call takes, there or back.
const LATENCY_MS: (u64, u64) = (2, 40);
/// The clients give a call up after some 20 s there and back.
const SLOW_MS: (u64, u64) = (SECOND, 10 * SECOND);
/// Events told again when all has come to rest.
const TOLD_AGAIN: usize = 12;

/// A function at work.
pub(crate) struct Running {
    task: Task,
    invocation: Invocation,
    since: u64,
    /// When it is ended, done or not.
    until: u64,
    /// Commits of tracks that it made.
    commits: u64,
}

impl Run {
    pub(crate) fn deliver(&mut self, message: Message) {
        if let Some(group) = &message.group {
            // A group's next message waits until the one before is done with, however often it fails.
            let world = &mut *self.world.borrow_mut();
            let waiting = world.groups.entry(group.clone()).or_default();
            waiting.push_back(message.clone());
            if waiting.len() > 1 {
                return;
            }
        }
        self.receive(message);
    }

    /// The first message of a group: the one before is done with, or it comes again.
    pub(crate) fn deliver_first(&mut self, group: &str) {
        let first = self.world.borrow().groups.get(group).and_then(|waiting| waiting.front().cloned());
        if let Some(message) = first {
            self.receive(message);
        }
    }

    /// Its visibility ran out: it is received again, unless it was done with in time.
    pub(crate) fn redeliver(&mut self, message: Message, invocation: u64) {
        if self.running.contains_key(&invocation) {
            self.receive(message);
        }
    }

    fn receive(&mut self, mut message: Message) {
        message.receives += 1;
        let payload = events::queued(message.queue, message.id, &message.body);
        let function = function_of(message.queue);
        // Not of a FIFO queue: it gives nothing of a group out while that is hidden, which is six times as long as a
        // function may run. Source: SQS guide, "FIFO queue delivery logic"; Lambda guide, "Using Lambda with Amazon SQS".
        let again =
            message.group.is_none() && self.world.borrow_mut().strikes(Fault::Redelivery, message.queue);
        let id = self.start_as(Invocation { function, payload, origin: Origin::Queue(message.clone()) });
        if again {
            let world = &mut *self.world.borrow_mut();
            let hidden = world.random.between(1, SECOND);
            world.later(hidden, Happening::Redeliver { message, invocation: id });
        }
    }

    pub(crate) fn start(&mut self, invocation: Invocation) {
        self.start_as(invocation);
    }

    fn start_as(&mut self, invocation: Invocation) -> u64 {
        let (id, ports) = {
            let world = &mut *self.world.borrow_mut();
            world.say(format_args!("{} is invoked", invocation.function.name()));
            let skew_ms = world.chances.clock_skew_s() * SECOND;
            let ahead_ms = world.random.between(0, 2 * skew_ms) as i64 - skew_ms as i64;
            let came = Rc::from(invocation.payload.as_slice());
            (world.id(), Ports { world: Rc::clone(&self.world), ahead_ms, came })
        };
        let task = invoke(Mutated::new(ports, &invocation), &invocation);
        let longest = if invocation.function == Function::Sweep { SWEEP_MS_MAX } else { FUNCTION_MS_MAX };
        let since = self.world.borrow().now;
        self.running.insert(id, Running { task, invocation, since, until: since + longest, commits: 0 });
        self.poll(id);
        id
    }

    pub(crate) fn poll(&mut self, id: u64) {
        let Some(running) = self.running.get_mut(&id) else { return };
        if self.world.borrow().now >= running.until {
            self.world.borrow_mut().coverage.hit("timeout", running.invocation.function.name());
            return self.end(id, None);
        }
        let before = self.world.borrow().table.commits;
        self.world.borrow_mut().acting = running.invocation.function;
        let outcome = running.task.run();
        running.commits += self.world.borrow().table.commits - before;
        let dies = self.world.borrow_mut().crash.take();
        if dies == Some(Then::Lost) {
            running.invocation = last_delivery(running.invocation.clone());
        }
        let crashes = outcome.is_none() && {
            let world = &mut *self.world.borrow_mut();
            let function = running.invocation.function.name();
            let slow = world.strikes(Fault::Slow, function);
            let (least, most) = if slow { SLOW_MS } else { LATENCY_MS };
            let latency = world.random.between(least, most);
            world.later(latency, Happening::Poll(id));
            world.strikes(Fault::Crash, function) || dies.is_some()
        };
        if outcome.is_some() || crashes {
            self.end(id, outcome);
        }
    }

    fn end(&mut self, id: u64, outcome: Option<Outcome>) {
        if let Some(running) = self.running.remove(&id) {
            self.finish(running, outcome);
        }
    }

    /// `None`: it crashed.
    fn finish(&mut self, running: Running, outcome: Option<Outcome>) {
        let Running { invocation, since, commits, .. } = running;
        let world = &mut *self.world.borrow_mut();
        world.inert_payloads_change_nothing(&invocation, commits);
        if let (Some(Ok(answer)), Function::Approval) = (&outcome, invocation.function) {
            witness::heard(world, &invocation.payload, since);
            witness::recorded(world, &invocation.payload, answer);
        }
        let said = outcome.as_ref().map(|outcome| outcome.as_ref().ok().cloned());
        let succeeded = world.hear_outcome(invocation.function, outcome);
        match &invocation.origin {
            Origin::Schedule => sweep_again(world),
            Origin::Person(ordered) => world.hears_of_order(ordered, said),
            Origin::Operator(_) if succeeded => {}
            Origin::Operator(letter) => world.dead_letters.push(letter.clone()),
            Origin::Event { .. } if succeeded => {}
            Origin::Event { attempt } if attempt + 1 < EVENT_ATTEMPTS_MAX => {
                let attempt = attempt + 1;
                let again = Invocation { origin: Origin::Event { attempt }, ..invocation };
                world.later(u64::from(attempt) * MINUTE, Happening::Invoke(again));
            }
            Origin::Event { .. } => world.gives_up(&invocation, last_stops::failures(&invocation)),
            Origin::Queue(message) if !succeeded && message.receives < receives_max(message.queue) => {
                world.comes_again(message.clone());
            }
            Origin::Queue(message) => {
                if let Some(group) = message.group.clone() {
                    world.goes_on(group);
                }
                if !succeeded {
                    world.gives_up(&invocation, last_stops::dead_letter(message, &invocation.payload));
                }
            }
        }
    }

    /// I4: what was told once changes nothing when it is told again.
    pub(crate) fn tell_again(&mut self) {
        let before = {
            let world = &mut *self.world.borrow_mut();
            world.chances.stop();
            (world.table.commits, world.people.told_count())
        };
        for _ in 0..TOLD_AGAIN {
            let heard = {
                let world = &mut *self.world.borrow_mut();
                if world.heard.is_empty() {
                    return;
                }
                let at = world.random.between(0, world.heard.len() as u64 - 1) as usize;
                world.heard[at].clone()
            };
            let (function, payload) = heard;
            let came = Rc::from(payload.as_slice());
            let invocation = Invocation { function, payload, origin: Origin::Event { attempt: 0 } };
            let ports = Ports { world: Rc::clone(&self.world), ahead_ms: 0, came };
            let mut task = invoke(Mutated::new(ports, &invocation), &invocation);
            while task.run().is_none() {}
            let world = &mut *self.world.borrow_mut();
            world.coverage.hit("checked", "I4");
            if (world.table.commits, world.people.told_count()) != before {
                let name = function.name();
                return world.violation(Invariant::I4, format!("told again, {name} did something again"));
            }
        }
    }
}

impl World {
    fn comes_again(&mut self, message: Message) {
        let Some(group) = message.group.clone() else {
            return self.later(VISIBILITY_MS, Happening::Deliver(message));
        };
        if let Some(first) = self.groups.get_mut(&group).and_then(VecDeque::front_mut) {
            *first = message;
        }
        self.later(VISIBILITY_MS, Happening::DeliverFirst(group));
    }

    fn goes_on(&mut self, group: String) {
        let Some(waiting) = self.groups.get_mut(&group) else { return };
        waiting.pop_front();
        if waiting.is_empty() {
            self.groups.remove(&group);
        } else {
            self.later(SECOND / 10, Happening::DeliverFirst(group));
        }
    }
}

fn function_of(queue: &str) -> Function {
    match queue {
        "BuilderQueue" => Function::Builder,
        "DeployerQueue" => Function::Deployer,
        "PatrolQueue" => Function::Push,
        SPOKEN_QUEUE => Function::Approval,
        _ => Function::Notify,
    }
}

/// After so many receives a message goes to the dead-letter queue, as `template.yaml` says.
fn receives_max(queue: &str) -> u32 {
    if queue == "PatrolQueue" { 3 } else { 5 }
}

pub(crate) fn invoke(ports: Mutated, invocation: &Invocation) -> Task {
    let payload = ports.payload(invocation);
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

impl World {
    /// Whether it counts as success; `None`: it crashed.
    fn hear_outcome(&mut self, function: Function, outcome: Option<Outcome>) -> bool {
        let function = function.name();
        match outcome {
            None => {
                self.say(format_args!("{function} crashes"));
                false
            }
            Some(Err(failure)) => {
                let failure = failure.to_string();
                self.say(format_args!("{function} fails: {failure}"));
                self.answered.push_str(&failure);
                false
            }
            Some(Ok(value)) => {
                let answer = value.to_string();
                self.say(format_args!("{function} answers {answer}"));
                self.answered.push_str(&answer);
                value["batchItemFailures"].as_array().is_none_or(Vec::is_empty)
            }
        }
    }

    /// A payload comes that is nobody's of ours.
    pub(crate) fn foreign_comes(&mut self, foreign: &Foreign) {
        let id = self.id();
        let payload = foreign.to.payload(&foreign.payload, id);
        self.foreign.insert(payload.clone(), Fate::of(&payload, foreign.to));
        let arrives = match foreign.to {
            Receiver::Ear(function) => {
                Happening::Invoke(Invocation { function, payload, origin: Origin::Event { attempt: 0 } })
            }
            Receiver::Queue(queue) => Happening::Deliver(Message {
                queue,
                id,
                body: String::from_utf8_lossy(&foreign.payload).into_owned(),
                receives: 0,
                group: (queue == "NotifyQueue.fifo").then(|| "foreign".to_owned()),
            }),
        };
        self.later(0, arrives);
    }

    /// I7: what is ignored or quarantined changes nothing else.
    fn inert_payloads_change_nothing(&mut self, invocation: &Invocation, commits: u64) {
        let Some(fate) = self.foreign.get(&invocation.payload).copied() else { return };
        self.coverage.hit("checked", "I7");
        if fate.inert && commits > 0 {
            let function = invocation.function.name();
            self.violation(Invariant::I7, format!("a payload of nobody's moved a track through {function}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEMPLATE: &str = include_str!("../../template.yaml");

    #[test]
    fn queues_are_as_the_template_makes_them() {
        for queue in ["BuilderQueue", "DeployerQueue", "NotifyQueue", "PatrolQueue", SPOKEN_QUEUE] {
            let made = TEMPLATE.split(&format!("\n  {queue}:\n")).nth(1).expect(queue);
            let number = |key: &str| {
                let text =
                    made.split(key).nth(1).and_then(|rest| rest.split(|c: char| !c.is_ascii_digit()).next());
                text.and_then(|text| text.parse::<u64>().ok())
            };
            assert_eq!(number("maxReceiveCount: "), Some(u64::from(receives_max(queue))), "{queue}");
            assert_eq!(number("VisibilityTimeout: "), Some(VISIBILITY_MS / SECOND), "{queue}");
            let kept = number("MessageRetentionPeriod: ").map(|seconds| seconds * SECOND);
            assert!(kept > Some(u64::from(receives_max(queue)) * VISIBILITY_MS), "{queue}");
        }
    }
}
