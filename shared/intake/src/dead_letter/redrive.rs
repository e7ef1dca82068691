//! Whether a dead letter may be sent again, and how.

use super::{Cause, DeadLetter, Payload};
use crate::{Function, Meaning};

/// How a dead letter re-enters intake: the payload as the function got it first, with its own time and source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Redrive {
    /// The function is invoked with the payload.
    Invoke { function: Function, payload: String },
    /// The message goes back to the queue that gave up, by logical id; for a FIFO queue into `group`.
    SendBack { queue: String, body: String, group: String },
}

/// Why a dead letter stays where it is, and what is to be done instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAgain {
    #[error(
        "it is an answer of a person, which is never sent again: ask them to answer the request anew if it is still \
         open, then drop this"
    )]
    Human,
    #[error(
        "only {kept} of its {bytes} bytes were kept as they came: what it was about is found by the sweep, or do by \
         hand what it asks for; then drop this"
    )]
    Damaged { kept: usize, bytes: u64 },
    #[error(
        "it still cannot be understood, so it would come straight back: a newer Tidegate may understand it, else drop it"
    )]
    Unreadable,
    #[error("it would be ignored ({why}): drop it")]
    NothingToDo { why: String },
    #[error("nothing says which function it is for: drop it, and do by hand what it asks for")]
    ForNobody,
}

impl DeadLetter {
    /// Whether and how it can be sent again. Repeating that is safe: functions read how things stand now (I4).
    pub fn redrive(&self) -> Result<Redrive, NotAgain> {
        if self.is_from_a_person() {
            return Err(NotAgain::Human);
        }
        let payload = match &self.payload {
            Payload::Whole(text) => text.clone(),
            Payload::Damaged { text, bytes } => {
                return Err(NotAgain::Damaged { kept: text.len(), bytes: *bytes });
            }
            Payload::Withheld => return Err(NotAgain::Human),
        };
        let mut refusal = NotAgain::ForNobody;
        for reading in self.readings() {
            match reading.meaning {
                Meaning::Signal(_) => return self.again(payload),
                Meaning::Quarantine(_) => refusal = NotAgain::Unreadable,
                Meaning::Ignored(why) if refusal == NotAgain::ForNobody => {
                    refusal = NotAgain::NothingToDo { why: why.to_string() };
                }
                Meaning::Ignored(_) => {}
            }
        }
        Err(refusal)
    }

    fn again(&self, payload: String) -> Result<Redrive, NotAgain> {
        if let Some(queue) = &self.source_queue {
            let group = self.readings().into_iter().find_map(|reading| reading.track);
            let group = group.map_or_else(|| "redriven".to_owned(), |track| track.to_string());
            return Ok(Redrive::SendBack { queue: queue.clone(), body: payload, group });
        }
        let function = self.function.ok_or(NotAgain::ForNobody)?;
        Ok(Redrive::Invoke { function, payload })
    }

    /// What a person should do about it.
    pub fn what_to_do(&self) -> String {
        let cause = match (self.redrive(), &self.cause) {
            (Err(not_again), _) => return not_again.to_string(),
            (Ok(_), Cause::Quarantined { .. }) => "mend what was refused",
            (Ok(_), Cause::Failed { .. } | Cause::GivenUp { .. }) => {
                "look into the function's log and mend the cause, or wait until it is over"
            }
            (Ok(_), Cause::Undelivered { .. }) => "mend what stood in the way of the delivery",
            (Ok(_), Cause::Unexplained) => "find out who sent it",
        };
        format!(
            "{cause}, then redrive it: it is handled as if it came now, and what is done already is not done twice"
        )
    }
}
