//! A stack that hangs: how it stands is read, CloudFormation is asked for what may be done about it, and the end is read
//! again. What runs is never interrupted (I2), and nothing is deleted in which anything was ever live.

use model::effect::Promise;
use model::ids::EffectKey;
use model::order::{Repair, Repaired};
use model::signal::Signal;
use model::track::Track;

use crate::deployment::{first_failure, has_failed};
use crate::failure::Failure;
use crate::hand::growing_wait;
use crate::ports::{Clock, StackEvent, StackRead, Stacks};
use crate::stack_status::{Operation, Readiness, operation, readiness, remedy};

pub(crate) async fn repair<P: Stacks + Clock>(
    ports: &P,
    track: &Track,
    promise: &Promise,
) -> Result<Signal, Failure> {
    let Some(repair) = track.repairing().filter(|repair| repair.key == promise.key) else {
        return Ok(Signal::Done { key: promise.key.clone() });
    };
    let name = track.key.stack();
    let token = token(&promise.key);
    // Events first: what they do not show yet, CloudFormation takes once under this token.
    let newest = ports.stack_events(&name, None).await?.items;
    let ours: Vec<StackEvent> =
        newest.into_iter().filter(|event| event.token.as_deref() == Some(token.as_str())).collect();
    let Some(stack) = ports.stack(&name).await? else {
        let what = format!("there is no stack {name} any more: the next release makes it anew");
        return Ok(ended(promise, Repaired::Done { what }));
    };
    if let Some(last) = ours.iter().find(|event| event.of_stack) {
        return Ok(match operation(&last.status) {
            Operation::Running => wait(ports, promise, &format!("stack {name} is {}", last.status)),
            Operation::Completed | Operation::RolledBack => {
                let what = format!("stack {name} is {}: deployments can go on", last.status);
                ended(promise, Repaired::Done { what })
            }
            Operation::Broken => ended(promise, Repaired::NotDone { why: still_stuck(track, last, &ours) }),
        });
    }
    Ok(match act(track, repair, &stack) {
        Act::Continue => {
            ports.continue_rollback(&stack.id, &token, &repair.skip).await?;
            wait(ports, promise, &format!("CloudFormation goes on with the rollback of stack {name}"))
        }
        Act::Delete => {
            ports.delete_stack(&stack.id, &token).await?;
            let why = format!("stack {name}, which was {}, is deleted", stack.status);
            wait(ports, promise, &why)
        }
        Act::Nothing { why } => {
            let why = format!("stack {name} is {}; {why}", stack.status);
            ended(promise, Repaired::NotDone { why })
        }
    })
}

/// Ends the token of a repair.
pub(crate) const REPAIR: &str = "-repair";

/// No release's own: whoever looks for a deployment's events must not find these.
fn token(key: &EffectKey) -> String {
    format!("{key}{REPAIR}")
}

/// What may be done about a stack.
enum Act {
    Continue,
    Delete,
    Nothing { why: String },
}

fn act(track: &Track, repair: &Repair, stack: &StackRead) -> Act {
    let nothing = |why: &str| Act::Nothing { why: why.to_owned() };
    let status = stack.status.as_str();
    let waits = track.in_flight.iter().find(|release| release.phase.plan().is_some());
    match (readiness(Some(status)), status) {
        (Readiness::Stuck, "UPDATE_ROLLBACK_FAILED") => Act::Continue,
        _ if !repair.skip.is_empty() => {
            nothing("nothing was done: only what a rollback fails at can be skipped")
        }
        (_, "REVIEW_IN_PROGRESS") => match waits {
            None => Act::Delete,
            Some(release) => Act::Nothing { why: format!("it waits for {}: nothing hangs", release.id) },
        },
        (Readiness::Busy, _) => nothing(
            "an operation runs there, and is not interrupted: repair it when that has ended, if it must be",
        ),
        (Readiness::Ready(_), _) => nothing("nothing hangs: deployments can go on"),
        (Readiness::NeverCame, _) | (Readiness::Stuck, "DELETE_FAILED") if track.live.is_none() => {
            Act::Delete
        }
        (Readiness::NeverCame | Readiness::Stuck, _) => {
            Act::Nothing { why: remedy(track, status).unwrap_or_default() }
        }
    }
}

/// CloudFormation tried, and could not.
fn still_stuck(track: &Track, last: &StackEvent, events: &[StackEvent]) -> String {
    let stack = track.key.stack();
    let why =
        first_failure(events).or_else(|| last.reason.clone()).unwrap_or_else(|| "no reason given".to_owned());
    let mut failed: Vec<&str> =
        events.iter().filter(|event| has_failed(event)).map(|event| event.logical_id.as_str()).collect();
    failed.sort_unstable();
    failed.dedup();
    let skip = match (last.status.as_str(), failed.as_slice()) {
        ("UPDATE_ROLLBACK_FAILED", [_, ..]) => format!(
            ". What cannot be mended can be left as it is, and must be brought in step with the template by hand: \
             --skip {}",
            failed.join(" --skip ")
        ),
        _ => String::new(),
    };
    let remedy = remedy(track, &last.status).unwrap_or_default();
    format!("stack {stack} is {} again: {why}; {remedy}{skip}", last.status)
}

fn ended(promise: &Promise, outcome: Repaired) -> Signal {
    Signal::RepairEnded { key: promise.key.clone(), outcome }
}

fn wait<P: Clock>(ports: &P, promise: &Promise, why: &str) -> Signal {
    let until = ports.now().plus(growing_wait(promise.waits));
    Signal::Waiting { key: promise.key.clone(), why: why.to_owned(), until }
}
