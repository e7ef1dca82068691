//! Where a message stands in Slack.

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    pub channel: String,
    /// Slack's name of a message within its channel.
    pub ts: String,
}
