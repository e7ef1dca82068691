//! What is remembered of databases, and the drills that are under way.

use databases::drill::Drills;
use databases::watch::Watch;
use engine::failure::Failure;
use engine::ports::{Commit, DrillTable, Page, Watches};
use model::database::DatabaseKey;

use super::item::{self, Item, Place};
use super::{QUERY, TABLE};
use crate::Aws;

impl Watches for Aws {
    async fn load_watch(&self, key: &DatabaseKey) -> Result<Option<Watch>, Failure> {
        self.get(&Place::watch(key)).await?.as_ref().map(item::decode).transpose()
    }

    async fn commit_watch(&self, watch: &Watch) -> Result<Commit, Failure> {
        self.put_over(item::of_watch(watch)?, watch.version).await
    }

    /// A page begins after the key that names it.
    async fn watches(&self, page: Option<&str>) -> Result<Page<Watch>, Failure> {
        let start: Option<DatabaseKey> =
            page.map(str::parse).transpose().map_err(|malformed: model::ids::Malformed| {
                QUERY.refused(format!("a page that is none: {malformed}"))
            })?;
        let answer = self
            .dynamodb
            .query()
            .table_name(self.settings.required(TABLE)?)
            .key_condition_expression("pk = :databases")
            .expression_attribute_values(":databases", item::text(item::DATABASES))
            .consistent_read(true)
            .set_exclusive_start_key(start.map(|key| Place::watch(&key).key()))
            .send()
            .await
            .map_err(|error| QUERY.failed(error))?;
        let items = answer.items().iter().map(item::decode).collect::<Result<_, _>>()?;
        Ok(Page { items, next: answer.last_evaluated_key.as_ref().and_then(next_page) })
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

pub(super) fn next_page(last: &Item) -> Option<String> {
    last.get("sk").and_then(|sk| sk.as_s().ok()).cloned()
}
