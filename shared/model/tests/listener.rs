//! Places among a listener's rules.

use std::collections::BTreeMap;

use model::ids::TrackKey;
use model::listener::{Clash, Listener, Matching, RULES_MAX, Wanted, WantedPriority};
use proptest::prelude::*;

fn track(name: &str) -> TrackKey {
    format!("{name}/production").parse().unwrap()
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
    listener.reserve(&track(name), 1, wanted).unwrap_or_else(|clash| panic!("{name}: {clash}")).0
}

fn refused(listener: &Listener, name: &str, wanted: &Wanted) -> String {
    listener.reserve(&track(name), 1, wanted).unwrap_err().to_string()
}

#[test]
fn a_priority_that_another_holds_is_refused_with_the_holders_name() {
    let listener = with(&Listener::default(), "payments", &at(120, "/payments/*"));
    insta::assert_snapshot!(refused(&listener, "ledger", &at(120, "/ledger/*")), @"priority 120 is held by payments/production");
    with(&listener, "ledger", &at(121, "/ledger/*"));
}

#[test]
fn a_rule_that_takes_anothers_requests_is_refused() {
    let listener = with(&Listener::default(), "payments", &at(120, "/payments/*"));
    insta::assert_snapshot!(refused(&listener, "copy", &at(1, "/payments/*")), @"/payments/* takes requests that /payments/* of payments/production takes as well");
    insta::assert_snapshot!(refused(&listener, "cross", &at(1, "/*/refunds")), @"/*/refunds takes requests that /payments/* of payments/production takes as well");
    // More specific, and tried first: that is what rules are for.
    with(&listener, "refunds", &at(119, "/payments/refunds/*"));
    insta::assert_snapshot!(refused(&listener, "refunds", &at(121, "/payments/refunds/*")), @"priority 121 and the 120 of payments/production are the wrong way round: of two rules that take the same requests the more specific one needs the smaller number");
    insta::assert_snapshot!(refused(&listener, "frontend", &at(7, "/*")), @"priority 7 and the 120 of payments/production are the wrong way round: of two rules that take the same requests the more specific one needs the smaller number");
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
            let (next, priority) = listener.reserve(&track(&format!("s{n}")), 1, &auto(path)).unwrap();
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
    let payments = track("payments");
    let (first, priority) = Listener::default().reserve(&payments, 1, &auto("/payments/*")).unwrap();
    let live = first.settle(&payments, 1);
    let (_, again) = live.reserve(&payments, 2, &auto("/payments/v2/and/longer/*")).unwrap();
    assert_eq!(again, priority);
    // Asking again for the same release writes nothing.
    let (same, _) = first.reserve(&payments, 1, &auto("/payments/*")).unwrap();
    assert_eq!(same.version, first.version);
}

#[test]
fn auto_between_rules_that_leave_no_room_is_refused() {
    let listener = with(&Listener::default(), "frontend", &at(2, "/*"));
    let listener = with(&listener, "refunds", &at(1, "/payments/refunds/*"));
    insta::assert_snapshot!(refused(&listener, "payments", &auto("/payments/*")), @"no priority is free between the rules that it must stand between");
}

#[test]
fn old_and_new_are_both_held_until_the_stack_has_ended() {
    let payments = track("payments");
    let live = with(&Listener::default(), "payments", &at(120, "/payments/*")).settle(&payments, 1);
    let moving = live.reserve(&payments, 2, &at(130, "/pay/*")).unwrap().0;
    assert!(moving.reserve(&track("ledger"), 1, &at(120, "/ledger")).is_err());
    assert!(moving.reserve(&track("ledger"), 1, &at(130, "/ledger")).is_err());

    let deployed = moving.settle(&payments, 2);
    with(&deployed, "ledger", &at(120, "/payments/*"));
    assert!(deployed.reserve(&track("ledger"), 1, &at(130, "/ledger")).is_err());

    let rolled_back = moving.leave(&payments, 2);
    with(&rolled_back, "ledger", &at(130, "/pay/*"));
    assert!(rolled_back.reserve(&track("ledger"), 1, &at(120, "/ledger")).is_err());

    with(&moving.free(&payments), "ledger", &at(120, "/ledger"));
}

#[test]
fn a_first_deployment_that_fails_leaves_nothing_behind() {
    let payments = track("payments");
    let listener = with(&Listener::default(), "payments", &at(120, "/payments/*")).leave(&payments, 1);
    assert!(listener.held.is_empty());
    // Ending twice, or what never was held, changes nothing.
    assert_eq!(listener.leave(&payments, 1), listener);
    assert_eq!(listener.settle(&payments, 9), listener);
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
    let listener =
        with(&Listener::default(), "payments", &at(120, "/payments/*")).settle(&track("payments"), 1);
    let stored = serde_json::to_string(&listener).unwrap();
    insta::assert_snapshot!(stored, @r#"{"version":2,"held":{"payments/production":{"live":{"priority":120,"matching":{"hosts":[],"paths":["/payments/*"]},"targetGroups":1},"coming":{}}}}"#);
    assert_eq!(serde_json::from_str::<Listener>(&stored).unwrap(), listener);
}

/// Somebody who wants a place and writes only over what they read.
struct Racer {
    track: TrackKey,
    wanted: Wanted,
    read: Option<Listener>,
    ended: Option<Result<u32, Clash>>,
}

impl Racer {
    /// One step: reading, or deciding and writing.
    fn step(&mut self, stored: &mut Listener) {
        match self.read.take() {
            None => self.read = Some(stored.clone()),
            Some(read) => match read.reserve(&self.track, 1, &self.wanted) {
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

#[test]
fn of_two_services_that_race_for_one_priority_exactly_one_wins_in_a_thousand_interleavings() {
    let mut firsts = 0;
    for seed in 0..1_000 {
        let mut state = seed;
        let mut stored = Listener::default();
        let mut racers = ["payments", "ledger"].map(|name| Racer {
            track: track(name),
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
                assert_eq!(
                    clash,
                    Clash::Priority { priority: 120, holder: track("payments") },
                    "seed {seed}"
                );
                "payments"
            }
            (Err(clash), Ok(120)) => {
                assert_eq!(clash, Clash::Priority { priority: 120, holder: track("ledger") }, "seed {seed}");
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
    Reserve { service: usize, n: u32, wanted: Wanted },
    Settle { service: usize, n: u32 },
    Leave { service: usize, n: u32 },
    Free { service: usize },
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
    prop_oneof![
        4 => (service.clone(), n.clone(), wanted).prop_map(|(service, n, wanted)| Act::Reserve { service, n, wanted }),
        1 => (service.clone(), n.clone()).prop_map(|(service, n)| Act::Settle { service, n }),
        1 => (service.clone(), n).prop_map(|(service, n)| Act::Leave { service, n }),
        1 => service.prop_map(|service| Act::Free { service }),
    ]
}

proptest! {
    #[test]
    fn no_two_tracks_ever_hold_one_priority_and_auto_stands_where_it_may(acts in prop::collection::vec(any_act(), 1..30)) {
        let mut listener = Listener::default();
        for act in acts {
            let of = |service: usize| track(["ana", "ben", "cyd", "dan"][service]);
            let next = match act {
                Act::Reserve { service, n, wanted } => match listener.reserve(&of(service), n, &wanted) {
                    Ok((next, priority)) => {
                        prop_assert_eq!(next.held[&of(service)].coming[&n].priority, priority);
                        // The same again is the same.
                        prop_assert_eq!(next.reserve(&of(service), n, &wanted), Ok((next.clone(), priority)));
                        next
                    }
                    Err(_) => listener.clone(),
                },
                Act::Settle { service, n } => listener.settle(&of(service), n),
                Act::Leave { service, n } => listener.leave(&of(service), n),
                Act::Free { service } => listener.free(&of(service)),
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
