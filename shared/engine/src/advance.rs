//! Observe → decide → commit → hand over: how every function moves a track.

use std::collections::BTreeMap;

use model::decide::{Advance, Decision, Why, decide};
use model::effect::{Hand, Promise};
use model::ids::TrackKey;
use model::kinds::PhaseKind;
use model::signal::Signal;
use model::time::{Span, Timestamp};
use model::track::Track;

use crate::failure::Failure;
use crate::ports::{Clock, Commit, CommitOnce, DELAY_MAX, Once, Queues, Tracks};

/// Lost races are decided anew this often; then the event's own retry takes over.
const COMMIT_ATTEMPTS_MAX: u32 = 8;

/// What became of a signal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Handled {
    /// The track stands at this version now.
    Advanced {
        version: u64,
    },
    Ignored(Why),
    /// What may be taken once was taken before.
    Spent,
    /// What was observed concerns nothing that is in flight.
    Unconcerned,
}

/// Moves one track by what `observe` reads, given the track as it is stored at that moment.
///
/// The track is loaded before anything is observed and written only if nobody wrote in between, so the order of
/// commits is an order of observations. A lost race observes and decides again.
pub(crate) async fn advance<P: Tracks + Queues + Clock>(
    ports: &P,
    key: &TrackKey,
    observe: impl AsyncFn(&Track) -> Result<Option<Signal>, Failure>,
) -> Result<Handled, Failure> {
    advance_by(ports, key, IfIgnored::WakeTheDue, observe).await
}

/// The same for what may be taken once: the commit that takes it remembers that.
pub(crate) async fn advance_once<P: Tracks + Queues + Clock>(
    ports: &P,
    key: &TrackKey,
    once: Option<&Once>,
    observe: impl AsyncFn(&Track) -> Result<Option<Signal>, Failure>,
) -> Result<Handled, Failure> {
    go(ports, key, IfIgnored::WakeTheDue, once, observe).await
}

/// What follows when there is nothing to decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IfIgnored {
    /// Whoever decided this before may have crashed before handing over.
    WakeTheDue,
    /// A message came of itself and tells nothing new. Two hands whose work fails would wake each other with every
    /// delivery, and there would be ever more messages; what nobody was told of is the sweep's to find.
    WakeNobody,
}

/// The same, with what is to follow when there is nothing to decide.
pub(crate) async fn advance_by<P: Tracks + Queues + Clock>(
    ports: &P,
    key: &TrackKey,
    if_ignored: IfIgnored,
    observe: impl AsyncFn(&Track) -> Result<Option<Signal>, Failure>,
) -> Result<Handled, Failure> {
    go(ports, key, if_ignored, None, observe).await
}

async fn go<P: Tracks + Queues + Clock>(
    ports: &P,
    key: &TrackKey,
    if_ignored: IfIgnored,
    once: Option<&Once>,
    observe: impl AsyncFn(&Track) -> Result<Option<Signal>, Failure>,
) -> Result<Handled, Failure> {
    for _ in 0..COMMIT_ATTEMPTS_MAX {
        let track = ports.load_track(key).await?.unwrap_or_else(|| Track::new(key.clone()));
        let Some(signal) = observe(&track).await? else {
            return Ok(Handled::Unconcerned);
        };
        let decision = decide(&track, &signal, ports.now());
        log(&track, &signal, &decision);
        match decision {
            Decision::Ignore(why) => {
                match if_ignored {
                    IfIgnored::WakeTheDue => hand_over_due(ports, &track).await?,
                    IfIgnored::WakeNobody => {}
                }
                return Ok(Handled::Ignored(why));
            }
            Decision::Advance(next) => match commit(ports, &next, once).await? {
                CommitOnce::Written => {
                    hand_over_news(ports, &track.outbox, &next.track).await?;
                    return Ok(Handled::Advanced { version: next.track.version });
                }
                CommitOnce::Lost => {}
                CommitOnce::Spent => return Ok(Handled::Spent),
            },
        }
    }
    Err(Failure::transient(
        "commit",
        format!("track {key} was changed by others {COMMIT_ATTEMPTS_MAX} times in a row"),
    ))
}

async fn commit<P: Tracks>(ports: &P, next: &Advance, once: Option<&Once>) -> Result<CommitOnce, Failure> {
    let Some(once) = once else {
        return Ok(match ports.commit_track(next).await? {
            Commit::Written => CommitOnce::Written,
            Commit::Lost => CommitOnce::Lost,
        });
    };
    ports.commit_track_once(next, once).await
}

/// What was decided before it is committed: a lost race is decided again.
fn log(track: &Track, signal: &Signal, decision: &Decision) {
    let phase = signal.release(track).map_or(PhaseKind::Over, |release| release.phase.kind());
    match decision {
        Decision::Advance(_) => {
            tracing::debug!(track = %track.key, phase = phase.name(), signal = signal.kind().name(), "advances");
        }
        Decision::Ignore(why) => {
            let signal = signal.kind().name();
            tracing::debug!(track = %track.key, phase = phase.name(), signal, ?why, "ignored");
        }
    }
}

/// Wakes every hand that has work which is due.
async fn hand_over_due<P: Queues + Clock>(ports: &P, track: &Track) -> Result<(), Failure> {
    let now = ports.now();
    let due = |promise: &&Promise| promise.due <= now;
    hand_over(ports, track, track.outbox.iter().filter(due)).await
}

async fn hand_over_news<P: Queues + Clock>(
    ports: &P,
    before: &[Promise],
    track: &Track,
) -> Result<(), Failure> {
    let is_news = |promise: &&Promise| {
        before.iter().find(|old| old.key == promise.key).is_none_or(|old| old.due != promise.due)
    };
    hand_over(ports, track, track.outbox.iter().filter(is_news)).await
}

async fn hand_over<'a, P: Queues + Clock>(
    ports: &P,
    track: &Track,
    promises: impl Iterator<Item = &'a Promise>,
) -> Result<(), Failure> {
    let mut first_due: BTreeMap<Hand, Timestamp> = BTreeMap::new();
    for promise in promises {
        let due = first_due.entry(promise.effect.hand()).or_insert(promise.due);
        *due = promise.due.min(*due);
    }
    let now = ports.now();
    for (hand, due) in first_due {
        let delay = Span(due.since(now).0.min(DELAY_MAX.0));
        ports.wake(hand, &track.key, track.version, delay).await?;
    }
    Ok(())
}
