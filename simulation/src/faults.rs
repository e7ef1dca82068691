//! What goes wrong: how often is drawn anew for each seed, so that some runs are calm and some are wild. Every fault
//! that strikes has a number, so that a failing run can be made again with fewer of them.

use std::collections::BTreeSet;

use crate::random::Random;

macro_rules! faults {
    ($($(#[$doc:meta])* $name:ident $words:literal $rates:expr;)*) => {
        /// Something that may go wrong at a given moment.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) enum Fault { $($(#[$doc])* $name),* }

        impl Fault {
            pub(crate) const ALL: &[Fault] = &[$(Fault::$name),*];

            /// In words.
            pub(crate) fn name(self) -> &'static str {
                match self { $(Fault::$name => $words),* }
            }

            /// Times in a thousand; one of these for a seed.
            fn rates(self) -> &'static [u64] {
                match self { $(Fault::$name => &$rates),* }
            }
        }
    };
}

faults! {
    /// A function dies at a pause: before or after any call.
    Crash "a function crashes" [0, 2, 10, 30];
    /// A call is turned away before it has an effect.
    Throttle "a call is throttled" [0, 5, 30];
    SlackAsksToWait "Slack asks to be left alone" [0, 5, 100];
    /// A call does not reach its service.
    Unreachable "a call fails before its effect" [0, 0, 5, 20];
    /// A call has its effect and its answer is lost.
    AnswerLost "an answer is lost after the effect" [0, 5, 30];
    /// A call takes seconds, so that others overtake it.
    Slow "a call is slow" [0, 5, 50, 300];
    /// A service's event is never delivered.
    EventLost "an event is lost" [0, 100, 500, 1000];
    EventTwice "an event is delivered twice" [0, 100, 500];
    /// Minutes, hours or a day.
    EventLate "an event is late" [0, 50, 300];
    MessageTwice "a message is delivered twice" [0, 100, 500];
    /// Its visibility runs out while the function is still at work on it.
    Redelivery "a message comes again while it is worked on" [0, 0, 30, 400];
    BuildFails "a build ends badly" [0, 60, 200];
    StackFails "a stack operation ends badly" [0, 120, 400];
    TaskFails "a task ends badly, or never" [0, 120, 400];
    StackTouchedOnApproval "another tool updates a stack as its plan is approved" [0, 60, 200];
    WrongToken "somebody answers with a wrong token" [0, 60, 300];
    ForgedProof "somebody orders with a signature that is not theirs" [0, 60, 300];
    OldToken "somebody answers an old request again" [0, 60, 300];
}

/// How often each fault strikes, and what clocks say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rates {
    per_mille: [u64; Fault::ALL.len()],
    /// Seconds that a function's clock may be off.
    pub(crate) clock_skew_s: u64,
}

impl Rates {
    pub(crate) fn drawn(random: &mut Random) -> Self {
        let mut rates = Self::none();
        for fault in Fault::ALL {
            rates.per_mille[*fault as usize] = *random.pick(fault.rates());
        }
        rates.clock_skew_s = *random.pick(&[0, 2, 5]);
        rates
    }

    /// What is under way goes on as it would; nothing new goes wrong.
    pub(crate) fn none() -> Self {
        Self { per_mille: [0; Fault::ALL.len()], clock_skew_s: 0 }
    }

    pub(crate) fn of(&self, fault: Fault) -> u64 {
        self.per_mille[fault as usize]
    }

    pub(crate) fn with(mut self, fault: Fault, per_mille: u64) -> Self {
        self.per_mille[fault as usize] = per_mille;
        self
    }
}

/// One fault that struck: the how-manieth time that it could have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Strike {
    pub(crate) fault: Fault,
    pub(crate) chance: u64,
}

/// Decides whether a fault strikes: by the seed's rates, or, when a run is made again, just where it is told to.
#[derive(Debug)]
pub(crate) struct Chances {
    random: Random,
    rates: Rates,
    only: Option<BTreeSet<Strike>>,
    chances: [u64; Fault::ALL.len()],
}

impl Chances {
    pub(crate) fn new(random: Random, rates: Rates, only: Option<BTreeSet<Strike>>) -> Self {
        Self { random, rates, only, chances: [0; Fault::ALL.len()] }
    }

    pub(crate) fn strikes(&mut self, fault: Fault) -> Option<Strike> {
        let chance = self.chances[fault as usize];
        self.chances[fault as usize] += 1;
        let strike = Strike { fault, chance };
        let struck = match &self.only {
            // Nothing is drawn: what strikes does not depend on what else was left out.
            Some(only) => only.contains(&strike),
            None => self.random.chance(self.rates.of(fault)),
        };
        struck.then_some(strike)
    }

    /// From here on nothing new goes wrong.
    pub(crate) fn stop(&mut self) {
        self.rates = Rates::none();
        self.only = None;
    }

    pub(crate) fn clock_skew_s(&self) -> u64 {
        self.rates.clock_skew_s
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strikes_of_a_run_can_be_told_again_and_fewer() {
        let rates = Rates::none().with(Fault::Slow, 1000);
        let mut chances = Chances::new(Random::new(1), rates.clone(), None);
        let struck: Vec<Strike> =
            [Fault::Slow, Fault::Crash, Fault::Slow].iter().filter_map(|f| chances.strikes(*f)).collect();
        assert_eq!(struck.iter().map(|strike| strike.chance).collect::<Vec<_>>(), [0, 1]);
        let mut again = Chances::new(Random::new(1), rates, Some(BTreeSet::from([struck[1]])));
        let told = [Fault::Slow, Fault::Crash, Fault::Slow].map(|fault| again.strikes(fault));
        assert_eq!(told, [None, None, Some(struck[1])]);
    }

    #[test]
    fn once_faults_stop_none_strikes() {
        let mut chances = Chances::new(Random::new(1), Rates::none().with(Fault::Crash, 1000), None);
        assert!(chances.strikes(Fault::Crash).is_some());
        chances.stop();
        assert_eq!(chances.strikes(Fault::Crash), None);
    }
}
