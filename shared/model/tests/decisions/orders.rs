//! Orders and promotions, where the matrix shows one step and these show the way.

use model::decide::Why;
use model::effect::{Effect, Notice, Promise};
use model::order::{Order, Repaired};
use model::release::{Ending, Origin, Phase};
use model::signal::{DeploymentSeen, Signal};
use model::time::Span;

use crate::story::{Story, image_of, ordered, promotion, revision};

/// a, then b: both were deployed, b is live.
fn live_twice() -> Story {
    let live = Story::new().planning('a').planned(1, 1).approved(1).executing(1).deployed(1);
    live.planning('b').planned(2, 2).approved(2).executing(2).deployed(2)
}

fn rolled_back() -> Story {
    let story = live_twice();
    let to = story.stored(1);
    story.orders(Order::Rollback { to })
}

#[test]
fn a_push_after_a_rollback_waits_for_the_hold_and_is_planned_again_when_it_is_lifted() {
    let story = rolled_back().planned(3, 3).approved(3).executing(3).deployed(3);
    assert_eq!(story.track.live.as_ref().unwrap().image, image_of(&revision('a')));
    let story = story.planning('c').planned(4, 4).approved(4);
    assert!(matches!(story.track.release(4).unwrap().phase, Phase::Ready { .. }));
    let story = story.orders(Order::Lift);
    assert!(matches!(story.track.release(4).unwrap().phase, Phase::Planning { before: Some(_), .. }));
    let story = story.planned(4, 4);
    assert!(matches!(story.track.release(4).unwrap().phase, Phase::Deploying { .. }), "its approval counts");
}

#[test]
fn the_branch_stays_as_new_as_it_was_so_that_its_head_is_not_released_again() {
    let mut story = rolled_back();
    assert_eq!(story.see(&Signal::Pushed(crate::story::push('b'))), Err(Why::AlreadyDone));
    assert_eq!(story.track.newest.as_ref().unwrap().n, 3);
}

#[test]
fn what_a_push_overtakes_is_not_a_rollback_unless_the_hold_was_lifted() {
    let story = rolled_back().planned(3, 3).planning('c').planned(4, 4);
    assert!(story.track.release(3).is_some());
    let story = story.orders(Order::Lift).approved(4);
    assert!(matches!(story.track.release(4).unwrap().phase, Phase::Deploying { .. }));
    let ending = story.over.last().unwrap().ending().unwrap();
    assert!(matches!(ending, Ending::Superseded { by } if by.n == 4), "I8: {ending:?}");
}

#[test]
fn after_a_rollback_the_one_before_what_it_stands_for_is_older_still() {
    let story = rolled_back().planned(3, 3).approved(3).executing(3).deployed(3);
    assert_eq!(story.track.live.as_ref().unwrap().stands_for().n, 1);
    let mut again = story.clone();
    let to_itself = Order::Rollback { to: story.stored(3) };
    let signal = Signal::Ordered { order: to_itself, ordered: ordered(9) };
    assert_eq!(again.see(&signal), Err(Why::AlreadyLive));
    let forward = story.orders(Order::Rollback { to: live_twice().stored(2) });
    let origin = &forward.track.release(4).unwrap().origin;
    assert!(matches!(origin, Origin::Rollback { to } if to.n == 2), "{origin:?}");
}

#[test]
fn an_order_that_is_sent_again_is_taken_once() {
    let mut story = live_twice();
    let hold = Signal::Ordered { order: Order::Hold, ordered: ordered(1) };
    let lift = Signal::Ordered { order: Order::Lift, ordered: ordered(2) };
    assert_eq!(story.see(&hold), Ok(()));
    assert_eq!(story.see(&lift), Ok(()));
    assert_eq!(story.see(&hold), Err(Why::AlreadyDone), "late, and the hold is over");
    assert!(story.track.held().is_none());
}

fn repair() -> Order {
    Order::Repair { skip: Vec::new() }
}

#[test]
fn nothing_is_planned_and_nobody_gets_a_turn_while_the_stack_is_repaired() {
    let story = live_twice().planning('c').planned(3, 3).orders(repair());
    let key = story.track.repairing().expect("it is repaired").key.clone();
    let mut story = story.approved(3);
    assert!(matches!(story.track.release(3).unwrap().phase, Phase::Ready { .. }), "I2");
    assert_eq!(
        story.see(&Signal::Ordered { order: repair(), ordered: ordered(8) }),
        Err(Why::AlreadyRepairing)
    );
    let outcome = Repaired::NotDone { why: "it cannot be mended".into() };
    assert_eq!(story.see(&Signal::RepairEnded { key: key.clone(), outcome }), Ok(()));
    assert!(matches!(story.track.release(3).unwrap().phase, Phase::Planning { before: Some(_), .. }));
    assert!(story.promised(&Effect::Plan).is_some(), "the stack has moved: its plan is made again");
    assert!(story.promised(&Effect::Announce { notice: Notice::Repaired }).is_some());
    let late = Repaired::Done { what: "it is well".into() };
    assert_eq!(story.see(&Signal::RepairEnded { key, outcome: late }), Err(Why::AlreadyDone), "I4");
}

#[test]
fn what_runs_is_not_interrupted_by_a_repair() {
    let mut story = live_twice().planning('c').planned(3, 3).approved(3).executing(3);
    assert_eq!(
        story.see(&Signal::Ordered { order: repair(), ordered: ordered(8) }),
        Err(Why::Deploying),
        "I2"
    );
}

#[test]
fn a_repair_that_does_not_end_is_told_of() {
    let mut story = live_twice().orders(repair());
    story.track.outbox.retain(|promise| promise.effect == Effect::Repair);
    story.track.outbox[0].due = story.now.plus(Span::hours(9));
    assert_eq!(story.track.due(), Some(story.track.repair.as_ref().unwrap().since.plus(Span::hours(4))));
    story.now = story.now.plus(Span::hours(4));
    assert_eq!(story.see(&Signal::Tick), Ok(()), "I3");
    assert!(story.promised(&Effect::Announce { notice: Notice::Repaired }).is_some());
    assert!(
        matches!(&story.track.repair.as_ref().unwrap().outcome, Some(Repaired::NotDone { why }) if why.contains("4 hours"))
    );
    assert!(story.promised(&Effect::Repair).is_none());
}

#[test]
fn a_hold_is_told_of_every_day() {
    let mut story = live_twice().orders(Order::Hold);
    let told = |story: &Story| {
        let held = Effect::Announce { notice: Notice::Held };
        story.track.outbox.iter().filter(|promise| promise.effect == held).count()
    };
    assert_eq!(told(&story), 1);
    assert_eq!(story.see(&Signal::Tick), Err(Why::NothingDue));
    for day in 2..=3 {
        story.now = story.track.held().unwrap().told.plus(Span::hours(24));
        assert_eq!(story.see(&Signal::Tick), Ok(()));
        assert_eq!(told(&story), day);
    }
    let story = story.orders(Order::Lift);
    assert_eq!(story.track.due(), story.track.outbox.iter().map(|promise| promise.due).min());
}

#[test]
fn promotions_are_taken_in_the_order_of_the_track_before() {
    let mut story = Story::new();
    assert_eq!(story.see(&Signal::Promoted(promotion('b', 2))), Ok(()));
    assert_eq!(story.see(&Signal::Promoted(promotion('b', 2))), Err(Why::AlreadyDone));
    assert_eq!(story.see(&Signal::Promoted(promotion('a', 1))), Err(Why::AlreadyDone), "I8: it is older");
    assert_eq!(story.see(&Signal::Promoted(promotion('c', 3))), Ok(()));
    assert_eq!(story.track.in_flight.len(), 1);
    assert!(!story.track.outbox.iter().any(|promise| promise.effect == Effect::StartBuild));
}

#[test]
fn a_deployment_that_exceeds_its_limit_is_taken_back_and_told_of_only_when_that_hangs() {
    let mut story =
        Story::new().planning('a').planned_within(1, 1, Span::minutes(30)).approved(1).executing(1);
    let stop = |story: &Story| story.promised(&Effect::StopDeployment).is_some();
    let told = |story: &Story| story.promised(&Effect::Announce { notice: Notice::TakesLong }).is_some();
    story.now = story.now.plus(Span::minutes(31));
    story.see(&Signal::Tick).unwrap();
    assert!(stop(&story) && !told(&story));
    story.now = story.now.plus(Span::minutes(59));
    assert_eq!(story.see(&Signal::Tick), Err(Why::NothingDue));
    story.now = story.now.plus(Span::minutes(2));
    story.see(&Signal::Tick).unwrap();
    assert!(told(&story));
    let seen =
        DeploymentSeen::RolledBack { status: "UPDATE_ROLLBACK_COMPLETE".into(), why: "cancelled".into() };
    story.see(&Signal::DeploymentSeen { n: 1, seen }).unwrap();
    let reason = story.over.last().unwrap().ending().unwrap().reason();
    assert_eq!(reason, "it was not done within its time limit and was cancelled; cancelled");
}

#[test]
fn what_completes_although_it_was_cancelled_is_deployed() {
    let story = Story::new().planning('a').planned(1, 1).approved(1).executing(1);
    let story = story.orders(Order::Cancel { n: 1 }).deployed(1);
    assert!(story.track.live.is_none(), "whoever takes it back may be at it: it may be deleted all the same");
    let key = story.promised(&Effect::StopDeployment).unwrap();
    let story = story.told(&Signal::Done { key }).deployed(1);
    assert_eq!(story.track.live.as_ref().unwrap().release.n, 1);
    assert!(story.promised(&Effect::StopDeployment).is_none(), "nothing is left to stop");
}

#[test]
fn a_retry_begins_where_its_release_had_come_to() {
    let cancelled = |story: Story| story.orders(Order::Cancel { n: 1 });
    let story = cancelled(Story::new().pushed('a'));
    let story = {
        let of = story.stored(1);
        story.orders(Order::Retry { of })
    };
    assert!(matches!(story.track.release(2).unwrap().phase, Phase::Building { .. }));
    let story = cancelled(Story::new().planning('a'));
    let story = {
        let of = story.stored(1);
        story.orders(Order::Retry { of })
    };
    assert!(matches!(story.track.release(2).unwrap().phase, Phase::Planning { .. }), "no second build");
}

#[test]
fn a_freeze_ends_in_a_new_plan() {
    let mut story = Story::new().planning('a').planned(1, 1).approved(1).frozen(1);
    assert_eq!(story.see(&Signal::Tick), Err(Why::NothingDue));
    story.now = story.now.plus(Span::hours(4));
    story.see(&Signal::Tick).unwrap();
    let story = story.planned(1, 1);
    assert!(matches!(story.track.release(1).unwrap().phase, Phase::Deploying { .. }));
}

/// a was deployed, and its retirement is planned.
fn retiring() -> Story {
    Story::new().planning('a').planned(1, 1).approved(1).executing(1).deployed(1).retiring(2)
}

fn cancel(n: u32) -> Signal {
    Signal::Ordered { order: Order::Cancel { n }, ordered: ordered(8) }
}

#[test]
fn what_is_retired_is_live_no_more_once_its_stack_is_gone_and_not_before() {
    let story = retiring().approved(2).cleared(2).executing(2);
    assert_eq!(story.track.live.as_ref().unwrap().release.n, 1);
    let story = story.gone(2);
    assert!(story.track.live.is_none());
    assert_eq!(story.track.retired.as_ref().unwrap().release.n, 2);
    assert!(story.promised(&Effect::LookAtDeployment).is_none());
    let promotes = |promise: &Promise| promise.key.release.n == 2 && promise.effect == Effect::Promote;
    assert!(!story.track.outbox.iter().any(promotes));
    let mut again = story.clone();
    assert_eq!(again.see(&Signal::Pushed(crate::story::push('a'))), Err(Why::AlreadyDone), "its head is old");
    let story = story.planning('b').planned(3, 3).approved(3).executing(3).deployed(3);
    assert_eq!(story.track.live.as_ref().unwrap().release.n, 3);
}

#[test]
fn a_retirement_is_cancelled_until_its_deletion_is_promised_and_never_after() {
    for story in [retiring(), retiring().approved(2)] {
        let mut story = story;
        assert_eq!(story.see(&cancel(2)), Ok(()));
        assert!(matches!(story.over.last().unwrap().ending(), Some(Ending::Cancelled { .. })));
        let late = Signal::Cleared { n: 2, key: story.key(2, story.track.promised) };
        assert_eq!(story.see(&late), Err(Why::ReleaseIsOver));
    }
    for story in [retiring().approved(2).cleared(2), retiring().approved(2).cleared(2).executing(2)] {
        let mut story = story;
        assert_eq!(story.see(&cancel(2)), Err(Why::BeingDeleted));
    }
}

#[test]
fn what_was_found_before_the_deletion_was_promised_no_longer_stops_it() {
    let story = retiring().approved(2);
    let key = story.promised(&Effect::Execute).unwrap();
    let mut story = story.cleared(2);
    let until = story.now.plus(Span::hours(1));
    let frozen = model::release::Frozen { until, why: "no Friday evenings".to_owned() };
    assert_eq!(story.see(&Signal::Frozen { n: 2, key, frozen }), Err(Why::AnotherPlan));
    assert!(story.promised(&Effect::Retire).is_some());
}

#[test]
fn a_push_that_comes_as_far_takes_the_place_of_a_retirement() {
    let story = retiring().planning('b');
    assert!(story.track.release(2).is_some(), "it waits for approval, and the push has no plan yet");
    let story = story.planned(3, 3);
    let ending = story.over.last().unwrap().ending().unwrap();
    assert!(matches!(ending, Ending::Superseded { by } if by.n == 3), "{ending:?}");
    assert!(story.track.live.is_some());
}

#[test]
fn what_ran_elsewhere_is_not_gone_back_to() {
    let mut story = live_twice();
    let mut elsewhere = story.stored(1);
    elsewhere.id.track.environment = "staging".parse().unwrap();
    let signal = Signal::Ordered { order: Order::Rollback { to: elsewhere }, ordered: ordered(9) };
    assert_eq!(story.see(&signal), Err(Why::AnotherTrack));
    assert!(story.track.in_flight.is_empty() && story.track.held().is_none());
}

#[test]
fn a_rollback_that_is_ordered_again_while_it_is_in_flight_is_one() {
    let mut story = rolled_back();
    let signal = Signal::Ordered { order: Order::Rollback { to: story.stored(1) }, ordered: ordered(9) };
    assert_eq!(story.see(&signal), Ok(()));
    assert_eq!(story.track.in_flight.len(), 1);
    assert_eq!(story.see(&signal), Err(Why::AlreadyDone));
}
