//! What each Lambda function does with a payload. A function's `main` only wires these to AWS; the simulation runs
//! the very same.

use databases::alert;
use intake::{Meaning, Subject};
use model::effect::{Effect, Hand, Promise};
use model::ids::BuildId;
use model::signal::Signal;
use model::track::Track;
use serde_json::{Value, json};

use crate::advance::advance;
use crate::failure::Failure;
use crate::hand::{said, work};
use crate::ports::{
    Agenda, BuildService, Builds, Clock, Fleet, Images, NoticeQueue, Patrol, People, Policy, Quarantine,
    Queues, Records, Registry, ReplyKey, Services, Sources, Stacks, Templates, Tracks, Watches,
};
use crate::push::{Hint, push as push_hint};
use crate::{alerts, announce, approval as approvals, builds, deployment, plan, posture, sweep as sweeping};

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

/// Replies on the approval topic.
pub async fn approval<P>(ports: &P, payload: &[u8]) -> Result<Value, Failure>
where
    P: Tracks + Queues + Records + ReplyKey + Quarantine + Clock,
{
    hear(ports, "approval", payload, async |subject| {
        if let Subject::Reply(reply) = subject {
            return approvals::reply(ports, reply).await.map(Some);
        }
        let Subject::PipelineApproval(_) = subject else { return Ok(None) };
        Ok(Some("ignored: pipeline approvals are answered in CodePipeline".to_owned()))
    })
    .await
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

/// Events of RDS and DMS, by EventBridge or by their own subscriptions.
pub async fn database<P>(ports: &P, payload: &[u8]) -> Result<Value, Failure>
where
    P: Watches + NoticeQueue + Quarantine + Clock,
{
    hear(ports, "database", payload, async |subject| {
        let Subject::Database(news) = subject else { return Ok(None) };
        let meant = alert::of_database(news, ports.now());
        alerts::heard(ports, alert::key_of_database(news), &meant).await.map(Some)
    })
    .await
}

/// The schedule, which has every database looked at; RDS's events, which have that one looked at; AWS Backup's events.
pub async fn backups<P>(ports: &P, payload: &[u8]) -> Result<Value, Failure>
where
    P: Fleet + Policy + Watches + NoticeQueue + Quarantine + Clock,
{
    hear(ports, "backups", payload, async |subject| {
        if let Subject::Backup(news) = subject {
            let meant = alert::of_backup(news, ports.now());
            return alerts::heard(ports, alert::key_of_backup(news), &meant).await.map(Some);
        }
        if let Subject::Sweep = subject {
            return posture::look_at_all(ports).await.map(Some);
        }
        let Subject::Database(news) = subject else { return Ok(None) };
        let kind = match alert::kind_of_database(news) {
            Some(kind) => kind,
            None => return Ok(Some(format!("ignored: {subject}, which is seen with the next look at all"))),
        };
        posture::look_at(ports, kind, &news.name).await.map(Some)
    })
    .await
}

/// The builder's queue.
pub async fn builder<P>(ports: &P, payload: &[u8]) -> Result<Value, Failure>
where
    P: Tracks + Queues + Builds + BuildService + Images + Records + Quarantine + Clock,
{
    serve(ports, Hand::Builder, payload, async |subject| {
        let Subject::Wake { track } = subject else { return None };
        Some(
            work(ports, Hand::Builder, track, async |t, promise| builds::perform(ports, t, promise).await)
                .await,
        )
    })
    .await
}

/// The deployer's queue.
pub async fn deployer<P>(ports: &P, payload: &[u8]) -> Result<Value, Failure>
where
    P: Tracks + Queues + Stacks + Services + Sources + Records + Templates + Quarantine + Clock,
{
    serve(ports, Hand::Deployer, payload, async |subject| {
        let Subject::Wake { track } = subject else { return None };
        Some(
            work(ports, Hand::Deployer, track, async |t, promise| deploy_effect(ports, t, promise).await)
                .await,
        )
    })
    .await
}

/// The notifier's queue.
pub async fn notify<P>(ports: &P, payload: &[u8]) -> Result<Value, Failure>
where
    P: Tracks + Queues + People + ReplyKey + Watches + NoticeQueue + Quarantine + Clock,
{
    serve(ports, Hand::Notify, payload, async |subject| {
        if let Subject::Notices { database } = subject {
            return Some(alerts::tell(ports, database).await);
        }
        let Subject::Wake { track } = subject else { return None };
        Some(
            work(ports, Hand::Notify, track, async |t, promise| announce::perform(ports, t, promise).await)
                .await,
        )
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
    P: Stacks + Services + Sources + Records + Templates + Clock,
{
    let done = || Signal::Done { key: promise.key.clone() };
    match &promise.effect {
        Effect::Plan => plan::plan(ports, track, promise).await,
        Effect::Execute => deployment::execute(ports, track, promise).await,
        Effect::LookAtDeployment => Ok(deployment::look(ports, track).await?.unwrap_or_else(done)),
        Effect::DiscardPlan { change_set } => {
            ports.delete_change_set(&track.key.stack(), change_set).await?;
            Ok(done())
        }
        Effect::StartBuild
        | Effect::LookAtBuild { .. }
        | Effect::LeaveBuild { .. }
        | Effect::Announce { .. } => Ok(done()),
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

/// A hand's batch of SQS messages: only those that failed come again. `handle` answers `None` to what is not this
/// hand's.
async fn serve<P: Quarantine>(
    ports: &P,
    hand: Hand,
    payload: &[u8],
    handle: impl AsyncFn(&Subject) -> Option<Result<(), Failure>>,
) -> Result<Value, Failure> {
    let mut failures = Vec::new();
    for reading in intake::read(payload) {
        let why = match &reading.meaning {
            Meaning::Signal(subject) => match handle(subject).await {
                Some(Ok(())) => {
                    tracing::info!(?hand, %subject, "handled");
                    continue;
                }
                Some(Err(failure)) => {
                    tracing::warn!(?hand, %subject, %failure, "comes again");
                    match &reading.record {
                        Some(record) => failures.push(json!({ "itemIdentifier": record })),
                        None => return Err(failure),
                    }
                    continue;
                }
                None => format!("{subject}, on a queue that only wakes hands"),
            },
            Meaning::Ignored(why) => why.to_string(),
            Meaning::Quarantine(why) => why.to_string(),
        };
        ports.quarantine(&format!("{hand:?}").to_lowercase(), &why, payload).await?;
    }
    Ok(json!({ "batchItemFailures": failures }))
}
