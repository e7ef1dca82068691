//! Messages at the last stops: what they are, why they are there, and whether they are sent again.

use std::collections::BTreeMap;

use intake::dead_letter::{
    Cause, DeadLetter, NotAgain, Payload, QUARANTINE_BYTES_MAX, Redrive, Stop, StopKind, kept, quarantined,
};
use intake::{Function, Meaning, PipelineApproval, Subject};
use serde_json::{Value, json};

const TOKEN: &str = "7f3d9c1b5a2e48f6a0c4d8e2b6917350";
/// Numbers and order of keys as they came.
const PUSH: &str = r#"{"version":"0","id":"1c2b","time":"2026-02-29T10:00:00Z","source":"aws.codecommit","detail-type":"CodeCommit Repository State Change","detail":{"event":"referenceUpdated","size":1.0,"referenceType":"branch","referenceName":"main","referenceFullName":"refs/heads/main","repositoryName":"payments","commitId":"0123456789abcdef0123456789abcdef01234567"}}"#;

fn read(stop: &str, body: &str) -> DeadLetter {
    read_with(stop, body, &[])
}

fn read_with(stop: &str, body: &str, attributes: &[(&str, &str)]) -> DeadLetter {
    let attributes: BTreeMap<String, String> =
        attributes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    DeadLetter::read(&Stop::named(stop).expect("a last stop"), body, &attributes)
}

/// As Lambda writes it of an event that it gave up.
fn failure(payload: &str) -> String {
    format!(
        r#"{{"version":"1.0","timestamp":"2026-11-24T05:20:11.000Z","requestContext":{{"requestId":"5b","functionArn":"arn:aws:lambda:eu-west-1:123456789012:function:tidegate-PushFunction:$LATEST","condition":"RetriesExhausted","approximateInvokeCount":3}},"requestPayload":{payload},"responseContext":{{"statusCode":200,"executedVersion":"$LATEST","functionError":"Unhandled"}},"responsePayload":{{"errorType":"Transient","errorMessage":"ssm GetParameter failed and is retried: throttled"}}}}"#
    )
}

#[test]
fn the_last_stops_are_known_by_their_names() {
    let stop = |name: &str| Stop::named(name).map(|stop| (stop.kind, stop.function));
    assert_eq!(stop("QuarantineQueue"), Some((StopKind::Quarantine, None)));
    assert_eq!(stop("PushFailures"), Some((StopKind::Failures, Some(Function::Push))));
    let dead_letters = |source: &str| StopKind::DeadLetters { source: source.to_owned() };
    assert_eq!(stop("DeployerDeadLetters"), Some((dead_letters("DeployerQueue"), Some(Function::Deployer))));
    assert_eq!(stop("PatrolDeadLetters"), Some((dead_letters("PatrolQueue"), Some(Function::Push))));
    assert_eq!(stop("BuilderQueue"), None);
}

#[test]
fn what_lambda_gave_up_is_explained_and_sent_again_byte_for_byte() {
    let letter = read("PushFailures", &failure(PUSH));
    assert_eq!(
        letter.why(),
        "push failed on it until Lambda gave up (RetriesExhausted): Transient: ssm GetParameter failed and is retried: \
         throttled"
    );
    assert_eq!(letter.attempts(), Some(3));
    assert_eq!(letter.about(), "branch main of repository payments may have moved");
    assert_eq!(letter.source().unwrap(), "CodeCommit Repository State Change from aws.codecommit");
    assert_eq!(letter.happened().unwrap(), "2026-02-29T10:00:00Z");
    let again = Redrive::Invoke { function: Function::Push, payload: PUSH.to_owned() };
    assert_eq!(letter.redrive(), Ok(again));
    assert!(letter.what_to_do().ends_with("what is done already is not done twice"));
}

#[test]
fn what_eventbridge_could_not_deliver_is_told_from_what_the_function_failed_on() {
    let attributes = [
        ("RULE_ARN", "arn:aws:events:eu-west-1:123456789012:rule/r"),
        ("ERROR_CODE", "NO_PERMISSIONS"),
        ("ERROR_MESSAGE", "not authorised"),
        ("RETRY_ATTEMPTS", "0"),
    ];
    let letter = read_with("PushFailures", PUSH, &attributes);
    assert_eq!(letter.why(), "EventBridge could not hand it to push: NO_PERMISSIONS: not authorised");
    assert_eq!(letter.attempts(), Some(1));
    let again = Redrive::Invoke { function: Function::Push, payload: PUSH.to_owned() };
    assert_eq!(letter.redrive(), Ok(again));
}

#[test]
fn a_wake_that_its_queue_gave_up_goes_back_to_that_queue() {
    let body = r#"{"track":"payments/production"}"#;
    let letter = read("NotifyDeadLetters", body);
    assert_eq!(letter.cause, Cause::GivenUp { queue: "NotifyQueue".to_owned() });
    assert_eq!(letter.about(), "there is work on payments/production");
    let again = Redrive::SendBack {
        queue: "NotifyQueue".to_owned(),
        body: body.to_owned(),
        group: "payments/production".to_owned(),
    };
    assert_eq!(letter.redrive(), Ok(again));
}

#[test]
fn what_a_function_set_aside_keeps_its_bytes_and_its_reason() {
    let letter = read("QuarantineQueue", &quarantined("push", "it was refused", Some(PUSH.as_bytes())));
    assert_eq!((letter.function, letter.why().as_str()), (Some(Function::Push), "it was refused"));
    assert_eq!(letter.shown(), Some(PUSH));
    let again = Redrive::Invoke { function: Function::Push, payload: PUSH.to_owned() };
    assert_eq!(letter.redrive(), Ok(again));
}

#[test]
fn a_quarantined_message_of_before_its_form_had_a_number_is_still_read() {
    let stored = r#"{"cut":false,"function":"push","payload":"{\"a\":1}","payloadBytes":7,"why":"unknown"}"#;
    let letter = read("QuarantineQueue", stored);
    assert_eq!((letter.function, letter.why().as_str()), (Some(Function::Push), "unknown"));
    assert_eq!(letter.payload, Payload::Whole(r#"{"a":1}"#.to_owned()));
}

#[test]
fn a_form_that_is_not_known_is_shown_as_it_is() {
    let stored = quarantined("push", "why", Some(PUSH.as_bytes())).replace(r#""format":1"#, r#""format":2"#);
    let letter = read("QuarantineQueue", &stored);
    assert_eq!((&letter.cause, letter.shown()), (&Cause::Unexplained, Some(stored.as_str())));
}

#[test]
fn what_cannot_be_understood_would_come_straight_back() {
    for body in ["{garbage", r#"{"hello":1}"#] {
        let letter = read("QuarantineQueue", &quarantined("push", "why", Some(body.as_bytes())));
        assert_eq!(letter.redrive(), Err(NotAgain::Unreadable));
        assert!(letter.what_to_do().contains("would come straight back"), "{}", letter.what_to_do());
    }
}

#[test]
fn what_would_be_ignored_is_not_sent_again() {
    let tag = PUSH.replace(r#""referenceType":"branch""#, r#""referenceType":"tag""#);
    let tag = tag.replace("refs/heads/main", "refs/tags/main");
    let refused = read("PushFailures", &failure(&tag)).redrive().unwrap_err();
    assert!(matches!(refused, NotAgain::NothingToDo { .. }), "{refused}");
}

#[test]
fn an_answer_of_a_person_is_never_sent_again_nor_shown() {
    let notification = json!({
        "Type": "Notification",
        "TopicArn": "arn:aws:sns:eu-west-1:123456789012:tidegate-ApprovalTopic-J4kQ9sXbT2Lw",
        "Message": format!("approve payments-production-7 {TOKEN}"),
    });
    let record =
        json!({ "Records": [{ "EventSource": "aws:sns", "Sns": notification.clone() }] }).to_string();
    for letter in [
        read("ApprovalFailures", &failure(&record)),
        read("ApprovalFailures", &notification.to_string()),
        read("ApprovalFailures", "anything that lies here"),
        // Kept as it came, by an earlier version or by a mistake of somebody's.
        read("QuarantineQueue", &quarantined("approval", "refused", Some(record.as_bytes()))),
        read("PushFailures", &failure(&record)),
        read("QuarantineQueue", &quarantined("approval", "refused", None)),
    ] {
        assert_eq!(letter.redrive(), Err(NotAgain::Human));
        assert_eq!(letter.shown(), None);
        let told =
            format!("{} {} {} {:?}", letter.about(), letter.why(), letter.what_to_do(), letter.source());
        assert!(!told.contains(TOKEN), "{told}");
    }
}

const ASKED: &str = include_str!("../../../events/codepipeline/approval.json");
const ASKED_TOKEN: &str = "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d";

/// Their function hears people too, but nobody said this.
#[test]
fn what_codepipeline_asked_is_sent_again_without_its_token() {
    let set_aside = kept(Function::Approval, ASKED.as_bytes()).expect("nobody said it");
    for letter in [
        read("ApprovalFailures", &failure(ASKED)),
        read("QuarantineQueue", &quarantined("approval", "no record names it", Some(&set_aside))),
    ] {
        assert_eq!(letter.about(), "pipeline payments waits for approval of Release in stage Approve");
        let Ok(Redrive::Invoke { function, payload }) = letter.redrive() else { panic!("{letter:?}") };
        assert_eq!(function, Function::Approval);
        assert_eq!(letter.shown(), Some(payload.as_str()));
        assert!(ASKED.contains(ASKED_TOKEN) && !payload.contains(ASKED_TOKEN), "{payload}");
        let [again] = &intake::read(payload.as_bytes())[..] else { panic!("{payload}") };
        let [asked] = &intake::read(ASKED.as_bytes())[..] else { panic!("{ASKED}") };
        let (
            Meaning::Signal(Subject::PipelineApproval(again)),
            Meaning::Signal(Subject::PipelineApproval(asked)),
        ) = (&again.meaning, &asked.meaning)
        else {
            panic!("{again:?}")
        };
        assert_eq!(again, &PipelineApproval { token: None, review_link: None, ..asked.clone() });
    }
}

#[test]
fn a_tick_of_the_clock_is_no_answer_of_a_person() {
    const TICK: &str = include_str!("../../../events/scheduled/sweep.json");
    let letter = read("ApprovalFailures", &failure(TICK));
    assert_eq!(letter.about(), "it is time to sweep");
    let Ok(Redrive::Invoke { function, .. }) = letter.redrive() else { panic!("{letter:?}") };
    assert_eq!(function, Function::Approval);
}

#[test]
fn what_sns_could_not_deliver_says_so() {
    let notification = json!({ "Type": "Notification", "TopicArn": "arn:t", "Message": "hello" }).to_string();
    let letter = read_with("ApprovalFailures", &notification, &[("ErrorMessage", "function not found")]);
    assert_eq!(letter.why(), "SNS could not hand it to approval: function not found");
}

#[test]
fn what_was_cut_or_was_not_text_is_shown_but_not_sent_again() {
    let long = PUSH.replace("payments", &"p".repeat(300_000));
    let letter = read("QuarantineQueue", &quarantined("push", "why", Some(long.as_bytes())));
    assert!(matches!(letter.redrive(), Err(NotAgain::Damaged { bytes, .. }) if bytes == long.len() as u64));
    assert!(letter.shown().is_some_and(|text| text.len() > 10_000));
    let letter = read("QuarantineQueue", &quarantined("push", "why", Some(b"{\"a\": \xff\x00}")));
    assert_eq!(letter.shown(), Some("{\"a\": \u{FFFD}\0}"));
    assert!(matches!(letter.redrive(), Err(NotAgain::Damaged { .. })));
}

#[test]
fn a_quarantined_event_always_fits_its_queue() {
    for payload in [vec![0_u8; 1 << 20], "\u{10FFFF}é".repeat(200_000).into_bytes()] {
        let message = quarantined("push", "not JSON", Some(&payload));
        assert!(message.len() <= QUARANTINE_BYTES_MAX);
        let message: Value = serde_json::from_str(&message).unwrap();
        assert_eq!((&message["cut"], &message["payloadBytes"]), (&json!(true), &json!(payload.len())));
        assert!(message["payload"].as_str().unwrap().len() > 10_000);
    }
}

#[test]
fn every_function_is_known_by_its_name() {
    for name in ["push", "build", "image", "approval", "stack", "sweep", "builder", "deployer", "notify"] {
        assert_eq!(Function::named(name).map(Function::as_str), Some(name));
    }
    assert_eq!(Function::named("nobody"), None);
}

proptest::proptest! {
    #[test]
    fn no_body_makes_a_letter_that_cannot_be_shown(body in "\\PC{0,120}", value in "\\PC{0,20}") {
        for stop in ["QuarantineQueue", "PushFailures", "NotifyDeadLetters"] {
            for body in [body.clone(), failure(&json!(value).to_string()), quarantined(&value, &value, Some(body.as_bytes()))] {
                let letter = read_with(stop, &body, &[("ErrorCode", &value), ("RETRY_ATTEMPTS", &value)]);
                let _ = (letter.about(), letter.why(), letter.source(), letter.happened(), letter.what_to_do());
            }
        }
    }
}
