//! Deals the faults out: pure, from the seed and how often an operation was called.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use axum::http::HeaderMap;

use super::{Fault, Faults, Kills, Tally};

/// Calls of one operation are dealt from decks of so many cards, so that rare and frequent faults all happen.
const DECK: u64 = 40;
/// In each deck every fault is there so often, for one attempt…
const COPIES: usize = 2;
/// …and one for every attempt of its call, which then fails whatever the SDK repeats.
const HOPELESS: [Fault; 5] =
    [Fault::Throttled, Fault::Unavailable, Fault::Broken, Fault::Reset, Fault::AnswerLost];
/// Each costs its function the ten seconds that the SDK waits.
const LATE_MAX: u32 = 2;
/// A killed function dies within this after a call of its own reached us.
const KILL_WITHIN_MS: u64 = 60;

/// One attempt of a function's call, as its request tells.
#[derive(Debug, Clone)]
pub(crate) struct FunctionCall {
    pub(crate) function: String,
    /// The port that names the execution environment.
    pub(crate) environment: u16,
    pub(crate) service: String,
    pub(crate) action: String,
    /// The same for every attempt of one call.
    invocation: String,
}

impl FunctionCall {
    /// `None` for whoever is not a function. A function's credentials are a session's, as on AWS; here the session's
    /// token is `<function>:<port>` (see `serve.py`).
    pub(crate) fn of(headers: &HeaderMap, service: &str, action: &str) -> Option<Self> {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let (function, port) = text("x-amz-security-token")?.rsplit_once(':')?;
        Some(Self {
            function: function.to_owned(),
            environment: port.parse().ok()?,
            service: service.to_owned(),
            action: action.to_owned(),
            invocation: text("amz-sdk-invocation-id").unwrap_or_default().to_owned(),
        })
    }
}

/// The faults of one account, and what has happened of them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Weather {
    faults: Option<Faults>,
    kills: Option<Kills>,
    /// How often each operation was called.
    dealt: BTreeMap<(String, String), u64>,
    hopeless: BTreeMap<String, Fault>,
    late: u32,
    tally: Tally,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Card {
    Fair,
    Once(Fault),
    Always(Fault),
}

impl Weather {
    pub(crate) fn set_faults(&mut self, faults: Option<Faults>) {
        self.faults = faults;
    }

    pub(crate) fn set_kills(&mut self, kills: Option<Kills>) {
        self.kills = kills;
    }

    pub(crate) fn tally(&self) -> &Tally {
        &self.tally
    }

    /// What befalls this attempt.
    pub(crate) fn befalls(&mut self, call: &FunctionCall) -> Option<Fault> {
        self.tally.attempts += 1;
        let fault = match self.hopeless.get(&call.invocation) {
            Some(fault) => Some(*fault),
            None => self.deal(call),
        }?;
        let befallen = (call.service.clone(), call.action.clone(), fault);
        *self.tally.befallen.entry(befallen).or_default() += 1;
        Some(fault)
    }

    fn deal(&mut self, call: &FunctionCall) -> Option<Fault> {
        let faults = self.faults.as_ref()?;
        let dealt = self.dealt.entry((call.service.clone(), call.action.clone())).or_default();
        let card = match faults.first.get(&call.action).filter(|_| *dealt == 0) {
            Some(fault) => Card::Once(*fault),
            None => card(faults.seed, call, *dealt),
        };
        *dealt += 1;
        match card {
            Card::Fair => None,
            Card::Once(Fault::AnswerLate) if self.late >= LATE_MAX => None,
            Card::Once(fault) => {
                self.late += u32::from(fault == Fault::AnswerLate);
                Some(fault)
            }
            Card::Always(fault) => {
                self.hopeless.insert(call.invocation.clone(), fault);
                *self.tally.hopeless.entry(call.function.clone()).or_default() += 1;
                Some(fault)
            }
        }
    }

    /// How long its process still has to live, if it is to be killed.
    pub(crate) fn dies_in(&mut self) -> Option<Duration> {
        let kills = self.kills.as_mut().filter(|kills| kills.most > 0)?;
        let drawn = hash(&(kills.seed, "kill", self.tally.attempts));
        if !drawn.is_multiple_of(kills.one_call_in.max(1)) {
            return None;
        }
        kills.most -= 1;
        Some(Duration::from_millis(hash(&(drawn, "moment")) % KILL_WITHIN_MS))
    }

    /// Whether it was caught in the middle of an event; one that had finished is left alone, and another dies instead.
    pub(crate) fn was_killed(&mut self, function: &str, in_the_middle: bool) {
        if in_the_middle {
            *self.tally.killed.entry(function.to_owned()).or_default() += 1;
        } else if let Some(kills) = &mut self.kills {
            kills.most += 1;
        }
    }
}

/// The card of an operation's call of that number. Each deck is shuffled for itself.
fn card(seed: u64, call: &FunctionCall, number: u64) -> Card {
    let deck = number / DECK;
    let shuffled = |card: &u64| hash(&(seed, &call.service, &call.action, deck, card));
    let mut order: Vec<u64> = (0..DECK).collect();
    order.sort_by_key(shuffled);
    let drawn = usize::try_from(order[(number % DECK) as usize]).unwrap_or(usize::MAX);
    let once = Fault::ALL.len() * COPIES;
    if drawn < once {
        Card::Once(Fault::ALL[drawn % Fault::ALL.len()])
    } else if drawn == once {
        let chosen = shuffled(&DECK) % HOPELESS.len() as u64;
        Card::Always(HOPELESS[chosen as usize])
    } else {
        Card::Fair
    }
}

fn hash(drawn: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    drawn.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(action: &str, invocation: &str) -> FunctionCall {
        FunctionCall {
            function: "notify".to_owned(),
            environment: 4000,
            service: "sns".to_owned(),
            action: action.to_owned(),
            invocation: invocation.to_owned(),
        }
    }

    fn stormy(seed: u64) -> Weather {
        let mut weather = Weather::default();
        weather.set_faults(Some(Faults { seed, ..Faults::default() }));
        weather
    }

    /// What befalls the first attempts of so many calls.
    fn fates(weather: &mut Weather, action: &str, calls: u64) -> Vec<Option<Fault>> {
        (0..calls).map(|n| weather.befalls(&call(action, &format!("{action}-{n}")))).collect()
    }

    #[test]
    fn the_same_seed_deals_the_same_whatever_other_calls_come_in_between() {
        let alone = fates(&mut stormy(7), "Publish", 2 * DECK);
        let mut mixed = stormy(7);
        let mut among_others = Vec::new();
        for n in 0..2 * DECK {
            mixed.befalls(&call("Subscribe", &format!("other-{n}")));
            among_others.push(mixed.befalls(&call("Publish", &format!("{n}"))));
        }
        let without_late = |fates: Vec<Option<Fault>>| -> Vec<Option<Fault>> {
            fates.into_iter().filter(|fate| *fate != Some(Fault::AnswerLate)).collect()
        };
        // Late answers are bounded for all operations together, so those alone may differ.
        let (alone, among_others) = (without_late(alone), without_late(among_others));
        assert_eq!(
            alone.iter().flatten().collect::<Vec<_>>(),
            among_others.iter().flatten().collect::<Vec<_>>()
        );
        assert_ne!(fates(&mut stormy(7), "Publish", DECK), fates(&mut stormy(8), "Publish", DECK));
    }

    #[test]
    fn every_deck_has_every_fault_and_one_call_without_hope() {
        let mut weather = stormy(7);
        fates(&mut weather, "Publish", DECK);
        for fault in Fault::ALL {
            assert!(weather.tally().of(fault) >= 2, "{fault:?}: {:?}", weather.tally());
        }
        assert_eq!(weather.tally().hopeless, BTreeMap::from([("notify".to_owned(), 1)]));
        assert_eq!(weather.tally().attempts, DECK);
    }

    #[test]
    fn a_call_without_hope_fails_at_every_attempt_and_any_other_only_once() {
        let mut weather = stormy(7);
        for n in 0..DECK {
            let call = call("Publish", &format!("{n}"));
            let hopeless_before = weather.tally().hopeless.clone();
            let first = weather.befalls(&call);
            if weather.tally().hopeless != hopeless_before {
                assert!(first.is_some());
                assert_eq!([weather.befalls(&call), weather.befalls(&call)], [first, first]);
                return;
            }
        }
        panic!("no call of the deck was without hope");
    }

    #[test]
    fn what_must_befall_a_first_call_befalls_it_once() {
        let first = BTreeMap::from([("Publish".to_owned(), Fault::AnswerLost)]);
        let mut weather = Weather::default();
        for seed in 0..20 {
            weather = Weather::default();
            weather.set_faults(Some(Faults { seed, first: first.clone() }));
            assert_eq!(weather.befalls(&call("Publish", "1")), Some(Fault::AnswerLost));
        }
        assert_eq!(weather.tally().of_call("sns", "Publish", Fault::AnswerLost), 1);
        assert_eq!(weather.tally().of_call("sns", "Subscribe", Fault::AnswerLost), 0);
    }

    #[test]
    fn without_faults_every_call_is_only_counted() {
        let mut weather = Weather::default();
        assert_eq!(fates(&mut weather, "Publish", DECK), vec![None; DECK as usize]);
        assert_eq!(*weather.tally(), Tally { attempts: DECK, ..Tally::default() });
    }

    #[test]
    fn as_many_are_killed_as_asked_and_the_idle_do_not_count() {
        let mut weather = Weather::default();
        weather.set_kills(Some(Kills { seed: 7, most: 3, one_call_in: 2 }));
        let mut scheduled = 0;
        for n in 0..1000 {
            weather.befalls(&call("Publish", &format!("{n}")));
            if let Some(after) = weather.dies_in() {
                assert!(after < Duration::from_millis(KILL_WITHIN_MS));
                weather.was_killed("notify", scheduled % 2 == 0);
                scheduled += 1;
            }
        }
        assert_eq!((weather.tally().kills(), scheduled), (3, 5));
    }

    #[test]
    fn only_a_functions_call_is_one() {
        let headers = |token: &'static str| -> HeaderMap {
            [("x-amz-security-token".parse().unwrap(), token.parse().unwrap())].into_iter().collect()
        };
        let call =
            FunctionCall::of(&headers("tidegate-PushFunction-AB12:4001"), "sqs", "SendMessage").unwrap();
        assert_eq!((call.function.as_str(), call.environment), ("tidegate-PushFunction-AB12", 4001));
        assert!(FunctionCall::of(&headers("some session"), "sqs", "SendMessage").is_none());
        assert!(FunctionCall::of(&HeaderMap::new(), "sqs", "SendMessage").is_none());
    }
}
