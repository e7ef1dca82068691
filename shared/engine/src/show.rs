//! One message in Slack for each release, edited in place. Slack being slow or down never holds a release up: showing
//! is a promise of its own, put off with growing delay, and given up at last.

use model::about::About;
use model::effect::Promise;
use model::ids::{Fingerprint, ReleaseId};
use model::release::{Ending, Phase, Release};
use model::signal::Signal;
use model::time::Span;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::failure::Failure;
use crate::ports::{Channels, Clock, People, Place, Posted, SlackBoard, Tracks};
use crate::routes::home;

/// With the longest wait between two, some hours.
const WAITS_MAX: u32 = 60;
const WAIT_MAX: Span = Span::minutes(5);
/// The notifier is woken at once by every commit, and performs what is due a little later: not what was just put off.
const WAIT_MIN: Span = Span::seconds(10);
/// Slack knows no idempotency: what may be there is posted once more, and then no more.
pub const UNANSWERED_MAX: u32 = 2;
/// A release that moves while it is shown is shown again this often.
const LOOKS_MAX: usize = 4;

/// Where a release is shown, and what stood there last.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Shown {
    /// Unset while Slack has answered no post of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// Of the message; what has not changed is not sent again.
    pub sha256: String,
    /// What stands in its thread: the details of this plan, or a log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detailed: Option<Fingerprint>,
    /// Posts in a row that Slack did not answer: each of them may be there.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unanswered: u32,
}

fn is_zero(n: &u32) -> bool {
    *n == 0
}

pub(crate) async fn show<P: Tracks + SlackBoard + Channels + People + Clock>(
    ports: &P,
    promise: &Promise,
) -> Result<Signal, Failure> {
    let done = Signal::Done { key: promise.key.clone() };
    let id = &promise.key.release;
    let posted = match bring_up_to_date(ports, id).await {
        Ok(posted) => posted,
        Err(Failure::Transient { .. } | Failure::Unknown { .. }) => {
            Posted::Later { after: Span((5_000 << promise.waits.min(8)).min(WAIT_MAX.0)) }
        }
        Err(Failure::Refused { call, why } | Failure::NoCapacity { call, why }) => {
            tracing::error!(release = %id, call, %why, "not shown in Slack");
            return Ok(done);
        }
    };
    Ok(match posted {
        Posted::There(_) | Posted::Nowhere => done,
        Posted::Later { .. } if promise.waits >= WAITS_MAX => {
            tracing::error!(release = %id, "not shown in Slack: given up");
            done
        }
        Posted::Later { after } => Signal::Waiting {
            key: promise.key.clone(),
            why: "Slack takes no more for now".to_owned(),
            until: ports.now().plus(after.max(WAIT_MIN)),
        },
    })
}

/// Until what was sent is still how the release stands: another worker may have sent newer words before these.
async fn bring_up_to_date<P: Tracks + SlackBoard + Channels + People>(
    ports: &P,
    id: &ReleaseId,
) -> Result<Posted, Failure> {
    let mut posted = Posted::Nowhere;
    let mut sent = None;
    for _ in 0..LOOKS_MAX {
        let Some(release) = ports.load_release(id).await? else { return Ok(posted) };
        let message = slack::message(&release);
        if sent.as_ref() == Some(&message) {
            return Ok(posted);
        }
        posted = send(ports, &release, &message).await?;
        if matches!(posted, Posted::There(_)) {
            posted = detail(ports, &release, posted).await?;
        }
        if !matches!(posted, Posted::There(_)) {
            return Ok(posted);
        }
        sent = Some(message);
    }
    // It moves faster than it can be shown, so it is promised again anyway.
    Ok(posted)
}

/// Below its message, once for each plan that is asked about, and once where the log of a failed build is. A crash before it is remembered says it twice.
async fn detail<P: SlackBoard>(ports: &P, release: &Release, there: Posted) -> Result<Posted, Failure> {
    let (Some(name), Some(details)) = (slack::details_of(release), slack::details(release)) else {
        return Ok(there);
    };
    let Some(shown) = ports.shown(&release.id).await? else { return Ok(there) };
    let Some(place) = shown.place.clone().filter(|_| shown.detailed.as_ref() != Some(&name)) else {
        return Ok(there);
    };
    let replied = ports.reply_in_slack(&place, &details).await;
    let unanswered = match replied {
        Ok(Posted::There(_)) => 0,
        Err(Failure::Unknown { .. }) => shown.unanswered + 1,
        Ok(Posted::Nowhere | Posted::Later { .. })
        | Err(Failure::Transient { .. } | Failure::Refused { .. } | Failure::NoCapacity { .. }) => {
            return replied;
        }
    };
    let next = if (1..UNANSWERED_MAX).contains(&unanswered) {
        Shown { unanswered, ..shown }
    } else {
        Shown { unanswered: 0, detailed: Some(name), ..shown }
    };
    ports.remember_shown(&release.id, &next).await?;
    replied
}

async fn send<P: SlackBoard + Channels + People>(
    ports: &P,
    release: &Release,
    message: &Value,
) -> Result<Posted, Failure> {
    let sha256 = config::sha256(&message.to_string());
    let shown = ports.shown(&release.id).await?.unwrap_or_default();
    let posted = match &shown.place {
        Some(place) if shown.sha256 == sha256 => return Ok(Posted::There(place.clone())),
        Some(place) => ports.update_in_slack(place, message).await?,
        // Nobody was told of it, and nobody needs to be.
        None if matches!(release.phase, Phase::Over(Ending::Superseded { .. })) => {
            return Ok(Posted::Nowhere);
        }
        None if shown.unanswered >= UNANSWERED_MAX => {
            tracing::error!(release = %release.id, "not shown in Slack: it may be there, for no post was answered");
            return Ok(Posted::Nowhere);
        }
        None => {
            let posted = post(ports, &About::Track(release.id.track.clone()), message).await;
            if let Err(Failure::Unknown { .. }) = posted {
                let unanswered = shown.unanswered + 1;
                let next = Shown { unanswered, ..shown.clone() };
                ports.remember_shown(&release.id, &next).await?;
            }
            posted?
        }
    };
    if let Posted::There(place) = &posted {
        // What is counted from now on are the replies below it.
        let unanswered = if shown.place.is_some() { shown.unanswered } else { 0 };
        let next = Shown { place: Some(place.clone()), sha256, detailed: shown.detailed, unanswered };
        ports.remember_shown(&release.id, &next).await?;
    }
    Ok(posted)
}

/// For the first time: where it stands then, it stays. A channel that the app is not in, or that is not there, must not
/// lose the message.
pub(crate) async fn post<P: SlackBoard + Channels + People>(
    ports: &P,
    about: &About,
    message: &Value,
) -> Result<Posted, Failure> {
    let channel = home(ports, about).await?;
    match ports.post_message(channel.as_ref(), message).await {
        Err(Failure::Refused { call, why }) if channel.is_some() => {
            tracing::error!(?channel, call, %why, "shown in the installation's own channel instead");
            ports.post_message(None, message).await
        }
        posted => posted,
    }
}

#[cfg(test)]
#[path = "show_tests.rs"]
pub(crate) mod tests;
