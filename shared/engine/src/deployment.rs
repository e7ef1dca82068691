//! Carrying an approved plan out, and reading truthfully how that went.

use model::effect::Promise;
use model::ids::EffectKey;
use model::release::{Phase, Plan, Release};
use model::signal::{DeploymentSeen, Signal};
use model::track::Track;

use crate::failure::Failure;
use crate::ports::{ChangeSetKind, Executed, Services, StackEvent, Stacks};
use crate::service_state::{self, Runs};
use crate::stack_status::{Operation, Readiness, operation, readiness};

/// Pages of stack events read to find one operation; CloudFormation gives a hundred events a page.
const EVENT_PAGES_MAX: usize = 10;

/// The release that is being deployed, if any.
pub(crate) fn deploying(track: &Track) -> Option<(&Release, &Plan)> {
    track.in_flight.iter().find_map(|release| match &release.phase {
        Phase::Deploying { plan, .. } => Some((release, plan)),
        Phase::Building { .. }
        | Phase::Planning { .. }
        | Phase::AwaitingApproval { .. }
        | Phase::Ready { .. }
        | Phase::Over(_) => None,
    })
}

/// Executes the approved change set, after looking whether that has happened.
pub(crate) async fn execute<P: Stacks>(
    ports: &P,
    track: &Track,
    promise: &Promise,
) -> Result<Signal, Failure> {
    let Some((release, plan)) = deploying(track) else {
        return Ok(Signal::Done { key: promise.key.clone() });
    };
    let n = release.id.n;
    let stack = track.key.stack();
    let started = Ok(Signal::ExecutionStarted { n });
    let stale = |why: String| Ok(Signal::PlanStale { n, key: promise.key.clone(), why });
    let Some(change_set) = ports.change_set(&stack, &plan.change_set, None).await? else {
        return match operation_events(ports, track, &plan.change_set).await?.is_empty() {
            true => stale("its change set is gone".to_owned()),
            false => started,
        };
    };
    match change_set.execution.as_str() {
        "EXECUTE_IN_PROGRESS" | "EXECUTE_COMPLETE" | "EXECUTE_FAILED" => return started,
        "AVAILABLE" => {}
        "OBSOLETE" => return stale("the stack was changed since".to_owned()),
        other => return stale(format!("its change set is {} and {other}", change_set.status)),
    }
    let read = ports.stack(&stack).await?;
    let status = read.as_ref().map(|read| read.status.as_str());
    let kind = match readiness(status) {
        Readiness::Ready(kind) => kind,
        Readiness::Busy => {
            return Err(Failure::NoCapacity {
                call: "ExecuteChangeSet",
                why: format!("stack {stack} is {}", status.unwrap_or("gone")),
            });
        }
        Readiness::Stuck(remedy) => {
            return Err(Failure::refused(
                "ExecuteChangeSet",
                format!("stack {stack} is {}; {remedy}", status.unwrap_or("gone")),
            ));
        }
    };
    // A stack policy protects updates; a stack that is only now created has nothing to protect yet.
    if let (ChangeSetKind::Update, Some(policy)) = (kind, &plan.stack_policy) {
        ports.set_stack_policy(&stack, policy).await?;
    }
    match ports.execute_change_set(&stack, &plan.change_set).await? {
        Executed::Started => started,
        // Another delivery of the same message may have executed it since it was read as available.
        Executed::Stale { why } => match operation_events(ports, track, &plan.change_set).await?.is_empty() {
            true => stale(why),
            false => started,
        },
    }
}

/// How the track's deployment stands; `None` when nothing is being deployed.
pub(crate) async fn look<P: Stacks + Services>(ports: &P, track: &Track) -> Result<Option<Signal>, Failure> {
    let Some((release, plan)) = deploying(track) else { return Ok(None) };
    let seen = observe(ports, track, release, &plan.change_set).await?;
    Ok(Some(Signal::DeploymentSeen { n: release.id.n, seen }))
}

async fn observe<P: Stacks + Services>(
    ports: &P,
    track: &Track,
    release: &Release,
    token: &EffectKey,
) -> Result<DeploymentSeen, Failure> {
    let deleted = |status: &str| DeploymentSeen::Broken {
        status: status.to_owned(),
        why: "the stack was deleted by others".to_owned(),
    };
    let events = operation_events(ports, track, token).await?;
    // Newest first: the stack's own last word on this operation.
    let Some(last) = events.iter().find(|event| event.of_stack) else {
        let started = matches!(release.phase, Phase::Deploying { started: true, .. });
        // A deleted stack takes its events with it: no look at them would ever find the operation again.
        return match started && ports.stack(&track.key.stack()).await?.is_none() {
            true => Ok(deleted("DELETE_COMPLETE")),
            false => Ok(DeploymentSeen::NotStarted),
        };
    };
    let status = last.status.clone();
    let why = || {
        first_failure(&events)
            .unwrap_or_else(|| last.reason.clone().unwrap_or_else(|| format!("the stack is {status}")))
    };
    Ok(match operation(&status) {
        Operation::Running => DeploymentSeen::Running { status },
        Operation::RolledBack => DeploymentSeen::RolledBack { why: why(), status },
        Operation::Broken => DeploymentSeen::Broken { why: why(), status },
        Operation::Completed => match ports.stack(&track.key.stack()).await? {
            None => deleted(&status),
            Some(stack) => match service_state::read(ports, &track.key.service, &stack).await? {
                Runs::Known { mut deployed, rollout } => {
                    // The operation's own status: the stack may be in somebody else's operation by now.
                    deployed.stack_status = status;
                    DeploymentSeen::Settled { deployed, rollout }
                }
                Runs::Untold { why } => DeploymentSeen::Broken { status, why },
            },
        },
    })
}

/// The events of one operation, newest first; empty when it has not begun.
async fn operation_events<P: Stacks>(
    ports: &P,
    track: &Track,
    token: &EffectKey,
) -> Result<Vec<StackEvent>, Failure> {
    let token = token.to_string();
    let mut found: Vec<StackEvent> = Vec::new();
    let mut page = None;
    for _ in 0..EVENT_PAGES_MAX {
        let read = ports.stack_events(&track.key.stack(), page.as_deref()).await?;
        let ours = |event: &StackEvent| event.token.as_ref() == Some(&token);
        // Once the operation has been found, events of an earlier one end it.
        let ends_here = !found.is_empty() && read.items.iter().any(|event| !ours(event));
        found.extend(read.items.into_iter().filter(|event| ours(event) && !is_review(event)));
        page = read.next;
        if page.is_none() || ends_here {
            break;
        }
    }
    Ok(found)
}

/// Making a first change set makes the stack, in review; that is not its execution.
fn is_review(event: &StackEvent) -> bool {
    event.status == "REVIEW_IN_PROGRESS"
}

/// What went wrong first; everything after it was cancelled because of it.
fn first_failure(events: &[StackEvent]) -> Option<String> {
    let failed = |event: &&StackEvent| {
        !event.of_stack
            && event.status.ends_with("_FAILED")
            && event.reason.as_deref().is_none_or(|reason| !reason.contains("cancelled"))
    };
    let event = events.iter().rev().find(failed)?;
    let reason = event.reason.as_deref().unwrap_or("no reason given");
    Some(format!("{} ({}) is {}: {reason}", event.logical_id, event.resource_type, event.status))
}
