//! What CloudFormation's refusals say. Several of them share the code ValidationError and differ only in words.

use std::error::Error;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use engine::failure::Failure;
use engine::ports::Executed;

use crate::failure::{Call, words};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    NoSuchStack,
    NoSuchChangeSet,
    Exists,
    /// The client request token was used before.
    TokenUsed,
    /// There is no update to cancel.
    NotUpdating,
    /// Nothing waits to be signalled there.
    NotWaiting,
    /// Another operation runs, or a quota is reached: later.
    Busy,
    /// Nothing that CloudFormation alone says.
    Other,
}

impl Answer {
    pub(super) fn of<E>(error: &SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata,
    {
        match error.as_service_error() {
            Some(error) => by_words(error.code().unwrap_or_default(), error.message().unwrap_or_default()),
            None => Self::Other,
        }
    }
}

fn by_words(code: &str, message: &str) -> Answer {
    // The wire's code and the exception's name differ by this.
    match code.strip_suffix("Exception").unwrap_or(code) {
        "ChangeSetNotFound" => Answer::NoSuchChangeSet,
        "AlreadyExists" => Answer::Exists,
        "TokenAlreadyExists" => Answer::TokenUsed,
        "OperationInProgress" | "LimitExceeded" => Answer::Busy,
        "InvalidChangeSetStatus" if is_busy(message) => Answer::Busy,
        "ValidationError" | "Validation" if is_not_updating(message) => Answer::NotUpdating,
        "ValidationError" | "Validation" if is_not_waiting(message) => Answer::NotWaiting,
        "ValidationError" | "Validation" if is_busy(message) => Answer::Busy,
        "ValidationError" | "Validation" if message.contains("does not exist") => {
            if message.contains("ChangeSet [") { Answer::NoSuchChangeSet } else { Answer::NoSuchStack }
        }
        _ => Answer::Other,
    }
}

/// `CancelUpdateStack cannot be called from current stack status`. Source: CloudFormation API, CancelUpdateStack: only
/// stacks in UPDATE_IN_PROGRESS.
fn is_not_updating(message: &str) -> bool {
    message.contains("CancelUpdateStack")
}

/// `Stack … is in CREATE_COMPLETE state and cannot be signaled`, or a resource in it. Source: AWS CloudFormation
/// templates on GitHub, issue 34.
fn is_not_waiting(message: &str) -> bool {
    message.contains("cannot be signaled") || message.contains("is not waiting for signals")
}

/// `… is in UPDATE_IN_PROGRESS state and can not be updated.` A stack in REVIEW_IN_PROGRESS is not busy: it waits for its
/// first change set. Source: CloudFormation user guide, "Stack status codes".
fn is_busy(message: &str) -> bool {
    message.replace("REVIEW_IN_PROGRESS", "").contains("_IN_PROGRESS")
        || message.contains("currently in progress")
        || message.contains("currently being updated")
}

/// A change set that is not AVAILABLE: in its words, it was executed already, is still being made, or never will be
/// executed. Source: CloudFormation API, ExecuteChangeSet, InvalidChangeSetStatus.
pub(super) fn not_executable<E>(call: Call, error: &SdkError<E, HttpResponse>) -> Result<Executed, Failure>
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let why = words(error);
    by_status(call, why)
}

fn by_status(call: Call, why: String) -> Result<Executed, Failure> {
    if ["EXECUTE_IN_PROGRESS", "EXECUTE_COMPLETE", "EXECUTE_FAILED"].iter().any(|status| why.contains(status))
    {
        Ok(Executed::Started)
    } else if is_busy(&why) {
        Err(call.no_capacity(why))
    } else {
        Ok(Executed::Stale { why })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_told_apart_by_code_and_words() {
        let arn =
            "Stack:arn:aws:cloudformation:eu-west-1:123456789012:stack/tidegate-payments-production/1 is in";
        let table = [
            (
                "ValidationError",
                "Stack with id tidegate-payments-production does not exist".to_owned(),
                Answer::NoSuchStack,
            ),
            (
                "ValidationError",
                "Stack [tidegate-payments-production] does not exist".into(),
                Answer::NoSuchStack,
            ),
            (
                "ChangeSetNotFound",
                "ChangeSet [payments-production-1-2] does not exist".into(),
                Answer::NoSuchChangeSet,
            ),
            (
                "ValidationError",
                "ChangeSet [payments-production-1-2] does not exist".into(),
                Answer::NoSuchChangeSet,
            ),
            (
                "AlreadyExistsException",
                "ChangeSet payments-production-1-2 already exists".into(),
                Answer::Exists,
            ),
            (
                "TokenAlreadyExistsException",
                "A client request token already exists".into(),
                Answer::TokenUsed,
            ),
            (
                "ValidationError",
                format!("{arn} UPDATE_IN_PROGRESS state and can not be updated."),
                Answer::Busy,
            ),
            (
                "ValidationError",
                format!("{arn} UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS state and can not be updated."),
                Answer::Busy,
            ),
            (
                "ValidationError",
                format!("{arn} ROLLBACK_COMPLETE state and can not be updated."),
                Answer::Other,
            ),
            (
                "ValidationError",
                format!("{arn} UPDATE_ROLLBACK_FAILED state and can not be updated."),
                Answer::Other,
            ),
            (
                "ValidationError",
                format!("{arn} REVIEW_IN_PROGRESS state and can not be updated."),
                Answer::Other,
            ),
            (
                "ValidationError",
                "CancelUpdateStack cannot be called from current stack status".into(),
                Answer::NotUpdating,
            ),
            (
                "ValidationError",
                format!("{arn} UPDATE_ROLLBACK_IN_PROGRESS state and cannot be signaled"),
                Answer::NotWaiting,
            ),
            ("ValidationError", "Parameters: [Sixe] do not exist in the template".into(), Answer::Other),
            ("ValidationError", "Template format error: unsupported structure.".into(), Answer::Other),
            ("OperationInProgressException", String::new(), Answer::Busy),
            ("LimitExceededException", "Limit for ChangeSet has been exceeded".into(), Answer::Busy),
            (
                "InsufficientCapabilitiesException",
                "Requires capabilities : [CAPABILITY_IAM]".into(),
                Answer::Other,
            ),
            ("AccessDenied", "User is not authorized".into(), Answer::Other),
            ("Throttling", "Rate exceeded".into(), Answer::Other),
        ];
        for (code, message, meaning) in table {
            assert_eq!(by_words(code, &message), meaning, "{code} {message}");
        }
    }

    #[test]
    fn a_change_set_that_is_not_available_is_started_waited_for_or_stale() {
        let meaning = |status: &str| {
            let why = format!(
                "InvalidChangeSetStatus: ChangeSet [x] cannot be executed in its current status of [{status}]"
            );
            by_status(Call::changes("ExecuteChangeSet"), why)
        };
        for ours in ["EXECUTE_IN_PROGRESS", "EXECUTE_COMPLETE", "EXECUTE_FAILED"] {
            assert_eq!(meaning(ours).unwrap(), Executed::Started, "{ours}");
        }
        for later in ["CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS"] {
            assert!(matches!(meaning(later), Err(Failure::NoCapacity { .. })), "{later}");
        }
        for never in ["FAILED", "UNAVAILABLE", "OBSOLETE", "DELETE_COMPLETE"] {
            assert!(matches!(meaning(never), Ok(Executed::Stale { .. })), "{never}");
        }
    }
}
