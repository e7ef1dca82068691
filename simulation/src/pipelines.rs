//! CodePipeline's approvals in a world of their own, for they share nothing with tracks: functions `approval` and `notify`
//! beside a CodePipeline whose executions wait, expire, are superseded or are answered in its console; notifications that
//! are lost, late or come twice; people who click twice, who may not, or who reply with another request's token.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;

use databases::watch::Watch;
use engine::failure::Failure;
use engine::functions;
use engine::ports::{
    ActionRead, ActionStatus, ApprovalResult, Callers, Clock, Commit, CommitOnce, ExecutionRead, Letters,
    Message, NoticeQueue, Once, Page, People, PipelineNotices, PipelineTable, Pipelines, Place, Posted, Put,
    Quarantine, Queues, Records, ReplyKey, Slack, SlackApp, SlackBoard, Stored, Tracks, Watches,
};
use engine::show::Shown;
use intake::Care;
use intake::dead_letter::Dropped;
use model::approval::Answer as Said;
use model::database::DatabaseKey;
use model::decide::Advance;
use model::effect::Hand;
use model::ids::{EnvironmentName, PipelineRequestId, ReleaseId, RepositoryName, TrackKey};
use model::pipeline::{Ending, Gate, Phase, Request};
use model::release::Release;
use model::time::{Span, Timestamp};
use model::track::Track;
use serde_json::{Value, json};

use crate::coverage::Coverage;
use crate::executor::{Task, pause};
use crate::mutated::Mutated;
use crate::random::Random;
use crate::voters;
use crate::world::{HOUR, MINUTE, SECOND, START_MS};

/// What could be done wrong; each breaks I1 or I13.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PipelineFlaw {
    /// Whatever waits at the gate is answered.
    AnyTokenAnswered,
    /// An answer that came too late is taken for one that was taken.
    TooLateTakenForTaken,
    /// The environment's floor is not read.
    FloorIgnored,
}

impl PipelineFlaw {
    pub const ALL: [Self; 3] = [Self::AnyTokenAnswered, Self::TooLateTakenForTaken, Self::FloorIgnored];
}

/// What became of one seed.
#[derive(Debug, Clone, Default)]
pub struct PipelineReport {
    pub violations: Vec<String>,
    pub coverage: Coverage,
}

impl PipelineReport {
    pub(crate) fn of_panic(why: String) -> Self {
        Self { violations: vec![why], coverage: Coverage::default() }
    }
}

/// What a long run must meet, by kind and name.
pub(crate) const PIPELINES_MEET: &[(&str, &[&str])] = &[
    (
        "pipeline ending",
        &[
            "approved",
            "rejected",
            "approved there",
            "rejected there",
            "rejected there or expired",
            "expired",
            "abandoned",
        ],
    ),
    ("pipeline mode", &["superseded", "parallel"]),
    ("pipeline answer", &["taken", "too late", "taken late"]),
    (
        "pipeline fault",
        &[
            "answer lost",
            "answered there meanwhile",
            "click twice",
            "crash",
            "notification late",
            "notification lost",
            "notification twice",
            "slow",
            "throttled",
        ],
    ),
    ("pipeline person", &["approves", "rejects", "replies", "replies with another's token", "is nobody"]),
    ("pipeline race", &["request"]),
    (
        "pipeline call",
        &[
            "action_executions",
            "commit_request",
            "environment_records",
            "load_request",
            "pipeline_actions",
            "pipeline_execution",
            "put_approval_result",
            "requests",
            "wake_to_tell_of",
        ],
    ),
];

const PIPELINE: &str = "payments";
const STAGE: &str = "Approve";
const ACTION: &str = "Release";
/// By the name that the directory knows them by, and their id in Slack. Zoe is nobody.
const PEOPLE: [(&str, &str); 4] = [("ana", "U0001"), ("ben", "U0002"), ("cleo", "U0003"), ("zoe", "U0099")];
/// As `template.yaml` says.
const FUNCTION_MS_MAX: u64 = 30 * SECOND;
const SCHEDULE_MS: u64 = 5 * MINUTE;
const ATTEMPTS_MAX: u32 = 3;
const WAITS_MS: u64 = 6 * HOUR;
const QUIET_FROM_MS: u64 = 8 * HOUR;
const ENDS_WITHIN_MS: u64 = 20 * HOUR;
/// AWS takes a call that lost its answer so much later at most.
const TAKEN_LATE_MS: u64 = 10 * MINUTE;

/// One run.
pub fn pipeline_world(seed: u64, flaw: Option<PipelineFlaw>) -> PipelineReport {
    let world = Rc::new(RefCell::new(World::new(seed, flaw)));
    let mut tasks: BTreeMap<u64, (Task, u64, Invocation)> = BTreeMap::new();
    loop {
        let (now, id, what) = {
            let world = &mut *world.borrow_mut();
            let Some(((at, id), what)) = world.agenda.pop_first() else { break };
            world.now = at;
            if at > START_MS + ENDS_WITHIN_MS {
                break;
            }
            (at, id, what)
        };
        match what {
            What::Invoke(invocation) => {
                let ports = Ports { world: Rc::clone(&world) };
                let (bytes, to) = (invocation.payload.clone().into_bytes(), invocation.to);
                let task = Task::new(async move {
                    match to {
                        To::Approval => functions::approval(&ports, &bytes).await,
                        To::Notify => functions::notify(&ports, &bytes).await,
                    }
                });
                tasks.insert(id, (task, now + FUNCTION_MS_MAX, invocation));
                world.borrow_mut().later(0, What::Poll(id));
            }
            What::Poll(id) => {
                let Some((task, until, invocation)) = tasks.get_mut(&id) else { continue };
                let answered = if now < *until { task.run() } else { None };
                let world = &mut *world.borrow_mut();
                let failed = match &answered {
                    Some(Ok(answer)) => answer["batchItemFailures"].as_array().is_some_and(|f| !f.is_empty()),
                    Some(Err(_)) => true,
                    None => now >= *until || world.strikes("crash", 8),
                };
                if failed {
                    world.again(invocation);
                }
                if failed || answered.is_some() {
                    tasks.remove(&id);
                    continue;
                }
                let slow = world.strikes("slow", 10);
                let latency = if slow {
                    world.random.between(SECOND, 10 * SECOND)
                } else {
                    world.random.between(2, 40)
                };
                world.later(latency, What::Poll(id));
            }
            What::Clock => world.borrow_mut().clock(),
            What::Starts => world.borrow_mut().starts(),
            What::Expires(token) => world.borrow_mut().end(&token, End::Expired, None),
            What::Console { token, answer } => {
                let world = &mut *world.borrow_mut();
                let said = world.random.chance(500).then(|| "looks good".to_owned());
                world.end(&token, End::There(answer), said);
            }
            What::Taken(result) => {
                world.borrow_mut().put(&result);
            }
            What::Says(said) => world.borrow_mut().says(&said),
        }
    }
    let world = &mut *world.borrow_mut();
    world.rest();
    PipelineReport { violations: std::mem::take(&mut world.violations), coverage: world.coverage.clone() }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum To {
    Approval,
    Notify,
}

#[derive(Debug, Clone)]
struct Invocation {
    to: To,
    payload: String,
    attempt: u32,
}

/// What somebody says of a request.
#[derive(Debug, Clone)]
struct Spoken {
    request: String,
    answer: Said,
    by: By,
}

#[derive(Debug, Clone)]
enum By {
    Click {
        name: &'static str,
        slack: &'static str,
    },
    /// `is_its`: the token is this request's.
    Reply {
        token: String,
        is_its: bool,
    },
}

enum What {
    Invoke(Invocation),
    Poll(u64),
    Clock,
    /// An execution comes to the gate.
    Starts,
    Expires(String),
    Console {
        token: String,
        answer: Said,
    },
    /// An answer that lost its own answer is taken now.
    Taken(ApprovalResult),
    Says(Spoken),
}

/// How an approval ended in truth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Ours(Said),
    There(Said),
    Expired,
    Superseded,
}

/// A run of the action.
#[derive(Debug, Clone)]
struct Run {
    token: String,
    execution: String,
    id: String,
    started_by: String,
    end: Option<(End, u64)>,
    summary: Option<String>,
}

/// What was said of a request until now.
#[derive(Debug, Clone, Default)]
struct Voices {
    approve: BTreeSet<&'static str>,
    reject: BTreeSet<&'static str>,
    reply: BTreeSet<&'static str>,
}

struct World {
    now: u64,
    random: Random,
    flaw: Option<PipelineFlaw>,
    agenda: BTreeMap<(u64, u64), What>,
    next_id: u64,
    parallel: bool,
    approvals: u32,
    replies: bool,
    runs: Vec<Run>,
    table: BTreeMap<PipelineRequestId, Request>,
    said: BTreeMap<String, Voices>,
    /// Tokens that requests were told with.
    tokens: BTreeMap<String, String>,
    ends_told: BTreeMap<String, Vec<String>>,
    /// What was sent within the queue's interval of deduplication.
    sent: VecDeque<(u64, String)>,
    coverage: Coverage,
    violations: Vec<String>,
}

fn gate() -> Gate {
    Gate { pipeline: PIPELINE.to_owned(), stage: STAGE.to_owned(), action: ACTION.to_owned() }
}

fn request_of(token: &str) -> PipelineRequestId {
    PipelineRequestId::of(&gate().fingerprint(token))
}

impl World {
    fn new(seed: u64, flaw: Option<PipelineFlaw>) -> Self {
        let mut random = Random::new(seed ^ 0x9199);
        let parallel = random.chance(400);
        let approvals = random.between(0, 2) as u32;
        let replies = random.chance(500);
        let mut world = Self {
            now: START_MS,
            random,
            flaw,
            agenda: BTreeMap::new(),
            next_id: 0,
            parallel,
            approvals,
            replies,
            runs: Vec::new(),
            table: BTreeMap::new(),
            said: BTreeMap::new(),
            tokens: BTreeMap::new(),
            ends_told: BTreeMap::new(),
            sent: VecDeque::new(),
            coverage: Coverage::default(),
            violations: Vec::new(),
        };
        world.coverage.hit("pipeline mode", if parallel { "parallel" } else { "superseded" });
        world.later(0, What::Clock);
        for _ in 0..world.random.between(1, 4) {
            let at = world.random.between(0, 3 * HOUR);
            world.later(at, What::Starts);
        }
        world
    }

    fn later(&mut self, delay_ms: u64, what: What) {
        self.next_id += 1;
        self.agenda.insert((self.now + delay_ms, self.next_id), what);
    }

    fn invoke(&mut self, delay_ms: u64, to: To, payload: String) {
        self.later(delay_ms, What::Invoke(Invocation { to, payload, attempt: 1 }));
    }

    /// Lambda tries an event again, and a queue its message; in the end it lies where a person finds it.
    fn again(&mut self, failed: &Invocation) {
        if failed.attempt < ATTEMPTS_MAX || failed.to == To::Notify {
            let delay = self.random.between(30 * SECOND, 2 * MINUTE);
            self.later(delay, What::Invoke(Invocation { attempt: failed.attempt + 1, ..failed.clone() }));
        }
    }

    /// Whether a fault strikes; none does once all is quiet.
    fn strikes(&mut self, fault: &'static str, per_mille: u64) -> bool {
        let strikes = self.random.chance(per_mille) && self.now < START_MS + QUIET_FROM_MS;
        if strikes {
            self.coverage.hit("pipeline fault", fault);
        }
        strikes
    }

    fn wrong(&mut self, what: impl std::fmt::Display) {
        self.violations.push(format!("I13: {what}"));
    }

    fn clock(&mut self) {
        let payload = json!({ "source": "aws.events", "detail-type": "Scheduled Event", "detail": {} });
        self.invoke(0, To::Approval, payload.to_string());
        let waits = self.table.values().any(|request| !request.is_over() || request.is_untold());
        if self.now < START_MS + QUIET_FROM_MS + HOUR || waits {
            self.later(SCHEDULE_MS, What::Clock);
        }
    }

    fn starts(&mut self) {
        let n = self.runs.len();
        let drawn = self.random.next();
        let token = format!("{:08x}-0000-4000-8000-{n:012x}", drawn as u32);
        let started_by = if self.random.chance(500) {
            crate::events::pusher()
        } else {
            "arn:aws:events:eu-west-1:123456789012:rule/push".to_owned()
        };
        if !self.parallel {
            let waiting: Vec<String> =
                self.runs.iter().filter(|run| run.end.is_none()).map(|run| run.token.clone()).collect();
            waiting.iter().for_each(|token| self.end(token, End::Superseded, None));
        }
        self.runs.push(Run {
            token: token.clone(),
            execution: format!("execution-{n}"),
            id: format!("action-{n}"),
            started_by,
            end: None,
            summary: None,
        });
        let expires = self.now + WAITS_MS;
        self.later(WAITS_MS + 30 * SECOND, What::Expires(token.clone()));
        if self.random.chance(250) {
            let answer = if self.random.chance(500) { Said::Approve } else { Said::Reject };
            let at = self.random.between(MINUTE, 3 * HOUR);
            self.later(at, What::Console { token: token.clone(), answer });
        }
        self.notify(&token, expires);
    }

    /// As CodePipeline's notification comes by SNS. Of parallel executions it may have no token.
    fn notify(&mut self, token: &str, expires: u64) {
        if self.strikes("notification lost", 100) {
            return;
        }
        let mut approval = json!({
            "pipelineName": PIPELINE, "stageName": STAGE, "actionName": ACTION, "token": token,
            "expires": databases::time::shown(Timestamp(expires / MINUTE * MINUTE)).replace(' ', "T"),
            "externalEntityLink": null, "customData": "Look at the change set first.",
        });
        if self.parallel && self.random.chance(500) {
            approval["token"] = Value::Null;
        }
        let message = json!({ "region": "eu-west-1", "approval": approval }).to_string();
        let payload = json!({ "Records": [{ "EventSource": "aws:sns", "Sns": { "Message": message } }] });
        let copies = if self.strikes("notification twice", 200) { 2 } else { 1 };
        for _ in 0..copies {
            let late = self.strikes("notification late", 150);
            let delay = self.random.between(SECOND, if late { 5 * HOUR } else { 5 * SECOND });
            self.invoke(delay, To::Approval, payload.to_string());
        }
    }

    /// Only what waits can end, and once.
    fn end(&mut self, token: &str, end: End, summary: Option<String>) {
        let now = self.now;
        if let Some(run) = self.runs.iter_mut().find(|run| run.token == token && run.end.is_none()) {
            run.end = Some((end, now));
            run.summary = summary;
        }
    }

    /// `PutApprovalResult`, as CodePipeline takes it.
    fn put(&mut self, result: &ApprovalResult) -> Put {
        let id = request_of(&result.token);
        if result.gate != gate() || !result.summary.ends_with(&format!("(Tidegate {id})")) {
            self.wrong(format!("what was said of another request is the answer to {id}: {}", result.summary));
        }
        let waits = |run: &&Run| run.token == result.token && run.end.is_none();
        let Some(run) = self.runs.iter().find(waits).cloned() else {
            self.coverage.hit("pipeline answer", "too late");
            return Put::TooLate;
        };
        self.coverage.hit("pipeline answer", "taken");
        if let Some(why) = self.lacks_voices(&id, &run, result.answer) {
            self.violations.push(format!("I1: {why}"));
        }
        self.end(&result.token, End::Ours(result.answer), Some(result.summary.clone()));
        Put::Taken
    }

    /// Counted from what people said, in other words than the product's.
    fn lacks_voices(&mut self, id: &PipelineRequestId, run: &Run, answer: Said) -> Option<String> {
        self.coverage.hit("checked", "I13");
        let said = self.said.get(id.as_str()).cloned().unwrap_or_default();
        if answer == Said::Reject {
            let somebody = !said.reject.is_empty() || said.reply.contains("reject");
            return (!somebody).then(|| format!("{id} is rejected, and nobody who is known did"));
        }
        let starter = (run.started_by == crate::events::pusher()).then_some("ana");
        let needed = self.approvals.max(1) + u32::from(starter.is_none() && self.approvals > 0);
        let people = said.approve.iter().filter(|name| starter != Some(**name)).count() as u32;
        let reply = u32::from(self.replies && said.reply.contains("approve"));
        let counted = people + reply;
        (counted < needed).then(|| format!("{id} is approved with {counted} of {needed} voices"))
    }

    /// People hear of a request, and answer it or not.
    fn hears(&mut self, request: &str, token: &str) {
        self.tokens.insert(request.to_owned(), token.to_owned());
        for (name, slack) in PEOPLE {
            if !self.random.chance(450) {
                continue;
            }
            let answer = if self.random.chance(100) { Said::Reject } else { Said::Approve };
            let spoken = Spoken { request: request.to_owned(), answer, by: By::Click { name, slack } };
            self.speaks(spoken);
        }
        if self.random.chance(200) {
            let other = self.tokens.values().find(|known| **known != token).cloned();
            let (token, is_its) = match other.filter(|_| self.random.chance(400)) {
                Some(other) => (other, false),
                None => (token.to_owned(), true),
            };
            let answer = if self.random.chance(300) { Said::Reject } else { Said::Approve };
            self.speaks(Spoken { request: request.to_owned(), answer, by: By::Reply { token, is_its } });
        }
    }

    fn speaks(&mut self, spoken: Spoken) {
        let longest = *self.random.pick(&[10 * SECOND, 2 * MINUTE, HOUR, 4 * HOUR]);
        let delay = self.random.between(5 * SECOND, longest);
        let times = if self.strikes("click twice", 150) { 2 } else { 1 };
        for again in 0..times {
            self.later(delay + again * 10 * SECOND, What::Says(spoken.clone()));
        }
    }

    fn says(&mut self, spoken: &Spoken) {
        let Spoken { request, answer, by } = spoken;
        let verb = match answer {
            Said::Approve => "approve",
            Said::Reject => "reject",
        };
        let voices = self.said.entry(request.clone()).or_default();
        let (payload, what) = match by {
            By::Click { name, slack } => {
                let is_known = *name != "zoe";
                let list = if *answer == Said::Approve { &mut voices.approve } else { &mut voices.reject };
                if is_known {
                    list.insert(name);
                }
                let what = match answer {
                    _ if !is_known => "is nobody",
                    Said::Approve => "approves",
                    Said::Reject => "rejects",
                };
                (voters::click(self.now, slack, verb, request), what)
            }
            By::Reply { token, is_its } => {
                if *is_its {
                    voices.reply.insert(verb);
                }
                let message = format!("{verb} {request} {token}");
                let payload =
                    json!({ "Records": [{ "EventSource": "aws:sns", "Sns": { "Message": message } }] });
                let what = if *is_its { "replies" } else { "replies with another's token" };
                (payload.to_string().into_bytes(), what)
            }
        };
        self.coverage.hit("pipeline person", what);
        self.invoke(0, To::Approval, String::from_utf8_lossy(&payload).into_owned());
    }

    fn rest(&mut self) {
        self.coverage.hit("checked", "I13");
        let requests: Vec<Request> = self.table.values().cloned().collect();
        for request in requests {
            let id = &request.id;
            let run = self.runs.iter().find(|run| request_of(&run.token) == *id).cloned();
            let truth = run.and_then(|run| run.end).map(|(end, _)| end);
            let Phase::Over { ending, .. } = &request.phase else {
                self.wrong(format!("{id} is not over: {:?}; in truth {truth:?}", request.phase));
                continue;
            };
            let (name, is_true) = match ending {
                Ending::Approved => ("approved", truth == Some(End::Ours(Said::Approve))),
                Ending::Rejected { .. } => ("rejected", truth == Some(End::Ours(Said::Reject))),
                Ending::AnsweredThere { answer, .. } => {
                    let name = if *answer == Said::Approve { "approved there" } else { "rejected there" };
                    (name, truth == Some(End::There(*answer)))
                }
                Ending::Expired => ("expired", truth == Some(End::Expired)),
                Ending::RefusedOrExpired => (
                    "rejected there or expired",
                    matches!(truth, Some(End::Expired | End::There(Said::Reject))),
                ),
                Ending::Abandoned { .. } => ("abandoned", truth == Some(End::Superseded)),
                Ending::Gone => ("gone", false),
            };
            self.coverage.hit("pipeline ending", name);
            if !is_true {
                self.wrong(format!("{id} is called {name}; in truth {truth:?}"));
            }
            let mut told = self.ends_told.get(id.as_str()).cloned().unwrap_or_default();
            // A crash after the telling tells it again, in the same words.
            told.dedup();
            if told.len() != 1 || !request.told.ended {
                self.wrong(format!("the end of {id} is told as {told:?}"));
            }
        }
    }

    fn read(&self, run: &Run, in_state: bool) -> ActionRead {
        let status = match run.end {
            None => ActionStatus::InProgress,
            Some((End::Ours(Said::Approve) | End::There(Said::Approve), _)) => ActionStatus::Succeeded,
            Some((End::Ours(Said::Reject) | End::There(Said::Reject) | End::Expired, _)) => {
                ActionStatus::Failed
            }
            Some((End::Superseded, _)) => ActionStatus::Abandoned,
        };
        let shows_token = if in_state { !self.parallel && run.end.is_none() } else { self.parallel };
        ActionRead {
            stage: STAGE.to_owned(),
            action: ACTION.to_owned(),
            execution: Some(run.execution.clone()),
            id: Some(run.id.clone()),
            status,
            token: shows_token.then(|| run.token.clone()),
            summary: run.summary.clone(),
            by: matches!(run.end, Some((End::There(_), _))).then(crate::events::pusher),
            at: run.end.map(|(_, at)| Timestamp(at)),
        }
    }
}

struct Ports {
    world: Rc<RefCell<World>>,
}

type Answer<T> = Result<T, Failure>;

impl Ports {
    /// Pauses before and after the effect; may be turned away before it, or lose its answer after it.
    async fn call<T>(&self, call: &'static str, effect: impl FnOnce(&mut World) -> Answer<T>) -> Answer<T> {
        pause().await;
        if self.world.borrow_mut().strikes("throttled", 10) {
            return Err(Failure::transient(call, "Throttling: Rate exceeded"));
        }
        let answer = {
            let world = &mut *self.world.borrow_mut();
            world.coverage.hit("pipeline call", call);
            effect(world)
        };
        pause().await;
        if self.world.borrow_mut().strikes("answer lost", 10) {
            return Err(Failure::Unknown { call, source: "connection reset".into() });
        }
        answer
    }

    fn has(&self, flaw: PipelineFlaw) -> bool {
        self.world.borrow().flaw == Some(flaw)
    }
}

impl Clock for Ports {
    fn now(&self) -> Timestamp {
        Timestamp(self.world.borrow().now)
    }
}

impl Pipelines for Ports {
    async fn pipeline_actions(&self, _: &str) -> Answer<Option<Vec<ActionRead>>> {
        self.call("pipeline_actions", |world| {
            Ok(Some(world.runs.last().map(|run| world.read(run, true)).into_iter().collect()))
        })
        .await
    }

    async fn action_executions(
        &self,
        _: &str,
        execution: Option<&str>,
        page: Option<&str>,
    ) -> Answer<Page<ActionRead>> {
        self.call("action_executions", |world| {
            let of = |run: &&Run| execution.is_none_or(|execution| run.execution == execution);
            let all: Vec<ActionRead> =
                world.runs.iter().rev().filter(of).map(|run| world.read(run, false)).collect();
            // One a page, so that pages are turned.
            let at: usize = page.and_then(|page| page.parse().ok()).unwrap_or(0);
            let next = (at + 1 < all.len()).then(|| (at + 1).to_string());
            Ok(Page { items: all.into_iter().skip(at).take(1).collect(), next })
        })
        .await
    }

    async fn pipeline_execution(&self, _: &str, execution: &str) -> Answer<Option<ExecutionRead>> {
        self.call("pipeline_execution", |world| {
            Ok(world.runs.iter().find(|run| run.execution == execution).map(|run| ExecutionRead {
                status: match run.end {
                    Some((End::Superseded, _)) => "Superseded".to_owned(),
                    Some(_) | None => "InProgress".to_owned(),
                },
                started_by: Some(run.started_by.clone()),
            }))
        })
        .await
    }

    async fn put_approval_result(&self, result: &ApprovalResult) -> Answer<Put> {
        let mut result = result.clone();
        if self.has(PipelineFlaw::AnyTokenAnswered)
            && let Some(run) = self.world.borrow().runs.iter().rfind(|run| run.end.is_none())
        {
            result.token = run.token.clone();
        }
        let flawed = self.has(PipelineFlaw::TooLateTakenForTaken);
        self.call("put_approval_result", |world| {
            if world.random.chance(30) {
                world.coverage.hit("pipeline answer", "taken late");
                let late = world.random.between(SECOND, TAKEN_LATE_MS);
                world.later(late, What::Taken(result.clone()));
                return Err(Failure::Unknown { call: "put_approval_result", source: "timed out".into() });
            }
            if world.strikes("answered there meanwhile", 60) {
                let answer = if world.random.chance(500) { Said::Approve } else { Said::Reject };
                world.end(&result.token, End::There(answer), None);
            }
            let put = world.put(&result);
            Ok(if flawed { Put::Taken } else { put })
        })
        .await
    }
}

impl PipelineTable for Ports {
    async fn load_request(&self, id: &PipelineRequestId) -> Answer<Option<Request>> {
        self.call("load_request", |world| Ok(world.table.get(id).cloned())).await
    }

    async fn commit_request(&self, request: &Request, _: Option<&Once>) -> Answer<CommitOnce> {
        self.call("commit_request", |world| {
            let stored = world.table.get(&request.id);
            if stored.map_or(0, |stored| stored.version) + 1 != request.version {
                world.coverage.hit("pipeline race", "request");
                return Ok(CommitOnce::Lost);
            }
            let was_over = stored.filter(|stored| stored.is_over()).map(|stored| stored.phase.clone());
            if was_over.is_some_and(|phase| phase != request.phase) {
                world.wrong(format!("the ending of {} changes", request.id));
            }
            world.table.insert(request.id.clone(), request.clone());
            Ok(CommitOnce::Written)
        })
        .await
    }

    async fn requests(&self, _: Option<&str>) -> Answer<Page<Request>> {
        self.call("requests", |world| Ok(Page { items: world.table.values().cloned().collect(), next: None }))
            .await
    }
}

impl PipelineNotices for Ports {
    async fn wake_to_tell_of(&self, id: &PipelineRequestId, version: u64) -> Answer<()> {
        self.call("wake_to_tell_of", |world| {
            let now = world.now;
            world.sent.retain(|(at, _)| now - at < 5 * MINUTE);
            let deduplication = format!("{id}-{version}-{}", now / MINUTE);
            if world.sent.iter().any(|(_, sent)| *sent == deduplication) {
                return Ok(());
            }
            world.sent.push_back((now, deduplication));
            let body = json!({ "pipeline": id.as_str() }).to_string();
            world.next_id += 1;
            let payload = crate::events::queued("NotifyQueue.fifo", world.next_id, &body);
            world.invoke(20, To::Notify, String::from_utf8_lossy(&payload).into_owned());
            Ok(())
        })
        .await
    }
}

impl People for Ports {
    async fn publish(&self, message: &Message) -> Answer<()> {
        let said: Value = serde_json::from_str(&message.json).unwrap_or_default();
        self.call("publish", |world| {
            let text = |key: &str| said[key].as_str().unwrap_or_default().to_owned();
            match text("notice").as_str() {
                "pipelineApprovalRequested" => world.hears(&text("request"), &text("token")),
                "pipelineApprovalEnded" => {
                    world.ends_told.entry(text("request")).or_default().push(message.subject.clone());
                }
                _ => {}
            }
            Ok(())
        })
        .await
    }

    async fn post_to_slack(&self, _: &str) -> Answer<()> {
        Ok(())
    }
}

impl Records for Ports {
    async fn service_record(&self, _: &RepositoryName) -> Answer<Option<Stored>> {
        Ok(None)
    }

    async fn environment_record(&self, _: &EnvironmentName) -> Answer<Option<Stored>> {
        Ok(None)
    }

    async fn people_record(&self) -> Answer<Option<Stored>> {
        let body = voters::people_record().to_string();
        self.call("people_record", |_| Ok(Some(Stored { body, version: 1 }))).await
    }

    async fn environment_records(&self, _: Option<&str>) -> Answer<Page<(String, Stored)>> {
        let ignored = self.has(PipelineFlaw::FloorIgnored);
        self.call("environment_records", |world| {
            let approvals = if ignored { 0 } else { world.approvals };
            let record = json!({
                "cluster": "shared", "vpcId": "vpc-1", "subnets": ["subnet-1"], "template": "stacks/service.yaml",
                "permissionsBoundaryArn": "arn:aws:iam::123456789012:policy/boundary",
                "floor": { "approvals": approvals, "replies": world.replies },
                "pipelines": [PIPELINE],
            });
            let stored = Stored { body: record.to_string(), version: 1 };
            Ok(Page { items: vec![("production".to_owned(), stored)], next: None })
        })
        .await
    }
}

impl Slack for Ports {
    async fn slack_app(&self) -> Answer<Option<SlackApp>> {
        self.call("slack_app", |_| Ok(Some(voters::app()))).await
    }

    async fn answer_in_slack(&self, _: &slack::AnswerTo, _: &str) -> Answer<()> {
        Ok(())
    }
}

impl SlackBoard for Ports {
    async fn shown(&self, _: &ReleaseId) -> Answer<Option<Shown>> {
        Ok(None)
    }

    async fn remember_shown(&self, _: &ReleaseId, _: &Shown) -> Answer<()> {
        Ok(())
    }

    async fn post_message(&self, _: &Value) -> Answer<Posted> {
        let place = Place { channel: "C1".to_owned(), ts: "1".to_owned() };
        self.call("post_message", |_| Ok(Posted::There(place))).await
    }

    async fn update_in_slack(&self, place: &Place, _: &Value) -> Answer<Posted> {
        self.call("update_in_slack", |_| Ok(Posted::There(place.clone()))).await
    }

    async fn reply_in_slack(&self, place: &Place, _: &Value) -> Answer<Posted> {
        Ok(Posted::There(place.clone()))
    }

    async fn repeat_in_slack(&self, place: &Place, _: &str, _: bool) -> Answer<Posted> {
        Ok(Posted::There(place.clone()))
    }
}

impl ReplyKey for Ports {
    async fn reply_key(&self) -> Answer<Vec<u8>> {
        Ok(crate::ports::REPLY_KEY.to_vec())
    }
}

impl Quarantine for Ports {
    async fn quarantine(&self, _: &str, why: &str, _: Option<&[u8]>) -> Answer<()> {
        self.call("quarantine", |world| {
            world.wrong(format!("a payload of our own is quarantined: {why}"));
            Ok(())
        })
        .await
    }
}

// What the two functions do beside pipelines has no place here.

impl Tracks for Ports {
    async fn load_track(&self, _: &TrackKey) -> Answer<Option<Track>> {
        Ok(None)
    }

    async fn commit_track(&self, _: &Advance) -> Answer<Commit> {
        Ok(Commit::Lost)
    }

    async fn commit_track_once(&self, _: &Advance, _: &Once) -> Answer<CommitOnce> {
        Ok(CommitOnce::Lost)
    }

    async fn load_release(&self, _: &ReleaseId) -> Answer<Option<Release>> {
        Ok(None)
    }
}

impl Queues for Ports {
    async fn wake(&self, _: Hand, _: &TrackKey, _: u64, _: Span) -> Answer<()> {
        Ok(())
    }
}

impl Callers for Ports {
    fn installation(&self) -> Answer<proof::Installation> {
        Err(Failure::refused("installation", "nobody orders here"))
    }

    async fn ask_sts(&self, _: &proof::Request) -> Answer<proof::Answered> {
        Err(Failure::refused("ask_sts", "nobody orders here"))
    }
}

impl Letters for Ports {
    async fn note_care(&self, _: Care, _: &Dropped, _: &Once) -> Answer<CommitOnce> {
        Ok(CommitOnce::Lost)
    }
}

impl Watches for Ports {
    async fn load_watch(&self, _: &DatabaseKey) -> Answer<Option<Watch>> {
        Ok(None)
    }

    async fn commit_watch(&self, _: &Watch) -> Answer<Commit> {
        Ok(Commit::Lost)
    }

    async fn watches(&self, _: Option<&str>) -> Answer<Page<Watch>> {
        Ok(Page { items: Vec::new(), next: None })
    }
}

impl NoticeQueue for Ports {
    async fn wake_to_tell(&self, _: &DatabaseKey, _: u64) -> Answer<()> {
        Ok(())
    }
}

// The world of tracks has no pipelines: nothing waits there, and nothing is answered.

impl Pipelines for Mutated {
    async fn pipeline_actions(&self, _: &str) -> Answer<Option<Vec<ActionRead>>> {
        Ok(None)
    }

    async fn action_executions(&self, _: &str, _: Option<&str>, _: Option<&str>) -> Answer<Page<ActionRead>> {
        Ok(Page { items: Vec::new(), next: None })
    }

    async fn pipeline_execution(&self, _: &str, _: &str) -> Answer<Option<ExecutionRead>> {
        Ok(None)
    }

    async fn put_approval_result(&self, result: &ApprovalResult) -> Answer<Put> {
        panic!("{} is answered where there are no pipelines", result.gate)
    }
}

impl PipelineTable for Mutated {
    async fn load_request(&self, _: &PipelineRequestId) -> Answer<Option<Request>> {
        Ok(None)
    }

    async fn commit_request(&self, request: &Request, _: Option<&Once>) -> Answer<CommitOnce> {
        panic!("{} is stored where there are no pipelines", request.id)
    }

    async fn requests(&self, _: Option<&str>) -> Answer<Page<Request>> {
        Ok(Page { items: Vec::new(), next: None })
    }
}

impl PipelineNotices for Mutated {
    async fn wake_to_tell_of(&self, id: &PipelineRequestId, _: u64) -> Answer<()> {
        panic!("{id} is told of where there are no pipelines")
    }
}
