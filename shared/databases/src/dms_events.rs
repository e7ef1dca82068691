//! What each DMS event means and asks for: by its id, or for serverless replications, which send none, by its type.
//!
//! Source: DMS user guide, "Working with Amazon EventBridge events and notifications in AWS DMS", "AWS DMS event
//! categories and event messages for SNS notifications".

use model::severity::Severity::{Critical, High, Info, Warning};

use crate::rds_events::{Known, NOTHING, WATCH, of};
use crate::story::Part::{Alone, Closes, Continues, Opens};
use crate::story::Story::{Failover, Maintenance, Replication, Stall, Storage};

/// What is known of the number in `DMS-EVENT-nnnn`.
pub(crate) fn known(id: u16) -> Option<&'static Known> {
    EVENTS.iter().find(|known| known.ids.contains(&id))
}

/// What is known of an `eventType`, where there is no id.
pub(crate) fn known_type(kind: &str) -> Option<&'static Known> {
    TYPES.iter().find(|(name, _)| *name == kind).map(|(_, known)| known)
}

const LOGS: &str =
    "Read the last failure message of the task and its CloudWatch log; mend the cause and resume it.";

#[rustfmt::skip] // One event a line is read; one argument a line is not.
const EVENTS: &[Known] = &[
    // ---- tasks
    of(&[69], Info, Closes(Replication), "The migration task was started.", NOTHING),
    of(&[78], High, Opens(Replication), "The migration task FAILED: its target receives no changes.", LOGS),
    of(&[79], Warning, Opens(Replication), "The migration task has stopped: its target receives no changes.", "Read the task's stop reason. A finished full load and a stop on purpose need nothing; else resume it."),
    of(&[81], Info, Alone, "The task loads tables again, because somebody asked for it.", NOTHING),
    of(&[91], High, Opens(Stall), "The task reads no changes: its swap files have reached their limit.", "Look at memory of the replication instance and at how fast the target takes changes."),
    of(&[92], High, Opens(Stall), "The task reads no changes: the disk of the replication instance is nearly full.", "Give the replication instance more storage, and look at how fast the target takes changes."),
    of(&[93], Info, Closes(Stall), "The task reads changes again.", NOTHING),
    of(&[73], Warning, Alone, "The migration task was deleted.", "If this was not meant, create it again; its position in the source's log is lost."),

    // ---- replication instances
    of(&[5], Info, Alone, "The replication instance was created.", NOTHING),
    of(&[67], Info, Alone, "The replication instance is being created.", NOTHING),
    of(&[66], Warning, Alone, "The replication instance is being deleted.", "If this was not meant, create it and its tasks again."),
    of(&[3], Warning, Alone, "The replication instance was deleted: its tasks cannot run.", "If this was not meant, create it and its tasks again."),
    of(&[12], Info, Alone, "The class of the replication instance is being changed: its tasks pause.", NOTHING),
    of(&[14], Info, Alone, "The class of the replication instance was changed.", NOTHING),
    of(&[18], Info, Alone, "More storage is being given to the replication instance.", NOTHING),
    of(&[17], Info, Closes(Storage), "The replication instance has its new storage.", NOTHING),
    of(&[24, 25], Info, Alone, "The replication instance becomes Multi-AZ.", NOTHING),
    of(&[29, 30], Warning, Alone, "The replication instance becomes Single-AZ: the loss of its zone stops its tasks.", "If this was not meant, make it Multi-AZ again."),
    of(&[13], High, Opens(Failover), "A failover of the replication instance has started: its tasks wait.", WATCH),
    of(&[49, 15], Warning, Closes(Failover), "The failover of the replication instance is complete.", "Check that its tasks run again."),
    of(&[34], Warning, Alone, "A requested failover was not carried out, because one happened shortly before.", "Wait some minutes before asking again."),
    of(&[50], Warning, Continues(Failover), "The new replication instance is being activated.", WATCH),
    of(&[51], Warning, Closes(Failover), "The new replication instance is activated.", "Check that its tasks run again."),
    of(&[7], High, Opens(Storage), "Free storage of the replication instance is low: when it is full, its tasks fail.", "Give it more storage, and look for tasks that hold changes back."),
    of(&[26], Warning, Opens(Maintenance), "Offline maintenance of the replication instance has started: its tasks pause.", WATCH),
    of(&[27], Info, Closes(Maintenance), "Offline maintenance of the replication instance is finished.", NOTHING),
    of(&[47], Info, Alone, "The replication instance was patched.", NOTHING),
    of(&[31], Critical, Alone, "The storage of the replication instance failed: its tasks cannot run.", "Create a new replication instance and move the tasks to it."),
    of(&[36], Critical, Alone, "The replication instance's network cannot be used.", "Repair its subnet group or security group, or create it in a good network."),
    of(&[37], Critical, Alone, "The replication instance cannot use its encryption key.", "Enable the KMS key and the grants on it."),
];

#[rustfmt::skip]
const TYPES: &[(&str, Known)] = &[
    ("REPLICATION_FAILED", of(&[], High, Opens(Replication), "The serverless replication FAILED: its target receives no changes.", "Read its last failure message and its CloudWatch log; mend the cause and start it again.")),
    ("REPLICATION_STOPPED", of(&[], Warning, Opens(Replication), "The serverless replication has stopped: its target receives no changes.", "A finished full load and a stop on purpose need nothing; else start it again.")),
    ("REPLICATION_STARTED", of(&[], Info, Closes(Replication), "The serverless replication was started.", NOTHING)),
    ("REPLICATION_RUNNING", of(&[], Info, Closes(Replication), "The serverless replication runs.", NOTHING)),
    ("REPLICATION_DELETED", of(&[], Warning, Alone, "The serverless replication was deleted.", "If this was not meant, create it again; its position in the source's log is lost.")),
    ("REPLICATION_TASK_FAILED", of(&[], High, Opens(Replication), "The migration task FAILED: its target receives no changes.", LOGS)),
    ("REPLICATION_TASK_STOPPED", of(&[], Warning, Opens(Replication), "The migration task has stopped: its target receives no changes.", "A finished full load and a stop on purpose need nothing; else resume it.")),
    ("REPLICATION_TASK_STARTED", of(&[], Info, Closes(Replication), "The migration task was started.", NOTHING)),
];
