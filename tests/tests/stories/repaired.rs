//! Stacks that hang: what people are told, and how an order brings them back.

use local::Mishap;
use serde_json::json;

use crate::story::Story;
use crate::words::anonymous;
use crate::world::tell;

/// The update fails, and so does its rollback.
pub(crate) fn hangs_in_its_rollback(story: &Story) {
    story.next_deployment(Mishap::DeploymentFails);
    cannot_go_back(story);
}

fn cannot_go_back(story: &Story) {
    story.next_deployment(Mishap::ResourceFails { reason: "the cluster does not exist".to_owned() });
}

#[test]
fn a_rollback_that_failed_is_gone_on_with_when_somebody_orders_it() {
    tell(async |mut story| {
        let first = story.deploys_a_version().await;
        hangs_in_its_rollback(&story);
        story.pushes_a_version();
        story.approves().await;
        story.ends("Failed").await;
        assert_eq!(story.stack_status().await.as_deref(), Some("UPDATE_ROLLBACK_FAILED"));
        let ending = story.hears_the_ending().await;
        insta::assert_snapshot!(ending.lines().last().unwrap_or_default(), @"Stack tidegate-payments-production is UPDATE_ROLLBACK_FAILED; its update failed, and so did its rollback: mend what its events name as UPDATE_FAILED, then: tidegate repair payments production --reason <why>.");

        // Nothing more can be deployed there, and that is said before anybody is asked.
        story.pushes_a_version();
        let refused = story.ends("Failed").await;
        insta::assert_snapshot!(anonymous(&refused.ending().unwrap().reason()), @"CreateChangeSet: stack tidegate-payments-production is UPDATE_ROLLBACK_FAILED; its update failed, and so did its rollback: mend what its events name as UPDATE_FAILED, then: tidegate repair payments production --reason <why>");

        cannot_go_back(&story);
        let repair = json!({ "order": "repair", "reason": "the cluster is back" });
        insta::assert_snapshot!(story.orders(&repair).await, @"taken: the stack of payments/production is looked at and repaired where it can be; what became of it is told");
        insta::assert_snapshot!(story.hears_of_the_repair().await, @r#"
        payments/production: its stack is not repaired

        payments/production: its stack is not repaired: stack tidegate-payments-production is UPDATE_ROLLBACK_FAILED again: EcsService (AWS::ECS::Service) is UPDATE_FAILED: Resource handler returned message: "the cluster does not exist" (RequestToken: <uuid>, HandlerErrorCode: GeneralServiceException); its update failed, and so did its rollback: mend what its events name as UPDATE_FAILED, then: tidegate repair payments production --reason <why>. What cannot be mended can be left as it is, and must be brought in step with the template by hand: --skip EcsService.

        Ordered by ana: the cluster is back.
        Nothing else was done.
        "#);

        story.orders(&repair).await;
        insta::assert_snapshot!(story.hears_of_the_repair().await, @"
        payments/production: its stack is repaired

        payments/production: its stack is repaired: stack tidegate-payments-production is UPDATE_ROLLBACK_COMPLETE: deployments can go on.

        Ordered by ana: the cluster is back.
        What waited is planned again. What failed at it: tidegate retry <release>
        ");
        assert_eq!(story.stack_status().await.as_deref(), Some("UPDATE_ROLLBACK_COMPLETE"));
        assert_eq!(&story.running_digest().await, Story::deployed_image(&first));

        let retry =
            json!({ "order": "retry", "release": refused.id.to_string(), "reason": "it is repaired" });
        story.orders(&retry).await;
        story.expects_release(4);
        story.approves().await;
        let fourth = story.ends("Deployed").await;
        assert_eq!(&story.running_digest().await, Story::deployed_image(&fourth));
        insta::assert_snapshot!(story.orders(&repair).await, @"taken: the stack of payments/production is looked at and repaired where it can be; what became of it is told");
        insta::assert_snapshot!(story.hears_of_the_repair().await, @"
        payments/production: its stack is not repaired

        payments/production: its stack is not repaired: stack tidegate-payments-production is UPDATE_COMPLETE; nothing hangs: deployments can go on.

        Ordered by ana: the cluster is back.
        Nothing else was done.
        ");
        assert_eq!(story.stack_status().await.as_deref(), Some("UPDATE_COMPLETE"));
    });
}

#[test]
fn what_cannot_be_put_back_is_left_when_somebody_says_so() {
    tell(async |mut story| {
        story.deploys_a_version().await;
        hangs_in_its_rollback(&story);
        story.pushes_a_version();
        story.approves().await;
        story.ends("Failed").await;
        let skip = json!({ "order": "repair", "skip": ["EcsService"], "reason": "it was replaced by hand" });
        story.orders(&skip).await;
        insta::assert_snapshot!(story.hears_of_the_repair().await, @"
        payments/production: its stack is repaired

        payments/production: its stack is repaired: stack tidegate-payments-production is UPDATE_ROLLBACK_COMPLETE: deployments can go on.

        Ordered by ana: it was replaced by hand.
        What waited is planned again. What failed at it: tidegate retry <release>
        ");
        story.deploys_a_version().await;
    });
}

#[test]
fn a_stack_that_nobody_wants_any_more_is_deleted_while_nothing_was_ever_live_in_it() {
    tell(async |mut story| {
        story.pushes_a_version();
        story.is_asked().await;
        let repair = json!({ "order": "repair", "reason": "tidying up" });
        story.orders(&repair).await;
        insta::assert_snapshot!(story.hears_of_the_repair().await, @"
        payments/production: its stack is not repaired

        payments/production: its stack is not repaired: stack tidegate-payments-production is REVIEW_IN_PROGRESS; it waits for payments-production-1: nothing hangs.

        Ordered by ana: tidying up.
        Nothing else was done.
        ");

        story.rejects("not wanted").await;
        story.ends("Rejected").await;
        assert_eq!(story.stack_status().await.as_deref(), Some("REVIEW_IN_PROGRESS"));
        story.orders(&repair).await;
        insta::assert_snapshot!(story.hears_of_the_repair().await, @"
        payments/production: its stack is repaired

        payments/production: its stack is repaired: there is no stack tidegate-payments-production any more: the next release makes it anew.

        Ordered by ana: tidying up.
        What waited is planned again. What failed at it: tidegate retry <release>
        ");
        assert_eq!(story.stack_status().await, None);
    });
}
