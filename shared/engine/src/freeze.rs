//! Whether a freeze is in force: read when a release's turn has come, and by nobody remembered.

use config::ServiceConfig;
use model::release::{Frozen, Release};
use model::track::Track;

use crate::failure::Failure;
use crate::ports::{Clock, Records, Sources};
use crate::pushed_config::{pushed_config, readable_config};
use crate::records::environment;

/// The freeze that this release meets now, of the record and of its own config.
pub(crate) async fn in_force<P: Records + Sources + Clock>(
    ports: &P,
    track: &Track,
    release: &Release,
) -> Result<Option<Frozen>, Failure> {
    let now = ports.now();
    if !release.origin.heeds_holds() || track.freeze_override.as_ref().is_some_and(|given| given.until > now)
    {
        return Ok(None);
    }
    let name = &track.key.environment;
    let ((record, _), config) =
        futures_util::future::try_join(environment(ports, name), config(ports, release)).await?;
    let freezes = match config {
        Some(config) => config.freezes(name, &record),
        None => record.floor.freeze,
    };
    Ok(config::frozen(&freezes, now).map(|frozen| Frozen { until: frozen.until, why: frozen.by.to_string() }))
}

/// What is deployed says itself when it may be; what is retired may have lost its repository before.
async fn config<P: Sources>(ports: &P, release: &Release) -> Result<Option<ServiceConfig>, Failure> {
    if release.origin.is_retirement() {
        return readable_config(ports, release).await;
    }
    pushed_config(ports, "freeze", release).await.map(Some)
}
