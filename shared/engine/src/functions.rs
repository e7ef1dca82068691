//! What each Lambda function does with a payload. A function's `main` only wires these to AWS; the simulation runs
//! the very same.

use intake::{Meaning, Reading, Subject};
use model::effect::{Effect, Hand, Promise};
use model::ids::{BuildId, TrackKey};
use model::signal::Signal;
use model::track::Track;
use serde_json::{Value, json};

use crate::advance::advance;
use crate::failure::Failure;
use crate::hand::{said, work};
use crate::ports::{
    Agenda, BuildService, Builds, Clock, Door, Images, Patrol, People, Quarantine, Queues, Records, Registry,
    ReplyKey, Services, Slack, SlackBoard, Sources, Stacks, Templates, Tracks,
};
use crate::push::{Hint, push as push_hint};
use crate::{
    announce, approval as approvals, builds, deployment, door, orders, plan, promotion, show, spoken,
    sweep as sweeping,
};

/// CodeCommit's "Repository State Change", and the patrol's hints.
pub async fn push<P>(ports: &P, payload: &[u8]) -> Result<Value, Failure>
where
    P: Tracks + Queues + Sources + Records + Templates + Quarantine + Clock,
{
    hear(ports, "push", payload, async |subject| {
        let Subject::Branch { repository, branch, pushed_by, commit_hint } = subject else { return Ok(None) };
        let (pushed_by, commit) = (pushed_by.as_deref(), commit_hint.as_deref());
        push_hint(ports, &Hint { repository, branch, pushed_by, commit }).await.map(Some)
    })
    .await
}

/// CodeBuild's "Build State Change".
pub async fn build<P>(ports: &P, payload: &[u8]) -> Result<Value, Failure>
where
    P: Tracks + Queues + Builds + BuildService + Images + Quarantine + Clock,
{
    hear(ports, "build", payload, async |subject| {
        let Subject::Build { id, arn } = subject else { return Ok(None) };
        let id = match id {
            Some(id) => Some(id.clone()),
            None => ports.read_builds(std::slice::from_ref(arn)).await?.into_iter().find_map(|read| read.id),
        };
        match id {
            Some(id) => build_moved(ports, &id).await.map(Some),
            None => Ok(Some(format!("ignored: {arn} is not a build of ours"))),
        }
    })
    .await
}

/// ECR's "Image Action".
pub async fn image<P>(ports: &P, payload: &[u8]) -> Result<Value, Failure>
where
    P: Tracks + Queues + Builds + BuildService + Images + Quarantine + Clock,
{
    hear(ports, "image", payload, async |subject| {
        if let Subject::Image { build, .. } = subject {
            return build_moved(ports, build).await.map(Some);
        }
        let Subject::Scan { build, .. } = subject else { return Ok(None) };
        Ok(Some(format!("ignored: scan results of {build} decide nothing yet")))
    })
    .await
}

/// Replies on the approval topic, and orders that people give by invoking it.
pub async fn approval<P>(ports: &P, payload: &[u8]) -> Result<Value, Failure>
where
    P: Tracks + Queues + Records + ReplyKey + Slack + People + Quarantine + Clock,
{
    for reading in intake::read(payload) {
        if let Meaning::Ignored(why @ intake::Why::MalformedReply { .. }) = &reading.meaning {
            approvals::refuse(ports, None, &why.to_string()).await?;
        }
    }
    hear(ports, "approval", payload, async |subject| {
        if let Subject::Reply(reply) = subject {
            return approvals::reply(ports, reply).await.map(Some);
        }
        if let Subject::Spoken { signed } = subject {
            return spoken::take(ports, signed).await.map(Some);
        }
        if let Subject::Order(given) = subject {
            return orders::take(ports, given).await.map(Some);
        }
        let Subject::PipelineApproval(_) = subject else { return Ok(None) };
        Ok(Some("ignored: pipeline approvals are answered in CodePipeline".to_owned()))
    })
    .await
}

/// Requests to the Function URL. The answer is the HTTP response.
pub async fn slack<P: Slack + Door + Clock>(ports: &P, payload: &[u8]) -> Result<Value, Failure> {
    // What is no JSON comes from no Function URL; it is refused as a request without a method.
    let payload = serde_json::from_slice(payload).unwrap_or_default();
    Ok(door::admit(ports, &payload).await)
}

/// CloudFormation's "Stack Status Change" and ECS's deployment events.
pub async fn stack<P>(ports: &P, payload: &[u8]) -> Result<Value, Failure>
where
    P: Tracks + Queues + Stacks + Services + Quarantine + Clock,
{
    hear(ports, "stack", payload, async |subject| {
        let (Subject::Stack { .. } | Subject::Service { .. }) = subject else { return Ok(None) };
        let Some(key) = subject.track() else { return Ok(None) };
        let handled = advance(ports, &key, async |track| deployment::look(ports, track).await).await?;
        Ok(Some(format!("{key}: {}", said(&handled))))
    })
    .await
}

/// The builder's queue.
pub async fn builder<P>(ports: &P, payload: &[u8]) -> Result<Value, Failure>
where
    P: Tracks + Queues + Builds + BuildService + Images + Records + Quarantine + Clock,
{
    serve(ports, Hand::Builder, payload, async |track, promise| builds::perform(ports, track, promise).await)
        .await
}

/// The deployer's queue.
pub async fn deployer<P>(ports: &P, payload: &[u8]) -> Result<Value, Failure>
where
    P: Tracks + Queues + Stacks + Services + Sources + Records + Templates + Quarantine + Clock,
{
    serve(ports, Hand::Deployer, payload, async |track, promise| deploy_effect(ports, track, promise).await)
        .await
}

/// The notifier's queue.
pub async fn notify<P>(ports: &P, payload: &[u8]) -> Result<Value, Failure>
where
    P: Tracks + Queues + People + ReplyKey + SlackBoard + Quarantine + Clock,
{
    serve(ports, Hand::Notify, payload, async |track, promise| match &promise.effect {
        Effect::Show => show::show(ports, promise).await,
        Effect::StartBuild
        | Effect::LookAtBuild { .. }
        | Effect::LeaveBuild { .. }
        | Effect::Plan
        | Effect::DiscardPlan { .. }
        | Effect::CountVotes
        | Effect::Execute
        | Effect::LookAtDeployment
        | Effect::StopDeployment
        | Effect::Promote
        | Effect::Announce { .. } => announce::perform(ports, track, promise).await,
    })
    .await
}

/// The schedule; its payload says nothing.
pub async fn sweep<P>(ports: &P, _payload: &[u8]) -> Result<Value, Failure>
where
    P: Tracks + Agenda + Queues + Patrol + Sources + Records + Registry + Clock,
{
    let said = sweeping::sweep(ports).await?;
    tracing::info!(function = "sweep", %said, "handled");
    Ok(json!({ "handled": [said] }))
}

async fn deploy_effect<P>(ports: &P, track: &Track, promise: &Promise) -> Result<Signal, Failure>
where
    P: Tracks + Queues + Stacks + Services + Sources + Records + Templates + Clock,
{
    let done = || Signal::Done { key: promise.key.clone() };
    match &promise.effect {
        Effect::Plan => plan::plan(ports, track, promise).await,
        Effect::CountVotes => approvals::count(ports, track, promise).await,
        Effect::Execute => deployment::execute(ports, track, promise).await,
        Effect::LookAtDeployment => Ok(deployment::look(ports, track).await?.unwrap_or_else(done)),
        Effect::StopDeployment => deployment::stop(ports, track, promise).await,
        Effect::Promote => promotion::promote(ports, track, promise).await,
        Effect::DiscardPlan { change_set } => {
            ports.delete_change_set(&track.key.stack(), change_set).await?;
            Ok(done())
        }
        Effect::StartBuild
        | Effect::LookAtBuild { .. }
        | Effect::LeaveBuild { .. }
        | Effect::Announce { .. }
        | Effect::Show => Ok(done()),
    }
}

/// A build moved: every track that wants it is told the same.
async fn build_moved<P>(ports: &P, id: &BuildId) -> Result<String, Failure>
where
    P: Tracks + Queues + Builds + BuildService + Images + Clock,
{
    let Some((build, seen)) = builds::watch(ports, id).await? else {
        return Ok(format!("ignored: nobody waits for build {id}"));
    };
    let mut all_said = Vec::new();
    for release in &build.wanted_by {
        let signal = Signal::BuildSeen { build: id.clone(), seen: seen.clone() };
        let handled = advance(ports, &release.track, async |_| Ok(Some(signal.clone()))).await?;
        all_said.push(format!("{release}: {}", said(&handled)));
    }
    Ok(if all_said.is_empty() {
        format!("ignored: nobody wants build {id} any more")
    } else {
        all_said.join("; ")
    })
}

/// An ear: reads every message of the payload and hands its own subjects to `react`, which answers `None` to a
/// subject that is not this ear's.
async fn hear<P: Quarantine>(
    ports: &P,
    function: &str,
    payload: &[u8],
    react: impl AsyncFn(&Subject) -> Result<Option<String>, Failure>,
) -> Result<Value, Failure> {
    let mut handled = Vec::new();
    let mut first_failure = None;
    for reading in intake::read(payload) {
        let said = match &reading.meaning {
            Meaning::Ignored(why) => format!("ignored: {why}"),
            Meaning::Quarantine(why) => {
                ports.quarantine(function, &why.to_string(), payload).await?;
                format!("quarantined: {why}")
            }
            Meaning::Signal(subject) => match react(subject).await {
                Ok(Some(said)) => said,
                Ok(None) => format!("ignored: {subject}, which is not for {function}"),
                Err(Failure::Refused { call, why }) => {
                    let why = format!("{call} was refused: {why}");
                    ports.quarantine(function, &why, payload).await?;
                    format!("quarantined: {why}")
                }
                // The other messages of the payload must not wait for this one.
                Err(failure) => {
                    let said = format!("failed: {failure}");
                    first_failure.get_or_insert(failure);
                    said
                }
            },
        };
        tracing::info!(function, %said, "handled");
        handled.push(said);
    }
    match first_failure {
        Some(failure) => Err(failure),
        None => Ok(json!({ "handled": handled })),
    }
}

/// A hand's batch of SQS messages: only those that failed come again.
async fn serve<P: Tracks + Queues + Quarantine + Clock>(
    ports: &P,
    hand: Hand,
    payload: &[u8],
    perform: impl AsyncFn(&Track, &Promise) -> Result<Signal, Failure>,
) -> Result<Value, Failure> {
    let mut failures = Vec::new();
    for reading in intake::read(payload) {
        match wanted(&reading) {
            Ok(key) => {
                let worked =
                    work(ports, hand, key, async |track, promise| perform(track, promise).await).await;
                match worked {
                    Ok(()) => tracing::info!(?hand, track = %key, "handled"),
                    Err(failure) => {
                        tracing::warn!(?hand, track = %key, %failure, "comes again");
                        match &reading.record {
                            Some(record) => failures.push(json!({ "itemIdentifier": record })),
                            None => return Err(failure),
                        }
                    }
                }
            }
            Err(why) => ports.quarantine(&format!("{hand:?}").to_lowercase(), &why, payload).await?,
        }
    }
    Ok(json!({ "batchItemFailures": failures }))
}

fn wanted(reading: &Reading) -> Result<&TrackKey, String> {
    match &reading.meaning {
        Meaning::Signal(Subject::Wake { track }) => Ok(track),
        Meaning::Signal(subject) => Err(format!("{subject}, on a queue that only wakes hands")),
        Meaning::Ignored(why) => Err(why.to_string()),
        Meaning::Quarantine(why) => Err(why.to_string()),
    }
}
