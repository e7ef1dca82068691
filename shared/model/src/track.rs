//! The track: the aggregate that one conditional write keeps whole (I1, I2, I8).

use serde::{Deserialize, Serialize};

use crate::effect::Promise;
use crate::ids::{ImageDigest, OrderId, ReleaseId, Revision, TrackKey};
use crate::order::{Hold, Override, REPAIR_MAX, Repair};
use crate::release::Release;
use crate::time::{Span, Timestamp};

/// Releases in flight on one track. Supersession keeps them below this by itself.
pub const IN_FLIGHT_MAX: usize = 8;
/// Promises that wait for their hands. A track that is full takes no new push; the patrol brings it again.
pub const OUTBOX_MAX: usize = 64;
/// Orders remembered, so that one that is sent again is taken once.
pub const ORDERS_MAX: usize = 16;
/// How often people are told that a track is held.
pub const HOLD_TOLD_EVERY: Span = Span::hours(24);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Track {
    pub key: TrackKey,
    /// Number of commits; 0 before the first.
    pub version: u64,
    /// The newest release that was ever started here.
    pub newest: Option<Newest>,
    pub live: Option<Live>,
    /// Oldest first; none of them is over.
    pub in_flight: Vec<Release>,
    pub outbox: Vec<Promise>,
    /// Number of the last promise. Counted per track, so that no effect key is ever used twice.
    pub promised: u32,
    /// The newest release of the track before whose image was promoted to here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promoted: Option<ReleaseId>,
    /// The last hold, whether it is in force or over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<Hold>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub freeze_override: Option<Override>,
    /// The last repair of the stack, whether it goes on or is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repair: Option<Repair>,
    /// The last retirement. Whatever came before it left nothing behind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retired: Option<Retired>,
    /// The last orders taken, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub orders: Vec<OrderId>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Newest {
    pub n: u32,
    /// Of the newest push or promotion: what rollbacks and other orders deploy does not make the branch older.
    pub revision: Revision,
}

/// What the service runs, as last proven by a deployment that was read to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Live {
    pub release: ReleaseId,
    pub revision: Revision,
    pub image: ImageDigest,
    pub task_definition: String,
    pub since: Timestamp,
    /// Whose image and configuration this is, after a rollback or a redeploy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<ReleaseId>,
    /// The redeploy whose mark the task definition carries; every later plan keeps it, so that it changes nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh: Option<ReleaseId>,
}

/// That the service was retired here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Retired {
    /// The release that did it.
    pub release: ReleaseId,
    pub at: Timestamp,
}

impl Live {
    /// The release whose image and configuration this is.
    pub fn stands_for(&self) -> &ReleaseId {
        self.from.as_ref().unwrap_or(&self.release)
    }
}

impl Track {
    pub fn new(key: TrackKey) -> Self {
        Self {
            key,
            version: 0,
            newest: None,
            live: None,
            in_flight: Vec::new(),
            outbox: Vec::new(),
            promised: 0,
            promoted: None,
            hold: None,
            freeze_override: None,
            repair: None,
            retired: None,
            orders: Vec::new(),
        }
    }

    /// The hold in force.
    pub fn held(&self) -> Option<&Hold> {
        self.hold.as_ref().filter(|hold| hold.lifted.is_none())
    }

    /// The repair that goes on; nothing is planned or deployed meanwhile.
    pub fn repairing(&self) -> Option<&Repair> {
        self.repair.as_ref().filter(|repair| repair.outcome.is_none())
    }

    pub fn release(&self, n: u32) -> Option<&Release> {
        self.in_flight.iter().find(|release| release.id.n == n)
    }

    pub fn release_id(&self, n: u32) -> ReleaseId {
        ReleaseId { track: self.key.clone(), n }
    }

    /// The number of the release that begins here next.
    pub fn next_number(&self) -> u32 {
        self.newest.as_ref().map_or(1, |newest| newest.n + 1)
    }

    /// When somebody must look at this track again; `None` when nothing is in flight or promised.
    pub fn due(&self) -> Option<Timestamp> {
        let promises = self.outbox.iter().map(|promise| promise.due);
        let deadlines = self.in_flight.iter().filter_map(Release::deadline);
        let hold_told = self.held().map(|hold| hold.told.plus(HOLD_TOLD_EVERY));
        let repair = self.repairing().map(|repair| repair.since.plus(REPAIR_MAX));
        promises.chain(deadlines).chain(hold_told).chain(repair).min()
    }
}
