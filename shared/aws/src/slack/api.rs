//! One call to Slack's Web API, by the app's own bot.
//!
//! Source: docs.slack.dev, "Using the Slack Web API", "Rate limits".

use std::time::Duration;

use aws_smithy_runtime_api::client::http::HttpConnector;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use engine::failure::Failure;
use model::time::Span;
use serde_json::Value;

use super::connector;
use crate::Aws;
use crate::failure::{Call, never_connected};

const API: &str = "https://slack.com/api";
const NOT_REACHED: &str = "Slack was not reached";
/// Where Slack does not say how long to wait.
const LATER: Span = Span::seconds(30);
/// Longer is not believed.
const LATER_SECONDS_MAX: u64 = 3600;

/// What only reads takes no JSON.
pub(super) enum Body<'a> {
    #[cfg(feature = "dynamodb")]
    Json(&'a Value),
    /// One field; neither its name nor its value needs encoding.
    Form(&'static str, &'a str),
}

/// What came back, whatever it is.
pub(super) struct Answered {
    pub(super) status: u16,
    /// How long Slack wants to be left alone, if it does.
    pub(super) after: Span,
    pub(super) body: Vec<u8>,
}

impl Aws {
    pub(super) async fn ask_slack(
        &self,
        call: Call,
        method: &str,
        body: Body<'_>,
        timeout: Duration,
    ) -> Result<Answered, Failure> {
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
            Ok::<_, &'static str>(Answered { status, after, body: body.to_vec() })
        })
        .await;
        // What failed is told in fixed words: the client's own could quote the token.
        match answered {
            Err(_elapsed) => Err(call.unanswered("no answer in time")),
            // Nothing was sent, so that nothing can be there.
            Ok(Err(NOT_REACHED)) => Err(call.transient(NOT_REACHED)),
            Ok(Err(why)) => Err(call.unanswered(why)),
            Ok(Ok(answered)) => Ok(answered),
        }
    }
}

fn request(call: Call, url: &str, token: &str, body: Body) -> Result<HttpRequest, Failure> {
    let (content_type, body) = match body {
        #[cfg(feature = "dynamodb")]
        Body::Json(value) => ("application/json; charset=utf-8", value.to_string()),
        Body::Form(name, value) => ("application/x-www-form-urlencoded", format!("{name}={value}")),
    };
    let mut request = HttpRequest::new(SdkBody::from(body));
    request.set_method("POST").map_err(|_| call.refused("POST is not a method"))?;
    request.set_uri(url).map_err(|_| call.refused("TIDEGATE_SLACK_API is not a URL"))?;
    let headers = request.headers_mut();
    headers.insert("content-type", content_type);
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
impl Answered {
    pub(super) fn is_limited(&self) -> bool {
        self.status == 429 || self.json()["error"] == "ratelimited"
    }

    /// What it did.
    pub(super) fn said(&self, call: Call) -> Result<Value, Failure> {
        if self.is_limited() {
            return Err(call.transient("Slack wants to be left alone for a while"));
        }
        if self.status >= 500 {
            return Err(call.transient(format!("Slack answered {}", self.status)));
        }
        let said = self.json();
        if said["ok"] == true {
            return Ok(said);
        }
        Err(match said["error"].as_str() {
            Some("internal_error" | "fatal_error" | "service_unavailable" | "request_timeout") => {
                call.transient("Slack is in trouble")
            }
            Some("missing_scope") => call.refused(
                "Slack says missing_scope: give the app the scopes of slack/manifest.yaml, and install it again",
            ),
            Some(error) if error.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') => {
                call.refused(format!("Slack says {error}"))
            }
            Some(_) | None => self.unknown(call),
        })
    }

    pub(super) fn unknown(&self, call: Call) -> Failure {
        call.refused(format!("Slack answered {} with nothing that is known", self.status))
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_that_is_none_is_in_no_error() {
        let call = Call::reads("slack users.info");
        let failure = request(call, "https://slack.com/api/x", "xoxb-SECRET\n1", Body::Form("user", "U1"));
        let failure = failure.unwrap_err();
        assert!(!format!("{failure} {failure:?}").contains("SECRET"), "{failure:?}");
    }
}
