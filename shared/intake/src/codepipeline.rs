//! CodePipeline's requests for a manual approval. Its events are not heard.
//!
//! Source: CodePipeline user guide, "JSON data format for manual approval notifications".

use crate::unreadable::{At, Unreadable};
use crate::{Meaning, PipelineApproval, Subject, Token};

pub(crate) fn approval(message: &At<'_>) -> Result<Meaning, Unreadable> {
    let approval = message.field("approval");
    approval.object()?;
    let name = |key: &str, allowed: &str| approval.field(key).text(allowed).map(str::to_owned);
    let token = approval.field("token");
    let token = match token.value {
        serde_json::Value::Null => None,
        serde_json::Value::String(text) if !text.is_empty() => Some(Token::new(text)),
        // Whatever stands there is not shown: it may be the token in another form.
        serde_json::Value::Bool(_)
        | serde_json::Value::Number(_)
        | serde_json::Value::String(_)
        | serde_json::Value::Array(_)
        | serde_json::Value::Object(_) => {
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
