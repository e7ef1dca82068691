//! Manual approvals of CodePipeline: asked of the same people by the same rules, and answered there by
//! `PutApprovalResult`. A notification is a hint: CodePipeline is asked what waits, before a request is made of it and
//! again before every answer.

use intake::{PipelineApproval, Reply, ReplyAnswer};
use model::approval::{Answer, Ground, Identity, Nudged, Voice};
use model::ids::PipelineRequestId;
use model::pipeline::{End, Gate, How, Phase, Request, Seen, Told};
use model::time::{Span, Timestamp};

use crate::approval::{plain_text, refuse};
use crate::failure::Failure;
use crate::ports::{
    ActionRead, ActionStatus, ApprovalResult, Clock, CommitOnce, Once, People, PipelineNotices,
    PipelineTable, Pipelines, Put, Records, ReplyKey,
};
use crate::records::ground_of_pipeline;
use crate::reply_token::is_pipeline_token;
use crate::votes::stranger;

/// Lost races are decided anew this often; then the event's own retry, or the clock, takes over.
pub(crate) const ATTEMPTS_MAX: u32 = 8;
/// From a decision to its end there are three steps, and races are lost in between.
const STEPS_MAX: u32 = 8;
/// Of runs of actions, a hundred each: of one execution there are far fewer.
const PAGES_MAX: usize = 5;
/// Of requests in the table.
const REQUESTS_PAGES_MAX: usize = 50;
/// What ended is shown once more within this, should Slack have been down.
const SHOWN_AGAIN: Span = Span::hours(1);

/// An answer, and by what its giver is known.
pub(crate) struct Said<'a> {
    pub(crate) answer: Answer,
    pub(crate) reason: &'a str,
    pub(crate) by: By<'a>,
}

pub(crate) enum By<'a> {
    Identity(&'a Identity),
    /// Our own token of the request.
    Token(&'a str),
}

/// CodePipeline's notification.
pub(crate) async fn asked<P>(ports: &P, asked: &PipelineApproval) -> Result<String, Failure>
where
    P: Records + Pipelines + PipelineTable + PipelineNotices + Clock,
{
    let gate =
        Gate { pipeline: asked.pipeline.clone(), stage: asked.stage.clone(), action: asked.action.clone() };
    let ground = ground_of_pipeline(ports, &gate).await?;
    let token = asked.token.as_ref().map(|token| token.reveal());
    let waiting = waiting(ports, &gate, token).await?;
    if waiting.is_empty() {
        return Ok(format!("ignored: {gate} no longer waits for what was asked for"));
    }
    // Without its token it may be another that waits beside the one that was meant, and anybody may have sent it.
    let (words, expires) = match token {
        Some(_) => {
            let words = [&asked.custom_data, &asked.external_link, &asked.console_link];
            let words = words.into_iter().flatten().map(|words| plain_text(words)).collect();
            (words, asked.expires.as_deref().and_then(databases::time::read))
        }
        None => (Vec::new(), None),
    };
    let mut known = Vec::new();
    for waiting in waiting {
        let fresh = request(ports, &gate, &ground, waiting, (&words, expires)).await?;
        let reworded = remember(ports, &fresh).await?;
        if let Some(request) = ports.load_request(&fresh.id).await?
            && (reworded || request.is_untold())
        {
            ports.wake_to_tell_of(&fresh.id, request.version).await?;
        }
        known.push(fresh.id.to_string());
    }
    Ok(format!("{gate}: asked as {}", known.join(", ")))
}

/// As it is asked first.
async fn request<P: Pipelines + Clock>(
    ports: &P,
    gate: &Gate,
    ground: &Ground,
    waiting: Waiting,
    (words, expires): (&[String], Option<Timestamp>),
) -> Result<Request, Failure> {
    let Waiting { token, execution, id } = waiting;
    let fingerprint = gate.fingerprint(&token);
    let started_by =
        ports.pipeline_execution(&gate.pipeline, &execution).await?.and_then(|read| read.started_by);
    let mut request = Request {
        id: PipelineRequestId::of(&fingerprint),
        version: 1,
        gate: gate.clone(),
        fingerprint,
        execution,
        action_execution: id,
        started_by,
        words: words.to_vec(),
        asked_at: ports.now(),
        expires,
        required: 0,
        approvers: ground.record.approvers.clone(),
        votes: Vec::new(),
        nudged: Nudged::NotYet,
        phase: Phase::Open,
        told: Told::default(),
        shown: None,
        unanswered: 0,
    };
    request.required = request.required(ground);
    Ok(request)
}

/// Stores a request that is new. Where it was asked without words, the words of who has the token are added: whether
/// they were.
async fn remember<P: PipelineTable>(ports: &P, fresh: &Request) -> Result<bool, Failure> {
    for _ in 0..ATTEMPTS_MAX {
        let stored = ports.load_request(&fresh.id).await?;
        let reworded = stored.is_some();
        let next = match stored {
            None => fresh.clone(),
            Some(stored) if stored.is_over() || fresh.words.is_empty() || stored.words == fresh.words => {
                return Ok(false);
            }
            Some(stored) => Request {
                version: stored.version + 1,
                words: fresh.words.clone(),
                expires: fresh.expires,
                ..stored
            },
        };
        // Lost: another delivery of the same notification was faster.
        if ports.commit_request(&next, None).await? == CommitOnce::Written {
            return Ok(reworded);
        }
    }
    Err(raced(&fresh.id))
}

/// An action that waits, as far as it takes to answer it.
struct Waiting {
    token: String,
    execution: String,
    id: String,
}

/// Those that wait at this gate: the one with that token, or all where the notification had none.
async fn waiting<P: Pipelines>(ports: &P, gate: &Gate, token: Option<&str>) -> Result<Vec<Waiting>, Failure> {
    let Some(mut actions) = ports.pipeline_actions(&gate.pipeline).await? else { return Ok(Vec::new()) };
    let wanted = |read: ActionRead| {
        let is_here = read.stage == gate.stage && read.action == gate.action;
        let waits = is_here && read.status == ActionStatus::InProgress;
        let offered = read.token.filter(|offered| waits && token.is_none_or(|token| token == offered))?;
        Some(Waiting { token: offered, execution: read.execution?, id: read.id? })
    };
    let mut found: Vec<Waiting> = actions.drain(..).filter_map(wanted).collect();
    // Of executions in parallel only their runs tell.
    if found.is_empty() || token.is_none() {
        for read in runs(ports, &gate.pipeline, None).await?.into_iter().filter_map(wanted) {
            if found.iter().all(|known| known.token != read.token) {
                found.push(read);
            }
        }
    }
    Ok(found)
}

async fn runs<P: Pipelines>(
    ports: &P,
    pipeline: &str,
    execution: Option<&str>,
) -> Result<Vec<ActionRead>, Failure> {
    let (mut runs, mut page) = (Vec::new(), None);
    for _ in 0..PAGES_MAX {
        let read = ports.action_executions(pipeline, execution, page.as_deref()).await?;
        runs.extend(read.items);
        page = read.next;
        if page.is_none() {
            break;
        }
    }
    Ok(runs)
}

/// How the request stands in CodePipeline, and its token while it waits there.
async fn look<P: Pipelines>(ports: &P, request: &Request) -> Result<(Seen, Option<String>), Failure> {
    let Gate { pipeline, .. } = &request.gate;
    let Some(actions) = ports.pipeline_actions(pipeline).await? else { return Ok((Seen::Gone, None)) };
    let is_it = |read: &ActionRead| read.id.as_ref() == Some(&request.action_execution);
    let is_its_token = |token: &String| request.gate.fingerprint(token) == request.fingerprint;
    let told_all = |read: &ActionRead| {
        read.status != ActionStatus::InProgress || read.token.as_ref().is_some_and(is_its_token)
    };
    let read = match actions.into_iter().find(|read| is_it(read) && told_all(read)) {
        Some(read) => Some(read),
        None => runs(ports, pipeline, Some(&request.execution)).await?.into_iter().find(is_it),
    };
    let Some(read) = read else { return Ok((Seen::Gone, None)) };
    let how = match read.status {
        ActionStatus::InProgress => return Ok((Seen::Waits, read.token.filter(is_its_token))),
        ActionStatus::Succeeded => How::Succeeded,
        ActionStatus::Failed => How::Failed,
        ActionStatus::Abandoned => How::Abandoned { why: why_abandoned(ports, request).await? },
    };
    let [summary, by] = [read.summary, read.by].map(|text| text.map(|text| plain_text(&text)));
    Ok((Seen::Ended(End { how, summary, by, at: read.at }), None))
}

async fn why_abandoned<P: Pipelines>(ports: &P, request: &Request) -> Result<String, Failure> {
    let read = ports.pipeline_execution(&request.gate.pipeline, &request.execution).await?;
    Ok(match read.as_ref().map(|read| read.status.as_str()) {
        Some("Superseded") => "a newer execution took its place".to_owned(),
        Some("Stopped" | "Stopping") => "its execution was stopped".to_owned(),
        Some(status) => format!("its execution is {status}"),
        None => "its execution is gone".to_owned(),
    })
}

/// A reply on the approval topic.
pub(crate) async fn reply<P>(ports: &P, reply: &Reply<PipelineRequestId>) -> Result<String, Failure>
where
    P: Records + ReplyKey + Pipelines + PipelineTable + PipelineNotices + People + Clock,
{
    let (answer_given, reason) = match &reply.answer {
        ReplyAnswer::Approve => (Answer::Approve, ""),
        ReplyAnswer::Reject { reason } => (Answer::Reject, reason.as_str()),
    };
    let said =
        Said { answer: answer_given, reason: &plain_text(reason), by: By::Token(reply.token.reveal()) };
    match answer(ports, &reply.to, &said, None).await? {
        Ok(done) => Ok(done),
        Err(why) => {
            refuse(ports, Some(reply.to.as_str()), &why).await?;
            Ok(format!("{}: refused: {why}", reply.to))
        }
    }
}

/// What became of an answer, in words for whoever gave it; `Err`: it changed nothing.
pub(crate) async fn answer<P>(
    ports: &P,
    id: &PipelineRequestId,
    said: &Said<'_>,
    once: Option<&Once>,
) -> Result<Result<String, String>, Failure>
where
    P: Records + ReplyKey + Pipelines + PipelineTable + PipelineNotices + Clock,
{
    for _ in 0..ATTEMPTS_MAX {
        let unknown = || format!("There is no open request {id} that this is an answer to.");
        let Some(request) = ports.load_request(id).await? else { return Ok(Err(unknown())) };
        let ground = ground_of_pipeline(ports, &request.gate).await?;
        let voice = match said.by {
            By::Token(token) if is_pipeline_token(&ports.reply_key().await?, &request, token) => Voice::Reply,
            By::Token(_) => return Ok(Err(unknown())),
            By::Identity(identity) => match ground.directory.person(identity) {
                Some(person) => Voice::Verified { person: person.clone(), identity: Some(identity.clone()) },
                None => return Ok(Err(stranger(identity))),
            },
        };
        let (seen, _) = look(ports, &request).await?;
        let stands = request.after(&seen, ports.now());
        let next = match stands.answered(said.answer, &voice, said.reason, &ground, ports.now()) {
            Ok(next) => next,
            Err(why) => {
                // It may be over, or be decided and wait for whoever crashed.
                go_on(ports, id).await?;
                return Ok(Err(format!("Your answer to {id} changes nothing: {why}.")));
            }
        };
        let next = Request { version: request.version + 1, ..next };
        match ports.commit_request(&next, once).await? {
            CommitOnce::Written => {}
            CommitOnce::Lost => continue,
            CommitOnce::Spent => return Ok(Err(proof::Refusal::Spent.to_string())),
        }
        tracing::info!(request = %id, gate = %next.gate, by = %voice, votes = next.votes.len(), "answered");
        ports.wake_to_tell_of(id, next.version).await?;
        if next.phase == Phase::Open {
            return Ok(Ok(format!(
                "Your approval of {id} is recorded; {} more needed.",
                next.still_needed()
            )));
        }
        // The answer stands; the clock brings it to CodePipeline should this fail.
        return Ok(Ok(match go_on(ports, id).await {
            Ok(Some(over)) => format!("{}.", over.headline()),
            Ok(None) => format!("{id} was forgotten meanwhile."),
            Err(failure) => {
                tracing::warn!(request = %id, %failure, "CodePipeline is told later");
                format!("Your answer to {id} is recorded; CodePipeline could not be told yet, and will be.")
            }
        }));
    }
    Err(raced(id))
}

/// Looks, and does what is promised, until there is nothing to do but to wait.
pub(crate) async fn go_on<P>(ports: &P, id: &PipelineRequestId) -> Result<Option<Request>, Failure>
where
    P: Pipelines + PipelineTable + PipelineNotices + Clock,
{
    for _ in 0..STEPS_MAX {
        let Some(request) = ports.load_request(id).await? else { return Ok(None) };
        if request.is_over() {
            return Ok(Some(request));
        }
        let (seen, token) = look(ports, &request).await?;
        let mut next = request.after(&seen, ports.now());
        if let (false, Phase::Answering { answer, .. }) = (next.is_over(), &next.phase) {
            let Some(token) = token else {
                let why = format!("CodePipeline shows no token of {id}, which waits");
                return Err(Failure::transient("pipeline", why));
            };
            let (gate, summary) = (request.gate.clone(), request.summary());
            let result = ApprovalResult { gate, token, answer: *answer, summary };
            match ports.put_approval_result(&result).await? {
                Put::Taken => next = request.taken(ports.now()),
                // The next look says what became of it.
                Put::TooLate => continue,
            }
        }
        if next == request {
            return Ok(Some(request));
        }
        next.version += 1;
        if ports.commit_request(&next, None).await? == CommitOnce::Written {
            tracing::info!(request = %id, gate = %next.gate, stands = %next.headline(), "pipeline request moved");
            ports.wake_to_tell_of(id, next.version).await?;
            return Ok(Some(next));
        }
    }
    Err(raced(id))
}

/// The clock: what waits is looked at, what is promised is done, what was not told is told. One that fails holds up no
/// other.
pub(crate) async fn go_on_all<P>(ports: &P) -> Result<String, Failure>
where
    P: Pipelines + PipelineTable + PipelineNotices + Clock,
{
    let (mut open, mut failed, mut page) = (0, None, None);
    for _ in 0..REQUESTS_PAGES_MAX {
        let read = ports.requests(page.as_deref()).await?;
        for request in &read.items {
            open += u32::from(!request.is_over());
            if let Err(failure) = look_after(ports, request).await {
                tracing::warn!(request = %request.id, %failure, "gone on with later");
                failed.get_or_insert(failure);
            }
        }
        page = read.next;
        if page.is_none() {
            break;
        }
    }
    failed.map_or_else(|| Ok(format!("{open} pipelines wait for an answer")), Err)
}

async fn look_after<P>(ports: &P, request: &Request) -> Result<(), Failure>
where
    P: Pipelines + PipelineTable + PipelineNotices + Clock,
{
    let Some(stands) = go_on(ports, &request.id).await? else { return Ok(()) };
    let is_fresh = |at: Timestamp| ports.now().since(at) < SHOWN_AGAIN;
    let may_be_shown = match stands.phase {
        Phase::Open | Phase::Answering { .. } => true,
        Phase::Over { at, .. } => is_fresh(at),
    };
    if stands.is_untold() || may_be_shown {
        ports.wake_to_tell_of(&stands.id, stands.version).await?;
    }
    Ok(())
}

pub(crate) fn raced(id: &PipelineRequestId) -> Failure {
    Failure::transient("commit", format!("{id} was changed by others again and again"))
}
