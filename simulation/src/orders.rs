//! People who order: they hold and lift, cancel and retry, go back and start anew, sometimes twice and sometimes in vain.

use model::release::Phase;
use serde_json::{Value, json};

use crate::faults::Fault;
use crate::world::{Function, HOUR, Happening, Invocation, MINUTE, Origin, SECOND, World};

const VERBS: [&str; 7] = ["hold", "lift", "cancel", "retry", "rollback", "redeploy", "override"];

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

    /// Whoever is told of a hold lifts it, sooner or later.
    pub(crate) fn hear_of_hold(&mut self, track: &str, held: bool) {
        self.coverage.hit("told", if held { "held" } else { "no longer held" });
        if held {
            let delay = self.random.between(MINUTE, 20 * HOUR);
            self.give(delay, json!({ "order": "lift", "track": track }));
        }
    }

    /// The command line invokes and waits; when it hears nothing it sends the same again.
    fn give(&mut self, delay_ms: u64, mut order: Value) {
        order["id"] = format!("order-{}", self.id()).into();
        order["by"] = "ana".into();
        order["reason"] = "as agreed".into();
        let payload = order.to_string().into_bytes();
        let times = if self.strikes(Fault::EventTwice, "order") { 2 } else { 1 };
        for again in 0..times {
            let origin = Origin::Event { attempt: 0 };
            let invocation = Invocation { function: Function::Approval, payload: payload.clone(), origin };
            self.later(delay_ms + again * 20 * SECOND, Happening::Invoke(invocation));
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
