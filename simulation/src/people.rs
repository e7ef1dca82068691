//! People: they read what they are told, and answer by reply, late or never.

use std::collections::{BTreeMap, BTreeSet};

use engine::ports::Message;
use model::ids::ReleaseId;
use serde_json::Value;

use crate::checks::Invariant;
use crate::events;
use crate::faults::Fault;
use crate::script::Answer;
use crate::story::What;
use crate::world::{Function, HOUR, Happening, Invocation, MINUTE, Origin, SECOND, World};

#[derive(Debug, Default)]
pub(crate) struct People {
    /// Release and fingerprint of everything that somebody said yes to.
    pub(crate) approved: BTreeSet<(String, String)>,
    /// Those of them that were approved by a reply.
    pub(crate) replied: BTreeSet<(String, String)>,
    /// Who approved what in Slack.
    pub(crate) said: crate::voters::Said,
    /// The endings that were told, by release.
    pub(crate) told: BTreeMap<String, BTreeSet<String>>,
    /// Requests that people were sent.
    pub(crate) requests: Vec<Request>,
    told_count: u64,
}

#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) release: String,
    pub(crate) fingerprint: String,
    pub(crate) token: String,
}

impl People {
    /// Messages published so far.
    pub(crate) fn told_count(&self) -> u64 {
        self.told_count
    }
}

/// SNS refuses more. Source: SNS API, Publish.
const SUBJECT_CHARS_MAX: usize = 99;
const MESSAGE_BYTES_MAX: usize = 256 * 1024;

impl World {
    pub(crate) fn publish(&mut self, message: &Message) {
        let json: Value = match serde_json::from_str(&message.json) {
            Ok(json) => json,
            Err(fault) => {
                return self.violation(Invariant::Aws, format!("a notification's JSON is none: {fault}"));
            }
        };
        let text = |key: &str| json[key].as_str().unwrap_or_default().to_owned();
        let release = text("release");
        // Whoever says the same again is answered again, and whoever reads a bad record tells of it until it is remembered.
        if !matches!(text("notice").as_str(), "replyRefused" | "channelsUnread") {
            self.people.told_count += 1;
        }
        if message.subject.len() > SUBJECT_CHARS_MAX || !message.subject.is_ascii() {
            self.violation(Invariant::Aws, format!("SNS refuses the subject {:?}", message.subject));
        }
        if message.in_full().len() + message.json.len() > MESSAGE_BYTES_MAX {
            self.violation(Invariant::Aws, "SNS refuses a message that long");
        }
        self.say(format_args!("people are told: {}", message.subject));
        match text("notice").as_str() {
            "approvalReminded" | "approvalEscalated" => {
                self.only_the_request_tells_its_token(message, &text("token"));
                self.coverage.hit("told", "again");
            }
            "approvalRequested" => {
                let request = Request { release, fingerprint: text("fingerprint"), token: text("token") };
                self.only_the_request_tells_its_token(message, &request.token);
                self.consider(request);
            }
            "held" => self.hear_of_hold(&text("track"), json["held"] == true),
            "ended" => {
                self.only_the_request_tells_its_token(message, "");
                self.hear_of_stack(&release, &text("stackStatus"));
                self.people.told.entry(release).or_default().insert(text("ending"));
            }
            "replyRefused" => {
                self.only_the_request_tells_its_token(message, "");
                self.coverage.hit("told", "a reply was not taken");
            }
            "repaired" => {
                self.only_the_request_tells_its_token(message, "");
                let what = if json["repaired"] == true { "repaired" } else { "not repaired" };
                self.coverage.hit("told", what);
            }
            "channelsUnread" => {
                self.only_the_request_tells_its_token(message, "");
                self.coverage.hit("told", "channels count for nothing");
            }
            "takesLong" => self.only_the_request_tells_its_token(message, ""),
            other => self.violation(Invariant::Aws, format!("an unknown notice {other:?}")),
        }
    }

    fn consider(&mut self, request: Request) {
        if self.script.is_some() {
            return self.answer_as_scripted(request);
        }
        self.vote(&request.release, &request.fingerprint);
        let random = self.random_of(&request.release);
        let delay = match random.between(1, 10) {
            // At once, as others do.
            1 => random.between(5 * SECOND, 8 * SECOND),
            2..=6 => random.between(10 * SECOND, 10 * MINUTE),
            7 | 8 => random.between(MINUTE, 3 * HOUR),
            9 => random.between(HOUR, 24 * HOUR),
            _ => {
                self.coverage.hit("person", "never answers");
                // Others guess all the same.
                self.answer_wrongly(&request, HOUR);
                return self.people.requests.push(request);
            }
        };
        self.answer_wrongly(&request, delay);
        let Request { release, token, .. } = &request;
        if self.random_of(release).between(1, 10) == 1 {
            self.coverage.hit("person", "rejects");
            self.reply(delay, &format!("Reject {release} {token} not on a Friday"));
        } else {
            self.coverage.hit("person", "approves");
            self.approve(delay, &request);
            if self.strikes(Fault::EventTwice, "reply") {
                self.reply(delay + SECOND, &format!("approve {release} {token}\n\n--\nAna"));
            }
        }
        self.people.requests.push(request);
    }

    fn answer_as_scripted(&mut self, request: Request) {
        let n = request.release.parse().map_or(0, |id: ReleaseId| id.n);
        let answer = self.script.as_ref().and_then(|script| script.answers.get(&n).copied());
        let delay_ms = self.takes(&request.release, 10 * SECOND, 10 * MINUTE);
        match answer {
            Some(Answer::Nothing) => {}
            Some(Answer::InSlack) => self.click_yes(delay_ms, &request),
            Some(Answer::ByCommand) => self.order_yes(delay_ms, &request),
            Some(Answer::Reject) => {
                let Request { release, token, .. } = &request;
                self.reply(delay_ms, &format!("reject {release} {token} not today"));
            }
            None => self.approve(delay_ms, &request),
        }
        self.people.requests.push(request);
    }

    fn approve(&mut self, delay_ms: u64, request: &Request) {
        let Request { release, fingerprint, token } = request;
        if self.strikes(Fault::StackTouchedOnApproval, "stack")
            && let Ok(id) = release.parse::<ReleaseId>()
        {
            let stack = id.track.stack().as_str().to_owned();
            let moment = self.random_of(release).between(0, 2 * SECOND);
            self.later(delay_ms + moment, Happening::Act(What::StackTouched { stack }));
        }
        self.people.approved.insert((release.clone(), fingerprint.clone()));
        self.people.replied.insert((release.clone(), fingerprint.clone()));
        self.reply(delay_ms, &format!("approve {release} {token}."));
    }

    /// Tokens that were never given, of other releases, and of requests that are long answered.
    fn answer_wrongly(&mut self, request: &Request, delay_ms: u64) {
        let release = &request.release;
        if self.strikes(Fault::WrongToken, "reply") {
            self.reply(delay_ms / 2, &format!("approve {release} {}", "0".repeat(32)));
        }
        let Some(old) = self.people.requests.last().cloned() else { return };
        if self.strikes(Fault::OldToken, "reply") {
            if old.release != *release {
                self.reply(delay_ms / 3, &format!("approve {release} {}", old.token));
            }
            self.approve(delay_ms, &old);
        }
    }

    /// SNS to Lambda: what people say is not lost, but may come twice.
    fn reply(&mut self, delay_ms: u64, text: &str) {
        let payload = events::reply(text);
        self.heard.push((Function::Approval, payload.clone()));
        let invocation =
            Invocation { function: Function::Approval, payload, origin: Origin::Event { attempt: 0 } };
        self.later(delay_ms, Happening::Invoke(invocation));
    }
}
