//! What people are told about.

use crate::database::DatabaseKey;
use crate::ids::TrackKey;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum About {
    /// A service in one of its environments.
    Track(TrackKey),
    /// A database, or something beside one.
    Database(DatabaseKey),
    /// A pipeline of CodePipeline's, by name.
    Pipeline(String),
    /// Tidegate itself.
    Installation,
}
