//! Carrying an approved plan out, and reading truthfully how that went.

use model::effect::Promise;
use model::ids::EffectKey;
use model::release::{Otherwise, Phase, Plan, Release, Requires, Stop, Verdict};
use model::signal::{DeploymentSeen, Rollout, Signal};
use model::time::Timestamp;
use model::track::Track;

use crate::failure::Failure;
use crate::freeze;
use crate::gate;
use crate::ports::{
    ChangeSetKind, Clock, Databases, Executed, Records, ResourceSignal, Services, Sources, StackEvent, Stacks,
};
use crate::retirement;
use crate::service_state::{self, Runs};
use crate::stack_status::{Operation, Readiness, operation, readiness, stuck};
use crate::why_stopped;

/// Pages of stack events read to find one operation; CloudFormation gives a hundred events a page.
const EVENT_PAGES_MAX: usize = 10;

/// The release that is being deployed, if any.
pub(crate) struct Deploying<'a> {
    pub(crate) release: &'a Release,
    pub(crate) plan: &'a Plan,
    stop: Option<&'a Stop>,
}

pub(crate) fn deploying(track: &Track) -> Option<Deploying<'_>> {
    track.in_flight.iter().find_map(|release| match &release.phase {
        Phase::Deploying { plan, stop, .. } => Some(Deploying { release, plan, stop: stop.as_ref() }),
        Phase::Building { .. }
        | Phase::Planning { .. }
        | Phase::AwaitingApproval { .. }
        | Phase::Ready { .. }
        | Phase::Over(_) => None,
    })
}

/// Executes the approved change set, after looking whether that has happened.
pub(crate) async fn execute<P: Stacks + Records + Sources + Databases + Clock>(
    ports: &P,
    track: &Track,
    promise: &Promise,
) -> Result<Signal, Failure> {
    let Some(Deploying { release, plan, stop }) = deploying(track) else {
        return Ok(Signal::Done { key: promise.key.clone() });
    };
    let n = release.id.n;
    if plan.deletion.is_some() {
        return retirement::clear(ports, track, release, promise).await;
    }
    let stack = track.key.stack();
    let started = Ok(Signal::ExecutionStarted { n, warning: None });
    let stale = |why: String| Ok(Signal::PlanStale { n, key: promise.key.clone(), why });
    let Some(change_set) = ports.change_set(&stack, &plan.change_set, None).await? else {
        return match operation_events(ports, track, &plan.change_set).await?.is_empty() {
            true => stale("its change set is gone".to_owned()),
            false => started,
        };
    };
    match change_set.execution.as_str() {
        // Who did it may have crashed before saying what stood against it.
        "EXECUTE_IN_PROGRESS" | "EXECUTE_COMPLETE" | "EXECUTE_FAILED" => {
            return Ok(Signal::ExecutionStarted { n, warning: warning(ports, plan).await });
        }
        "AVAILABLE" if stop.is_some() => {
            return match is_out_of_reach(ports, track, plan).await? {
                true => Ok(Signal::NotExecuted { n, key: promise.key.clone() }),
                false => started,
            };
        }
        "AVAILABLE" => {}
        "OBSOLETE" => return stale("the stack was changed since".to_owned()),
        other => return stale(format!("its change set is {} and {other}", change_set.status)),
    }
    if let Some(frozen) = freeze::in_force(ports, track, release).await? {
        // Another delivery of the same message may have come before the freeze began.
        return match is_out_of_reach(ports, track, plan).await? {
            true => Ok(Signal::Frozen { n, key: promise.key.clone(), frozen }),
            false => started,
        };
    }
    let warning = match (&plan.requires, gate::unmet(ports, plan.requires.as_ref()).await?) {
        (Some(Requires { otherwise: Otherwise::Refuse, .. }), Some(unmet)) => {
            return match is_out_of_reach(ports, track, plan).await? {
                true => Err(Failure::refused("deploy", unmet)),
                false => started,
            };
        }
        (_, unmet) => unmet,
    };
    let kind = match kind_now(ports, track).await? {
        Ok(kind) => kind,
        Err(why) => return stale(why),
    };
    if plan.before.is_some() && !release.prepared {
        return Ok(Signal::Cleared { n, key: promise.key.clone() });
    }
    Ok(match execute_now(ports, track, plan, kind).await? {
        Executed::Started => Signal::ExecutionStarted { n, warning },
        Executed::Stale { why } => Signal::PlanStale { n, key: promise.key.clone(), why },
    })
}

/// What executing would do to the stack as it stands; or why the plan is stale.
async fn kind_now<P: Stacks>(ports: &P, track: &Track) -> Result<Result<ChangeSetKind, String>, Failure> {
    let stack = track.key.stack();
    let read = ports.stack(&stack).await?;
    let status = read.as_ref().map(|read| read.status.as_str());
    match readiness(status) {
        Readiness::Ready(kind) => Ok(Ok(kind)),
        Readiness::Busy => Err(Failure::NoCapacity {
            call: "ExecuteChangeSet",
            why: format!("stack {stack} is {}", status.unwrap_or("gone")),
        }),
        Readiness::NeverCame => Ok(Err("the stack's creation failed meanwhile".to_owned())),
        Readiness::Stuck => Err(Failure::refused("ExecuteChangeSet", stuck(track, status.unwrap_or("gone")))),
    }
}

async fn execute_now<P: Stacks>(
    ports: &P,
    track: &Track,
    plan: &Plan,
    kind: ChangeSetKind,
) -> Result<Executed, Failure> {
    let stack = track.key.stack();
    // A stack policy protects updates; a stack that is only now created has nothing to protect yet.
    if let (ChangeSetKind::Update, Some(policy)) = (kind, &plan.stack_policy) {
        ports.set_stack_policy(&stack, policy).await?;
    }
    let executed = ports.execute_change_set(&stack, &plan.change_set).await?;
    // Another delivery of the same message may have executed it since it was read as available.
    let is_stale = matches!(executed, Executed::Stale { .. })
        && operation_events(ports, track, &plan.change_set).await?.is_empty();
    Ok(if is_stale { executed } else { Executed::Started })
}

/// What stands against a deployment that goes on all the same. Not to know it must not keep anybody from hearing of it.
async fn warning<P: Databases + Clock>(ports: &P, plan: &Plan) -> Option<String> {
    let warns = |requires: &&Requires| requires.otherwise == Otherwise::Warn;
    match gate::unmet(ports, plan.requires.as_ref().filter(warns)).await {
        Ok(unmet) => unmet,
        Err(failure) => {
            tracing::warn!(change_set = %plan.change_set, %failure, "whether its database is restorable cannot be told");
            None
        }
    }
}

/// Takes the change set away: without it nothing can be executed any more, by whomever. Whether nothing was before.
async fn is_out_of_reach<P: Stacks>(ports: &P, track: &Track, plan: &Plan) -> Result<bool, Failure> {
    ports.delete_change_set(&track.key.stack(), &plan.change_set).await?;
    Ok(operation_events(ports, track, &plan.change_set).await?.is_empty())
}

/// How the track's deployment stands; `None` when nothing is being deployed.
pub(crate) async fn look<P: Stacks + Services>(ports: &P, track: &Track) -> Result<Option<Signal>, Failure> {
    let Some(Deploying { release, plan, stop }) = deploying(track) else { return Ok(None) };
    if let Some(deletion) = &plan.deletion {
        let seen = retirement::look(ports, track, release, plan, deletion).await?;
        return Ok(Some(Signal::DeploymentSeen { n: release.id.n, seen }));
    }
    let seen = match (observe(ports, track, release, plan).await?, stop) {
        (
            seen @ (DeploymentSeen::NotStarted
            | DeploymentSeen::Running { .. }
            | DeploymentSeen::Broken { .. }),
            Some(_),
        ) => deleted(ports, track).await?.unwrap_or(seen),
        (seen, _) => seen,
    };
    let seen = explained(ports, track, release, seen).await;
    Ok(Some(Signal::DeploymentSeen { n: release.id.n, seen }))
}

/// Adds why tasks stopped to what went wrong. Not to know it must not keep anybody from hearing how it ended.
async fn explained<P: Stacks + Services>(
    ports: &P,
    track: &Track,
    release: &Release,
    seen: DeploymentSeen,
) -> DeploymentSeen {
    let since = release.phase_since;
    match seen {
        DeploymentSeen::RolledBack { status, why } => {
            DeploymentSeen::RolledBack { status, why: with_cause(ports, track, since, why).await }
        }
        DeploymentSeen::Broken { status, why } => {
            DeploymentSeen::Broken { status, why: with_cause(ports, track, since, why).await }
        }
        DeploymentSeen::Settled { deployed, rollout: Rollout::Failed { why } } => {
            let rollout = Rollout::Failed { why: with_cause(ports, track, since, why).await };
            DeploymentSeen::Settled { deployed, rollout }
        }
        DeploymentSeen::NotStarted
        | DeploymentSeen::Running { .. }
        | DeploymentSeen::AwaitsVerdict
        | DeploymentSeen::Gone
        | DeploymentSeen::Settled { rollout: Rollout::Running | Rollout::Completed, .. } => seen,
    }
}

/// Tasks from before `since` are of another deployment, which ends them.
async fn with_cause<P: Stacks + Services>(ports: &P, track: &Track, since: Timestamp, why: String) -> String {
    let stopped = async {
        let stack = ports.stack(&track.key.stack()).await?;
        let Some(stack) = stack else { return Ok(Vec::new()) };
        let Some(cluster) = stack.parameters.get("Cluster") else { return Ok(Vec::new()) };
        // Named after the stack, unless that was adopted and says otherwise.
        let own = track.key.stack();
        let family = stack.outputs.get("TaskFamily").map_or(own.as_str(), String::as_str);
        ports.stopped_tasks(cluster, family).await
    };
    match stopped.await {
        Ok(tasks) => match why_stopped::explain_since(since, &tasks) {
            Some(cause) => format!("{cause}. {why}"),
            None => why,
        },
        Err(failure) => {
            tracing::warn!(track = %track.key, %failure, "why tasks stopped cannot be told");
            why
        }
    }
}

/// What became of a first creation that was stopped: its stack goes, and the operation's own events with it.
async fn deleted<P: Stacks>(ports: &P, track: &Track) -> Result<Option<DeploymentSeen>, Failure> {
    if track.live.is_some() {
        return Ok(None);
    }
    Ok(match ports.stack(&track.key.stack()).await? {
        None => Some(DeploymentSeen::RolledBack {
            status: "DELETE_COMPLETE".to_owned(),
            why: "the stack of the first deployment was deleted".to_owned(),
        }),
        Some(_) => None,
    })
}

/// Has CloudFormation take back what it is carrying out. An update goes back to what ran before; a first creation,
/// which has nothing to go back to, is deleted.
pub(crate) async fn stop<P: Stacks>(ports: &P, track: &Track, promise: &Promise) -> Result<Signal, Failure> {
    let done = Signal::Done { key: promise.key.clone() };
    let Some(Deploying { release, plan, stop: Some(_) }) = deploying(track) else { return Ok(done) };
    if release.id != promise.key.release {
        return Ok(done);
    }
    let name = track.key.stack();
    let events = operation_events(ports, track, &plan.change_set).await?;
    let last = events.iter().find(|event| event.of_stack).map(|event| event.status.as_str());
    match last {
        Some("UPDATE_IN_PROGRESS") => ports.cancel_update(&name, &promise.key).await?,
        Some("CREATE_IN_PROGRESS") if track.live.is_none() => {
            let stack = ports.stack(&name).await?;
            if let Some(stack) = stack.filter(|stack| stack.status == "CREATE_IN_PROGRESS") {
                ports.delete_stack(&stack.id, &deletion(&promise.key)).await?;
            }
        }
        // Too late: it comes to its end by itself, and the look will tell which.
        Some(_) | None => {}
    }
    Ok(done)
}

/// Ends the token of a deletion.
pub(crate) const DELETION: &str = "-delete";

/// The token of a deletion. A change set is executed under the key of its plan, and no token serves two operations.
pub(crate) fn deletion(key: &EffectKey) -> String {
    format!("{key}{DELETION}")
}

async fn observe<P: Stacks + Services>(
    ports: &P,
    track: &Track,
    release: &Release,
    plan: &Plan,
) -> Result<DeploymentSeen, Failure> {
    let deleted = |status: &str| DeploymentSeen::Broken {
        status: status.to_owned(),
        why: "the stack was deleted by others".to_owned(),
    };
    let events = operation_events(ports, track, &plan.change_set).await?;
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
        Operation::Running if awaits_verdict(plan, &status, &events) => DeploymentSeen::AwaitsVerdict,
        Operation::Running => DeploymentSeen::Running { status },
        Operation::RolledBack => DeploymentSeen::RolledBack { why: why(), status },
        Operation::Broken => DeploymentSeen::Broken { why: why(), status },
        Operation::Completed => match ports.stack(&track.key.stack()).await? {
            None => deleted(&status),
            // Whoever deletes it, what it completed does not stay.
            Some(stack) if stack.status == "DELETE_IN_PROGRESS" => {
                DeploymentSeen::Running { status: stack.status }
            }
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

/// Whether what waits for a verdict has begun to: all else is in place then.
fn awaits_verdict(plan: &Plan, status: &str, events: &[StackEvent]) -> bool {
    let Some(verify) = plan.verify.as_ref().filter(|_| !status.contains("ROLLBACK")) else { return false };
    let last = events.iter().find(|event| !event.of_stack && event.logical_id == verify.condition);
    last.is_some_and(|event| event.status == "CREATE_IN_PROGRESS")
}

/// Tells CloudFormation what it waits for.
pub(crate) async fn give_verdict<P: Stacks>(
    ports: &P,
    track: &Track,
    promise: &Promise,
) -> Result<Signal, Failure> {
    let verdict = deploying(track)
        .filter(|deploying| deploying.release.id == promise.key.release)
        .and_then(|Deploying { release, plan, .. }| release.verdict.as_ref().zip(plan.verify.as_ref()));
    if let Some((verdict, verify)) = verdict {
        let is_well = match verdict {
            Verdict::Well => true,
            Verdict::Unwell { .. } => false,
        };
        let signal = ResourceSignal { id: promise.key.clone(), is_well };
        ports.signal_resource(&track.key.stack(), &verify.condition, &signal).await?;
    }
    Ok(Signal::Done { key: promise.key.clone() })
}

/// The events of one operation, newest first; empty when it has not begun.
pub(crate) async fn operation_events<P: Stacks>(
    ports: &P,
    track: &Track,
    token: &EffectKey,
) -> Result<Vec<StackEvent>, Failure> {
    // A release has one change set carried out; taking that back is told under a token of the same release.
    let ours = |event: &StackEvent| {
        let told = event.token.as_deref().map(|told| told.strip_suffix(DELETION).unwrap_or(told));
        let key = told.and_then(|told| told.parse::<EffectKey>().ok());
        key.is_some_and(|key| key.release == token.release)
    };
    let mut found: Vec<StackEvent> = Vec::new();
    let mut page = None;
    for _ in 0..EVENT_PAGES_MAX {
        let read = ports.stack_events(&track.key.stack(), page.as_deref()).await?;
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
pub(crate) fn first_failure(events: &[StackEvent]) -> Option<String> {
    let event = events.iter().rev().find(|event| has_failed(event))?;
    let reason = event.reason.as_deref().unwrap_or("no reason given");
    Some(format!("{} ({}) is {}: {reason}", event.logical_id, event.resource_type, event.status))
}

/// A resource, by itself and not because of another.
pub(crate) fn has_failed(event: &StackEvent) -> bool {
    !event.of_stack
        && event.status.ends_with("_FAILED")
        && event.reason.as_deref().is_none_or(|reason| !reason.contains("cancelled"))
}
