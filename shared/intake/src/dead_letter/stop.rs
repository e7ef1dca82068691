//! The last stops of `template.yaml`, recognised by their names there.

use crate::Function;

/// A queue that nothing reads but people.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stop {
    /// The queue's logical id.
    pub name: String,
    pub kind: StopKind,
    /// Whoever failed on what lies there; `None` for the quarantine, where each message says so.
    pub function: Option<Function>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum StopKind {
    /// What functions set aside.
    Quarantine,
    /// `<Function>Failures`: what Lambda gave up, and what EventBridge or SNS could not deliver.
    Failures,
    /// `<Name>DeadLetters`: what the queue `<Name>Queue` gave up.
    DeadLetters { source: String },
}

impl Stop {
    /// The last stop of this logical id; `None` for any other queue.
    pub fn named(logical_id: &str) -> Option<Self> {
        let (kind, function) = if logical_id == "QuarantineQueue" {
            (StopKind::Quarantine, None)
        } else if let Some(name) = logical_id.strip_suffix("Failures") {
            (StopKind::Failures, Function::named(&name.to_ascii_lowercase()))
        } else {
            let source = format!("{}Queue", logical_id.strip_suffix("DeadLetters")?);
            let function = crate::sqs::consumer_of(&source);
            (StopKind::DeadLetters { source }, function)
        };
        Some(Self { name: logical_id.to_owned(), kind, function })
    }
}
