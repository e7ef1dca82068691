//! A hand: loads the track, performs its own effects from the outbox, and feeds each outcome back as a signal.

use futures_util::FutureExt;
use model::effect::{Hand, Promise};
use model::ids::TrackKey;
use model::signal::Signal;
use model::time::Span;
use model::track::Track;

use crate::advance::{Handled, IfIgnored, advance, advance_by};
use crate::failure::Failure;
use crate::ports::{Clock, Queues, Tracks};

/// Promises performed for one message; the hand is woken again for what is left.
const PROMISES_MAX: usize = 32;
/// Clocks differ: a message may arrive this much before its promise is due.
const EARLY: Span = Span::seconds(5);
/// Before a call without an answer is looked at.
const UNKNOWN_WAIT: Span = Span::seconds(20);
const WAIT_FIRST: Span = Span::seconds(5);
const WAIT_MAX: Span = Span::minutes(5);

/// Performs what `hand` has due on the track.
///
/// # Errors
/// The first transient failure, after everything else was tried; the message then comes again.
pub(crate) async fn work<P: Tracks + Queues + Clock>(
    ports: &P,
    hand: Hand,
    key: &TrackKey,
    perform: impl AsyncFn(&Track, &Promise) -> Result<Signal, Failure>,
) -> Result<(), Failure> {
    advance_by(ports, key, IfIgnored::WakeNobody, async |_| Ok(Some(Signal::Tick))).await?;
    let mut tried = Vec::new();
    let mut first_failure = None;
    while tried.len() < PROMISES_MAX {
        // Loaded anew each time: the last outcome may have voided what stood next.
        let Some(track) = ports.load_track(key).await? else { break };
        let soon = ports.now().plus(EARLY);
        let Some(promise) =
            track.outbox.iter().find(|p| p.effect.hand() == hand && p.due <= soon && !tried.contains(&p.key))
        else {
            break;
        };
        tried.push(promise.key.clone());
        // Boxed: a plan's future is deeper than the compiler follows types.
        let performed = perform(&track, promise).boxed_local().await;
        match outcome(ports, promise, performed) {
            Ok(signal) => {
                advance(ports, key, async |track| {
                    Ok(is_news(track, promise, &signal).then(|| signal.clone()))
                })
                .await?;
            }
            Err(failure) => {
                tracing::warn!(key = %promise.key, %failure, "effect failed and will be tried again");
                first_failure.get_or_insert(failure);
            }
        }
    }
    if tried.len() == PROMISES_MAX
        && let Some(track) = ports.load_track(key).await?
    {
        ports.wake(hand, key, track.version, Span(0)).await?;
    }
    first_failure.map_or(Ok(()), Err)
}

/// "Not yet" is none when another worker has put the promise off since: each of them would wake the hand again, and
/// there would be ever more of them.
fn is_news(track: &Track, performed: &Promise, signal: &Signal) -> bool {
    let put_off = |promise: &Promise| promise.key == performed.key && promise.waits != performed.waits;
    !matches!(signal, Signal::Waiting { .. }) || !track.outbox.iter().any(put_off)
}

/// A failure that a decision can be made of becomes a signal; only a transient one stays a failure.
fn outcome<P: Clock>(
    ports: &P,
    promise: &Promise,
    performed: Result<Signal, Failure>,
) -> Result<Signal, Failure> {
    let key = promise.key.clone();
    match performed {
        Ok(signal) => Ok(signal),
        Err(Failure::Refused { call, why }) => Ok(Signal::Refused { key, why: format!("{call}: {why}") }),
        Err(Failure::NoCapacity { why, .. }) => {
            Ok(Signal::Waiting { key, why, until: ports.now().plus(growing_wait(promise.waits)) })
        }
        Err(Failure::Unknown { call, .. }) => {
            let why = format!("{call} gave no answer; looking whether it happened");
            Ok(Signal::Waiting { key, why, until: ports.now().plus(UNKNOWN_WAIT) })
        }
        Err(transient @ Failure::Transient { .. }) => Err(transient),
    }
}

pub(crate) fn growing_wait(waits: u32) -> Span {
    Span((WAIT_FIRST.0 << waits.min(8)).min(WAIT_MAX.0))
}

/// The sentence for one log line.
pub(crate) fn said(handled: &Handled) -> String {
    match handled {
        Handled::Advanced { version } => format!("advanced to version {version}"),
        Handled::Ignored(why) => format!("ignored: {why}"),
        Handled::Spent => "ignored: it was taken before".to_owned(),
        Handled::Unconcerned => "ignored: nothing in flight is concerned".to_owned(),
    }
}
