//! The shapes in which a message can reach a function.

use serde_json::Value;

use crate::unreadable::{At, Unreadable};
use crate::{
    Function, INTAKE_BYTES_MAX, Meaning, Reading, Subject, Why, codepipeline, dms, drill, event,
    function_url, order, rds, records, reply, sns,
};

/// Messages in messages: an event in a notification in a queue is the deepest that AWS makes.
const WRAPPINGS_MAX: u32 = 3;

/// Reads every message in `payload`; never empty.
pub fn read(payload: &[u8]) -> Vec<Reading> {
    if payload.len() > INTAKE_BYTES_MAX {
        let size = format!("{} bytes long", payload.len());
        let allowed = format!("at most {INTAKE_BYTES_MAX} bytes long");
        return quarantined(Unreadable::new("the payload", size, allowed));
    }
    match std::str::from_utf8(payload) {
        Ok(text) => read_text(text, &Wrapping::outermost()),
        Err(e) => quarantined(Unreadable::new("the payload", e.to_string(), "JSON in UTF-8")),
    }
}

/// Where a message was found: what it is wrapped in, and how deep.
#[derive(Debug, Clone)]
pub(crate) struct Wrapping {
    /// Empty for the payload itself.
    pub(crate) place: String,
    depth: u32,
}

impl Wrapping {
    fn outermost() -> Self {
        Self { place: String::new(), depth: 0 }
    }

    pub(crate) fn inner(&self, place: &str) -> Self {
        Self { place: place.to_owned(), depth: self.depth + 1 }
    }

    fn name(&self) -> &str {
        if self.place.is_empty() { "the payload" } else { &self.place }
    }
}

/// Reads a text that must be JSON.
pub(crate) fn read_text(text: &str, wrapping: &Wrapping) -> Vec<Reading> {
    if wrapping.depth > WRAPPINGS_MAX {
        let allowed = format!("wrapped in at most {WRAPPINGS_MAX} others");
        return quarantined(Unreadable::new(
            wrapping.name(),
            "a message wrapped in too many others",
            allowed,
        ));
    }
    match serde_json::from_str::<Value>(text) {
        // The parser's own message tells line and column and quotes nothing.
        Err(e) => quarantined(Unreadable::new(wrapping.name(), format!("not JSON ({e})"), "JSON")),
        Ok(value) if value.is_object() => read_object(&At::new(&value, &*wrapping.place), text, wrapping),
        Ok(value) => quarantined(At::new(&value, wrapping.name()).unreadable("an object")),
    }
}

fn quarantined(unreadable: Unreadable) -> Vec<Reading> {
    vec![Reading::of(None, Err(unreadable))]
}

fn read_object(object: &At<'_>, text: &str, wrapping: &Wrapping) -> Vec<Reading> {
    let has = |key: &str| object.value.get(key).is_some();
    if has("Records") {
        return records::read(&object.field("Records"), wrapping);
    }
    if sns::is_envelope(object.value) {
        return sns::read(object, wrapping);
    }
    vec![if has("detail-type") || (has("source") && has("detail")) {
        event::read(object)
    } else if has("requestContext") {
        Reading::by(Function::Slack, function_url::read(object))
    } else if has("approval") {
        Reading::by(Function::Approval, codepipeline::approval(object))
    } else if has("slack") {
        Reading::by(Function::Approval, Ok(spoken(object)))
    } else if has("answer") {
        Reading::by(Function::Approval, Ok(reply::from_json(text)))
    } else if has("order") {
        match wrapping.depth {
            0 => order_given(object),
            _ => Reading::of(None, Err(by_topic(object))),
        }
    } else if has("drill") {
        match wrapping.depth {
            0 => Reading::by(Function::Backups, drill::read(object)),
            _ => Reading::of(None, Err(drill::by_topic(object))),
        }
    } else if has("Event Source") || has("Event ID") {
        let read = if dms::sent(object) { dms::notification(object) } else { rds::notification(object) };
        Reading::by(Function::Database, read)
    } else if has("AlarmName") {
        alarm(&object.field("AlarmName"))
    } else if has("alarmData") {
        alarm(&object.field("alarmData").field("alarmName"))
    } else if has("track") {
        Reading::of(None, wake(object))
    } else if has("pipeline") {
        Reading::by(Function::Notify, pipeline_notices(object))
    } else if has("database") {
        Reading::by(Function::Notify, notices(object))
    } else if has("repository") && has("branch") {
        Reading::by(Function::Push, patrol(object))
    } else if is_slack_body(object) {
        Reading::by(Function::Slack, Ok(Meaning::Ignored(Why::BareSlackBody)))
    } else {
        Reading::of(None, Err(unknown(object, wrapping)))
    }]
}

fn order_given(object: &At<'_>) -> Reading {
    let read = order::read(object);
    let function = match &read {
        Ok(Meaning::Signal(Subject::Order { given, .. })) => given.function(),
        Ok(_) | Err(_) => Function::Approval,
    };
    Reading::by(function, read)
}

fn by_topic(object: &At<'_>) -> Unreadable {
    object.field("order").unreadable("given by invoking `approval`: nothing else proves who gives it")
}

/// A CloudWatch alarm: as an event, as SNS sends it (`AlarmName`), or as it invokes a function (`alarmData`).
///
/// Source: CloudWatch user guide, "Using Amazon CloudWatch alarms".
pub(crate) fn alarm(name: &At<'_>) -> Reading {
    let alarm = name.hint().unwrap_or_else(|| "without a name".to_owned());
    Reading::nobodys(Why::AlarmNews { alarm })
}

/// Our own message to a hand; the queue that it comes by tells which.
fn wake(message: &At<'_>) -> Result<Meaning, Unreadable> {
    let track = message.field("track").id("<service>/<environment>")?;
    Ok(Meaning::Signal(Subject::Wake { track }))
}

/// Our own message from `slack` to `approval`. What stands in it is never shown: it may let others answer (I9).
fn spoken(message: &At<'_>) -> Meaning {
    let slack = message.field("slack");
    let text = |key: &str| slack.value.get(key).and_then(Value::as_str);
    let signed = slack
        .value
        .get("timestamp")
        .and_then(Value::as_u64)
        .and_then(|timestamp| slack::Signed::from_message(timestamp, text("signature")?, text("body")?));
    match signed {
        Some(signed) => Meaning::Signal(Subject::Spoken { signed }),
        // Not put away for a person: whoever spoke says it again, and others shall not be able to.
        None => Meaning::Ignored(Why::BareSlackBody),
    }
}

/// Our own message to the notifier about a database.
fn notices(message: &At<'_>) -> Result<Meaning, Unreadable> {
    let database = message.field("database").id("<kind>/<name>")?;
    Ok(Meaning::Signal(Subject::Notices { database }))
}

/// Our own message to the notifier about a request of CodePipeline.
fn pipeline_notices(message: &At<'_>) -> Result<Meaning, Unreadable> {
    let request = message.field("pipeline").id("pipeline-<16 digits>")?;
    Ok(Meaning::Signal(Subject::PipelineNotices { request }))
}

/// Our own message about a branch that the sweep found moved.
fn patrol(message: &At<'_>) -> Result<Meaning, Unreadable> {
    Ok(Meaning::Signal(Subject::Branch {
        repository: message.field("repository").id("the name of a repository")?,
        branch: message.field("branch").id("the name of a branch")?,
        pushed_by: None,
        commit_hint: None,
    }))
}

/// Source: docs.slack.dev, "Handling user interaction", "Events API".
fn is_slack_body(object: &At<'_>) -> bool {
    const KINDS: [&str; 8] = [
        "block_actions",
        "view_submission",
        "view_closed",
        "shortcut",
        "message_action",
        "interactive_message",
        "url_verification",
        "event_callback",
    ];
    object.field("type").value.as_str().is_some_and(|kind| KINDS.contains(&kind))
}

fn unknown(object: &At<'_>, wrapping: &Wrapping) -> Unreadable {
    const KEYS_SHOWN_MAX: usize = 5;
    let keys: Vec<String> = object
        .value
        .as_object()
        .map(|fields| fields.keys().take(KEYS_SHOWN_MAX).map(|key| crate::unreadable::quoted(key)).collect())
        .unwrap_or_default();
    let value = if keys.is_empty() {
        "an empty object".to_owned()
    } else {
        format!("an object with {}", keys.join(", "))
    };
    Unreadable::new(
        wrapping.name(),
        value,
        "an event of AWS, a list of records, a Function URL's request, a reply or a message of ours",
    )
}
