//! Every phase with every signal: one line each, reviewed as a file snapshot.

use std::collections::BTreeSet;
use std::fmt::Write;

use model::approval::{Answer, Policy, Voice};
use model::decide::{Decision, decide};
use model::effect::{Effect, Notice, Promise};
use model::ids::EffectKey;
use model::order::{Order, Repaired};
use model::release::{Errand, ErrandKind, Frozen, Phase, Plan, STALE_MAX};
use model::signal::{BuildSeen, DeploymentSeen, ErrandSeen, Promotion, Push, Rollout, Signal};
use model::time::{Span, Timestamp};
use model::track::Track;

use crate::story::{
    Story, answered, approvers, build, deletion, deployed, fingerprint, ground, image_of, ordered, person,
    planned_for, policy, promotion, push, revision,
};

/// A track, and the release on it that the signals are about.
struct Situation {
    name: &'static str,
    n: u32,
    story: Story,
}

#[test]
fn every_phase_with_every_signal_is_decided_as_reviewed() {
    let mut text = String::new();
    for situation in situations() {
        let _ = writeln!(text, "\n{}\n{}", situation.name, track_line(&situation.story.track));
        for (name, signal) in signals(&situation) {
            let later = Span::hours(match name {
                "Tick, half a day later" => 13,
                "Tick, days later" => 100,
                _ => 0,
            });
            let line = outcome_line(&situation.story, &signal, later);
            let _ = writeln!(text, "  {name:<44} {line}");
        }
    }
    insta::assert_snapshot!(text);
}

#[test]
fn every_phase_and_every_signal_has_its_sample() {
    let situations = situations();
    let phases: BTreeSet<&str> = situations
        .iter()
        .map(|s| s.story.track.release(s.n).map_or("none in flight", |release| phase_kind(&release.phase)))
        .collect();
    assert_eq!(phases, BTreeSet::from(PHASE_KINDS));
    for situation in &situations {
        let kinds: BTreeSet<&str> =
            signals(situation).iter().map(|(_, signal)| signal_kind(signal)).collect();
        assert_eq!(kinds, BTreeSet::from(SIGNAL_KINDS), "{}", situation.name);
    }
}

fn situations() -> Vec<Situation> {
    let at = |name, n, story| Situation { name, n, story };
    let repair = || Order::Repair { skip: Vec::new() };
    let first = || Story::new().planning('a');
    let waiting = || first().planned(1, 1);
    let deploying = || waiting().approved(1);
    let preparing = || first().planned_with_before(1, 1).approved(1).cleared(1);
    let prepared = || preparing().errand_started(1).errand_seen(1, ErrandSeen::Succeeded);
    let verifying = || first().planned_with_verify(1, 1).approved(1).executing(1).awaits_verdict(1);
    let live = || deploying().executing(1).deployed(1);
    let retired = || live().retiring(2).approved(2);
    let live_twice = || live().planning('b').planned(2, 2).approved(2).executing(2).deployed(2);
    vec![
        at("nothing yet", 1, Story::new()),
        at("Building, asked for", 1, Story::new().pushed('a')),
        at("Building, started", 1, Story::new().pushed('a').build_started(1)),
        at("Building, started; an older one plans", 2, first().pushed('b').build_started(2)),
        at("Building, started; an older one waits for approval", 2, waiting().pushed('b').build_started(2)),
        at("Building, started; an older one deploys", 2, deploying().pushed('b').build_started(2)),
        at("Planning", 1, first()),
        at("Planning; a newer one builds", 1, first().pushed('b')),
        at("Planning; an older one waits for approval", 2, waiting().planning('b')),
        at("Planning; an older one deploys, promised before", 2, waiting().planning('b').approved(1)),
        at("Planning; an older one deploys", 2, deploying().planning('b')),
        at("Planning again, the approved plan being stale", 1, deploying().stale(1)),
        at("Planning again; a newer one plans too", 1, deploying().planning('b').stale(1)),
        at("AwaitingApproval", 1, waiting()),
        at("AwaitingApproval; a newer one builds", 1, waiting().pushed('b')),
        at("AwaitingApproval; a newer one plans", 1, waiting().planning('b')),
        at("AwaitingApproval; another one is live", 2, live().planning('b').planned(2, 2)),
        at("AwaitingApproval, two needed, one given", 1, first().planned_for_two(1, 1).half_approved(1)),
        at("Ready, to be counted again; a newer one builds", 1, waiting().ready(1).pushed('b')),
        at("Ready; an older one deploys", 2, deploying().executing(1).planning('b').ready(2)),
        at("Ready; the track is held", 1, waiting().orders(Order::Hold).approved(1)),
        at("Ready; a freeze is in force", 1, deploying().frozen(1)),
        at("AwaitingApproval, a rollback; a newer push waits too", 3, {
            let to = live_twice().stored(1);
            live_twice().orders(Order::Rollback { to }).planned(3, 3).planning('c').planned(4, 4)
        }),
        at("Deploying, not started", 1, deploying()),
        at("Deploying, not started, to stop", 1, deploying().orders(Order::Cancel { n: 1 })),
        at("Deploying, started, to stop", 1, deploying().executing(1).orders(Order::Cancel { n: 1 })),
        at("Deploying, not started; a newer one plans", 1, deploying().planning('b')),
        at("Deploying, not started; a newer one is ready", 1, deploying().planning('b').ready(2)),
        at(
            "Deploying, not started, its plan stale again and again",
            1,
            deploying().stale_times(1, STALE_MAX - 1),
        ),
        at("Deploying, started", 1, deploying().executing(1)),
        at("Deploying, started; a newer one builds", 1, deploying().executing(1).pushed('b')),
        at("Deploying, started; a newer one is ready", 1, deploying().executing(1).planning('b').ready(2)),
        at("Deploying, cleared for its before", 1, preparing()),
        at("Deploying, its before runs", 1, preparing().errand_started(1)),
        at("Deploying, its before runs; a newer one plans", 1, preparing().errand_started(1).planning('b')),
        at("Deploying, not started, its before ended well", 1, prepared()),
        at("Deploying, its verify is promised", 1, verifying()),
        at("Deploying, its verify runs", 1, verifying().errand_started(1)),
        at("Deploying, its verify ended well", 1, verifying().errand_seen(1, ErrandSeen::Succeeded)),
        at(
            "Deploying, its verify failed",
            1,
            verifying().errand_seen(1, ErrandSeen::Failed { why: "exit".into() }),
        ),
        at("Planning again, its before having ended well", 1, prepared().stale(1)),
        at(
            "over: Failed, its before too",
            1,
            preparing().errand_seen(1, ErrandSeen::Failed { why: "exit".into() }),
        ),
        at("Planning; the stack is repaired", 1, first().orders(repair())),
        at("AwaitingApproval; the stack is repaired", 1, waiting().orders(repair())),
        at("Planning, a retirement", 2, live().orders(Order::Retire { of: live().stored(1) })),
        at("AwaitingApproval, a retirement", 2, live().retiring(2)),
        at("Ready, a retirement; the track is held", 2, live().retiring(2).orders(Order::Hold).approved(2)),
        at("Deploying, a retirement, not cleared", 2, retired()),
        at("Deploying, a retirement, cleared", 2, retired().cleared(2)),
        at("Deploying, a retirement, started; a newer one plans", 2, {
            retired().cleared(2).executing(2).planning('b')
        }),
        at("over: Retired", 2, retired().cleared(2).executing(2).gone(2)),
        at("over: Deployed", 1, live()),
        at("over: Deployed; the stack is repaired", 1, live().orders(repair())),
        at("over: Deployed; a newer one is live", 1, live_twice()),
        at("over: Cancelled", 1, waiting().orders(Order::Cancel { n: 1 })),
        at("over: Superseded; the newer one builds", 1, Story::new().pushed('a').pushed('b')),
    ]
}

/// One of each kind at least; where a kind has cases that are told apart, one of each case.
fn signals(situation: &Situation) -> Vec<(&'static str, Signal)> {
    let (n, story) = (situation.n, &situation.story);
    let release = story.track.release(n);
    let own_revision = release.map_or_else(|| revision('a'), |release| release.revision.clone());
    let own_letter = own_revision.as_str().chars().next().unwrap_or('a');
    let own_image = image_of(&own_revision);
    let foreign = image_of(&revision('f'));
    let asked = release
        .and_then(|release| release.phase.plan())
        .map_or_else(|| fingerprint(1), |plan| plan.fingerprint.clone());
    let promised = story
        .track
        .outbox
        .iter()
        .rfind(|promise| promise.key.release.n == n)
        .map_or_else(|| story.key(n, 1), |promise| promise.key.clone());
    let seen = |seen| Signal::BuildSeen { build: build(own_letter), seen };
    let succeeded =
        |exported: Option<_>, registry: Option<_>| seen(BuildSeen::Succeeded { exported, registry });
    let deployment = |seen| Signal::DeploymentSeen { n, seen };
    let settled = |image: &_, rollout| {
        deployment(DeploymentSeen::Settled { deployed: deployed(Clone::clone(image)), rollout })
    };
    let says = |answer, voice| answered(n, asked.clone(), answer, voice, ground(policy(1)));
    let planned = |number, record| planned_for(n, story.plan(n, number), record);
    let up_to_date =
        |image: &_| Signal::UpToDate { n, key: promised.clone(), deployed: deployed(Clone::clone(image)) };
    let stored = match (release, story.over.iter().find(|release| release.id.n == n)) {
        (Some(stored), _) | (None, Some(stored)) => Box::new(stored.clone()),
        (None, None) => Story::new().pushed('a').stored(1),
    };
    let errand = match release.map(|release| &release.phase) {
        Some(Phase::Deploying { errand: Some(errand), .. }) => errand.key.clone(),
        Some(_) | None => promised.clone(),
    };
    let ran = |key: &EffectKey, seen| Signal::ErrandSeen { n, key: key.clone(), seen };
    let order = |order| Signal::Ordered { order, ordered: ordered(9) };
    let repaired = |outcome| {
        let repair =
            story.track.repair.as_ref().map_or_else(|| story.key(n, 98), |repair| repair.key.clone());
        Signal::RepairEnded { key: repair, outcome }
    };
    let no_replies = Policy { replies: false, ..policy(1) };
    vec![
        ("Pushed, the newest again", Signal::Pushed(push(story.newest_letter()))),
        ("Pushed, another", Signal::Pushed(push('c'))),
        (
            "Pushed, another with a fault",
            Signal::Pushed(Push { fault: Some("bad config".into()), ..push('c') }),
        ),
        ("Promoted", Signal::Promoted(promotion('c', 1))),
        (
            "Promoted, with a fault",
            Signal::Promoted(Promotion { fault: Some("bad config".into()), ..promotion('c', 1) }),
        ),
        ("Ordered Hold", order(Order::Hold)),
        ("Ordered Lift", order(Order::Lift)),
        ("Ordered Cancel", order(Order::Cancel { n })),
        ("Ordered Retry", order(Order::Retry { of: stored.clone() })),
        ("Ordered Rollback", order(Order::Rollback { to: stored.clone() })),
        ("Ordered Redeploy", order(Order::Redeploy { of: stored.clone() })),
        ("Ordered Retire", order(Order::Retire { of: stored })),
        ("Ordered OverrideFreeze", order(Order::OverrideFreeze { until: story.now.plus(Span::hours(2)) })),
        ("Ordered Repair", order(Order::Repair { skip: Vec::new() })),
        ("Ordered OverrideFreeze, too late", order(Order::OverrideFreeze { until: story.now })),
        ("BuildStarted", Signal::BuildStarted { n, build: build(own_letter) }),
        ("BuildSeen Running", seen(BuildSeen::Running { phase: "BUILD".into() })),
        ("BuildSeen Succeeded", succeeded(Some(own_image.clone()), Some(own_image.clone()))),
        ("BuildSeen Succeeded, nothing exported", succeeded(None, Some(own_image.clone()))),
        ("BuildSeen Succeeded, not in the registry", succeeded(Some(own_image.clone()), None)),
        (
            "BuildSeen Succeeded, another in the registry",
            succeeded(Some(own_image.clone()), Some(foreign.clone())),
        ),
        ("BuildSeen Failed", seen(BuildSeen::Failed { why: "no such file".into(), log: None })),
        ("BuildSeen Lost", seen(BuildSeen::Lost)),
        ("Planned, as promised", planned(1, policy(1))),
        ("Planned, another fingerprint", planned(7, policy(1))),
        ("Planned, needing nobody", planned(1, policy(0))),
        ("Planned, by a promise that is void", {
            let mut plan = story.plan(n, 1);
            plan.change_set = story.key(n, 98);
            planned_for(n, plan, policy(1))
        }),
        ("UpToDate", up_to_date(&own_image)),
        ("UpToDate, running another image", up_to_date(&foreign)),
        (
            "UpToDate, by a promise that is void",
            Signal::UpToDate { n, key: story.key(n, 98), deployed: deployed(own_image.clone()) },
        ),
        ("Planned, a retirement", {
            planned_for(n, Plan { deletion: Some(deletion()), ..story.plan(n, 1) }, policy(1))
        }),
        ("NothingToRetire", Signal::NothingToRetire { n, key: promised.clone() }),
        ("NothingToRetire, by a promise that is void", Signal::NothingToRetire { n, key: story.key(n, 98) }),
        ("PlanStale", Signal::PlanStale { n, key: promised.clone(), why: "gone".into() }),
        (
            "PlanStale, by a promise that is void",
            Signal::PlanStale { n, key: story.key(n, 98), why: "gone".into() },
        ),
        ("Answered Approve, verified", says(Answer::Approve, person("bob"))),
        ("Answered Approve, verified, the same person", says(Answer::Approve, person("ana"))),
        ("Answered Approve, a reply", says(Answer::Approve, Voice::Reply)),
        ("Answered Approve, a reply where none may", {
            answered(n, asked.clone(), Answer::Approve, Voice::Reply, ground(no_replies))
        }),
        ("Answered Approve, a floor of two", {
            answered(n, asked.clone(), Answer::Approve, person("bob"), ground(policy(2)))
        }),
        ("Answered Approve, another plan", {
            answered(n, fingerprint(8), Answer::Approve, person("bob"), ground(policy(1)))
        }),
        ("Answered Approve, whoever pushed it", says(Answer::Approve, person("dana"))),
        ("Answered Approve, not an approver", {
            let record = Policy { approvers: approvers(&["group:managers"]), ..policy(1) };
            answered(n, asked.clone(), Answer::Approve, person("ana"), ground(record))
        }),
        ("Answered Reject, verified", says(Answer::Reject, person("bob"))),
        ("Answered Reject, a reply", says(Answer::Reject, Voice::Reply)),
        ("Cleared", Signal::Cleared { n, key: promised.clone() }),
        ("Cleared, by a promise that is void", Signal::Cleared { n, key: story.key(n, 98) }),
        ("ErrandStarted", Signal::ErrandStarted { n, key: errand.clone() }),
        ("ErrandStarted, another one", Signal::ErrandStarted { n, key: story.key(n, 98) }),
        ("ErrandSeen Running", ran(&errand, ErrandSeen::Running { status: "PROVISIONING".into() })),
        ("ErrandSeen Succeeded", ran(&errand, ErrandSeen::Succeeded)),
        ("ErrandSeen Succeeded, another one", ran(&story.key(n, 98), ErrandSeen::Succeeded)),
        ("ErrandSeen Failed", ran(&errand, ErrandSeen::Failed { why: "payments exited with code 1".into() })),
        ("ExecutionStarted", Signal::ExecutionStarted { n, warning: None }),
        ("Frozen", {
            let frozen = Frozen { until: story.now.plus(Span::hours(3)), why: "no Friday evenings".into() };
            Signal::Frozen { n, key: promised.clone(), frozen }
        }),
        ("NotExecuted", Signal::NotExecuted { n, key: promised.clone() }),
        ("DeploymentSeen NotStarted", deployment(DeploymentSeen::NotStarted)),
        (
            "DeploymentSeen Running",
            deployment(DeploymentSeen::Running { status: "UPDATE_IN_PROGRESS".into() }),
        ),
        ("DeploymentSeen AwaitsVerdict", deployment(DeploymentSeen::AwaitsVerdict)),
        ("DeploymentSeen Settled, Completed", settled(&own_image, Rollout::Completed)),
        ("DeploymentSeen Settled, another image", settled(&foreign, Rollout::Completed)),
        ("DeploymentSeen Settled, rollout Running", settled(&own_image, Rollout::Running)),
        ("DeploymentSeen Settled, rollout Failed", {
            settled(&own_image, Rollout::Failed { why: "the ECS deployment failed".into() })
        }),
        (
            "DeploymentSeen RolledBack",
            deployment(DeploymentSeen::RolledBack {
                status: "UPDATE_ROLLBACK_COMPLETE".into(),
                why: "unhealthy".into(),
            }),
        ),
        (
            "DeploymentSeen Broken",
            deployment(DeploymentSeen::Broken {
                status: "UPDATE_ROLLBACK_FAILED".into(),
                why: "unhealthy".into(),
            }),
        ),
        ("DeploymentSeen Gone", deployment(DeploymentSeen::Gone)),
        ("RepairEnded Done", repaired(Repaired::Done { what: "well again".into() })),
        ("RepairEnded NotDone", repaired(Repaired::NotDone { why: "stuck".into() })),
        ("Done, the last promise", Signal::Done { key: promised.clone() }),
        ("Done, none such", Signal::Done { key: story.key(n, 98) }),
        (
            "Waiting, the last promise",
            Signal::Waiting {
                key: promised.clone(),
                why: "throttled".into(),
                until: story.now.plus(Span::seconds(20)),
            },
        ),
        (
            "Waiting, none such",
            Signal::Waiting { key: story.key(n, 98), why: "throttled".into(), until: story.now },
        ),
        ("Refused, the last promise", Signal::Refused { key: promised, why: "no such role".into() }),
        ("Refused, none such", Signal::Refused { key: story.key(n, 98), why: "no such role".into() }),
        ("Tick", Signal::Tick),
        ("Tick, half a day later", Signal::Tick),
        ("Tick, days later", Signal::Tick),
    ]
}

/// The name that a signal's line begins with. A new kind breaks this `match`; it needs a place in `SIGNAL_KINDS`
/// and a sample above.
fn signal_kind(signal: &Signal) -> &'static str {
    match signal {
        Signal::Pushed(Push { fault: None, .. }) => "Pushed",
        Signal::Pushed(Push { fault: Some(_), .. }) => "Pushed, fault",
        Signal::Promoted(Promotion { fault: None, .. }) => "Promoted",
        Signal::Promoted(Promotion { fault: Some(_), .. }) => "Promoted, fault",
        Signal::Ordered { order, .. } => match order {
            Order::Hold => "Ordered Hold",
            Order::Lift => "Ordered Lift",
            Order::Cancel { .. } => "Ordered Cancel",
            Order::Retry { .. } => "Ordered Retry",
            Order::Rollback { .. } => "Ordered Rollback",
            Order::Redeploy { .. } => "Ordered Redeploy",
            Order::Retire { .. } => "Ordered Retire",
            Order::OverrideFreeze { .. } => "Ordered OverrideFreeze",
            Order::Repair { .. } => "Ordered Repair",
        },
        Signal::BuildStarted { .. } => "BuildStarted",
        Signal::BuildSeen { seen, .. } => match seen {
            BuildSeen::Running { .. } => "BuildSeen Running",
            BuildSeen::Succeeded { .. } => "BuildSeen Succeeded",
            BuildSeen::Failed { .. } => "BuildSeen Failed",
            BuildSeen::Lost => "BuildSeen Lost",
        },
        Signal::Planned { .. } => "Planned",
        Signal::UpToDate { .. } => "UpToDate",
        Signal::NothingToRetire { .. } => "NothingToRetire",
        Signal::PlanStale { .. } => "PlanStale",
        Signal::Answered { answer, voice, .. } => match (answer, voice) {
            (Answer::Approve, Voice::Verified { .. }) => "Approve, verified",
            (Answer::Approve, Voice::Reply) => "Approve, reply",
            (Answer::Reject, Voice::Verified { .. }) => "Reject, verified",
            (Answer::Reject, Voice::Reply) => "Reject, reply",
        },
        Signal::Cleared { .. } => "Cleared",
        Signal::ErrandStarted { .. } => "ErrandStarted",
        Signal::ErrandSeen { seen, .. } => match seen {
            ErrandSeen::Running { .. } => "ErrandSeen Running",
            ErrandSeen::Succeeded => "ErrandSeen Succeeded",
            ErrandSeen::Failed { .. } => "ErrandSeen Failed",
        },
        Signal::ExecutionStarted { .. } => "ExecutionStarted",
        Signal::Frozen { .. } => "Frozen",
        Signal::NotExecuted { .. } => "NotExecuted",
        Signal::DeploymentSeen { seen, .. } => match seen {
            DeploymentSeen::NotStarted => "DeploymentSeen NotStarted",
            DeploymentSeen::Running { .. } => "DeploymentSeen Running",
            DeploymentSeen::AwaitsVerdict => "DeploymentSeen AwaitsVerdict",
            DeploymentSeen::Settled { rollout, .. } => match rollout {
                Rollout::Running => "Settled, Running",
                Rollout::Completed => "Settled, Completed",
                Rollout::Failed { .. } => "Settled, Failed",
            },
            DeploymentSeen::RolledBack { .. } => "DeploymentSeen RolledBack",
            DeploymentSeen::Broken { .. } => "DeploymentSeen Broken",
            DeploymentSeen::Gone => "DeploymentSeen Gone",
        },
        Signal::RepairEnded { outcome: Repaired::Done { .. }, .. } => "RepairEnded Done",
        Signal::RepairEnded { outcome: Repaired::NotDone { .. }, .. } => "RepairEnded NotDone",
        Signal::Done { .. } => "Done",
        Signal::Waiting { .. } => "Waiting",
        Signal::Refused { .. } => "Refused",
        Signal::Tick => "Tick",
    }
}

const SIGNAL_KINDS: [&str; 49] = [
    "Pushed",
    "Pushed, fault",
    "Promoted",
    "Promoted, fault",
    "Ordered Hold",
    "Ordered Lift",
    "Ordered Cancel",
    "Ordered Retry",
    "Ordered Rollback",
    "Ordered Redeploy",
    "Ordered Retire",
    "Ordered OverrideFreeze",
    "Ordered Repair",
    "BuildStarted",
    "BuildSeen Running",
    "BuildSeen Succeeded",
    "BuildSeen Failed",
    "BuildSeen Lost",
    "Planned",
    "UpToDate",
    "NothingToRetire",
    "PlanStale",
    "Approve, verified",
    "Approve, reply",
    "Reject, verified",
    "Reject, reply",
    "Cleared",
    "ErrandStarted",
    "ErrandSeen Running",
    "ErrandSeen Succeeded",
    "ErrandSeen Failed",
    "ExecutionStarted",
    "Frozen",
    "NotExecuted",
    "DeploymentSeen NotStarted",
    "DeploymentSeen Running",
    "DeploymentSeen AwaitsVerdict",
    "Settled, Running",
    "Settled, Completed",
    "Settled, Failed",
    "DeploymentSeen RolledBack",
    "DeploymentSeen Broken",
    "DeploymentSeen Gone",
    "RepairEnded Done",
    "RepairEnded NotDone",
    "Done",
    "Waiting",
    "Refused",
    "Tick",
];

fn phase_kind(phase: &Phase) -> &'static str {
    match phase {
        Phase::Building { build: None } => "Building, asked for",
        Phase::Building { build: Some(_) } => "Building, started",
        Phase::Planning { before: None, .. } => "Planning",
        Phase::Planning { before: Some(_), .. } => "Planning again",
        Phase::AwaitingApproval { .. } => "AwaitingApproval",
        Phase::Ready { frozen: None, .. } => "Ready",
        Phase::Ready { frozen: Some(_), .. } => "Ready, frozen",
        Phase::Deploying { errand: Some(Errand { kind: ErrandKind::Verify, started, .. }), .. } => {
            if *started { "Deploying, verify runs" } else { "Deploying, verify promised" }
        }
        Phase::Deploying { errand: Some(errand), .. } if !errand.started => "Deploying, errand promised",
        Phase::Deploying { errand: Some(_), .. } => "Deploying, errand runs",
        Phase::Deploying { started: false, stop: None, .. } => "Deploying, not started",
        Phase::Deploying { started: true, stop: None, .. } => "Deploying, started",
        Phase::Deploying { started: false, stop: Some(_), .. } => "Deploying, not started, to stop",
        Phase::Deploying { started: true, stop: Some(_), .. } => "Deploying, started, to stop",
        Phase::Over(_) => "over releases are not in flight",
    }
}

/// What `phase_kind` tells apart, and a release that is not in flight.
const PHASE_KINDS: [&str; 16] = [
    "none in flight",
    "Building, asked for",
    "Building, started",
    "Planning",
    "Planning again",
    "AwaitingApproval",
    "Ready",
    "Ready, frozen",
    "Deploying, errand promised",
    "Deploying, errand runs",
    "Deploying, verify promised",
    "Deploying, verify runs",
    "Deploying, not started",
    "Deploying, started",
    "Deploying, not started, to stop",
    "Deploying, started, to stop",
];

fn track_line(track: &Track) -> String {
    let mut line = String::from(" ");
    if let Some(live) = &track.live {
        let _ = write!(line, " live {};", live.release.n);
    }
    if track.held().is_some() {
        line += " held;";
    }
    for release in &track.in_flight {
        let _ = write!(line, " {} {};", release.id.n, phase_kind(&release.phase));
    }
    let promises: Vec<String> =
        track.outbox.iter().map(|promise| promise_line(promise, promise.due)).collect();
    format!("{line} promised: {}", promises.join(", "))
}

/// `k n Effect`, and when it is not due at once.
fn promise_line(promise: &Promise, now: Timestamp) -> String {
    let effect = match &promise.effect {
        Effect::StartBuild => "StartBuild".to_owned(),
        Effect::LookAtBuild { .. } => "LookAtBuild".to_owned(),
        Effect::LeaveBuild { .. } => "LeaveBuild".to_owned(),
        Effect::Plan => "Plan".to_owned(),
        Effect::DiscardPlan { change_set } => format!("DiscardPlan {}", change_set.k),
        Effect::Execute => "Execute".to_owned(),
        Effect::Retire => "Retire".to_owned(),
        Effect::RunErrand => "RunErrand".to_owned(),
        Effect::LookAtErrand => "LookAtErrand".to_owned(),
        Effect::StopErrand { key, .. } => format!("StopErrand {}", key.k),
        Effect::LookAtDeployment => "LookAtDeployment".to_owned(),
        Effect::StopDeployment => "StopDeployment".to_owned(),
        Effect::GiveVerdict => "GiveVerdict".to_owned(),
        Effect::Repair => "Repair".to_owned(),
        Effect::Promote => "Promote".to_owned(),
        Effect::Announce { notice } => match notice {
            Notice::ApprovalRequested => "Announce ApprovalRequested".to_owned(),
            Notice::ApprovalReminded => "Announce ApprovalReminded".to_owned(),
            Notice::ApprovalEscalated => "Announce ApprovalEscalated".to_owned(),
            Notice::Ended => "Announce Ended".to_owned(),
            Notice::TakesLong => "Announce TakesLong".to_owned(),
            Notice::Held => "Announce Held".to_owned(),
            Notice::Repaired => "Announce Repaired".to_owned(),
        },
        Effect::Show => "Show".to_owned(),
    };
    let n = promise.key.release.n;
    match promise.due.since(now).as_seconds() {
        0 => format!("{n}:{effect}"),
        seconds => format!("{n}:{effect} in {seconds} s"),
    }
}

/// What the signal does: phases, promises made (+) and dropped (-), what is live, and the words; or why nothing.
fn outcome_line(story: &Story, signal: &Signal, later: Span) -> String {
    let now = story.now.plus(later);
    let before = &story.track;
    let advance = match decide(before, signal, now) {
        Decision::Ignore(why) => return format!("ignored: {why}"),
        Decision::Advance(advance) => advance,
    };
    let after = &advance.track;
    let mut parts = Vec::new();
    for release in &advance.changed {
        let n = release.id.n;
        let to = match release.ending() {
            Some(ending) => ending.name().to_owned(),
            None => phase_kind(&release.phase).to_owned(),
        };
        let from = before.release(n).map(|release| phase_kind(&release.phase));
        let steps = before.release(n).map_or(0, |release| release.steps.len());
        let words: Vec<&str> = release.steps[steps..].iter().map(|step| step.what.as_str()).collect();
        let moved = match from {
            Some(from) if from == to => format!("{n} stays"),
            Some(_) | None => format!("{n} -> {to}"),
        };
        parts.push(format!("{moved} \"{}\"", words.join(" / ")));
    }
    for promise in &after.outbox {
        match before.outbox.iter().find(|old| old.key == promise.key) {
            None => parts.push(format!("+{}", promise_line(promise, now))),
            Some(old) if old != promise => parts.push(format!("~{}", promise_line(promise, now))),
            Some(_) => {}
        }
    }
    for promise in &before.outbox {
        if !after.outbox.iter().any(|new| new.key == promise.key) {
            parts.push(format!("-{}", promise_line(promise, promise.due)));
        }
    }
    match (before.held().is_some(), after.held().is_some()) {
        (false, true) => parts.push("held".to_owned()),
        (true, false) => parts.push("no longer held".to_owned()),
        (true, true) | (false, false) => {}
    }
    if after.freeze_override != before.freeze_override {
        parts.push("freezes overridden".to_owned());
    }
    if after.live != before.live {
        parts.push(format!("live {}", after.live.as_ref().map_or(0, |live| live.release.n)));
    }
    parts.join("; ")
}
