//! CodePipeline's approvals in a world of their own, for they share nothing with tracks: functions `approval` and `notify`
//! beside a CodePipeline whose executions wait, expire, are superseded or are answered in its console; notifications that
//! are lost, late or come twice; people who click twice, who may not, or who reply with another request's token.

mod checks;
mod elsewhere;
mod ports;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::rc::Rc;

use engine::functions;
use engine::ports::{ActionRead, ActionStatus, ApprovalResult, Put, Stored};
use model::approval::{Answer as Said, Nudged};
use model::ids::PipelineRequestId;
use model::pipeline::{Ending, Gate, Phase, Request};
use model::time::Timestamp;
use serde_json::{Value, json};

use super::ports::Ports;
use super::{Base, Beside, Nature, Report, Step, step};
use crate::executor::Task;
use crate::random::Random;
use crate::trace::Keep;
use crate::voters::{self, GUEST};
use crate::world::{HOUR, MINUTE, SECOND, START_MS};

/// What could be done wrong; each breaks I1, I13 or I14.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PipelineFlaw {
    /// Whatever waits at the gate is answered.
    AnyTokenAnswered,
    /// An answer that came too late is taken for one that was taken.
    TooLateTakenForTaken,
    /// The environment's floor is not read.
    FloorIgnored,
    /// Whoever the directory knows is taken for a member of the workspace.
    GuestsTaken,
    /// What people were told is not remembered.
    ToldForgotten,
    /// Nobody is told again.
    NobodyNudged,
    /// Requests are shown in the installation's own channel, whatever the record of channels says.
    RoutesIgnored,
}

impl PipelineFlaw {
    pub const ALL: [Self; 7] = [
        Self::AnyTokenAnswered,
        Self::TooLateTakenForTaken,
        Self::FloorIgnored,
        Self::GuestsTaken,
        Self::ToldForgotten,
        Self::NobodyNudged,
        Self::RoutesIgnored,
    ];
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
    ("pipeline mode", &["superseded", "parallel", "routed", "without routes"]),
    ("pipeline told", &["asked", "reminded", "escalated", "ended", "in another channel"]),
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
    (
        "pipeline person",
        &["approves", "rejects", "replies", "replies with another's token", "is a guest", "is nobody"],
    ),
    ("pipeline race", &["request"]),
    (
        "pipeline call",
        &[
            "action_executions",
            "channels_record",
            "commit_request",
            "environment_records",
            "load_request",
            "pipeline_actions",
            "pipeline_execution",
            "put_approval_result",
            "repeat_in_slack",
            "requests",
            "say_in_slack",
            "slack_member",
            "wake_to_tell_of",
        ],
    ),
];

/// What people are told of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Notice {
    Asked,
    Reminded,
    Escalated,
    Ended,
}

impl Notice {
    fn read(notice: &str) -> Option<Self> {
        match notice {
            "pipelineApprovalRequested" => Some(Self::Asked),
            "pipelineApprovalReminded" => Some(Self::Reminded),
            "pipelineApprovalEscalated" => Some(Self::Escalated),
            "pipelineApprovalEnded" => Some(Self::Ended),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Reminded => "reminded",
            Self::Escalated => "escalated",
            Self::Ended => "ended",
        }
    }
}

const OWN_CHANNEL: &str = "C0001";
const SHOWN_IN: &str = "C0PIPELINES";
const TOLD_IN: &str = "C0WARNINGS";
const PIPELINE: &str = "payments";
const STAGE: &str = "Approve";
const ACTION: &str = "Release";
/// By the name that the directory knows them by, and their id in Slack. Zoe is nobody, and gus is a guest.
const PEOPLE: [(&str, &str); 5] =
    [("ana", "U0001"), ("ben", "U0002"), ("cleo", "U0003"), (GUEST, "U0005"), ("zoe", "U0099")];
/// As `template.yaml` says.
const FUNCTION_MS_MAX: u64 = 30 * SECOND;
const SCHEDULE_MS: u64 = 5 * MINUTE;
const ATTEMPTS_MAX: u32 = 3;
const WAITS_MS: u64 = 6 * HOUR;
/// By then the clock and the notifier have had a try or two.
const NUDGED_LATE_MS: u64 = HOUR;
const QUIET_FROM_MS: u64 = 8 * HOUR;
const ENDS_WITHIN_MS: u64 = 20 * HOUR;
/// AWS takes a call that lost its answer so much later at most.
const TAKEN_LATE_MS: u64 = 10 * MINUTE;

/// One run.
pub fn pipeline_world(seed: u64, flaw: Option<PipelineFlaw>) -> Report {
    play(seed, flaw, Keep::Nothing)
}

pub(crate) fn play(seed: u64, flaw: Option<PipelineFlaw>, keep: Keep) -> Report {
    let world = Rc::new(RefCell::new(World::new(seed, flaw)));
    world.borrow_mut().base.keep(keep);
    let mut tasks: BTreeMap<u64, (Task, u64, Invocation)> = BTreeMap::new();
    loop {
        let Some((id, what)) = world.borrow_mut().base.next() else { break };
        let now = world.borrow().base.now;
        match what {
            // A queue's group is delivered one at a time.
            What::Invoke(invocation) if tasks.values().any(|(_, _, other)| other.holds_up(&invocation)) => {
                world.borrow_mut().base.later(SECOND, What::Invoke(invocation));
            }
            What::Invoke(invocation) => {
                let ports = Ports::of(&world);
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
                let step = step(&world, task, *until, What::Poll(id));
                if step.failed() {
                    world.borrow_mut().again(invocation);
                }
                if !matches!(step, Step::Pauses) {
                    tasks.remove(&id);
                }
            }
            What::Clock => world.borrow_mut().clock(),
            What::Starts => world.borrow_mut().starts(),
            What::Expires(token) => world.borrow_mut().end(&token, End::Expired, None),
            What::Console { token, answer } => {
                let world = &mut *world.borrow_mut();
                let said = world.base.random.chance(500).then(|| "looks good".to_owned());
                world.end(&token, End::There(answer), said);
            }
            What::Taken(Answered(result)) => {
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
    /// That the notifier is to tell of.
    request: Option<PipelineRequestId>,
    attempt: u32,
}

impl Invocation {
    /// Messages to the notifier about one request are a group.
    fn holds_up(&self, next: &Invocation) -> bool {
        self.to == To::Notify && next.to == To::Notify && self.request == next.request
    }
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

#[derive(Debug)]
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
    Taken(Answered),
    Says(Spoken),
}

/// On its way to CodePipeline, with the token in it.
struct Answered(ApprovalResult);

impl fmt::Debug for Answered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.0.answer, self.0.summary)
    }
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
    base: Base<What, PipelineFlaw>,
    parallel: bool,
    approvals: u32,
    replies: bool,
    runs: Vec<Run>,
    table: BTreeMap<PipelineRequestId, Request>,
    said: BTreeMap<String, Voices>,
    /// Tokens that requests were told with.
    tokens: BTreeMap<String, String>,
    told: BTreeMap<(PipelineRequestId, Notice), Vec<String>>,
    /// How often the notifier failed at a request, and so could not remember what it had told.
    untold: BTreeMap<PipelineRequestId, usize>,
    /// When each request was open no more.
    closed: BTreeMap<PipelineRequestId, u64>,
    /// Whether there is a record of channels.
    routed: bool,
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
    invariant: "I13",
    fault: "pipeline fault",
    call: "pipeline call",
    trouble_per_mille: 10,
    slow: (10, 10 * SECOND),
    quiet_from_ms: QUIET_FROM_MS,
    ends_within_ms: ENDS_WITHIN_MS,
};

impl Beside for World {
    type What = What;
    type Flaw = PipelineFlaw;

    fn base(&mut self) -> &mut Base<What, PipelineFlaw> {
        &mut self.base
    }
}

impl World {
    fn new(seed: u64, flaw: Option<PipelineFlaw>) -> Self {
        let mut random = Random::new(seed ^ 0x9199);
        let parallel = random.chance(400);
        let approvals = random.between(0, 2) as u32;
        let replies = random.chance(500);
        let routed = random.chance(500);
        let mut world = Self {
            base: Base::new(NATURE, flaw, random),
            parallel,
            approvals,
            replies,
            runs: Vec::new(),
            table: BTreeMap::new(),
            said: BTreeMap::new(),
            tokens: BTreeMap::new(),
            told: BTreeMap::new(),
            untold: BTreeMap::new(),
            closed: BTreeMap::new(),
            routed,
            sent: VecDeque::new(),
        };
        world.base.coverage.hit("pipeline mode", if parallel { "parallel" } else { "superseded" });
        world.base.coverage.hit("pipeline mode", if routed { "routed" } else { "without routes" });
        world.base.later(0, What::Clock);
        for _ in 0..world.base.random.between(1, 4) {
            let at = world.base.random.between(0, 3 * HOUR);
            world.base.later(at, What::Starts);
        }
        world
    }

    fn invoke(&mut self, delay_ms: u64, to: To, payload: String) {
        self.base.later(delay_ms, What::Invoke(Invocation { to, payload, request: None, attempt: 1 }));
    }

    /// Lambda tries an event again, and a queue its message; in the end it lies where a person finds it.
    fn again(&mut self, failed: &Invocation) {
        if let Some(request) = &failed.request {
            *self.untold.entry(request.clone()).or_default() += 1;
        }
        if failed.attempt < ATTEMPTS_MAX || failed.to == To::Notify {
            let delay = self.base.random.between(30 * SECOND, 2 * MINUTE);
            self.base
                .later(delay, What::Invoke(Invocation { attempt: failed.attempt + 1, ..failed.clone() }));
        }
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
            self.base
                .wrong(format!("what was said of another request is the answer to {id}: {}", result.summary));
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
                let is_heard = !["zoe", GUEST].contains(name);
                let list = if *answer == Said::Approve { &mut voices.approve } else { &mut voices.reject };
                if is_heard {
                    list.insert(name);
                }
                let what = match answer {
                    _ if *name == GUEST => "is a guest",
                    _ if !is_heard => "is nobody",
                    Said::Approve => "approves",
                    Said::Reject => "rejects",
                };
                (voters::clicked(self.base.now, slack, verb, request).into_bytes(), what)
            }
            By::Reply { token, is_its } => {
                if *is_its {
                    voices.reply.insert(verb);
                }
                let why = if *answer == Said::Reject { " too risky" } else { "" };
                let message = format!("{verb} {request} {token}{why}");
                let payload =
                    json!({ "Records": [{ "EventSource": "aws:sns", "Sns": { "Message": message } }] });
                let what = if *is_its { "replies" } else { "replies with another's token" };
                (payload.to_string().into_bytes(), what)
            }
        };
        self.base.coverage.hit("pipeline person", what);
        self.invoke(0, To::Approval, String::from_utf8_lossy(&payload).into_owned());
    }

    fn channels_record(&self) -> Option<Stored> {
        let routes = json!({ "routes": [
            { "channel": SHOWN_IN, "pipelines": ["pay*"] },
            { "channel": TOLD_IN, "severity": "warning" },
            { "channel": "C0OTHERS", "pipelines": ["ledger"] },
        ] });
        self.routed.then(|| Stored { body: routes.to_string(), version: 1 })
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
