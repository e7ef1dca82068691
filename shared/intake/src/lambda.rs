//! Ends of the teams' own functions that drills call: Lambda sends them to the account's default bus, when the function's
//! destinations say so.
//!
//! Source: Lambda guide, "Capturing records of Lambda asynchronous invocations".

use model::drill::{AnswerKey, DrillId};
use serde::Serialize;

use crate::unreadable::At;
use crate::{Meaning, Subject, Why};

/// How the kind of every such event begins; `Success` or `Failure` ends it.
pub(crate) const RESULT: &str = "Lambda Function Invocation Result";

/// The end of one call. It counts by its key alone: any principal of the account may send such an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CheckAnswer {
    pub drill: DrillId,
    #[serde(skip)]
    pub key: AnswerKey,
    /// What it failed with; unset when it returned.
    pub failure: Option<String>,
}

/// Others' functions end here too: what carries no drill and key of ours is one of them, and nothing of it is quoted (I9).
pub(crate) fn invocation_ended(detail: &At<'_>) -> Meaning {
    let call = detail.field("requestPayload").field("tidegate");
    let text = |key: &str| call.field(key).value.as_str();
    let drill = text("drill").and_then(|drill| drill.parse().ok());
    let key = text("answerKey").and_then(AnswerKey::read);
    match (drill, key) {
        (Some(drill), Some(key)) => {
            Meaning::Signal(Subject::DrillAnswered(CheckAnswer { drill, key, failure: failure(detail) }))
        }
        (_, _) => Meaning::Ignored(Why::OtherInvocation),
    }
}

fn failure(detail: &At<'_>) -> Option<String> {
    let condition = detail.field("requestContext").field("condition").hint();
    let failed = detail.field("responseContext").field("functionError").hint();
    if condition.as_deref() == Some("Success") && failed.is_none() {
        return None;
    }
    let said = detail
        .field("responsePayload")
        .field("errorMessage")
        .hint()
        .map(|said| crate::unreadable::plain(&said));
    Some(said.or(condition).or(failed).unwrap_or_else(|| "Lambda does not say why".to_owned()))
}
