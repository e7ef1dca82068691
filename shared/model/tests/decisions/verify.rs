//! What a `verify` decides, and who carries it out: CloudFormation takes back what is not said to be well.

use model::decide::Why;
use model::effect::Effect;
use model::release::{Ending, Phase, Verdict};
use model::signal::{DeploymentSeen, ErrandSeen, Signal};

use crate::story::Story;

fn verifying() -> Story {
    Story::new().planning('a').planned_with_verify(1, 1).approved(1).executing(1).awaits_verdict(1)
}

fn verdict(story: &Story) -> Option<&Verdict> {
    story.track.release(1).unwrap().verdict.as_ref()
}

#[test]
fn only_what_was_verified_is_called_deployed() {
    let well = verifying().errand_started(1).errand_seen(1, ErrandSeen::Succeeded).deployed(1);
    assert!(matches!(well.over[0].ending(), Some(Ending::Deployed { .. })));
    let unasked = verifying().deployed(1);
    assert!(matches!(unasked.over[0].ending(), Some(Ending::Failed { .. })));
    assert_eq!(unasked.track.live, None);
}

#[test]
fn what_is_rolled_back_for_its_verify_says_what_that_found() {
    let failed = ErrandSeen::Failed { why: "payments exited with code 1".to_owned() };
    let rolled_back = DeploymentSeen::RolledBack {
        status: "UPDATE_ROLLBACK_COMPLETE".to_owned(),
        why: "WaitCondition received failed message".to_owned(),
    };
    let story = verifying().errand_started(1).errand_seen(1, failed);
    assert!(story.promised(&Effect::GiveVerdict).is_some());
    let story = story.told(&Signal::DeploymentSeen { n: 1, seen: rolled_back });
    let why = story.over[0].ending().map(Ending::reason);
    assert_eq!(why.as_deref(), Some("its `verify` failed: payments exited with code 1"));
}

#[test]
fn a_verify_that_nobody_can_start_is_none_that_passed() {
    let story = verifying();
    let key = story.errand(1);
    let story = story.told(&Signal::Refused { key, why: "no such role".to_owned() });
    let why = "could not be done: no such role".to_owned();
    assert_eq!(verdict(&story), Some(&Verdict::Unwell { why }));
    assert!(story.promised(&Effect::GiveVerdict).is_some());
    let phase = &story.track.release(1).unwrap().phase;
    assert!(matches!(phase, Phase::Deploying { errand: None, .. }), "CloudFormation ends it: {phase:?}");
}

#[test]
fn a_verdict_is_given_once() {
    let mut story = verifying().errand_started(1).errand_seen(1, ErrandSeen::Succeeded);
    let again = Signal::DeploymentSeen { n: 1, seen: DeploymentSeen::AwaitsVerdict };
    assert_eq!(story.see(&again), Err(Why::AlreadyDone));
    assert_eq!(verdict(&story), Some(&Verdict::Well));
    assert_eq!(story.promised(&Effect::RunErrand), None);
}
