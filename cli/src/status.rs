//! `tidegate status`: what is live, in flight and waiting, and which pipelines wait for an answer, for people and as JSON.

use std::process::ExitCode;

use aws::Aws;
use engine::ports::{PipelineTable, Stacks, Tracks};
use engine::stack_status::remedy;
use model::ids::ServiceName;
use model::pipeline::{Phase as RequestPhase, Request};
use model::release::{Ending, Phase, Release};
use model::track::Track;
use serde_json::{Value, json};

use crate::clock::time_of_day;
use crate::fail;
use crate::installation::Installation;

const UNREAD: u8 = 1;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Only this service, and no pipelines.
    service: Option<ServiceName>,
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    installation: Installation,
}

pub(crate) async fn status(options: Options) -> ExitCode {
    match read(&options).await {
        Ok(status) if options.json => println!("{}", status.as_json()),
        Ok(status) => print!("{}", status.as_text()),
        Err(why) => return fail(UNREAD, why),
    }
    ExitCode::SUCCESS
}

struct Status {
    tracks: Vec<Shown>,
    /// Of pipelines, those that are not over; the oldest first.
    requests: Vec<Request>,
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

async fn read(options: &Options) -> Result<Status, String> {
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
    // No name tells which service a pipeline is of.
    let requests = if options.service.is_none() { requests(&aws).await? } else { Vec::new() };
    Ok(Status { tracks: shown, requests })
}

/// Pages of requests, far more than wait at once and were over within a month.
const REQUESTS_PAGES_MAX: usize = 50;

async fn requests(aws: &Aws) -> Result<Vec<Request>, String> {
    let (mut requests, mut page) = (Vec::new(), None);
    for _ in 0..REQUESTS_PAGES_MAX {
        let read = aws.requests(page.as_deref()).await.map_err(|failure| failure.to_string())?;
        requests.extend(read.items.into_iter().filter(|request| !request.is_over()));
        page = read.next;
        if page.is_none() {
            requests.sort_by_key(|request| request.asked_at);
            return Ok(requests);
        }
    }
    Err(format!("the table holds more than {REQUESTS_PAGES_MAX} pages of pipelines' requests"))
}

async fn stuck(aws: &Aws, track: &Track) -> Result<Option<Stuck>, String> {
    let stack = aws.stack(&track.key.stack()).await.map_err(|failure| failure.to_string())?;
    Ok(stack.and_then(|stack| {
        let remedy = remedy(track, &stack.status)?;
        Some(Stuck { status: stack.status, remedy })
    }))
}

impl Status {
    fn as_json(&self) -> Value {
        json!({
            "tracks": self.tracks.iter().map(track_json).collect::<Vec<_>>(),
            "pipelines": self.requests.iter().map(request_json).collect::<Vec<_>>(),
        })
    }

    fn as_text(&self) -> String {
        if self.tracks.is_empty() && self.requests.is_empty() {
            return "Nothing was ever pushed to a registered branch.\n".to_owned();
        }
        let tracks = self.tracks.iter().map(track_text);
        tracks.chain(self.requests.iter().map(request_text)).collect::<Vec<_>>().join("\n")
    }
}

fn request_json(request: &Request) -> Value {
    json!({
        "request": request.id,
        "pipeline": request.gate.pipeline,
        "stage": request.gate.stage,
        "action": request.gate.action,
        "askedAt": request.asked_at.0,
        "until": request.expires,
        "startedBy": request.started_by,
        "required": request.required,
        "stillNeeded": request.still_needed(),
        "approvers": request.approvers,
        "approvedBy": request.votes.iter().map(|vote| vote.voice.to_string()).collect::<Vec<_>>(),
        "isDecided": request.phase != RequestPhase::Open,
    })
}

fn request_text(request: &Request) -> String {
    let id = &request.id;
    let since = time_of_day(request.asked_at);
    let mut text = format!("{}\n  request    {id} since {since}", request.gate);
    if request.phase != RequestPhase::Open {
        return text + ": decided; CodePipeline is told\n";
    }
    let until =
        request.expires.map_or("for seven days, unless the action says otherwise".to_owned(), |until| {
            format!("until {}", time_of_day(until))
        });
    text += &format!(": {}\n  waits      {until}\n", request.needs());
    text += &format!("  answer     tidegate pipeline approve {id}\n");
    text += &format!("             tidegate pipeline reject {id} --reason WHY\n");
    text
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

#[cfg(test)]
mod tests {
    use model::approval::{Nudged, Voice, Vote};
    use model::ids::PipelineRequestId;
    use model::pipeline::{Gate, Told};
    use model::time::Timestamp;

    use super::*;

    fn request() -> Request {
        let gate = Gate { pipeline: "payments".into(), stage: "Approve".into(), action: "Release".into() };
        let fingerprint = gate.fingerprint("0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d");
        let voice = Voice::Verified { person: "ana".parse().unwrap(), identity: None };
        let at = Timestamp(1_772_442_900_000);
        Request {
            id: PipelineRequestId::of(&fingerprint),
            version: 2,
            gate,
            execution: "e1".into(),
            action_execution: "a1".into(),
            started_by: None,
            words: Vec::new(),
            asked_at: at,
            expires: Some(Timestamp(1_773_047_700_000)),
            required: 2,
            approvers: vec![["group:release-managers".parse().unwrap()].into()],
            votes: vec![Vote { voice, fingerprint: fingerprint.clone(), at, reason: String::new() }],
            fingerprint,
            nudged: Nudged::NotYet,
            phase: RequestPhase::Open,
            told: Told::default(),
            shown: None,
            unanswered: 0,
        }
    }

    #[test]
    fn a_request_says_who_is_needed_until_when_and_how_to_answer() {
        insta::assert_snapshot!(request_text(&request()), @r"
        payments/Approve/Release
          request    pipeline-0a4a9e95760dfa86 since 2026-03-02 09:15:00Z: 1 of 2 approval(s) still needed, of group:release-managers
          waits      until 2026-03-09 09:15:00Z
          answer     tidegate pipeline approve pipeline-0a4a9e95760dfa86
                     tidegate pipeline reject pipeline-0a4a9e95760dfa86 --reason WHY
        ");
        let timeless = Request { expires: None, approvers: Vec::new(), ..request() };
        insta::assert_snapshot!(request_text(&timeless), @r"
        payments/Approve/Release
          request    pipeline-0a4a9e95760dfa86 since 2026-03-02 09:15:00Z: 1 of 2 approval(s) still needed, of anybody in the record of people
          waits      for seven days, unless the action says otherwise
          answer     tidegate pipeline approve pipeline-0a4a9e95760dfa86
                     tidegate pipeline reject pipeline-0a4a9e95760dfa86 --reason WHY
        ");
        let (answer, by) = (model::approval::Answer::Approve, Voice::Reply);
        let decided =
            Request { phase: RequestPhase::Answering { answer, by, reason: String::new() }, ..request() };
        insta::assert_snapshot!(request_text(&decided), @r"
        payments/Approve/Release
          request    pipeline-0a4a9e95760dfa86 since 2026-03-02 09:15:00Z: decided; CodePipeline is told
        ");
        insta::assert_snapshot!(format!("{:#}", request_json(&request())), @r#"
        {
          "action": "Release",
          "approvedBy": [
            "ana"
          ],
          "approvers": [
            [
              "group:release-managers"
            ]
          ],
          "askedAt": 1772442900000,
          "isDecided": false,
          "pipeline": "payments",
          "request": "pipeline-0a4a9e95760dfa86",
          "required": 2,
          "stage": "Approve",
          "startedBy": null,
          "stillNeeded": 1,
          "until": 1773047700000
        }
        "#);
    }
}
