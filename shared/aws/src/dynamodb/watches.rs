//! What is remembered of databases, and the drills that are under way.

use databases::drill::Drills;
use databases::watch::Watch;
use engine::failure::Failure;
use engine::ports::{Commit, DrillTable, Page, Watches};
use model::database::DatabaseKey;

use super::item::{self, Place};
use crate::Aws;

impl Watches for Aws {
    async fn load_watch(&self, key: &DatabaseKey) -> Result<Option<Watch>, Failure> {
        self.get(&Place::watch(key)).await?.as_ref().map(item::decode).transpose()
    }

    async fn commit_watch(&self, watch: &Watch) -> Result<Commit, Failure> {
        self.put_over(item::of_watch(watch)?, watch.version).await
    }

    async fn watches(&self, page: Option<&str>) -> Result<Page<Watch>, Failure> {
        self.page_of(item::DATABASES, page, Place::watch).await
    }
}

impl DrillTable for Aws {
    async fn load_drills(&self) -> Result<Drills, Failure> {
        let stored = self.get(&Place::drills()).await?.as_ref().map(item::decode).transpose()?;
        Ok(stored.unwrap_or_default())
    }

    async fn commit_drills(&self, drills: &Drills) -> Result<Commit, Failure> {
        self.put_over(item::of_drills(drills)?, drills.version).await
    }
}
