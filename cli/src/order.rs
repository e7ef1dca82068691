//! Orders: `hold`, `lift`, `cancel`, `retry`, `rollback`, `redeploy`, `override`. Each invokes the function `approval`.

use std::process::ExitCode;

use aws::sdk::lambda::Client;
use aws::sdk::lambda::primitives::Blob;
use intake::Function;
use jiff::Timestamp;
use model::ids::{EnvironmentName, ReleaseId, ServiceName, TrackKey};
use serde_json::{Value, json};

use crate::fail;
use crate::installation::{Installation, refusal};

const REFUSED: u8 = 1;
/// Who orders in local mode when nothing is said.
pub(crate) const LOCAL_USER: &str = "local";

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

/// Who, and why.
#[derive(clap::Args)]
pub(crate) struct Given {
    /// Why; everybody who is told reads it.
    #[arg(long)]
    reason: String,
    /// The person who orders.
    #[arg(long, default_value = LOCAL_USER)]
    by: String,
    #[command(flatten)]
    installation: Installation,
}

pub(crate) async fn of_track(verb: &str, arguments: OfTrack) -> ExitCode {
    let OfTrack { service, environment, given } = arguments;
    give(json!({ "order": verb }), &TrackKey { service, environment }, &given).await
}

pub(crate) async fn of_release(verb: &str, arguments: OfRelease) -> ExitCode {
    let OfRelease { release, given } = arguments;
    give(json!({ "order": verb, "release": release }), &release.track, &given).await
}

pub(crate) async fn rollback(arguments: Rollback) -> ExitCode {
    let Rollback { service, environment, to, given } = arguments;
    give(json!({ "order": "rollback", "to": to }), &TrackKey { service, environment }, &given).await
}

pub(crate) async fn override_freeze(arguments: Override) -> ExitCode {
    let Override { service, environment, until, given } = arguments;
    let until = until.as_millisecond();
    give(json!({ "order": "override", "until": until }), &TrackKey { service, environment }, &given).await
}

async fn give(mut order: Value, track: &TrackKey, given: &Given) -> ExitCode {
    order["id"] = name().into();
    order["track"] = track.to_string().into();
    order["by"] = given.by.as_str().into();
    order["reason"] = given.reason.as_str().into();
    send(&order, Function::Approval, &given.installation).await
}

/// Invokes the function with the order, and shows what it makes of it.
pub(crate) async fn send(order: &Value, to: Function, installation: &Installation) -> ExitCode {
    match invoke(order, to, installation).await {
        // The engine's own words for an order that was taken.
        Ok(said) => match said.strip_prefix("taken: ") {
            Some(taken) => {
                println!("{taken}");
                ExitCode::SUCCESS
            }
            None => fail(REFUSED, said),
        },
        Err(why) => fail(REFUSED, why),
    }
}

/// Sent again, the order is the same one: the clock and the process name it once.
pub(crate) fn name() -> String {
    format!("cli-{}-{}", Timestamp::now().as_nanosecond(), std::process::id())
}

async fn invoke(order: &Value, to: Function, installation: &Installation) -> Result<String, String> {
    let config = installation.sdk_config().await?;
    let answer = Client::new(&config)
        .invoke()
        .function_name(installation.function(&config, to).await?)
        .payload(Blob::new(order.to_string()))
        .send()
        .await
        .map_err(|error| refusal("Invoke", &error))?;
    let payload = answer.payload().map(|payload| payload.as_ref().to_vec()).unwrap_or_default();
    let value: Value = serde_json::from_slice(&payload)
        .map_err(|error| format!("{to} answered what is no JSON: {error}"))?;
    if answer.function_error().is_some() {
        return Err(format!("{to} failed: {}", value["errorMessage"].as_str().unwrap_or("no reason given")));
    }
    let said = value["handled"][0].as_str().ok_or_else(|| format!("{to} answered {value}"))?;
    Ok(said.to_owned())
}
