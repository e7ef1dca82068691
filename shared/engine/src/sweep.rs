//! The scheduled repair: wakes hands for what events and queues missed, and patrols branches for pushes that nobody
//! announced. It only looks and wakes.

use std::collections::{BTreeMap, BTreeSet};

use config::{EnvironmentRecord, ServiceRecord};
use model::effect::Hand;
use model::ids::{EnvironmentName, RepositoryName, TrackKey};
use model::time::{Span, Timestamp};

use crate::failure::Failure;
use crate::ports::{Agenda, Clock, Patrol, Queues, Records, Registry, Sources, Tracks};
use crate::push::{CONFIG_FILE, judge};
use crate::records::environments;

/// A promise that is overdue by this much was lost by its queue.
pub const LEASE: Span = Span::seconds(60);
/// Tracks woken by one sweep: each costs a look and a message.
const TRACKS_MAX: usize = 500;
/// Tracks that take turns at being woken.
const OVERDUE_MAX: u32 = 20_000;
/// Pages of service records patrolled by one sweep.
const PATROL_PAGES_MAX: usize = 5;
/// Source: SSM API, GetParametersByPath, MaxResults.
const RECORDS_A_PAGE: usize = 10;
/// Registered repositories that the patrol is made for; more are patrolled all the same, only less often.
pub const REPOSITORIES_MAX: usize = 1000;
/// A push that nobody announced becomes a release within this: a whole round of sweeps, one a minute, and one more for
/// the push itself.
pub const PATROL_AGE_MAX: Span =
    Span::minutes((REPOSITORIES_MAX / (PATROL_PAGES_MAX * RECORDS_A_PAGE)) as u64 + 1);

pub(crate) async fn sweep<P>(ports: &P) -> Result<String, Failure>
where
    P: Tracks + Agenda + Queues + Patrol + Sources + Records + Registry + Clock,
{
    // What fails is told by the sweep's own failure; it keeps nothing else waiting.
    let woken = wake_overdue(ports).await;
    let found = patrol(ports).await;
    let (woken, found) = (woken?, found?);
    Ok(format!("woke {woken} tracks, found {found} unannounced pushes"))
}

async fn wake_overdue<P: Tracks + Agenda + Queues + Clock>(ports: &P) -> Result<usize, Failure> {
    let now = ports.now();
    let overdue = ports.due_tracks(now.minus(LEASE), OVERDUE_MAX).await?;
    let keys = whose_turn(&overdue, now);
    let mut first_failure = None;
    for key in keys {
        if let Err(failure) = wake(ports, key, now).await {
            tracing::error!(track = %key, %failure, "not woken");
            first_failure.get_or_insert(failure);
        }
    }
    first_failure.map_or(Ok(keys.len()), Err)
}

/// What fails again and again stays the longest overdue. So where more are overdue than one sweep wakes, they take
/// turns, minute by minute.
fn whose_turn(overdue: &[TrackKey], now: Timestamp) -> &[TrackKey] {
    let turns = overdue.len().div_ceil(TRACKS_MAX).max(1);
    let turn = now.0 / Span::minutes(1).0 % turns as u64;
    overdue.chunks(TRACKS_MAX).nth(turn as usize).unwrap_or_default()
}

async fn wake<P: Tracks + Queues>(ports: &P, key: &TrackKey, now: Timestamp) -> Result<(), Failure> {
    let Some(track) = ports.load_track(key).await? else { return Ok(()) };
    let mut hands: BTreeSet<Hand> =
        track.outbox.iter().filter(|p| p.due <= now).map(|p| p.effect.hand()).collect();
    if hands.is_empty() {
        // Only a deadline: any hand decides it.
        hands.insert(Hand::Deployer);
    }
    for hand in hands {
        ports.wake(hand, key, track.version, Span(0)).await?;
    }
    Ok(())
}

/// Compares the heads of registered branches with what their tracks last saw, a few pages of records a sweep, round
/// and round.
async fn patrol<P>(ports: &P) -> Result<usize, Failure>
where
    P: Tracks + Agenda + Patrol + Sources + Records + Registry,
{
    let environments = environments(ports).await?;
    let mut page = ports.load_patrol().await?;
    let mut found = 0;
    let mut first_failure = None;
    for _ in 0..PATROL_PAGES_MAX {
        let read = ports.service_records(page.as_deref()).await?;
        for (name, stored) in &read.items {
            let record = ServiceRecord::parse(stored.body.as_bytes());
            match (name.parse::<RepositoryName>(), record) {
                (Ok(repository), Ok(record)) => {
                    match visit(ports, &repository, &record, &environments).await {
                        Ok(pushes) => found += pushes,
                        Err(failure) => {
                            tracing::error!(%repository, %failure, "not patrolled");
                            first_failure.get_or_insert(failure);
                        }
                    }
                }
                (Err(fault), _) => tracing::error!(%name, %fault, "service record left out"),
                (_, Err(faults)) => tracing::error!(%name, %faults, "service record left out"),
            }
        }
        page = read.next;
        if page.is_none() {
            break;
        }
    }
    ports.save_patrol(page.as_deref()).await?;
    first_failure.map_or(Ok(found), Err)
}

/// Tells `push` of every branch whose head is missing on a track that it deploys to. One track that has it proves
/// nothing for the others: `push` may have crashed between them.
async fn visit<P: Tracks + Patrol + Sources>(
    ports: &P,
    repository: &RepositoryName,
    record: &ServiceRecord,
    environments: &BTreeMap<EnvironmentName, EnvironmentRecord>,
) -> Result<usize, Failure> {
    let mut newest = BTreeMap::new();
    for environment in environments.keys() {
        let key = TrackKey { service: record.service.clone(), environment: environment.clone() };
        let track = ports.load_track(&key).await?;
        newest.insert(environment, track.and_then(|track| track.newest).map(|newest| newest.revision));
    }
    let mut found = 0;
    for branch in &record.branches {
        let Some(head) = ports.branch_head(repository, branch).await? else { continue };
        if newest.values().all(|newest| newest.as_ref() == Some(&head)) {
            continue;
        }
        let file = ports.file(repository, &head, CONFIG_FILE).await?;
        let verdicts = judge(file.as_deref(), branch, record, environments);
        if verdicts
            .iter()
            .any(|(name, _)| newest.get(name).is_none_or(|newest| newest.as_ref() != Some(&head)))
        {
            ports.send_to_push(repository, branch).await?;
            found += 1;
        }
    }
    Ok(found)
}

#[cfg(test)]
#[path = "sweep_tests.rs"]
mod tests;
