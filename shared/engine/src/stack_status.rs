//! What CloudFormation's stack statuses allow.
//!
//! Source: CloudFormation user guide, "Stack status codes".

use model::ids::TrackKey;
use model::track::Track;

use crate::ports::ChangeSetKind;

/// Whether a change set can be made for a stack in this status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Readiness {
    Ready(ChangeSetKind),
    /// An operation runs.
    Busy,
    /// Its first creation failed: it can only be deleted.
    NeverCame,
    /// Somebody has to repair it first: see `remedy`.
    Stuck,
}

/// `None`: there is no stack.
pub(crate) fn readiness(status: Option<&str>) -> Readiness {
    match status {
        // REVIEW_IN_PROGRESS is a stack of which only change sets exist yet.
        None | Some("REVIEW_IN_PROGRESS") => Readiness::Ready(ChangeSetKind::Create),
        Some(
            "CREATE_COMPLETE"
            | "UPDATE_COMPLETE"
            | "UPDATE_ROLLBACK_COMPLETE"
            | "IMPORT_COMPLETE"
            | "IMPORT_ROLLBACK_COMPLETE",
        ) => Readiness::Ready(ChangeSetKind::Update),
        Some("ROLLBACK_COMPLETE" | "ROLLBACK_FAILED" | "CREATE_FAILED") => Readiness::NeverCame,
        Some(status) if status.ends_with("_IN_PROGRESS") => Readiness::Busy,
        Some(_) => Readiness::Stuck,
    }
}

/// Why nothing can be deployed to a stack in this status, and what to do; `None` where it can, or will by itself.
pub fn remedy(track: &Track, status: &str) -> Option<String> {
    let TrackKey { service, environment } = &track.key;
    let repair = format!("tidegate repair {service} {environment} --reason <why>");
    let by_hand = "delete it in CloudFormation, then push again";
    match (readiness(Some(status)), status) {
        (Readiness::Ready(_) | Readiness::Busy, _) => None,
        (Readiness::NeverCame, _) if track.live.is_none() => None,
        (Readiness::NeverCame, _) => {
            Some(format!("its creation failed, though something was deployed before: {by_hand}"))
        }
        (Readiness::Stuck, "UPDATE_ROLLBACK_FAILED") => Some(format!(
            "its update failed, and so did its rollback: mend what its events name as UPDATE_FAILED, then: {repair}"
        )),
        (Readiness::Stuck, "DELETE_FAILED") if track.live.is_none() => {
            Some(format!("its deletion failed: mend what its events name as DELETE_FAILED, then: {repair}"))
        }
        (Readiness::Stuck, "DELETE_FAILED") => Some(format!(
            "its deletion failed, and nothing but its deletion is left to it: mend what its events name as \
             DELETE_FAILED, then: tidegate retire {service} {environment} --reason <why>"
        )),
        (Readiness::Stuck, _) => {
            Some("Tidegate does not know this status: bring it to a stable one in CloudFormation".to_owned())
        }
    }
}

/// Why a release ends there.
pub(crate) fn stuck(track: &Track, status: &str) -> String {
    format!("stack {} is {status}; {}", track.key.stack(), remedy(track, status).unwrap_or_default())
}

/// How a stack operation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    Running,
    Completed,
    RolledBack,
    Broken,
}

/// Of the last event about the stack itself in that operation.
pub(crate) fn operation(status: &str) -> Operation {
    match status {
        "CREATE_COMPLETE" | "UPDATE_COMPLETE" => Operation::Completed,
        "ROLLBACK_COMPLETE" | "UPDATE_ROLLBACK_COMPLETE" => Operation::RolledBack,
        status if status.ends_with("_IN_PROGRESS") => Operation::Running,
        _ => Operation::Broken,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cleanup_is_still_the_operation_and_a_rollback_is_no_success() {
        assert_eq!(operation("UPDATE_COMPLETE"), Operation::Completed);
        assert_eq!(operation("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"), Operation::Running);
        assert_eq!(operation("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS"), Operation::Running);
        assert_eq!(operation("UPDATE_ROLLBACK_COMPLETE"), Operation::RolledBack);
        assert_eq!(operation("UPDATE_ROLLBACK_FAILED"), Operation::Broken);
        assert_eq!(operation("DELETE_COMPLETE"), Operation::Broken);
    }

    #[test]
    fn only_a_stable_stack_is_updated() {
        assert_eq!(readiness(None), Readiness::Ready(ChangeSetKind::Create));
        assert_eq!(readiness(Some("UPDATE_ROLLBACK_COMPLETE")), Readiness::Ready(ChangeSetKind::Update));
        assert_eq!(readiness(Some("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")), Readiness::Busy);
        assert_eq!(readiness(Some("ROLLBACK_COMPLETE")), Readiness::NeverCame);
        assert_eq!(readiness(Some("SOMETHING_NEW")), Readiness::Stuck);
    }
}
