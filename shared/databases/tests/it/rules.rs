//! Each rule, broken alone; and at its edges.

use std::collections::BTreeMap;

use databases::facts::{Database, Family, Kind, Pending, Snapshot};
use databases::policy::Policies;
use databases::rules::{Finding, Rule, judge, judge_left};
use model::time::{Span, Timestamp};
use proptest::prelude::*;

pub(crate) const NOW: Timestamp = Timestamp(1_772_442_900_000);

/// A database that breaks no rule.
pub(crate) fn sound() -> Database {
    Database {
        kind: Kind::Instance,
        name: "payments".to_owned(),
        engine: "postgres".to_owned(),
        status: "available".to_owned(),
        created: Some(NOW.minus(Span::hours(24 * 400))),
        member_of: None,
        replica_of: None,
        retention_days: 7,
        backup_window: Some("02:00-03:00".to_owned()),
        maintenance_window: Some("sun:04:00-sun:05:00".to_owned()),
        restorable: Some(NOW.minus(Span::minutes(5))),
        multi_az: true,
        encrypted: true,
        deletion_protection: true,
        tags: BTreeMap::new(),
        resource: None,
        pending: Pending::default(),
        lacks: None,
    }
}

pub(crate) fn snapshot(name: &str, hours_old: u64) -> Snapshot {
    Snapshot {
        of: Kind::Instance,
        database: "payments".to_owned(),
        name: name.to_owned(),
        engine: "postgres".to_owned(),
        status: "available".to_owned(),
        created: Some(NOW.minus(Span::hours(hours_old))),
        manual: false,
        shared_with: Vec::new(),
    }
}

fn fresh() -> Vec<Snapshot> {
    vec![snapshot("rds:payments-1", 7)]
}

fn found_with(database: &Database, snapshots: &[Snapshot]) -> Vec<Finding> {
    judge(database, snapshots, &Policies::default(), NOW).unwrap().findings
}

/// Rules that are broken after `change`.
fn broken(change: impl FnOnce(&mut Database)) -> Vec<&'static str> {
    let mut database = sound();
    change(&mut database);
    let snapshots: Vec<Snapshot> = fresh().into_iter().map(|s| Snapshot { of: database.kind, ..s }).collect();
    found_with(&database, &snapshots).iter().map(|finding| finding.rule.as_str()).collect()
}

#[test]
fn a_sound_database_breaks_no_rule() {
    assert_eq!(broken(|_| ()), [""; 0]);
    assert_eq!(broken(|d| d.kind = Kind::Cluster), [""; 0]);
}

#[test]
fn each_rule_is_found_alone() {
    assert_eq!(broken(|d| d.retention_days = 0), ["backups-off"]);
    assert_eq!(broken(|d| d.retention_days = 6), ["retention-short"]);
    assert_eq!(broken(|d| d.backup_window = None), ["backup-window-missing"]);
    assert_eq!(broken(|d| d.backup_window = Some("soon".to_owned())), ["backup-window-missing"]);
    assert_eq!(
        broken(|d| d.backup_window = Some("04:30-05:30".to_owned())),
        ["backup-window-in-maintenance"]
    );
    assert_eq!(broken(|d| d.restorable = None), ["not-restorable"]);
    assert_eq!(broken(|d| d.restorable = Some(NOW.minus(Span::hours(2)))), ["not-restorable"]);
    assert_eq!(broken(|d| d.multi_az = false), ["single-az"]);
    assert_eq!(broken(|d| d.encrypted = false), ["not-encrypted"]);
    assert_eq!(broken(|d| d.deletion_protection = false), ["no-deletion-protection"]);
    assert_eq!(broken(|d| d.pending.retention_days = Some(0)), ["pending-weakens"]);
    assert_eq!(broken(|d| d.pending.retention_days = Some(1)), ["pending-weakens"]);
    assert_eq!(broken(|d| d.pending.multi_az = Some(false)), ["pending-weakens"]);
}

#[test]
fn a_change_that_keeps_the_policy_or_mends_it_is_no_finding() {
    assert_eq!(broken(|d| d.pending.retention_days = Some(35)), [""; 0]);
    assert_eq!(broken(|d| (d.retention_days, d.pending.retention_days) = (35, Some(7))), [""; 0]);
    assert_eq!(broken(|d| (d.retention_days, d.pending.retention_days) = (0, Some(7))), ["backups-off"]);
    assert_eq!(broken(|d| d.pending.multi_az = Some(true)), [""; 0]);
}

#[test]
fn a_restorable_time_that_stands_still_is_sql_servers_own_trap() {
    let mut database = sound();
    database.engine = "sqlserver-se".to_owned();
    database.restorable = Some(NOW.minus(Span::hours(3)));
    let found = found_with(&database, &fresh());
    assert_eq!(found[0].rule, Rule::SqlServerLogChain);
    assert!(found[0].words.contains("BULK_LOGGED") && found[0].mend.contains("SET RECOVERY FULL"));
    database.retention_days = 0;
    assert!(found_with(&database, &fresh())[0].words.contains("SIMPLE"));
}

#[test]
fn express_cannot_have_a_standby() {
    assert_eq!(broken(|d| (d.engine, d.multi_az) = ("sqlserver-ex".to_owned(), false)), [""; 0]);
}

#[test]
fn a_replica_leaves_backups_and_standby_to_its_source() {
    let replica = |d: &mut Database| {
        d.replica_of = Some("payments-source".to_owned());
        (d.retention_days, d.multi_az, d.deletion_protection, d.restorable) = (0, false, false, None);
    };
    assert_eq!(broken(replica), [""; 0]);
    assert_eq!(broken(|d| (replica(d), d.encrypted = false).1), ["not-encrypted"]);
}

#[test]
fn what_is_at_rest_is_not_called_stale_and_what_is_deleted_is_left_alone() {
    let old = |status: &str| {
        broken(|d| {
            d.status = status.to_owned();
            d.restorable = Some(NOW.minus(Span::hours(100)));
        })
    };
    for status in ["stopped", "stopping", "starting", "creating", "deleting"] {
        assert_eq!(old(status), [""; 0], "{status}");
    }
    for status in ["available", "backing-up", "storage-full", "inaccessible-encryption-credentials"] {
        assert_eq!(old(status), ["not-restorable"], "{status}");
    }
}

#[test]
fn a_young_database_has_time_for_its_first_backup() {
    let mut database = sound();
    database.restorable = None;
    database.created = Some(NOW.minus(Span::hours(26)));
    assert_eq!(found_with(&database, &[]), []);
    database.created = Some(NOW.minus(Span::hours(26)).minus(Span(1)));
    assert_eq!(found_with(&database, &[]).len(), 2);
}

#[test]
fn only_the_newest_snapshot_that_is_available_counts() {
    let rules = |snapshots: &[Snapshot]| -> Vec<&str> {
        found_with(&sound(), snapshots).iter().map(|finding| finding.rule.as_str()).collect()
    };
    assert_eq!(rules(&[snapshot("a", 27)]), ["snapshot-old"]);
    assert_eq!(rules(&[snapshot("a", 27), snapshot("b", 26)]), [""; 0]);
    assert_eq!(
        rules(&[snapshot("a", 27), Snapshot { status: "creating".to_owned(), ..snapshot("b", 0) }]),
        ["snapshot-old"]
    );
    assert_eq!(rules(&[Snapshot { database: "orders".to_owned(), ..snapshot("b", 0) }]), ["snapshot-old"]);
    assert_eq!(rules(&[Snapshot { of: Kind::Cluster, ..snapshot("b", 0) }]), ["snapshot-old"]);
}

#[test]
fn shared_snapshots_are_found_also_where_their_database_is_gone() {
    let shared = |with: &[&str]| Snapshot {
        manual: true,
        shared_with: with.iter().map(|&account| account.to_owned()).collect(),
        ..snapshot("before-migration", 1)
    };
    let policies =
        Policies::parse(br#"{"policies": [{"match": {}, "require": {"sharedWith": ["444455556666"]}}]}"#)
            .unwrap();
    let left = |with: &[&str]| -> Vec<&str> {
        let judged = judge_left(Kind::Instance, "payments", &[shared(with)], &policies, NOW).unwrap();
        judged.findings.iter().map(|finding| finding.rule.as_str()).collect()
    };
    assert_eq!(left(&[]), [""; 0]);
    assert_eq!(left(&["444455556666"]), [""; 0]);
    assert_eq!(left(&["444455556666", "111122223333"]), ["snapshot-foreign"]);
    assert_eq!(left(&["all"]), ["snapshot-public"]);
    assert_eq!(left(&["all", "111122223333"]), ["snapshot-public", "snapshot-foreign"]);
    let found = found_with(&sound(), &[snapshot("rds:payments-1", 7), shared(&["all", "111122223333"])]);
    insta::assert_snapshot!(found.iter().map(|f| format!("{}\n{}\n", f.words, f.mend)).collect::<String>());
}

#[test]
fn neptune_and_documentdb_are_mended_by_their_own_commands() {
    let mend = |engine: &str| {
        let mut database = sound();
        (database.kind, database.engine, database.retention_days) = (Kind::Cluster, engine.to_owned(), 1);
        let fresh = Snapshot { of: Kind::Cluster, ..snapshot("rds:payments-1", 7) };
        found_with(&database, &[fresh]).remove(0).mend
    };
    insta::assert_snapshot!(["neptune", "docdb", "aurora-postgresql"].map(mend).join("\n"));
    assert_eq!(Family::of_engine("aurora-mysql"), Family::Aurora);
}

#[test]
fn a_waived_rule_is_no_finding_and_is_told_apart() {
    let policies = Policies::parse(
        br#"{"waivers": [{"kind": "instance", "database": "payments", "rule": "single-az", "owner": "ana",
            "reason": "moves to a cluster", "until": "2027-01-31"}]}"#,
    )
    .unwrap();
    let database = Database { multi_az: false, encrypted: false, ..sound() };
    let judged = judge(&database, &fresh(), &policies, NOW).unwrap();
    assert_eq!(judged.findings.iter().map(|f| f.rule).collect::<Vec<_>>(), [Rule::NotEncrypted]);
    assert_eq!(
        judged.waived.iter().map(|(rule, w)| (*rule, w.owner.as_str())).collect::<Vec<_>>(),
        [(Rule::SingleAz, "ana")]
    );
}

proptest! {
    /// Backups are off, short or as asked: exactly one of the three, for instances and for clusters.
    #[test]
    fn retention_is_judged_at_every_length(days in 0_u32..=35, cluster: bool) {
        let rules = broken(|d| {
            d.retention_days = days;
            d.kind = if cluster { Kind::Cluster } else { Kind::Instance };
        });
        let expected = match days { 0 => vec!["backups-off"], 1..7 => vec!["retention-short"], _ => vec![] };
        prop_assert_eq!(rules, expected);
    }

    /// The lag is allowed to the very millisecond, and a clock that runs ahead is no lag.
    #[test]
    fn a_restorable_time_is_fresh_up_to_the_policy(offset in -100_000_i64..100_000) {
        let edge = NOW.minus(Span::minutes(15));
        let restorable = Timestamp(edge.0.saturating_add_signed(offset));
        let stale = broken(|d| d.restorable = Some(restorable)) == ["not-restorable"];
        prop_assert_eq!(stale, offset < 0);
        prop_assert_eq!(broken(|d| d.restorable = Some(NOW.plus(Span::minutes(3)))), [""; 0]);
    }

    /// Nothing that RDS may say makes the rules panic, and no rule is found twice.
    #[test]
    fn any_facts_are_judged(
        retention in 0_u32..40, window in ".{0,12}", maintenance in "[a-z:0-9-]{0,20}", restorable in any::<Option<u64>>(),
        created in any::<Option<u64>>(), ages in prop::collection::vec(any::<Option<u64>>(), 0..4), flags: [bool; 3],
        shared in prop::collection::vec("all|[0-9]{12}", 0..3),
    ) {
        let database = Database {
            retention_days: retention,
            backup_window: Some(window),
            maintenance_window: Some(maintenance),
            restorable: restorable.map(Timestamp),
            created: created.map(Timestamp),
            multi_az: flags[0], encrypted: flags[1], deletion_protection: flags[2],
            ..sound()
        };
        let snapshots: Vec<Snapshot> = ages.iter().map(|age| Snapshot {
            created: age.map(Timestamp), manual: true, shared_with: shared.clone(), ..snapshot("s", 0)
        }).collect();
        let mut rules: Vec<Rule> = found_with(&database, &snapshots).iter().map(|f| f.rule).collect();
        let all = rules.len();
        rules.sort();
        rules.dedup();
        prop_assert_eq!(rules.len(), all);
    }
}
