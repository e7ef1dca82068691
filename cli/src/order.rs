//! Orders to a track: `hold`, `lift`, `cancel`, `retry`, `rollback`, `redeploy`, `retire`, `override`, `repair`.

use std::process::ExitCode;

use intake::{GivenOrder, Wish};
use jiff::Timestamp;
use model::ids::{EnvironmentName, ReleaseId, ServiceName, TrackKey};

use crate::fail;
use crate::orderer::{Orderer, REFUSED};

#[derive(clap::Args)]
pub(crate) struct OfTrack {
    service: ServiceName,
    environment: EnvironmentName,
    #[command(flatten)]
    given: Given,
}

#[derive(clap::Args)]
pub(crate) struct OfRelease {
    /// `<service>-<environment>-<n>`
    release: ReleaseId,
    #[command(flatten)]
    given: Given,
}

#[derive(clap::Args)]
pub(crate) struct Rollback {
    service: ServiceName,
    environment: EnvironmentName,
    /// The release to go back to; what ran before unless told otherwise.
    #[arg(long)]
    to: Option<ReleaseId>,
    #[command(flatten)]
    given: Given,
}

#[derive(clap::Args)]
pub(crate) struct Override {
    service: ServiceName,
    environment: EnvironmentName,
    /// When freezes count again, as `2027-01-15T18:00:00Z`.
    #[arg(long)]
    until: Timestamp,
    #[command(flatten)]
    given: Given,
}

#[derive(clap::Args)]
pub(crate) struct Repair {
    service: ServiceName,
    environment: EnvironmentName,
    /// A resource to leave as it is, by logical id, where its rollback cannot succeed. It is then out of step with the
    /// stack's template until somebody mends it.
    #[arg(long, value_name = "LOGICAL_ID")]
    skip: Vec<String>,
    #[command(flatten)]
    given: Given,
}

/// Who, and why.
#[derive(clap::Args)]
pub(crate) struct Given {
    /// Why; everybody who is told reads it.
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    by: Orderer,
}

pub(crate) async fn of_track(wish: Wish, arguments: OfTrack) -> ExitCode {
    let OfTrack { service, environment, given } = arguments;
    order(wish, TrackKey { service, environment }, given).await
}

pub(crate) async fn cancel(arguments: OfRelease) -> ExitCode {
    let OfRelease { release, given } = arguments;
    order(Wish::Cancel { release: release.clone() }, release.track, given).await
}

pub(crate) async fn retry(arguments: OfRelease) -> ExitCode {
    let OfRelease { release, given } = arguments;
    order(Wish::Retry { release: release.clone() }, release.track, given).await
}

pub(crate) async fn rollback(arguments: Rollback) -> ExitCode {
    let Rollback { service, environment, to, given } = arguments;
    order(Wish::Rollback { to }, TrackKey { service, environment }, given).await
}

pub(crate) async fn override_freeze(arguments: Override) -> ExitCode {
    let Override { service, environment, until, given } = arguments;
    let Ok(until) = u64::try_from(until.as_millisecond()) else {
        return fail(REFUSED, format!("{until} is long past"));
    };
    order(Wish::Override { until: model::time::Timestamp(until) }, TrackKey { service, environment }, given)
        .await
}

pub(crate) async fn repair(arguments: Repair) -> ExitCode {
    let Repair { service, environment, skip, given } = arguments;
    order(Wish::Repair { skip }, TrackKey { service, environment }, given).await
}

async fn order(wish: Wish, track: TrackKey, Given { reason, by }: Given) -> ExitCode {
    by.give(|id| intake::Given::Order(GivenOrder { id, track, wish, reason })).await
}
