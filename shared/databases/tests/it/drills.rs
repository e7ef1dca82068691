//! What is asked of RDS for a drill, what is never touched, and what people are told.

use std::collections::BTreeMap;

use databases::drill::{
    Act, Call, CallNews, CheckRead, CheckState, Decision, Drill, Instance, Next, Order, Outcome, Phase,
    Report, Secret, Seen, TAG, Terms, decide,
};
use databases::facts::Family;
use databases::policy::Check;
use databases::watch::Watch;
use databases::words;
use model::database::DatabaseKey;
use model::drill::{AnswerKey, DrillId};
use model::time::{Span, Timestamp};
use proptest::prelude::*;

use crate::rules::NOW;

fn key() -> DatabaseKey {
    DatabaseKey::new("instance", "ledger").unwrap()
}

fn drill(phase: Phase) -> Drill {
    Drill {
        id: DrillId::of(&key(), "cli-1"),
        database: key(),
        requested: NOW,
        to: None,
        terms: Terms {
            subnet_group: "isolated".to_owned(),
            security_group: "sg-1".to_owned(),
            hours: 8,
            storage_gib_max: 1000,
            class: None,
            option_group: None,
            check: None,
        },
        phase,
        made: Vec::new(),
    }
}

/// SQL Server with a standby, in the default groups.
fn ledger() -> Instance {
    Instance {
        name: "ledger".to_owned(),
        resource: "db-ORIGINAL".to_owned(),
        status: "available".to_owned(),
        engine: "sqlserver-se".to_owned(),
        storage_gib: 200,
        created: Some(NOW.minus(Span::hours(1000))),
        tags: BTreeMap::new(),
        member_of: None,
        retention_days: 7,
        restorable: Some(NOW.minus(Span::minutes(5))),
        multi_az: true,
        option_group: Some("default:sqlserver-se-15-00".to_owned()),
        parameter_group: Some("ledger".to_owned()),
        endpoint: Some(("ledger.example.com".to_owned(), 1433)),
        secret: None,
    }
}

/// What RDS is asked for, or why nothing is.
fn asked(change: impl FnOnce(&mut Drill, &mut Instance)) -> Result<Order, String> {
    let (mut drill, mut original) = (drill(Phase::Requested), ledger());
    change(&mut drill, &mut original);
    let decision =
        decide(&drill, &Seen::Original { original: Some(Box::new(original)), copy_is_there: false }, NOW);
    match (decision.next, decision.act) {
        (Next::Become(_), Some(Act::Restore(order))) => Ok(order),
        (Next::Over(Report { outcome: Outcome::Failed { why }, .. }), None) => Err(why),
        other => panic!("{other:?}"),
    }
}

#[test]
fn sql_server_keeps_its_groups_and_comes_up_without_a_standby() {
    let order = asked(|_, _| {}).unwrap();
    // No answer about zones is taken from us: the default group, which has no mirroring, keeps the standby away.
    assert_eq!((order.option_group.as_deref(), order.multi_az), (None, None));
    assert_eq!((order.parameter_group.as_deref(), order.class.as_str()), (Some("ledger"), "db.t3.xlarge"));
    assert_eq!((order.subnet_group.as_str(), order.security_group.as_str()), ("isolated", "sg-1"));

    // Its own group may hold TDE, which cannot be left behind, or mirroring, which must be.
    let own = |group: &str| Some(group.to_owned());
    let why = asked(|_, i| i.option_group = own("ledger-tde")).unwrap_err();
    assert!(why.contains("Name an option group without mirroring"), "{why}");
    let alone = asked(|_, i| (i.option_group, i.multi_az) = (own("ledger-tde"), false)).unwrap();
    assert_eq!(alone.option_group.as_deref(), Some("ledger-tde"));
    let named = asked(|d, i| {
        i.option_group = own("ledger-mirrored");
        d.terms.option_group = own("ledger-tde");
    });
    assert_eq!(named.unwrap().option_group.as_deref(), Some("ledger-tde"));
}

#[test]
fn others_are_asked_for_in_one_zone_and_with_their_own_groups() {
    let order = asked(|_, i| {
        i.engine = "postgres".to_owned();
        i.option_group = Some("payments".to_owned());
    })
    .unwrap();
    assert_eq!((order.option_group.as_deref(), order.multi_az), (Some("payments"), Some(false)));
    assert_eq!(order.class, "db.t3.medium");
}

#[test]
fn a_time_is_restored_to_only_while_it_is_older_than_the_newest() {
    let newest = ledger().restorable.unwrap();
    let to = |at: Timestamp| asked(|d, _| d.to = Some(at));
    assert_eq!(to(Timestamp(newest.0 - 1)).unwrap().to, Some(Timestamp(newest.0 - 1)));
    assert_eq!(
        to(newest).unwrap_err(),
        "ledger cannot be restored to 2026-03-02 09:10:00Z: the newest that it can be is 2026-03-02 09:10:00Z"
    );
}

fn told(outcome: Outcome) -> String {
    let mut watch = Watch::new(key());
    watch.family = Some(Family::SqlServer);
    let id = DrillId::of(&key(), "cli-1");
    watch.drilled(&Report { id, requested: NOW, ended: NOW.plus(Span::hours(1)), outcome });
    let said = words::of(&watch, &watch.notices[0].news);
    format!("{} ({})\n{}\n---\n{}---\n{}", said.notice, said.severity, said.subject, said.text, said.json)
}

#[test]
fn a_report_says_what_was_measured_what_it_means_and_what_to_do() {
    let proven = |check| Outcome::Proven {
        rto: Span::minutes(41),
        rpo: Span::minutes(5),
        to: NOW.minus(Span::minutes(5)),
        check,
    };
    let all = [
        told(proven(Some("tidegate-drill-check-ledger".to_owned()))),
        told(proven(None)),
        told(Outcome::Failed { why: "RDS says that the copy is incompatible-restore".to_owned() }),
    ];
    insta::assert_snapshot!(all.join("\n==========\n"));
}

#[test]
fn a_report_is_told_once() {
    let mut watch = Watch::new(key());
    let report = Report {
        id: DrillId::of(&key(), "cli-1"),
        requested: NOW,
        ended: NOW,
        outcome: Outcome::Failed { why: "x".to_owned() },
    };
    watch.drilled(&report);
    watch.drilled(&Report { ended: NOW.plus(Span::minutes(1)), ..report });
    assert_eq!(watch.notices.len(), 1);
}

fn fresh() -> AnswerKey {
    AnswerKey::new([7; 16])
}

fn phases() -> impl Strategy<Value = Phase> {
    let order = Order {
        source: "ledger".to_owned(),
        drill: DrillId::of(&key(), "cli-1"),
        to: None,
        class: "db.t3.xlarge".to_owned(),
        subnet_group: "isolated".to_owned(),
        security_group: "sg-1".to_owned(),
        parameter_group: None,
        option_group: None,
        multi_az: None,
    };
    let (to, newest) = (NOW.minus(Span::minutes(5)), NOW.minus(Span::minutes(5)));
    prop::sample::select(vec![
        Phase::Requested,
        Phase::Restoring { order, newest },
        Phase::Securing { to, newest },
        Phase::Checking { to, newest, call: None },
        Phase::Checking { to, newest, call: Some(Call::Promised { key: fresh().hash() }) },
        Phase::Checking { to, newest, call: Some(Call::Answered { at: NOW, failure: None }) },
        Phase::Deleting { outcome: Outcome::Failed { why: "x".to_owned() }, since: NOW },
    ])
}

prop_compose! {
    fn instances()(
        name in prop::sample::select(vec!["ledger".to_owned(), DrillId::of(&key(), "cli-1").copy(), DrillId::of(&key(), "cli-2").copy()]),
        tag in prop::option::of(prop::sample::select(vec![DrillId::of(&key(), "cli-1"), DrillId::of(&key(), "cli-2")])),
        status in prop::sample::select(vec!["available", "creating", "deleting", "failed", "modifying"]),
        created in prop::option::of(prop::sample::select(vec![NOW, NOW.minus(Span::minutes(2))])),
        secret in prop::option::of(any::<bool>()),
    ) -> Instance {
        Instance {
            name,
            resource: "db-1".to_owned(),
            status: status.to_owned(),
            created,
            tags: tag.iter().map(|tag| (TAG.to_owned(), tag.to_string())).collect(),
            secret: secret.map(|is_active| Secret { arn: "arn".to_owned(), is_active }),
            ..ledger()
        }
    }
}

fn seen() -> impl Strategy<Value = Seen> {
    let some = || prop::option::of(instances());
    let state = prop_oneof![
        Just(CheckState::Running),
        Just(CheckState::Succeeded { at: NOW }),
        Just(CheckState::Failed { why: "x".to_owned() })
    ];
    let run = state.prop_map(|state| CheckRead { drill: Some(DrillId::of(&key(), "cli-1")), state });
    prop_oneof![
        (some(), any::<bool>()).prop_map(|(original, copy_is_there)| Seen::Original {
            original: original.map(Box::new),
            copy_is_there
        }),
        some().prop_map(Seen::Copy),
        (some(), prop::collection::vec(run, 0..2)).prop_map(|(copy, runs)| Seen::Checked { copy, runs }),
        some().prop_map(|copy| Seen::Called { copy, fresh: fresh() }),
        Just(Seen::Call(CallNews::Taken { key: fresh().hash() })),
        Just(Seen::Call(CallNews::Answered { key: fresh().hash(), failure: None })),
    ]
}

fn shown(seen: &Seen) -> Option<&Instance> {
    match seen {
        Seen::Copy(copy) | Seen::Checked { copy, .. } | Seen::Called { copy, .. } => copy.as_ref(),
        Seen::Original { .. } | Seen::Call(_) | Seen::Refused { .. } => None,
    }
}

proptest! {
    /// Whatever is seen in whatever phase: only what carries the drill's own name and tag, and is not older than it, is
    /// changed or deleted, and only once its resource id stands in the drill.
    #[test]
    fn only_what_the_drill_made_is_changed_or_deleted(
        phase in phases(),
        seen in seen(),
        check in prop::option::of(any::<bool>()),
        hours in 0_u64..10,
    ) {
        let mut drill = drill(phase);
        drill.terms.check = check.map(|is_function| match ("tidegate-drill-check-ledger".to_owned(), is_function) {
            (function, true) => Check::Function { function },
            (project, false) => Check::Project(project),
        });
        let Decision { next, act } = decide(&drill, &seen, NOW.plus(Span::hours(hours)));
        let touched = match &act {
            Some(Act::Delete(ours) | Act::RenewPassword(ours)) => Some(ours),
            Some(Act::Restore(_) | Act::StartCheck(_) | Act::CallCheck(..)) | None => None,
        };
        if let Some(ours) = touched {
            let copy = shown(&seen).unwrap();
            prop_assert_eq!(&copy.name, &drill.id.copy());
            prop_assert_eq!(copy.tags.get(TAG).map(String::as_str), Some(drill.id.as_str()));
            prop_assert!(copy.created.is_none_or(|created| created.plus(Span::minutes(1)) >= drill.requested));
            let Next::Become(after) = &next else { panic!("its id is not written down: {next:?}") };
            prop_assert!(after.made.contains(&ours.resource().to_owned()));
        }
        // Nothing that may still come to be is forgotten.
        if let (Next::Over(_), false) = (&next, drill.phase == Phase::Requested) {
            prop_assert!(shown(&seen).is_none_or(|copy| drill.ours(copy).is_err()));
        }
    }
}
