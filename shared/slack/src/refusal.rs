//! Why a request is not taken, and the HTTP status that says so.

use std::fmt;

/// Says nothing of the request itself: whoever is refused learns only what they must mend.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("only POST is taken")]
    Method,
    #[error("the body is larger than {max_bytes} bytes")]
    TooLarge { max_bytes: usize },
    #[error("the body is not application/x-www-form-urlencoded")]
    ContentType,
    #[error("there is no body, or it is not what its encoding says")]
    Body,
    #[error("{0}")]
    Unsigned(Unsigned),
    #[error("this request was taken before")]
    Replay,
    #[error("{0}")]
    Malformed(&'static str),
    #[error("the request is from another {0}")]
    Foreign(&'static str),
}

/// What is wrong with a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unsigned {
    /// A header lacks, or is not of the form that Slack sends.
    Headers,
    /// Too old, or ahead.
    Time,
    Signature,
}

impl fmt::Display for Unsigned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Unsigned::Headers => "Slack's signature or its timestamp is missing or malformed",
            Unsigned::Time => "the timestamp is more than five minutes away",
            Unsigned::Signature => "the signature is not Slack's",
        })
    }
}

impl Refusal {
    pub fn status(&self) -> u16 {
        match self {
            Refusal::Method => 405,
            Refusal::TooLarge { .. } => 413,
            Refusal::ContentType => 415,
            Refusal::Body | Refusal::Malformed(_) => 400,
            Refusal::Unsigned(_) => 401,
            Refusal::Foreign(_) => 403,
            Refusal::Replay => 409,
        }
    }
}
