//! Secrets that a config names: without one of them no task would start, which ECS says only after a while.

use std::collections::BTreeMap;

use config::ServiceConfig;
use model::ids::EnvironmentName;

use crate::failure::Failure;
use crate::ports::Secrets;
use crate::push::CONFIG_FILE;

/// # Errors
/// `Refused` with every secret that is missing, and where the config names it.
pub(crate) async fn check<P: Secrets>(
    ports: &P,
    config: &ServiceConfig,
    environment: &EnvironmentName,
) -> Result<(), Failure> {
    let mut known: BTreeMap<String, bool> = BTreeMap::new();
    let mut missing = Vec::new();
    for (place, secret) in config.secrets(environment) {
        let exists = match known.get(&secret.name) {
            Some(exists) => *exists,
            None => ports.secret_exists(&secret.name).await?,
        };
        if !exists {
            missing.push(format!("{place} is {:?}, which Secrets Manager does not have", secret.name));
        }
        known.insert(secret.name, exists);
    }
    if missing.is_empty() {
        return Ok(());
    }
    let why = format!(
        "{CONFIG_FILE} names secrets that are missing: make them, then retry:\n{}",
        missing.join("\n")
    );
    Err(Failure::refused("plan", why))
}
