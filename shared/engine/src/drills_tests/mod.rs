//! Function `backups`: drills from the schedule to the report, crashed at every call.

mod world;

use std::collections::{BTreeMap, BTreeSet};

use databases::drill::{Instance, Outcome, TAG};
use futures_util::FutureExt;
use model::drill::AnswerKey;
use proof::Unsigned;
use serde_json::{Value, json};

pub(crate) use self::world::*;
use super::*;
use crate::ports::Databases;

#[test]
fn a_drill_goes_from_the_schedule_to_its_report_and_leaves_nothing() {
    let world = World::new();
    world.run(3, true);
    world.is_clean().unwrap();
    let Outcome::Proven { rto, rpo, to, check } = world.outcome() else { panic!("{:?}", world.outcome()) };
    // Restored in 20 minutes, given a password in 3, checked in 5.
    assert_eq!(rto, Span::minutes(28));
    assert_eq!(rpo, Span::minutes(5), "of the first look, a minute after the start");
    assert_eq!((to, check.as_deref()), (Timestamp(START - 4 * MINUTE), Some(CHECK)));
    assert_eq!(*world.asked.borrow(), ["restore payments as db.t3.medium"]);
    assert_eq!(world.reports_told(), 1);
    assert!(world.quarantined.borrow().is_empty());
    // The next one is a month away.
    world.run(24, true);
    assert_eq!(world.asked.borrow().len(), 1);
}

#[test]
fn the_schedule_means_no_replica_and_no_cluster() {
    let world = World::new();
    let read = world.databases(Kind::Instance, None, None).now_or_never().unwrap().unwrap();
    let payments = read.items.into_iter().next().unwrap();
    let due = |database: Database| {
        let policies = policies(&world).now_or_never().unwrap().unwrap();
        let (databases, drilled) = (vec![database], Default::default());
        let fleet = Fleet { said: String::new(), at: Timestamp(START), databases, policies, drilled };
        super::due(&fleet).unwrap().len()
    };
    assert_eq!(due(payments.clone()), 1);
    assert_eq!(due(Database { replica_of: Some("ledger".to_owned()), ..payments.clone() }), 0);
    assert_eq!(due(Database { kind: Kind::Cluster, ..payments }), 0);
}

#[test]
fn lost_events_cost_time_and_nothing_else() {
    let world = World::new();
    world.run(4, false);
    world.is_clean().unwrap();
    assert!(matches!(world.outcome(), Outcome::Proven { .. }), "{:?}", world.outcome());
}

#[test]
fn a_crash_at_any_call_leaves_no_copy_and_the_original_as_it_was() {
    let mut struck = BTreeSet::new();
    for policy in [json!({ "everyDays": 30, "check": CHECK }), by_function()] {
        let begin = || {
            let world = World::new();
            world.policies.replace(record(policy.clone()));
            world
        };
        let whole = begin();
        whole.run(3, true);
        for call in 1..=whole.calls.get() {
            for moment in [Moment::BeforeItsEffect, Moment::AfterItsEffect] {
                for events in [true, false] {
                    let world = begin();
                    world.crash.set(Some((call, moment)));
                    world.run(5, events);
                    let at = format!("call {call} ({:?}), {moment:?}, events {events}", world.struck.get());
                    world.is_clean().unwrap_or_else(|wrong| panic!("{at}: {wrong}"));
                    assert!(matches!(world.outcome(), Outcome::Proven { .. }), "{at}: {:?}", world.outcome());
                    assert_eq!(world.reports_told(), 1, "{at}");
                    let deleted = world.deleted.borrow().len();
                    assert_eq!(deleted, 1, "{at}: a second drill took the place of one that was lost");
                    struck.extend(world.struck.get());
                }
            }
        }
    }
    for call in [
        "load_drills",
        "commit_drills",
        "instance",
        "restore",
        "renew_password",
        "start_check",
        "call_check",
        "delete_copy",
    ] {
        assert!(struck.contains(call), "no crash at {call}");
    }
}

#[test]
fn a_check_by_a_function_is_called_once_and_proves_by_its_answer() {
    let world = World::new();
    world.policies.replace(record(by_function()));
    world.run(3, true);
    world.is_clean().unwrap();
    let Outcome::Proven { rto, check, .. } = world.outcome() else { panic!("{:?}", world.outcome()) };
    assert_eq!((rto, check.as_deref()), (Span::minutes(28), Some(CHECK)));
    assert_eq!(world.reports_told(), 1);

    let fails = World::new();
    fails.policies.replace(record(by_function()));
    fails.check_fails.set(true);
    fails.run(3, true);
    fails.is_clean().unwrap();
    let why = "it was restored, and its check failed: exit status 1".to_owned();
    assert_eq!(fails.outcome(), Outcome::Failed { why });
}

#[test]
fn a_function_that_does_not_answer_within_its_limit_fails_the_drill() {
    let world = World::new();
    world.policies.replace(record(by_function()));
    world.answers.set(false);
    world.run(3, true);
    world.is_clean().unwrap();
    let Outcome::Failed { why } = world.outcome() else { panic!("{:?}", world.outcome()) };
    assert!(why.contains("no answer came within an hour"), "{why}");
    assert_eq!(world.called.borrow().len(), 1, "it was called again");
}

/// Up to the call: its drill, and its key.
fn called(world: &World) -> (DrillId, AnswerKey) {
    world.policies.replace(record(by_function()));
    world.answers.set(false);
    world.run(1, true);
    let called = world.called.borrow();
    let [(drill, key, _)] = &called[..] else { panic!("{called:?}") };
    (drill.clone(), key.clone())
}

#[test]
fn an_answer_counts_by_its_drill_and_its_key_and_only_the_first() {
    let world = World::new();
    let (drill, right) = called(&world);
    let other = DrillId::of(&PAYMENTS.parse().unwrap(), "another");
    for (drill, key) in [(&drill, key(99)), (&other, right.clone())] {
        world.answer(drill, &key, None).unwrap().unwrap();
        let drills = world.table.borrow();
        assert!(matches!(drills.running[0].phase, Phase::Checking { .. }), "{drills:?}");
    }
    world.answer(&drill, &right, Some("table orders is empty")).unwrap().unwrap();
    world.answer(&drill, &right, None).unwrap().unwrap();
    world.run(2, true);
    world.is_clean().unwrap();
    let Outcome::Failed { why } = world.outcome() else { panic!("{:?}", world.outcome()) };
    assert_eq!(why, "it was restored, and its check failed: table orders is empty");
}

#[test]
fn the_key_of_a_call_is_stored_as_its_hash_alone() {
    let world = World::new();
    let (_, key) = called(&world);
    let stored = serde_json::to_string(&*world.table.borrow()).unwrap();
    assert!(stored.contains("Taken") && !stored.contains(key.reveal()), "{stored}");
}

#[test]
fn a_failed_check_fails_the_drill_and_deletes_the_copy() {
    let world = World::new();
    world.check_fails.set(true);
    world.run(3, true);
    world.is_clean().unwrap();
    assert_eq!(
        world.outcome(),
        Outcome::Failed { why: "it was restored, and its check failed: exit status 1".to_owned() }
    );
}

#[test]
fn whatever_aws_refuses_no_copy_is_left() {
    for call in ["restore", "renew_password", "start_check", "call_check"] {
        let world = World::new();
        if call == "call_check" {
            world.policies.replace(record(by_function()));
        }
        world.refusing.set(Some(call));
        world.run(3, true);
        world.is_clean().unwrap_or_else(|wrong| panic!("{call}: {wrong}"));
        assert!(matches!(world.outcome(), Outcome::Failed { why } if why.contains("AccessDenied")), "{call}");
        assert_eq!(world.reports_told(), 1, "{call}");
    }
}

#[test]
fn a_look_at_all_that_is_refused_fails_where_an_alarm_sees_it() {
    let world = World::new();
    world.refusing.set(Some("databases"));
    assert!(world.clock().unwrap().is_err());
    assert!(world.quarantined.borrow().is_empty());
    world.event("payments").unwrap().unwrap();
    assert_eq!(world.quarantined.borrow().len(), 1, "an event can be sent again");
}

#[test]
fn a_copy_that_cannot_be_deleted_is_tried_again_and_told_of_as_a_finding() {
    let world = World::new();
    world.refusing.set(Some("delete_copy"));
    world.run(12, true);
    let copy = world.names().into_iter().find(|name| name.starts_with("tidegate-drill-")).unwrap();
    let key = DatabaseKey::new("instance", &copy).unwrap();
    let rules: Vec<&str> =
        world.watches.borrow()[&key].findings.iter().map(|h| h.finding.rule.as_str()).collect();
    assert_eq!(rules, ["drill-copy-left"]);
    world.refusing.set(None);
    world.run(1, true);
    world.is_clean().unwrap();
}

#[test]
fn a_copy_is_no_database_that_posture_judges() {
    let world = World::new();
    world.run(1, true);
    let watches = world.watches.borrow();
    let databases = watches.keys().filter(|key| key.kind() != "record").map(ToString::to_string);
    assert_eq!(databases.collect::<Vec<_>>(), [PAYMENTS]);
}

/// The names and tags of what is there are the only difference from a drill that deletes its copy.
#[test]
fn what_the_drill_did_not_make_is_neither_changed_nor_deleted() {
    let id = DrillId::of(&PAYMENTS.parse().unwrap(), "cli-1");
    let tagged = |value: &str| BTreeMap::from([(TAG.to_owned(), value.to_owned())]);
    let young = Some(Timestamp(START + MINUTE));
    let old = Some(Timestamp(START - 10 * MINUTE));
    for (what, tags, created) in [
        ("no tag", BTreeMap::new(), young),
        ("another drill's tag", tagged("0123456789abcdef"), young),
        ("older than the drill", tagged(id.as_str()), old),
    ] {
        let world = World::new();
        world.policies.replace(record(json!({})));
        assert!(world.order(PAYMENTS, None).starts_with("taken"), "{what}");
        // Somebody puts another in the copy's place.
        let name = id.copy();
        let other =
            Instance { name: name.clone(), resource: "db-OTHER".to_owned(), tags, created, ..payments() };
        world.put(other.clone());
        world.run(3, true);
        assert_eq!(world.instances.borrow()[&name].0, other, "{what}");
        assert!(world.deleted.borrow().is_empty(), "{what}");
        assert!(matches!(world.outcome(), Outcome::Failed { .. }), "{what}: {:?}", world.outcome());
        assert!(world.table.borrow().running.is_empty(), "{what}");
    }
}

#[test]
fn an_instance_that_was_there_before_is_left_alone() {
    let world = World::new();
    world.policies.replace(record(json!({})));
    let id = DrillId::of(&PAYMENTS.parse().unwrap(), "cli-1");
    world.put(Instance { name: id.copy(), resource: "db-OTHER".to_owned(), ..payments() });
    world.order(PAYMENTS, None);
    assert_eq!(
        world.outcome(),
        Outcome::Failed { why: format!("an instance {} is there already, and is left alone", id.copy()) }
    );
    assert!(world.asked.borrow().is_empty() && world.deleted.borrow().is_empty());
}

#[test]
fn a_copy_over_its_age_is_deleted_and_told() {
    let world = World::new();
    world.policies.replace(record(json!({})));
    world.restore_takes.set(10 * 60);
    world.order(PAYMENTS, None);
    world.run(9, true);
    assert_eq!(world.names().len(), 2, "RDS deletes nothing that it is still making");
    world.run(2, true);
    world.is_clean().unwrap();
    let Outcome::Failed { why } = world.outcome() else { panic!("{:?}", world.outcome()) };
    assert_eq!(why, "within 8 h it could not be restored");
}

#[test]
fn an_order_is_taken_once_and_one_too_many_is_not() {
    let world = World::new();
    world.policies.replace(record(json!({})));
    let id = DrillId::of(&PAYMENTS.parse().unwrap(), "cli-1");
    assert_eq!(
        world.order(PAYMENTS, None),
        format!("taken: drill {id} of {PAYMENTS} has begun; its end is told")
    );
    assert_eq!(world.order(PAYMENTS, None), format!("taken: drill {id} of {PAYMENTS} has begun already"));
    assert_eq!(
        world.order("instance/orders", None),
        "not taken: 1 drills are under way, and /tidegate/databases allows 1 at once"
    );
    world.run(3, true);
    assert_eq!(world.order(PAYMENTS, None), format!("taken: drill {id} of {PAYMENTS} is over already"));
    assert_eq!(world.asked.borrow().len(), 1);
    world.policies.replace("{}".to_owned());
    assert!(world.order("instance/orders", None).starts_with("not taken: /tidegate/databases does not say"));
}

/// What `tidegate backups drill` sends.
fn signed(world: &World, id: &str) -> Value {
    let (id, database) = (id.parse().unwrap(), PAYMENTS.parse().unwrap());
    let given = Given::Drill(DrillOrder { id, database, to: None });
    let installation = installation();
    let at_s = i64::try_from(world.now.get() / 1000).unwrap();
    let unsigned = Unsigned::of(&installation, &given.bound(&installation), at_s, None);
    let signature = "0".repeat(64);
    given.to_message(&Proof::new(&installation, &unsigned, "AKIAIOSFODNN7EXAMPLE", at_s, None, &signature))
}

fn said(world: &World, message: &Value) -> String {
    world.send(message).unwrap().unwrap()["handled"][0].as_str().unwrap().to_owned()
}

fn who_may(names: &Value) -> World {
    let world = World::new();
    let mut policies: Value = serde_json::from_str(&record(json!({}))).unwrap();
    policies["may"] = json!({ "drill": names });
    world.policies.replace(policies.to_string());
    world
}

#[test]
fn only_whom_the_record_names_may_drill_and_only_with_a_proof() {
    let unproven = json!({ "drill": PAYMENTS, "id": "cli-1", "to": null });
    for (names, caller, refused) in [
        (json!(["group:dba"]), BEN, "ben may not drill: /tidegate/databases' may.drill names group:dba"),
        (json!([]), ANA, "ana may not drill: /tidegate/databases' may.drill names nobody"),
        (json!(["user:ana"]), "AIDAZZZZZZZZZZZZZZZZZ", "(403)"),
    ] {
        let world = who_may(&names);
        world.caller.set(caller);
        let said = said(&world, &signed(&world, "cli-1"));
        assert!(said.starts_with("refused: ") && said.contains(refused), "{said}");
        assert!(world.asked.borrow().is_empty() && world.table.borrow().running.is_empty(), "{said}");
    }
    let world = who_may(&json!(["group:dba"]));
    assert!(said(&world, &unproven).contains("does not prove who gives it"));
    let mut other = signed(&world, "cli-1");
    other["proof"] = json!({ "signature": "mine" });
    assert!(said(&world, &other).starts_with("refused: "), "{other}");
    assert!(world.asked.borrow().is_empty());
    // Twice the same order is one drill.
    let order = signed(&world, "cli-1");
    assert!(said(&world, &order).contains("has begun; its end is told"));
    assert!(said(&world, &order).contains("has begun already"));
    assert_eq!(world.asked.borrow().len(), 1);
}

#[test]
fn without_a_word_of_the_record_whoever_may_invoke_may_drill() {
    for is_signed in [true, false] {
        let world = World::new();
        world.policies.replace(record(json!({})));
        world.caller.set("AIDAZZZZZZZZZZZZZZZZZ");
        let unsigned = json!({ "drill": PAYMENTS, "id": "cli-1", "to": null });
        let order = if is_signed { signed(&world, "cli-1") } else { unsigned };
        assert!(said(&world, &order).starts_with("taken: "), "signed: {is_signed}");
    }
}

/// Lambda, and the quarantine, would keep it (I9).
#[test]
fn a_proof_is_kept_by_nobody() {
    let world = who_may(&json!(["group:dba"]));
    world.refusing.set(Some("load_drills"));
    let order = signed(&world, "cli-1");
    said(&world, &order);
    let payloads = world.kept.borrow();
    assert!(!world.quarantined.borrow().is_empty());
    assert!(payloads.iter().all(Option::is_none), "{payloads:?}");
}

#[test]
fn what_cannot_be_drilled_says_why_and_asks_nothing_of_rds() {
    type Change<'a> = &'a dyn Fn(&mut Instance);
    let cases: [(&str, Option<u64>, Change, Value, &str); 8] = [
        ("cluster/ledger", None, &|_| {}, json!({}), "only instances can be drilled yet"),
        ("instance/nobody", None, &|_| {}, json!({}), "there is no instance nobody"),
        (PAYMENTS, None, &|i| i.retention_days = 0, json!({}), "has no automated backups"),
        (PAYMENTS, None, &|i| i.restorable = None, json!({}), "names no time"),
        (PAYMENTS, Some(START), &|_| {}, json!({}), "the newest that it can be is"),
        (PAYMENTS, None, &|i| i.storage_gib = 1001, json!({}), "has 1001 GiB of storage"),
        (
            PAYMENTS,
            None,
            &|i| i.engine = "sqlserver-ee".to_owned(),
            json!({ "class": "db.t3.medium" }),
            "needs db.t3.xlarge at least",
        ),
        (
            PAYMENTS,
            None,
            &|i| i.member_of = Some("ledger".to_owned()),
            json!({}),
            "is part of cluster ledger",
        ),
    ];
    for (database, to, change, drill, why) in cases {
        let world = World::new();
        world.policies.replace(record(drill));
        change(&mut world.instances.borrow_mut().get_mut("payments").unwrap().0);
        world.order(database, to);
        let report = world.report(database).expect(why);
        let Outcome::Failed { why: said } = &report.outcome else { panic!("{report:?}") };
        assert!(said.contains(why), "{said}");
        assert!(world.asked.borrow().is_empty(), "{why}");
    }
}
