//! Messages in a channel, by the app's own bot.
//!
//! Source: docs.slack.dev, "chat.postMessage", "chat.update", "Rate limits".

use std::time::Duration;

use engine::failure::Failure;
use engine::ports::{Channels, Place, Posted, SlackBoard, Stored};
use engine::show::Shown;
use model::ids::{ChannelId, ReleaseId};
use model::time::Span;
use serde_json::{Value, json};

use super::TIMEOUT;
use super::api::{Answered, Body};
use crate::Aws;
use crate::failure::Call;

const POST_MESSAGE: Call = Call::changes("slack chat.postMessage");
const UPDATE: Call = Call::changes("slack chat.update");

const CHANNELS: &str = "/tidegate/channels";
/// What is posted cannot be told from what was not, until Slack answers; a function has 30 seconds.
const POST_TIMEOUT: Duration = Duration::from_secs(12);
/// Slack takes one message a second in a channel, and more for a moment.
const PATIENCE: Span = Span::seconds(5);

impl SlackBoard for Aws {
    async fn shown(&self, release: &ReleaseId) -> Result<Option<Shown>, Failure> {
        self.load_shown(release).await
    }

    async fn remember_shown(&self, release: &ReleaseId, shown: &Shown) -> Result<(), Failure> {
        self.save_shown(release, shown).await
    }

    async fn post_message(&self, channel: Option<&ChannelId>, message: &Value) -> Result<Posted, Failure> {
        let Some(own) = self.settings.optional("TIDEGATE_SLACK_CHANNEL") else {
            return Ok(Posted::Nowhere);
        };
        let channel = channel.map_or(own, ChannelId::as_str);
        let body = with(message, json!({ "channel": channel, "unfurl_links": false }));
        self.call(POST_MESSAGE, "chat.postMessage", &body, POST_TIMEOUT).await
    }

    async fn update_in_slack(&self, place: &Place, message: &Value) -> Result<Posted, Failure> {
        if self.settings.optional("TIDEGATE_SLACK_CHANNEL").is_none() {
            return Ok(Posted::Nowhere);
        }
        let body = with(message, json!({ "channel": place.channel, "ts": place.ts }));
        self.call(UPDATE, "chat.update", &body, TIMEOUT).await
    }

    async fn reply_in_slack(&self, place: &Place, message: &Value) -> Result<Posted, Failure> {
        if self.settings.optional("TIDEGATE_SLACK_CHANNEL").is_none() {
            return Ok(Posted::Nowhere);
        }
        let body =
            with(message, json!({ "channel": place.channel, "thread_ts": place.ts, "unfurl_links": false }));
        self.call(POST_MESSAGE, "chat.postMessage", &body, POST_TIMEOUT).await
    }

    async fn repeat_in_slack(&self, place: &Place, text: &str, urgent: bool) -> Result<Posted, Failure> {
        if self.settings.optional("TIDEGATE_SLACK_CHANNEL").is_none() {
            return Ok(Posted::Nowhere);
        }
        let others = self.settings.optional("TIDEGATE_SLACK_ESCALATION_CHANNEL").filter(|_| urgent);
        let there = match others {
            Some(channel) => json!({ "channel": channel }),
            None => json!({ "channel": place.channel, "thread_ts": place.ts, "reply_broadcast": true }),
        };
        self.say(&with(&super::plain(text), there)).await
    }
}

impl Channels for Aws {
    async fn channels_record(&self) -> Result<Option<Stored>, Failure> {
        if self.settings.optional("TIDEGATE_SLACK_CHANNEL").is_none() {
            return Ok(None);
        }
        self.record(CHANNELS.to_owned()).await
    }

    async fn say_in_slack(&self, channel: Option<&ChannelId>, text: &str) -> Result<Posted, Failure> {
        let Some(own) = self.settings.optional("TIDEGATE_SLACK_CHANNEL") else {
            return Ok(Posted::Nowhere);
        };
        let channel = channel.map_or(own, ChannelId::as_str);
        self.say(&with(&super::plain(text), json!({ "channel": channel, "unfurl_links": false }))).await
    }

    async fn trouble_told(&self) -> Result<Option<i64>, Failure> {
        self.load_channels_told().await
    }

    async fn remember_trouble_told(&self, version: i64) -> Result<(), Failure> {
        self.save_channels_told(version).await
    }
}

impl Aws {
    /// News are promised nowhere: what Slack puts off for a moment is said again within it.
    async fn say(&self, message: &Value) -> Result<Posted, Failure> {
        let said = self.call(POST_MESSAGE, "chat.postMessage", message, TIMEOUT).await?;
        match said {
            Posted::Later { after } if after <= PATIENCE => {
                tokio::time::sleep(Duration::from_millis(after.0)).await;
                self.call(POST_MESSAGE, "chat.postMessage", message, TIMEOUT).await
            }
            Posted::Later { .. } | Posted::There(_) | Posted::Nowhere => Ok(said),
        }
    }

    async fn call(
        &self,
        call: Call,
        method: &str,
        body: &Value,
        timeout: Duration,
    ) -> Result<Posted, Failure> {
        posted(call, &self.ask_slack(call, method, Body::Json(body), timeout).await?)
    }
}

/// Where it is, or when to try again.
fn posted(call: Call, answered: &Answered) -> Result<Posted, Failure> {
    if answered.is_limited() {
        return Ok(Posted::Later { after: answered.after });
    }
    let said = answered.said(call)?;
    let text = |key: &str| said[key].as_str().map(str::to_owned);
    match (text("channel"), text("ts")) {
        (Some(channel), Some(ts)) => Ok(Posted::There(Place { channel, ts })),
        _ => Err(answered.unknown(call)),
    }
}

fn with(message: &Value, more: Value) -> Value {
    let mut whole = message.clone();
    if let (Some(whole), Value::Object(more)) = (whole.as_object_mut(), more) {
        whole.extend(more);
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meant(status: u16, body: &str) -> Result<Posted, Failure> {
        let answered = Answered { status, after: Span::seconds(7), body: body.as_bytes().to_vec() };
        posted(POST_MESSAGE, &answered)
    }

    #[test]
    fn slack_s_answers_are_told_apart() {
        let there = Place { channel: "C1".to_owned(), ts: "1.2".to_owned() };
        assert_eq!(meant(200, r#"{"ok":true,"channel":"C1","ts":"1.2"}"#).unwrap(), Posted::There(there));
        let later = Posted::Later { after: Span::seconds(7) };
        assert_eq!(meant(429, "").unwrap(), later);
        assert_eq!(meant(200, r#"{"ok":false,"error":"ratelimited"}"#).unwrap(), later);
        assert!(matches!(meant(503, "<html>"), Err(Failure::Transient { .. })));
        assert!(matches!(
            meant(200, r#"{"ok":false,"error":"internal_error"}"#),
            Err(Failure::Transient { .. })
        ));
        let refused = meant(200, r#"{"ok":false,"error":"channel_not_found"}"#).unwrap_err();
        assert_eq!(refused.to_string(), "slack chat.postMessage was refused: Slack says channel_not_found");
        assert!(matches!(meant(200, "ok"), Err(Failure::Refused { .. })));
    }
}
