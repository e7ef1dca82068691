//! CodePipeline's requests for a manual approval. Its events are not heard.
//!
//! Source: CodePipeline user guide, "JSON data format for manual approval notifications".

use serde_json::Value;

use crate::unreadable::{At, Unreadable};
use crate::{Meaning, PipelineApproval, Subject, Token};

/// The payload without the tokens of requests in it; `None` where one would be left. Without its token a request is found
/// by its gate.
pub(crate) fn without_tokens(payload: &str, tokens: &[&Token]) -> Option<String> {
    let mut value: Value = serde_json::from_str(payload).ok()?;
    cut_tokens(&mut value);
    let cut = value.to_string();
    (!tokens.iter().any(|token| cut.contains(token.reveal()))).then_some(cut)
}

/// Requests lie in texts: that of a notification, or of a queue's message. The link to the review has the token too.
fn cut_tokens(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            if let Some(Value::Object(approval)) = fields.get_mut("approval") {
                approval.remove("token");
                approval.remove("approvalReviewLink");
            }
            fields.values_mut().for_each(cut_tokens);
        }
        Value::Array(values) => values.iter_mut().for_each(cut_tokens),
        Value::String(text) => {
            if let Ok(mut inner @ Value::Object(_)) =
                serde_json::from_str(text.trim_start_matches('\u{feff}'))
            {
                cut_tokens(&mut inner);
                *text = inner.to_string();
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

pub(crate) fn approval(message: &At<'_>) -> Result<Meaning, Unreadable> {
    let approval = message.field("approval");
    approval.object()?;
    let name = |key: &str, allowed: &str| approval.field(key).text(allowed).map(str::to_owned);
    let token = approval.field("token");
    let token = match token.value {
        Value::Null => None,
        Value::String(text) if !text.is_empty() => Some(Token::new(text)),
        // Whatever stands there is not shown: it may be the token in another form.
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
            return Err(Unreadable::new(token.place, "of another form", "a text, or missing"));
        }
    };
    Ok(Meaning::Signal(Subject::PipelineApproval(PipelineApproval {
        pipeline: name("pipelineName", "the name of a pipeline")?,
        stage: name("stageName", "the name of a stage")?,
        action: name("actionName", "the name of an action")?,
        token,
        region: message.field("region").hint(),
        console_link: message.field("consoleLink").hint(),
        expires: approval.field("expires").hint(),
        review_link: approval.field("approvalReviewLink").hint(),
        external_link: approval.field("externalEntityLink").hint(),
        custom_data: approval.field("customData").hint(),
    })))
}
