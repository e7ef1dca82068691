//! Messages in a channel, by the app's own bot.
//!
//! Source: docs.slack.dev, "chat.postMessage", "chat.update", "Rate limits".

use std::time::Duration;

use aws_smithy_runtime_api::client::http::HttpConnector;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use engine::failure::Failure;
use engine::ports::{Channels, Place, Posted, SlackBoard, Stored};
use engine::show::Shown;
use model::ids::{ChannelId, ReleaseId};
use model::time::Span;
use serde_json::{Value, json};

use super::{TIMEOUT, connector};
use crate::Aws;
use crate::failure::{Call, never_connected};

const POST_MESSAGE: Call = Call::changes("slack chat.postMessage");
const UPDATE: Call = Call::changes("slack chat.update");

const API: &str = "https://slack.com/api";
const CHANNELS: &str = "/tidegate/channels";
/// What is posted cannot be told from what was not, until Slack answers; a function has 30 seconds.
const POST_TIMEOUT: Duration = Duration::from_secs(12);
/// Slack takes one message a second in a channel, and more for a moment.
const PATIENCE: Span = Span::seconds(5);
const NOT_REACHED: &str = "Slack was not reached";
/// Where Slack does not say how long to wait.
const LATER: Span = Span::seconds(30);
/// Longer is not believed.
const LATER_SECONDS_MAX: u64 = 3600;

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
        let token = self.secure_string(self.settings.required("TIDEGATE_SLACK_BOT_TOKEN_PARAMETER")?).await?;
        let api = self.settings.optional("TIDEGATE_SLACK_API").unwrap_or(API);
        let request = request(call, &format!("{api}/{method}"), token.trim(), body)?;
        let answered = tokio::time::timeout(timeout, async {
            let mut answer = connector().call(request).await.map_err(|error| {
                if never_connected(&error) { NOT_REACHED } else { "the connection failed" }
            })?;
            let after = retry_after(&answer);
            let status = answer.status().as_u16();
            let body = ByteStream::new(std::mem::replace(answer.body_mut(), SdkBody::empty()));
            let body = body.collect().await.map_err(|_| "the answer broke off")?;
            Ok::<_, &'static str>((status, after, body.into_bytes()))
        })
        .await;
        // What failed is told in fixed words: the client's own could quote the token.
        match answered {
            Err(_elapsed) => Err(call.unanswered("no answer in time")),
            // Nothing was sent, so that nothing can be there.
            Ok(Err(NOT_REACHED)) => Err(call.transient(NOT_REACHED)),
            Ok(Err(why)) => Err(call.unanswered(why)),
            Ok(Ok((status, after, body))) => posted(call, status, after, &body),
        }
    }
}

fn request(call: Call, url: &str, token: &str, body: &Value) -> Result<HttpRequest, Failure> {
    let mut request = HttpRequest::new(SdkBody::from(body.to_string()));
    request.set_method("POST").map_err(|_| call.refused("POST is not a method"))?;
    request.set_uri(url).map_err(|_| call.refused("TIDEGATE_SLACK_API is not a URL"))?;
    let headers = request.headers_mut();
    headers.insert("content-type", "application/json; charset=utf-8");
    headers
        .try_insert("authorization", format!("Bearer {token}"))
        .map_err(|_| call.refused("the parameter of the bot's token does not hold one"))?;
    Ok(request)
}

fn retry_after(answer: &HttpResponse) -> Span {
    let seconds = answer.headers().get("retry-after").and_then(|header| header.trim().parse().ok());
    seconds.map_or(LATER, |seconds: u64| Span::seconds(seconds.min(LATER_SECONDS_MAX)))
}

/// Slack answers 200 to nearly everything, and says in the body what it did.
fn posted(call: Call, status: u16, after: Span, body: &[u8]) -> Result<Posted, Failure> {
    if status == 429 {
        return Ok(Posted::Later { after });
    }
    if status >= 500 {
        return Err(call.transient(format!("Slack answered {status}")));
    }
    let said: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |key: &str| said[key].as_str().map(str::to_owned);
    match (said["ok"].as_bool(), text("channel"), text("ts")) {
        (Some(true), Some(channel), Some(ts)) => Ok(Posted::There(Place { channel, ts })),
        _ => match text("error").as_deref() {
            Some("ratelimited") => Ok(Posted::Later { after }),
            Some("internal_error" | "fatal_error" | "service_unavailable" | "request_timeout") => {
                Err(call.transient("Slack is in trouble"))
            }
            Some(error) if error.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') => {
                Err(call.refused(format!("Slack says {error}")))
            }
            Some(_) | None => {
                Err(call.refused(format!("Slack answered {status} with nothing that is known")))
            }
        },
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
        posted(POST_MESSAGE, status, Span::seconds(7), body.as_bytes())
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

    #[test]
    fn a_token_that_is_none_is_in_no_error() {
        let failure = request(UPDATE, "https://slack.com/api/x", "xoxb-SECRET\n1", &json!({})).unwrap_err();
        assert!(!format!("{failure} {failure:?}").contains("SECRET"), "{failure:?}");
    }
}
