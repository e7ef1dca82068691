//! What CloudFormation refuses and the emulator does not: pure, in AWS's words.

/// A refusal of the query protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

impl Refusal {
    fn validation(message: String) -> Self {
        Self { code: "ValidationError", message }
    }

    /// The body of the answer, with status 400.
    pub(crate) fn xml(&self, request_id: &str) -> String {
        let Self { code, message } = self;
        let message = message.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        format!(
            "<ErrorResponse xmlns=\"http://cloudformation.amazonaws.com/doc/2010-05-15/\"><Error><Type>Sender</Type>\
             <Code>{code}</Code><Message>{message}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>"
        )
    }
}

/// The operations on a stack that its status can forbid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation<'a> {
    PlanCreation { change_set: &'a str },
    PlanUpdate,
    PlanImport,
    Execute,
    Update,
    Delete,
}

/// Whether a stack in that status refuses the operation.
///
/// Source: CloudFormation user guide, "Stack status codes".
pub(crate) fn by_status(operation: Operation<'_>, stack_id: &str, status: &str) -> Option<Refusal> {
    let is_busy = status.ends_with("_IN_PROGRESS") && status != "REVIEW_IN_PROGRESS";
    let is_updatable = [
        "CREATE_COMPLETE",
        "UPDATE_COMPLETE",
        "UPDATE_ROLLBACK_COMPLETE",
        "IMPORT_COMPLETE",
        "IMPORT_ROLLBACK_COMPLETE",
    ]
    .contains(&status);
    let name = stack_id.split('/').nth(1).unwrap_or(stack_id);
    let in_that_state = || {
        Some(Refusal::validation(format!("Stack:{stack_id} is in {status} state and can not be updated.")))
    };
    match operation {
        Operation::PlanCreation { change_set } => {
            let is_new = status == "REVIEW_IN_PROGRESS" || status == "DELETE_COMPLETE";
            (!is_new).then(|| {
                Refusal::validation(format!(
                    "Stack [{name}] already exists and cannot be created again with the changeSet [{change_set}]."
                ))
            })
        }
        Operation::PlanUpdate | Operation::PlanImport if status == "DELETE_COMPLETE" => None,
        // Only change sets of it exist yet.
        Operation::PlanImport if status == "REVIEW_IN_PROGRESS" => None,
        Operation::PlanUpdate | Operation::PlanImport | Operation::Update if !is_updatable => in_that_state(),
        Operation::Execute if !is_updatable && status != "REVIEW_IN_PROGRESS" => in_that_state(),
        Operation::Delete if is_busy && status.starts_with("UPDATE_") => {
            Some(Refusal::validation(format!("Stack [{name}] cannot be deleted while in status {status}")))
        }
        Operation::PlanUpdate
        | Operation::PlanImport
        | Operation::Update
        | Operation::Execute
        | Operation::Delete => None,
    }
}

/// Whether the template asks for a capability that the request does not give.
///
/// `CAPABILITY_NAMED_IAM` includes `CAPABILITY_IAM`; `CAPABILITY_AUTO_EXPAND` does not apply to change sets
/// (API reference, `CreateChangeSet`).
pub(crate) fn by_capabilities(required: &[String], given: &[String]) -> Option<Refusal> {
    let has = |name: &str| given.iter().any(|given| given == name);
    let is_given = |needed: &&String| match needed.as_str() {
        "CAPABILITY_IAM" => has("CAPABILITY_IAM") || has("CAPABILITY_NAMED_IAM"),
        "CAPABILITY_AUTO_EXPAND" => true,
        other => has(other),
    };
    let missing: Vec<&str> = required.iter().filter(|needed| !is_given(needed)).map(String::as_str).collect();
    (!missing.is_empty()).then(|| Refusal {
        code: "InsufficientCapabilitiesException",
        message: format!("Requires capabilities : [{}]", missing.join(", ")),
    })
}

/// Nobody's resource, asked for by its physical id.
pub(crate) fn belongs_to_no_stack(id: &str) -> Refusal {
    Refusal::validation(format!("Stack for {id} does not exist"))
}

/// A token that another request used.
pub(crate) fn by_token(token: &str) -> Refusal {
    Refusal {
        code: "TokenAlreadyExistsException",
        message: format!("A client request token with the value {token} already exists for another request"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STACK: &str = "arn:aws:cloudformation:eu-west-1:111122223333:stack/tidegate-payments-staging/1";
    const NEW: Operation<'_> = Operation::PlanCreation { change_set: "payments-staging-1-3" };

    #[test]
    fn a_status_allows_what_aws_allows() {
        // status, plan a creation, plan an update, execute, delete
        let table = [
            ("REVIEW_IN_PROGRESS", true, false, true, true),
            ("CREATE_IN_PROGRESS", false, false, false, true),
            ("CREATE_COMPLETE", false, true, true, true),
            ("UPDATE_IN_PROGRESS", false, false, false, false),
            ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", false, false, false, false),
            ("UPDATE_ROLLBACK_IN_PROGRESS", false, false, false, false),
            ("UPDATE_COMPLETE", false, true, true, true),
            ("UPDATE_ROLLBACK_COMPLETE", false, true, true, true),
            ("UPDATE_ROLLBACK_FAILED", false, false, false, true),
            ("ROLLBACK_COMPLETE", false, false, false, true),
            ("DELETE_COMPLETE", true, true, false, true),
        ];
        for (status, create, update, execute, delete) in table {
            let allowed = |operation| by_status(operation, STACK, status).is_none();
            assert_eq!(
                (
                    allowed(NEW),
                    allowed(Operation::PlanUpdate),
                    allowed(Operation::Execute),
                    allowed(Operation::Delete)
                ),
                (create, update, execute, delete),
                "{status}"
            );
        }
    }

    #[test]
    fn a_busy_stack_is_refused_in_the_words_of_aws() {
        let refusal = by_status(Operation::PlanUpdate, STACK, "UPDATE_IN_PROGRESS").unwrap();
        assert_eq!(refusal.code, "ValidationError");
        assert_eq!(
            refusal.message,
            format!("Stack:{STACK} is in UPDATE_IN_PROGRESS state and can not be updated.")
        );
    }

    #[test]
    fn named_roles_need_the_named_capability() {
        let strings = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let (iam, named) = (strings(&["CAPABILITY_IAM"]), strings(&["CAPABILITY_NAMED_IAM"]));
        assert_eq!(by_capabilities(&iam, &named), None);
        assert_eq!(by_capabilities(&strings(&["CAPABILITY_AUTO_EXPAND"]), &[]), None);
        let refusal = by_capabilities(&named, &iam).unwrap();
        assert_eq!(refusal.code, "InsufficientCapabilitiesException");
        assert_eq!(refusal.message, "Requires capabilities : [CAPABILITY_NAMED_IAM]");
    }
}
