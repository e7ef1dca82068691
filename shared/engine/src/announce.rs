//! What people are told: rendered from the release as it stands when it is said.

use model::effect::{Effect, Notice, Promise};
use model::release::{Asked, Danger, Ending, Phase, Plan, Release};
use model::signal::Signal;
use model::track::Track;
use serde_json::json;

use crate::failure::Failure;
use crate::ports::{Message, People, ReplyKey, Tracks};
use crate::reply_token::token;

/// Source: SNS API, Publish: fewer than 100 characters, ASCII, no line breaks.
const SUBJECT_CHARS_MAX: usize = 99;

/// The notifier's effects.
pub(crate) async fn perform<P: Tracks + People + ReplyKey>(
    ports: &P,
    track: &Track,
    promise: &Promise,
) -> Result<Signal, Failure> {
    let done = Signal::Done { key: promise.key.clone() };
    let Effect::Announce { notice } = &promise.effect else { return Ok(done) };
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
        (Notice::ApprovalRequested, Phase::AwaitingApproval { plan, asked }) => {
            let key = ports.reply_key().await?;
            requested(&release, plan, asked, &token(&key, &release.id, &plan.fingerprint))
        }
        (Notice::Ended, Phase::Over(ending)) => ended(&release, ending, track.live.is_some()),
        (Notice::TakesLong, Phase::Deploying { .. }) => takes_long(&release),
        // It has moved on since: what it became is announced by itself.
        (Notice::ApprovalRequested | Notice::TakesLong, _) => return Ok(done),
        (Notice::Ended, _) => {
            return Err(Failure::transient(
                "announce",
                format!("release {} is not stored as over yet", release.id),
            ));
        }
    };
    ports.publish(&message).await?;
    // The topic has it: trouble with Slack must neither repeat it nor hold the release up.
    if let Err(failure) = ports.post_to_slack(&message.text).await {
        tracing::warn!(release = %release.id, %failure, "Slack was not told");
    }
    Ok(done)
}

fn requested(release: &Release, plan: &Plan, asked: &Asked, token: &str) -> Message {
    let id = &release.id;
    let by = release.pushed_by.as_deref().unwrap_or("an unknown pusher");
    let lines: Vec<String> =
        plan.lines.iter().map(|line| format!("  {}{}", mark(line.danger), line.text)).collect();
    let still = asked.policy.required.saturating_sub(asked.votes.len() as u32);
    let text = format!(
        "{id} asks for approval ({still} of {} still needed).\n\n\
         Revision {} of {} on {}, pushed by {by}.\n\
         Plan {}:\n{}\n\n\
         To answer, publish to the approval topic:\n  \
         approve {id} {token}\n  \
         reject {id} {token} <reason>\n",
        asked.policy.required,
        release.revision.short(),
        release.repository,
        release.branch,
        plan.fingerprint.short(),
        lines.join("\n"),
    );
    let json = json!({
        "notice": "approvalRequested",
        "release": id.to_string(),
        "revision": release.revision.as_str(),
        "image": plan.image.as_str(),
        "fingerprint": plan.fingerprint.as_str(),
        "required": asked.policy.required,
        "until": asked.until.0,
        "plan": plan.lines,
        "token": token,
    });
    message(&format!("{id}: approval needed"), text, &json)
}

fn ended(release: &Release, ending: &Ending, something_is_live: bool) -> Message {
    let id = &release.id;
    let headline = match ending {
        Ending::Deployed { .. } => format!("{id} is deployed"),
        Ending::RolledBack { .. } => format!("{id} was rolled back"),
        Ending::Failed { .. } => format!("{id} failed"),
        Ending::Superseded { .. } => format!("{id} was superseded"),
        Ending::Rejected { .. } => format!("{id} was rejected"),
        Ending::Expired { .. } => format!("{id} expired"),
    };
    let live = if something_is_live { "What was live before stays live." } else { "Nothing is live yet." };
    let what_next = match ending {
        Ending::Deployed { .. } | Ending::Superseded { .. } => "Nothing to do.".to_owned(),
        Ending::Failed { stack_status: Some(_), .. } => {
            format!("Look at what stack {} runs. Mend the cause and push again.", id.track.stack())
        }
        Ending::RolledBack { .. } | Ending::Failed { stack_status: None, .. } => {
            format!("{live} Mend the cause and push again.")
        }
        Ending::Rejected { .. } => live.to_owned(),
        Ending::Expired { .. } => format!("{live} Push again to ask again."),
    };
    let reason = ending.reason();
    let stop = if reason.ends_with(['.', '?', '!']) { "" } else { "." };
    let text = format!(
        "{headline}: {reason}{stop}\n\nRevision {} of {} on {}.\n{what_next}\n",
        release.revision.short(),
        release.repository,
        release.branch,
    );
    let json = json!({
        "notice": "ended",
        "release": id.to_string(),
        "revision": release.revision.as_str(),
        "ending": ending.name(),
        "why": reason,
        "stackStatus": ending.stack_status(),
    });
    message(&headline, text, &json)
}

fn takes_long(release: &Release) -> Message {
    let id = &release.id;
    let text = format!(
        "{id} is still being deployed, longer than a deployment should take.\n\n\
         Nothing was interrupted. Look at stack {} in CloudFormation: cancel the update there if it hangs.\n",
        id.track.stack(),
    );
    let json = json!({ "notice": "takesLong", "release": id.to_string() });
    message(&format!("{id} takes long to deploy"), text, &json)
}

fn mark(danger: Danger) -> &'static str {
    match danger {
        Danger::Delete => "!! DELETE: ",
        Danger::Replace => "!! REPLACE: ",
        Danger::TrafficGap => "! TRAFFIC GAP: ",
        Danger::MayReplace => "! MAY REPLACE: ",
        Danger::None => "- ",
    }
}

fn message(subject: &str, text: String, json: &serde_json::Value) -> Message {
    let subject = subject.chars().filter(|c| matches!(c, ' '..='~')).take(SUBJECT_CHARS_MAX).collect();
    Message { subject, text, json: json.to_string() }
}
