//! `tidegate status`: what is live, in flight and waiting, for people and as JSON.

use std::process::ExitCode;

use aws::Aws;
use engine::ports::{Stacks, Tracks};
use engine::stack_status::remedy;
use model::ids::ServiceName;
use model::release::{Ending, Phase, Release};
use model::track::Track;
use serde_json::{Value, json};

use crate::clock::time_of_day;
use crate::fail;
use crate::installation::Installation;

const UNREAD: u8 = 1;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Only this service.
    service: Option<ServiceName>,
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    installation: Installation,
}

pub(crate) async fn status(options: Options) -> ExitCode {
    match read(&options).await {
        Ok(tracks) if options.json => println!("{}", as_json(&tracks)),
        Ok(tracks) => print!("{}", as_text(&tracks)),
        Err(why) => return fail(UNREAD, why),
    }
    ExitCode::SUCCESS
}

/// A track, its newest release where that ended without being deployed, and what then keeps its stack from taking another.
struct Shown {
    track: Track,
    failed: Option<Release>,
    stuck: Option<Stuck>,
}

struct Stuck {
    status: String,
    remedy: String,
}

async fn read(options: &Options) -> Result<Vec<Shown>, String> {
    let aws = options.installation.aws().await?;
    let mut tracks = aws.tracks().await.map_err(|failure| failure.to_string())?;
    tracks.retain(|track| options.service.as_ref().is_none_or(|service| *service == track.key.service));
    let mut shown = Vec::new();
    for track in tracks {
        let newest = track.newest.as_ref().map(|newest| track.release_id(newest.n));
        let release = match newest.filter(|id| track.release(id.n).is_none()) {
            Some(id) => aws.load_release(&id).await.map_err(|failure| failure.to_string())?,
            None => None,
        };
        let failed = release.filter(|release| {
            !matches!(release.ending(), None | Some(Ending::Deployed { .. } | Ending::Retired { .. }))
        });
        let stuck = if failed.is_some() { stuck(&aws, &track).await? } else { None };
        shown.push(Shown { track, failed, stuck });
    }
    Ok(shown)
}

async fn stuck(aws: &Aws, track: &Track) -> Result<Option<Stuck>, String> {
    let stack = aws.stack(&track.key.stack()).await.map_err(|failure| failure.to_string())?;
    Ok(stack.and_then(|stack| {
        let remedy = remedy(track, &stack.status)?;
        Some(Stuck { status: stack.status, remedy })
    }))
}

fn as_json(tracks: &[Shown]) -> Value {
    Value::Array(tracks.iter().map(track_json).collect())
}

fn track_json(shown: &Shown) -> Value {
    let track = &shown.track;
    json!({
        "service": track.key.service.as_str(),
        "environment": track.key.environment.as_str(),
        "stack": track.key.stack().as_str(),
        "live": track.live,
        "retired": track.retired,
        "held": track.held(),
        "repairing": track.repairing(),
        "stuck": shown.stuck.as_ref().map(|stuck| json!({ "status": stuck.status, "remedy": stuck.remedy })),
        "failed": shown.failed.as_ref().map(|release| json!({
            "release": release.id.to_string(),
            "ending": release.phase.name(),
            "why": release.ending().map(Ending::reason),
            "buildLog": release.build_log,
        })),
        "inFlight": track.in_flight.iter().map(|release| json!({
            "release": release.id.to_string(),
            "revision": release.revision.as_str(),
            "phase": release.phase.name(),
            "since": release.phase_since.0,
            "waitingFor": waiting_for(track, release),
        })).collect::<Vec<_>>(),
    })
}

fn as_text(tracks: &[Shown]) -> String {
    if tracks.is_empty() {
        return "Nothing was ever pushed to a registered branch.\n".to_owned();
    }
    tracks.iter().map(track_text).collect::<Vec<_>>().join("\n")
}

fn track_text(shown: &Shown) -> String {
    let track = &shown.track;
    let mut text = format!("{}\n", track.key);
    match &track.live {
        Some(live) => {
            text += &format!(
                "  live       {} ({}), {} since {}\n",
                live.release,
                live.revision.short(),
                live.image,
                time_of_day(live.since)
            );
        }
        None => match &track.retired {
            Some(retired) => {
                text += &format!(
                    "  live       nothing: {} retired it at {}\n",
                    retired.release,
                    time_of_day(retired.at)
                );
            }
            None => text += "  live       nothing yet\n",
        },
    }
    if let Some(hold) = track.held() {
        text += &format!("  held       since {} by {}\n", time_of_day(hold.since), hold.ordered);
    }
    if let Some(repair) = track.repairing() {
        let waiting = track.outbox.iter().find(|promise| promise.key == repair.key);
        let waiting = waiting.and_then(|promise| promise.waiting_for.as_deref());
        text += &format!(
            "  repair     since {} by {}{}\n",
            time_of_day(repair.since),
            repair.ordered,
            waiting.map_or(String::new(), |why| format!("; {why}"))
        );
    }
    if let Some(stuck) = &shown.stuck {
        text += &format!("  stuck      stack {} is {}; {}\n", track.key.stack(), stuck.status, stuck.remedy);
    }
    if let Some(release) = &shown.failed {
        let why = release.ending().map(Ending::reason).unwrap_or_default();
        text += &format!(
            "  ended      {} ({}) {} at {}: {why}\n",
            release.id,
            release.revision.short(),
            release.phase.name(),
            time_of_day(release.phase_since)
        );
        if let Some(log) = &release.build_log {
            text += &format!("  log        {log}\n");
        }
    }
    for release in &track.in_flight {
        let waiting = waiting_for(track, release).map_or(String::new(), |why| format!(": {why}"));
        text += &format!(
            "  in flight  {} ({}) {} since {}{waiting}\n",
            release.id,
            release.revision.short(),
            release.phase.name(),
            time_of_day(release.phase_since)
        );
    }
    text
}

/// What a release waits for, in words.
pub(crate) fn waiting_for(track: &Track, release: &Release) -> Option<String> {
    match &release.phase {
        Phase::AwaitingApproval { asked, .. } => Some(format!(
            "{} of {} approvals; expires {}",
            asked.votes.len(),
            asked.policy.required,
            time_of_day(asked.until)
        )),
        Phase::Ready { frozen: Some(frozen), .. } => {
            Some(format!("the end of a freeze at {}: {}", time_of_day(frozen.until), frozen.why))
        }
        Phase::Ready { frozen: None, .. } if track.held().is_some() && release.origin.heeds_holds() => {
            Some("the track to be lifted".to_owned())
        }
        Phase::Ready { frozen: None, .. } => Some("its turn".to_owned()),
        Phase::Building { .. } | Phase::Planning { .. } | Phase::Deploying { .. } => track
            .outbox
            .iter()
            .find(|promise| promise.key.release == release.id && promise.effect.drives_release())
            .and_then(|promise| promise.waiting_for.clone()),
        Phase::Over(_) => None,
    }
}
