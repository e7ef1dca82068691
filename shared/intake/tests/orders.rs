//! Orders: taken when `approval` is invoked with them, and never from a topic.

use intake::{Given, GivenAnswer, Meaning, Subject, Wish, read};
use model::approval::Answer;
use serde_json::{Value, json};

fn order(change: &Value) -> Value {
    let mut order = json!({
        "order": "hold", "track": "payments/production", "id": "order-1", "reason": "checkout is slow",
    });
    for (key, value) in change.as_object().unwrap() {
        order[key] = value.clone();
    }
    order
}

fn meaning(payload: &Value) -> Meaning {
    let mut readings = read(payload.to_string().as_bytes());
    assert_eq!(readings.len(), 1);
    readings.remove(0).meaning
}

fn wish(change: Value) -> Wish {
    let meaning = meaning(&order(&change));
    let Meaning::Signal(Subject::Order { given: Given::Order(given), .. }) = meaning else {
        panic!("{change}: {meaning:?}")
    };
    given.wish
}

#[test]
fn each_verb_says_what_it_is_about() {
    assert_eq!(wish(json!({})), Wish::Hold);
    assert_eq!(wish(json!({ "order": "lift" })), Wish::Lift);
    assert_eq!(wish(json!({ "order": "redeploy" })), Wish::Redeploy);
    assert_eq!(wish(json!({ "order": "retire" })), Wish::Retire);
    assert_eq!(wish(json!({ "order": "rollback" })), Wish::Rollback { to: None });
    let release: model::ids::ReleaseId = "payments-production-3".parse().unwrap();
    let named = json!({ "order": "rollback", "to": release });
    assert_eq!(wish(named), Wish::Rollback { to: Some(release.clone()) });
    assert_eq!(
        wish(json!({ "order": "cancel", "release": release })),
        Wish::Cancel { release: release.clone() }
    );
    assert_eq!(wish(json!({ "order": "retry", "release": release })), Wish::Retry { release });
    assert_eq!(wish(json!({ "order": "repair" })), Wish::Repair { skip: Vec::new() });
    let skipping = json!({ "order": "repair", "skip": ["EcsService"] });
    assert_eq!(wish(skipping), Wish::Repair { skip: vec!["EcsService".to_owned()] });
    let until = model::time::Timestamp(1_800_000_000_000);
    assert_eq!(wish(json!({ "order": "override", "until": until.0 })), Wish::Override { until });
}

#[test]
fn an_answer_names_the_release_and_the_plan_that_was_seen() {
    let change = json!({ "order": "reject", "release": "payments-production-7", "plan": "0a1b2c3d4e5f" });
    let Meaning::Signal(Subject::Order { given, .. }) = meaning(&order(&change)) else { panic!("{change}") };
    let expected = GivenAnswer {
        id: "order-1".parse().unwrap(),
        answer: Answer::Reject,
        release: "payments-production-7".parse().unwrap(),
        plan: "0a1b2c3d4e5f".to_owned(),
        reason: "checkout is slow".to_owned(),
    };
    assert_eq!(given, Given::Answer(expected));
}

#[test]
fn an_order_is_read_back_as_it_was_given_so_that_its_hash_is_the_same() {
    let orders = [
        json!({}),
        json!({ "order": "rollback" }),
        json!({ "order": "rollback", "to": "payments-production-3" }),
        json!({ "order": "override", "until": 1_800_000_000_000_u64 }),
        json!({ "order": "approve", "release": "payments-production-7", "plan": "0a1b2c3d4e5f" }),
        json!({ "order": "reject", "request": "pipeline-0a1b2c3d4e5f6071" }),
        json!({ "order": "drop", "letter": "0d3c", "queue": "PushFailures", "about": "a push", "failure": "why" }),
        json!({ "order": "redrive", "letter": "0d3c" }),
    ];
    for change in orders {
        let Meaning::Signal(Subject::Order { given, .. }) = meaning(&order(&change)) else {
            panic!("{change}")
        };
        let written = serde_json::to_value(&given).unwrap();
        let Meaning::Signal(Subject::Order { given: again, .. }) = meaning(&written) else {
            panic!("{written}")
        };
        assert_eq!(given, again);
    }
}

#[test]
fn what_is_wrong_is_told_with_place_value_and_what_is_allowed() {
    let told = |change: Value| {
        let meaning = meaning(&order(&change));
        let Meaning::Quarantine(why) = meaning else { panic!("{change}: {meaning:?}") };
        why.to_string()
    };
    let all = [
        json!({ "order": "undo" }),
        json!({ "order": "cancel" }),
        json!({ "order": "cancel", "release": "ledger-production-3" }),
        json!({ "order": "rollback", "to": 3 }),
        json!({ "order": "override", "until": "tomorrow" }),
        json!({ "order": "repair", "skip": "EcsService" }),
        json!({ "order": "repair", "skip": ["Ecs Service"] }),
        json!({ "track": "payments" }),
        json!({ "id": "" }),
        json!({ "by": "ana" }),
        json!({ "order": "approve", "release": "payments-production-7" }),
        json!({ "order": "approve", "release": "payments-production-7", "plan": "0A1B2C3D4E5F" }),
        json!({ "order": "reject", "release": "payments", "plan": "0a1b2c3d4e5f" }),
        json!({ "order": "approve", "request": "pipeline-0A1B" }),
        json!({ "reason": 1 }),
        json!({ "reason": "x".repeat(501) }),
        json!({ "why": "a key that is none" }),
    ];
    insta::assert_snapshot!(all.map(told).join("\n"), @r#"
    order is "undo": it must be approve, reject, hold, lift, cancel, retry, rollback, redeploy, retire, override, repair, redrive, drop or drill
    release is missing: it must be <service>-<environment>-<n>
    release is "ledger-production-3": it must be a release of payments/production
    to is 3: it must be <service>-<environment>-<n>
    until is "tomorrow": it must be milliseconds since 1970
    skip is "EcsService": it must be a list
    skip[0] is "Ecs Service": it must be the logical id of a resource, letters and digits
    track is "payments": it must be <service>/<environment>
    id is "": it must be a name of the order
    a key is "by": it must be one of order, id, database, track, release, plan, request, to, until, letter, queue, about, failure, skip, reason, proof
    plan is missing: it must be the plan's fingerprint, or its first digits: hexadecimal, in lower case
    plan is "0A1B2C3D4E5F": it must be the plan's fingerprint, or its first digits: hexadecimal, in lower case
    release is "payments": it must be <service>-<environment>-<n>
    request is "pipeline-0A1B": it must be pipeline-<16 lower-case hex digits>
    reason is 1: it must be a text of at most 500 characters
    reason is "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…": it must be a text of at most 500 characters
    a key is "why": it must be one of order, id, database, track, release, plan, request, to, until, letter, queue, about, failure, skip, reason, proof
    "#);
}

#[test]
fn an_order_on_a_topic_is_none_for_nothing_proves_who_gives_it() {
    let text = order(&json!({})).to_string();
    for topic in ["tidegate-ApprovalTopic-J4kQ9sXbT2Lw", "elsewhere"] {
        let topic = format!("arn:aws:sns:eu-west-1:123456789012:{topic}");
        let sns = json!({ "EventSource": "aws:sns", "Sns": { "TopicArn": topic, "Message": text } });
        let meaning = meaning(&json!({ "Records": [sns] }));
        assert!(!matches!(meaning, Meaning::Signal(_)), "{meaning:?}");
    }
    let queued = json!({ "eventSource": "aws:sqs", "messageId": "m-1", "body": text });
    let meaning = meaning(&json!({ "Records": [queued] }));
    assert!(matches!(meaning, Meaning::Quarantine(_)), "{meaning:?}");
}
