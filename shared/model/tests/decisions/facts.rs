//! A small world: commits, builds, one stack and people. It answers promises as hands would, so that every signal
//! is one that the facts could have given; signals may be kept back, repeated and told in any order.

use std::collections::{BTreeMap, BTreeSet};

use model::approval::{Answer, Ground, Identities, Voice};
use model::effect::{Effect, Promise};
use model::ids::{BuildId, EffectKey, Fingerprint, ImageDigest};
use model::order::{Order, Repaired};
use model::release::{Authors, Ending, ErrandKind, Frozen, Origin, Phase, Plan, Release, Verdict, Verify};
use model::signal::{BuildSeen, DeploymentSeen, ErrandSeen, Push, Rollout, Signal};
use model::time::{Span, Timestamp};

use crate::story::{
    Story, answered, approvers, deletion, deployed, fingerprint, ground, image_of, ordered, person, policy,
    push, revision, wish,
};

pub(crate) const REVISIONS: [char; 4] = ['a', 'b', 'c', 'd'];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum BuildFact {
    Running,
    Succeeded { in_registry: bool },
    Failed,
}

/// A task that ran, or runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TaskFact {
    Running,
    Succeeded,
    Failed,
}

#[derive(Debug, Clone)]
struct ChangeSet {
    plan: Plan,
    /// The stack's generation that it was made against.
    generation: u64,
}

#[derive(Debug, Clone)]
struct Operation {
    change_set: EffectKey,
    image: ImageDigest,
    /// `None` while it runs; then whether it completed.
    completed: Option<bool>,
    /// It was told to stop, and will not complete.
    stopped: bool,
    waits: Waits,
    /// It deletes the stack instead.
    deletes: bool,
}

/// Whether an operation waits to be told that what it made is well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Waits {
    No,
    NotYet,
    Now,
    Told(bool),
}

#[derive(Debug, Clone)]
pub(crate) struct Facts {
    head: Option<Push>,
    builds: BTreeMap<String, BuildFact>,
    /// What the stack runs.
    pub(crate) runs: Option<ImageDigest>,
    /// Grows with everything that makes change sets obsolete.
    generation: u64,
    change_sets: BTreeMap<String, ChangeSet>,
    operations: Vec<Operation>,
    /// By the promise that each was started for.
    tasks: BTreeMap<EffectKey, (ErrandKind, TaskFact)>,
    /// Every plan that people were ever asked about.
    asked: BTreeSet<(u32, Fingerprint)>,
    /// Everything ever told, for telling it again.
    told: Vec<Signal>,
    kept_back: Vec<Signal>,
    /// The environment's record and the directory, as they stand.
    pub(crate) ground: Ground,
    frozen_until: Timestamp,
    orders: u32,
    /// Whether builds and deployments may fail, people reject, and others change the stack.
    trouble: bool,
}

/// What happens next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    Push,
    PushBadConfig,
    Perform,
    /// Performed, but the outcome is told later.
    PerformKeepingBack,
    TellKeptBack,
    TellAgain,
    BuildMoves,
    StackMoves,
    StackChangedOutside,
    PersonAnswers,
    PersonOrders,
    FreezeBegins,
    RecordsChange,
    MinutesPass,
    HoursPass,
    Refuse,
    Wait,
}

impl Facts {
    pub(crate) fn new(trouble: bool) -> Self {
        Self {
            head: None,
            builds: BTreeMap::new(),
            runs: None,
            generation: 0,
            change_sets: BTreeMap::new(),
            operations: Vec::new(),
            tasks: BTreeMap::new(),
            asked: BTreeSet::new(),
            told: Vec::new(),
            kept_back: Vec::new(),
            ground: ground(policy(1)),
            frozen_until: Timestamp(0),
            orders: 0,
            trouble,
        }
    }

    /// Does one thing and gives the signal that somebody sees, if anybody does.
    pub(crate) fn act(&mut self, act: Act, pick: usize, story: &mut Story) -> Option<Signal> {
        for release in &story.track.in_flight {
            if let Phase::AwaitingApproval { plan, .. } = &release.phase {
                self.asked.insert((release.id.n, plan.fingerprint.clone()));
            }
        }
        let signal = match act {
            Act::Push => {
                let by_nobody_known = self.trouble && pick.is_multiple_of(5);
                let push = push(REVISIONS[pick % REVISIONS.len()]);
                self.head = Some(if by_nobody_known { Push { by: None, ..push } } else { push });
                self.head.clone().map(Signal::Pushed)
            }
            Act::PushBadConfig if !self.trouble => None,
            Act::PushBadConfig => {
                self.head = Some(Push { fault: Some("bad config".to_owned()), ..push('e') });
                self.head.clone().map(Signal::Pushed)
            }
            Act::Perform => self.perform(pick, story),
            Act::PerformKeepingBack => {
                let kept = self.perform(pick, story);
                self.kept_back.extend(kept);
                None
            }
            Act::TellKeptBack if self.kept_back.is_empty() => None,
            Act::TellKeptBack => Some(self.kept_back.remove(pick % self.kept_back.len())),
            // A branch is read when its hint is decided, so an old push is never told again.
            Act::TellAgain if self.told.is_empty() => None,
            Act::TellAgain => {
                let again = self.told[pick % self.told.len()].clone();
                if let Signal::Pushed(_) = again {
                    self.head.clone().map(Signal::Pushed)
                } else {
                    Some(again)
                }
            }
            Act::BuildMoves => self.build_moves(pick),
            Act::StackMoves => self.stack_moves(pick, story),
            Act::StackChangedOutside => {
                if self.trouble && !self.is_busy() {
                    self.generation += 1;
                }
                None
            }
            Act::PersonAnswers => self.answer(pick),
            Act::PersonOrders => self.order(pick, story),
            Act::FreezeBegins => {
                self.frozen_until = story.now.plus(Span::minutes(20));
                None
            }
            Act::RecordsChange => {
                if self.trouble {
                    self.records_change(pick);
                }
                None
            }
            Act::MinutesPass => self.time_passes(Span::minutes(3), story),
            Act::HoursPass if !self.trouble => None,
            Act::HoursPass => self.time_passes(Span::hours(3), story),
            Act::Refuse if !self.trouble => None,
            Act::Refuse => promise(pick, story)
                .map(|promise| Signal::Refused { key: promise.key.clone(), why: "not allowed".to_owned() }),
            Act::Wait => promise(pick, story).map(|promise| Signal::Waiting {
                key: promise.key.clone(),
                why: "throttled".to_owned(),
                until: story.now.plus(Span::seconds(20)),
            }),
        };
        if let Some(signal) = &signal {
            self.told.push(signal.clone());
        }
        signal
    }

    pub(crate) fn is_idle(&self) -> bool {
        !self.is_busy() && self.builds.values().all(|fact| *fact != BuildFact::Running)
    }

    fn is_busy(&self) -> bool {
        self.operations.last().is_some_and(|operation| operation.completed.is_none())
    }

    fn time_passes(&mut self, span: Span, story: &mut Story) -> Option<Signal> {
        story.now = story.now.plus(span);
        Some(Signal::Tick)
    }

    fn perform(&mut self, pick: usize, story: &Story) -> Option<Signal> {
        let promise = promise(pick, story)?;
        let n = promise.key.release.n;
        let done = || Some(Signal::Done { key: promise.key.clone() });
        let waiting = |why: &str| {
            let until = story.now.plus(Span::seconds(20));
            Some(Signal::Waiting { key: promise.key.clone(), why: why.to_owned(), until })
        };
        match &promise.effect {
            Effect::StartBuild => {
                let build = story.track.release(n)?.family.attempt(1);
                self.builds.entry(build.to_string()).or_insert(BuildFact::Running);
                Some(Signal::BuildStarted { n, build })
            }
            Effect::LookAtBuild { build } => Some(self.build_seen(build)),
            Effect::LeaveBuild { .. } | Effect::Announce { .. } | Effect::Show | Effect::Promote => done(),
            Effect::StopDeployment => {
                let change_set = story.track.release(n).and_then(|release| release.phase.plan());
                let change_set = change_set.map(|plan| plan.change_set.clone());
                for operation in &mut self.operations {
                    if operation.completed.is_none() && Some(&operation.change_set) == change_set.as_ref() {
                        operation.stopped = true;
                    }
                }
                done()
            }
            Effect::Repair => {
                self.generation += 1;
                let outcome = Repaired::Done { what: "the stack is UPDATE_ROLLBACK_COMPLETE".to_owned() };
                Some(Signal::RepairEnded { key: promise.key.clone(), outcome })
            }
            Effect::GiveVerdict => {
                let Some(verdict) = story.track.release(n)?.verdict.clone() else { return done() };
                let is_well = verdict == Verdict::Well;
                assert_eq!(is_well, is_well && self.ended_well(n, ErrandKind::Verify), "{n} is called well");
                if let Some(operation) = self.operations.last_mut().filter(|last| last.waits == Waits::Now) {
                    operation.waits = Waits::Told(is_well);
                }
                done()
            }
            Effect::DiscardPlan { change_set } => {
                self.change_sets.remove(&change_set.to_string());
                done()
            }
            Effect::Plan if self.is_busy() => waiting("the stack is busy"),
            Effect::Plan => {
                let release = story.track.release(n)?;
                let image = release.phase.image()?.clone();
                let is_redeploy = matches!(release.origin, Origin::Redeploy { .. });
                let deletion = release.origin.is_retirement().then(deletion);
                if deletion.is_some() && self.runs.is_none() {
                    return Some(Signal::NothingToRetire { n, key: promise.key.clone() });
                }
                let is_redeploy = is_redeploy || deletion.is_some();
                if self.runs.as_ref() == Some(&image) && !is_redeploy {
                    return Some(Signal::UpToDate { n, key: promise.key.clone(), deployed: deployed(image) });
                }
                let limit = Span::hours(if self.trouble { 1 } else { 240 });
                let plan = Plan {
                    fingerprint: self.fingerprint_of(&image),
                    image: image.clone(),
                    change_set: promise.key.clone(),
                    stack_policy: None,
                    timeout: None,
                    requires: None,
                    before: (has_before(&image) && deletion.is_none()).then_some(limit),
                    verify: (has_verify(&image) && deletion.is_none())
                        .then(|| Verify { condition: "Verify0".to_owned(), limit }),
                    deletion,
                    lines: Vec::new(),
                };
                let change_set = ChangeSet { plan: plan.clone(), generation: self.generation };
                self.change_sets.insert(promise.key.to_string(), change_set);
                let known = if self.trouble && pick.is_multiple_of(3) {
                    vec!["Cleo@example.com".to_owned(), "somebody@example.com".to_owned()]
                } else {
                    Vec::new()
                };
                Some(Signal::Planned {
                    n,
                    plan: Box::new(plan),
                    wish: wish(),
                    ground: self.ground.clone(),
                    authors: Authors { known, unread: false },
                })
            }
            Effect::Execute => {
                let change_set = story.track.release(n)?.phase.plan()?.change_set.clone();
                if self.operations.iter().any(|operation| operation.change_set == change_set) {
                    return Some(Signal::ExecutionStarted { n, warning: None });
                }
                let Phase::Deploying { stop, .. } = &story.track.release(n)?.phase else { return done() };
                if stop.is_some() {
                    self.change_sets.remove(&change_set.to_string());
                    return Some(Signal::NotExecuted { n, key: promise.key.clone() });
                }
                if self.frozen_until > story.now && story.track.release(n)?.origin.heeds_holds() {
                    let frozen = Frozen { until: self.frozen_until, why: "a freeze".to_owned() };
                    return Some(Signal::Frozen { n, key: promise.key.clone(), frozen });
                }
                if story.track.release(n)?.origin.is_retirement() {
                    return Some(Signal::Cleared { n, key: promise.key.clone() });
                }
                if self.is_busy() {
                    return waiting("the stack is busy");
                }
                let current = |set: &&ChangeSet| set.generation == self.generation;
                let Some(set) = self.change_sets.get(&change_set.to_string()).filter(current) else {
                    let why = "its change set is gone".to_owned();
                    return Some(Signal::PlanStale { n, key: promise.key.clone(), why });
                };
                let image = set.plan.image.clone();
                if set.plan.before.is_some() && !story.track.release(n)?.prepared {
                    return Some(Signal::Cleared { n, key: promise.key.clone() });
                }
                let is_prepared = set.plan.before.is_none() || self.ended_well(n, ErrandKind::Before);
                assert!(is_prepared, "{n} is deployed and its `before` did not end well");
                let waits = if set.plan.verify.is_some() { Waits::NotYet } else { Waits::No };
                let (completed, stopped, deletes) = (None, false, false);
                self.operations.push(Operation { change_set, image, completed, stopped, waits, deletes });
                self.generation += 1;
                Some(Signal::ExecutionStarted { n, warning: None })
            }
            Effect::Retire => {
                let change_set = story.track.release(n)?.phase.plan()?.change_set.clone();
                if self.operations.iter().any(|operation| operation.change_set == change_set) {
                    return Some(Signal::ExecutionStarted { n, warning: None });
                }
                let current = |set: &&ChangeSet| set.generation == self.generation;
                let Some(set) = self.change_sets.get(&change_set.to_string()).filter(current) else {
                    let why = "the stack was changed".to_owned();
                    return Some(Signal::PlanStale { n, key: promise.key.clone(), why });
                };
                let (image, waits) = (set.plan.image.clone(), Waits::No);
                let (completed, stopped, deletes) = (None, false, true);
                self.operations.push(Operation { change_set, image, completed, stopped, waits, deletes });
                self.generation += 1;
                Some(Signal::ExecutionStarted { n, warning: None })
            }
            Effect::RunErrand => {
                let Phase::Deploying { errand: Some(errand), .. } = &story.track.release(n)?.phase else {
                    return done();
                };
                let kind = errand.kind;
                let others = self.tasks.iter().filter(|(key, (of_kind, _))| {
                    key.release.n == n && **key != promise.key && *of_kind == kind
                });
                assert_eq!(others.count(), 0, "I5: the {kind} of {n} runs again");
                self.tasks.entry(promise.key.clone()).or_insert((kind, TaskFact::Running));
                Some(Signal::ErrandStarted { n, key: promise.key.clone() })
            }
            Effect::LookAtErrand => self.errand_seen(pick, n, story),
            Effect::StopErrand { key, .. } => {
                if let Some((_, fact @ TaskFact::Running)) = self.tasks.get_mut(key) {
                    *fact = TaskFact::Failed;
                }
                done()
            }
            Effect::LookAtDeployment => self.deployment_seen(n, story),
        }
    }

    fn errand_seen(&mut self, pick: usize, n: u32, story: &Story) -> Option<Signal> {
        let Phase::Deploying { errand: Some(errand), .. } = &story.track.release(n)?.phase else {
            return None;
        };
        let (_, fact) = self.tasks.get_mut(&errand.key)?;
        // Which promise is performed depends on the last digits; how that goes must not.
        if *fact == TaskFact::Running && (pick / 7).is_multiple_of(2) {
            let fails = self.trouble && pick.is_multiple_of(6);
            *fact = if fails { TaskFact::Failed } else { TaskFact::Succeeded };
        }
        let seen = match fact {
            TaskFact::Running => ErrandSeen::Running { status: "RUNNING".to_owned() },
            TaskFact::Succeeded => ErrandSeen::Succeeded,
            TaskFact::Failed => ErrandSeen::Failed { why: "exit code 1".to_owned() },
        };
        Some(Signal::ErrandSeen { n, key: errand.key.clone(), seen })
    }

    fn ended_well(&self, n: u32, kind: ErrandKind) -> bool {
        self.tasks.iter().any(|(key, ran)| key.release.n == n && *ran == (kind, TaskFact::Succeeded))
    }

    /// What deploying would change is the same as long as the same runs: a fingerprint may come back.
    fn fingerprint_of(&self, image: &ImageDigest) -> Fingerprint {
        let letter = |image: &ImageDigest| u64::from(image.as_str().as_bytes()[7]);
        let runs = self.runs.as_ref().map_or(0, letter);
        fingerprint(letter(image) * 1_000_000 + runs * 1000 + self.generation / 4)
    }

    fn build_seen(&self, build: &BuildId) -> Signal {
        let image = REVISIONS
            .map(revision)
            .iter()
            .find(|revision| build.as_str().contains(revision.short()))
            .map(image_of);
        let seen = match self.builds.get(build.as_str()) {
            None => BuildSeen::Lost,
            Some(BuildFact::Running) => BuildSeen::Running { phase: "BUILD".to_owned() },
            Some(BuildFact::Failed) => BuildSeen::Failed { why: "exit status 1".to_owned(), log: None },
            Some(BuildFact::Succeeded { in_registry }) => {
                BuildSeen::Succeeded { registry: image.clone().filter(|_| *in_registry), exported: image }
            }
        };
        Signal::BuildSeen { build: build.clone(), seen }
    }

    fn build_moves(&mut self, pick: usize) -> Option<Signal> {
        let names: Vec<String> = self.builds.keys().cloned().collect();
        let name = names.get(pick % names.len().max(1))?;
        let next = match self.builds[name] {
            BuildFact::Running if self.trouble && pick.is_multiple_of(7) => BuildFact::Failed,
            BuildFact::Running => BuildFact::Succeeded { in_registry: pick.is_multiple_of(2) },
            BuildFact::Succeeded { .. } => BuildFact::Succeeded { in_registry: true },
            BuildFact::Failed => BuildFact::Failed,
        };
        self.builds.insert(name.clone(), next);
        Some(self.build_seen(&name.parse().unwrap()))
    }

    fn stack_moves(&mut self, pick: usize, story: &Story) -> Option<Signal> {
        let trouble = self.trouble;
        if let Some(operation) = self.operations.last_mut().filter(|last| last.completed.is_none()) {
            let goes_well = !operation.stopped && (!trouble || !pick.is_multiple_of(4));
            operation.completed = match operation.waits {
                Waits::NotYet if goes_well => {
                    operation.waits = Waits::Now;
                    None
                }
                // Nobody told it in time, if nobody ever does.
                Waits::Now => (!goes_well).then_some(false),
                Waits::Told(is_well) => Some(goes_well && is_well),
                Waits::No | Waits::NotYet => Some(goes_well),
            };
            if operation.completed == Some(true) {
                self.runs = (!operation.deletes).then(|| operation.image.clone());
            }
        }
        let n = deploying(story)?;
        self.deployment_seen(n, story)
    }

    fn deployment_seen(&self, n: u32, story: &Story) -> Option<Signal> {
        let change_set = &story.track.release(n)?.phase.plan()?.change_set;
        let operation = self.operations.iter().find(|operation| operation.change_set == *change_set);
        let awaits = operation.is_some_and(|operation| operation.waits == Waits::Now);
        let deletes = operation.is_some_and(|operation| operation.deletes);
        let seen = match operation.map(|operation| (operation.completed, &self.runs)) {
            None => DeploymentSeen::NotStarted,
            Some((Some(true), _)) if deletes => DeploymentSeen::Gone,
            Some((Some(false), _)) if deletes => {
                DeploymentSeen::Broken { status: "DELETE_FAILED".to_owned(), why: "in use".to_owned() }
            }
            Some((None, _)) if awaits => DeploymentSeen::AwaitsVerdict,
            Some((None, _)) => DeploymentSeen::Running { status: "UPDATE_IN_PROGRESS".to_owned() },
            Some((Some(true), Some(runs))) => {
                DeploymentSeen::Settled { deployed: deployed(runs.clone()), rollout: Rollout::Completed }
            }
            Some((Some(true), None)) => {
                DeploymentSeen::Broken { status: "DELETE_COMPLETE".to_owned(), why: "deleted".to_owned() }
            }
            Some((Some(false), _)) => DeploymentSeen::RolledBack {
                status: "UPDATE_ROLLBACK_COMPLETE".to_owned(),
                why: "tasks are unhealthy".to_owned(),
            },
        };
        Some(Signal::DeploymentSeen { n, seen })
    }

    /// People answer what they were asked, however long ago.
    fn answer(&mut self, pick: usize) -> Option<Signal> {
        let asked: Vec<&(u32, Fingerprint)> = self.asked.iter().collect();
        let (n, fingerprint) = asked.get(pick / 6 % asked.len().max(1))?;
        let voice = match pick % 6 {
            0 => Voice::Reply,
            1 => person("ana"),
            2 => person("cleo"),
            3 | 4 => person("bob"),
            _ => person(if self.trouble { "dana" } else { "ana" }),
        };
        let answer = if self.trouble && pick % 16 > 13 { Answer::Reject } else { Answer::Approve };
        Some(answered(*n, fingerprint.clone(), answer, voice, self.ground.clone()))
    }

    /// Whoever runs the platform changes who may approve, and people come and go.
    fn records_change(&mut self, pick: usize) {
        let (record, directory) = (&mut self.ground.record, &mut self.ground.directory);
        match pick % 7 {
            0 => record.required = 3 - record.required.clamp(1, 2),
            1 => record.replies = !record.replies,
            2 => record.self_approval = !record.self_approval,
            3 => record.expires_hours = if record.expires_hours == 24 { 2 } else { 24 },
            4 => {
                let lists: [&[&str]; 3] = [&["group:managers"], &["user:ana", "user:bob"], &["user:dana"]];
                let list = lists[pick / 7 % lists.len()];
                record.approvers =
                    if record.approvers.is_empty() { approvers(list) } else { Vec::<_>::new() };
            }
            5 => {
                let members = directory.groups.values_mut().next().unwrap();
                let cleo = "cleo".parse().unwrap();
                if !members.remove(&cleo) {
                    members.insert(cleo);
                }
            }
            _ => {
                let bob = "bob".parse().unwrap();
                if directory.people.remove(&bob).is_none() {
                    directory.people.insert(bob, Identities::default());
                }
            }
        }
    }
}

impl Facts {
    /// Whoever orders has read what is stored.
    fn order(&mut self, pick: usize, story: &Story) -> Option<Signal> {
        let over = story.over.get(pick / 9 % story.over.len().max(1)).cloned().map(Box::new);
        let was_deployed = |release: &&Release| matches!(release.ending(), Some(Ending::Deployed { .. }));
        let newest = story.track.newest.as_ref().map_or(1, |newest| newest.n);
        // Where nothing goes wrong nobody goes back or gives up: what is held is only held up.
        let kinds = if self.trouble { 10 } else { 3 };
        let order = match pick % kinds {
            0 => Order::Hold,
            1 | 2 => Order::Lift,
            3 => Order::Cancel { n: newest },
            4 => Order::Retry { of: over? },
            5 => Order::Rollback { to: Box::new(story.over.iter().find(was_deployed)?.clone()) },
            6 => Order::Redeploy { of: over? },
            7 => Order::Retire { of: over? },
            8 => Order::OverrideFreeze { until: story.now.plus(Span::hours(1)) },
            _ => Order::Repair { skip: Vec::new() },
        };
        self.orders += 1;
        Some(Signal::Ordered { order, ordered: ordered(self.orders) })
    }

    pub(crate) fn forget(&mut self, signal: &Signal) {
        self.told.retain(|told| told != signal);
    }

    /// What must not stand in the way of a rest: holds and freezes.
    pub(crate) fn open(&mut self, story: &Story) -> Option<Signal> {
        self.frozen_until = Timestamp(0);
        story.track.held()?;
        self.orders += 1;
        Some(Signal::Ordered { order: Order::Lift, ordered: ordered(self.orders) })
    }
}

/// Every other revision changes a database first.
fn has_before(image: &ImageDigest) -> bool {
    matches!(image.as_str().as_bytes()[7], b'b' | b'd')
}

/// Some others are looked at afterwards.
fn has_verify(image: &ImageDigest) -> bool {
    matches!(image.as_str().as_bytes()[7], b'c' | b'd')
}

fn promise(pick: usize, story: &Story) -> Option<&Promise> {
    let outbox = &story.track.outbox;
    outbox.get(pick % outbox.len().max(1))
}

pub(crate) fn deploying(story: &Story) -> Option<u32> {
    let deploying = |phase: &Phase| matches!(phase, Phase::Deploying { .. });
    story.track.in_flight.iter().find(|release| deploying(&release.phase)).map(|release| release.id.n)
}
