//! Drills' RDS, CodeBuild and table, as function `backups` calls them.

use databases::drill::{
    Call, CheckOrder, CheckRead, CheckState, Drills, Instance, Order, Ours, Phase, Secret, TAG,
};
use databases::facts::{AutomatedBackup, Database, Kind, Pending, Snapshot};
use databases::validation::{RestoreJob, Verdict};
use databases::watch::Watch;
use engine::failure::Failure;
use engine::ports::{
    Callers, Commit, Databases, DrillChecks, DrillTable, NoticeQueue, Page, Policy, Records, RestoreTests,
    Restores, Snapshots, Stored, Watches,
};
use model::database::DatabaseKey;
use model::drill::AnswerKey;
use model::ids::{EnvironmentName, RepositoryName};
use model::time::Timestamp;
use proof::{Answered, Installation};
use serde_json::json;

use super::{AT_ONCE, CALLED, CHECK, Called, DrillFlaw, Run, TAKEN_LATE_MS, What, World, somebodys_key};
use crate::beside::ports::{Answer, Ports};
use crate::callers;
use crate::world::{MINUTE, SECOND};

impl DrillTable for Ports<World> {
    async fn load_drills(&self) -> Answer<Drills> {
        let mut drills = self.call("load_drills", |world| Ok(world.table.clone())).await?;
        for drill in drills.running.iter_mut().filter(|_| self.has(DrillFlaw::AnyKeyTaken)) {
            // A promised call that nobody knows to be taken would be sent again and again.
            if let Phase::Checking { call: Some(Call::Taken { key, .. }), .. } = &mut drill.phase {
                *key = somebodys_key().hash();
            }
        }
        Ok(drills)
    }

    async fn commit_drills(&self, drills: &Drills) -> Answer<Commit> {
        let mut drills = drills.clone();
        if self.has(DrillFlaw::ForgottenWhenGivenUp) {
            drills.running.retain(|drill| !matches!(drill.phase, Phase::Deleting { .. }));
        }
        let ignored = self.has(DrillFlaw::LostRaceIgnored);
        self.call("commit_drills", |world| {
            if world.table.version + 1 != drills.version {
                world.base.coverage.hit("drill race", "drills");
                return Ok(if ignored { Commit::Written } else { Commit::Lost });
            }
            world.written(&drills);
            world.table = drills;
            Ok(Commit::Written)
        })
        .await
    }
}

impl Restores for Ports<World> {
    async fn instance(&self, name: &str) -> Answer<Option<Instance>> {
        let mut read = self
            .call("instance", |world| Ok(world.instances.get(name).map(|made| made.instance.clone())))
            .await?;
        if let Some(instance) = read.as_mut().filter(|_| self.has(DrillFlaw::TagNotAsked)) {
            let id = name.trim_start_matches(model::drill::COPY_PREFIX);
            instance.tags.insert(TAG.to_owned(), id.to_owned());
            instance.created = None;
        }
        Ok(read)
    }

    async fn restore(&self, order: &Order) -> Answer<()> {
        self.call("restore", |world| {
            if world.base.strikes("restore refused", 30) {
                return Err(Failure::refused("restore", "InstanceQuotaExceeded"));
            }
            if world.base.strikes("restore taken late", 60) {
                let late = world.base.random.between(SECOND, TAKEN_LATE_MS);
                world.base.later(late, What::Taken(order.clone()));
                return Err(Failure::Unknown { call: "restore", source: "timed out".into() });
            }
            world.make(order);
            Ok(())
        })
        .await
    }

    async fn renew_password(&self, copy: &Ours) -> Answer<()> {
        self.call("renew_password", |world| {
            world.may_touch("ModifyDBInstance", copy);
            if world.base.strikes("password refused", 30) {
                return Err(Failure::refused("renew_password", "InvalidParameterCombination"));
            }
            let Some(made) = world.instances.get_mut(copy.name()) else {
                return Err(Failure::refused("renew_password", "DBInstanceNotFound"));
            };
            if made.instance.status != "available" {
                let why = format!("InvalidDBInstanceState: {}", made.instance.status);
                return Err(Failure::NoCapacity { call: "renew_password", why });
            }
            if made.instance.secret.is_none() {
                made.instance.secret = Some(Secret { arn: "arn:secret".to_owned(), is_active: false });
                made.instance.status = "resetting-master-credentials".to_owned();
                let resource = made.instance.resource.clone();
                let takes = world.base.random.between(MINUTE, 5 * MINUTE);
                world.base.later(takes, What::RdsMoves { resource, to: "available" });
            }
            Ok(())
        })
        .await
    }

    async fn delete_copy(&self, copy: &Ours) -> Answer<()> {
        self.call("delete_copy", |world| {
            world.may_touch("DeleteDBInstance", copy);
            let Some(made) = world.instances.get_mut(copy.name()) else { return Ok(()) };
            if made.instance.status == "creating" {
                let why = "InvalidDBInstanceState: creating".to_owned();
                return Err(Failure::NoCapacity { call: "delete_copy", why });
            }
            made.instance.status = "deleting".to_owned();
            let resource = made.instance.resource.clone();
            let takes = world.base.random.between(3 * MINUTE, 20 * MINUTE);
            world.base.later(takes, What::RdsMoves { resource, to: "gone" });
            Ok(())
        })
        .await
    }
}

impl DrillChecks for Ports<World> {
    async fn start_check(&self, order: &CheckOrder) -> Answer<()> {
        self.call("start_check", |world| {
            // CodeBuild knows the token for five minutes, and lists its runs ever after.
            if world.runs.iter().any(|run| run.drill == order.drill) {
                return Ok(());
            }
            world.runs.push(Run { drill: order.drill.clone(), state: CheckState::Running });
            let succeeds = !world.base.strikes("check fails", 150);
            let takes = world.base.random.between(MINUTE, 30 * MINUTE);
            world.base.later(takes, What::CheckEnds { drill: order.drill.clone(), succeeds });
            Ok(())
        })
        .await
    }

    async fn recent_checks(&self, _: &str) -> Answer<Vec<String>> {
        self.call("recent_checks", |world| Ok((0..world.runs.len()).map(|n| n.to_string()).collect())).await
    }

    async fn read_checks(&self, ids: &[String]) -> Answer<Vec<CheckRead>> {
        let granted = self.has(DrillFlaw::CheckTakenForGranted);
        self.call("read_checks", |world| {
            let runs = ids.iter().filter_map(|id| world.runs.get(id.parse::<usize>().ok()?));
            let at = Timestamp(world.base.now);
            let state = |run: &Run| if granted { CheckState::Succeeded { at } } else { run.state.clone() };
            Ok(runs.map(|run| CheckRead { drill: Some(run.drill.clone()), state: state(run) }).collect())
        })
        .await
    }

    async fn call_check(&self, order: &CheckOrder, key: &AnswerKey) -> Answer<()> {
        self.call("call_check", |world| {
            let n = world.calls.len();
            world.calls.push(Called { drill: order.drill.clone(), key: key.clone(), succeeded: false });
            let succeeds = !world.base.strikes("check fails", 150);
            let takes = world.base.random.between(SECOND, 30 * MINUTE);
            world.base.later(takes, What::CallEnds { n, succeeds });
            Ok(())
        })
        .await
    }

    fn answer_key(&self) -> Answer<AnswerKey> {
        let number = self.world.borrow_mut().base.random.next();
        Ok(AnswerKey::new(std::array::from_fn(|byte| number.to_be_bytes()[byte % 8])))
    }
}

impl Databases for Ports<World> {
    async fn databases(&self, kind: Kind, _: Option<&str>, _: Option<&str>) -> Answer<Page<Database>> {
        self.call("databases", |world| {
            let all = world.instances.values().filter(|_| kind == Kind::Instance);
            Ok(Page { items: all.map(|made| described(&made.instance)).collect(), next: None })
        })
        .await
    }

    async fn automated_backups(&self, _: Option<&str>, _: Option<&str>) -> Answer<Page<AutomatedBackup>> {
        Ok(Page { items: Vec::new(), next: None })
    }
}

/// Its record names nobody who may drill: nobody is asked who they are.
impl Records for Ports<World> {
    async fn service_record(&self, _: &RepositoryName) -> Answer<Option<Stored>> {
        Ok(None)
    }

    async fn environment_record(&self, _: &EnvironmentName) -> Answer<Option<Stored>> {
        Ok(None)
    }

    async fn people_record(&self) -> Answer<Option<Stored>> {
        Ok(None)
    }

    async fn environment_records(&self, _: Option<&str>) -> Answer<Page<(String, Stored)>> {
        Ok(Page { items: Vec::new(), next: None })
    }
}

impl Callers for Ports<World> {
    fn installation(&self) -> Answer<Installation> {
        callers::installation()
    }

    async fn ask_sts(&self, _: &proof::Request) -> Answer<Answered> {
        Err(Failure::refused("ask_sts", "nobody signs here"))
    }
}

/// There are no restore tests of AWS Backup here: `validations_tests.rs` of the engine crashes at each of their calls.
impl RestoreTests for Ports<World> {
    async fn restore_job(&self, _: &str) -> Answer<Option<RestoreJob>> {
        Ok(None)
    }

    async fn untold_tests(&self, _: Timestamp) -> Answer<Vec<String>> {
        Ok(Vec::new())
    }

    async fn report_test(&self, _: &str, _: &Verdict) -> Answer<()> {
        Ok(())
    }
}

fn described(instance: &Instance) -> Database {
    Database {
        kind: Kind::Instance,
        name: instance.name.clone(),
        engine: instance.engine.clone(),
        status: instance.status.clone(),
        created: instance.created,
        member_of: None,
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
    }
}

impl Snapshots for Ports<World> {
    async fn snapshots(&self, _: Kind, _: Option<&str>, _: Option<&str>) -> Answer<Page<Snapshot>> {
        Ok(Page { items: Vec::new(), next: None })
    }

    async fn shared_with(&self, _: Kind, _: &str) -> Answer<Vec<String>> {
        Ok(Vec::new())
    }
}

impl Policy for Ports<World> {
    async fn database_policies(&self) -> Answer<Option<Stored>> {
        let of_ledger = if self.world.borrow().is_called {
            json!({ "check": { "function": CALLED } })
        } else {
            json!({})
        };
        let record = json!({
            "drills": { "subnetGroup": "isolated", "securityGroup": "sg-1", "atOnce": AT_ONCE },
            "policies": [
                { "match": { "name": "payments" }, "require": { "drill": { "everyDays": 30, "check": CHECK } } },
                { "match": { "name": "ledger" }, "require": { "drill": of_ledger } },
            ],
        });
        self.call("database_policies", |_| Ok(Some(Stored { body: record.to_string(), version: 1 }))).await
    }
}

impl Watches for Ports<World> {
    async fn load_watch(&self, key: &DatabaseKey) -> Answer<Option<Watch>> {
        self.call("load_watch", |world| Ok(world.watches.get(key).cloned())).await
    }

    async fn commit_watch(&self, watch: &Watch) -> Answer<Commit> {
        self.call("commit_watch", |world| {
            if world.watches.get(&watch.key).map_or(0, |stored| stored.version) + 1 != watch.version {
                world.base.coverage.hit("drill race", "watch");
                return Ok(Commit::Lost);
            }
            world.watches.insert(watch.key.clone(), watch.clone());
            Ok(Commit::Written)
        })
        .await
    }

    async fn watches(&self, _: Option<&str>) -> Answer<Page<Watch>> {
        self.call("watches", |world| {
            Ok(Page { items: world.watches.values().cloned().collect(), next: None })
        })
        .await
    }
}

impl NoticeQueue for Ports<World> {
    async fn wake_to_tell(&self, _: &DatabaseKey, _: u64) -> Answer<()> {
        self.call("wake_to_tell", |_| Ok(())).await
    }
}
