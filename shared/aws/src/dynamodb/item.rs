//! How tracks, releases, builds, places on listeners, the patrol's place and what is known of databases are stored in the
//! one table.
//!
//! | item    | pk                              | sk                            | other attributes             |
//! |---------|---------------------------------|-------------------------------|------------------------------|
//! | track   | `TRACK#<service>/<environment>` | `TRACK`                       | `version`, `shard` and `due` |
//! | release | as its track                    | `RELEASE#<n, ten digits>`     | `phase`, `ended`             |
//! | build   | `BUILD#<family>`                | `BUILD`                       | `version`                    |
//! | places  | `LISTENER#<its ARN>`             | `LISTENER`                    | `version`                    |
//! | patrol  | `PATROL`                        | `PATROL`                      |                              |
//! | shown   | as its track                    | `SLACK#<n, ten digits>`       |                              |
//! | channels| `CHANNELS`                      | `CHANNELS`                    |                              |
//! | request | `SEEN#<id>`                     | `SEEN`                        | `expires`, in seconds; no body |
//! | watch   | `DATABASES`                     | `<kind>/<name>`               | `version`, `expires`         |
//! | drills  | `DRILLS`                        | `DRILLS`                      | `version`                    |
//! | pipeline| `PIPELINES`                     | `pipeline-<16 digits>`        | `version`, `expires`         |
//! | dropped | `QUARANTINE`                    | `DROPPED#<ms, 15 digits>#<id>`|                              |
//! | redriven| `QUARANTINE`                    | `REDRIVEN#<ms, 15 digits>#<id>`|                             |
//!
//! `body` is the whole of it as JSON, `format` the number of that JSON's form: `model::stored` writes and reads both.
//! The others are there for conditions, for the index and for people, and are never read back into the model.

use std::collections::HashMap;

use aws_sdk_dynamodb::primitives::{DateTime, DateTimeFormat};
use aws_sdk_dynamodb::types::AttributeValue;
use databases::drill::Drills;
use databases::watch::Watch;
use engine::failure::Failure;
use engine::ports::Once;
#[cfg(feature = "ssm")]
use engine::show::Shown;
use intake::Care;
use intake::dead_letter::Dropped;
use model::build::Build;
use model::database::DatabaseKey;
use model::ids::{BuildFamily, PipelineRequestId, ReleaseId, TrackKey};
use model::listener::Listener;
use model::pipeline::{Phase, Request};
use model::release::Release;
use model::stored::{self, FORMAT};
use model::time::{Span, Timestamp};
use model::track::Track;
use serde::Serialize;
use serde::de::DeserializeOwned;

pub(super) type Item = HashMap<String, AttributeValue>;

/// The hash key of the sparse index: one partition takes 1,000 writes a second, and a commit costs it two.
pub(super) const SHARD: &str = "all";

/// Where an item is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) pk: String,
    pub(super) sk: String,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "item {} / {}", self.pk, self.sk)
    }
}

impl Place {
    pub(super) fn track(key: &TrackKey) -> Self {
        Self { pk: track_pk(key), sk: TRACK_SK.to_owned() }
    }

    pub(super) fn release(id: &ReleaseId) -> Self {
        // Ten digits hold every u32, so that releases sort by number.
        Self { pk: track_pk(&id.track), sk: format!("{RELEASE_SK}{:010}", id.n) }
    }

    pub(super) fn build(family: &BuildFamily) -> Self {
        Self { pk: format!("BUILD#{family}"), sk: "BUILD".to_owned() }
    }

    pub(super) fn listener(arn: &str) -> Self {
        Self { pk: format!("LISTENER#{arn}"), sk: "LISTENER".to_owned() }
    }

    pub(super) fn patrol() -> Self {
        Self { pk: "PATROL".to_owned(), sk: "PATROL".to_owned() }
    }

    /// Where a release is shown in Slack.
    #[cfg(feature = "ssm")]
    pub(super) fn shown(id: &ReleaseId) -> Self {
        Self { pk: track_pk(&id.track), sk: format!("SLACK#{:010}", id.n) }
    }

    /// Which version of the record of channels people were told counts for nothing.
    #[cfg(feature = "ssm")]
    pub(super) fn channels() -> Self {
        Self { pk: "CHANNELS".to_owned(), sk: "CHANNELS".to_owned() }
    }

    /// A request that was taken: remembered, so that it is taken once.
    pub(super) fn seen(id: &str) -> Self {
        Self { pk: format!("SEEN#{id}"), sk: "SEEN".to_owned() }
    }

    /// One partition: a look at all databases reads them all, and little else writes there.
    pub(super) fn watch(key: &DatabaseKey) -> Self {
        Self { pk: DATABASES.to_owned(), sk: key.to_string() }
    }

    /// All that are under way in one item: its condition keeps how many there are.
    pub(super) fn drills() -> Self {
        Self { pk: DRILLS.to_owned(), sk: DRILLS.to_owned() }
    }

    /// One partition: the clock looks at all that wait.
    pub(super) fn pipeline(id: &PipelineRequestId) -> Self {
        Self { pk: PIPELINES.to_owned(), sk: id.to_string() }
    }

    pub(super) fn care(care: Care, letter: &Dropped) -> Self {
        let sk = match care {
            Care::Redrive => REDRIVEN_SK,
            Care::Drop => DROPPED_SK,
        };
        // Fifteen digits hold every time until the year 33,658, so that they sort by time.
        Self { pk: QUARANTINE_PK.to_owned(), sk: format!("{sk}{:015}#{}", letter.at, letter.id) }
    }

    pub(super) fn key(&self) -> Item {
        Item::from([("pk".into(), text(&self.pk)), ("sk".into(), text(&self.sk))])
    }
}

pub(super) const TRACK_SK: &str = "TRACK";
pub(super) const RELEASE_SK: &str = "RELEASE#";
pub(super) const DATABASES: &str = "DATABASES";
const DRILLS: &str = "DRILLS";
pub(super) const PIPELINES: &str = "PIPELINES";
pub(super) const QUARANTINE_PK: &str = "QUARANTINE";
pub(super) const DROPPED_SK: &str = "DROPPED#";
const REDRIVEN_SK: &str = "REDRIVEN#";
const TRACK_PK: &str = "TRACK#";

pub(super) fn track_pk(key: &TrackKey) -> String {
    format!("{TRACK_PK}{key}")
}

/// The track that an index entry is about.
pub(super) fn track_of(item: &Item) -> Result<TrackKey, Failure> {
    let pk = item.get("pk").and_then(|value| value.as_s().ok()).map_or("", String::as_str);
    let key = pk.strip_prefix(TRACK_PK).and_then(|key| key.parse().ok());
    key.ok_or_else(|| {
        unreadable(&format!("index entry {pk:?}"), "its pk is not TRACK#<service>/<environment>")
    })
}

pub(super) fn of_track(track: &Track) -> Result<Item, Failure> {
    let mut item = encode(&Place::track(&track.key), track)?;
    item.insert("version".into(), number(track.version));
    if let Some(due) = track.due() {
        item.insert("shard".into(), text(SHARD));
        item.insert("due".into(), number(due.0));
    }
    Ok(item)
}

pub(super) fn of_release(release: &Release) -> Result<Item, Failure> {
    let mut item = encode(&Place::release(&release.id), release)?;
    item.insert("phase".into(), text(release.phase.name()));
    if release.ending().is_some() {
        let at = i64::try_from(release.phase_since.0).unwrap_or(i64::MAX);
        // A time that no calendar has is no reason to lose the release.
        if let Ok(ended) = DateTime::from_millis(at).fmt(DateTimeFormat::DateTime) {
            item.insert("ended".into(), text(&ended));
        }
    }
    Ok(item)
}

pub(super) fn of_build(build: &Build) -> Result<Item, Failure> {
    let mut item = encode(&Place::build(&build.family), build)?;
    item.insert("version".into(), number(build.version));
    Ok(item)
}

pub(super) fn of_listener(arn: &str, listener: &Listener) -> Result<Item, Failure> {
    let mut item = encode(&Place::listener(arn), listener)?;
    item.insert("version".into(), number(listener.version));
    Ok(item)
}

pub(super) fn of_patrol(next: Option<&str>) -> Result<Item, Failure> {
    encode(&Place::patrol(), &next)
}

#[cfg(feature = "ssm")]
pub(super) fn of_shown(id: &ReleaseId, shown: &Shown) -> Result<Item, Failure> {
    encode(&Place::shown(id), shown)
}

#[cfg(feature = "ssm")]
pub(super) fn of_channels_told(version: i64) -> Result<Item, Failure> {
    encode(&Place::channels(), &version)
}

/// How long events are remembered of what nobody looks at, such as a migration: longer than any story stays open.
const IDLE_KEPT: Span = Span::hours(90 * 24);

pub(super) fn of_watch(watch: &Watch) -> Result<Item, Failure> {
    let mut item = encode(&Place::watch(&watch.key), watch)?;
    item.insert("version".into(), number(watch.version));
    if watch.is_idle() {
        let last = watch.heard.iter().map(|event| event.at).max().unwrap_or_default();
        item.insert("expires".into(), number(last.plus(IDLE_KEPT).0 / 1000));
    }
    Ok(item)
}

/// Remembered until then, so that it is taken once. DynamoDB forgets it some time after.
pub(super) fn of_seen(id: &str, until: Timestamp) -> Item {
    let mut item = Place::seen(id).key();
    item.insert("expires".to_owned(), number(until.0 / 1000));
    item
}

pub(super) fn of_once(once: &Once) -> Item {
    of_seen(once.id.as_str(), once.until)
}

pub(super) fn of_drills(drills: &Drills) -> Result<Item, Failure> {
    let mut item = encode(&Place::drills(), drills)?;
    item.insert("version".into(), number(drills.version));
    Ok(item)
}

/// How long what became of a pipeline's request can be looked up.
const REQUESTS_KEPT: Span = Span::hours(30 * 24);

pub(super) fn of_request(request: &Request) -> Result<Item, Failure> {
    let mut item = encode(&Place::pipeline(&request.id), request)?;
    item.insert("version".into(), number(request.version));
    if let Phase::Over { at, .. } = &request.phase {
        item.insert("expires".into(), number(at.plus(REQUESTS_KEPT).0 / 1000));
    }
    Ok(item)
}

pub(super) fn of_care(care: Care, letter: &Dropped) -> Result<Item, Failure> {
    encode(&Place::care(care, letter), letter)
}

pub(super) fn decode<T: DeserializeOwned>(item: &Item) -> Result<T, Failure> {
    let attribute = |name| item.get(name).and_then(|value| value.as_s().ok()).map_or("", String::as_str);
    let place = Place { pk: attribute("pk").to_owned(), sk: attribute("sk").to_owned() }.to_string();
    let format = item.get("format").and_then(|value| value.as_n().ok()).and_then(|n| n.parse::<u64>().ok());
    let format = format.ok_or_else(|| unreadable(&place, "it has no number `format`"))?;
    let body = item.get("body").and_then(|value| value.as_s().ok());
    let body = body.ok_or_else(|| unreadable(&place, "it has no string `body`"))?;
    stored::read(format, body).map_err(|why| unreadable(&place, &why.to_string()))
}

fn encode(place: &Place, content: &impl Serialize) -> Result<Item, Failure> {
    let body =
        stored::write(content).map_err(|why| Failure::refused("dynamodb put", format!("{place}: {why}")))?;
    let mut item = place.key();
    item.insert("format".into(), number(FORMAT));
    item.insert("body".into(), AttributeValue::S(body));
    Ok(item)
}

fn unreadable(place: &str, why: &str) -> Failure {
    Failure::refused("dynamodb get", format!("{place} cannot be read: {why}"))
}

pub(super) fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

pub(super) fn number(value: u64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

#[cfg(test)]
#[path = "item_tests.rs"]
mod tests;
