//! Delays, clocks and limits, to the millisecond and to the one.

use model::approval::{Answer, Voice};
use model::decide::Why;
use model::effect::{Effect, Promise};
use model::release::{Ending, How, Phase, STALE_MAX, STEPS_MAX};
use model::signal::{BuildSeen, Signal};
use model::time::Span;
use model::track::{IN_FLIGHT_MAX, OUTBOX_MAX};

use crate::story::{Story, answered, deployed, ground, image_of, person, policy, push, revision};

fn build_runs(story: &Story, phase: &str) -> Signal {
    let build = story.family(1).attempt(1);
    Signal::BuildSeen { build, seen: BuildSeen::Running { phase: phase.to_owned() } }
}

fn look(story: &Story) -> Promise {
    let is_look = |promise: &&Promise| matches!(promise.effect, Effect::LookAtBuild { .. });
    story.track.outbox.iter().find(is_look).unwrap().clone()
}

#[test]
fn looks_come_further_and_further_apart() {
    let mut story = Story::new().pushed('a').build_started(1);
    let mut delays_s = Vec::new();
    for _ in 0..6 {
        story.now = look(&story).due;
        let signal = build_runs(&story, "BUILD");
        story.see(&signal).unwrap();
        delays_s.push(look(&story).due.since(story.now).as_seconds());
    }
    assert_eq!(delays_s, [10, 20, 40, 80, 120, 120]);
}

#[test]
fn a_plan_that_is_stale_again_and_again_is_given_up() {
    let deploying = || Story::new().planning('a').planned(1, 1).approved(1);
    let last = deploying().stale_times(1, STALE_MAX - 1);
    assert_eq!(last.track.release(1).map(|release| release.phase.name()), Some("Deploying"));
    let given_up = last.stale(1);
    let why = given_up.over[0].ending().map(Ending::reason).unwrap_or_default();
    assert!(why.starts_with("its plan was out of date 5 times when its turn had come"), "{why}");
    assert!(matches!(given_up.over[0].ending(), Some(Ending::Failed { .. })));
}

#[test]
fn a_phase_has_one_clock_however_much_becomes_known_in_it() {
    let mut story = Story::new().pushed('a');
    let pushed_at = story.track.release(1).unwrap().phase_since;
    story.now = story.now.plus(Span::minutes(1));
    let story = story.build_started(1);
    assert_eq!(story.track.release(1).unwrap().phase_since, pushed_at);
    let built_at = story.now;
    let story = story.built(1);
    assert_eq!(story.track.release(1).unwrap().phase_since, built_at);
}

#[test]
fn a_full_track_takes_no_push_whichever_of_its_lists_is_full() {
    let promise = look(&Story::new().pushed('a').build_started(1));
    let mut promised = Story::new().pushed('a');
    promised.track.outbox = vec![promise; OUTBOX_MAX];
    assert_eq!(promised.see(&Signal::Pushed(push('b'))), Err(Why::TrackIsFull));

    let mut crowded = Story::new().pushed('a');
    let release = crowded.track.release(1).unwrap().clone();
    crowded.track.in_flight = vec![release; IN_FLIGHT_MAX];
    assert_eq!(crowded.see(&Signal::Pushed(push('b'))), Err(Why::TrackIsFull));
    crowded.track.in_flight.pop();
    assert_eq!(crowded.see(&Signal::Pushed(push('b'))), Ok(()), "one more fits");
}

#[test]
fn a_track_is_due_at_the_first_promise_or_deadline() {
    let mut story = Story::new().pushed('a');
    assert_eq!(story.track.due(), Some(story.track.outbox[0].due));
    let deadline = story.track.release(1).unwrap().deadline();
    story.track.outbox.clear();
    assert_eq!(story.track.due(), deadline);
    story.track.in_flight.clear();
    assert_eq!(story.track.due(), None);
}

#[test]
fn a_release_forgets_the_middle_of_a_long_story() {
    let mut story = Story::new().pushed('a').build_started(1);
    for number in 0..STEPS_MAX {
        story.now = story.now.plus(Span::minutes(3));
        let signal = build_runs(&story, &format!("step {number}"));
        story.see(&signal).unwrap();
    }
    let steps = &story.track.release(1).unwrap().steps;
    assert_eq!(steps.len(), STEPS_MAX);
    assert!(steps[0].what.contains("pushed by dana"), "{:?}", steps[0]);
    assert_eq!(steps[STEPS_MAX - 1].what, format!("building: step {}", STEPS_MAX - 1));
    assert_eq!(steps[STEPS_MAX / 2 - 1].what, format!("building: step {}", STEPS_MAX / 2 - 3));
    assert_eq!(steps[STEPS_MAX / 2].what, format!("building: step {}", STEPS_MAX / 2));
}

#[test]
fn an_answer_that_comes_too_late_ends_the_release_at_the_time_that_was_set() {
    let mut story = Story::new().planning('a').planned(1, 1);
    let Phase::AwaitingApproval { plan, asked } = story.track.release(1).unwrap().phase.clone() else {
        panic!("nobody is asked")
    };
    story.now = asked.until;
    story.see(&answered(1, plan.fingerprint, Answer::Approve, person("ana"), ground(policy(1)))).unwrap();
    assert_eq!(story.over[0].ending(), Some(&Ending::Expired { asked_until: asked.until }));
}

#[test]
fn an_ending_says_why_and_how_its_stack_was_left() {
    let rejected = |reason: &str| Ending::Rejected { by: Voice::Reply, reason: reason.to_owned() }.reason();
    assert_eq!(rejected(""), "rejected by a reply with the request's token");
    assert_eq!(rejected("not today"), "rejected by a reply with the request's token: not today");

    let live = deployed(image_of(&revision('a')));
    let status = live.stack_status.clone();
    let ending = Ending::Deployed { deployed: live, how: How::Changed };
    assert_eq!(ending.stack_status(), Some(status.as_str()));
    let rolled_back =
        Ending::RolledBack { why: "w".to_owned(), stack_status: "ROLLBACK_COMPLETE".to_owned() };
    assert_eq!(rolled_back.stack_status(), Some("ROLLBACK_COMPLETE"));
    let broken =
        Ending::Failed { why: "w".to_owned(), stack_status: Some("UPDATE_ROLLBACK_FAILED".to_owned()) };
    assert_eq!(broken.stack_status(), Some("UPDATE_ROLLBACK_FAILED"));
    assert_eq!(Ending::Failed { why: "w".to_owned(), stack_status: None }.stack_status(), None);
}

#[test]
fn a_plan_made_again_is_held_against_the_policy_of_then() {
    let story = Story::new().planning('a').planned(1, 1).approved(1).stale(1).planned_for_two(1, 1);
    let Phase::AwaitingApproval { asked, .. } = &story.track.release(1).unwrap().phase else {
        panic!("one vote of two is enough")
    };
    assert_eq!((asked.policy.required, asked.votes.len()), (2, 1));
}

#[test]
fn a_wait_is_told_once_and_only_where_the_release_waits() {
    let waits = |story: &mut Story, why: &str, seconds: u64| {
        let key = story.track.outbox[0].key.clone();
        let until = story.now.plus(Span::seconds(seconds));
        story.see(&Signal::Waiting { key, why: why.to_owned(), until }).unwrap();
        story.track.release(1).unwrap().steps.len()
    };
    let mut story = Story::new().pushed('a');
    let before = story.track.release(1).unwrap().steps.len();
    assert_eq!(waits(&mut story, "the build queue is full", 5), before + 1);
    assert_eq!(waits(&mut story, "the build queue is full", 10), before + 1);
    assert_eq!(waits(&mut story, "CodeBuild is throttled", 20), before + 2);

    let mut asking = Story::new().planning('a').planned(1, 1);
    let before = asking.track.release(1).unwrap().steps.len();
    assert_eq!(waits(&mut asking, "SNS is throttled", 5), before, "an announcement holds nothing up");
}

#[test]
fn what_is_overdue_tells_what_it_waited_for_itself() {
    let deploying = Story::new().pushed('d').planning('a').planned(2, 2).approved(2).executing(2);
    let mut story = deploying.pushed('b');
    let waits = [
        ("Announce", "SNS is throttled"),
        ("LookAtDeployment", "the stack is UPDATE_IN_PROGRESS"),
        ("StartBuild", "the build queue is full"),
    ];
    for (effect, why) in waits {
        let named = |promise: &&Promise| format!("{:?}", promise.effect).starts_with(effect);
        let key = story.track.outbox.iter().find(named).unwrap().key.clone();
        let until = story.now.plus(Span::hours(5));
        story.see(&Signal::Waiting { key, why: why.to_owned(), until }).unwrap();
    }
    story.now = story.track.release(3).unwrap().deadline().unwrap();
    story.see(&Signal::Tick).unwrap();
    let ending = story.over.last().unwrap().ending().unwrap().reason();
    assert_eq!(ending, "no image within 4 hours; it last waited for: the build queue is full");
}
