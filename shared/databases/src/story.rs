//! Which events belong together: what failed, and what ends that.

use model::time::Span;
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

    /// What nothing was heard of for longer is taken to be over: events may be lost, and RDS sends none when storage is
    /// freed by deleting. What comes up later is another story.
    pub(crate) fn silence_max(self) -> Span {
        match self {
            Self::Failover | Self::GlobalFailover | Self::Recovery => Span::hours(2),
            Self::Maintenance => Span::hours(12),
            Self::Storage => Span::hours(3 * 24),
            // These last until somebody mends them.
            Self::Backups | Self::Key | Self::Replication | Self::Running | Self::Stall => {
                Span::hours(30 * 24)
            }
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
