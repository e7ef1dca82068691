//! Tasks that run once for a release: what its config calls `before` and `verify`.

use config::{EnvironmentRecord, ServiceConfig, ServiceRecord, Verify};
use model::effect::Promise;
use model::ids::{EffectKey, EnvironmentName, TrackKey};
use model::release::{Errand, ErrandKind, Phase, Release};
use model::signal::{ErrandSeen, Signal};
use model::time::Span;
use model::track::Track;

use crate::failure::Failure;
use crate::log_lines;
use crate::ports::{
    Clock, Errands, Logs, Records, Sources, Stacks, StoppedTask, TaskFamily, TaskOrder, TaskRead,
};
use crate::pushed_config::pushed_config;
use crate::records::{environment, service_of};
use crate::why_stopped;

/// A task that was started a moment ago may not be listed yet; ECS is eventually consistent.
const LISTED_WITHIN: Span = Span::minutes(5);
/// Whoever was about to start a task has done so by then: longer than any function runs.
const STOP_AGAIN_AFTER: Span = Span::minutes(2);
/// Before a task that was told to stop is looked at again.
const STOPPING_WAIT: Span = Span::seconds(15);
/// What is told of the log of a task that failed.
const LOG_LINES: u32 = 10;

const STOPPED: &str = "STOPPED";

/// What must run before the release is deployed. Going back to what ran, or starting it anew, changes no database.
pub(crate) fn before(
    name: &EnvironmentName,
    release: &Release,
    config: &ServiceConfig,
) -> Option<config::Errand> {
    config.in_environment(name).deployment?.before.filter(|_| release.origin.is_new())
}

/// What tells whether it may stay. Where it goes back to what ran, that is asked as well.
pub(crate) fn verify(name: &EnvironmentName, config: &ServiceConfig) -> Option<Verify> {
    config.in_environment(name).deployment?.verify
}

/// The errand that this promise is about, and its release.
fn of_promise<'t>(track: &'t Track, promise: &Promise) -> Option<(&'t Release, &'t Errand)> {
    let release = track.release(promise.key.release.n)?;
    match &release.phase {
        Phase::Deploying { errand: Some(errand), .. } => Some((release, errand)),
        Phase::Building { .. }
        | Phase::Planning { .. }
        | Phase::AwaitingApproval { .. }
        | Phase::Ready { .. }
        | Phase::Deploying { errand: None, .. }
        | Phase::Over(_) => None,
    }
}

/// Where tasks of its kind are found, the service's own tasks not among them.
fn family(track: &TrackKey, kind: ErrandKind) -> String {
    format!("{}-{}", track.stack(), kind.as_str())
}

/// Starts the task, after looking whether that has happened.
pub(crate) async fn run<P: Errands + Stacks + Sources + Records>(
    ports: &P,
    track: &Track,
    promise: &Promise,
) -> Result<Signal, Failure> {
    let Some((release, errand)) = of_promise(track, promise).filter(|(_, errand)| errand.key == promise.key)
    else {
        return Ok(Signal::Done { key: promise.key.clone() });
    };
    let started = Signal::ErrandStarted { n: release.id.n, key: errand.key.clone() };
    let (here, _) = environment(ports, &track.key.environment).await?;
    let family = family(&track.key, errand.kind);
    let tasks = ports.tasks(&here.cluster, &family).await?;
    if tasks.iter().any(|task| is_of(task, &errand.key)) {
        return Ok(started);
    }
    // Two at once could undo each other's work.
    if let Some(other) = tasks.iter().find(|task| task.status != STOPPED) {
        return Err(Failure::NoCapacity {
            call: "RunTask",
            why: format!("{} of another release still runs: {}", errand.kind, other.arn),
        });
    }
    let (service, config) = futures_util::future::try_join(
        service_of(ports, &release.repository),
        pushed_config(ports, "RunTask", release),
    )
    .await?;
    let order = order(ports, track, (release, errand), (&service, &config), here).await?;
    ports.run_task(&order).await?;
    Ok(started)
}

/// Registers the definition. Role and security group are those of the service's stack as it stands; a first deployment
/// has none yet.
async fn order<P: Errands + Stacks>(
    ports: &P,
    track: &Track,
    (release, errand): (&Release, &Errand),
    (service, config): (&ServiceRecord, &ServiceConfig),
    here: EnvironmentRecord,
) -> Result<TaskOrder, Failure> {
    let name = &track.key.environment;
    let lacks = |what: &str| Failure::refused("RunTask", format!("the release has no {what}"));
    let image = release.phase.image().ok_or_else(|| lacks("image"))?;
    let asked = match errand.kind {
        ErrandKind::Before => before(name, release, config).map(Verify::Errand),
        ErrandKind::Verify => verify(name, config),
    };
    let outputs = ports.stack(&track.key.stack()).await?.map(|stack| stack.outputs).unwrap_or_default();
    let (definition, task_role_arn) = match asked.ok_or_else(|| lacks(errand.kind.as_str()))? {
        Verify::Errand(errand) => {
            (config.task(name, service, image, errand.command), outputs.get("TaskRoleArn").cloned())
        }
        Verify::Probe(probe) => (config.probe(name, service, &here, &probe), None),
    };
    let definition =
        definition.map_err(|faults| Failure::refused("RegisterTaskDefinition", faults.to_string()))?;
    let family = TaskFamily {
        name: family(&track.key, errand.kind),
        log_prefix: errand.kind.as_str().to_owned(),
        definition,
        task_role_arn,
    };
    Ok(TaskOrder {
        cluster: here.cluster,
        definition: ports.register_task(&family).await?,
        started_by: errand.key.clone(),
        subnets: here.subnets,
        security_groups: outputs.get("TaskSecurityGroupId").cloned().into_iter().collect(),
        assign_public_ip: here.assign_public_ip,
    })
}

/// How the task stands that the release waits for.
pub(crate) async fn look<P: Errands + Logs + Records + Clock>(
    ports: &P,
    track: &Track,
    promise: &Promise,
) -> Result<Signal, Failure> {
    let Some((release, errand)) = of_promise(track, promise) else {
        return Ok(Signal::Done { key: promise.key.clone() });
    };
    let seen = |seen| Ok(Signal::ErrandSeen { n: release.id.n, key: errand.key.clone(), seen });
    let (here, _) = environment(ports, &track.key.environment).await?;
    let tasks = ports.tasks(&here.cluster, &family(&track.key, errand.kind)).await?;
    let Some(task) = tasks.iter().find(|task| is_of(task, &errand.key)) else {
        if ports.now().since(errand.since) < LISTED_WITHIN {
            return seen(ErrandSeen::Running { status: "not listed yet".to_owned() });
        }
        // Running it again could do twice what was done.
        let why = "ECS remembers nothing of its task; look at its log for what it did".to_owned();
        return seen(ErrandSeen::Failed { why });
    };
    if task.status != STOPPED {
        return seen(ErrandSeen::Running { status: task.status.clone() });
    }
    if exit_code(&task.ended, track.key.service.as_str()) == Some(0) {
        return seen(ErrandSeen::Succeeded);
    }
    seen(ErrandSeen::Failed { why: with_log(ports, track, release, errand.kind, task).await })
}

fn exit_code(ended: &StoppedTask, container: &str) -> Option<i32> {
    ended.containers.iter().find(|ran| ran.name == container)?.exit_code
}

/// Why the task ended, with the last lines of its log. Not to know those must not keep anybody from hearing the rest.
async fn with_log<P: Logs + Records>(
    ports: &P,
    track: &Track,
    release: &Release,
    kind: ErrandKind,
    task: &TaskRead,
) -> String {
    let reason = task.ended.reason.as_deref().unwrap_or("no reason given");
    let cause = why_stopped::explain(std::slice::from_ref(&task.ended));
    let why = cause.unwrap_or_else(|| format!("its task stopped: {reason}"));
    let id = task.arn.rsplit('/').next().unwrap_or_default();
    let stream = format!("{}/{}/{id}", kind.as_str(), track.key.service);
    let lines = async {
        match service_of(ports, &release.repository).await?.task_log_group_arn {
            Some(log_group) => ports.log_tail(&log_group.name, &stream, LOG_LINES).await,
            None => Ok(Vec::new()),
        }
    };
    let lines = lines.await.unwrap_or_else(|failure| {
        tracing::warn!(release = %release.id, %failure, "the log of a task cannot be told");
        Vec::new()
    });
    log_lines::below(why, &lines)
}

/// Stops what runs of an errand that nobody waits for any more. Looks once more: a delivery of the promise to run it may
/// have been under way.
pub(crate) async fn stop<P: Errands + Records + Clock>(
    ports: &P,
    track: &Track,
    promise: &Promise,
    kind: ErrandKind,
    key: &EffectKey,
) -> Result<Signal, Failure> {
    let (here, _) = environment(ports, &track.key.environment).await?;
    let tasks = ports.tasks(&here.cluster, &family(&track.key, kind)).await?;
    let wait = |why: &str, span| {
        let until = ports.now().plus(span);
        Ok(Signal::Waiting { key: promise.key.clone(), why: why.to_owned(), until })
    };
    let running: Vec<&TaskRead> =
        tasks.iter().filter(|task| is_of(task, key) && task.status != STOPPED).collect();
    for task in &running {
        let why = format!("{} no longer waits for it", key.release);
        ports.stop_task(&here.cluster, &task.arn, &why).await?;
    }
    match (running.is_empty(), promise.waits) {
        (false, _) => wait("its task stops", STOPPING_WAIT),
        (true, 0) => wait("its task may have been about to start", STOP_AGAIN_AFTER),
        (true, _) => Ok(Signal::Done { key: promise.key.clone() }),
    }
}

fn is_of(task: &TaskRead, key: &EffectKey) -> bool {
    task.started_by.as_deref() == Some(key.to_string().as_str())
}
