//! Who holds which place among a listener's rules: one versioned item for each listener, written only if nobody wrote
//! in between.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ids::TrackKey;
use crate::pattern::{covers, overlap};

/// Source: Application Load Balancer guide, "Quotas": rules, and target groups, of one load balancer.
pub const RULES_MAX: u32 = 100;
pub const TARGET_GROUPS_MAX: u32 = 100;
const PRIORITY_MAX: u32 = 50_000;

/// The rules of one listener, as they are or will be.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Listener {
    /// Number of writes; 0 before the first.
    pub version: u64,
    pub held: BTreeMap<TrackKey, Held>,
}

/// What one track holds: until a stack has ended both its old and its new rule are in its way.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Held {
    pub live: Option<Rule>,
    /// By the number of the release that brings it.
    pub coming: BTreeMap<u32, Rule>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rule {
    pub priority: u32,
    pub matching: Matching,
    pub target_groups: u32,
}

/// Which requests a rule takes: those for one of `hosts` and one of `paths`; an empty list takes all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Matching {
    pub hosts: Vec<String>,
    pub paths: Vec<String>,
}

/// What a release asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    pub priority: WantedPriority,
    pub matching: Matching,
    pub target_groups: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WantedPriority {
    At(u32),
    /// The one that the track has, if it can stay; or else a free one before all rules that are less specific.
    Auto,
}

/// Why a place cannot be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Clash {
    Priority {
        priority: u32,
        holder: TrackKey,
    },
    /// Neither rule is the more specific one: the same requests are meant for both.
    Overlap {
        own: String,
        theirs: String,
        holder: TrackKey,
    },
    /// The more specific rule would be tried after the other, and never get a request.
    Order {
        priority: u32,
        holder: TrackKey,
        theirs: u32,
    },
    /// No number is free between the rules that must come before and those that must come after.
    NoRoom,
    TooMany {
        what: &'static str,
        limit: u32,
    },
}

impl fmt::Display for Clash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Clash::Priority { priority, holder } => write!(f, "priority {priority} is held by {holder}"),
            Clash::Overlap { own, theirs, holder } => {
                write!(f, "{own} takes requests that {theirs} of {holder} takes as well")
            }
            Clash::Order { priority, holder, theirs } => write!(
                f,
                "priority {priority} and the {theirs} of {holder} are the wrong way round: of two rules that take the \
                 same requests the more specific one needs the smaller number"
            ),
            Clash::NoRoom => f.write_str("no priority is free between the rules that it must stand between"),
            Clash::TooMany { what, limit } => {
                write!(f, "the load balancer has {limit} {what} already, which is its limit")
            }
        }
    }
}

impl Listener {
    /// The listener with what release `n` of `track` wants held for it, and the priority that it has there.
    ///
    /// # Errors
    /// The first clash with what others hold. Nothing is held then.
    pub fn reserve(&self, track: &TrackKey, n: u32, wanted: &Wanted) -> Result<(Listener, u32), Clash> {
        let own = self.held.get(track);
        let priority = match wanted.priority {
            WantedPriority::At(priority) => priority,
            WantedPriority::Auto => self.pick(track, own, &wanted.matching)?,
        };
        let rule = Rule { priority, matching: wanted.matching.clone(), target_groups: wanted.target_groups };
        for (holder, theirs) in self.others(track) {
            rule.check_against(holder, theirs)?;
        }
        let mut next = self.clone();
        next.held.entry(track.clone()).or_default().coming.insert(n, rule);
        next.check_quotas()?;
        next.version += u64::from(next.held != self.held);
        Ok((next, priority))
    }

    /// Release `n` is deployed: its rule is the live one, and those of older releases will not come.
    #[must_use]
    pub fn settle(&self, track: &TrackKey, n: u32) -> Listener {
        self.change(track, |held| {
            if let Some(rule) = held.coming.remove(&n) {
                held.live = Some(rule);
            }
            held.coming.retain(|coming, _| *coming > n);
        })
    }

    /// Release `n` ended otherwise: what was live stays.
    #[must_use]
    pub fn leave(&self, track: &TrackKey, n: u32) -> Listener {
        self.change(track, |held| drop(held.coming.remove(&n)))
    }

    /// The track's stack is gone.
    #[must_use]
    pub fn free(&self, track: &TrackKey) -> Listener {
        self.change(track, |held| *held = Held::default())
    }

    fn change(&self, track: &TrackKey, change: impl FnOnce(&mut Held)) -> Listener {
        let mut next = self.clone();
        if let Some(held) = next.held.get_mut(track) {
            change(held);
            if *held == Held::default() {
                next.held.remove(track);
            }
        }
        next.version += u64::from(next.held != self.held);
        next
    }

    fn others<'l>(&'l self, track: &'l TrackKey) -> impl Iterator<Item = (&'l TrackKey, &'l Rule)> {
        let others = self.held.iter().filter(move |(holder, _)| *holder != track);
        others.flat_map(|(holder, held)| held.rules().map(move |rule| (holder, rule)))
    }

    /// The track's own number if it still stands right, or the free one nearest to where such a pattern belongs.
    fn pick(&self, track: &TrackKey, own: Option<&Held>, matching: &Matching) -> Result<u32, Clash> {
        let (mut after, mut before) = (0, PRIORITY_MAX + 1);
        let mut taken = Vec::new();
        for (_, theirs) in self.others(track) {
            taken.push(theirs.priority);
            match matching.compare(&theirs.matching) {
                // Told when the rules are checked against each other.
                Meeting::Apart | Meeting::Clash { .. } => {}
                Meeting::Within => before = before.min(theirs.priority),
                Meeting::Around => after = after.max(theirs.priority),
            }
        }
        let stands = |priority: &u32| after < *priority && *priority < before && !taken.contains(priority);
        let kept = own.into_iter().flat_map(Held::rules).map(|rule| rule.priority).find(stands);
        if let Some(kept) = kept {
            return Ok(kept);
        }
        let place = matching.place();
        let away = (0..=PRIORITY_MAX).flat_map(|away| [place.checked_sub(away), place.checked_add(away)]);
        away.flatten().find(stands).ok_or(Clash::NoRoom)
    }

    fn check_quotas(&self) -> Result<(), Clash> {
        // A track's rules follow each other in one rule of its stack.
        if self.held.len() > RULES_MAX as usize {
            return Err(Clash::TooMany { what: "rules", limit: RULES_MAX });
        }
        let groups = self.held.values().filter_map(|held| held.rules().map(|rule| rule.target_groups).max());
        if groups.sum::<u32>() > TARGET_GROUPS_MAX {
            return Err(Clash::TooMany { what: "target groups", limit: TARGET_GROUPS_MAX });
        }
        Ok(())
    }
}

impl Held {
    pub fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.live.iter().chain(self.coming.values())
    }
}

impl Rule {
    fn check_against(&self, holder: &TrackKey, theirs: &Rule) -> Result<(), Clash> {
        if self.priority == theirs.priority {
            return Err(Clash::Priority { priority: self.priority, holder: holder.clone() });
        }
        let in_order = match self.matching.compare(&theirs.matching) {
            Meeting::Apart => true,
            Meeting::Within => self.priority < theirs.priority,
            Meeting::Around => self.priority > theirs.priority,
            Meeting::Clash { own, theirs } => {
                return Err(Clash::Overlap { own, theirs, holder: holder.clone() });
            }
        };
        if in_order {
            return Ok(());
        }
        Err(Clash::Order { priority: self.priority, holder: holder.clone(), theirs: theirs.priority })
    }
}

/// How two rules stand to each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Meeting {
    Apart,
    /// All that this one shares with the other, and more, is the other's: this is the more specific one.
    Within,
    Around,
    Clash {
        own: String,
        theirs: String,
    },
}

impl Matching {
    fn pairs(&self) -> Vec<(String, String)> {
        let all = || vec!["*".to_owned()];
        let hosts = if self.hosts.is_empty() { all() } else { self.hosts.clone() };
        let paths = if self.paths.is_empty() { all() } else { self.paths.clone() };
        hosts
            .iter()
            // Hosts are compared without regard to case.
            .flat_map(|host| paths.iter().map(move |path| (host.to_ascii_lowercase(), path.clone())))
            .collect()
    }

    pub(crate) fn compare(&self, other: &Matching) -> Meeting {
        let (own, theirs) = (self.pairs(), other.pairs());
        let both = own.iter().flat_map(|a| theirs.iter().map(move |b| (a, b)));
        let shared: Vec<_> = both.filter(|(a, b)| overlap(&a.0, &b.0) && overlap(&a.1, &b.1)).collect();
        let over = |a: &(String, String), b: &(String, String)| covers(&a.0, &b.0) && covers(&a.1, &b.1);
        let Some((first, second)) = shared.first() else { return Meeting::Apart };
        let within = shared.iter().all(|(a, b)| over(b, a));
        let around = shared.iter().all(|(a, b)| over(a, b));
        match (within, around) {
            (true, false) => Meeting::Within,
            (false, true) => Meeting::Around,
            (true, true) | (false, false) => {
                let spelled = |pair: &(String, String)| match pair.0.as_str() {
                    "*" => pair.1.clone(),
                    host => format!("{host}{}", pair.1),
                };
                Meeting::Clash { own: spelled(first), theirs: spelled(second) }
            }
        }
    }

    /// Where such a rule belongs: the more it says, the further to the front. Numbers below a thousand are left to those
    /// who pick one themselves.
    fn place(&self) -> u32 {
        const FIRST: u32 = 1_000;
        const STEP: u32 = 150;
        let said = |patterns: &[String]| {
            let literal = |pattern: &String| pattern.chars().filter(|c| !matches!(c, '*' | '?')).count();
            patterns.iter().map(literal).min().unwrap_or_default()
        };
        let said = u32::try_from(said(&self.hosts) + said(&self.paths)).unwrap_or(PRIORITY_MAX);
        PRIORITY_MAX.saturating_sub(said.saturating_mul(STEP)).clamp(FIRST, PRIORITY_MAX)
    }
}
