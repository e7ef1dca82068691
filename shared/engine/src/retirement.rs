//! The end of a service: what deleting its stack takes and what it leaves, in a plan that is approved like any other; and
//! the deletion itself, by the stack's id, so that a request that comes late finds no other stack of that name.

use config::ServiceConfig;
use model::approval::{Ground, Policy};
use model::effect::Promise;
use model::ids::{Fingerprint, ImageDigest};
use model::release::{Authors, Danger, Deletion, Phase, Plan, PlanLine, Release};
use model::signal::{DeploymentSeen, Signal};
use model::time::Span;
use model::track::Track;
use sha2::{Digest, Sha256};

use crate::approval::floor_of;
use crate::deployment::{Deploying, deletion, deploying, first_failure, operation_events};
use crate::failure::Failure;
use crate::freeze;
use crate::plan::busy;
use crate::plan_words;
use crate::ports::{Clock, Records, ResourceChange, Sources, StackRead, StackResource, Stacks};
use crate::pushed_config::readable_config;
use crate::records::{directory, environment};
use crate::stack_status::{Readiness, readiness};

/// Pages of resources read of one stack; CloudFormation gives a hundred a page, and a stack has five hundred at most.
const RESOURCE_PAGES_MAX: usize = 10;
/// Whoever has read the stack before it was changed has sent its deletion by then, or never will: the deployer runs for 30
/// seconds at most.
const OTHERS_DONE: Span = Span::seconds(60);
const CHANGED: &str = "the stack was changed since it was planned";

pub(crate) async fn plan<P: Stacks + Sources + Records>(
    ports: &P,
    track: &Track,
    (release, image): (&Release, &ImageDigest),
    promise: &Promise,
) -> Result<Signal, Failure> {
    let n = release.id.n;
    let name = track.key.stack();
    let ((record, _), directory, config, stack) = futures_util::future::try_join4(
        environment(ports, &track.key.environment),
        directory(ports),
        readable_config(ports, release),
        ports.stack(&name),
    )
    .await?;
    let Some(stack) = stack else { return Ok(Signal::NothingToRetire { n, key: promise.key.clone() }) };
    is_deletable(track, &stack)?;
    let contents = contents(ports, &stack).await?;
    let mut lines = plan_words::of_retirement((&name, &stack), image, &contents.removals);
    let floor = floor_of(&record, &release.origin);
    let wish = wish(track, config.as_ref(), &floor);
    lines.extend(config.is_none().then(|| PlanLine::new(Danger::None, UNREADABLE)));
    let plan = Box::new(Plan {
        fingerprint: contents.fingerprint,
        image: image.clone(),
        change_set: promise.key.clone(),
        stack_policy: None,
        timeout: None,
        requires: None,
        before: None,
        verify: None,
        deletion: Some(Deletion { stack: stack.id, retained: retained(&contents.removals) }),
        lines,
    });
    let ground = Ground { record: floor, directory };
    Ok(Signal::Planned { n, plan, wish, ground, authors: Authors::default() })
}

const UNREADABLE: &str = "its config cannot be read any more: what it asked for, approvals and freezes, is unknown; the \
                          environment's record alone decides";

/// A config that is gone, with its repository maybe, must not keep what it deployed for ever.
fn wish(track: &Track, config: Option<&ServiceConfig>, floor: &Policy) -> Policy {
    config.map_or_else(|| floor.clone(), |config| config.policy(&track.key.environment))
}

/// # Errors
/// `NoCapacity` while an operation runs, `Refused` where CloudFormation would.
fn is_deletable(track: &Track, stack: &StackRead) -> Result<(), Failure> {
    let name = track.key.stack();
    if readiness(Some(&stack.status)) == Readiness::Busy {
        return Err(Failure::NoCapacity { call: "DeleteStack", why: busy(&name, Some(stack)) });
    }
    if stack.is_protected {
        let why = format!(
            "stack {name} has termination protection: whoever put it there takes it off, with `aws cloudformation \
             update-termination-protection --no-enable-termination-protection --stack-name {name}`, and it can be retired"
        );
        return Err(Failure::refused("DeleteStack", why));
    }
    Ok(())
}

/// What a stack has, and what becomes of it.
struct Contents {
    /// By logical id.
    removals: Vec<ResourceChange>,
    fingerprint: Fingerprint,
}

async fn contents<P: Stacks>(ports: &P, stack: &StackRead) -> Result<Contents, Failure> {
    // Only change sets of it exist, and no template yet.
    if stack.status == "REVIEW_IN_PROGRESS" {
        return Ok(Contents { removals: Vec::new(), fingerprint: fingerprint(&stack.id, &[]) });
    }
    let (resources, template) =
        futures_util::future::try_join(resources(ports, &stack.id), ports.stack_template(&stack.id)).await?;
    let template = config::template(&template).map_err(|faults| {
        Failure::refused("GetTemplate", format!("what would stay cannot be told: {faults}"))
    })?;
    let mut removed: Vec<(ResourceChange, String)> = resources
        .into_iter()
        .map(|resource| {
            let written = template["Resources"][&resource.logical_id]["DeletionPolicy"].as_str();
            (removal(&resource, written), resource.physical_id)
        })
        .collect();
    removed.sort();
    let fingerprint = fingerprint(&stack.id, &removed);
    Ok(Contents { removals: removed.into_iter().map(|(removal, _)| removal).collect(), fingerprint })
}

async fn resources<P: Stacks>(ports: &P, stack: &str) -> Result<Vec<StackResource>, Failure> {
    let mut all = Vec::new();
    let mut page = None;
    for _ in 0..RESOURCE_PAGES_MAX {
        let read = ports.stack_resources(stack, page.as_deref()).await?;
        all.extend(read.items);
        page = read.next;
        if page.is_none() {
            return Ok(all);
        }
    }
    Err(Failure::refused("ListStackResources", format!("more than {RESOURCE_PAGES_MAX} pages of resources")))
}

/// In the form of a change set that removes it.
fn removal(resource: &StackResource, written: Option<&str>) -> ResourceChange {
    ResourceChange {
        logical_id: resource.logical_id.clone(),
        resource_type: resource.resource_type.clone(),
        action: "Remove".to_owned(),
        replacement: String::new(),
        policy: policy(&resource.resource_type, written).to_owned(),
        properties: Vec::new(),
    }
}

/// Source: CloudFormation user guide, "DeletionPolicy attribute". A database instance of a cluster goes by default, and one
/// of its own by a snapshot; which it is the template does not tell at a glance, so the worse is said.
fn policy(resource_type: &str, written: Option<&str>) -> &'static str {
    match (written, resource_type) {
        (Some("Retain" | "RetainExceptOnCreate"), _) => "Retain",
        (Some("Snapshot"), _) | (None, "AWS::RDS::DBCluster") => "Snapshot",
        _ => "Delete",
    }
}

/// SHA-256 of everything that is deleted or let go of.
fn fingerprint(stack: &str, removed: &[(ResourceChange, String)]) -> Fingerprint {
    let resources: Vec<_> = removed
        .iter()
        .map(|(removal, physical_id)| {
            (&removal.logical_id, &removal.resource_type, physical_id, &removal.policy)
        })
        .collect();
    let all = serde_json::json!({ "delete": stack, "resources": resources });
    Fingerprint::of(&Sha256::digest(all.to_string()).into())
}

fn retained(removals: &[ResourceChange]) -> Vec<String> {
    let named = |removal: &ResourceChange| format!("{} ({})", removal.logical_id, removal.resource_type);
    removals.iter().filter(|removal| removal.policy == "Retain").map(named).collect()
}

/// Its turn has come. Nothing is deleted yet: see [`delete`].
pub(crate) async fn clear<P: Records + Sources + Clock>(
    ports: &P,
    track: &Track,
    release: &Release,
    promise: &Promise,
) -> Result<Signal, Failure> {
    let (n, key) = (release.id.n, promise.key.clone());
    Ok(match freeze::in_force(ports, track, release).await? {
        Some(frozen) => Signal::Frozen { n, key, frozen },
        None => Signal::Cleared { n, key },
    })
}

/// Has CloudFormation delete the stack, after looking whether that has begun and whether it is still what was approved.
pub(crate) async fn delete<P: Stacks + Clock>(
    ports: &P,
    track: &Track,
    promise: &Promise,
) -> Result<Signal, Failure> {
    let done = Ok(Signal::Done { key: promise.key.clone() });
    let Some(Deploying { release, plan, .. }) = deploying(track) else { return done };
    let Some(approved) = plan.deletion.as_ref().filter(|_| release.id == promise.key.release) else {
        return done;
    };
    let n = release.id.n;
    let started = Ok(Signal::ExecutionStarted { n, warning: None });
    if !operation_events(ports, track, &plan.change_set).await?.is_empty() {
        return started;
    }
    let stack = ports.stack(&track.key.stack()).await?.filter(|stack| stack.id == approved.stack);
    let Some(stack) = stack.filter(|stack| stack.status != DELETING) else { return started };
    is_deletable(track, &stack)?;
    if contents(ports, &stack).await?.fingerprint != plan.fingerprint {
        let (key, why) = (promise.key.clone(), CHANGED.to_owned());
        return Ok(match promise.waiting_for.as_deref() {
            Some(CHANGED) => Signal::PlanStale { n, key, why },
            // A slower delivery of the same message may still send the deletion.
            Some(_) | None => Signal::Waiting { key, why, until: ports.now().plus(OTHERS_DONE) },
        });
    }
    ports.delete_stack(&stack.id, &deletion(&plan.change_set)).await?;
    started
}

const DELETING: &str = "DELETE_IN_PROGRESS";

/// How the deletion stands. A stack that is gone is told nothing of: there are no events under its name any more.
pub(crate) async fn look<P: Stacks>(
    ports: &P,
    track: &Track,
    release: &Release,
    plan: &Plan,
    deletion: &Deletion,
) -> Result<DeploymentSeen, Failure> {
    let stack = ports.stack(&track.key.stack()).await?.filter(|stack| stack.id == deletion.stack);
    let Some(stack) = stack else { return Ok(DeploymentSeen::Gone) };
    let is_started = matches!(release.phase, Phase::Deploying { started: true, .. });
    match stack.status.as_str() {
        DELETING => Ok(DeploymentSeen::Running { status: stack.status }),
        "DELETE_FAILED" => {
            let events = operation_events(ports, track, &plan.change_set).await?;
            // An earlier deletion may have failed, which this one is there to finish.
            if !is_started && events.is_empty() {
                return Ok(DeploymentSeen::NotStarted);
            }
            let last = events.iter().find(|event| event.of_stack).and_then(|last| last.reason.clone());
            let why = first_failure(&events).or(last).or(stack.reason);
            let why = why.unwrap_or_else(|| "no reason given".to_owned());
            Ok(DeploymentSeen::Broken { status: stack.status, why })
        }
        _ => Ok(DeploymentSeen::NotStarted),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_deleted_and_what_stays_is_the_template_s_to_say() {
        for (resource_type, written, becomes) in [
            ("AWS::ECS::Service", None, "Delete"),
            ("AWS::Logs::LogGroup", Some("Retain"), "Retain"),
            ("AWS::Logs::LogGroup", Some("RetainExceptOnCreate"), "Retain"),
            ("AWS::RDS::DBInstance", Some("Snapshot"), "Snapshot"),
            ("AWS::RDS::DBCluster", None, "Snapshot"),
            ("AWS::RDS::DBCluster", Some("Delete"), "Delete"),
            ("AWS::RDS::DBInstance", None, "Delete"),
        ] {
            assert_eq!(policy(resource_type, written), becomes, "{resource_type} {written:?}");
        }
    }

    #[test]
    fn a_plan_is_another_when_anything_of_the_stack_is() {
        let resource = |physical_id: &str, written| {
            let resource = StackResource {
                logical_id: "Logs".to_owned(),
                physical_id: physical_id.to_owned(),
                resource_type: "AWS::Logs::LogGroup".to_owned(),
            };
            (removal(&resource, written), resource.physical_id)
        };
        let planned = fingerprint("stack/1", &[resource("logs-1", None)]);
        assert_eq!(planned, fingerprint("stack/1", &[resource("logs-1", Some("Delete"))]));
        for (stack, removed) in [
            ("stack/2", vec![resource("logs-1", None)]),
            ("stack/1", vec![resource("logs-2", None)]),
            ("stack/1", vec![resource("logs-1", Some("Retain"))]),
            ("stack/1", Vec::new()),
        ] {
            assert_ne!(planned, fingerprint(stack, &removed), "{stack} {removed:?}");
        }
    }
}
