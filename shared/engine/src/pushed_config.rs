//! The config that a release was pushed with.

use config::ServiceConfig;
use model::release::Release;

use crate::failure::Failure;
use crate::ports::Sources;
use crate::push::CONFIG_FILE;

/// # Errors
/// `Refused` by `call` when the commit no longer holds a valid one.
pub(crate) async fn pushed_config<P: Sources>(
    ports: &P,
    call: &'static str,
    release: &Release,
) -> Result<ServiceConfig, Failure> {
    let refused = |why: String| Failure::refused(call, format!("{CONFIG_FILE} of {} {why}", release.id));
    let file = ports.file(&release.repository, &release.revision, CONFIG_FILE).await?;
    let file = file.ok_or_else(|| refused("is gone from its commit".to_owned()))?;
    config::parse(&file).map_err(|faults| refused(format!("is not valid: {faults}")))
}

/// The same, where not to have it stands against nothing.
pub(crate) async fn readable_config<P: Sources>(
    ports: &P,
    release: &Release,
) -> Result<Option<ServiceConfig>, Failure> {
    let file = ports.file(&release.repository, &release.revision, CONFIG_FILE).await?;
    Ok(file.and_then(|file| config::parse(&file).ok()))
}
