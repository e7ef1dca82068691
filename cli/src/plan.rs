//! `tidegate plan`: what deploying would change, as those who are asked for approval read it.

use std::process::ExitCode;

use engine::plan_words;
use engine::ports::Tracks;
use model::ids::{EnvironmentName, ServiceName, TrackKey};
use model::release::{Plan, Release};
use model::track::Track;
use serde_json::{Value, json};

use crate::fail;
use crate::installation::Installation;
use crate::status::waiting_for;

/// Nothing is planned, or it cannot be read.
const NO_PLAN: u8 = 1;

#[derive(clap::Args)]
pub(crate) struct Options {
    service: ServiceName,
    environment: EnvironmentName,
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    installation: Installation,
}

pub(crate) async fn plan(options: Options) -> ExitCode {
    let key = TrackKey { service: options.service.clone(), environment: options.environment.clone() };
    let track = match load(&options, &key).await {
        Ok(track) => track,
        Err(why) => return fail(NO_PLAN, why),
    };
    match planned(&track) {
        Some((release, plan)) if options.json => println!("{}", as_json(&track, release, plan)),
        Some((release, plan)) => print!("{}", as_text(&track, release, plan)),
        None => return fail(NO_PLAN, nothing_planned(&track)),
    }
    ExitCode::SUCCESS
}

async fn load(options: &Options, key: &TrackKey) -> Result<Track, String> {
    let aws = options.installation.aws().await?;
    let track = aws.load_track(key).await.map_err(|failure| failure.to_string())?;
    track.ok_or_else(|| format!("nothing was ever released on {key}"))
}

/// The newest release that has a plan.
fn planned(track: &Track) -> Option<(&Release, &Plan)> {
    track.in_flight.iter().rev().find_map(|release| Some((release, release.phase.plan()?)))
}

fn nothing_planned(track: &Track) -> String {
    match track.in_flight.last() {
        Some(release) => {
            let waiting = waiting_for(track, release).map_or(String::new(), |why| format!(": {why}"));
            format!(
                "nothing is planned on {} yet: {} is {}{waiting}",
                track.key,
                release.id,
                release.phase.name()
            )
        }
        None => format!("nothing is planned on {}: no release is in flight", track.key),
    }
}

fn as_text(track: &Track, release: &Release, plan: &Plan) -> String {
    let waiting = waiting_for(track, release).map_or(String::new(), |why| format!(": {why}"));
    let words = plan_words::in_words(release, plan);
    format!("{} is {}{waiting}\n\n{words}\n", release.id, release.phase.name())
}

fn as_json(track: &Track, release: &Release, plan: &Plan) -> Value {
    json!({
        "release": release.id.to_string(),
        "phase": release.phase.name(),
        "waitingFor": waiting_for(track, release),
        "revision": release.revision.as_str(),
        "image": plan.image.as_str(),
        "fingerprint": plan.fingerprint.as_str(),
        "changeSet": plan.change_set.to_string(),
        "plan": plan.lines,
    })
}
