//! People: they read what they are told, and answer by reply, late or never.

use std::collections::{BTreeMap, BTreeSet};

use engine::ports::Message;
use model::ids::ReleaseId;
use model::release::Phase;
use serde_json::Value;

use crate::events;
use crate::untruth::Untruth;
use crate::world::{Function, HOUR, Happening, Invocation, MINUTE, Origin, SECOND, World};

#[derive(Debug, Default)]
pub(crate) struct People {
    /// Release and fingerprint of everything that somebody said yes to.
    pub(crate) approved: BTreeSet<(String, String)>,
    /// Who approved what in Slack.
    pub(crate) said: crate::voters::Said,
    /// The endings that were told, by release.
    pub(crate) told: BTreeMap<String, BTreeSet<String>>,
}

impl World {
    pub(crate) fn publish(&mut self, message: &Message) {
        let json: Value = match serde_json::from_str(&message.json) {
            Ok(json) => json,
            Err(fault) => return self.violation(format!("a notification's JSON is none: {fault}")),
        };
        let text = |key: &str| json[key].as_str().unwrap_or_default().to_owned();
        let release = text("release");
        if message.subject.len() > 99 || !message.subject.is_ascii() {
            self.violation(format!("SNS refuses the subject {:?}", message.subject));
        }
        self.say(format_args!("people are told: {}", message.subject));
        match text("notice").as_str() {
            "approvalReminded" | "approvalEscalated" => self.coverage.hit("told", "again"),
            "approvalRequested" => self.consider(release, text("fingerprint"), &text("token")),
            "ended" => {
                let mut ending = text("ending");
                if self.untruth == Untruth::EveryoneIsToldDeployed {
                    ending = "Deployed".to_owned();
                }
                self.people.told.entry(release).or_default().insert(ending);
            }
            "held" => self.hear_of_hold(&text("track"), json["held"] == true),
            "replyRefused" => self.coverage.hit("told", "a reply was not taken"),
            "takesLong" => self.coverage.hit("told", "takes long"),
            other => self.violation(format!("an unknown notice {other:?}")),
        }
    }

    fn consider(&mut self, release: String, fingerprint: String, token: &str) {
        self.vote(&release, &fingerprint);
        let delay = match self.random.between(1, 10) {
            1..=6 => self.random.between(10 * SECOND, 10 * MINUTE),
            7 | 8 => self.random.between(MINUTE, 3 * HOUR),
            9 => self.random.between(HOUR, 24 * HOUR),
            _ => {
                self.coverage.hit("person", "never answers");
                return;
            }
        };
        if self.random.chance(self.faults.trouble) {
            self.coverage.hit("person", "guesses a token");
            self.reply(delay / 2, &format!("approve {release} {}", "0".repeat(32)));
        }
        if self.random.between(1, 10) == 1 {
            self.coverage.hit("person", "rejects");
            self.reply(delay, &format!("Reject {release} {token} not on a Friday"));
            return;
        }
        self.coverage.hit("person", "approves");
        self.people.approved.insert((release.clone(), fingerprint));
        self.reply(delay, &format!("approve {release} {token}."));
        if self.random.chance(self.faults.duplicate) {
            self.reply(delay + SECOND, &format!("approve {release} {token}\n\n--\nAna"));
        }
    }

    /// SNS to Lambda: what people say is not lost, but may come twice.
    fn reply(&mut self, delay_ms: u64, text: &str) {
        let payload = events::reply(text);
        let invocation =
            Invocation { function: Function::Approval, payload, origin: Origin::Event { attempt: 0 } };
        self.later(delay_ms, Happening::Invoke(invocation));
    }

    /// Every ending was told, and told as what it was (I3, I6).
    pub(crate) fn check_told(&mut self) {
        let mut wrong = Vec::new();
        for (id, release) in &self.table.releases {
            let Phase::Over(ending) = &release.phase else { continue };
            let told = self.people.told.get(&id.to_string());
            if told != Some(&BTreeSet::from([ending.name().to_owned()])) {
                wrong.push(told_wrong(id, ending.name(), told));
            }
        }
        wrong.into_iter().for_each(|wrong| self.violation(wrong));
    }
}

fn told_wrong(id: &ReleaseId, ending: &str, told: Option<&BTreeSet<String>>) -> String {
    format!("I3: {id} ended {ending}, and people were told {told:?}")
}
