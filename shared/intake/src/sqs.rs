//! SQS records: our own messages to the hands and to `push`, and notifications or events that took a queue.
//!
//! Source: Lambda guide, "Using Lambda with Amazon SQS".

use crate::payload::{Wrapping, read_text};
use crate::unreadable::At;
use crate::{Function, Meaning, Reading, Subject, sns};

pub(crate) fn read(record: &At<'_>, wrapping: &Wrapping) -> Vec<Reading> {
    let body = record.field("body");
    let mut readings = match body.text("the JSON text of a message") {
        Err(unreadable) => vec![Reading::of(None, Err(unreadable))],
        Ok(text) => match sns::enveloped(text) {
            Some(envelope) => sns::read(&At::new(&envelope, &*body.place), &wrapping.inner(&body.place)),
            None => read_text(text, &wrapping.inner(&body.place)),
        },
    };
    let id = record.field("messageId").hint();
    let hand = record.field("eventSourceARN").value.as_str().and_then(hand_of);
    for reading in &mut readings {
        reading.record.clone_from(&id);
        if let Meaning::Signal(Subject::Wake { .. }) = reading.meaning {
            reading.owner = hand;
        }
    }
    readings
}

/// Each hand has its own queue, named after it in `template.yaml`.
fn hand_of(queue_arn: &str) -> Option<Function> {
    let queue = queue_arn.rsplit(':').next()?.to_ascii_lowercase();
    [Function::Builder, Function::Deployer, Function::Notify]
        .into_iter()
        .find(|hand| queue.contains(hand.as_str()))
}
