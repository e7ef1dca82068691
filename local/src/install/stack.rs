//! A stack deployed as a person would: change set, execute, wait, outputs.

use std::collections::BTreeMap;
use std::time::Duration;

use aws::sdk::cloudformation::Client;
use aws::sdk::cloudformation::types::{Capability, ChangeSetStatus, ChangeSetType, Parameter, StackStatus};

use crate::problem::Problem;

const STACK_TIMEOUT_S: u64 = 300;
const POLL: Duration = Duration::from_millis(100);

/// What a stack says of itself.
pub type Outputs = BTreeMap<String, String>;

/// Creates or updates a stack from a template in S3 and waits for it. A stack without changes is fine as it is.
pub(crate) async fn deploy(
    client: &Client,
    stack: &str,
    template_url: &str,
    parameters: &[(&str, &str)],
) -> Result<Outputs, Problem> {
    let exists = status(client, stack).await.is_some_and(|status| status != StackStatus::ReviewInProgress);
    let kind = if exists { ChangeSetType::Update } else { ChangeSetType::Create };
    let change_set = format!("local-{:016x}", crate::fresh::number());
    let mut create = client.create_change_set().stack_name(stack).change_set_name(&change_set);
    create = create.change_set_type(kind).template_url(template_url);
    for capability in
        [Capability::CapabilityIam, Capability::CapabilityNamedIam, Capability::CapabilityAutoExpand]
    {
        create = create.capabilities(capability);
    }
    for (key, value) in parameters {
        create = create.parameters(Parameter::builder().parameter_key(*key).parameter_value(*value).build());
    }
    create.send().await.map_err(|error| refused(&format!("a change set of {stack}"), &error))?;

    let described = client.describe_change_set().stack_name(stack).change_set_name(&change_set).send().await;
    let described = described.map_err(|error| refused(&format!("the change set of {stack}"), &error))?;
    if described.status() == Some(&ChangeSetStatus::Failed) {
        let reason = described.status_reason().unwrap_or_default();
        if reason.contains("didn't contain changes") || reason.contains("No updates are to be performed") {
            return outputs(client, stack).await;
        }
        return Err(Problem::Refused { doing: format!("the change set of {stack}"), why: reason.to_owned() });
    }
    let execute = client.execute_change_set().stack_name(stack).change_set_name(&change_set).send().await;
    execute.map_err(|error| refused(&format!("deploying {stack}"), &error))?;
    wait(client, stack).await?;
    outputs(client, stack).await
}

/// Deletes a stack and waits until it is gone.
pub(crate) async fn delete(client: &Client, stack: &str) -> Result<(), Problem> {
    let delete = client.delete_stack().stack_name(stack).send().await;
    delete.map_err(|error| refused(&format!("deleting {stack}"), &error))?;
    match end(client, stack).await? {
        None | Some(StackStatus::DeleteComplete) => Ok(()),
        other => Err(unwanted(client, stack, other).await),
    }
}

async fn wait(client: &Client, stack: &str) -> Result<(), Problem> {
    match end(client, stack).await? {
        Some(StackStatus::CreateComplete | StackStatus::UpdateComplete) => Ok(()),
        other => Err(unwanted(client, stack, other).await),
    }
}

/// The status in which its operation ends; none when the stack is gone.
async fn end(client: &Client, stack: &str) -> Result<Option<StackStatus>, Problem> {
    let finished = async {
        loop {
            match status(client, stack).await {
                Some(status) if status.as_str().ends_with("_IN_PROGRESS") => tokio::time::sleep(POLL).await,
                other => return other,
            }
        }
    };
    let ended = tokio::time::timeout(Duration::from_secs(STACK_TIMEOUT_S), finished).await;
    ended.map_err(|_| Problem::TooLong {
        doing: format!("the operation on {stack}"),
        limit_seconds: STACK_TIMEOUT_S,
    })
}

async fn unwanted(client: &Client, stack: &str, status: Option<StackStatus>) -> Problem {
    Problem::Stack {
        stack: stack.to_owned(),
        status: status.map_or_else(|| "gone".to_owned(), |status| status.as_str().to_owned()),
        events: failures(client, stack).await,
    }
}

async fn status(client: &Client, stack: &str) -> Option<StackStatus> {
    let described = client.describe_stacks().stack_name(stack).send().await.ok()?;
    described.stacks().first()?.stack_status().cloned()
}

pub(crate) async fn outputs(client: &Client, stack: &str) -> Result<Outputs, Problem> {
    let described = client.describe_stacks().stack_name(stack).send().await;
    let described = described.map_err(|error| refused(&format!("reading {stack}"), &error))?;
    let outputs = described.stacks().first().map(|stack| stack.outputs()).unwrap_or_default();
    let pair = |(key, value): (Option<&str>, Option<&str>)| Some((key?.to_owned(), value?.to_owned()));
    Ok(outputs.iter().filter_map(|output| pair((output.output_key(), output.output_value()))).collect())
}

/// The reasons of what failed, as the stack's events tell them.
async fn failures(client: &Client, stack: &str) -> String {
    let Ok(described) = client.describe_stack_events().stack_name(stack).send().await else {
        return String::new();
    };
    let failed = described.stack_events().iter().filter_map(|event| {
        let status = event.resource_status()?.as_str();
        let reason = event.resource_status_reason().filter(|reason| !reason.is_empty())?;
        Some(format!("  {} {status}: {reason}", event.logical_resource_id().unwrap_or_default()))
    });
    failed.collect::<Vec<_>>().join("\n")
}

fn refused(doing: &str, error: &dyn std::error::Error) -> Problem {
    Problem::refused(doing)(error)
}
