//! What goes wrong, and how often: drawn anew for each seed, so that some runs are calm and some are wild.

use crate::random::Random;

/// Times in a thousand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Faults {
    /// A function dies at a pause: before or after any call.
    pub(crate) crash: u64,
    /// A call is turned away before it has an effect.
    pub(crate) throttle: u64,
    /// A call has its effect and its answer is lost.
    pub(crate) answer_lost: u64,
    /// A call takes seconds, so that others overtake it.
    pub(crate) slow: u64,
    /// A service's event is never delivered.
    pub(crate) event_lost: u64,
    /// An event or a message is delivered twice.
    pub(crate) duplicate: u64,
    /// An event comes minutes, hours or a day late.
    pub(crate) late: u64,
    /// Builds and deployments that fail, stacks that others change.
    pub(crate) trouble: u64,
    /// Seconds that a function's clock may be off.
    pub(crate) clock_skew_s: u64,
}

impl Faults {
    pub(crate) fn drawn(random: &mut Random) -> Self {
        Self {
            crash: *random.pick(&[0, 2, 10, 30]),
            throttle: *random.pick(&[0, 5, 30]),
            answer_lost: *random.pick(&[0, 5, 30]),
            slow: *random.pick(&[0, 5, 50]),
            event_lost: *random.pick(&[0, 100, 500, 1000]),
            duplicate: *random.pick(&[0, 100, 500]),
            late: *random.pick(&[0, 50, 300]),
            trouble: *random.pick(&[0, 60, 200]),
            clock_skew_s: *random.pick(&[0, 2, 5]),
        }
    }

    /// What is under way goes on as it would; nothing new goes wrong.
    pub(crate) fn none() -> Self {
        Self {
            crash: 0,
            throttle: 0,
            answer_lost: 0,
            slow: 0,
            event_lost: 0,
            duplicate: 0,
            late: 0,
            trouble: 0,
            clock_skew_s: 0,
        }
    }
}
