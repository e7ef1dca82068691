//! What goes wrong on purpose with the calls of an account's functions: as AWS fails, seeded, and counted.

mod refusal;
mod weather;

use std::collections::BTreeMap;

pub(crate) use refusal::refusal;
pub(crate) use weather::{FunctionCall, Weather};

/// What befalls one attempt of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// The service's own "not now". Nothing is done.
    Throttled,
    /// A 503. Nothing is done.
    Unavailable,
    /// A 500. Nothing is done, but the answer does not say so.
    Broken,
    /// The connection ends before anything is done.
    Reset,
    /// It is done, and the connection ends without an answer.
    AnswerLost,
    /// It is done, and the answer comes when nobody waits for it any more.
    AnswerLate,
}

impl Fault {
    pub const ALL: [Self; 6] =
        [Self::Throttled, Self::Unavailable, Self::Broken, Self::Reset, Self::AnswerLost, Self::AnswerLate];
}

/// Faults of an account's functions, the same for the same seed: what befalls the third `PutItem` does not depend on
/// what other calls come in between. Only functions suffer; builds and whoever watches do not.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    pub seed: u64,
    /// What befalls the first call of an operation in any case: `StartBuild`, or `PUT` where a service has only methods.
    pub first: BTreeMap<String, Fault>,
}

/// Functions' processes that are killed while they handle an event, each at a moment drawn from the seed.
#[derive(Debug, Clone, Copy)]
pub struct Kills {
    pub seed: u64,
    pub most: u32,
    /// On average one call in so many is followed by a kill.
    pub one_call_in: u64,
}

/// What has gone wrong on purpose so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Attempts of functions' calls that arrived here, whatever became of them.
    pub attempts: u64,
    /// By service, operation and fault.
    pub befallen: BTreeMap<(String, String, Fault), u32>,
    /// Calls whose every attempt was to fail, by function.
    pub hopeless: BTreeMap<String, u32>,
    /// By function.
    pub killed: BTreeMap<String, u32>,
}

impl Tally {
    pub fn of(&self, fault: Fault) -> u32 {
        self.sum(|_, _, befallen| befallen == fault)
    }

    /// Of one operation.
    pub fn of_call(&self, service: &str, action: &str, fault: Fault) -> u32 {
        self.sum(|its_service, its_action, befallen| {
            (its_service, its_action, befallen) == (service, action, fault)
        })
    }

    pub fn kills(&self) -> u32 {
        self.killed.values().sum()
    }

    fn sum(&self, counts: impl Fn(&str, &str, Fault) -> bool) -> u32 {
        let counted =
            self.befallen.iter().filter(|((service, action, fault), _)| counts(service, action, *fault));
        counted.map(|(_, times)| times).sum()
    }
}
