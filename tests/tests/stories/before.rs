//! `deployment.before`: a task that runs once for each release, after its approval and before anything is deployed.

use local::TaskEnd;
use model::release::ErrandKind;
use serde_json::{Value, json};

use crate::story::Story;
use crate::working_copy::sample_config;
use crate::world::tell;

pub(crate) fn migrating() -> Value {
    let mut config = sample_config();
    config["deployment"] = json!({ "before": { "command": ["./migrate", "up"], "timeoutMinutes": 5 } });
    config
}

#[test]
fn a_before_runs_once_for_each_release_between_its_approval_and_its_deployment() {
    tell(async |mut story| {
        story.pushes_config(&migrating());
        let request = story.is_asked().await;
        assert!(request.text.contains("`before` runs first, as a task: ./migrate up"), "{}", request.text);
        assert_eq!(story.errands(ErrandKind::Before).await, [], "nothing runs before its approval");
        story.approves().await;
        let first = story.ends("Deployed").await;
        assert_eq!(exit_codes(&story).await, [Some(0)]);
        let what: Vec<&str> = first.steps.iter().map(|step| step.what.as_str()).collect();
        let at = |words: &str| what.iter().position(|what| what.contains(words));
        let (ran, deployed) = (at("its `before` ended well"), at("CloudFormation deploys"));
        assert!(ran.is_some() && ran < deployed, "{what:?}");

        // The second has a stack, and so the role and the network of the service.
        story.deploys_a_version().await;
        assert_eq!(exit_codes(&story).await, [Some(0), Some(0)]);
    });
}

#[test]
fn a_before_that_fails_ends_the_release_with_its_log_and_nothing_is_deployed() {
    tell(async |mut story| {
        let first = story.deploys_a_version().await;
        let log = ["applying 0007_totals", "column orders.total does not exist"].map(str::to_owned).to_vec();
        story.next_errand(ErrandKind::Before, TaskEnd::Exits { code: 3, log });
        story.pushes_config(&migrating());
        story.approves().await;
        story.ends("Failed").await;
        insta::assert_snapshot!(story.hears_the_ending().await, @"
        payments-production-2 failed

        payments-production-2 failed: its `before` failed: payments exited with code 3: its log tells why; its last lines:
          applying 0007_totals
          column orders.total does not exist

        Revision <short> of payments on main.
        What was live before stays live. Mend the cause and push again.
        ");
        assert_eq!(&story.running_digest().await, Story::deployed_image(&first));
        assert_eq!(story.deployments().await, 1);
        let track = story.comes_to_rest().await;
        assert_eq!(track.live.map(|live| live.release), Some(first.id));
    });
}

#[test]
fn a_before_that_hangs_is_stopped_when_its_release_is_cancelled() {
    tell(async |mut story| {
        story.next_errand(ErrandKind::Before, TaskEnd::Hangs);
        story.pushes_config(&migrating());
        story.approves().await;
        story
            .until("the task runs", async || {
                story
                    .errands(ErrandKind::Before)
                    .await
                    .iter()
                    .any(|task| task.status == "RUNNING")
                    .then_some(())
            })
            .await;
        let said = story
            .orders(&json!({ "order": "cancel", "release": "payments-production-1", "reason": "it hangs" }))
            .await;
        assert!(said.starts_with("taken"), "{said}");
        let ended = story.ends("Failed").await;
        let why = ended.ending().map(model::release::Ending::reason).unwrap_or_default();
        assert!(why.contains("cancelled by ana: it hangs"), "{why}");
        story
            .until("the task is stopped", async || {
                story
                    .errands(ErrandKind::Before)
                    .await
                    .iter()
                    .all(|task| task.status == "STOPPED")
                    .then_some(())
            })
            .await;
        assert_eq!(story.stack_status().await.as_deref(), Some("REVIEW_IN_PROGRESS"));
    });
}

async fn exit_codes(story: &Story) -> Vec<Option<i32>> {
    story.errands(ErrandKind::Before).await.iter().map(|task| task.ended.containers[0].exit_code).collect()
}
