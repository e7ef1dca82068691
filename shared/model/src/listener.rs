//! Who holds which place among a listener's rules: one versioned item for each listener, written only if nobody wrote
//! in between.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ids::{ReleaseId, Revision, TrackKey};
pub use crate::matching::Matching;
use crate::matching::Meeting;
use crate::release::{Ending, Release};
use crate::time::{Span, Timestamp};
use crate::track::Track;

/// Source: Application Load Balancer guide, "Quotas": rules, and target groups, of one load balancer.
pub const RULES_MAX: u32 = 100;
pub const TARGET_GROUPS_MAX: u32 = 100;
const PRIORITY_MAX: u32 = 50_000;
/// A place is reserved before its release is committed. Whoever has not committed it by then has crashed: a Lambda
/// function runs for fifteen minutes at most.
pub const COMMITTED_WITHIN: Span = Span::minutes(20);

/// The rules of one listener, as they are or will be.
///
/// What is stored is what was asked for. Whether it still stands is for the holder's own track to say: nobody has to
/// live to give a place back, and none is held for ever.
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
    pub live: Option<Reserved>,
    /// Of releases that bring it, or may have left it behind.
    pub coming: Vec<Reserved>,
}

/// A rule and the release that it is for. Two pushes may think themselves the next release: only one of the two
/// revisions will be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reserved {
    pub n: u32,
    pub revision: Revision,
    pub at: Timestamp,
    pub rule: Rule,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rule {
    pub priority: u32,
    pub matching: Matching,
    pub target_groups: u32,
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
        /// The nearest number that can be had.
        free: Option<u32>,
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
        free: Option<u32>,
    },
    /// No number is free between the rules that must come before and those that must come after.
    NoRoom,
    TooMany {
        what: &'static str,
        limit: u32,
    },
}

impl Clash {
    /// Whose place is in the way; nobody's alone where there is no room.
    pub fn holder(&self) -> Option<&TrackKey> {
        match self {
            Clash::Priority { holder, .. } | Clash::Overlap { holder, .. } | Clash::Order { holder, .. } => {
                Some(holder)
            }
            Clash::NoRoom | Clash::TooMany { .. } => None,
        }
    }
}

impl fmt::Display for Clash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let free = |free: &Option<u32>| match free {
            Some(free) => format!("; {free} is free"),
            None => "; no number that would do is free".to_owned(),
        };
        match self {
            Clash::Priority { priority, holder, free: number } => {
                write!(f, "priority {priority} is held by {holder}{}", free(number))
            }
            Clash::Overlap { own, theirs, holder } => {
                write!(f, "{own} takes requests that {theirs} of {holder} takes as well")
            }
            Clash::Order { priority, holder, theirs, free: number } => write!(
                f,
                "priority {priority} and the {theirs} of {holder} are the wrong way round: of two rules that take the \
                 same requests the more specific one needs the smaller number{}",
                free(number)
            ),
            Clash::NoRoom => f.write_str("no priority is free between the rules that it must stand between"),
            Clash::TooMany { what, limit } => {
                write!(f, "the load balancer has {limit} {what} already, which is its limit")
            }
        }
    }
}

impl Listener {
    /// The listener with what `release` wants held for it, and the priority that it has there.
    ///
    /// # Errors
    /// The first clash with what others hold. Nothing is held then.
    pub fn reserve(
        &self,
        release: &ReleaseId,
        revision: &Revision,
        wanted: &Wanted,
        now: Timestamp,
    ) -> Result<(Listener, u32), Clash> {
        let track = &release.track;
        let priority = match wanted.priority {
            WantedPriority::At(priority) => priority,
            WantedPriority::Auto => {
                let kept = self.kept(release, revision, &wanted.matching);
                let place = wanted.matching.place();
                kept.or_else(|| self.nearest(track, &wanted.matching, place)).ok_or(Clash::NoRoom)?
            }
        };
        let rule = Rule { priority, matching: wanted.matching.clone(), target_groups: wanted.target_groups };
        for (holder, theirs) in self.others(track) {
            let free = || self.nearest(track, &rule.matching, priority);
            rule.check_against(holder, theirs, free)?;
        }
        let mut next = self.clone();
        let coming = &mut next.held.entry(track.clone()).or_default().coming;
        let own = |reserved: &Reserved| reserved.is_of(release.n, revision);
        if !coming.iter().any(|reserved| own(reserved) && reserved.rule == rule) {
            coming.retain(|reserved| !own(reserved));
            coming.push(Reserved { n: release.n, revision: revision.clone(), at: now, rule });
        }
        next.check_quotas()?;
        next.version = self.version + u64::from(next.held != self.held);
        Ok((next, priority))
    }

    /// Whether a rule for just these requests is held by the track already.
    pub fn has(&self, track: &TrackKey, matching: &Matching) -> bool {
        self.held.get(track).is_some_and(|held| held.rules().any(|rule| rule.matching == *matching))
    }

    /// Releases with a place whose ending must be known before it can be said whether they left their rule behind.
    pub fn unsure(&self, track: &Track) -> Vec<u32> {
        let Some(held) = self.held.get(&track.key) else { return Vec::new() };
        let is_over = |n: &u32| {
            track.newest.as_ref().is_some_and(|newest| *n <= newest.n) && track.release(*n).is_none()
        };
        let live = track.live.as_ref().map(|live| live.release.n);
        let past = live.max(track.retired.as_ref().map(|retired| retired.release.n));
        let is_past = |n: &u32| past.is_some_and(|past| *n <= past);
        let mut unsure: Vec<u32> = held.coming.iter().map(|reserved| reserved.n).collect();
        unsure.retain(|n| is_over(n) && !is_past(n));
        unsure.sort_unstable();
        unsure.dedup();
        unsure
    }

    /// What of the track's places still stands, by the track itself and those releases that were `unsure`.
    #[must_use]
    pub fn as_held(&self, track: &Track, over: &[Release], now: Timestamp) -> Listener {
        let mut next = self.clone();
        let Some(held) = next.held.get_mut(&track.key) else { return next };
        let brought = track.live.as_ref().and_then(|live| {
            let is_live = |reserved: &&Reserved| reserved.is_of(live.release.n, &live.revision);
            held.coming.iter().chain(&held.live).find(is_live).cloned()
        });
        let is_coming = |reserved: &Reserved| match track.release(reserved.n) {
            Some(release) => release.revision == reserved.revision,
            None if track.newest.as_ref().is_none_or(|newest| newest.n < reserved.n) => {
                reserved.at.plus(COMMITTED_WITHIN) > now
            }
            None => over
                .iter()
                .any(|release| reserved.is_of(release.id.n, &release.revision) && may_have_left(release)),
        };
        held.coming.retain(is_coming);
        held.live = brought;
        if *held == Held::default() {
            next.held.remove(&track.key);
        }
        next.version = self.version + u64::from(next.held != self.held);
        next
    }

    fn others<'l>(&'l self, track: &'l TrackKey) -> impl Iterator<Item = (&'l TrackKey, &'l Rule)> {
        let others = self.held.iter().filter(move |(holder, _)| *holder != track);
        others.flat_map(|(holder, held)| held.rules().map(move |rule| (holder, rule)))
    }

    /// A number that is the track's already and still stands right: the release's own, or else that of what is live.
    fn kept(&self, release: &ReleaseId, revision: &Revision, matching: &Matching) -> Option<u32> {
        let stands = self.standing(&release.track, matching);
        let held = self.held.get(&release.track)?;
        let own = held.coming.iter().filter(|reserved| reserved.is_of(release.n, revision));
        let priorities = own.chain(&held.live).chain(&held.coming).map(|reserved| reserved.rule.priority);
        priorities.into_iter().find(|priority| stands(*priority))
    }

    /// The free number nearest to `place`.
    fn nearest(&self, track: &TrackKey, matching: &Matching, place: u32) -> Option<u32> {
        let stands = self.standing(track, matching);
        let away = (0..=PRIORITY_MAX).flat_map(|away| [place.checked_sub(away), place.checked_add(away)]);
        away.flatten().find(|priority| stands(*priority))
    }

    /// Which numbers are free, and on the right side of every rule that takes some of the same requests.
    fn standing(&self, track: &TrackKey, matching: &Matching) -> impl Fn(u32) -> bool {
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
        move |priority| after < priority && priority < before && !taken.contains(&priority)
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

/// CloudFormation was at its stack, and what it left there nobody has read to its end.
fn may_have_left(release: &Release) -> bool {
    match release.ending() {
        Some(Ending::Failed { stack_status: Some(status), .. }) => status != "DELETE_COMPLETE",
        Some(
            Ending::Failed { stack_status: None, .. }
            | Ending::Deployed { .. }
            | Ending::RolledBack { .. }
            | Ending::Superseded { .. }
            | Ending::Rejected { .. }
            | Ending::Expired { .. }
            | Ending::Cancelled { .. }
            | Ending::Retired { .. },
        )
        | None => false,
    }
}

impl Held {
    pub fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.live.iter().chain(&self.coming).map(|reserved| &reserved.rule)
    }
}

impl Reserved {
    fn is_of(&self, n: u32, revision: &Revision) -> bool {
        self.n == n && self.revision == *revision
    }
}

impl Rule {
    fn check_against(
        &self,
        holder: &TrackKey,
        theirs: &Rule,
        free: impl FnOnce() -> Option<u32>,
    ) -> Result<(), Clash> {
        if self.priority == theirs.priority {
            return Err(Clash::Priority { priority: self.priority, holder: holder.clone(), free: free() });
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
        Err(Clash::Order {
            priority: self.priority,
            holder: holder.clone(),
            theirs: theirs.priority,
            free: free(),
        })
    }
}
