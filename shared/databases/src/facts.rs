//! What RDS says of databases and snapshots, as far as the rules need it.

use std::collections::BTreeMap;

use model::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whether AWS calls it an instance or a cluster: its commands differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Instance,
    Cluster,
}

impl Kind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Instance => "instance",
            Self::Cluster => "cluster",
        }
    }
}

/// A service behind RDS's API. Neptune and DocumentDB answer to RDS's reads, but are changed by their own commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    Rds,
    Aurora,
    SqlServer,
    Neptune,
    DocumentDb,
}

impl Family {
    /// Source: RDS API, DBInstance.Engine.
    pub fn of_engine(engine: &str) -> Self {
        match engine {
            "neptune" => Self::Neptune,
            "docdb" => Self::DocumentDb,
            engine if engine.starts_with("aurora") => Self::Aurora,
            engine if engine.starts_with("sqlserver-") || engine.starts_with("custom-sqlserver-") => {
                Self::SqlServer
            }
            _ => Self::Rds,
        }
    }

    /// The service's name in `aws <name> …`.
    pub fn command(self) -> &'static str {
        match self {
            Self::Rds | Self::Aurora | Self::SqlServer => "rds",
            Self::Neptune => "neptune",
            Self::DocumentDb => "docdb",
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rds => "RDS",
            Self::Aurora => "Aurora",
            Self::SqlServer => "SQL Server",
            Self::Neptune => "Neptune",
            Self::DocumentDb => "DocumentDB",
        }
    }
}

/// A DB instance, or a DB cluster with its members.
///
/// Source: RDS API, DescribeDBInstances, DescribeDBClusters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Database {
    pub kind: Kind,
    pub name: String,
    /// DbiResourceId or DbClusterResourceId: never given to another one, as names are.
    pub resource: Option<String>,
    pub engine: String,
    /// `available`, `stopped`, `deleting`, …
    pub status: String,
    pub created: Option<Timestamp>,
    /// The cluster of an instance that is part of one: the cluster is judged in its place.
    pub member_of: Option<String>,
    pub replica_of: Option<String>,
    /// 0: no automated backups.
    pub retention_days: u32,
    /// `hh:mm-hh:mm`, UTC.
    pub backup_window: Option<String>,
    /// `ddd:hh:mm-ddd:hh:mm`, UTC.
    pub maintenance_window: Option<String>,
    /// LatestRestorableTime.
    pub restorable: Option<Timestamp>,
    /// A standby or a reader in another zone.
    pub multi_az: bool,
    pub encrypted: bool,
    pub deletion_protection: bool,
    pub tags: BTreeMap<String, String>,
    /// Changes that wait for the maintenance window.
    pub pending: Pending,
    /// What RDS left out though rules turn on it: the database cannot be judged, and the rest of the facts says nothing.
    pub lacks: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pending {
    pub retention_days: Option<u32>,
    pub multi_az: Option<bool>,
}

/// An instance's automated backup. Source: RDS API, DescribeDBInstanceAutomatedBackups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AutomatedBackup {
    pub instance: String,
    /// DbiResourceId
    pub resource: Option<String>,
    /// RestoreWindow.LatestTime
    pub latest: Option<Timestamp>,
}

/// A snapshot of an instance or of a cluster. Source: RDS API, DescribeDBSnapshots, DescribeDBClusterSnapshots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    pub of: Kind,
    pub database: String,
    pub name: String,
    pub engine: String,
    /// `available`, `creating`, …
    pub status: String,
    pub created: Option<Timestamp>,
    /// Only manual ones can be shared.
    pub manual: bool,
    /// Accounts that may restore it; `all` is everybody. Source: RDS API, DescribeDBSnapshotAttributes.
    pub shared_with: Vec<String>,
}

impl Database {
    pub fn family(&self) -> Family {
        Family::of_engine(&self.engine)
    }

    /// The automated backup tells the newest time too, and sometimes a newer one.
    pub fn with_automated(self, backups: &[AutomatedBackup]) -> Self {
        let latest =
            backups.iter().filter(|backup| backup.is_of(&self)).filter_map(|backup| backup.latest).max();
        Self { restorable: self.restorable.max(latest), ..self }
    }
}

impl AutomatedBackup {
    /// Backups of a deleted instance are kept, and those of another region copied, under a name that this one may have too.
    fn is_of(&self, instance: &Database) -> bool {
        match (&self.resource, &instance.resource) {
            (Some(backed_up), Some(resource)) => backed_up == resource,
            (Some(_), None) | (None, _) => self.instance == instance.name,
        }
    }
}
