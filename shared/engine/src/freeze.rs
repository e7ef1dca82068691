//! Whether a freeze is in force: read when a release's turn has come, and by nobody remembered.

use model::release::{Frozen, Release};
use model::track::Track;

use crate::failure::Failure;
use crate::ports::{Clock, Records, Sources};
use crate::push::CONFIG_FILE;
use crate::records::environment;

/// The freeze that this release meets now, of the record and of its own config.
pub(crate) async fn in_force<P: Records + Sources + Clock>(
    ports: &P,
    track: &Track,
    release: &Release,
) -> Result<Option<Frozen>, Failure> {
    let now = ports.now();
    if !release.origin.is_new() || track.freeze_override.as_ref().is_some_and(|given| given.until > now) {
        return Ok(None);
    }
    let name = &track.key.environment;
    let ((record, _), file) = futures_util::future::try_join(
        environment(ports, name),
        ports.file(&release.repository, &release.revision, CONFIG_FILE),
    )
    .await?;
    let refused = |why: String| Failure::refused("freeze", format!("{CONFIG_FILE} {why}"));
    let file = file.ok_or_else(|| refused("is gone from the commit".to_owned()))?;
    let config = config::parse(&file).map_err(|faults| refused(format!("is not valid: {faults}")))?;
    Ok(config::frozen(&config.freezes(name, &record), now)
        .map(|frozen| Frozen { until: frozen.until, why: frozen.by.to_string() }))
}
