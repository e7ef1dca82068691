//! A look at databases over ports that answer at once: what is stored, told, and woken again.

use std::cell::{Cell, RefCell};

use databases::facts::{AutomatedBackup, Pending};
use databases::watch::News;
use futures_util::FutureExt;
use model::ids::ChannelId;

use super::*;
use crate::alerts::tell;
use crate::ports::{Channels, Commit, Message, People, Posted, Stored};

#[derive(Default)]
struct World {
    now: Cell<u64>,
    databases: RefCell<Vec<Database>>,
    automated: RefCell<Vec<AutomatedBackup>>,
    snapshots: RefCell<Vec<Snapshot>>,
    policies: RefCell<Option<String>>,
    table: RefCell<BTreeMap<DatabaseKey, Watch>>,
    woken: RefCell<Vec<String>>,
    told: RefCell<Vec<String>>,
    /// The call that fails.
    failing: RefCell<&'static str>,
    /// Somebody else writes first, this often.
    races: Cell<u32>,
}

impl World {
    fn new() -> Self {
        let world = Self::default();
        world.now.set(START);
        world
    }

    fn fails(&self, call: &'static str) -> Result<(), Failure> {
        if *self.failing.borrow() == call { Err(Failure::transient(call, "throttled")) } else { Ok(()) }
    }

    fn look(&self) -> Result<String, Failure> {
        look_at_all(self).now_or_never().expect("nothing waits").map(|fleet| fleet.said)
    }

    fn look_at(&self, kind: Kind, name: &str) -> String {
        super::look_at(self, kind, name).now_or_never().expect("nothing waits").unwrap()
    }

    fn watch(&self, key: &str) -> Watch {
        self.table.borrow()[&key.parse::<DatabaseKey>().unwrap()].clone()
    }

    fn tell(&self, key: &str) -> Result<(), Failure> {
        tell(self, &key.parse().unwrap()).now_or_never().expect("nothing waits")
    }

    /// Rules of the notices that wait, `-` before those that are gone.
    fn waiting(&self, key: &str) -> Vec<String> {
        let said = |news: &News| match news {
            News::Appeared { finding } => finding.rule.as_str().to_owned(),
            News::Gone { finding, .. } => format!("-{}", finding.rule.as_str()),
            News::Alert { alert, .. } => alert.id.clone(),
            News::Drilled { report } => report.id.to_string(),
            News::Validated { report } => report.id.to_string(),
        };
        self.watch(key).notices.iter().map(|notice| said(&notice.news)).collect()
    }
}

fn page<T: Clone>(items: &[T]) -> Page<T> {
    Page { items: items.to_vec(), next: None }
}

impl Clock for World {
    fn now(&self) -> Timestamp {
        Timestamp(self.now.get())
    }
}

impl Databases for World {
    /// One at a time, so that every look has pages to turn.
    async fn databases(
        &self,
        kind: Kind,
        name: Option<&str>,
        at: Option<&str>,
    ) -> Result<Page<Database>, Failure> {
        self.fails("databases")?;
        let fits = |d: &&Database| d.kind == kind && name.is_none_or(|name| name == d.name);
        let found: Vec<Database> = self.databases.borrow().iter().filter(fits).cloned().collect();
        let n: usize = at.map_or(0, |at| at.parse().unwrap());
        let next = (n + 1 < found.len()).then(|| (n + 1).to_string());
        Ok(Page { items: found.into_iter().skip(n).take(1).collect(), next })
    }

    async fn automated_backups(
        &self,
        _: Option<&str>,
        _: Option<&str>,
    ) -> Result<Page<AutomatedBackup>, Failure> {
        Ok(page(&self.automated.borrow()))
    }
}

impl Snapshots for World {
    async fn snapshots(
        &self,
        of: Kind,
        database: Option<&str>,
        _: Option<&str>,
    ) -> Result<Page<Snapshot>, Failure> {
        self.fails("snapshots")?;
        let fits = |s: &&Snapshot| s.of == of && database.is_none_or(|name| name == s.database);
        Ok(Page { items: self.snapshots.borrow().iter().filter(fits).cloned().collect(), next: None })
    }

    async fn shared_with(&self, _: Kind, snapshot: &str) -> Result<Vec<String>, Failure> {
        self.fails("shared_with")?;
        Ok(if snapshot == "public" { vec!["all".to_owned()] } else { Vec::new() })
    }
}

impl Policy for World {
    async fn database_policies(&self) -> Result<Option<Stored>, Failure> {
        Ok(self.policies.borrow().clone().map(|body| Stored { body, version: 1 }))
    }
}

impl Watches for World {
    async fn load_watch(&self, key: &DatabaseKey) -> Result<Option<Watch>, Failure> {
        Ok(self.table.borrow().get(key).cloned())
    }

    async fn commit_watch(&self, watch: &Watch) -> Result<Commit, Failure> {
        let mut table = self.table.borrow_mut();
        if self.races.get() > 0 {
            self.races.set(self.races.get() - 1);
            table.entry(watch.key.clone()).or_insert_with(|| Watch::new(watch.key.clone())).version += 1;
            return Ok(Commit::Lost);
        }
        if table.get(&watch.key).map_or(0, |stored| stored.version) + 1 != watch.version {
            return Ok(Commit::Lost);
        }
        table.insert(watch.key.clone(), watch.clone());
        Ok(Commit::Written)
    }

    async fn watches(&self, _: Option<&str>) -> Result<Page<Watch>, Failure> {
        Ok(Page { items: self.table.borrow().values().cloned().collect(), next: None })
    }
}

impl NoticeQueue for World {
    async fn wake_to_tell(&self, key: &DatabaseKey, version: u64) -> Result<(), Failure> {
        self.fails("wake_to_tell")?;
        self.woken.borrow_mut().push(format!("{key} {version}"));
        Ok(())
    }
}

impl People for World {
    async fn publish(&self, message: &Message) -> Result<(), Failure> {
        self.fails("publish")?;
        self.told.borrow_mut().push(message.subject.clone());
        Ok(())
    }

    async fn post_to_slack(&self, _: &str) -> Result<(), Failure> {
        Ok(())
    }
}

impl Channels for World {
    async fn channels_record(&self) -> Result<Option<Stored>, Failure> {
        Ok(None)
    }

    async fn say_in_slack(&self, _: Option<&ChannelId>, _: &str) -> Result<Posted, Failure> {
        unreachable!("there are no routes")
    }

    async fn trouble_told(&self) -> Result<Option<i64>, Failure> {
        unreachable!("there are no routes")
    }

    async fn remember_trouble_told(&self, _: i64) -> Result<(), Failure> {
        unreachable!("there are no routes")
    }
}

const START: u64 = 1_772_442_900_000;
const MINUTE: u64 = 60_000;
const PAYMENTS: &str = "instance/payments";

/// Breaks one rule: it has no standby.
fn payments() -> Database {
    Database {
        kind: Kind::Instance,
        name: "payments".to_owned(),
        engine: "postgres".to_owned(),
        status: "available".to_owned(),
        created: Some(Timestamp(START - 1)),
        member_of: None,
        replica_of: None,
        retention_days: 7,
        backup_window: Some("02:00-03:00".to_owned()),
        maintenance_window: Some("sun:04:00-sun:05:00".to_owned()),
        restorable: Some(Timestamp(START)),
        multi_az: false,
        encrypted: true,
        deletion_protection: true,
        tags: BTreeMap::new(),
        resource: None,
        pending: Pending::default(),
        lacks: None,
    }
}

fn manual(name: &str, database: &str) -> Snapshot {
    Snapshot {
        of: Kind::Instance,
        database: database.to_owned(),
        name: name.to_owned(),
        engine: "postgres".to_owned(),
        status: "available".to_owned(),
        created: Some(Timestamp(START)),
        manual: true,
        shared_with: Vec::new(),
    }
}

#[test]
fn a_finding_is_stored_woken_for_told_and_forgotten() {
    let world = World::new();
    world
        .databases
        .borrow_mut()
        .extend([payments(), Database { name: "orders".to_owned(), multi_az: true, ..payments() }]);
    assert_eq!(world.look().unwrap(), "looked at 2 databases: 1 break a rule");
    assert_eq!(*world.woken.borrow(), ["instance/payments 1"]);
    world.tell(PAYMENTS).unwrap();
    assert_eq!(*world.told.borrow(), ["payments (RDS instance): single-az"]);
    assert_eq!(world.waiting(PAYMENTS), [""; 0]);
    world.tell(PAYMENTS).unwrap();
    assert_eq!(world.told.borrow().len(), 1);
}

#[test]
fn who_crashed_before_waking_the_notifier_is_made_up_for_by_the_next_look() {
    let world = World::new();
    world.databases.borrow_mut().push(payments());
    *world.failing.borrow_mut() = "wake_to_tell";
    assert!(world.look().is_err());
    *world.failing.borrow_mut() = "";
    world.now.set(START + MINUTE);
    world.look().unwrap();
    assert_eq!(*world.woken.borrow(), ["instance/payments 2"]);
    assert_eq!(world.waiting(PAYMENTS), ["single-az"], "and it is told once");
}

#[test]
fn what_cannot_be_read_does_not_look_mended() {
    for call in ["databases", "snapshots", "shared_with"] {
        let world = World::new();
        world.databases.borrow_mut().push(payments());
        world.snapshots.borrow_mut().push(manual("public", "payments"));
        world.look().unwrap();
        let before = world.watch(PAYMENTS);
        *world.failing.borrow_mut() = call;
        assert!(world.look().is_err(), "{call}");
        assert_eq!(world.watch(PAYMENTS), before, "{call}");
    }
}

#[test]
fn a_record_that_is_not_valid_is_told_once_and_the_last_that_was_counts() {
    const RECORD: &str = "record/databases";
    let world = World::new();
    world.databases.borrow_mut().push(payments());
    let lenient = r#"{"policies": [{"match": {"name": "payments"}, "require": {"multiAz": false}}]}"#;
    *world.policies.borrow_mut() = Some(lenient.to_owned());
    assert_eq!(world.look().unwrap(), "looked at 1 databases: 0 break a rule");
    *world.policies.borrow_mut() = Some(r#"{"policies": [{}]}"#.to_owned());
    for _ in 0..2 {
        world.now.set(world.now.get() + MINUTE);
        assert_eq!(world.look().unwrap(), "looked at 1 databases: 0 break a rule");
    }
    assert_eq!(world.waiting(RECORD), ["version 1"]);
    world.tell(RECORD).unwrap();
    assert_eq!(*world.told.borrow(), ["/tidegate/databases: The record counts for nothing"]);
    *world.policies.borrow_mut() = None;
    world.now.set(world.now.get() + MINUTE);
    assert_eq!(world.look().unwrap(), "looked at 1 databases: 1 break a rule");
    // What was taken away counts no more, and the next mistake is told like the first.
    *world.policies.borrow_mut() = Some(r#"{"policies": [{}]}"#.to_owned());
    world.now.set(world.now.get() + MINUTE);
    assert_eq!(world.look().unwrap(), "looked at 1 databases: 1 break a rule");
    assert_eq!(world.waiting(RECORD), ["version 1"]);
}

#[test]
fn where_no_record_was_ever_valid_the_defaults_count() {
    let world = World::new();
    world.databases.borrow_mut().push(payments());
    *world.policies.borrow_mut() = Some("{".to_owned());
    assert_eq!(world.look().unwrap(), "looked at 1 databases: 1 break a rule");
    assert_eq!(world.waiting("record/databases"), ["version 1"]);
    assert_eq!(world.waiting(PAYMENTS), ["single-az"]);
}

#[test]
fn a_database_that_vanished_ends_its_findings_and_one_that_was_seen_meanwhile_does_not() {
    let world = World::new();
    world.databases.borrow_mut().push(payments());
    world.look().unwrap();
    world.databases.borrow_mut().clear();
    // Looked at by an event while this look was reading: its list is older than what is stored.
    world.look().unwrap();
    assert_eq!(world.waiting(PAYMENTS), ["single-az"]);
    world.now.set(START + 2 * MINUTE);
    world.look().unwrap();
    assert_eq!(world.waiting(PAYMENTS), ["single-az", "-single-az"]);
}

#[test]
fn an_older_look_never_replaces_a_newer_one() {
    let world = World::new();
    world.databases.borrow_mut().push(Database { multi_az: true, ..payments() });
    world.now.set(START + MINUTE);
    world.look().unwrap();
    world.databases.borrow_mut()[0].multi_az = false;
    world.now.set(START);
    world.look_at(Kind::Instance, "payments");
    assert_eq!(world.waiting(PAYMENTS), [""; 0]);
}

#[test]
fn an_event_of_a_member_looks_at_its_cluster() {
    let world = World::new();
    let cluster = Database {
        kind: Kind::Cluster,
        name: "ledger".to_owned(),
        engine: "aurora-mysql".to_owned(),
        ..payments()
    };
    let member = Database { name: "ledger-1".to_owned(), member_of: Some("ledger".to_owned()), ..payments() };
    world.databases.borrow_mut().extend([cluster, member]);
    assert_eq!(world.look_at(Kind::Instance, "ledger-1"), "cluster/ledger: 1 rules broken");
    assert_eq!(world.look_at(Kind::Instance, "nobody"), "there is no instance nobody");
    world.look().unwrap();
    assert!(world.watch("instance/ledger-1").looked.is_none(), "a member is never judged by itself");
}

#[test]
fn a_member_of_neptune_is_told_as_one() {
    let neptune = |kind, name: &str| Database {
        kind,
        name: name.to_owned(),
        engine: "neptune".to_owned(),
        ..payments()
    };
    let member = Database { member_of: Some("graph".to_owned()), ..neptune(Kind::Instance, "graph-1") };
    let family = |world: &World| world.watch("instance/graph-1").family;
    let by_event = World::new();
    by_event.databases.borrow_mut().extend([neptune(Kind::Cluster, "graph"), member]);
    by_event.look_at(Kind::Instance, "graph-1");
    assert_eq!(family(&by_event), Some(Family::Neptune));

    // Heard of before anybody looked at it.
    let by_clock = World { databases: by_event.databases, ..World::new() };
    let key: DatabaseKey = "instance/graph-1".parse().unwrap();
    by_clock.table.borrow_mut().insert(key.clone(), Watch { version: 1, ..Watch::new(key) });
    by_clock.look().unwrap();
    assert_eq!(family(&by_clock), Some(Family::Neptune));
}

#[test]
fn a_database_that_rds_does_not_describe_is_told_and_the_others_are_judged() {
    let world = World::new();
    let orders = Database { name: "orders".to_owned(), ..payments() };
    world.databases.borrow_mut().extend([payments(), orders]);
    world.look().unwrap();
    for database in world.databases.borrow_mut().iter_mut() {
        database.multi_az = true;
    }
    world.databases.borrow_mut()[0].lacks = Some("Engine".to_owned());
    world.now.set(START + MINUTE);
    world.look().unwrap();
    // What it broke is not said to be mended.
    assert_eq!(world.waiting(PAYMENTS), ["single-az", "not-described"]);
    assert_eq!(world.waiting("instance/orders"), ["single-az", "-single-az"]);
    world.databases.borrow_mut()[0].lacks = None;
    world.now.set(START + 2 * MINUTE);
    world.look().unwrap();
    assert_eq!(world.waiting(PAYMENTS)[2..], ["-single-az", "-not-described"]);
}

#[test]
fn a_public_snapshot_is_found_after_its_database_is_gone() {
    let world = World::new();
    world.snapshots.borrow_mut().extend([manual("public", "archive"), manual("private", "other")]);
    world.look().unwrap();
    assert_eq!(world.waiting("instance/archive"), ["snapshot-public"]);
    assert_eq!(world.waiting("instance/other"), [""; 0]);
}

#[test]
fn the_automated_backup_of_another_instance_of_that_name_hides_nothing() {
    let world = World::new();
    let stands_still = Database {
        resource: Some("db-NEW".to_owned()),
        restorable: Some(Timestamp(START - 120 * MINUTE)),
        multi_az: true,
        ..payments()
    };
    world.databases.borrow_mut().push(stands_still);
    world.automated.borrow_mut().push(AutomatedBackup {
        instance: "payments".to_owned(),
        resource: Some("db-DELETED".to_owned()),
        latest: Some(Timestamp(START)),
    });
    world.look().unwrap();
    assert_eq!(world.waiting(PAYMENTS), ["not-restorable"]);
    world.automated.borrow_mut()[0].resource = Some("db-NEW".to_owned());
    world.now.set(START + MINUTE);
    world.look().unwrap();
    assert_eq!(world.waiting(PAYMENTS), ["not-restorable", "-not-restorable"]);
}

#[test]
fn lost_races_are_begun_anew_and_have_an_end() {
    let world = World::new();
    world.databases.borrow_mut().push(payments());
    world.races.set(7);
    world.look().unwrap();
    assert_eq!(world.waiting(PAYMENTS), ["single-az"]);
    world.races.set(8);
    world.now.set(START + MINUTE);
    assert!(matches!(world.look(), Err(Failure::Transient { .. })));
}

#[test]
fn a_notifier_that_fails_tells_the_rest_later_and_nothing_twice() {
    let world = World::new();
    world.databases.borrow_mut().push(payments());
    world.look().unwrap();
    *world.failing.borrow_mut() = "publish";
    assert!(world.tell(PAYMENTS).is_err());
    assert_eq!(world.waiting(PAYMENTS), ["single-az"]);
    *world.failing.borrow_mut() = "";
    world.tell(PAYMENTS).unwrap();
    assert_eq!(world.told.borrow().len(), 1);
}
