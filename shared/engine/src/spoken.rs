//! What somebody said in Slack: verified again, for whoever may invoke `approval` could have made it up; then done, and
//! answered to that one person.

use intake::{GivenOrder, Wish};
use model::approval::{Identity, Voice};
use model::ids::{OrderId, ReleaseId, SlackUser, TrackKey};
use model::release::{Phase, Release};
use model::text;
use model::time::Span;
use model::track::Track;
use slack::{Command, Said, Signed, Spoken};

use crate::failure::Failure;
use crate::orders;
use crate::pipelines;
use crate::ports::{
    Clock, Membership, PipelineNotices, PipelineTable, Pipelines, Queues, Records, ReplyKey, Slack, Tracks,
};
use crate::records::directory;
use crate::votes::{self, Voted, stranger};

/// Between the click and here lie queues and retries; what is older is not believed any more.
const HANDED_ON_MAX: Span = Span::hours(1);
const HELP: &str = "/tidegate status payments/production\n\
     /tidegate approve payments-production-7 <plan>, /tidegate reject payments-production-7 <plan> <reason>\n\
     /tidegate approve pipeline-0a1b2c3d4e5f6071, /tidegate reject pipeline-0a1b2c3d4e5f6071 <reason>\n\
     /tidegate hold|lift payments/production <reason>, \
     /tidegate rollback payments/production [payments-production-5] <reason>";
const WHY: &str = "Nothing was rejected yet: say why in the field, then press Reject; or at the end of the command. \
     Everybody who is told reads it.";

pub(crate) async fn take<P>(ports: &P, signed: &Signed) -> Result<String, Failure>
where
    P: Tracks + Queues + Records + ReplyKey + Slack + Pipelines + PipelineTable + PipelineNotices + Clock,
{
    let Some(app) = ports.slack_app().await? else {
        return Ok("refused: no Slack app is configured here".to_owned());
    };
    if !signed.is_near(ports.now(), HANDED_ON_MAX) {
        return Ok("refused: it was signed too long ago".to_owned());
    }
    let read = signed.verify(&app.signing_secret).and_then(|body| slack::read(body, &app.team, &app.app));
    let spoken = match read {
        Ok(Some(spoken)) => spoken,
        Ok(None) => return Ok("ignored: Slack checks that the URL is there".to_owned()),
        Err(refusal) => return Ok(format!("refused: {refusal}")),
    };
    // What the records refuse is told to whoever asked, and never put away: a person says it again when it is mended.
    let said = match done(ports, &spoken, signed).await {
        Ok(said) => said,
        Err(Failure::Refused { call, why }) => {
            tracing::error!(function = "approval", call, %why, "not done");
            format!("Not done: {why}")
        }
        Err(failure) => return Err(failure),
    };
    let said = text::lines(&said);
    if let Some(to) = &spoken.answer_to
        && let Err(failure) = ports.answer_in_slack(to, &said).await
    {
        // It is done whether they are told or not.
        tracing::warn!(function = "approval", %failure, "the person was not told");
    }
    Ok(said)
}

async fn done<P>(ports: &P, spoken: &Spoken, signed: &Signed) -> Result<String, Failure>
where
    P: Tracks + Queues + Records + ReplyKey + Slack + Pipelines + PipelineTable + PipelineNotices + Clock,
{
    let identity = Identity::Slack(spoken.by.clone());
    if !spoken.said.is_for_anybody()
        && let Some(why) = turned_away(ports, &spoken.by, &identity).await?
    {
        return Ok(why);
    }
    match &spoken.said {
        Said::Answered { answer, release, plan, reason } => {
            let vote = Voted { identity: &identity, answer: *answer, release, plan, reason };
            votes::take(ports, &vote, None).await.map(|told| told.unwrap_or_else(|why| why))
        }
        Said::PipelineAnswered { answer, request, reason } => {
            let said = pipelines::Said { answer: *answer, reason, by: pipelines::By::Identity(&identity) };
            pipelines::answer(ports, request, &said, None).await.map(|told| told.unwrap_or_else(|why| why))
        }
        Said::Details { release } => details(ports, release).await,
        Said::Unreasoned => Ok(WHY.to_owned()),
        Said::Unclear(why) => Ok(format!("Not understood: {why}.\n{HELP}")),
        Said::Command(command) => match command {
            Command::Help => Ok(HELP.to_owned()),
            Command::Status { track } => status(ports, track).await,
            Command::Hold { track, reason } => {
                order(ports, &identity, signed, track, Wish::Hold, reason).await
            }
            Command::Lift { track, reason } => {
                order(ports, &identity, signed, track, Wish::Lift, reason).await
            }
            Command::Rollback { track, to, reason } => {
                order(ports, &identity, signed, track, Wish::Rollback { to: to.clone() }, reason).await
            }
        },
    }
}

/// Slack lets everybody speak here who is in the channel. Whoever is nobody in the record is told nothing; whoever is in
/// it must still be one of the workspace, each time that they speak.
async fn turned_away<P: Records + Slack>(
    ports: &P,
    user: &SlackUser,
    identity: &Identity,
) -> Result<Option<String>, Failure> {
    if directory(ports).await?.person(identity).is_none() {
        return Ok(Some(stranger(identity)));
    }
    let is = match ports.slack_member(user).await? {
        Membership::Full => return Ok(None),
        Membership::Guest => "is a guest of the workspace",
        Membership::OtherWorkspace => "is of another workspace",
        Membership::Bot => "is a bot",
        Membership::Deactivated => "was deactivated",
    };
    Ok(Some(format!("Nothing was done: {identity} {is}, and only its full members are heard here.")))
}

async fn order<P: Tracks + Queues + Records + Clock>(
    ports: &P,
    identity: &Identity,
    signed: &Signed,
    track: &TrackKey,
    wish: Wish,
    reason: &str,
) -> Result<String, Failure> {
    let directory = directory(ports).await?;
    let Some(person) = directory.person(identity) else { return Ok(stranger(identity)) };
    // The signature is the same for no two clicks, and for both deliveries of one.
    let id: OrderId = match signed.id().parse() {
        Ok(id) => id,
        Err(malformed) => return Err(Failure::refused("order", malformed.to_string())),
    };
    let given = GivenOrder { id, track: track.clone(), wish, reason: reason.to_owned() };
    let voice = Voice::Verified { person: person.clone(), identity: Some(identity.clone()) };
    orders::take_from(ports, &given, voice, None).await
}

async fn details<P: Tracks>(ports: &P, id: &ReleaseId) -> Result<String, Failure> {
    Ok(match ports.load_release(id).await? {
        Some(release) => in_words(&release),
        None => format!("There is no release {id}."),
    })
}

fn in_words(release: &Release) -> String {
    let steps: Vec<String> = release.steps.iter().map(|step| format!("• {}", step.what)).collect();
    let plan: Vec<String> = release
        .phase
        .plan()
        .map(|plan| plan.lines.iter().map(|line| format!("• {}", line.text)).collect())
        .unwrap_or_default();
    let changes = if plan.is_empty() { String::new() } else { format!("\nIt would:\n{}", plan.join("\n")) };
    format!("{} is {}.\n{}{changes}", release.id, release.phase.name(), steps.join("\n"))
}

async fn status<P: Tracks>(ports: &P, key: &TrackKey) -> Result<String, Failure> {
    Ok(ports.load_track(key).await?.map_or_else(
        || format!("Nothing was ever released on {key}."),
        |track| {
            let live = track.live.as_ref().map_or("nothing is live".to_owned(), |live| {
                format!("{} is live ({})", live.release, live.revision.short())
            });
            let held = if track.held().is_some() { ", held" } else { "" };
            format!("{key}{held}: {live}.{}", in_flight(&track))
        },
    ))
}

fn in_flight(track: &Track) -> String {
    let line = |release: &Release| {
        let waits = match &release.phase {
            Phase::AwaitingApproval { plan, asked } => format!(
                ", plan {}: {} more approval(s) needed",
                plan.fingerprint.short(),
                asked.still_needed()
            ),
            Phase::Building { .. }
            | Phase::Planning { .. }
            | Phase::Ready { .. }
            | Phase::Deploying { .. }
            | Phase::Over(_) => String::new(),
        };
        format!("\n• {} is {}{waits}", release.id, release.phase.name())
    };
    track.in_flight.iter().map(line).collect()
}
