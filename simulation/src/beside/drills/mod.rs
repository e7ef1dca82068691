//! Restore drills in a world of their own, for they share nothing with tracks: function `backups` over an RDS that takes
//! its time, fails, loses answers and takes calls late; crashes at any pause; events that are lost, late or come twice;
//! people who put another instance in a copy's place, or delete it.

mod ports;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use databases::drill::{CheckState, Drill, Drills, Instance, Order, Ours, Outcome, Phase, TAG};
use databases::watch::{News, Watch};
use engine::functions;
use model::database::DatabaseKey;
use model::drill::{AnswerKey, DrillId};
use model::time::Timestamp;
use serde_json::{Value, json};

use super::ports::Ports;
use super::{Base, Beside, Nature, Report, Step, step};
use crate::executor::Task;
use crate::random::Random;
use crate::trace::Keep;
use crate::world::{HOUR, MINUTE, SECOND, START_MS};

/// What a drill could do wrong; each breaks I12.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DrillFlaw {
    /// Whatever has the copy's name is taken for the drill's own.
    TagNotAsked,
    /// A drill that is given up is forgotten before its copy is gone.
    ForgottenWhenGivenUp,
    /// A check that runs is taken for one that succeeded.
    CheckTakenForGranted,
    /// A write that others were faster than is taken for written.
    LostRaceIgnored,
    /// An answer with somebody's own key is taken for one of the check's function.
    AnyKeyTaken,
}

impl DrillFlaw {
    pub const ALL: [Self; 5] = [
        Self::TagNotAsked,
        Self::ForgottenWhenGivenUp,
        Self::CheckTakenForGranted,
        Self::LostRaceIgnored,
        Self::AnyKeyTaken,
    ];
}

/// What a long run must meet, by kind and name.
pub(crate) const DRILLS_MEET: &[(&str, &[&str])] = &[
    ("drill ending", &["proven", "proven by its check", "failed"]),
    ("drill copy", &["available", "incompatible-restore", "failed", "gone"]),
    ("drill race", &["drills"]),
    (
        "drill fault",
        &[
            "answer lost",
            "check fails",
            "crash",
            "event late",
            "event lost",
            "event twice",
            "password refused",
            "restore fails",
            "restore hangs",
            "restore refused",
            "restore taken late",
            "slow",
            "somebody answers for the check",
            "somebody deletes the copy",
            "somebody takes the copy's place",
            "throttled",
        ],
    ),
    (
        "drill call",
        &[
            "call_check",
            "commit_drills",
            "commit_watch",
            "database_policies",
            "databases",
            "delete_copy",
            "instance",
            "load_drills",
            "load_watch",
            "read_checks",
            "recent_checks",
            "renew_password",
            "restore",
            "start_check",
            "wake_to_tell",
            "watches",
        ],
    ),
];

const ORIGINALS: [&str; 2] = ["ledger", "payments"];
/// A project.
const CHECK: &str = "tidegate-drill-check-payments";
/// A function.
const CALLED: &str = "tidegate-drill-check-ledger";
const AT_ONCE: usize = 2;
/// As `template.yaml` says.
const FUNCTION_MS_MAX: u64 = 600 * SECOND;
const SCHEDULE_MS: u64 = 15 * MINUTE;
/// Faults stop; what is under way ends within its own limits.
const QUIET_FROM_MS: u64 = 8 * HOUR;
const ENDS_WITHIN_MS: u64 = 40 * HOUR;
/// AWS takes a call that lost its answer so much later at most.
const TAKEN_LATE_MS: u64 = 10 * MINUTE;

/// One run.
pub fn drill_world(seed: u64, flaw: Option<DrillFlaw>) -> Report {
    play(seed, flaw, Keep::Nothing)
}

pub(crate) fn play(seed: u64, flaw: Option<DrillFlaw>, keep: Keep) -> Report {
    let world = Rc::new(RefCell::new(World::new(seed, flaw)));
    world.borrow_mut().base.keep(keep);
    let mut tasks: BTreeMap<u64, (Task, u64)> = BTreeMap::new();
    loop {
        let Some((id, what)) = world.borrow_mut().base.next() else { break };
        let now = world.borrow().base.now;
        match what {
            What::Invoke(payload) => {
                let ports = Ports::of(&world);
                let bytes = payload.into_bytes();
                let task = Task::new(async move { functions::backups(&ports, &bytes).await });
                tasks.insert(id, (task, now + FUNCTION_MS_MAX));
                world.borrow_mut().base.later(0, What::Poll(id));
            }
            What::Poll(id) => {
                let Some((task, until)) = tasks.get_mut(&id) else { continue };
                let step = step(&world, task, *until, What::Poll(id));
                if let Step::Answered(Ok(answer)) = &step {
                    world.borrow_mut().hear(answer);
                }
                if !matches!(step, Step::Pauses) {
                    tasks.remove(&id);
                }
            }
            What::Clock => world.borrow_mut().clock(),
            What::RdsMoves { resource, to } => world.borrow_mut().rds_moves(&resource, to),
            What::Taken(order) => world.borrow_mut().make(&order),
            What::CheckEnds { drill, succeeds } => world.borrow_mut().check_ends(&drill, succeeds),
            What::CallEnds { n, succeeds } => world.borrow_mut().call_ends(n, succeeds),
            What::SomebodyAnswers => world.borrow_mut().somebody_answers(),
            What::SomebodyDeletes => world.borrow_mut().somebody_deletes(),
            What::SomebodyPuts => world.borrow_mut().somebody_puts(),
        }
    }
    let world = &mut *world.borrow_mut();
    world.rest();
    world.base.report()
}

#[derive(Debug)]
enum What {
    Invoke(String),
    Poll(u64),
    Clock,
    RdsMoves {
        resource: String,
        to: &'static str,
    },
    /// A restore whose answer was lost is taken now.
    Taken(Order),
    CheckEnds {
        drill: DrillId,
        succeeds: bool,
    },
    /// The `n`th call of the function.
    CallEnds {
        n: usize,
        succeeds: bool,
    },
    SomebodyAnswers,
    SomebodyDeletes,
    SomebodyPuts,
}

/// An instance, and the drill that RDS made it for.
#[derive(Debug, Clone)]
struct Made {
    instance: Instance,
    by: Option<DrillId>,
}

#[derive(Debug, Clone)]
struct Run {
    drill: DrillId,
    state: CheckState,
}

/// A call of the check's function.
#[derive(Debug, Clone)]
struct Called {
    drill: DrillId,
    key: AnswerKey,
    succeeded: bool,
}

struct World {
    base: Base<What, DrillFlaw>,
    /// Whether the ledger is checked, by a call of a function.
    is_called: bool,
    instances: BTreeMap<String, Made>,
    table: Drills,
    watches: BTreeMap<DatabaseKey, Watch>,
    runs: Vec<Run>,
    calls: Vec<Called>,
    /// Drills that were begun.
    begun: BTreeSet<DrillId>,
    /// Those whose copy could be used, with a password of its own.
    usable: BTreeSet<DrillId>,
    /// What somebody put in a copy's place: never to be touched.
    foreign: BTreeSet<String>,
}

const NATURE: Nature = Nature {
    invariant: "I12",
    fault: "drill fault",
    call: "drill call",
    trouble_per_mille: 15,
    slow: (20, 4 * MINUTE),
    quiet_from_ms: QUIET_FROM_MS,
    ends_within_ms: ENDS_WITHIN_MS,
};

impl Beside for World {
    type What = What;
    type Flaw = DrillFlaw;

    fn base(&mut self) -> &mut Base<What, DrillFlaw> {
        &mut self.base
    }
}

impl World {
    fn new(seed: u64, flaw: Option<DrillFlaw>) -> Self {
        let mut world = Self {
            base: Base::new(NATURE, flaw, Random::new(seed ^ 0xd811)),
            is_called: !seed.is_multiple_of(3),
            instances: ORIGINALS
                .map(|name| (name.to_owned(), Made { instance: original(name), by: None }))
                .into(),
            table: Drills::default(),
            watches: BTreeMap::new(),
            runs: Vec::new(),
            calls: Vec::new(),
            begun: BTreeSet::new(),
            usable: BTreeSet::new(),
            foreign: BTreeSet::new(),
        };
        world.base.later(0, What::Clock);
        for n in 0..world.base.random.between(1, 3) {
            let of = *world.base.random.pick(&ORIGINALS);
            let order = json!({ "drill": format!("instance/{of}"), "id": format!("cli-{n}") }).to_string();
            let at = world.base.random.between(0, 4 * HOUR);
            world.base.later(at, What::Invoke(order.clone()));
            if world.base.random.chance(300) {
                let again = world.base.random.between(0, HOUR);
                world.base.later(at + again, What::Invoke(order));
            }
        }
        if world.base.random.chance(150) {
            let at = world.base.random.between(0, 5 * HOUR);
            world.base.later(at, What::SomebodyDeletes);
        }
        if world.base.random.chance(300) {
            let at = world.base.random.between(0, 5 * HOUR);
            world.base.later(at, What::SomebodyPuts);
        }
        if world.base.random.chance(300) {
            let at = world.base.random.between(0, 5 * HOUR);
            world.base.later(at, What::SomebodyAnswers);
        }
        world
    }

    /// A drill that is said to be taken ends with a report.
    fn hear(&mut self, answer: &Value) {
        for said in answer["handled"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            let taken = said.strip_prefix("taken: drill ").and_then(|rest| rest.split(' ').next());
            self.begun.extend(taken.and_then(|id| id.parse::<DrillId>().ok()));
        }
    }

    fn clock(&mut self) {
        let payload = json!({ "source": "aws.events", "detail-type": "Scheduled Event", "detail": {} });
        self.base.later(0, What::Invoke(payload.to_string()));
        if self.base.now < START_MS + QUIET_FROM_MS + HOUR || !self.table.running.is_empty() {
            self.base.later(SCHEDULE_MS, What::Clock);
        }
    }

    /// EventBridge: on best effort, late and more than once.
    fn emit(&mut self, payload: &Value) {
        if self.base.strikes("event lost", 200) {
            return;
        }
        let copies = if self.base.strikes("event twice", 100) { 2 } else { 1 };
        for _ in 0..copies {
            let late = self.base.strikes("event late", 100);
            let delay = self.base.random.between(SECOND, if late { 3 * HOUR } else { 3 * SECOND });
            self.base.later(delay, What::Invoke(payload.to_string()));
        }
    }

    fn tell_of(&mut self, name: &str) {
        self.emit(&json!({
            "source": "aws.rds",
            "detail-type": "RDS DB Instance Event",
            "detail": { "SourceArn": format!("arn:aws:rds:eu-west-1:123456789012:db:{name}"), "SourceIdentifier": name },
        }));
    }

    fn rds_moves(&mut self, resource: &str, to: &'static str) {
        let now = self.base.now;
        let Some(made) = self.instances.values_mut().find(|made| made.instance.resource == resource) else {
            return;
        };
        let name = made.instance.name.clone();
        let expected = match to {
            "gone" => "deleting",
            _ if made.instance.status == "deleting" => return,
            _ => made.instance.status.as_str(),
        };
        if made.instance.status != expected {
            return;
        }
        if to == "gone" {
            self.instances.remove(&name);
        } else {
            made.instance.status = to.to_owned();
            made.instance.created.get_or_insert(Timestamp(now));
            made.instance.endpoint.get_or_insert((format!("{name}.example.com"), 5432));
            if let Some(secret) = &mut made.instance.secret {
                secret.is_active = true;
                self.usable.extend(made.by.clone());
            }
        }
        self.base.coverage.hit("drill copy", to);
        self.tell_of(&name);
    }

    fn make(&mut self, order: &Order) {
        let name = order.drill.copy();
        if self.instances.contains_key(&name) {
            return;
        }
        self.base.next_id += 1;
        let resource = format!("db-COPY{}", self.base.next_id);
        let instance = Instance {
            name: name.clone(),
            resource: resource.clone(),
            status: "creating".to_owned(),
            created: None,
            tags: BTreeMap::from([(TAG.to_owned(), order.drill.to_string())]),
            retention_days: 0,
            endpoint: None,
            ..original(&order.source)
        };
        self.instances.insert(name, Made { instance, by: Some(order.drill.clone()) });
        let takes = self.base.random.between(10 * MINUTE, HOUR);
        let (takes, to) =
            match (self.base.strikes("restore fails", 80), self.base.strikes("restore hangs", 30)) {
                (true, _) => (takes, "incompatible-restore"),
                (false, true) => (10 * HOUR, "failed"),
                (false, false) => (takes, "available"),
            };
        self.base.later(takes, What::RdsMoves { resource, to });
    }

    fn check_ends(&mut self, drill: &DrillId, succeeds: bool) {
        let at = Timestamp(self.base.now);
        if let Some(run) =
            self.runs.iter_mut().find(|run| run.drill == *drill && run.state == CheckState::Running)
        {
            run.state = match succeeds {
                true => CheckState::Succeeded { at },
                false => CheckState::Failed { why: "exit status 1".to_owned() },
            };
        }
        let variables = json!([{ "name": "TIDEGATE_DRILL", "value": drill }]);
        self.emit(&json!({
            "source": "aws.codebuild",
            "detail-type": "CodeBuild Build State Change",
            "detail": {
                "build-status": "SUCCEEDED",
                "build-id": "arn:aws:codebuild:eu-west-1:123456789012:build/tidegate-drill-check-payments:1",
                "additional-information": { "environment": { "environment-variables": variables } },
            },
        }));
    }

    fn call_ends(&mut self, n: usize, succeeds: bool) {
        let Called { drill, key, succeeded } = &mut self.calls[n];
        *succeeded = succeeds;
        let answer = answer(drill, key, succeeds);
        self.emit(&answer);
    }

    /// Whoever may send events may send this one; the key is their own.
    fn somebody_answers(&mut self) {
        let asked = |drill: &&Drill| matches!(drill.phase, Phase::Checking { call: Some(_), .. });
        let Some(drill) = self.table.running.iter().find(asked).map(|drill| drill.id.clone()) else {
            let soon = self.base.random.between(MINUTE, 10 * MINUTE);
            if self.base.now < START_MS + QUIET_FROM_MS {
                self.base.later(soon, What::SomebodyAnswers);
            }
            return;
        };
        self.base.coverage.hit("drill fault", "somebody answers for the check");
        self.base.later(0, What::Invoke(answer(&drill, &somebodys_key(), true).to_string()));
    }

    fn somebody_deletes(&mut self) {
        let copies = self.instances.iter().filter(|(_, made)| made.by.is_some());
        let Some(name) = copies.map(|(name, _)| name.clone()).next() else { return };
        self.base.coverage.hit("drill fault", "somebody deletes the copy");
        self.instances.remove(&name);
    }

    /// In the place of a copy that is not there yet, or no longer.
    fn somebody_puts(&mut self) {
        let drills = self.table.running.iter().map(|drill| drill.id.copy());
        let Some(name) = drills.into_iter().find(|name| !self.instances.contains_key(name)) else { return };
        self.base.coverage.hit("drill fault", "somebody takes the copy's place");
        self.foreign.insert(name.clone());
        let instance =
            Instance { name: name.clone(), resource: "db-FOREIGN".to_owned(), ..original("payments") };
        self.instances.insert(name, Made { instance, by: None });
    }

    /// Only what the drill made may be changed or deleted, and only once its id is written down.
    fn may_touch(&mut self, call: &str, copy: &Ours) {
        let Some(made) = self.instances.get(copy.name()) else { return };
        let (by, resource) = (made.by.clone(), made.instance.resource.clone());
        let Some(by) = by else {
            return self.base.wrong(format!("{call} of {}, which no drill made", copy.name()));
        };
        self.base.coverage.hit("checked", "I12");
        let written = self.table.of(&by).is_none_or(|drill| drill.made.contains(&resource));
        if !written {
            self.base.wrong(format!("{call} of {resource}, which its drill did not write down"));
        }
    }

    fn written(&mut self, drills: &Drills) {
        if drills.running.len() > AT_ONCE {
            self.base.wrong(format!("{} drills at once", drills.running.len()));
        }
        for drill in &drills.running {
            self.begun.insert(drill.id.clone());
            let Phase::Deleting { outcome, .. } = &drill.phase else { continue };
            let name = match outcome {
                Outcome::Proven { check: Some(_), .. } => "proven by its check",
                Outcome::Proven { check: None, .. } => "proven",
                Outcome::Failed { .. } => "failed",
            };
            self.base.coverage.hit("drill ending", name);
            let checked =
                |run: &Run| run.drill == drill.id && matches!(run.state, CheckState::Succeeded { .. });
            let answered = |called: &Called| called.drill == drill.id && called.succeeded;
            let is_true = match outcome {
                Outcome::Proven { check, .. } => {
                    let is_checked = self.runs.iter().any(checked) || self.calls.iter().any(answered);
                    self.usable.contains(&drill.id) && (check.is_none() || is_checked)
                }
                Outcome::Failed { .. } => true,
            };
            if !is_true {
                self.base.violations.push(format!("I12: {} is called proven, and is not", drill.id));
            }
        }
    }

    fn rest(&mut self) {
        self.base.coverage.hit("checked", "I12");
        for (name, made) in self.instances.clone() {
            if let Some(drill) = made.by {
                self.base.wrong(format!("{name} of drill {drill} is left, {}", made.instance.status));
            } else if ORIGINALS.contains(&name.as_str()) && made.instance != original(&name) {
                self.base.wrong(format!("{name} is not as it was"));
            }
        }
        let there: BTreeSet<&str> = self.instances.keys().map(String::as_str).collect();
        let gone = ORIGINALS.iter().map(|name| (*name).to_owned()).chain(self.foreign.clone());
        let gone: Vec<String> = gone.filter(|name| !there.contains(name.as_str())).collect();
        for name in gone {
            self.base.wrong(format!("{name} is gone, and no drill made it"));
        }
        for drill in self.table.running.clone() {
            self.base.wrong(format!("drill {} is still under way: {:?}", drill.id, drill.phase));
        }
        let told: Vec<DrillId> = self
            .watches
            .values()
            .flat_map(|watch| &watch.notices)
            .filter_map(|notice| match &notice.news {
                News::Drilled { report } => Some(report.id.clone()),
                News::Alert { .. } | News::Appeared { .. } | News::Gone { .. } | News::Validated { .. } => {
                    None
                }
            })
            .collect();
        for id in self.begun.clone() {
            match told.iter().filter(|told| **told == id).count() {
                1 => {}
                times => self.base.wrong(format!("the end of drill {id} is told {times} times")),
            }
        }
    }
}

fn answer(drill: &DrillId, key: &AnswerKey, succeeds: bool) -> Value {
    json!({
        "source": "lambda",
        "detail-type": "Lambda Function Invocation Result",
        "detail": {
            "requestContext": { "condition": if succeeds { "Success" } else { "RetriesExhausted" } },
            "requestPayload": { "tidegate": { "drill": drill, "answerKey": key.reveal() } },
        },
    })
}

fn somebodys_key() -> AnswerKey {
    AnswerKey::new([0; 16])
}

fn original(name: &str) -> Instance {
    let engine = if name == "ledger" { "sqlserver-se" } else { "postgres" };
    Instance {
        name: name.to_owned(),
        resource: format!("db-{}", name.to_uppercase()),
        status: "available".to_owned(),
        engine: engine.to_owned(),
        storage_gib: 100,
        created: Some(Timestamp(START_MS - 1000 * HOUR)),
        tags: BTreeMap::new(),
        member_of: None,
        retention_days: 7,
        restorable: Some(Timestamp(START_MS - 4 * MINUTE)),
        multi_az: true,
        option_group: None,
        parameter_group: None,
        endpoint: Some((format!("{name}.example.com"), 5432)),
        secret: None,
    }
}
