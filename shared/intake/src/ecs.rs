//! Deployments of ECS services.
//!
//! Source: ECS developer guide, "Amazon ECS service action events", "Amazon ECS service deployment state change
//! events". Deployment names come under both detail-types.

use model::ids::{StackName, TrackKey};

use crate::unreadable::{At, Unreadable};
use crate::{Meaning, Subject, Why, arn};

const DEPLOYMENTS: &str = "SERVICE_DEPLOYMENT_";

/// `ECS Deployment State Change`.
pub(crate) fn deployment_changed(event: &At<'_>) -> Result<Meaning, Unreadable> {
    service_event(event, |name, _| Err(name.unreadable(format!("{DEPLOYMENTS}…"))))
}

/// `ECS Service Action`.
pub(crate) fn service_action(event: &At<'_>) -> Result<Meaning, Unreadable> {
    service_event(event, |_, other| {
        Ok(Meaning::Ignored(Why::ServiceNews { track: other.track, event: other.event.to_owned() }))
    })
}

/// News of one of our services that is not about a deployment.
struct Other<'a> {
    track: TrackKey,
    event: &'a str,
}

fn service_event(
    event: &At<'_>,
    otherwise: impl FnOnce(&At<'_>, Other<'_>) -> Result<Meaning, Unreadable>,
) -> Result<Meaning, Unreadable> {
    // Only `resources` names the service.
    let allowed = "the ARN of a service";
    let resources = event.field("resources");
    let id = resources.list(RESOURCES_MAX)?.next().ok_or_else(|| resources.unreadable(allowed))?;
    let arn = id.text(allowed)?;
    // Long ARNs hold `service/<cluster>/<name>`, old ones `service/<name>`.
    let service = arn::resource(arn, "ecs")
        .and_then(|resource| resource.strip_prefix("service/"))
        .and_then(|path| path.rsplit('/').next())
        .filter(|name| !name.is_empty())
        .ok_or_else(|| id.unreadable(allowed))?;
    let Some(track) = track_of(service) else {
        return Ok(Meaning::Ignored(Why::OtherService { service: service.to_owned() }));
    };
    let detail = event.field("detail");
    detail.object()?;
    let name = detail.field("eventName");
    match name.text("the name of an event")? {
        "SERVICE_DEPLOYMENT_IN_PROGRESS" => Ok(Meaning::Ignored(Why::ServiceInProgress { track })),
        // ECS adds names; what became of the deployment is read from the service.
        text if text.starts_with(DEPLOYMENTS) => {
            Ok(Meaning::Signal(Subject::Service { track, arn: arn.to_owned() }))
        }
        text => otherwise(&name, Other { track, event: text }),
    }
}

/// ECS names one resource in an event.
const RESOURCES_MAX: usize = 100;

/// CloudFormation names a service `<stack>-<logical id>-<random>`; templates may choose the logical id, which starts
/// with a capital where our stacks' names have none.
fn track_of(service: &str) -> Option<TrackKey> {
    let mut parts = service.rsplitn(3, '-');
    let (random, logical_id, stack) = (parts.next()?, parts.next()?, parts.next()?);
    let made_by_a_stack = !random.is_empty() && logical_id.starts_with(|c: char| c.is_ascii_uppercase());
    if made_by_a_stack { stack.parse::<StackName>().ok()?.track() } else { None }
}
