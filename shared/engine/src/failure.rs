//! What can go wrong with a call to AWS, told apart by what must follow.

use std::error::Error;

pub type Source = Box<dyn Error + Send + Sync>;

#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Nothing happened, and the same call may succeed later: throttling, 5xx, no connection. The function fails
    /// and its source of events retries.
    #[error("{call} failed and is retried: {source}")]
    Transient { call: &'static str, source: Source },
    /// The call was sent and no answer came: it may have had its effect. Looked at before it is repeated.
    #[error("{call} gave no answer; it may have happened: {source}")]
    Unknown { call: &'static str, source: Source },
    /// AWS understood the call and will not do it.
    #[error("{call} was refused: {why}")]
    Refused { call: &'static str, why: String },
    /// Not a failure: there is no room yet (build limits, a busy stack).
    #[error("{call} has to wait: {why}")]
    NoCapacity { call: &'static str, why: String },
}

impl Failure {
    pub fn transient(call: &'static str, why: impl Into<Source>) -> Self {
        Self::Transient { call, source: why.into() }
    }

    pub fn refused(call: &'static str, why: impl Into<String>) -> Self {
        Self::Refused { call, why: why.into() }
    }
}
