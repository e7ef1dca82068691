//! People who order: they hold and lift, cancel and retry, go back and start anew, sometimes twice and sometimes in vain.

use intake::{Given, Meaning, Subject};
use model::ids::ReleaseId;
use model::release::Phase;
use serde_json::{Value, json};

use crate::callers::{self, FORGED};
use crate::checks::Invariant;
use crate::faults::Fault;
use crate::world::{Function, HOUR, Happening, Invocation, MINUTE, Ordered, Origin, SECOND, World};

/// Then people give up, and look.
const AGAIN_MAX: u32 = 3;

const VERBS: [&str; 8] = ["hold", "lift", "cancel", "retry", "rollback", "redeploy", "override", "repair"];

impl World {
    /// Somebody orders something of one of the service's tracks, knowing what a status would tell.
    pub(crate) fn order(&mut self, service: &str) {
        let environments = self.platform.environments();
        let environment = self.random.pick(&environments).clone();
        let track = format!("{service}/{environment}");
        let newest = self.newest(&track);
        let verb = *self.random.pick(&VERBS);
        let release = format!("{service}-{environment}-{}", self.random.between(1, u64::from(newest) + 1));
        let mut order = json!({ "order": verb, "track": track });
        match verb {
            "cancel" => order["release"] = self.in_flight(&track).unwrap_or(release).into(),
            "retry" => order["release"] = release.into(),
            "rollback" if self.random.chance(500) => order["to"] = release.into(),
            "override" => order["until"] = (self.now + self.random.between(MINUTE, 80 * HOUR)).into(),
            _ => {}
        }
        self.coverage.hit("person", &format!("orders {verb}"));
        self.give(0, order);
    }

    /// Somebody has one of the service's tracks retired.
    pub(crate) fn order_retirement(&mut self, service: &str) {
        let environments = self.platform.environments();
        let environment = self.random.pick(&environments).clone();
        self.coverage.hit("person", "orders retire");
        self.give(0, json!({ "order": "retire", "track": format!("{service}/{environment}") }));
    }

    /// Whoever is told of a hold lifts it, sooner or later.
    pub(crate) fn hear_of_hold(&mut self, track: &str, held: bool) {
        self.coverage.hit("told", if held { "held" } else { "no longer held" });
        if held {
            let delay = self.random.between(MINUTE, 20 * HOUR);
            self.give(delay, json!({ "order": "lift", "track": track }));
        }
    }

    /// Whoever is told of a stack that hangs has it repaired, more often than not before somebody else does.
    pub(crate) fn hear_of_stack(&mut self, release: &str, status: &str) {
        let Ok(release) = release.parse::<ReleaseId>() else { return };
        let verb = match status {
            "UPDATE_ROLLBACK_FAILED" | "ROLLBACK_COMPLETE" => "repair",
            "DELETE_FAILED" => "retire",
            _ => return,
        };
        if self.script.is_some() {
            return;
        }
        let mut order = json!({ "order": verb, "track": release.track.to_string() });
        if verb == "repair" && self.random.chance(200) {
            order["skip"] = json!(["Service"]);
        }
        let delay = self.random.between(MINUTE, HOUR);
        self.give(delay, order);
    }

    pub(crate) fn give(&mut self, delay_ms: u64, mut order: Value) {
        order["reason"] = "as agreed".into();
        self.orders(delay_ms, Ordered { by: "ana", order, again: 0 });
    }

    /// The command line signs and invokes, and now and then sends the same again. Somebody else tries, too.
    pub(crate) fn orders(&mut self, delay_ms: u64, ordered: Ordered) {
        let Ordered { by, .. } = ordered;
        let at = self.now + delay_ms;
        if self.strikes(Fault::ForgedProof, "order") {
            let given = self.given(&ordered.order, FORGED);
            self.invoke_approval(
                delay_ms / 2,
                callers::signed(by, &given, self.now + delay_ms / 2, "a guess"),
                &ordered,
            );
        }
        let given = self.given(&ordered.order, "order-");
        let payload = callers::signed(by, &given, at, &callers::secret(by));
        self.heard.push((Function::Approval, payload.clone()));
        let times = if self.strikes(Fault::EventTwice, "order") { 2 } else { 1 };
        for again in 0..times {
            self.invoke_approval(delay_ms + again * 20 * SECOND, payload.clone(), &ordered);
        }
    }

    fn invoke_approval(&mut self, delay_ms: u64, payload: Vec<u8>, ordered: &Ordered) {
        let origin = Origin::Person(ordered.clone());
        let invocation = Invocation { function: Function::Approval, payload, origin };
        self.later(delay_ms, Happening::Invoke(invocation));
    }

    fn given(&mut self, order: &Value, prefix: &str) -> Given {
        let mut order = order.clone();
        order["id"] = format!("{prefix}{}", self.id()).into();
        let meaning = intake::read(order.to_string().as_bytes()).remove(0).meaning;
        let Meaning::Signal(Subject::Order { given, .. }) = meaning else { panic!("{order}: {meaning:?}") };
        given
    }

    /// Without an answer, or told that it failed, whoever ordered orders again.
    pub(crate) fn hears_of_order(&mut self, ordered: &Ordered, said: Option<Option<Value>>) {
        let Some(answered) = said.as_ref().map(Option::as_ref) else {
            return self.orders_again(ordered);
        };
        let Some(answer) = answered else {
            return self
                .violation(Invariant::I9, "a function failed, and what Lambda keeps of that holds a proof");
        };
        if answer["handled"][0].as_str().is_some_and(|said| said.starts_with("failed")) {
            self.orders_again(ordered);
        }
    }

    fn orders_again(&mut self, ordered: &Ordered) {
        if ordered.again < AGAIN_MAX {
            self.coverage.hit("person", "orders again");
            let again = Ordered { again: ordered.again + 1, ..ordered.clone() };
            let delay = self.random.between(10 * SECOND, 2 * MINUTE);
            self.orders(delay, again);
        }
    }

    fn newest(&self, track: &str) -> u32 {
        let track = self.table.tracks.iter().find(|(key, _)| key.to_string() == track);
        track.and_then(|(_, track)| track.newest.as_ref()).map_or(1, |newest| newest.n)
    }

    fn in_flight(&self, track: &str) -> Option<String> {
        let (_, track) = self.table.tracks.iter().find(|(key, _)| key.to_string() == track)?;
        let release = track.in_flight.iter().find(|release| matches!(release.phase, Phase::Deploying { .. }));
        Some(release.or(track.in_flight.first())?.id.to_string())
    }
}
