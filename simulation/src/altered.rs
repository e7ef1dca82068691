//! Decisions as a mutated product would have made them, from those that it made.

use model::decide::Advance;
use model::effect::{Effect, Notice, Promise};
use model::ids::{EffectKey, Revision};
use model::release::{Asked, Ending, Phase, Release, Stop};
use model::track::Track;

use crate::mutation::Mutation;
use crate::sources::Sources;

/// `before` is what the decision was made of.
pub(crate) fn decision(mutation: Mutation, sources: &Sources, before: &Track, advance: &mut Advance) {
    match mutation {
        Mutation::OutboxSkipped => advance.track.outbox.clear(),
        Mutation::SupersededKept => keep_superseded(before, advance),
        Mutation::CommitTimeOrders => order_by_commit_time(sources, before, advance),
        Mutation::DeploymentSuperseded => supersede_deployment(before, advance),
        Mutation::DeploymentStopped => stop_deployment(before, advance),
        Mutation::ApprovalSkipped => count_as_approved(before, advance, |_, _| true),
        Mutation::VotesCarriedOver => count_as_approved(before, advance, carry_votes_over),
        Mutation::RetiredKept if advance.track.live.is_none() => {
            advance.track.live.clone_from(&before.live);
        }
        Mutation::RetiredKept
        | Mutation::VersionUnchecked
        | Mutation::DoneBeforeDone
        | Mutation::LostRaceIgnored
        | Mutation::PlacesOverwritten
        | Mutation::AnyTokenTaken
        | Mutation::AnySignatureTaken
        | Mutation::GuestsTaken
        | Mutation::FloorRemembered
        | Mutation::BackupsTakenForGranted
        | Mutation::EventTrusted
        | Mutation::HeadReadOnce
        | Mutation::HeadNotRecognised
        | Mutation::TokenUnsent
        | Mutation::TaskTokenUnsent
        | Mutation::ExitCodeUnread
        | Mutation::ExportUnread
        | Mutation::RollbackUnread
        | Mutation::DeletionUnread
        | Mutation::RolloutUnread
        | Mutation::DigestUnread
        | Mutation::TimeoutIsRefusal
        | Mutation::AlwaysWell
        | Mutation::EndingUnread
        | Mutation::NobodySwept
        | Mutation::DeadlinesUnswept
        | Mutation::LeaseIgnored
        | Mutation::PatrolSkipped
        | Mutation::RoutesIgnored
        | Mutation::NewsMixedUp
        | Mutation::OneTrackProvesAll => {}
    }
}

/// One that no repository has.
pub(crate) fn no_revision() -> Revision {
    match "0".repeat(40).parse() {
        Ok(revision) => revision,
        Err(malformed) => unreachable!("40 hex digits: {malformed}"),
    }
}

fn keep_superseded(before: &Track, advance: &mut Advance) {
    let superseded = |release: &&Release| matches!(release.phase, Phase::Over(Ending::Superseded { .. }));
    let ended: Vec<u32> = advance.changed.iter().filter(superseded).map(|release| release.id.n).collect();
    for kept in before.in_flight.iter().filter(|release| ended.contains(&release.id.n)) {
        let of_it = |key: &EffectKey| key.release == kept.id;
        advance.changed.retain(|changed| changed.id != kept.id);
        advance.track.in_flight.push(kept.clone());
        advance.track.outbox.retain(|promise| !of_it(&promise.key));
        advance.track.outbox.extend(before.outbox.iter().filter(|promise| of_it(&promise.key)).cloned());
    }
    advance.track.in_flight.sort_by_key(|release| release.id.n);
}

/// A release of an older commit than the newest release's gives way to it.
fn order_by_commit_time(sources: &Sources, before: &Track, advance: &mut Advance) {
    let Some(newest) = &before.newest else { return };
    let is_new = |release: &Release| release.id.n > newest.n;
    let Some(at) = advance.track.in_flight.iter().position(is_new) else { return };
    if !sources.is_older(&advance.track.in_flight[at].revision, &newest.revision) {
        return;
    }
    let mut release = advance.track.in_flight.remove(at);
    release.phase = Phase::Over(Ending::Superseded { by: before.release_id(newest.n) });
    for promise in advance.track.outbox.iter_mut().filter(|promise| promise.key.release == release.id) {
        promise.effect = Effect::Announce { notice: Notice::Ended };
    }
    advance.changed.retain(|changed| changed.id != release.id);
    advance.changed.push(release);
}

/// As if there were no deployment to wait for.
fn supersede_deployment(before: &Track, advance: &mut Advance) {
    let (Some(newest), made) = (&advance.track.newest, before.newest.as_ref().map_or(0, |newest| newest.n))
    else {
        return;
    };
    let deploys = |release: &Release| matches!(release.phase, Phase::Deploying { .. });
    let Some(at) = advance.track.in_flight.iter().position(deploys).filter(|_| newest.n > made) else {
        return;
    };
    let by = advance.track.release_id(newest.n);
    let mut release = advance.track.in_flight.remove(at);
    release.phase = Phase::Over(Ending::Superseded { by });
    for promise in advance.track.outbox.iter_mut().filter(|promise| promise.key.release == release.id) {
        promise.effect = Effect::Announce { notice: Notice::Ended };
    }
    advance.changed.push(release);
}

/// As if its time were over because there is something newer.
fn stop_deployment(before: &Track, advance: &mut Advance) {
    let made = before.newest.as_ref().map_or(0, |newest| newest.n);
    let track = &mut advance.track;
    let Some(at) = track.in_flight.iter().find(|release| release.id.n > made).map(|new| new.created_at)
    else {
        return;
    };
    for release in &mut track.in_flight {
        if let Phase::Deploying { started: true, stop: stop @ None, .. } = &mut release.phase {
            *stop = Some(Stop { at, ordered: None });
            track.promised += 1;
            let key = EffectKey { release: release.id.clone(), k: track.promised };
            let effect = Effect::StopDeployment;
            track.outbox.push(Promise { key, effect, due: at, waits: 0, waiting_for: None });
        }
    }
}

/// A release that is about to wait for its approval does not, where `counts` says so of what it was and what is asked.
fn count_as_approved(before: &Track, advance: &mut Advance, counts: impl Fn(&Phase, &mut Asked) -> bool) {
    for release in &mut advance.track.in_flight {
        let Some(was) = before.release(release.id.n) else { continue };
        if let Phase::AwaitingApproval { plan, asked } = &mut release.phase
            && matches!(was.phase, Phase::Planning { .. })
            && counts(&was.phase, asked)
        {
            asked.missing = Some(0);
            release.phase = Phase::Deploying {
                plan: plan.clone(),
                asked: asked.clone(),
                started: false,
                errand: None,
                told: None,
                stop: None,
            };
            let asks = |effect: &Effect| *effect == Effect::Announce { notice: Notice::ApprovalRequested };
            let id = &release.id;
            for promise in advance.track.outbox.iter_mut().filter(|promise| promise.key.release == *id) {
                if asks(&promise.effect) {
                    promise.effect = Effect::Execute;
                }
            }
        }
    }
}

fn carry_votes_over(was: &Phase, asked: &mut Asked) -> bool {
    let Phase::Planning { before: Some(earlier), .. } = was else { return false };
    asked.votes.clone_from(&earlier.votes);
    for vote in &mut asked.votes {
        vote.fingerprint = asked.fingerprint.clone();
    }
    asked.votes.len() >= asked.policy.required as usize
}
