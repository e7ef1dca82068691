//! Deployments that go wrong: never called a success (I6), and what was live stays live.

use local::Mishap;

use crate::story::Story;
use crate::world::tell;

#[test]
fn a_stack_that_rolls_back_is_told_with_what_failed_first() {
    tell(async |mut story| a_second_push_is_rolled_back(&mut story).await);
}

pub(crate) async fn a_second_push_is_rolled_back(story: &mut Story) {
    let first = story.deploys_a_version().await;
    story.next_deployment(Mishap::ResourceFails { reason: "Service quota exceeded".to_owned() });
    story.pushes_a_version();
    story.approves().await;
    story.ends("RolledBack").await;
    // The same words however the story is told: with and without faults.
    let read = story.hears_the_ending().await;
    insta::allow_duplicates! {
        insta::assert_snapshot!(read, @r#"
        payments-production-2 was rolled back

        payments-production-2 was rolled back: EcsService (AWS::ECS::Service) is UPDATE_FAILED: Resource handler returned message: "Service quota exceeded" (RequestToken: <uuid>, HandlerErrorCode: GeneralServiceException).

        Revision <short> of payments on main.
        What was live before stays live. Mend the cause and push again.
        "#);
    }
    assert_eq!(story.stack_status().await.as_deref(), Some("UPDATE_ROLLBACK_COMPLETE"));
    assert_eq!(&story.running_digest().await, Story::deployed_image(&first));
    let track = story.comes_to_rest().await;
    assert_eq!(track.live.map(|live| live.release), Some(first.id));
}

#[test]
fn a_first_deployment_that_rolled_back_is_made_again_by_the_next_push() {
    tell(async |mut story| {
        story.next_deployment(Mishap::ResourceFails { reason: "Service quota exceeded".to_owned() });
        story.pushes_a_version();
        story.approves().await;
        story.ends("RolledBack").await;
        assert_eq!(story.stack_status().await.as_deref(), Some("ROLLBACK_COMPLETE"));
        let second = story.deploys_a_version().await;
        assert_eq!(story.stack_status().await.as_deref(), Some("CREATE_COMPLETE"));
        assert_eq!(&story.running_digest().await, Story::deployed_image(&second));
    });
}

#[test]
fn a_service_deployment_that_rolls_back_is_no_success_whatever_the_stack_completes() {
    tell(async |mut story| {
        let first = story.deploys_a_version().await;
        story.next_deployment(Mishap::DeploymentFails);
        story.pushes_a_version();
        story.approves().await;
        story.ends("RolledBack").await;
        insta::assert_snapshot!(story.hears_the_ending().await, @r#"
        payments-production-2 was rolled back

        payments-production-2 was rolled back: EcsService (AWS::ECS::Service) is UPDATE_FAILED: Resource handler returned message: "Error occurred during operation 'ECS Deployment Circuit Breaker was triggered'." (RequestToken: <uuid>, HandlerErrorCode: GeneralServiceException).

        Revision <short> of payments on main.
        What was live before stays live. Mend the cause and push again.
        "#);
        assert_eq!(story.stack_status().await.as_deref(), Some("UPDATE_ROLLBACK_COMPLETE"));
        assert_eq!(&story.running_digest().await, Story::deployed_image(&first));

        // And the service can be deployed again.
        let third = story.deploys_a_version().await;
        assert_eq!(&story.running_digest().await, Story::deployed_image(&third));
    });
}

#[test]
fn a_completed_deployment_that_runs_the_old_digest_is_a_failure() {
    tell(async |mut story| {
        let first = story.deploys_a_version().await;
        story.next_deployment(Mishap::RunsTheOldImage);
        story.pushes_a_version();
        story.approves().await;
        story.ends("Failed").await;
        insta::assert_snapshot!(story.hears_the_ending().await, @"
        payments-production-2 failed

        payments-production-2 failed: the stack is UPDATE_COMPLETE, but the service runs <digest> and not <digest>.

        Revision <short> of payments on main.
        Look at what stack tidegate-payments-production runs. Mend the cause and push again.
        ");
        assert_eq!(story.stack_status().await.as_deref(), Some("UPDATE_COMPLETE"));
        assert_eq!(&story.running_digest().await, Story::deployed_image(&first));
        let track = story.comes_to_rest().await;
        assert_eq!(track.live.map(|live| live.release), Some(first.id));
    });
}
