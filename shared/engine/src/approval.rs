//! A reply to a request for approval.

use config::EnvironmentRecord;
use intake::{Reply, ReplyAnswer};
use model::approval::{Answer, Policy, Voice};
use model::ids::EnvironmentName;
use model::release::{Origin, Phase};
use model::signal::Signal;
use model::text::is_unseen;

use crate::advance::{Handled, advance};
use crate::failure::Failure;
use crate::hand::said;
use crate::ports::{Clock, Queues, Records, ReplyKey, Tracks};
use crate::records::environment;
use crate::reply_token::is_token;

/// Reasons are cut at this length.
const REASON_CHARS_MAX: usize = 500;

pub(crate) async fn reply<P: Tracks + Queues + Records + ReplyKey + Clock>(
    ports: &P,
    reply: &Reply,
) -> Result<String, Failure> {
    let n = reply.release.n;
    let key = ports.reply_key().await?;
    let handled = advance(ports, &reply.release.track, async |track| {
        let Some(release) = track.release(n) else { return Ok(None) };
        let Phase::AwaitingApproval { plan, .. } = &release.phase else { return Ok(None) };
        if !is_token(&key, &reply.release, &plan.fingerprint, reply.token.reveal()) {
            return Ok(None);
        }
        let (answer, reason) = match &reply.answer {
            ReplyAnswer::Approve => (Answer::Approve, ""),
            ReplyAnswer::Reject { reason } => (Answer::Reject, reason.as_deref().unwrap_or_default()),
        };
        Ok(Some(Signal::Answered {
            n,
            fingerprint: plan.fingerprint.clone(),
            answer,
            voice: Voice::Reply,
            reason: plain_text(reason),
            floor: floor(ports, &track.key.environment, &release.origin).await?,
        }))
    })
    .await?;
    if handled == Handled::Unconcerned {
        return Ok(format!("ignored: release {} has no open request with this token", reply.release));
    }
    Ok(format!("{}: {}", reply.release, said(&handled)))
}

/// Read for this very answer: a record that became stricter since the plan binds it too.
async fn floor<P: Records>(ports: &P, name: &EnvironmentName, origin: &Origin) -> Result<Policy, Failure> {
    let (record, _) = environment(ports, name).await?;
    Ok(floor_of(&record, origin))
}

/// What the record insists on: going back to what ran has a floor of its own, for nights when few are awake.
pub(crate) fn floor_of(record: &EnvironmentRecord, origin: &Origin) -> Policy {
    match origin {
        Origin::Rollback { .. } => record.floor.rollback_policy(),
        Origin::Push | Origin::Promotion { .. } | Origin::Redeploy { .. } => record.floor.policy(),
    }
}

/// Text from outside, shown to others: nothing in it that cannot be seen, and not endless.
pub(crate) fn plain_text(text: &str) -> String {
    text.chars().filter(|c| !is_unseen(*c)).take(REASON_CHARS_MAX).collect::<String>().trim().to_owned()
}
