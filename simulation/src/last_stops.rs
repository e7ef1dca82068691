//! What lies where only people look: what Lambda and queues gave up, and what functions set aside. An operator has the
//! product say what may be sent again, and how.

use std::collections::BTreeMap;

use intake::dead_letter::{DeadLetter, NotAgain, Redrive, Stop, quarantined};
use serde_json::json;

use crate::checks::Invariant;
use crate::events;
use crate::voters;
use crate::world::{Function, Happening, Invocation, Letter, Message, Origin, SECOND, World};

/// What Lambda writes of an event that it gave up.
pub(crate) fn failures(invocation: &Invocation) -> Letter {
    let Invocation { function, payload, .. } = invocation;
    let context = json!({ "condition": "RetriesExhausted", "approximateInvokeCount": 3 });
    let payload = String::from_utf8_lossy(payload);
    Letter {
        stop: format!("{function:?}Failures"),
        body: format!(r#"{{"requestContext":{context},"requestPayload":{payload}}}"#),
        came: invocation.payload.clone(),
    }
}

/// What a queue gave up, as it was sent.
pub(crate) fn dead_letter(message: &Message, came: &[u8]) -> Letter {
    let name = message.queue.split("Queue").next().unwrap_or_default();
    Letter { stop: format!("{name}DeadLetters"), body: message.body.clone(), came: came.to_vec() }
}

impl World {
    pub(crate) fn gives_up(&mut self, invocation: &Invocation, letter: Letter) {
        let function = invocation.function.name();
        self.coverage.hit("dead letter", function);
        self.say(format_args!("{function}'s payload is dead-lettered"));
        if let Some(fate) = self.foreign.get_mut(&invocation.payload) {
            fate.dead_lettered = true;
        }
        self.dead_letters.push(letter);
    }

    pub(crate) fn sets_aside(&mut self, function: &str, why: &str, came: &[u8], kept: Option<&[u8]>) {
        let body = quarantined(function, why, kept);
        self.quarantined.push(Letter { stop: "QuarantineQueue".to_owned(), body, came: came.to_vec() });
    }

    /// An operator sends everything again that may be.
    pub(crate) fn redrive(&mut self) {
        let mut letters = std::mem::take(&mut self.dead_letters);
        letters.append(&mut self.quarantined);
        for letter in letters {
            let Some(stop) = Stop::named(&letter.stop) else {
                self.violation(Invariant::I7, format!("{} is no last stop", letter.stop));
                continue;
            };
            match DeadLetter::read(&stop, &letter.body, &BTreeMap::new()).redrive() {
                Ok(again) => self.sends_again(letter, again),
                Err(not_again) => {
                    self.coverage.hit("not redriven", reason(&not_again));
                    self.dead_letters.push(letter);
                }
            }
        }
    }

    fn sends_again(&mut self, letter: Letter, again: Redrive) {
        if self.is_said_by_people(&letter.came) {
            self.violation(Invariant::I9, "an answer of a person is sent again");
        }
        let delay = self.random.between(1, 10 * SECOND);
        match again {
            Redrive::Invoke { function, payload } => {
                let Some(function) = Function::ALL.into_iter().find(|it| it.name() == function.as_str())
                else {
                    return self.violation(Invariant::Aws, format!("{function} is sent what it never got"));
                };
                self.coverage.hit("redriven", function.name());
                let payload = payload.into_bytes();
                self.comes_as(&letter.came, &payload);
                let origin = Origin::Operator(letter);
                self.later(delay, Happening::Invoke(Invocation { function, payload, origin }));
            }
            Redrive::SendBack { queue, body, group } => {
                let Some(queue) = QUEUES.into_iter().find(|known| known.trim_end_matches(".fifo") == queue)
                else {
                    return self.violation(Invariant::Aws, format!("there is no queue {queue}"));
                };
                self.coverage.hit("redriven", queue);
                let id = self.id();
                self.comes_as(&letter.came, &events::queued(queue, id, &body));
                let group = queue.ends_with(".fifo").then_some(group);
                self.later(delay, Happening::Deliver(Message { queue, id, body, receives: 0, group }));
            }
        }
    }

    /// What is nobody's of ours is nobody's when it comes again.
    fn comes_as(&mut self, came: &[u8], payload: &[u8]) {
        if let Some(fate) = self.foreign.get(came).copied() {
            self.foreign.insert(payload.to_vec(), fate);
        }
    }

    /// Whether it is a reply, a click or an order that somebody gave.
    fn is_said_by_people(&self, came: &[u8]) -> bool {
        let is_it =
            |(function, heard): &(Function, Vec<u8>)| *function == Function::Approval && heard == came;
        self.heard.iter().any(is_it) || voters::who_spoke(&String::from_utf8_lossy(came)).is_some()
    }
}

/// Those that give up, as they are called in messages.
const QUEUES: [&str; 4] = ["BuilderQueue", "DeployerQueue", "NotifyQueue.fifo", "PatrolQueue"];

fn reason(not_again: &NotAgain) -> &'static str {
    match not_again {
        NotAgain::Human => "an answer of a person",
        NotAgain::Damaged { .. } => "damaged",
        NotAgain::Unreadable => "unreadable",
        NotAgain::NothingToDo { .. } => "nothing to do",
        NotAgain::ForNobody => "for nobody",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::Scripted;
    use crate::trace::Keep;

    fn world() -> World {
        Scripted::new(&["payments".to_owned()], &["production"]).world(1, Keep::Nothing, None)
    }

    fn given_up(function: Function, payload: Vec<u8>) -> Letter {
        failures(&Invocation { function, payload, origin: Origin::Event { attempt: 2 } })
    }

    #[test]
    fn what_people_said_is_kept_back_and_all_else_is_sent_again() {
        let mut world = world();
        let pushed = events::pushed("payments", "main", &"a".repeat(40));
        let reply = events::reply(&format!("approve payments-production-1 {}", "0".repeat(32)));
        world.heard.push((Function::Approval, reply.clone()));
        world.dead_letters =
            vec![given_up(Function::Push, pushed.clone()), given_up(Function::Approval, reply.clone())];
        world.sets_aside("push", "it is not registered", &pushed, Some(&pushed));
        world.sets_aside("approval", "refused", &reply, None);
        let wake = Message {
            queue: "NotifyQueue.fifo",
            id: 7,
            body: events::wake("payments/production"),
            receives: 5,
            group: Some("payments/production".to_owned()),
        };
        world.dead_letters.push(dead_letter(&wake, b"wake"));
        world.redrive();
        assert_eq!(world.violations, Vec::<String>::new());
        assert_eq!(world.coverage.times("redriven", "push"), 2);
        assert_eq!(world.coverage.times("redriven", "NotifyQueue.fifo"), 1);
        assert_eq!(world.coverage.times("not redriven", "an answer of a person"), 2);
        assert_eq!((world.agenda.len(), world.dead_letters.len(), world.quarantined.len()), (3, 2, 0));
    }

    #[test]
    fn a_product_that_would_send_an_answer_again_is_caught() {
        let mut world = world();
        let reply = events::reply(&format!("approve payments-production-1 {}", "0".repeat(32)));
        world.heard.push((Function::Approval, reply.clone()));
        let as_a_push = given_up(Function::Push, events::pushed("payments", "main", &"a".repeat(40)));
        world.dead_letters = vec![Letter { came: reply, ..as_a_push }];
        world.redrive();
        assert_eq!(world.violations, ["I9: an answer of a person is sent again"]);
    }
}
