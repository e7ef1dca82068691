//! Why a proof is not believed, and the HTTP status that would say so.

use model::approval::Identity;

/// Says nothing of the proof itself (I9): whoever is refused learns only what they must mend.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("the order has no proof of who gives it: `tidegate` signs one")]
    Missing,
    #[error("the proof's {0}")]
    Malformed(&'static str),
    #[error("the proof was signed {age_s} s ago, and holds for {max_s} s: is this machine's clock right?")]
    TooOld { age_s: u64, max_s: u64 },
    #[error("the proof was signed {by_s} s from now: is this machine's clock right?")]
    Ahead { by_s: u64 },
    #[error("the proof is for another region than this installation's, {0}")]
    AnotherRegion(String),
    #[error("the proof does not sign what must be signed: {0}")]
    Unsigned(&'static str),
    #[error(
        "AWS does not take the signature for this order ({status}): it was signed by others, or for another order"
    )]
    NotTaken { status: u16 },
    #[error("STS {0}: that is no answer to be believed")]
    Strange(&'static str),
    #[error("the caller is of account {theirs}, and this installation of {ours}")]
    AnotherAccount { theirs: String, ours: String },
    #[error("{0}")]
    NotAPerson(&'static str),
    #[error("nobody in the record of people is {0}: ask whoever runs the platform to add you")]
    Stranger(Identity),
    #[error("this order was taken before: `tidegate status` shows what became of it")]
    Spent,
}

impl Refusal {
    pub fn status(&self) -> u16 {
        match self {
            Refusal::Malformed(_) => 400,
            Refusal::Missing
            | Refusal::TooOld { .. }
            | Refusal::Ahead { .. }
            | Refusal::AnotherRegion(_)
            | Refusal::Unsigned(_)
            | Refusal::NotTaken { .. } => 401,
            Refusal::AnotherAccount { .. } | Refusal::NotAPerson(_) | Refusal::Stranger(_) => 403,
            Refusal::Spent => 409,
            Refusal::Strange(_) => 502,
        }
    }
}
