//! The team's own check of a copy, as a run of a CodeBuild project or as a call of a Lambda function.

use model::database::DatabaseKey;
use model::drill::{AnswerKeyHash, DrillId};
use model::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};

/// A check to be started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckOrder {
    /// Of the project, or the function.
    pub check: String,
    pub drill: DrillId,
    pub database: DatabaseKey,
    pub engine: String,
    pub host: String,
    pub port: u16,
    /// Where user and password are, if RDS keeps them.
    pub secret: Option<String>,
}

/// A run of the team's project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckRead {
    /// The drill that it was started for, if it was for one.
    pub drill: Option<DrillId>,
    pub state: CheckState,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CheckState {
    Running,
    Succeeded { at: Timestamp },
    Failed { why: String },
}

/// A call of the team's function. Nothing can be asked how it went on, so it stands here; only an answer with the newest
/// call's key counts, and only the first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Call {
    /// Written before it is sent: whether it was, nobody knows.
    Promised { key: AnswerKeyHash },
    /// Lambda has it.
    Taken { key: AnswerKeyHash, at: Timestamp },
    Answered {
        at: Timestamp,
        /// Why the check failed; unset when it found nothing wrong.
        failure: Option<String>,
    },
}

/// What is heard of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallNews {
    /// Lambda has the call with that key.
    Taken { key: AnswerKeyHash },
    /// Somebody who has that key answered.
    Answered { key: AnswerKeyHash, failure: Option<String> },
}

/// How a check stands.
pub(crate) enum Standing {
    NotBegun,
    Runs,
    Succeeded(Timestamp),
    Failed(String),
}

/// The longest that a call can be answered after Lambda took it: Lambda runs it for a quarter of an hour at most, and twice
/// more after failures, one and two minutes later.
///
/// Source: Lambda guide, "How Lambda handles errors and retries with asynchronous invocation".
const ANSWERS_WITHIN: Span = Span::minutes(60);
const NO_ANSWER: &str = "its function was called, and no answer came within an hour; both its destinations must be the \
                         account's default event bus";

pub(crate) fn of_runs(drill: &DrillId, runs: &[CheckRead]) -> Standing {
    match runs.iter().find(|run| run.drill.as_ref() == Some(drill)).map(|run| &run.state) {
        None => Standing::NotBegun,
        Some(CheckState::Running) => Standing::Runs,
        Some(CheckState::Succeeded { at }) => Standing::Succeeded(*at),
        Some(CheckState::Failed { why }) => Standing::Failed(why.clone()),
    }
}

/// A call that may not have been sent has not begun.
pub(crate) fn of_call(call: Option<&Call>, now: Timestamp) -> Standing {
    match call {
        None | Some(Call::Promised { .. }) => Standing::NotBegun,
        Some(Call::Taken { at, .. }) if now >= at.plus(ANSWERS_WITHIN) => {
            Standing::Failed(NO_ANSWER.to_owned())
        }
        Some(Call::Taken { .. }) => Standing::Runs,
        Some(Call::Answered { at, failure: None }) => Standing::Succeeded(*at),
        Some(Call::Answered { failure: Some(why), .. }) => Standing::Failed(why.clone()),
    }
}

impl Call {
    /// What it becomes; `None` where the news are of another call, or known.
    pub(crate) fn after(&self, news: &CallNews, now: Timestamp) -> Option<Self> {
        match (self, news) {
            (Self::Promised { key }, CallNews::Taken { key: taken }) if key == taken => {
                Some(Self::Taken { key: key.clone(), at: now })
            }
            (
                Self::Promised { key } | Self::Taken { key, .. },
                CallNews::Answered { key: answered, failure },
            ) if key == answered => Some(Self::Answered { at: now, failure: failure.clone() }),
            (
                Self::Promised { .. } | Self::Taken { .. } | Self::Answered { .. },
                CallNews::Taken { .. } | CallNews::Answered { .. },
            ) => None,
        }
    }
}
