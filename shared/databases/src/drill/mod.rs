//! A restore drill: a database restored for real, checked, timed, and the copy deleted.

pub(crate) mod check;
mod decide;
mod sql_server;
mod terms;

use std::collections::BTreeMap;

use model::database::DatabaseKey;
use model::drill::{COPY_PREFIX, DrillId};
use model::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};

use crate::validation::Validation;

pub use check::{Call, CallNews, CheckOrder, CheckRead, CheckState};
pub use decide::{Act, Decision, Next, Seen, decide};
pub(crate) use decide::{BROKEN, USABLE};
pub use terms::Terms;

/// On every copy, its value the drill's id. The role in `template.yaml` can set it under the copies' prefix alone.
pub const TAG: &str = "tidegate:drill";

/// Clocks of different machines differ by less.
const CLOCKS: Span = Span::minutes(1);

/// A DB instance as RDS describes it.
///
/// Source: RDS API, DescribeDBInstances.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    pub name: String,
    /// DbiResourceId: never given to another instance, as names are.
    pub resource: String,
    pub status: String,
    pub engine: String,
    pub storage_gib: u32,
    /// Unset while it is being made.
    pub created: Option<Timestamp>,
    pub tags: BTreeMap<String, String>,
    pub member_of: Option<String>,
    pub retention_days: u32,
    pub restorable: Option<Timestamp>,
    pub multi_az: bool,
    pub option_group: Option<String>,
    pub parameter_group: Option<String>,
    /// Where it answers: host and port.
    pub endpoint: Option<(String, u16)>,
    /// Where RDS keeps its master password, once RDS does.
    pub secret: Option<Secret>,
}

/// Source: RDS API, MasterUserSecret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secret {
    pub arn: String,
    /// The password in it is the database's.
    pub is_active: bool,
}

/// One drill that is under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drill {
    pub id: DrillId,
    pub database: DatabaseKey,
    pub requested: Timestamp,
    /// The time to restore to; the newest where none is asked for.
    pub to: Option<Timestamp>,
    pub terms: Terms,
    pub phase: Phase,
    /// Resource ids of what it made: one, or two where a call was taken late. Nothing else is ever deleted.
    pub made: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// Nothing was asked of RDS yet.
    Requested,
    Restoring {
        order: Order,
        /// The newest time that could be restored to when it began.
        newest: Timestamp,
    },
    /// It gets a password of its own.
    Securing {
        to: Timestamp,
        newest: Timestamp,
    },
    /// The team's own check runs against it.
    Checking {
        to: Timestamp,
        newest: Timestamp,
        /// Of a function; runs of projects can be looked for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        call: Option<Call>,
    },
    Deleting {
        outcome: Outcome,
        since: Timestamp,
    },
}

/// What a drill came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    Proven {
        /// From the request until it was usable, and checked where there is a check.
        rto: Span,
        /// How old what was newest in it would have been, had the original been lost at the request.
        rpo: Span,
        to: Timestamp,
        /// The project or function that checked it.
        check: Option<String>,
    },
    Failed {
        why: String,
    },
}

/// A drill that is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    pub id: DrillId,
    pub requested: Timestamp,
    pub ended: Timestamp,
    pub outcome: Outcome,
}

/// What RDS is asked to make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// The original: read, and never changed.
    pub source: String,
    pub drill: DrillId,
    /// The newest where there is none.
    pub to: Option<Timestamp>,
    pub class: String,
    pub subnet_group: String,
    pub security_group: String,
    pub parameter_group: Option<String>,
    pub option_group: Option<String>,
    /// Unset where RDS takes no answer: SQL Server's is its option group's to say.
    pub multi_az: Option<bool>,
}

/// All drills that are under way: one item, so that its conditional write keeps how many there are at once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drills {
    /// 0 before it is first written.
    pub version: u64,
    pub running: Vec<Drill>,
    /// Of AWS Backup's restore tests, which are drills that others made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub validations: Vec<Validation>,
}

impl Drills {
    pub fn of(&self, id: &DrillId) -> Option<&Drill> {
        self.running.iter().find(|drill| drill.id == *id)
    }

    /// With the drill as it is now, or without it once it is over.
    pub fn with(&self, id: &DrillId, drill: Option<Drill>) -> Self {
        let others = self.running.iter().filter(|other| other.id != *id).cloned();
        Self {
            version: self.version + 1,
            running: others.chain(drill).collect(),
            validations: self.validations.clone(),
        }
    }

    pub fn validation(&self, id: &DrillId) -> Option<&Validation> {
        self.validations.iter().find(|validation| validation.id == *id)
    }

    /// With the validation as it is now, or without it once it is over.
    pub fn with_validation(&self, id: &DrillId, validation: Option<Validation>) -> Self {
        let others = self.validations.iter().filter(|other| other.id != *id).cloned();
        Self {
            version: self.version + 1,
            running: self.running.clone(),
            validations: others.chain(validation).collect(),
        }
    }
}

/// A copy that this drill made: what may be changed and deleted. Only [`Drill::ours`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ours {
    name: String,
    resource: String,
}

impl Ours {
    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn resource(&self) -> &str {
        &self.resource
    }
}

/// Why an instance is none that the drill made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotOurs {
    #[error("its name is not that of the drill's copy")]
    Name,
    #[error("it does not carry the drill's tag")]
    Tag,
    #[error("it is older than the drill")]
    Older,
}

impl Drill {
    /// The proof that the drill made this instance: its name, its tag, which is set at creation alone, and its age.
    pub fn ours(&self, instance: &Instance) -> Result<Ours, NotOurs> {
        if instance.name != self.id.copy() || !instance.name.starts_with(COPY_PREFIX) {
            return Err(NotOurs::Name);
        }
        if instance.tags.get(TAG).map(String::as_str) != Some(self.id.as_str()) {
            return Err(NotOurs::Tag);
        }
        if instance.created.is_some_and(|created| created.plus(CLOCKS) < self.requested) {
            return Err(NotOurs::Older);
        }
        Ok(Ours { name: instance.name.clone(), resource: instance.resource.clone() })
    }

    /// When it is given up.
    pub fn deadline(&self) -> Timestamp {
        self.requested.plus(Span::hours(self.terms.hours.into()))
    }
}

/// Whether some drill made it, going by name and tag.
pub fn is_copy(name: &str, tags: &BTreeMap<String, String>) -> bool {
    name.starts_with(COPY_PREFIX) && tags.contains_key(TAG)
}
