//! Function `backups` over an RDS that restores, takes its time, and refuses what RDS refuses: drills from the schedule to
//! the report, crashed at every call.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::future::pending;

use databases::drill::{
    CheckOrder, CheckRead, CheckState, Instance, Order, Ours, Outcome, Report, Secret, TAG,
};
use databases::facts::{AutomatedBackup, Database, Kind, Pending, Snapshot};
use databases::validation::{RestoreJob, Verdict};
use databases::watch::{News, Watch};
use futures_util::FutureExt;
use model::drill::AnswerKey;
use model::ids::{EnvironmentName, RepositoryName};
use proof::{Answered, Installation, Unsigned};
use serde_json::{Value, json};

use super::*;
use crate::functions::backups;
use crate::ports::{Databases, Page, Quarantine, RestoreTests, Snapshots, Stored};

pub(crate) const START: u64 = 1_772_442_900_000;
pub(crate) const MINUTE: u64 = 60_000;
pub(crate) const PAYMENTS: &str = "instance/payments";
pub(crate) const CHECK: &str = "tidegate-drill-check-payments";

const ANA: &str = "AIDACKCEVSQ6C2EXAMPLE";
const BEN: &str = "AIDABBBBBBBBBBBBBBBBB";

fn installation() -> Installation {
    "arn:aws:cloudformation:eu-west-1:123456789012:stack/tidegate/1f2e3d4c".parse().unwrap()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    BeforeItsEffect,
    AfterItsEffect,
}

pub(crate) struct World {
    pub(crate) now: Cell<u64>,
    /// With when their state last changed.
    pub(crate) instances: RefCell<BTreeMap<String, (Instance, u64)>>,
    pub(crate) table: RefCell<Drills>,
    pub(crate) watches: RefCell<BTreeMap<DatabaseKey, Watch>>,
    runs: RefCell<Vec<(DrillId, u64)>>,
    /// Calls of the check's function, with when each came; what was answered is taken out.
    pub(crate) called: RefCell<Vec<(DrillId, AnswerKey, u64)>>,
    /// Whether Lambda sends ends of functions to where they are heard.
    pub(crate) answers: Cell<bool>,
    keys: Cell<u8>,
    pub(crate) check_fails: Cell<bool>,
    /// How long a copy is being made, in minutes.
    restore_takes: Cell<u64>,
    pub(crate) policies: RefCell<String>,
    pub(crate) quarantined: RefCell<Vec<String>>,
    /// What was asked of RDS, in its order.
    pub(crate) asked: RefCell<Vec<String>>,
    /// Resource ids that were deleted.
    pub(crate) deleted: RefCell<BTreeSet<String>>,
    pub(crate) refusing: Cell<Option<&'static str>>,
    pub(crate) calls: Cell<u32>,
    pub(crate) crash: Cell<Option<(u32, Moment)>>,
    pub(crate) struck: Cell<Option<&'static str>>,
    caller: Cell<&'static str>,
    /// Payloads that were quarantined.
    kept: RefCell<Vec<Option<Vec<u8>>>>,
    /// AWS Backup's restores.
    pub(crate) jobs: RefCell<BTreeMap<String, RestoreJob>>,
    /// What AWS Backup was told.
    pub(crate) reported: RefCell<Vec<(String, Verdict)>>,
}

impl World {
    pub(crate) fn new() -> Self {
        let world = Self {
            now: Cell::new(START),
            instances: RefCell::default(),
            table: RefCell::default(),
            watches: RefCell::default(),
            runs: RefCell::default(),
            called: RefCell::default(),
            answers: Cell::new(true),
            keys: Cell::new(0),
            check_fails: Cell::new(false),
            restore_takes: Cell::new(20),
            policies: RefCell::new(record(json!({ "everyDays": 30, "check": CHECK }))),
            quarantined: RefCell::default(),
            asked: RefCell::default(),
            deleted: RefCell::default(),
            refusing: Cell::new(None),
            calls: Cell::new(0),
            crash: Cell::new(None),
            struck: Cell::new(None),
            caller: Cell::new(ANA),
            kept: RefCell::default(),
            jobs: RefCell::default(),
            reported: RefCell::default(),
        };
        world.put(payments());
        world
    }

    pub(crate) fn put(&self, instance: Instance) {
        self.instances.borrow_mut().insert(instance.name.clone(), (instance, self.now.get()));
    }

    fn names(&self) -> Vec<String> {
        self.instances.borrow().keys().cloned().collect()
    }

    /// One call: counted, and where it is this one's turn the invocation dies of it.
    async fn call<T>(
        &self,
        name: &'static str,
        effect: impl FnOnce() -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        self.calls.set(self.calls.get() + 1);
        let strikes = |moment| self.crash.get() == Some((self.calls.get(), moment));
        if strikes(Moment::BeforeItsEffect) {
            self.struck.set(Some(name));
            pending::<()>().await;
        }
        if self.refusing.get() == Some(name) {
            return Err(Failure::refused(name, "AccessDenied: no"));
        }
        let answer = effect();
        if strikes(Moment::AfterItsEffect) {
            self.struck.set(Some(name));
            pending::<()>().await;
        }
        answer
    }

    /// `None` when the function crashed.
    pub(crate) fn send(&self, payload: &Value) -> Option<Result<Value, Failure>> {
        backups(self, payload.to_string().as_bytes()).now_or_never()
    }

    pub(crate) fn clock(&self) -> Option<Result<Value, Failure>> {
        self.send(&json!({ "source": "aws.events", "detail-type": "Scheduled Event", "detail": {} }))
    }

    fn event(&self, name: &str) -> Option<Result<Value, Failure>> {
        self.send(&json!({
            "source": "aws.rds",
            "detail-type": "RDS DB Instance Event",
            "detail": { "SourceArn": format!("arn:aws:rds:eu-west-1:123456789012:db:{name}"), "SourceIdentifier": name },
        }))
    }

    pub(crate) fn answer(
        &self,
        drill: &DrillId,
        key: &AnswerKey,
        failure: Option<&str>,
    ) -> Option<Result<Value, Failure>> {
        let condition = if failure.is_some() { "RetriesExhausted" } else { "Success" };
        self.send(&json!({
            "source": "lambda",
            "detail-type": "Lambda Function Invocation Result",
            "detail": {
                "requestContext": { "condition": condition },
                "requestPayload": { "tidegate": { "drill": drill, "answerKey": key.reveal() } },
                "responsePayload": { "errorMessage": failure },
            },
        }))
    }

    /// Functions take five minutes; their end comes until it was heard.
    fn answer_calls(&self) {
        let called = self.called.borrow().clone();
        for (drill, key, since) in called.into_iter().filter(|_| self.answers.get()) {
            let failure = self.check_fails.get().then_some("exit status 1");
            if self.now.get() >= since + 5 * MINUTE && self.answer(&drill, &key, failure).is_some() {
                self.called.borrow_mut().retain(|(_, other, _)| *other != key);
            }
        }
    }

    fn order(&self, of: &str, to: Option<u64>) -> String {
        let answer = self.send(&json!({ "drill": of, "id": "cli-1", "to": to })).unwrap().unwrap();
        answer["handled"][0].as_str().unwrap().to_owned()
    }

    /// RDS and CodeBuild go on with what they were asked. Names of instances that changed.
    pub(crate) fn pass(&self, minutes: u64) -> Vec<String> {
        self.now.set(self.now.get() + minutes * MINUTE);
        let now = self.now.get();
        let mut instances = self.instances.borrow_mut();
        let mut moved = Vec::new();
        for (name, (instance, since)) in instances.iter_mut() {
            let age = (now - *since) / MINUTE;
            let becomes = match instance.status.as_str() {
                "creating" if age >= self.restore_takes.get() => "available",
                "resetting-master-credentials" if age >= 3 => "available",
                "deleting" if age >= 8 => "gone",
                _ => continue,
            };
            if let Some(secret) = &mut instance.secret {
                secret.is_active = true;
            }
            instance.created.get_or_insert(Timestamp(*since));
            instance.endpoint.get_or_insert((format!("{name}.example.com"), 5432));
            instance.status = becomes.to_owned();
            *since = now;
            moved.push(name.clone());
        }
        instances.retain(|_, (instance, _)| instance.status != "gone");
        moved
    }

    /// Hours of schedules alone, or with RDS's events too.
    pub(crate) fn run(&self, hours: u64, events: bool) {
        for minute in 0..hours * 60 {
            for name in self.pass(1) {
                if events {
                    self.event(&name);
                }
            }
            self.answer_calls();
            if minute % 15 == 0 {
                self.clock();
            }
        }
    }

    fn report(&self, key: &str) -> Option<Report> {
        self.watches.borrow().get(&key.parse::<DatabaseKey>().unwrap())?.last_drill.clone()
    }

    fn outcome(&self) -> Outcome {
        self.report(PAYMENTS).expect("no drill is over").outcome
    }

    fn reports_told(&self) -> usize {
        let watches = self.watches.borrow();
        let news = watches.values().flat_map(|watch| &watch.notices);
        news.filter(|notice| matches!(notice.news, News::Drilled { .. })).count()
    }

    /// Nothing of the drill is left, and nothing else was touched.
    fn is_clean(&self) -> Result<(), String> {
        let left = self.names();
        if left != ["payments"] {
            return Err(format!("{left:?} are left"));
        }
        if self.instances.borrow()["payments"].0 != payments() {
            return Err("the original was changed".to_owned());
        }
        if !self.table.borrow().running.is_empty() {
            return Err("a drill is still under way".to_owned());
        }
        if self.deleted.borrow().contains("db-ORIGINAL") {
            return Err("the original was deleted".to_owned());
        }
        Ok(())
    }
}

/// The `n`th that was made.
pub(crate) fn key(n: u8) -> AnswerKey {
    AnswerKey::new([n; 16])
}

pub(crate) fn by_function() -> Value {
    json!({ "everyDays": 30, "check": { "function": CHECK } })
}

pub(crate) fn record(drill: Value) -> String {
    json!({
        "drills": { "subnetGroup": "isolated", "securityGroup": "sg-1", "atOnce": 1 },
        "policies": [{ "match": { "name": "payments" }, "require": { "drill": drill } }],
    })
    .to_string()
}

pub(crate) fn payments() -> Instance {
    Instance {
        name: "payments".to_owned(),
        resource: "db-ORIGINAL".to_owned(),
        status: "available".to_owned(),
        engine: "postgres".to_owned(),
        storage_gib: 100,
        created: Some(Timestamp(START - 400 * 24 * 60 * MINUTE)),
        tags: BTreeMap::new(),
        member_of: None,
        retention_days: 7,
        restorable: Some(Timestamp(START - 4 * MINUTE)),
        multi_az: true,
        option_group: Some("default:postgres-17".to_owned()),
        parameter_group: Some("payments".to_owned()),
        endpoint: Some(("payments.example.com".to_owned(), 5432)),
        secret: None,
    }
}

impl Clock for World {
    fn now(&self) -> Timestamp {
        Timestamp(self.now.get())
    }
}

impl DrillTable for World {
    async fn load_drills(&self) -> Result<Drills, Failure> {
        self.call("load_drills", || Ok(self.table.borrow().clone())).await
    }

    async fn commit_drills(&self, drills: &Drills) -> Result<Commit, Failure> {
        self.call("commit_drills", || {
            let mut table = self.table.borrow_mut();
            if table.version + 1 != drills.version {
                return Ok(Commit::Lost);
            }
            *table = drills.clone();
            Ok(Commit::Written)
        })
        .await
    }
}

impl Restores for World {
    async fn instance(&self, name: &str) -> Result<Option<Instance>, Failure> {
        self.call("instance", || Ok(self.instances.borrow().get(name).map(|(instance, _)| instance.clone())))
            .await
    }

    async fn restore(&self, order: &Order) -> Result<(), Failure> {
        self.call("restore", || {
            let name = order.drill.copy();
            self.asked.borrow_mut().push(format!("restore {} as {}", order.source, order.class));
            if self.instances.borrow().contains_key(&name) {
                return Ok(());
            }
            let n = self.asked.borrow().len();
            let tags = BTreeMap::from([(TAG.to_owned(), order.drill.to_string())]);
            self.put(Instance {
                resource: format!("db-COPY{n}"),
                status: "creating".to_owned(),
                created: None,
                endpoint: None,
                name,
                tags,
                ..payments()
            });
            Ok(())
        })
        .await
    }

    async fn renew_password(&self, copy: &Ours) -> Result<(), Failure> {
        self.call("renew_password", || {
            let now = self.now.get();
            let mut instances = self.instances.borrow_mut();
            let (instance, since) = instances.get_mut(copy.name()).expect("no such instance");
            instance.status = "resetting-master-credentials".to_owned();
            instance.secret = Some(Secret { arn: "arn:secret".to_owned(), is_active: false });
            *since = now;
            Ok(())
        })
        .await
    }

    async fn delete_copy(&self, copy: &Ours) -> Result<(), Failure> {
        self.call("delete_copy", || {
            let now = self.now.get();
            if let Some((instance, since)) = self.instances.borrow_mut().get_mut(copy.name()) {
                if instance.status == "creating" {
                    let why = "InvalidDBInstanceState: it is being created".to_owned();
                    return Err(Failure::NoCapacity { call: "delete_copy", why });
                }
                self.deleted.borrow_mut().insert(instance.resource.clone());
                instance.status = "deleting".to_owned();
                *since = now;
            }
            Ok(())
        })
        .await
    }
}

/// RDS keeps the passwords of drills' copies alone.
fn is_about_its_copy(order: &CheckOrder) {
    let secret = order.host.starts_with("tidegate-drill-").then_some("arn:secret");
    assert_eq!((order.check.as_str(), order.secret.as_deref()), (CHECK, secret));
}

impl DrillChecks for World {
    async fn start_check(&self, order: &CheckOrder) -> Result<(), Failure> {
        self.call("start_check", || {
            is_about_its_copy(order);
            let mut runs = self.runs.borrow_mut();
            // CodeBuild keeps the token for a while.
            if !runs.iter().any(|(drill, _)| *drill == order.drill) {
                runs.push((order.drill.clone(), self.now.get()));
            }
            Ok(())
        })
        .await
    }

    async fn recent_checks(&self, _: &str) -> Result<Vec<String>, Failure> {
        self.call("recent_checks", || Ok((0..self.runs.borrow().len()).map(|n| n.to_string()).collect()))
            .await
    }

    async fn read_checks(&self, ids: &[String]) -> Result<Vec<CheckRead>, Failure> {
        let read = |id: &String| {
            let (drill, began) = self.runs.borrow()[id.parse::<usize>().unwrap()].clone();
            let state = match (self.now.get() - began) / MINUTE {
                0..5 => CheckState::Running,
                _ if self.check_fails.get() => CheckState::Failed { why: "exit status 1".to_owned() },
                _ => CheckState::Succeeded { at: Timestamp(began + 5 * MINUTE) },
            };
            CheckRead { drill: Some(drill), state }
        };
        self.call("read_checks", || Ok(ids.iter().map(read).collect())).await
    }

    async fn call_check(&self, order: &CheckOrder, key: &AnswerKey) -> Result<(), Failure> {
        self.call("call_check", || {
            is_about_its_copy(order);
            self.called.borrow_mut().push((order.drill.clone(), key.clone(), self.now.get()));
            Ok(())
        })
        .await
    }

    fn answer_key(&self) -> Result<AnswerKey, Failure> {
        self.keys.set(self.keys.get() + 1);
        Ok(key(self.keys.get()))
    }
}

impl Records for World {
    async fn service_record(&self, _: &RepositoryName) -> Result<Option<Stored>, Failure> {
        Ok(None)
    }

    async fn environment_record(&self, _: &EnvironmentName) -> Result<Option<Stored>, Failure> {
        Ok(None)
    }

    async fn people_record(&self) -> Result<Option<Stored>, Failure> {
        let record = json!({
            "people": { "ana": { "iam": [ANA] }, "ben": { "iam": [BEN] } },
            "groups": { "dba": ["ana"] },
        });
        Ok(Some(Stored { body: record.to_string(), version: 1 }))
    }

    async fn environment_records(&self, _: Option<&str>) -> Result<Page<(String, Stored)>, Failure> {
        Ok(Page { items: Vec::new(), next: None })
    }
}

/// STS, for whom every signature is that of whoever calls.
impl Callers for World {
    fn installation(&self) -> Result<Installation, Failure> {
        Ok(installation())
    }

    async fn ask_sts(&self, _: &proof::Request) -> Result<Answered, Failure> {
        let id = self.caller.get();
        let arn = format!("arn:aws:iam::123456789012:user/{id}");
        let body = json!({ "GetCallerIdentityResponse": { "GetCallerIdentityResult": {
            "Account": "123456789012", "Arn": arn, "UserId": id,
        }, "ResponseMetadata": { "RequestId": "1" } } });
        let content_type = "application/json".to_owned();
        Ok(Answered { status: 200, content_type, body: body.to_string().into_bytes() })
    }
}

impl RestoreTests for World {
    async fn restore_job(&self, job: &str) -> Result<Option<RestoreJob>, Failure> {
        self.call("restore_job", || Ok(self.jobs.borrow().get(job).cloned())).await
    }

    async fn untold_tests(&self, _: Timestamp) -> Result<Vec<String>, Failure> {
        let untold = |job: &RestoreJob| job.instances().is_ok();
        self.call("untold_tests", || {
            Ok(self.jobs.borrow().iter().filter(|(_, job)| untold(job)).map(|(id, _)| id.clone()).collect())
        })
        .await
    }

    async fn report_test(&self, job: &str, verdict: &Verdict) -> Result<(), Failure> {
        self.call("report_test", || {
            self.reported.borrow_mut().push((job.to_owned(), verdict.clone()));
            if let Some(job) = self.jobs.borrow_mut().get_mut(job) {
                job.is_validated = true;
            }
            Ok(())
        })
        .await
    }
}

impl Databases for World {
    async fn databases(
        &self,
        kind: Kind,
        name: Option<&str>,
        _: Option<&str>,
    ) -> Result<Page<Database>, Failure> {
        let items = match kind {
            Kind::Cluster => Vec::new(),
            Kind::Instance => self
                .instances
                .borrow()
                .values()
                .filter(|(instance, _)| name.is_none_or(|name| instance.name == name))
                .map(|(instance, _)| Database {
                    kind,
                    name: instance.name.clone(),
                    engine: instance.engine.clone(),
                    status: instance.status.clone(),
                    created: instance.created,
                    member_of: instance.member_of.clone(),
                    replica_of: None,
                    retention_days: instance.retention_days,
                    backup_window: None,
                    maintenance_window: None,
                    restorable: instance.restorable,
                    multi_az: instance.multi_az,
                    encrypted: true,
                    deletion_protection: true,
                    tags: instance.tags.clone(),
                    pending: Pending::default(),
                })
                .collect(),
        };
        self.call("databases", || Ok(Page { items, next: None })).await
    }

    async fn automated_backups(
        &self,
        _: Option<&str>,
        _: Option<&str>,
    ) -> Result<Page<AutomatedBackup>, Failure> {
        Ok(Page { items: Vec::new(), next: None })
    }
}

impl Snapshots for World {
    async fn snapshots(&self, _: Kind, _: Option<&str>, _: Option<&str>) -> Result<Page<Snapshot>, Failure> {
        Ok(Page { items: Vec::new(), next: None })
    }

    async fn shared_with(&self, _: Kind, _: &str) -> Result<Vec<String>, Failure> {
        Ok(Vec::new())
    }
}

impl Policy for World {
    async fn database_policies(&self) -> Result<Option<Stored>, Failure> {
        self.call("database_policies", || {
            Ok(Some(Stored { body: self.policies.borrow().clone(), version: 1 }))
        })
        .await
    }
}

impl Watches for World {
    async fn load_watch(&self, key: &DatabaseKey) -> Result<Option<Watch>, Failure> {
        self.call("load_watch", || Ok(self.watches.borrow().get(key).cloned())).await
    }

    async fn commit_watch(&self, watch: &Watch) -> Result<Commit, Failure> {
        self.call("commit_watch", || {
            let mut watches = self.watches.borrow_mut();
            if watches.get(&watch.key).map_or(0, |stored| stored.version) + 1 != watch.version {
                return Ok(Commit::Lost);
            }
            watches.insert(watch.key.clone(), watch.clone());
            Ok(Commit::Written)
        })
        .await
    }

    async fn watches(&self, _: Option<&str>) -> Result<Page<Watch>, Failure> {
        self.call("watches", || {
            Ok(Page { items: self.watches.borrow().values().cloned().collect(), next: None })
        })
        .await
    }
}

impl NoticeQueue for World {
    async fn wake_to_tell(&self, _: &DatabaseKey, _: u64) -> Result<(), Failure> {
        self.call("wake_to_tell", || Ok(())).await
    }
}

impl Quarantine for World {
    async fn quarantine(&self, _: &str, why: &str, payload: Option<&[u8]>) -> Result<(), Failure> {
        self.kept.borrow_mut().push(payload.map(<[u8]>::to_vec));
        self.quarantined.borrow_mut().push(why.to_owned());
        Ok(())
    }
}

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
    let keys: Vec<String> = world.watches.borrow().keys().map(ToString::to_string).collect();
    assert_eq!(keys, [PAYMENTS]);
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
