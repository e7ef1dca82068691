//! What people are told: rendered from the release as it stands when it is said.

use model::about::About;
use model::effect::{Effect, Notice, Promise};
use model::ids::ReleaseId;
use model::ids::TrackKey;
use model::order::{Hold, Repair, Repaired};
use model::release::{Asked, Ending, Origin, Phase, Plan, Release};
use model::severity::Severity;
use model::signal::Signal;
use model::text;
use model::track::Track;
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::plan_words;
use crate::ports::{Attributes, Channels, Message, People, Place, Posted, ReplyKey, SlackBoard, Tracks};
use crate::reply_token::token;
use crate::routes;
use crate::stack_status::remedy;

/// Source: SNS API, Publish: fewer than 100 characters, ASCII, no line breaks.
const SUBJECT_CHARS_MAX: usize = 99;

/// The notifier's effects.
pub(crate) async fn perform<P: Tracks + People + Channels + ReplyKey + SlackBoard>(
    ports: &P,
    track: &Track,
    promise: &Promise,
) -> Result<Signal, Failure> {
    let done = Signal::Done { key: promise.key.clone() };
    let Effect::Announce { notice } = &promise.effect else { return Ok(done) };
    if *notice == Notice::Held {
        if let Some(hold) = &track.hold {
            tell(ports, &held(track, hold)).await?;
        }
        return Ok(done);
    }
    if *notice == Notice::Repaired {
        if let Some(repair) = &track.repair
            && let Some(outcome) = &repair.outcome
        {
            tell(ports, &repaired(&track.key, repair, outcome)).await?;
        }
        return Ok(done);
    }
    let stored = match track.release(promise.key.release.n) {
        Some(release) => Some(release.clone()),
        None => ports.load_release(&promise.key.release).await?,
    };
    let Some(release) = stored else {
        return Err(Failure::refused(
            "announce",
            format!("release {} is not in the table", promise.key.release),
        ));
    };
    let message = match (notice, &release.phase) {
        (
            Notice::ApprovalRequested | Notice::ApprovalReminded | Notice::ApprovalEscalated,
            Phase::AwaitingApproval { plan, asked },
        ) => {
            let key = ports.reply_key().await?;
            requested(&release, plan, asked, *notice, &token(&key, &release.id, asked))
        }
        (Notice::Ended, Phase::Over(ending)) => ended(&release, ending, track),
        (Notice::TakesLong, Phase::Deploying { .. }) => {
            tell(ports, &takes_long(&release)).await?;
            return Ok(done);
        }
        // It has moved on since: what it became is announced by itself.
        (
            Notice::ApprovalRequested
            | Notice::ApprovalReminded
            | Notice::ApprovalEscalated
            | Notice::TakesLong
            | Notice::Held
            | Notice::Repaired,
            _,
        ) => return Ok(done),
        (Notice::Ended, _) => {
            return Err(Failure::transient(
                "announce",
                format!("release {} is not stored as over yet", release.id),
            ));
        }
    };
    ports.publish(&message).await?;
    if *notice == Notice::Ended && message.attributes.severity > Severity::Info {
        routes::tell_others(ports, &message, place(ports, &release.id).await.as_ref()).await;
    } else {
        routes::tell_unless_shown(ports, &message).await;
    }
    if let Notice::ApprovalReminded | Notice::ApprovalEscalated = notice
        && let Some(place) = place(ports, &release.id).await
    {
        repeat(ports, &place, &message.subject, *notice == Notice::ApprovalEscalated).await;
    }
    Ok(done)
}

/// Where the release is shown. The topic has everything already, so that trouble is only noted.
async fn place<P: SlackBoard>(ports: &P, id: &ReleaseId) -> Option<Place> {
    match ports.shown(id).await {
        Ok(shown) => shown.and_then(|shown| shown.place),
        Err(failure) => {
            tracing::warn!(release = %id, %failure, "taken to be shown nowhere yet");
            None
        }
    }
}

/// The message itself is edited in place, which nobody is told of: a request that waits is said again below it. The
/// topic has it already, so Slack's trouble is only noted.
pub(crate) async fn repeat<P: SlackBoard>(ports: &P, place: &Place, text: &str, urgent: bool) {
    match ports.repeat_in_slack(place, text, urgent).await {
        Ok(Posted::There(_) | Posted::Nowhere) => {}
        Ok(Posted::Later { after }) => {
            let seconds = after.as_seconds();
            tracing::error!(channel = %place.channel, text, seconds, "not said again: Slack takes no more for now");
        }
        Err(failure) => {
            tracing::warn!(channel = %place.channel, text, %failure, "not said again in Slack");
        }
    }
}

/// News: to the topic, then to the channels that it is for.
pub(crate) async fn tell<P: People + Channels>(ports: &P, message: &Message) -> Result<(), Failure> {
    ports.publish(message).await?;
    routes::tell_news(ports, message).await;
    Ok(())
}

fn requested(release: &Release, plan: &Plan, asked: &Asked, notice: Notice, token: &str) -> Message {
    let id = &release.id;
    let still = asked.still_needed();
    let (kind, severity, again) = match notice {
        Notice::ApprovalReminded => {
            ("approvalReminded", Severity::Warning, " again, half the time to answer having passed")
        }
        Notice::ApprovalEscalated => ("approvalEscalated", Severity::High, " again: it expires soon"),
        Notice::ApprovalRequested | Notice::Ended | Notice::TakesLong | Notice::Held | Notice::Repaired => {
            ("approvalRequested", Severity::Warning, "")
        }
    };
    let voices: Vec<String> = asked.votes.iter().map(|vote| vote.voice.to_string()).collect();
    let so_far = if voices.is_empty() {
        String::new()
    } else {
        format!("Approved so far by {}.\n", voices.join(", "))
    };
    let text = format!(
        "{id} asks for approval{again} ({still} of {} still needed).\n{so_far}\n\
         {}{}\n\n\
         To answer as yourself:\n  \
         tidegate approve {id} {short}\n  \
         tidegate reject {id} {short} --reason <why>\n",
        asked.policy.required,
        came_from(release),
        plan_words::in_words(release, plan),
        short = plan.fingerprint.short(),
    );
    let json = json!({
        "release": id.to_string(),
        "revision": release.revision.as_str(),
        "image": plan.image.as_str(),
        "fingerprint": plan.fingerprint.as_str(),
        "required": asked.policy.required,
        "stillNeeded": still,
        "until": asked.until.0,
        "plan": plan.lines,
        "token": token,
    });
    let asked = message(of(&id.track, kind, severity), &format!("{id}: approval needed"), text, json);
    Message { reply: by_reply(id, token), ..asked }
}

/// To whoever reads the topic.
pub(crate) fn by_reply(id: impl std::fmt::Display, token: &str) -> String {
    format!(
        "Or publish to the approval topic:\n  \
         approve {id} {token}\n  \
         reject {id} {token} <reason>\n"
    )
}

fn ended(release: &Release, ending: &Ending, track: &Track) -> Message {
    let id = &release.id;
    let headline = match ending {
        Ending::Deployed { .. } => format!("{id} is deployed"),
        Ending::RolledBack { .. } => format!("{id} was rolled back"),
        Ending::Failed { .. } => format!("{id} failed"),
        Ending::Superseded { .. } => format!("{id} was superseded"),
        Ending::Rejected { .. } => format!("{id} was rejected"),
        Ending::Expired { .. } => format!("{id} expired"),
        Ending::Cancelled { .. } => format!("{id} was cancelled"),
        Ending::Retired { .. } => format!("{id}: {} is retired", id.track),
    };
    let live = if track.live.is_some() { "What was live before stays live." } else { "Nothing is live yet." };
    let what_next = match ending {
        Ending::Deployed { .. } if matches!(release.origin, Origin::Rollback { .. }) => lift(&id.track),
        Ending::Deployed { .. } | Ending::Superseded { .. } => "Nothing to do.".to_owned(),
        Ending::Failed { stack_status: Some(status), .. } => match remedy(track, status) {
            Some(remedy) => format!("Stack {} is {status}; {remedy}.", id.track.stack()),
            None => format!("Look at what stack {} runs. Mend the cause and push again.", id.track.stack()),
        },
        Ending::Retired { .. } => deployed_anew(release),
        Ending::Failed { .. } | Ending::Cancelled { .. } | Ending::Expired { .. }
            if release.origin.is_retirement() =>
        {
            let TrackKey { service, environment } = &id.track;
            format!("{live} To have it retired: tidegate retire {service} {environment} --reason <why>")
        }
        Ending::RolledBack { .. } | Ending::Failed { stack_status: None, .. } => {
            format!("{live} Mend the cause and push again.")
        }
        Ending::Rejected { .. } => live.to_owned(),
        Ending::Cancelled { .. } => format!("{live} To try it again: tidegate retry {id}"),
        Ending::Expired { .. } => format!("{live} Push again to ask again."),
    };
    let log = release.build_log.as_ref().map(|log| format!("The build's log: {log}\n")).unwrap_or_default();
    let stays = if leaves_changes(release, ending) { format!("{STAYS}\n") } else { String::new() };
    let reason = ending.reason();
    let warning = release.warning.as_ref().map(|warning| format!("It was deployed although {warning}.\n"));
    // The lines of a log are told as they are.
    let stop = if reason.ends_with(['.', '?', '!']) || reason.contains('\n') { "" } else { "." };
    let text = format!(
        "{headline}: {reason}{stop}\n\n{log}{}{}Revision {} of {} on {}.\n{stays}{what_next}\n",
        warning.unwrap_or_default(),
        came_from(release),
        release.revision.short(),
        release.repository,
        release.branch,
    );
    let json = json!({
        "release": id.to_string(),
        "revision": release.revision.as_str(),
        "ending": ending.name(),
        "why": reason,
        "buildLog": release.build_log,
        "stackStatus": ending.stack_status(),
        "warning": release.warning,
    });
    message(of(&id.track, "ended", how_bad(release, ending)), &headline, text, json)
}

fn of(track: &TrackKey, notice: &'static str, severity: Severity) -> Attributes {
    Attributes { notice, severity, about: About::Track(track.clone()) }
}

fn how_bad(release: &Release, ending: &Ending) -> Severity {
    match ending {
        Ending::Failed { .. } | Ending::RolledBack { .. } => Severity::High,
        Ending::Expired { .. } => Severity::Warning,
        Ending::Deployed { .. } if release.warning.is_some() => Severity::Warning,
        // A person wanted it so.
        Ending::Deployed { .. }
        | Ending::Superseded { .. }
        | Ending::Rejected { .. }
        | Ending::Cancelled { .. }
        | Ending::Retired { .. } => Severity::Info,
    }
}

/// Whether what runs now may meet a database that a newer version has changed.
fn leaves_changes(release: &Release, ending: &Ending) -> bool {
    match ending {
        Ending::Deployed { .. } => matches!(release.origin, Origin::Rollback { .. }),
        Ending::RolledBack { .. }
        | Ending::Failed { .. }
        | Ending::Superseded { .. }
        | Ending::Rejected { .. }
        | Ending::Expired { .. }
        | Ending::Cancelled { .. } => release.prepared,
        Ending::Retired { .. } => false,
    }
}

/// What would bring a retired service back, and how to keep that from happening.
fn deployed_anew(release: &Release) -> String {
    let TrackKey { service, environment } = &release.id.track;
    format!(
        "Its route is free for others. Images, databases and secrets outside the stack stay.\n\
         It is still registered: a push to {}, or a promotion, deploys it anew. To rule that out, leave {environment} out of \
         the environments that its config names, or delete stack service-base-{service}, which registers {}.",
        release.branch, release.repository
    )
}

const STAYS: &str = "Databases stay as they are: what a `before` changed is not taken back.";

/// A line on what the release was made of, where that is no push.
fn came_from(release: &Release) -> String {
    let by = release.ordered.as_ref().map(|ordered| format!(", ordered by {ordered}")).unwrap_or_default();
    match &release.origin {
        Origin::Push if release.ordered.is_none() => String::new(),
        Origin::Push => format!("Tried again{by}.\n"),
        Origin::Promotion { of } => format!("Promoted from {of}{by}.\n"),
        Origin::Rollback { to } => format!("Back to {to}{by}.\n"),
        Origin::Redeploy { of } => format!("{of} started anew{by}.\n"),
        Origin::Retirement { of } => format!("{of} retired{by}.\n"),
    }
}

fn lift(track: &TrackKey) -> String {
    format!(
        "The track is held: nothing new is deployed until it is lifted with: tidegate lift {} {}",
        track.service, track.environment
    )
}

/// The hold as it stands, and what waits for its end.
fn held(track: &Track, hold: &Hold) -> Message {
    let key = &track.key;
    let (subject, text) = match &hold.lifted {
        Some(lifted) => (
            format!("{key} is no longer held"),
            format!("{key} is no longer held, lifted by {lifted}.\n\nWhat waited is planned again.\n"),
        ),
        None => {
            let waiting: Vec<String> =
                track.in_flight.iter().map(|release| format!("  {}\n", release.id)).collect();
            let waiting =
                if waiting.is_empty() { String::new() } else { format!("In flight:\n{}", waiting.concat()) };
            (
                format!("{key} is held"),
                format!("{key} is held by {}.\n\n{waiting}{}\n", hold.ordered, lift(key)),
            )
        }
    };
    let json = json!({
        "track": key.to_string(),
        "held": hold.lifted.is_none(),
        "by": hold.ordered.by.to_string(),
        "reason": hold.ordered.reason,
        "since": hold.since.0,
    });
    message(of(key, "held", Severity::Warning), &subject, text, json)
}

/// What became of a repair of the stack.
fn repaired(key: &TrackKey, repair: &Repair, outcome: &Repaired) -> Message {
    let (severity, subject, said, next) = match outcome {
        Repaired::Done { what } => (
            Severity::Info,
            format!("{key}: its stack is repaired"),
            what,
            "What waited is planned again. What failed at it: tidegate retry <release>",
        ),
        Repaired::NotDone { why } => {
            (Severity::High, format!("{key}: its stack is not repaired"), why, "Nothing else was done.")
        }
    };
    let by = &repair.ordered;
    let text = format!("{subject}: {said}.\n\nOrdered by {by}.\n{next}\n");
    let json = json!({
        "track": key.to_string(),
        "repaired": matches!(outcome, Repaired::Done { .. }),
        "said": said,
        "by": repair.ordered.by.to_string(),
        "reason": repair.ordered.reason,
    });
    message(of(key, "repaired", severity), &subject, text, json)
}

fn takes_long(release: &Release) -> Message {
    let id = &release.id;
    let stack = id.track.stack();
    let (severity, text) = match &release.phase {
        Phase::Deploying { stop: Some(stop), .. } => (
            Severity::High,
            format!(
                "{id} is still being taken back: {stop}.\n\n\
                 CloudFormation has not come to an end. Look at stack {stack} there.\n"
            ),
        ),
        Phase::Deploying { plan, stop: None, .. } if plan.deletion.is_some() => (
            Severity::Warning,
            format!(
                "{id} is still being retired, longer than a deletion should take.\n\n\
                 Nobody can take a deletion back. Look at what stack {stack} waits for in CloudFormation.\n"
            ),
        ),
        Phase::Deploying { stop: None, .. }
        | Phase::Building { .. }
        | Phase::Planning { .. }
        | Phase::AwaitingApproval { .. }
        | Phase::Ready { .. }
        | Phase::Over(_) => (
            Severity::Warning,
            format!(
                "{id} is still being deployed, longer than a deployment should take.\n\n\
                 Nothing was interrupted. Look at stack {stack} in CloudFormation; to take it back: tidegate cancel {id}\n"
            ),
        ),
    };
    let json = json!({ "release": id.to_string() });
    let doing = if release.origin.is_retirement() { "retire" } else { "deploy" };
    message(of(&id.track, "takesLong", severity), &format!("{id} takes long to {doing}"), text, json)
}

/// To whoever sent a reply that changed nothing; by the topic, for a reply says nothing of its sender.
pub(crate) fn reply_refused(to: Option<&str>, why: &str) -> Message {
    let named = to.unwrap_or("somebody");
    let text = format!("A reply was not taken: {why}.\n\nWhoever sent it: nothing was decided by it.\n");
    let json = json!({ "to": to, "why": why });
    let release = to.and_then(|to| to.parse::<ReleaseId>().ok());
    let about = release.map_or(About::Installation, |release| About::Track(release.track));
    let attributes = Attributes { notice: "replyRefused", severity: Severity::Warning, about };
    message(attributes, &format!("{named}: a reply was not taken"), text, json)
}

/// `json` is an object, to which what every message has is added.
pub(crate) fn message(attributes: Attributes, subject: &str, text: String, mut json: Value) -> Message {
    json["notice"] = attributes.notice.into();
    json["severity"] = attributes.severity.as_str().into();
    let subject = subject.chars().filter(|c| matches!(c, ' '..='~')).take(SUBJECT_CHARS_MAX).collect();
    // Some of the words are others'.
    let text = text::lines(&text);
    Message { attributes, subject, text, reply: String::new(), json: json.to_string() }
}
