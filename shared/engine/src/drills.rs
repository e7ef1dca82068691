//! Restore drills: begun by the clock or by a person, carried on by RDS's events and by the clock, never waited for.

use databases::drill::{Act, CallNews, CheckRead, Drill, Drills, Next, Phase, Seen, Terms, decide, is_copy};
use databases::facts::{Database, Kind};
use databases::policy::{Check, DrillPolicy, May};
use futures_util::try_join;
use intake::{CheckAnswer, DrillOrder, Given};
use model::database::DatabaseKey;
use model::drill::DrillId;
use model::time::{Span, Timestamp};
use proof::{Proof, Refusal};

use crate::entitled::may_drill;
use crate::failure::Failure;
use crate::ports::{
    Callers, Clock, Commit, DrillChecks, DrillTable, NoticeQueue, Policy, Records, Restores, Watches,
};
use crate::posture::{Fleet, policies};
use crate::proven::prove;
use crate::records::directory;
use crate::watching::change;

/// Steps that one look can take: from nothing asked to a copy deleted there are six, and races are lost in between.
const STEPS_MAX: u32 = 16;
/// Lost races are begun anew this often; then the next look takes over.
const COMMIT_ATTEMPTS_MAX: u32 = 8;
/// CodeBuild tells of at most so many runs at once. Source: CodeBuild API, BatchGetBuilds.
const RUNS_MAX: usize = 100;

/// A person's order, with the proof of who gives it if it came with one. It names the drill, so that the same order,
/// however often it comes, is one drill.
pub(crate) async fn ordered<P>(
    ports: &P,
    order: &DrillOrder,
    proof: Option<&Result<Proof, Refusal>>,
) -> Result<String, Failure>
where
    P: DrillTable + Restores + DrillChecks + Policy + Watches + NoticeQueue + Records + Callers + Clock,
{
    let key = &order.database;
    let id = DrillId::of(key, order.id.as_str());
    let policies = match policies(ports).await {
        Ok(policies) => policies,
        Err(Failure::Refused { why, .. }) => return Ok(format!("not taken: {why}")),
        Err(failure) => return Err(failure),
    };
    if let Some(may) = &policies.may
        && let Err(why) = entitled(ports, order, proof, may).await?
    {
        tracing::warn!(drill = %id, database = %key, %why, "refused");
        return Ok(format!("refused: {why}"));
    }
    let last = ports.load_watch(key).await?.and_then(|watch| watch.last_drill);
    if last.is_some_and(|last| last.id == id) {
        return Ok(format!("taken: drill {id} of {key} is over already"));
    }
    let Some(isolation) = &policies.drills else {
        let why = "/tidegate/databases does not say where copies are restored to: it has no `drills`";
        return Ok(format!("not taken: {why}"));
    };
    let original = ports.instance(key.name()).await?;
    let tags = original.map(|instance| instance.tags).unwrap_or_default();
    let policy = policies.policy_of(key.name(), &tags);
    let terms = Terms::new(isolation, policy.drill.as_ref());
    let drill = requested(id.clone(), key, ports.now(), order.to, terms);
    match begin(ports, drill, isolation.at_once).await? {
        Begun::Now => {
            go_on(ports, &id).await?;
            Ok(format!("taken: drill {id} of {key} has begun; its end is told"))
        }
        Begun::Already => Ok(format!("taken: drill {id} of {key} has begun already")),
        Begun::Busy(other) => Ok(format!("not taken: drill {other} of {key} is under way")),
        Begun::Full(running) => Ok(format!(
            "not taken: {running} drills are under way, and /tidegate/databases allows {} at once",
            isolation.at_once
        )),
    }
}

/// Where the record names who may: only they, and only with a proof.
async fn entitled<P: Records + Callers + Clock>(
    ports: &P,
    order: &DrillOrder,
    proof: Option<&Result<Proof, Refusal>>,
    may: &May,
) -> Result<Result<(), String>, Failure> {
    let Some(proof) = proof else {
        let why = "/tidegate/databases says who may drill, and this order does not prove who gives it";
        return Ok(Err(format!("{why}: give it with `tidegate backups drill {}`", order.database)));
    };
    let proven = match prove(ports, &Given::Drill(order.clone()), proof).await? {
        Ok(proven) => proven,
        Err(refusal) => return Ok(Err(format!("({}): {refusal}", refusal.status()))),
    };
    let may = may_drill(&may.drill, &proven.voice, &directory(ports).await?);
    if may.is_ok() {
        tracing::info!(database = %order.database, by = %proven.voice, "a drill is ordered");
    }
    Ok(may)
}

/// Those that their policy asks for by now; the longest overdue first.
pub(crate) async fn begin_due<P>(ports: &P, fleet: &Fleet) -> Result<String, Failure>
where
    P: DrillTable + Restores + DrillChecks + Watches + NoticeQueue + Clock,
{
    let Some(isolation) = &fleet.policies.drills else { return Ok("no drills".to_owned()) };
    let mut due = due(fleet)?;
    due.sort_by(|(a_since, a, _), (b_since, b, _)| (a_since, a).cmp(&(b_since, b)));
    let mut begun = 0;
    for (_, key, drill) in due {
        let terms = Terms::new(isolation, Some(&drill));
        let id = DrillId::of(&key, &format!("scheduled {}", fleet.at.0));
        let drill = requested(id.clone(), &key, ports.now(), None, terms);
        match begin(ports, drill, isolation.at_once).await? {
            Begun::Now => {
                begun += 1;
                go_on(ports, &id).await?;
            }
            Begun::Already | Begun::Busy(_) => {}
            Begun::Full(_) => break,
        }
    }
    Ok(format!("began {begun} drills"))
}

/// Every drill that is under way. One that fails holds up no other.
pub(crate) async fn go_on_all<P>(ports: &P) -> Result<String, Failure>
where
    P: DrillTable + Restores + DrillChecks + Watches + NoticeQueue + Clock,
{
    let drills = ports.load_drills().await?;
    let mut failed = None;
    for drill in &drills.running {
        if let Err(failure) = go_on(ports, &drill.id).await {
            tracing::warn!(drill = %drill.id, %failure, "a drill is gone on with later");
            failed.get_or_insert(failure);
        }
    }
    failed.map_or_else(|| Ok(format!("{} drills under way", drills.running.len())), Err)
}

/// The drill whose copy has that name, after an event of it.
pub(crate) async fn copy_moved<P>(ports: &P, copy: &str) -> Result<String, Failure>
where
    P: DrillTable + Restores + DrillChecks + Watches + NoticeQueue + Clock,
{
    let drills = ports.load_drills().await?;
    match drills.running.iter().find(|drill| drill.id.copy() == copy) {
        Some(drill) => go_on(ports, &drill.id).await,
        None => Ok(format!("ignored: no drill that is under way makes {copy}")),
    }
}

/// An answer of a check's function. It is kept before anything comes of it; one that does not count is a hint like any.
pub(crate) async fn answered<P>(ports: &P, answer: &CheckAnswer) -> Result<String, Failure>
where
    P: DrillTable + Restores + DrillChecks + Watches + NoticeQueue + Clock,
{
    let news = CallNews::Answered { key: answer.key.hash(), failure: answer.failure.clone() };
    take_over(ports, &answer.drill, &Seen::Call(news)).await?;
    go_on(ports, &answer.drill).await
}

/// Looks, decides, writes that down and does what it says, until there is nothing to do but to wait.
pub(crate) async fn go_on<P>(ports: &P, id: &DrillId) -> Result<String, Failure>
where
    P: DrillTable + Restores + DrillChecks + Watches + NoticeQueue + Clock,
{
    let mut done: Option<Act> = None;
    for _ in 0..STEPS_MAX {
        let drills = ports.load_drills().await?;
        let Some(drill) = drills.of(id) else { return Ok(format!("drill {id} is over")) };
        let seen = look(ports, drill).await?;
        let decision = decide(drill, &seen, ports.now());
        let waits = decision.next == Next::Stay;
        if write(ports, &drills, drill, decision.next).await? == Commit::Lost {
            continue;
        }
        match decision.act {
            None if waits => return Ok(format!("drill {id} waits: {}", named(&drill.phase))),
            None => {}
            // RDS does not show it yet.
            Some(act) if waits && done.as_ref() == Some(&act) => {
                return Ok(format!("drill {id} waits: {}", named(&drill.phase)));
            }
            Some(act) => match perform(ports, &act).await {
                Ok(()) => {
                    if let Act::CallCheck(_, key) = &act {
                        let news = CallNews::Taken { key: key.hash() };
                        take_over(ports, id, &Seen::Call(news)).await?;
                    }
                    done = Some(act);
                }
                Err(Failure::NoCapacity { call, why }) => {
                    return Ok(format!("drill {id} waits: {call}: {why}"));
                }
                Err(Failure::Refused { call, why }) => {
                    tracing::warn!(drill = %id, call, %why, "refused");
                    let seen = Seen::Refused { act, why: why.clone() };
                    if !take_over(ports, id, &seen).await? {
                        return Ok(format!("drill {id} waits: {call} was refused: {why}"));
                    }
                }
                Err(failure) => return Err(failure),
            },
        }
    }
    Ok(format!("drill {id} goes on with the next look"))
}

/// What that makes of the drill, without another look; whether it made anything of it. What follows, the next look sees.
async fn take_over<P>(ports: &P, id: &DrillId, seen: &Seen) -> Result<bool, Failure>
where
    P: DrillTable + Watches + NoticeQueue + Clock,
{
    for _ in 0..COMMIT_ATTEMPTS_MAX {
        let drills = ports.load_drills().await?;
        let Some(drill) = drills.of(id) else { return Ok(true) };
        let next = decide(drill, seen, ports.now()).next;
        let stays = next == Next::Stay;
        if write(ports, &drills, drill, next).await? == Commit::Written {
            return Ok(!stays);
        }
    }
    Err(raced("a drill"))
}

async fn look<P: Restores + DrillChecks>(ports: &P, drill: &Drill) -> Result<Seen, Failure> {
    let copy = drill.id.copy();
    Ok(match &drill.phase {
        Phase::Requested => {
            let (original, copy) = try_join!(ports.instance(drill.database.name()), ports.instance(&copy))?;
            Seen::Original { original: original.map(Box::new), copy_is_there: copy.is_some() }
        }
        Phase::Restoring { .. } | Phase::Securing { .. } | Phase::Deleting { .. } => {
            Seen::Copy(ports.instance(&copy).await?)
        }
        Phase::Checking { .. } => match &drill.terms.check {
            Some(Check::Function { .. }) => {
                Seen::Called { copy: ports.instance(&copy).await?, fresh: ports.answer_key()? }
            }
            Some(Check::Project(project)) => {
                let (copy, runs) = try_join!(ports.instance(&copy), runs(ports, project))?;
                Seen::Checked { copy, runs }
            }
            None => Seen::Checked { copy: ports.instance(&copy).await?, runs: Vec::new() },
        },
    })
}

/// The newest of a project.
pub(crate) async fn runs<P: DrillChecks>(ports: &P, project: &str) -> Result<Vec<CheckRead>, Failure> {
    let mut ids = ports.recent_checks(project).await?;
    ids.truncate(RUNS_MAX);
    ports.read_checks(&ids).await
}

async fn perform<P: Restores + DrillChecks>(ports: &P, act: &Act) -> Result<(), Failure> {
    match act {
        Act::Restore(order) => ports.restore(order).await,
        Act::RenewPassword(copy) => ports.renew_password(copy).await,
        Act::StartCheck(order) => ports.start_check(order).await,
        Act::CallCheck(order, key) => ports.call_check(order, key).await,
        Act::Delete(copy) => ports.delete_copy(copy).await,
    }
}

/// The end is told before the drill is forgotten: a crash in between says the same again, which is told once.
async fn write<P>(ports: &P, drills: &Drills, drill: &Drill, next: Next) -> Result<Commit, Failure>
where
    P: DrillTable + Watches + NoticeQueue,
{
    let after = match next {
        Next::Stay => return Ok(Commit::Written),
        Next::Become(next) => {
            tracing::info!(drill = %drill.id, database = %drill.database, phase = named(&next.phase), "drill advanced");
            drills.with(&drill.id, Some(*next))
        }
        Next::Over(report) => {
            change(ports, &drill.database, None, |watch| watch.drilled(&report)).await?;
            tracing::info!(drill = %drill.id, database = %drill.database, "drill is over");
            drills.with(&drill.id, None)
        }
    };
    ports.commit_drills(&after).await
}

enum Begun {
    Now,
    Already,
    /// Another of the same database is under way.
    Busy(DrillId),
    Full(usize),
}

async fn begin<P: DrillTable>(ports: &P, drill: Drill, at_once: u32) -> Result<Begun, Failure> {
    for _ in 0..COMMIT_ATTEMPTS_MAX {
        let drills = ports.load_drills().await?;
        if drills.of(&drill.id).is_some() {
            return Ok(Begun::Already);
        }
        if let Some(other) = drills.running.iter().find(|other| other.database == drill.database) {
            return Ok(Begun::Busy(other.id.clone()));
        }
        if drills.running.len() >= at_once as usize {
            return Ok(Begun::Full(drills.running.len()));
        }
        match ports.commit_drills(&drills.with(&drill.id, Some(drill.clone()))).await? {
            Commit::Written => return Ok(Begun::Now),
            Commit::Lost => {}
        }
    }
    Err(raced("the drills"))
}

fn raced(what: &str) -> Failure {
    let why = format!("{what} were changed by others {COMMIT_ATTEMPTS_MAX} times in a row");
    Failure::transient("commit", why)
}

fn requested(
    id: DrillId,
    database: &DatabaseKey,
    requested: Timestamp,
    to: Option<Timestamp>,
    terms: Terms,
) -> Drill {
    Drill { id, database: database.clone(), requested, to, terms, phase: Phase::Requested, made: Vec::new() }
}

type Due = (Timestamp, DatabaseKey, DrillPolicy);

/// With the time since when each is due. A policy that matches clusters or replicas too does not mean them: the ones cannot be
/// drilled yet, and the others are made anew from their source.
fn due(fleet: &Fleet) -> Result<Vec<Due>, Failure> {
    let mut due = Vec::new();
    let can = |d: &&Database| d.kind == Kind::Instance && d.member_of.is_none() && d.replica_of.is_none();
    let there = fleet.databases.iter().filter(can).filter(|d| d.status != "deleting" && d.lacks.is_none());
    for database in there.filter(|d| !is_copy(&d.name, &d.tags)) {
        let policy = fleet.policies.policy_of(&database.name, &database.tags);
        let Some(drill) = policy.drill else { continue };
        let Some(days) = drill.every_days else { continue };
        let key = DatabaseKey::new(database.kind.as_str(), &database.name)
            .map_err(|malformed| Failure::refused("database key", malformed.to_string()))?;
        let since = match fleet.drilled.get(&key) {
            Some(last) => last.plus(Span::hours(24 * u64::from(days))),
            None => Timestamp::default(),
        };
        if since <= fleet.at {
            due.push((since, key, drill));
        }
    }
    Ok(due)
}

fn named(phase: &Phase) -> &'static str {
    match phase {
        Phase::Requested => "requested",
        Phase::Restoring { .. } => "restoring",
        Phase::Securing { .. } => "securing",
        Phase::Checking { .. } => "checking",
        Phase::Deleting { .. } => "deleting",
    }
}

#[cfg(test)]
#[path = "drills_tests/mod.rs"]
pub(crate) mod tests;
