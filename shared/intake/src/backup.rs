//! AWS Backup: by EventBridge, or by a vault's notifications.
//!
//! Source: AWS Backup developer guide, "Monitoring AWS Backup events using EventBridge", "Notification options with
//! AWS Backup".

use crate::unreadable::{At, Unreadable};
use crate::{Backup, Meaning, Subject};

/// `Backup Job State Change`, `Restore Job State Change` and their kin.
pub(crate) fn event(kind: &str, event: &At<'_>) -> Result<Meaning, Unreadable> {
    let detail = event.field("detail");
    detail.object()?;
    // Backup jobs say state; restore jobs say status, except when they are created.
    let key = if detail.value.get("state").is_some() { "state" } else { "status" };
    let resource = detail.field("resourceArn").hint().or_else(|| detail.field("sourceResourceArn").hint());
    let listed =
        || event.field("resources").list(RESOURCES_MAX).ok().and_then(|mut list| list.next()?.hint());
    Ok(Meaning::Signal(Subject::Backup(Backup {
        kind: kind.to_owned(),
        state: detail.field(key).text("the state of a job or a vault")?.to_owned(),
        resource: resource.or_else(listed),
        created: detail.field("createdResourceArn").hint(),
        restore_test: detail
            .field("restoreTestingPlanArn")
            .hint()
            .and_then(|_| detail.field("restoreJobId").hint()),
        at: event.field("time").hint(),
    })))
}

const RESOURCES_MAX: usize = 100;

fn attribute<'a>(envelope: &At<'a>, name: &str) -> At<'a> {
    envelope.field("MessageAttributes").field(name).field("Value")
}

/// Whether a notification comes from AWS Backup: its message is a sentence, its facts are attributes.
pub(crate) fn is_notification(envelope: &At<'_>) -> bool {
    envelope.field("Subject").value.as_str() == Some("Notification from AWS Backup")
        || attribute(envelope, "EventType")
            .value
            .as_str()
            .is_some_and(|kind| kind.ends_with("_JOB") || kind.starts_with("RECOVERY_POINT"))
}

pub(crate) fn notification(envelope: &At<'_>) -> Result<Meaning, Unreadable> {
    Ok(Meaning::Signal(Subject::Backup(Backup {
        kind: attribute(envelope, "EventType").text("the kind of a job, such as BACKUP_JOB")?.to_owned(),
        state: attribute(envelope, "State").text("the state of a job")?.to_owned(),
        resource: resource_in(envelope.field("Message").value.as_str().unwrap_or_default()),
        created: None,
        restore_test: None,
        at: envelope.field("Timestamp").hint(),
    })))
}

/// "… Resource ARN : arn:… . BackupJob ID : …"
fn resource_in(sentence: &str) -> Option<String> {
    let (_, after) = sentence.split_once("Resource ARN :")?;
    let arn = after.split_whitespace().next()?.trim_end_matches('.');
    arn.starts_with("arn:").then(|| arn.to_owned())
}
