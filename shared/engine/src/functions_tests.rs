use std::cell::RefCell;

use futures_util::FutureExt;

use super::*;

/// A quarantine that keeps what it is given, or takes nothing.
#[derive(Default)]
struct Kept {
    messages: RefCell<Vec<(String, String, Option<String>)>>,
    is_full: bool,
}

impl Quarantine for Kept {
    async fn quarantine(&self, function: &str, why: &str, payload: Option<&[u8]>) -> Result<(), Failure> {
        if self.is_full {
            return Err(Failure::transient("sqs SendMessage", "throttled"));
        }
        let payload = payload.map(|payload| String::from_utf8_lossy(payload).into_owned());
        self.messages.borrow_mut().push((function.to_owned(), why.to_owned(), payload));
        Ok(())
    }
}

const TOKEN: &str = "7f3d9c1b5a2e48f6a0c4d8e2b6917350";

fn patrol(id: &str, body: &str) -> Value {
    json!({ "messageId": id, "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:r:1:PatrolQueue", "body": body })
}

/// What `push` answers to a batch when `react` takes every subject that it can read.
fn heard(
    quarantine: &Kept,
    payload: &Value,
    react: impl Fn(&str) -> Result<Option<String>, Failure>,
) -> Result<Value, Failure> {
    hear(quarantine, Function::Push, payload.to_string().as_bytes(), async |subject| {
        react(&subject.to_string())
    })
    .now_or_never()
    .expect("nothing waits")
}

const GOOD: &str = r#"{"repository":"payments","branch":"main"}"#;
const OTHER: &str = r#"{"repository":"orders","branch":"main"}"#;

#[test]
fn a_poison_message_is_set_aside_alone_and_its_neighbours_are_handled() {
    let quarantine = Kept::default();
    let batch = json!({ "Records": [patrol("1", GOOD), patrol("2", "{poison"), patrol("3", OTHER)] });
    let answer = heard(&quarantine, &batch, |_| Ok(Some("done".to_owned()))).unwrap();
    assert_eq!(answer["batchItemFailures"], json!([]));
    assert_eq!((&answer["handled"][0], &answer["handled"][2]), (&json!("done"), &json!("done")));
    let messages = quarantine.messages.borrow();
    let [(function, why, Some(payload))] = messages.as_slice() else { panic!("{messages:?}") };
    assert_eq!(function, "push");
    assert!(why.contains("not JSON"), "{why}");
    let payload: Value = serde_json::from_str(payload).unwrap();
    assert_eq!(payload, json!({ "Records": [patrol("2", "{poison")] }));
}

#[test]
fn only_the_message_that_failed_comes_again() {
    let batch = json!({ "Records": [patrol("1", GOOD), patrol("2", OTHER)] });
    let answer = heard(&Kept::default(), &batch, |subject| {
        if subject.contains("orders") {
            return Err(Failure::transient("codecommit GetBranch", "throttled"));
        }
        Ok(Some("done".to_owned()))
    });
    assert_eq!(answer.unwrap()["batchItemFailures"], json!([{ "itemIdentifier": "2" }]));
}

#[test]
fn a_message_that_cannot_be_quarantined_comes_again_and_its_neighbours_do_not() {
    let quarantine = Kept { is_full: true, ..Kept::default() };
    let batch = json!({ "Records": [patrol("1", "{poison"), patrol("2", GOOD)] });
    let answer = heard(&quarantine, &batch, |_| Ok(Some("done".to_owned()))).unwrap();
    assert_eq!(answer["batchItemFailures"], json!([{ "itemIdentifier": "1" }]));
    assert_eq!(answer["handled"][1], "done");
}

#[test]
fn an_event_that_failed_comes_again_as_a_whole() {
    let event: Value =
        serde_json::from_str(include_str!("../../../events/codecommit/push.json")).expect("a sample");
    let failed = |_: &str| Err(Failure::transient("ssm GetParameter", "throttled"));
    let failure = heard(&Kept::default(), &event, failed).unwrap_err();
    assert!(matches!(failure, Failure::Transient { .. }));
}

#[test]
fn a_refused_event_is_quarantined_as_it_came_with_the_reason() {
    let quarantine = Kept::default();
    let event = json!({ "Records": [patrol("1", GOOD)] });
    let refused = |_: &str| Err(Failure::refused("service record", "it is not valid"));
    let answer = heard(&quarantine, &event, refused).unwrap();
    assert_eq!(answer["batchItemFailures"], json!([]));
    let messages = quarantine.messages.borrow();
    let (_, why, payload) = &messages[0];
    assert_eq!(
        why,
        "branch main of repository payments may have moved: service record was refused: it is not valid"
    );
    assert_eq!(payload.as_deref(), Some(event.to_string().as_str()));
}

#[test]
fn a_refused_answer_leaves_no_token_in_quarantine() {
    let quarantine = Kept::default();
    let message = format!("approve payments-production-7 {TOKEN}");
    let topic = "arn:aws:sns:eu-west-1:123456789012:tidegate-ApprovalTopic";
    let payload = json!({ "Records": [{ "EventSource": "aws:sns", "Sns": { "TopicArn": topic, "Message": message } }] });
    let answer = hear(&quarantine, Function::Approval, payload.to_string().as_bytes(), async |_| {
        Err(Failure::refused("environment record", "it is not valid"))
    })
    .now_or_never()
    .expect("nothing waits")
    .unwrap();
    assert!(!answer.to_string().contains(TOKEN));
    let messages = quarantine.messages.borrow();
    let [(function, why, payload)] = messages.as_slice() else { panic!("{messages:?}") };
    assert_eq!((function.as_str(), payload), ("approval", &None));
    assert_eq!(
        why,
        "a reply approves release payments-production-7: environment record was refused: it is not valid"
    );
}
