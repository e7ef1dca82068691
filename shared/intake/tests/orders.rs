//! Orders: taken when `approval` is invoked with them, and never from a topic.

use intake::{Meaning, Subject, Wish, read};
use serde_json::{Value, json};

fn order(change: &Value) -> Value {
    let mut order = json!({
        "order": "hold", "track": "payments/production", "id": "order-1", "by": "ana", "reason": "checkout is slow",
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
    let Meaning::Signal(Subject::Order(given)) = meaning else { panic!("{change}: {meaning:?}") };
    given.wish
}

#[test]
fn each_verb_says_what_it_is_about() {
    assert_eq!(wish(json!({})), Wish::Hold);
    assert_eq!(wish(json!({ "order": "lift" })), Wish::Lift);
    assert_eq!(wish(json!({ "order": "redeploy" })), Wish::Redeploy);
    assert_eq!(wish(json!({ "order": "rollback" })), Wish::Rollback { to: None });
    let release: model::ids::ReleaseId = "payments-production-3".parse().unwrap();
    let named = json!({ "order": "rollback", "to": release });
    assert_eq!(wish(named), Wish::Rollback { to: Some(release.clone()) });
    assert_eq!(
        wish(json!({ "order": "cancel", "release": release })),
        Wish::Cancel { release: release.clone() }
    );
    assert_eq!(wish(json!({ "order": "retry", "release": release })), Wish::Retry { release });
    let until = model::time::Timestamp(1_800_000_000_000);
    assert_eq!(wish(json!({ "order": "override", "until": until.0 })), Wish::Override { until });
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
        json!({ "track": "payments" }),
        json!({ "id": "" }),
        json!({ "by": null }),
        json!({ "by": "ana\u{7}" }),
        json!({ "reason": 1 }),
        json!({ "why": "a key that is none" }),
    ];
    insta::assert_snapshot!(all.map(told).join("\n"), @r#"
    order is "undo": it must be hold, lift, cancel, retry, rollback, redeploy or override
    release is missing: it must be <service>-<environment>-<n>
    release is "ledger-production-3": it must be a release of payments/production
    to is 3: it must be <service>-<environment>-<n>
    until is "tomorrow": it must be milliseconds since 1970
    track is "payments": it must be <service>/<environment>
    id is "": it must be a name of the order
    by is missing: it must be the name of a person: at most 64 characters without control characters
    by is "ana\u{7}": it must be the name of a person: at most 64 characters without control characters
    reason is 1: it must be a text
    why is set: it must be one of order, id, track, release, to, until, by, reason
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
