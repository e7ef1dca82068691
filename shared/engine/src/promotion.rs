//! From a release that ended well to the tracks that come after its own: the same image, never a rebuild.

use std::collections::{BTreeMap, BTreeSet};

use config::{EnvironmentRecord, ServiceConfig, ServiceRecord};
use model::decide::Why;
use model::effect::Promise;
use model::ids::{EnvironmentName, TrackKey};
use model::release::Phase;
use model::signal::{Promotion, Signal};
use model::track::Track;

use crate::advance::{Handled, advance};
use crate::failure::Failure;
use crate::ports::{Clock, Queues, Records, Sources, Tracks};
use crate::pushed_config::pushed_config;
use crate::records::{environment, environments, find_service};

/// Starts the release's image on every track whose environment comes after this one. Each takes it once, so that a
/// crash between them costs nothing.
pub(crate) async fn promote<P: Tracks + Queues + Sources + Records + Clock>(
    ports: &P,
    track: &Track,
    promise: &Promise,
) -> Result<Signal, Failure> {
    let done = Signal::Done { key: promise.key.clone() };
    let id = &promise.key.release;
    let Some(release) = ports.load_release(id).await? else {
        return Err(Failure::refused("promote", format!("release {id} is not in the table")));
    };
    let Phase::Over(ending) = &release.phase else {
        return Err(Failure::transient("promote", format!("release {id} is not stored as over yet")));
    };
    let Some(image) = release.phase.image() else {
        return Err(Failure::refused("promote", format!("release {id} ended {}", ending.name())));
    };
    let (service, records, config) = futures_util::future::try_join3(
        find_service(ports, &release.repository),
        environments(ports),
        pushed_config(ports, "promote", &release),
    )
    .await?;
    // It ended well and is owed: registered again, it goes on.
    let Some(service) = service else {
        let why = format!("repository {} is not registered", release.repository);
        return Err(Failure::NoCapacity { call: "promote", why });
    };
    for name in next(&config, &track.key.environment, &records) {
        let key = TrackKey { service: service.service.clone(), environment: name.clone() };
        let fault = fault(ports, &config, &service, &name).await?;
        let promotion = Promotion {
            of: id.clone(),
            image: image.clone(),
            revision: release.revision.clone(),
            repository: release.repository.clone(),
            branch: release.branch.clone(),
            pushed_by: release.pushed_by.clone(),
            family: release.family.clone(),
            fault,
        };
        let handled = advance(ports, &key, async |_| Ok(Some(Signal::Promoted(promotion.clone())))).await?;
        if handled == Handled::Ignored(Why::TrackIsFull) {
            let why = format!("{key} has too many releases in flight");
            return Err(Failure::NoCapacity { call: "promote", why });
        }
    }
    Ok(done)
}

/// The environments that come after; one that the config means and that has no valid record is among them, to be told of.
fn next(
    config: &ServiceConfig,
    environment: &EnvironmentName,
    records: &BTreeMap<EnvironmentName, EnvironmentRecord>,
) -> BTreeSet<EnvironmentName> {
    let mut next: BTreeSet<EnvironmentName> = config.successors(environment, records).into_iter().collect();
    let unknown = config
        .environments
        .iter()
        .filter(|(name, own)| own.after.as_ref() == Some(environment) && !records.contains_key(*name));
    next.extend(unknown.map(|(name, _)| name.clone()));
    next
}

/// What stands against this service in that environment. It ends the release there, where people look for it.
async fn fault<P: Records>(
    ports: &P,
    config: &ServiceConfig,
    service: &ServiceRecord,
    name: &EnvironmentName,
) -> Result<Option<String>, Failure> {
    match environment(ports, name).await {
        Ok((record, _)) => Ok(config.check(name, service, &record).err().map(|faults| faults.to_string())),
        Err(Failure::Refused { why, .. }) => Ok(Some(why)),
        Err(failure) => Err(failure),
    }
}
