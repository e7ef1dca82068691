//! What holds whatever happens, in whatever order: the invariants of ARCHITECTURE.md as far as one track keeps them.

use std::collections::{BTreeMap, BTreeSet};

use model::approval::{Answer, Ground};
use model::decide::{Decision, decide};
use model::ids::{EffectKey, Fingerprint, PersonName};
use model::release::{Ending, Origin, Phase, Release};
use model::signal::Signal;
use model::track::{IN_FLIGHT_MAX, OUTBOX_MAX, Track};
use model::who::Who;
use proptest::prelude::*;

use crate::facts::{Act, Facts};
use crate::story::{Story, ground, policy};

/// One decision may overfill the outbox by what it promises at once.
const OUTBOX_SLACK: usize = 3 * IN_FLIGHT_MAX + 6;
const ACTS_MAX: usize = 160;
/// More than any story of `ACTS_MAX` acts needs to come to rest.
const SETTLING_ACTS: usize = 400;

fn acts() -> impl Strategy<Value = Vec<(Act, usize)>> {
    let act = prop_oneof![
        3 => Just(Act::Push),
        1 => Just(Act::PushBadConfig),
        24 => Just(Act::Perform),
        4 => Just(Act::PerformKeepingBack),
        4 => Just(Act::TellKeptBack),
        6 => Just(Act::TellAgain),
        8 => Just(Act::BuildMoves),
        6 => Just(Act::StackMoves),
        1 => Just(Act::StackChangedOutside),
        10 => Just(Act::PersonAnswers),
        4 => Just(Act::PersonOrders),
        1 => Just(Act::FreezeBegins),
        2 => Just(Act::RecordsChange),
        2 => Just(Act::MinutesPass),
        1 => Just(Act::HoursPass),
        1 => Just(Act::Refuse),
        1 => Just(Act::Wait),
    ];
    prop::collection::vec((act, 0..1000_usize), 0..ACTS_MAX)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn the_invariants_hold_after_every_signal(acts in acts()) {
        let mut watched = Watched::new(true);
        for (act, pick) in acts {
            watched.act(act, pick);
        }
    }

    #[test]
    fn the_same_facts_in_any_order_end_in_the_same_state(acts in acts()) {
        let mut watched = Watched::new(false);
        watched.act(Act::Push, 0);
        for (act, pick) in acts {
            // One push; whatever is done about it, and however often and in whatever order it is told.
            watched.act(if act == Act::Push { Act::TellAgain } else { act }, pick);
        }
        watched.settle();
        let story = &watched.story;
        prop_assert!(story.track.in_flight.is_empty(), "{:?}", story.track.in_flight);
        let endings: Vec<&str> = story.over.iter().filter_map(Release::ending).map(Ending::name).collect();
        prop_assert_eq!(endings, ["Deployed"]);
        prop_assert_eq!(story.track.live.as_ref().map(|live| &live.image), watched.facts.runs.as_ref());
    }

    #[test]
    fn when_all_is_over_the_newest_push_is_live(acts in acts()) {
        let mut watched = Watched::new(false);
        for (act, pick) in acts {
            watched.act(act, pick);
        }
        watched.settle();
        let track = &watched.story.track;
        prop_assert!(track.in_flight.is_empty(), "{:?}", track.in_flight);
        prop_assert_eq!(
            track.live.as_ref().map(|live| &live.revision),
            track.newest.as_ref().map(|newest| &newest.revision)
        );
        prop_assert_eq!(track.live.as_ref().map(|live| &live.image), watched.facts.runs.as_ref());
    }

    #[test]
    fn once_all_is_over_nothing_that_is_told_again_changes_it(acts in acts(), again in acts()) {
        let mut watched = Watched::new(true);
        for (act, pick) in acts {
            watched.act(act, pick);
        }
        watched.settle();
        let (live, newest) = (watched.story.track.live.clone(), watched.story.track.newest.clone());
        let over = watched.story.over.len();
        for (_, pick) in again {
            watched.act(Act::TellAgain, pick);
        }
        prop_assert!(watched.story.track.in_flight.is_empty());
        prop_assert_eq!(watched.story.over.len(), over);
        prop_assert_eq!(&watched.story.track.live, &live);
        prop_assert_eq!(&watched.story.track.newest, &newest);
    }
}

/// A story whose every decision is checked.
struct Watched {
    story: Story,
    facts: Facts,
    keys: BTreeSet<EffectKey>,
    /// Who ever approved which plan of which release; `None` is a reply.
    approvals: BTreeMap<(u32, Fingerprint), BTreeSet<Option<PersonName>>>,
    newest_deploying: u32,
}

impl Watched {
    fn new(trouble: bool) -> Self {
        Self {
            story: Story::new(),
            facts: Facts::new(trouble),
            keys: BTreeSet::new(),
            approvals: BTreeMap::new(),
            newest_deploying: 0,
        }
    }

    fn act(&mut self, act: Act, pick: usize) {
        if let Some(signal) = self.facts.act(act, pick, &mut self.story) {
            self.see(&signal);
        }
    }

    /// Everything promised is done, everybody answers and may, and nothing fails any more.
    fn settle(&mut self) {
        self.facts.ground = ground(policy(1));
        if let Some(lift) = self.facts.open(&self.story) {
            self.see(&lift);
        }
        for round in 0..SETTLING_ACTS {
            self.act(Act::Perform, round);
            self.act(Act::BuildMoves, 7 * round + 2);
            self.act(Act::StackMoves, 4 * round + 1);
            if self.story.track.in_flight.iter().any(|release| release.phase.name() == "AwaitingApproval") {
                for pick in 0..8 {
                    self.act(Act::PersonAnswers, 1 + 2 * (pick % 2) + 6 * (round + pick));
                }
            }
            self.act(Act::MinutesPass, 0);
            if self.story.track.in_flight.is_empty()
                && self.story.track.outbox.is_empty()
                && self.facts.is_idle()
            {
                return;
            }
        }
    }

    fn see(&mut self, signal: &Signal) {
        let before = self.story.track.clone();
        let advanced = self.story.see(signal).is_ok();
        let after = &self.story.track;
        if !advanced {
            // Whoever gave an order is told that it was refused: nobody sends it again later.
            if let Signal::Ordered { .. } = signal {
                self.facts.forget(signal);
            }
            assert_eq!(*after, before, "{signal:?} was ignored and yet changed something");
            return;
        }
        assert_eq!(after.version, before.version + 1);
        self.remember_approval(&before, signal);
        self.check_approvals(&before, signal);
        self.check_turns(&before, signal);
        self.check_order(&before);
        self.check_bounds(&before);
        let again = decide(&self.story.track, signal, self.story.now);
        assert!(matches!(again, Decision::Ignore(_)), "I4: {signal:?} did something twice: {again:?}");
    }

    fn remember_approval(&mut self, before: &Track, signal: &Signal) {
        let Signal::Answered { n, fingerprint, answer: Answer::Approve, voice, .. } = signal else { return };
        let Some(plan) = before.release(*n).and_then(|release| release.phase.plan()) else { return };
        assert_eq!(plan.fingerprint, *fingerprint, "I1: an answer to another plan counted");
        let said = self.approvals.entry((*n, fingerprint.clone())).or_default();
        said.insert(voice.person().cloned());
    }

    /// I1: whatever enters Deploying was approved for exactly that plan, as the records ask at that very moment.
    fn check_approvals(&self, before: &Track, signal: &Signal) {
        for release in entered_deploying(before, &self.story.track) {
            let Phase::Deploying { plan, .. } = &release.phase else { continue };
            let (Signal::Planned { ground, .. } | Signal::Answered { ground, .. }) = signal else {
                panic!("I1: {} deploys by {signal:?}, which read no record", release.id);
            };
            let said = self.approvals.get(&(release.id.n, plan.fingerprint.clone()));
            let counting =
                said.map_or(0, |said| said.iter().filter(|who| counts(who, release, ground)).count());
            let brings_news = matches!(release.origin, Origin::Push | Origin::Promotion { .. });
            let stranger = release.pushed_by.is_none() && brings_news && !ground.record.self_approval;
            let needed = ground.record.required as usize + usize::from(stranger);
            assert!(counting >= needed && needed > 0, "I1: {counting} of {needed}: {release:?}");
        }
    }

    /// I2: one deployment at a time, and no push ends one.
    fn check_turns(&self, before: &Track, signal: &Signal) {
        let deploying = |track: &Track| -> Vec<u32> {
            let is = |release: &&Release| matches!(release.phase, Phase::Deploying { .. });
            track.in_flight.iter().filter(is).map(|release| release.id.n).collect()
        };
        let after = deploying(&self.story.track);
        assert!(after.len() <= 1, "I2: {after:?} deploy at once");
        if let Signal::Pushed(_) = signal {
            assert!(deploying(before).iter().all(|n| after.contains(n)), "I2: a push ended a deployment");
        }
    }

    /// I8: nothing older deploys or becomes live after something newer did.
    fn check_order(&mut self, before: &Track) {
        for release in entered_deploying(before, &self.story.track) {
            let n = release.id.n;
            assert!(n >= self.newest_deploying, "I8: {n} deploys after {}", self.newest_deploying);
            self.newest_deploying = n;
        }
        if let (Some(was), Some(is)) = (&before.live, &self.story.track.live) {
            assert!(is.release.n >= was.release.n, "I8: {} is live after {}", is.release, was.release);
        }
        let numbers: Vec<u32> = self.story.track.in_flight.iter().map(|release| release.id.n).collect();
        assert!(numbers.is_sorted(), "in flight, oldest first: {numbers:?}");
    }

    fn check_bounds(&mut self, before: &Track) {
        let after = &self.story.track;
        assert!(after.in_flight.len() <= IN_FLIGHT_MAX);
        assert!(after.outbox.len() <= OUTBOX_MAX + OUTBOX_SLACK, "{} promises", after.outbox.len());
        assert!(after.in_flight.iter().all(|release| release.ending().is_none()));
        for promise in &after.outbox {
            let is_new = !before.outbox.iter().any(|old| old.key == promise.key);
            assert!(!is_new || self.keys.insert(promise.key.clone()), "{} is used twice", promise.key);
        }
    }
}

fn entered_deploying<'a>(before: &'a Track, after: &'a Track) -> impl Iterator<Item = &'a Release> {
    let deploys = |release: &&Release| matches!(release.phase, Phase::Deploying { .. });
    let deployed_before = move |n: u32| before.release(n).is_some_and(|release| deploys(&release));
    after.in_flight.iter().filter(deploys).filter(move |release| !deployed_before(release.id.n))
}

/// Said anew, in other words than the product's: dana pushes, and cleo may have written.
fn counts(who: &Option<PersonName>, release: &Release, ground: &Ground) -> bool {
    let Some(person) = who else { return ground.record.replies };
    let listed = |who: &Who| match who {
        Who::User(named) => named == person.as_str(),
        Who::Group(group) => ground.directory.groups[&group.parse().unwrap()].contains(person),
    };
    let pushed = person.as_str() == "dana" && release.pushed_by.is_some();
    let ordered = person.as_str() == "cleo" && release.ordered.is_some();
    let wrote = person.as_str() == "cleo" && !release.authors.is_empty();
    ground.directory.people.contains_key(person)
        && ground.record.approvers.iter().all(|list| list.iter().any(listed))
        && (ground.record.self_approval || !(pushed || wrote || ordered))
}
