//! Every call of every story, and a crash there: before it takes effect, and after. Whatever was being handled comes
//! again, or is lost but for the sweep; either way the story ends as it would have.

use std::collections::{BTreeSet, VecDeque};
use std::thread;

use engine::ports::BuildStatus;
use serde_json::{Value, json};

use crate::builds;
use crate::calls::CALLS;
use crate::campaign::caught;
use crate::crash::{CrashPoint, Moment, Then};
use crate::errands;
use crate::operations;
use crate::script::{Answer, Hears, Scripted};
use crate::sources::CommitKind::{BadConfig, Contested, Earlier, Good, Migrating, Resized, Verified};
use crate::story::What;
use crate::trace::Keep;
use crate::world::{MINUTE, World};

/// The same for every run: only the crash differs.
const SEED: u64 = 1;
const SERVICE: &str = "payments";
const PRODUCTION: &str = "tidegate-payments-production";
/// An hour after the first push: everything that it brought is over.
const LATER: u64 = 60;
/// Minutes after a push that goes well its deployment runs.
const DEPLOYING: u64 = 17;

#[derive(Debug, Default)]
pub struct CrashPoints {
    pub stories: u64,
    /// Calls at which it was crashed.
    pub calls: u64,
    pub runs: u64,
    /// Calls of the ports that it was crashed at, by name.
    pub struck: BTreeSet<&'static str>,
    pub failures: Vec<String>,
}

impl CrashPoints {
    /// Calls of the ports that no story makes, so that it was never crashed there.
    pub fn unstruck(&self) -> Vec<&'static str> {
        CALLS.iter().map(|(call, _)| *call).filter(|call| !self.struck.contains(call)).collect()
    }
}

struct Told {
    name: &'static str,
    scripted: Scripted,
    /// Any of these: an order may come a phase earlier or later for a crash.
    ends: Vec<Ends>,
}

/// What a story comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Ends {
    /// Of each release, in the order of their ids.
    endings: Vec<String>,
    builds: usize,
    deployments: usize,
}

/// Plays every story as it is written; what did not come to its end.
pub fn uncrashed() -> Vec<String> {
    let mut points = CrashPoints::default();
    for story in stories() {
        story.check(None, &mut points);
    }
    points.failures
}

/// Plays every story without a crash and with one at each of its calls. `half`: what follows a crash alternates from call
/// to call, for neighbours are alike.
pub fn crash_points(half: bool) -> CrashPoints {
    let mut all = CrashPoints::default();
    let checked: Vec<Result<CrashPoints, String>> = thread::scope(|scope| {
        let check = |story: Told| {
            let points = caught(|| every_crash(&story, half));
            points.map_err(|panic| format!("{}: {panic}", story.name))
        };
        let threads: Vec<_> = stories().into_iter().map(|story| scope.spawn(move || check(story))).collect();
        let joined = threads.into_iter().map(|thread| thread.join());
        joined.map(|story| story.unwrap_or_else(|_| Err("a story's thread died".to_owned()))).collect()
    });
    for story in checked {
        match story {
            Ok(story) => {
                all.stories += story.stories;
                all.calls += story.calls;
                all.runs += story.runs;
                all.struck.extend(story.struck);
                all.failures.extend(story.failures);
            }
            Err(panic) => all.failures.push(panic),
        }
    }
    all
}

fn every_crash(story: &Told, half: bool) -> CrashPoints {
    let mut points = CrashPoints { stories: 1, ..CrashPoints::default() };
    let calls = story.check(None, &mut points);
    points.calls = calls;
    for call in 1..=calls {
        for (at, moment) in [Moment::BeforeItsEffect, Moment::AfterItsEffect].into_iter().enumerate() {
            for (next, then) in [Then::Redelivered, Then::Lost].into_iter().enumerate() {
                if !half || (call + at as u64 + next as u64).is_multiple_of(2) {
                    story.check(Some(CrashPoint { call, moment, then }), &mut points);
                }
            }
        }
    }
    points
}

impl Told {
    fn or(mut self, endings: &[&str], builds: usize, deployments: usize) -> Self {
        let endings = endings.iter().map(|ending| format!("{SERVICE}-{ending}")).collect();
        self.ends.push(Ends { endings, builds, deployments });
        self
    }

    /// Plays the story and says how many calls that took.
    fn check(&self, crash: Option<CrashPoint>, points: &mut CrashPoints) -> u64 {
        points.runs += 1;
        let world = self.scripted.play(self.scripted.world(SEED, Keep::Nothing, crash));
        let world = world.borrow();
        let ends = Ends::of(&world);
        let mut wrong = world.violations.clone();
        if !self.ends.contains(&ends) {
            wrong.push(format!("it came to {ends:?}"));
        }
        if crash.is_some() && world.crash.struck.is_none() {
            wrong.push("no crash happened".to_owned());
        }
        points.struck.extend(world.crash.struck);
        if !wrong.is_empty() {
            let call = world.crash.struck.unwrap_or("no call");
            points.failures.push(format!("{}, {call} {crash:?}: {}", self.name, wrong.join("; ")));
        }
        world.crash.calls
    }
}

impl Ends {
    fn of(world: &World) -> Self {
        let ending = |release: &model::release::Release| format!("{} {}", release.id, release.phase.name());
        Self {
            endings: world.table.releases.values().map(ending).collect(),
            builds: world.builds.all.len(),
            deployments: world.stacks.operations.len(),
        }
    }
}

fn story(
    name: &'static str,
    scripted: Scripted,
    endings: &[&str],
    builds: usize,
    deployments: usize,
) -> Told {
    Told { name, scripted, ends: Vec::new() }.or(endings, builds, deployments)
}

fn one_push() -> Scripted {
    Scripted::new(&[SERVICE.to_owned()], &["production"]).pushes(0, SERVICE, Good)
}

/// The second push comes `minute` minutes after the first.
fn two_pushes(minute: u64) -> Scripted {
    one_push().pushes(minute, SERVICE, Resized)
}

fn build_becomes(scripted: Scripted, becomes: builds::Becomes) -> Scripted {
    scripted.scripted(|script| script.builds = VecDeque::from([becomes]))
}

fn migrating<const N: usize>(become_: [errands::Becomes; N]) -> Scripted {
    let pushed = Scripted::new(&[SERVICE.to_owned()], &["production"]).pushes(0, SERVICE, Migrating);
    pushed.scripted(|script| script.tasks = VecDeque::from(become_))
}

fn verified(task_becomes: errands::Becomes) -> Scripted {
    let pushed = Scripted::new(&[SERVICE.to_owned()], &["production"]).pushes(0, SERVICE, Verified);
    pushed.scripted(|script| script.tasks = VecDeque::from([task_becomes]))
}

fn operations_become<const N: usize>(scripted: Scripted, become_: [operations::Becomes; N]) -> Scripted {
    scripted.scripted(|script| script.operations = VecDeque::from(become_))
}

fn answered(scripted: Scripted, n: u32, answer: Answer) -> Scripted {
    scripted.scripted(|script| {
        script.answers.insert(n, answer);
    })
}

/// Another tool updates the stack for a quarter of an hour.
fn touched(scripted: Scripted, minute: u64) -> Scripted {
    scripted.acts(minute * MINUTE, What::StackTouched { stack: PRODUCTION.to_owned() })
}

fn stories() -> Vec<Told> {
    let mut stories = stories_of_one_push();
    stories.extend(stories_of_deployments());
    stories.extend(stories_of_more_pushes());
    stories.extend(stories_of_places());
    stories.extend(stories_of_retirements());
    stories.extend(stories_of_people());
    stories
}

fn stories_of_one_push() -> Vec<Told> {
    let failed = builds::Becomes::Failed(BuildStatus::Failed);
    let both = Scripted::new(&[SERVICE.to_owned()], &["production", "staging"]).pushes(0, SERVICE, Good);
    let misspelt = Scripted::new(&[SERVICE.to_owned()], &["production"]).pushes(0, SERVICE, BadConfig);
    vec![
        story("a push is deployed", one_push(), &["production-1 Deployed"], 1, 1),
        story(
            "a push is deployed to two environments",
            both,
            &["production-1 Deployed", "staging-1 Deployed"],
            1,
            2,
        ),
        story("a bad config", misspelt, &["production-1 Failed"], 0, 0),
        story("a build fails", build_becomes(one_push(), failed), &["production-1 Failed"], 1, 0),
        story(
            "somebody else pushes under the build's tag",
            build_becomes(one_push(), builds::Becomes::TagTaken),
            &["production-1 Failed"],
            1,
            0,
        ),
        story("a rejection", answered(one_push(), 1, Answer::Reject), &["production-1 Rejected"], 1, 0),
        story("nobody answers", answered(one_push(), 1, Answer::Nothing), &["production-1 Expired"], 1, 0),
    ]
}

fn stories_of_deployments() -> Vec<Told> {
    use operations::Becomes::{Completed, OldDigest, RolledBack, RolloutFails, RolloutLags};
    let second = |becomes| operations_become(two_pushes(LATER), [Completed, becomes]);
    vec![
        story(
            "a first creation rolls back",
            operations_become(one_push(), [RolledBack]),
            &["production-1 RolledBack"],
            1,
            1,
        ),
        story(
            "an update rolls back",
            second(RolledBack),
            &["production-1 Deployed", "production-2 RolledBack"],
            2,
            2,
        ),
        story(
            "a rollout fails after the stack is updated",
            second(RolloutFails),
            &["production-1 Deployed", "production-2 Failed"],
            2,
            2,
        ),
        story(
            "a rollout lags behind its stack",
            second(RolloutLags),
            &["production-1 Deployed", "production-2 Deployed"],
            2,
            2,
        ),
        story(
            "a task runs before the deployment",
            migrating([errands::Becomes::Succeeds]),
            &["production-1 Deployed"],
            1,
            1,
        ),
        story(
            "a task fails before the deployment",
            migrating([errands::Becomes::Fails]),
            &["production-1 Failed"],
            1,
            0,
        ),
        story(
            "a task hangs before the deployment",
            migrating([errands::Becomes::Hangs]),
            &["production-1 Failed"],
            1,
            0,
        ),
        story(
            "a deployment is verified",
            verified(errands::Becomes::Succeeds),
            &["production-1 Deployed"],
            1,
            1,
        ),
        story(
            "a deployment does not pass its verify",
            verified(errands::Becomes::Fails),
            &["production-1 RolledBack"],
            1,
            1,
        ),
        story("a verify hangs", verified(errands::Becomes::Hangs), &["production-1 RolledBack"], 1, 1),
        story(
            "the service runs the old digest",
            second(OldDigest),
            &["production-1 Deployed", "production-2 Failed"],
            2,
            2,
        ),
    ]
}

fn stories_of_retirements() -> Vec<Told> {
    let retired = || one_push().acts(LATER * MINUTE, What::Retired { service: SERVICE.to_owned() });
    vec![
        story("a service is retired", retired(), &["production-1 Deployed", "production-2 Retired"], 1, 1),
        story(
            "a retirement is rejected",
            answered(retired(), 2, Answer::Reject),
            &["production-1 Deployed", "production-2 Rejected"],
            1,
            1,
        ),
        story(
            "a retired service is pushed again",
            retired().pushes(2 * LATER, SERVICE, Resized),
            &["production-1 Deployed", "production-2 Retired", "production-3 Deployed"],
            2,
            2,
        ),
    ]
}

/// Somebody orders something of the track in production.
fn ordered(scripted: Scripted, minute: u64, mut order: Value) -> Scripted {
    order["track"] = format!("{SERVICE}/production").into();
    scripted.acts(minute * MINUTE, What::Given { order })
}

fn stories_of_people() -> Vec<Told> {
    use operations::Becomes::{Completed, RollbackFailed};
    let cancel = |n: u32| json!({ "order": "cancel", "release": format!("{SERVICE}-production-{n}") });
    let mut promoted = Scripted::new(&[SERVICE.to_owned()], &["production", "staging"]);
    promoted.story.platform.promote("staging", "production");
    let retry = json!({ "order": "retry", "release": format!("{SERVICE}-production-1") });
    let back = json!({ "order": "rollback", "to": format!("{SERVICE}-production-1") });
    let failed = builds::Becomes::Failed(BuildStatus::Failed);
    let hangs = operations_become(two_pushes(LATER), [Completed, RollbackFailed]);
    let unannounced = one_push().scripted(|script| script.hears = Hears::NoPush);
    vec![
        story(
            "a release is promoted",
            promoted.pushes(0, SERVICE, Good),
            &["production-1 Deployed", "staging-1 Deployed"],
            1,
            2,
        ),
        story(
            "a release is rolled back",
            ordered(two_pushes(LATER), 2 * LATER, back),
            &["production-1 Deployed", "production-2 Deployed", "production-3 Deployed"],
            2,
            3,
        ),
        story(
            "a first creation is cancelled",
            ordered(one_push(), DEPLOYING, cancel(1)),
            &["production-1 RolledBack"],
            1,
            1,
        )
        .or(&["production-1 Cancelled"], 1, 0),
        story(
            "an update is cancelled",
            ordered(two_pushes(LATER), LATER + DEPLOYING, cancel(2)),
            &["production-1 Deployed", "production-2 RolledBack"],
            2,
            2,
        )
        .or(&["production-1 Deployed", "production-2 Cancelled"], 2, 1),
        story(
            "a failed release is tried again",
            ordered(build_becomes(one_push(), failed), LATER, retry),
            &["production-1 Failed", "production-2 Deployed"],
            2,
            1,
        ),
        story(
            "a stack that hangs in its rollback is repaired",
            ordered(hangs, 2 * LATER, json!({ "order": "repair" })),
            &["production-1 Deployed", "production-2 Failed"],
            2,
            2,
        ),
        story(
            "an approval in Slack",
            answered(one_push(), 1, Answer::InSlack),
            &["production-1 Deployed"],
            1,
            1,
        ),
        story(
            "an approval by the command line",
            answered(one_push(), 1, Answer::ByCommand),
            &["production-1 Deployed"],
            1,
            1,
        ),
        story("a push that nobody announces", unannounced, &["production-1 Deployed"], 1, 1),
    ]
}

/// Two services on one listener.
fn stories_of_places() -> Vec<Told> {
    const OTHER: &str = "ledger";
    let both = || Scripted::new(&[OTHER.to_owned(), SERVICE.to_owned()], &["production"]);
    let ends = |endings: &[&str], builds, deployments| Ends {
        endings: endings.iter().map(|ending| (*ending).to_owned()).collect(),
        builds,
        deployments,
    };
    let first = || both().pushes(0, SERVICE, Contested);
    vec![
        Told {
            name: "a place that another service holds",
            scripted: first().pushes(10, OTHER, Contested),
            ends: vec![ends(&["ledger-production-1 Failed", "payments-production-1 Deployed"], 1, 1)],
        },
        Told {
            name: "a place that another service has left",
            scripted: first().pushes(LATER, SERVICE, Good).pushes(2 * LATER, OTHER, Contested),
            ends: vec![ends(
                &[
                    "ledger-production-1 Deployed",
                    "payments-production-1 Deployed",
                    "payments-production-2 Deployed",
                ],
                3,
                3,
            )],
        },
        Told {
            name: "a place that a retired service has left",
            scripted: first().acts(LATER * MINUTE, What::Retired { service: SERVICE.to_owned() }).pushes(
                2 * LATER,
                OTHER,
                Contested,
            ),
            ends: vec![ends(
                &[
                    "ledger-production-1 Deployed",
                    "payments-production-1 Deployed",
                    "payments-production-2 Retired",
                ],
                2,
                2,
            )],
        },
        Told {
            name: "a place that another service never came to have",
            scripted: answered(first(), 1, Answer::Reject).pushes(LATER, OTHER, Contested),
            ends: vec![ends(&["ledger-production-1 Rejected", "payments-production-1 Rejected"], 2, 0)],
        },
    ]
}

fn stories_of_more_pushes() -> Vec<Told> {
    let both_deployed = ["production-1 Deployed", "production-2 Deployed"];
    let first_superseded = ["production-1 Superseded", "production-2 Deployed"];
    vec![
        story("a second push while the first builds", two_pushes(4), &first_superseded, 2, 1),
        story(
            "a second push while the first waits for its approval",
            answered(two_pushes(LATER), 1, Answer::Nothing),
            &first_superseded,
            2,
            1,
        ),
        story("a second push while the first deploys", two_pushes(DEPLOYING), &both_deployed, 2, 2),
        story(
            "what is live is pushed again after a rejection",
            answered(two_pushes(LATER).pushes(2 * LATER, SERVICE, Earlier), 2, Answer::Reject),
            &["production-1 Deployed", "production-2 Rejected", "production-3 Deployed"],
            2,
            1,
        ),
        story("a stale plan", touched(two_pushes(LATER), LATER + 13), &both_deployed, 2, 2),
        story("a busy stack", touched(two_pushes(LATER), LATER + 8), &both_deployed, 2, 2),
    ]
}
