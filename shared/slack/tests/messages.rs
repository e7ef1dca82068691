//! The message of a release in each of its states, and what text from outside cannot do there.

use model::approval::{Nudged, Policy, Voice, Vote};
use model::ids::ReleaseId;
use model::release::{Asked, Danger, Ending, Origin, Phase, Plan, PlanLine, Release};
use model::time::Timestamp;
use serde_json::Value;

fn plan(lines: &[(Danger, &str)]) -> Plan {
    Plan {
        fingerprint: "0a1b2c3d4e5f".repeat(6)[..64].parse().unwrap(),
        image: format!("sha256:{}", "a".repeat(64)).parse().unwrap(),
        change_set: "payments-production-7-3".parse().unwrap(),
        stack_policy: None,
        lines: lines
            .iter()
            .map(|(danger, text)| PlanLine { danger: *danger, text: (*text).to_owned() })
            .collect(),
        timeout: None,
        requires: None,
        before: None,
        verify: None,
    }
}

fn asked(votes: &[&str], required: u32) -> Asked {
    let fingerprint = plan(&[]).fingerprint;
    let vote = |name: &&str| Vote {
        voice: Voice::Verified { person: name.parse().unwrap(), identity: None },
        fingerprint: fingerprint.clone(),
        at: Timestamp(1),
        reason: String::new(),
    };
    Asked {
        fingerprint: fingerprint.clone(),
        policy: Policy {
            required,
            replies: false,
            expires_hours: 24,
            approvers: vec![],
            self_approval: false,
        },
        wish: None,
        votes: votes.iter().map(vote).collect(),
        missing: Some(required - votes.len() as u32),
        asked_at: Some(Timestamp(0)),
        nudged: Nudged::NotYet,
        until: Timestamp(86_400_000),
    }
}

fn release(phase: Phase) -> Release {
    let id: ReleaseId = "payments-production-7".parse().unwrap();
    Release {
        id,
        revision: "0123456789abcdef0123456789abcdef01234567".parse().unwrap(),
        repository: "payments".parse().unwrap(),
        branch: "main".parse().unwrap(),
        pushed_by: Some("arn:aws:iam::111122223333:user/ana".to_owned()),
        authors: Vec::new(),
        family: "tg-0123456789ab-89abcdef".parse().unwrap(),
        origin: Origin::Push,
        ordered: None,
        stale: 0,
        prepared: false,
        verdict: None,
        image: None,
        created_at: Timestamp(0),
        phase,
        phase_since: Timestamp(0),
        warning: None,
        steps: Vec::new(),
    }
}

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
