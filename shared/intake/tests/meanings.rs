//! Rules that the tables do not show: fields that disagree, wrong types, several messages in one payload.

use intake::{DatabaseKind, Function, Meaning, Reading, Subject, read, replay};
use serde_json::{Value, json};

fn one(payload: &Value) -> Reading {
    let mut readings = read(payload.to_string().as_bytes());
    assert_eq!(readings.len(), 1, "{readings:?}");
    readings.remove(0)
}

fn why(payload: &Value) -> String {
    let shown = replay::json(payload.to_string().as_bytes());
    format!("{}: {}", shown["outcome"].as_str().unwrap(), shown["why"].as_str().unwrap())
}

/// `sample` of `events/`, after `change`.
fn changed(sample: &str, change: impl FnOnce(&mut Value)) -> Value {
    let path = format!("{}/../../events/{sample}.json", env!("CARGO_MANIFEST_DIR"));
    let mut event = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    change(&mut event);
    event
}

#[test]
fn a_push_tells_its_branch_its_pusher_and_a_hint_of_the_commit() {
    let reading = one(&changed("codecommit/push", |_| ()));
    assert_eq!(reading.owner, Some(Function::Push));
    let Meaning::Signal(Subject::Branch { repository, branch, pushed_by, commit_hint }) = reading.meaning
    else {
        panic!("no branch")
    };
    assert_eq!((repository.as_str(), branch.as_str()), ("payments", "main"));
    assert_eq!(pushed_by.as_deref(), Some("arn:aws:sts::123456789012:assumed-role/Developer/ana"));
    assert_eq!(commit_hint.as_deref(), Some("4f1c2e6b8a90d7351c4e2f60718293a4b5c6d7e8"));
}

#[test]
fn a_commit_hint_may_be_a_placeholder_or_missing_or_no_text() {
    for commit in [json!("7f0103fMERGE"), Value::Null, json!(7), json!([])] {
        let event = changed("codecommit/push", |e| e["detail"]["commitId"] = commit);
        assert!(matches!(one(&event).meaning, Meaning::Signal(Subject::Branch { .. })));
    }
}

#[test]
fn impossible_envelopes_do_not_matter() {
    let event = changed("codecommit/push", |e| {
        e["time"] = json!("2022-04-31T17:00:00Z");
        e["account"] = json!("1112233445566");
        e["id"] = json!(7);
        e["version"] = json!(["?"]);
        e["resources"] = Value::Null;
    });
    assert!(matches!(one(&event).meaning, Meaning::Signal(Subject::Branch { .. })));
}

#[test]
fn a_reference_whose_fields_disagree_is_quarantined() {
    let event = changed("codecommit/push", |e| e["detail"]["referenceType"] = json!("tag"));
    assert_eq!(
        why(&event),
        "quarantine: detail.referenceType is \"tag\": it must be \"branch\", as referenceFullName says"
    );
}

#[test]
fn a_reference_that_is_neither_branch_nor_tag_is_ignored() {
    let other = |kind: Value| {
        changed("codecommit/push", |e| {
            e["detail"]["referenceType"] = kind;
            e["detail"]["referenceFullName"] = json!("refs/notes/commits");
        })
    };
    assert_eq!(
        why(&other(Value::Null)),
        "ignored: \"refs/notes/commits\" is no branch: only branches deploy"
    );
    assert!(why(&other(json!("branch"))).starts_with("quarantine: detail.referenceType"));
}

#[test]
fn the_full_name_of_a_reference_decides_and_its_absence_is_borne() {
    let event = changed("codecommit/push", |e| e["detail"]["referenceName"] = json!(null));
    assert!(why(&event).starts_with("signal: branch main"));
    let event = changed("codecommit/push", |e| e["detail"]["referenceFullName"] = json!(null));
    assert!(why(&event).starts_with("signal: branch main"));
}

#[test]
fn a_branch_name_with_control_characters_is_quarantined_and_shown_escaped() {
    let event = changed("codecommit/push", |e| {
        e["detail"]["referenceFullName"] = json!("refs/heads/main\u{1b}[2J");
    });
    assert_eq!(
        why(&event),
        "quarantine: detail.referenceFullName is \"refs/heads/main\\u{1b}[2J\": it must be 1 to 256 characters \
         without blanks or control characters"
    );
}

#[test]
fn text_that_could_mislead_a_terminal_is_not_shown() {
    let event =
        changed("rds/failover-completed", |e| e["detail"]["Message"] = json!("ok\u{1b}[2J\u{202e}ko"));
    let shown = replay::text(event.to_string().as_bytes());
    assert!(!shown.contains(['\u{1b}', '\u{202e}']), "{shown:?}");
}

#[test]
fn an_event_without_a_readable_detail_is_quarantined_for_its_owner() {
    for sample in [
        "codecommit/push",
        "codebuild/succeeded",
        "ecr/push",
        "cloudformation/update-complete",
        "ecs/deployment-completed",
        "rds/failover-completed",
        "dms/task-failed",
        "backup/job-failed",
    ] {
        for detail in [Value::Null, json!("{}"), json!([]), json!(7)] {
            let reading = one(&changed(sample, |e| e["detail"] = detail));
            let Meaning::Quarantine(unreadable) = reading.meaning else {
                panic!("{sample}: {:?}", reading.meaning)
            };
            assert_eq!(unreadable.place, "detail", "{sample}");
            assert!(reading.owner.is_some(), "{sample}");
        }
    }
}

#[test]
fn fields_that_decide_are_quarantined_with_place_value_and_what_is_allowed() {
    let cases: [(&str, &str, Value); 10] = [
        ("codecommit/push", "/detail/repositoryName", json!(7)),
        ("codecommit/push", "/detail/event", json!({})),
        ("codebuild/succeeded", "/detail/build-status", json!("EXPLODED")),
        ("codebuild/succeeded", "/detail/build-id", json!("tidegate:1")),
        ("ecr/push", "/detail/image-tag", json!(["latest"])),
        ("ecr/push", "/detail/result", json!("MAYBE")),
        ("ecr/push", "/detail/repository-name", json!("../payments")),
        ("cloudformation/update-complete", "/detail/stack-id", json!("tidegate-payments-production")),
        ("ecs/deployment-completed", "/resources/0", json!(null)),
        ("sqs/wake-builder", "/Records/0/body", json!({ "track": "payments/production" })),
    ];
    for (sample, pointer, value) in cases {
        let event = changed(sample, |e| *e.pointer_mut(pointer).unwrap() = value);
        let Meaning::Quarantine(unreadable) = one(&event).meaning else { panic!("{sample} {pointer}") };
        let place = unreadable.place.replace(['[', '.'], "/").replace(']', "");
        assert_eq!(format!("/{place}"), pointer, "{unreadable}");
    }
}

/// What is missing, what is null, what is empty, and what cannot hold anything are told apart.
#[test]
fn a_reason_says_what_stands_there() {
    let with = |sample: &str, pointer: &str, value: Value| {
        why(&changed(sample, |e| *e.pointer_mut(pointer).unwrap() = value))
    };
    let allowed = "it must be referenceCreated, referenceUpdated, referenceDeleted or \
                   unreferencedMergeCommitCreated";
    let missing = changed("codecommit/push", |e| drop(e["detail"].as_object_mut().unwrap().remove("event")));
    assert_eq!(why(&missing), format!("quarantine: detail.event is missing: {allowed}"));
    for (value, shown) in [
        (Value::Null, "null"),
        (json!([]), "an empty list"),
        (json!([1]), "a list"),
        (json!({}), "an empty object"),
        (json!({ "a": 1 }), "an object"),
        (json!(""), "\"\""),
    ] {
        let expected = format!("quarantine: detail.event is {shown}: {allowed}");
        assert_eq!(with("codecommit/push", "/detail/event", value), expected);
    }
    let status = "/detail/status-details";
    assert_eq!(
        with("cloudformation/update-complete", status, json!("UPDATE_COMPLETE")),
        "quarantine: detail.status-details is \"UPDATE_COMPLETE\": it must be an object"
    );
    assert_eq!(
        with("cloudformation/update-complete", status, Value::Null),
        "quarantine: detail.status-details is null: it must be an object"
    );
    assert_eq!(
        with("cloudformation/update-complete", status, json!({})),
        "quarantine: detail.status-details.status is missing: it must be a status in capitals that ends in \
         _COMPLETE, _FAILED or _IN_PROGRESS"
    );
}

/// As a dead letter of SNS holds it, and as a queue's message does: with no record around it.
#[test]
fn a_notification_alone_is_read_as_in_its_record() {
    let in_a_record = changed("sns/relayed-push", |_| ());
    let alone = &in_a_record["Records"][0]["Sns"];
    assert_eq!(one(alone).meaning, one(&in_a_record).meaning);
    let reply = json!({ "Type": "Notification", "TopicArn": alone["TopicArn"], "Message": "approve it" });
    assert_eq!(one(&reply).owner, Some(Function::Approval));
}

#[test]
fn an_event_of_a_database_counts_whatever_its_id_and_its_source_look_like() {
    let read = |sample: &str, change: &dyn Fn(&mut Value)| match one(&changed(sample, change)).meaning {
        Meaning::Signal(Subject::Database(news)) => (news.kind, news.event),
        other @ (Meaning::Signal(_) | Meaning::Ignored(_) | Meaning::Quarantine(_)) => panic!("{other:?}"),
    };
    let event = |id: Value| read("rds/failover-completed", &|e| e["detail"]["EventID"] = id.clone()).1;
    assert_eq!(event(json!("rds-event-0049")).as_deref(), Some("RDS-EVENT-0049"));
    assert_eq!(event(json!(49)).as_deref(), Some("49"));
    assert_eq!(event(json!("0049")).as_deref(), Some("0049"));
    assert_eq!([json!(""), json!([]), json!(" "), Value::Null].map(event), [const { None }; 4]);

    let kind = |name: &str| read("rds/failover-completed", &|e| e["detail-type"] = json!(name)).0;
    assert_eq!(kind("RDS DB Shard Group Event"), DatabaseKind::ShardGroup);
    assert_eq!(kind("RDS Time Machine Event"), DatabaseKind::Other);
    let source = |name: &str| {
        let rename = |e: &mut Value| {
            let message = &mut e["Records"][0]["Sns"]["Message"];
            *message = json!(message.as_str().unwrap().replace("db-instance", name));
        };
        read("rds/notification", &rename).0
    };
    assert_eq!(source("db-shard-group"), DatabaseKind::ShardGroup);
    assert_eq!(source("time-machine"), DatabaseKind::Other);
}

#[test]
fn a_stack_event_names_the_effect_that_started_it() {
    let Meaning::Signal(Subject::Stack { effect, status, .. }) =
        one(&changed("cloudformation/update-rollback-complete", |_| ())).meaning
    else {
        panic!("no stack")
    };
    assert_eq!(effect.unwrap().to_string(), "payments-production-7-3");
    assert_eq!(status, "UPDATE_ROLLBACK_COMPLETE");
}

#[test]
fn somebody_elses_operation_on_our_stack_is_a_signal_without_effect() {
    for token in [json!("Console-ExecuteChangeSet-1"), json!(""), Value::Null, json!(7)] {
        let event =
            changed("cloudformation/update-complete", |e| e["detail"]["client-request-token"] = token);
        assert!(matches!(one(&event).meaning, Meaning::Signal(Subject::Stack { effect: None, .. })));
    }
}

#[test]
fn our_token_on_another_stack_is_ignored() {
    for name in
        ["tidegate-payments-staging", "tidegate-payments-production-Sidecar-1QX8ZK3LMN5PR", "web-prod"]
    {
        let event = changed("cloudformation/update-complete", |e| {
            e["detail"]["stack-id"] =
                json!(format!("arn:aws:cloudformation:eu-west-1:123456789012:stack/{name}/1"));
        });
        assert!(why(&event).contains("carries our token"), "{}", why(&event));
    }
}

#[test]
fn a_service_is_ours_by_its_stacks_name_alone() {
    let named = |name: &str| {
        let arn = format!("arn:aws:ecs:eu-west-1:123456789012:service/tidegate/{name}");
        one(&changed("ecs/deployment-completed", |e| e["resources"][0] = json!(arn))).track
    };
    for ours in ["tidegate-payments-production-EcsService-q8Zk", "tidegate-payments-production-Service-q8Zk"]
    {
        assert_eq!(named(ours).unwrap().to_string(), "payments/production");
    }
    for other in [
        "payments",
        "tidegate-payments-production",
        "tidegate-payments-production-EcsService-",
        "tidegate-payments-production-web-1",
        "tidegate-a-EcsService-b-production-EcsService-q8Zk",
        "-EcsService-x",
        "EcsService-x",
    ] {
        assert_eq!(named(other), None, "{other}");
    }
}

#[test]
fn others_things_are_ignored_however_odd_the_rest_of_their_event_is() {
    let events = [
        changed("cloudformation/others-stack", |e| e["detail"]["status-details"] = json!(7)),
        changed("ecs/others-service", |e| e["detail"] = json!(7)),
        changed("ecr/push-others-tag", |e| e["detail"]["result"] = json!(7)),
        changed("codebuild/others-build", |e| e["detail"]["build-status"] = json!("EXPLODED")),
    ];
    for event in events {
        assert!(matches!(one(&event).meaning, Meaning::Ignored(_)), "{event}");
    }
}

#[test]
fn every_record_is_read_by_itself_and_keeps_its_message_id() {
    let payload = changed("sqs/patrol", |e| {
        let push = changed("sns/relayed-push", |_| ())["Records"][0].clone();
        let records = e["Records"].as_array_mut().unwrap();
        records[0]["body"] = json!("{}");
        records.push(push);
        records.push(json!({ "eventSource": "aws:s3" }));
        records.push(json!(null));
    });
    let readings = read(payload.to_string().as_bytes());
    let outcomes: Vec<(&str, bool)> = readings
        .iter()
        .map(|reading| {
            let outcome = match reading.meaning {
                Meaning::Signal(_) => "signal",
                Meaning::Ignored(_) => "ignored",
                Meaning::Quarantine(_) => "quarantine",
            };
            (outcome, reading.record.is_some())
        })
        .collect();
    assert_eq!(
        outcomes,
        [
            ("quarantine", true),
            ("signal", true),
            ("signal", false),
            ("ignored", false),
            ("quarantine", false)
        ]
    );
    assert_eq!(readings[0].owner, Some(Function::Push), "the queue tells whose it was");
    let shown = replay::json(payload.to_string().as_bytes());
    assert_eq!((&shown["outcome"], &shown["function"]), (&json!("signal"), &json!("push")));
    assert_eq!(shown["records"].as_array().unwrap().len(), 5);
}

#[test]
fn every_reference_of_a_trigger_is_read() {
    let readings = read(changed("codecommit/trigger-several-references", |_| ()).to_string().as_bytes());
    assert_eq!(readings.len(), 3);
    assert!(matches!(readings[2].meaning, Meaning::Signal(Subject::Branch { .. })));
}

#[test]
fn a_payload_at_the_limit_is_read_and_one_byte_more_is_not() {
    let event = changed("codecommit/push", |_| ()).to_string();
    let padded = format!("{event}{}", " ".repeat(intake::INTAKE_BYTES_MAX - event.len()));
    assert!(matches!(read(padded.as_bytes())[0].meaning, Meaning::Signal(_)));
    let Meaning::Quarantine(unreadable) = &read(format!("{padded} ").as_bytes())[0].meaning else {
        panic!("read")
    };
    assert_eq!(
        unreadable.to_string(),
        "the payload is 1048577 bytes long: it must be at most 1048576 bytes long"
    );
}

#[test]
fn an_automated_snapshot_keeps_its_name_and_an_instance_loses_the_prefix() {
    let name = |event: &Value| {
        let Meaning::Signal(Subject::Database(news)) = one(event).meaning else { panic!("no database") };
        news.name
    };
    assert_eq!(name(&changed("rds/automated-snapshot", |_| ())), "rds:collections-2026-03-02-02-10");
    let without_arn = |e: &mut Value| e["detail"]["SourceArn"] = Value::Null;
    assert_eq!(name(&changed("rds/failover-completed", without_arn)), "collections");
    assert_eq!(name(&changed("rds/automated-snapshot", without_arn)), "rds:collections-2026-03-02-02-10");
}
