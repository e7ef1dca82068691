//! How much something matters that people are told: one vocabulary for releases, pipelines and databases.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::ids::{Malformed, excerpt};

/// Ordered: what is worse is greater.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Nobody needs to be told.
    #[default]
    Info,
    /// Somebody should know.
    Warning,
    /// Somebody should look today.
    High,
    /// Somebody should look now.
    Critical,
}

impl Severity {
    pub const ALL: [Self; 4] = [Self::Info, Self::Warning, Self::High, Self::Critical];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

impl FromStr for Severity {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        Self::ALL.into_iter().find(|severity| severity.as_str() == text).ok_or_else(|| Malformed {
            what: "severity",
            value: excerpt(text),
            allowed: "info, warning, high or critical",
        })
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
