//! An RDS that restores, takes its time, and refuses what RDS refuses; with the checks, the table and AWS Backup beside it.

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
use proof::{Answered, Installation};
use serde_json::{Value, json};

use super::super::*;
use crate::functions::backups;
use crate::ports::{Databases, Page, Quarantine, RestoreTests, Snapshots, Stored};

pub(crate) const START: u64 = 1_772_442_900_000;
pub(crate) const MINUTE: u64 = 60_000;
pub(crate) const PAYMENTS: &str = "instance/payments";
pub(crate) const CHECK: &str = "tidegate-drill-check-payments";

pub(super) const ANA: &str = "AIDACKCEVSQ6C2EXAMPLE";
pub(super) const BEN: &str = "AIDABBBBBBBBBBBBBBBBB";

pub(super) fn installation() -> Installation {
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
    pub(super) runs: RefCell<Vec<(DrillId, u64)>>,
    /// Calls of the check's function, with when each came; what was answered is taken out.
    pub(crate) called: RefCell<Vec<(DrillId, AnswerKey, u64)>>,
    /// Whether Lambda sends ends of functions to where they are heard.
    pub(crate) answers: Cell<bool>,
    pub(super) keys: Cell<u8>,
    pub(crate) check_fails: Cell<bool>,
    /// How long a copy is being made, in minutes.
    pub(super) restore_takes: Cell<u64>,
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
    pub(super) caller: Cell<&'static str>,
    /// Payloads that were quarantined.
    pub(super) kept: RefCell<Vec<Option<Vec<u8>>>>,
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

    pub(super) fn names(&self) -> Vec<String> {
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

    pub(super) fn event(&self, name: &str) -> Option<Result<Value, Failure>> {
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

    pub(super) fn order(&self, of: &str, to: Option<u64>) -> String {
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

    pub(super) fn report(&self, key: &str) -> Option<Report> {
        self.watches.borrow().get(&key.parse::<DatabaseKey>().unwrap())?.last_drill.clone()
    }

    pub(super) fn outcome(&self) -> Outcome {
        self.report(PAYMENTS).expect("no drill is over").outcome
    }

    pub(super) fn reports_told(&self) -> usize {
        let watches = self.watches.borrow();
        let news = watches.values().flat_map(|watch| &watch.notices);
        news.filter(|notice| matches!(notice.news, News::Drilled { .. })).count()
    }

    /// Nothing of the drill is left, and nothing else was touched.
    pub(super) fn is_clean(&self) -> Result<(), String> {
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
                    resource: Some(instance.resource.clone()),
                    pending: Pending::default(),
                    lacks: None,
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
