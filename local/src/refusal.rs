//! What a stand-in says no with, under AWS's own error names.

use std::fmt;

use crate::stand_in::Answer;

/// An error answer of an AWS API: its documented name and a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub status: u16,
    pub kind: &'static str,
    pub message: String,
}

impl Refusal {
    pub(crate) fn new(kind: &'static str, message: impl Into<String>) -> Self {
        Self { status: 400, kind, message: message.into() }
    }

    /// Something of ours broke: what AWS says with a 500, so that clients retry.
    pub(crate) fn internal(message: impl fmt::Display) -> Self {
        Self { status: 500, kind: "InternalFailure", message: message.to_string() }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind, self.message)
    }
}

impl std::error::Error for Refusal {}

impl From<Refusal> for Answer {
    fn from(refusal: Refusal) -> Self {
        Answer::error(refusal.status, refusal.kind, &refusal.message)
    }
}
