//! Replies on the approval topic: what is taken for an answer, what is not, and that a token is never shown.

use intake::{Meaning, Reading, ReplyAnswer, Subject, read, replay};
use serde_json::json;

const TOKEN: &str = "7f3d9c1b5a2e48f6a0c4d8e2b6917350";

fn payload(message: &str) -> String {
    let topic = "arn:aws:sns:eu-west-1:123456789012:tidegate-ApprovalTopic-J4kQ9sXbT2Lw";
    json!({ "Records": [{ "EventSource": "aws:sns", "Sns": { "TopicArn": topic, "Message": message } }] })
        .to_string()
}

fn reply(message: &str) -> Reading {
    let mut readings = read(payload(&message.replace("TOKEN", TOKEN)).as_bytes());
    assert_eq!(readings.len(), 1);
    readings.remove(0)
}

fn answer(message: &str) -> Option<String> {
    let Meaning::Signal(Subject::Reply(reply)) = reply(message).meaning else { return None };
    assert_eq!(reply.token.reveal(), TOKEN, "{message:?}");
    let answer = match reply.answer {
        ReplyAnswer::Approve => "approve".to_owned(),
        ReplyAnswer::Reject { reason } => format!("reject: {reason}"),
    };
    Some(format!("{} {answer}", reply.to))
}

#[test]
fn people_may_write_a_reply_in_many_ways() {
    let approved = "payments-production-7 approve";
    for (message, expected) in [
        ("approve payments-production-7 TOKEN", approved),
        ("APPROVE payments-production-7 TOKEN.", approved),
        ("  Approve\tpayments-production-7   TOKEN  \r\n", approved),
        ("\n\napprove payments-production-7 TOKEN\n\n-- \nSent from a phone", approved),
        ("approve payments-production-7 TOKEN\n--\nAna", approved),
        ("approve payments-production-7\nTOKEN", approved),
        (
            "reject payments-production-7 TOKEN too risky\non a Friday.",
            "payments-production-7 reject: too risky on a Friday.",
        ),
        ("reject payments-production-7 TOKEN no\n\n-- \nAna", "payments-production-7 reject: no"),
        ("reject payments-production-7 TOKEN no\n-- \nAna", "payments-production-7 reject: no"),
        (r#"{"answer":"approve","release":"payments-production-7","token":"TOKEN"}"#, approved),
        (
            r#" {"token":"TOKEN","release":"payments-production-7","answer":"Reject","reason":"no"}"#,
            "payments-production-7 reject: no",
        ),
    ] {
        assert_eq!(answer(message).as_deref(), Some(expected), "{message:?}");
    }
}

#[test]
fn a_reply_may_answer_what_codepipeline_waits_for() {
    for (message, rejects) in [
        ("approve pipeline-0a1b2c3d4e5f6071 TOKEN", false),
        ("reject pipeline-0a1b2c3d4e5f6071 TOKEN too risky", true),
        (r#"{"answer":"approve","release":"pipeline-0a1b2c3d4e5f6071","token":"TOKEN"}"#, false),
    ] {
        let Meaning::Signal(Subject::PipelineReply(reply)) = reply(message).meaning else {
            panic!("{message:?}")
        };
        assert_eq!(reply.to.as_str(), "pipeline-0a1b2c3d4e5f6071");
        assert_eq!(reply.token.reveal(), TOKEN);
        assert_eq!(matches!(reply.answer, ReplyAnswer::Reject { .. }), rejects, "{message}");
    }
    let release = answer("approve pipeline-prod-7 TOKEN");
    assert_eq!(release.as_deref(), Some("pipeline-prod-7 approve"), "a service may be called so");
}

#[test]
fn what_is_not_clearly_a_reply_is_answered_and_changes_nothing() {
    for message in [
        "yes",
        "approve",
        "approve payments-production-7",
        "approve TOKEN",
        "approve TOKEN payments-production-7",
        "approve payments-production TOKEN",
        "approve payments-production-07 TOKEN",
        "approve payments-production-7 TOKEN but not before Monday",
        "approve payments-production-7 TOKEN\u{202e}",
        "I approve payments-production-7 TOKEN",
        "> approve payments-production-7 TOKEN",
        "approved payments-production-7 TOKEN",
        "-- \napprove payments-production-7 TOKEN",
        r#"{"answer":"approve","answer":"reject","release":"payments-production-7","token":"TOKEN"}"#,
        r#"{"answer":"approve","release":"payments-production-7","token":["TOKEN"]}"#,
        r#"{"answer":"approve","release":"payments-production-7","token":"TOKEN","fingerprint":"x"}"#,
        r#"{"answer":true,"release":"payments-production-7","token":"TOKEN"}"#,
        r#"{"verdict":"approve","release":"payments-production-7","token":"TOKEN"}"#,
        r#"{"answer":"approve","release":"payments-production-7","token":"TOKEN""#,
    ] {
        let reading = reply(message);
        assert_eq!(reading.owner, Some(intake::Function::Approval), "{message:?}");
        let Meaning::Ignored(why) = reading.meaning else { panic!("{message:?}: {:?}", reading.meaning) };
        assert!(why.to_string().contains("a reply is \"approve <release> <token>\""), "{why}");
    }
}

#[test]
fn a_rejection_without_a_reason_is_asked_for_one_and_leaves_its_token_good() {
    for message in [
        "reject payments-production-7 TOKEN",
        "reject payments-production-7 TOKEN\n\n-- \nAna",
        "reject payments-production-7 TOKEN \u{202e}",
        "reject pipeline-0a1b2c3d4e5f6071 TOKEN",
        r#"{"answer":"reject","release":"payments-production-7","token":"TOKEN"}"#,
        r#"{"answer":"reject","release":"payments-production-7","token":"TOKEN","reason":" "}"#,
    ] {
        let Meaning::Ignored(why) = reply(message).meaning else { panic!("{message:?}") };
        assert!(why.to_string().starts_with("a rejection says why; the token is still good"), "{why}");
    }
}

#[test]
fn a_token_is_never_shown() {
    let messages = [
        "approve payments-production-7 TOKEN",
        "approve TOKEN payments-production-7",
        "reject TOKEN",
        r#"{"answer":"approve","release":"payments-production-7","token":"TOKEN"}"#,
        r#"{"answer":"approve","release":"TOKEN","token":"x"}"#,
        r#"{"answer":"TOKEN","release":["TOKEN"],"token":7}"#,
        r#"{"approve":"TOKEN"}"#,
        r#"{"approval":{"pipelineName":"payments","stageName":"s","actionName":"a","token":"TOKEN"}}"#,
        r#"{"approval":{"pipelineName":"payments","stageName":"s","actionName":"a","token":["TOKEN"]}}"#,
    ];
    for message in messages {
        let payload = payload(&message.replace("TOKEN", TOKEN));
        let shown = format!(
            "{:?} {} {}",
            read(payload.as_bytes()),
            replay::json(payload.as_bytes()),
            replay::text(payload.as_bytes())
        );
        assert!(!shown.contains(TOKEN), "{shown}");
    }
}

#[test]
fn a_reply_proves_its_track() {
    let track = reply("approve payments-production-7 TOKEN").track;
    assert_eq!(track.unwrap().to_string(), "payments/production");
}

#[test]
fn a_long_reason_is_cut() {
    let answer = answer(&format!("reject payments-production-7 TOKEN {}", "é".repeat(5_000))).unwrap();
    assert_eq!(answer.chars().count(), "payments-production-7 reject: ".len() + 500);
}
