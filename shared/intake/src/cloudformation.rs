//! Stacks: by EventBridge, or by the topic that a stack notifies.
//!
//! Source: CloudFormation user guide, "Events reference for EventBridge", "Stack status codes",
//! "Setting stack options" (notification options).

use model::ids::{EffectKey, StackName};
use serde_json::Value;

use crate::unreadable::{At, Unreadable};
use crate::{Meaning, Subject, Why, arn};

/// `CloudFormation Stack Status Change`.
pub(crate) fn stack_changed(detail: &At<'_>) -> Result<Meaning, Unreadable> {
    detail.object()?;
    stack(
        &detail.field("stack-id"),
        detail.field("client-request-token").value.as_str(),
        &detail.field("status-details").field("status"),
    )
}

/// `CloudFormation Resource Status Change`: the stack's own event follows.
pub(crate) fn resource_changed(detail: &At<'_>) -> Result<Meaning, Unreadable> {
    let resource = detail.field("logical-resource-id").text("the logical id of a resource")?;
    Ok(Meaning::Ignored(Why::StackResource { resource: resource.to_owned() }))
}

fn stack(id: &At<'_>, token: Option<&str>, status: &At<'_>) -> Result<Meaning, Unreadable> {
    let allowed = "the ARN of a stack";
    let arn = id.text(allowed)?;
    let name = arn::resource(arn, "cloudformation")
        .and_then(|resource| resource.strip_prefix("stack/"))
        .and_then(|path| path.split('/').next())
        .filter(|name| !name.is_empty())
        .ok_or_else(|| id.unreadable(allowed))?;
    let effect = token.and_then(|token| token.parse::<EffectKey>().ok());
    // Nested stacks send events of their own under their root's token.
    if let Some(effect) = &effect
        && effect.release.track.stack().as_str() != name
    {
        return Ok(Meaning::Ignored(Why::NestedStack { stack: name.to_owned(), token: effect.to_string() }));
    }
    let Ok(stack) = name.parse::<StackName>() else {
        return Ok(Meaning::Ignored(Why::OtherStack { stack: name.to_owned() }));
    };
    let allowed = "a status in capitals that ends in _COMPLETE, _FAILED or _IN_PROGRESS";
    let text = status.text(allowed)?;
    let is_status =
        text.len() <= STATUS_BYTES_MAX && text.bytes().all(|b| b.is_ascii_uppercase() || b == b'_');
    if !is_status {
        return Err(status.unreadable(allowed));
    }
    // CloudFormation adds statuses; their ends have always told which kind they are. The stack itself is read.
    if text.ends_with("_IN_PROGRESS") {
        Ok(Meaning::Ignored(Why::StackInProgress { stack, status: text.to_owned() }))
    } else if text.ends_with("_COMPLETE") || text.ends_with("_FAILED") {
        let (arn, status) = (arn.to_owned(), text.to_owned());
        Ok(Meaning::Signal(Subject::Stack { name: stack, arn, status, effect }))
    } else {
        Err(status.unreadable(allowed))
    }
}

/// The longest of today's has 44.
const STATUS_BYTES_MAX: usize = 64;

/// Whether a notification comes from a stack: `KEY='value'` lines, or at least the subject says so.
pub(crate) fn is_notification(subject: Option<&str>, text: &str) -> bool {
    subject == Some("AWS CloudFormation Notification") || text.starts_with("StackId='")
}

/// A stack's notification: lines of `KEY='value'`, about the stack or one of its resources.
pub(crate) fn notification(text: &str, place: &str) -> Result<Meaning, Unreadable> {
    let field = |key: &str| value_of(text, key);
    let decides = ["StackId", "ResourceStatus"].into_iter();
    let fields: Value = decides.filter_map(|key| Some((key, field(key)?))).collect();
    let notification = At::new(&fields, place);
    let stack_id = notification.field("StackId");
    let id = stack_id.text("a line StackId='<the ARN of a stack>'")?;
    let resource = field("LogicalResourceId").unwrap_or_default();
    let of_a_resource = field("ResourceType").is_some_and(|kind| kind != "AWS::CloudFormation::Stack")
        || field("PhysicalResourceId").is_some_and(|physical| physical != id)
        || field("StackName").is_some_and(|name| name != resource);
    if of_a_resource {
        return Ok(Meaning::Ignored(Why::StackResource { resource: resource.to_owned() }));
    }
    stack(&stack_id, field("ClientRequestToken"), &notification.field("ResourceStatus"))
}

/// The value on the line of `key`, without its quotes.
fn value_of<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix("='")?.strip_suffix('\''))
}
