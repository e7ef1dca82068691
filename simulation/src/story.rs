//! What people and the outside do in a run: drawn from the seed, and data from then on, so that a failing run can be
//! made again with less of it.

use std::fmt;

use crate::calls::CALLS;
use crate::channels::Routing;
use crate::faults::Rates;
use crate::foreign::Foreign;
use crate::random::Random;
use crate::records::Platform;
use crate::sources::{Commit, CommitKind};
use crate::world::{HOUR, MINUTE, SECOND};

#[derive(Debug, Clone)]
pub(crate) struct Story {
    pub(crate) platform: Platform,
    pub(crate) rates: Rates,
    pub(crate) acts: Vec<Act>,
    /// When faults stop, counted from the start of the run.
    pub(crate) quiet_from_ms: u64,
}

#[derive(Debug, Clone)]
pub(crate) struct Act {
    /// Counted from the start of the run.
    pub(crate) at_ms: u64,
    pub(crate) what: What,
}

#[derive(Debug, Clone)]
pub(crate) enum What {
    Push(Commit),
    /// Another tool updates a stack, or deletes it.
    StackTouched {
        stack: String,
    },
    StackDeleted {
        stack: String,
    },
    /// Somebody orders something of one of a service's tracks.
    Ordered {
        service: String,
    },
    /// Somebody orders just this.
    Given {
        order: serde_json::Value,
    },
    /// Somebody has a service retired on one of its tracks.
    Retired {
        service: String,
    },
    /// Somebody writes the record of channels anew.
    ChannelsChange(Routing),
    /// The environment's record asks for more than replies can give.
    FloorRises,
    /// Somebody takes a repository off the register, and puts it back.
    RecordGone {
        repository: String,
        for_ms: u64,
    },
    /// CodeBuild forgets every build that is over.
    BuildsForgotten,
    /// A service turns every call away for a while.
    Throttling {
        service: &'static str,
        for_ms: u64,
    },
    /// A payload that is nobody's of ours, or nobody's at all.
    Foreign(Foreign),
    /// An operator sends everything again that was dead-lettered or quarantined.
    Redrive,
}

/// Of services, so many in a thousand are no longer wanted somewhere.
const RETIRED: u64 = 150;

impl Story {
    pub(crate) fn drawn(random: &mut Random) -> Self {
        let rates = Rates::drawn(random);
        let platform = Platform::drawn(random);
        let mischief = *random.pick(&[0, 0, 150, 500]);
        let mut acts = Vec::new();
        // Now and then everybody begins at once: what they share is then written by all of them.
        let apart_ms = if random.chance(300) { SECOND } else { 10 * MINUTE };
        for repository in platform.services() {
            pushes(&mut acts, repository, apart_ms, random);
            orders(&mut acts, repository, random);
            if random.chance(RETIRED) {
                acts.push(within(12 * HOUR, What::Retired { service: repository.clone() }, random));
            }
            if random.chance(mischief / 4) {
                let (repository, for_ms) = (repository.clone(), random.between(SECOND, 30 * MINUTE));
                acts.push(within(2 * HOUR, What::RecordGone { repository, for_ms }, random));
            }
            for environment in platform.environments() {
                let stack = format!("tidegate-{repository}-{environment}");
                if random.chance(mischief / 2) {
                    acts.push(within(6 * HOUR, What::StackTouched { stack: stack.clone() }, random));
                }
                if random.chance(mischief / 8) {
                    acts.push(within(6 * HOUR, What::StackDeleted { stack }, random));
                }
            }
        }
        let last_push_ms = acts.iter().map(|act| act.at_ms).max().unwrap_or(0);
        mishaps(&mut acts, mischief, random);
        let quiet_from_ms = last_push_ms + random.between(MINUTE, 3 * HOUR);
        if random.chance(mischief) {
            let at_ms = random.between(0, quiet_from_ms + 24 * HOUR);
            acts.push(Act { at_ms, what: What::Redrive });
        }
        acts.sort_by_key(|act| act.at_ms);
        Self { platform, rates, acts, quiet_from_ms }
    }
}

/// The first within `apart_ms`.
fn pushes(acts: &mut Vec<Act>, repository: &str, apart_ms: u64, random: &mut Random) {
    let mut at_ms = random.between(0, apart_ms);
    for _ in 0..random.between(1, 5) {
        let kind = CommitKind::drawn(random);
        let commit = Commit { repository: repository.to_owned(), kind };
        acts.push(Act { at_ms, what: What::Push(commit) });
        let gap = *random.pick(&[5 * SECOND, 5 * MINUTE, 40 * MINUTE, 4 * HOUR]);
        at_ms += random.between(SECOND, gap);
    }
}

fn orders(acts: &mut Vec<Act>, service: &str, random: &mut Random) {
    for _ in 0..random.between(0, 4) {
        let at_ms = random.between(5 * MINUTE, 10 * HOUR);
        acts.push(Act { at_ms, what: What::Ordered { service: service.to_owned() } });
    }
}

fn mishaps(acts: &mut Vec<Act>, mischief: u64, random: &mut Random) {
    if random.chance(mischief) {
        let routing = Routing::drawn(random);
        acts.push(within(3 * HOUR, What::ChannelsChange(routing), random));
    }
    if random.chance(mischief) {
        acts.push(within(3 * HOUR, What::FloorRises, random));
    }
    if random.chance(mischief) {
        acts.push(within(3 * HOUR, What::BuildsForgotten, random));
    }
    for _ in 0..3 {
        if random.chance(mischief) {
            let ((_, service), for_ms) = (random.pick(CALLS), random.between(SECOND, 10 * MINUTE));
            acts.push(within(2 * HOUR, What::Throttling { service, for_ms }, random));
        }
        if random.chance(2 * mischief) {
            let foreign = Foreign::drawn(random);
            acts.push(within(2 * HOUR, What::Foreign(foreign), random));
        }
    }
}

fn within(longest_ms: u64, what: What, random: &mut Random) -> Act {
    Act { at_ms: random.between(0, longest_ms), what }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Push(commit) => write!(f, "{} is pushed: {:?}", commit.repository, commit.kind),
            Self::StackTouched { stack } => write!(f, "another tool updates {stack}"),
            Self::StackDeleted { stack } => write!(f, "another tool deletes {stack}"),
            Self::Ordered { service } => write!(f, "somebody orders something of {service}"),
            Self::Given { order } => write!(f, "somebody orders {order}"),
            Self::Retired { service } => write!(f, "somebody has {service} retired"),
            Self::ChannelsChange(routing) => write!(f, "the record of channels is now {routing:?}"),
            Self::FloorRises => f.write_str("a record asks for more approvals than replies can give"),
            Self::RecordGone { repository, for_ms } => {
                write!(f, "{repository} is not registered for {} s", for_ms / SECOND)
            }
            Self::BuildsForgotten => f.write_str("CodeBuild forgets every build that is over"),
            Self::Throttling { service, for_ms } => {
                write!(f, "{service} throttles every call for {} s", for_ms / SECOND)
            }
            Self::Foreign(foreign) => write!(f, "{foreign}"),
            Self::Redrive => f.write_str("an operator redrives what was dead-lettered"),
        }
    }
}

/// Every name of `What::name`.
pub(crate) const STORY_NAMES: [&str; 12] = [
    "push",
    "stack updated from outside",
    "stack deleted from outside",
    "order",
    "retirement ordered",
    "channels change",
    "floor rises",
    "record gone",
    "builds forgotten",
    "a service throttles everything",
    "foreign payload",
    "redrive",
];

impl What {
    /// The name that coverage counts it under.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Push(_) => "push",
            Self::StackTouched { .. } => "stack updated from outside",
            Self::StackDeleted { .. } => "stack deleted from outside",
            Self::Ordered { .. } | Self::Given { .. } => "order",
            Self::Retired { .. } => "retirement ordered",
            Self::ChannelsChange(_) => "channels change",
            Self::FloorRises => "floor rises",
            Self::RecordGone { .. } => "record gone",
            Self::BuildsForgotten => "builds forgotten",
            Self::Throttling { .. } => "a service throttles everything",
            Self::Foreign(_) => "foreign payload",
            Self::Redrive => "redrive",
        }
    }
}
