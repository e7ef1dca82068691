//! Events are hints: how often and in which order they come changes nothing (I4), nor whether they come at all.

use std::collections::BTreeSet;

use local::{Delivery, Order};

use crate::story::Story;
use crate::world::tell;

pub(crate) fn thrice_and_shuffled() -> Delivery {
    Delivery { copies: 3, order: Order::Shuffled { seed: 7 }, ..Delivery::default() }
}

pub(crate) fn none_after_the_push() -> Delivery {
    let sources = ["aws.codebuild", "aws.ecr", "aws.cloudformation", "aws.ecs"];
    Delivery { suppressed: BTreeSet::from(sources.map(str::to_owned)), ..Delivery::default() }
}

/// Two pushes to their end: how everything stands must not depend on the delivery of events.
pub(crate) async fn two_pushes_are_deployed(story: &mut Story) {
    for n in [1, 2] {
        let release = story.deploys_a_version().await;
        assert_eq!(release.id.n, n);
        assert_eq!(&story.running_digest().await, Story::deployed_image(&release));
    }
    let track = story.comes_to_rest().await;
    assert_eq!(track.live.map(|live| live.release), Some(story.id(2)));
    assert_eq!(track.newest.map(|newest| newest.n), Some(2));
    assert_eq!(story.stack_status().await.as_deref(), Some("UPDATE_COMPLETE"));
    assert_eq!((story.builds().await.len(), story.deployments().await), (2, 2));
}

#[test]
fn every_event_three_times_and_shuffled_builds_and_deploys_once() {
    tell(async |mut story| {
        story.control.deliver(story.account(), thrice_and_shuffled());
        two_pushes_are_deployed(&mut story).await;
        story.person.listen().await;
        for release in [story.id(1), story.id(2)].map(|id| id.to_string()) {
            assert_eq!(story.person.times_heard(&release, "approvalRequested"), 1, "{release}");
            assert_eq!(story.person.times_heard(&release, "ended"), 1, "{release}");
        }
    });
}

#[test]
fn without_any_event_after_the_push_everything_only_takes_longer() {
    tell(async |mut story| {
        story.control.deliver(story.account(), none_after_the_push());
        two_pushes_are_deployed(&mut story).await;
    });
}

#[test]
fn a_push_that_nobody_announced_is_found_by_the_patrol() {
    tell(async |mut story| {
        story.control.deliver(story.account(), Delivery { copies: 0, ..Delivery::default() });
        story.pushes_a_version();
        story.control.deliver(story.account(), Delivery::default());
        story.sweeps().await;
        story.approves().await;
        story.ends("Deployed").await;
    });
}
