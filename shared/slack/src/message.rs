//! The one message of a release, as Block Kit: rendered from the release as it stands, so that the order in which news
//! came does not matter. Text from outside stands in plain text only: it can link nothing and call nobody.
//!
//! Source: docs.slack.dev, "Block Kit reference" (limits of blocks and their texts).

use model::release::{Asked, Danger, Phase, Plan, PlanLine, Release};
use serde_json::{Value, json};

use crate::plain::plain;

/// Shorter than Slack's own limits: a phone shows no more at once.
const HEADER_CHARS_MAX: usize = 100;
const FIELD_CHARS_MAX: usize = 160;
const LINE_CHARS_MAX: usize = 200;
const LINES_MAX: usize = 8;
const REASON_CHARS_MAX: usize = 600;

/// The message: `text` for notifications, and `blocks`.
pub fn message(release: &Release) -> Value {
    let headline = headline(release);
    let mut blocks = vec![
        json!({ "type": "header", "text": text(&headline, HEADER_CHARS_MAX) }),
        json!({ "type": "section", "fields": fields(release) }),
    ];
    if let Some(plan) = release.phase.plan() {
        blocks.push(section(&plan_lines(plan)));
    }
    match &release.phase {
        Phase::AwaitingApproval { plan, asked } => {
            blocks.push(context(&needed(asked)));
            blocks.extend(answers(release, plan));
        }
        Phase::Ready { asked, .. } | Phase::Deploying { asked, .. } => blocks.push(context(&approved(asked))),
        Phase::Over(ending) => blocks.push(section(&plain(&ending.reason(), REASON_CHARS_MAX))),
        Phase::Building { .. } | Phase::Planning { .. } => {}
    }
    json!({ "text": headline, "blocks": blocks })
}

fn headline(release: &Release) -> String {
    let id = &release.id;
    let stands = match &release.phase {
        Phase::Building { .. } => "is built",
        Phase::Planning { .. } => "is planned",
        Phase::AwaitingApproval { .. } => "asks for approval",
        Phase::Ready { .. } => "is approved and waits for its turn",
        Phase::Deploying { .. } if release.origin.is_retirement() => "is being retired",
        Phase::Deploying { .. } => "is being deployed",
        Phase::Over(ending) => return format!("{id}: {}", ending.name()),
    };
    format!("{id} {stands}")
}

fn fields(release: &Release) -> Vec<Value> {
    let by = release.pushed_by.as_deref().map_or("nobody known", |by| by.rsplit('/').next().unwrap_or(by));
    let mut fields = vec![
        field("Revision", release.revision.short()),
        field("Branch", release.branch.as_str()),
        field("Pushed by", by),
    ];
    if let Some(ordered) = &release.ordered {
        fields.push(field("Ordered by", &ordered.to_string()));
    }
    if let Some(plan) = release.phase.plan() {
        fields.push(field("Plan", plan.fingerprint.short()));
    }
    fields
}

/// With what is dangerous of it first.
pub(crate) fn plan_line(line: &PlanLine, chars_max: usize) -> String {
    let mark = match line.danger {
        Danger::Unrestorable => "🛑 NOT RESTORABLE: ",
        Danger::Delete => "🛑 DELETE: ",
        Danger::Replace => "🛑 REPLACE: ",
        Danger::TrafficGap => "⚠️ TRAFFIC GAP: ",
        Danger::MayReplace => "⚠️ MAY REPLACE: ",
        Danger::ChangedOutside => "⚠️ CHANGED OUTSIDE: ",
        Danger::None => "• ",
    };
    format!("{mark}{}", plain(&line.text, chars_max))
}

/// The dangerous lines come first, as in the plan; what is left out is counted.
fn plan_lines(plan: &Plan) -> String {
    let mut lines: Vec<String> =
        plan.lines.iter().take(LINES_MAX).map(|line| plan_line(line, LINE_CHARS_MAX)).collect();
    if plan.lines.len() > LINES_MAX {
        lines.push(format!("… and {} more: see the thread", plan.lines.len() - LINES_MAX));
    }
    if lines.is_empty() { "Nothing else changes.".to_owned() } else { lines.join("\n") }
}

fn needed(asked: &Asked) -> String {
    let still = asked.still_needed();
    let more =
        if still == 1 { "1 more approval is".to_owned() } else { format!("{still} more approvals are") };
    let so_far = voices(asked);
    let so_far = if so_far.is_empty() { so_far } else { format!(" Approved so far by {so_far}.") };
    format!("{more} needed, of {}.{so_far}", asked.policy.required)
}

fn approved(asked: &Asked) -> String {
    let voices = voices(asked);
    if voices.is_empty() { "It needed no approval.".to_owned() } else { format!("Approved by {voices}.") }
}

fn voices(asked: &Asked) -> String {
    let voices: Vec<String> =
        asked.votes.iter().map(|vote| plain(&vote.voice.to_string(), FIELD_CHARS_MAX)).collect();
    voices.join(", ")
}

/// Each button carries the release and the plan that it stands under: a click on an old one changes nothing.
fn answers(release: &Release, plan: &Plan) -> Vec<Value> {
    let value = format!("{} {}", release.id, plan.fingerprint);
    let button = |action: &str, words: &str, style| button(action, &value, words, style);
    vec![
        reason_input(plan.fingerprint.short()),
        json!({
            "type": "actions",
            "block_id": format!("answers {}", plan.fingerprint.short()),
            "elements": [
                button("approve", "Approve", Some("primary")),
                button("reject", "Reject", Some("danger")),
                button("details", "Details", None),
            ],
        }),
    ]
}

/// `of` tells it apart from the field of an older request in the same message.
pub(crate) fn reason_input(of: &str) -> Value {
    json!({
        "type": "input",
        "block_id": format!("reason {of}"),
        "optional": true,
        "label": text("Why, if you reject", FIELD_CHARS_MAX),
        "element": { "type": "plain_text_input", "action_id": "reason", "max_length": 500 },
    })
}

pub(crate) fn button(action: &str, value: &str, words: &str, style: Option<&str>) -> Value {
    let mut button = json!({
        "type": "button", "action_id": action, "value": value, "text": text(words, FIELD_CHARS_MAX),
    });
    if let Some(style) = style {
        button["style"] = style.into();
    }
    button
}

pub(crate) fn text(words: &str, chars_max: usize) -> Value {
    json!({ "type": "plain_text", "text": plain(words, chars_max), "emoji": false })
}

pub(crate) fn field(name: &str, value: &str) -> Value {
    let value = plain(value, FIELD_CHARS_MAX);
    json!({ "type": "plain_text", "text": format!("{name}\n{value}"), "emoji": false })
}

/// Already made plain, line by line.
pub(crate) fn section(lines: &str) -> Value {
    json!({ "type": "section", "text": { "type": "plain_text", "text": lines, "emoji": false } })
}

pub(crate) fn context(words: &str) -> Value {
    json!({ "type": "context", "elements": [{ "type": "plain_text", "text": words, "emoji": false }] })
}
