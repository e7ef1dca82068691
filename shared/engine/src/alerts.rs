//! Events of databases, migrations and backups: heard, folded into stories, and told.

use databases::alert::Alert;
use databases::story::Part;
use databases::watch::Watch;
use databases::words;
use model::about::About;
use model::database::DatabaseKey;
use model::ids::Malformed;
use model::severity::Severity;

use crate::announce::{self, message};
use crate::failure::Failure;
use crate::ports::{Attributes, Channels, Clock, NoticeQueue, People, Watches};
use crate::watching::change;

pub(crate) async fn heard<P: Watches + NoticeQueue + Clock>(
    ports: &P,
    key: Result<DatabaseKey, Malformed>,
    alert: &Alert,
) -> Result<String, Failure> {
    let key = key.map_err(|malformed| Failure::refused("database key", malformed.to_string()))?;
    // Most events are of this kind, and nobody has to remember them.
    if alert.part == Part::Alone && alert.severity == Severity::Info {
        return Ok(format!("{key}: {} is nothing to tell of", alert.id));
    }
    let now = ports.now();
    let before = ports.load_watch(&key).await?;
    let known = before.as_ref().map_or(0, |watch| watch.last_notice);
    let watch = change(ports, &key, before, |watch| {
        watch.hear(alert, now);
    })
    .await?;
    let said = if watch.last_notice > known { "people are told" } else { "it is part of what people know" };
    Ok(format!("{key}: {} ({}): {said}", alert.id, alert.severity))
}

/// Publishes what there is to tell of a database, then forgets that. A crash in between tells it again.
pub(crate) async fn tell<P: Watches + NoticeQueue + People + Channels>(
    ports: &P,
    key: &DatabaseKey,
) -> Result<(), Failure> {
    let Some(watch) = ports.load_watch(key).await? else { return Ok(()) };
    let (told, failed) = publish(ports, &watch).await;
    if !told.is_empty() {
        forget(ports, key, watch, &told).await?;
    }
    failed.map_or(Ok(()), Err)
}

async fn publish<P: People + Channels>(ports: &P, watch: &Watch) -> (Vec<u64>, Option<Failure>) {
    let mut told = Vec::new();
    for notice in &watch.notices {
        let words = words::of(watch, &notice.news);
        let attributes = Attributes {
            notice: words.notice,
            severity: words.severity,
            about: About::Database(watch.key.clone()),
        };
        let message = message(attributes, &words.subject, words.text, words.json);
        if let Err(failure) = announce::tell(ports, &message).await {
            return (told, Some(failure));
        }
        told.push(notice.n);
    }
    (told, None)
}

/// A notice that came meanwhile stays, and wakes the notifier again.
async fn forget<P: Watches + NoticeQueue>(
    ports: &P,
    key: &DatabaseKey,
    watch: Watch,
    told: &[u64],
) -> Result<(), Failure> {
    change(ports, key, Some(watch), |watch| watch.told(told)).await.map(drop)
}
