//! Who may say yes to a plan, and what has been said.

mod directory;
mod policy;
mod quorum;
mod voice;

pub use directory::{Directory, Identities};
pub use policy::Policy;
pub use quorum::{Bar, Ground, Involved, Quorum};
pub use voice::{Answer, Heard, Identity, Voice, Vote};

use crate::time::Span;

/// A request is repeated when this share of its time has passed, in quarters.
const REMINDED_QUARTERS: u64 = 2;
/// And brought before others when this share has passed.
const ESCALATED_QUARTERS: u64 = 3;

/// How often those who are asked were told again.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "camelCase")]
pub enum Nudged {
    #[default]
    NotYet,
    Reminded,
    Escalated,
}

impl Nudged {
    pub(crate) fn is_not_yet(&self) -> bool {
        *self == Nudged::NotYet
    }

    /// What is due once so much has passed of a request that is open for `open`. What was missed is not made up for.
    #[must_use]
    pub fn after(self, open: Span, passed: Span) -> Self {
        let mut nudged = self;
        while nudged.next_after(open).is_some_and(|due| due <= passed) {
            nudged = match nudged {
                Nudged::NotYet => Nudged::Reminded,
                Nudged::Reminded | Nudged::Escalated => Nudged::Escalated,
            };
        }
        nudged
    }

    /// How long after asking the next nudge is due, of a request that is open for `open`; `None`: none is left.
    pub fn next_after(self, open: Span) -> Option<Span> {
        let quarters = |quarters: u64| Some(Span(open.0 / 4 * quarters));
        match self {
            Nudged::NotYet => quarters(REMINDED_QUARTERS),
            Nudged::Reminded => quarters(ESCALATED_QUARTERS),
            Nudged::Escalated => None,
        }
    }
}
