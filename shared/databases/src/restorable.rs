//! Whether a database can be had again as it was a short while ago.

use std::fmt;

use model::time::{Span, Timestamp};

use crate::facts::Database;
use crate::time::lasted;

/// Why it cannot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unmet {
    /// There is no such instance and no such cluster.
    Gone,
    BackupsOff,
    /// RDS left out what that turns on.
    NotDescribed,
    /// RDS names no time that it could be restored to.
    Never,
    /// The latest time that it could be restored to lies so far back.
    Trails(Span),
}

impl fmt::Display for Unmet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gone => f.write_str("is not in this account and region"),
            Self::BackupsOff => f.write_str("has no automated backups"),
            Self::NotDescribed => f.write_str("is not described well enough by RDS to tell"),
            Self::Never => f.write_str("can be restored to no time at all"),
            Self::Trails(span) => write!(f, "can be restored only to {} ago", lasted(*span)),
        }
    }
}

/// How far back the latest time lies that the database can be restored to.
///
/// RDS goes on naming a time for a while after backups were switched off: retention counts first.
///
/// # Errors
/// Why that is not `within` what is asked for.
pub fn restorable(database: Option<&Database>, within: Span, now: Timestamp) -> Result<Span, Unmet> {
    let database = database.ok_or(Unmet::Gone)?;
    if database.lacks.is_some() {
        return Err(Unmet::NotDescribed);
    }
    if database.retention_days == 0 {
        return Err(Unmet::BackupsOff);
    }
    let trails = now.since(database.restorable.ok_or(Unmet::Never)?);
    if trails <= within { Ok(trails) } else { Err(Unmet::Trails(trails)) }
}
