//! People who answer in Slack: known by the directory, more than one at once, some of whom may not. What they said is
//! kept beside the product, so that I1 is judged by it and not by what the product remembers.

use std::collections::{BTreeMap, BTreeSet};

use engine::ports::{Membership, SlackApp};
use model::ids::SlackUser;
use model::release::{Origin as ReleaseOrigin, Release};
use serde_json::{Value, json};

use crate::callers;
use crate::checks::Invariant;
use crate::events;
use crate::faults::Fault;
use crate::people::Request;
use crate::world::{Function, HOUR, Happening, MINUTE, Message, Ordered, SECOND, SPOKEN_QUEUE, World};

const TEAM: &str = "T0001";
const APP: &str = "A0001";
const SECRET: &[u8] = b"the signing secret of the simulated app";

/// Who votes, and by which Slack id they are known. Gus is in the directory and a guest of the workspace; zoe is nobody.
const VOTERS: [(&str, &str); 6] = [
    ("ana", "U0001"),
    ("ben", "U0002"),
    ("cleo", "U0003"),
    ("dana", "U0004"),
    (GUEST, "U0005"),
    ("zoe", "U0099"),
];
pub(crate) const GUEST: &str = "gus";

/// Who approved which plan of which release.
pub(crate) type Said = BTreeMap<(String, String), BTreeSet<&'static str>>;

pub(crate) fn app() -> SlackApp {
    SlackApp { team: TEAM.to_owned(), app: APP.to_owned(), signing_secret: SECRET.to_vec() }
}

pub(crate) fn membership(user: &SlackUser) -> Membership {
    let is_guest = VOTERS.iter().any(|(name, slack)| *name == GUEST && *slack == user.user());
    if is_guest { Membership::Guest } else { Membership::Full }
}

/// Ana pushes everything, and wrote some of it, as dana did.
pub(crate) fn people_record() -> Value {
    let person = |name: &str, slack: &str| {
        let git = if name == "ana" {
            vec![format!("{name}@example.com"), events::pusher()]
        } else {
            vec![format!("{name}@example.com")]
        };
        json!({ "slack": [format!("{TEAM}/{slack}")], "iam": callers::unique_id(name).into_iter().collect::<Vec<_>>(), "git": git })
    };
    let people: BTreeMap<&str, Value> =
        VOTERS[..5].iter().map(|(name, slack)| (*name, person(name, slack))).collect();
    json!({
        "people": people,
        "groups": { "managers": ["ben", "cleo", "dana", GUEST] },
        "sessionNamesEnforced": {
            "AROA0000000000000001": format!("arn:aws:iam::{}:role/Developer", events::ACCOUNT),
        },
    })
}

impl World {
    /// Some of those who are asked click, each when they see it.
    pub(crate) fn vote(&mut self, release: &str, fingerprint: &str) {
        let rejects = self.random_of(release).between(1, 20) == 1;
        for (name, slack) in VOTERS {
            if !self.random_of(release).chance(700) {
                continue;
            }
            let random = self.random_of(release);
            let longest = *random.pick(&[8 * SECOND, MINUTE, 10 * MINUTE, 3 * HOUR]);
            let delay = random.between(5 * SECOND, longest);
            let rejects = rejects && name == "ben";
            let action = if rejects { "reject" } else { "approve" };
            if !rejects {
                let key = (release.to_owned(), fingerprint.to_owned());
                self.people.approved.insert(key.clone());
                self.people.said.entry(key).or_default().insert(name);
            }
            // A guest has no keys of this account.
            if name != GUEST && self.random_of(release).chance(300) {
                let how = if rejects { "rejects by command" } else { "approves by command" };
                self.coverage.hit("person", how);
                let order =
                    json!({ "order": action, "release": release, "plan": fingerprint, "reason": "seen" });
                self.orders(delay, Ordered { by: name, order, again: 0 });
                continue;
            }
            let how = if rejects { "rejects in Slack" } else { "approves in Slack" };
            self.coverage.hit("person", how);
            let times = if self.strikes(Fault::EventTwice, "click") { 2 } else { 1 };
            for again in 0..times {
                let at = delay + again * 20 * SECOND;
                self.click(at, slack, action, &format!("{release} {fingerprint}"));
            }
        }
    }
}

impl World {
    /// `slack` verifies it and hands it on, and tells whoever clicked if it cannot: it is not lost.
    pub(crate) fn click(&mut self, delay_ms: u64, slack_user: &str, action: &str, value: &str) {
        let body = clicked(self.now + delay_ms, slack_user, action, value);
        let id = self.id();
        self.heard.push((Function::Approval, events::queued(SPOKEN_QUEUE, id, &body)));
        let message = Message { queue: SPOKEN_QUEUE, id, body, receives: 0, group: None };
        let travel = self.random.between(5, 2 * SECOND);
        self.later(delay_ms + travel, Happening::Deliver(message.clone()));
        if self.strikes(Fault::MessageTwice, SPOKEN_QUEUE) {
            let gap = self.random.between(1, 20 * SECOND);
            self.later(delay_ms + travel + gap, Happening::Deliver(message));
        }
    }
}

impl World {
    /// Ben says yes, who pushed nothing.
    pub(crate) fn click_yes(&mut self, delay_ms: u64, request: &Request) {
        let Request { release, fingerprint, .. } = request;
        self.said_yes(request);
        self.click(delay_ms, "U0002", "approve", &format!("{release} {fingerprint}"));
    }

    pub(crate) fn order_yes(&mut self, delay_ms: u64, request: &Request) {
        let Request { release, fingerprint, .. } = request;
        self.said_yes(request);
        let order = json!({ "order": "approve", "release": release, "plan": fingerprint, "reason": "seen" });
        self.orders(delay_ms, Ordered { by: "ben", order, again: 0 });
    }

    fn said_yes(&mut self, request: &Request) {
        let key = (request.release.clone(), request.fingerprint.clone());
        self.people.approved.insert(key.clone());
        self.people.said.entry(key).or_default().insert("ben");
    }
}

/// Whose click or order it is, by the id or key in its payload.
pub(crate) fn who_spoke(payload: &str) -> Option<&'static str> {
    let clicked = VOTERS.iter().find(|(_, slack)| payload.contains(slack)).map(|(name, _)| *name);
    clicked.or_else(|| callers::who_ordered(payload))
}

/// What `slack` hands on of a button that was clicked.
pub(crate) fn clicked(now_ms: u64, slack_user: &str, action: &str, value: &str) -> String {
    let payload = json!({
        "type": "block_actions",
        "api_app_id": APP,
        "team": { "id": TEAM },
        "user": { "id": slack_user, "team_id": TEAM },
        "response_url": format!("https://hooks.slack.com/actions/{TEAM}/{now_ms}/answer"),
        "actions": [{ "action_id": action, "value": value }],
        "state": { "values": { "reason": { "reason": { "value": "too risky" } } } },
    });
    let mut form = form_urlencoded::Serializer::new(String::new());
    let body = form.append_pair("payload", &payload.to_string()).finish();
    let timestamp = now_ms / 1000;
    let signature = slack::sign(SECRET, timestamp, body.as_bytes());
    let signed = slack::Signed::from_body(timestamp, &signature, body.into_bytes());
    signed.map(|signed| signed.to_message().to_string()).unwrap_or_default()
}

/// I1 where only people of the directory may approve: counted from what they said, in other words than the product's.
pub(crate) fn lacks_voices(
    world: &World,
    release: &Release,
    fingerprint: &str,
) -> Option<(Invariant, String)> {
    let environment = release.id.track.environment.as_str();
    let least = world.platform.least_voices(environment)?;
    let is_new = matches!(release.origin, ReleaseOrigin::Push | ReleaseOrigin::Promotion { .. });
    let is_rollback = matches!(release.origin, ReleaseOrigin::Rollback { .. });
    let stranger = is_new && release.pushed_by.is_none();
    let needed = if is_rollback { 1 } else { least } + u32::from(stranger);
    let ordered = release.ordered.as_ref().and_then(|ordered| ordered.by.person());
    let close = |name: &str| {
        (name == "ana" && release.pushed_by.is_some())
            || release.authors.iter().any(|author| *author == format!("{name}@example.com"))
            || ordered.is_some_and(|person| person.as_str() == name)
    };
    let said = world.people.said.get(&(release.id.to_string(), fingerprint.to_owned()));
    let counting = said.map_or(0, |said| {
        said.iter().filter(|name| ["ben", "cleo", "dana"].contains(*name) && !close(name)).count()
    });
    (counting < needed as usize)
        .then(|| (Invariant::I1, format!("{} deploys with {counting} of {needed} voices", release.id)))
}
