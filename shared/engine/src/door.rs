//! The Function URL: takes what Slack signed, hands it on, and answers at once.

use model::time::Span;
use serde_json::{Value, json};
use slack::{Refusal, Request, look};

use crate::failure::Failure;
use crate::ports::{Clock, Door, Slack};

/// A request is remembered until its signature is too old on every clock.
const REMEMBERED: Span = Span::minutes(15);

/// The answer for the caller, as Lambda wants it. Source: Lambda guide, "Function URL response payload".
pub(crate) async fn admit<P: Slack + Door + Clock>(ports: &P, payload: &Value) -> Value {
    match taken(ports, payload).await {
        Ok(Ok(())) => json!({ "statusCode": 200, "body": "" }),
        Ok(Err(refusal)) => {
            tracing::warn!(function = "slack", %refusal, "refused");
            json!({
                "statusCode": refusal.status(),
                "headers": { "content-type": "text/plain; charset=utf-8" },
                "body": refusal.to_string(),
            })
        }
        // Nothing was handed on: whoever clicked sees that it failed, and clicks again.
        Err(failure) => {
            tracing::error!(function = "slack", %failure, "not handed on");
            json!({ "statusCode": 503, "body": "try again" })
        }
    }
}

async fn taken<P: Slack + Door + Clock>(ports: &P, payload: &Value) -> Result<Result<(), Refusal>, Failure> {
    let now = ports.now();
    // Whatever can be refused without a paid call is.
    let signed = match look(&Request::of(payload), now) {
        Ok(signed) => signed,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let Some(app) = ports.slack_app().await? else {
        return Ok(Err(Refusal::Foreign("installation: no Slack app is configured here")));
    };
    let read = signed.verify(&app.signing_secret).and_then(|body| slack::read(body, &app.team, &app.app));
    match read {
        Err(refusal) => return Ok(Err(refusal)),
        Ok(None) => return Ok(Ok(())),
        Ok(Some(_)) => {}
    }
    if !ports.take_once(&signed.id(), now.plus(REMEMBERED)).await? {
        return Ok(Err(Refusal::Replay));
    }
    ports.hand_to_approval(&signed.to_message().to_string()).await?;
    Ok(Ok(()))
}
