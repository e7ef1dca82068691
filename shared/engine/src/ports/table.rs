//! The table, the queues, and what is set aside.

use intake::Care;
use intake::dead_letter::Dropped;
use model::build::Build;
use model::decide::Advance;
use model::effect::Hand;
use model::ids::{BranchName, BuildFamily, OrderId, ReleaseId, RepositoryName, TrackKey};
use model::listener::Listener;
use model::release::Release;
use model::time::{Span, Timestamp};
use model::track::Track;

use super::Answer;

/// How a conditional write ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Commit {
    Written,
    /// Somebody else wrote first; nothing was written.
    Lost,
}

/// What is taken once: an order by its nonce, remembered for as long as its proof could be believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Once {
    pub id: OrderId,
    pub until: Timestamp,
}

/// How a conditional write that is to happen once ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommitOnce {
    Written,
    /// Somebody else wrote first; nothing was written.
    Lost,
    /// It was taken before; nothing was written.
    Spent,
}

/// The table's tracks and releases.
pub trait Tracks {
    async fn load_track(&self, key: &TrackKey) -> Answer<Option<Track>>;
    /// One transaction: the track, only if its stored version is one less (absent for version 1), and every changed
    /// release.
    async fn commit_track(&self, advance: &Advance) -> Answer<Commit>;
    /// The same, and in the same transaction that this was taken; nothing is written when it was before.
    async fn commit_track_once(&self, advance: &Advance, once: &Once) -> Answer<CommitOnce>;
    async fn load_release(&self, id: &ReleaseId) -> Answer<Option<Release>>;
}

/// The table's builds.
pub trait Builds {
    async fn load_build(&self, family: &BuildFamily) -> Answer<Option<Build>>;
    /// Only if the stored version is one less (absent for version 1).
    async fn commit_build(&self, build: &Build) -> Answer<Commit>;
}

/// Who holds which place among a listener's rules.
pub trait Listeners {
    /// Empty when nobody ever held a place there. `arn` is the listener's.
    async fn load_listener(&self, arn: &str) -> Answer<Listener>;
    /// Only if the stored version is one less (absent for version 1).
    async fn commit_listener(&self, arn: &str, listener: &Listener) -> Answer<Commit>;
}

/// What the sweep looks at: the sparse index of tracks by due time, and its own place in the patrol.
pub trait Agenda {
    /// Tracks due at or before `until`, the longest overdue first, at most `limit`.
    async fn due_tracks(&self, until: Timestamp, limit: u32) -> Answer<Vec<TrackKey>>;
    async fn load_patrol(&self) -> Answer<Option<String>>;
    /// Where the next patrol goes on; `None` starts over.
    async fn save_patrol(&self, next: Option<&str>) -> Answer<()>;
}

/// Messages to hands and ears. Delivered at least once, in any order.
pub trait Queues {
    /// `version` names the commit that asks; `delay` is at most `DELAY_MAX`, and not kept by the notify queue.
    async fn wake(&self, hand: Hand, track: &TrackKey, version: u64, delay: Span) -> Answer<()>;
}

/// Longest delay of an SQS message. Source: SQS API, SendMessage.
pub const DELAY_MAX: Span = Span::minutes(15);

pub trait Patrol {
    async fn send_to_push(&self, repository: &RepositoryName, branch: &BranchName) -> Answer<()>;
}

/// Notes of what became of messages that waited for a person.
pub trait Letters {
    /// In one transaction with its being taken once; `Lost` when others wrote at the same moment.
    async fn note_care(&self, care: Care, letter: &Dropped, once: &Once) -> Answer<CommitOnce>;
}

/// Where events go that need a person.
pub trait Quarantine {
    /// `payload` is what came, or `None` where that must not be kept.
    async fn quarantine(&self, function: &str, why: &str, payload: Option<&[u8]>) -> Answer<()>;
}
