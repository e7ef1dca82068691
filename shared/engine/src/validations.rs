//! AWS Backup's restore tests: begun by its event or by the clock, checked by the team's own check, and answered.

use databases::drill::{CallNews, Drills};
use databases::policy::{Check, Policies};
use databases::validation::{Act, Next, NotOurs, Seen, Validation, decide};
use futures_util::try_join;
use intake::CheckAnswer;
use model::drill::DrillId;
use model::time::Span;

use crate::drills::runs;
use crate::failure::Failure;
use crate::ports::{
    Clock, Commit, DrillChecks, DrillTable, NoticeQueue, Policy, RestoreTests, Restores, Watches,
};
use crate::posture::{Fleet, policies};
use crate::watching::change;

/// Steps that one look can take: from nothing asked to a result given there are four, and races are lost in between.
const STEPS_MAX: u32 = 12;
/// Lost races are begun anew this often; then the next look takes over.
const COMMIT_ATTEMPTS_MAX: u32 = 8;
/// Under way at once: they share an item with the drills. The next look begins the others.
const VALIDATIONS_MAX: usize = 20;
/// What was completed before was heard of, or is deleted by now: a testing plan keeps it for a week at most, and few do so
/// for more than a day.
const LOOKED_BACK: Span = Span::hours(24);

/// After its event, which is a hint: AWS Backup tells what was restored, and whether it has a result.
pub(crate) async fn begin<P>(ports: &P, job: &str) -> Result<String, Failure>
where
    P: DrillTable + Restores + RestoreTests + DrillChecks + Policy + Watches + NoticeQueue + Clock,
{
    begin_by(ports, &policies(ports).await?, job).await
}

/// Those that nobody was told of, or that had to wait.
pub(crate) async fn begin_untold<P>(ports: &P, fleet: &Fleet) -> Result<String, Failure>
where
    P: DrillTable + Restores + RestoreTests + DrillChecks + Watches + NoticeQueue + Clock,
{
    let has_check = |drill: &databases::policy::DrillPolicy| drill.check.is_some();
    if !fleet.policies.policies.iter().any(|policy| policy.require.drill.as_ref().is_some_and(has_check)) {
        return Ok("no checks of restore tests".to_owned());
    }
    let jobs = ports.untold_tests(ports.now().minus(LOOKED_BACK)).await?;
    for job in &jobs {
        begin_by(ports, &fleet.policies, job).await?;
    }
    Ok(format!("{} restore tests without a result", jobs.len()))
}

async fn begin_by<P>(ports: &P, policies: &Policies, job: &str) -> Result<String, Failure>
where
    P: DrillTable + Restores + RestoreTests + DrillChecks + Watches + NoticeQueue + Clock,
{
    let ignored = |why: NotOurs| Ok(format!("restore test {job} is not validated: {why}"));
    let Some(restore) = ports.restore_job(job).await? else { return ignored(NotOurs::NoTest) };
    let (database, restored) = match restore.instances() {
        Ok(instances) => instances,
        Err(why) => return ignored(why),
    };
    let tags = ports.instance(database).await?.map(|original| original.tags).unwrap_or_default();
    let Some(check) = policies.policy_of(database, &tags).drill.and_then(|drill| drill.check) else {
        return ignored(NotOurs::NoCheck);
    };
    let validation = Validation::new(job, (database, restored), check, ports.now())
        .map_err(|malformed| Failure::refused("database key", malformed.to_string()))?;
    let id = validation.id.clone();
    if !store(ports, validation).await? {
        return Ok(format!("restore test {job} waits for others to be validated"));
    }
    go_on(ports, &id).await
}

/// Whether it is under way; one of each database at a time, so that its end is told once.
async fn store<P: DrillTable>(ports: &P, validation: Validation) -> Result<bool, Failure> {
    for _ in 0..COMMIT_ATTEMPTS_MAX {
        let drills = ports.load_drills().await?;
        if drills.validation(&validation.id).is_some() {
            return Ok(true);
        }
        let is_busy = drills.validations.iter().any(|other| other.database == validation.database);
        if is_busy || drills.validations.len() >= VALIDATIONS_MAX {
            return Ok(false);
        }
        let after = drills.with_validation(&validation.id, Some(validation.clone()));
        if ports.commit_drills(&after).await? == Commit::Written {
            return Ok(true);
        }
    }
    Err(raced())
}

/// Every one that is under way. One that fails holds up no other.
pub(crate) async fn go_on_all<P>(ports: &P) -> Result<String, Failure>
where
    P: DrillTable + Restores + RestoreTests + DrillChecks + Watches + NoticeQueue + Clock,
{
    let drills = ports.load_drills().await?;
    let mut failed = None;
    for validation in &drills.validations {
        if let Err(failure) = go_on(ports, &validation.id).await {
            tracing::warn!(validation = %validation.id, %failure, "a validation is gone on with later");
            failed.get_or_insert(failure);
        }
    }
    failed.map_or_else(|| Ok(format!("{} validations under way", drills.validations.len())), Err)
}

/// An answer of a check's function. It is kept before anything comes of it.
pub(crate) async fn answered<P>(ports: &P, answer: &CheckAnswer) -> Result<String, Failure>
where
    P: DrillTable + Restores + RestoreTests + DrillChecks + Watches + NoticeQueue + Clock,
{
    let news = CallNews::Answered { key: answer.key.hash(), failure: answer.failure.clone() };
    take_over(ports, &answer.drill, &Seen::Call(news)).await?;
    go_on(ports, &answer.drill).await
}

/// Looks, decides, writes that down and does what it says, until there is nothing to do but to wait.
pub(crate) async fn go_on<P>(ports: &P, id: &DrillId) -> Result<String, Failure>
where
    P: DrillTable + Restores + RestoreTests + DrillChecks + Watches + NoticeQueue + Clock,
{
    let mut done: Option<Act> = None;
    for _ in 0..STEPS_MAX {
        let drills = ports.load_drills().await?;
        let Some(validation) = drills.validation(id) else { return Ok(format!("validation {id} is over")) };
        let seen = look(ports, validation).await?;
        let decision = decide(validation, &seen, ports.now());
        let waits = decision.next == Next::Stay;
        if write(ports, &drills, validation, decision.next).await? == Commit::Lost {
            continue;
        }
        let Some(act) = decision.act else {
            if waits {
                return Ok(format!("validation {id} waits"));
            }
            continue;
        };
        // CodeBuild does not show it yet.
        if waits && done.as_ref() == Some(&act) {
            return Ok(format!("validation {id} waits"));
        }
        let seen = match perform(ports, validation, &act).await {
            Ok(()) => after(&act),
            Err(Failure::NoCapacity { call, why }) => {
                return Ok(format!("validation {id} waits: {call}: {why}"));
            }
            Err(Failure::Refused { call, why }) => {
                tracing::warn!(validation = %id, call, %why, "refused");
                Some(Seen::Refused { act: act.clone(), why })
            }
            Err(failure) => return Err(failure),
        };
        if let Some(seen) = seen {
            take_over(ports, id, &seen).await?;
        }
        done = Some(act);
    }
    Ok(format!("validation {id} goes on with the next look"))
}

/// What an act that was done makes seen, where no look shows it.
fn after(act: &Act) -> Option<Seen> {
    match act {
        Act::StartCheck(_) => None,
        Act::CallCheck(_, key) => Some(Seen::Call(CallNews::Taken { key: key.hash() })),
        Act::Report(_) => Some(Seen::Reported),
    }
}

async fn look<P>(ports: &P, validation: &Validation) -> Result<Seen, Failure>
where
    P: Restores + RestoreTests + DrillChecks,
{
    let job = async || {
        let job = ports.restore_job(&validation.job).await?;
        let gone =
            || Failure::refused("backup DescribeRestoreJob", format!("there is no job {}", validation.job));
        job.ok_or_else(gone)
    };
    let runs = async || match &validation.check {
        Check::Project(project) => runs(ports, project).await,
        Check::Function { .. } => Ok(Vec::new()),
    };
    let (job, instance, runs) = try_join!(job(), ports.instance(&validation.restored), runs())?;
    Ok(Seen::Restored { job, instance: instance.map(Box::new), runs, fresh: ports.answer_key()? })
}

async fn perform<P: RestoreTests + DrillChecks>(
    ports: &P,
    validation: &Validation,
    act: &Act,
) -> Result<(), Failure> {
    match act {
        Act::StartCheck(order) => ports.start_check(order).await,
        Act::CallCheck(order, key) => ports.call_check(order, key).await,
        Act::Report(verdict) => ports.report_test(&validation.job, verdict).await,
    }
}

/// What that makes of it, without another look.
async fn take_over<P>(ports: &P, id: &DrillId, seen: &Seen) -> Result<(), Failure>
where
    P: DrillTable + Watches + NoticeQueue + Clock,
{
    for _ in 0..COMMIT_ATTEMPTS_MAX {
        let drills = ports.load_drills().await?;
        let Some(validation) = drills.validation(id) else { return Ok(()) };
        let next = decide(validation, seen, ports.now()).next;
        if write(ports, &drills, validation, next).await? == Commit::Written {
            return Ok(());
        }
    }
    Err(raced())
}

/// The end is told before it is forgotten: a crash in between says the same again, which is told once.
async fn write<P>(ports: &P, drills: &Drills, validation: &Validation, next: Next) -> Result<Commit, Failure>
where
    P: DrillTable + Watches + NoticeQueue,
{
    let id = &validation.id;
    let after = match next {
        Next::Stay => return Ok(Commit::Written),
        Next::Become(next) => drills.with_validation(id, Some(*next)),
        Next::Over(report) => {
            change(ports, &validation.database, None, |watch| watch.validated(&report)).await?;
            tracing::info!(validation = %id, database = %validation.database, "validation is over");
            drills.with_validation(id, None)
        }
        Next::Forgotten => drills.with_validation(id, None),
    };
    ports.commit_drills(&after).await
}

fn raced() -> Failure {
    let why = format!("the validations were changed by others {COMMIT_ATTEMPTS_MAX} times in a row");
    Failure::transient("commit", why)
}

#[cfg(test)]
#[path = "validations_tests.rs"]
mod tests;
