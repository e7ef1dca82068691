//! What each Lambda function does with a payload. A function's `main` only wires these to AWS; the simulation runs
//! the very same.

use databases::alert;
use intake::{Function, Given, Meaning, Reading, Subject};
use model::drill::COPY_PREFIX;
use model::effect::{Effect, Hand, Promise};
use model::ids::BuildId;
use model::signal::Signal;
use model::track::Track;
use serde_json::{Value, json};

use crate::advance::advance;
use crate::failure::Failure;
use crate::hand::{said, work};
use crate::ports::{
    Agenda, BuildService, Builds, Callers, Channels, Clock, Databases, Door, DrillChecks, DrillTable,
    Errands, Images, Letters, Listeners, Logs, NoticeQueue, Patrol, People, PipelineNotices, PipelineTable,
    Pipelines, Policy, Quarantine, Queues, Records, Registry, ReplyKey, RestoreTests, Restores, Secrets,
    Services, Slack, SlackBoard, Snapshots, Sources, Stacks, Templates, Tracks, Watches,
};
use crate::push::{Hint, push as push_hint};
use crate::{
    alerts, announce, approval as approvals, builds, deployment, door, drills, errands, orders, pipelines,
    pipelines_told, plan, posture, promotion, repair, retirement, show, spoken, sweep as sweeping,
    validations,
};

/// CodeCommit's "Repository State Change", and the patrol's hints.
pub async fn push<P>(ports: &P, payload: &[u8]) -> Result<Value, Failure>
where
    P: Tracks + Listeners + Queues + Sources + Records + Registry + Templates + Quarantine + Clock,
{
    hear(ports, Function::Push, payload, async |subject| {
        let Subject::Branch { repository, branch, pushed_by, commit_hint } = subject else { return Ok(None) };
        let (pushed_by, commit) = (pushed_by.as_deref(), commit_hint.as_deref());
        push_hint(ports, &Hint { repository, branch, pushed_by, commit }).await.map(Some)
    })
    .await
}

/// CodeBuild's "Build State Change".
pub async fn build<P>(ports: &P, payload: &[u8]) -> Result<Value, Failure>
where
    P: Tracks + Queues + Builds + BuildService + Images + Logs + Quarantine + Clock,
{
    hear(ports, Function::Build, payload, async |subject| {
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
    P: Tracks + Queues + Builds + BuildService + Images + Logs + Quarantine + Clock,
{
    hear(ports, Function::Image, payload, async |subject| {
        let Subject::Image { build, .. } = subject else { return Ok(None) };
        build_moved(ports, build).await.map(Some)
    })
    .await
}

/// Replies on the approval topic, and orders that people give by invoking it; CodePipeline's requests on that topic, and
/// the clock, which has each of them looked at.
pub async fn approval<P>(ports: &P, payload: &[u8]) -> Result<Value, Failure>
where
    P: Tracks
        + Queues
        + Records
        + ReplyKey
        + Slack
        + Callers
        + Letters
        + People
        + Pipelines
        + PipelineTable
        + PipelineNotices
        + Quarantine
        + Clock,
{
    for reading in intake::read(payload) {
        if let Meaning::Ignored(why @ intake::Why::MalformedReply { .. }) = &reading.meaning {
            approvals::refuse(ports, None, &why.to_string()).await?;
        }
    }
    let heard = hear(ports, Function::Approval, payload, async |subject| {
        if let Subject::Reply(reply) = subject {
            return approvals::reply(ports, reply).await.map(Some);
        }
        if let Subject::Spoken { signed } = subject {
            return spoken::take(ports, signed).await.map(Some);
        }
        if let Subject::Order { given, proof } = subject {
            return Ok(Some(orders::take(ports, given, proof).await));
        }
        if let Subject::PipelineReply(reply) = subject {
            return pipelines::reply(ports, reply).await.map(Some);
        }
        if let Subject::Sweep = subject {
            return pipelines::go_on_all(ports).await.map(Some);
        }
        let Subject::PipelineApproval(asked) = subject else { return Ok(None) };
        pipelines::asked(ports, asked).await.map(Some)
    })
    .await;
    without_proof(payload, heard)
}

/// Lambda would keep what failed, and the proof with it (I9); whoever ordered hears it.
fn without_proof(payload: &[u8], heard: Result<Value, Failure>) -> Result<Value, Failure> {
    match heard {
        Err(failure) if intake::holds_a_proof(payload) => {
            Ok(json!({ "handled": [format!("failed: {failure}")] }))
        }
        heard => heard,
    }
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
    hear(ports, Function::Stack, payload, async |subject| {
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
    hear(ports, Function::Database, payload, async |subject| {
        let Subject::Database(news) = subject else { return Ok(None) };
        // What becomes of a drill's copy, its drill tells.
        if news.name.starts_with(COPY_PREFIX) {
            return Ok(Some(format!("ignored: {subject}, which is a drill's copy")));
        }
        let meant = alert::of_database(news, ports.now());
        alerts::heard(ports, alert::key_of_database(news), &meant).await.map(Some)
    })
    .await
}

/// The schedule, which has every database looked at and every drill gone on with; RDS's events, which have that one
/// looked at; ends of checks; people who want a drill; AWS Backup's events.
pub async fn backups<P>(ports: &P, payload: &[u8]) -> Result<Value, Failure>
where
    P: Databases
        + Snapshots
        + Policy
        + Watches
        + DrillTable
        + Restores
        + RestoreTests
        + DrillChecks
        + NoticeQueue
        + Records
        + Callers
        + Quarantine
        + Clock,
{
    let heard = hear(ports, Function::Backups, payload, async |subject| {
        if let Subject::Backup(news) = subject {
            let meant = alert::of_backup(news, ports.now());
            let heard = alerts::heard(ports, alert::key_of_backup(news), &meant).await?;
            return Ok(Some(match &news.restore_test {
                Some(job) => format!("{heard}; {}", validations::begin(ports, job).await?),
                None => heard,
            }));
        }
        if let Subject::Sweep = subject {
            // A record that cannot be read, or a list that is too long, must leave no copy behind; and neither may a drill
            // that fails keep databases from being looked at.
            let gone_on = drills::go_on_all(ports).await;
            let validated = validations::go_on_all(ports).await;
            let fleet = posture::look_at_all(ports).await?;
            let begun = drills::begin_due(ports, &fleet).await?;
            let untold = validations::begin_untold(ports, &fleet).await?;
            return Ok(Some(format!("{}; {}; {begun}; {}; {untold}", fleet.said, gone_on?, validated?)));
        }
        if let Subject::Drill(order) = subject {
            return drills::ordered(ports, order, None).await.map(Some);
        }
        if let Subject::Order { given: Given::Drill(order), proof } = subject {
            return drills::ordered(ports, order, Some(proof)).await.map(Some);
        }
        // The id is a drill's or a validation's; it is over to whoever does not know it.
        if let Subject::DrillChecked { drill } = subject {
            let said = drills::go_on(ports, drill).await?;
            return Ok(Some(format!("{said}; {}", validations::go_on(ports, drill).await?)));
        }
        if let Subject::DrillAnswered(answer) = subject {
            let said = drills::answered(ports, answer).await?;
            return Ok(Some(format!("{said}; {}", validations::answered(ports, answer).await?)));
        }
        let Subject::Database(news) = subject else { return Ok(None) };
        if news.name.starts_with(COPY_PREFIX) {
            return drills::copy_moved(ports, &news.name).await.map(Some);
        }
        let kind = match alert::kind_of_database(news) {
            Some(kind) => kind,
            None => return Ok(Some(format!("ignored: {subject}, which is seen with the next look at all"))),
        };
        posture::look_at(ports, kind, &news.name).await.map(Some)
    })
    .await;
    without_proof(payload, heard)
}

/// The builder's queue.
pub async fn builder<P>(ports: &P, payload: &[u8]) -> Result<Value, Failure>
where
    P: Tracks + Queues + Builds + BuildService + Images + Logs + Records + Quarantine + Clock,
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
    P: Tracks
        + Listeners
        + Queues
        + Stacks
        + Services
        + Errands
        + Logs
        + Secrets
        + Sources
        + Records
        + Templates
        + Databases
        + Quarantine
        + Clock,
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
    P: Tracks
        + Queues
        + People
        + Channels
        + ReplyKey
        + SlackBoard
        + Watches
        + NoticeQueue
        + PipelineTable
        + Quarantine
        + Clock,
{
    serve(ports, Hand::Notify, payload, async |subject| {
        if let Subject::Notices { database } = subject {
            return Some(alerts::tell(ports, database).await);
        }
        if let Subject::PipelineNotices { request } = subject {
            return Some(pipelines_told::tell(ports, request).await);
        }
        let Subject::Wake { track } = subject else { return None };
        Some(
            work(ports, Hand::Notify, track, async |t, promise| notify_effect(ports, t, promise).await).await,
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
    P: Tracks
        + Listeners
        + Queues
        + Stacks
        + Services
        + Errands
        + Logs
        + Secrets
        + Sources
        + Records
        + Templates
        + Databases
        + Clock,
{
    let done = || Signal::Done { key: promise.key.clone() };
    match &promise.effect {
        Effect::Plan => plan::plan(ports, track, promise).await,
        Effect::Execute => deployment::execute(ports, track, promise).await,
        Effect::Retire => retirement::delete(ports, track, promise).await,
        Effect::RunErrand => errands::run(ports, track, promise).await,
        Effect::LookAtErrand => errands::look(ports, track, promise).await,
        Effect::StopErrand { kind, key } => errands::stop(ports, track, promise, *kind, key).await,
        Effect::LookAtDeployment => Ok(deployment::look(ports, track).await?.unwrap_or_else(done)),
        Effect::StopDeployment => deployment::stop(ports, track, promise).await,
        Effect::GiveVerdict => deployment::give_verdict(ports, track, promise).await,
        Effect::Repair => repair::repair(ports, track, promise).await,
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

async fn notify_effect<P>(ports: &P, track: &Track, promise: &Promise) -> Result<Signal, Failure>
where
    P: Tracks + People + Channels + ReplyKey + SlackBoard + Clock,
{
    match &promise.effect {
        Effect::Show => show::show(ports, promise).await,
        Effect::StartBuild
        | Effect::LookAtBuild { .. }
        | Effect::LeaveBuild { .. }
        | Effect::Plan
        | Effect::DiscardPlan { .. }
        | Effect::Execute
        | Effect::Retire
        | Effect::RunErrand
        | Effect::LookAtErrand
        | Effect::StopErrand { .. }
        | Effect::LookAtDeployment
        | Effect::StopDeployment
        | Effect::GiveVerdict
        | Effect::Repair
        | Effect::Promote
        | Effect::Announce { .. } => announce::perform(ports, track, promise).await,
    }
}

/// A build moved: every track that wants it is told the same.
async fn build_moved<P>(ports: &P, id: &BuildId) -> Result<String, Failure>
where
    P: Tracks + Queues + Builds + BuildService + Images + Logs + Clock,
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
/// subject that is not this ear's. No message waits for another one: what failed comes again, the rest is done.
async fn hear<P: Quarantine>(
    ports: &P,
    function: Function,
    payload: &[u8],
    react: impl AsyncFn(&Subject) -> Result<Option<String>, Failure>,
) -> Result<Value, Failure> {
    let mut handled = Vec::new();
    let mut failed = Failed::default();
    for reading in intake::read(payload) {
        let outcome = match &reading.meaning {
            Meaning::Ignored(why) => Ok(format!("ignored: {why}")),
            // Whoever signed it waits for the answer, and mends it: nobody else has to.
            Meaning::Quarantine(why) if intake::holds_a_proof(payload) => Ok(format!("refused (400): {why}")),
            Meaning::Quarantine(why) => set_aside(ports, function, &why.to_string(), &reading, payload).await,
            Meaning::Signal(subject) => match react(subject).await {
                Ok(Some(said)) => Ok(said),
                Ok(None) => Ok(format!("ignored: {subject}, which is not for {function}")),
                // The clock's event holds nothing to be mended and sent again: it fails, and an alarm counts that.
                Err(Failure::Refused { call, why }) if *subject != Subject::Sweep => {
                    let why = format!("{subject}: {call} was refused: {why}");
                    set_aside(ports, function, &why, &reading, payload).await
                }
                Err(failure) => Err(failure),
            },
        };
        let said = outcome.unwrap_or_else(|failure| {
            let said = format!("failed: {failure}");
            failed.add(&reading, failure);
            said
        });
        tracing::info!(function = function.as_str(), %said, "handled");
        handled.push(said);
    }
    failed.answer(json!({ "handled": handled }))
}

/// A hand's batch of SQS messages: only those that failed come again. `handle` answers `None` to what is not this
/// hand's.
async fn serve<P: Quarantine>(
    ports: &P,
    hand: Hand,
    payload: &[u8],
    handle: impl AsyncFn(&Subject) -> Option<Result<(), Failure>>,
) -> Result<Value, Failure> {
    let function = function_of(hand);
    let mut failed = Failed::default();
    for reading in intake::read(payload) {
        let worked = match &reading.meaning {
            Meaning::Signal(subject) => match handle(subject).await {
                Some(worked) => worked.map(|()| tracing::info!(?hand, %subject, "handled")),
                None => {
                    let why = format!("{subject}, on a queue that only wakes hands");
                    aside(ports, function, &why, &reading, payload).await
                }
            },
            Meaning::Ignored(why) => aside(ports, function, &why.to_string(), &reading, payload).await,
            Meaning::Quarantine(why) => aside(ports, function, &why.to_string(), &reading, payload).await,
        };
        if let Err(failure) = worked {
            tracing::warn!(?hand, %failure, "comes again");
            failed.add(&reading, failure);
        }
    }
    failed.answer(json!({}))
}

/// Quarantines, and says so.
async fn aside<P: Quarantine>(
    ports: &P,
    function: Function,
    why: &str,
    reading: &Reading,
    payload: &[u8],
) -> Result<(), Failure> {
    let said = set_aside(ports, function, why, reading, payload).await?;
    tracing::info!(function = function.as_str(), %said, "handled");
    Ok(())
}

/// What of a payload has to come again.
#[derive(Default)]
struct Failed {
    /// SQS messages by id: their queue alone delivers them again.
    records: Vec<String>,
    /// The first failure of what has no record of its own: the whole payload comes again.
    payload: Option<Failure>,
}

impl Failed {
    fn add(&mut self, reading: &Reading, failure: Failure) {
        match &reading.record {
            Some(record) if self.records.contains(record) => {}
            Some(record) => self.records.push(record.clone()),
            None => {
                self.payload.get_or_insert(failure);
            }
        }
    }

    /// Source: Lambda guide, "Implementing partial batch responses with SQS".
    fn answer(self, mut answer: Value) -> Result<Value, Failure> {
        if let Some(failure) = self.payload {
            return Err(failure);
        }
        answer["batchItemFailures"] =
            self.records.iter().map(|record| json!({ "itemIdentifier": record })).collect();
        Ok(answer)
    }
}

/// Quarantines one message of the payload, without its neighbours. A person's answer leaves only the reason: it holds a
/// token (I9), and is never sent again. What CodePipeline asked is kept without its token.
async fn set_aside<P: Quarantine>(
    ports: &P,
    function: Function,
    why: &str,
    reading: &Reading,
    payload: &[u8],
) -> Result<String, Failure> {
    let alone = reading.record.as_deref().and_then(|record| intake::only_record(payload, record));
    let kept = intake::dead_letter::kept(function, alone.as_deref().unwrap_or(payload));
    ports.quarantine(function.as_str(), why, kept.as_deref()).await?;
    Ok(format!("quarantined: {why}"))
}

fn function_of(hand: Hand) -> Function {
    match hand {
        Hand::Builder => Function::Builder,
        Hand::Deployer => Function::Deployer,
        Hand::Notify => Function::Notify,
    }
}

#[cfg(test)]
#[path = "functions_tests.rs"]
mod tests;
