//! I9: a request's token is told to whoever is asked, and to nobody else; a proof is told to nobody.

use engine::ports::Message;
use model::decide::Advance;

use super::Invariant::{Aws, I9};
use super::{Wrong, tell};
use crate::callers::SESSION_TOKEN;
use crate::ports::REPLY_KEY;
use crate::world::World;

/// Source: DynamoDB developer guide, "Constraints".
const ITEM_BYTES_MAX: usize = 400 * 1024;

/// What functions logged, answered and failed with, once the run is over.
pub(crate) fn no_secret_was_told(world: &mut World, logged: &str) {
    let mut wrong = Wrong::new();
    for (place, text) in [("a log line", logged), ("an answer or an error", world.answered.as_str())] {
        if tells_a_secret(world, text, "") {
            wrong.push((I9, format!("a reply token or a proof is in {place}")));
        }
    }
    tell(world, &["I9"], wrong);
}

/// `but`: the token that this text may tell.
fn tells_a_secret(world: &World, text: &str, but: &str) -> bool {
    let key = std::str::from_utf8(REPLY_KEY).unwrap_or_default();
    let mut tokens = world.people.requests.iter().map(|request| request.token.as_str());
    text.contains(key)
        || text.contains(SESSION_TOKEN)
        || tokens.any(|token| token != but && text.contains(token))
}

pub(super) fn nothing_secret_is_stored(world: &mut World, advance: &Advance) {
    let mut wrong = Wrong::new();
    let items = [serde_json::to_string(&advance.track), serde_json::to_string(&advance.changed)];
    for item in items {
        match item {
            Err(fault) => wrong.push((Aws, format!("{} cannot be stored: {fault}", advance.track.key))),
            Ok(item) if item.len() > ITEM_BYTES_MAX => {
                wrong.push((Aws, format!("DynamoDB refuses {} bytes of {}", item.len(), advance.track.key)));
            }
            Ok(item) if tells_a_secret(world, &item, "") => {
                wrong.push((I9, format!("a reply token or a proof is stored with {}", advance.track.key)));
            }
            Ok(_) => {}
        }
    }
    tell(world, &["I9"], wrong);
}

impl World {
    /// A request tells its own token; nothing else that people are sent tells any.
    pub(crate) fn only_the_request_tells_its_token(&mut self, message: &Message, own: &str) {
        let mut wrong = Wrong::new();
        for text in [&message.subject, &message.in_full(), &message.json] {
            if tells_a_secret(self, text, own) {
                wrong.push((I9, format!("{:?} tells somebody else's token, or a proof", message.subject)));
            }
        }
        tell(self, &["I9"], wrong);
    }

    /// Whoever reads a channel may answer there as themselves, and as nobody else.
    pub(crate) fn slack_is_told_no_secret(&mut self, text: &str) {
        let wrong =
            tells_a_secret(self, text, "").then(|| (I9, "a reply token or a proof is in Slack".to_owned()));
        tell(self, &["I9"], wrong.into_iter().collect());
    }

    pub(super) fn nothing_secret_is_quarantined(&mut self, why: &str, payload: &[u8]) {
        let payload = String::from_utf8_lossy(payload).into_owned();
        if tells_a_secret(self, why, "") || tells_a_secret(self, &payload, "") {
            self.violation(I9, "a reply token or a proof is in the quarantine");
        }
    }
}
