//! CloudFormation's descriptions as the engine reads them.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_cloudformation::operation::describe_change_set::DescribeChangeSetOutput;
use aws_sdk_cloudformation::types as cloudformation;
use engine::ports::{ChangeSetRead, ResourceChange, StackEvent, StackRead, StackResource};

/// `None` for a stack that was deleted.
pub(super) fn stack(stack: &cloudformation::Stack) -> Option<StackRead> {
    let status = stack.stack_status().map(|status| status.as_str()).unwrap_or_default();
    if status == "DELETE_COMPLETE" {
        return None;
    }
    let output = |output: &cloudformation::Output| {
        Some((output.output_key()?.to_owned(), output.output_value().unwrap_or_default().to_owned()))
    };
    Some(StackRead {
        id: stack.stack_id().unwrap_or_default().to_owned(),
        status: status.to_owned(),
        reason: said(stack.stack_status_reason()),
        outputs: stack.outputs().iter().filter_map(output).collect(),
        parameters: stack.parameters().iter().filter_map(parameter).collect(),
        is_protected: stack.enable_termination_protection().unwrap_or_default(),
    })
}

/// `None` for one that is deleted already, as after a deletion of its stack that failed.
pub(super) fn resource(resource: &cloudformation::StackResourceSummary) -> Option<StackResource> {
    let status = resource.resource_status().map(|status| status.as_str()).unwrap_or_default();
    if matches!(status, "DELETE_COMPLETE" | "DELETE_SKIPPED") {
        return None;
    }
    Some(StackResource {
        logical_id: resource.logical_resource_id()?.to_owned(),
        physical_id: resource.physical_resource_id().unwrap_or_default().to_owned(),
        resource_type: resource.resource_type().unwrap_or_default().to_owned(),
    })
}

pub(super) fn event(event: &cloudformation::StackEvent) -> StackEvent {
    StackEvent {
        token: event.client_request_token().map(str::to_owned),
        of_stack: event.physical_resource_id().is_some() && event.physical_resource_id() == event.stack_id(),
        logical_id: event.logical_resource_id().unwrap_or_default().to_owned(),
        resource_type: event.resource_type().unwrap_or_default().to_owned(),
        status: event.resource_status().map(|status| status.as_str()).unwrap_or_default().to_owned(),
        reason: said(event.resource_status_reason()),
    }
}

pub(super) fn change_set(read: DescribeChangeSetOutput) -> ChangeSetRead {
    let changes = read.changes().iter().filter_map(|change| change.resource_change()).map(change).collect();
    ChangeSetRead {
        status: read.status().map(|status| status.as_str()).unwrap_or_default().to_owned(),
        execution: read.execution_status().map(|status| status.as_str()).unwrap_or_default().to_owned(),
        parameters: read.parameters().iter().filter_map(parameter).collect::<BTreeMap<_, _>>(),
        changes,
        reason: said(read.status_reason()),
        next: read.next_token,
    }
}

/// A reason that says nothing is none.
fn said(reason: Option<&str>) -> Option<String> {
    reason.filter(|reason| !reason.is_empty()).map(str::to_owned)
}

/// What the template will see: for a parameter that names one of SSM's, that one's value.
fn parameter(parameter: &cloudformation::Parameter) -> Option<(String, String)> {
    let value = parameter.resolved_value().or(parameter.parameter_value()).unwrap_or_default();
    Some((parameter.parameter_key()?.to_owned(), value.to_owned()))
}

fn change(change: &cloudformation::ResourceChange) -> ResourceChange {
    // A property changes for several reasons at once; it is named once.
    let properties: BTreeSet<String> = change
        .details()
        .iter()
        .filter_map(|detail| detail.target())
        .filter_map(|target| {
            let attribute = target.attribute().map(|attribute| attribute.as_str());
            target.name().or(attribute).map(str::to_owned)
        })
        .collect();
    ResourceChange {
        logical_id: change.logical_resource_id().unwrap_or_default().to_owned(),
        resource_type: change.resource_type().unwrap_or_default().to_owned(),
        action: change.action().map(|action| action.as_str()).unwrap_or_default().to_owned(),
        replacement: change
            .replacement()
            .map(|replacement| replacement.as_str())
            .unwrap_or_default()
            .to_owned(),
        policy: change.policy_action().map(|policy| policy.as_str()).unwrap_or_default().to_owned(),
        properties: properties.into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_cloudformation::types::{
        ChangeAction, PolicyAction, Replacement, ResourceAttribute, ResourceChangeDetail,
        ResourceTargetDefinition, StackStatus,
    };

    use super::*;

    #[test]
    fn a_deleted_stack_is_no_stack() {
        let deleted = cloudformation::Stack::builder().stack_status(StackStatus::DeleteComplete).build();
        assert_eq!(stack(&deleted), None);
        let there = cloudformation::Stack::builder()
            .stack_status(StackStatus::ReviewInProgress)
            .stack_status_reason("")
            .build();
        let there = stack(&there).unwrap();
        assert_eq!((there.status.as_str(), there.reason), ("REVIEW_IN_PROGRESS", None));
    }

    #[test]
    fn an_event_of_the_stack_is_told_from_its_resources() {
        let id = "arn:aws:cloudformation:eu-west-1:1:stack/tidegate-p-production/1";
        let of = |physical: &str| {
            event(&cloudformation::StackEvent::builder().stack_id(id).physical_resource_id(physical).build())
                .of_stack
        };
        assert!(of(id));
        assert!(!of("arn:aws:cloudformation:eu-west-1:1:stack/nested/2"));
        assert!(!event(&cloudformation::StackEvent::builder().build()).of_stack);
    }

    #[test]
    fn a_parameter_from_ssm_is_read_as_its_value() {
        let named = cloudformation::Parameter::builder()
            .parameter_key("Subnets")
            .parameter_value("/network/subnets")
            .resolved_value("subnet-1,subnet-2")
            .build();
        assert_eq!(parameter(&named), Some(("Subnets".to_owned(), "subnet-1,subnet-2".to_owned())));
    }

    #[test]
    fn a_change_names_each_property_once() {
        let detail =
            |target: ResourceTargetDefinition| ResourceChangeDetail::builder().target(target).build();
        let property = |name: &str| {
            detail(
                ResourceTargetDefinition::builder()
                    .attribute(ResourceAttribute::Properties)
                    .name(name)
                    .build(),
            )
        };
        let tags = detail(ResourceTargetDefinition::builder().attribute(ResourceAttribute::Tags).build());
        let read = change(
            &cloudformation::ResourceChange::builder()
                .action(ChangeAction::Modify)
                .logical_resource_id("TaskDefinition")
                .resource_type("AWS::ECS::TaskDefinition")
                .replacement(Replacement::True)
                .policy_action(PolicyAction::ReplaceAndDelete)
                .details(property("ContainerDefinitions"))
                .details(property("ContainerDefinitions"))
                .details(tags)
                .build(),
        );
        assert_eq!(read.properties, ["ContainerDefinitions", "Tags"]);
        assert_eq!((read.action.as_str(), read.replacement.as_str()), ("Modify", "True"));
        assert_eq!(read.policy, "ReplaceAndDelete");
    }
}
