//! Messages to Slack, by an incoming webhook and to one person who spoke; and what that person is there. Both addresses
//! are secrets: whoever has one can post, so they are in no error and no log (I9).

mod api;
#[cfg(feature = "dynamodb")]
mod board;

use std::time::Duration;

use aws_smithy_http_client::Connector;
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorSettings};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use engine::failure::Failure;
use engine::ports::{Membership, Slack, SlackApp};
use model::ids::SlackUser;
use serde_json::{Value, json};
use slack::AnswerTo;

use self::api::{Answered, Body};
use crate::Aws;
use crate::failure::Call;

const POST: Call = Call::changes("slack webhook");
const USERS_INFO: Call = Call::reads("slack users.info");

const TIMEOUT: Duration = Duration::from_secs(5);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// Slack cuts longer texts itself. Source: docs.slack.dev, "chat.postMessage".
const TEXT_CHARS_MAX: usize = 39_000;

impl Slack for Aws {
    async fn slack_app(&self) -> Result<Option<SlackApp>, Failure> {
        let setting = |name: &str| self.settings.optional(name);
        let (Some(team), Some(app)) = (setting("TIDEGATE_SLACK_TEAM"), setting("TIDEGATE_SLACK_APP")) else {
            return Ok(None);
        };
        let parameter = self.settings.required("TIDEGATE_SLACK_SIGNING_SECRET_PARAMETER")?;
        // Read anew each time, so that a rotated secret counts at once.
        let signing_secret = self.secure_string(parameter).await?.trim().as_bytes().to_vec();
        Ok(Some(SlackApp { team: team.to_owned(), app: app.to_owned(), signing_secret }))
    }

    /// Source: docs.slack.dev, "users.info" (scope `users:read`), "User object".
    async fn slack_member(&self, user: &SlackUser) -> Result<Membership, Failure> {
        let answered =
            self.ask_slack(USERS_INFO, "users.info", Body::Form("user", user.user()), TIMEOUT).await?;
        member(user, &answered)
    }

    /// Source: docs.slack.dev, "Handling user interaction", "Message responses".
    async fn answer_in_slack(&self, to: &AnswerTo, text: &str) -> Result<(), Failure> {
        let mut body = plain(text);
        body["response_type"] = "ephemeral".into();
        body["replace_original"] = false.into();
        send(to.reveal(), &body).await
    }
}

/// Only what Slack says outright makes somebody a full member.
fn member(user: &SlackUser, answered: &Answered) -> Result<Membership, Failure> {
    let said = answered.said(USERS_INFO)?;
    let is = |key: &str| said["user"][key].as_bool();
    let team = said["user"]["team_id"].as_str();
    if said["user"]["id"] != user.user() {
        return Err(answered.unknown(USERS_INFO));
    }
    if is("deleted") == Some(true) {
        return Ok(Membership::Deactivated);
    }
    if is("is_stranger") == Some(true) || team != Some(user.team()) {
        return Ok(Membership::OtherWorkspace);
    }
    match (is("is_restricted"), is("is_ultra_restricted"), is("is_bot")) {
        (Some(true), _, _) | (_, Some(true), _) => Ok(Membership::Guest),
        (_, _, Some(true)) => Ok(Membership::Bot),
        (Some(false), Some(false), Some(false)) => Ok(Membership::Full),
        _ => Err(USERS_INFO.refused("Slack does not say whether they are a guest")),
    }
}

/// To an incoming webhook.
#[cfg(feature = "sns")]
pub(crate) async fn post(webhook: &str, text: &str) -> Result<(), Failure> {
    send(webhook, &plain(text)).await
}

async fn send(url: &str, body: &Value) -> Result<(), Failure> {
    let answer = tokio::time::timeout(TIMEOUT, connector().call(request(url, body)?)).await;
    // What failed is told in fixed words: the client's own could quote the address.
    match answer {
        Err(_elapsed) => Err(POST.unanswered("no answer in time")),
        Ok(Err(error)) if error.is_user() => Err(POST.refused(NOT_A_URL)),
        Ok(Err(_)) => Err(POST.unanswered("the connection failed")),
        Ok(Ok(answer)) => answered(answer.status().as_u16()),
    }
}

fn connector() -> Connector {
    let settings = HttpConnectorSettings::builder().connect_timeout(CONNECT_TIMEOUT).build();
    Connector::builder().connector_settings(settings).tls_provider(crate::client::tls()).build()
}

const NOT_A_URL: &str = "the parameter of the Slack webhook does not hold a URL that can be called";

fn request(url: &str, body: &Value) -> Result<HttpRequest, Failure> {
    let mut request = HttpRequest::new(SdkBody::from(body.to_string()));
    request.set_method("POST").map_err(|_| POST.refused("POST is not a method"))?;
    request.set_uri(url).map_err(|_| POST.refused(NOT_A_URL))?;
    request.headers_mut().insert("content-type", "application/json; charset=utf-8");
    Ok(request)
}

/// A message in which nothing is formatted or linked by what it says.
fn plain(text: &str) -> Value {
    json!({ "text": escaped(text), "mrkdwn": false })
}

/// Slack's three special characters, so that a branch's name can call nobody to the channel.
/// Source: docs.slack.dev, "Formatting message text".
fn escaped(text: &str) -> String {
    let cut: String = text.chars().take(TEXT_CHARS_MAX).collect();
    cut.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn answered(status: u16) -> Result<(), Failure> {
    match status {
        200..300 => Ok(()),
        429 | 500.. => Err(POST.transient(format!("Slack answered {status}"))),
        _ => Err(POST.refused(format!("Slack answered {status}: is the webhook still there?"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::time::Span;

    #[test]
    fn a_name_in_a_text_cannot_call_the_channel() {
        assert_eq!(escaped("<!channel> a & b"), "&lt;!channel&gt; a &amp; b");
    }

    #[test]
    fn slack_s_answers_are_told_apart() {
        assert!(answered(200).is_ok());
        assert!(matches!(answered(429), Err(Failure::Transient { .. })));
        assert!(matches!(answered(503), Err(Failure::Transient { .. })));
        assert!(matches!(answered(404), Err(Failure::Refused { .. })));
    }

    fn said_of(user: Value) -> Result<Membership, Failure> {
        let body = json!({ "ok": true, "user": user }).to_string().into_bytes();
        let answered = Answered { status: 200, after: Span(0), body };
        member(&"T0001/U0001".parse().unwrap(), &answered)
    }

    #[test]
    fn who_is_no_full_member_is_told_apart() {
        let full = json!({
            "id": "U0001", "team_id": "T0001", "deleted": false, "is_bot": false,
            "is_restricted": false, "is_ultra_restricted": false,
        });
        let but = |key: &str, value: Value| {
            let mut user = full.clone();
            user[key] = value;
            said_of(user)
        };
        assert_eq!(said_of(full.clone()).unwrap(), Membership::Full);
        assert_eq!(but("is_restricted", true.into()).unwrap(), Membership::Guest);
        assert_eq!(but("is_ultra_restricted", true.into()).unwrap(), Membership::Guest);
        assert_eq!(but("is_stranger", true.into()).unwrap(), Membership::OtherWorkspace);
        assert_eq!(but("team_id", "T0002".into()).unwrap(), Membership::OtherWorkspace);
        assert_eq!(but("is_bot", true.into()).unwrap(), Membership::Bot);
        assert_eq!(said_of(json!({ "id": "U0001", "deleted": true })).unwrap(), Membership::Deactivated);
        assert!(but("is_restricted", Value::Null).is_err());
        assert!(but("id", "U0002".into()).is_err());
        assert!(said_of(Value::Null).is_err());
    }

    #[test]
    fn an_app_without_the_scope_is_told_what_to_do() {
        let answer = |status, body: &str| {
            let answered = Answered { status, after: Span(0), body: body.as_bytes().to_vec() };
            member(&"T0001/U0001".parse().unwrap(), &answered).unwrap_err()
        };
        let failure = answer(200, r#"{"ok":false,"error":"missing_scope","needed":"users:read"}"#);
        assert!(failure.to_string().contains("slack/manifest.yaml"), "{failure}");
        assert!(matches!(answer(429, ""), Failure::Transient { .. }));
        assert!(matches!(answer(200, r#"{"ok":false,"error":"user_not_found"}"#), Failure::Refused { .. }));
    }

    #[tokio::test]
    async fn the_webhook_is_in_no_error() {
        for webhook in [
            "http://127.0.0.1:9/services/SECRET",
            "not a url SECRET",
            "ftp://SECRET",
            "http://SECRET.invalid/x",
            "",
        ] {
            let failure = post(webhook, "text").await.unwrap_err();
            assert!(!format!("{failure} {failure:?}").contains("SECRET"), "{failure:?}");
        }
    }

    #[tokio::test]
    async fn a_text_is_posted_as_json() {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};

        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let webhook = format!("http://{}/services/T/B/x", listener.local_addr().unwrap());
        let slack = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut heard = Vec::new();
            while !heard.ends_with(b"}") {
                stream.read_buf(&mut heard).await.unwrap();
            }
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await.unwrap();
            String::from_utf8(heard).unwrap()
        };
        let (posted, heard) = tokio::join!(post(&webhook, "payments-production-7: deployed"), slack);
        posted.unwrap();
        assert!(heard.starts_with("POST /services/T/B/x HTTP/1.1\r\n"), "{heard}");
        assert!(heard.contains("content-type: application/json"), "{heard}");
        assert!(
            heard.ends_with("\r\n\r\n{\"mrkdwn\":false,\"text\":\"payments-production-7: deployed\"}"),
            "{heard}"
        );
    }
}
