//! The message of a release in each of its states, and what text from outside cannot do there.

mod fixtures;

use model::approval::Voice;
use model::release::{Danger, Ending, Phase};
use serde_json::Value;

use fixtures::{asked, plan, release};

/// Every text of the message, one a line, as a phone shows them.
fn shown(message: &Value) -> String {
    fn walk(value: &Value, lines: &mut Vec<String>) {
        match value {
            Value::Object(map) => {
                if let (Some(Value::String(kind)), Some(Value::String(text))) =
                    (map.get("type"), map.get("text"))
                {
                    assert_eq!(kind, "plain_text", "{text}");
                    lines.push(text.clone());
                }
                map.values().for_each(|value| walk(value, lines));
            }
            Value::Array(list) => list.iter().for_each(|value| walk(value, lines)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    let mut lines = Vec::new();
    walk(&message["blocks"], &mut lines);
    lines.join("\n---\n")
}

#[test]
fn a_request_shows_what_is_dangerous_first_and_what_is_needed() {
    let lines = [(Danger::Replace, "replaces Database"), (Danger::None, "image a1b2 → c3d4")];
    let phase = Phase::AwaitingApproval { plan: plan(&lines), asked: asked(&["ben"], 2) };
    let message = slack::message(&release(phase));
    insta::assert_snapshot!(shown(&message));
    let buttons = message["blocks"].as_array().unwrap().last().unwrap()["elements"].clone();
    for button in buttons.as_array().unwrap() {
        let value = button["value"].as_str().unwrap();
        assert!(value.starts_with("payments-production-7 0a1b2c3d4e5f") && value.len() < 2_000, "{value}");
    }
}

#[test]
fn a_plan_stands_in_the_thread_in_full_and_within_slack_s_limits() {
    let mut lines = vec![(Danger::Delete, "delete Queue (AWS::SQS::Queue)")];
    let long = "x".repeat(590);
    lines.extend((0..400).map(|_| (Danger::None, long.as_str())));
    let waiting = |lines: &[(Danger, &str)]| {
        let mut waiting = release(Phase::AwaitingApproval { plan: plan(lines), asked: asked(&[], 1) });
        waiting.authors = vec!["<!channel>@example.com".to_owned()];
        waiting
    };
    let message = slack::details(&waiting(&lines[..9])).unwrap();
    let text = shown(&message);
    assert!(
        text.contains("🛑 DELETE: delete Queue") && text.contains("Written since what is live by"),
        "{text}"
    );
    assert_eq!(text.matches(&long).count(), 8);
    let message = slack::details(&waiting(&lines)).unwrap();
    let blocks = message["blocks"].as_array().unwrap();
    assert!(blocks.len() <= 50);
    for block in blocks {
        assert!(block["text"]["text"].as_str().unwrap().chars().count() <= 3_000);
    }
    assert!(shown(&message).contains("… and more"));
    assert_eq!(slack::details(&release(Phase::Building { build: None })), None);
}

#[test]
fn an_ending_has_no_buttons_and_says_why() {
    let ending = Ending::Rejected {
        by: Voice::Verified { person: "ben".parse().unwrap(), identity: None },
        reason: "not on a Friday".to_owned(),
    };
    let message = slack::message(&release(Phase::Over(ending)));
    insta::assert_snapshot!(shown(&message));
    assert!(!message.to_string().contains("\"actions\""));
}

#[test]
fn text_from_outside_stays_text_and_stays_short() {
    let hostile = format!("<!channel> *now* \u{202e}evil\u{200b}\n{}", "x".repeat(10_000));
    let lines: Vec<(Danger, &str)> = (0..200).map(|_| (Danger::None, hostile.as_str())).collect();
    let phase = Phase::AwaitingApproval { plan: plan(&lines), asked: asked(&[], 1) };
    let mut hostile_release = release(phase);
    hostile_release.pushed_by = Some(hostile.clone());
    hostile_release.branch = format!("<!here>{}", "b".repeat(200)).parse().unwrap();
    let message = slack::message(&hostile_release);
    let text = message.to_string();
    assert!(!text.contains('\u{202e}') && !text.contains('\u{200b}'));
    assert!(!text.contains("mrkdwn"), "nothing is read as markup");
    // Source: docs.slack.dev, "Block Kit reference": 50 blocks, a section's text 3,000 and a field's 2,000 characters.
    let blocks = message["blocks"].as_array().unwrap();
    assert!(blocks.len() <= 50);
    for block in blocks {
        assert!(block["text"]["text"].as_str().unwrap_or_default().chars().count() <= 3_000);
        for field in block["fields"].as_array().into_iter().flatten() {
            assert!(field["text"].as_str().unwrap().chars().count() <= 2_000);
        }
    }
}

#[test]
fn a_failed_build_s_log_stands_in_the_thread_as_a_link() {
    let why = "build tg-0123456789ab-89abcdef-1 failed: BUILD: exit status 1".to_owned();
    let mut failed = release(Phase::Over(Ending::Failed { why, stack_status: None }));
    assert_eq!((slack::details(&failed), slack::details_of(&failed)), (None, None));
    failed.build_log = Some("https://console.aws.amazon.com/cloudwatch/home#logs".to_owned());
    let text = slack::details(&failed).unwrap()["text"].as_str().unwrap().to_owned();
    assert_eq!(
        text,
        "The log of the build of payments-production-7: <https://console.aws.amazon.com/cloudwatch/home#logs>"
    );
    assert!(slack::details_of(&failed).is_some());
}
