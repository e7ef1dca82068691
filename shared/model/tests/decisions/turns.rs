//! Whose turn it is, where chance seldom leads.

use model::effect::Effect;
use model::release::{Ending, Phase};
use model::signal::{BuildSeen, Signal};

use crate::story::{Story, deployed, image_of, revision};

#[test]
fn finding_no_changes_is_not_believed_once_an_older_release_deploys() {
    // b waits for approval, then a, which is live, is pushed again: nothing would change, as long as b stays where it is.
    let live = Story::new().planning('a').planned(1, 1).approved(1).executing(1).deployed(1);
    let mut story = live.planning('b').planned(2, 2).planning('a');
    let plan = |promise: &&model::effect::Promise| promise.effect == Effect::Plan;
    let key = story.track.outbox.iter().find(plan).unwrap().key.clone();
    let up_to_date = Signal::UpToDate { n: 3, key, deployed: deployed(image_of(&revision('a'))) };
    story = story.approved(2).executing(2);
    assert!(story.see(&up_to_date).is_err());
    story = story.deployed(2);
    assert!(story.see(&up_to_date).is_err(), "what was read before b was deployed is no longer so");
    assert_eq!(story.track.live.as_ref().unwrap().release.n, 2);
    assert!(matches!(story.track.release(3).unwrap().phase, Phase::Planning { .. }));
    assert!(story.track.outbox.iter().any(|promise| promise.effect == Effect::Plan), "it is planned anew");
}

#[test]
fn a_release_whose_plan_is_stale_gives_way_to_a_newer_one_that_is_ready() {
    let mut story = Story::new().planning('a').planned(1, 1).approved(1).planning('b').ready(2).stale(1);
    let newer = story.track.release(2).unwrap();
    assert!(matches!(newer.phase, Phase::Planning { .. }), "its votes are counted once more: {newer:?}");
    story = story.planned(2, 2);
    assert!(matches!(story.track.release(2).unwrap().phase, Phase::Deploying { .. }));
    let ending = story.over.last().unwrap().ending().unwrap();
    assert!(matches!(ending, Ending::Superseded { by } if by.n == 2), "{ending:?}");
}

#[test]
fn a_deployment_that_may_not_be_looked_at_goes_on() {
    let mut story = Story::new().planning('a').planned(1, 1).approved(1).executing(1);
    let look = |promise: &&model::effect::Promise| promise.effect == Effect::LookAtDeployment;
    let key = story.track.outbox.iter().find(look).unwrap().key.clone();
    story.see(&Signal::Refused { key, why: "not allowed to DescribeStackEvents".to_owned() }).unwrap();
    assert!(matches!(story.track.release(1).unwrap().phase, Phase::Deploying { started: true, .. }));
    assert!(story.track.outbox.iter().any(|promise| promise.effect == Effect::LookAtDeployment));
    story = story.deployed(1);
    assert_eq!(story.track.live.as_ref().unwrap().release.n, 1);
}

#[test]
fn a_plan_that_was_found_stale_before_it_was_made_again_is_not_made_once_more() {
    let mut story = Story::new().planning('a').planned(1, 1).approved(1);
    let execute = |promise: &&model::effect::Promise| promise.effect == Effect::Execute;
    let key = story.track.outbox.iter().find(execute).unwrap().key.clone();
    let stale = Signal::PlanStale { n: 1, key, why: "its change set is gone".to_owned() };
    story.see(&stale).unwrap();
    story = story.planned(1, 1);
    assert!(story.see(&stale).is_err(), "a hand that was slow to tell speaks of the plan before");
    assert!(matches!(story.track.release(1).unwrap().phase, Phase::Deploying { .. }));
}

#[test]
fn what_stood_against_a_deployment_is_kept_also_where_an_event_told_of_it_first() {
    let against = "database payments can be restored only to 42 min 0 s ago";
    let started = Signal::ExecutionStarted { n: 1, warning: Some(against.to_owned()) };
    for story in [
        Story::new().planning('a').planned(1, 1).approved(1),
        Story::new().planning('a').planned(1, 1).approved(1).executing(1),
    ] {
        let mut story = story.told(&started);
        assert!(story.see(&started).is_err(), "it is said once");
        let story = story.deployed(1);
        let release = story.over.last().unwrap();
        assert_eq!(release.warning.as_deref(), Some(against));
        let said = |step: &&model::release::Step| step.what == format!("deployed although {against}");
        assert_eq!(release.steps.iter().filter(said).count(), 1);
    }
}

#[test]
fn a_release_whose_build_failed_keeps_where_its_log_is() {
    let story = Story::new().pushed('a').build_started(1);
    let log = Some("https://console.example.com/builds/1".to_owned());
    let seen = BuildSeen::Failed { why: "exit status 1".to_owned(), log: log.clone() };
    let story = story.clone().told(&Signal::BuildSeen { build: story.family(1).attempt(1), seen });
    assert_eq!(story.over[0].build_log, log);
    assert!(matches!(story.over[0].ending(), Some(Ending::Failed { .. })));
}
