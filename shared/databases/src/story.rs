//! Which events belong together: what failed, and what ends that.

use serde::{Deserialize, Serialize};

/// A kind of trouble that several events tell of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Story {
    /// Automated backups are off.
    Backups,
    Failover,
    GlobalFailover,
    /// The encryption key cannot be used.
    Key,
    Maintenance,
    Recovery,
    /// A replica or a migration does not follow its source.
    Replication,
    /// The database is down or stopped.
    Running,
    /// A migration reads nothing for want of memory or disk.
    Stall,
    Storage,
}

impl Story {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Backups => "backups off",
            Self::Failover => "failover",
            Self::GlobalFailover => "global failover",
            Self::Key => "encryption key",
            Self::Maintenance => "maintenance",
            Self::Recovery => "recovery",
            Self::Replication => "replication",
            Self::Running => "not running",
            Self::Stall => "stall",
            Self::Storage => "storage",
        }
    }
}

/// What an event is in a story.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// It stands for itself.
    Alone,
    Opens(Story),
    Continues(Story),
    Closes(Story),
}

impl Part {
    pub fn story(self) -> Option<Story> {
        match self {
            Self::Alone => None,
            Self::Opens(story) | Self::Continues(story) | Self::Closes(story) => Some(story),
        }
    }
}
