//! Messages that came to a last stop and wait for a person: what they are about, why they are there, and whether they
//! may be sent again.

mod kept;
mod quarantined;
mod redrive;
mod stop;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

pub use kept::kept;
pub use quarantined::{Dropped, QUARANTINE_BYTES_MAX, quarantined};
pub use redrive::{NotAgain, Redrive};
pub use stop::{Stop, StopKind};

use crate::unreadable::plain;
use crate::{Function, Meaning, Reading, read};

/// One message at a last stop, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// Whoever failed on it or set it aside; `None` where nothing says so.
    pub function: Option<Function>,
    pub cause: Cause,
    pub payload: Payload,
    /// The queue that gave up and to which it can go back; by logical id.
    source_queue: Option<String>,
}

/// Why it waits for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// The function itself set it aside: it cannot be understood, or AWS refuses what it asks for.
    Quarantined { why: String },
    /// The function failed as often as Lambda tries.
    ///
    /// Source: Lambda guide, "Capturing records of Lambda asynchronous invocations".
    Failed { condition: String, attempts: Option<u64>, error: Option<String> },
    /// EventBridge or SNS could not hand it to the function.
    ///
    /// Source: EventBridge guide, "Using dead-letter queues to process undelivered events"; SNS guide,
    /// "Amazon SNS dead-letter queues".
    Undelivered { by: &'static str, error: Option<String>, retries: Option<u64> },
    /// The function did not finish it as often as its queue tries; SQS does not say why.
    GivenUp { queue: String },
    /// Nothing of that: somebody may have sent it by hand.
    Unexplained,
}

/// What is left of what the function got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Payload {
    Whole(String),
    /// Too long for the quarantine, or not in UTF-8: a text to look at, no longer the bytes of `bytes` that came.
    Damaged {
        text: String,
        bytes: u64,
    },
    /// The answer of a person holds a token, so it was not kept (I9).
    Withheld,
}

impl DeadLetter {
    /// Reads a message at `stop` by its body and its string attributes. Never fails: what cannot be read is shown as
    /// it is.
    pub fn read(stop: &Stop, body: &str, attributes: &BTreeMap<String, String>) -> Self {
        let mut letter = Self::read_as_it_lies(stop, body, attributes);
        // Lambda and SNS keep what came with the tokens in it, and these are nobody's to see.
        if let Payload::Whole(text) = &letter.payload
            && !letter.is_from_a_person()
        {
            letter.payload = kept::without_tokens(text).map_or(Payload::Withheld, Payload::Whole);
        }
        letter
    }

    fn read_as_it_lies(stop: &Stop, body: &str, attributes: &BTreeMap<String, String>) -> Self {
        let function = stop.function;
        let letter = |cause, payload: String| Self {
            function,
            cause,
            payload: Payload::Whole(payload),
            source_queue: None,
        };
        match &stop.kind {
            StopKind::Quarantine => {
                quarantined::read(body).unwrap_or_else(|| letter(Cause::Unexplained, body.to_owned()))
            }
            StopKind::DeadLetters { source } => Self {
                source_queue: Some(source.clone()),
                ..letter(Cause::GivenUp { queue: source.clone() }, body.to_owned())
            },
            StopKind::Failures => {
                if let Some((cause, payload)) = failure_record(body) {
                    letter(cause, payload)
                } else if let Some(cause) = undelivered_event(attributes) {
                    letter(cause, body.to_owned())
                } else if let Some((cause, payload)) = undelivered_notification(body, attributes) {
                    letter(cause, payload)
                } else {
                    letter(Cause::Unexplained, body.to_owned())
                }
            }
        }
    }

    /// Why it is here, in a sentence.
    pub fn why(&self) -> String {
        let function = self.function.map_or("the function", Function::as_str);
        match &self.cause {
            Cause::Quarantined { why } => why.clone(),
            Cause::Failed { condition, error, .. } => {
                let error = error.as_deref().map_or(String::new(), |error| format!(": {error}"));
                format!("{function} failed on it until Lambda gave up ({condition}){error}")
            }
            Cause::Undelivered { by, error, .. } => {
                let error = error.as_deref().map_or(String::new(), |error| format!(": {error}"));
                format!("{by} could not hand it to {function}{error}")
            }
            Cause::GivenUp { queue } => {
                format!("{function} failed on it until {queue} gave up; the log of {function} says why")
            }
            Cause::Unexplained => "nothing says why it is here: somebody may have sent it by hand".to_owned(),
        }
    }

    /// How often it was tried, where the message tells.
    pub fn attempts(&self) -> Option<u64> {
        match self.cause {
            Cause::Failed { attempts, .. } => attempts,
            Cause::Undelivered { retries, .. } => retries.map(|retries| retries + 1),
            Cause::Quarantined { .. } => Some(1),
            Cause::GivenUp { .. } | Cause::Unexplained => None,
        }
    }

    /// What intake makes of it today; empty when nothing was kept.
    pub fn readings(&self) -> Vec<Reading> {
        match &self.payload {
            Payload::Whole(text) | Payload::Damaged { text, .. } => read(text.as_bytes()),
            Payload::Withheld => Vec::new(),
        }
    }

    /// What it is about, in a few words.
    pub fn about(&self) -> String {
        let readings = self.readings();
        let signal = readings.iter().find_map(|reading| match &reading.meaning {
            Meaning::Signal(subject) => Some(subject.to_string()),
            Meaning::Ignored(_) | Meaning::Quarantine(_) => None,
        });
        match (signal, &self.payload) {
            (_, Payload::Withheld) => "an answer of a person".to_owned(),
            (Some(signal), _) => signal,
            (None, _) => self.source().unwrap_or_else(|| "something that cannot be read".to_owned()),
        }
    }

    /// The kind and the source of the message, as it states them.
    pub fn source(&self) -> Option<String> {
        let value = self.value()?;
        let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).map(plain);
        if let Some(kind) = text(&value, "detail-type") {
            let source = text(&value, "source").unwrap_or_else(|| "nobody".to_owned());
            return Some(format!("{kind} from {source}"));
        }
        let record = value.get("Records").and_then(|records| records.get(0))?;
        let source = text(record, "EventSource").or_else(|| text(record, "eventSource"))?;
        Some(format!("a record from {source}"))
    }

    /// When it happened, as the message itself says: AWS writes days that no calendar has.
    pub fn happened(&self) -> Option<String> {
        let value = self.value()?;
        let record = value.get("Records").and_then(|records| records.get(0));
        let time = value
            .get("time")
            .or_else(|| record?.get("Sns")?.get("Timestamp"))
            .or_else(|| record?.get("eventTime"))?;
        time.as_str().filter(|time| !time.trim().is_empty()).map(plain)
    }

    /// The payload to look at, or `None` where it may hold a token (I9).
    pub fn shown(&self) -> Option<&str> {
        match &self.payload {
            Payload::Whole(text) | Payload::Damaged { text, .. } if !self.is_from_a_person() => Some(text),
            Payload::Whole(_) | Payload::Damaged { .. } | Payload::Withheld => None,
        }
    }

    /// Whether a person's answer is in it, by what it says or, where that says nothing, by whom it came to.
    fn is_from_a_person(&self) -> bool {
        self.payload == Payload::Withheld || kept::is_said_by_people(self.function, &self.readings())
    }

    fn value(&self) -> Option<Value> {
        match &self.payload {
            Payload::Whole(text) => serde_json::from_str(text).ok(),
            Payload::Damaged { .. } | Payload::Withheld => None,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FailureRecord<'a> {
    request_context: RequestContext,
    /// The event byte for byte: numbers and order of keys stay as they came.
    #[serde(borrow)]
    request_payload: &'a RawValue,
    #[serde(default)]
    response_context: Option<ResponseContext>,
    #[serde(default)]
    response_payload: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RequestContext {
    condition: String,
    #[serde(default)]
    approximate_invoke_count: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResponseContext {
    #[serde(default)]
    function_error: Option<String>,
}

/// What Lambda writes of an event that it gave up.
fn failure_record(body: &str) -> Option<(Cause, String)> {
    let record: FailureRecord<'_> = serde_json::from_str(body).ok()?;
    let text = |key: &str| record.response_payload.as_ref()?.get(key)?.as_str().map(str::to_owned);
    let kind = text("errorType").or_else(|| record.response_context.as_ref()?.function_error.clone());
    let error = match (kind, text("errorMessage")) {
        (Some(kind), Some(message)) => Some(format!("{kind}: {message}")),
        (kind, message) => message.or(kind),
    };
    let cause = Cause::Failed {
        condition: record.request_context.condition,
        attempts: record.request_context.approximate_invoke_count,
        error,
    };
    Some((cause, record.request_payload.get().to_owned()))
}

fn undelivered_event(attributes: &BTreeMap<String, String>) -> Option<Cause> {
    attributes.get("RULE_ARN").or_else(|| attributes.get("TARGET_ARN"))?;
    let retries = attributes.get("RETRY_ATTEMPTS").and_then(|retries| retries.parse().ok());
    let error = error_in(attributes, "ERROR_CODE", "ERROR_MESSAGE");
    Some(Cause::Undelivered { by: "EventBridge", error, retries })
}

/// SNS keeps the notification alone; the function would have got it in a record.
fn undelivered_notification(body: &str, attributes: &BTreeMap<String, String>) -> Option<(Cause, String)> {
    let envelope: Value = serde_json::from_str(body).ok().filter(crate::sns::is_envelope)?;
    let error = error_in(attributes, "ErrorCode", "ErrorMessage");
    let record = serde_json::json!({ "Records": [{ "EventSource": "aws:sns", "Sns": envelope }] });
    Some((Cause::Undelivered { by: "SNS", error, retries: None }, record.to_string()))
}

fn error_in(attributes: &BTreeMap<String, String>, code: &str, message: &str) -> Option<String> {
    match (attributes.get(code), attributes.get(message)) {
        (Some(code), Some(message)) => Some(format!("{code}: {message}")),
        (code, message) => message.or(code).cloned(),
    }
}
