//! The one message of an approval that CodePipeline waits for, rendered from the request as it stands.

use model::pipeline::{Phase, Request};
use serde_json::{Value, json};

use crate::message::{button, context, field, reason_input, section, text};
use crate::plain::plain;

const HEADER_CHARS_MAX: usize = 140;
const LINE_CHARS_MAX: usize = 300;

/// The message: `text` for notifications, and `blocks`.
pub fn pipeline_message(request: &Request) -> Value {
    let headline = plain(&request.headline(), LINE_CHARS_MAX);
    let mut blocks = vec![
        json!({ "type": "header", "text": text(&headline, HEADER_CHARS_MAX) }),
        json!({ "type": "section", "fields": [
            field("Pipeline", &request.gate.pipeline),
            field("Stage", &request.gate.stage),
            field("Action", &request.gate.action),
            field("Started by", request.started_by.as_deref().unwrap_or("nobody known")),
        ] }),
    ];
    let words: Vec<String> = request
        .words
        .iter()
        .map(|words| plain(words, LINE_CHARS_MAX))
        .filter(|words| !words.is_empty())
        .collect();
    if !words.is_empty() {
        blocks.push(section(&words.join("\n")));
    }
    match request.phase {
        Phase::Open => {
            blocks.push(context(&needed(request)));
            let id = request.id.as_str();
            blocks.push(reason_input(id));
            blocks.push(json!({
                "type": "actions",
                "block_id": format!("answers {id}"),
                "elements": [
                    button("approve", id, "Approve", Some("primary")),
                    button("reject", id, "Reject", Some("danger")),
                ],
            }));
        }
        Phase::Answering { .. } => blocks.push(context("CodePipeline is being told.")),
        Phase::Over { .. } => {}
    }
    json!({ "text": headline, "blocks": blocks })
}

fn needed(request: &Request) -> String {
    let so_far = match request.voices() {
        voices if voices.is_empty() => String::new(),
        voices => format!(" Approved so far by {}.", plain(&voices, LINE_CHARS_MAX)),
    };
    format!("{}.{so_far}", plain(&request.needs(), LINE_CHARS_MAX))
}
