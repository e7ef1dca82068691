//! The table: tracks, releases, builds and places on listeners, the agenda of what is due, and what the command line lists.

mod item;
mod pipelines;
mod watches;

use std::str::FromStr;

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{AttributeValue, CancellationReason, Put, TransactWriteItem};
use engine::failure::Failure;
use engine::ports::{Agenda, Builds, Commit, CommitOnce, Letters, Listeners, Once, Page, Tracks};
#[cfg(feature = "ssm")]
use engine::show::Shown;
use intake::Care;
use intake::dead_letter::Dropped;
use model::build::Build;
use model::decide::Advance;
use model::ids::{BuildFamily, Malformed, ReleaseId, TrackKey};
use model::listener::Listener;
use model::release::Release;
use model::time::Timestamp;
use model::track::Track;
use serde::de::DeserializeOwned;

use self::item::{Item, Place};
use crate::Aws;
use crate::failure::Call;

const GET_ITEM: Call = Call::reads("dynamodb GetItem");
const QUERY: Call = Call::reads("dynamodb Query");
const SCAN: Call = Call::reads("dynamodb Scan");
const PUT_ITEM: Call = Call::changes("dynamodb PutItem");
const TRANSACT_WRITE_ITEMS: Call = Call::changes("dynamodb TransactWriteItems");

const TABLE: &str = "TIDEGATE_TABLE";
/// Sparse: only tracks with something in flight or promised are in it.
const DUE_INDEX: &str = "due";

// Names are always given apart: some, such as `shard`, are reserved words.
const UNCHANGED: &str = "#version = :previous";
const ABSENT: &str = "attribute_not_exists(pk)";
/// Source: DynamoDB API, TransactWriteItems, "Cancellation reasons".
const CONDITION_FAILED: &str = "ConditionalCheckFailed";

impl Tracks for Aws {
    async fn load_track(&self, key: &TrackKey) -> Result<Option<Track>, Failure> {
        self.get(&Place::track(key)).await?.as_ref().map(item::decode).transpose()
    }

    async fn commit_track(&self, advance: &Advance) -> Result<Commit, Failure> {
        match self.transact(self.writes(advance)?).await? {
            Ok(()) => Ok(Commit::Written),
            Err(reasons) => cancelled(&reasons),
        }
    }

    async fn commit_track_once(&self, advance: &Advance, once: &Once) -> Result<CommitOnce, Failure> {
        let mut writes = self.writes(advance)?;
        writes.push(taken(self.settings.required(TABLE)?, once)?);
        match self.transact(writes).await? {
            Ok(()) => Ok(CommitOnce::Written),
            Err(reasons) => cancelled_once(&reasons),
        }
    }

    async fn load_release(&self, id: &ReleaseId) -> Result<Option<Release>, Failure> {
        self.get(&Place::release(id)).await?.as_ref().map(item::decode).transpose()
    }
}

impl Builds for Aws {
    async fn load_build(&self, family: &BuildFamily) -> Result<Option<Build>, Failure> {
        self.get(&Place::build(family)).await?.as_ref().map(item::decode).transpose()
    }

    async fn commit_build(&self, build: &Build) -> Result<Commit, Failure> {
        self.put_over(item::of_build(build)?, build.version).await
    }
}

impl Listeners for Aws {
    async fn load_listener(&self, arn: &str) -> Result<Listener, Failure> {
        let stored = self.get(&Place::listener(arn)).await?.as_ref().map(item::decode).transpose()?;
        Ok(stored.unwrap_or_default())
    }

    async fn commit_listener(&self, arn: &str, listener: &Listener) -> Result<Commit, Failure> {
        self.put_over(item::of_listener(arn, listener)?, listener.version).await
    }
}

impl Letters for Aws {
    async fn note_care(&self, care: Care, letter: &Dropped, once: &Once) -> Result<CommitOnce, Failure> {
        let table = self.settings.required(TABLE)?;
        let note = Put::builder().table_name(table).set_item(Some(item::of_care(care, letter)?));
        let writes =
            vec![TransactWriteItem::builder().put(built(note.build())?).build(), taken(table, once)?];
        match self.transact(writes).await? {
            Ok(()) => Ok(CommitOnce::Written),
            Err(reasons) => cancelled_once(&reasons),
        }
    }
}

impl Agenda for Aws {
    /// From an index that trails the table by a moment: a track that is shown but no longer due has nothing to do.
    async fn due_tracks(&self, until: Timestamp, limit: u32) -> Result<Vec<TrackKey>, Failure> {
        let table = self.settings.required(TABLE)?;
        let (mut tracks, mut from) = (Vec::new(), None);
        loop {
            // A page ends at 1 MB, whatever the limit.
            let left = limit.saturating_sub(tracks.len() as u32);
            let query = due(self.dynamodb.query(), until, left).table_name(table);
            let answer =
                query.set_exclusive_start_key(from).send().await.map_err(|error| QUERY.failed(error))?;
            for item in answer.items() {
                tracks.push(item::track_of(item)?);
            }
            from = answer.last_evaluated_key;
            if from.is_none() || tracks.len() >= limit as usize {
                return Ok(tracks);
            }
        }
    }

    async fn load_patrol(&self) -> Result<Option<String>, Failure> {
        let next: Option<Option<String>> =
            self.get(&Place::patrol()).await?.as_ref().map(item::decode).transpose()?;
        Ok(next.flatten())
    }

    async fn save_patrol(&self, next: Option<&str>) -> Result<(), Failure> {
        self.put(item::of_patrol(next)?).await
    }
}

impl Aws {
    /// The track, over the version before, and every release that changed.
    fn writes(&self, advance: &Advance) -> Result<Vec<TransactWriteItem>, Failure> {
        let table = self.settings.required(TABLE)?;
        let track = conditional(table, item::of_track(&advance.track)?, advance.track.version)?;
        let mut writes = vec![TransactWriteItem::builder().put(track).build()];
        for release in &advance.changed {
            let put = Put::builder().table_name(table).set_item(Some(item::of_release(release)?)).build();
            writes.push(TransactWriteItem::builder().put(built(put)?).build());
        }
        Ok(writes)
    }

    /// All of them or none: then DynamoDB's reasons, one for each.
    async fn transact(
        &self,
        writes: Vec<TransactWriteItem>,
    ) -> Result<Result<(), Vec<CancellationReason>>, Failure> {
        // The SDK gives every request a token of its own, so that its attempts write once.
        match self.dynamodb.transact_write_items().set_transact_items(Some(writes)).send().await {
            Ok(_) => Ok(Ok(())),
            Err(error) => match error.as_service_error() {
                Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
                    Ok(Err(cancelled.cancellation_reasons().to_vec()))
                }
                _ => Err(TRANSACT_WRITE_ITEMS.failed(error)),
            },
        }
    }
}

/// What the command line lists.
impl Aws {
    /// Every track, by key. Reads the whole table: for people, not for functions.
    pub async fn tracks(&self) -> Result<Vec<Track>, Failure> {
        let mut tracks: Vec<Track> = Vec::new();
        let mut start: Option<Item> = None;
        loop {
            let page = self
                .dynamodb
                .scan()
                .table_name(self.settings.required(TABLE)?)
                .filter_expression("sk = :track")
                .expression_attribute_values(":track", item::text(item::TRACK_SK))
                .consistent_read(true)
                .set_exclusive_start_key(start)
                .send()
                .await
                .map_err(|error| SCAN.failed(error))?;
            for found in page.items() {
                tracks.push(item::decode(found)?);
            }
            start = page.last_evaluated_key;
            if start.is_none() {
                break;
            }
        }
        tracks.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(tracks)
    }

    /// A track's releases, the newest first.
    pub async fn releases(&self, track: &TrackKey, limit: u32) -> Result<Vec<Release>, Failure> {
        let mut releases: Vec<Release> = Vec::new();
        let mut start: Option<Item> = None;
        let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
        while releases.len() < wanted {
            let page = self
                .dynamodb
                .query()
                .table_name(self.settings.required(TABLE)?)
                .key_condition_expression("pk = :pk AND begins_with(sk, :release)")
                .expression_attribute_values(":pk", item::text(&item::track_pk(track)))
                .expression_attribute_values(":release", item::text(item::RELEASE_SK))
                .scan_index_forward(false)
                .consistent_read(true)
                .limit(at_most(limit))
                .set_exclusive_start_key(start)
                .send()
                .await
                .map_err(|error| QUERY.failed(error))?;
            for found in page.items().iter().take(wanted - releases.len()) {
                releases.push(item::decode(found)?);
            }
            start = page.last_evaluated_key;
            if start.is_none() {
                break;
            }
        }
        Ok(releases)
    }

    /// Lost when it is remembered already. DynamoDB forgets it some time after `until`.
    #[cfg(feature = "sqs")]
    pub(crate) async fn remember(&self, id: &str, until: Timestamp) -> Result<Commit, Failure> {
        let sent = self
            .dynamodb
            .put_item()
            .table_name(self.settings.required(TABLE)?)
            .set_item(Some(item::of_seen(id, until)))
            .condition_expression(ABSENT)
            .send()
            .await;
        match sent {
            Ok(_) => Ok(Commit::Written),
            Err(error) if lost_condition(&error) => Ok(Commit::Lost),
            Err(error) => Err(PUT_ITEM.failed(error)),
        }
    }

    #[cfg(feature = "ssm")]
    pub(crate) async fn load_shown(&self, id: &ReleaseId) -> Result<Option<Shown>, Failure> {
        self.get(&Place::shown(id)).await?.as_ref().map(item::decode).transpose()
    }

    #[cfg(feature = "ssm")]
    pub(crate) async fn save_shown(&self, id: &ReleaseId, shown: &Shown) -> Result<(), Failure> {
        self.put(item::of_shown(id, shown)?).await
    }

    /// The version of the record of channels that people were told counts for nothing.
    #[cfg(feature = "ssm")]
    pub(crate) async fn load_channels_told(&self) -> Result<Option<i64>, Failure> {
        self.get(&Place::channels()).await?.as_ref().map(item::decode).transpose()
    }

    #[cfg(feature = "ssm")]
    pub(crate) async fn save_channels_told(&self, version: i64) -> Result<(), Failure> {
        self.put(item::of_channels_told(version)?).await
    }

    /// What was dropped, the newest first.
    pub async fn dropped(&self, limit: u32) -> Result<Vec<Dropped>, Failure> {
        let page = self
            .dynamodb
            .query()
            .table_name(self.settings.required(TABLE)?)
            .key_condition_expression("pk = :pk AND begins_with(sk, :dropped)")
            .expression_attribute_values(":pk", item::text(item::QUARANTINE_PK))
            .expression_attribute_values(":dropped", item::text(item::DROPPED_SK))
            .scan_index_forward(false)
            .consistent_read(true)
            .limit(at_most(limit))
            .send()
            .await
            .map_err(|error| QUERY.failed(error))?;
        page.items().iter().map(item::decode).collect()
    }

    /// A page of what lies under one partition key. A page is named by the sort key that it begins after, and `place` says
    /// whether that names something there.
    async fn page_of<T: DeserializeOwned, K: FromStr<Err = Malformed>>(
        &self,
        partition: &str,
        page: Option<&str>,
        place: impl Fn(&K) -> Place,
    ) -> Result<Page<T>, Failure> {
        let start: Option<K> = page
            .map(str::parse)
            .transpose()
            .map_err(|malformed: Malformed| QUERY.refused(format!("a page that is none: {malformed}")))?;
        let answer = self
            .dynamodb
            .query()
            .table_name(self.settings.required(TABLE)?)
            .key_condition_expression("pk = :partition")
            .expression_attribute_values(":partition", item::text(partition))
            .consistent_read(true)
            .set_exclusive_start_key(start.map(|key| place(&key).key()))
            .send()
            .await
            .map_err(|error| QUERY.failed(error))?;
        let last = |last: &Item| last.get("sk").and_then(|sk| sk.as_s().ok()).cloned();
        let items = answer.items().iter().map(item::decode).collect::<Result<_, _>>()?;
        Ok(Page { items, next: answer.last_evaluated_key.as_ref().and_then(last) })
    }

    /// Only over the version before.
    async fn put_over(&self, item: Item, version: u64) -> Result<Commit, Failure> {
        let put = self.dynamodb.put_item().table_name(self.settings.required(TABLE)?).set_item(Some(item));
        let sent = match version {
            0 | 1 => put.condition_expression(ABSENT).send().await,
            version => {
                put.condition_expression(UNCHANGED)
                    .expression_attribute_names("#version", "version")
                    .expression_attribute_values(":previous", item::number(version - 1))
                    .send()
                    .await
            }
        };
        match sent {
            Ok(_) => Ok(Commit::Written),
            // After a lost answer this can be our own write: who loads again finds it.
            Err(error) if lost_condition(&error) => Ok(Commit::Lost),
            Err(error) => Err(PUT_ITEM.failed(error)),
        }
    }

    async fn put(&self, item: Item) -> Result<(), Failure> {
        self.dynamodb
            .put_item()
            .table_name(self.settings.required(TABLE)?)
            .set_item(Some(item))
            .send()
            .await
            .map_err(|error| PUT_ITEM.failed(error))?;
        Ok(())
    }

    async fn get(&self, place: &Place) -> Result<Option<Item>, Failure> {
        let answer = self
            .dynamodb
            .get_item()
            .table_name(self.settings.required(TABLE)?)
            .set_key(Some(place.key()))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| GET_ITEM.failed(error))?;
        Ok(answer.item)
    }
}

/// Asked of the sparse index alone, and all that is read is answered: no filter throws any of it away.
fn due(query: QueryFluentBuilder, until: Timestamp, limit: u32) -> QueryFluentBuilder {
    query
        .index_name(DUE_INDEX)
        .key_condition_expression("#shard = :shard AND #due <= :until")
        .expression_attribute_names("#shard", "shard")
        .expression_attribute_names("#due", "due")
        .expression_attribute_values(":shard", item::text(item::SHARD))
        .expression_attribute_values(":until", item::number(until.0))
        .scan_index_forward(true)
        .limit(at_most(limit))
}

/// Written only over the version before.
fn conditional(table: &str, item: Item, version: u64) -> Result<Put, Failure> {
    let put = Put::builder().table_name(table).set_item(Some(item));
    built(match version {
        0 | 1 => put.condition_expression(ABSENT).build(),
        version => put
            .condition_expression(UNCHANGED)
            .expression_attribute_names("#version", "version")
            .expression_attribute_values(":previous", AttributeValue::N((version - 1).to_string()))
            .build(),
    })
}

/// The last item of a transaction that is to happen once.
fn taken(table: &str, once: &Once) -> Result<TransactWriteItem, Failure> {
    let put =
        Put::builder().table_name(table).set_item(Some(item::of_once(once))).condition_expression(ABSENT);
    Ok(TransactWriteItem::builder().put(built(put.build())?).build())
}

fn built(put: Result<Put, aws_sdk_dynamodb::error::BuildError>) -> Result<Put, Failure> {
    put.map_err(|error| TRANSACT_WRITE_ITEMS.refused(error.to_string()))
}

fn lost_condition(error: &SdkError<PutItemError>) -> bool {
    error.as_service_error().is_some_and(PutItemError::is_conditional_check_failed_exception)
}

/// A transaction that was not written, by the reasons that DynamoDB gives for each item.
fn cancelled(reasons: &[CancellationReason]) -> Result<Commit, Failure> {
    let has = |code: &str| reasons.iter().any(|reason| reason.code() == Some(code));
    if has(CONDITION_FAILED) || has("TransactionConflict") {
        return Ok(Commit::Lost);
    }
    let why = reasons.iter().filter_map(reason_in_words).collect::<Vec<_>>().join("; ");
    if has("ThrottlingError") || has("ProvisionedThroughputExceeded") {
        Err(TRANSACT_WRITE_ITEMS.transient(why))
    } else {
        Err(TRANSACT_WRITE_ITEMS.refused(why))
    }
}

/// The same where the last item is what may be taken once. Taken before counts first: that never changes any more.
fn cancelled_once(reasons: &[CancellationReason]) -> Result<CommitOnce, Failure> {
    if reasons.last().and_then(CancellationReason::code) == Some(CONDITION_FAILED) {
        return Ok(CommitOnce::Spent);
    }
    cancelled(reasons).map(|commit| match commit {
        Commit::Written => CommitOnce::Written,
        Commit::Lost => CommitOnce::Lost,
    })
}

fn reason_in_words(reason: &CancellationReason) -> Option<String> {
    let code = reason.code().filter(|code| *code != "None")?;
    Some(format!("{code}: {}", reason.message().unwrap_or_default()))
}

fn at_most(limit: u32) -> i32 {
    i32::try_from(limit).unwrap_or(i32::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::config::BehaviorVersion;

    use super::*;

    #[test]
    fn what_is_due_is_read_from_the_sparse_index_alone() {
        let config = aws_sdk_dynamodb::Config::builder().behavior_version(BehaviorVersion::latest()).build();
        let query = due(aws_sdk_dynamodb::Client::from_conf(config).query(), Timestamp(7), 500);
        assert_eq!(query.get_index_name().as_deref(), Some("due"));
        assert_eq!(
            query.get_key_condition_expression().as_deref(),
            Some("#shard = :shard AND #due <= :until")
        );
        let values = query.get_expression_attribute_values().clone().unwrap();
        assert_eq!(values[":shard"], item::text("all"));
        assert_eq!(values[":until"], item::number(7));
        assert_eq!(*query.get_filter_expression(), None);
        assert_eq!((*query.get_scan_index_forward(), *query.get_limit()), (Some(true), Some(500)));
    }

    #[test]
    fn a_cancelled_transaction_is_lost_only_when_somebody_else_wrote() {
        let reasons = |codes: &[&str]| -> Vec<CancellationReason> {
            codes.iter().map(|code| CancellationReason::builder().code(*code).message("m").build()).collect()
        };
        let meaning = |codes: &[&str]| cancelled(&reasons(codes));
        assert_eq!(meaning(&["ConditionalCheckFailed", "None"]).unwrap(), Commit::Lost);
        assert_eq!(meaning(&["None", "TransactionConflict"]).unwrap(), Commit::Lost);
        assert!(matches!(meaning(&["None", "ThrottlingError"]), Err(Failure::Transient { .. })));
        let refused = meaning(&["None", "ValidationError"]).unwrap_err();
        assert_eq!(refused.to_string(), "dynamodb TransactWriteItems was refused: ValidationError: m");

        let once = |codes: &[&str]| cancelled_once(&reasons(codes));
        assert_eq!(once(&["ConditionalCheckFailed", "None", "None"]).unwrap(), CommitOnce::Lost);
        assert_eq!(once(&["None", "None", "TransactionConflict"]).unwrap(), CommitOnce::Lost);
        assert_eq!(once(&["None", "None", "ConditionalCheckFailed"]).unwrap(), CommitOnce::Spent);
        let both = ["ConditionalCheckFailed", "None", "ConditionalCheckFailed"];
        assert_eq!(once(&both).unwrap(), CommitOnce::Spent);
        assert!(matches!(once(&["None", "ThrottlingError"]), Err(Failure::Transient { .. })));
    }
}
