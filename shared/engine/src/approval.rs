//! A reply to a request for approval.

use config::EnvironmentRecord;
use intake::{Reply, ReplyAnswer};
use model::approval::{Answer, Policy, Voice};
use model::release::{Origin, Phase};
use model::signal::Signal;
use model::text::is_unseen;

use crate::advance::{Handled, advance};
use crate::announce::reply_refused;
use crate::failure::Failure;
use crate::hand::said;
use crate::ports::{Clock, People, Queues, Records, ReplyKey, Tracks};
use crate::records::ground;
use crate::reply_token::is_token;

/// Reasons are cut at this length.
const REASON_CHARS_MAX: usize = 500;

pub(crate) async fn reply<P: Tracks + Queues + Records + ReplyKey + People + Clock>(
    ports: &P,
    reply: &Reply,
) -> Result<String, Failure> {
    let n = reply.to.n;
    let key = ports.reply_key().await?;
    let handled = advance(ports, &reply.to.track, async |track| {
        let Some(release) = track.release(n) else { return Ok(None) };
        let Phase::AwaitingApproval { plan, asked } = &release.phase else { return Ok(None) };
        if !is_token(&key, &reply.to, asked, reply.token.reveal()) {
            return Ok(None);
        }
        let (answer, reason) = match &reply.answer {
            ReplyAnswer::Approve => (Answer::Approve, ""),
            ReplyAnswer::Reject { reason } => (Answer::Reject, reason.as_str()),
        };
        Ok(Some(Signal::Answered {
            n,
            fingerprint: plan.fingerprint.clone(),
            answer,
            voice: Voice::Reply,
            reason: plain_text(reason),
            ground: ground(ports, &track.key.environment, &release.origin).await?,
        }))
    })
    .await?;
    match &handled {
        Handled::Advanced { .. } => {}
        Handled::Ignored(why) => refuse(ports, Some(&reply.to.to_string()), &why.to_string()).await?,
        Handled::Unconcerned | Handled::Spent => {
            let why = "no request that is open has this token: it is answered, over, or was made again";
            refuse(ports, Some(&reply.to.to_string()), why).await?;
        }
    }
    Ok(format!("{}: {}", reply.to, said(&handled)))
}

/// Answers a reply that changed nothing. Nothing of it is repeated: any word may be the token (I9).
pub(crate) async fn refuse<P: People>(ports: &P, to: Option<&str>, why: &str) -> Result<(), Failure> {
    ports.publish(&reply_refused(to, why)).await
}

/// What the record insists on: going back to what ran has a floor of its own, for nights when few are awake.
pub(crate) fn floor_of(record: &EnvironmentRecord, origin: &Origin) -> Policy {
    match origin {
        Origin::Rollback { .. } => record.floor.rollback_policy(),
        Origin::Push | Origin::Promotion { .. } | Origin::Redeploy { .. } | Origin::Retirement { .. } => {
            record.floor.policy()
        }
    }
}

/// Text from outside, shown to others: nothing in it that cannot be seen, and not endless.
pub(crate) fn plain_text(text: &str) -> String {
    text.chars().filter(|c| !is_unseen(*c)).take(REASON_CHARS_MAX).collect::<String>().trim().to_owned()
}
