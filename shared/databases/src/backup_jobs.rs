//! What a state of one of AWS Backup's jobs means and asks for.
//!
//! Source: AWS Backup developer guide, "Monitoring AWS Backup events using Amazon EventBridge", "Notification options
//! with AWS Backup".

use intake::Backup;
use model::severity::Severity::{self, Critical, High, Info, Warning};

use crate::rds_events::NOTHING;

/// What AWS Backup tells of, under either of its names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Backup,
    Restore,
    Copy,
    RecoveryPoint,
    Vault,
    Other,
}

fn kind(name: &str) -> Kind {
    match name {
        "Backup Job State Change" | "BACKUP_JOB" => Kind::Backup,
        "Restore Job State Change" | "RESTORE_JOB" => Kind::Restore,
        "Copy Job State Change" | "COPY_JOB" => Kind::Copy,
        "Recovery Point State Change" => Kind::RecoveryPoint,
        "Backup Vault State Change" => Kind::Vault,
        name if name.starts_with("RECOVERY_POINT") => Kind::RecoveryPoint,
        _ => Kind::Other,
    }
}

/// Severity, meaning and what to do.
pub(crate) fn means(news: &Backup) -> (Severity, &'static str, &'static str) {
    let (name, state) = (news.kind.as_str(), news.state.as_str());
    let bad = matches!(state, "FAILED" | "EXPIRED" | "ABORTED" | "PARTIAL");
    match (kind(name), state) {
        (Kind::Backup, _) if bad => (
            High,
            "A backup job did not succeed: there is no new recovery point.",
            "Read the job's status message in AWS Backup; mend the cause and start an on-demand backup.",
        ),
        (Kind::Copy, _) if bad => (
            High,
            "A copy job did not succeed: the other vault lacks the newest recovery point.",
            "Read the job's status message in AWS Backup; mend the cause and copy again.",
        ),
        (Kind::Restore, _) if bad => (
            High,
            "A restore did not succeed: the backup is not proven, or somebody waits for it.",
            "Read the job's status message in AWS Backup; mend the cause and restore again.",
        ),
        (Kind::Restore, "COMPLETED") if news.restore_test.is_some() => {
            (Info, "A restore test was completed: there is a copy of the data for a while.", NOTHING)
        }
        (Kind::Restore, "COMPLETED") => (
            Warning,
            "A restore was completed: there is a new copy of the data.",
            "If no restore test or person asked for it, find out who did.",
        ),
        (Kind::RecoveryPoint, "PARTIAL" | "FAILED") => (
            High,
            "A recovery point is not whole: it cannot be relied upon.",
            "Take a new backup, and read the recovery point's status message.",
        ),
        (Kind::RecoveryPoint, "EXPIRED") => (
            Warning,
            "A recovery point is over its time, and AWS Backup could not delete it.",
            "Check the vault's lock and the rights of the backup role.",
        ),
        (Kind::Vault, "DELETED") => (
            Critical,
            "A backup vault was DELETED.",
            "If this was not meant, create it again, take new backups now, and find out who deleted it.",
        ),
        (Kind::Backup | Kind::Copy, "COMPLETED") => (Info, "The job was completed.", NOTHING),
        (Kind::Backup | Kind::Copy | Kind::Restore, "CREATED" | "PENDING" | "RUNNING" | "ABORTING") => {
            (Info, "The job is under way.", NOTHING)
        }
        // One that was asked to be restored is told with its job; one that is deleted by its plan is as planned.
        (
            Kind::RecoveryPoint,
            "COMPLETED" | "AVAILABLE" | "CREATING" | "DELETING" | "DELETED" | "MODIFIED",
        ) => (Info, "A recovery point moves on.", NOTHING),
        (Kind::Vault, "CREATED" | "MODIFIED") => (Info, "A backup vault was created or changed.", NOTHING),
        (Kind::Backup | Kind::Copy | Kind::Restore | Kind::RecoveryPoint | Kind::Vault | Kind::Other, _)
            if bad =>
        {
            (High, "Something in AWS Backup did not succeed.", "Look at it in AWS Backup's jobs.")
        }
        (Kind::Backup | Kind::Copy | Kind::Restore | Kind::RecoveryPoint | Kind::Vault | Kind::Other, _) => (
            Warning,
            "AWS Backup tells of a state that this version does not know.",
            "Look at it in AWS Backup.",
        ),
    }
}
