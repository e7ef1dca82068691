//! SNS notifications: replies of people, CodePipeline's requests, events of RDS, DMS, AWS Backup, CloudFormation and
//! CloudWatch that come by a topic, and whole EventBridge events relayed by one.
//!
//! Source: Lambda guide, "Invoking Lambda functions with Amazon SNS notifications"; SNS guide, "Message formats".

use serde_json::Value;

use crate::payload::{Wrapping, read_text};
use crate::unreadable::At;
use crate::{Function, Meaning, Reading, Why, backup, cloudformation, reply};

/// Whether it is SNS's envelope without a record around it, as in the body of a queue's message.
pub(crate) fn is_envelope(object: &Value) -> bool {
    object.get("Type").and_then(Value::as_str) == Some("Notification")
        && object.get("TopicArn").is_some()
        && object.get("Message").is_some()
}

pub(crate) fn read(envelope: &At<'_>, wrapping: &Wrapping) -> Vec<Reading> {
    let message = envelope.field("Message");
    let for_people = is_approval_topic(envelope);
    let text = match message.text("the text of a notification") {
        Ok(text) => text.trim_start_matches('\u{feff}'),
        Err(unreadable) => return vec![Reading::of(None, Err(unreadable))],
    };
    if text.trim_start().starts_with('{') {
        let mut readings = read_text(text, &wrapping.inner(&message.place));
        if for_people {
            readings.iter_mut().for_each(answer_people);
        }
        return readings;
    }
    let subject = envelope.field("Subject");
    vec![if cloudformation::is_notification(subject.value.as_str(), text) {
        Reading::by(Function::Stack, cloudformation::notification(text, &message.place))
    } else if backup::is_notification(envelope) {
        Reading::by(Function::Backups, backup::notification(envelope))
    } else if for_people || reply::is_attempt(text) {
        Reading::by(Function::Approval, Ok(reply::from_text(text)))
    } else {
        Reading::of(None, Ok(Meaning::Ignored(Why::PlainText)))
    }]
}

/// JSON that no machine of ours sends was meant as a reply: it is answered, and kept out of the quarantine, for a
/// token may be in it (I9).
fn answer_people(reading: &mut Reading) {
    if let (None, Meaning::Quarantine(_)) = (reading.owner, &reading.meaning) {
        *reading =
            Reading::by(Function::Approval, Ok(reply::malformed("the reply is not JSON of a known form")));
    }
}

/// Whatever people write to the topic for approvals is theirs to have answered. `template.yaml` names it.
fn is_approval_topic(envelope: &At<'_>) -> bool {
    let topic = envelope.field("TopicArn");
    let name = topic.value.as_str().and_then(|arn| arn.rsplit(':').next()).unwrap_or_default();
    name.to_ascii_lowercase().contains("approval")
}
