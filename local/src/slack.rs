//! Slack's Web API as far as Tidegate calls it: messages in channels, and who is a guest, with the rate limits and the
//! trouble that a story asks for. The bot's token names the account: `xoxb-<account>`.
//!
//! Source: docs.slack.dev, "chat.postMessage", "chat.update", "users.info", "Rate limits".

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Response, StatusCode};
use bytes::Bytes;
use serde_json::{Value, json};

use crate::front_door::cut_off;

/// The id of every workspace.
pub const SLACK_TEAM: &str = "T0001";

/// What becomes of the next call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlackTrouble {
    /// 429, and to be left alone for so many seconds.
    RateLimited { seconds: u32 },
    /// 500.
    Fails,
    /// It is done, and answered so many seconds later.
    Delays { seconds: u32 },
    /// It is done, and the connection breaks off before the answer.
    AnswerLost,
}

struct Answer {
    status: StatusCode,
    said: Value,
    retry_after: Option<u32>,
    comes: Comes,
}

/// When an answer comes.
enum Comes {
    AtOnce,
    After(Duration),
    Never,
}

/// A message, as it stands and as it stood.
#[derive(Debug, Clone, PartialEq)]
pub struct SlackMessage {
    pub channel: String,
    pub now: Value,
    /// Oldest first.
    pub before: Vec<Value>,
    /// What was said below it, oldest first.
    pub thread: Vec<Value>,
}

/// The workspaces, one for each account. Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Slack {
    workspaces: Arc<Mutex<BTreeMap<String, Workspace>>>,
}

#[derive(Debug, Default)]
struct Workspace {
    messages: BTreeMap<String, SlackMessage>,
    guests: BTreeSet<String>,
    trouble: VecDeque<SlackTrouble>,
    calls: u32,
}

impl Slack {
    /// By their time stamps, the oldest first.
    pub fn messages(&self, account: &str) -> Vec<SlackMessage> {
        self.workspace(account, |workspace| workspace.messages.values().cloned().collect())
    }

    /// From now on that user is a guest of the workspace; everybody else is a full member.
    pub fn invite_guest(&self, account: &str, user: &str) {
        self.workspace(account, |workspace| workspace.guests.insert(user.to_owned()));
    }

    /// Befalls the next calls, one each.
    pub fn next_calls(&self, account: &str, trouble: &[SlackTrouble]) {
        self.workspace(account, |workspace| workspace.trouble.extend(trouble));
    }

    fn workspace<T>(&self, account: &str, of: impl FnOnce(&mut Workspace) -> T) -> T {
        let mut all = self.workspaces.lock().unwrap_or_else(PoisonError::into_inner);
        of(all.entry(account.to_owned()).or_default())
    }

    fn call(&self, account: &str, method: &str, body: &Value) -> Answer {
        let answer = |status, said, retry_after| Answer { status, said, retry_after, comes: Comes::AtOnce };
        self.workspace(account, |workspace| {
            workspace.calls += 1;
            let trouble = workspace.trouble.pop_front();
            let comes = match trouble {
                Some(SlackTrouble::RateLimited { seconds }) => {
                    let said = json!({ "ok": false, "error": "ratelimited" });
                    return answer(StatusCode::TOO_MANY_REQUESTS, said, Some(seconds));
                }
                Some(SlackTrouble::Fails) => {
                    return answer(StatusCode::INTERNAL_SERVER_ERROR, Value::Null, None);
                }
                Some(SlackTrouble::Delays { seconds }) => Comes::After(Duration::from_secs(seconds.into())),
                Some(SlackTrouble::AnswerLost) => Comes::Never,
                None => Comes::AtOnce,
            };
            Answer { comes, ..answer(StatusCode::OK, workspace.done(method, body), None) }
        })
    }
}

impl Workspace {
    fn done(&mut self, method: &str, body: &Value) -> Value {
        let failed = |error: &str| json!({ "ok": false, "error": error });
        if method == "users.info" {
            return body["user"].as_str().map_or_else(|| failed("user_not_found"), |user| self.user(user));
        }
        let Some(channel) = body["channel"].as_str() else { return failed("channel_not_found") };
        let message = json!({ "text": body["text"], "blocks": body["blocks"] });
        let there = |ts: &str| json!({ "ok": true, "channel": channel, "ts": ts });
        match method {
            "chat.postMessage" => {
                let ts = format!("1700000000.{:06}", self.calls);
                match body["thread_ts"].as_str().map(|of| self.messages.get_mut(of)) {
                    Some(Some(parent)) => parent.thread.push(message),
                    Some(None) => return failed("thread_not_found"),
                    None => {
                        let (channel, before, thread) = (channel.to_owned(), Vec::new(), Vec::new());
                        let posted = SlackMessage { channel, now: message, before, thread };
                        self.messages.insert(ts.clone(), posted);
                    }
                }
                there(&ts)
            }
            "chat.update" => {
                let ts = body["ts"].as_str().unwrap_or_default();
                match self.messages.get_mut(ts).filter(|message| message.channel == channel) {
                    Some(edited) => {
                        edited.before.push(std::mem::replace(&mut edited.now, message));
                        there(ts)
                    }
                    None => failed("message_not_found"),
                }
            }
            _ => failed("unknown_method"),
        }
    }

    fn user(&self, id: &str) -> Value {
        let user = json!({
            "id": id,
            "team_id": SLACK_TEAM,
            "deleted": false,
            "is_bot": false,
            "is_restricted": self.guests.contains(id),
            "is_ultra_restricted": false,
        });
        json!({ "ok": true, "user": user })
    }
}

pub(crate) async fn answer(
    State(slack): State<Slack>,
    Path(method): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let token = headers.get("authorization").and_then(|header| header.to_str().ok()).unwrap_or_default();
    let account = token.strip_prefix("Bearer xoxb-");
    let refused = |error: &str| Answer {
        status: StatusCode::OK,
        said: json!({ "ok": false, "error": error }),
        retry_after: None,
        comes: Comes::AtOnce,
    };
    let is_form = headers.get("content-type").is_some_and(|kind| kind == "application/x-www-form-urlencoded");
    let body = if is_form {
        let fields: serde_json::Map<String, Value> = form_urlencoded::parse(&body)
            .map(|(name, value)| (name.into_owned(), Value::String(value.into_owned())))
            .collect();
        Ok(Value::Object(fields))
    } else {
        serde_json::from_slice(&body)
    };
    let answer = match (account, body) {
        (Some(account), Ok(body)) => slack.call(account, &method, &body),
        (None, _) => refused("invalid_auth"),
        (_, Err(_)) => refused("invalid_json"),
    };
    match answer.comes {
        Comes::AtOnce => {}
        Comes::After(delay) => tokio::time::sleep(delay).await,
        Comes::Never => return cut_off(),
    }
    let mut response = Response::new(Body::from(answer.said.to_string()));
    *response.status_mut() = answer.status;
    if let Some(seconds) = answer.retry_after {
        response.headers_mut().insert("retry-after", seconds.into());
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_posted_once_and_edited_where_it_stands() {
        let slack = Slack::default();
        slack.next_calls("1", &[SlackTrouble::RateLimited { seconds: 3 }]);
        let post = json!({ "channel": "C1", "text": "a" });
        assert_eq!(slack.call("1", "chat.postMessage", &post).retry_after, Some(3));
        let posted = slack.call("1", "chat.postMessage", &post).said;
        let edit = json!({ "channel": "C1", "ts": posted["ts"], "text": "b" });
        assert_eq!(slack.call("1", "chat.update", &edit).said["ok"], true);
        let messages = slack.messages("1");
        assert_eq!((messages.len(), messages[0].before.len()), (1, 1));
        assert_eq!(messages[0].now["text"], "b");
        let below = json!({ "channel": "C1", "thread_ts": posted["ts"], "text": "c" });
        assert_eq!(slack.call("1", "chat.postMessage", &below).said["ok"], true);
        let messages = slack.messages("1");
        assert_eq!((messages.len(), messages[0].thread[0]["text"].as_str()), (1, Some("c")));
        let elsewhere = json!({ "channel": "C2", "ts": posted["ts"], "text": "b" });
        assert_eq!(slack.call("1", "chat.update", &elsewhere).said["error"], "message_not_found");
        assert!(slack.messages("2").is_empty());
    }

    #[test]
    fn a_guest_is_told_from_a_member() {
        let slack = Slack::default();
        slack.invite_guest("1", "U2");
        let is_guest = |user: &str| {
            slack.call("1", "users.info", &json!({ "user": user })).said["user"]["is_restricted"] == true
        };
        assert!(is_guest("U2") && !is_guest("U1"));
    }

    #[test]
    fn what_is_answered_late_or_never_is_done() {
        let slack = Slack::default();
        slack.next_calls("1", &[SlackTrouble::Delays { seconds: 3 }, SlackTrouble::AnswerLost]);
        let post = json!({ "channel": "C1", "text": "a" });
        let late = slack.call("1", "chat.postMessage", &post);
        assert!(matches!(late.comes, Comes::After(delay) if delay == Duration::from_secs(3)));
        assert!(matches!(slack.call("1", "chat.postMessage", &post).comes, Comes::Never));
        assert_eq!(slack.messages("1").len(), 2);
    }
}
