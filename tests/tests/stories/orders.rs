//! What people order: holds, rollbacks, redeploys, retries; and promotion from one environment to the next.

use model::release::{Ending, Origin};
use serde_json::{Value, json};

use crate::people::as_read;
use crate::story::Story;
use crate::working_copy::{BRANCH, sample_config};
use crate::world::tell;

#[test]
fn one_digest_goes_from_staging_to_production_without_a_second_build() {
    tell(async |mut story| {
        story.has_environment("staging").await;
        story.pushes_config(&promoted_config());
        story.approves_release("payments-staging-1").await;
        let staged = story.release_ends("payments-staging-1", "Deployed").await;
        let request = story.approves_release("payments-production-1").await;
        let promoted = story.release_ends("payments-production-1", "Deployed").await;
        assert_eq!(promoted.origin, Origin::Promotion { of: staged.id.clone() });
        assert_eq!(Story::deployed_image(&promoted), Story::deployed_image(&staged));
        assert_eq!(&story.running_digest().await, Story::deployed_image(&staged));
        assert_eq!(story.builds().await.len(), 1);
        assert!(as_read(&request).contains("Promoted from payments-staging-1."), "{}", as_read(&request));

        // The next one goes the same way, and once.
        story.pushes_a_version();
        story.approves_release("payments-staging-2").await;
        let staged = story.release_ends("payments-staging-2", "Deployed").await;
        story.approves_release("payments-production-2").await;
        let promoted = story.release_ends("payments-production-2", "Deployed").await;
        assert_eq!(Story::deployed_image(&promoted), Story::deployed_image(&staged));
        assert_eq!(story.comes_to_rest().await.newest.map(|newest| newest.n), Some(2));
    });
}

#[test]
fn after_a_rollback_a_push_waits_until_the_hold_is_lifted() {
    tell(async |mut story| {
        let first = story.deploys_a_version().await;
        story.deploys_a_version().await;

        let rollback = json!({ "order": "rollback", "reason": "checkout is slow" });
        insta::assert_snapshot!(story.orders(&rollback).await, @"taken: payments/production goes back to payments-production-1 once the plan is approved, and is held until it is lifted");
        story.expects_release(3);
        let request = as_read(&story.approves().await);
        let said = "Back to payments-production-1, ordered by ana: checkout is slow.";
        assert!(request.contains(said), "{request}");
        let back = story.ends("Deployed").await;
        assert_eq!(back.origin, Origin::Rollback { to: first.id.clone() });
        assert_eq!(&story.running_digest().await, Story::deployed_image(&first));
        assert_eq!(story.builds().await.len(), 2);
        let ending = story.hears_the_ending().await;
        assert!(ending.contains("tidegate lift payments production"), "{ending}");

        story.pushes_a_version();
        story.approves().await;
        story.reaches("Ready").await;
        story.sweeps().await;
        assert_eq!(story.reaches("Ready").await.id.n, 4);
        assert_eq!(&story.running_digest().await, Story::deployed_image(&first));

        let lift = json!({ "order": "lift", "reason": "mended" });
        insta::assert_snapshot!(story.orders(&lift).await, @"taken: payments/production is no longer held");
        let fourth = story.ends("Deployed").await;
        assert_eq!(&story.running_digest().await, Story::deployed_image(&fourth));
    });
}

#[test]
fn only_whom_the_record_names_may_order() {
    tell(async |mut story| {
        story.deploys_a_version().await;
        let hold = json!({ "order": "hold", "by": "ben", "reason": "just so" });
        insta::assert_snapshot!(story.orders(&hold).await, @"refused: ben may not hold in production: its record's may.hold names user:ana");
        let rollback = json!({ "order": "rollback", "reason": "nothing to go back to" });
        insta::assert_snapshot!(story.orders(&rollback).await, @"refused: nothing else was deployed among the last 50 releases");
        let stranger = json!({ "order": "hold", "by": "zoe", "reason": "just so" });
        let refused = story.orders(&stranger).await;
        assert!(
            refused.starts_with("refused (403): nobody in the record of people is IAM AIDA"),
            "{refused}"
        );
        let mut wrong =
            story.signs(&json!({ "order": "hold", "track": story.track_key(), "reason": "?" }), "ana").await;
        wrong["order"] = json!("undo");
        insta::assert_snapshot!(story.gives(&wrong).await, @r#"refused (400): order is "undo": it must be approve, reject, hold, lift, cancel, retry, rollback, redeploy, retire, override, repair, redrive, drop or drill"#);
        assert!(story.track().await.held().is_none());
    });
}

#[test]
fn a_redeploy_starts_the_same_image_anew() {
    tell(async |mut story| {
        let first = story.deploys_a_version().await;
        let before = story.track().await.live.expect("something is live").task_definition;
        story.orders(&json!({ "order": "redeploy", "reason": "the database password was rotated" })).await;
        story.expects_release(2);
        story.approves().await;
        let second = story.ends("Deployed").await;
        assert_eq!(Story::deployed_image(&second), Story::deployed_image(&first));
        let after = story.track().await.live.expect("something is live").task_definition;
        assert_ne!(before, after);

        // What comes later keeps the mark, so that it changes nothing by itself.
        story.pushes_nothing_new();
        story.ends("Deployed").await;
        let third = story.comes_to_rest().await.live.expect("something is live");
        assert_eq!(third.task_definition, after);
    });
}

#[test]
fn what_was_cancelled_can_be_tried_again_without_a_build() {
    tell(async |mut story| {
        story.pushes_a_version();
        story.is_asked().await;
        let cancel =
            json!({ "order": "cancel", "release": "payments-production-1", "reason": "wrong ticket" });
        story.orders(&cancel).await;
        let first = story.ends("Cancelled").await;
        assert!(matches!(first.ending(), Some(Ending::Cancelled { .. })));
        let ending = story.hears_the_ending().await;
        assert!(ending.contains("cancelled by ana: wrong ticket"), "{ending}");
        assert!(ending.contains("tidegate retry payments-production-1"), "{ending}");
        let retry = json!({ "order": "retry", "release": "payments-production-1", "reason": "it was right" });
        story.orders(&retry).await;
        story.expects_release(2);
        story.approves().await;
        story.ends("Deployed").await;
        assert_eq!(story.builds().await.len(), 1);
    });
}

/// Staging takes pushes, production takes what staging has proven.
fn promoted_config() -> Value {
    let mut config = sample_config();
    config["environments"] = json!({
        "staging": { "branch": BRANCH },
        "production": { "after": "staging" },
    });
    config
}
