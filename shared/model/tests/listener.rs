//! Places among a listener's rules.

use std::collections::BTreeMap;

use model::ids::{BuildFamily, ReleaseId, Revision, TrackKey};
use model::listener::{COMMITTED_WITHIN, Clash, Listener, Matching, RULES_MAX, Wanted, WantedPriority};
use model::release::{Ending, Origin, Phase, Release};
use model::time::{Span, Timestamp};
use model::track::{Live, Newest, Retired, Track};
use proptest::prelude::*;

const NOW: Timestamp = Timestamp(1_700_000_000_000);

fn track(name: &str) -> TrackKey {
    format!("{name}/production").parse().unwrap()
}

fn id(name: &str, n: u32) -> ReleaseId {
    ReleaseId { track: track(name), n }
}

/// Each release is of a revision of its own.
fn revision(n: u32) -> Revision {
    format!("{n:040x}").parse().unwrap()
}

fn reserve(listener: &Listener, name: &str, n: u32, wanted: &Wanted) -> Result<(Listener, u32), Clash> {
    listener.reserve(&id(name, n), &revision(n), wanted, NOW)
}

fn release(name: &str, n: u32, phase: Phase) -> Release {
    let repository = name.parse().unwrap();
    Release {
        id: id(name, n),
        revision: revision(n),
        family: BuildFamily::of(&repository, &revision(n), "registry.example"),
        repository,
        branch: "main".parse().unwrap(),
        pushed_by: None,
        authors: Vec::new(),
        authors_unread: false,
        origin: Origin::Push,
        ordered: None,
        stale: 0,
        prepared: false,
        verdict: None,
        build_log: None,
        image: None,
        created_at: NOW,
        phase,
        phase_since: NOW,
        warning: None,
        heard: Vec::new(),
        steps: Vec::new(),
    }
}

fn failed(name: &str, n: u32, stack_status: Option<&str>) -> Release {
    let ending = Ending::Failed { why: "no luck".to_owned(), stack_status: stack_status.map(str::to_owned) };
    release(name, n, Phase::Over(ending))
}

/// The track once `live` is deployed, `flying` are in flight and `newest` was the last to begin.
fn standing(name: &str, live: Option<u32>, flying: &[u32], newest: u32) -> Track {
    let building = |n: &u32| release(name, *n, Phase::Building { build: None });
    Track {
        newest: Some(Newest { n: newest, revision: revision(newest) }),
        live: live.map(|n| Live {
            release: id(name, n),
            revision: revision(n),
            image: format!("sha256:{}", "a1".repeat(32)).parse().unwrap(),
            task_definition: "payments:7".to_owned(),
            since: NOW,
            from: None,
            refresh: None,
        }),
        in_flight: flying.iter().map(building).collect(),
        ..Track::new(track(name))
    }
}

/// What the track says, taken into the listener.
fn told(listener: &Listener, track: &Track) -> Listener {
    listener.as_held(track, &[], NOW)
}

fn wanted(priority: WantedPriority, paths: &[&str]) -> Wanted {
    let paths = paths.iter().map(|path| (*path).to_owned()).collect();
    Wanted { priority, matching: Matching { hosts: Vec::new(), paths }, target_groups: 1 }
}

fn at(priority: u32, path: &str) -> Wanted {
    wanted(WantedPriority::At(priority), &[path])
}

fn auto(path: &str) -> Wanted {
    wanted(WantedPriority::Auto, &[path])
}

/// The listener after `name`'s first release got what it wants.
fn with(listener: &Listener, name: &str, wanted: &Wanted) -> Listener {
    reserve(listener, name, 1, wanted).unwrap_or_else(|clash| panic!("{name}: {clash}")).0
}

fn refused(listener: &Listener, name: &str, wanted: &Wanted) -> String {
    reserve(listener, name, 1, wanted).unwrap_err().to_string()
}

#[test]
fn a_priority_that_another_holds_is_refused_with_the_holders_name() {
    let listener = with(&Listener::default(), "payments", &at(120, "/payments/*"));
    insta::assert_snapshot!(refused(&listener, "ledger", &at(120, "/ledger/*")), @"priority 120 is held by payments/production; 119 is free");
    with(&listener, "ledger", &at(121, "/ledger/*"));
}

#[test]
fn a_rule_that_takes_anothers_requests_is_refused() {
    let listener = with(&Listener::default(), "payments", &at(120, "/payments/*"));
    insta::assert_snapshot!(refused(&listener, "copy", &at(1, "/payments/*")), @"/payments/* takes requests that /payments/* of payments/production takes as well");
    insta::assert_snapshot!(refused(&listener, "cross", &at(1, "/*/refunds")), @"/*/refunds takes requests that /payments/* of payments/production takes as well");
    // More specific, and tried first: that is what rules are for.
    with(&listener, "refunds", &at(119, "/payments/refunds/*"));
    insta::assert_snapshot!(refused(&listener, "refunds", &at(121, "/payments/refunds/*")), @"priority 121 and the 120 of payments/production are the wrong way round: of two rules that take the same requests the more specific one needs the smaller number; 119 is free");
    insta::assert_snapshot!(refused(&listener, "frontend", &at(7, "/*")), @"priority 7 and the 120 of payments/production are the wrong way round: of two rules that take the same requests the more specific one needs the smaller number; 121 is free");
    with(&listener, "frontend", &at(50_000, "/*"));
}

#[test]
fn rules_of_different_hosts_do_not_meet() {
    let of = |host: &str| Wanted {
        matching: Matching { hosts: vec![host.to_owned()], paths: vec!["/*".to_owned()] },
        ..at(1, "")
    };
    let listener = with(&Listener::default(), "shop", &of("shop.example.com"));
    let other = Wanted { priority: WantedPriority::At(2), ..of("pay.example.com") };
    with(&listener, "pay", &other);
    let same = Wanted { priority: WantedPriority::At(2), ..of("SHOP.example.com") };
    insta::assert_snapshot!(refused(&listener, "copy", &same), @"shop.example.com/* takes requests that shop.example.com/* of shop/production takes as well");
    // On every host: the shop's own is the more specific one.
    with(&listener, "all", &at(3, "/*"));
}

#[test]
fn auto_puts_the_more_specific_rule_first_whoever_comes_first() {
    for order in [["/*", "/payments/*", "/payments/refunds/*"], ["/payments/refunds/*", "/*", "/payments/*"]]
    {
        let mut listener = Listener::default();
        let mut priorities = BTreeMap::new();
        for (n, path) in order.into_iter().enumerate() {
            let (next, priority) = reserve(&listener, &format!("s{n}"), 1, &auto(path)).unwrap();
            listener = next;
            priorities.insert(path, priority);
        }
        assert!(
            priorities["/payments/refunds/*"] < priorities["/payments/*"]
                && priorities["/payments/*"] < priorities["/*"],
            "{priorities:?}"
        );
    }
}

#[test]
fn auto_keeps_its_number_from_release_to_release() {
    let (first, priority) = reserve(&Listener::default(), "payments", 1, &auto("/payments/*")).unwrap();
    let live = told(&first, &standing("payments", Some(1), &[], 1));
    let (_, again) = reserve(&live, "payments", 2, &auto("/payments/v2/and/longer/*")).unwrap();
    assert_eq!(again, priority);
    // Asking again for the same release writes nothing.
    let (same, _) = reserve(&first, "payments", 1, &auto("/payments/*")).unwrap();
    assert_eq!(same.version, first.version);
}

#[test]
fn auto_asked_again_for_a_release_is_its_own_number_whatever_else_the_track_has() {
    let other = reserve(&Listener::default(), "payments", 1, &at(1, "/pay")).unwrap().0;
    let other = reserve(&other, "payments", 2, &at(40_000, "/pay")).unwrap().0;
    let (first, priority) = reserve(&other, "payments", 2, &auto("/payments/*")).unwrap();
    assert_eq!(priority, 40_000);
    assert_eq!(reserve(&first, "payments", 2, &auto("/payments/*")), Ok((first.clone(), priority)));
}

#[test]
fn auto_between_rules_that_leave_no_room_is_refused() {
    let listener = with(&Listener::default(), "frontend", &at(2, "/*"));
    let listener = with(&listener, "refunds", &at(1, "/payments/refunds/*"));
    insta::assert_snapshot!(refused(&listener, "payments", &auto("/payments/*")), @"no priority is free between the rules that it must stand between");
}

#[test]
fn old_and_new_are_both_held_until_the_stack_has_ended() {
    let live = with(&Listener::default(), "payments", &at(120, "/payments/*"));
    let live = told(&live, &standing("payments", Some(1), &[], 1));
    let moving = reserve(&live, "payments", 2, &at(130, "/pay/*")).unwrap().0;
    let moving = told(&moving, &standing("payments", Some(1), &[2], 2));
    assert!(reserve(&moving, "ledger", 1, &at(120, "/ledger")).is_err());
    assert!(reserve(&moving, "ledger", 1, &at(130, "/ledger")).is_err());

    let deployed = told(&moving, &standing("payments", Some(2), &[], 2));
    with(&deployed, "ledger", &at(120, "/payments/*"));
    assert!(reserve(&deployed, "ledger", 1, &at(130, "/ledger")).is_err());

    let rolled_back = told(&moving, &standing("payments", Some(1), &[], 2));
    with(&rolled_back, "ledger", &at(130, "/pay/*"));
    assert!(reserve(&rolled_back, "ledger", 1, &at(120, "/ledger")).is_err());
}

#[test]
fn what_a_track_holds_is_what_it_says_itself() {
    let first = with(&Listener::default(), "payments", &at(120, "/payments/*"));
    let held = |listener: &Listener| listener.held.contains_key(&track("payments"));
    // Not committed yet: it may still be.
    let nothing = Track::new(track("payments"));
    assert_eq!(told(&first, &nothing), first);
    let late = NOW.plus(COMMITTED_WITHIN);
    assert_eq!(first.as_held(&nothing, &[], Timestamp(late.0 - 1)), first);
    assert!(!held(&first.as_held(&nothing, &[], late)), "whoever reserved it has crashed");
    // Committed by somebody else: the other revision is the first release.
    let other = Track {
        in_flight: vec![Release {
            revision: revision(9),
            ..release("payments", 1, Phase::Building { build: None })
        }],
        ..standing("payments", None, &[], 1)
    };
    assert!(!held(&told(&first, &other)));
    // However long it takes.
    let flying = standing("payments", None, &[1], 1);
    assert_eq!(first.as_held(&flying, &[], NOW.plus(Span::hours(900))), first);
    // What is live has no rule: it was no web service.
    assert!(!held(&told(
        &told(&first, &standing("payments", Some(1), &[], 1)),
        &standing("payments", Some(2), &[], 2)
    )));
    // Telling it again changes nothing.
    let live = told(&first, &standing("payments", Some(1), &[], 1));
    assert_eq!(live.version, first.version + 1);
    assert_eq!(told(&live, &standing("payments", Some(1), &[], 1)), live);
}

#[test]
fn a_release_that_is_over_gives_its_place_back_unless_its_stack_was_left_broken() {
    let first = with(&Listener::default(), "payments", &at(120, "/payments/*"));
    let over = standing("payments", None, &[], 1);
    assert_eq!(first.unsure(&over), [1]);
    assert_eq!(first.unsure(&standing("payments", None, &[1], 1)), [0; 0]);
    assert_eq!(first.unsure(&standing("payments", Some(1), &[], 1)), [0; 0]);
    for (status, is_held) in
        [(None, false), (Some("UPDATE_ROLLBACK_FAILED"), true), (Some("DELETE_COMPLETE"), false)]
    {
        let next = first.as_held(&over, &[failed("payments", 1, status)], NOW);
        assert_eq!(!next.held.is_empty(), is_held, "{status:?}");
    }
    // The next deployment mends it.
    let broken = first.as_held(&over, &[failed("payments", 1, Some("ROLLBACK_FAILED"))], NOW);
    let (next, _) = reserve(&broken, "payments", 2, &at(130, "/payments/*")).unwrap();
    let mended = told(&next, &standing("payments", Some(2), &[], 2));
    with(&mended, "ledger", &at(120, "/ledger/*"));
}

#[test]
fn a_retired_service_holds_nothing_of_what_came_before() {
    let live = with(&Listener::default(), "payments", &at(120, "/payments/*"));
    let broken = reserve(&live, "payments", 2, &at(130, "/payments/*")).unwrap().0;
    let over = [failed("payments", 2, Some("UPDATE_ROLLBACK_FAILED"))];
    let before = standing("payments", Some(1), &[], 3);
    assert_eq!(before.live.as_ref().map(|live| live.release.n), Some(1));
    assert_eq!(broken.unsure(&before), [2]);
    assert_eq!(broken.as_held(&before, &over, NOW).held[&track("payments")].rules().count(), 2);
    let retired =
        Track { live: None, retired: Some(Retired { release: id("payments", 3), at: NOW }), ..before };
    assert_eq!(broken.unsure(&retired), Vec::<u32>::new());
    assert!(told(&broken, &retired).held.is_empty());
    let anew = reserve(&broken, "payments", 4, &at(125, "/payments/*")).unwrap().0;
    let rules: Vec<u32> =
        told(&anew, &retired).held[&track("payments")].rules().map(|rule| rule.priority).collect();
    assert_eq!(rules, [125]);
}

#[test]
fn a_load_balancers_limits_are_told() {
    let mut listener = Listener::default();
    for n in 0..RULES_MAX {
        listener = with(&listener, &format!("s{n}"), &auto(&format!("/s{n}/*")));
    }
    insta::assert_snapshot!(refused(&listener, "late", &auto("/late/*")), @"the load balancer has 100 rules already, which is its limit");
    let mut listener = Listener::default();
    for n in 0..50 {
        let shifting = Wanted { target_groups: 2, ..auto(&format!("/s{n}/*")) };
        listener = with(&listener, &format!("s{n}"), &shifting);
    }
    insta::assert_snapshot!(refused(&listener, "late", &auto("/late/*")), @"the load balancer has 100 target groups already, which is its limit");
}

#[test]
fn what_is_stored_reads_back() {
    let listener = with(&Listener::default(), "payments", &at(120, "/payments/*"));
    let listener = told(&listener, &standing("payments", Some(1), &[], 1));
    let stored = serde_json::to_string(&listener).unwrap();
    insta::assert_snapshot!(stored, @r#"{"version":2,"held":{"payments/production":{"live":{"n":1,"revision":"0000000000000000000000000000000000000001","at":1700000000000,"rule":{"priority":120,"matching":{"hosts":[],"paths":["/payments/*"]},"targetGroups":1}},"coming":[]}}}"#);
    assert_eq!(serde_json::from_str::<Listener>(&stored).unwrap(), listener);
}

/// Somebody who wants a place and writes only over what they read.
struct Racer {
    name: &'static str,
    wanted: Wanted,
    read: Option<Listener>,
    ended: Option<Result<u32, Clash>>,
}

impl Racer {
    /// One step: reading, or deciding and writing.
    fn step(&mut self, stored: &mut Listener) {
        match self.read.take() {
            None => self.read = Some(stored.clone()),
            Some(read) => match reserve(&read, self.name, 1, &self.wanted) {
                // The conditional write: lost when somebody wrote in between, and then read anew.
                Ok((next, priority)) if read.version == stored.version => {
                    *stored = next;
                    self.ended = Some(Ok(priority));
                }
                Ok(_) => {}
                Err(clash) => self.ended = Some(Err(clash)),
            },
        }
    }
}

/// A small generator with a seed, so that every interleaving can be run again.
fn draw(state: &mut u64) -> u64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *state >> 33
}

fn held_by(name: &str) -> Clash {
    Clash::Priority { priority: 120, holder: track(name), free: Some(119) }
}

#[test]
fn of_two_services_that_race_for_one_priority_exactly_one_wins_in_a_thousand_interleavings() {
    let mut firsts = 0;
    for seed in 0..1_000 {
        let mut state = seed;
        let mut stored = Listener::default();
        let mut racers = ["payments", "ledger"].map(|name| Racer {
            name,
            wanted: at(120, &format!("/{name}/*")),
            read: None,
            ended: None,
        });
        while racers.iter().any(|racer| racer.ended.is_none()) {
            let racer = &mut racers[usize::try_from(draw(&mut state) % 2).unwrap()];
            if racer.ended.is_none() {
                racer.step(&mut stored);
            }
        }
        let [payments, ledger] = racers.map(|racer| racer.ended.unwrap());
        let winner = match (payments, ledger) {
            (Ok(120), Err(clash)) => {
                firsts += 1;
                assert_eq!(clash, held_by("payments"), "seed {seed}");
                "payments"
            }
            (Err(clash), Ok(120)) => {
                assert_eq!(clash, held_by("ledger"), "seed {seed}");
                "ledger"
            }
            other => panic!("seed {seed}: {other:?}"),
        };
        assert_eq!(stored.held.keys().collect::<Vec<_>>(), [&track(winner)], "seed {seed}");
    }
    assert!((100..900).contains(&firsts), "the interleavings are no race: {firsts}");
}

#[derive(Debug, Clone)]
enum Act {
    Reserve {
        service: usize,
        n: u32,
        wanted: Wanted,
    },
    /// The track is asked how it stands.
    Told {
        service: usize,
        live: Option<u32>,
        flying: Vec<u32>,
        newest: u32,
    },
}

fn any_act() -> impl Strategy<Value = Act> {
    let path = prop::sample::select(vec!["/*", "/a/*", "/a/b/*", "/a/b", "/*/b", "/b", "/b/*", "/c/?"]);
    let priority = prop_oneof![
        Just(WantedPriority::Auto),
        prop::sample::select(vec![1, 2, 3, 40_000, 50_000]).prop_map(WantedPriority::At)
    ];
    let wanted =
        (priority, prop::collection::vec(path, 1..3), any::<bool>()).prop_map(|(priority, paths, host)| {
            let hosts = if host { vec!["shop.example.com".to_owned()] } else { Vec::new() };
            let paths = paths.into_iter().map(str::to_owned).collect();
            Wanted { priority, matching: Matching { hosts, paths }, target_groups: 1 }
        });
    let (service, n) = (0_usize..4, 1_u32..4);
    let stands = (prop::option::of(1_u32..4), prop::collection::vec(1_u32..4, 0..3), 1_u32..4);
    prop_oneof![
        2 => (service.clone(), n, wanted).prop_map(|(service, n, wanted)| Act::Reserve { service, n, wanted }),
        1 => (service, stands)
            .prop_map(|(service, (live, flying, newest))| Act::Told { service, live, flying, newest }),
    ]
}

proptest! {
    #[test]
    fn no_two_tracks_ever_hold_one_priority_and_auto_stands_where_it_may(acts in prop::collection::vec(any_act(), 1..30)) {
        let mut listener = Listener::default();
        for act in acts {
            let name = |service: usize| ["ana", "ben", "cyd", "dan"][service];
            let next = match act {
                Act::Reserve { service, n, wanted } => match reserve(&listener, name(service), n, &wanted) {
                    Ok((next, priority)) => {
                        let coming = &next.held[&track(name(service))].coming;
                        prop_assert!(coming.iter().any(|held| held.n == n && held.rule.priority == priority));
                        // The same again is the same.
                        prop_assert_eq!(reserve(&next, name(service), n, &wanted), Ok((next.clone(), priority)));
                        next
                    }
                    Err(_) => listener.clone(),
                },
                Act::Told { service, live, flying, newest } => {
                    let track = standing(name(service), live, &flying, newest);
                    let next = told(&listener, &track);
                    // Being told takes places away, and never anybody else's.
                    prop_assert!(next.held.iter().all(|(key, held)| held.rules().all(|rule| listener.held[key].rules().any(|was| was == rule))));
                    prop_assert!(listener.held.keys().all(|key| *key == track.key || next.held.contains_key(key)));
                    next
                }
            };
            prop_assert_eq!(next.version > listener.version, next.held != listener.held);
            let mut holders = BTreeMap::new();
            for (holder, held) in &next.held {
                for rule in held.rules() {
                    let before = holders.insert(rule.priority, holder);
                    prop_assert!(before.is_none_or(|before| before == holder), "{next:?}");
                }
            }
            listener = next;
        }
    }
}
