//! What of a payload may lie where it is looked at and sent again from (I9).

use std::borrow::Cow;

use crate::codepipeline;
use crate::{Function, Meaning, Reading, Subject, holds_a_proof, read};

/// What may be kept of a payload that `function` got: nothing of what a person said, a request of CodePipeline's without
/// its token, all else as it came.
pub fn kept(function: Function, payload: &[u8]) -> Option<Cow<'_, [u8]>> {
    let readings = read(payload);
    if holds_a_proof(payload) || is_said_by_people(Some(function), &readings) {
        return None;
    }
    if tokens(&readings).next().is_none() {
        return Some(Cow::Borrowed(payload));
    }
    without_tokens(std::str::from_utf8(payload).ok()?).map(|text| Cow::Owned(text.into_bytes()))
}

/// Nothing that can be read is in it: then it counts by whom it came to.
pub(super) fn is_said_by_people(function: Option<Function>, readings: &[Reading]) -> bool {
    let nothing_read = readings.is_empty() && function.is_some_and(Function::hears_people);
    nothing_read || readings.iter().any(|reading| reading.is_said_by_people(function))
}

/// The text as it is, where no token of CodePipeline's is in it; `None` where one cannot be cut out.
pub(super) fn without_tokens(text: &str) -> Option<String> {
    let readings = read(text.as_bytes());
    let tokens: Vec<_> = tokens(&readings).collect();
    if tokens.is_empty() { Some(text.to_owned()) } else { codepipeline::without_tokens(text, &tokens) }
}

fn tokens(readings: &[Reading]) -> impl Iterator<Item = &crate::Token> {
    readings.iter().filter_map(|reading| match &reading.meaning {
        Meaning::Signal(Subject::PipelineApproval(asked)) => asked.token.as_ref(),
        Meaning::Signal(_) | Meaning::Ignored(_) | Meaning::Quarantine(_) => None,
    })
}
