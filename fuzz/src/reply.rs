//! Messages that people send to the approval topic: answered or taken for an answer, never quarantined, and the
//! request's token is in nothing that is shown, logged or stored (I9).

use intake::{Meaning, ReplyAnswer, Subject};
use serde_json::{Value, json};

/// Stands in the place of `TOKEN` in a message; of the form that requests show.
const SECRET: &str = "7f3d9c1b5a2e48f6a0c4d8e2b6917350";

const TOPIC: &str = "arn:aws:sns:eu-west-1:123456789012:tidegate-ApprovalTopic-J4kQ9sXbT2Lw";

const REASON_CHARS_MAX: usize = 500;

pub(crate) fn message(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let text = text.replace("TOKEN", SECRET);
    let sns = json!({ "TopicArn": TOPIC, "Message": text, "Type": "Notification" });
    let direct = json!({ "Records": [{ "EventSource": "aws:sns", "Sns": sns }] }).to_string();
    let queued = json!({ "Records": [{ "eventSource": "aws:sqs", "body": sns.to_string() }] }).to_string();
    for payload in [&direct, &queued] {
        if payload.len() <= intake::INTAKE_BYTES_MAX {
            read(&text, payload.as_bytes());
        }
    }
}

fn read(text: &str, payload: &[u8]) {
    crate::intake::payload(payload);
    let readings = intake::read(payload);
    for reading in &readings {
        match &reading.meaning {
            Meaning::Signal(Subject::Reply(reply)) => is_fit(reply.token.reveal(), &reply.answer),
            Meaning::Signal(Subject::PipelineReply(reply)) => is_fit(reply.token.reveal(), &reply.answer),
            Meaning::Signal(_) | Meaning::Ignored(_) => {}
            Meaning::Quarantine(why) => assert!(is_a_machine_s(text), "quarantined: {why}"),
        }
    }
    if !is_a_machine_s(text) {
        let shown =
            format!("{readings:?} {} {}", intake::replay::json(payload), intake::replay::text(payload));
        assert!(!shown.contains(SECRET), "the token is shown: {shown}");
    }
}

fn is_fit(token: &str, answer: &ReplyAnswer) {
    assert!(token.len() <= 128, "a token of {} bytes", token.len());
    if let ReplyAnswer::Reject { reason } = answer {
        crate::said::is_fit_to_show(reason, 4 * REASON_CHARS_MAX);
        assert!(reason.chars().count() <= REASON_CHARS_MAX);
    }
}

/// AWS sends to topics too: JSON with something else in it than an answer, and stacks' notifications.
fn is_a_machine_s(text: &str) -> bool {
    let text = text.trim_start_matches('\u{feff}');
    let other_json = serde_json::from_str::<Value>(text)
        .is_ok_and(|value| value.is_object() && value.get("answer").is_none());
    text.is_empty() || other_json || text.starts_with("StackId='")
}
