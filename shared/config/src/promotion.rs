//! What comes after an environment.

use model::ids::EnvironmentName;

use crate::config::ServiceConfig;

impl ServiceConfig {
    /// The environments where what ended well in `environment` is deployed next, sorted.
    pub fn environments_after(&self, _environment: &EnvironmentName) -> Vec<EnvironmentName> {
        Vec::new()
    }
}
