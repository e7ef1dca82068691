//! RDS: a database beside each service, whose backups stand still for some hours of each day.

use std::collections::BTreeMap;

use databases::facts::{Database, Kind, Pending};
use model::release::{Otherwise, Phase, Release};
use model::time::Timestamp;

use crate::world::{HOUR, MINUTE, World};

/// What configs ask for, in minutes.
pub(crate) const WITHIN_MINUTES: u64 = 15;
/// RDS uploads logs every five minutes.
const TRAILS_MS: u64 = 4 * MINUTE;
const STANDS_STILL: std::ops::Range<u64> = 16..19;

impl World {
    /// Every service has a cluster or an instance of its own name.
    pub(crate) fn database(&self, kind: Kind, name: Option<&str>) -> Option<Database> {
        let name = name.filter(|name| self.platform.services().iter().any(|service| service == name))?;
        (kind == kind_of(name)).then(|| database(kind, name, restorable_at(self.now)))
    }
}

fn kind_of(name: &str) -> Kind {
    if name.len().is_multiple_of(2) { Kind::Cluster } else { Kind::Instance }
}

/// The latest time that a restore could reach.
fn restorable_at(at_ms: u64) -> Timestamp {
    let hour = at_ms / HOUR % 24;
    let still_ms =
        if STANDS_STILL.contains(&hour) { at_ms % HOUR + (hour - STANDS_STILL.start) * HOUR } else { 0 };
    Timestamp(at_ms - still_ms - TRAILS_MS)
}

/// What is said of a release that was refused for its database, if it is that.
pub(crate) fn is_said_of(why: &str) -> bool {
    why.contains("can be restored only to")
}

/// Whether the backups trail by more than is asked for.
pub(crate) fn stands_still(at_ms: u64) -> bool {
    at_ms.saturating_sub(restorable_at(at_ms).0) > WITHIN_MINUTES * MINUTE
}

/// Whether what the release needs is not there at that time.
pub(crate) fn is_unmet(release: &Release, at_ms: u64) -> bool {
    let Phase::Deploying { plan, .. } = &release.phase else { return false };
    let refuses = plan.requires.as_ref().is_some_and(|requires| requires.otherwise == Otherwise::Refuse);
    refuses && stands_still(at_ms)
}

fn database(kind: Kind, name: &str, restorable: Timestamp) -> Database {
    Database {
        kind,
        name: name.to_owned(),
        engine: "postgres".to_owned(),
        status: "available".to_owned(),
        created: None,
        member_of: None,
        replica_of: None,
        retention_days: 7,
        backup_window: None,
        maintenance_window: None,
        restorable: Some(restorable),
        multi_az: true,
        encrypted: true,
        deletion_protection: true,
        tags: BTreeMap::new(),
        resource: None,
        pending: Pending::default(),
        lacks: None,
    }
}
