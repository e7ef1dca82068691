//! What cannot be handled waits for a person, who sees why, sends it again or drops it; and keeps nobody else waiting.

use local::Delivery;
use serde_json::{Value, json};

use crate::words::anonymous;
use crate::world::tell;

const TOKEN: &str = "7f3d9c1b5a2e48f6a0c4d8e2b6917350";

/// Of yesterday, for the story's repository.
fn push_event() -> Value {
    let event = include_str!("../../../events/codecommit/push.json");
    serde_json::from_str(event).expect("a sample is JSON")
}

/// As Lambda writes it of an event that it gave up.
fn failure_record(payload: &Value) -> String {
    json!({
        "version": "1.0",
        "timestamp": "2026-03-02T09:18:03.000Z",
        "requestContext": {
            "requestId": "0d3cf0a2-6f43-4a7e-9a55-2f1a8c5b7e11",
            "functionArn": "arn:aws:lambda:eu-west-1:123456789012:function:tidegate-PushFunction:$LATEST",
            "condition": "RetriesExhausted",
            "approximateInvokeCount": 3,
        },
        "requestPayload": payload,
        "responseContext": { "statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled" },
        "responsePayload": { "errorType": "Transient", "errorMessage": "ssm GetParameter failed and is retried" },
    })
    .to_string()
}

/// The first characters of an id are enough.
fn short(letter: &Value) -> &str {
    &letter["id"].as_str().expect("a letter has an id")[..8]
}

/// Without what differs from run to run.
fn steady(text: &str, letter: &Value) -> String {
    let is_time = |line: &&str| line.starts_with("  came here");
    let lines: Vec<&str> = text.lines().filter(|line| !is_time(line)).collect();
    let text = lines.join("\n").replace(letter["id"].as_str().expect("an id"), "<id>");
    anonymous(&text.replace(short(letter), "<short id>"))
}

#[test]
fn a_garbage_event_is_explained_and_dropped() {
    tell(async |story| {
        let mut event = push_event();
        event["detail"]["event"] = json!("referenceRenamed\u{1b}[2J");
        story.push_hears(&event).await;
        let letters = story.quarantine_has(1).await;
        let letter = &letters[0];
        assert_eq!((&letter["queue"], &letter["function"]), (&json!("QuarantineQueue"), &json!("push")));
        assert_eq!((&letter["redrivable"], &letter["happened"]), (&json!(false), &event["time"]));
        let listed = story.quarantine(&["list"]).await;
        assert!(
            listed.out.starts_with("QuarantineQueue\n") && listed.out.lines().count() == 2,
            "{}",
            listed.out
        );
        let shown = story.quarantine(&["show", short(letter)]).await;
        let (told, message) = shown.out.split_once("  message").expect("the message comes last");
        insta::assert_snapshot!(steady(told, letter), @r#"
        <id> in QuarantineQueue
          what       CodeCommit Repository State Change from aws.codecommit
          happened   2026-03-02T09:15:00Z
          function   push
          why        detail.event is "referenceRenamed\u{1b}[2J": it must be referenceCreated, referenceUpdated, referenceDeleted or unreferencedMergeCommitCreated
          tried      once
          today      quarantine: detail.event is "referenceRenamed\u{1b}[2J": it must be referenceCreated, referenceUpdated, referenceDeleted or unreferencedMergeCommitCreated
                       for push
          to do      it still cannot be understood, so it would come straight back: a newer Tidegate may understand it, else drop it
                     tidegate quarantine drop <short id> --reason WHY --stack tidegate
        "#);
        assert!(message.contains("referenceRenamed\\u001b"), "{message}");

        let redriven = story.quarantine(&["redrive", short(letter)]).await;
        assert_eq!(redriven.code, Some(1));
        assert!(redriven.out.contains("stays: it still cannot be understood"), "{}", redriven.out);
        assert_eq!(story.quarantine_has(1).await[0]["id"], letter["id"]);

        // Whoever may reach the queues, and invoke functions, is not thereby entitled to.
        let ben = local::people::access_key(story.account(), "ben");
        let arguments = ["quarantine", "drop", short(letter), "--reason", "just so"];
        let refused = story.tidegate_as(&ben, &arguments).await;
        assert_eq!(refused.code, Some(1));
        let why = "ben may not drop: the record of people's quarantine names user:local";
        assert!(refused.err.contains(why), "{}", refused.err);
        assert_eq!(story.quarantine_has(1).await[0]["id"], letter["id"]);

        let unreasoned = story.quarantine(&["drop", short(letter), "--reason", " "]).await;
        assert_eq!(unreasoned.code, Some(2));
        let dropped = story.quarantine(&["drop", short(letter), "--reason", "a test of ours"]).await;
        assert_eq!(dropped.code, Some(0), "{}", dropped.err);
        assert_eq!(story.quarantine(&["list"]).await.out, "Nothing waits for a person.\n");
        let remembered = story.quarantine(&["list", "--dropped", "--json"]).await.json();
        assert_eq!(
            (&remembered[0]["id"], &remembered[0]["reason"]),
            (&letter["id"], &json!("a test of ours"))
        );
        let id = local::people::unique_id(story.account(), local::people::LOCAL_USER);
        assert_eq!(remembered[0]["by"], format!("local (IAM {id})"), "{remembered}");
        let gone = story.quarantine(&["show", short(letter)]).await;
        assert_eq!(
            (gone.code, gone.err.contains("tidegate quarantine list")),
            (Some(1), true),
            "{}",
            gone.err
        );
    });
}

#[test]
fn a_push_that_was_refused_is_deployed_when_its_cause_is_mended_and_it_is_sent_again() {
    tell(async |mut story| {
        let record = story.service_record().await;
        story.writes_service_record("{}").await;
        story.pushes_a_version();
        let letters = story.quarantine_has(1).await;
        let letter = &letters[0];
        assert_eq!((&letter["function"], &letter["redrivable"]), (&json!("push"), &json!(true)));
        let why = letter["why"].as_str().expect("a reason");
        assert!(why.contains("/tidegate/repositories/payments is not valid"), "{why}");

        let refused_again = story.quarantine(&["redrive", short(letter)]).await;
        assert!(refused_again.out.contains("push says: quarantined:"), "{}", refused_again.out);
        let letters = story.quarantine_has(1).await;

        story.writes_service_record(&record).await;
        let redriven = story.quarantine(&["redrive", short(&letters[0]), "--json"]).await;
        assert_eq!(redriven.code, Some(0), "{}{}", redriven.out, redriven.err);
        let said = redriven.json()[0]["said"].as_str().expect("what push said").to_owned();
        assert!(said.starts_with("push says: payments/production: "), "{said}");
        story.approves().await;
        story.ends("Deployed").await;
        story.quarantine_has(0).await;
        assert_eq!((story.builds().await.len(), story.deployments().await), (1, 1));
    });
}

#[test]
fn late_events_and_lost_wakes_are_sent_again_and_answers_of_people_never() {
    tell(async |mut story| {
        story.control.deliver(story.account(), Delivery { copies: 0, ..Delivery::default() });
        story.pushes_a_version();
        story.control.deliver(story.account(), Delivery::default());
        let answer = json!({ "Records": [{ "EventSource": "aws:sns", "Sns": {
            "TopicArn": story.outputs["ApprovalTopicArn"],
            "Message": format!("approve payments-production-1 {TOKEN}"),
        } }] });
        story.leaves_in("PushFailures", &failure_record(&push_event())).await;
        story.leaves_in("ApprovalFailures", &failure_record(&answer)).await;
        for _ in 0..3 {
            story.leaves_in("BuilderDeadLetters", r#"{"track":"payments/production"}"#).await;
        }
        story.leaves_in("NotifyDeadLetters", r#"{"track":"payments/production"}"#).await;
        let letters = story.quarantine_has(4).await;
        let of = |queue: &str| letters.iter().find(|letter| letter["queue"] == queue).expect("a letter");
        assert_eq!(
            (&of("BuilderDeadLetters")["times"], &of("BuilderDeadLetters")["attempts"]),
            (&json!(3), &json!(5))
        );
        assert_eq!(of("PushFailures")["attempts"], 3);

        let redriven = story.quarantine(&["redrive", "--all", "--json"]).await;
        assert_eq!(redriven.code, Some(1), "{}", redriven.err);
        for result in redriven.json().as_array().expect("a result for each letter") {
            assert_eq!(result["sent"], json!(result["queue"] != "ApprovalFailures"), "{result}");
        }
        story.approves().await;
        story.ends("Deployed").await;

        let letters = story.quarantine_has(1).await;
        let shown = story.quarantine(&["show", short(&letters[0])]).await;
        let shown_json = story.quarantine(&["show", short(&letters[0]), "--json"]).await;
        for said in [&shown.out, &shown_json.out, &redriven.out] {
            assert!(!said.contains(TOKEN), "{said}");
        }
        assert!(shown.out.contains("ask them to answer the request anew"), "{}", shown.out);
        let dropped = story.quarantine(&["drop", short(&letters[0]), "--reason", "ana answered again"]).await;
        assert_eq!(dropped.code, Some(0), "{}", dropped.err);
        story.quarantine_has(0).await;
    });
}

#[test]
fn poison_in_every_queue_is_set_aside_and_keeps_nobody_waiting() {
    tell(async |mut story| {
        for queue in ["BuilderQueue", "DeployerQueue", "NotifyQueue", "PatrolQueue"] {
            story.leaves_in(queue, "{poison").await;
        }
        story.deploys_a_version().await;
        let mut functions: Vec<Value> =
            story.quarantine_has(4).await.into_iter().map(|mut letter| letter["function"].take()).collect();
        functions.sort_by_key(Value::to_string);
        assert_eq!(functions, ["builder", "deployer", "notify", "push"]);
    });
}
