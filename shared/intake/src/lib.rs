//! What a payload is about. Any payload that any function may ever get goes in; out comes, for each message in
//! it, a signal, an ignore with its reason, or quarantine. Pure: no clock, no AWS, no panic.
//!
//! Strict where a field decides something, lenient on everything else that AWS sends: impossible dates, accounts
//! of 13 digits, ids that are no UUIDs, resources that are missing. Whether a message is about something of ours
//! is asked before anything else in it is read.

mod arn;
mod backup;
mod cloudformation;
mod codebuild;
mod codecommit;
mod codepipeline;
pub mod dead_letter;
mod dms;
mod drill;
mod ecr;
mod ecs;
mod event;
mod function_url;
mod lambda;
mod order;
mod payload;
mod rds;
mod records;
pub mod replay;
mod reply;
mod sns;
mod sqs;
mod subject;
mod unreadable;
mod why;

pub use drill::DrillOrder;
pub use lambda::CheckAnswer;
pub use order::{
    Care, Given, GivenAnswer, GivenCare, GivenOrder, GivenPipelineAnswer, PLAN_DIGITS, REASON_CHARS_MAX,
    Wish, holds_a_proof,
};
pub use payload::read;
pub use records::only_record;
pub use subject::{
    Backup, Database, DatabaseKind, Function, PipelineApproval, Reply, ReplyAnswer, Subject, Token,
};
pub use unreadable::Unreadable;
pub use why::Why;

use model::ids::TrackKey;

/// A larger payload is quarantined unread. The largest message that EventBridge, SNS and asynchronous
/// invocation can carry.
pub const INTAKE_BYTES_MAX: usize = 1024 * 1024;

/// The longest list of messages in one payload: CodeCommit tells of up to 4,000 references in one push.
///
/// Source: CodeCommit user guide, "Quotas".
pub const INTAKE_RECORDS_MAX: usize = 4_000;

/// One message, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// Whose message this is, also before that function is built; `None`: nobody's.
    pub owner: Option<Function>,
    /// Only what the payload proves.
    pub track: Option<TrackKey>,
    /// The SQS `messageId` of the record that held the message, for partial batch failures.
    pub record: Option<String>,
    pub meaning: Meaning,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Meaning {
    /// Something of ours may have moved: look at it.
    Signal(Subject),
    /// Understood, and nothing to do.
    Ignored(Why),
    /// Not understood: a person must see it (I7).
    Quarantine(Unreadable),
}

impl Reading {
    /// Whether it is something that a person said, with a token or a signature in it. What cannot be understood is taken
    /// for that where people are heard; `function` got it.
    pub fn is_said_by_people(&self, function: Option<Function>) -> bool {
        match &self.meaning {
            Meaning::Signal(subject) => subject.is_said_by_people(),
            Meaning::Ignored(_) | Meaning::Quarantine(_) => {
                [function, self.owner].into_iter().flatten().any(Function::hears_people)
            }
        }
    }

    pub(crate) fn of(owner: Option<Function>, read: Result<Meaning, Unreadable>) -> Self {
        let meaning = read.unwrap_or_else(Meaning::Quarantine);
        let track = match &meaning {
            Meaning::Signal(subject) => subject.track(),
            Meaning::Ignored(why) => why.track(),
            Meaning::Quarantine(_) => None,
        };
        Self { owner, track, record: None, meaning }
    }

    pub(crate) fn by(owner: Function, read: Result<Meaning, Unreadable>) -> Self {
        Self::of(Some(owner), read)
    }

    pub(crate) fn nobodys(why: Why) -> Self {
        Self::of(None, Ok(Meaning::Ignored(why)))
    }
}
