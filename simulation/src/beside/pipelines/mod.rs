//! CodePipeline's approvals in a world of their own, for they share nothing with tracks: functions `approval` and `notify`
//! beside a CodePipeline whose executions wait, expire, are superseded or are answered in its console; notifications that
//! are lost, late or come twice; people who click twice, who may not, or who reply with another request's token.

mod elsewhere;
mod ports;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;

use engine::functions;
use engine::ports::{ActionRead, ActionStatus, ApprovalResult, Put};
use model::approval::Answer as Said;
use model::ids::PipelineRequestId;
use model::pipeline::{Ending, Gate, Phase, Request};
use model::time::Timestamp;
use serde_json::{Value, json};

use self::ports::Ports;
use super::{Base, Beside, Nature, Report};
use crate::executor::Task;
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
pub fn pipeline_world(seed: u64, flaw: Option<PipelineFlaw>) -> Report {
    let world = Rc::new(RefCell::new(World::new(seed, flaw)));
    let mut tasks: BTreeMap<u64, (Task, u64, Invocation)> = BTreeMap::new();
    loop {
        let Some((id, what)) = world.borrow_mut().base.next() else { break };
        let now = world.borrow().base.now;
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
                world.borrow_mut().base.later(0, What::Poll(id));
            }
            What::Poll(id) => {
                let Some((task, until, invocation)) = tasks.get_mut(&id) else { continue };
                let answered = if now < *until { task.run() } else { None };
                let world = &mut *world.borrow_mut();
                let failed = match &answered {
                    Some(Ok(answer)) => answer["batchItemFailures"].as_array().is_some_and(|f| !f.is_empty()),
                    Some(Err(_)) => true,
                    None => now >= *until || world.base.strikes("crash", 8),
                };
                if failed {
                    world.again(invocation);
                }
                if failed || answered.is_some() {
                    tasks.remove(&id);
                    continue;
                }
                let slow = world.base.strikes("slow", 10);
                let latency = if slow {
                    world.base.random.between(SECOND, 10 * SECOND)
                } else {
                    world.base.random.between(2, 40)
                };
                world.base.later(latency, What::Poll(id));
            }
            What::Clock => world.borrow_mut().clock(),
            What::Starts => world.borrow_mut().starts(),
            What::Expires(token) => world.borrow_mut().end(&token, End::Expired, None),
            What::Console { token, answer } => {
                let world = &mut *world.borrow_mut();
                let said = world.base.random.chance(500).then(|| "looks good".to_owned());
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
    world.base.report()
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
    base: Base<What>,
    flaw: Option<PipelineFlaw>,
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
}

fn gate() -> Gate {
    Gate { pipeline: PIPELINE.to_owned(), stage: STAGE.to_owned(), action: ACTION.to_owned() }
}

fn request_of(token: &str) -> PipelineRequestId {
    PipelineRequestId::of(&gate().fingerprint(token))
}

const NATURE: Nature = Nature {
    fault: "pipeline fault",
    call: "pipeline call",
    trouble_per_mille: 10,
    quiet_from_ms: QUIET_FROM_MS,
    ends_within_ms: ENDS_WITHIN_MS,
};

impl Beside for World {
    type What = What;

    fn base(&mut self) -> &mut Base<What> {
        &mut self.base
    }
}

impl World {
    fn new(seed: u64, flaw: Option<PipelineFlaw>) -> Self {
        let mut random = Random::new(seed ^ 0x9199);
        let parallel = random.chance(400);
        let approvals = random.between(0, 2) as u32;
        let replies = random.chance(500);
        let mut world = Self {
            base: Base::new(NATURE, random),
            flaw,
            parallel,
            approvals,
            replies,
            runs: Vec::new(),
            table: BTreeMap::new(),
            said: BTreeMap::new(),
            tokens: BTreeMap::new(),
            ends_told: BTreeMap::new(),
            sent: VecDeque::new(),
        };
        world.base.coverage.hit("pipeline mode", if parallel { "parallel" } else { "superseded" });
        world.base.later(0, What::Clock);
        for _ in 0..world.base.random.between(1, 4) {
            let at = world.base.random.between(0, 3 * HOUR);
            world.base.later(at, What::Starts);
        }
        world
    }

    fn invoke(&mut self, delay_ms: u64, to: To, payload: String) {
        self.base.later(delay_ms, What::Invoke(Invocation { to, payload, attempt: 1 }));
    }

    /// Lambda tries an event again, and a queue its message; in the end it lies where a person finds it.
    fn again(&mut self, failed: &Invocation) {
        if failed.attempt < ATTEMPTS_MAX || failed.to == To::Notify {
            let delay = self.base.random.between(30 * SECOND, 2 * MINUTE);
            self.base
                .later(delay, What::Invoke(Invocation { attempt: failed.attempt + 1, ..failed.clone() }));
        }
    }

    fn wrong(&mut self, what: impl std::fmt::Display) {
        self.base.violations.push(format!("I13: {what}"));
    }

    fn clock(&mut self) {
        let payload = json!({ "source": "aws.events", "detail-type": "Scheduled Event", "detail": {} });
        self.invoke(0, To::Approval, payload.to_string());
        let waits = self.table.values().any(|request| !request.is_over() || request.is_untold());
        if self.base.now < START_MS + QUIET_FROM_MS + HOUR || waits {
            self.base.later(SCHEDULE_MS, What::Clock);
        }
    }

    fn starts(&mut self) {
        let n = self.runs.len();
        let drawn = self.base.random.next();
        let token = format!("{:08x}-0000-4000-8000-{n:012x}", drawn as u32);
        let started_by = if self.base.random.chance(500) {
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
        let expires = self.base.now + WAITS_MS;
        self.base.later(WAITS_MS + 30 * SECOND, What::Expires(token.clone()));
        if self.base.random.chance(250) {
            let answer = if self.base.random.chance(500) { Said::Approve } else { Said::Reject };
            let at = self.base.random.between(MINUTE, 3 * HOUR);
            self.base.later(at, What::Console { token: token.clone(), answer });
        }
        self.notify(&token, expires);
    }

    /// As CodePipeline's notification comes by SNS. Of parallel executions it may have no token.
    fn notify(&mut self, token: &str, expires: u64) {
        if self.base.strikes("notification lost", 100) {
            return;
        }
        let mut approval = json!({
            "pipelineName": PIPELINE, "stageName": STAGE, "actionName": ACTION, "token": token,
            "expires": databases::time::shown(Timestamp(expires / MINUTE * MINUTE)).replace(' ', "T"),
            "externalEntityLink": null, "customData": "Look at the change set first.",
        });
        if self.parallel && self.base.random.chance(500) {
            approval["token"] = Value::Null;
        }
        let message = json!({ "region": "eu-west-1", "approval": approval }).to_string();
        let payload = json!({ "Records": [{ "EventSource": "aws:sns", "Sns": { "Message": message } }] });
        let copies = if self.base.strikes("notification twice", 200) { 2 } else { 1 };
        for _ in 0..copies {
            let late = self.base.strikes("notification late", 150);
            let delay = self.base.random.between(SECOND, if late { 5 * HOUR } else { 5 * SECOND });
            self.invoke(delay, To::Approval, payload.to_string());
        }
    }

    /// Only what waits can end, and once.
    fn end(&mut self, token: &str, end: End, summary: Option<String>) {
        let now = self.base.now;
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
            self.base.coverage.hit("pipeline answer", "too late");
            return Put::TooLate;
        };
        self.base.coverage.hit("pipeline answer", "taken");
        if let Some(why) = self.lacks_voices(&id, &run, result.answer) {
            self.base.violations.push(format!("I1: {why}"));
        }
        self.end(&result.token, End::Ours(result.answer), Some(result.summary.clone()));
        Put::Taken
    }

    /// Counted from what people said, in other words than the product's.
    fn lacks_voices(&mut self, id: &PipelineRequestId, run: &Run, answer: Said) -> Option<String> {
        self.base.coverage.hit("checked", "I13");
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
            if !self.base.random.chance(450) {
                continue;
            }
            let answer = if self.base.random.chance(100) { Said::Reject } else { Said::Approve };
            let spoken = Spoken { request: request.to_owned(), answer, by: By::Click { name, slack } };
            self.speaks(spoken);
        }
        if self.base.random.chance(200) {
            let other = self.tokens.values().find(|known| **known != token).cloned();
            let (token, is_its) = match other.filter(|_| self.base.random.chance(400)) {
                Some(other) => (other, false),
                None => (token.to_owned(), true),
            };
            let answer = if self.base.random.chance(300) { Said::Reject } else { Said::Approve };
            self.speaks(Spoken { request: request.to_owned(), answer, by: By::Reply { token, is_its } });
        }
    }

    fn speaks(&mut self, spoken: Spoken) {
        let longest = *self.base.random.pick(&[10 * SECOND, 2 * MINUTE, HOUR, 4 * HOUR]);
        let delay = self.base.random.between(5 * SECOND, longest);
        let times = if self.base.strikes("click twice", 150) { 2 } else { 1 };
        for again in 0..times {
            self.base.later(delay + again * 10 * SECOND, What::Says(spoken.clone()));
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
                (voters::click(self.base.now, slack, verb, request), what)
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
        self.base.coverage.hit("pipeline person", what);
        self.invoke(0, To::Approval, String::from_utf8_lossy(&payload).into_owned());
    }

    fn rest(&mut self) {
        self.base.coverage.hit("checked", "I13");
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
            self.base.coverage.hit("pipeline ending", name);
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
