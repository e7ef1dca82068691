//! The track: the aggregate that one conditional write keeps whole (I1, I2, I8).

use serde::{Deserialize, Serialize};

use crate::effect::Promise;
use crate::ids::{ImageDigest, ReleaseId, Revision, TrackKey};
use crate::release::Release;
use crate::time::Timestamp;

/// Releases in flight on one track. Supersession keeps them below this by itself.
pub const IN_FLIGHT_MAX: usize = 8;
/// Promises that wait for their hands. A track that is full takes no new push; the patrol brings it again.
pub const OUTBOX_MAX: usize = 64;

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
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Newest {
    pub n: u32,
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
        }
    }

    pub fn release(&self, n: u32) -> Option<&Release> {
        self.in_flight.iter().find(|release| release.id.n == n)
    }

    pub fn release_id(&self, n: u32) -> ReleaseId {
        ReleaseId { track: self.key.clone(), n }
    }

    /// When somebody must look at this track again; `None` when nothing is in flight or promised.
    pub fn due(&self) -> Option<Timestamp> {
        let promises = self.outbox.iter().map(|promise| promise.due);
        let deadlines = self.in_flight.iter().filter_map(Release::deadline);
        promises.chain(deadlines).min()
    }
}
