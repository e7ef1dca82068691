//! RDS as it is described, the table's databases, their queue and the people, as three functions call them.

use databases::facts::{AutomatedBackup, Database, Kind, Pending, Snapshot};
use databases::watch::Watch;
use engine::ports::{
    Commit, Databases, Message, NoticeQueue, Page, People, Policy, Snapshots, Stored, Watches,
};
use model::database::DatabaseKey;
use model::time::Span;
use serde_json::json;

use super::{NAMES, To, WatchFlaw, World};
use crate::beside::ports::{Answer, Ports};

impl Ports<World> {
    /// What such a flaw remembers of a database.
    fn remembered(&self, mut watch: Watch) -> Watch {
        if self.has(WatchFlaw::CopiesTold) {
            watch.heard.clear();
        }
        if self.has(WatchFlaw::FindingsForgotten) {
            watch.findings.clear();
        }
        watch
    }
}

impl Watches for Ports<World> {
    async fn load_watch(&self, key: &DatabaseKey) -> Answer<Option<Watch>> {
        let stored = self.call("load_watch", |world| Ok(world.watches.get(key).cloned())).await?;
        Ok(stored.map(|watch| self.remembered(watch)))
    }

    async fn commit_watch(&self, watch: &Watch) -> Answer<Commit> {
        self.call("commit_watch", |world| {
            let stored = world.watches.get(&watch.key).cloned();
            if stored.as_ref().map_or(0, |stored| stored.version) + 1 != watch.version {
                world.base.coverage.hit("watch race", "watch");
                return Ok(Commit::Lost);
            }
            world.committed(stored.as_ref(), watch);
            world.watches.insert(watch.key.clone(), watch.clone());
            Ok(Commit::Written)
        })
        .await
    }

    async fn watches(&self, _: Option<&str>) -> Answer<Page<Watch>> {
        let stored =
            self.call("watches", |world| Ok(world.watches.values().cloned().collect::<Vec<_>>())).await?;
        Ok(Page { items: stored.into_iter().map(|watch| self.remembered(watch)).collect(), next: None })
    }
}

impl NoticeQueue for Ports<World> {
    async fn wake_to_tell(&self, key: &DatabaseKey, _: u64) -> Answer<()> {
        self.call("wake_to_tell", |world| {
            let body = json!({ "database": key.as_str() }).to_string();
            world.base.next_id += 1;
            let payload = crate::events::queued("NotifyQueue.fifo", world.base.next_id, &body);
            world.invoke(20, To::Notify, String::from_utf8_lossy(&payload).into_owned());
            Ok(())
        })
        .await
    }
}

impl People for Ports<World> {
    async fn publish(&self, message: &Message) -> Answer<()> {
        let published = self.call("publish", |world| {
            world.published.insert(message.text.clone());
            Ok(())
        });
        match published.await {
            Err(_) if self.has(WatchFlaw::PublishTakenForGranted) => Ok(()),
            published => published,
        }
    }

    async fn post_to_slack(&self, _: &str) -> Answer<()> {
        Ok(())
    }
}

impl Databases for Ports<World> {
    async fn databases(&self, kind: Kind, name: Option<&str>, _: Option<&str>) -> Answer<Page<Database>> {
        self.call("databases", |world| {
            let asked = NAMES.into_iter().filter(|other| name.is_none_or(|name| name == *other));
            let items = match kind {
                Kind::Instance => asked.map(|name| world.described(name)).collect(),
                Kind::Cluster => Vec::new(),
            };
            Ok(Page { items, next: None })
        })
        .await
    }

    async fn automated_backups(&self, _: Option<&str>, _: Option<&str>) -> Answer<Page<AutomatedBackup>> {
        Ok(Page { items: Vec::new(), next: None })
    }
}

impl World {
    /// Sound, but for a standby that it may lack.
    fn described(&self, name: &str) -> Database {
        let now = self.base.time();
        Database {
            kind: Kind::Instance,
            name: name.to_owned(),
            engine: "postgres".to_owned(),
            status: "available".to_owned(),
            created: Some(now.minus(Span::hours(1000))),
            member_of: None,
            replica_of: None,
            retention_days: 7,
            backup_window: Some("02:00-03:00".to_owned()),
            maintenance_window: Some("sun:04:00-sun:05:00".to_owned()),
            restorable: Some(now.minus(Span::minutes(5))),
            multi_az: !self.alone.contains(name),
            encrypted: true,
            deletion_protection: true,
            tags: Default::default(),
            resource: None,
            pending: Pending::default(),
            lacks: None,
        }
    }
}

impl Snapshots for Ports<World> {
    async fn snapshots(&self, of: Kind, database: Option<&str>, _: Option<&str>) -> Answer<Page<Snapshot>> {
        self.call("snapshots", |world| {
            let asked = NAMES.into_iter().filter(|other| database.is_none_or(|name| name == *other));
            let newest = |name: &str| Snapshot {
                of,
                database: name.to_owned(),
                name: format!("rds:{name}"),
                engine: "postgres".to_owned(),
                status: "available".to_owned(),
                created: Some(world.base.time().minus(Span::hours(7))),
                manual: false,
                shared_with: Vec::new(),
            };
            let items = match of {
                Kind::Instance => asked.map(newest).collect(),
                Kind::Cluster => Vec::new(),
            };
            Ok(Page { items, next: None })
        })
        .await
    }

    async fn shared_with(&self, _: Kind, _: &str) -> Answer<Vec<String>> {
        Ok(Vec::new())
    }
}

impl Policy for Ports<World> {
    async fn database_policies(&self) -> Answer<Option<Stored>> {
        Ok(None)
    }
}
