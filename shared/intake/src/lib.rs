//! What a payload is about. Any payload that any function may ever get goes in; out comes, for each message in
//! it, a signal, an ignore with its reason, or quarantine. Pure: no clock, no AWS, no panic.
//!
//! Strict where a field decides something, lenient on everything else that AWS sends: impossible dates, accounts
//! of 13 digits, ids that are no UUIDs, resources that are missing.

mod subject;
mod unreadable;
mod why;

pub use subject::{
    Backup, Database, DatabaseKind, Function, PipelineApproval, Reply, ReplyAnswer, Subject, Token,
};
pub use unreadable::Unreadable;
pub use why::Why;

use model::ids::TrackKey;

/// A larger payload is quarantined unread. The largest message that EventBridge, SNS and asynchronous
/// invocation can carry.
pub const INTAKE_BYTES_MAX: usize = 1024 * 1024;

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

/// Reads every message in `payload`; never empty.
pub fn read(payload: &[u8]) -> Vec<Reading> {
    let _ = payload;
    todo!()
}
