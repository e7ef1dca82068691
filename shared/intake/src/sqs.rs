//! SQS records: our own messages to the hands and to `push`, and notifications or events that took a queue.
//!
//! Source: Lambda guide, "Using Lambda with Amazon SQS".

use crate::payload::{Wrapping, read_text};
use crate::unreadable::At;
use crate::{Function, Meaning, Reading, Subject};

pub(crate) fn read(record: &At<'_>, wrapping: &Wrapping) -> Vec<Reading> {
    let body = record.field("body");
    let mut readings = match body.text("the JSON text of a message") {
        Err(unreadable) => vec![Reading::of(None, Err(unreadable))],
        Ok(text) => read_text(text, &wrapping.inner(&body.place)),
    };
    let id = record.field("messageId").hint();
    let queue = record.field("eventSourceARN").value.as_str().and_then(consumer_of);
    for reading in &mut readings {
        reading.record.clone_from(&id);
        // A wake names no hand, and what is unreadable names nobody: the queue does.
        let names_nobody =
            matches!(reading.meaning, Meaning::Signal(Subject::Wake { .. }) | Meaning::Quarantine(_));
        if names_nobody && reading.owner.is_none() {
            reading.owner = queue;
        }
    }
    readings
}

/// Our queues are named after who empties them, in `template.yaml`; by ARN or logical id.
pub(crate) fn consumer_of(queue: &str) -> Option<Function> {
    let queue = queue.rsplit(':').next()?.to_ascii_lowercase();
    [
        ("builderqueue", Function::Builder),
        ("deployerqueue", Function::Deployer),
        ("notifyqueue", Function::Notify),
        ("patrolqueue", Function::Push),
        ("spokenqueue", Function::Approval),
    ]
    .into_iter()
    .find_map(|(name, consumer)| queue.contains(name).then_some(consumer))
}
