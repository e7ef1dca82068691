//! The gate over an RDS of three databases.

use databases::facts::{AutomatedBackup, Pending};
use model::time::Timestamp;

use super::*;
use crate::ports::Page;

const NOW: Timestamp = Timestamp(1_800_000_000_000);

#[derive(Default)]
struct Rds {
    databases: Vec<Database>,
    backups: Vec<AutomatedBackup>,
}

impl Clock for Rds {
    fn now(&self) -> Timestamp {
        NOW
    }
}

impl Databases for Rds {
    async fn databases(
        &self,
        kind: Kind,
        name: Option<&str>,
        _: Option<&str>,
    ) -> Result<Page<Database>, Failure> {
        let fits = |d: &&Database| d.kind == kind && Some(d.name.as_str()) == name;
        Ok(Page { items: self.databases.iter().filter(fits).cloned().collect(), next: None })
    }

    async fn automated_backups(
        &self,
        _: Option<&str>,
        _: Option<&str>,
    ) -> Result<Page<AutomatedBackup>, Failure> {
        Ok(Page { items: self.backups.clone(), next: None })
    }
}

fn database(kind: Kind, name: &str, minutes: Option<u64>) -> Database {
    Database {
        kind,
        name: name.to_owned(),
        engine: "postgres".to_owned(),
        status: "available".to_owned(),
        created: None,
        member_of: None,
        replica_of: None,
        retention_days: 7,
        backup_window: None,
        maintenance_window: None,
        restorable: minutes.map(|minutes| NOW.minus(Span::minutes(minutes))),
        multi_az: true,
        encrypted: true,
        deletion_protection: true,
        tags: std::collections::BTreeMap::new(),
        resource: None,
        pending: Pending::default(),
        lacks: None,
    }
}

fn backup(instance: &str, resource: Option<&str>) -> AutomatedBackup {
    AutomatedBackup {
        instance: instance.to_owned(),
        resource: resource.map(str::to_owned),
        latest: Some(NOW.minus(Span::minutes(4))),
    }
}

fn asked(database: &str) -> Requires {
    Requires { database: database.to_owned(), within: Span::minutes(15), otherwise: Otherwise::Refuse }
}

fn said(rds: &Rds, name: &str) -> Option<String> {
    futures_util::FutureExt::now_or_never(unmet(rds, Some(&asked(name)))).unwrap().unwrap()
}

#[test]
fn what_can_be_restored_to_within_the_asked_minutes_passes_and_a_second_more_does_not() {
    let mut at_the_edge = database(Kind::Instance, "payments", Some(15));
    let rds = Rds { databases: vec![at_the_edge.clone()], ..Rds::default() };
    assert_eq!(said(&rds, "payments"), None);
    at_the_edge.restorable = at_the_edge.restorable.map(|at| at.minus(Span::seconds(1)));
    let rds = Rds { databases: vec![at_the_edge], ..Rds::default() };
    let words = "database payments can be restored only to 15 min 1 s ago, and 15 min 0 s are asked for";
    assert_eq!(said(&rds, "payments").as_deref(), Some(words));
}

#[test]
fn a_database_that_is_gone_or_has_no_backups_does_not_pass() {
    let off = Database { retention_days: 0, ..database(Kind::Instance, "off", Some(1)) };
    let rds = Rds { databases: vec![off, database(Kind::Cluster, "new", None)], ..Rds::default() };
    let begins = |name: &str, with: &str| said(&rds, name).unwrap().starts_with(with);
    assert!(begins("gone", "database gone is not in this account and region, and"));
    assert!(begins("off", "database off has no automated backups, and"));
    assert!(begins("new", "database new can be restored to no time at all, and"));
}

#[test]
fn a_member_stands_for_its_cluster_and_the_automated_backup_may_know_better() {
    let member = Database {
        member_of: Some("orders".to_owned()),
        retention_days: 0,
        ..database(Kind::Instance, "orders-1", None)
    };
    let orders = database(Kind::Cluster, "orders", Some(3));
    let late = database(Kind::Instance, "late", Some(40));
    let rds = Rds { databases: vec![member, orders, late], backups: vec![backup("late", None)] };
    for name in ["orders", "orders-1", "late"] {
        assert_eq!(said(&rds, name), None, "{name}");
    }
}

#[test]
fn the_automated_backup_of_another_instance_of_that_name_proves_nothing() {
    let late = Database { resource: Some("db-NEW".to_owned()), ..database(Kind::Instance, "late", Some(40)) };
    let with = |resource| Rds { databases: vec![late.clone()], backups: vec![backup("late", resource)] };
    assert_eq!(said(&with(Some("db-NEW")), "late"), None);
    assert_eq!(said(&with(None), "late"), None, "RDS may not tell whose it is");
    let words = "database late can be restored only to 40 min 0 s ago, and 15 min 0 s are asked for";
    assert_eq!(said(&with(Some("db-DELETED")), "late").as_deref(), Some(words));
}

#[test]
fn what_goes_back_or_starts_anew_asks_for_nothing() {
    let requires = config::Requires {
        database: "payments".to_owned(),
        restorable_within_minutes: 15,
        on_failure: config::OnFailure::Warn,
    };
    let id = || "payments-production-3".parse().unwrap();
    for origin in [Origin::Rollback { to: id() }, Origin::Redeploy { of: id() }] {
        assert_eq!(of_config(Some(&requires), &origin), None, "{origin:?}");
    }
    let asked = of_config(Some(&requires), &Origin::Promotion { of: id() }).unwrap();
    assert_eq!((asked.within, asked.otherwise), (Span::minutes(15), Otherwise::Warn));
}
