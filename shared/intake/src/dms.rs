//! DMS events: by EventBridge, or by an SNS event subscription.
//!
//! Source: DMS user guide, "Working with Amazon EventBridge events and notifications", "Working with events and
//! notifications using Amazon SNS".

use crate::rds::event_id;
use crate::unreadable::{At, Unreadable};
use crate::{Database, DatabaseKind, Meaning, Subject, arn};

/// `DMS … State Change`.
pub(crate) fn event(kind: &str, event: &At<'_>) -> Result<Meaning, Unreadable> {
    let kind = match kind {
        "DMS Replication Instance State Change" => DatabaseKind::ReplicationInstance,
        "DMS Replication Task State Change" => DatabaseKind::ReplicationTask,
        "DMS Replication State Change" => DatabaseKind::Replication,
        other => {
            return Err(Unreadable::new(
                "detail-type",
                crate::unreadable::quoted(other),
                "an event of a DMS replication instance, task or serverless replication",
            ));
        }
    };
    let detail = event.field("detail");
    detail.object()?;
    let arn = event.field("resources").list(RESOURCES_MAX).ok().and_then(|mut list| list.next()?.hint());
    let link = detail.field("resourceLink");
    // The link ends with the name that people gave; the ARN with one that DMS made.
    let by_link = link.hint().and_then(|link| last_part(&link, &['/', '=']));
    let by_arn = || arn.as_deref().and_then(|arn| last_part(arn::resource(arn, "dms")?, &[':']));
    let name = by_link.or_else(by_arn);
    Ok(Meaning::Signal(Subject::Database(Database {
        kind,
        name: name
            .ok_or_else(|| link.unreadable("a link that ends with the name, where resources has no ARN"))?,
        arn,
        event: event_id(&detail.field("eventId")),
        event_type: detail.field("eventType").hint(),
        at: event.field("time").hint(),
        categories: detail.field("category").hint().into_iter().collect(),
        message: detail.field("detailMessage").hint(),
    })))
}

/// DMS names one resource in an event.
const RESOURCES_MAX: usize = 100;

fn last_part(text: &str, separators: &[char]) -> Option<String> {
    text.rsplit(separators).next().filter(|name| !name.is_empty()).map(str::to_owned)
}

/// Whether a subscription's message is DMS's and not RDS's.
pub(crate) fn sent(message: &At<'_>) -> bool {
    message.field("Event Source").value.as_str().is_some_and(|source| source.starts_with("replication"))
}

/// The JSON text that a DMS event subscription sends to its topic.
pub(crate) fn notification(message: &At<'_>) -> Result<Meaning, Unreadable> {
    let source = message.field("Event Source");
    let allowed = "replication-task, replication-instance or replication";
    let kind = match source.text(allowed)? {
        "replication-task" => DatabaseKind::ReplicationTask,
        "replication-instance" => DatabaseKind::ReplicationInstance,
        "replication" => DatabaseKind::Replication,
        _ => return Err(source.unreadable(allowed)),
    };
    // Both spellings are sent.
    let key = if message.value.get("SourceId").is_some() { "SourceId" } else { "Source ID" };
    Ok(Meaning::Signal(Subject::Database(Database {
        kind,
        name: message.field(key).text("the name of a task or an instance")?.to_owned(),
        arn: message.field("Source ARN").hint(),
        event: event_id(&message.field("Event ID")),
        event_type: None,
        at: message.field("Event Time").hint(),
        categories: Vec::new(),
        message: message.field("Event Message").hint(),
    })))
}
